#include "daemon/pipeline/replay/replay_source.h"

#include <stdlib.h>

#include "collectors/record_reader.h"
#include "daemon/base/instant.h"
#include "daemon/store/history_frames.h"

#define HISTORY_BYTES_A_SECOND                                                         \
    100 /* What the progress bar weighs the history with.                              \
         */

/* Lanes, in the order of which comes first of one time: the sample logs together, each
 * raw file, the history. */
struct replay_source {
    struct log_reader *logs; /* All sample logs; NULL: none. */
    struct record_reader **raws;
    uint32_t raw_count;
    struct history_frames *history; /* NULL: none. */
    const struct frame **heads;     /* By lane: waits for its turn; NULL at the end. */
    uint32_t given;                 /* Lane whose head was given; NONE_INDEX: none. */
    uint32_t moving;                /* Lane that is, or was last, read. */
    bool begun;
    bool stopped;      /* By a bad row of `moving`. */
    struct err failed; /* Of the history; code 0: not so far. */
};

static int
open_raw(struct replay_source *s,
         const struct site *site,
         const char *path,
         uint32_t bus,
         const struct replay_source_options *o,
         struct err *err)
{
    int code = record_reader_open(&s->raws[s->raw_count], site, path, bus, o->bad,
                                  o->ctx, err);

    s->raw_count += code == 0;
    return code;
}

static int
open_history(struct replay_source *s,
             const struct site *site,
             const struct replay_source_options *o,
             struct err *err)
{
    struct history_frames_options history = {.dir = site->data_dir,
                                             .from_ms = o->history->from_ms,
                                             .to_ms = o->history->to_ms,
                                             .device = NONE_INDEX,
                                             .bad = o->bad,
                                             .ctx = o->ctx};
    int code;

    if (o->history->device != NULL) {
        history.device = site_device(site, o->history->device);
        if (history.device == NONE_INDEX) {
            return err_set(err, ERR_NOT_FOUND, "there is no device \"%s\"",
                           o->history->device);
        }
    }
    code = history_frames_open(&s->history, site, &history, err);
    if (code == ERR_NOT_FOUND) { /* Nothing was ever recorded. */
        code =
            o->history->may_be_absent
                ? 0
                : err_set(err, ERR_IO,
                          "%s has no history: the daemon never ran here, and nothing "
                          "was imported",
                          site->data_dir);
    }
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
    if (code == 0 && o->history != NULL) {
        code = open_history(s, site, o, err);
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
        s->raws = calloc((size_t)options->count + 1, sizeof(struct record_reader *));
        s->heads = calloc((size_t)options->count + 2, sizeof(const struct frame *));
        s->given = NONE_INDEX;
    }
    if (s == NULL || logs == NULL || s->raws == NULL || s->heads == NULL) {
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
    history_frames_close(s->history);
    for (uint32_t i = 0; i < s->raw_count; i++) {
        record_reader_close(s->raws[i]);
    }
    free(s->raws);
    free(s->heads);
    free(s);
}

static void
move_on(struct replay_source *s, uint32_t lane)
{
    if (s->stopped && lane != s->moving) {
        s->heads[lane] = NULL;
        return;
    }
    s->moving = lane;
    if (lane == 0) {
        s->heads[lane] = s->logs != NULL ? log_reader_next(s->logs) : NULL;
    } else if (lane <= s->raw_count) {
        s->heads[lane] = record_reader_next(s->raws[lane - 1]);
    } else {
        s->heads[lane] =
            s->history != NULL ? history_frames_next(s->history, &s->failed) : NULL;
    }
}

void
replay_source_stop(struct replay_source *s)
{
    s->stopped = true;
    if (s->moving == 0) {
        log_reader_stop(s->logs);
    } else if (s->moving <= s->raw_count) {
        record_reader_stop(s->raws[s->moving - 1]);
    } else {
        history_frames_stop(s->history);
    }
}

const struct frame *
replay_source_next(struct replay_source *s)
{
    const struct frame *first = NULL;
    uint32_t lanes = s->raw_count + 2;

    for (uint32_t i = 0; i < lanes; i++) {
        if (!s->begun || i == s->given) {
            move_on(s, i);
        }
    }
    s->begun = true;
    s->given = NONE_INDEX;
    if (s->stopped && s->heads[s->moving] == NULL) {
        return NULL; /* What the other lanes have left is later than the bad row. */
    }
    for (uint32_t i = 0; s->failed.code == 0 && i < lanes; i++) {
        const struct frame *head = s->heads[i];

        if (head != NULL && (first == NULL || head->t_ms < first->t_ms)) {
            first = head;
            s->given = i;
        }
    }
    return first;
}

int
replay_source_failed(const struct replay_source *s, struct err *err)
{
    return s->failed.code == 0 ? 0 : err_set(err, s->failed.code, "%s", s->failed.text);
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
        struct record_reader_counts c = record_reader_counts(s->raws[i]);

        out.rows += c.rows;
        out.bad += c.bad;
        out.exchanges += c.exchanges;
        out.unmatched += c.unmatched;
        out.elsewhere += c.elsewhere;
        if (c.elsewhere > 0) {
            out.elsewhere_at = record_reader_elsewhere(s->raws[i]);
        }
        out.last_ms = c.last_ms > out.last_ms ? c.last_ms : out.last_ms;
        out.done += c.done;
        out.total += c.total;
    }
    if (s->history != NULL) {
        struct history_frames_counts c = history_frames_counts(s->history);

        out.rows += c.rows;
        out.bad += c.bad;
        out.unknown = c.unknown;
        out.last_ms = c.last_ms > out.last_ms ? c.last_ms : out.last_ms;
        out.done += c.done * HISTORY_BYTES_A_SECOND;
        out.total += c.total * HISTORY_BYTES_A_SECOND;
    }
    return out;
}
