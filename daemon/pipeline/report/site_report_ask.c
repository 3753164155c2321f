/* What is asked of a report: periods, and which devices. */
#include <stdio.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/report/site_report.h"

/* One instant; `what` is named where it cannot be read. */
static int
read_instant(
    int64_t *out, const char *text, const char *what, int64_t now_ms, struct err *err)
{
    struct err why = {0};
    if (text == NULL || instant_parse_relative(out, text, now_ms, &why) == 0) {
        return 0;
    }
    return err_set(err, ERR_USAGE, "%s: %s", what, why.text);
}

/* "T..T" */
static int
read_compare(struct site_report_options *o, const char *text, struct err *err)
{
    const char *dots = text != NULL ? strstr(text, "..") : NULL;
    char from[INSTANT_TEXT_BYTES];
    if (text == NULL) {
        return 0;
    }
    if (dots == NULL || (size_t)(dots - text) >= sizeof from) {
        return err_set(err, ERR_USAGE,
                       "compare: \"%.80s\" is no period; FROM..TO is accepted, such as "
                       "2026-01-01..2026-04-01",
                       text);
    }
    snprintf(from, sizeof from, "%.*s", (int)(dots - text), text);
    int code = read_instant(&o->before_from_ms, from, "compare", o->now_ms, err);
    return code == 0 ? read_instant(&o->before_to_ms, dots + strlen(".."), "compare",
                                    o->now_ms, err)
                     : code;
}

static int
find_devices(const struct site_report_options *o, struct err *err)
{
    const struct report_filter *f = &o->filter;
    if (f->device != NULL && site_device(o->site, f->device) == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no device \"%s\"", f->device);
    }
    for (uint32_t i = 0; i < o->site->device_count; i++) {
        const struct device *d = &o->site->devices[i];
        if ((f->type == NULL || strcmp(f->type, d->type) == 0) &&
            (f->area == NULL || strcmp(f->area, report_area(d)) == 0) &&
            (f->device == NULL || strcmp(f->device, d->id) == 0)) {
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "no device is of that type, area and id");
}

int
site_report_ask(struct site_report_options *o,
                const struct site_report_words *w,
                struct err *err)
{
    o->filter =
        (struct report_filter){.type = w->type, .area = w->area, .device = w->device};
    o->from_ms = o->to_ms = o->before_from_ms = o->before_to_ms = INSTANT_NONE;
    int code = read_instant(&o->from_ms, w->from, "from", o->now_ms, err);
    code = code == 0 ? read_instant(&o->to_ms, w->to, "to", o->now_ms, err) : code;
    code = code == 0 ? read_compare(o, w->compare, err) : code;
    return code == 0 ? find_devices(o, err) : code;
}
