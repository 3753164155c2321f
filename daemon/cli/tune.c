/* tune: what other numbers of a limit rule would have done on a labelled log. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/tune_print.h"
#include "daemon/pipeline/tuning/tune.h"
#include "daemon/pipeline/tuning/tune_grid.h"

#define LIST_MAX (TUNE_AXIS_MAX - 1) /* The present value comes to it. */

struct arguments {
    const char *site, *device, *labels, *level, *format, *map, *stale_after, *early,
        *false_max;
    const char *threshold, *deadband, *hold;
    struct cli_list rules, words; /* RULE LOG... */
    bool json, all, quiet;
};

struct axes {
    double thresholds[LIST_MAX], deadbands[LIST_MAX];
    int64_t holds[LIST_MAX];
    uint32_t threshold_count, deadband_count, hold_count;
};

/* ---- what was asked for ---- */

/* A number in decimal digits; false for anything else. */
static bool
read_number(double *out, const char *text)
{
    char *end = NULL;
    if (text[0] == '\0' || strspn(text, "0123456789.+-eE") != strlen(text)) {
        return false;
    }
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

/* "80..110/2": false when it is not that, or gives none or too many. */
static bool
read_range(const char *text, double *out, uint32_t *count)
{
    char from_text[64];
    char to_text[64];
    const char *dots = strstr(text, "..");
    const char *slash = strchr(text, '/');
    double from, to, step;
    if (dots == NULL || slash == NULL || slash < dots) {
        return false;
    }
    int from_size = (int)(dots - text);
    int to_size = (int)(slash - dots - 2);
    if (from_size >= (int)sizeof from_text || to_size >= (int)sizeof to_text) {
        return false;
    }
    snprintf(from_text, sizeof from_text, "%.*s", from_size, text);
    snprintf(to_text, sizeof to_text, "%.*s", to_size, dots + 2);
    if (!read_number(&from, from_text) || !read_number(&to, to_text) ||
        !read_number(&step, slash + 1) || step <= 0 || to < from ||
        (to - from) / step >= LIST_MAX) {
        return false;
    }
    /* A whisker over, so that 0..1/0.1 ends with 1. */
    for (uint32_t i = 0; from + step * i <= to + step * 1e-9; i++) {
        char tidy[NUMBER_TEXT_BYTES];
        snprintf(tidy, sizeof tidy, "%.12g", from + step * i);
        out[(*count)++] = strtod(tidy, NULL);
    }
    return true;
}

static int
compare_doubles(const void *x, const void *y)
{
    double a = *(const double *)x;
    double b = *(const double *)y;
    return (a > b) - (a < b);
}

static bool
read_list(const char *text, bool durations, double *out, uint32_t *count)
{
    char copy[4096];
    char *rest = copy;
    if (!durations && strstr(text, "..") != NULL) {
        return read_range(text, out, count);
    }
    if (strlen(text) >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, strlen(text) + 1);
    for (char *word; (word = strsep(&rest, ",")) != NULL;) {
        int64_t ms = 0;
        if (*count == LIST_MAX || (durations ? duration_parse(&ms, word, NULL) != 0
                                             : !read_number(&out[*count], word))) {
            return false;
        }
        if (durations) {
            out[*count] = (double)ms;
        }
        (*count)++;
    }
    qsort(out, *count, sizeof *out, compare_doubles);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (kept == 0 || out[i] != out[kept - 1]) {
            out[kept++] = out[i];
        }
    }
    *count = kept;
    return true;
}

static int
read_axes(const struct cli_command *self, const struct arguments *a, struct axes *x)
{
    double holds[LIST_MAX];
    if (a->threshold != NULL &&
        !read_list(a->threshold, false, x->thresholds, &x->threshold_count)) {
        return cli_usage_error(self,
                               "--threshold \"%s\": FROM..TO/STEP or a list such as "
                               "80,85,90 is accepted, at most %d values",
                               a->threshold, LIST_MAX);
    }
    if (a->deadband != NULL &&
        (!read_list(a->deadband, false, x->deadbands, &x->deadband_count) ||
         x->deadbands[0] < 0)) {
        return cli_usage_error(self,
                               "--deadband \"%s\": FROM..TO/STEP or a list such as "
                               "0,1,2 is accepted, at most %d values, none below 0",
                               a->deadband, LIST_MAX);
    }
    if (a->hold != NULL && !read_list(a->hold, true, holds, &x->hold_count)) {
        return cli_usage_error(self,
                               "--hold \"%s\": a list of times such as 0s,30s,2m is "
                               "accepted, at most %d",
                               a->hold, LIST_MAX);
    }
    for (uint32_t i = 0; i < x->hold_count; i++) {
        x->holds[i] = (int64_t)holds[i];
    }
    return CLI_OK;
}

