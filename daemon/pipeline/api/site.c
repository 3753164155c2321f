/* GET /api/v1/site        names and choices, see site_json.h
 * GET /api/v1/procedures  with their steps, in the language of who asks
 * GET /api/v1/duty        ?at= ?days=: who is on duty, see duty.h
 * GET /api/v1/calendar    ?from= ?to=: holidays, see plan_listing.h */
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/listings/duty.h"
#include "daemon/pipeline/listings/site_json.h"
#include "daemon/pipeline/plan/plan_listing.h"
#include "daemon/store/state_people.h"

#define DAYS_DEFAULT 14

static bool
on_user(void *ctx, const struct user_row *row)
{
    struct strbuf *out = ctx;
    strbuf_add(out, strbuf_text(out)[1] != '\0' ? ",{" : "{");
    strbuf_json_str(out, "id", row->user.id);
    strbuf_json_str(out, "name", row->user.name);
    strbuf_add_char(out, '}');
    return true;
}

unsigned
api_site(struct api *a, const struct web_request *r, struct strbuf *body)
{
    (void)r;
    struct err err = {0};
    struct strbuf users = {0};
    strbuf_add_char(&users, '[');
    int code = state_each_user(a->reader, on_user, &users, &err);
    strbuf_add_char(&users, ']');
    if (code == 0) {
        struct site *site = api_share_site(a);
        site_json(body, site, engine_clock_now(&a->live->clock.engine),
                  strbuf_text(&users));
        site_free(site);
    }
    strbuf_fini(&users);
    return code == 0 ? 200 : api_problem(body, &err);
}

unsigned
api_procedures(struct api *a, const struct web_request *r, struct strbuf *body)
{
    (void)r;
    struct site *site = api_share_site(a);
    site_procedures_json(body, site);
    site_free(site);
    return 200;
}

unsigned
api_duty(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    int64_t now_ms = engine_clock_now(&a->live->clock.engine);
    int64_t at_ms = now_ms;
    int64_t days = DAYS_DEFAULT;
    int code = api_instant(&at_ms, r, "at", now_ms, &err);
    code = code == 0 ? api_number(&days, r, "days", 0, DUTY_DAYS_MAX, &err) : code;
    if (code != 0) {
        return api_problem(body, &err);
    }
    struct site *site = api_share_site(a);
    duty_to_json(body, site, at_ms, (int)days);
    site_free(site);
    return 200;
}

unsigned
api_calendar(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    struct site *site = api_share_site(a);
    int code = listing_calendar(site, r->query(r, "from"), r->query(r, "to"),
                                engine_clock_now(&a->live->clock.engine), body, &err);
    site_free(site);
    return code == 0 ? 200 : api_problem(body, &err);
}
