/* GET /api/v1/site        names and choices, see site_json.h
 * GET /api/v1/procedures  with their steps, in the language of who asks
 * GET /api/v1/duty        ?at= ?days=: who is on duty, see duty.h */
#include "daemon/pipeline/api.h"
#include "daemon/pipeline/duty.h"
#include "daemon/pipeline/site_json.h"

#define DAYS_DEFAULT 14

unsigned
api_site(struct live *l, const struct web_request *r, struct strbuf *body)
{
    (void)r;
    pthread_rwlock_rdlock(&l->site_lock);
    site_json(body, l->site, engine_clock_now(&l->clock.engine));
    pthread_rwlock_unlock(&l->site_lock);
    return 200;
}

unsigned
api_procedures(struct live *l, const struct web_request *r, struct strbuf *body)
{
    (void)r;
    pthread_rwlock_rdlock(&l->site_lock);
    site_procedures_json(body, l->site);
    pthread_rwlock_unlock(&l->site_lock);
    return 200;
}

unsigned
api_duty(struct live *l, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    int64_t now_ms = engine_clock_now(&l->clock.engine);
    int64_t at_ms = now_ms;
    int64_t days = DAYS_DEFAULT;
    int code = api_instant(&at_ms, r, "at", now_ms, &err);
    code = code == 0 ? api_number(&days, r, "days", 0, DUTY_DAYS_MAX, &err) : code;
    if (code != 0) {
        return api_problem(body, &err);
    }
    pthread_rwlock_rdlock(&l->site_lock);
    duty_to_json(body, l->site, at_ms, (int)days);
    pthread_rwlock_unlock(&l->site_lock);
    return 200;
}
