#include "daemon/pipeline/live/live.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/check.h"
#include "daemon/pipeline/live/live_inside.h"

#define FRAMES_RING_BYTES                                                              \
    (4u << 20) /* 2,500 frames of 100 samples: seconds of a stall. */
#define COMMANDS_RING_BYTES (16u << 10)
#define RECEIPTS_RING_BYTES (64u << 10)
#define FRAMES_PER_TURN     256 /* One commit for what came together. */
#define REST_MS             50  /* Frames gather meanwhile: waking costs more. */
#define TICK_MS             1000
#define STATUS_TICKS        10
#define ALIVE_MS            5000  /* A restart knows to this when we last ran. */
#define FILES_MAX           4096  /* 1,024 browsers, and all else. */
#define METERS_MS           60000 /* What lives count after this is in the history. */

static void
collect_meter(void *ctx, const struct rules_meter *m)
{
    changes_add_meter(ctx, m);
}

static void
collect_use(void *ctx, const struct plan_row *row)
{
    changes_add_plan_use(ctx, row);
}

void
live_collect_meters(struct live *l)
{
    l->meters_ms = engine_clock_now(&l->clock.engine);
    rules_save_meters(pipeline_rules(l->pipeline), collect_meter, l->changes);
    plans_save_use(pipeline_plans(l->pipeline), collect_use, l->changes);
}

/* While the disk refuses they wait where they are. */
static bool
meters_are_due(const struct live *l, int64_t now_ms)
{
    int64_t for_ms = now_ms - l->meters_ms;
    return l->restored && !l->disk_failing && (for_ms < 0 || for_ms >= METERS_MS);
}

/* Puts what was decided on disk; then, and only then, the outside is told. */
void
live_store_changes(struct live *l)
{
    struct err err;
    bool published = false;
    int64_t now_ms = engine_clock_now(&l->clock.engine);
    int64_t alive_for_ms = now_ms - l->alive_ms;
    if (meters_are_due(l, now_ms)) {
        live_collect_meters(l);
    }
    if (!changes_pending(l->changes) && alive_for_ms >= 0 && alive_for_ms < ALIVE_MS) {
        return;
    }
    int code = changes_write(l->changes, l->store, l->site, now_ms, &published, &err);
    if (code != 0) {
        if (!l->disk_failing) {
            log_error("%s; changes are kept in memory and tried again", err.text);
        }
        l->disk_failing = true;
        return;
    }
    if (l->disk_failing) {
        log_info("the database can be written again; nothing was lost");
        l->disk_failing = false;
    }
    l->alive_ms = now_ms;
    if (l->web != NULL) {
        web_wake(l->web);
    }
    if (published && l->publisher != NULL) {
        publisher_wake(l->publisher);
    }
}

void
live_collect_timer(void *ctx, const struct rule_state *s)
{
    struct live *l = ctx;
    bool watched =
        tickets_wants_watch(pipeline_tickets(l->pipeline), s->device, s->rule);
    changes_add_timer(l->changes, l->site, s, watched);
}

/* Alarms and the timers behind them are stored together. */
void
live_store_step(struct live *l)
{
    if (changes_urgent(l->changes)) {
        rules_save(pipeline_rules(l->pipeline), false, live_collect_timer, l);
        live_store_changes(l);
    }
}

void
live_arm(struct live *l)
{
    int64_t due = pipeline_due(l->pipeline);
    if (due == INSTANT_MAX) {
        sd_event_source_set_enabled(l->due, SD_EVENT_OFF);
        return;
    }
    int64_t offset = atomic_load(&l->clock.engine.offset_ms);
    int64_t mono_ms = due - offset + LIVE_LATE_MS;
    sd_event_source_set_time(l->due, mono_ms > 0 ? (uint64_t)mono_ms * 1000 : 0);
    sd_event_source_set_enabled(l->due, SD_EVENT_ONESHOT);
}

void
live_apply(struct live *l, struct frame *f)
{
    if (!l->clock.trusted) {
        f->flags |= FRAME_CLOCK_UNTRUSTED;
    }
    /* Dated just before the clock was stepped: of a future that is no more, which must
     * not take the engine there, or of a past that never was. */
    f->t_ms = live_clock_of(&l->clock, f->t_ms);
    pipeline_frame(l->pipeline, f);
    history_push(l->history, f); /* A full ring is counted there. */
    l->frames_seen++;
}

