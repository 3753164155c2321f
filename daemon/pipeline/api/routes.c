/* Every path of the API: who may use it, what it takes and what it answers. */
#include <string.h>

#include "daemon/pipeline/api/api.h"

#define V1 "/api/v1/"
#define END                                                                            \
    {                                                                                  \
        0                                                                              \
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
    END};
static const struct api_param explain_params[] = {
    {PARAM_TEXT, "rule", "id of the rule", NULL, 0, 0},
    {PARAM_TEXT, "device", "id of the device", NULL, 0, 0},
    END};
static const struct api_param ledger_params[] = {ANY("device"), ANY("type"),
                                                 ANY("area"), ANY("keeper"), END};
static const struct api_param ticket_params[] = {
    ANY("device"),
    {PARAM_CHOICE, "state", "only in this state",
     "opened|assigned|responded|waiting|resolved|closed", 0, 0},
    ANY("assignee"),
    ANY("team"),
    {PARAM_CHOICE, "order", "queue unless closed ones are listed", "queue|number", 0,
     0},
    {PARAM_FLAG, "all", "closed ones too", NULL, 0, 0},
    {PARAM_FLAG, "overdue", "only with a deadline that was missed", NULL, 0, 0},
    {PARAM_NUMBER, "limit", "so many at most", NULL, 1, 1000000},
    END};
static const struct api_param pack_params[] = {
    {PARAM_NUMBER, "window", "which stretch of time the chart shows", NULL, 1, 1000},
    END};
static const struct api_param plan_params[] = {
    ANY("team"),
    ANY("device"),
    ANY("plan"),
    {PARAM_TEXT, "from", "instant", NULL, 0, 0},
    {PARAM_TEXT, "to", "instant", NULL, 0, 0},
    {PARAM_TEXT, "language", "of the titles", NULL, 0, 0},
    END};
static const struct api_param wire_params[] = {
    {PARAM_TEXT, "bus", "id of the bus", NULL, 0, 0},
    {PARAM_TEXT, "cursor", "0, or what the last answer said", NULL, 0, 0},
    END};
static const struct api_param stream_params[] = {
    {PARAM_TEXT, "after", "go on behind this event, as Last-Event-ID does", NULL, 0, 0},
    END};
static const struct api_param user_params[] = {ANY("user"), END};

