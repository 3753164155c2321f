/* duty: who is on duty now and in the coming days. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/listings/duty.h"

#define DAYS_DEFAULT 14

/* "张伟 (zhang)"; "-" for nobody. */
static json_t *
person_text(const struct site *site, const json_t *id)
{
    const char *text = json_string_value(id);
    for (uint32_t i = 0; text != NULL && i < site->person_count; i++) {
        const struct person *p = &site->people[i];
        if (strcmp(p->id, text) == 0 && strcmp(p->name, text) != 0) {
            return json_sprintf("%s (%s)", p->name, text);
        }
    }
    return json_string(text != NULL ? text : "-");
}

/* "after 15m chen; after 30m zhao, sun" */
static json_t *
escalation_text(const json_t *steps)
{
    struct strbuf text = {0};
    size_t i = 0;
    json_t *step = NULL;
    json_array_foreach(steps, i, step)
    {
        char after[INSTANT_TEXT_BYTES];
        duration_format(after, json_integer_value(json_object_get(step, "after_ms")));
        strbuf_add(&text, i > 0 ? "; " : "");
        strbuf_printf(&text, tr("after %s"), after);
        size_t k = 0;
        json_t *id = NULL;
        json_array_foreach(json_object_get(step, "to"), k, id)
        {
            strbuf_printf(&text, "%s%s", k > 0 ? ", " : " ", json_string_value(id));
        }
    }
    json_t *out = json_string(text.size > 0 ? strbuf_text(&text) : "-");
    strbuf_fini(&text);
    return out;
}

static void
print_rows(json_t *rows,
           const struct cli_column *columns,
           size_t count,
           const char *empty)
{
    char *text = json_dumps(rows, 0);
    (void)cli_print_listing(text != NULL ? text : "", false, columns, count, empty);
    free(text);
}

static void
print_text(const struct site *site, const char *array)
{
    static const struct cli_column now[] = {{"team", "TEAM", CLI_SHOW_TEXT},
                                            {"person", "ON DUTY", CLI_SHOW_TEXT},
                                            {"until", "UNTIL", CLI_SHOW_TIME},
                                            {"works", "WORKS", CLI_SHOW_TEXT},
                                            {"works_from", "AGAIN", CLI_SHOW_TIME},
                                            {"goes_up", "ESCALATES", CLI_SHOW_TEXT}};
    static const struct cli_column coming[] = {{"team", "TEAM", CLI_SHOW_TEXT},
                                               {"person", "THEN", CLI_SHOW_TEXT},
                                               {"from", "FROM", CLI_SHOW_TIME},
                                               {"until", "UNTIL", CLI_SHOW_TIME}};
    json_t *teams = json_loads(array, 0, NULL);
    json_t *later = json_array();
    size_t i = 0;
    json_t *team = NULL;
    json_array_foreach(teams, i, team)
    {
        json_object_set_new(team, "person",
                            person_text(site, json_object_get(team, "on_duty")));
        json_object_set_new(team, "goes_up",
                            escalation_text(json_object_get(team, "escalation")));
        size_t k = 0;
        json_t *duty = NULL;
        json_array_foreach(json_object_get(team, "coming"), k, duty)
        {
            json_object_set(duty, "team", json_object_get(team, "team"));
            json_object_set_new(duty, "person",
                                person_text(site, json_object_get(duty, "who")));
            json_array_append(later, duty);
        }
    }
    print_rows(teams, now, ARRAY_LEN(now), N_("no teams"));
    if (json_array_size(later) > 0) {
        putchar('\n');
        print_rows(later, coming, ARRAY_LEN(coming), "");
    }
    json_decref(later);
    json_decref(teams);
}

static bool
parse_days(const char *text, int *out)
{
    char *end = NULL;
    long days = strtol(text, &end, 10);
    bool ok = text[0] >= '0' && text[0] <= '9' && *end == '\0' && days <= DUTY_DAYS_MAX;
    *out = ok ? (int)days : *out;
    return ok;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    const char *site_file = CLI_SITE_DEFAULT;
    const char *at = "now";
    const char *days_text = NULL;
    bool json = false;
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &site_file, "SITE", "site file [" CLI_SITE_DEFAULT "]"},
        {"at", 0, CLI_TEXT, &at, "TIME", "at this instant [now]"},
        {"days", 'n', CLI_TEXT, &days_text, "N",
         "duties that begin within N days [14]"},
        {"json", 'j', CLI_FLAG, &json, NULL, "JSON"},
    };
    struct cli_list args;
    bool done = false;
    int days = DAYS_DEFAULT;
    int status = cli_parse(self, options, ARRAY_LEN(options), argc, argv, &args, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (args.count > 0) {
        return cli_usage_error(self, "\"%s\" is not expected here", args.items[0]);
    }
    if (days_text != NULL && !parse_days(days_text, &days)) {
        return cli_usage_error(
            self, "--days is \"%s\"; a whole number from 0 to %d is accepted",
            days_text, DUTY_DAYS_MAX);
    }
    struct site *site = cli_site(site_file);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    struct err err = {0};
    int64_t t_ms = 0;
    if (instant_parse_relative(&t_ms, at, clock_real_ms(), &err) != 0) {
        status = cli_usage_error(self, "--at: %s", err.text);
    } else {
        struct strbuf answer = {0};
        duty_to_json(&answer, site, t_ms, days);
        if (json) {
            puts(strbuf_text(&answer));
        } else {
            print_text(site, strbuf_text(&answer));
        }
        strbuf_fini(&answer);
    }
    site_free(site);
    return status;
}

const struct cli_command cli_duty = {
    "duty", "who is on duty in each team, and in the coming days",
    "[-c SITE] [--at TIME] [--days N] [--json]",
    "From the rotas, hours and calendar of the site; no daemon is asked.\n\n"
    "WORKS says whether the team works on normal tickets at that time, AGAIN when it\n"
    "does so next; critical and urgent ones never wait.  ESCALATES says who is told "
    "of\n"
    "a ticket that nobody answers, and after how long.\n",
    run};
