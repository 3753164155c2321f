/* What the ledger adds to the report: papers that run out. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/strbuf.h"
#include "daemon/pipeline/ledger/ledger_list.h"
#include "daemon/pipeline/report/site_report.h"

struct filling {
    struct site_report *r;
    struct report_table *t;
    int32_t today;
};

static void
add(const struct filling *x,
    const struct device *d,
    enum document_kind kind,
    const char *title,
    int32_t last)
{
    struct strbuf key = {0};
    strbuf_printf(&key, "%s/%s", d->id,
                  title != NULL ? title : document_kind_name(kind));
    struct report_row *row =
        report_table_add(x->t, x->r->arena, strbuf_text(&key), d->id);
    strbuf_fini(&key);
    row->name = site_report_name_of(d);
    report_set(x->t, row, "valid_until", (double)last);
    report_set(x->t, row, "days_left", (double)(last - x->today));
    row->cells[report_column_index(x->t->spec, "kind")].word = document_kind_name(kind);
    row->cells[report_column_index(x->t->spec, "title")].word =
        title != NULL ? arena_strdup(x->r->arena, title) : NULL;
}

static void
add_device(const struct filling *x, const struct ledger_book *book, uint32_t device)
{
    const struct device *d = &x->r->site->devices[device];
    char value[LEDGER_TEXT_BYTES];
    size_t count;
    int32_t last;
    const struct ledger_document *items = ledger_book_documents(book, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i].device, d->id) == 0 &&
            ledger_is_near(&items[i], x->today)) {
            add(x, d, items[i].kind, items[i].title,
                x->today + ledger_days_left(&items[i], x->today));
        }
    }
    ledger_book_value(value, book, device, LEDGER_WARRANTY_UNTIL);
    if (ledger_warranty_is_near(book, device, x->today) &&
        civil_parse_date(&last, value)) {
        add(x, d, DOCUMENT_WARRANTY, NULL, last);
    }
}

/* What runs out first, first. */
static int
by_day(const void *left, const void *right)
{
    const struct report_row *a = left;
    const struct report_row *b = right;
    double x = a->cells[0].value;
    double y = b->cells[0].value;
    return x != y ? (x > y) - (x < y) : strcmp(a->key, b->key);
}

int
site_report_fill_papers(struct site_report *r, struct state *state, struct err *err)
{
    struct ledger_book *book = NULL;
    struct report_table *t = &r->periods[0].tables[SITE_PAPERS];
    const struct filling x = {r, t, civil_day(r->now_ms)};
    int code = ledger_book_load(&book, r->site, state, NULL, err);
    if (code != 0) {
        return code;
    }
    for (uint32_t i = 0; i < r->rows.device_count; i++) {
        add_device(&x, book, r->rows.site_devices[i]);
    }
    ledger_book_free(book);
    if (t->count > 0) {
        qsort(t->rows, t->count, sizeof *t->rows, by_day);
    }
    return 0;
}
