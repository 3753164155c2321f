/* The site's calendar: holidays, and days off that are worked. */
#include <stdlib.h>

#include "config/load.h"
#include "config/shape.h"
#include "daemon/base/civil.h"

#define RANGE_DAYS_MAX 366 /* Longer is no holiday. */

struct day_yaml {
    const char *date, *from, *to;
    bool working;
    struct text name;
};

static const struct field day_fields[] = {
    {FIELD("date", FIELD_DATE, struct day_yaml, date), ABOUT("The day.")},
    {FIELD("from", FIELD_DATE, struct day_yaml, from),
     ABOUT("The first of several days.")},
    {FIELD("to", FIELD_DATE, struct day_yaml, to), ABOUT("The last of them.")},
    {FIELD("working", FIELD_BOOL, struct day_yaml, working),
     ABOUT("Whether it is worked, like a Monday, or not at all."), PRESET("false")},
    {FIELD("name", FIELD_TEXT, struct day_yaml, name), ABOUT("What it is called.")},
};
/* not translated: keys, and a name in the schema */
static const char *const day_forms[] = {"date", "from to", NULL};

const struct shape calendar_shape = {SHAPE_OF_TABLE(day_fields),
                                     .name = "calendar-entry",
                                     .about = "Days on which the hours of teams are "
                                              "not those of their weekday.",
                                     .one_of = day_forms};

/* False (reported) when it names no days. */
static bool
read_entry(struct reader *r, const struct node *n, struct calendar_day *out)
{
    struct day_yaml y = {0};
    fields_preset(r, &y, day_fields, ARRAY_LEN(day_fields));
    if (!fields_read(r, &y, n, "calendar entry", day_fields, ARRAY_LEN(day_fields))) {
        return false;
    }
    bool range = y.from != NULL && y.to != NULL;
    bool half = y.from != NULL || y.to != NULL;
    if (half != range || range == (y.date != NULL)) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the entry names no days; date: 2026-10-01, or from: 2026-10-01 and "
                  "to: 2026-10-07, is accepted");
        return false;
    }
    const char *last = range ? y.to : y.date;
    out->working = y.working;
    out->name = y.name;
    if (!civil_parse_date(&out->from, range ? y.from : y.date) ||
        !civil_parse_date(&out->to, last) || out->to < out->from ||
        out->to - out->from >= RANGE_DAYS_MAX) {
        struct loc loc = loc_of(n, "to");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"to\" is %s; the day of \"from\", or one of the %d behind it, is "
                  "accepted",
                  last, RANGE_DAYS_MAX - 1);
        return false;
    }
    return true;
}

struct entry {
    struct calendar_day day;
    const struct node *node;
};

static int
by_from(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    if (x->day.from != y->day.from) {
        return x->day.from < y->day.from ? -1 : 1;
    }
    return x->node->loc.line < y->node->loc.line ? -1 : 1;
}

void
calendar_read(struct reader *r, const struct sections *s, struct site *site)
{
    const struct node_list *list = &s->lists[SECTION_CALENDAR];
    if (list->count > CALENDAR_DAYS_MAX) {
        diags_add(r->diags, DIAG_ERROR, &list->items[CALENDAR_DAYS_MAX]->loc,
                  "the calendar has %u entries; at most %d are accepted, those of the "
                  "past may go",
                  list->count, CALENDAR_DAYS_MAX);
        return;
    }
    struct entry *entries = arena_array(r->arena, list->count + 1, sizeof *entries);
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        entries[count].node = list->items[i];
        count += read_entry(r, list->items[i], &entries[count].day);
    }
    qsort(entries, count, sizeof *entries, by_from);
    site->calendar = arena_array(r->arena, count + 1, sizeof *site->calendar);
    for (uint32_t i = 0; i < count; i++) {
        const struct entry *e = &entries[i];
        if (i > 0 && e->day.from <= entries[i - 1].day.to) {
            const struct loc *first = &entries[i - 1].node->loc;
            diags_add(r->diags, DIAG_ERROR, &e->node->loc,
                      "a day of this entry stands in another one, at %s:%u:%u; let "
                      "each day stand in one",
                      first->file, first->line, first->column);
        }
        site->calendar[i] = e->day;
    }
    site->calendar_count = count;
}