static int
no_such(const char *what, const char *id, const char *near)
{
    struct err err = {0};
    if (near != NULL) {
        (void)err_set(&err, ERR_NOT_FOUND,
                      "there is no %s \"%s\"; did you mean \"%s\"?", what, id, near);
    } else {
        (void)err_set(&err, ERR_NOT_FOUND, "there is no %s \"%s\"", what, id);
    }
    return cli_fail(&err);
}

static int
find_rule(const struct site *site, const char *id, uint32_t *out)
{
    *out = site_rule(site, id);
    if (*out != NONE_INDEX) {
        return CLI_OK;
    }
    const char **ids = calloc((size_t)site->rule_count + 1, sizeof *ids);
    if (ids == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < site->rule_count; i++) {
        ids[i] = site->rules[i].id;
    }
    int status = no_such("rule", id, diag_nearest(id, ids, site->rule_count));
    free(ids);
    return status;
}

static int
find_device(const struct site *site, const char *id, uint32_t *out)
{
    *out = id != NULL ? site_device(site, id) : NONE_INDEX;
    if (id == NULL || *out != NONE_INDEX) {
        return CLI_OK;
    }
    const char **ids = calloc((size_t)site->device_count + 1, sizeof *ids);
    if (ids == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < site->device_count; i++) {
        ids[i] = site->devices[i].id;
    }
    int status = no_such("device", id, diag_nearest(id, ids, site->device_count));
    free(ids);
    return status;
}

static int
find_level(const struct cli_command *self,
           const struct rule_spec *rule,
           const char *severity,
           uint32_t *out)
{
    char known[128] = "";
    *out = 0;
    if (severity == NULL && rule->level_count == 1) {
        return CLI_OK;
    }
    for (uint32_t i = 0; i < rule->level_count; i++) {
        const char *name = severity_name(rule->levels[i].severity);
        if (severity != NULL && strcmp(name, severity) == 0) {
            *out = i;
            return CLI_OK;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", name);
    }
    return cli_usage_error(self,
                           severity == NULL
                               ? "rule \"%s\" has the levels %s; --level says which"
                               : "rule \"%s\" has no such level; --level is one of: %s",
                           rule->id, known);
}

/* ---- running ---- */

static void
override_stale_after(struct site *site, int64_t stale_after_ms)
{
    for (uint32_t i = 0; i < site->device_count && stale_after_ms > 0; i++) {
        site->devices[i].stale_after_ms = stale_after_ms;
    }
    for (uint32_t i = 0; i < site->point_count && stale_after_ms > 0; i++) {
        site->points[i].stale_after_ms = stale_after_ms;
    }
}

static int
fill_options(const struct cli_command *self,
             const struct arguments *a,
             struct site *site,
             struct tune_options *o)
{
    struct err err = {0};
    int64_t stale_after_ms = 0;
    int status = find_rule(site, a->words.items[0], &o->rule);
    status = status == CLI_OK ? find_device(site, a->device, &o->device) : status;
    if (status == CLI_OK) {
        status = find_level(self, &site->rules[o->rule], a->level, &o->level);
    }
    if (status != CLI_OK) {
        return status;
    }
    if (a->stale_after != NULL &&
        duration_parse(&stale_after_ms, a->stale_after, &err) != 0) {
        return cli_usage_error(self, "--stale-after: %s", err.text);
    }
    if (a->false_max != NULL && (!read_number(&o->false_per_day_max, a->false_max) ||
                                 o->false_per_day_max < 0)) {
        return cli_usage_error(self, "--false-max \"%s\": a number, 0 or more",
                               a->false_max);
    }
    if (a->early != NULL && duration_parse(&o->early_ms, a->early, &err) != 0) {
        return cli_usage_error(self, "--early: %s", err.text);
    }
    override_stale_after(site, stale_after_ms);
    return CLI_OK;
}

static int
run_and_print(const struct arguments *a, const struct tune_options *o)
{
    struct err err = {0};
    struct tune t;
    int code = tune_run(&t, o, &err);
    if (code != 0) {
        (void)cli_fail(&err);
        return code == ERR_RANGE ? CLI_NO : err_exit_status(code);
    }
    int status = CLI_OK;
    if (a->json) {
        tune_print_json(&t);
    } else {
        status = tune_print_text(&t, a->all);
    }
    if (!a->quiet) {
        fflush(stdout);
        tune_print_warnings(&t);
    }
    tune_fini(&t);
    return status;
}

static int
tune(const struct cli_command *self, const struct arguments *a, const struct axes *x)
{
    struct diags diags;
    struct err err = {0};
    struct tune_labels labels = {0};
    struct log_map *map = NULL;
    int status = CLI_CONFIG;
    diags_init(&diags);
    struct tune_options o = {.logs = a->words.items + 1,
                             .log_count = a->words.count - 1,
                             .thresholds = x->thresholds,
                             .deadbands = x->deadbands,
                             .holds = x->holds,
                             .threshold_count = x->threshold_count,
                             .deadband_count = x->deadband_count,
                             .hold_count = x->hold_count,
                             .false_per_day_max = TUNE_FALSE_PER_DAY_MAX,
                             .progress = !a->quiet && isatty(STDERR_FILENO),
                             .quiet = a->quiet};
    cli_speak(a->site);
    struct site *site =
        config_load_site(a->site, a->rules.items, a->rules.count, &diags);
    if (site != NULL) {
        status = fill_options(self, a, site, &o);
    }
    if (status == CLI_OK && a->map != NULL) {
        map = config_load_map(a->map, &diags);
        status = map != NULL ? CLI_OK : CLI_CONFIG;
    }
    if (status == CLI_OK) {
        int code = tune_labels_read(&labels, site, a->labels, &diags, &err);
        if (code != 0 && diags.errors == 0) {
            (void)cli_fail(&err);
        }
        status = err_exit_status(code);
    }
    if (status == CLI_OK) {
        o.site = site;
        o.map = map;
        o.labels = &labels;
        status = run_and_print(a, &o);
    }
    if (diags.errors > 0) {
        diags_sort(&diags);
        diags_print(&diags, stderr);
    }
    tune_labels_fini(&labels);
    diags_fini(&diags);
    log_map_free(map);
    site_free(site);
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"labels", 'l', CLI_TEXT, &a.labels, "FILE",
         "when there were faults: see above"},
        {"device", 'd', CLI_TEXT, &a.device, "ID", "only this device"},
        {"level", 0, CLI_TEXT, &a.level, "SEVERITY", "of a rule with levels, which"},
        {"threshold", 0, CLI_TEXT, &a.threshold, "LIST",
         "80,85,90 or 80..110/2 [what suits the log]"},
        {"deadband", 0, CLI_TEXT, &a.deadband, "LIST", "the same"},
        {"hold", 0, CLI_TEXT, &a.hold, "LIST", "0s,30s,2m [what suits the log]"},
        {"early", 0, CLI_TEXT, &a.early, "TIME",
         "a raise this long before a fault finds it too [0s]"},
        {"false-max", 0, CLI_TEXT, &a.false_max, "N",
         "false raises a day that the knee may have [1]"},
        {"rules", 'r', CLI_LIST, &a.rules, "FILE", "these rules instead of the site's"},
        {"map", 'm', CLI_TEXT, &a.map, "MAP", "how a foreign CSV maps to our points"},
        {"stale-after", 0, CLI_TEXT, &a.stale_after, "TIME",
         "instead of the configured one"},
        {"all", 'a', CLI_FLAG, &a.all, NULL, "every setting, not only the best"},
        {"format", 'f', CLI_TEXT, &a.format, "text|json", "[text]"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "the same as --format json"},
        {"quiet", 'q', CLI_FLAG, &a.quiet, NULL, "no progress and no warnings"},
    };
    bool done = false;
    int status =
        cli_parse(self, options, ARRAY_LEN(options), argc, argv, &a.words, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (a.words.count < 2) {
        return cli_usage_error(self, "a rule and a log are needed");
    }
    if (a.labels == NULL) {
        return cli_usage_error(self, "--labels FILE says when there were faults");
    }
    if (a.format != NULL && strcmp(a.format, "text") != 0 &&
        strcmp(a.format, "json") != 0) {
        return cli_usage_error(self, "--format is text or json");
    }
    a.json = a.json || (a.format != NULL && strcmp(a.format, "json") == 0);
    struct axes *x = calloc(1, sizeof *x);
    if (x == NULL) {
        abort();
    }
    status = read_axes(self, &a, x);
    status = status == CLI_OK ? tune(self, &a, x) : status;
    free(x);
    return status;
}

