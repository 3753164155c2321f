/* Which units answer on a line, and what they may be: what to ask next, and what the
 * answers mean.  Pure; only reads are asked.
 *
 *   holding 0 of every unit -> if any answered: input 0 of the silent ones
 *     -> of each that answered: the probe of every profile
 *     -> of each profile that fits: some of its other points
 *
 * Any answer counts, an exception too; but not a gateway's word (0A, 0B) that there is
 * nobody.  Of several profiles that fit, the one with the most points that read well
 * comes first, and of equals the one with the fewest that do not. */
#ifndef CARETAKER_COLLECTORS_SCAN_H
#define CARETAKER_COLLECTORS_SCAN_H

#include "collectors/wire.h"
#include "daemon/model/profile.h"

#define SCAN_UNITS_MAX   256
#define SCAN_MATCHES_MAX 8 /* Profiles that fit one unit; the best of them. */
#define SCAN_POINTS_MAX  8 /* Of a profile that fits, that are tried. */
/* So many, and all of them: the endpoint does not look at the unit. */
#define SCAN_ALL_ANSWER_MIN 8

struct scan_match {
    uint32_t profile;     /* Index into the set. */
    uint32_t good, tried; /* Of its points. */
};

struct scan_found {
    uint8_t unit;
    uint8_t exception;  /* Of its first answer; 0: it gave a value. */
    int64_t latency_us; /* The same. */
    struct scan_match matches[SCAN_MATCHES_MAX]; /* The best first. */
    uint32_t match_count;
};

struct scan;

/* `units` are asked in their order; with `input_first` only for input registers, where
 * holding registers were silent before.  Borrows all until scan_free(); `profiles` may
 * be NULL. */
struct scan *scan_new(const uint8_t *units,
                      uint32_t unit_count,
                      bool input_first,
                      const struct profile_set *profiles); /* NULL: memory */
void scan_free(struct scan *s);                            /* NULL is accepted. */

/* True: ask this, then scan_answer().  `*patient`: the unit may need longer than
 * others, since an answer came that belonged to nobody.  False: that was all. */
bool scan_next(struct scan *s, struct read_request *q, bool *patient);
void scan_answer(struct scan *s,
                 const struct wire_result *res,
                 const struct read_answer *answer);

/* Nothing more is asked; what was found so far is put in order. */
void scan_stop(struct scan *s);

/* Questions; the total grows with what is found. */
void scan_progress(const struct scan *s, uint32_t *done, uint32_t *total);

/* In order of their units, once scan_next() was false or scan_stop() called. */
const struct scan_found *scan_found(const struct scan *s, uint32_t *count);
bool scan_all_answer(const struct scan *s);  /* See SCAN_ALL_ANSWER_MIN. */
uint32_t scan_damaged(const struct scan *s); /* Answers that could not be read. */

#endif
