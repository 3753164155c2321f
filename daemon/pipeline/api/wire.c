/* What passes on the wires.
 *
 * GET /api/v1/wire ?bus= ?cursor=: what was sent and received on a bus since the last
 * request, for `caretaker sniff` and `record`.  Keeping begins with the first request
 * and ends some seconds after the last one.
 *
 * POST /api/v1/read: one request between the daemon's own. */
#include <jansson.h>
#include <stdlib.h>

#include "daemon/pipeline/api/api.h"
#include "daemon/pipeline/commands/command_json.h"

#define RECORDS_MAX 256 /* An answer; at most 200 KiB of JSON. */

static void
add_record(struct strbuf *body, const struct wire_record *r, bool first)
{
    strbuf_add(body, first ? "{" : ",{");
    strbuf_json_int(body, "t_us", r->t_us);
    strbuf_json_bool(body, "sent", r->sent);
    strbuf_json_key(body, "bytes");
    strbuf_add_char(body, '"');
    for (unsigned i = 0; i < r->size; i++) {
        strbuf_printf(body, "%02X", r->bytes[i]);
    }
    strbuf_add(body, "\"}");
}

static int
parse_cursor(uint64_t *out, const char *text, struct err *err)
{
    char *end = NULL;
    *out = 0;
    if (text == NULL) {
        return 0;
    }
    *out = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0') {
        return err_set(err, ERR_RANGE,
                       "\"cursor\" must be 0 or what the last answer said");
    }
    return 0;
}

static int
fetch(struct live *l,
      const char *bus_id,
      uint64_t *cursor,
      struct wire_record *records,
      size_t *count,
      struct err *err)
{
    uint32_t bus = bus_id != NULL ? site_bus(l->site, bus_id) : NONE_INDEX;
    if (bus == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no bus \"%s\"",
                       bus_id != NULL ? bus_id : "");
    }
    if (l->collectors == NULL) {
        return err_set(err, ERR_IO, "the daemon is stopping");
    }
    *count = collectors_wire(l->collectors, bus, cursor, records, RECORDS_MAX);
    return 0;
}

static int
wire_json(struct live *l,
          const char *bus,
          const char *since,
          struct strbuf *body,
          struct err *err)
{
    struct wire_record *records = calloc(RECORDS_MAX, sizeof *records);
    uint64_t cursor = 0;
    size_t count = 0;
    if (records == NULL) {
        return err_set(err, ERR_NOMEM, "wire");
    }
    int code = parse_cursor(&cursor, since, err);
    uint64_t before = cursor;
    if (code == 0) {
        /* The site and its collectors must not be exchanged meanwhile. */
        pthread_rwlock_rdlock(&l->site_lock);
        code = fetch(l, bus, &cursor, records, &count, err);
        pthread_rwlock_unlock(&l->site_lock);
    }
    if (code == 0) {
        /* After a reload the records are counted anew. */
        uint64_t moved = before > 0 && cursor > before ? cursor - before : count;
        strbuf_add(body, "{\"records\":[");
        for (size_t i = 0; i < count; i++) {
            add_record(body, &records[i], i == 0);
        }
        strbuf_add(body, "]");
        strbuf_json_int(body, "cursor", (int64_t)cursor);
        strbuf_json_int(body, "dropped", (int64_t)(moved - count));
        strbuf_add_char(body, '}');
    }
    free(records);
    return code;
}

unsigned
api_get_wire(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err;
    int code =
        wire_json(a->live, r->query(r, "bus"), r->query(r, "cursor"), body, &err);
    return code == 0 ? 200 : api_problem(body, &err);
}

static void
add_read_answer(struct strbuf *body,
                const struct read_request *q,
                const struct read_answer *a)
{
    bool bits = q->table == REG_COIL || q->table == REG_DISCRETE;
    strbuf_add(body, bits ? "{\"bits\":[" : "{\"words\":[");
    for (unsigned i = 0; i < q->count; i++) {
        strbuf_printf(body, "%s%u", i > 0 ? "," : "",
                      bits ? (unsigned)a->bits[i] : (unsigned)a->words[i]);
    }
    strbuf_add(body, "]}");
}

static int
parse_read(struct live *l,
           json_t *root,
           uint32_t *bus,
           struct read_request *q,
           struct err *err)
{
    const char *bus_id = NULL;
    const char *table = NULL;
    int64_t unit = 1;
    int64_t address = 0;
    int64_t count = 1;
    if (!json_member_text(root, "bus", ID_BYTES_MAX, &bus_id, err) ||
        !json_member_text(root, "table", ID_BYTES_MAX, &table, err) ||
        !json_member_int(root, "unit", 0, 255, &unit, err) ||
        !json_member_int(root, "address", 0, 65535, &address, err) ||
        !json_member_int(root, "count", 1, 2000, &count, err)) {
        return err->code;
    }
    *bus = bus_id != NULL ? site_bus(l->site, bus_id) : NONE_INDEX;
    if (*bus == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no bus \"%s\"",
                       bus_id != NULL ? bus_id : "");
    }
    if (table == NULL || !reg_table_parse(&q->table, table)) {
        return err_set(err, ERR_RANGE,
                       "\"table\" must be holding, input, coil or discrete");
    }
    q->unit = (uint8_t)unit;
    q->address = (uint16_t)address;
    q->count = (uint16_t)count;
    return 0;
}

unsigned
api_post_read(struct api *a, const struct web_request *r, struct strbuf *body)
{
    struct err err = {0};
    json_error_t where;
    json_t *root = json_loads(r->body, JSON_REJECT_DUPLICATES, &where);
    struct live *l = a->live;
    struct read_answer *got = calloc(1, sizeof *got);
    struct read_request q = {0};
    uint32_t bus = NONE_INDEX;
    int code = 0;
    /* The site and its collectors must not be exchanged meanwhile. */
    pthread_rwlock_rdlock(&l->site_lock);
    if (got == NULL) {
        code = err_set(&err, ERR_NOMEM, "read");
    } else if (!json_is_object(root)) {
        code =
            err_set(&err, ERR_RANGE, "the body must be a JSON object: %s", where.text);
    } else if (l->collectors == NULL) {
        code = err_set(&err, ERR_IO, "the daemon is stopping");
    } else {
        code = parse_read(l, root, &bus, &q, &err);
    }
    if (code == 0) {
        code = collectors_read(l->collectors, bus, &q, got, &err);
    }
    pthread_rwlock_unlock(&l->site_lock);
    if (code == 0) {
        add_read_answer(body, &q, got);
    }
    json_decref(root);
    free(got);
    return code == 0 ? 200 : api_problem(body, &err);
}
