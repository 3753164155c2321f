/* Everything that replay reads, as one stream of frames in order of time: sample logs,
 * raw records of the wire and packet captures, told apart by how they begin. */
#ifndef CARETAKER_PIPELINE_REPLAY_SOURCE_H
#define CARETAKER_PIPELINE_REPLAY_SOURCE_H

#include "collectors/log_reader.h"
#include "daemon/model/replay_case.h"
#include "daemon/model/sample.h"

struct replay_source;

struct replay_source_options {
    const struct log_map *map; /* Of the sample logs; may be NULL. */
    const char *const *paths;
    uint32_t count;
    const char *bus; /* Id of the bus that raw files are of; NULL: as they say. */
    log_bad_fn bad;
    void *ctx;
};

/* `site` and what the options point to are borrowed until replay_source_close(). */
int replay_source_open(struct replay_source **out,
                       const struct site *site,
                       const struct replay_source_options *options,
                       struct err *err);
void replay_source_close(struct replay_source *s); /* NULL is accepted. */

/* Borrowed until the next call; NULL at the end. */
const struct frame *replay_source_next(struct replay_source *s);

struct replay_source_counts {
    uint64_t rows, bad;
    /* Of raw files: reads on a bus of the site; those in which no point stands; those
     * that were on no bus of it, and where the last of them was. */
    uint64_t exchanges, unmatched, elsewhere;
    const char *elsewhere_at; /* Borrowed as long as the source; "" when none was. */
    int64_t last_ms;          /* Of the latest row; INSTANT_NONE before the first. */
    uint64_t done, total;     /* Bytes, for a progress bar. */
};
struct replay_source_counts replay_source_counts(const struct replay_source *s);

#endif
