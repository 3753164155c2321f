#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/base/progress.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/output.h"
#include "daemon/pipeline/listings/samples_text.h"
#include "daemon/store/history_series.h"

struct exporting {
    struct samples_form form;
    struct output out;
    struct strbuf line;
    uint64_t count;
    struct progress progress;
    int64_t first_ms, end_ms; /* That it goes from and to. */
};

/* False when the output takes no more. */
static bool
write_line(struct exporting *x, int64_t t_ms)
{
    if (!output_write(&x->out, x->line.text, x->line.size)) {
        return false;
    }
    x->first_ms = x->count++ == 0 ? t_ms : x->first_ms;
    x->progress.count = x->count;
    if (x->end_ms > x->first_ms) {
        progress_set(&x->progress, ((double)t_ms - (double)x->first_ms) /
                                       ((double)x->end_ms - (double)x->first_ms));
    }
    return true;
}

static bool
print_sample(void *ctx, const struct history_sample *s)
{
    struct exporting *x = ctx;
    strbuf_clear(&x->line);
    samples_line(&x->line, s, &x->form);
    return write_line(x, s->t_ms);
}

static bool
print_bucket(void *ctx, const struct history_bucket *b)
{
    struct exporting *x = ctx;
    strbuf_clear(&x->line);
    samples_bucket_line(&x->line, b, &x->form);
    return write_line(x, b->t_ms);
}

struct arguments {
    const char *site, *from, *to, *device, *point, *format, *every, *output;
    int64_t every_ms; /* 0: every sample. */
    bool detail, clock, last;
};

static int
parse_range(const struct cli_command *self,
            const struct arguments *a,
            int64_t *from_ms,
            int64_t *to_ms)
{
    struct err err = {0};
    int64_t now_ms = clock_real_ms();
    if ((a->from != NULL &&
         instant_parse_relative(from_ms, a->from, now_ms, &err) != 0) ||
        (a->to != NULL && instant_parse_relative(to_ms, a->to, now_ms, &err) != 0)) {
        return cli_usage_error(self, "%s", err.text);
    }
    return *from_ms <= *to_ms ? CLI_OK
                              : cli_usage_error(self, "--from is later than --to");
}

/* Prints what there is; `x` counts it. */
static int
print_history(const struct site *site,
              const struct arguments *a,
              int64_t from_ms,
              int64_t to_ms,
              struct exporting *x,
              struct err *err)
{
    struct history_reader *reader = NULL;
    int code = history_reader_open(&reader, site->data_dir, err);
    bool none = code == ERR_NOT_FOUND;
    if (code != 0 && !none) {
        return code;
    }
    if (!x->form.jsonl) {
        strbuf_clear(&x->line);
        samples_head(&x->line, a->every_ms > 0, &x->form);
        (void)output_write(&x->out, x->line.text, x->line.size); /* The close tells. */
    }
    if (none) { /* An empty result, but not without a word. */
        fprintf(
            stderr,
            tr("caretaker: %s has no history: the daemon never ran here, and nothing "
               "was imported\n"),
            site->data_dir);
        code = 0;
    } else {
        code = history_newest(reader, &x->end_ms, err);
        x->end_ms = x->end_ms < to_ms ? x->end_ms : to_ms;
        progress_begin(&x->progress, tr("export"),
                       x->out.stream == stdout && isatty(STDOUT_FILENO));
        x->progress.unit = tr("lines");
        if (code == 0 && a->last) {
            code = history_last(reader, a->device, a->point, print_sample, x, err);
        } else if (code == 0 && a->every_ms > 0) {
            code = history_series(reader, from_ms, to_ms, a->every_ms, a->device,
                                  a->point, print_bucket, x, err);
        } else if (code == 0) {
            code = history_each(reader, from_ms, to_ms, a->device, a->point,
                                print_sample, x, err);
        }
        progress_end(&x->progress);
    }
    history_reader_close(reader);
    return code;
}

/* Says what the site does not have: it may be misspelt, or have been there once. */
static void
tell_unknown(const struct site *site, const struct arguments *a)
{
    uint32_t device = a->device != NULL ? site_device(site, a->device) : NONE_INDEX;
    if (a->device != NULL && device == NONE_INDEX) {
        fprintf(stderr,
                tr("caretaker: there is no device \"%s\"; its samples, if there are "
                   "any, are exported\n"),
                a->device);
        return;
    }
    if (a->point == NULL) {
        return;
    }
    uint32_t first = a->device != NULL ? device : 0;
    uint32_t end = a->device != NULL ? device + 1 : site->device_count;
    for (uint32_t i = first; i < end; i++) {
        if (site_point(site, i, a->point) != NONE_INDEX) {
            return;
        }
    }
    fprintf(stderr,
            tr("caretaker: there is no point \"%s\"; its samples, if there are any, "
               "are exported\n"),
            a->point);
}

