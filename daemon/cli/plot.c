/* A point over time: in the terminal, as SVG, or as numbers. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/cli/output.h"
#include "daemon/pipeline/chart/chart.h"
#include "daemon/pipeline/chart/plot_text.h"
#include "daemon/pipeline/rule/rule_points.h"
#include "daemon/store/history_series.h"

#define POINTS_MAX_SHOWN 16
#define HEIGHT_ONE       14 /* Rows of a picture that is alone, */
#define HEIGHT_MANY      7  /* and of several. */
#define LIMITS_MAX       RULE_LIMITS_MAX
#define SVG_COLUMNS      600
#define DEFAULT_MS       INT64_C(86400000)

struct arguments {
    const char *site, *from, *to, *svg, *width_text, *height_text;
    bool ascii, json;
    int64_t from_ms, to_ms;
};

/* One point that is drawn. */
struct plotted {
    char *device, *point; /* Owned. */
    char *name;
    struct chart_series series;
    int64_t step_ms, gap_ms, last_ms;
    double min, max, sum, last;
    uint64_t count;
    struct strbuf *json; /* NULL: none is wanted. */
    bool known;          /* To the site. */
    struct arena *arena; /* Of the limits' texts. */
    struct rule_limit limits[LIMITS_MAX];
    uint32_t limit_count;
};

/* ---- reading ---- */

/* An interval fills the columns that it covers. */
static void
add_columns(struct plotted *p, const struct history_bucket *b)
{
    struct chart_series *s = &p->series;
    double span = (double)(s->to_ms - s->from_ms);
    double from = (double)(b->t_ms - s->from_ms) / span * s->columns;
    double to = (double)(b->t_ms + p->step_ms - s->from_ms) / span * s->columns;
    int64_t first = (int64_t)floor(from), end = (int64_t)floor(to);
    bool broken = p->count > 0 && b->t_ms - p->last_ms > p->gap_ms;
    end = end > first ? end : first + 1;
    for (int64_t i = first < 0 ? 0 : first; i < end && i < s->columns; i++) {
        struct chart_column *c = &s->column[i];
        uint32_t count =
            b->count > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uint32_t)b->count;
        double all = (double)c->count + count;
        c->min = c->count == 0 || b->min < c->min ? b->min : c->min;
        c->max = c->count == 0 || b->max > c->max ? b->max : c->max;
        c->mean =
            c->count == 0 ? b->mean : (c->mean * c->count + b->mean * count) / all;
        c->first_ms = c->count == 0 ? b->t_ms : c->first_ms;
        c->broken = c->broken || (c->count == 0 && i == first && broken);
        c->last = b->last;
        c->count = all < UINT32_MAX / 2 ? c->count + count : c->count;
    }
}

static bool
take(void *ctx, const struct history_bucket *b)
{
    struct plotted *p = ctx;
    char t[INSTANT_TEXT_BYTES];
    add_columns(p, b);
    p->min = p->count == 0 || b->min < p->min ? b->min : p->min;
    p->max = p->count == 0 || b->max > p->max ? b->max : p->max;
    p->sum += b->mean * (double)b->count;
    p->last = b->last;
    p->last_ms = b->last_ms;
    p->count += b->count;
    p->series.good = p->count;
    p->series.last_ms = b->last_ms;
    if (p->json != NULL) {
        strbuf_add(p->json, p->count == b->count ? "{" : ",{");
        strbuf_json_str(p->json, "time", instant_format_utc(t, b->t_ms));
        strbuf_json_num(p->json, "min", b->min);
        strbuf_json_num(p->json, "max", b->max);
        strbuf_json_num(p->json, "mean", b->mean);
        strbuf_json_num(p->json, "last", b->last);
        strbuf_json_int(p->json, "count", (int64_t)b->count);
        strbuf_add_char(p->json, '}');
    }
    return true;
}

/* What the site says of it, if it does. */
static void
describe(struct plotted *p,
         const struct site *site,
         const struct arguments *a,
         uint32_t columns)
{
    const struct point *point = NULL;
    uint32_t device = site_device(site, p->device);
    if (device != NONE_INDEX) {
        uint32_t index = site_point(site, device, p->point);
        point = index != NONE_INDEX ? &site->points[index] : NULL;
        if (point != NULL) {
            p->known = true;
            p->limit_count =
                rule_points_limits(p->limits, LIMITS_MAX, p->arena, site, index);
        }
    }
    p->step_ms = history_step(a->from_ms, a->to_ms, columns);
    p->gap_ms = point != NULL ? point->stale_after_ms : 0;
    p->gap_ms = p->gap_ms > 2 * p->step_ms ? p->gap_ms : 2 * p->step_ms;
    chart_series_init(&p->series, p->name, point != NULL ? point->unit : NULL,
                      point != NULL &&
                          (point->kind == POINT_STATE || point->type == TYPE_BOOL),
                      a->from_ms, a->to_ms, columns);
    p->series.gap_ms = p->gap_ms;
}

