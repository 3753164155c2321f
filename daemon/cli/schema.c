/* schema: what may stand in each kind of file, for editors. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "daemon/base/catalogue.h"
#include "daemon/cli/cli.h"

#define KINDS_MAX 32 /* Of files; more would be no listing. */

static int
list(bool json)
{
    static const struct cli_column columns[] = {{"kind", "KIND", CLI_SHOW_TEXT},
                                                {"about", "FILE", CLI_SHOW_TEXT}};
    struct strbuf out = {0};
    const char *about = NULL;
    const char *name = NULL;
    strbuf_add(&out, "[");
    for (size_t i = 0; (name = config_schema_name(i, &about)) != NULL; i++) {
        strbuf_add(&out, i > 0 ? ",{" : "{");
        strbuf_json_str(&out, "kind", name);
        strbuf_json_str(&out, "about", json ? about : tr(about));
        strbuf_add(&out, "}");
    }
    strbuf_add(&out, "]");
    int status = cli_print_listing(strbuf_text(&out), json, columns, ARRAY_LEN(columns),
                                   "no kinds of file");
    strbuf_fini(&out);
    return status;
}

static int
no_such_kind(const char *name)
{
    struct err err = {0};
    const char *names[KINDS_MAX];
    const char *about = NULL;
    size_t count = 0;
    struct strbuf known = {0};
    while (count < KINDS_MAX &&
           (names[count] = config_schema_name(count, &about)) != NULL) {
        strbuf_printf(&known, "%s%s", count > 0 ? ", " : "", names[count]);
        count++;
    }
    const char *near = diag_nearest(name, names, count);
    (void)err_set(&err, ERR_NOT_FOUND,
                  "there is no schema \"%.60s\"; %s%s%saccepted: %s", name,
                  near != NULL ? tr("did you mean \"") : "", near != NULL ? near : "",
                  near != NULL ? "\"? " : "", strbuf_text(&known));
    strbuf_fini(&known);
    return cli_fail(&err);
}

/* Indented: people read it too.  What an editor shows of it is in their language. */
static int
show(const char *name)
{
    struct strbuf out = {0};
    if (!config_schema_write(&out, name)) {
        return no_such_kind(name);
    }
    json_t *schema = json_loads(strbuf_text(&out), JSON_REJECT_DUPLICATES, NULL);
    strbuf_fini(&out);
    if (schema == NULL) {
        abort(); /* We wrote it. */
    }
    int status = json_dumpf(schema, stdout, JSON_INDENT(2)) == 0 ? CLI_OK : CLI_OUTSIDE;
    json_decref(schema);
    putchar('\n');
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    bool json = false;
    const struct cli_option options[] = {
        {"json", 'j', CLI_FLAG, &json, NULL, "the list as JSON"},
    };
    struct cli_list args;
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count > 1) {
        return cli_usage_error(self,
                               "\"%s\" is not expected here; one kind of file, or none "
                               "for the list",
                               args.items[1]);
    }
    return args.count == 0 ? list(json) : show(args.items[0]);
}

const struct cli_command cli_schema = {
    "schema", "what may stand in each kind of file, for editors", "[--json] [KIND]",
    "Prints the JSON Schema (draft-07) of a KIND of file, or the list of the kinds.  "
    "It\n"
    "is written from the tables that the files are read by, so it knows every key.  "
    "An\n"
    "editor with a YAML language server then completes and explains keys and marks "
    "what\n"
    "is wrong.  The first line of a file says which schema it follows:\n"
    "  # yaml-language-server: $schema=/usr/local/share/caretaker/schema/site.json\n"
    "Only \"caretaker check\" finds what a schema cannot see, such as names that lead\n"
    "nowhere and expressions that are wrong.\n",
    run};