static int
export_samples(const struct cli_command *self, const struct arguments *a)
{
    struct err err = {0};
    struct site *site = cli_site(a->site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    struct exporting x = {
        .form = {.jsonl = a->format != NULL && strcmp(a->format, "jsonl") == 0,
                 .detail = a->detail,
                 .clock = a->clock},
    };
    int64_t from_ms = INSTANT_NONE + 1;
    int64_t to_ms = INSTANT_MAX;
    int status = parse_range(self, a, &from_ms, &to_ms);
    if (status != CLI_OK) {
        goto done;
    }
    tell_unknown(site, a);
    int code = output_open(&x.out, a->output, &err);
    if (code == 0) {
        struct err late = {0};
        code = print_history(site, a, from_ms, to_ms, &x, &err);
        if (output_close(&x.out, code == 0, &late) != 0 && code == 0) {
            code = err_set(&err, late.code, "%s", late.text);
        }
    }
    status = code != 0 ? cli_fail(&err) : CLI_OK;
done:
    strbuf_fini(&x.line);
    site_free(site);
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"from", 0, CLI_TEXT, &a.from, "T", "first moment [the oldest sample]"},
        {"to", 0, CLI_TEXT, &a.to, "T", "last moment [the newest sample]"},
        {"device", 'd', CLI_TEXT, &a.device, "ID", "only this device"},
        {"point", 'p', CLI_TEXT, &a.point, "ID", "only this point"},
        {"detail", 0, CLI_FLAG, &a.detail, NULL, "what a bad sample says beside why"},
        {"clock", 0, CLI_FLAG, &a.clock, NULL, "whether the clock was untrusted"},
        {"every", 0, CLI_TEXT, &a.every, "DURATION",
         "min, max, mean, last and count of each such interval"},
        {"last", 0, CLI_FLAG, &a.last, NULL, "the newest sample of each point alone"},
        {"output", 'o', CLI_TEXT, &a.output, "FILE",
         "into this file, whole or not at all; - is standard output"},
        {"format", 'f', CLI_TEXT, &a.format, "csv|jsonl", "[csv]"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count > 0) {
        return cli_usage_error(self, "\"%s\" is not expected here", args.items[0]);
    }
    if (a.format != NULL && strcmp(a.format, "csv") != 0 &&
        strcmp(a.format, "jsonl") != 0) {
        return cli_usage_error(self, "--format is csv or jsonl");
    }
    struct err err = {0};
    if (a.every != NULL &&
        (duration_parse(&a.every_ms, a.every, &err) != 0 || a.every_ms <= 0)) {
        return cli_usage_error(
            self, "--every %s; a duration such as 1m or 1h is accepted", a.every);
    }
    if (a.every != NULL && (a.detail || a.clock)) {
        return cli_usage_error(self,
                               "--detail and --clock are of samples, not of --every");
    }
    if (a.last && (a.every != NULL || a.from != NULL || a.to != NULL)) {
        return cli_usage_error(self, "--last takes no --from, --to and --every");
    }
    return export_samples(self, &a);
}

const struct cli_command cli_export = {
    "export", "recorded samples, in the form that replay reads",
    "[-c SITE] [--from T] [--to T] [--device ID] [--point ID] [--detail]\n"
    "       [--clock] [--every DURATION | --last] [--format csv|jsonl] [--output FILE]",
    "--detail adds a column with an exception's code, or which of timeout, crc, "
    "short,\n"
    "wrong_unit, malformed, refused and lost it was.  --clock adds one that says "
    "untrusted\n"
    "where the clock may have been wrong; JSON lines have that key just where it is "
    "so.\n\n"
    "--every 1m gives minutes instead, --every 1h hours, with min, max, mean, last and "
    "count\n"
    "of the good samples: they are kept longer (history.keep_1m, keep_1h), and are "
    "read fast.\n"
    "--last gives what each point said last, good or not, however long ago.\n\n"
    "T is RFC 3339, YYYY-MM-DD[ HH:MM[:SS]] in the site's zone, now, or an age like "
    "-1h.\n"
    "Works while the daemon runs; the last few seconds (history.flush) may be "
    "missing.\n",
    run};
