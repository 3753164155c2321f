#include "daemon/pipeline/replay_source.h"

#include <stdlib.h>

#include "collectors/record_reader.h"
#include "daemon/base/instant.h"

struct raw {
    struct record_reader *reader;
    const struct frame *head; /* Waits for its turn; NULL at the end. */
};

struct replay_source {
    struct log_reader *logs; /* All sample logs; NULL: none. */
    const struct frame *log_head;
    struct raw *raws;
    uint32_t raw_count;
    struct raw *given; /* Whose head was given last; NULL: the logs'. */
    bool begun;
};

static int
open_raw(struct replay_source *s,
         const struct site *site,
         const char *path,
         uint32_t bus,
         const struct replay_source_options *o,
         struct err *err)
{
    int code = record_reader_open(&s->raws[s->raw_count].reader, site, path, bus,
                                  o->bad, o->ctx, err);

    s->raw_count += code == 0;
    return code;
}

static int
open_all(struct replay_source *s,
         const struct site *site,
         const struct replay_source_options *o,
         const char **logs,
         struct err *err)
{
    uint32_t bus = NONE_INDEX, log_count = 0;
    int code = 0;

    if (o->bus != NULL && (bus = site_bus(site, o->bus)) == NONE_INDEX) {
        return err_set(err, ERR_NOT_FOUND, "there is no bus \"%s\"", o->bus);
    }
    for (uint32_t i = 0; code == 0 && i < o->count; i++) {
        if (recording_kind(o->paths[i]) == RECORDING_NONE) {
            logs[log_count++] = o->paths[i];
        } else {
            code = open_raw(s, site, o->paths[i], bus, o, err);
        }
    }
    if (code == 0 && log_count > 0) {
        code = log_reader_open(&s->logs, site, o->map, logs, log_count, o->bad, o->ctx,
                               err);
    }
    return code;
}

int
replay_source_open(struct replay_source **out,
                   const struct site *site,
                   const struct replay_source_options *options,
                   struct err *err)
{
    struct replay_source *s = calloc(1, sizeof *s);
    const char **logs = calloc((size_t)options->count + 1, sizeof *logs);
    int code = 0;

    if (s != NULL) {
        s->raws = calloc((size_t)options->count + 1, sizeof *s->raws);
    }
    if (s == NULL || logs == NULL || s->raws == NULL) {
        code = err_set(err, ERR_NOMEM, "replay");
    } else {
        code = open_all(s, site, options, logs, err);
    }
    free(logs);
    if (code != 0) {
        replay_source_close(s);
        return code;
    }
    *out = s;
    return 0;
}

void
replay_source_close(struct replay_source *s)
{
    if (s == NULL) {
        return;
    }
    log_reader_close(s->logs);
    for (uint32_t i = 0; i < s->raw_count; i++) {
        record_reader_close(s->raws[i].reader);
    }
    free(s->raws);
    free(s);
}

static void
next_log(struct replay_source *s)
{
    s->log_head = s->logs != NULL ? log_reader_next(s->logs) : NULL;
}

const struct frame *
replay_source_next(struct replay_source *s)
{
    const struct frame *first;

    if (!s->begun) {
        s->begun = true;
        next_log(s);
        for (uint32_t i = 0; i < s->raw_count; i++) {
            s->raws[i].head = record_reader_next(s->raws[i].reader);
        }
    } else if (s->given != NULL) {
        s->given->head = record_reader_next(s->given->reader);
    } else {
        next_log(s);
    }
    s->given = NULL;
    first = s->log_head;
    for (uint32_t i = 0; i < s->raw_count; i++) {
        struct raw *raw = &s->raws[i];

        if (raw->head != NULL && (first == NULL || raw->head->t_ms < first->t_ms)) {
            first = raw->head;
            s->given = raw;
        }
    }
    return first;
}

struct replay_source_counts
replay_source_counts(const struct replay_source *s)
{
    struct replay_source_counts out = {.last_ms = INSTANT_NONE, .elsewhere_at = ""};

    if (s->logs != NULL) {
        out.rows = log_reader_rows(s->logs);
        out.bad = log_reader_bad(s->logs);
        out.last_ms = log_reader_last_row(s->logs);
        log_reader_progress(s->logs, &out.done, &out.total);
    }
    for (uint32_t i = 0; i < s->raw_count; i++) {
        struct record_reader_counts c = record_reader_counts(s->raws[i].reader);

        out.rows += c.rows;
        out.bad += c.bad;
        out.exchanges += c.exchanges;
        out.unmatched += c.unmatched;
        out.elsewhere += c.elsewhere;
        if (c.elsewhere > 0) {
            out.elsewhere_at = record_reader_elsewhere(s->raws[i].reader);
        }
        out.last_ms = c.last_ms > out.last_ms ? c.last_ms : out.last_ms;
        out.done += c.done;
        out.total += c.total;
    }
    return out;
}
