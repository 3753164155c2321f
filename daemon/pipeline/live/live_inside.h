/* The parts of the live daemon, for its own files and the API's only (live*.c, api/).
 */
#ifndef CARETAKER_PIPELINE_LIVE_INSIDE_H
#define CARETAKER_PIPELINE_LIVE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "collectors/collectors.h"
#include "daemon/base/clock.h"
#include "daemon/base/ring.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/command.h"
#include "daemon/model/sample.h"
#include "daemon/model/site.h"
#include "daemon/pipeline/changes.h"
#include "daemon/pipeline/evidence/evidence_take.h"
#include "daemon/pipeline/listings/listings.h"
#include "daemon/pipeline/people/api_people.h"
#include "daemon/pipeline/pipeline.h"
#include "daemon/publish/publish.h"
#include "daemon/store/history.h"
#include "daemon/store/state.h"
#include "daemon/web/web.h"

#define RECEIPTS_PER_TURN 256 /* Removed from the outbox by one commit. */
#define LIVE_LATE_MS      20  /* Timers wait this long for frames that are under way. */

/* Something that another thread asks of the loop.  It lives on the asker's stack, which
 * waits until `done`. */
enum request_kind {
    REQUEST_COMMAND,
    REQUEST_DEVICES,
    REQUEST_EXPLAIN,
    REQUEST_STATUS,
    REQUEST_PEOPLE
};
struct request {
    enum request_kind kind;
    const struct command *command;
    const char *peer;
    int heard; /* In what language the asker is answered: filled by request_ask(). */
    const struct device_filter *filter; /* Devices: which. */
    struct device_parts parts;          /* Devices: of each. */
    const char *rule, *device;          /* Explain: which, may be NULL. */
    struct people_work *people;         /* People: what is to be done. */
    int64_t ticket;                     /* Answer of a command. */
    struct strbuf *answer;              /* Answer of the others. */
    int code;
    struct err err;
    bool done;
    struct request *next;
};

struct request_queue {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    struct request *first;
    struct request **last;
    bool closed; /* The loop is ending: refused from now on. */
    int fd;      /* eventfd: wakes the loop. */
};

/* Keeps engine time on the monotonic clock, near the wall clock. */
struct live_clock {
    struct engine_clock engine;
    int64_t base_ms; /* Wall minus monotonic time at the last look. */
    bool held;       /* The wall clock is behind what was already recorded. */
    /* The machine was started a short while ago, and its clock, which was synchronised
     * before, is not yet. */
    bool awaited;
    bool trusted;      /* Neither, nor does it say what no clock that was set does. */
    bool synchronised; /* It was, since we started. */
    bool told;         /* live_clock_expect() was called. */
    int64_t step_ms, stepped_at_ms; /* The last step, and engine time behind it. */
};
/* `last_ms`: the newest moment on record, INSTANT_NONE: none. */
void live_clock_start(struct live_clock *c, int64_t last_ms);
/* Whether the clock of this machine was ever `synchronised` before; said once, later
 * calls do nothing. */
void live_clock_expect(struct live_clock *c, bool synchronised);
/* Follows the wall clock; returns by how much engine time was stepped, usually 0. */
int64_t live_clock_look(struct live_clock *c);
/* The time of a frame that was dated `t_ms`, perhaps before the last step. */
int64_t live_clock_of(struct live_clock *c, int64_t t_ms);

struct live {
    const char *path;
    const char *program; /* NULL: no jobs. */
    struct site *site;
    /* Held for writing while the site is exchanged; by the web thread for reading. */
    pthread_rwlock_t site_lock;
    struct live_clock clock;
    struct state *store;
    struct changes *changes;
    struct pipeline *pipeline;
    bool restored; /* It holds all that the store held. */
    struct collectors *collectors;
    struct history *history;
    struct publisher *publisher; /* NULL without an mqtt block. */
    struct ring *frames, *receipts, *commands;
    struct web *web;
    struct request_queue requests;
    atomic_bool ending;         /* What takes long on other threads is to stop. */
    atomic_flag on_backup;      /* A copy of state.db is being sent: one at a time. */
    pthread_mutex_t photo_lock; /* From its file to its row: one photo at a time. */
    atomic_flag on_trial;       /* A rule is tried: one at a time. */
    atomic_flag on_advice;      /* Alarms are looked at for advice: one at a time. */
    atomic_uint exports;        /* Of samples, under way. */
    struct people_desk people;  /* Its requests go to the loop. */
    sd_event *loop;
    sd_event_source *due;
    sd_event_source *arrival; /* The frames' descriptor; off while the loop rests. */
    sd_event_source *rest;
    struct frame *frame; /* Room for one of FRAME_BYTES_MAX. */
    int64_t started_ms;  /* Monotonic. */
    int64_t alive_ms;    /* Engine time of the last commit, */
    int64_t meters_ms;   /* and of the last one with the rules' meters. */
    uint64_t ticks;
    uint64_t frames_seen;
    int64_t told[RECEIPTS_PER_TURN]; /* Outbox rows that the broker has. */
    size_t told_count;
    bool told_failing; /* They could not be removed: `told_source` is off. */
    sd_event_source *told_source;
    int failed;        /* Why the loop was left; 0: it was asked to end. */
    bool disk_failing; /* Said once, until it works again. */
};

