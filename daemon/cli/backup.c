#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/progress.h"
#include "daemon/cli/cli.h"
#include "daemon/store/backup.h"
#include "daemon/store/history_schema.h"
#include "daemon/store/photos.h"
#include "daemon/store/state.h"

#define PATH_BYTES 4096

struct arguments {
    const char *site;
    bool state, force, json;
};

static bool
is_folder(const char *path)
{
    struct stat st;
    size_t size = strlen(path);
    return (size > 0 && path[size - 1] == '/') ||
           (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

/* One database.  A missing one is no error where both are copied. */
static int
copy_one(const struct site *site,
         const char *name,
         const char *to,
         const struct arguments *a,
         bool may_lack,
         struct strbuf *list)
{
    struct err err = {0};
    struct progress bar;
    char from[PATH_BYTES];
    uint64_t bytes = 0;
    snprintf(from, sizeof from, "%s/%s", site->data_dir, name);
    const struct backup b = {.from = from,
                             .to = to,
                             .replace = a->force,
                             .progress = progress_set,
                             .ctx = &bar};
    progress_begin(&bar, name, false);
    int code = backup_make(&b, &bytes, &err);
    progress_end(&bar);
    if (code == ERR_NOT_FOUND && may_lack) {
        fprintf(stderr, tr("caretaker: there is no %s; it is left out\n"), from);
        return CLI_OK;
    }
    if (code != 0) {
        return cli_fail(&err);
    }
    if (a->json) {
        strbuf_add(list, list->size > 0 ? ",{" : "{");
        strbuf_json_str(list, "from", from);
        strbuf_json_str(list, "file", to);
        strbuf_json_int(list, "bytes", (int64_t)bytes);
        strbuf_add_char(list, '}');
    } else {
        printf(tr("%s: %.1f MB, written and read back\n"), to, (double)bytes / 1e6);
    }
    return CLI_OK;
}

/* Behind the databases: a photo that the copied tickets have is there by now. */
static int
copy_photos(const struct site *site,
            const char *folder,
            const struct arguments *a,
            struct strbuf *list)
{
    struct err err = {0};
    struct photos_copied done;
    size_t size = strlen(folder);
    int code = photos_copy(site->data_dir, folder, &done, &err);
    if (code != 0) {
        return cli_fail(&err);
    }
    char from[PATH_BYTES], to[PATH_BYTES];
    snprintf(from, sizeof from, "%s/%s", site->data_dir, PHOTOS_FOLDER);
    snprintf(to, sizeof to, "%s%s%s", folder, folder[size - 1] == '/' ? "" : "/",
             PHOTOS_FOLDER);
    if (a->json && done.count > 0) {
        strbuf_add(list, list->size > 0 ? ",{" : "{");
        strbuf_json_str(list, "from", from);
        strbuf_json_str(list, "file", to);
        strbuf_json_int(list, "bytes", done.bytes);
        strbuf_json_int(list, "photos", done.count);
        strbuf_add_char(list, '}');
    } else if (done.count > 0) {
        printf(tr("%s: %u photo%s, %.1f MB, written and read back\n"), to, done.count,
               cli_s(done.count), (double)done.bytes / 1e6);
    }
    if (done.damaged > 0) {
        fprintf(stderr,
                tr("caretaker: %u photo%s left out: damaged; the first is %s; `check "
                   "--journal` says more\n"),
                done.damaged, cli_s(done.damaged), done.first);
        return CLI_NO;
    }
    return CLI_OK;
}

static int
copy_into(const struct site *site,
          const char *folder,
          const struct arguments *a,
          struct strbuf *list)
{
    static const char *const names[] = {STATE_FILE, HISTORY_FILE};
    size_t size = strlen(folder);
    int status = CLI_OK;
    for (size_t i = 0; status == CLI_OK && i < ARRAY_LEN(names); i++) {
        char to[PATH_BYTES];
        if (snprintf(to, sizeof to, "%s%s%s", folder,
                     folder[size - 1] == '/' ? "" : "/", names[i]) >= (int)sizeof to) {
            fprintf(stderr, tr("caretaker: %s: the path is too long\n"), folder);
            return CLI_OUTSIDE;
        }
        status = copy_one(site, names[i], to, a, true, list);
    }
    return status == CLI_OK ? copy_photos(site, folder, a, list) : status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"state", 0, CLI_FLAG, &a.state, NULL,
         "FILE gets state.db (alarms, tickets) instead of history.db"},
        {"force", 'f', CLI_FLAG, &a.force, NULL, "replace what is there"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "what was written, as JSON"},
    };
    struct cli_list args;
    struct strbuf list = {0};
    bool done = false;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count != 1 || args.items[0][0] == '\0') {
        return cli_usage_error(self, "one FILE, or a folder, is accepted");
    }
    bool both = is_folder(args.items[0]);
    if (both && a.state) {
        return cli_usage_error(self,
                               "a folder gets both databases; --state is of a FILE");
    }
    struct site *site = cli_site(a.site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    status = both ? copy_into(site, args.items[0], &a, &list)
                  : copy_one(site, a.state ? STATE_FILE : HISTORY_FILE, args.items[0],
                             &a, false, &list);
    if ((status == CLI_OK || status == CLI_NO) && a.json) {
        printf("[%s]\n", strbuf_text(&list));
    }
    strbuf_fini(&list);
    site_free(site);
    return status;
}

const struct cli_command cli_backup = {
    "backup", "copy the databases while they are in use",
    "[-c SITE] [--state] [--force] [--json] FILE|FOLDER/",
    "FILE is history.db as it is at this moment, or with --state state.db; a folder "
    "gets\n"
    "both, and the photos of tickets.  The daemon goes on meanwhile.  The copy has its "
    "name\n"
    "only when all of it is on the disk and was read back.  It is as sound as what it "
    "was made\n"
    "of: check --history and check --journal tell.\n\n"
    "To restore: stop the daemon, copy the file over the one in the data folder under "
    "its\n"
    "name, remove history.db-wal and history.db-shm (state.db-...) there, copy "
    "photos/\n"
    "beside it, start the daemon.\n",
    run};
