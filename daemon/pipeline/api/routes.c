/* Every path of the API: who may use it, what it takes and what it answers. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "daemon/model/photo.h"
#include "daemon/pipeline/api/api.h"

#define V1 "/api/v1/"
#define END                                                                            \
    {                                                                                  \
        0                                                                              \
    }
#define PAGED                                                                          \
    {PARAM_NUMBER, "limit", "rows of a page", NULL, 1, API_PAGE_MAX},                  \
    {                                                                                  \
        PARAM_TEXT, "cursor", "the next page, as the Link header says", NULL, 0, 0     \
    }
#define ANY(n)                                                                         \
    {                                                                                  \
        PARAM_TEXT, n, .about = "only of this " n                                      \
    }

static const struct api_param device_params[] = {
    ANY("device"),
    ANY("type"),
    {PARAM_CHOICE, "state", "only in this state", "online|offline|unknown", 0, 0},
    {PARAM_FLAG, "points", "with present values", NULL, 0, 0},
    {PARAM_FLAG, "causes", "with what went wrong on the wire", NULL, 0, 0},
    {PARAM_FLAG, "details", "with its place, and what feeds it", NULL, 0, 0},
    PAGED,
    END};
static const struct api_param life_params[] = {
    {PARAM_TEXT, "limit", "the newest so many entries of each kind, or all", NULL, 0,
     0},
    END};
static const struct api_param alarm_params[] = {
    ANY("device"),
    ANY("rule"),
    {PARAM_CHOICE, "severity", "only of this severity", "critical|urgent|normal|info",
     0, 0},
    {PARAM_CHOICE, "state", "only in this state",
     "active|active-acked|cleared|shelved|suppressed|out-of-service", 0, 0},
    {PARAM_CHOICE, "language", "of the rule's texts; the site's unless given",
     "en|zh-CN", 0, 0},
    {PARAM_FLAG, "details", "with what is known of device, rule and ticket", NULL, 0,
     0},
    PAGED,
    END};
static const struct api_param explain_params[] = {
    {PARAM_TEXT, "rule", "id of the rule", NULL, 0, 0},
    {PARAM_TEXT, "device", "id of the device", NULL, 0, 0},
    END};
static const struct api_param ledger_params[] = {
    ANY("device"), ANY("type"), ANY("area"), ANY("keeper"), PAGED, END};
static const struct api_param ticket_params[] = {
    ANY("device"),
    {PARAM_CHOICE, "state", "only in this state",
     "opened|assigned|responded|waiting|resolved|closed", 0, 0},
    ANY("assignee"),
    ANY("team"),
    {PARAM_CHOICE, "order", "queue unless closed ones are listed", "queue|number", 0,
     0},
    {PARAM_FLAG, "all", "closed ones too", NULL, 0, 0},
    {PARAM_FLAG, "details", "with their titles in other languages", NULL, 0, 0},
    {PARAM_FLAG, "overdue", "only with a deadline that was missed", NULL, 0, 0},
    {PARAM_NUMBER, "limit", "so many at most", NULL, 1, 1000000},
    {PARAM_NUMBER, "before", "only of lower numbers", NULL, 1, INT64_MAX},
    END};
/* Of a page that a link leads to: a browser asks for it in its own language. */
#define OF_PAGE                                                                        \
    {                                                                                  \
        PARAM_CHOICE, "language", "of the page; Accept-Language unless given",         \
            "en|zh-CN", 0, 0                                                           \
    }
static const struct api_param pack_params[] = {
    {PARAM_NUMBER, "window", "which stretch of time the chart shows", NULL, 1, 1000},
    OF_PAGE,
    END};
static const struct api_param pack_page_params[] = {OF_PAGE, END};
static const struct api_param photo_params[] = {
    {PARAM_TEXT, "note", "what it shows", NULL, 0, 0},
    {PARAM_TEXT, "by", "who adds it; on TCP it is who asks, whatever stands here", NULL,
     0, 0},
    END};
#define PLAN_PARAMS                                                                    \
    ANY("team"), ANY("device"), ANY("plan"),                                           \
        {PARAM_TEXT, "from", "the first day: 2026-03-01; today unless given",          \
         NULL,       0,      0},                                                       \
        {PARAM_TEXT, "to", "the last day", NULL, 0, 0},                                \
    {                                                                                  \
        PARAM_TEXT, "language", "of the titles", NULL, 0, 0                            \
    }