unsigned
live_apply_frames(struct live *l)
{
    unsigned count = 0;
    while (count < FRAMES_PER_TURN &&
           ring_pop(l->frames, l->frame, FRAME_BYTES_MAX) > 0) {
        live_apply(l, l->frame);
        count++;
    }
    return count;
}

void
live_drain(struct live *l)
{
    while (live_apply_frames(l) == FRAMES_PER_TURN) {
        /* The workers wait for their devices: they cannot keep up with this. */
    }
}

/* One turn of frames.  What comes soon after is left to gather; once nothing has come
 * during a rest, the next frame wakes the loop at once. */
static void
take_frames(struct live *l)
{
    unsigned count = live_apply_frames(l);
    live_store_step(l);
    live_arm(l);
    bool rest = count > 0 && count < FRAMES_PER_TURN;
    if (rest) {
        sd_event_source_set_time_relative(l->rest, REST_MS * 1000);
    }
    sd_event_source_set_enabled(l->rest, rest ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
    sd_event_source_set_enabled(l->arrival, rest ? SD_EVENT_OFF : SD_EVENT_ON);
}

static int
on_frames(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    (void)source;
    (void)fd;
    (void)events;
    take_frames(ctx);
    return 0;
}

static int
on_rest(sd_event_source *source, uint64_t us, void *ctx)
{
    (void)source;
    (void)us;
    take_frames(ctx);
    return 0;
}

void
live_due(struct live *l)
{
    /* Frames that came before the due time are judged before it. */
    live_drain(l);
    pipeline_advance(l->pipeline, engine_clock_now(&l->clock.engine) - LIVE_LATE_MS);
    live_store_step(l);
    live_arm(l);
}

static int
on_due(sd_event_source *source, uint64_t us, void *ctx)
{
    (void)source;
    (void)us;
    live_due(ctx);
    return 0;
}

/* Takes from the outbox what the broker has.  What the disk refuses to remove is tried
 * again at the next tick, and until then no further receipt is taken. */
static void
remove_told(struct live *l)
{
    struct err err;
    bool failed = l->told_count > 0 &&
                  state_outbox_remove(l->store, l->told, l->told_count, &err) != 0;
    if (failed && !l->told_failing) {
        log_warning("outbox: %s; tried again", err.text);
    }
    if (!failed) {
        l->told_count = 0;
    }
    if (failed != l->told_failing) {
        l->told_failing = failed;
        sd_event_source_set_enabled(l->told_source,
                                    failed ? SD_EVENT_OFF : SD_EVENT_ON);
    }
}

int
live_on_receipts(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    (void)source;
    (void)fd;
    (void)events;
    struct live *l = ctx;
    struct publish_receipt receipt;
    while (l->told_count < RECEIPTS_PER_TURN &&
           ring_pop(l->receipts, &receipt, sizeof receipt) > 0) {
        l->told[l->told_count++] = receipt.outbox_id;
    }
    remove_told(l);
    return 0;
}

static void
say_status(struct live *l)
{
    uint32_t offline = 0;
    for (uint32_t i = 0; i < l->site->device_count; i++) {
        offline +=
            l->site->devices[i].role == DEVICE_EQUIPMENT &&
            rules_device_health(pipeline_rules(l->pipeline), i) == DEVICE_OFFLINE;
    }
    sd_notifyf(0, "STATUS=%u devices, %u offline, %llu frames",
               site_equipment(l->site).devices, offline,
               (unsigned long long)l->frames_seen);
}

void
live_tell_clock(struct live *l)
{
    history_clock(l->history, atomic_load(&l->clock.engine.offset_ms), l->clock.trusted,
                  l->clock.synchronised);
}

static void
follow_clock(struct live *l)
{
    /* What was stamped before a step is applied before it; and the tick's own frames
     * are of now. */
    live_drain(l);
    bool trusted = l->clock.trusted, synchronised = l->clock.synchronised;
    int64_t step_ms = live_clock_look(&l->clock);
    if (step_ms != 0 || trusted != l->clock.trusted ||
        synchronised != l->clock.synchronised) {
        live_tell_clock(l);
    }
    if (step_ms == 0) {
        return;
    }
    log_warning("the wall clock was stepped by %lld ms; timers are not affected",
                (long long)step_ms);
    /* What was due before the step is; and a pipeline that saw no frame yet has a time.
     */
    pipeline_advance(l->pipeline,
                     engine_clock_now(&l->clock.engine) - step_ms - LIVE_LATE_MS);
    pipeline_shift(l->pipeline, step_ms);
}

void
live_tick(struct live *l)
{
    follow_clock(l);
    live_health_frames(l);
    rules_save(pipeline_rules(l->pipeline), false, live_collect_timer, l);
    live_store_changes(l);
    if (l->told_failing) {
        remove_told(l);
    }
    live_arm(l);
    sd_notify(0, "WATCHDOG=1");
    if (l->ticks % STATUS_TICKS == 0) {
        say_status(l);
    }
    l->ticks++;
}

static int
on_tick(sd_event_source *source, uint64_t us, void *ctx)
{
    live_tick(ctx);
    /* After a stall of the machine the missed ticks are not made up for. */
    uint64_t next_us = us + TICK_MS * 1000;
    uint64_t now_us = (uint64_t)clock_mono_us();
    sd_event_source_set_time(source, next_us > now_us ? next_us : now_us);
    return 0;
}

static int
on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
    (void)source;
    struct live *l = ctx;
    log_info("stopping on signal %u", info->ssi_signo);
    sd_notify(0, "STOPPING=1");
    sd_event_exit(l->loop, 0);
    return 0;
}

