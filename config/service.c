/* What the daemon offers: MQTT, history, the page, and how alarms and tickets behave.
 */
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "config/load.h"
#include "config/number.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/model/alarm.h"
#include "daemon/model/cause.h"
#include "daemon/model/ticket.h"

#define CURRENCY_ACCEPTED "three capital letters such as CNY or EUR are accepted"

static const struct field tickets_fields[] = {
    {FIELD("verify_for", FIELD_DURATION, struct site, verify_for_ms),
     BETWEEN(0, PROMISE_MS_MAX),
     ABOUT("How long the condition stays clear before a repair counts as verified."),
     PRESET("30m")},
    {FIELD("follow_up", FIELD_DURATION, struct site, follow_up_ms),
     BETWEEN(0, PROMISE_MS_MAX),
     ABOUT("How long after the repair a return of the fault reopens the ticket."),
     PRESET("7d")},
    {FIELD("visit_after", FIELD_DURATION, struct site, visit_after_ms),
     BETWEEN(0, PROMISE_MS_MAX),
     ABOUT("How long after it was closed a critical ticket is visited once more; 0s: "
           "never."),
     PRESET("3d")},
    {FIELD("causes", FIELD_STRINGS, struct site, causes),
     .count_offset = offsetof(struct site, cause_count),
     ABOUT("Closing codes beside those that every site has.")},
    {FIELD("currency", FIELD_STRING, struct site, currency), .max = 3,
     LIKE("^[A-Z]{3}$", CURRENCY_ACCEPTED), ABOUT("Of every cost; an ISO 4217 code."),
     PRESET("CNY")},
};
const struct shape tickets_shape = {SHAPE_OF_TABLE(tickets_fields)};

static void
check_currency(struct reader *r, const struct site *site, const struct loc *loc)
{
    static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (strlen(site->currency) != 3 || strspn(site->currency, capitals) != 3) {
        diags_add(r->diags, DIAG_ERROR, loc, "\"currency\" is \"%.60s\"; %s",
                  site->currency, tr(CURRENCY_ACCEPTED));
    }
}

/* A code is a word that figures are counted by. */
static void
check_causes(struct reader *r, const struct node *list, const struct site *site)
{
    const struct site none = {0};
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        if (!is_id(n->text) || strlen(n->text) >= CODE_BYTES) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "closing code \"%.60s\" is no word of small letters, digits and "
                      "hyphens, such as door-sill, of at most %d bytes",
                      n->text, CODE_BYTES - 1);
        } else if (cause_is_known(&none, n->text)) {
            diags_add(r->diags, DIAG_ERROR, &n->loc,
                      "closing code \"%s\" is one that every site has; leave it out",
                      n->text);
        }
    }
    for (uint32_t i = 0; i < site->cause_count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(site->causes[i], site->causes[k]) == 0) {
                diags_add(r->diags, DIAG_ERROR, &list->loc,
                          "closing code \"%.60s\" is there twice; once is enough",
                          site->causes[i]);
            }
        }
    }
}

void
tickets_read(struct reader *r, const struct sections *s, struct site *site)
{
    fields_preset(r, site, tickets_fields, ARRAY_LEN(tickets_fields));
    const struct node *n = s->once[SECTION_TICKETS];
    if (n == NULL || !fields_read(r, site, n, "tickets", tickets_fields,
                                  ARRAY_LEN(tickets_fields))) {
        return;
    }
    struct loc currency = loc_of(n, "currency");
    check_currency(r, site, &currency);
    if (site->cause_count > 0) {
        check_causes(r, node_get(n, "causes"), site);
    }
}

struct alarms_yaml {
    const struct node *chatter;
    int64_t episodes, window_ms;
};

static const struct field chatter_fields[] = {
    {FIELD("episodes", FIELD_INT, struct alarms_yaml, episodes), BETWEEN(2, RAISES_MAX),
     ABOUT("So many episodes within the window mark an alarm as chattering."),
     PRESET("5")},
    {FIELD("window", FIELD_DURATION, struct alarms_yaml, window_ms),
     BETWEEN(MS_SECOND, 31 * MS_DAY),
     ABOUT("The time in which the episodes are counted."), PRESET("10m")},
};
static const struct shape chatter_shape = {SHAPE_OF_TABLE(chatter_fields)};

