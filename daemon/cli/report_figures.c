/* report: the figures of the site over a period, and beside another. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/site_report.h"

/* "T..T" */
static int
read_range(struct site_report_options *o, const char *text, struct err *err)
{
    const char *dots = strstr(text, "..");
    char from[INSTANT_TEXT_BYTES];
    if (dots == NULL || (size_t)(dots - text) >= sizeof from) {
        return err_set(err, ERR_RANGE,
                       "\"%s\" is no period; FROM..TO is accepted, such as "
                       "2026-01-01..2026-04-01",
                       text);
    }
    snprintf(from, sizeof from, "%.*s", (int)(dots - text), text);
    int code = instant_parse_relative(&o->before_from_ms, from, o->now_ms, err);
    return code == 0 ? instant_parse_relative(&o->before_to_ms, dots + strlen(".."),
                                              o->now_ms, err)
                     : code;
}

/* Once the site is loaded: times are in its zone. */
static int
fill_options(const struct cli_command *self,
             const struct cli_figures *a,
             struct site_report_options *o)
{
    struct err err = {0};
    if ((a->from != NULL &&
         instant_parse_relative(&o->from_ms, a->from, o->now_ms, &err) != 0) ||
        (a->to != NULL &&
         instant_parse_relative(&o->to_ms, a->to, o->now_ms, &err) != 0)) {
        return cli_usage_error(self, "%s", err.text);
    }
    if (a->compare != NULL && read_range(o, a->compare, &err) != 0) {
        return cli_usage_error(self, "--compare: %s", err.text);
    }
    if (a->device != NULL && site_device(o->site, a->device) == NONE_INDEX) {
        fprintf(stderr, tr("caretaker: there is no device \"%s\"\n"), a->device);
        return CLI_NO;
    }
    for (uint32_t i = 0; i < o->site->device_count; i++) {
        const struct device *d = &o->site->devices[i];
        if ((a->type == NULL || strcmp(a->type, d->type) == 0) &&
            (a->area == NULL || strcmp(a->area, report_area(d)) == 0) &&
            (a->device == NULL || strcmp(a->device, d->id) == 0)) {
            return CLI_OK;
        }
    }
    fprintf(stderr, tr("caretaker: no device is of that type, area and id\n"));
    return CLI_NO;
}

static int
make_and_print(const struct cli_command *self,
               const struct site_report_options *o,
               void (*print)(const struct site_report *r, FILE *out))
{
    struct err err = {0};
    struct site_report r;
    int code = site_report_make(&r, o, &err);
    if (code == ERR_NOT_FOUND) {
        fprintf(stderr,
                tr("caretaker: %s has no state.db: the daemon never ran here\n"),
                o->site->data_dir);
        return CLI_OUTSIDE;
    }
    if (code == ERR_USAGE) {
        return cli_usage_error(self, "%s", err.text);
    }
    if (code != 0) {
        return cli_fail(&err);
    }
    setlocale(LC_CTYPE, "C.UTF-8"); /* For the widths of Chinese characters. */
    print(&r, stdout);
    site_report_fini(&r);
    if (fflush(stdout) != 0) {
        err_set(&err, ERR_IO, "the output cannot be written");
        return cli_fail(&err);
    }
    return CLI_OK;
}

int
cli_report_figures(const struct cli_command *self, const struct cli_figures *a)
{
    static const struct {
        const char *name;
        void (*print)(const struct site_report *r, FILE *out);
    } formats[] = {{"text", site_report_text},
                   {"json", site_report_json},
                   {"csv", site_report_csv},
                   {"html", site_report_html}};
    void (*print)(const struct site_report *r, FILE *out) = NULL;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (strcmp(a->format != NULL ? a->format : "text", formats[i].name) == 0) {
            print = formats[i].print;
        }
    }
    if (print == NULL) {
        return cli_usage_error(self, "--format is text, json, csv or html");
    }
    struct site *site = cli_site(a->site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    if (a->state != NULL) {
        site->data_dir = a->state;
    }
    struct site_report_options o = {
        .site = site,
        .filter = {.type = a->type, .area = a->area, .device = a->device},
        .from_ms = INSTANT_NONE,
        .to_ms = INSTANT_NONE,
        .before_from_ms = INSTANT_NONE,
        .before_to_ms = INSTANT_NONE,
        .now_ms = clock_real_ms(),
        .language = cli_document_language(site)};
    int status = fill_options(self, a, &o);
    if (status == CLI_OK) {
        status = make_and_print(self, &o, print);
    }
    site_free(site);
    return status;
}
