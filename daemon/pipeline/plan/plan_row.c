#include "daemon/pipeline/plan/plan_row.h"

#include "daemon/base/money.h"

const char *
plan_row_text(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL ? text : "";
}

int64_t
plan_row_int(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

bool
plan_row_true(const json_t *row, const char *key)
{
    return json_is_true(json_object_get(row, key));
}

bool
plan_row_cost(const json_t *row, int64_t *cost)
{
    const json_t *value = json_object_get(row, "cost");
    *cost = 0;
    return json_is_number(value) && money_from_number(cost, json_number_value(value));
}

void
plan_row_add_parts(struct strbuf *out, const json_t *parts)
{
    size_t i;
    json_t *part;
    json_array_foreach(parts, i, part)
    {
        strbuf_printf(out, "%s%s", i > 0 ? ", " : "", plan_row_text(part, "name"));
        if (plan_row_int(part, "count") > 1) {
            strbuf_printf(out, " x %lld", (long long)plan_row_int(part, "count"));
        }
    }
}