static const struct field alarms_fields[] = {
    {FIELD("chatter", FIELD_NODE, struct alarms_yaml, chatter),
     ABOUT("When an alarm counts as chattering."), SHAPE(chatter_shape)}};
const struct shape alarms_shape = {SHAPE_OF_TABLE(alarms_fields)};

void
alarms_read(struct reader *r, const struct sections *s, struct site *site)
{
    struct alarms_yaml y = {0};
    fields_preset(r, &y, chatter_fields, ARRAY_LEN(chatter_fields));
    const struct node *n = s->once[SECTION_ALARMS];
    if (n != NULL) {
        (void)fields_read(r, &y, n, "alarms", alarms_fields, ARRAY_LEN(alarms_fields));
    }
    if (y.chatter != NULL) {
        (void)fields_read(r, &y, y.chatter, "chatter", chatter_fields,
                          ARRAY_LEN(chatter_fields));
    }
    site->chatter_episodes = (uint32_t)y.episodes;
    site->chatter_window_ms = y.window_ms;
}

struct history_yaml {
    struct history_spec spec;
    const struct node *max_size;
};

static const struct shape size_shape = {
    .kind = SHAPE_TEXT,
    .pattern = "^[0-9]+(\\.[0-9]*)? *(B|[KMGT]i?B)$",
    .accepted = "a size of 1MB or more such as 500MB or 8GB is accepted"};

static const struct field history_fields[] = {
    {FIELD("flush", FIELD_DURATION, struct history_yaml, spec.flush_ms),
     BETWEEN(100, MS_HOUR), ABOUT("Samples are on disk after this time at the latest."),
     PRESET("5s")},
    {FIELD("keep", FIELD_DURATION, struct history_yaml, spec.keep_ms),
     BETWEEN(MS_HOUR, 100 * MS_YEAR), ABOUT("How long every sample is kept."),
     PRESET("90d")},
    {FIELD("keep_1m", FIELD_DURATION, struct history_yaml, spec.keep_1m_ms),
     BETWEEN(MS_HOUR, 100 * MS_YEAR),
     ABOUT("How long the figures of each minute are kept."), PRESET("2y")},
    {FIELD("keep_1h", FIELD_DURATION, struct history_yaml, spec.keep_1h_ms),
     BETWEEN(MS_HOUR, 100 * MS_YEAR),
     ABOUT("How long the figures of each hour are kept."), PRESET("20y")},
    {FIELD("max_size", FIELD_NODE, struct history_yaml, max_size),
     ABOUT("The oldest samples go when the history grows beyond this size."),
     SHAPE(size_shape)},
};
const struct shape history_shape = {SHAPE_OF_TABLE(history_fields)};

/* Figures are read where samples are: they are kept as long at least.  Only what was
 * written is worth a word. */
static void
keep_at_least(struct reader *r,
              const struct node *history,
              const char *key,
              const char *finer,
              int64_t *ms,
              int64_t least_ms)
{
    char text[INSTANT_TEXT_BYTES];
    const struct node *n =
        history != NULL && history->kind == NODE_MAP ? node_get(history, key) : NULL;
    if (*ms >= least_ms) {
        return;
    }
    *ms = least_ms;
    if (n != NULL) {
        diags_add(r->diags, DIAG_WARNING, &n->loc,
                  "\"%s\" is shorter than \"%s\"; it is taken for %s", key, finer,
                  duration_write(text, least_ms));
    }
}

void
history_read(struct reader *r, const struct sections *s, struct site *site)
{
    struct history_yaml y = {0};
    fields_preset(r, &y, history_fields, ARRAY_LEN(history_fields));
    const struct node *n = s->once[SECTION_HISTORY];
    if (n != NULL) {
        (void)fields_read(r, &y, n, "history", history_fields,
                          ARRAY_LEN(history_fields));
    }
    const struct node *size = y.max_size;
    if (size != NULL && (size->kind != NODE_SCALAR ||
                         !number_parse_size(&y.spec.max_bytes, size->text) ||
                         y.spec.max_bytes < 1000000)) {
        diags_add(r->diags, DIAG_ERROR, &size->loc, "\"max_size\" is %s; %s",
                  size->kind == NODE_SCALAR && size->text[0] != 0
                      ? size->text
                      : node_kind_name(size),
                  tr(size_shape.accepted));
    }
    keep_at_least(r, n, "keep_1m", "keep", &y.spec.keep_1m_ms, y.spec.keep_ms);
    keep_at_least(r, n, "keep_1h", "keep_1m", &y.spec.keep_1h_ms, y.spec.keep_1m_ms);
    site->history = y.spec;
}

