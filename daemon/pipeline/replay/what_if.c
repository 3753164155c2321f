#include "daemon/pipeline/replay/what_if.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

#define DAY_MS   86400000.0
#define LN_TERMS 11 /* The next one is below 2^-53 of the sum. */

/* A span of the log's own time; an age counts from the first frame. */
struct moment {
    int64_t ms;
    bool is_age;
};
struct span {
    struct moment from, to; /* `from` belongs to it, `to` does not. */
};

struct effect {
    enum what_if_kind kind;
    uint64_t salt;    /* So that two of a kind are not one. */
    double amount;    /* Drift a day, sigma, share. */
    int64_t shift_ms; /* SHIFT */
    struct span span; /* STICK, SHIFT */
    bool on_frames;   /* It is on no points, but on all of a frame. */
    bool *on;         /* By point. */
    double *held;     /* STICK, by point: the last good value; NaN: none yet. */
};

struct what_if {
    const struct site *site;
    struct effect *effects;
    uint32_t effect_count;
    uint64_t *names;  /* By point: a hash of "DEVICE.POINT". */
    int64_t first_ms; /* Of the log; INSTANT_NONE: no frame yet. */
    int64_t last_ms;  /* Of the frame given out last. */
    struct what_if_counts counts;
};

static const struct {
    const char *option, *accepted;
} words[WHAT_IF_KINDS] = {
    [WHAT_IF_DRIFT] = {"--drift",
                       N_("POINT=PER_DAY, such as pump-1.pressure=0.02, is")},
    [WHAT_IF_NOISE] = {"--noise", N_("POINT=SIGMA, such as pump-1.bearing=0.5, is")},
    [WHAT_IF_STICK] = {"--stick", N_("POINT or POINT@FROM..TO, such as "
                                     "pump-1.bearing@+10m..+2h, is")},
    [WHAT_IF_DROP] = {"--drop", N_("a share such as 0.05 or 5%, or POINT=SHARE, is")},
    [WHAT_IF_SHIFT] = {"--shift-clock",
                       N_("a time such as -1h or 90s, or AGE@FROM..TO, "
                          "is")},
};

/* ---- chance ---- */

/* splitmix64 (Steele, Lea, Flood 2014): any number becomes a good random one. */
static uint64_t
scramble(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* FNV-1a */
static uint64_t
hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(1099511628211);
    }
    return hash;
}

#define HASH_START UINT64_C(14695981039346656037)

/* A number of its own for each effect, name and time. */
static uint64_t
draw(const struct effect *e, uint64_t name, int64_t t_ms)
{
    return scramble(scramble(e->salt ^ name) ^ (uint64_t)t_ms);
}

/* [0, 1) */
static double
uniform(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

/* The natural logarithm of a positive number, as 2 atanh((m - 1) / (m + 1)) of its
 * mantissa in [0.7, 1.5): by sums and products alone it is the same to the bit on every
 * machine, as log() is not. */
static double
same_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent);
    if (m < 0.7) {
        m *= 2;
        exponent--;
    }
    double z = (m - 1) / (m + 1);
    double sum = 0;
    for (int k = LN_TERMS - 1; k >= 0; k--) {
        sum = sum * (z * z) + 1.0 / (2 * k + 1);
    }
    return 2 * z * sum + exponent * 0x1.62e42fefa39efp-1; /* ln 2 */
}

/* Normal with sigma 1, by the polar method (Marsaglia, Bray 1964): a point in the unit
 * circle. */
static double
normal(uint64_t bits)
{
    double u, v, square;
    do {
        bits = scramble(bits);
        u = 2 * uniform(bits) - 1;
        bits = scramble(bits);
        v = 2 * uniform(bits) - 1;
        square = u * u + v * v;
    } while (square >= 1 || square == 0);
    return u * sqrt(-2 * same_log(square) / square);
}

/* ---- reading the texts ---- */