const struct api_route api_routes[] = {
    {"GET",
     V1 "openapi.json",
     ROLE_NONE,
     api_get_description,
     "this description",
     "application/json",
     NULL,
     NULL,
     {0}},
    {"GET",
     V1 "status",
     ROLE_VIEWER,
     api_get_status,
     "how the daemon is",
     "Status",
     NULL,
     NULL,
     {0}},
    {"GET",
     V1 "devices",
     ROLE_VIEWER,
     api_get_devices,
     "devices, with present values where they are asked for",
     "[Device]",
     NULL,
     device_params,
     {0}},
    {"GET",
     V1 "devices/{device}",
     ROLE_VIEWER,
     api_get_life,
     "the whole life of a device",
     "DeviceLife",
     NULL,
     life_params,
     {0}},
    {"GET",
     V1 "ledger",
     ROLE_VIEWER,
     api_get_ledger,
     "what is known of the equipment",
     "[LedgerRow]",
     NULL,
     ledger_params,
     {0}},
    {"GET",
     V1 "alarms",
     ROLE_VIEWER,
     api_get_alarms,
     "what is not normal",
     "[Alarm]",
     NULL,
     alarm_params,
     {0}},
    {"GET",
     V1 "explain",
     ROLE_VIEWER,
     api_get_explain,
     "why a rule did, or did not, fire",
     "Explanation",
     NULL,
     explain_params,
     {0}},
    {"GET",
     V1 "service",
     ROLE_VIEWER,
     api_get_service,
     "devices out of service",
     "[Service]",
     NULL,
     NULL,
     {0}},
    {"GET",
     V1 "tickets",
     ROLE_VIEWER,
     api_get_tickets,
     "tickets",
     "[Ticket]",
     NULL,
     ticket_params,
     {0}},
    {"GET",
     V1 "tickets/{ticket}",
     ROLE_VIEWER,
     api_get_ticket,
     "a ticket with its evidence",
     "TicketPack",
     NULL,
     NULL,
     {.slow = true}},
    {"GET",
     V1 "tickets/{ticket}/chart.svg",
     ROLE_VIEWER,
     api_get_ticket,
     "the values around its opening",
     "image/svg+xml",
     NULL,
     pack_params,
     {.slow = true}},
    {"GET",
     V1 "tickets/{ticket}/evidence.html",
     ROLE_VIEWER,
     api_get_ticket,
     "the same as a page to print",
     "text/html",
     NULL,
     NULL,
     {.slow = true}},
    {"GET",
     V1 "plan",
     ROLE_VIEWER,
     api_get_plan,
     "the coming visits",
     "[Visit]",
     NULL,
     plan_params,
     {0}},
    {"GET",
     V1 "wire",
     ROLE_ENGINEER,
     api_get_wire,
     "what passes on a bus",
     "Wire",
     NULL,
     wire_params,
     {0}},
    {"GET",
     V1 "stream",
     ROLE_VIEWER,
     api_get_stream,
     "events as they happen",
     "text/event-stream",
     NULL,
     stream_params,
     {0}},
    {"POST",
     V1 "commands",
     ROLE_TECHNICIAN,
     api_post_command,
     "what people do",
     "Done",
     "Command",
     NULL,
     {0}},
    {"POST",
     V1 "read",
     ROLE_ENGINEER,
     api_post_read,
     "one request to a device, between the daemon's own",
     "Registers",
     "Read",
     NULL,
     {.slow = true}},
    {"GET",
     V1 "session",
     ROLE_NONE,
     api_people,
     "who asks",
     "Session",
     NULL,
     NULL,
     {0}},
    {"POST",
     V1 "session",
     ROLE_NONE,
     api_people,
     "log in",
     "Session",
     "LogIn",
     NULL,
     {.slow = true}},
    {"DELETE", V1 "session", ROLE_NONE, api_people, "log out", "Done", NULL, NULL, {0}},
    {"GET",
     V1 "users",
     ROLE_ADMINISTRATOR,
     api_people,
     "users",
     "[User]",
     NULL,
     NULL,
     {0}},
    {"POST",
     V1 "users",
     ROLE_ADMINISTRATOR,
     api_people,
     "a new user",
     "Done",
     "NewUser",
     NULL,
     {.slow = true}},
    {"PATCH",
     V1 "users/{user}",
     ROLE_VIEWER,
     api_people,
     "changes a user; everybody may change his own language",
     "Done",
     "UserChange",
     NULL,
     {0}},
    {"DELETE",
     V1 "users/{user}",
     ROLE_ADMINISTRATOR,
     api_people,
     "removes a user",
     "Done",
     NULL,
     NULL,
     {0}},
    {"POST",
     V1 "users/{user}/password",
     ROLE_VIEWER,
     api_people,
     "a new password: one's own, or as an administrator",
     "Done",
     "NewPassword",
     NULL,
     {.slow = true}},
    {"GET",
     V1 "tokens",
     ROLE_VIEWER,
     api_people,
     "tokens for scripts",
     "[Token]",
     NULL,
     user_params,
     {0}},
    {"POST",
     V1 "tokens",
     ROLE_VIEWER,
     api_people,
     "a new token, shown once",
     "NewToken",
     "TokenWish",
     NULL,
     {0}},
    {"DELETE",
     V1 "tokens/{token}",
     ROLE_VIEWER,
     api_people,
     "revokes a token",
     "Done",
     NULL,
     NULL,
     {0}},
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
