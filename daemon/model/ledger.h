/* The ledger: what is known of a piece of equipment beside what its sensors say.
 *
 * The site file tells it, and people add to it while the daemon runs: a field of the
 * database stands before the file's. */
#ifndef CARETAKER_MODEL_LEDGER_H
#define CARETAKER_MODEL_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/alarm.h"
#include "daemon/model/site.h"
#include "daemon/model/words.h"

#define LEDGER_TEXT_BYTES 512  /* Of a value, with its NUL: a line of a data sheet. */
#define LEDGER_LINK_BYTES 1024 /* Of a link or path, with its NUL. */
#define LEDGER_DATE_BYTES 11   /* YYYY-MM-DD */
#define LEDGER_DESIGN_MAX INT64_C(1000000000)      /* Hours, or starts. */
#define LEDGER_PRICE_MAX  INT64_C(100000000000000) /* Hundredths. */
#define LEDGER_NEAR_DAYS  60 /* A paper that runs out within these is told of. */

/* In the order of listings and of the columns of a file. */
enum ledger_key {
    LEDGER_MAKER,
    LEDGER_MODEL,
    LEDGER_SPECIFICATION,
    LEDGER_SERIAL,
    LEDGER_SUPPLIER,
    LEDGER_INSTALLED,    /* YYYY-MM-DD */
    LEDGER_DESIGN_LIFE,  /* "15y" */
    LEDGER_DESIGN_HOURS, /* A whole number, as the next one. */
    LEDGER_DESIGN_STARTS,
    LEDGER_WARRANTY_UNTIL,
    LEDGER_PRICE, /* "12500.00" */
    LEDGER_AREA,
    LEDGER_KEEPER, /* A person's id. */
    LEDGER_KEY_COUNT
};

/* "maker", "design_life", ... as in the site file. */
const char *ledger_key_name(enum ledger_key k);
bool ledger_key_parse(enum ledger_key *out, const char *text);
/* What a field may be, for people: "a day such as 2019-06-01 is accepted". */
const char *ledger_key_accepted(enum ledger_key k);

/* `text` (NULL: "") as the value that is kept, without blanks around it; "" empties the
 * field.  Days are taken as spreadsheets write them, too: 2019/6/1.  ERR_RANGE says
 * what is accepted. */
int ledger_value_read(char out[LEDGER_TEXT_BYTES],
                      enum ledger_key k,
                      const char *text,
                      struct err *err);
/* What the site file says; "" when it says nothing. */
char *ledger_file_value(char out[LEDGER_TEXT_BYTES],
                        const struct ledger *l,
                        enum ledger_key k);
/* A day as a spreadsheet or a person writes it, as YYYY-MM-DD; "" for NULL and "". */
int ledger_day_read(char out[LEDGER_DATE_BYTES], const char *text, struct err *err);
/* One line of text without blanks around it, of less than `out_size` bytes. */
int ledger_text_read(char *out, size_t out_size, const char *text, struct err *err);

/* What a command changes. */
struct ledger_change {
    const char *device;
    enum ledger_key key;
    const char *value; /* As somebody wrote it; NULL or "": it becomes empty. */
};

/* A field that people changed. */
struct ledger_field {
    const char *device;
    enum ledger_key key;
    char value[LEDGER_TEXT_BYTES]; /* "": nothing, whatever the file says. */
    bool gone;                     /* The file's value holds again: there is no row. */
    char by[PERSON_BYTES];
    int64_t changed_ms;
};

struct ledger_document {
    const char *device;
    int64_t number; /* 1, 2, ... per site, never reused; 0: the site file's. */
    char title[TITLE_BYTES];
    char link[LEDGER_LINK_BYTES];
    enum document_kind kind;
    char valid_until[LEDGER_DATE_BYTES]; /* "": for ever. */
    char by[PERSON_BYTES];               /* "" for the site file's. */
    int64_t added_ms;                    /* INSTANT_NONE for the site file's. */
    char removed_by[PERSON_BYTES];
    int64_t removed_ms; /* INSTANT_NONE: it holds. */
};

struct ledger_alteration {
    const char *device;
    int64_t number; /* 1, 2, ... per site. */
    char day[LEDGER_DATE_BYTES];
    char what[NOTE_BYTES], effect[NOTE_BYTES]; /* The effect may be "". */
    char made_by[TITLE_BYTES];                 /* Who built it; may be "". */
    char by[PERSON_BYTES];                     /* Who put it into the ledger. */
    int64_t added_ms;
};

/* One row of the database.  `device` is borrowed for the length of the call that hands
 * the row on. */
enum ledger_row_kind { LEDGER_ROW_FIELD, LEDGER_ROW_DOCUMENT, LEDGER_ROW_ALTERATION };
struct ledger_row {
    enum ledger_row_kind kind;
    union {
        struct ledger_field field;
        struct ledger_document document;
        struct ledger_alteration alteration;
    };
};

#endif