static int
wrong(enum what_if_kind kind, const char *text, struct err *err)
{
    return err_set(err, ERR_RANGE, "%s \"%.80s\" is wrong; %s accepted",
                   words[kind].option, text, tr(words[kind].accepted));
}

static bool
parse_number(double *out, const char *text)
{
    char *end;
    *out = strtod(text, &end);
    return *text != '\0' && *text != ' ' && *end == '\0' && isfinite(*out);
}

/* "0.05", "5%", "5 %" */
static bool
parse_share(double *out, const char *text)
{
    char number[32];
    size_t size = strlen(text);
    bool percent = size > 0 && text[size - 1] == '%';
    if (size >= sizeof number) {
        return false;
    }
    memcpy(number, text, size + 1);
    if (percent) {
        size -= size > 1 && text[size - 2] == ' ' ? 2 : 1;
        number[size] = '\0';
    }
    if (!parse_number(out, number)) {
        return false;
    }
    *out = percent ? *out / 100 : *out;
    return *out >= 0 && *out <= 1;
}

/* "-1h", "+90s", "90s" */
static bool
parse_age(int64_t *out, const char *text)
{
    bool minus = *text == '-';
    text += *text == '-' || *text == '+';
    if (duration_parse(out, text, NULL) != 0) {
        return false;
    }
    *out = minus ? -*out : *out;
    return true;
}

static bool
parse_moment(struct moment *out, const char *text, int64_t when_empty)
{
    if (*text == '\0') {
        *out = (struct moment){.ms = when_empty};
        return true;
    }
    out->is_age = *text == '+';
    return out->is_age ? parse_age(&out->ms, text)
                       : instant_parse(&out->ms, text, NULL) == 0;
}

/* Cuts "@FROM..TO" off `text`; without it the span is all the time. */
static bool
take_span(struct span *out, char *text)
{
    char *at = strchr(text, '@');
    char *dots = at != NULL ? strstr(at, "..") : NULL;
    *out = (struct span){.from = {.ms = INSTANT_NONE}, .to = {.ms = INSTANT_MAX}};
    if (at == NULL) {
        return true;
    }
    if (dots == NULL) {
        return false;
    }
    *at = *dots = '\0';
    return parse_moment(&out->from, at + 1, INSTANT_NONE) &&
           parse_moment(&out->to, dots + 2, INSTANT_MAX) &&
           (out->from.is_age != out->to.is_age || out->from.ms < out->to.ms);
}

static bool
name_fits(const char *wanted, size_t size, const char *id)
{
    return (size == 1 && *wanted == '*') ||
           (strlen(id) == size && memcmp(wanted, id, size) == 0);
}

/* A yes or no does not drift, and has no noise. */
static bool
is_spoilt(enum what_if_kind kind, const struct point *p)
{
    bool number = p->type != TYPE_BOOL || p->table == REG_NONE;
    return number || (kind != WHAT_IF_DRIFT && kind != WHAT_IF_NOISE);
}

/* Marks each point of the target; how many there are. */
static uint32_t
mark_target(const struct site *site, struct effect *e, const char *target)
{
    const char *dot = strchr(target, '.');
    const char *device = dot != NULL ? target : "*";
    size_t device_size = dot != NULL ? (size_t)(dot - target) : 1;
    const char *point = dot != NULL ? dot + 1 : target;
    uint32_t found = 0;
    for (uint32_t i = 0; i < site->point_count; i++) {
        const struct point *p = &site->points[i];
        e->on[i] = name_fits(device, device_size, site->devices[p->device].id) &&
                   name_fits(point, strlen(point), p->id) && is_spoilt(e->kind, p);
        found += e->on[i];
    }
    return found;
}