/* requests.c */
int request_queue_open(struct request_queue *q, struct err *err);
void
request_queue_close(struct request_queue *q); /* Answers what waits with an error. */
void request_queue_free(struct request_queue *q);
/* From any thread: waits until the loop has answered; returns r->code. */
int request_ask(struct request_queue *q, struct request *r);
struct request *request_take(struct request_queue *q); /* All that wait; NULL: none. */
void request_answer(struct request_queue *q, struct request *r);

/* The rules' meters, to be written with the next changes. */
void live_collect_meters(struct live *l);

/* live_state.c: what survives a restart. */
int live_restore(struct live *l, struct err *err);

/* Files of photos that a crash left without a row. */
void live_sweep_photos(struct live *l);

/* live_health.c: the daemon's and the buses' own points, and the answers from memory.
 */
void live_health_frames(struct live *l);
void live_devices_json(struct live *l,
                       const struct device_filter *filter,
                       struct device_parts parts,
                       struct strbuf *out);
/* One of them. */
void live_device_json(const struct live *l,
                      uint32_t index,
                      struct device_parts parts,
                      struct strbuf *out);
void live_status_json(struct live *l, struct strbuf *out);

/* live_evidence.c */
void live_bus_json(const struct live *l, uint32_t bus, struct strbuf *out);
/* For changes_set_witness(): what is known now of the ticket that `e` opens. */
void live_take_evidence(void *live, const struct event *e, struct evidence_texts *out);

/* live.c: one life of the daemon.  live_new() blocks the signals that the loop takes;
 * live_start() reads the site and goes on from where the databases stand; the loop that
 * it opens is run by live_run() alone.  live_stop() takes all of it apart, also what
 * did not start; NULL is accepted. */
struct live *live_new(const char *path, struct err *err);
int live_start(struct live *l, struct diags *diags, struct err *err);
void live_stop(struct live *l);
/* What the loop does when a timer is due, and each second. */
void live_due(struct live *l);
void live_tick(struct live *l);

/* live.c: the steps that every source of the loop takes. */
unsigned live_apply_frames(struct live *l); /* At most one turn of them; how many. */
/* All that wait.  Needed before engine time moves on to now: what stands in a frame
 * happened before, and a point whose samples still wait is not stale. */
void live_drain(struct live *l);
void live_store_step(struct live *l); /* What they decided goes to the disk. */
void live_arm(struct live *l);        /* The loop wakes when the next timer is due. */

/* live.c: puts what was decided on disk, and tells the outside only then. */
void live_store_changes(struct live *l);
void live_collect_timer(void *ctx, const struct rule_state *s); /* For rules_save(). */
int live_on_receipts(sd_event_source *source, int fd, uint32_t events, void *live);

/* live_site.c: the threads and tables of l->site.  A failed assembly is taken apart by
 * live_disassemble() too. */
/* Notes which devices are watched from now on; `since_ms` as in state_watch().  A disk
 * that refuses makes a hole in the reports, no more. */
void live_watch(struct live *l, int64_t since_ms);
int live_assemble(struct live *l, struct diags *diags, struct err *err);
void live_disassemble(struct live *l);
int live_on_reload(sd_event_source *source,
                   const struct signalfd_siginfo *info,
                   void *live);
void live_log_diags(const struct diags *diags);

/* live_commands.c */
int live_on_requests(sd_event_source *source, int fd, uint32_t events, void *live);
int live_on_mqtt_commands(sd_event_source *source, int fd, uint32_t events, void *live);
/* For people_desk: any thread but the loop's. */
int live_ask_people(void *live, struct people_work *w, struct err *err);

void live_tell_clock(struct live *l); /* To the history, in order with the frames. */
/* Feeds one frame through the pipeline and to the history (loop thread). */
void live_apply(struct live *l, struct frame *f);

/* live_web.c: the web server, and its TCP door as the site wants it. */
int live_web_start(struct live *l, struct err *err);
/* After a reload: pages are told to read everything anew; where the door is another
 * one, connections are made anew. */
void live_web_reload(struct live *l);

#endif
