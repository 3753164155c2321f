/* ledger export and import: the ledger in a spreadsheet, and back. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/arena.h"
#include "daemon/base/catalogue.h"
#include "daemon/cli/ledger.h"
#include "daemon/pipeline/ledger/ledger_csv.h"
#include "daemon/web/web.h"

/* A field as it stands in the CSV; numbers of the listing are exact. */
static const char *
text_of(struct arena *arena, enum ledger_key key, const json_t *value)
{
    if (json_is_string(value)) {
        return arena_strdup(arena, json_string_value(value));
    }
    if (json_is_integer(value) && key != LEDGER_PRICE) {
        return arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    }
    return json_is_number(value) ? arena_printf(arena, "%.2f", json_number_value(value))
                                 : "";
}

static const char *
member(struct arena *arena, const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return arena_strdup(arena, text != NULL ? text : "");
}

static void
sheet_from_json(struct ledger_sheet *out, struct arena *arena, const char *array)
{
    json_t *rows = json_loads(array, 0, NULL);
    struct ledger_line *lines =
        arena_array(arena, json_array_size(rows) + 1, sizeof *lines);
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        struct ledger_line *l = &lines[index];
        l->id = member(arena, row, "id");
        l->name = member(arena, row, "name");
        l->type = member(arena, row, "type");
        l->location = member(arena, row, "location");
        for (int i = 0; i < LEDGER_KEY_COUNT; i++) {
            enum ledger_key k = (enum ledger_key)i;
            l->values[k] = text_of(arena, k, json_object_get(row, ledger_key_name(k)));
        }
    }
    *out = (struct ledger_sheet){lines, (uint32_t)json_array_size(rows)};
    json_decref(rows);
}

/* Site, and what its ledger holds. */
static int
open_sheet(struct site **site,
           struct ledger_sheet *sheet,
           struct arena *arena,
           const struct ledger_args *a)
{
    struct strbuf answer = {0};
    struct err err = {0};
    int status = CLI_OK;
    *site = cli_site(a->site);
    if (*site == NULL) {
        return CLI_CONFIG;
    }
    if (cli_ledger_fetch(*site, a, &answer, &err) != 0) {
        status = cli_fail(&err);
    } else {
        sheet_from_json(sheet, arena, strbuf_text(&answer));
    }
    strbuf_fini(&answer);
    return status;
}

int
cli_ledger_export(const struct cli_command *self, const struct ledger_args *a)
{
    if (a->words.count > 1) {
        return cli_usage_error(self,
                               "\"%s\" is not expected here; the file goes to standard "
                               "output",
                               a->words.items[1]);
    }
    if (a->json) {
        return cli_usage_error(self, "as JSON it is `ledger list --json`");
    }
    struct arena *arena = arena_new();
    struct site *site = NULL;
    struct ledger_sheet sheet;
    int status = open_sheet(&site, &sheet, arena, a);
    if (status == CLI_OK) {
        struct strbuf csv = {0};
        struct err err = {0};
        ledger_csv_write(&csv, &sheet, a->bom);
        if (fwrite(strbuf_text(&csv), 1, csv.size, stdout) != csv.size ||
            fflush(stdout) != 0) {
            err_set(&err, ERR_IO, "the output cannot be written");
            status = cli_fail(&err);
        }
        strbuf_fini(&csv);
    }
    site_free(site);
    arena_free(arena);
    return status;
}

/* ---- Import ---- */

static int
read_columns(const struct cli_command *self,
             struct arena *arena,
             const struct cli_list *given,
             struct ledger_column *out)
{
    for (uint32_t i = 0; i < given->count; i++) {
        const char *equals = strchr(given->items[i], '=');
        enum ledger_key ignored;
        if (equals == NULL || equals[1] == '\0') {
            return cli_usage_error(self, "--column is KEY=HEADING, and not \"%s\"",
                                   given->items[i]);
        }
        out[i].key =
            arena_strndup(arena, given->items[i], (size_t)(equals - given->items[i]));
        out[i].heading = equals + 1;
        if (strcmp(out[i].key, "id") != 0 && !ledger_key_parse(&ignored, out[i].key)) {
            return cli_usage_error(self, "--column: there is no field \"%s\"",
                                   out[i].key);
        }
    }
    return CLI_OK;
}

static const char *
or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

static void
print_edits(const struct ledger_edits *edits)
{
    for (uint32_t i = 0; i < edits->count; i++) {
        const struct ledger_edit *e = &edits->items[i];
        printf("%s %s: %s -> %s\n", e->line->id, ledger_key_name(e->key),
               or_dash(e->line->values[e->key]), or_dash(e->after));
    }
}

