/* What the paths of the API take in their queries. */
#include "daemon/pipeline/api/route_params.h"

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

const struct api_param api_device_params[] = {
    ANY("device"),
    ANY("type"),
    {PARAM_CHOICE, "state", "only in this state", "online|offline|unknown", 0, 0},
    {PARAM_FLAG, "points", "with present values", NULL, 0, 0},
    {PARAM_FLAG, "causes", "with what went wrong on the wire", NULL, 0, 0},
    {PARAM_FLAG, "details", "with its place, and what feeds it", NULL, 0, 0},
    PAGED,
    END};
const struct api_param api_life_params[] = {
    {PARAM_TEXT, "limit", "the newest so many entries of each kind, or all", NULL, 0,
     0},
    END};
const struct api_param api_alarm_params[] = {
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
const struct api_param api_explain_params[] = {
    {PARAM_TEXT, "rule", "id of the rule", NULL, 0, 0},
    {PARAM_TEXT, "device", "id of the device", NULL, 0, 0},
    END};
const struct api_param api_ledger_params[] = {ANY("device"), ANY("type"), ANY("area"),
                                              ANY("keeper"), PAGED,       END};
const struct api_param api_ticket_params[] = {
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
const struct api_param api_pack_params[] = {
    {PARAM_NUMBER, "window", "which stretch of time the chart shows", NULL, 1, 1000},
    OF_PAGE,
    END};
const struct api_param api_pack_page_params[] = {OF_PAGE, END};
const struct api_param api_photo_params[] = {
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
const struct api_param api_plan_params[] = {PLAN_PARAMS, PAGED, END};
const struct api_param api_plan_sum_params[] = {PLAN_PARAMS, END};
const struct api_param api_wire_params[] = {
    {PARAM_TEXT, "bus", "id of the bus", NULL, 0, 0},
    {PARAM_TEXT, "cursor", "0, or what the last answer said", NULL, 0, 0},
    END};
const struct api_param api_stream_params[] = {
    {PARAM_TEXT, "after", "go on behind this event, as Last-Event-ID does", NULL, 0, 0},
    END};
const struct api_param api_page_params[] = {PAGED, END};
const struct api_param api_user_params[] = {ANY("user"), PAGED, END};
#define FROM                                                                           \
    {                                                                                  \
        PARAM_TEXT, "from", "instant: RFC 3339, ms since 1970, or an age: -1h", NULL,  \
            0, 0                                                                       \
    }
#define TO                                                                             \
    {                                                                                  \
        PARAM_TEXT, "to", "as from; now unless it is given", NULL, 0, 0                \
    }
const struct api_param api_series_params[] = {
    {PARAM_TEXT, "points", "their ids, by commas; all unless given", NULL, 0, 0},
    FROM,
    TO,
    {PARAM_NUMBER, "width", "as many values as a picture is wide", NULL, 1, 4000},
    END};
const struct api_param api_range_params[] = {FROM, TO, END};
const struct api_param api_event_params[] = {
    ANY("device"),
    ANY("rule"),
    {PARAM_NUMBER, "ticket", "only of this ticket", NULL, 1, INT64_MAX},
    {PARAM_TEXT, "event", "only of this kind: alarm, or alarm.raised", NULL, 0, 0},
    {PARAM_NUMBER, "after", "only behind the event of this number", NULL, 0, INT64_MAX},
    {PARAM_NUMBER, "before", "only before it", NULL, 0, INT64_MAX},
    {PARAM_NUMBER, "limit", "so many at most; 100 unless given", NULL, 1, 1000},
    END};
const struct api_param api_calendar_params[] = {
    {PARAM_TEXT, "from", "date; today unless given", NULL, 0, 0},
    {PARAM_TEXT, "to", "date; four weeks on unless given", NULL, 0, 0},
    END};
const struct api_param api_duty_params[] = {
    {PARAM_TEXT, "at", "instant", NULL, 0, 0},
    {PARAM_NUMBER, "days", "so many days from then", NULL, 0, 366},
    END};
const struct api_param api_report_params[] = {
    {PARAM_TEXT, "from", "instant: RFC 3339, or an age: -30d", NULL, 0, 0},
    TO,
    {PARAM_TEXT, "compare", "T..T: beside this time", NULL, 0, 0},
    ANY("type"),
    ANY("area"),
    ANY("device"),
    OF_PAGE,
    END};
const struct api_param api_alarm_report_params[] = {
    FROM,
    TO,
    {PARAM_NUMBER, "operators", "who share the alarms", NULL, 1, 1000},
    {PARAM_NUMBER, "top", "so many of the most frequent", NULL, 1, 1000},
    {PARAM_FLAG, "advice", "what other numbers would have done; takes a while", NULL, 0,
     0},
    END};

const struct api_param api_rule_params[] = {ANY("device"), END};
const struct api_param api_sample_params[] = {
    ANY("device"),
    ANY("point"),
    FROM,
    TO,
    {PARAM_TEXT, "every", "minutes or hours instead: 1m, 1h", NULL, 0, 0},
    {PARAM_CHOICE, "format", "csv unless given", "csv|jsonl", 0, 0},
    {PARAM_FLAG, "detail", "with why a sample is not good", NULL, 0, 0},
    {PARAM_FLAG, "clock", "with what is known of the clock", NULL, 0, 0},
    END};

const struct api_param api_head_params[] = {
    {PARAM_TEXT, "head", "SEQ:HASH that was kept elsewhere", NULL, 0, 0}, END};
const struct api_param api_explain_past_params[] = {
    {PARAM_TEXT, "rule", "id of the rule", NULL, 0, 0},
    {PARAM_TEXT, "device", "id of the device", NULL, 0, 0},
    {PARAM_TEXT, "at", "instant: RFC 3339, or an age: -1h", NULL, 0, 0},
    END};
const struct api_param api_replay_params[] = {ANY("device"), FROM, TO, END};
const struct api_param api_replay_log_params[] = {
    {PARAM_TEXT, "until", "instant; the last row's unless given", NULL, 0, 0},
    {PARAM_TEXT, "stale_after", "a time: 5m; the site's unless given", NULL, 0, 0},
    END};
const struct api_param api_import_params[] = {
    {PARAM_FLAG, "strict", "the first bad row ends it", NULL, 0, 0}, END};
