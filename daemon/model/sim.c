#include "daemon/model/sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char *const faults[] = {"silent",    "slow",      "bad_crc", "wrong_unit",
                                     "truncated", "exception", "drop",    "refuse",
                                     "garbage",   "late"};
_Static_assert(ARRAY_LEN(faults) == SIM_FAULT_COUNT, "a word for each fault");

const char *const sim_garbage_words[] = {"any", "before", "after", "between", NULL};

void
sim_free(struct sim *s)
{
    if (s != NULL) {
        arena_free(s->arena);
    }
}

const char *
sim_fault_name(enum sim_fault_kind k)
{
    assert(k < SIM_FAULT_COUNT);
    return faults[k];
}

bool
sim_fault_parse(enum sim_fault_kind *out, const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (strcmp(faults[i], text) == 0) {
            *out = (enum sim_fault_kind)i;
            return true;
        }
    }
    return false;
}

static bool
take_address(const char **text, uint16_t *out)
{
    char *end;
    bool hex = (*text)[0] == '0' && ((*text)[1] | 0x20) == 'x';
    long value = strtol(*text, &end, hex ? 16 : 10);

    if (**text < '0' || **text > '9' || value < 0 || value > UINT16_MAX) {
        return false;
    }
    *text = end;
    *out = (uint16_t)value;
    return true;
}

int
sim_range_parse(struct sim_range *out, const char *text, struct err *err)
{
    struct sim_range range = {.low = 0, .high = UINT16_MAX};
    size_t word = strcspn(text, " ");
    const char *rest = text + word + strspn(text + word, " ");
    char table[12] = "";
    bool ok;

    if (word < sizeof table) {
        memcpy(table, text, word);
    }
    ok = reg_table_parse(&range.table, table) && range.table != REG_NONE;
    if (ok && *rest != '\0') {
        ok = take_address(&rest, &range.low);
        range.high = range.low;
        if (ok && strncmp(rest, "..", 2) == 0) {
            rest += 2;
            ok = take_address(&rest, &range.high);
        }
        ok = ok && *rest == '\0' && range.low <= range.high;
    }
    if (!ok) {
        return err_set(err, ERR_RANGE,
                       "\"%.60s\" is no range of registers; such as holding 10..20, "
                       "input 0x10 or coil is accepted",
                       text);
    }
    *out = range;
    return 0;
}

void
sim_fault_settle(struct sim_fault *f)
{
    if (f->delay_ms == 0) {
        f->delay_ms = f->kind == SIM_FAULT_LATE ? SIM_DELAY_LATE_MS : SIM_DELAY_SLOW_MS;
    }
    if (f->kind == SIM_FAULT_EXCEPTION && f->code == 0) {
        f->code = 4;
    }
    if (f->kind == SIM_FAULT_LATE && f->every == 0 && f->chance == 0.0 &&
        f->times == 0) {
        f->times = 1;
    }
}

bool
sim_chance_parse(double *out, const char *text)
{
    char *end;
    double percent = strtod(text, &end);

    if (text[strspn(text, "0123456789. %")] != '\0' || end == text) {
        return false;
    }
    end += strspn(end, " ");
    if (strcmp(end, "%") != 0 || !(percent > 0.0 && percent <= 100.0)) {
        return false;
    }
    *out = percent / 100.0;
    return true;
}

int
sim_char_bits(const struct sim_port *p)
{
    return 1 + 8 + (p->parity ? 1 : 0) + (p->stop_bits > 1 ? p->stop_bits : 1);
}
