#include "daemon/pipeline/plot_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"

#define DOTS_X     2
#define DOTS_Y     4
#define TIME_WIDTH 19 /* Of an instant. */

struct canvas {
    const struct plot_text *how;
    uint32_t columns, rows; /* Of dots. */
    uint8_t *cells;         /* Of characters: Braille bits, or whether it is set. */
    double low, high;
};

uint32_t
plot_text_columns(const struct plot_text *how)
{
    return how->width * (how->ascii ? 1 : DOTS_X);
}

static void
set(struct canvas *c, uint32_t x, uint32_t y)
{
    static const uint8_t bits[DOTS_X][DOTS_Y] = {{0x01, 0x02, 0x04, 0x40},
                                                 {0x08, 0x10, 0x20, 0x80}};
    if (c->how->ascii) {
        c->cells[y * c->how->width + x] = 1;
    } else {
        c->cells[y / DOTS_Y * c->how->width + x / DOTS_X] |=
            bits[x % DOTS_X][y % DOTS_Y];
    }
}

static uint32_t
row_of(const struct canvas *c, double value)
{
    double part = c->high > c->low ? (c->high - value) / (c->high - c->low) : 0.5;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return (uint32_t)lround(part * (c->rows - 1));
}

static void
set_column(struct canvas *c, uint32_t x, uint32_t top, uint32_t bottom)
{
    for (uint32_t y = top; y <= bottom; y++) {
        set(c, x, y);
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
        set_column(c, x, y < before ? y : before, y < before ? before : y);
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
        set_column(c, x, from, to);
        any = true;
        last = x;
        above = top;
        below = bottom;
    }
}

static void
add_cell(struct strbuf *out, const struct canvas *c, uint8_t cell)
{
    if (c->how->ascii) {
        strbuf_add_char(out, cell != 0 ? '*' : ' ');
    } else if (cell == 0) {
        strbuf_add_char(out, ' ');
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
    uint32_t width = c->how->width;
    if (row == 0 || row == c->how->height - 1 ||
        (c->how->height > 4 && row == c->how->height / 2)) {
        double part = c->how->height > 1 ? (double)row / (c->how->height - 1) : 0;
        (void)number_format_short(number, c->high - part * (c->high - c->low));
    }
    strbuf_printf(out, "%*s %s", PLOT_LABEL_WIDTH, number,
                  c->how->ascii ? "|" : "\xE2\x94\x82");
    while (width > 0 && cells[width - 1] == 0) {
        width--;
    }
    for (uint32_t x = 0; x < width; x++) {
        add_cell(out, c, cells[x]);
    }
    strbuf_add_char(out, '\n');
}

static void
add_times(struct strbuf *out, const struct chart_series *s, const struct plot_text *how)
{
    char from[INSTANT_TEXT_BYTES], to[INSTANT_TEXT_BYTES];
    strbuf_printf(out, "%*s %s", PLOT_LABEL_WIDTH, "",
                  how->ascii ? "+" : "\xE2\x94\x94");
    for (uint32_t x = 0; x < how->width; x++) {
        strbuf_add(out, how->ascii ? "-" : "\xE2\x94\x80");
    }
    strbuf_printf(out, "\n%*s %s", PLOT_LABEL_WIDTH + 1, "",
                  instant_format_local(from, s->from_ms));
    if (how->width > 2 * TIME_WIDTH) {
        strbuf_printf(out, "%*s", (int)how->width - TIME_WIDTH,
                      instant_format_local(to, s->to_ms));
    } else {
        strbuf_printf(out, " .. %s", instant_format_local(to, s->to_ms));
    }
    strbuf_add_char(out, '\n');
}

static void
draw_state(struct strbuf *out,
           const struct chart_series *s,
           const struct plot_text *how)
{
    const char *const on = how->ascii ? "#" : "\xE2\x96\x88";
    const char *const off = how->ascii ? "_" : "\xE2\x96\x81";
    uint32_t each = s->columns / how->width; /* Columns of a character. */
    strbuf_printf(out, "%*s %s", PLOT_LABEL_WIDTH, "",
                  how->ascii ? "|" : "\xE2\x94\x82");
    for (uint32_t x = 0; x < how->width; x++) {
        double sum = 0;
        uint64_t count = 0;
        for (uint32_t i = x * each; i < (x + 1) * each; i++) {
            sum += s->column[i].count > 0 ? s->column[i].mean : 0;
            count += s->column[i].count > 0;
        }
        strbuf_add(out, count == 0 ? " " : sum / (double)count >= 0.5 ? on : off);
    }
    strbuf_add_char(out, '\n');
}

void
plot_text_draw(struct strbuf *out,
               const struct chart_series *s,
               const struct plot_text *how)
{
    struct canvas c = {.how = how,
                       .columns = plot_text_columns(how),
                       .rows = how->height * (how->ascii ? 1 : DOTS_Y),
                       .low = INFINITY,
                       .high = -INFINITY};
    if (s->state) {
        draw_state(out, s, how);
        add_times(out, s, how);
        return;
    }
    for (uint32_t x = 0; x < s->columns; x++) {
        if (s->column[x].count > 0) {
            c.low = fmin(c.low, s->column[x].min);
            c.high = fmax(c.high, s->column[x].max);
        }
    }
    if (c.low >= c.high) { /* One value is a line in the middle. */
        c.low -= 1;
        c.high += 1;
    }
    c.cells = calloc((size_t)how->width * how->height, 1);
    if (c.cells == NULL) {
        abort(); /* As strbuf. */
    }
    draw_line(&c, s);
    for (uint32_t row = 0; row < how->height; row++) {
        add_row(out, &c, row);
    }
    add_times(out, s, how);
    free(c.cells);
}
