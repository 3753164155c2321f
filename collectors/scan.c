#include "collectors/scan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode.h"

#define GATEWAY_PATH   0x0A
#define GATEWAY_TARGET 0x0B

enum phase {
    PHASE_HOLDING,
    PHASE_INPUT,
    PHASE_PATIENT,
    PHASE_PROBE,
    PHASE_POINTS,
    PHASE_END
};

struct probe_result {
    bool known, fits;
};

struct scan {
    const uint8_t *units;
    uint32_t unit_count;
    bool input_first;
    const struct profile_set *profiles; /* NULL: none. */
    enum phase phase;
    bool begun;
    uint32_t at;                  /* Unit, or found unit. */
    uint32_t profile;             /* In PHASE_PROBE; in PHASE_POINTS the match. */
    uint32_t point;               /* In PHASE_POINTS: how many were tried. */
    bool heard[SCAN_UNITS_MAX];   /* By index. */
    bool patient[SCAN_UNITS_MAX]; /* To be asked again. */
    struct scan_found found[SCAN_UNITS_MAX];
    uint32_t found_count, damaged, done, total;
    struct probe_result *results; /* By profile, of the unit at hand. */
    struct read_request q;        /* The question that waits. */
    const struct point *asked;    /* What it is about; NULL in the first phases. */
};

struct scan *
scan_new(const uint8_t *units,
         uint32_t unit_count,
         bool input_first,
         const struct profile_set *profiles)
{
    struct scan *s = calloc(1, sizeof *s);

    assert(unit_count <= SCAN_UNITS_MAX);
    if (s == NULL) {
        return NULL;
    }
    s->results =
        calloc((profiles != NULL ? profiles->count : 0) + 1, sizeof *s->results);
    if (s->results == NULL) {
        free(s);
        return NULL;
    }
    s->units = units;
    s->unit_count = s->total = unit_count;
    s->input_first = input_first;
    s->profiles = profiles;
    s->phase = input_first ? PHASE_INPUT : PHASE_HOLDING;
    return s;
}

void
scan_free(struct scan *s)
{
    if (s != NULL) {
        free(s->results);
        free(s);
    }
}

static int
compare_found(const void *a, const void *b)
{
    return ((const struct scan_found *)a)->unit - ((const struct scan_found *)b)->unit;
}

/* Units that are worth a closer look. */
static uint32_t
looked_at(const struct scan *s)
{
    return scan_all_answer(s) ? 1 : s->found_count;
}

static void
enter(struct scan *s, enum phase phase)
{
    s->phase = phase;
    s->at = s->profile = s->point = 0;
    if (phase == PHASE_INPUT) {
        s->total += s->unit_count - s->found_count;
    }
    if (phase == PHASE_PROBE) {
        qsort(s->found, s->found_count, sizeof s->found[0], compare_found);
        memset(s->results, 0,
               (s->profiles != NULL ? s->profiles->count : 0) * sizeof *s->results);
    }
}

static const struct point *
probe_of(const struct scan *s, uint32_t profile)
{
    const struct profile *p = &s->profiles->items[profile];

    return p->probe == NONE_INDEX || p->probe >= p->point_count ? NULL
                                                                : &p->points[p->probe];
}

static void
ask_point(struct scan *s, uint8_t unit, const struct point *p)
{
    bool bits = p->table == REG_COIL || p->table == REG_DISCRETE;

    s->asked = p;
    s->q = (struct read_request){.unit = unit,
                                 .table = p->table,
                                 .address = p->address,
                                 .count = bits ? 1 : point_width(p)};
}

/* The next unit of the first phases that has not been heard. */
static bool
next_unit(struct scan *s, bool *patient)
{
    for (; s->at < s->unit_count; s->at++) {
        if (s->heard[s->at] || (s->phase == PHASE_PATIENT && !s->patient[s->at])) {
            continue;
        }
        s->asked = NULL;
        s->q = (struct read_request){
            .unit = s->units[s->at],
            .table =
                (s->phase == PHASE_INPUT || s->input_first) ? REG_INPUT : REG_HOLDING,
            .count = 1};
        *patient = s->phase == PHASE_PATIENT;
        return true;
    }
    return false;
}

