/* Recorded traffic -> frames of samples, through the points of a site: what was asked
 * and what came back, as the poller would have made samples of it. */
#ifndef CARETAKER_COLLECTORS_RECORD_READER_H
#define CARETAKER_COLLECTORS_RECORD_READER_H

#include "collectors/log_reader.h"
#include "collectors/recording.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"

struct record_reader;

/* A wire log belongs to the bus that it names, or without one to the line of its path;
 * a connection of a capture to the bus of the same address and port.  `bus` is the one
 * that all of it belongs to instead, or NONE_INDEX.  `site` is borrowed until
 * record_reader_close(); a broken record is told to `bad`, counted and skipped. */
int record_reader_open(struct record_reader **out,
                       const struct site *site,
                       const char *path,
                       uint32_t bus,
                       log_bad_fn bad,
                       void *ctx,
                       struct err *err);
/* The same of an open file, which it takes in any case. */
int record_reader_open_file(struct record_reader **out,
                            const struct site *site,
                            FILE *file,
                            const char *name,
                            uint32_t bus,
                            log_bad_fn bad,
                            void *ctx,
                            struct err *err);
/* For `bad` to call: the file ends before what it was told. */
void record_reader_stop(struct record_reader *r);
void record_reader_close(struct record_reader *r); /* NULL is accepted. */

/* The next frame in order of time (borrowed until the next call); NULL at the end.  A
 * failure that the master asked about again at once, no more often than the bus's
 * `retries`, is no sample: the poller makes none of it either. */
const struct frame *record_reader_next(struct record_reader *r);

struct record_reader_counts {
    uint64_t rows, bad;   /* Records or packets. */
    uint64_t exchanges;   /* Reads of a bus of the site, whatever became of them. */
    uint64_t unmatched;   /* Reads that no point of the site stands in. */
    uint64_t elsewhere;   /* Reads on a line or connection that is no bus of it. */
    int64_t last_ms;      /* Of the last record; INSTANT_NONE before the first. */
    uint64_t done, total; /* Bytes, for a progress bar. */
};
struct record_reader_counts record_reader_counts(const struct record_reader *r);
/* Where the last read elsewhere was, for a person; "" when there was none. */
const char *record_reader_elsewhere(const struct record_reader *r);

#endif