static const struct api_param plan_params[] = {PLAN_PARAMS, PAGED, END};
static const struct api_param plan_sum_params[] = {PLAN_PARAMS, END};
static const struct api_param wire_params[] = {
    {PARAM_TEXT, "bus", "id of the bus", NULL, 0, 0},
    {PARAM_TEXT, "cursor", "0, or what the last answer said", NULL, 0, 0},
    END};
static const struct api_param stream_params[] = {
    {PARAM_TEXT, "after", "go on behind this event, as Last-Event-ID does", NULL, 0, 0},
    END};
static const struct api_param page_params[] = {PAGED, END};
static const struct api_param user_params[] = {ANY("user"), PAGED, END};
#define FROM                                                                           \
    {                                                                                  \
        PARAM_TEXT, "from", "instant: RFC 3339, ms since 1970, or an age: -1h", NULL,  \
            0, 0                                                                       \
    }
#define TO                                                                             \
    {                                                                                  \
        PARAM_TEXT, "to", "as from; now unless it is given", NULL, 0, 0                \
    }
static const struct api_param series_params[] = {
    {PARAM_TEXT, "points", "their ids, by commas; all unless given", NULL, 0, 0},
    FROM,
    TO,
    {PARAM_NUMBER, "width", "as many values as a picture is wide", NULL, 1, 4000},
    END};
static const struct api_param range_params[] = {FROM, TO, END};
static const struct api_param event_params[] = {
    ANY("device"),
    ANY("rule"),
    {PARAM_NUMBER, "ticket", "only of this ticket", NULL, 1, INT64_MAX},
    {PARAM_TEXT, "event", "only of this kind: alarm, or alarm.raised", NULL, 0, 0},
    {PARAM_NUMBER, "after", "only behind the event of this number", NULL, 0, INT64_MAX},
    {PARAM_NUMBER, "before", "only before it", NULL, 0, INT64_MAX},
    {PARAM_NUMBER, "limit", "so many at most; 100 unless given", NULL, 1, 1000},
    END};
static const struct api_param calendar_params[] = {
    {PARAM_TEXT, "from", "date; today unless given", NULL, 0, 0},
    {PARAM_TEXT, "to", "date; four weeks on unless given", NULL, 0, 0},
    END};
static const struct api_param duty_params[] = {
    {PARAM_TEXT, "at", "instant", NULL, 0, 0},
    {PARAM_NUMBER, "days", "so many days from then", NULL, 0, 366},
    END};
static const struct api_param report_params[] = {
    {PARAM_TEXT, "from", "instant: RFC 3339, or an age: -30d", NULL, 0, 0},
    TO,
    {PARAM_TEXT, "compare", "T..T: beside this time", NULL, 0, 0},
    ANY("type"),
    ANY("area"),
    ANY("device"),
    OF_PAGE,
    END};
static const struct api_param alarm_report_params[] = {
    FROM,
    TO,
    {PARAM_NUMBER, "operators", "who share the alarms", NULL, 1, 1000},
    {PARAM_NUMBER, "top", "so many of the most frequent", NULL, 1, 1000},
    {PARAM_FLAG, "advice", "what other numbers would have done; takes a while", NULL, 0,
     0},
    END};

static const struct api_param rule_params[] = {ANY("device"), END};
static const struct api_param sample_params[] = {
    ANY("device"),
    ANY("point"),
    FROM,
    TO,
    {PARAM_TEXT, "every", "minutes or hours instead: 1m, 1h", NULL, 0, 0},
    {PARAM_CHOICE, "format", "csv unless given", "csv|jsonl", 0, 0},
    {PARAM_FLAG, "detail", "with why a sample is not good", NULL, 0, 0},
    {PARAM_FLAG, "clock", "with what is known of the clock", NULL, 0, 0},
    END};

#define ROUTE(verb, who, where, handler, gives, about, ...)                            \
    {                                                                                  \
        .method = verb, .path = V1 where, .role = ROLE_##who, .handle = handler,       \
        .answer = gives, .summary = about, __VA_ARGS__                                 \
    }
static const struct api_param head_params[] = {
    {PARAM_TEXT, "head", "SEQ:HASH that was kept elsewhere", NULL, 0, 0}, END};
static const struct api_param explain_past_params[] = {
    {PARAM_TEXT, "rule", "id of the rule", NULL, 0, 0},
    {PARAM_TEXT, "device", "id of the device", NULL, 0, 0},
    {PARAM_TEXT, "at", "instant: RFC 3339, or an age: -1h", NULL, 0, 0},
    END};