static bool
same_place(const struct point *a, const struct point *b)
{
    return a->table == b->table && a->address == b->address &&
           point_width(a) == point_width(b);
}

static void
keep_matches(struct scan *s)
{
    struct scan_found *f = &s->found[s->at];

    for (uint32_t i = 0; i < s->profiles->count; i++) {
        if (s->results[i].fits && f->match_count < SCAN_MATCHES_MAX) {
            f->matches[f->match_count++] = (struct scan_match){.profile = i};
        }
        s->results[i] = (struct probe_result){0};
    }
}

static bool
next_probe(struct scan *s)
{
    while (s->profiles != NULL && s->at < looked_at(s)) {
        for (; s->profile < s->profiles->count; s->profile++) {
            const struct point *p = probe_of(s, s->profile);

            if (p != NULL && p->table != REG_NONE && !s->results[s->profile].known) {
                ask_point(s, s->found[s->at].unit, p);
                return true;
            }
        }
        keep_matches(s);
        s->profile = 0;
        s->at++;
    }
    return false;
}

/* One of SCAN_POINTS_MAX points, spread over the profile; NULL after the last. */
static const struct point *
sample_point(const struct profile *p, uint32_t n)
{
    uint32_t most = p->point_count < SCAN_POINTS_MAX ? p->point_count : SCAN_POINTS_MAX;

    return n < most ? &p->points[(uint64_t)n * p->point_count / most] : NULL;
}

static int
compare_matches(const void *a, const void *b)
{
    const struct scan_match *x = a, *y = b;

    return x->good != y->good     ? (x->good > y->good ? -1 : 1)
           : x->tried != y->tried ? (x->tried < y->tried ? -1 : 1)
                                  : (int)x->profile - (int)y->profile;
}

static bool
next_point(struct scan *s)
{
    while (s->profiles != NULL && s->at < looked_at(s)) {
        struct scan_found *f = &s->found[s->at];

        for (; s->profile < f->match_count; s->profile++) {
            const struct profile *p =
                &s->profiles->items[f->matches[s->profile].profile];
            const struct point *point;

            while ((point = sample_point(p, s->point)) != NULL) {
                s->point++;
                if (point->table != REG_NONE) {
                    ask_point(s, f->unit, point);
                    return true;
                }
            }
            s->point = 0;
        }
        qsort(f->matches, f->match_count, sizeof f->matches[0], compare_matches);
        s->profile = 0;
        s->at++;
    }
    return false;
}

bool
scan_next(struct scan *s, struct read_request *q, bool *patient)
{
    bool more = false;

    *patient = false;
    while (!more && s->phase != PHASE_END) {
        switch (s->phase) {
        case PHASE_HOLDING:
            more = next_unit(s, patient);
            if (!more) {
                enter(s, s->found_count > 0 ? PHASE_INPUT : PHASE_PATIENT);
            }
            break;
        case PHASE_INPUT:
            more = next_unit(s, patient);
            if (!more) {
                enter(s, PHASE_PATIENT);
            }
            break;
        case PHASE_PATIENT:
            more = next_unit(s, patient);
            if (!more) {
                enter(s, PHASE_PROBE);
            }
            break;
        case PHASE_PROBE:
            more = next_probe(s);
            if (!more) {
                enter(s, PHASE_POINTS);
            }
            break;
        case PHASE_POINTS:
            more = next_point(s);
            if (!more) {
                enter(s, PHASE_END);
            }
            break;
        case PHASE_END:
            break;
        }
    }
    if (more) {
        *q = s->q;
        s->done++;
        s->total = s->done > s->total ? s->done : s->total;
    }
    return more;
}

static bool
is_presence(const struct wire_result *res)
{
    return res->fault == WIRE_OK ||
           (res->fault == WIRE_EXCEPTION && res->exception != GATEWAY_PATH &&
            res->exception != GATEWAY_TARGET);
}