static int
open_loop(struct live *l, struct err *err)
{
    int r = sd_event_new(&l->loop);
    if (r >= 0) {
        r = sd_event_add_io(l->loop, &l->arrival, ring_fd(l->frames), EPOLLIN,
                            on_frames, l);
    }
    if (r >= 0) {
        r = sd_event_add_time(l->loop, &l->rest, CLOCK_MONOTONIC, UINT64_MAX, 1000,
                              on_rest, l);
    }
    if (r >= 0) {
        r = sd_event_add_io(l->loop, &l->told_source, ring_fd(l->receipts), EPOLLIN,
                            live_on_receipts, l);
    }
    if (r >= 0) {
        r = sd_event_add_io(l->loop, NULL, ring_fd(l->commands), EPOLLIN,
                            live_on_mqtt_commands, l);
    }
    if (r >= 0) {
        r = sd_event_add_io(l->loop, NULL, l->requests.fd, EPOLLIN, live_on_requests,
                            l);
    }
    if (r >= 0) {
        r = sd_event_add_signal(l->loop, NULL, SIGTERM, on_stop, l);
    }
    if (r >= 0) {
        r = sd_event_add_signal(l->loop, NULL, SIGINT, on_stop, l);
    }
    if (r >= 0) {
        r = sd_event_add_signal(l->loop, NULL, SIGHUP, live_on_reload, l);
    }
    if (r >= 0) {
        r = sd_event_add_time(l->loop, &l->due, CLOCK_MONOTONIC, UINT64_MAX, 1000,
                              on_due, l);
    }
    sd_event_source *tick = NULL;
    if (r >= 0) {
        r = sd_event_add_time(l->loop, &tick, CLOCK_MONOTONIC,
                              (uint64_t)clock_mono_us() + TICK_MS * 1000, 1000, on_tick,
                              l);
    }
    if (r >= 0) {
        sd_event_source_set_enabled(tick, SD_EVENT_ON);
        sd_event_source_set_floating(tick, true);
        sd_event_source_unref(tick);
        return 0;
    }
    return err_set(err, ERR_IO, "event loop: %s", err_reason(-r));
}

