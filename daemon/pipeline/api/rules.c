/* GET /api/v1/rules     all rules, see rules_json.h
 * GET /api/v1/rules/ID  ?device=: one, with how it stands on each device and why */
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/listings/rules_json.h"

unsigned
api_rules(struct api *a, const struct web_request *r, struct strbuf *body)
{
    (void)r;
    struct err err = {0};
    struct site *site = api_share_site(a);
    int code = rules_json(body, site, a->reader, &err);
    site_free(site);
    return code == 0 ? 200 : api_problem(body, &err);
}

static bool
explain(void *ctx, const char *rule, const char *device, struct strbuf *out)
{
    const struct api *a = ctx;
    struct request request = {
        .kind = REQUEST_EXPLAIN, .rule = rule, .device = device, .answer = out};
    return request_ask(&a->live->requests, &request) == 0;
}

unsigned
api_rule(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    char id[ID_BYTES_MAX];
    struct site *site = api_share_site(a); /* Not locked: the loop is asked. */
    int code = rule_json(body, site, a->reader, api_path_part(id, sizeof id, r, 1),
                         r->query(r, "device"), explain, a, &err);
    site_free(site);
    return code == 0 ? 200 : api_problem(body, &err);
}
