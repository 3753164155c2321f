#include "daemon/cli/ticket_photo.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/cli/cli.h"
#include "daemon/model/photo.h"
#include "daemon/store/photo_clean.h"

#define READ_BYTES 65536

struct adding {
    const char *site, *by, *note, *file;
    int64_t number;
    bool json;
};

static int
refuse_run(const struct cli_command *self, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return cli_usage_error(self, "this is a word of caretaker ticket");
}

/* not translated: the name of the command */
static const struct cli_command help = {
    "ticket photo", "add a photo to a ticket",
    "NUMBER FILE [--note TEXT] [--by NAME] [-c SITE] [--json]",
    "A JPEG, PNG or WebP of at most 8 MB; - is standard input.  A ticket has at most\n"
    "20.  Where and by which phone it was taken is not kept, only how it was held.\n"
    "`ticket show` names the files; they lie in the data folder, below photos/.\n\n"
    "  caretaker ticket photo 17 seal.jpg --note \"the old seal\"\n",
    refuse_run};

/* One byte more than is accepted is enough for the daemon to say so. */
static int
read_file(struct strbuf *out, const char *path, struct err *err)
{
    char block[READ_BYTES];
    size_t n = 0;
    bool input = strcmp(path, "-") == 0;
    FILE *file = input ? stdin : fopen(path, "rb");
    if (file == NULL) {
        return err_set(err, ERR_IO, "%s: %s", path, err_reason(errno));
    }
    while (out->size <= PHOTO_BYTES_MAX &&
           (n = fread(block, 1, sizeof block, file)) > 0) {
        strbuf_add_bytes(out, block, n);
    }
    int code =
        ferror(file) ? err_set(err, ERR_IO, "%s: %s", path, err_reason(errno)) : 0;
    if (!input) {
        (void)fclose(file);
    }
    return code;
}

static void
print_answer(const struct adding *a, const char *answer)
{
    json_t *root = json_loads(answer, 0, NULL);
    if (a->json) {
        puts(answer);
    } else {
        printf(tr("ticket %lld: photo %lld, %.0f kB\n"), (long long)a->number,
               (long long)json_integer_value(json_object_get(root, "number")),
               (double)json_integer_value(json_object_get(root, "bytes")) / 1e3);
    }
    json_decref(root);
}

static int
add(const struct adding *a, const struct site *site, struct err *err)
{
    struct strbuf path = {0}, bytes = {0}, answer = {0};
    enum photo_type type = PHOTO_JPEG; /* It is the daemon that says what it is. */
    int code = read_file(&bytes, a->file, err);
    (void)photo_type_of(&type, strbuf_text(&bytes), bytes.size);
    strbuf_printf(&path, "/api/v1/tickets/%lld/photos", (long long)a->number);
    cli_query(&path, "by", a->by != NULL ? a->by : cli_login());
    cli_query(&path, "note", a->note);
    if (code == 0) {
        code = cli_ask_bytes(site->data_dir, strbuf_text(&path), photo_type_name(type),
                             &bytes, &answer, err);
    }
    if (code == 0) {
        print_answer(a, strbuf_text(&answer));
    }
    strbuf_fini(&path);
    strbuf_fini(&bytes);
    strbuf_fini(&answer);
    return code;
}

static int
take_words(struct adding *a, const struct cli_list *args)
{
    char *end = NULL;
    if (args->count < 3) {
        return cli_usage_error(&help, "which ticket and which file? NUMBER FILE");
    }
    a->number = strtoll(args->items[1], &end, 10);
    if (*end != '\0' || a->number < 1) {
        return cli_usage_error(&help, "\"%s\" is no ticket number", args->items[1]);
    }
    a->file = args->items[2];
    return args->count > 3
               ? cli_usage_error(&help, "\"%s\" is not expected here", args->items[3])
               : CLI_OK;
}

int
ticket_photo(int argc, char **argv)
{
    struct adding a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"by", 'b', CLI_TEXT, &a.by, "NAME", "who does it [the login name]"},
        {"note", 'n', CLI_TEXT, &a.note, "TEXT", "what it shows"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "print the daemon's answer"},
    };
    struct cli_list args;
    bool done = false;
    int status =
        cli_parse(&help, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status == CLI_OK && !done) {
        status = take_words(&a, &args);
    }
    if (status != CLI_OK || done) {
        return status;
    }
    struct site *site = cli_site(a.site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    struct err err = {0};
    status = add(&a, site, &err) != 0 ? cli_fail(&err) : CLI_OK;
    site_free(site);
    return status;
}
