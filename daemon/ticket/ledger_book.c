#include "daemon/ticket/ledger_book.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/civil.h"
#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"

/* What somebody changed. */
struct held {
    char *value; /* NULL: the file's holds. */
    char *by;
    int64_t changed_ms;
};

struct ledger_book {
    const struct site *site;
    struct held **held; /* By device; NULL: nobody changed anything of it.  Else one by
                           key. */
    struct ledger_document *documents;
    size_t document_count, document_room;
    struct ledger_alteration *alterations;
    size_t alteration_count, alteration_room;
    int64_t last_document, last_alteration;
};

static void *
grown(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    *room = *room == 0 ? 16 : *room * 2;
    void *more = realloc(items, *room * size);
    if (more == NULL) {
        abort();
    }
    return more;
}

static struct ledger_document *
add_document(struct ledger_book *b)
{
    b->documents = grown(b->documents, b->document_count, &b->document_room,
                         sizeof b->documents[0]);
    return &b->documents[b->document_count++];
}

static void
add_papers(struct ledger_book *b, const struct device *d)
{
    for (uint32_t i = 0; i < d->ledger.document_count && d->ledger.papers != NULL;
         i++) {
        const struct ledger_paper *p = &d->ledger.papers[i];
        struct ledger_document *out = add_document(b);
        *out = (struct ledger_document){.device = d->id,
                                        .kind = p->kind,
                                        .added_ms = INSTANT_NONE,
                                        .removed_ms = INSTANT_NONE};
        utf8_copy(out->title, sizeof out->title, p->title);
        utf8_copy(out->link, sizeof out->link, p->link);
        utf8_copy(out->valid_until, sizeof out->valid_until, p->valid_until);
    }
}

struct ledger_book *
ledger_book_new(const struct site *site)
{
    struct ledger_book *b = calloc(1, sizeof *b);
    if (b == NULL) {
        abort();
    }
    b->site = site;
    b->held = calloc((size_t)site->device_count + 1, sizeof(struct held *));
    if (b->held == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < site->device_count; i++) {
        add_papers(b, &site->devices[i]);
    }
    return b;
}

void
ledger_book_free(struct ledger_book *b)
{
    if (b == NULL) {
        return;
    }
    for (uint32_t i = 0; i < b->site->device_count; i++) {
        for (int k = 0; b->held[i] != NULL && k < LEDGER_KEY_COUNT; k++) {
            free(b->held[i][k].value);
            free(b->held[i][k].by);
        }
        free(b->held[i]);
    }
    free(b->held);
    free(b->documents);
    free(b->alterations);
    free(b);
}

static char *
copied(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        abort();
    }
    return copy;
}

static void
put_field(struct ledger_book *b, uint32_t device, const struct ledger_field *f)
{
    if (b->held[device] == NULL) {
        b->held[device] = calloc(LEDGER_KEY_COUNT, sizeof *b->held[device]);
        if (b->held[device] == NULL) {
            abort();
        }
    }
    struct held *h = &b->held[device][f->key];
    free(h->value);
    free(h->by);
    *h = (struct held){NULL, NULL, 0};
    if (!f->gone) {
        *h = (struct held){copied(f->value), copied(f->by), f->changed_ms};
    }
}

static void
put_document(struct ledger_book *b, uint32_t device, const struct ledger_document *d)
{
    struct ledger_document *at = NULL;
    for (size_t i = 0; i < b->document_count && at == NULL; i++) {
        at = b->documents[i].number == d->number ? &b->documents[i] : NULL;
    }
    at = at != NULL ? at : add_document(b);
    *at = *d;
    at->device = b->site->devices[device].id;
}

static void
put_alteration(struct ledger_book *b,
               uint32_t device,
               const struct ledger_alteration *a)
{
    b->alterations = grown(b->alterations, b->alteration_count, &b->alteration_room,
                           sizeof b->alterations[0]);
    struct ledger_alteration *at = &b->alterations[b->alteration_count++];
    *at = *a;
    at->device = b->site->devices[device].id;
}

