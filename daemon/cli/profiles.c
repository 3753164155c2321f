/* profiles: which register maps a site finds, and one of them whole. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/listings/profiles_json.h"

#define SOURCE_BYTES 32

#define TEXT_BYTES 100

/* "voltage_l1 80..300 V" */
static void
add_probe_text(struct strbuf *b, const struct profile *p)
{
    const struct point *point = &p->points[p->probe];
    strbuf_printf(b, "%s ", point->id);
    strbuf_add_number(b, p->probe_min);
    strbuf_add(b, "..");
    strbuf_add_number(b, p->probe_max);
    if (point->unit != NULL) {
        strbuf_printf(b, " %s", point->unit);
    }
}

/* A member that is text in a table; NULL writes nothing. */
static void
add_text(struct strbuf *out, const char *key, struct strbuf *text)
{
    if (text->size > 0) {
        strbuf_json_str(out, key, strbuf_text(text));
    }
    strbuf_fini(text);
}

/* Its source says what of the map is still to be compared with a device. */
static bool
has_doubts(const struct profile *p)
{
    return p->from != NULL && strstr(p->from, "verify") != NULL;
}

static int
list(const struct profile_set *set)
{
    static const struct cli_column columns[] = {{"id", "PROFILE", CLI_SHOW_TEXT},
                                                {"source", "SOURCE", CLI_SHOW_TEXT},
                                                {"points", "POINTS", CLI_SHOW_TEXT},
                                                {"probe", "PROBE", CLI_SHOW_TEXT},
                                                {"title", "TITLE", CLI_SHOW_TEXT}};
    struct strbuf out = {0};
    strbuf_add(&out, "[");
    for (uint32_t i = 0; i < set->count; i++) {
        const struct profile *p = &set->items[i];
        struct strbuf probe = {0};
        char source[SOURCE_BYTES];
        strbuf_add(&out, i > 0 ? ",{" : "{");
        strbuf_json_str(&out, "id", p->id);
        strbuf_json_str(&out, "title", p->title);
        snprintf(source, sizeof source, "%s%s", profile_source_name(p->source),
                 has_doubts(p) ? ", verify" : "");
        strbuf_json_str(&out, "source", source);
        strbuf_json_int(&out, "points", p->point_count);
        if (p->probe != NONE_INDEX) {
            add_probe_text(&probe, p);
            add_text(&out, "probe", &probe);
        }
        strbuf_add(&out, "}");
    }
    strbuf_add(&out, "]");
    int status = cli_print_listing(strbuf_text(&out), false, columns,
                                   ARRAY_LEN(columns), "no profiles");
    strbuf_fini(&out);
    return status;
}

static int
list_json(const struct profile_set *set)
{
    struct strbuf out = {0};
    profiles_json(&out, set);
    int status = cli_print_listing(strbuf_text(&out), true, NULL, 0, "");
    strbuf_fini(&out);
    return status;
}

/* ---- One profile. ---- */

static void
add_type_text(struct strbuf *out, const struct point *p)
{
    char text[TEXT_BYTES];
    if (point_has_bits(p) && p->bit_low == p->bit_high) {
        snprintf(text, sizeof text, "bit %u", p->bit_low);
    } else if (point_has_bits(p)) {
        snprintf(text, sizeof text, "bits %u-%u", p->bit_low, p->bit_high);
    } else {
        snprintf(text, sizeof text, "%s", value_type_name(p->type));
    }
    strbuf_json_str(out, "type", text);
    if (point_width(p) > 1 || p->order != ORDER_ABCD) {
        strbuf_json_str(out, "order", byte_order_name(p->order));
    }
}

