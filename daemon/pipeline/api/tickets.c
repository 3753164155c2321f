/* Tickets: the listing, in pieces, and one with its evidence. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/listings/ticket_listing.h"

#define TICKET_PATH "/api/v1/tickets/" /* A number, and perhaps a form. */

/* A listing of tickets that is on its way to who asked. */
struct tickets_sent {
    struct ticket_listing *listing;
};

static int
next_tickets(void *ctx, void *worker, struct strbuf *piece, bool *more)
{
    struct tickets_sent *t = ctx;
    const struct api *a = worker;
    struct err err = {0};
    int code = ticket_listing_next(t->listing, a->reader, piece, more, &err);
    if (code != 0) {
        log_warning("a listing of tickets ends early: %s", err.text);
    }
    return code;
}

static void
free_tickets(void *ctx)
{
    struct tickets_sent *t = ctx;
    ticket_listing_free(t->listing);
    free(t);
}

/* Nearly every listing fits in its first piece.  Takes the listing. */
static unsigned
begin_tickets(struct api *a,
              struct ticket_listing *listing,
              const struct web_request *r,
              struct strbuf *body)
{
    struct err err = {0};
    bool more = false;
    int code = ticket_listing_next(listing, a->reader, body, &more, &err);
    struct tickets_sent *sent = NULL;
    if (code == 0 && more) {
        sent = malloc(sizeof *sent);
        code = sent == NULL ? err_set(&err, ERR_NOMEM, "the listing of tickets") : 0;
    }
    if (code != 0 || !more) {
        ticket_listing_free(listing);
        return code != 0 ? api_problem(body, &err) : 200;
    }
    *sent = (struct tickets_sent){listing};
    r->answer->pieces = (struct web_pieces){next_tickets, free_tickets, sent};
    return 200;
}

unsigned
api_get_tickets(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct ticket_filter filter = {
        .device = r->query(r, "device"),
        .state = r->query(r, "state"),
        .assignee = r->query(r, "assignee"),
        .team = r->query(r, "team"),
        .order = r->query(r, "order"),
        .all = api_asked_for(r, "all"),
        .details = api_asked_for(r, "details"),
        .overdue = api_asked_for(r, "overdue"),
    };
    struct err err = {0};
    if (!ticket_limit_parse(&filter.limit, r->query(r, "limit"))) {
        err_set(&err, ERR_RANGE, TICKET_LIMIT_ACCEPTED);
        return api_problem(body, &err);
    }
    if (api_number(&filter.before, r, "before", 1, INT64_MAX, &err) != 0) {
        return api_problem(body, &err);
    }
    struct ticket_listing *listing = NULL;
    int64_t now_ms = engine_clock_now(&a->live->clock.engine);
    struct site *site = api_share_site(a);
    int code = ticket_listing_open(&listing, a->reader, site, &filter, now_ms, &err);
    site_free(site);
    if (code == 0 && ticket_listing_before(listing) != 0) {
        api_link_before(r, ticket_listing_before(listing));
    }
    return code == 0 ? begin_tickets(a, listing, r, body) : api_problem(body, &err);
}

unsigned
api_get_ticket(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    int code = api_ticket_pack(a, r, r->path + strlen(TICKET_PATH), body, &err);
    return code == 0 ? 200 : api_problem(body, &err);
}