bool
ledger_book_put(struct ledger_book *b, const struct ledger_row *row)
{
    const char *id = row->kind == LEDGER_ROW_FIELD      ? row->field.device
                     : row->kind == LEDGER_ROW_DOCUMENT ? row->document.device
                                                        : row->alteration.device;
    uint32_t device = site_device(b->site, id);
    bool known = device != NONE_INDEX;
    switch (row->kind) {
    case LEDGER_ROW_FIELD:
        if (known) {
            put_field(b, device, &row->field);
        }
        break;
    case LEDGER_ROW_DOCUMENT:
        if (row->document.number > b->last_document) {
            b->last_document = row->document.number;
        }
        if (known) {
            put_document(b, device, &row->document);
        }
        break;
    case LEDGER_ROW_ALTERATION:
        if (row->alteration.number > b->last_alteration) {
            b->last_alteration = row->alteration.number;
        }
        if (known) {
            put_alteration(b, device, &row->alteration);
        }
        break;
    }
    return known;
}

static const struct held *
held_of(const struct ledger_book *b, uint32_t device, enum ledger_key key)
{
    const struct held *all = b->held[device];
    return all != NULL && all[key].value != NULL ? &all[key] : NULL;
}

const char *
ledger_book_changed(const struct ledger_book *b,
                    uint32_t device,
                    enum ledger_key key,
                    int64_t *changed_ms)
{
    const struct held *h = held_of(b, device, key);
    if (h != NULL) {
        *changed_ms = h->changed_ms;
    }
    return h != NULL ? h->by : NULL;
}

char *
ledger_book_value(char out[LEDGER_TEXT_BYTES],
                  const struct ledger_book *b,
                  uint32_t device,
                  enum ledger_key key)
{
    const struct held *h = held_of(b, device, key);
    if (h == NULL) {
        return ledger_file_value(out, &b->site->devices[device].ledger, key);
    }
    utf8_copy(out, LEDGER_TEXT_BYTES, h->value);
    return out;
}

char *
ledger_book_area(char out[LEDGER_TEXT_BYTES],
                 const struct ledger_book *b,
                 uint32_t device)
{
    if (ledger_book_value(out, b, device, LEDGER_AREA)[0] == '\0') {
        utf8_copy(out, LEDGER_TEXT_BYTES, b->site->devices[device].location);
    }
    return out;
}

const struct ledger_document *
ledger_book_documents(const struct ledger_book *b, size_t *count)
{
    *count = b->document_count;
    return b->documents;
}

const struct ledger_alteration *
ledger_book_alterations(const struct ledger_book *b, size_t *count)
{
    *count = b->alteration_count;
    return b->alterations;
}

const struct ledger_document *
ledger_book_document(const struct ledger_book *b, int64_t number)
{
    for (size_t i = 0; number > 0 && i < b->document_count; i++) {
        if (b->documents[i].number == number) {
            return &b->documents[i];
        }
    }
    return NULL;
}

int64_t
ledger_book_next_document(const struct ledger_book *b)
{
    return b->last_document + 1;
}

int64_t
ledger_book_next_alteration(const struct ledger_book *b)
{
    return b->last_alteration + 1;
}

int32_t
ledger_days_left(const struct ledger_document *d, int32_t today)
{
    int32_t last;
    if (d->removed_ms != INSTANT_NONE || !civil_parse_date(&last, d->valid_until)) {
        return INT32_MAX;
    }
    return last - today;
}

bool
ledger_is_near(const struct ledger_document *d, int32_t today)
{
    int32_t left = ledger_days_left(d, today);
    return left <= LEDGER_NEAR_DAYS && (left >= 0 || d->kind != DOCUMENT_WARRANTY);
}

bool
ledger_warranty_is_near(const struct ledger_book *b, uint32_t device, int32_t today)
{
    char value[LEDGER_TEXT_BYTES];
    int32_t last;
    ledger_book_value(value, b, device, LEDGER_WARRANTY_UNTIL);
    return civil_parse_date(&last, value) && last >= today &&
           last - today <= LEDGER_NEAR_DAYS;
}

struct ledger_papers
ledger_book_papers(const struct ledger_book *b, int32_t today)
{
    struct ledger_papers p = {0, 0};
    for (size_t i = 0; i < b->document_count; i++) {
        bool near = ledger_is_near(&b->documents[i], today);
        p.due += near;
        p.over += near && ledger_days_left(&b->documents[i], today) < 0;
    }
    for (uint32_t i = 0; i < b->site->device_count; i++) {
        p.due += ledger_warranty_is_near(b, i, today);
    }
    return p;
}