/* "0.1", "0.01 - 273.15", "by decimals"; nothing for a number that is as it stands. */
static void
add_scale_text(struct strbuf *out, const struct profile *profile, const struct point *p)
{
    const struct scaling *s = &p->scaling;
    struct strbuf text = {0};
    if (p->decimals_from != NONE_INDEX) {
        strbuf_printf(&text, tr("by %s"), profile->points[p->decimals_from].id);
    }
    if (s->mul != s->div || s->add != 0) {
        strbuf_add(&text, text.size > 0 ? " " : "");
        strbuf_add_number(&text, s->mul / s->div);
    }
    if (s->add != 0) {
        double offset = s->add / s->div;
        strbuf_add(&text, offset < 0 ? " - " : " + ");
        strbuf_add_number(&text, offset < 0 ? -offset : offset);
    }
    add_text(out, "scale", &text);
}

static void
add_rest_text(struct strbuf *out, const struct point *p)
{
    char poll[INSTANT_TEXT_BYTES];
    struct strbuf range = {0};
    struct strbuf sentinels = {0};
    if (p->has_range) {
        strbuf_add_number(&range, p->range_min);
        strbuf_add(&range, "..");
        strbuf_add_number(&range, p->range_max);
    }
    for (uint32_t i = 0; i < p->sentinel_count; i++) {
        strbuf_printf(&sentinels, "%s0x%" PRIX64 " %s", i > 0 ? ", " : "",
                      p->sentinels[i].raw, p->sentinels[i].name);
    }
    add_text(out, "range", &range);
    if (p->poll_ms != 0) {
        strbuf_json_str(out, "poll", duration_write(poll, p->poll_ms));
    }
    add_text(out, "sentinels", &sentinels);
}

static int
show_points(const struct profile *p)
{
    static const struct cli_column columns[] = {
        {"id", "POINT", CLI_SHOW_TEXT},    {"register", "REGISTER", CLI_SHOW_TEXT},
        {"type", "TYPE", CLI_SHOW_TEXT},   {"order", "ORDER", CLI_SHOW_TEXT},
        {"scale", "SCALE", CLI_SHOW_TEXT}, {"unit", "UNIT", CLI_SHOW_TEXT},
        {"kind", "KIND", CLI_SHOW_TEXT},   {"poll", "POLL", CLI_SHOW_TEXT},
        {"range", "RANGE", CLI_SHOW_TEXT}, {"sentinels", "NO VALUE", CLI_SHOW_TEXT},
        {"title", "NAME", CLI_SHOW_TEXT},
    };
    struct strbuf out = {0};
    strbuf_add(&out, "[");
    for (uint32_t i = 0; i < p->point_count; i++) {
        const struct point *point = &p->points[i];
        char text[TEXT_BYTES];
        snprintf(text, sizeof text, "%s %u", reg_table_name(point->table),
                 point->address);
        strbuf_add(&out, i > 0 ? ",{" : "{");
        strbuf_json_str(&out, "id", point->id);
        strbuf_json_str(&out, "register", text);
        add_type_text(&out, point);
        add_scale_text(&out, p, point);
        strbuf_json_str_opt(&out, "unit", point->unit);
        strbuf_json_str(&out, "kind", point_kind_text(point->kind));
        add_rest_text(&out, point);
        strbuf_json_str_opt(&out, "title",
                            text_in(&point->title, catalogue_language()));
        strbuf_add(&out, "}");
    }
    strbuf_add(&out, "]");
    int status = cli_print_listing(strbuf_text(&out), false, columns,
                                   ARRAY_LEN(columns), "no points");
    strbuf_fini(&out);
    return status;
}

