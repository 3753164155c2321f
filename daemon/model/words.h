/* The words that code, YAML, MQTT, listings and pages share, and their spelling. */
#ifndef CARETAKER_MODEL_WORDS_H
#define CARETAKER_MODEL_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/catalogue.h"

/* Why a sample can be used, or not. */
enum quality {
    QUALITY_GOOD,
    QUALITY_TIMEOUT,   /* The device did not answer in time (also exception 0B). */
    QUALITY_CRC,       /* An answer came damaged, short, or from the wrong unit. */
    QUALITY_EXCEPTION, /* The device answered with an exception; detail is its code. */
    QUALITY_REFUSED,   /* The endpoint refused, dropped or lost the connection. */
    QUALITY_RANGE,     /* Outside `range`, NaN or infinite. */
    QUALITY_SENTINEL,  /* A raw value that means "no value". */
    QUALITY_STALE,     /* Too long since the last good sample. */
    QUALITY_STUCK,     /* Has not moved for longer than the process can stand still. */
    QUALITY_OFFLINE,   /* Not asked: the device is in back-off. */
    QUALITY_COUNT
};

enum severity {
    SEVERITY_INFO,
    SEVERITY_NORMAL,
    SEVERITY_URGENT,
    SEVERITY_CRITICAL,
    SEVERITY_COUNT
};

enum alarm_state {
    ALARM_NORMAL, /* Not raised and nothing left to acknowledge: in no listing. */
    ALARM_ACTIVE,
    ALARM_ACTIVE_ACKED,
    ALARM_CLEARED, /* Returned to normal, not acknowledged. */
    ALARM_SHELVED,
    ALARM_SUPPRESSED,
    ALARM_OUT_OF_SERVICE,
    ALARM_STATE_COUNT
};

enum ticket_state {
    TICKET_OPENED,
    TICKET_ASSIGNED,
    TICKET_RESPONDED,
    TICKET_WAITING,
    TICKET_RESOLVED,
    TICKET_CLOSED,
    TICKET_STATE_COUNT
};

enum ticket_kind {
    TICKET_FAULT,
    TICKET_PLANNED,
    TICKET_PREDICTED,
    TICKET_REPORTED,
    TICKET_KIND_COUNT
};

/* Why a ticket waits: its resolve clock stands meanwhile. */
enum pause {
    PAUSE_NONE,
    PAUSE_PARTS,
    PAUSE_CONTRACTOR,
    PAUSE_ACCESS, /* Nobody can get to it: a locked flat, a running process. */
    PAUSE_OTHER,
    PAUSE_COUNT
};

/* What a resolved ticket's sensor still has to show. */
enum proof {
    PROOF_NONE,        /* Nothing to wait for: not resolved, or no sensor knows. */
    PROOF_STANDS,      /* The alarm stands. */
    PROOF_NOT_GOOD,    /* It gives no good samples. */
    PROOF_NOT_RUNNING, /* `while` was not true since: not put to the test yet; also
                          when its alarm stands for no other reason. */
    PROOF_WATCHING,    /* All is well; it must stay so for `verify_for`. */
    PROOF_COUNT
};

/* What a paper of the ledger is. */
enum document_kind {
    DOCUMENT_MANUAL,
    DOCUMENT_DRAWING,
    DOCUMENT_CERTIFICATE,
    DOCUMENT_WARRANTY,
    DOCUMENT_OTHER,
    DOCUMENT_KIND_COUNT
};

/* Spelling in YAML, MQTT and listings: "good", "urgent", "zh-CN", "active-acked", ...
 */
const char *quality_name(enum quality q);
const char *severity_name(enum severity s);
const char *language_name(enum language l);
const char *alarm_state_name(enum alarm_state s);
const char *ticket_state_name(enum ticket_state s);
const char *ticket_kind_name(enum ticket_kind k);
const char *pause_name(enum pause p); /* "parts" "contractor" "access" "other"; "" */
const char *proof_name(enum proof p); /* "alarm-stands" "no-good-samples" "not-running"
                                         "watching"; "" */
const char *document_kind_name(enum document_kind k);

/* The same for people, in the language of the thread: "urgent" or "紧急". */
const char *quality_word(enum quality q);
const char *severity_word(enum severity s);
const char *language_word(enum language l);
const char *alarm_state_word(enum alarm_state s);
const char *ticket_state_word(enum ticket_state s);
const char *ticket_kind_word(enum ticket_kind k);
const char *pause_word(enum pause p);
const char *proof_word(enum proof p);
const char *document_kind_word(enum document_kind k);

/* False when `text` is none of them; `out` is written only on success. */
bool quality_parse(enum quality *out, const char *text);
bool severity_parse(enum severity *out, const char *text);
bool language_parse(enum language *out, const char *text);
bool alarm_state_parse(enum alarm_state *out, const char *text);
bool ticket_state_parse(enum ticket_state *out, const char *text);
bool ticket_kind_parse(enum ticket_kind *out, const char *text);
bool pause_parse(enum pause *out, const char *text);
bool proof_parse(enum proof *out, const char *text);
bool document_kind_parse(enum document_kind *out, const char *text);

/* A text in each language; either may be NULL, not both. */
struct text {
    const char *in[LANGUAGE_COUNT];
};
/* The wanted language, else the other; NULL only for an empty struct text. */
const char *text_in(const struct text *t, enum language language);
bool text_is_empty(const struct text *t);

#endif
