/* The plant as it is: what the loop knows now, and what stands in state.db. */
#include <string.h>

#include "daemon/base/clock.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/ledger/device_life.h"
#include "daemon/pipeline/ledger/ledger_list.h"
#include "daemon/pipeline/listings/listings.h"

#define DEVICE_PATH "/api/v1/devices/" /* Behind it stands an id. */

unsigned
api_get_status(struct api *a, const struct web_request *r, struct strbuf *body)
{
    (void)r;
    struct request request = {.kind = REQUEST_STATUS};
    return api_ask_loop(a, &request, body);
}

unsigned
api_get_devices(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct device_filter filter = {
        .device = r->query(r, "device"),
        .type = r->query(r, "type"),
        .state = r->query(r, "state"),
    };
    struct err err = {0};
    if (device_filter_check(&filter, &err) != 0) {
        return api_problem(body, &err);
    }
    struct request request = {.kind = REQUEST_DEVICES,
                              .filter = &filter,
                              .parts = {.points = api_asked_for(r, "points"),
                                        .causes = api_asked_for(r, "causes"),
                                        .details = api_asked_for(r, "details")}};
    return api_ask_loop(a, &request, body);
}

/* The loop says how the device is now; what it was is in the store.  The loop is asked
 * first: it might wait for the lock, to take another site. */
unsigned
api_get_life(struct api *a, const struct web_request *r, struct strbuf *body)
{
    const char *id = r->path + strlen(DEVICE_PATH);
    struct err err = {0};
    struct life_options options = {.now_ms = clock_real_ms()};
    if (life_limit_parse(&options.limit, r->query(r, "limit"), &err) != 0) {
        return api_problem(body, &err);
    }
    struct strbuf now = {0};
    struct device_filter filter = {.device = id};
    struct request request = {.kind = REQUEST_DEVICES,
                              .filter = &filter,
                              .parts = {.points = true, .causes = true}};
    unsigned status = api_ask_loop(a, &request, &now);
    if (status != 200) {
        strbuf_add(body, strbuf_text(&now));
    } else {
        options.now = strbuf_text(&now);
        struct site *site = api_share_site(a);
        int code = device_life_json(site, a->reader, id, &options, body, &err);
        site_free(site);
        status = code == 0 ? 200 : api_problem(body, &err);
    }
    strbuf_fini(&now);
    return status;
}

unsigned
api_get_alarms(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct alarm_filter filter = {
        .device = r->query(r, "device"),
        .rule = r->query(r, "rule"),
        .severity = r->query(r, "severity"),
        .state = r->query(r, "state"),
        .language = r->query(r, "language"),
        .details = api_asked_for(r, "details"),
    };
    struct err err = {0};
    struct site *site = api_share_site(a);
    int code = listing_alarms(site, a->reader, &filter, body, &err);
    site_free(site);
    return code == 0 ? 200 : api_problem(body, &err);
}

unsigned
api_get_service(struct api *a, const struct web_request *r, struct strbuf *body)
{
    (void)r;
    struct err err = {0};
    return listing_service(a->reader, body, &err) != 0 ? api_problem(body, &err) : 200;
}

unsigned
api_get_explain(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct request request = {.kind = REQUEST_EXPLAIN,
                              .rule = r->query(r, "rule"),
                              .device = r->query(r, "device")};
    return api_ask_loop(a, &request, body);
}

unsigned
api_get_ledger(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct ledger_filter filter = {
        .device = r->query(r, "device"),
        .type = r->query(r, "type"),
        .area = r->query(r, "area"),
        .keeper = r->query(r, "keeper"),
    };
    struct err err = {0};
    struct site *site = api_share_site(a);
    int code = listing_ledger(site, a->reader, &filter, clock_real_ms(), body, &err);
    site_free(site);
    return code == 0 ? 200 : api_problem(body, &err);
}