static int
show_text(const struct profile *p)
{
    char time[INSTANT_TEXT_BYTES];
    struct strbuf probe = {0};
    printf("%s: %s\n", p->id, p->title);
    printf(tr("file:   %s\n"), p->file);
    printf(tr("source: %s%s%s: %s\n"), profile_source_name(p->source),
           p->checked != NULL ? tr(", checked ") : "",
           p->checked != NULL ? p->checked : "", p->from);
    printf(tr("limits: %u registers or %u bits a request, holes %s"),
           p->limits.max_registers, p->limits.max_bits,
           p->limits.holes ? tr("allowed") : tr("forbidden"));
    if (p->limits.gap_ms > 0) {
        printf(tr(", %s before each"), duration_write(time, p->limits.gap_ms));
    }
    if (p->limits.timeout_ms > 0) {
        printf(tr(", answers within %s"), duration_write(time, p->limits.timeout_ms));
    }
    if (p->probe != NONE_INDEX) {
        add_probe_text(&probe, p);
    }
    printf(tr("\nprobe:  %s\n"), probe.size > 0 ? strbuf_text(&probe) : tr("none"));
    strbuf_fini(&probe);
    if (p->source != PROFILE_UNVERIFIED && has_doubts(p)) {
        puts(tr(
            "In part not certain: what \"verify\" stands beside is to be compared with "
            "the device's own display."));
    }
    if (p->source == PROFILE_UNVERIFIED) {
        printf(tr("Not verified: compare each value with the device's own display.\n"));
    }
    putchar('\n');
    return show_points(p);
}

static bool
is_wrong(const struct profile_set *set, const char *id)
{
    for (uint32_t i = 0; i < set->wrong_count; i++) {
        if (strcmp(set->wrong[i], id) == 0) {
            return true;
        }
    }
    return false;
}

static int
no_such_profile(const struct profile_set *set, const char *id)
{
    struct err err = {0};
    const char **names = calloc(set->count + 1, sizeof *names);
    if (names == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < set->count; i++) {
        names[i] = set->items[i].id;
    }
    const char *near = diag_nearest(id, names, set->count);
    if (near != NULL) {
        (void)err_set(&err, ERR_NOT_FOUND,
                      "profile \"%s\" does not exist; did you mean \"%s\"?", id, near);
    } else {
        (void)err_set(&err, ERR_NOT_FOUND,
                      "profile \"%s\" does not exist; \"caretaker profiles\" lists "
                      "those that do",
                      id);
    }
    free(names);
    return cli_fail(&err);
}

/* What is wrong in other files is of no concern to who asks for one. */
static int
answer(const struct profile_set *set, const char *id, bool json, struct diags *diags)
{
    const struct profile *p = id != NULL ? profile_set_find(set, id) : NULL;
    if (p != NULL && json) {
        struct strbuf out = {0};
        profile_json(&out, p);
        puts(strbuf_text(&out));
        strbuf_fini(&out);
        return CLI_OK;
    }
    if (p != NULL) {
        return show_text(p);
    }
    if (id != NULL && !is_wrong(set, id)) {
        return no_such_profile(set, id);
    }
    diags_sort(diags);
    diags_print(diags, stderr);
    int status = id != NULL ? CLI_OK : json ? list_json(set) : list(set);
    return status == CLI_OK && set->wrong_count > 0 ? CLI_CONFIG : status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    const char *site = NULL;
    bool json = false;
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &site, "SITE",
         "look beside this site file first [" CLI_SITE_DEFAULT "]"},
        {"json", 'j', CLI_FLAG, &json, NULL, "JSON"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count > 1) {
        return cli_usage_error(self,
                               "\"%s\" is not expected here; one profile, or "
                               "none for all",
                               args.items[1]);
    }
    if (site != NULL && access(site, F_OK) != 0) {
        struct err err = {0};
        (void)err_set(&err, ERR_CONFIG, "%s: %s", site, err_reason(errno));
        return cli_fail(&err);
    }
    struct diags diags;
    diags_init(&diags);
    struct profile_set *set =
        config_load_profiles(site != NULL ? site : CLI_SITE_DEFAULT, &diags);
    status = answer(set, args.count > 0 ? args.items[0] : NULL, json, &diags);
    profile_set_free(set);
    diags_fini(&diags);
    return status;
}

const struct cli_command cli_profiles = {
    "profiles", "the register maps of device models, or one of them whole",
    "[-c SITE] [--json] [NAME]",
    "Lists the profiles beside the site file and the shipped ones: where each is "
    "known\n"
    "from, how many points it has, and the probe that tells the device.  With a NAME:\n"
    "provenance, limits, probe, and every point with its register, type and scale.\n"
    "The exit status is 1 when there is no such profile.\n",
    run};
