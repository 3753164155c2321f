#include "daemon/pipeline/chart/plot_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/pipeline/chart/chart_axis.h"

#define DOTS_X   2
#define DOTS_Y   4
#define PER_TICK 12 /* Characters from one tick to the next, at least. */

/* What is in a character, by what matters more. */
enum cell { CELL_EMPTY, CELL_LIMIT, CELL_BAND, CELL_MEAN };
/* Faint for the band, so that the mean is seen in it (ECMA-48, 8.3.117). */
static const char *const colours[] = {"", "31", "2;36", "36"};

struct canvas {
    const struct plot_text *how;
    uint32_t columns, rows; /* Of dots. */
    uint8_t *cells;         /* Of characters: Braille bits, or whether it is set. */
    uint8_t *kinds;         /* Of characters: enum cell. */
    double low, high;
};

uint32_t
plot_text_columns(const struct plot_text *how)
{
    return how->width * (how->ascii ? 1 : DOTS_X);
}

static void
set(struct canvas *c, uint32_t x, uint32_t y, enum cell kind)
{
    static const uint8_t bits[DOTS_X][DOTS_Y] = {{0x01, 0x02, 0x04, 0x40},
                                                 {0x08, 0x10, 0x20, 0x80}};
    bool ascii = c->how->ascii;
    size_t at = ascii ? (size_t)y * c->how->width + x
                      : (size_t)(y / DOTS_Y) * c->how->width + x / DOTS_X;
    c->cells[at] |= ascii ? 1 : bits[x % DOTS_X][y % DOTS_Y];
    c->kinds[at] = c->kinds[at] < kind ? (uint8_t)kind : c->kinds[at];
}

static uint32_t
row_of(const struct canvas *c, double value)
{
    double part = c->high > c->low ? (c->high - value) / (c->high - c->low) : 0.5;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return (uint32_t)lround(part * (c->rows - 1));
}

static void
set_column(struct canvas *c, uint32_t x, uint32_t top, uint32_t bottom, enum cell kind)
{
    for (uint32_t y = top; y <= bottom; y++) {
        set(c, x, y, kind);
    }
}

/* What lies between two columns that have something to show. */
static void
join(struct canvas *c, const struct chart_series *s, uint32_t from, uint32_t to)
{
    double a = s->column[from].mean, b = s->column[to].mean;
    uint32_t before = row_of(c, a);
    for (uint32_t x = from + 1; x < to; x++) {
        uint32_t y = row_of(c, a + (b - a) * (x - from) / (to - from));
        set_column(c, x, y < before ? y : before, y < before ? before : y, CELL_MEAN);
        before = y;
    }
}

static void
draw_line(struct canvas *c, const struct chart_series *s)
{
    bool any = false;
    uint32_t last = 0, above = 0, below = 0; /* The column before. */
    for (uint32_t x = 0; x < s->columns && x < c->columns; x++) {
        const struct chart_column *k = &s->column[x];
        if (k->count == 0) {
            continue;
        }
        uint32_t top = row_of(c, k->max), bottom = row_of(c, k->min);
        uint32_t from = top, to = bottom;
        if (any && !k->broken) {
            join(c, s, last, x);
            if (x == last + 1 && from > below) {
                from = below + 1;
            } else if (x == last + 1 && to < above) {
                to = above - 1;
            }
        }
        set_column(c, x, from, to, CELL_BAND);
        set(c, x, row_of(c, k->mean), CELL_MEAN);
        any = true;
        last = x;
        above = top;
        below = bottom;
    }
}

static void
draw_limit(struct canvas *c, double value)
{
    size_t row = row_of(c, value) / (c->how->ascii ? 1 : DOTS_Y);
    for (size_t x = 0; x < c->how->width; x += 2) {
        uint8_t *kind = &c->kinds[row * c->how->width + x];
        *kind = *kind == CELL_EMPTY ? CELL_LIMIT : *kind;
    }
}