static const struct api_param replay_params[] = {ANY("device"), FROM, TO, END};
static const struct api_param replay_log_params[] = {
    {PARAM_TEXT, "until", "instant; the last row's unless given", NULL, 0, 0},
    {PARAM_TEXT, "stale_after", "a time: 5m; the site's unless given", NULL, 0, 0},
    END};
static const struct api_param import_params[] = {
    {PARAM_FLAG, "strict", "the first bad row ends it", NULL, 0, 0}, END};

#define SLOW        .needs = {.lane = WEB_SLOW}
#define LOG_TYPES   "text/csv,application/x-ndjson"
#define LOG         .body = LOG_TYPES, .needs = {.lane = WEB_SLOW, .body_max = WEB_BODY_LARGEST}
#define PASSWORD    .needs = {.lane = WEB_PASSWORD}
#define PHOTO_TYPES "image/jpeg,image/png,image/webp"
#define PHOTO       .needs = {.lane = WEB_SLOW, .bytes = true, .body_max = PHOTO_BYTES_MAX}
_Static_assert(PHOTO_BYTES_MAX <= WEB_BODY_LARGEST, "the door lets it in");

const struct api_route api_routes[] = {
    ROUTE("GET",
          NONE,
          "openapi.json",
          api_get_description,
          "application/json",
          "this description",
          .params = NULL),
    ROUTE("GET",
          VIEWER,
          "status",
          api_get_status,
          "Status",
          "how the daemon is",
          .params = NULL),
    ROUTE("GET",
          VIEWER,
          "devices",
          api_get_devices,
          "DeviceListing",
          "devices, with present values where they are asked for",
          .params = device_params,
          .page_keys = "id"),
    ROUTE("GET",
          VIEWER,
          "devices/{device}",
          api_get_life,
          "DeviceLife",
          "the whole life of a device",
          .params = life_params),
    ROUTE("GET",
          VIEWER,
          "devices/{device}/series",
          api_series,
          "SeriesAnswer",
          "the past of points, in the resolution that fits",
          .params = series_params),
    ROUTE("GET",
          VIEWER,
          "devices/{device}/marks",
          api_marks,
          "MarksAnswer",
          "what happened to a device",
          .params = range_params),
    ROUTE("GET",
          VIEWER,
          "site",
          api_site,
          "SiteAnswer",
          "names and choices",
          .params = NULL),
    ROUTE("GET",
          VIEWER,
          "procedures",
          api_procedures,
          "ProcedureListing",
          "what is done, step by step",
          .params = NULL),
    ROUTE("GET",
          VIEWER,
          "duty",
          api_duty,
          "DutyListing",
          "who is on duty",
          .params = duty_params),
    ROUTE("GET",
          VIEWER,
          "calendar",
          api_calendar,
          "CalendarListing",
          "holidays, and days off that are worked",
          .params = calendar_params),
    ROUTE("GET",
          VIEWER,
          "events",
          api_events,
          "EventListing",
          "the journal, the newest first",
          .params = event_params),
    ROUTE("GET",
          VIEWER,
          "rules",
          api_rules,
          "RuleListing",
          "the rules and where they stand",
          .params = NULL),
    ROUTE("GET",
          VIEWER,
          "rules/{rule}",
          api_rule,
          "RuleDetail",
          "one rule, and why it is as it is on each device",
          .params = rule_params),
    ROUTE("POST",
          ENGINEER,
          "what-if",
          api_what_if,
          "WhatIfAnswer",
          "what a changed rule would have done",
          .body = "WhatIfRequest",
          SLOW),
    ROUTE("GET",
          VIEWER,
          "profiles",
          api_profiles,
          "ProfileListing",
          "register maps",
          SLOW),
    ROUTE("GET",
          VIEWER,
          "profiles/{profile}",
          api_profiles,
          "Profile",
          "one register map",
          SLOW),
    ROUTE("GET",
          ADMINISTRATOR,
          "backup/state.db",
          api_backup,
          "application/vnd.sqlite3",
          "alarms, tickets, users and the journal as a database",
          SLOW),
    ROUTE("GET",
          VIEWER,
          "samples",
          api_samples,
          "text/csv",
          "recorded samples, as an export gives them",
          .params = sample_params,
          SLOW),
    ROUTE("POST",
          ENGINEER,
          "samples",
          api_import,
          "ImportAnswer",
          "recorded samples of elsewhere, into the history",
          .params = import_params,
          LOG),
    ROUTE("GET",
          ENGINEER,
          "replay",
          api_replay_history,
          "application/x-ndjson",
          "the events that the files' rules make of the history",
          .params = replay_params,
          SLOW),
    ROUTE("POST",
          ENGINEER,
          "replay",
          api_replay_log,
          "application/x-ndjson",
          "the same of a log",
          .params = replay_log_params,
          LOG),
    ROUTE("POST",
          ADMINISTRATOR,
          "sql",
          api_sql,
          "[SqlRow]",
          "a statement that reads the history and state.db",
          .body = "text/plain",
          SLOW),
    ROUTE("GET",
          TECHNICIAN,
          "explain/past",
          api_explain_past,
          "Explanation",
          "why a rule did, or did not, fire at a moment of the history",
          .params = explain_past_params,
          SLOW),
    ROUTE("GET",
          ENGINEER,
          "check",
          api_check,
          "[Finding]",
          "what is wrong in the files, as they are now",
          SLOW),
    ROUTE("GET",
          ENGINEER,
          "check/plan",
          api_check,
          "[BusBudget]",
          "each bus's requests and how much of its time they take",
          SLOW),
    ROUTE("GET",
          ENGINEER,
          "check/journal",
          api_check,
          "JournalVerdict",
          "whether the journal is what was written",
          .params = head_params,
          SLOW),
    ROUTE("GET",
          ENGINEER,
          "check/history",
          api_check,
          "HistoryVerdict",
          "whether all samples can be read",
          SLOW),
    ROUTE("GET",
          VIEWER,
          "schema",
          api_schema,
          "[FileKind]",
          "the kinds of file that editors can be told of",
          .params = NULL),
    ROUTE("GET",
          VIEWER,
          "schema/{kind}",
          api_schema,
          "FileSchema",
          "what may stand in a kind of file: JSON Schema, draft-07",
          .params = NULL),
    ROUTE("GET",
          VIEWER,
          "report",
          api_report,
          "Report",
          "the figures of the site",
          .params = report_params,
          SLOW),
    ROUTE("GET",
          VIEWER,
          "report.html",
          api_report_page,
          "text/html",
          "the same as a page to print",
          .params = report_params,
          SLOW),
    ROUTE("GET",
          VIEWER,
          "report/alarms",
          api_report_alarms,
          "AlarmReport",
          "how good the alarms are",
          .params = alarm_report_params,
          SLOW),
    ROUTE("GET",
          VIEWER,
          "ledger",
          api_get_ledger,
          "LedgerListing",
          "what is known of the equipment",
          .params = ledger_params,
          .page_keys = "device"),
    ROUTE("GET",
          VIEWER,
          "alarms",
          api_get_alarms,
          "AlarmListing",
          "what is not normal",
          .params = alarm_params,
          .page_keys = "device,rule"),
    ROUTE("GET",
          VIEWER,
          "explain",
          api_get_explain,
          "Explanation",
          "why a rule did, or did not, fire",
          .params = explain_params),
    ROUTE("GET",
          VIEWER,
          "service",
          api_get_service,
          "ServiceListing",
          "devices out of service",
          .params = NULL),
    ROUTE("GET",
          VIEWER,
          "tickets",
          api_get_tickets,
          "TicketListing",
          "tickets",
          .params = ticket_params),
    ROUTE("GET",
          VIEWER,
          "tickets/{ticket}",
          api_get_ticket,
          "TicketPack",
          "a ticket with its evidence",
          SLOW),
    ROUTE("GET",
          VIEWER,
          "tickets/{ticket}/chart.svg",
          api_get_ticket,
          "image/svg+xml",
          "the values around its opening",
          .params = pack_params,
          SLOW),
    ROUTE("GET",
          VIEWER,
          "tickets/{ticket}/evidence.html",
          api_get_ticket,
          "text/html",
          "the same as a page to print",
          .params = pack_page_params,
          SLOW),
    ROUTE("GET",
          VIEWER,
          "tickets/{ticket}/photos",
          api_get_photos,
          "[Photo]",
          "the photos of a ticket",
          .params = NULL),
    ROUTE("POST",
          TECHNICIAN,
          "tickets/{ticket}/photos",
          api_post_photo,
          "Photo",
          "a new photo: JPEG, PNG or WebP; of where it was taken nothing is kept",
          .body = PHOTO_TYPES,
          .params = photo_params,
          PHOTO),
    ROUTE("GET",
          VIEWER,
          "tickets/{ticket}/photos/{photo}",
          api_get_photo,
          PHOTO_TYPES,
          "the photo itself",
          SLOW),
    ROUTE("GET",
          VIEWER,
          "plan",
          api_get_plan,
          "PlanListing",
          "the coming visits",
          .params = plan_params,
          .page_keys = "plan,device,due"),
    ROUTE("GET",
          VIEWER,
          "plan/budget",
          api_get_plan_budget,
          "PlanBudget",
          "what the coming visits cost and how long they take, by month and plan",
          .params = plan_sum_params),
    ROUTE("GET",
          VIEWER,
          "plan/parts",
          api_get_plan_parts,
          "PlanParts",
          "what is to be there for the coming visits, by day and team",
          .params = plan_sum_params),
    ROUTE("GET",
          VIEWER,
          "plan.ics",
          api_get_plan_calendar,
          "text/calendar",
          "the coming visits for a calendar (RFC 5545)",
          .params = plan_sum_params),
    ROUTE("GET",
          ENGINEER,
          "wire",
          api_get_wire,
          "WireAnswer",
          "what passes on a bus",
          .params = wire_params),
    ROUTE("GET",
          VIEWER,
          "stream",
          api_get_stream,
          "text/event-stream",
          "events as they happen",
          .params = stream_params),
    ROUTE("POST",
          TECHNICIAN,
          "commands",
          api_post_command,
          "CommandAnswer",
          "what people do",
          .body = "Command"),
    ROUTE("POST",
          ENGINEER,
          "read",
          api_post_read,
          "ReadAnswer",
          "one request to a device, between the daemon's own",
          .body = "Read",
          SLOW),
    ROUTE("GET", NONE, "session", api_people, "Session", "who asks", .params = NULL),
    ROUTE("POST",
          NONE,
          "session",
          api_people,
          "Session",
          "log in",
          .body = "LogIn",
          PASSWORD),
    ROUTE("DELETE", NONE, "session", api_people, "Done", "log out", .params = NULL),
    ROUTE("GET",
          ADMINISTRATOR,
          "users",
          api_people,
          "[User]",
          "users",
          .params = page_params,
          .page_keys = "id"),
    ROUTE("POST",
          ADMINISTRATOR,
          "users",
          api_people,
          "Done",
          "a new user",
          .body = "NewUser",
          PASSWORD),
    ROUTE("PATCH",
          VIEWER,
          "users/{user}",
          api_people,
          "Done",
          "changes a user; everybody may change his own language",
          .body = "UserChange"),
    ROUTE("DELETE",
          ADMINISTRATOR,
          "users/{user}",
          api_people,
          "Done",
          "removes a user",
          .params = NULL),
    ROUTE("POST",
          VIEWER,
          "users/{user}/password",
          api_people,
          "Done",
          "a new password: one's own, or as an administrator",
          .body = "NewPassword",
          PASSWORD),
    ROUTE("GET",
          VIEWER,
          "tokens",
          api_people,
          "[Token]",
          "tokens for scripts",
          .params = user_params,
          .page_keys = "number"),
    ROUTE("POST",
          VIEWER,
          "tokens",
          api_people,
          "NewToken",
          "a new token, shown once",
          .body = "TokenWish"),
    ROUTE("DELETE",
          VIEWER,
          "tokens/{token}",
          api_people,
          "Done",
          "revokes a token",
          .params = NULL),
};
const size_t api_route_count = ARRAY_LEN(api_routes);

