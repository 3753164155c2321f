/* report: the figures of the site over a period, and beside another. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/report/site_report.h"

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
    struct err err = {0};
    const struct site_report_words words = {.from = a->from,
                                            .to = a->to,
                                            .compare = a->compare,
                                            .type = a->type,
                                            .area = a->area,
                                            .device = a->device};
    struct site_report_options o = {.site = site,
                                    .now_ms = clock_real_ms(),
                                    .language = cli_document_language(site)};
    int code = site_report_ask(&o, &words, &err);
    int status = CLI_OK;
    if (code == ERR_NOT_FOUND) {
        fprintf(stderr, "caretaker: %s\n", err.text);
        status = CLI_NO;
    } else if (code != 0) {
        status = cli_usage_error(self, "--%s", err.text);
    } else {
        status = make_and_print(self, &o, print);
    }
    site_free(site);
    return status;
}