static void
add_cell(struct strbuf *out, const struct canvas *c, uint8_t cell, uint8_t kind)
{
    if (kind == CELL_EMPTY) {
        strbuf_add_char(out, ' ');
    } else if (kind == CELL_LIMIT) {
        strbuf_add(out, c->how->ascii ? "-" : "\xE2\x94\x80");
    } else if (c->how->ascii) {
        strbuf_add_char(out, '*');
    } else {
        const char braille[] = {(char)0xE2, (char)(0xA0 | cell >> 6),
                                (char)(0x80 | (cell & 0x3f)), '\0'};
        strbuf_add(out, braille);
    }
}

/* Trailing blanks are no picture. */
static void
add_row(struct strbuf *out, const struct canvas *c, uint32_t row)
{
    char number[64] = "";
    const uint8_t *cells = c->cells + (size_t)row * c->how->width;
    const uint8_t *kinds = c->kinds + (size_t)row * c->how->width;
    uint32_t width = c->how->width;
    uint8_t now = CELL_EMPTY;
    if (row == 0 || row == c->how->height - 1 ||
        (c->how->height > 4 && row == c->how->height / 2)) {
        double part = c->how->height > 1 ? (double)row / (c->how->height - 1) : 0;
        (void)number_format_short(number, c->high - part * (c->high - c->low));
    }
    strbuf_printf(out, "%*s %s", PLOT_LABEL_WIDTH, number,
                  c->how->ascii ? "|" : "\xE2\x94\x82");
    while (width > 0 && kinds[width - 1] == CELL_EMPTY) {
        width--;
    }
    for (uint32_t x = 0; x < width; x++) {
        if (c->how->colour && kinds[x] != CELL_EMPTY && kinds[x] != now) {
            strbuf_printf(out, "\033[0;%sm", colours[kinds[x]]);
            now = kinds[x];
        }
        add_cell(out, c, cells[x], kinds[x]);
    }
    strbuf_add(out, now != CELL_EMPTY ? "\033[0m\n" : "\n");
}

/* ---- the axis ---- */

static uint32_t
x_of(const struct chart_series *s, const struct plot_text *how, int64_t t_ms)
{
    double part = (double)(t_ms - s->from_ms) / (double)(s->to_ms - s->from_ms);
    uint32_t x = (uint32_t)(part * how->width);
    return x < how->width ? x : how->width - 1;
}

/* Texts centred at their ticks, as far as they find room; a row that stays empty is
 * left out. */
static void
add_tick_texts(struct strbuf *out,
               const struct chart_series *s,
               const struct plot_text *how,
               const struct chart_tick *ticks,
               size_t count,
               bool below)
{
    char row[PLOT_WIDTH_MAX + 1];
    uint32_t end = 0; /* Of what is written. */
    memset(row, ' ', sizeof row);
    for (size_t i = 0; i < count; i++) {
        const char *text = below ? ticks[i].below : ticks[i].text;
        uint32_t size = (uint32_t)strlen(text), x = x_of(s, how, ticks[i].t_ms);
        x = x > size / 2 ? x - size / 2 : 0;
        x = x + size > how->width && size <= how->width ? how->width - size : x;
        if (size > 0 && x + size <= how->width && (end == 0 || x > end)) {
            memcpy(row + x, text, size);
            end = x + size;
        }
    }
    if (end > 0) {
        strbuf_printf(out, "%*s %.*s\n", PLOT_LABEL_WIDTH + 1, "", (int)end, row);
    }
}

/* Characters are counted, not bytes; one that is too long is left out. */
static void
add_unit(struct strbuf *out, const char *unit)
{
    int width = 0;
    for (const char *c = unit; *c != '\0'; c++) {
        width += ((unsigned char)*c & 0xC0) != 0x80;
    }
    bool fits = width <= PLOT_LABEL_WIDTH;
    strbuf_printf(out, "%*s%s ", fits ? PLOT_LABEL_WIDTH - width : PLOT_LABEL_WIDTH, "",
                  fits ? unit : "");
}

