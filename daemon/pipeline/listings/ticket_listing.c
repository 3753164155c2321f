#include "daemon/pipeline/listings/ticket_listing.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/base/arena.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/queue.h"

/* Of one piece: what it shows, and what it looks at while little fits the filter.  The
 * thread that answers the others too has time for them in between. */
#define PIECE_SHOWN_MAX  512
#define PIECE_LOOKED_MAX 8192

/* An open ticket that is shown, and its text within ticket_listing.texts. */
struct row {
    struct queue_place place;
    size_t from, size;
};

struct ticket_listing {
    struct arena *arena; /* Of the filter's words. */
    struct ticket_filter filter;
    int64_t now_ms;
    bool has_state;
    enum ticket_state state;
    bool by_number;
    bool closed_too;
    /* The open ones, which are read first and sorted. */
    struct row *rows;
    size_t row_count, row_room;
    struct strbuf texts;
    /* What comes behind them, in order of number. */
    bool paged;     /* There is such. */
    int64_t after;  /* The last number that was looked at. */
    int64_t oldest; /* The lowest that is shown, where older ones may be; or 0. */
    size_t left;    /* Tickets that may still be shown. */
    bool begun, any;
};

static bool
matches(const char *wanted, const char *value)
{
    return wanted == NULL || (value != NULL && strcmp(wanted, value) == 0);
}

static bool
is_shown(const struct ticket_listing *l, const struct ticket *t)
{
    const struct ticket_filter *f = &l->filter;
    bool shown =
        l->has_state ? t->state == l->state : f->all || t->state != TICKET_CLOSED;
    return shown && (f->before == 0 || t->number < f->before) &&
           matches(f->device, t->device) && matches(f->assignee, t->assignee) &&
           matches(f->team, t->team) && (!f->overdue || queue_is_overdue(t, l->now_ms));
}

/* The index that leads to the fewest. */
static enum state_tickets
which(const struct ticket_filter *f, const char **id)
{
    *id = f->device != NULL ? f->device : f->assignee != NULL ? f->assignee : f->team;
    return f->device != NULL     ? TICKETS_OF_DEVICE
           : f->assignee != NULL ? TICKETS_OF_PERSON
           : f->team != NULL     ? TICKETS_OF_TEAM
                                 : TICKETS_ALL;
}

static void
put_row(const struct ticket_listing *l, struct strbuf *out, const struct ticket *t)
{
    ticket_to_listing(out, t);
    if (l->filter.details) {
        titles_join_json(out, &t->titles);
    }
}

/* ---- The open ones ---- */

struct opening {
    struct ticket_listing *l;
    const struct site *site;
    struct queue_need *needs;
    bool no_memory;
};

static bool
add_open(void *ctx, const struct ticket *t)
{
    struct opening *o = ctx;
    struct ticket_listing *l = o->l;
    if (t->number <= l->after || t->state == TICKET_CLOSED || !is_shown(l, t)) {
        return true;
    }
    if (l->row_count == l->row_room) {
        size_t room = l->row_room == 0 ? 64 : l->row_room * 2;
        struct row *rows = realloc(l->rows, room * sizeof *rows);
        if (rows == NULL) {
            o->no_memory = true;
            return false;
        }
        l->rows = rows;
        l->row_room = room;
    }
    struct row *row = &l->rows[l->row_count++];
    row->place = queue_place_of(o->site, o->needs, t);
    row->from = l->texts.size;
    put_row(l, &l->texts, t);
    row->size = l->texts.size - row->from;
    return true;
}

static int
by_place(const void *a, const void *b)
{
    return queue_compare(&((const struct row *)a)->place,
                         &((const struct row *)b)->place);
}

static int
in_number(const void *a, const void *b)
{
    int64_t x = ((const struct row *)a)->place.number;
    int64_t y = ((const struct row *)b)->place.number;
    return (x > y) - (x < y);
}

static int
read_open(struct ticket_listing *l,
          struct state *store,
          const struct site *site,
          struct err *err)
{
    struct opening o = {l, site, queue_needs(site), false};
    if (o.needs == NULL) {
        return err_set(err, ERR_NOMEM, "the listing of tickets");
    }
    int code = state_each_ticket(store, INSTANT_MAX, add_open, &o, err);
    free(o.needs);
    if (code == 0 && o.no_memory) {
        code = err_set(err, ERR_NOMEM, "the listing of tickets");
    }
    if (l->row_count > 0) {
        qsort(l->rows, l->row_count, sizeof *l->rows,
              l->by_number ? in_number : by_place);
    }
    return code;
}

/* ---- The newest ---- */

struct counting {
    const struct ticket_listing *l;
    size_t count;
    int64_t last; /* The number of the last that counted. */
};

static bool
count_back(void *ctx, const struct ticket *t)
{
    struct counting *c = ctx;
    if (is_shown(c->l, t)) {
        c->count++;
        c->last = t->number;
    }
    return c->count < c->l->filter.limit;
}

/* Where the newest `limit` begin. */
static int
find_newest(struct ticket_listing *l, struct state *store, struct err *err)
{
    struct counting c = {.l = l};
    const char *id = NULL;
    enum state_tickets of = which(&l->filter, &id);
    int code = state_tickets_back(store, of, id, count_back, &c, err);
    l->after = c.count == l->filter.limit ? c.last - 1 : 0;
    l->oldest = c.count == l->filter.limit ? c.last : 0;
    return code;
}

/* ---- All ---- */

static void
take_filter(struct ticket_listing *l, const struct ticket_filter *f)
{
    l->filter = *f;
    l->filter.device = arena_strdup(l->arena, f->device);
    l->filter.state = arena_strdup(l->arena, f->state);
    l->filter.assignee = arena_strdup(l->arena, f->assignee);
    l->filter.team = arena_strdup(l->arena, f->team);
    l->filter.order = arena_strdup(l->arena, f->order);
}

