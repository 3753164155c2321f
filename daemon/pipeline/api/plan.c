/* GET /api/v1/plan ?team= &device= &plan= &from= &to= &language=: the coming visits,
 * and what they come to: plan/budget   by month and plan: visits, time, money
 *   plan/parts    by day and team: what is to be there
 *   plan.ics      for the calendars of people */
#include "daemon/base/civil.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/plan/plan_ical.h"
#include "daemon/pipeline/plan/plan_listing.h"
#include "daemon/pipeline/plan/plan_sums.h"

static int
list(struct api *a,
     const struct web_request *r,
     const struct site *site,
     struct strbuf *out,
     struct err *err)
{
    const struct plan_filter filter = {.team = r->query(r, "team"),
                                       .device = r->query(r, "device"),
                                       .plan = r->query(r, "plan"),
                                       .from = r->query(r, "from"),
                                       .to = r->query(r, "to"),
                                       .language = r->query(r, "language")};
    return listing_plan(a->reader, site, &filter,
                        engine_clock_now(&a->live->clock.engine), out, err);
}

unsigned
api_get_plan(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    struct site *site = api_share_site(a);
    int code = list(a, r, site, body, &err);
    site_free(site);
    return code != 0 ? api_problem(body, &err) : 200;
}

/* What `make` makes of the visits. */
static unsigned
answer_of(struct api *a,
          const struct web_request *r,
          struct strbuf *body,
          void (*make)(struct api *a,
                       const struct web_request *r,
                       const struct site *site,
                       const char *visits,
                       struct strbuf *body))
{
    struct err err = {0};
    struct strbuf visits = {0};
    struct site *site = api_share_site(a);
    int code = list(a, r, site, &visits, &err);
    if (code == 0) {
        make(a, r, site, strbuf_text(&visits), body);
    }
    site_free(site);
    strbuf_fini(&visits);
    return code != 0 ? api_problem(body, &err) : 200;
}

static void
make_budget(struct api *a,
            const struct web_request *r,
            const struct site *site,
            const char *visits,
            struct strbuf *body)
{
    char today[CIVIL_TEXT_BYTES];
    const char *from = r->query(r, "from");
    (void)site;
    (void)civil_format(today, civil_day(engine_clock_now(&a->live->clock.engine)));
    plan_budget(body, visits, from != NULL ? from : today);
}

static void
make_parts(struct api *a,
           const struct web_request *r,
           const struct site *site,
           const char *visits,
           struct strbuf *body)
{
    (void)a;
    (void)r;
    (void)site;
    plan_parts(body, visits);
}

static void
make_calendar(struct api *a,
              const struct web_request *r,
              const struct site *site,
              const char *visits,
              struct strbuf *body)
{
    plan_ical(body, site->name != NULL ? site->name : site->id, visits,
              engine_clock_now(&a->live->clock.engine));
    r->answer->type = "text/calendar; charset=utf-8";
    r->answer->file_name = "plan.ics";
}

unsigned
api_get_plan_budget(struct api *a, const struct web_request *r, struct strbuf *body)
{
    return answer_of(a, r, body, make_budget);
}

unsigned
api_get_plan_parts(struct api *a, const struct web_request *r, struct strbuf *body)
{
    return answer_of(a, r, body, make_parts);
}

unsigned
api_get_plan_calendar(struct api *a, const struct web_request *r, struct strbuf *body)
{
    return answer_of(a, r, body, make_calendar);
}
