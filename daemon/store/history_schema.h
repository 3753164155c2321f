/* The tables of history.db.
 *
 *   device, point  names; all else holds their keys, so that it stays readable after
 *                  the site has changed
 *   tail           one row a flush, or two: all frames since the flush before (tail.h)
 *   chunk          frames of one device (chunk.h)
 *   packed         of a device: its frames in tail rows with seq <= this are in chunks;
 *                  a tail row goes when all devices that it has are past it
 *                  of its chunks those with key <= `rolled` are in roll-ups, the
 *                  others are added up when they are asked for.  Keys only rise
 *   rollup         least, greatest, sum, last and number of the good samples of each
 *                  point and interval of `resolution` ms (history_rollup.h).  Several
 *                  rows may have parts of one interval: late data adds a part.  Frames
 *                  under an untrusted clock are in none, until their time is known
 *   clock          of samples under an untrusted clock, how far that was off, when it
 *                  is known (history_clock.h)
 *   present        one row: the time by which samples are too old (history_keep.h)
 *   damaged        what is set aside: the row of the table `what`, and why it cannot
 *                  be read
 *   frame          schema 1: one row a frame; moves into the tail in steps, and goes
 *
 * t0 and t1 are the least and the greatest time in a row, UTC ms, with `shift` added,
 * as it is to each time in `bytes`.  All frames of a row are `untrusted` or none: the
 * row says so, not the frames' flags.  Its value is 0, or the key of a row of `clock`.
 */
#ifndef CARETAKER_STORE_HISTORY_SCHEMA_H
#define CARETAKER_STORE_HISTORY_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>

#include "daemon/base/err.h"

#define HISTORY_FILE           "history.db"
#define HISTORY_SCHEMA_VERSION 2

/* A flush changes few bytes of few pages: small pages make that few bytes of log.
 * Without the lists of an incremental vacuum no space is ever given back. */
#define HISTORY_PAGE_BYTES 1024
#define HISTORY_FIRST_SQL  "PRAGMA page_size = 1024; PRAGMA auto_vacuum = INCREMENTAL"

extern const char *const history_schema[HISTORY_SCHEMA_VERSION];

/* Whether frames of schema 1 are still in the file. */
int history_has_frames(sqlite3 *db, bool *out, struct err *err);

#endif
