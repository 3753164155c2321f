/* GET /api/v1/devices/ID/marks ?from= &to=: what happened to it, see marks.h. */
#include "daemon/pipeline/listings/marks.h"
#include "daemon/pipeline/api/api.h"

#define SPAN_MS INT64_C(86400000)

unsigned
api_marks(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    char id[ID_BYTES_MAX];
    int64_t from_ms = 0;
    int64_t to_ms = 0;
    int64_t now_ms = clock_real_ms();
    int code = api_range(&from_ms, &to_ms, r, SPAN_MS, now_ms, &err);
    struct site *site = api_share_site(a);
    uint32_t device = site_device(site, api_path_part(id, sizeof id, r, 1));
    if (code == 0 && device == NONE_INDEX) {
        code = err_set(&err, ERR_NOT_FOUND, "there is no device \"%s\"", id);
    }
    if (code == 0) {
        code = marks_json(body, site, a->reader, device, from_ms, to_ms, now_ms, &err);
    }
    site_free(site);
    return code == 0 ? 200 : api_problem(body, &err);
}