const struct cli_command cli_tune = {
    "tune", "what other numbers of a limit rule would have done on a labelled log",
    "RULE LOG... --labels FILE [-c SITE] [--device ID] [--level SEVERITY]\n"
    "         [--threshold LIST] [--deadband LIST] [--hold LIST] [--early TIME]\n"
    "         [--false-max N] [--rules FILE]... [--map MAP] [--stale-after TIME] "
    "[--all]\n"
    "         [--format text|json] [--quiet]",
    "Tries thresholds, deadbands (how far the value must come back before the alarm\n"
    "clears) and holds of a rule of the form VALUE > NUMBER, alone or in a chain of\n"
    "`and`, on recorded samples.  FILE says when there really were faults:\n"
    "  from,to[,device][,label]\n"
    "one window a line, times as in a log; without a device it holds for all.\n\n"
    "A fault is missed when no alarm was raised inside its window; one that stood\n"
    "already told nobody.  Every raise outside of all windows is false.  DELAY is "
    "from\n"
    "the window's beginning to the raise: the median, and the worst, where a missed\n"
    "fault counts with its whole length.  The knee is the setting nearest to the best\n"
    "in all three that has no more than 1 false raise a day and device (--false-max),\n"
    "or one in a shorter log.  Numbers are in the unit of the rule.\n",
    run};
