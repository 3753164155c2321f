#include "daemon/model/site.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const value_types[] = {"bool", "u16",   "s16",   "u32",
                                          "s32",  "u64",   "s64",   "f32",
                                          "f64",  "bcd16", "bcd32", "bits"};
static const char *const byte_orders[] = {"abcd", "cdab", "badc", "dcba"};
static const char *const reg_tables[] = {"none", "coil", "discrete", "input",
                                         "holding"};

_Static_assert(ARRAY_LEN(value_types) == TYPE_COUNT, "a word for each type");
_Static_assert(ARRAY_LEN(byte_orders) == ORDER_COUNT, "a word for each order");

void
site_free(struct site *site)
{
    if (site != NULL) {
        arena_free(site->arena);
    }
}

struct site *
site_share(struct site *site)
{
    (void)arena_share(site->arena);
    return site;
}

/* Index of `id` in a table sorted by it; the id is the first member of a row. */
static uint32_t
find_sorted(const void *rows, uint32_t count, size_t row_bytes, const char *id)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const char *const *key =
            (const void *)((const unsigned char *)rows + middle * row_bytes);
        int order = strcmp(*key, id);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NONE_INDEX;
}
_Static_assert(offsetof(struct device, id) == 0, "find_sorted() looks there");
_Static_assert(offsetof(struct rule_spec, id) == 0, "find_sorted() looks there");

uint32_t
site_device(const struct site *site, const char *id)
{
    return find_sorted(site->devices, site->device_count, sizeof *site->devices, id);
}

uint32_t
site_bus(const struct site *site, const char *id)
{
    for (uint32_t i = 0; i < site->bus_count; i++) {
        if (strcmp(site->buses[i].id, id) == 0) {
            return i;
        }
    }
    return NONE_INDEX;
}

uint32_t
site_rule(const struct site *site, const char *id)
{
    return find_sorted(site->rules, site->rule_count, sizeof *site->rules, id);
}

uint32_t
site_plan(const struct site *site, const char *id)
{
    return find_sorted(site->plans, site->plan_count, sizeof *site->plans, id);
}

uint32_t
site_point(const struct site *site, uint32_t device, const char *id)
{
    assert(device < site->device_count);
    const struct device *d = &site->devices[device];
    for (uint32_t i = d->first_point; i < d->first_point + d->point_count; i++) {
        if (strcmp(site->points[i].id, id) == 0) {
            return i;
        }
    }
    return NONE_INDEX;
}

static bool
text_matches(const char *wanted, const char *is)
{
    return wanted == NULL || (is != NULL && strcmp(wanted, is) == 0);
}

bool
applies_to_device(const struct applies_to *a, const struct device *d)
{
    bool tagged = a->tag == NULL;
    for (uint32_t i = 0; i < d->tag_count && !tagged; i++) {
        tagged = strcmp(a->tag, d->tags[i]) == 0;
    }
    return tagged && text_matches(a->type, d->type) && text_matches(a->id, d->id) &&
           text_matches(a->location, d->location);
}

bool
plan_goes_to(const struct plan_spec *p, const struct device *d)
{
    return d->role == DEVICE_EQUIPMENT && applies_to_device(&p->applies_to, d);
}

uint32_t
plan_device_of(const struct site *site, uint32_t plan, uint32_t device)
{
    while (device != NONE_INDEX &&
           !plan_goes_to(&site->plans[plan], &site->devices[device])) {
        device = site->devices[device].parent;
    }
    return device;
}

static bool
is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Names of devices may hold what functions are called: only a call counts, and nothing
 * between quotes. */
