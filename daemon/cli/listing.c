/* status, devices, alarms: asked of the daemon, or read from the databases
 * when it is down. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"
#include "daemon/pipeline/listings/listings.h"
#include "daemon/pipeline/listings/offline.h"

struct listing {
    const char *site, *device, *type, *rule, *severity, *state;
    bool json, points, causes;
};

#define SITE_OPTION                                                                    \
    {                                                                                  \
        "site", 'c', CLI_TEXT, &l.site, "SITE", "site file [" CLI_SITE_DEFAULT "]"     \
    }
#define JSON_OPTION                                                                    \
    {                                                                                  \
        "json", 'j', CLI_FLAG, &l.json, NULL, "JSON"                                   \
    }

static int
parse(const struct cli_command *self,
      const struct cli_option *options,
      size_t count,
      int argc,
      char **argv,
      bool *done)
{
    struct cli_list args;
    int status = cli_parse(self, options, count, argc, argv, &args, done);
    if (status == CLI_OK && !*done && args.count > 0) {
        return cli_usage_error(self, "\"%s\" is not expected here", args.items[0]);
    }
    return status;
}

/* What answers when no daemon does. */
typedef int (*offline_fn)(const struct site *site,
                          const struct listing *l,
                          struct strbuf *out,
                          struct err *err);

static int
fetch(const struct site *site,
      const struct listing *l,
      const char *path,
      offline_fn offline,
      struct strbuf *answer,
      struct err *err)
{
    int code = cli_ask(site->data_dir, "GET", path, NULL, answer, err);
    if (code == ERR_IO) {
        strbuf_clear(answer);
        code = offline(site, l, answer, err);
    }
    return code;
}

static int
offline_alarms(const struct site *site,
               const struct listing *l,
               struct strbuf *out,
               struct err *err)
{
    struct alarm_filter filter = {.device = l->device,
                                  .rule = l->rule,
                                  .severity = l->severity,
                                  .state = l->state};
    return offline_listing_alarms(site, &filter, out, err);
}

static int
offline_devices(const struct site *site,
                const struct listing *l,
                struct strbuf *out,
                struct err *err)
{
    struct device_filter filter = {l->device, l->type, l->state};
    const struct device_parts parts = {.points = l->points, .causes = l->causes};
    return offline_listing_devices(site, &filter, parts, out, err);
}

static int
offline_service(const struct site *site,
                const struct listing *l,
                struct strbuf *out,
                struct err *err)
{
    (void)l;
    return offline_listing_service(site, out, err);
}

static int
offline_state(const struct site *site,
              const struct listing *l,
              struct strbuf *out,
              struct err *err)
{
    (void)l;
    return offline_status(site, out, err);
}

static int
show(const struct listing *l,
     const char *path,
     offline_fn offline,
     const struct cli_column *columns,
     size_t count,
     const char *empty)
{
    struct site *site = cli_site(l->site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    struct strbuf answer = {0};
    struct err err = {0};
    int code = fetch(site, l, path, offline, &answer, &err);
    int status = code != 0 ? cli_fail(&err)
                           : cli_print_listing(strbuf_text(&answer), l->json, columns,
                                               count, empty);
    strbuf_fini(&answer);
    site_free(site);
    return status;
}

/* For a person: what is special about an alarm stands behind its state. */
static json_t *
mark_states(const char *array, bool *hidden)
{
    static const struct {
        const char *key, *word;
    } marks[] = {{"first_out", N_("first")},
                 {"returned_at", N_("latched")},
                 {"chatter", N_("chatter")}};
    json_t *rows = json_loads(array, 0, NULL);
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(rows, index, row)
    {
        struct strbuf state = {0};
        const char *plain = json_string_value(json_object_get(row, "state"));
        strbuf_add(&state, plain != NULL ? tr_word("alarm_state", plain) : "");
        for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
            if (json_object_get(row, marks[i].key) != NULL) {
                strbuf_printf(&state, ", %s", tr(marks[i].word));
            }
        }
        json_object_set_new(row, "state", json_string(strbuf_text(&state)));
        strbuf_fini(&state);
        *hidden = *hidden || json_object_get(row, "hidden_by") != NULL;
    }
    return rows;
}

