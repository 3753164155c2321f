/* GET /api/v1/wire ?bus= ?cursor=: what was sent and received on a bus since the last
 * request, for `caretaker sniff` and `record`.  Keeping begins with the first request
 * and ends some seconds after the last one. */
#include <stdlib.h>

#include "daemon/pipeline/live_inside.h"

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

int
api_wire(struct live *l,
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