static int
read_point(struct plotted *p,
           struct history_reader *reader,
           const struct arguments *a,
           struct err *err)
{
    return history_series(reader, a->from_ms, a->to_ms, p->step_ms, p->device, p->point,
                          take, p, err);
}

/* ---- printing ---- */

static void
print_legend(const struct plotted *p)
{
    char last[64], min[64], max[64], mean[64], at[INSTANT_TEXT_BYTES];
    char step[INSTANT_TEXT_BYTES];
    const char *unit = p->series.unit != NULL ? p->series.unit : "";
    if (p->count == 0) {
        printf(tr("%s: no good samples\n"), p->name);
        return;
    }
    printf(tr("%s: %s%s%s at %s; least %s, mean %s, greatest %s; %" PRIu64
              " sample%s, in steps of %s\n"),
           p->name, number_format_short(last, p->last), unit[0] != '\0' ? " " : "",
           unit, instant_format_local(at, p->last_ms), number_format_short(min, p->min),
           number_format_short(mean, p->sum / (double)p->count),
           number_format_short(max, p->max), p->count, cli_s(p->count),
           duration_write(step, p->step_ms));
    for (uint32_t i = 0; i < p->limit_count && !p->series.state; i++) {
        char hold[INSTANT_TEXT_BYTES];
        printf(p->limits[i].hold_ms > 0 ? tr("  limit: %s for %s\n")
                                        : tr("  limit: %s\n"),
               p->limits[i].text, duration_write(hold, p->limits[i].hold_ms));
    }
}

static void
print_text(const struct plotted *points, size_t count, const struct plot_text *how)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < count; i++) {
        const struct plotted *p = &points[i];
        double limits[LIMITS_MAX];
        print_legend(p);
        for (uint32_t l = 0; l < p->limit_count; l++) {
            limits[l] = p->limits[l].value;
        }
        if (p->count > 0) {
            strbuf_clear(&out);
            plot_text_draw(&out, &p->series, limits, p->limit_count, how);
            fputs(strbuf_text(&out), stdout);
        }
    }
    strbuf_fini(&out);
}

static int
write_svg(const struct plotted *points, size_t count, const struct arguments *a)
{
    struct chart_series series[POINTS_MAX_SHOWN];
    struct chart_limit limits[POINTS_MAX_SHOWN * LIMITS_MAX];
    uint32_t limit_count = 0;
    char from[INSTANT_TEXT_BYTES], to[INSTANT_TEXT_BYTES], desc[128];
    struct strbuf out = {0}, title = {0};
    for (size_t i = 0; i < count; i++) {
        series[i] = points[i].series;
        strbuf_printf(&title, "%s%s", i > 0 ? ", " : "", points[i].name);
        for (uint32_t l = 0; l < points[i].limit_count; l++) {
            limits[limit_count++] = (struct chart_limit){
                (uint32_t)i, points[i].limits[l].value, points[i].limits[l].text};
        }
    }
    snprintf(desc, sizeof desc, "%s .. %s", instant_format_local(from, a->from_ms),
             instant_format_local(to, a->to_ms));
    const struct chart_time chart = {.title = strbuf_text(&title),
                                     .desc = desc,
                                     .from_ms = a->from_ms,
                                     .to_ms = a->to_ms,
                                     .width = CHART_PAGE_WIDTH,
                                     .series = series,
                                     .series_count = (uint32_t)count,
                                     .limits = limits,
                                     .limit_count = limit_count,
                                     .empty = tr("no good samples")};
    chart_time_draw(&out, &chart);
    int status = output_text(a->svg, &out);
    strbuf_fini(&out);
    strbuf_fini(&title);
    return status;
}

static void
print_json(const struct plotted *points, size_t count, const struct arguments *a)
{
    char t[INSTANT_TEXT_BYTES];
    struct strbuf out = {0};
    strbuf_add_char(&out, '[');
    for (size_t i = 0; i < count; i++) {
        const struct plotted *p = &points[i];
        strbuf_add(&out, i > 0 ? ",{" : "{");
        strbuf_json_str(&out, "device", p->device);
        strbuf_json_str(&out, "point", p->point);
        strbuf_json_str(&out, "unit", p->series.unit);
        strbuf_json_str(&out, "from", instant_format_utc(t, a->from_ms));
        strbuf_json_str(&out, "to", instant_format_utc(t, a->to_ms));
        strbuf_json_int(&out, "step_ms", p->step_ms);
        strbuf_json_int(&out, "count", (int64_t)p->count);
        strbuf_json_key(&out, "buckets");
        strbuf_printf(&out, "[%s]}", strbuf_text(p->json));
    }
    strbuf_add_char(&out, ']');
    puts(strbuf_text(&out));
    strbuf_fini(&out);
}

