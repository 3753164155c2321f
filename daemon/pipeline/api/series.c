/* GET /api/v1/devices/ID/series ?points=a,b &from= &to= &width=: the past of points,
 * see series_json.h.  Without `points` all that the device has. */
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/listings/series_json.h"

#define SPAN_MS       INT64_C(86400000)
#define WIDTH_DEFAULT 800

static int
add_named(struct series_request *q, uint32_t *points, const char *name, struct err *err)
{
    uint32_t point = site_point(q->site, q->device, name);
    if (point == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "%s has no point \"%s\"",
                       q->site->devices[q->device].id, name);
    }
    for (uint32_t i = 0; i < q->point_count; i++) {
        if (points[i] == point) {
            return 0;
        }
    }
    if (q->point_count == SERIES_POINTS_MAX) {
        return err_set(err, ERR_USAGE, "at most %d points are given at once",
                       SERIES_POINTS_MAX);
    }
    points[q->point_count++] = point;
    return 0;
}

static int
name_points(struct series_request *q,
            uint32_t *points,
            const char *list,
            struct err *err)
{
    const struct device *d = &q->site->devices[q->device];
    int code = 0;
    if (list == NULL) {
        for (uint32_t i = 0; code == 0 && i < d->point_count; i++) {
            code = add_named(q, points, q->site->points[d->first_point + i].id, err);
        }
        return code != 0 ? err_set(err, code,
                                   "%s has %u points: name at most %d of "
                                   "them with \"points\"",
                                   d->id, d->point_count, SERIES_POINTS_MAX)
                         : 0;
    }
    while (code == 0 && *list != '\0') {
        char name[ID_BYTES_MAX];
        size_t size = strcspn(list, ",");
        size_t kept = size < sizeof name ? size : sizeof name - 1;
        memcpy(name, list, kept);
        name[kept] = '\0';
        code = size > 0 ? add_named(q, points, name, err) : 0;
        list += size;
        list += *list == ',';
    }
    return code;
}

static int
answer(struct strbuf *body,
       const struct site *site,
       const struct web_request *r,
       struct err *err)
{
    char id[ID_BYTES_MAX];
    uint32_t points[SERIES_POINTS_MAX];
    struct series_request q = {.site = site, .points = points};
    struct history_reader *reader = NULL;
    int64_t width = WIDTH_DEFAULT;
    q.device = site_device(site, api_path_part(id, sizeof id, r, 1));
    if (q.device == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%s\"", id);
    }
    int code = name_points(&q, points, r->query(r, "points"), err);
    code = code == 0 ? api_range(&q.from_ms, &q.to_ms, r, SPAN_MS, clock_real_ms(), err)
                     : code;
    code = code == 0 ? api_number(&width, r, "width", 1, SERIES_WIDTH_MAX, err) : code;
    q.width = (uint32_t)width;
    if (code == 0) {
        code = history_reader_open(&reader, site->data_dir, err);
        code = code == ERR_NOT_FOUND ? 0 : code;
    }
    code = code == 0 ? series_json(body, reader, &q, err) : code;
    history_reader_close(reader);
    return code;
}

unsigned
api_series(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    struct site *site = api_share_site(a);
    int code = answer(body, site, r, &err);
    site_free(site);
    return code == 0 ? 200 : api_problem(body, &err);
}
