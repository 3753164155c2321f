/* The writer's side of the hot tail: frames are gathered, written as one row a flush,
 * and move into chunks, some devices at a time.  All within the caller's transactions;
 * after one that failed, history_tail_forget(). */
#ifndef CARETAKER_STORE_HISTORY_TAIL_H
#define CARETAKER_STORE_HISTORY_TAIL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/store/chunk_sheet.h"
#include "daemon/store/tail.h"

/* Samples of one device, and of all, that a packing holds: 5 MB. */
#define PACK_CELLS_MAX (1u << 19)
/* Of a chunk: more rows save a hundredth, and the tail is longer. */
#define PACK_ROWS 1800
/* A slow device is packed after this, or it would keep everybody's tail; in flushes, at
 * least and at most. */
#define PACK_AGE_MS  5400000
#define PACK_AGE_MIN 16
#define PACK_AGE_MAX 4096

struct history_tail;

int history_tail_new(struct history_tail **out, int64_t flush_ms, struct err *err);
void history_tail_free(struct history_tail *t); /* NULL is accepted. */
/* What points of a key are said to be scaled by; ctx is borrowed. */
void history_tail_scaling(struct history_tail *t, chunk_scaling_fn *scaling, void *ctx);

/* A connection whose schema is there; borrowed until it is taken away. */
int history_tail_attach(struct history_tail *t, sqlite3 *db, struct err *err);
void history_tail_detach(struct history_tail *t);

/* Nothing is gathered; what is known of the file is read again. */
void history_tail_forget(struct history_tail *t);

/* Gathers a frame.  ERR_RANGE: its time is beyond CHUNK_TIME_MAX. */
int history_tail_take(struct history_tail *t,
                      uint32_t device,
                      int64_t t_ms,
                      uint16_t flags,
                      const struct blob_sample *samples,
                      size_t count,
                      struct err *err);
/* What the column `untrusted` of rows under an untrusted clock is from here on; at
 * first HISTORY_CLOCK_UNKNOWN. */
void history_tail_mark(struct history_tail *t, int64_t mark);
/* What seemed to be the newest time may be of days to come. */
void history_tail_clock_changed(struct history_tail *t);
/* What was gathered becomes a row, or two: one of the frames under an untrusted clock.
 */
int history_tail_put(struct history_tail *t, struct err *err);
/* Moves some devices that have waited long enough into chunks: about twice as many
 * samples as were put since, at least one device.  `all`: until nothing is left. */
int history_tail_pack(struct history_tail *t, bool all, struct err *err);
#endif
