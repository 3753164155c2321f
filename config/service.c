/* What the daemon offers: MQTT, history, the page, and how alarms and tickets behave.
 */
#include <string.h>
#include <unistd.h>

#include "config/load.h"
#include "config/number.h"

void
tickets_read(struct reader *r, const struct sections *s, struct site *site)
{
    static const struct field fields[] = {
        FIELD("verify_for", FIELD_DURATION, struct site, verify_for_ms,
              BETWEEN(0, PROMISE_MS_MAX)),
        FIELD("follow_up", FIELD_DURATION, struct site, follow_up_ms,
              BETWEEN(0, PROMISE_MS_MAX)),
    };
    site->verify_for_ms = 30 * MS_MINUTE;
    site->follow_up_ms = 7 * MS_DAY;
    if (s->once[SECTION_TICKETS] != NULL) {
        (void)fields_read(r, site, s->once[SECTION_TICKETS], "tickets", fields,
                          ARRAY_LEN(fields));
    }
}

void
alarms_read(struct reader *r, const struct sections *s, struct site *site)
{
    struct alarms_yaml {
        const struct node *chatter;
        int64_t episodes, window_ms;
    } y = {NULL, 5, 10 * MS_MINUTE};
    static const struct field fields[] = {
        FIELD("chatter", FIELD_NODE, struct alarms_yaml, chatter, OPTIONAL)};
    static const struct field chatter_fields[] = {
        FIELD("episodes", FIELD_INT, struct alarms_yaml, episodes, BETWEEN(2, 10000)),
        FIELD("window", FIELD_DURATION, struct alarms_yaml, window_ms,
              BETWEEN(MS_SECOND, 31 * MS_DAY)),
    };
    const struct node *n = s->once[SECTION_ALARMS];
    if (n != NULL) {
        (void)fields_read(r, &y, n, "alarms", fields, ARRAY_LEN(fields));
    }
    if (y.chatter != NULL) {
        (void)fields_read(r, &y, y.chatter, "chatter", chatter_fields,
                          ARRAY_LEN(chatter_fields));
    }
    site->chatter_episodes = (uint32_t)y.episodes;
    site->chatter_window_ms = y.window_ms;
}

void
history_read(struct reader *r, const struct sections *s, struct site *site)
{
    struct history_yaml {
        struct history_spec spec;
        const struct node *max_size;
    } y = {{5 * MS_SECOND, 90 * MS_DAY, 2 * MS_YEAR, 20 * MS_YEAR, 0}, NULL};
    static const struct field fields[] = {
        FIELD("flush", FIELD_DURATION, struct history_yaml, spec.flush_ms,
              BETWEEN(100, MS_HOUR)),
        FIELD("keep", FIELD_DURATION, struct history_yaml, spec.keep_ms,
              BETWEEN(MS_HOUR, 100 * MS_YEAR)),
        FIELD("keep_1m", FIELD_DURATION, struct history_yaml, spec.keep_1m_ms,
              BETWEEN(MS_HOUR, 100 * MS_YEAR)),
        FIELD("keep_1h", FIELD_DURATION, struct history_yaml, spec.keep_1h_ms,
              BETWEEN(MS_HOUR, 100 * MS_YEAR)),
        FIELD("max_size", FIELD_NODE, struct history_yaml, max_size, OPTIONAL),
    };
    const struct node *n = s->once[SECTION_HISTORY];
    if (n != NULL) {
        (void)fields_read(r, &y, n, "history", fields, ARRAY_LEN(fields));
    }
    const struct node *size = y.max_size;
    if (size != NULL && (size->kind != NODE_SCALAR ||
                         !number_parse_size(&y.spec.max_bytes, size->text) ||
                         y.spec.max_bytes < 1000000)) {
        diags_add(r->diags, DIAG_ERROR, &size->loc,
                  "\"max_size\" is %s; a size of 1MB or more such as 500MB or 8GB is "
                  "accepted",
                  size->kind == NODE_SCALAR && size->text[0] != 0
                      ? size->text
                      : node_kind_name(size));
    }
    site->history = y.spec;
}

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
                  "\"broker\" is \"%.100s\"; mqtt://HOST:PORT or mqtts://HOST:PORT is "
                  "accepted",
                  text);
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

void
mqtt_read(struct reader *r, const struct sections *s, struct site *site)
{
    static const struct field fields[] = {
        FIELD("broker", FIELD_STRING, struct mqtt_spec, broker, REQUIRED),
        FIELD("username", FIELD_STRING, struct mqtt_spec, username, OPTIONAL),
        FIELD("password_file", FIELD_STRING, struct mqtt_spec, password_file, OPTIONAL),
        FIELD("ca_file", FIELD_STRING, struct mqtt_spec, ca_file, OPTIONAL),
        FIELD("prefix", FIELD_STRING, struct mqtt_spec, prefix, .max = 100),
        FIELD("commands", FIELD_BOOL, struct mqtt_spec, commands, OPTIONAL),
    };
    struct mqtt_spec *m = &site->mqtt;
    const struct node *n = s->once[SECTION_MQTT];
    m->prefix = "caretaker";
    if (n == NULL) {
        return;
    }
    m->enabled = true;
    if (!fields_read(r, m, n, "mqtt", fields, ARRAY_LEN(fields))) {
        return;
    }
    struct loc broker = loc_of(n, "broker");
    struct loc prefix = loc_of(n, "prefix");
    m->broker = read_broker(r, m->broker, &broker);
    size_t size = strlen(m->prefix);
    if (strpbrk(m->prefix, "+# ") != NULL || m->prefix[0] == '/' ||
        m->prefix[0] == '$' || m->prefix[size - 1] == '/') {
        diags_add(
            r->diags, DIAG_ERROR, &prefix,
            "\"prefix\" is \"%s\"; a topic such as caretaker or north/plant, without "
            "+ # and without / at its ends, is accepted",
            m->prefix);
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

void
web_read(struct reader *r, const struct sections *s, struct site *site)
{
    static const struct field fields[] = {
        FIELD("listen", FIELD_STRING, struct site, web_listen, REQUIRED)};
    const struct node *n = s->once[SECTION_WEB];
    const char *host = NULL;
    uint16_t port = 0;
    bool given = false;
    if (n == NULL || !fields_read(r, site, n, "web", fields, ARRAY_LEN(fields))) {
        return;
    }
    if (!host_port_parse(r->arena, site->web_listen, &host, &port, &given) || !given) {
        struct loc loc = loc_of(n, "listen");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"listen\" is \"%.80s\"; ADDRESS:PORT such as \"127.0.0.1:8080\" is "
                  "accepted",
                  site->web_listen);
    }
}
