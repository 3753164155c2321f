#include "daemon/pipeline/listings/profiles_json.h"

#include "daemon/model/titles.h"

#include <inttypes.h>
#include <math.h>

const char *
point_kind_text(enum point_kind kind)
{
    switch (kind) {
    case POINT_GAUGE:
        return "gauge";
    case POINT_COUNTER:
        return "counter";
    case POINT_STATE:
        return "state";
    }
    return "gauge";
}

static bool
is_one_bit(const struct point *p)
{
    return p->table == REG_COIL || p->table == REG_DISCRETE;
}

bool
point_has_bits(const struct point *p)
{
    return !is_one_bit(p) && (p->type == TYPE_BITS || p->type == TYPE_BOOL);
}

static void
add_probe_json(struct strbuf *b, const struct profile *p)
{
    strbuf_json_key(b, "probe");
    if (p->probe == NONE_INDEX) {
        strbuf_add(b, "null");
        return;
    }
    strbuf_add(b, "{");
    strbuf_json_str(b, "point", p->points[p->probe].id);
    strbuf_json_num(b, "min", p->probe_min);
    strbuf_json_num(b, "max", p->probe_max);
    strbuf_add(b, "}");
}

static void
add_sentinels_json(struct strbuf *b, const struct point *p)
{
    strbuf_json_key(b, "sentinels");
    strbuf_add(b, "[");
    for (uint32_t i = 0; i < p->sentinel_count; i++) {
        strbuf_add(b, i > 0 ? ",{" : "{");
        strbuf_json_key(b, "raw");
        strbuf_printf(b, "%" PRIu64, p->sentinels[i].raw);
        strbuf_json_str(b, "name", p->sentinels[i].name);
        strbuf_add(b, "}");
    }
    strbuf_add(b, "]");
}

static void
add_pair_json(struct strbuf *b, const char *key, double low, double high)
{
    strbuf_json_key(b, key);
    strbuf_add(b, "[");
    strbuf_add_number(b, low);
    strbuf_add(b, ",");
    strbuf_add_number(b, high);
    strbuf_add(b, "]");
}

static void
add_point_json(struct strbuf *b, const struct profile *profile, const struct point *p)
{
    strbuf_add(b, "{");
    strbuf_json_str(b, "id", p->id);
    strbuf_json_str(b, "table", reg_table_name(p->table));
    strbuf_json_int(b, "address", p->address);
    strbuf_json_str(b, "type", value_type_name(p->type));
    if (point_has_bits(p)) {
        add_pair_json(b, "bits", p->bit_low, p->bit_high);
    }
    strbuf_json_str(b, "order", byte_order_name(p->order));
    strbuf_json_num(b, "scale", p->scaling.mul / p->scaling.div);
    strbuf_json_num(b, "offset", p->scaling.add / p->scaling.div);
    if (p->decimals_from != NONE_INDEX) {
        strbuf_json_str(b, "decimals_from", profile->points[p->decimals_from].id);
    }
    strbuf_json_str(b, "unit", p->unit);
    strbuf_json_str(b, "kind", point_kind_text(p->kind));
    if (p->has_range) {
        add_pair_json(b, "range", p->range_min, p->range_max);
    }
    if (p->poll_ms != 0) {
        strbuf_json_int(b, "poll_ms", p->poll_ms);
    }
    if (p->stale_after_ms != 0) {
        strbuf_json_int(b, "stale_after_ms", p->stale_after_ms);
    }
    add_sentinels_json(b, p);
    strbuf_json_str_opt(b, "title", text_in(&p->title, LANGUAGE_EN));
    strbuf_add(b, "}");
    if (titles_differ(&p->title)) {
        struct titles titles;
        titles_of_text(&titles, &p->title);
        titles_join_json(b, &titles);
    }
}

void
profile_json(struct strbuf *b, const struct profile *p)
{
    strbuf_add(b, "{");
    strbuf_json_str(b, "id", p->id);
    strbuf_json_str(b, "title", p->title);
    strbuf_json_str(b, "source", profile_source_name(p->source));
    strbuf_json_str(b, "from", p->from);
    strbuf_json_str(b, "checked", p->checked);
    strbuf_json_str(b, "file", p->file);
    strbuf_json_key(b, "limits");
    strbuf_add(b, "{");
    strbuf_json_int(b, "max_registers", p->limits.max_registers);
    strbuf_json_int(b, "max_bits", p->limits.max_bits);
    strbuf_json_bool(b, "holes", p->limits.holes);
    strbuf_json_int(b, "gap_ms", p->limits.gap_ms);
    strbuf_json_num(b, "timeout_ms", /* null: the bus's. */
                    p->limits.timeout_ms > 0 ? (double)p->limits.timeout_ms
                                             : (double)NAN);
    strbuf_add(b, "}");
    add_probe_json(b, p);
    strbuf_json_key(b, "points");
    strbuf_add(b, "[");
    for (uint32_t i = 0; i < p->point_count; i++) {
        strbuf_add(b, i > 0 ? "," : "");
        add_point_json(b, p, &p->points[i]);
    }
    strbuf_add(b, "]}");
}

void
profiles_json(struct strbuf *out, const struct profile_set *set)
{
    strbuf_add(out, "[");
    for (uint32_t i = 0; i < set->count; i++) {
        const struct profile *p = &set->items[i];
        strbuf_add(out, i > 0 ? ",{" : "{");
        strbuf_json_str(out, "id", p->id);
        strbuf_json_str(out, "title", p->title);
        strbuf_json_str(out, "source", profile_source_name(p->source));
        strbuf_json_str(out, "from", p->from);
        strbuf_json_str(out, "checked", p->checked);
        strbuf_json_str(out, "file", p->file);
        strbuf_json_int(out, "points", p->point_count);
        add_probe_json(out, p);
        strbuf_add(out, "}");
    }
    strbuf_add(out, "]");
}
