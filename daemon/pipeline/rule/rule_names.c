#include "daemon/pipeline/rule/rule_names.h"

#include <ctype.h>
#include <string.h>

#include "daemon/pipeline/rows/report_names.h"

#define NAME_BYTES (2 * ID_BYTES_MAX) /* "DEVICE.POINT" */

struct naming {
    const struct site *site;
    uint32_t device;
    struct report_names found;
};

/* "bearing", or "feeder-1.power"; NONE_INDEX: it is neither. */
static uint32_t
point_named(const struct naming *n, const char *name)
{
    char device[NAME_BYTES];
    const char *dot = strchr(name, '.');
    uint32_t of = n->device;
    if (dot != NULL) {
        memcpy(device, name, (size_t)(dot - name));
        device[dot - name] = '\0';
        of = site_device(n->site, device);
    }
    return of != NONE_INDEX ? site_point(n->site, of, dot != NULL ? dot + 1 : name)
                            : NONE_INDEX;
}

static void
take(struct naming *n, const char *text, size_t size)
{
    char name[NAME_BYTES];
    if (size >= sizeof name) {
        return;
    }
    memcpy(name, text, size);
    name[size] = '\0';
    if (point_named(n, name) != NONE_INDEX) {
        (void)report_names_add(&n->found, name);
    }
}

/* Whether a name may hold it; the hyphen is one of devices. */
static bool
is_of_name(const char *at)
{
    unsigned char c = (unsigned char)*at;
    return islower(c) || isdigit(c) || c == '_' || c == '-' || c == '.';
}

/* Words that are points; a function has its parenthesis behind it, and no two points
 * stand side by side with a hyphen between them but no space. */
static void
scan(struct naming *n, const char *text)
{
    while (text != NULL && *text != '\0') {
        size_t size = 0;
        while (is_of_name(text + size)) {
            size++;
        }
        if (size > 0 && text[size + strspn(text + size, " ")] != '(') {
            take(n, text, size);
        }
        text += size > 0 ? size : 1;
    }
}

/* What stands between braces. */
static void
scan_title(struct naming *n, const char *text)
{
    while (text != NULL && (text = strchr(text, '{')) != NULL) {
        size_t size = strcspn(++text, "}");
        take(n, text, size);
        text += size;
    }
}

void
rule_names_json(struct strbuf *out,
                const struct site *site,
                const struct rule_spec *rule,
                uint32_t device)
{
    struct naming n = {.site = site, .device = device};
    scan(&n, rule->while_.text);
    for (uint32_t i = 0; i < rule->level_count; i++) {
        scan(&n, rule->levels[i].when.text);
        scan(&n, rule->levels[i].clear.text);
    }
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        scan_title(&n, rule->title.in[i]);
    }
    report_names_sort(&n.found);
    strbuf_add_char(out, '{');
    for (uint32_t i = 0; i < n.found.count; i++) {
        const struct point *p = &site->points[point_named(&n, n.found.items[i])];
        strbuf_json_key(out, n.found.items[i]);
        strbuf_add_char(out, '{');
        strbuf_json_str(out, "title", text_in(&p->title, catalogue_language()));
        strbuf_json_str(out, "unit", p->unit);
        strbuf_add_char(out, '}');
    }
    strbuf_add_char(out, '}');
    report_names_fini(&n.found);
}