/* ---- the command ---- */

static bool
number_of(const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || n < least || n > most) {
        return false;
    }
    *out = (uint32_t)n;
    return true;
}

/* Whether the terminal shows more than ASCII, as its locale says. */
static bool
is_utf8(void)
{
    static const char *const words[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const char *value = getenv(words[i]);
        if (value != NULL && value[0] != '\0') {
            return strcasestr(value, "utf-8") != NULL ||
                   strcasestr(value, "utf8") != NULL;
        }
    }
    return false;
}

/* https://no-color.org, and terminals that have none. */
static bool
has_colour(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

static int
size_picture(const struct cli_command *self,
             const struct arguments *a,
             size_t count,
             struct plot_text *how)
{
    struct winsize size = {0};
    const char *columns = getenv("COLUMNS");
    uint32_t width = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        width = size.ws_col;
    } else if (columns != NULL) {
        (void)number_of(columns, 1, PLOT_WIDTH_MAX, &width);
    }
    how->height = count == 1 ? HEIGHT_ONE : HEIGHT_MANY;
    how->ascii = a->ascii || !is_utf8();
    how->colour = has_colour();
    if (a->width_text != NULL &&
        !number_of(a->width_text, PLOT_LABEL_WIDTH + 2 + PLOT_WIDTH_MIN, PLOT_WIDTH_MAX,
                   &width)) {
        return cli_usage_error(self, "--width %s; %d..%d characters are accepted",
                               a->width_text, PLOT_LABEL_WIDTH + 2 + PLOT_WIDTH_MIN,
                               PLOT_WIDTH_MAX);
    }
    if (a->height_text != NULL &&
        !number_of(a->height_text, 1, PLOT_HEIGHT_MAX, &how->height)) {
        return cli_usage_error(self, "--height %s; 1..%d rows are accepted",
                               a->height_text, PLOT_HEIGHT_MAX);
    }
    how->width = width > PLOT_LABEL_WIDTH + 2 + PLOT_WIDTH_MIN
                     ? width - PLOT_LABEL_WIDTH - 2
                     : PLOT_WIDTH_MIN;
    return CLI_OK;
}

static int
name_points(const struct cli_command *self,
            const struct cli_list *args,
            struct plotted *points)
{
    for (uint32_t i = 0; i < args->count; i++) {
        const char *dot = strchr(args->items[i], '.');
        if (dot == NULL || dot == args->items[i] || dot[1] == '\0') {
            return cli_usage_error(self, "\"%s\" is no point; DEVICE.POINT is accepted",
                                   args->items[i]);
        }
        points[i].name = strdup(args->items[i]);
        points[i].device = strndup(args->items[i], (size_t)(dot - args->items[i]));
        points[i].point = strdup(dot + 1);
        if (points[i].name == NULL || points[i].device == NULL ||
            points[i].point == NULL) {
            abort();
        }
    }
    return CLI_OK;
}

static int
parse_range(const struct cli_command *self, struct arguments *a)
{
    struct err err = {0};
    int64_t now_ms = clock_real_ms();
    a->to_ms = now_ms;
    if (a->to != NULL && instant_parse_relative(&a->to_ms, a->to, now_ms, &err) != 0) {
        return cli_usage_error(self, "%s", err.text);
    }
    a->from_ms = a->to_ms - DEFAULT_MS;
    if (a->from != NULL &&
        instant_parse_relative(&a->from_ms, a->from, now_ms, &err) != 0) {
        return cli_usage_error(self, "%s", err.text);
    }
    return a->from_ms < a->to_ms
               ? CLI_OK
               : cli_usage_error(self, "--from is not earlier than --to");
}

/* Where no range is given and the last day has nothing, the last day that has. */
static int
settle_range(struct arguments *a, struct history_reader *reader, struct err *err)
{
    int64_t newest_ms = INSTANT_NONE;
    if (a->from != NULL || a->to != NULL) {
        return 0;
    }
    int code = history_newest(reader, &newest_ms, err);
    if (code == 0 && newest_ms != INSTANT_NONE && newest_ms < a->from_ms) {
        a->to_ms = newest_ms + 1;
        a->from_ms = a->to_ms - DEFAULT_MS;
    }
    return code;
}