static int
check_filter(struct ticket_listing *l, struct err *err)
{
    const struct ticket_filter *f = &l->filter;
    l->has_state = f->state != NULL;
    if (l->has_state && !ticket_state_parse(&l->state, f->state)) {
        return err_set(err, ERR_RANGE,
                       "\"%s\" is no state of a ticket; opened, assigned, responded, "
                       "waiting, resolved or closed",
                       f->state);
    }
    l->by_number = f->order != NULL ? strcmp(f->order, "number") == 0 : f->all;
    if (f->order != NULL && !l->by_number && strcmp(f->order, "queue") != 0) {
        return err_set(err, ERR_RANGE, "\"%s\" is no order; queue or number", f->order);
    }
    /* What is closed has no deadline that still runs. */
    l->closed_too = !f->overdue && (l->has_state ? l->state == TICKET_CLOSED : f->all);
    return 0;
}

static int
begin(struct ticket_listing *l,
      struct state *store,
      const struct site *site,
      struct err *err)
{
    l->left = l->filter.limit > 0 ? l->filter.limit : SIZE_MAX;
    l->paged = l->closed_too;
    int code = 0;
    if (l->filter.limit > 0 && l->closed_too) {
        code = find_newest(l, store, err);
    }
    /* By number the open ones stand among the others. */
    bool among = l->paged && l->by_number;
    return code == 0 && !among ? read_open(l, store, site, err) : code;
}

int
ticket_listing_open(struct ticket_listing **out,
                    struct state *store,
                    const struct site *site,
                    const struct ticket_filter *filter,
                    int64_t now_ms,
                    struct err *err)
{
    struct ticket_listing *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return err_set(err, ERR_NOMEM, "the listing of tickets");
    }
    l->arena = arena_new();
    l->now_ms = now_ms;
    take_filter(l, filter);
    int code = check_filter(l, err);
    if (code == 0 && store != NULL) {
        code = begin(l, store, site, err);
    }
    if (code != 0) {
        ticket_listing_free(l);
        return code;
    }
    *out = l;
    return 0;
}

int64_t
ticket_listing_before(const struct ticket_listing *l)
{
    return l->oldest;
}

void
ticket_listing_free(struct ticket_listing *l)
{
    if (l != NULL) {
        strbuf_fini(&l->texts);
        free(l->rows);
        arena_free(l->arena);
        free(l);
    }
}

static void
separate(struct ticket_listing *l, struct strbuf *out)
{
    strbuf_add(out, l->any ? "," : "");
    l->any = true;
    l->left--;
}

static void
put_open(struct ticket_listing *l, struct strbuf *out)
{
    for (size_t i = 0; i < l->row_count && l->left > 0; i++) {
        separate(l, out);
        strbuf_add_bytes(out, l->texts.text + l->rows[i].from, l->rows[i].size);
    }
    strbuf_fini(&l->texts);
    /* From now on they are looked up. */
    if (l->row_count > 0) {
        qsort(l->rows, l->row_count, sizeof *l->rows, in_number);
    }
}

struct paging {
    struct ticket_listing *l;
    struct strbuf *out;
    size_t shown, looked;
    bool full;
};

/* It was open when the open ones were read, and has been closed since. */
static bool
was_open(const struct ticket_listing *l, int64_t number)
{
    const struct row key = {.place = {.number = number}};
    return l->row_count > 0 &&
           bsearch(&key, l->rows, l->row_count, sizeof key, in_number) != NULL;
}

static bool
add_paged(void *ctx, const struct ticket *t)
{
    struct paging *p = ctx;
    struct ticket_listing *l = p->l;
    bool wanted =
        l->by_number || (t->state == TICKET_CLOSED && !was_open(l, t->number));
    l->after = t->number;
    p->looked++;
    if (wanted && is_shown(l, t)) {
        separate(l, p->out);
        put_row(l, p->out, t);
        p->shown++;
    }
    p->full = p->shown == PIECE_SHOWN_MAX || p->looked == PIECE_LOOKED_MAX;
    return !p->full && l->left > 0;
}

int
ticket_listing_next(struct ticket_listing *l,
                    struct state *store,
                    struct strbuf *out,
                    bool *more,
                    struct err *err)
{
    if (!l->begun) {
        l->begun = true;
        strbuf_add_char(out, '[');
        put_open(l, out);
    }
    struct paging p = {.l = l, .out = out};
    if (l->paged && l->left > 0) {
        const char *id = NULL;
        enum state_tickets of = which(&l->filter, &id);
        int code = state_tickets_after(store, of, id, l->after, add_paged, &p, err);
        if (code != 0) {
            return code;
        }
    }
    *more = p.full && l->left > 0;
    if (!*more) {
        strbuf_add_char(out, ']');
    }
    return 0;
}

int
listing_tickets(struct state *store,
                const struct site *site,
                const struct ticket_filter *filter,
                int64_t now_ms,
                struct strbuf *out,
                struct err *err)
{
    struct ticket_listing *l = NULL;
    int code = ticket_listing_open(&l, store, site, filter, now_ms, err);
    bool more = true;
    while (code == 0 && more) {
        code = ticket_listing_next(l, store, out, &more, err);
    }
    ticket_listing_free(l);
    return code;
}

bool
ticket_limit_parse(size_t *out, const char *text)
{
    char *end = NULL;
    if (text == NULL) {
        *out = 0;
        return true;
    }
    unsigned long value =
        text[0] >= '1' && text[0] <= '9' ? strtoul(text, &end, 10) : 0;
    if (value == 0 || value > 1000000 || *end != '\0') {
        return false;
    }
    *out = value;
    return true;
}
