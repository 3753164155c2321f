/* What history_tail.c and history_pack.c share. */
#ifndef CARETAKER_STORE_HISTORY_TAIL_INTERNAL_H
#define CARETAKER_STORE_HISTORY_TAIL_INTERNAL_H

#include "daemon/store/history_scrub.h"
#include "daemon/store/history_tail.h"

/* Cells rolled up for each that is put, while some wait; for each flush, or a site that
 * has little to put would never be done; and how many may be at once. */
#define ROLL_SHARE      2
#define ROLL_FLUSH      4096
#define ROLL_CREDIT_MAX (INT64_C(1) << 20)

enum tail_sql {
    TAIL_SQL_INSERT,
    TAIL_SQL_READ,
    TAIL_SQL_TRIM,
    TAIL_SQL_CHUNK,
    TAIL_SQL_LAST_CHUNK,
    TAIL_SQL_PACKED,
    TAIL_SQL_DROP_CHUNK,
    TAIL_SQL_DROP_TAIL,
    TAIL_SQL_UNROLLED,
    TAIL_SQL_ROLLED,
    TAIL_SQL_LAST_ROLLUP,
    TAIL_SQL_PUT_ROLLUP,
    TAIL_SQL_DROP_ROLLUP,
    TAIL_SQL_EXPIRE_ROLLUP,
    TAIL_SQL_COUNT
};

/* What of a device waits in the tail. */
struct waiting {
    uint64_t rows;
    int64_t first_seq; /* Of the first tail row that has some; 0: none. */
    int64_t packed;    /* Up to this they are in chunks. */
    uint32_t columns;  /* About. */
    int64_t rolled;    /* Chunks up to this key are in roll-ups; */
    uint32_t unrolled; /* so many are not, */
    int64_t oldest_ms; /* of which the first to end ends here. */
};

/* What was gathered of a device. */
struct gathered_sheet {
    uint32_t device;
    struct sheet sheet;
};
struct gathered {
    struct gathered_sheet **sheets; /* [0, count) are in use; all are owned. */
    uint32_t count, room;
    uint32_t *place; /* By device: where it is, from 1. */
    uint32_t place_room;
};

struct history_tail {
    sqlite3 *db; /* Borrowed. */
    sqlite3_stmt *kept[TAIL_SQL_COUNT];
    int64_t age; /* In flushes. */
    chunk_scaling_fn *scaling;
    void *scaling_ctx;
    struct gathered gathered[2]; /* Under a trusted clock; under another. */
    int64_t mark;                /* Of the second. */
    struct tail_writer writer;
    bool known;              /* What follows is as in the file. */
    struct waiting *waiting; /* By device. */
    uint32_t waiting_count;
    int64_t next_seq;
    uint64_t cells; /* Put since the last packing. */
    int64_t credit; /* So many cells may be rolled up. */
    int64_t put_ms; /* The newest that was put under a trusted clock, or none. */
    struct chunk_encoder *encoder;
    struct scrub_suspects suspects;
    struct sheet section, before; /* Of the tail; a chunk that is written anew. */
};

/* Reads what waits in the file, unless it is known. */
int history_tail_know(struct history_tail *t, struct err *err);
/* The entry of a device, which is made. */
int history_tail_waiting(struct history_tail *t,
                         uint32_t device,
                         struct waiting **out,
                         struct err *err);
/* Runs a kept statement that gives no rows. */
int history_tail_run(struct history_tail *t, enum tail_sql which, struct err *err);
/* Of a row that TAIL_SQL_READ gives: a section, or, NULL, all of it, cannot be read. */
int history_tail_set_aside(struct history_tail *t,
                           sqlite3_stmt *row,
                           const struct tail_part *part,
                           struct err *err);
/* Deletes rows that all devices are past. */
int history_tail_trim(struct history_tail *t, struct err *err);

#endif
