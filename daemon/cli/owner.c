/* Whether a running daemon owns a line, and reading through it then. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/cli/cli.h"

/* The bus of the site that is this very serial line, or NONE_INDEX. */
static uint32_t
same_line(const struct site *site, const struct bus *bus)
{
    char *wanted = realpath(bus->path, NULL);
    uint32_t found = NONE_INDEX;
    for (uint32_t i = 0; wanted != NULL && i < site->bus_count; i++) {
        if (site->buses[i].kind != BUS_RTU) {
            continue;
        }
        char *path = realpath(site->buses[i].path, NULL);
        if (path != NULL && strcmp(path, wanted) == 0) {
            found = i;
        }
        free(path);
    }
    free(wanted);
    return found;
}

static bool
daemon_runs(const struct site *site)
{
    struct strbuf ignored = {0};
    struct err err;
    bool runs =
        cli_ask(site->data_dir, "GET", "/api/v1/status", NULL, &ignored, &err) == 0;
    strbuf_fini(&ignored);
    return runs;
}

bool
cli_owner_find(struct cli_owner *o, const char *site_file, const struct bus *bus)
{
    *o = (struct cli_owner){.bus = NONE_INDEX};
    /* An endpoint takes more than one connection; a line is its owner's. */
    if (bus->kind != BUS_RTU || access(site_file, R_OK) != 0) {
        return false;
    }
    o->site = cli_site(site_file);
    o->bus = o->site != NULL ? same_line(o->site, bus) : NONE_INDEX;
    if (o->bus == NONE_INDEX || !daemon_runs(o->site)) {
        cli_owner_fini(o);
        return false;
    }
    return true;
}

int
cli_owner_of_bus(struct cli_owner *o,
                 const char *site_file,
                 const char *id,
                 bool *runs,
                 struct err *err)
{
    *o = (struct cli_owner){.site = cli_site(site_file), .bus = NONE_INDEX};
    if (o->site == NULL) {
        return err_set(err, ERR_CONFIG, "%s has errors", site_file);
    }
    o->bus = site_bus(o->site, id);
    if (o->bus == NONE_INDEX) {
        err_set(err, ERR_NOT_FOUND, "there is no bus \"%s\" in %s", id, site_file);
        cli_owner_fini(o);
        return err->code;
    }
    *runs = daemon_runs(o->site);
    return 0;
}

void
cli_owner_fini(struct cli_owner *o)
{
    site_free(o->site);
    *o = (struct cli_owner){.bus = NONE_INDEX};
}

static int
take_answer(const struct read_request *q,
            const char *text,
            struct read_answer *out,
            struct err *err)
{
    bool bits = q->table == REG_COIL || q->table == REG_DISCRETE;
    json_t *root = json_loads(text, 0, NULL);
    json_t *items = json_object_get(root, bits ? "bits" : "words");
    int code = 0;
    if (json_array_size(items) != q->count) {
        code = err_set(err, ERR_IO, "the daemon's answer is incomplete");
    }
    for (unsigned i = 0; code == 0 && i < q->count; i++) {
        json_int_t value = json_integer_value(json_array_get(items, i));
        if (bits) {
            out->bits[i] = value != 0;
        } else {
            out->words[i] = (uint16_t)value;
        }
    }
    json_decref(root);
    return code;
}

int
cli_owner_read(const struct cli_owner *o,
               const struct read_request *q,
               struct read_answer *out,
               struct err *err)
{
    struct strbuf body = {0};
    struct strbuf answer = {0};
    strbuf_add_char(&body, '{');
    strbuf_json_str(&body, "bus", o->site->buses[o->bus].id);
    strbuf_json_int(&body, "unit", q->unit);
    strbuf_json_str(&body, "table", reg_table_name(q->table));
    strbuf_json_int(&body, "address", q->address);
    strbuf_json_int(&body, "count", q->count);
    strbuf_add_char(&body, '}');
    int code = cli_ask(o->site->data_dir, "POST", "/api/v1/read", strbuf_text(&body),
                       &answer, err);
    if (code == 0) {
        code = take_answer(q, strbuf_text(&answer), out, err);
    }
    strbuf_fini(&body);
    strbuf_fini(&answer);
    return code;
}
