#include "daemon/model/cause.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/diag.h"

static const struct {
    const char *code, *meaning;
} causes[] = {
    {"wear", N_("worn out or aged by its own use")},
    {"dirt", N_("dirt, scale, or a thing that blocks it")},
    {"lubrication", N_("too little grease or oil, or too much")},
    {"loose", N_("a loose terminal, bolt, belt or connector")},
    {"leak", N_("a seal, joint or pipe that leaks")},
    {"setting", N_("wrong setting, adjustment or limit")},
    {"installation", N_("wrongly built, mounted or wired")},
    {"part", N_("a part that failed before its time")},
    {"supply", N_("no or bad mains power, fuel, or water from outside")},
    {"water", N_("water, damp or condensation where none belongs")},
    {"weather", N_("heat, frost, storm or lightning")},
    {"misuse", N_("used in a way that it is not made for")},
    {"vandalism", N_("damaged on purpose")},
    {"software", N_("program or firmware of the equipment")},
    {"sensor", N_("the sensor or its wiring was wrong, not the equipment")},
    {"communication", N_("bus, gateway or network between sensor and daemon")},
    {"planned", N_("planned work, a test, or a shutdown that was meant")},
    {"false-alarm", N_("the rule raised what was no fault")},
    {"no-fault-found", N_("looked at, and all was well")},
    {"other", N_("none of these; the note says what")},
};

const char *
cause_code(size_t index)
{
    return index < ARRAY_LEN(causes) ? causes[index].code : NULL;
}

const char *
cause_meaning(size_t index)
{
    return index < ARRAY_LEN(causes) ? tr(causes[index].meaning) : NULL;
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
    strbuf_printf(out, tr("there is no closing code \"%.31s\""), code);
    if (meant != NULL) {
        strbuf_printf(out, tr("; did you mean %s?"), meant);
    }
    strbuf_add(out, meant != NULL ? tr(" Accepted are") : tr("; accepted are"));
    for (size_t i = 0; i < count; i++) {
        strbuf_printf(out, "%s%s", i > 0 ? ", " : " ", words[i]);
    }
    free(words);
}
