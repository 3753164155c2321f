/* Recorded traffic -> exchanges: files of `caretaker record` and packet captures. */
#ifndef CARETAKER_COLLECTORS_RECORDING_H
#define CARETAKER_COLLECTORS_RECORDING_H

#include "collectors/capture.h"
#include "collectors/listener.h"
#include "collectors/wire_log.h"
#include "daemon/base/diag.h"

struct recording;

enum recording_kind { RECORDING_NONE, RECORDING_WIRE_LOG, RECORDING_CAPTURE };
/* By its first bytes; NONE for any other file, and for one that cannot be read. */
enum recording_kind recording_kind(const char *path);

struct recording_options {
    const struct listener_sink *sink; /* Borrowed. */
    /* Borrowed `ctx`.  A broken line, or where a capture ends early: file, line (0 in a
     * capture) and column in `loc`.  It is counted and skipped. */
    void (*bad)(void *ctx, const struct loc *loc, const char *text);
    /* As in struct capture_sink; `opened` tells of each new connection, before its
     * first bytes.  Both may be NULL. */
    bool (*serves)(void *ctx, const struct packet_end *e, bool ipv6);
    void (*opened)(void *ctx, const struct capture_connection *c);
    void *ctx;
    int64_t give_up_us; /* As in exchange_init(). */
};

int recording_open(struct recording **out,
                   const char *path,
                   const struct recording_options *options,
                   struct err *err);
/* The same of an open file, which it takes in any case. */
int recording_open_file(struct recording **out,
                        FILE *file,
                        const char *name,
                        const struct recording_options *options,
                        struct err *err);
void recording_close(struct recording *r); /* NULL is accepted. */

/* Takes one record or packet; false at the end, when everything has been told. */
bool recording_step(struct recording *r);

/* Of a wire log; NULL of a capture. */
const struct wire_log_head *recording_head(const struct recording *r);
struct recording_counts {
    uint64_t rows, bad; /* Records or packets; those that were skipped. */
    uint64_t repeated, holes;
    int64_t first_us, last_us; /* INSTANT_NONE: none. */
    uint64_t bytes, total;     /* Read, and of the file; 0 where it has no size. */
};
struct recording_counts recording_counts(const struct recording *r);

#endif