/* Who hides what, why and until when is shown where something is hidden. */
static int
show_alarms(const struct listing *l, const char *path)
{
    static const struct cli_column columns[] = {
        {"severity", "SEVERITY", CLI_SHOW_SEVERITY},
        {"state", "STATE", CLI_SHOW_TEXT},
        {"device", "DEVICE", CLI_SHOW_TEXT},
        {"rule", "RULE", CLI_SHOW_TEXT},
        {"raised_at", "RAISED", CLI_SHOW_TIME},
        {"ticket", "TICKET", CLI_SHOW_TEXT},
        {"title", "TITLE", CLI_SHOW_TEXT},
        {"hidden_by", "HIDDEN BY", CLI_SHOW_TEXT},
        {"hidden_until", "UNTIL", CLI_SHOW_TIME},
        {"hidden_reason", "WHY", CLI_SHOW_SAID}};
    struct site *site = cli_site(l->site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    struct strbuf answer = {0};
    struct err err = {0};
    int status = CLI_OK;
    if (fetch(site, l, path, offline_alarms, &answer, &err) != 0) {
        status = cli_fail(&err);
    } else if (l->json) {
        puts(strbuf_text(&answer));
    } else {
        bool hidden = false;
        json_t *rows = mark_states(strbuf_text(&answer), &hidden);
        char *text = json_dumps(rows, 0);
        status = cli_print_listing(text != NULL ? text : "", false, columns,
                                   ARRAY_LEN(columns) - (hidden ? 0 : 3), "no alarms");
        free(text);
        json_decref(rows);
    }
    strbuf_fini(&answer);
    site_free(site);
    return status;
}

static int
run_alarms(const struct cli_command *self, int argc, char **argv)
{
    struct listing l = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        SITE_OPTION,
        {"device", 'd', CLI_TEXT, &l.device, "ID", "only of this device"},
        {"rule", 'r', CLI_TEXT, &l.rule, "ID", "only of this rule"},
        {"severity", 0, CLI_TEXT, &l.severity, "WORD", "critical urgent normal info"},
        {"state", 's', CLI_TEXT, &l.state, "WORD", "active active-acked cleared ..."},
        JSON_OPTION,
    };
    bool done = false;
    int status = parse(self, options, ARRAY_LEN(options), argc, argv, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    struct strbuf path = {0};
    strbuf_add(&path, "/api/v1/alarms");
    cli_query(&path, "device", l.device);
    cli_query(&path, "rule", l.rule);
    cli_query(&path, "severity", l.severity);
    cli_query(&path, "state", l.state);
    status = show_alarms(&l, strbuf_text(&path));
    strbuf_fini(&path);
    return status;
}

int
cli_list_service(const char *site, bool json)
{
    static const struct cli_column columns[] = {{"device", "DEVICE", CLI_SHOW_TEXT},
                                                {"by", "BY", CLI_SHOW_TEXT},
                                                {"since", "SINCE", CLI_SHOW_TIME},
                                                {"until", "UNTIL", CLI_SHOW_TIME},
                                                {"reason", "REASON", CLI_SHOW_TEXT}};
    struct listing l = {.site = site, .json = json};
    return show(&l, "/api/v1/service", offline_service, columns, ARRAY_LEN(columns),
                "everything is in service");
}

/* For a person: whole numbers in full, others with seven digits, as a float has. */
static json_t *
value_text(const json_t *value)
{
    double v = json_number_value(value);
    char text[NUMBER_TEXT_BYTES];
    (void)number_format(text, v);
    if (v != floor(v)) {
        snprintf(text, sizeof text, "%.7g", v);
    }
    return json_string(text);
}

/* The points of all devices of `array` as a listing of their own; json_decref() it. */
static json_t *
list_points(const char *array)
{
    json_t *devices = json_loads(array, 0, NULL);
    json_t *rows = json_array();
    size_t index = 0;
    json_t *device = NULL;
    json_array_foreach(devices, index, device)
    {
        const char *id = NULL;
        json_t *point = NULL;
        json_object_foreach(json_object_get(device, "points"), id, point)
        {
            json_object_set(point, "device", json_object_get(device, "id"));
            json_object_set_new(point, "point", json_string(id));
            json_t *value = json_object_get(point, "value");
            if (json_is_number(value)) {
                json_object_set_new(point, "value", value_text(value));
            }
            json_array_append(rows, point);
        }
    }
    json_decref(devices);
    return rows;
}

/* For a person: who is out of service says so behind the state. */
static json_t *
mark_devices(const char *array)
{
    json_t *rows = json_loads(array, 0, NULL);
    size_t index = 0;
    json_t *row = NULL;
    json_array_foreach(rows, index, row)
    {
        const char *state = json_string_value(json_object_get(row, "state"));
        if (state != NULL && json_is_true(json_object_get(row, "out_of_service"))) {
            json_object_set_new(
                row, "state",
                json_sprintf(tr("%s, out of service"), tr_word("device", state)));
        }
    }
    return rows;
}

/* Devices, and not as JSON: the rows that `rows_of` makes of the answer. */
static int
show_device_rows(const struct listing *l,
                 const char *path,
                 json_t *(*rows_of)(const char *array),
                 const struct cli_column *columns,
                 size_t count,
                 const char *empty)
{
    struct site *site = cli_site(l->site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    struct strbuf answer = {0};
    struct err err = {0};
    int status = CLI_OK;
    if (fetch(site, l, path, offline_devices, &answer, &err) != 0) {
        status = cli_fail(&err);
    } else {
        json_t *rows = rows_of(strbuf_text(&answer));
        char *text = json_dumps(rows, 0);
        status =
            cli_print_listing(text != NULL ? text : "", false, columns, count, empty);
        free(text);
        json_decref(rows);
    }
    strbuf_fini(&answer);
    site_free(site);
    return status;
}

static int
show_devices(const struct listing *l, const char *path)
{
    static const struct cli_column points[] = {
        {"device", "DEVICE", CLI_SHOW_TEXT},
        {"point", "POINT", CLI_SHOW_TEXT},
        {"value", "VALUE", CLI_SHOW_TEXT},
        {"unit", "UNIT", CLI_SHOW_TEXT},
        {"why", "QUALITY", CLI_SHOW_QUALITY},
        {"last_good", "LAST GOOD", CLI_SHOW_TIME}};
    static const struct cli_column devices[] = {
        {"id", "DEVICE", CLI_SHOW_TEXT},
        {"type", "TYPE", CLI_SHOW_TEXT},
        {"bus", "BUS", CLI_SHOW_TEXT},
        {"unit", "UNIT", CLI_SHOW_TEXT},
        {"state", "STATE", CLI_SHOW_DEVICE},
        {"quality", "QUALITY", CLI_SHOW_QUALITY},
        {"last_good", "LAST GOOD", CLI_SHOW_TIME},
        {"requests", "REQUESTS", CLI_SHOW_TEXT},
        {"errors", "ERRORS", CLI_SHOW_TEXT},
        {"latency_ms", "MS", CLI_SHOW_TEXT},
        {"cause", "CAUSE", CLI_SHOW_QUALITY},
        {"name", "NAME", CLI_SHOW_TEXT}};
    if (l->json) {
        return show(l, path, offline_devices, devices, ARRAY_LEN(devices),
                    "no devices");
    }
    return l->points ? show_device_rows(l, path, list_points, points, ARRAY_LEN(points),
                                        "no points")
                     : show_device_rows(l, path, mark_devices, devices,
                                        ARRAY_LEN(devices), "no devices");
}

static int
run_devices(const struct cli_command *self, int argc, char **argv)
{
    struct listing l = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        SITE_OPTION,
        {"device", 'd', CLI_TEXT, &l.device, "ID", "only this device"},
        {"type", 't', CLI_TEXT, &l.type, "WORD", "only of this type"},
        {"state", 's', CLI_TEXT, &l.state, "WORD", "online offline unknown"},
        {"points", 'p', CLI_FLAG, &l.points, NULL, "their points, with present values"},
        {"causes", 0, CLI_FLAG, &l.causes, NULL,
         "with --json: what went wrong on the wire, and who is out of service"},
        JSON_OPTION,
    };
    bool done = false;
    int status = parse(self, options, ARRAY_LEN(options), argc, argv, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    struct strbuf path = {0};
    strbuf_add(&path, "/api/v1/devices");
    cli_query(&path, "device", l.device);
    cli_query(&path, "type", l.type);
    cli_query(&path, "state", l.state);
    cli_query(&path, "points", l.points ? "1" : NULL);
    l.causes = l.causes || !l.json; /* A column of the table. */
    cli_query(&path, "causes", l.causes ? "1" : NULL);
    status = show_devices(&l, strbuf_text(&path));
    strbuf_fini(&path);
    return status;
}

/* Keys of the daemon's answer, and their values, as people read them; a key that is not
 * listed is shown as it is. */
static const char *
label(const char *key)
{
    static const char *const status_words[] = {
        "site",        "name",          "daemon",         "running",
        "stopped",     "pid",           "version",        "time",
        "uptime_s",    "clock_trusted", "last_alive",     "devices",
        "total",       "online",        "offline",        "buses",
        "id",          "load",          "late",           "quarantined",
        "reconnects",  "echo",          "requests",       "errors",
        "alarms",      "active",        "hidden",         "chattering",
        "tickets",     "open",          "overdue",        "error",
        "mqtt",        "enabled",       "connected",      "acknowledged",
        "last_error",  "outbox",        "history",        "samples",
        "dropped",     "failing",       "rules",          "instances",
        "evaluations", "frames",        "unacknowledged", "frames_dropped",
        "memory_mb",   "disk_failing",  "critical",       "urgent",
        "normal",      "info",          "damaged",        "full"};
    for (size_t i = 0; i < ARRAY_LEN(status_words); i++) {
        if (strcmp(key, status_words[i]) == 0) {
            return tr_word("status", key);
        }
    }
    return key;
}

/* Moments are shown in the site's zone, as in the tables. */
static void
print_text(const char *indent, const char *key, const char *text)
{
    char local[INSTANT_TEXT_BYTES];
    int64_t t_ms = 0;
    bool moment = strcmp(key, "time") == 0 || strcmp(key, "last_alive") == 0;
    if (moment && instant_parse(&t_ms, text, NULL) == 0) {
        text = instant_format_local(local, t_ms);
    }
    text = strcmp(key, "daemon") == 0 ? label(text) : text;
    printf("%s%s: %s\n", indent, label(key), text);
}

/* What went wrong on a wire, and how often: " (timeout 3, exception 2: 1)". */
static void
print_causes(json_t *causes)
{
    const char *before = " (";
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(causes, key, value)
    {
        const char *code = NULL;
        json_t *times = NULL;
        if (json_integer_value(value) > 0) {
            printf("%s%s %lld", before, tr_word("quality", key),
                   (long long)json_integer_value(value));
            before = ", ";
        }
        json_object_foreach(value, code, times)
        {
            printf("%s%s %s: %lld", before, tr_word("quality", key), code,
                   (long long)json_integer_value(times));
            before = ", ";
        }
    }
    if (before[0] == ',') {
        putchar(')');
    }
}

static void
print_member(const char *indent, const char *key, json_t *value)
{
    if (json_is_object(value)) {
        printf("%s%s:", indent, label(key));
        const char *inner = NULL;
        json_t *of = NULL;
        json_object_foreach(value, inner, of)
        {
            if (json_is_string(of)) {
                printf(" %s %s", label(inner), json_string_value(of));
            } else if (json_is_integer(of)) {
                printf(" %s %lld", label(inner), (long long)json_integer_value(of));
            } else if (json_is_real(of)) {
                printf(" %s %.4g", label(inner), json_real_value(of));
            } else if (json_is_boolean(of)) {
                printf(" %s %s", label(inner), json_is_true(of) ? tr("yes") : tr("no"));
            } else if (json_is_object(of)) {
                print_causes(of);
            }
        }
        putchar('\n');
    } else if (json_is_array(value)) {
        size_t index = 0;
        json_t *of = NULL;
        json_array_foreach(value, index, of)
        {
            print_member(indent, key, of);
        }
    } else if (json_is_string(value)) {
        print_text(indent, key, json_string_value(value));
    } else if (json_is_integer(value)) {
        printf("%s%s: %lld\n", indent, label(key),
               (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        printf("%s%s: %.4g\n", indent, label(key), json_real_value(value));
    } else if (json_is_boolean(value)) {
        printf("%s%s: %s\n", indent, label(key),
               json_is_true(value) ? tr("yes") : tr("no"));
    }
}

static int
run_status(const struct cli_command *self, int argc, char **argv)
{
    struct listing l = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {SITE_OPTION, JSON_OPTION};
    bool done = false;
    int status = parse(self, options, ARRAY_LEN(options), argc, argv, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    struct site *site = cli_site(l.site);
    if (site == NULL) {
        return CLI_CONFIG;
    }
    struct strbuf answer = {0};
    struct err err = {0};
    int code = fetch(site, &l, "/api/v1/status", offline_state, &answer, &err);
    if (code != 0) {
        status = cli_fail(&err);
    } else if (l.json) {
        puts(strbuf_text(&answer));
    } else {
        json_t *root = json_loads(strbuf_text(&answer), 0, NULL);
        const char *key = NULL;
        json_t *value = NULL;
        json_object_foreach(root, key, value)
        {
            print_member("", key, value);
        }
        json_decref(root);
    }
    strbuf_fini(&answer);
    site_free(site);
    return status;
}

const struct cli_command cli_alarms = {
    "alarms", "the alarms that stand, are hidden, or are not acknowledged",
    "[-c SITE] [--device ID] [--rule ID] [--severity S] [--state S] [--json]",
    "Asks the daemon; reads state.db itself when the daemon is down.\n", run_alarms};
const struct cli_command cli_devices = {
    "devices", "every device: does it answer, since when, how well",
    "[-c SITE] [--device ID] [--type T] [--state S] [--points] [--causes] [--json]",
    "Asks the daemon; when it is down, shows what the history last knew.\n\n"
    "CAUSE is what went wrong most often since the daemon started, and where to look:\n"
    "  timeout      no answer: power, wiring, unit number, baud rate, a timeout too "
    "short\n"
    "  crc          a damaged answer: termination, polarity, shield, baud rate, "
    "parity\n"
    "  short        it began and broke off: gap or timeout too short, a loose wire\n"
    "  wrong_unit   another unit answered: two devices with one number, a late answer\n"
    "  malformed    it answered something else: two masters on one line, a gateway's "
    "mode\n"
    "  exception 1  the device has no such function: input or holding?\n"
    "  exception 2  it has no such register: wrong model, or address off by one\n"
    "  exception 3  it does not like the length: lower limits.max_registers\n"
    "  exception 4  it failed inside, exception 6: it was busy\n"
    "  exception 10, 11  the gateway cannot reach it: as timeout\n"
    "  refused      no connection, or no port: gateway's power, network, address, "
    "adapter\n"
    "  lost         the connection went: another client, an idle limit, a loose plug\n",
    run_devices};
const struct cli_command cli_status = {
    "status", "how the daemon and its site are", "[-c SITE] [--json]",
    "Asks the daemon; when it is down, says so and shows what the databases know.\n",
    run_status};