static bool
is_damage(const struct wire_result *res)
{
    return res->fault == WIRE_CRC || res->fault == WIRE_SHORT ||
           res->fault == WIRE_WRONG_UNIT || res->fault == WIRE_MALFORMED;
}

static void
take_presence(struct scan *s, const struct wire_result *res)
{
    if (is_presence(res)) {
        s->heard[s->at] = true;
        s->found[s->found_count++] = (struct scan_found){
            .unit = s->units[s->at],
            .exception = res->fault == WIRE_EXCEPTION ? res->exception : 0,
            .latency_us = res->took_us};
        if (s->profiles != NULL) {
            s->total += s->profiles->count;
        }
    }
    s->damaged += is_damage(res) ? 1 : 0;
    if (is_damage(res) && s->phase != PHASE_PATIENT) {
        /* Perhaps the late answer of the unit before. */
        s->total += s->at > 0 ? 2 : 1;
        s->patient[s->at] = true;
        s->patient[s->at > 0 ? s->at - 1 : 0] = true;
    }
    s->at++;
}

static bool
reads_well(const struct scan *s,
           const struct wire_result *res,
           const struct read_answer *answer,
           double *value)
{
    struct reading r = {0};

    if (res->fault != WIRE_OK) {
        return false;
    }
    if (s->q.table == REG_COIL || s->q.table == REG_DISCRETE) {
        decode_bit(&r, s->asked, answer->bits[0] != 0);
    } else {
        decode_words(&r, s->asked, answer->words, s->q.count, -1);
    }
    *value = r.value;
    return r.quality == QUALITY_GOOD;
}

/* All profiles that look at the same place have their answer now. */
static void
take_probe(struct scan *s,
           const struct wire_result *res,
           const struct read_answer *answer)
{
    const struct point *place = s->asked;

    for (uint32_t i = s->profile; i < s->profiles->count; i++) {
        const struct profile *p = &s->profiles->items[i];
        double value;

        s->asked = probe_of(s, i);
        if (s->asked == NULL || !same_place(s->asked, place)) {
            continue;
        }
        s->results[i].known = true;
        s->results[i].fits = reads_well(s, res, answer, &value) &&
                             value >= p->probe_min && value <= p->probe_max;
        if (s->results[i].fits) {
            s->total +=
                p->point_count < SCAN_POINTS_MAX ? p->point_count : SCAN_POINTS_MAX;
        }
    }
}

void
scan_answer(struct scan *s,
            const struct wire_result *res,
            const struct read_answer *answer)
{
    if (s->asked == NULL) {
        take_presence(s, res);
    } else if (s->phase == PHASE_PROBE) {
        take_probe(s, res, answer);
    } else {
        struct scan_match *m = &s->found[s->at].matches[s->profile];
        double value;

        m->tried++;
        m->good += reads_well(s, res, answer, &value) ? 1 : 0;
    }
}

void
scan_stop(struct scan *s)
{
    if (s->phase == PHASE_PROBE && s->profiles != NULL && s->at < looked_at(s)) {
        keep_matches(s);
    }
    qsort(s->found, s->found_count, sizeof s->found[0], compare_found);
    for (uint32_t i = 0; i < s->found_count; i++) {
        qsort(s->found[i].matches, s->found[i].match_count,
              sizeof s->found[i].matches[0], compare_matches);
    }
    s->phase = PHASE_END;
}

void
scan_progress(const struct scan *s, uint32_t *done, uint32_t *total)
{
    *done = s->done;
    *total = s->total;
}

const struct scan_found *
scan_found(const struct scan *s, uint32_t *count)
{
    *count = s->found_count;
    return s->found;
}

bool
scan_all_answer(const struct scan *s)
{
    return s->found_count >= SCAN_ALL_ANSWER_MIN && s->found_count == s->unit_count;
}

uint32_t
scan_damaged(const struct scan *s)
{
    return s->damaged;
}
