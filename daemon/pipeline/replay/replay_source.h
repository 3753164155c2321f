/* Everything that replay reads, as one stream of frames in order of time: sample logs,
 * raw records of the wire and packet captures, told apart by how they begin, and the
 * site's own history. */
#ifndef CARETAKER_PIPELINE_REPLAY_SOURCE_H
#define CARETAKER_PIPELINE_REPLAY_SOURCE_H

#include "collectors/log_reader.h"
#include "daemon/model/replay_case.h"
#include "daemon/model/sample.h"

struct replay_source;

/* What of the history is read. */
struct replay_history {
    int64_t from_ms, to_ms; /* INSTANT_NONE, INSTANT_MAX: all there is. */
    const char *device;     /* NULL: all. */
    bool may_be_absent;     /* A site that never recorded anything has no samples. */
};

struct replay_source_options {
    const struct log_map *map; /* Of the sample logs; may be NULL. */
    const char *const *paths;  /* LOG_STDIN: standard input, which is a sample log. */
    uint32_t count;
    const char *bus; /* Id of the bus that raw files are of; NULL: as they say. */
    const struct replay_history *history; /* NULL: it is not read. */
    log_bad_fn bad;
    void *ctx;
};

/* `site` and what the options point to are borrowed until replay_source_close(). */
int replay_source_open(struct replay_source **out,
                       const struct site *site,
                       const struct replay_source_options *options,
                       struct err *err);
void replay_source_close(struct replay_source *s); /* NULL is accepted. */

/* For `bad` to call: what stands before the bad row is still given, and nothing is read
 * on. */
void replay_source_stop(struct replay_source *s);

/* The next frame in order of time; of one time, logs come first, then raw files as they
 * were named, then the history.  Borrowed until the next call; NULL at the end, and
 * when the history cannot be read on. */
const struct frame *replay_source_next(struct replay_source *s);
/* Behind a NULL: 0 at the end, or why it could not be read on. */
int replay_source_failed(const struct replay_source *s, struct err *err);

struct replay_source_counts {
    uint64_t rows, bad;
    /* Of raw files: reads on a bus of the site; those in which no point stands; those
     * that were on no bus of it, and where the last of them was. */
    uint64_t exchanges, unmatched, elsewhere;
    const char *elsewhere_at; /* Borrowed as long as the source; "" when none was. */
    uint64_t unknown;         /* Samples of the history of no point of the site. */
    int64_t last_ms;          /* Of the latest row; INSTANT_NONE before the first. */
    uint64_t done, total;     /* Bytes, or about so, for a progress bar. */
};
struct replay_source_counts replay_source_counts(const struct replay_source *s);

#endif
