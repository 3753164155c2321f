#include "daemon/pipeline/ledger/ledger_list.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"

#define HOUR_MS  3600000.0
#define DAY_MS   INT64_C(86400000)
#define PER_CENT 100.0

/* ---- Reading ---- */

struct loading {
    struct ledger_book *book;
    const struct site *site;
    struct ledger_use *uses;
};

static bool
take_row(void *ctx, const struct ledger_row *row)
{
    const struct loading *l = ctx;
    (void)ledger_book_put(l->book, row);
    return true;
}

/* "pump-1 hours(running)" belongs to pump-1.  Several rules may count several
 * conditions: the one that was true for longest is the nearest to its life. */
static bool
take_meter(void *ctx, const struct meter_row *row)
{
    const struct loading *l = ctx;
    char id[ID_BYTES_MAX];
    const char *blank = strchr(row->key, ' ');
    size_t size = blank != NULL ? (size_t)(blank - row->key) : 0;
    if (size == 0 || size >= sizeof id) {
        return true;
    }
    memcpy(id, row->key, size);
    id[size] = '\0';
    uint32_t device = site_device(l->site, id);
    if (device == NONE_INDEX) {
        return true;
    }
    struct ledger_use *use = &l->uses[device];
    if (strncmp(blank + 1, "hours(", strlen("hours(")) == 0) {
        use->hours = fmax(use->hours, (double)row->true_ms / HOUR_MS);
    } else if (strncmp(blank + 1, "starts(", strlen("starts(")) == 0) {
        use->starts = fmax(use->starts, (double)row->starts);
    }
    return true;
}

int
ledger_book_load(struct ledger_book **out,
                 const struct site *site,
                 struct state *store,
                 struct ledger_use *uses,
                 struct err *err)
{
    struct loading l = {ledger_book_new(site), site, uses};
    for (uint32_t i = 0; uses != NULL && i < site->device_count; i++) {
        uses[i] = (struct ledger_use){NAN, NAN};
    }
    int code = store != NULL ? state_each_ledger(store, take_row, &l, err) : 0;
    if (code == 0 && store != NULL && uses != NULL) {
        code = state_each_meter(store, take_meter, &l, err);
    }
    if (code != 0) {
        ledger_book_free(l.book);
        return code;
    }
    *out = l.book;
    return 0;
}

/* ---- Writing ---- */

static bool
is_number(enum ledger_key k)
{
    return k == LEDGER_DESIGN_HOURS || k == LEDGER_DESIGN_STARTS || k == LEDGER_PRICE;
}

/* Days since it was installed; false when that is not known, or lies ahead. */
static bool
age_of(const struct ledger_book *b, uint32_t device, int32_t today, int32_t *days)
{
    char value[LEDGER_TEXT_BYTES];
    int32_t installed;
    ledger_book_value(value, b, device, LEDGER_INSTALLED);
    if (!civil_parse_date(&installed, value) || installed > today) {
        return false;
    }
    *days = today - installed;
    return true;
}

static double
number_of(const struct ledger_book *b, uint32_t device, enum ledger_key k)
{
    char value[LEDGER_TEXT_BYTES];
    int64_t ms = 0;
    ledger_book_value(value, b, device, k);
    if (k == LEDGER_DESIGN_LIFE) {
        return duration_parse(&ms, value, NULL) == 0 ? (double)ms / (double)DAY_MS
                                                     : NAN;
    }
    return value[0] != '\0' ? strtod(value, NULL) : NAN;
}

/* One digit is all that a life used says. */
static double
rounded(double value)
{
    return round(value * 10) / 10;
}

