/* Draws charts for a system test, which gives them to an XML parser that is not ours.
 *
 * Standard input, one thing a line; fields are parted by tabs:
 *   zone NAME | time TITLE DESC FROM_MS TO_MS WIDTH | series NAME UNIT STATE GAP_MS
 *   value T_MS VALUE | gap T_MS | wave COUNT        samples of the series before
 *   limit SERIES VALUE LABEL | mark T_MS LABEL | draw
 *   bars TITLE DESC WIDTH UNIT SERIES PARETO FIRST OTHER | bar LABEL VALUE [VALUE] |
 * draw Each chart is printed on one line. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/arena.h"
#include "daemon/base/err.h"
#include "daemon/base/instant.h"
#include "daemon/pipeline/chart/chart.h"

#define FIELDS_MAX 9
#define ITEMS_MAX  64

static struct chart_time chart;
static struct chart_bars bars;
static bool is_bars;
static struct chart_series series[ITEMS_MAX];
static struct chart_limit limits[ITEMS_MAX];
static struct chart_mark marks[ITEMS_MAX];
static struct chart_bar bar[ITEMS_MAX];

static struct arena *arena; /* Until the end of the program. */

static const char *
kept(const char *text)
{
    return arena_strdup(arena, text);
}

static void
draw(void)
{
    struct strbuf out = {0};
    if (is_bars) {
        bars.bars = bar;
        chart_bars_draw(&out, &bars);
    } else {
        chart.series = series;
        chart.limits = limits;
        chart.marks = marks;
        chart_time_draw(&out, &chart);
    }
    puts(strbuf_text(&out));
    strbuf_fini(&out);
    for (uint32_t i = 0; i < chart.series_count; i++) {
        chart_series_fini(&series[i]);
    }
    chart.series_count = chart.limit_count = chart.mark_count = bars.count = 0;
}

static void
wave(struct chart_series *s, int count)
{
    for (int i = 0; i < count; i++) {
        double part = (double)i / count;
        int64_t t_ms = s->from_ms + (int64_t)(part * (double)(s->to_ms - s->from_ms));
        chart_series_add(s, t_ms, 50 + 30 * sin(part * 20) + (i % 7));
    }
}

static void
take(char **f)
{
    struct chart_series *last =
        chart.series_count > 0 ? &series[chart.series_count - 1] : &series[0];
    if (strcmp(f[0], "zone") == 0) {
        instant_zone_set(f[1]);
    } else if (strcmp(f[0], "time") == 0) {
        is_bars = false;
        chart = (struct chart_time){.title = kept(f[1]),
                                    .desc = kept(f[2]),
                                    .from_ms = atoll(f[3]),
                                    .to_ms = atoll(f[4]),
                                    .width = atoi(f[5])};
    } else if (strcmp(f[0], "series") == 0 && chart.series_count < ITEMS_MAX) {
        struct chart_series *s = &series[chart.series_count++];
        chart_series_init(s, kept(f[1]), kept(f[2]), atoi(f[3]) != 0, chart.from_ms,
                          chart.to_ms, (uint32_t)chart.width);
        s->gap_ms = atoll(f[4]);
    } else if (strcmp(f[0], "value") == 0) {
        chart_series_add(last, atoll(f[1]), strtod(f[2], NULL));
    } else if (strcmp(f[0], "gap") == 0) {
        chart_series_gap(last, atoll(f[1]));
    } else if (strcmp(f[0], "wave") == 0) {
        wave(last, atoi(f[1]));
    } else if (strcmp(f[0], "limit") == 0 && chart.limit_count < ITEMS_MAX) {
        limits[chart.limit_count++] =
            (struct chart_limit){(uint32_t)atoi(f[1]), strtod(f[2], NULL), kept(f[3])};
    } else if (strcmp(f[0], "mark") == 0 && chart.mark_count < ITEMS_MAX) {
        marks[chart.mark_count++] = (struct chart_mark){atoll(f[1]), kept(f[2])};
    } else if (strcmp(f[0], "bars") == 0) {
        is_bars = true;
        bars = (struct chart_bars){.title = kept(f[1]),
                                   .desc = kept(f[2]),
                                   .width = atoi(f[3]),
                                   .unit = kept(f[4]),
                                   .series_count = (uint32_t)atoi(f[5]),
                                   .pareto = atoi(f[6]) != 0,
                                   .series_name = {kept(f[7]), kept(f[8])}};
    } else if (strcmp(f[0], "bar") == 0 && bars.count < ITEMS_MAX) {
        bar[bars.count++] = (struct chart_bar){
            .label = kept(f[1]), .value = {strtod(f[2], NULL), strtod(f[3], NULL)}};
    } else if (strcmp(f[0], "draw") == 0) {
        draw();
    } else {
        fprintf(stderr, "driver_chart: %s?\n", f[0]);
        exit(2);
    }
}

int
main(void)
{
    char *line = NULL;
    size_t size = 0;
    arena = arena_new();
    while (getline(&line, &size, stdin) > 0) {
        char *fields[FIELDS_MAX];
        static char none[] = "";
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; i < FIELDS_MAX; i++) {
            char *field = strsep(&rest, "\t");
            fields[i] = field != NULL ? field : none;
        }
        take(fields);
    }
    free(line);
    arena_free(arena);
    return 0;
}
