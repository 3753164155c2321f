/* The site loader: sections -> struct site, each noun by its own file. */
#include <string.h>

#include "config/config.h"
#include "config/load.h"
#include "config/shape.h"
#include "daemon/base/instant.h"

struct site_yaml {
    const char *id, *name, *timezone;
    int language;
};

static const char *const languages[] = {"en", "zh-CN", NULL};
static const struct field site_fields[] = {
    {FIELD("id", FIELD_ID, struct site_yaml, id), REQUIRED,
     ABOUT("Its id; topics and files carry it.")},
    {FIELD("name", FIELD_STRING, struct site_yaml, name), .max = 200,
     ABOUT("Its name, for people.")},
    {FIELD("timezone", FIELD_STRING, struct site_yaml, timezone),
     ABOUT("Where its clocks are, such as Asia/Shanghai."), PRESET("UTC")},
    {FIELD("language", FIELD_ENUM, struct site_yaml, language), .words = languages,
     ABOUT("What its people read: titles, listings, reports, refusals."), PRESET("en")},
};
const struct shape site_block_shape = {SHAPE_OF_TABLE(site_fields)};
static const struct field data_value = {
    .key = "data", .kind = FIELD_STRING, PRESET("/var/lib/caretaker")};
const struct shape data_shape = {.kind = SHAPE_VALUE, .value = &data_value};

static void
read_site_block(struct reader *r, const struct sections *s, struct site *site)
{
    struct site_yaml y = {.id = ""};
    fields_preset(r, &y, site_fields, ARRAY_LEN(site_fields));
    const struct node *n = s->once[SECTION_SITE];
    if (n == NULL) {
        struct loc loc = {site->file, 1, 1};
        diags_add(
            r->diags, DIAG_ERROR, &loc,
            "\"site\" is missing; add site: {id: my-site, timezone: Asia/Shanghai, "
            "language: zh-CN}");
    } else {
        (void)fields_read(r, &y, n, "site", site_fields, ARRAY_LEN(site_fields));
    }
    if (!instant_zone_known(y.timezone)) {
        struct loc loc = loc_of(n, "timezone");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "timezone \"%.60s\" is not known here; a name such as Asia/Shanghai, "
                  "Europe/Berlin or UTC is accepted (package tzdata)",
                  y.timezone);
        y.timezone = "UTC";
    }
    site->id = y.id;
    site->name = y.name != NULL ? y.name : y.id;
    site->timezone = y.timezone;
    site->language = (enum language)y.language;
}

static void
read_data(struct reader *r, const struct sections *s, struct site *site)
{
    const struct node *n = s->once[SECTION_DATA];
    site->data_dir = data_value.preset;
    if (n != NULL && value_text(r, n, "data")) {
        site->data_dir = path_beside(r->arena, n->loc.file, n->text);
    }
}

/* A keeper is one of the people, as far as people are listed. */
static void
check_keepers(struct reader *r, const struct site *site)
{
    for (uint32_t i = 0; i < site->device_count && site->person_count > 0; i++) {
        const struct device *d = &site->devices[i];
        if (d->ledger.keeper != NULL) {
            check_person(r, site, d->ledger.keeper, &d->loc);
        }
    }
}

static void
build_site(struct reader *r, const struct sections *s, struct site *site)
{
    read_site_block(r, s, site);
    read_data(r, s, site);
    tickets_read(r, s, site);
    promises_read(r, s, site);
    alarms_read(r, s, site);
    history_read(r, s, site);
    mqtt_read(r, s, site);
    web_read(r, s, site);
    buses_read(r, s, site);
    devices_read(r, s, site);
    conflicts_check(r, site);
    people_read(r, s, site);
    teams_read(r, s, site);
    calendar_read(r, s, site);
    procedures_read(r, s, site);
    check_keepers(r, site);
    rules_read(r, s, site);
    plans_read(r, s, site);
    receivers_check(r, site);
    forwards_check(r, site);
}

static struct site *
load(const char *path,
     const char *const *rules_files,
     size_t count,
     struct diags *diags)
{
    struct arena *arena = arena_new();
    struct reader r = {arena, diags};
    struct site *site = arena_alloc(arena, sizeof *site);
    struct sections sections = {0};
    size_t errors = diags->errors;
    site->arena = arena;
    site->file = arena_strdup(arena, path);
    site->gateway_device = NONE_INDEX;
    /* Without its text nothing can be said of the rest. */
    if (!sections_read(&r, &sections, path, rules_files, count)) {
        arena_free(arena);
        return NULL;
    }
    build_site(&r, &sections, site);
    site->incomplete = diags->errors != errors;
    return site;
}

struct site *
config_load_site(const char *path,
                 const char *const *rules_files,
                 size_t count,
                 struct diags *diags)
{
    struct site *site = load(path, rules_files, count, diags);
    if (site != NULL && site->incomplete) {
        site_free(site);
        return NULL;
    }
    if (site != NULL) {
        instant_zone_set(site->timezone);
    }
    return site;
}

struct site *
config_load_for_check(const char *path, struct diags *diags)
{
    return load(path, NULL, 0, diags);
}