static void
add_life(struct strbuf *out,
         const struct ledger_book *b,
         uint32_t device,
         const struct ledger_use *use,
         int32_t today)
{
    static const char *const words[] = {"age", "hours", "starts"};
    int32_t days = 0;
    double age = age_of(b, device, today, &days) ? (double)days : NAN;
    const double used[] = {
        age / number_of(b, device, LEDGER_DESIGN_LIFE) * PER_CENT,
        use->hours / number_of(b, device, LEDGER_DESIGN_HOURS) * PER_CENT,
        use->starts / number_of(b, device, LEDGER_DESIGN_STARTS) * PER_CENT,
    };
    size_t most = 0;
    for (size_t i = 1; i < ARRAY_LEN(used); i++) {
        most = used[i] > used[most] || isnan(used[most]) ? i : most;
    }
    strbuf_json_num(out, "age_days", age);
    strbuf_json_num(out, "age_used", rounded(used[0]));
    strbuf_json_num(out, "hours", rounded(use->hours));
    strbuf_json_num(out, "hours_used", rounded(used[1]));
    strbuf_json_num(out, "starts", use->starts);
    strbuf_json_num(out, "starts_used", rounded(used[2]));
    strbuf_json_num(out, "life_used", rounded(used[most]));
    strbuf_json_str(out, "life_by", isnan(used[most]) ? NULL : words[most]);
}

void
ledger_add_record(struct strbuf *out,
                  const struct ledger_book *b,
                  uint32_t device,
                  const struct ledger_use *use,
                  int32_t today)
{
    char value[LEDGER_TEXT_BYTES];
    int64_t changed_ms;
    for (int i = 0; i < LEDGER_KEY_COUNT; i++) {
        enum ledger_key k = (enum ledger_key)i;
        ledger_book_value(value, b, device, k);
        if (is_number(k) && value[0] != '\0') {
            strbuf_json_key(out, ledger_key_name(k));
            strbuf_add(out, value); /* Digits, and two behind the point. */
        } else {
            strbuf_json_str(out, ledger_key_name(k), value[0] != '\0' ? value : NULL);
        }
    }
    add_life(out, b, device, use, today);
    strbuf_json_key(out, "sources");
    strbuf_add_char(out, '{');
    for (int i = 0; i < LEDGER_KEY_COUNT; i++) {
        enum ledger_key k = (enum ledger_key)i;
        bool changed = ledger_book_changed(b, device, k, &changed_ms) != NULL;
        if (changed || ledger_book_value(value, b, device, k)[0] != '\0') {
            strbuf_json_str(out, ledger_key_name(k), changed ? "database" : "file");
        }
    }
    strbuf_add_char(out, '}');
}

static void
add_document(struct strbuf *out, const struct ledger_document *d, int32_t today)
{
    int32_t left = ledger_days_left(d, today);
    strbuf_add_char(out, '{');
    if (d->number > 0) {
        strbuf_json_int(out, "number", d->number);
    } else {
        strbuf_json_str(out, "number", NULL);
    }
    strbuf_json_str(out, "title", d->title);
    strbuf_json_str(out, "link", d->link);
    strbuf_json_str(out, "kind", document_kind_name(d->kind));
    strbuf_json_str(out, "valid_until",
                    d->valid_until[0] != '\0' ? d->valid_until : NULL);
    strbuf_json_num(out, "days_left", left != INT32_MAX ? (double)left : (double)NAN);
    strbuf_json_str_opt(out, "by", d->by[0] != '\0' ? d->by : NULL);
    strbuf_json_time_opt(out, "added_at", d->added_ms);
    if (d->removed_ms != INSTANT_NONE) {
        strbuf_json_str(out, "removed_by", d->removed_by);
        strbuf_json_time(out, "removed_at", d->removed_ms);
    }
    strbuf_add_char(out, '}');
}

void
ledger_add_documents(struct strbuf *out,
                     const struct ledger_book *b,
                     const char *device,
                     bool all,
                     int32_t today)
{
    size_t count;
    const struct ledger_document *items = ledger_book_documents(b, &count);
    bool first = true;
    strbuf_json_key(out, "documents");
    strbuf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        bool shown = all || items[i].removed_ms == INSTANT_NONE;
        if (shown && strcmp(items[i].device, device) == 0) {
            strbuf_add(out, first ? "" : ",");
            first = false;
            add_document(out, &items[i], today);
        }
    }
    strbuf_add_char(out, ']');
}

