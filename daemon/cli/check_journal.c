/* check --journal: is the journal what was written? */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/progress.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/journal/journal_check.h"

static void
print_json(const struct journal_verdict *v, const char *head)
{
    struct strbuf out = {0};
    strbuf_add_char(&out, '{');
    strbuf_json_bool(&out, "proven", v->findings == 0);
    strbuf_json_int(&out, "events", v->events);
    strbuf_json_int(&out, "tickets", v->tickets);
    strbuf_json_int(&out, "alarms", v->alarms);
    strbuf_json_int(&out, "photos", v->photos);
    strbuf_json_str(&out, "head", head);
    strbuf_json_int(&out, "count", v->findings);
    strbuf_json_key(&out, "findings");
    strbuf_printf(&out, "[%s]}", strbuf_text(&v->json));
    puts(strbuf_text(&out));
    strbuf_fini(&out);
}

static void
print_text(const struct journal_verdict *v, const char *head)
{
    fputs(strbuf_text(&v->text), stdout);
    if (v->findings > JOURNAL_FINDINGS_SHOWN) {
        printf(tr("and %" PRId64 " more\n"), v->findings - JOURNAL_FINDINGS_SHOWN);
    }
    printf(tr("journal: %s: %" PRId64 " event%s, %" PRId64 " ticket%s, %" PRId64
              " alarm%s; "),
           v->findings == 0 ? tr("ok") : tr("NOT PROVEN"), v->events,
           cli_s((uint64_t)v->events), v->tickets, cli_s((uint64_t)v->tickets),
           v->alarms, cli_s((uint64_t)v->alarms));
    if (v->photos > 0) {
        printf(tr("%" PRId64 " photo%s; "), v->photos, cli_s((uint64_t)v->photos));
    }
    if (v->findings > 0) {
        printf(tr("%" PRId64 " finding%s; "), v->findings,
               cli_s((uint64_t)v->findings));
    }
    printf(tr("head %s\n"), head);
}

static int
check_site_journal(const struct site *site,
                   const char *site_file,
                   const struct journal_head *kept,
                   bool json)
{
    struct err err = {0};
    struct progress progress;
    struct journal_verdict verdict;
    char head[JOURNAL_HEAD_BYTES];
    const struct journal_check check = {.data_dir = site->data_dir,
                                        .kept = kept,
                                        .progress = progress_set,
                                        .ctx = &progress};
    progress_begin(&progress, tr("journal"), false);
    int code = journal_check(&check, &verdict, &err);
    progress_end(&progress);
    int status = verdict.findings == 0 ? CLI_OK : CLI_NO;
    if (code != 0) {
        /* Whatever keeps it from being read to its end, there is no answer. */
        fputs(strbuf_text(&verdict.text), stdout);
        fprintf(stderr, "caretaker: %s: %s\n", site_file, err.text);
        status = CLI_OUTSIDE;
    } else if (json) {
        print_json(&verdict, journal_head_format(head, &verdict.head));
    } else {
        print_text(&verdict, journal_head_format(head, &verdict.head));
    }
    journal_verdict_fini(&verdict);
    return status;
}

int
cli_check_journal(const struct cli_command *self,
                  const char *site_file,
                  const char *kept,
                  bool json)
{
    struct journal_head head;
    if (kept != NULL && !journal_head_parse(&head, kept)) {
        return cli_usage_error(self,
                               "--head %s is none; a number, a colon and 64 hex digits "
                               "are accepted, as this command prints them",
                               kept);
    }
    struct site *site = cli_site(site_file);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    int status = check_site_journal(site, site_file, kept != NULL ? &head : NULL, json);
    site_free(site);
    return status;
}
