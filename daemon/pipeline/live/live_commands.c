/* What people ask for, by the API or by MQTT, at the head of the one road. */
#include <jansson.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/commands/command_json.h"
#include "daemon/pipeline/commands/ledger_json.h"
#include "daemon/pipeline/commands/work_json.h"
#include "daemon/pipeline/listings/explain_json.h"
#include "daemon/pipeline/live/live_inside.h"

/* Does what a person asked for, stores it, and says so in the log; a refusal as it was
 * worded for whoever asked, in the language that is `heard`. */
static int
obey(struct live *l,
     const struct command *asked,
     const char *peer,
     int heard,
     int64_t *ticket,
     struct err *err)
{
    struct command c = *asked;
    if (command_is_of_people(c.kind)) {
        return err_set(err, ERR_REFUSED, "users and tokens are a matter of the API");
    }
    c.t_ms = engine_clock_now(&l->clock.engine);
    /* What is due by now is nobody's doing. */
    pipeline_advance(l->pipeline, c.t_ms);
    changes_set_peer(l->changes, peer);
    int spoken = catalogue_hear(heard);
    int code = pipeline_command(l->pipeline, &c, ticket, err);
    (void)catalogue_hear(spoken);
    live_store_step(l);
    changes_set_peer(l->changes, NULL);
    log_info("%s by %s (%s)%s%s", command_kind_name(c.kind), c.by,
             peer != NULL ? peer : "unknown peer", code != 0 ? ": " : "",
             code != 0 ? err->text : "");
    if (code == 0 && l->disk_failing) {
        spoken = catalogue_hear(heard);
        code = err_set(err, ERR_FULL,
                       "done, but the disk refuses it: it is kept in memory and stored "
                       "as soon as the disk can be written");
        (void)catalogue_hear(spoken);
    }
    return code;
}

/* As of the engine's last step: to go on from there for the sake of a question could
 * judge before samples that are under way. */
static int
explain(struct live *l, struct request *r)
{
    const struct explain_origin origin = {.source = "daemon", .from_ms = INSTANT_NONE};
    uint32_t rule;
    uint32_t device;
    int spoken = catalogue_hear(r->heard);
    int code = explain_find(l->site, r->rule, r->device, &rule, &device, &r->err);
    if (code == 0) {
        code = explain_json(r->answer, l->pipeline, l->site, rule, device,
                            engine_clock_now(&l->clock.engine), &origin, &r->err);
    }
    (void)catalogue_hear(spoken);
    return code;
}

/* Decides on what is stored, so that what the disk refuses was not done. */
static int
serve_people(struct live *l, struct request *r)
{
    const struct people_work *w = r->people;
    live_store_step(l);
    int spoken = catalogue_hear(r->heard);
    int code = people_do(l->store, l->site, r->people,
                         engine_clock_now(&l->clock.engine), &r->err);
    (void)catalogue_hear(spoken);
    if (code == 0 && l->publisher != NULL) {
        publisher_wake(l->publisher);
    }
    if (w->act == PEOPLE_COMMAND) {
        log_info("%s by %s (%s)%s%s", command_kind_name(w->command->kind),
                 w->command->by, w->peer != NULL ? w->peer : "unknown peer",
                 code != 0 ? ": " : "", code != 0 ? r->err.text : "");
    }
    return code;
}

int
live_ask_people(void *live, struct people_work *w, struct err *err)
{
    struct live *l = live;
    struct request r = {.kind = REQUEST_PEOPLE, .people = w};
    int code = request_ask(&l->requests, &r);
    if (code != 0) {
        *err = r.err;
    }
    return code;
}

static void
answer(struct live *l, struct request *r)
{
    switch (r->kind) {
    case REQUEST_COMMAND:
        r->code = obey(l, r->command, r->peer, r->heard, &r->ticket, &r->err);
        break;
    case REQUEST_DEVICES:
        live_devices_json(l, r->filter, r->parts, r->answer);
        r->code = 0;
        break;
    case REQUEST_EXPLAIN:
        r->code = explain(l, r);
        break;
    case REQUEST_STATUS:
        live_status_json(l, r->answer);
        r->code = 0;
        break;
    case REQUEST_PEOPLE:
        r->code = serve_people(l, r);
        break;
    }
}

/* One command from the MQTT command topic; nobody waits for an answer. */
static void
obey_mqtt(struct live *l, const char *text)
{
    struct err err = {0};
    struct command c = {0};
    struct ticket_part parts[TICKET_PARTS_MAX];
    json_error_t where;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(root)) {
        log_warning("mqtt command: no JSON object: %s", where.text);
    } else if (command_from_json(&c, root, &err) != 0 ||
               work_from_json(&c, parts, root, &err) != 0 ||
               ledger_from_json(&c, root, &err) != 0) {
        log_warning("mqtt command: %s", err.text);
    } else if (obey(l, &c, "mqtt", CATALOGUE_SPOKEN, NULL, &err) == ERR_REFUSED &&
               command_is_of_people(c.kind)) {
        log_warning("mqtt command: %s", err.text);
    }
    ledger_json_fini(&c);
    json_decref(root);
}

int
live_on_mqtt_commands(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    (void)source;
    (void)fd;
    (void)events;
    struct live *l = ctx;
    char text[PUBLISH_COMMAND_BYTES];
    live_drain(l);
    while (ring_pop(l->commands, text, sizeof text) > 0) {
        obey_mqtt(l, text);
    }
    live_store_step(l);
    live_arm(l);
    return 0;
}

int
live_on_requests(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    (void)source;
    (void)fd;
    (void)events;
    struct live *l = ctx;
    struct request *r = request_take(&l->requests);
    if (r != NULL) {
        live_drain(l);
    }
    while (r != NULL) {
        struct request *next = r->next; /* It is gone once answered. */
        answer(l, r);
        request_answer(&l->requests, r);
        r = next;
    }
    live_store_step(l);
    live_arm(l);
    return 0;
}
