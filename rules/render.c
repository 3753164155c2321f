/* Titles for people. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/strbuf.h"
#include "rules/engine.h"

#define DECIMALS 3 /* More is noise in a title. */

struct out {
    char *text;
    size_t size, used;
};

static void
add(struct out *o, const char *text, size_t size)
{
    size_t room = o->size - 1 - o->used;
    if (size > room) {
        size = room;
        while (size > 0 && ((unsigned char)text[size] & 0xC0) == 0x80) {
            size--; /* No half characters. */
        }
        o->size = o->used + size + 1; /* Full: nothing may follow the gap. */
    }
    memcpy(o->text + o->used, text, size);
    o->used += size;
    o->text[o->used] = '\0';
}

/* Three decimals, or three digits of a value that is smaller than that shows. */
static double
rounded(double value)
{
    double scale = 1e3;
    if (value != 0 && fabs(value) < 0.1) {
        scale = pow(10, DECIMALS - 1 - floor(log10(fabs(value))));
    }
    double result = round(value * scale) / scale;
    return isfinite(result) ? result : value;
}

static void
add_value(struct out *o, const struct rules *r, uint32_t index)
{
    const struct point *p = &r->site->points[index];
    double value = r->known[index];
    if (isnan(value)) {
        add(o, "?", 1);
        return;
    }
    if (p->type == TYPE_BOOL || p->table == REG_COIL || p->table == REG_DISCRETE ||
        (p->type == TYPE_BITS && p->bit_low == p->bit_high)) {
        const char *word = value != 0 ? "true" : "false";
        add(o, word, strlen(word));
        return;
    }
    char number[NUMBER_TEXT_BYTES];
    add(o, number, number_format(number, rounded(value)));
    if (p->unit != NULL && p->unit[0] != '\0') {
        add(o, " ", 1);
        add(o, p->unit, strlen(p->unit));
    }
}

/* What stands between braces; false when it means nothing. */
static bool
add_name(struct out *o,
         const struct rules *r,
         uint32_t device,
         const char *name,
         size_t size)
{
    char id[2 * ID_BYTES_MAX];
    if (size >= sizeof id) {
        return false;
    }
    memcpy(id, name, size);
    id[size] = '\0';
    if (strcmp(id, "device") == 0) {
        const char *text = r->site->devices[device].name;
        add(o, text, strlen(text));
        return true;
    }
    char *dot = strchr(id, '.');
    const char *point = id;
    if (dot != NULL) {
        *dot = '\0';
        point = dot + 1;
        device = site_device(r->site, id);
    }
    if (device == NONE_INDEX) {
        return false;
    }
    uint32_t index = site_point(r->site, device, point);
    if (index == NONE_INDEX) {
        return false;
    }
    add_value(o, r, index);
    return true;
}

void
rules_render(const struct rules *r,
             char *out,
             size_t out_size,
             const char *title,
             uint32_t device)
{
    struct out o = {out, out_size, 0};
    if (out_size == 0) {
        return;
    }
    out[0] = '\0';
    const char *at = title;
    while (*at != '\0') {
        const char *open = strchr(at, '{');
        const char *close = open == NULL ? NULL : strchr(open, '}');
        if (close == NULL) {
            add(&o, at, strlen(at));
            return;
        }
        add(&o, at, (size_t)(open - at));
        if (!add_name(&o, r, device, open + 1, (size_t)(close - open - 1))) {
            add(&o, open, (size_t)(close + 1 - open)); /* As it was written. */
        }
        at = close + 1;
    }
}