static void
add_times(struct strbuf *out, const struct chart_series *s, const struct plot_text *how)
{
    struct chart_tick ticks[CHART_TICKS_MAX];
    int wanted = (int)how->width / PER_TICK;
    size_t count = chart_time_ticks(ticks, s->from_ms, s->to_ms, wanted);
    size_t next = 0;
    add_unit(out, s->unit != NULL ? s->unit : "");
    strbuf_add(out, how->ascii ? "+" : "\xE2\x94\x94");
    for (uint32_t x = 0; x < how->width; x++) {
        bool is_tick = next < count && x_of(s, how, ticks[next].t_ms) <= x;
        while (next < count && x_of(s, how, ticks[next].t_ms) <= x) {
            next++;
        }
        strbuf_add(out, how->ascii ? is_tick ? "|" : "-"
                        : is_tick  ? "\xE2\x94\xAC"
                                   : "\xE2\x94\x80");
    }
    strbuf_add_char(out, '\n');
    add_tick_texts(out, s, how, ticks, count, false);
    add_tick_texts(out, s, how, ticks, count, true);
}

/* ---- pictures ---- */

static void
draw_state(struct strbuf *out,
           const struct chart_series *s,
           const struct plot_text *how)
{
    static const char *const looks[2][4] = {
        {" ", "\xE2\x96\x81", "\xE2\x96\x84", "\xE2\x96\x88"}, {" ", "_", "+", "#"}};
    double column_ms = (double)(s->to_ms - s->from_ms) / s->columns;
    uint32_t each = s->columns / how->width; /* Columns of a character. */
    uint32_t last = UINT32_MAX;              /* The last column that has something. */
    strbuf_printf(out, "%*s %s", PLOT_LABEL_WIDTH, "",
                  how->ascii ? "|" : "\xE2\x94\x82");
    for (uint32_t x = 0; x < how->width; x++) {
        bool on = false, off = false;
        for (uint32_t i = x * each; i < (x + 1) * each; i++) {
            const struct chart_column *c = &s->column[i];
            last = c->count > 0 ? i : last;
            on = on || (c->count > 0 && c->max != 0);
            off = off || (c->count > 0 && c->min == 0);
        }
        uint32_t since = last == UINT32_MAX ? 0 : x * each - last;
        if (!on && !off && last != UINT32_MAX &&
            since * column_ms <= (double)s->gap_ms) {
            on = s->column[last].last != 0;
            off = !on;
        }
        strbuf_add(out, looks[how->ascii][on ? off ? 2 : 3 : off ? 1 : 0]);
    }
    strbuf_add_char(out, '\n');
}

static void
scale(struct canvas *c,
      const struct chart_series *s,
      const double *limits,
      size_t count)
{
    c->low = INFINITY;
    c->high = -INFINITY;
    for (uint32_t x = 0; x < s->columns; x++) {
        if (s->column[x].count > 0) {
            c->low = fmin(c->low, s->column[x].min);
            c->high = fmax(c->high, s->column[x].max);
        }
    }
    for (size_t i = 0; i < count; i++) {
        c->low = fmin(c->low, limits[i]);
        c->high = fmax(c->high, limits[i]);
    }
    if (c->low >= c->high) { /* One value is a line in the middle. */
        c->low -= 1;
        c->high += 1;
    }
}

static void
draw_values(struct strbuf *out,
            const struct chart_series *s,
            const double *limits,
            uint32_t limit_count,
            const struct plot_text *how)
{
    size_t size = (size_t)how->width * how->height;
    struct canvas c = {.how = how,
                       .columns = plot_text_columns(how),
                       .rows = how->height * (how->ascii ? 1 : DOTS_Y),
                       .cells = calloc(size, 2)};
    if (c.cells == NULL) {
        abort(); /* As strbuf. */
    }
    c.kinds = c.cells + size;
    scale(&c, s, limits, limit_count);
    draw_line(&c, s);
    for (uint32_t i = 0; i < limit_count; i++) {
        draw_limit(&c, limits[i]);
    }
    for (uint32_t row = 0; row < how->height; row++) {
        add_row(out, &c, row);
    }
    free(c.cells);
}

void
plot_text_draw(struct strbuf *out,
               const struct chart_series *s,
               const double *limits,
               uint32_t limit_count,
               const struct plot_text *how)
{
    if (s->state) {
        draw_state(out, s, how);
    } else {
        draw_values(out, s, limits, limit_count, how);
    }
    add_times(out, s, how);
}