/* Reads one text into `e`, and leaves its target in `text`. */
static bool
read_text(struct effect *e, char *text)
{
    char *equals = strrchr(text, '=');
    char *value = equals != NULL ? equals + 1 : text;
    if (equals != NULL) {
        *equals = '\0';
    }
    switch (e->kind) {
    case WHAT_IF_DRIFT:
        return equals != NULL && parse_number(&e->amount, value);
    case WHAT_IF_NOISE:
        return equals != NULL && parse_number(&e->amount, value) && e->amount >= 0;
    case WHAT_IF_DROP:
        if (!parse_share(&e->amount, value)) {
            return false;
        }
        e->on_frames = equals == NULL;
        return true;
    case WHAT_IF_STICK:
        return equals == NULL && take_span(&e->span, text);
    case WHAT_IF_SHIFT:
        e->on_frames = true;
        return equals == NULL && take_span(&e->span, text) &&
               parse_age(&e->shift_ms, text);
    case WHAT_IF_KINDS:
        break;
    }
    return false;
}

static int
take_text(struct what_if *w,
          struct effect *e,
          enum what_if_kind kind,
          const char *text,
          struct err *err)
{
    char own[256];
    size_t points = (size_t)w->site->point_count + 1;
    *e = (struct effect){.kind = kind,
                         .on = calloc(points, sizeof *e->on),
                         .held = malloc(points * sizeof *e->held)};
    if (e->on == NULL || e->held == NULL) {
        return err_set(err, ERR_NOMEM, "what if");
    }
    for (size_t i = 0; i < points; i++) {
        e->held[i] = (double)NAN;
    }
    if (strlen(text) >= sizeof own) {
        return wrong(kind, text, err);
    }
    memcpy(own, text, strlen(text) + 1);
    if (!read_text(e, own) || *own == '\0') {
        return wrong(kind, text, err);
    }
    if (!e->on_frames && mark_target(w->site, e, own) == 0) {
        bool any = kind == WHAT_IF_STICK || kind == WHAT_IF_DROP;
        return err_set(err, ERR_NOT_FOUND,
                       "%s: the site has no %spoint \"%.80s\"; DEVICE.POINT, or POINT "
                       "of every device, with * for any, is accepted",
                       words[kind].option, any ? "" : "numeric ", own);
    }
    return 0;
}

static int
make(struct what_if *w, const struct what_if_options *o, struct err *err)
{
    const struct site *site = w->site;
    uint32_t count = 0;
    for (int kind = 0; kind < WHAT_IF_KINDS; kind++) {
        count += o->counts[kind];
    }
    w->effects = calloc((size_t)count + 1, sizeof *w->effects);
    w->names = calloc((size_t)site->point_count + 1, sizeof *w->names);
    if (w->effects == NULL || w->names == NULL) {
        return err_set(err, ERR_NOMEM, "what if");
    }
    for (uint32_t i = 0; i < site->point_count; i++) {
        const struct point *p = &site->points[i];
        w->names[i] =
            hash_text(hash_text(HASH_START, site->devices[p->device].id), ".");
        w->names[i] = hash_text(w->names[i], p->id);
    }
    for (int kind = 0; kind < WHAT_IF_KINDS; kind++) {
        for (uint32_t i = 0; i < o->counts[kind]; i++) {
            struct effect *e = &w->effects[w->effect_count++];
            int code = take_text(w, e, (enum what_if_kind)kind, o->texts[kind][i], err);
            e->salt = scramble(scramble(o->seed) ^ ((uint64_t)kind << 32 | i));
            if (code != 0) {
                return code;
            }
        }
    }
    return 0;
}

int
what_if_new(struct what_if **out,
            const struct site *site,
            const struct what_if_options *options,
            struct err *err)
{
    struct what_if *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return err_set(err, ERR_NOMEM, "what if");
    }
    w->site = site;
    w->first_ms = w->last_ms = INSTANT_NONE;
    int code = make(w, options, err);
    if (code != 0) {
        what_if_free(w);
        return code;
    }
    *out = w;
    return 0;
}

void
what_if_free(struct what_if *w)
{
    if (w == NULL) {
        return;
    }
    for (uint32_t i = 0; i < w->effect_count; i++) {
        free(w->effects[i].on);
        free(w->effects[i].held);
    }
    free(w->effects);
    free(w->names);
    free(w);
}

/* ---- spoiling ---- */