struct listed {
    const struct ledger_book *book;
    const struct device *device;
    uint32_t index;
    const char *area;
};

static int
compare_listed(const void *a, const void *b)
{
    const struct listed *x = a;
    const struct listed *y = b;
    int order = strcmp(x->device->type, y->device->type);
    order = order != 0 ? order : strcmp(x->area, y->area);
    return order != 0 ? order : strcmp(x->device->id, y->device->id);
}

static bool
fits(const struct ledger_filter *f,
     const struct ledger_book *b,
     const struct device *d,
     uint32_t index,
     const char *area)
{
    char keeper[LEDGER_TEXT_BYTES];
    if (d->role != DEVICE_EQUIPMENT) {
        return false;
    }
    ledger_book_value(keeper, b, index, LEDGER_KEEPER);
    return (f->device == NULL || strcmp(f->device, d->id) == 0) &&
           (f->type == NULL || strcmp(f->type, d->type) == 0) &&
           (f->area == NULL || strcmp(f->area, area) == 0) &&
           (f->keeper == NULL || strcmp(f->keeper, keeper) == 0);
}

static void
add_listed(struct strbuf *out,
           const struct listed *l,
           const struct ledger_use *uses,
           int32_t today)
{
    size_t count;
    int64_t altered = 0;
    const struct device *d = l->device;
    const struct ledger_alteration *a = ledger_book_alterations(l->book, &count);
    for (size_t i = 0; i < count; i++) {
        altered += strcmp(a[i].device, d->id) == 0;
    }
    strbuf_add_char(out, '{');
    strbuf_json_str(out, "id", d->id);
    strbuf_json_str(out, "name", d->name);
    strbuf_json_str(out, "type", d->type);
    strbuf_json_str(out, "location", d->location);
    ledger_add_record(out, l->book, l->index, &uses[l->index], today);
    ledger_add_documents(out, l->book, d->id, false, today);
    strbuf_json_int(out, "alterations", altered);
    strbuf_add_char(out, '}');
}

static void
list(const struct site *site,
     const struct ledger_book *b,
     const struct ledger_use *uses,
     const struct ledger_filter *filter,
     int32_t today,
     struct strbuf *out)
{
    struct arena *arena = arena_new();
    struct listed *items =
        arena_array(arena, (size_t)site->device_count + 1, sizeof *items);
    uint32_t count = 0;
    char area[LEDGER_TEXT_BYTES];
    for (uint32_t i = 0; i < site->device_count; i++) {
        const struct device *d = &site->devices[i];
        ledger_book_area(area, b, i);
        if (fits(filter, b, d, i, area)) {
            items[count++] = (struct listed){b, d, i, arena_strdup(arena, area)};
        }
    }
    qsort(items, count, sizeof *items, compare_listed);
    strbuf_add_char(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        strbuf_add(out, i > 0 ? "," : "");
        add_listed(out, &items[i], uses, today);
    }
    strbuf_add_char(out, ']');
    arena_free(arena);
}

int
listing_ledger(const struct site *site,
               struct state *store,
               const struct ledger_filter *filter,
               int64_t now_ms,
               struct strbuf *out,
               struct err *err)
{
    struct ledger_book *book = NULL;
    if (filter->device != NULL && site_device(site, filter->device) == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%s\"", filter->device);
    }
    struct ledger_use *uses = calloc((size_t)site->device_count + 1, sizeof *uses);
    if (uses == NULL) {
        return err_set(err, ERR_NOMEM, "ledger");
    }
    int code = ledger_book_load(&book, site, store, uses, err);
    if (code == 0) {
        list(site, book, uses, filter, civil_day(now_ms), out);
    }
    ledger_book_free(book);
    free(uses);
    return code;
}
