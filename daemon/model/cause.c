#include "daemon/model/cause.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/diag.h"

static const struct {
    const char *code, *meaning;
} causes[] = {
    {"wear", "worn out or aged by its own use"},
    {"dirt", "dirt, scale, or a thing that blocks it"},
    {"lubrication", "too little grease or oil, or too much"},
    {"loose", "a loose terminal, bolt, belt or connector"},
    {"leak", "a seal, joint or pipe that leaks"},
    {"setting", "wrong setting, adjustment or limit"},
    {"installation", "wrongly built, mounted or wired"},
    {"part", "a part that failed before its time"},
    {"supply", "no or bad mains power, fuel, or water from outside"},
    {"water", "water, damp or condensation where none belongs"},
    {"weather", "heat, frost, storm or lightning"},
    {"misuse", "used in a way that it is not made for"},
    {"vandalism", "damaged on purpose"},
    {"software", "program or firmware of the equipment"},
    {"sensor", "the sensor or its wiring was wrong, not the equipment"},
    {"communication", "bus, gateway or network between sensor and daemon"},
    {"planned", "planned work, a test, or a shutdown that was meant"},
    {"false-alarm", "the rule raised what was no fault"},
    {"no-fault-found", "looked at, and all was well"},
    {"other", "none of these; the note says what"},
};

const char *
cause_code(size_t index)
{
    return index < ARRAY_LEN(causes) ? causes[index].code : NULL;
}

const char *
cause_meaning(size_t index)
{
    return index < ARRAY_LEN(causes) ? causes[index].meaning : NULL;
}

bool
cause_is_known(const struct site *site, const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        if (strcmp(causes[i].code, code) == 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < site->cause_count; i++) {
        if (strcmp(site->causes[i], code) == 0) {
            return true;
        }
    }
    return false;
}

void
cause_refuse(struct strbuf *out, const struct site *site, const char *code)
{
    size_t count = ARRAY_LEN(causes) + site->cause_count;
    const char **words = calloc(count, sizeof *words);
    if (words == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        words[i] = i < ARRAY_LEN(causes) ? causes[i].code
                                         : site->causes[i - ARRAY_LEN(causes)];
    }
    const char *meant = diag_nearest(code, words, count);
    strbuf_printf(out, "there is no closing code \"%.31s\"", code);
    if (meant != NULL) {
        strbuf_printf(out, "; did you mean %s?", meant);
    }
    strbuf_add(out, meant != NULL ? " Accepted are" : "; accepted are");
    for (size_t i = 0; i < count; i++) {
        strbuf_printf(out, "%s%s", i > 0 ? ", " : " ", words[i]);
    }
    free(words);
}