int
live_start(struct live *l, struct diags *diags, struct err *err)
{
    l->site = check_site(l->path, diags, NULL);
    if (l->site == NULL) {
        return err_set(err, ERR_CONFIG, "%s: %zu errors", l->path, diags->errors);
    }
    live_log_diags(diags); /* What is left are warnings. */
    l->frame = malloc(FRAME_BYTES_MAX);
    if (l->frame == NULL) {
        return err_set(err, ERR_NOMEM, "frame");
    }
    l->changes = changes_new();
    changes_set_witness(l->changes, live_take_evidence, l);
    int code = state_open(&l->store, l->site->data_dir, STORE_WRITE, err);
    if (code == 0 && state_journal_fault(l->store) != NULL) {
        /* The plant must be watched all the same; the proof goes on finding it. */
        log_error("the journal was changed from outside: %s; `caretaker check "
                  "--journal` says more",
                  state_journal_fault(l->store));
    }
    if (code == 0) {
        code = ring_new(&l->frames, FRAMES_RING_BYTES, err);
    }
    if (code == 0) {
        code = ring_new(&l->receipts, RECEIPTS_RING_BYTES, err);
    }
    if (code == 0) {
        code = ring_new(&l->commands, COMMANDS_RING_BYTES, err);
    }
    int64_t last_ms = INSTANT_NONE;
    if (code == 0) {
        code = state_get_alive(l->store, &last_ms, err);
    }
    if (code != 0) {
        return code;
    }
    live_clock_start(&l->clock, last_ms);
    live_watch(l, last_ms);
    struct diags again; /* The rules were checked above: this stays empty. */
    diags_init(&again);
    code = live_assemble(l, &again, err);
    diags_fini(&again);
    if (code == 0) {
        live_sweep_photos(l);
        code = live_web_start(l, err);
    }
    if (code == 0) {
        code = open_loop(l, err);
    }
    return code;
}

void
live_stop(struct live *l)
{
    if (l == NULL) {
        return;
    }
    atomic_store(&l->ending, true);
    request_queue_close(&l->requests); /* So that no web thread waits for the loop. */
    web_stop(l->web);
    l->web = NULL;
    live_disassemble(l);
    sd_event_source_unref(l->told_source);
    sd_event_source_unref(l->due);
    sd_event_source_unref(l->arrival);
    sd_event_source_unref(l->rest);
    sd_event_unref(l->loop);
    ring_free(l->frames);
    ring_free(l->receipts);
    ring_free(l->commands);
    state_close(l->store);
    changes_free(l->changes);
    site_free(l->site);
    free(l->frame);
    request_queue_free(&l->requests);
    login_limit_free(l->people.limit);
    pthread_rwlock_destroy(&l->site_lock);
    pthread_mutex_destroy(&l->photo_lock);
    free(l);
}

static void
block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    /* Every thread started from here on inherits it; the loop takes them by signalfd.
     */
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* A file that may not grow is a full disk, not an end. */
}

struct live *
live_new(const char *path, struct err *err)
{
    struct live *l = calloc(1, sizeof *l);
    if (l == NULL) {
        err_set(err, ERR_NOMEM, "daemon");
        return NULL;
    }
    block_signals();
    people_wipe_json();
    l->path = path;
    l->started_ms = clock_mono_ms();
    /* The loop, which takes a new site, does not wait for ever for those who read. */
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes,
                                  PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&l->site_lock, &attributes);
    pthread_mutex_init(&l->photo_lock, NULL);
    pthread_rwlockattr_destroy(&attributes);
    if (request_queue_open(&l->requests, err) != 0) {
        pthread_rwlock_destroy(&l->site_lock);
        free(l);
        return NULL;
    }
    l->people = (struct people_desk){
        .ask = live_ask_people, .ctx = l, .limit = login_limit_new()};
    return l;
}

/* Each browser takes a descriptor, and the plant's are not to run out. */
static void
raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_MAX) {
        files.rlim_cur = files.rlim_max < FILES_MAX ? files.rlim_max : FILES_MAX;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0) {
            log_warning("the number of open files stays at its limit: %s",
                        err_reason(errno));
        }
    }
}

int
live_run(const char *path, const char *program, struct diags *diags, struct err *err)
{
    raise_file_limit();
    struct live *l = live_new(path, err);
    if (l == NULL) {
        return err->code;
    }
    l->program = program;
    int code = live_start(l, diags, err);
    if (code == 0) {
        log_info("watching %s: %u devices on %u buses, %u rules on %u places",
                 l->site->id, site_equipment(l->site).devices, l->site->bus_count,
                 l->site->rule_count,
                 rules_count(pipeline_rules(l->pipeline)).instances);
        live_store_step(l);
        live_arm(l);
        sd_notify(0, "READY=1");
        int r = sd_event_loop(l->loop);
        if (r < 0) {
            code = err_set(err, ERR_IO, "event loop stopped: %s", err_reason(-r));
        } else if (l->failed != 0) {
            code = err_set(err, (enum err_code)l->failed, "the reload failed");
        }
    }
    live_stop(l);
    if (code == 0) {
        log_info("stopped; everything is on disk");
    }
    return code;
}
