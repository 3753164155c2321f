/* Recorded samples -> frames: CSV logs in long and wide form, mapped foreign files, and
 * JSON lines with the words of the long form (design section 6).  What a file is, its
 * first line says.  Several logs merge by time. */
#ifndef CARETAKER_COLLECTORS_LOG_READER_H
#define CARETAKER_COLLECTORS_LOG_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/base/diag.h"
#include "daemon/model/replay_case.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"

struct log_reader;

/* In the column `clock` where a sample's time may be wrong; else nothing. */
#define LOG_CLOCK_UNTRUSTED "untrusted"

/* A bad row is told to `bad` (file and line in `loc`), counted and skipped. */
typedef void (*log_bad_fn)(void *ctx, const struct loc *loc, const char *text);

/* Opens all files (LOG_STDIN is standard input) and reads their headers.  `map` may be
 * NULL.  `site` and `map` are borrowed until log_reader_close(). */
int log_reader_open(struct log_reader **out,
                    const struct site *site,
                    const struct log_map *map,
                    const char *const *paths,
                    uint32_t count,
                    log_bad_fn bad,
                    void *ctx,
                    struct err *err);
void log_reader_close(struct log_reader *r);
/* For `bad` to call: the file ends before the row that it was told, and no file is read
 * on. */
void log_reader_stop(struct log_reader *r);

/* The next frame in order of time, then of file, then as written (borrowed until the
 * next call); NULL at the end.  Consecutive rows of one time, device
 * and state of the clock are one frame. */
const struct frame *log_reader_next(struct log_reader *r);

uint64_t log_reader_rows(const struct log_reader *r); /* Data rows read so far. */
uint64_t log_reader_bad(const struct log_reader *r);  /* Bad ones among them. */
/* Time of the latest good row read so far, which may have had no sample in it;
 * INSTANT_NONE before the first. */
int64_t log_reader_last_row(const struct log_reader *r);
/* Bytes read and in all, for a progress bar. */
void log_reader_progress(const struct log_reader *r, uint64_t *done, uint64_t *total);

#endif
