/* People who log in: users, their sessions and their tokens. */
#ifndef CARETAKER_MODEL_USER_H
#define CARETAKER_MODEL_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/err.h"

#define USER_ID_BYTES    64  /* As PERSON_BYTES: a user is who does something. */
#define USER_NAME_BYTES  128 /* As people are called. */
#define TOKEN_NAME_BYTES 64

/* Each may what the ones before may. */
enum role {
    ROLE_NONE,          /* Nothing. */
    ROLE_VIEWER,        /* Looks. */
    ROLE_TECHNICIAN,    /* Alarms, tickets. */
    ROLE_ENGINEER,      /* Service, plans, ledger, rules, registers. */
    ROLE_ADMINISTRATOR, /* Users, and the tokens of others. */
    ROLE_COUNT
};

/* "none" "viewer" "technician" "engineer" "administrator" */
const char *role_name(enum role r);
const char *role_word(enum role r); /* For people. */
/* The last four only: nobody is given none. */
bool role_parse(enum role *out, const char *text);
#define ROLES_ACCEPTED "viewer, technician, engineer or administrator"

struct user {
    char id[USER_ID_BYTES];
    char name[USER_NAME_BYTES];
    enum role role;
    bool has_language;
    enum language language;
    int64_t created_ms;
    bool disabled;
};

/* What an id may be: [a-z0-9][a-z0-9_-]*, as those of people in the site file. */
int user_check_id(const char *id, struct err *err);
/* One line that says something. */
int user_check_name(const char *name, struct err *err);

/* What a command changes of users and tokens; `user` is whose. */
struct people_change {
    const char *user;
    const char *name;     /* Add: NULL is the id.  Change: NULL leaves it. */
    enum role role;       /* ROLE_NONE: not given. */
    const char *language; /* NULL: not given; "": none. */
    bool has_disabled, disabled;
    const char *password;      /* The hash of one that was set; never the password. */
    int64_t token;             /* token.revoke: its number; 0: not given. */
    const char *token_name;    /* token.add */
    const unsigned char *hash; /* token.add: that of its secret, SECRETS_HASH_BYTES. */
    int64_t for_ms;            /* token.add: how long it holds; 0: until revoked. */
};

#endif
