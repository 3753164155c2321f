/* An alarm: one rule on one device (ISA-18.2).  Each time it is raised is an episode.
 */
#ifndef CARETAKER_MODEL_ALARM_H
#define CARETAKER_MODEL_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/titles.h"
#include "daemon/model/words.h"

#define PERSON_BYTES 64
#define NOTE_BYTES   1024
#define REASON_BYTES 256
#define HIDER_BYTES  130 /* A person, or DEVICE/RULE. */
#define RAISES_MAX   32  /* The most episodes that a chatter may be made of. */

/* Who hides an alarm, why, and until when. */
struct hiding {
    char by[HIDER_BYTES]; /* A person; "DEVICE/RULE" or "DEVICE" when suppressed. */
    char reason[REASON_BYTES];
    int64_t since_ms; /* 0: it is not hidden. */
    int64_t until_ms; /* 0: no end was given. */
};

/* Plain data; ids are borrowed from whoever gives the struct.  `state` is what is
 * shown: shelved, suppressed and out of service stand before what lies below. */
struct alarm {
    const char *device;
    const char *rule;
    enum severity severity;
    enum alarm_state state;
    int64_t episode; /* 1, 2, ...; kept when it returns to normal. */
    int64_t raised_ms;
    int64_t cleared_ms; /* INSTANT_NONE while raised. */
    int64_t acked_ms;   /* INSTANT_NONE until acknowledged. */
    char acked_by[PERSON_BYTES];
    bool has_value;
    double value;            /* When raised, or last changed. */
    char title[TITLE_BYTES]; /* In the language of the site. */
    struct titles titles;
    int64_t ticket; /* 0: none. */

    int64_t returned_ms; /* Latched: its condition is gone since; 0: it stands. */
    bool untold;         /* Raised while hidden: nobody was told of this episode. */
    enum severity told_severity; /* While hidden: the last that was told. */
    bool first_out;              /* The first raised of its group on its device. */
    bool chatter;                /* Raised too often of late. */
    struct hiding hiding;
    int64_t raises[RAISES_MAX]; /* The latest, newest last, for chatter. */
    uint32_t raise_count;
};

/* A device that is under maintenance: its alarms are hidden. */
struct service {
    const char *device; /* Borrowed, as above. */
    bool out;           /* False: it is back; `hiding` is empty. */
    struct hiding hiding;
};

/* Raised: the condition stands (whatever was acknowledged or hidden), or is latched. */
bool alarm_is_raised(const struct alarm *a);
/* What would be shown if nothing hid it. */
enum alarm_state alarm_unhidden(const struct alarm *a);
static inline bool
alarm_state_is_hidden(enum alarm_state s)
{
    return s == ALARM_SHELVED || s == ALARM_SUPPRESSED || s == ALARM_OUT_OF_SERVICE;
}

/* One object with the keys of design section 9; behind them, only where they say
 * something: returned_at, first_out, chatter, and of a hidden one hidden_by,
 * hidden_reason, hidden_since, hidden_until. */
void alarm_to_json(struct strbuf *out, const struct alarm *a);
/* {"device":..,"by":..,"reason":..,"since":..,"until":..} */
void service_to_json(struct strbuf *out, const struct service *s);

#endif