#define BROKER_ACCEPTED "mqtt://HOST:PORT or mqtts://HOST:PORT is accepted"
/* mqtt://HOST[:PORT] or mqtts://HOST[:PORT], with the port filled in. */
static const char *
read_broker(struct reader *r, const char *text, const struct loc *loc)
{
    bool tls = strncmp(text, "mqtts://", 8) == 0;
    const char *host = "";
    uint16_t port = tls ? 8883 : 1883; /* Registered with IANA. */
    bool given = false;
    if ((!tls && strncmp(text, "mqtt://", 7) != 0) ||
        !host_port_parse(r->arena, text + (tls ? 8 : 7), &host, &port, &given) ||
        port == 0) {
        diags_add(r->diags, DIAG_ERROR, loc,
                  "\"broker\" is \"%.100s\"; " BROKER_ACCEPTED, text);
        return text;
    }
    return arena_printf(r->arena,
                        strchr(host, ':') != NULL ? "%s://[%s]:%u" : "%s://%s:%u",
                        tls ? "mqtts" : "mqtt", host, port);
}

static const char *
read_file_name(struct reader *r, const struct node *n)
{
    const char *path = path_absolute_beside(r->arena, n->loc.file, n->text);
    if (access(path, R_OK) != 0) {
        diags_add(r->diags, DIAG_WARNING, &n->loc,
                  "\"%s\": %s cannot be read now; the daemon needs it to connect",
                  n->key, path);
    }
    return path;
}

#define PREFIX_ACCEPTED                                                                \
    "a topic such as caretaker or north/plant, without + # and without / at its "      \
    "ends, "                                                                           \
    "is accepted"

static const struct field mqtt_fields[] = {
    {FIELD("broker", FIELD_STRING, struct mqtt_spec, broker), REQUIRED,
     LIKE("^mqtts?://" PATTERN_HOST "(:[0-9]+)?$", BROKER_ACCEPTED),
     ABOUT("mqtt://HOST[:PORT] or, with TLS, mqtts://HOST[:PORT].")},
    {FIELD("username", FIELD_STRING, struct mqtt_spec, username),
     ABOUT("The name that the broker knows us by.")},
    {FIELD("password_file", FIELD_STRING, struct mqtt_spec, password_file),
     ABOUT("A file that holds the password; relative to this file.")},
    {FIELD("ca_file", FIELD_STRING, struct mqtt_spec, ca_file),
     ABOUT("Certificates that the broker's is checked against; without it those of the "
           "system.")},
    {FIELD("prefix", FIELD_STRING, struct mqtt_spec, prefix), .max = 100,
     LIKE("^[^+# /$]([^+# ]*[^+# /])?$", PREFIX_ACCEPTED),
     ABOUT("What every topic begins with."), PRESET("caretaker")},
    {FIELD("commands", FIELD_BOOL, struct mqtt_spec, commands),
     ABOUT("Whether commands are taken from the topic .../cmd."), PRESET("false")},
};
const struct shape mqtt_shape = {SHAPE_OF_TABLE(mqtt_fields)};

void
mqtt_read(struct reader *r, const struct sections *s, struct site *site)
{
    struct mqtt_spec *m = &site->mqtt;
    const struct node *n = s->once[SECTION_MQTT];
    fields_preset(r, m, mqtt_fields, ARRAY_LEN(mqtt_fields));
    if (n == NULL) {
        return;
    }
    m->enabled = true;
    if (!fields_read(r, m, n, "mqtt", mqtt_fields, ARRAY_LEN(mqtt_fields))) {
        return;
    }
    struct loc broker = loc_of(n, "broker");
    struct loc prefix = loc_of(n, "prefix");
    m->broker = read_broker(r, m->broker, &broker);
    size_t size = strlen(m->prefix);
    if (strpbrk(m->prefix, "+# ") != NULL || m->prefix[0] == '/' ||
        m->prefix[0] == '$' || m->prefix[size - 1] == '/') {
        diags_add(r->diags, DIAG_ERROR, &prefix,
                  "\"prefix\" is \"%s\"; " PREFIX_ACCEPTED, m->prefix);
    }
    if (m->password_file != NULL) {
        m->password_file = read_file_name(r, node_get(n, "password_file"));
    }
    if (m->ca_file != NULL) {
        m->ca_file = read_file_name(r, node_get(n, "ca_file"));
    }
    if (m->password_file != NULL && m->username == NULL) {
        struct loc loc = loc_of(n, "password_file");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"password_file\" without \"username\"; add username: NAME");
    }
}

