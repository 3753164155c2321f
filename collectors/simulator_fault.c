#include "collectors/simulator_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

#define TIMES_MAX 1000000 /* As in SIM.yaml. */

/* The words of a command that are still to be read. */
struct words {
    char *const *next;
    uint32_t left;
};

static const char *
take_word(struct words *w)
{
    if (w->left == 0) {
        return "";
    }
    w->left--;
    return *w->next++;
}

static int
take_number(struct words *w, const char *key, long max, uint32_t *out, struct err *err)
{
    const char *text = take_word(w);
    char *end;
    long value = strtol(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);

    if (end == text || *end != '\0' || value < 1 || value > max) {
        return err_set(err, ERR_USAGE, "'%s' is no %s; a whole number 1..%ld is", text,
                       key, max);
    }
    *out = (uint32_t)value;
    return 0;
}

static int
take_byte(struct words *w, const char *key, long max, uint8_t *out, struct err *err)
{
    uint32_t value;

    if (take_number(w, key, max, &value, err) != 0) {
        return err->code;
    }
    *out = (uint8_t)value;
    return 0;
}

/* ---- A value after each key ---- */

static int
take_delay(struct words *w, struct sim_fault *out, struct err *err)
{
    const char *text = take_word(w);

    if (duration_parse(&out->delay_ms, text, err) != 0) {
        return err->code;
    }
    if (out->delay_ms < 1 || out->delay_ms > SIM_DELAY_MS_MAX) {
        return err_set(err, ERR_USAGE, "'%s' is no delay; 1ms to 1h is", text);
    }
    return 0;
}

static int
take_code(struct words *w, struct sim_fault *out, struct err *err)
{
    return take_byte(w, tr("exception code"), 255, &out->code, err);
}

/* "holding 10..20", "holding". */
static int
take_registers(struct words *w, struct sim_fault *out, struct err *err)
{
    char range[64];
    const char *table = take_word(w);
    bool has_range = w->left > 0 && **w->next >= '0' && **w->next <= '9';

    snprintf(range, sizeof range, "%.20s%s%.20s", table, has_range ? " " : "",
             has_range ? take_word(w) : "");
    return sim_range_parse(&out->range, range, err);
}

static int
take_function(struct words *w, struct sim_fault *out, struct err *err)
{
    return take_byte(w, tr("function"), 127, &out->function, err);
}

static int
take_bytes(struct words *w, struct sim_fault *out, struct err *err)
{
    return take_byte(w, tr("number of bytes"), SIM_GARBAGE_BYTES_MAX, &out->bytes, err);
}

static int
take_place(struct words *w, struct sim_fault *out, struct err *err)
{
    const char *text = take_word(w);

    for (int i = 0; sim_garbage_words[i] != NULL; i++) {
        if (strcmp(sim_garbage_words[i], text) == 0) {
            out->place = (enum sim_garbage)i;
            return 0;
        }
    }
    return err_set(err, ERR_USAGE, "place any, before, after or between is accepted");
}

static int
take_every(struct words *w, struct sim_fault *out, struct err *err)
{
    return take_number(w, tr("number for every"), TIMES_MAX, &out->every, err);
}

static int
take_times(struct words *w, struct sim_fault *out, struct err *err)
{
    return take_number(w, tr("number of times"), TIMES_MAX, &out->times, err);
}

static int
take_chance(struct words *w, struct sim_fault *out, struct err *err)
{
    char text[40];
    const char *number = take_word(w);
    bool apart = w->left > 0 && strcmp(*w->next, "%") == 0;

    snprintf(text, sizeof text, "%.30s%s", number, apart ? take_word(w) : "");
    if (!sim_chance_parse(&out->chance, text)) {
        return err_set(err, ERR_USAGE, "'%s' is no chance; such as 20%% is", text);
    }
    return 0;
}

/* ---- Keys ---- */

#define KIND(k)   (1u << (k))
#define ANY_KIND  (KIND(SIM_FAULT_COUNT) - 1)
#define OF_DELAY  (KIND(SIM_FAULT_SLOW) | KIND(SIM_FAULT_LATE))
#define OF_REFUSE KIND(SIM_FAULT_REFUSE)

/* Those whose key may be left out of a kind's first value come first. */
static const struct key {
    const char *word;
    uint32_t kinds;
    int (*take)(struct words *w, struct sim_fault *out, struct err *err);
} keys[] = {
    {"delay", OF_DELAY, take_delay},
    {"registers", OF_REFUSE, take_registers},
    {"code", KIND(SIM_FAULT_EXCEPTION) | OF_REFUSE, take_code},
    {"function", OF_REFUSE, take_function},
    {"place", KIND(SIM_FAULT_GARBAGE), take_place},
    {"bytes", KIND(SIM_FAULT_GARBAGE), take_bytes},
    {"every", ANY_KIND, take_every},
    {"chance", ANY_KIND, take_chance},
    {"times", ANY_KIND, take_times},
};
#define SHORT_KEYS 3

static const struct key *
find_key(enum sim_fault_kind kind, const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if ((keys[i].kinds & KIND(kind)) != 0 && strcmp(keys[i].word, word) == 0) {
            return &keys[i];
        }
    }
    return NULL;
}

/* Of a value that stands right after the kind; NULL: it takes none. */
static const struct key *
short_key(enum sim_fault_kind kind)
{
    for (size_t i = 0; i < SHORT_KEYS; i++) {
        if ((keys[i].kinds & KIND(kind)) != 0) {
            return &keys[i];
        }
    }
    return NULL;
}

static int
no_key(enum sim_fault_kind kind, const char *word, struct err *err)
{
    char accepted[100] = "";
    size_t used = 0;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if ((keys[i].kinds & KIND(kind)) != 0) {
            int n = snprintf(accepted + used, sizeof accepted - used, "%s%s",
                             used > 0 ? ", " : "", keys[i].word);
            used += n > 0 ? (size_t)n : 0;
        }
    }
    return err_set(err, ERR_USAGE, "%s takes no argument '%s'; %s are accepted",
                   sim_fault_name(kind), word, accepted);
}

static int
take_keys(struct words *w, struct sim_fault *out, struct err *err)
{
    const struct key *key = short_key(out->kind);

    if (w->left > 0 && key != NULL && find_key(out->kind, *w->next) == NULL &&
        key->take(w, out, err) != 0) {
        return err->code;
    }
    while (w->left > 0) {
        const char *word = take_word(w);

        key = find_key(out->kind, word);
        if (key == NULL) {
            return no_key(out->kind, word, err);
        }
        if (key->take(w, out, err) != 0) {
            return err->code;
        }
    }
    return 0;
}

int
simulator_fault_parse(struct sim_fault *out,
                      char *const *words,
                      uint32_t count,
                      struct err *err)
{
    struct words w = {words, count};
    struct sim_fault f = {0};
    const char *kind = take_word(&w);

    if (!sim_fault_parse(&f.kind, kind)) {
        return err_set(err, ERR_USAGE,
                       "no fault '%s'; " SIM_FAULT_WORDS " are accepted", kind);
    }
    if (take_keys(&w, &f, err) != 0) {
        return err->code;
    }
    if (f.every > 0 && f.chance > 0.0) {
        return err_set(err, ERR_USAGE, "every or chance; not both");
    }
    if (f.kind == SIM_FAULT_REFUSE &&
        (f.range.table != REG_NONE) == (f.function != 0)) {
        return err_set(err, ERR_USAGE,
                       "refuse needs what is refused: registers TABLE [FROM..TO], or "
                       "function N");
    }
    sim_fault_settle(&f);
    *out = f;
    return 0;
}