static void
print_edits_json(const struct ledger_edits *edits, bool stored)
{
    struct strbuf b = {0};
    strbuf_add(&b, "{\"changes\":[");
    for (uint32_t i = 0; i < edits->count; i++) {
        const struct ledger_edit *e = &edits->items[i];
        strbuf_add(&b, i > 0 ? ",{" : "{");
        strbuf_json_str(&b, "device", e->line->id);
        strbuf_json_str(&b, "field", ledger_key_name(e->key));
        strbuf_json_str(&b, "before", e->line->values[e->key]);
        strbuf_json_str(&b, "after", e->after);
        strbuf_add_char(&b, '}');
    }
    strbuf_add(&b, "]");
    strbuf_json_int(&b, "rows", edits->rows);
    strbuf_json_int(&b, "devices", edits->devices);
    strbuf_json_bool(&b, "stored", stored);
    strbuf_add_char(&b, '}');
    puts(strbuf_text(&b));
    strbuf_fini(&b);
}

/* One command: the daemon does all of it, or nothing. */
static int
store(const struct site *site,
      const struct ledger_args *a,
      const struct ledger_edits *edits,
      struct err *err)
{
    struct strbuf body = {0};
    struct strbuf answer = {0};
    int64_t changed = 0;
    cli_ledger_begin(&body, a, "ledger.set");
    strbuf_json_key(&body, "devices");
    strbuf_add_char(&body, '{');
    for (uint32_t i = 0; i < edits->count; i++) {
        const struct ledger_edit *e = &edits->items[i];
        if (i == 0 || edits->items[i - 1].line != e->line) {
            strbuf_add(&body, i > 0 ? "}" : "");
            strbuf_json_key(&body, e->line->id);
            strbuf_add_char(&body, '{');
        }
        strbuf_json_str(&body, ledger_key_name(e->key), e->after);
    }
    strbuf_add(&body, "}}}");
    int code = body.size > WEB_BODY_MAX
                   ? err_set(err, ERR_FULL,
                             "%u changes take %zu bytes, and the daemon takes %d at "
                             "once; divide the file",
                             edits->count, body.size, WEB_BODY_MAX)
                   : cli_ledger_send(site, &body, &changed, &answer, err);
    strbuf_fini(&body);
    strbuf_fini(&answer);
    return code;
}

static int
import(const struct site *site,
       const struct ledger_args *a,
       const struct ledger_edits *edits)
{
    struct err err = {0};
    bool stored = !a->dry_run && edits->count > 0;
    if (stored && store(site, a, edits, &err) != 0) {
        return cli_fail(&err);
    }
    if (a->json) {
        print_edits_json(edits, stored);
        return CLI_OK;
    }
    print_edits(edits);
    if (edits->count == 0) {
        printf(tr("%u row%s: nothing changes\n"), edits->rows, cli_s(edits->rows));
    } else {
        printf(tr("%u row%s: %u field%s of %u device%s %s\n"), edits->rows,
               cli_s(edits->rows), edits->count, cli_s(edits->count), edits->devices,
               cli_s(edits->devices), stored ? tr("changed") : tr("would change"));
    }
    return CLI_OK;
}

int
cli_ledger_import(const struct cli_command *self, const struct ledger_args *a)
{
    if (a->words.count != 2) {
        return cli_usage_error(self, "say which file: import FILE.csv");
    }
    if (a->type != NULL || a->area != NULL || a->keeper != NULL || a->device != NULL) {
        return cli_usage_error(self, "import takes the whole file; it has no filters");
    }
    struct arena *arena = arena_new();
    struct ledger_column *columns =
        arena_array(arena, (size_t)a->columns.count + 1, sizeof *columns);
    struct site *site = NULL;
    struct ledger_sheet sheet = {NULL, 0};
    struct ledger_edits edits = {0};
    struct diags diags;
    struct err err = {0};
    diags_init(&diags);
    int status = read_columns(self, arena, &a->columns, columns);
    if (status == CLI_OK) {
        status = open_sheet(&site, &sheet, arena, a);
    }
    if (status == CLI_OK) {
        int code = ledger_csv_read(&edits, arena, &sheet, a->words.items[1], columns,
                                   a->columns.count, &diags, &err);
        diags_sort(&diags);
        diags_print(&diags, stderr);
        status = code != 0 ? cli_fail(&err) : import(site, a, &edits);
    }
    diags_fini(&diags);
    site_free(site);
    arena_free(arena);
    return status;
}
