/* GET /api/v1/report ?from= &to= &compare=T..T &type= &area= &device=: the report on
 * the site, as `caretaker report --format json` gives it.
 *
 * GET /api/v1/report.html: the same as a page that prints.
 *
 * GET /api/v1/report/alarms ?from= &to= &operators= &top= &advice=1: that on its
 * alarms; advice runs the rules with other numbers, which takes a while.
 *
 * The site is shared, not locked: a reload need not wait for a long report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/report/alarm_report.h"
#include "daemon/pipeline/report/site_report.h"

#define TOP_DEFAULT   10
#define RETRY_S       5
#define OPERATORS_MAX 1000

/* What `print` writes, into `body`. */
static int
print_into(struct strbuf *body,
           const struct site_report *report,
           void (*print)(const struct site_report *r, FILE *out),
           struct err *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return err_set(err, ERR_NOMEM, "the report");
    }
    print(report, out);
    bool ok = fclose(out) == 0;
    if (ok) {
        strbuf_add_bytes(body, text, size);
    }
    free(text);
    return ok ? 0 : err_set(err, ERR_NOMEM, "the report");
}

/* A report that was ended was so by us. */
static int
say_why(const struct api *a, int code, struct err *err)
{
    return code == ERR_REFUSED && atomic_load(&a->live->ending)
               ? err_set(err, ERR_IO, "the daemon is stopping")
               : code;
}

static unsigned
report(struct api *a,
       const struct web_request *r,
       struct strbuf *body,
       void (*print)(const struct site_report *report, FILE *out))
{
    struct err err = {0};
    api_hear(r);
    struct site *site = api_share_site(a);
    struct site_report made;
    const struct site_report_words words = {.from = r->query(r, "from"),
                                            .to = r->query(r, "to"),
                                            .compare = r->query(r, "compare"),
                                            .type = r->query(r, "type"),
                                            .area = r->query(r, "area"),
                                            .device = r->query(r, "device")};
    struct site_report_options o = {.site = site,
                                    .now_ms = clock_real_ms(),
                                    .language = catalogue_language(),
                                    .cancel = &a->live->ending};
    int code = site_report_ask(&o, &words, &err);
    code = code == 0 ? say_why(a, site_report_make(&made, &o, &err), &err) : code;
    if (code == 0) {
        code = print_into(body, &made, print, &err);
        site_report_fini(&made);
    }
    site_free(site);
    return code == 0 ? 200 : api_problem(body, &err);
}

unsigned
api_report(struct api *a, const struct web_request *r, struct strbuf *body)
{
    return report(a, r, body, site_report_json);
}

unsigned
api_report_page(struct api *a, const struct web_request *r, struct strbuf *body)
{
    unsigned status = report(a, r, body, site_report_html);
    if (status == 200) {
        r->answer->page = true;
        r->answer->type = "text/html; charset=utf-8";
    }
    return status;
}

unsigned
api_report_alarms(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    struct diags diags;
    struct alarm_report made;
    int64_t operators = 1;
    int64_t top = TOP_DEFAULT;
    struct alarm_report_options o = {.from_ms = INSTANT_NONE,
                                     .to_ms = INSTANT_NONE,
                                     .now_ms = clock_real_ms(),
                                     .advise = api_asked_for(r, "advice"),
                                     .quiet = true,
                                     .cancel = &a->live->ending};
    int code = api_instant(&o.from_ms, r, "from", o.now_ms, &err);
    code = code == 0 ? api_instant(&o.to_ms, r, "to", o.now_ms, &err) : code;
    code = code == 0 ? api_number(&operators, r, "operators", 1, OPERATORS_MAX, &err)
                     : code;
    code = code == 0 ? api_number(&top, r, "top", 1, ADVICE_ACTORS_MAX, &err) : code;
    if (code != 0) {
        return api_problem(body, &err);
    }
    /* It reads the history through the rules; whoever may look may ask for it. */
    if (o.advise && atomic_flag_test_and_set(&a->live->on_advice)) {
        r->answer->retry_after_s = RETRY_S;
        return web_problem(body, 503,
                           tr("advice is being made already; try again soon"));
    }
    diags_init(&diags);
    o.site = api_share_site(a);
    o.operators = (uint32_t)operators;
    o.top = (uint32_t)top;
    code = say_why(a, alarm_report_make(&made, &o, &diags, &err), &err);
    if (code == 0) {
        const struct alarm_report_head head = {
            .site = o.site, .operators = o.operators, .advised = o.advise};
        alarm_report_json(body, &made, &head);
        alarm_report_fini(&made);
    }
    site_free(o.site);
    diags_fini(&diags);
    if (o.advise) {
        atomic_flag_clear(&a->live->on_advice);
    }
    return code == 0 ? 200 : api_problem(body, &err);
}
