/* One ticket with its evidence:
 *   GET /api/v1/tickets/5                the pack as JSON, see evidence.h
 *   GET /api/v1/tickets/5/chart.svg      the values around its opening (?window=2: the
 *                                        second stretch of time, and so on)
 *   GET /api/v1/tickets/5/evidence.html  the pack as a page */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/evidence/evidence.h"

enum form { FORM_JSON, FORM_CHART, FORM_PAGE };

/* "5/chart.svg" */
static bool
read_name(const char *name, int64_t *number, enum form *form)
{
    char *end = NULL;
    if (name[0] < '1' || name[0] > '9') {
        return false;
    }
    *number = strtoll(name, &end, 10);
    *form = strcmp(end, "/chart.svg") == 0       ? FORM_CHART
            : strcmp(end, "/evidence.html") == 0 ? FORM_PAGE
                                                 : FORM_JSON;
    return *form != FORM_JSON || *end == '\0';
}

static int
draw_chart(struct strbuf *body,
           const struct evidence *e,
           const char *window,
           struct err *err)
{
    char *end = NULL;
    unsigned long index = window != NULL ? strtoul(window, &end, 10) : 1;
    if ((end != NULL && *end != '\0') || index < 1 || index > e->window_count) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no such stretch of time; 1 to %u are accepted",
                       e->window_count);
    }
    evidence_chart(body, e, &e->windows[index - 1]);
    return 0;
}

/* The device as the loop knows it, where the ticket has one that is still there. */
static void
ask_device(struct api *a, int64_t number, struct strbuf *now)
{
    struct err err;
    char device[ID_BYTES_MAX];
    struct device_filter filter = {.device = device};
    struct request request = {.kind = REQUEST_DEVICES,
                              .filter = &filter,
                              .parts = {.points = true, .causes = true},
                              .answer = now};
    if (evidence_device(device, a->reader, number, &err) == 0 && device[0] != '\0') {
        (void)request_ask(&a->live->requests, &request);
    }
}

int
api_ticket_pack(struct api *a,
                const struct web_request *r,
                const char *name,
                struct strbuf *body,
                struct err *err)
{
    int64_t number = 0;
    enum form form = FORM_JSON;
    struct evidence *e = NULL;
    struct strbuf now = {0};
    if (!read_name(name, &number, &form)) {
        return err_set(err, ERR_NOT_FOUND, "\"%s\" is no ticket's number", name);
    }
    api_hear(r);
    ask_device(a, number, &now);
    struct site *site = api_share_site(a);
    int code = evidence_load(&e, site, a->reader, number, clock_real_ms(),
                             strbuf_text(&now), err);
    if (code == 0 && form == FORM_JSON) {
        evidence_json(body, e);
    } else if (code == 0 && form == FORM_PAGE) {
        evidence_page(body, e);
        r->answer->type = "text/html; charset=utf-8";
        r->answer->page = true;
    } else if (code == 0) {
        code = draw_chart(body, e, r->query(r, "window"), err);
        r->answer->type = code == 0 ? "image/svg+xml" : NULL;
        r->answer->page = true; /* It has its style in itself. */
    }
    evidence_free(e);
    site_free(site);
    strbuf_fini(&now);
    return code;
}