static bool
asks_prediction(const char *text)
{
    static const char *const names[] = {"baseline", "drift", "time_to", "trend"};
    char quote = '\0';
    for (const char *p = text; p != NULL && *p != '\0'; p++) {
        size_t size = 0;
        if (quote != '\0' || *p == '"' || *p == '\'') {
            quote = quote == '\0' ? *p : quote == *p ? '\0' : quote;
            continue;
        }
        while (is_of_name(p[size])) {
            size++;
        }
        const char *after = p + size + strspn(p + size, " \t\r\n");
        for (size_t i = 0; i < ARRAY_LEN(names) && size > 0 && *after == '('; i++) {
            if (strlen(names[i]) == size && strncmp(names[i], p, size) == 0) {
                return true;
            }
        }
        p += size > 0 ? size - 1 : 0;
    }
    return false;
}

bool
rule_predicts(const struct rule_spec *rule)
{
    bool all = rule->level_count > 0;
    for (uint32_t i = 0; i < rule->level_count; i++) {
        all = all && asks_prediction(rule->levels[i].when.text);
    }
    return all;
}

struct site_equipment
site_equipment(const struct site *site)
{
    struct site_equipment sum = {0, 0};
    for (uint32_t i = 0; i < site->device_count; i++) {
        if (site->devices[i].role == DEVICE_EQUIPMENT) {
            sum.devices++;
        }
    }
    for (uint32_t i = 0; i < site->point_count; i++) {
        const struct point *p = &site->points[i];
        sum.points += site->devices[p->device].role == DEVICE_EQUIPMENT &&
                      p->derived == DERIVED_NONE;
    }
    return sum;
}

uint16_t
point_width(const struct point *point)
{
    if (point->table == REG_COIL || point->table == REG_DISCRETE) {
        return 1;
    }
    switch (point->type) {
    case TYPE_BOOL:
    case TYPE_BITS:
        return point->bit_words > 1 ? point->bit_words : 1;
    case TYPE_U16:
    case TYPE_S16:
    case TYPE_BCD16:
        return 1;
    case TYPE_U32:
    case TYPE_S32:
    case TYPE_F32:
    case TYPE_BCD32:
        return 2;
    case TYPE_U64:
    case TYPE_S64:
    case TYPE_F64:
        return 4;
    case TYPE_COUNT:
        break;
    }
    assert(!"a point has a type");
    return 1;
}

/* The name's index in `words`, or -1. */
static int
find(const char *const *words, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *
value_type_name(enum value_type t)
{
    assert(t < TYPE_COUNT);
    return value_types[t];
}

bool
value_type_parse(enum value_type *out, const char *text)
{
    int index = find(value_types, ARRAY_LEN(value_types), text);
    if (index >= 0) {
        *out = (enum value_type)index;
    }
    return index >= 0;
}

const char *
byte_order_name(enum byte_order o)
{
    assert(o < ORDER_COUNT);
    return byte_orders[o];
}

bool
byte_order_parse(enum byte_order *out, const char *text)
{
    int index = find(byte_orders, ARRAY_LEN(byte_orders), text);
    if (index >= 0) {
        *out = (enum byte_order)index;
    }
    return index >= 0;
}

const char *
reg_table_name(enum reg_table t)
{
    assert((size_t)t < ARRAY_LEN(reg_tables));
    return reg_tables[t];
}

bool
reg_table_parse(enum reg_table *out, const char *text)
{
    int index = find(reg_tables, ARRAY_LEN(reg_tables), text);
    if (index > 0) {
        *out = (enum reg_table)index;
    }
    return index > 0;
}

char *
bus_describe(char *out, const struct bus *bus)
{
    switch (bus->kind) {
    case BUS_TCP:
        snprintf(out, BUS_TEXT_BYTES, "tcp:%s:%u", bus->host, bus->port);
        break;
    case BUS_RTU_OVER_TCP:
        snprintf(out, BUS_TEXT_BYTES, "rtu_over_tcp:%s:%u", bus->host, bus->port);
        break;
    case BUS_RTU:
        snprintf(out, BUS_TEXT_BYTES, "rtu:%s,%d,%d%c%d", bus->path, bus->baud,
                 bus->data_bits, bus->parity, bus->stop_bits);
        break;
    }
    return out;
}
