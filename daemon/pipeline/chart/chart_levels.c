/* Lines of limits, and their labels. */
#include <assert.h>
#include <math.h>

#include "daemon/pipeline/chart/chart_inside.h"

#define APART_PX 9 /* Between two labels beside each other. */

/* Where a label is; `y` is its base line. */
struct placed {
    double left, right, y;
};

/* Another line is so near above this one that its text must go below. */
static bool
has_near_above(const struct chart_level *levels, uint32_t count, double y)
{
    for (uint32_t i = 0; i < count; i++) {
        if (levels[i].y < y && y - levels[i].y < 2 * CHART_FONT_PX + 4) {
            return true;
        }
    }
    return false;
}

/* At the right end of its line, or further left where others are in the way. */
static struct placed
place(const struct placed *others, uint32_t count, double right, double y, double width)
{
    struct placed at = {right - width, right, y};
    for (uint32_t i = 0; i < count;) {
        const struct placed *o = &others[i++];
        if (at.left <= o->right + APART_PX - 1 && at.right >= o->left - APART_PX + 1 &&
            fabs(y - o->y) < CHART_FONT_PX) {
            at = (struct placed){o->left - APART_PX - width, o->left - APART_PX, y};
            i = 0; /* Others may be in the way there. */
        }
    }
    return at;
}

void
chart_levels_draw(struct strbuf *out,
                  const struct chart_level *levels,
                  uint32_t count,
                  double left,
                  double right,
                  double top)
{
    struct placed placed[CHART_LEVELS_MAX];
    uint32_t placed_count = 0;
    double room = (right - left) / 2;
    assert(count <= CHART_LEVELS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        chart_line(out, left, levels[i].y, right, levels[i].y, CHART_ALERT, "10 4");
    }
    for (uint32_t i = 0; i < count; i++) {
        double y = levels[i].y;
        const char *label = levels[i].label;
        if (label == NULL) {
            continue;
        }
        bool below = y - top < CHART_FONT_PX + 2 || has_near_above(levels, count, y);
        struct placed at =
            place(placed, placed_count, right - 4, below ? y + CHART_FONT_PX : y - 3,
                  fmin(chart_text_width(label), room));
        if (at.left >= left) {
            placed[placed_count++] = at;
            chart_label_clear(out, at.right, at.y, CHART_END, CHART_ALERT, room, label);
        }
    }
}