/* Reads all points, and prints them in the form that is wanted. */
static int
plot(const struct site *site,
     struct arguments *a,
     struct plotted *points,
     size_t count,
     const struct plot_text *how)
{
    struct err err = {0};
    struct history_reader *reader = NULL;
    uint32_t columns = a->svg != NULL || a->json ? SVG_COLUMNS : plot_text_columns(how);
    struct arena *arena = arena_new();
    int status = CLI_OK;
    int code = history_reader_open(&reader, site->data_dir, &err);
    code = code == 0 ? settle_range(a, reader, &err) : code;
    for (size_t i = 0; i < count && code == 0; i++) {
        points[i].arena = arena;
        describe(&points[i], site, a, columns);
        code = read_point(&points[i], reader, a, &err);
    }
    history_reader_close(reader);
    if (code == ERR_NOT_FOUND) {
        (void)err_set(&err, ERR_NOT_FOUND,
                      "%s has no history: the daemon never ran here, and nothing was "
                      "imported",
                      site->data_dir);
    }
    if (code != 0) {
        status = cli_fail(&err);
    } else if (a->json) {
        print_json(points, count, a);
    } else if (a->svg != NULL) {
        status = write_svg(points, count, a);
    } else {
        print_text(points, count, how);
    }
    /* An empty picture of what the site does not have is a slip of the pen. */
    for (size_t i = 0; i < count && code == 0; i++) {
        if (points[i].count == 0 && !points[i].known) {
            fprintf(stderr, tr("caretaker: neither the site nor the history has %s\n"),
                    points[i].name);
            status = CLI_NO;
        }
    }
    arena_free(arena);
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"from", 0, CLI_TEXT, &a.from, "T", "from this instant on [a day before --to]"},
        {"to", 0, CLI_TEXT, &a.to, "T",
         "up to this instant [now, or the newest sample]"},
        {"width", 0, CLI_TEXT, &a.width_text, "N",
         "characters of a line [the terminal's, else 80]"},
        {"height", 0, CLI_TEXT, &a.height_text, "N", "rows of each picture"},
        {"ascii", 0, CLI_FLAG, &a.ascii, NULL, "draw with ASCII characters"},
        {"svg", 0, CLI_TEXT, &a.svg, "FILE",
         "an SVG image instead; - is standard output"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "the numbers, as JSON"},
    };
    struct cli_list args;
    struct plotted points[POINTS_MAX_SHOWN] = {{.device = NULL}};
    struct strbuf json[POINTS_MAX_SHOWN] = {{0}};
    struct plot_text how = {0};
    struct site *site = NULL;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count == 0 || args.count > POINTS_MAX_SHOWN) {
        return cli_usage_error(self, "1 to %d points, as DEVICE.POINT, are accepted",
                               POINTS_MAX_SHOWN);
    }
    if (a.json && a.svg != NULL) {
        return cli_usage_error(self, "--json and --svg are two forms");
    }
    status = name_points(self, &args, points);
    status = status == CLI_OK ? size_picture(self, &a, args.count, &how) : status;
    if (status == CLI_OK) {
        site = cli_site(a.site);
        status = site != NULL ? parse_range(self, &a) : CLI_CONFIG;
    }
    for (uint32_t i = 0; i < args.count && a.json; i++) {
        points[i].json = &json[i];
    }
    if (status == CLI_OK) {
        status = plot(site, &a, points, args.count, &how);
    }
    for (uint32_t i = 0; i < args.count; i++) {
        chart_series_fini(&points[i].series);
        strbuf_fini(&json[i]);
        free(points[i].device);
        free(points[i].point);
        free(points[i].name);
    }
    site_free(site);
    return status;
}

const struct cli_command cli_plot = {
    "plot", "draw points over time, from the history",
    "[-c SITE] [--from T] [--to T] [--svg FILE|--json] DEVICE.POINT...",
    "Draws what the history has: of each step of time a line from the least to the "
    "greatest\n"
    "value; where nothing good was recorded there is nothing.  How long a step is goes "
    "by "
    "the\n"
    "width: seconds are read out of the samples, more out of the minutes or hours that "
    "the\n"
    "daemon keeps, so that a year is as quick as a day.\n\n"
    "--svg makes a picture for a page or for paper.  --json gives the numbers: time, "
    "min, "
    "max,\n"
    "mean, last and count of each step.\n\n"
    "  caretaker plot pump-1.bearing --from -7d\n"
    "  caretaker plot pump-1.bearing pump-1.running --from -30d --svg bearing.svg\n",
    run};