/* "{device}" stands for one part that is not empty. */
static bool
fits(const char *pattern, const char *path)
{
    while (*pattern != '\0' && *path != '\0') {
        if (*pattern == '{') {
            size_t size = strcspn(path, "/");
            if (size == 0) {
                return false;
            }
            path += size;
            pattern += strcspn(pattern, "}") + 1;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == '\0' && *path == '\0';
}

const struct api_route *
api_route_find(const char *method, const char *path, bool *known)
{
    *known = false;
    for (size_t i = 0; i < api_route_count; i++) {
        if (fits(api_routes[i].path, path)) {
            *known = true;
            if (strcmp(api_routes[i].method, method) == 0) {
                return &api_routes[i];
            }
        }
    }
    return NULL;
}

void
api_route_methods(char out[WEB_ALLOW_BYTES], const char *path)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < api_route_count; i++) {
        if (fits(api_routes[i].path, path)) {
            const char *method = api_routes[i].method;
            int n = snprintf(out + used, WEB_ALLOW_BYTES - used, "%s%s",
                             used > 0 ? ", " : "",
                             strcmp(method, "GET") == 0 ? "GET, HEAD" : method);
            assert(n > 0);
            used += (size_t)n;
            assert(used < WEB_ALLOW_BYTES);
        }
    }
}