static int64_t
moment_ms(const struct what_if *w, const struct moment *m)
{
    return m->is_age ? w->first_ms + m->ms : m->ms;
}

static bool
is_within(const struct what_if *w, const struct span *span, int64_t t_ms)
{
    return t_ms >= moment_ms(w, &span->from) && t_ms < moment_ms(w, &span->to);
}

/* Changes a good value; false: it did not. */
static bool
spoil_value(const struct what_if *w, struct effect *e, struct reading *r, int64_t t_ms)
{
    double value = r->value;
    switch (e->kind) {
    case WHAT_IF_DRIFT:
        value += e->amount * (double)(t_ms - w->first_ms) / DAY_MS;
        break;
    case WHAT_IF_NOISE:
        value += e->amount * normal(draw(e, w->names[r->point], t_ms));
        break;
    case WHAT_IF_STICK:
        if (isnan(e->held[r->point]) || !is_within(w, &e->span, t_ms)) {
            e->held[r->point] = value;
        }
        value = e->held[r->point];
        break;
    case WHAT_IF_DROP:
    case WHAT_IF_SHIFT:
    case WHAT_IF_KINDS:
        break;
    }
    if (!isfinite(value) || value == r->value) {
        return false;
    }
    r->value = value;
    return true;
}

/* False: the sample is lost. */
static bool
spoil(struct what_if *w, struct reading *r, int64_t t_ms)
{
    for (uint32_t i = 0; i < w->effect_count; i++) {
        struct effect *e = &w->effects[i];
        if (!e->on[r->point]) {
            continue;
        }
        if (e->kind == WHAT_IF_DROP) {
            if (uniform(draw(e, w->names[r->point], t_ms)) < e->amount) {
                w->counts.changed[WHAT_IF_DROP]++;
                return false;
            }
        } else if (r->quality == QUALITY_GOOD) {
            w->counts.changed[e->kind] += spoil_value(w, e, r, t_ms);
        }
    }
    return true;
}

/* True when the whole frame is lost: as if its poll had never been. */
static bool
is_lost(struct what_if *w, const struct frame *f)
{
    uint64_t name = hash_text(HASH_START, w->site->devices[f->device].id);
    for (uint32_t i = 0; i < w->effect_count; i++) {
        const struct effect *e = &w->effects[i];
        if (e->kind == WHAT_IF_DROP && e->on_frames &&
            uniform(draw(e, name, f->t_ms)) < e->amount) {
            w->counts.changed[WHAT_IF_DROP] += f->count;
            return true;
        }
    }
    return false;
}

int64_t
what_if_time(const struct what_if *w, int64_t t_ms)
{
    int64_t shift_ms = 0;
    if (t_ms == INSTANT_NONE || w->first_ms == INSTANT_NONE) {
        return t_ms;
    }
    for (uint32_t i = 0; i < w->effect_count; i++) {
        const struct effect *e = &w->effects[i];
        if (e->kind == WHAT_IF_SHIFT && is_within(w, &e->span, t_ms)) {
            shift_ms += e->shift_ms;
        }
    }
    return t_ms + shift_ms;
}

bool
what_if_apply(struct what_if *w, struct frame *f)
{
    int64_t t_ms = f->t_ms;
    uint16_t count = 0;
    if (w->first_ms == INSTANT_NONE) {
        w->first_ms = t_ms;
    }
    for (uint16_t i = 0; i < f->count; i++) {
        f->readings[count] = f->readings[i];
        count += spoil(w, &f->readings[count], t_ms);
    }
    f->count = count;
    if (count == 0 || is_lost(w, f)) {
        return false;
    }
    f->t_ms = what_if_time(w, t_ms);
    w->counts.changed[WHAT_IF_SHIFT] += f->t_ms != t_ms;
    if (f->t_ms < w->last_ms) {
        w->counts.back += f->count;
        return false;
    }
    w->last_ms = f->t_ms;
    return true;
}

struct what_if_counts
what_if_counts(const struct what_if *w)
{
    return w->counts;
}