#define LISTEN_ACCEPTED "ADDRESS:PORT such as \"127.0.0.1:8080\" is accepted"

static const struct field web_fields[] = {
    {FIELD("listen", FIELD_STRING, struct web_spec, listen), REQUIRED,
     LIKE("^" PATTERN_HOST ":[0-9]+$", LISTEN_ACCEPTED),
     ABOUT("ADDRESS:PORT that the page is served on.")},
    {FIELD("cert_file", FIELD_STRING, struct web_spec, cert_file),
     ABOUT("The certificate for TLS with its chain, as PEM; relative to this file.")},
    {FIELD("key_file", FIELD_STRING, struct web_spec, key_file),
     ABOUT("The key of the certificate, as PEM; relative to this file.")},
    {FIELD("names", FIELD_STRINGS, struct web_spec, names),
     .count_offset = offsetof(struct web_spec, name_count),
     ABOUT("Names by which browsers reach the page, beside addresses and the machine's "
           "own name.")},
    {FIELD("proxies", FIELD_STRINGS, struct web_spec, proxies),
     .count_offset = offsetof(struct web_spec, proxy_count),
     ABOUT("Addresses of reverse proxies, which say in X-Forwarded-For who asks.")},
};
const struct shape web_shape = {SHAPE_OF_TABLE(web_fields)};

/* One without the other is no TLS, which nobody would notice. */
static void
read_certificate(struct reader *r, const struct node *n, struct web_spec *w)
{
    bool cert = w->cert_file != NULL;
    if (cert != (w->key_file != NULL)) {
        struct loc loc = loc_of(n, cert ? "cert_file" : "key_file");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  cert ? "\"cert_file\" without \"key_file\"; TLS takes both"
                       : "\"key_file\" without \"cert_file\"; TLS takes both");
    } else if (cert) {
        w->cert_file = read_file_name(r, node_get(n, "cert_file"));
        w->key_file = read_file_name(r, node_get(n, "key_file"));
    }
}

/* A proxy that is not recognised is one address for everybody behind it. */
static void
check_proxies(struct reader *r, const struct node *n, const struct web_spec *w)
{
    struct in6_addr a;
    for (uint32_t i = 0; i < w->proxy_count; i++) {
        if (inet_pton(AF_INET, w->proxies[i], &a) != 1 &&
            inet_pton(AF_INET6, w->proxies[i], &a) != 1) {
            struct loc loc = loc_of(n, "proxies");
            diags_add(r->diags, DIAG_ERROR, &loc,
                      "\"%.80s\" is no address of a proxy; one such as 127.0.0.1 or "
                      "::1 is accepted",
                      w->proxies[i]);
        }
    }
}

/* Passwords and sessions would be read on the way. */
static void
check_in_the_clear(struct reader *r,
                   const struct node *n,
                   const struct web_spec *w,
                   const char *host)
{
    bool here = strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 ||
                strcmp(host, "::1") == 0;
    if (!here && w->cert_file == NULL && w->proxy_count == 0) {
        struct loc loc = loc_of(n, "listen");
        diags_add(r->diags, DIAG_WARNING, &loc,
                  "others reach \"listen\", and passwords go to it in the clear; give "
                  "it cert_file and key_file, or a proxy that has them (proxies)");
    }
}

void
web_read(struct reader *r, const struct sections *s, struct site *site)
{
    struct web_spec *w = &site->web;
    const struct node *n = s->once[SECTION_WEB];
    const char *host = NULL;
    uint16_t port = 0;
    bool given = false;
    if (n == NULL || !fields_read(r, w, n, "web", web_fields, ARRAY_LEN(web_fields))) {
        return;
    }
    if (!host_port_parse(r->arena, w->listen, &host, &port, &given) || !given) {
        struct loc loc = loc_of(n, "listen");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"listen\" is \"%.80s\"; " LISTEN_ACCEPTED, w->listen);
        host = NULL;
    }
    read_certificate(r, n, w);
    check_proxies(r, n, w);
    if (host != NULL) {
        check_in_the_clear(r, n, w, host);
    }
}
