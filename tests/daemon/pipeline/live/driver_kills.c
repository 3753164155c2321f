/* The daemon through a year of recorded samples and of people's commands, killed again
 * and again:
 *
 *   driver_kills SITE.yaml LOG.csv COMMANDS.yaml KILLS SEED [DOWN]
 *
 * Each life of it is a process of its own that starts as `caretaker run` does
 * (live_start), takes frames, timers, ticks and requests as its loop does, and dies of
 * SIGKILL at a random moment: by its own hand before, in or after a write to the disk
 * (perhaps one while it starts), or by this process's at any moment.  The next one goes
 * on from the databases.  Only the clocks are ours: time goes on from one thing that
 * happens to the next, and the daemon's tick that comes last before it is done.
 *
 * DOWN: how long it stays down on average, in minutes of the year; 0 (default): not at
 * all.  What sensors say meanwhile is lost; people wait until it is back.  A person
 * whose command was not answered looks into the journal before trying again.
 *
 * KILLS is about how many: 0 is the year without any.  Prints a JSON object: how often
 * it died, and from when to when it was down. */
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon/base/instant.h"
#include "daemon/base/log.h"
#include "daemon/pipeline/live/live_inside.h"
#include "daemon/pipeline/replay/case_clock.h"
#include "daemon/pipeline/replay/replay_source.h"

#define MINUTE_MS   INT64_C(60000)
#define BOOT_MS     INT64_C(100000) /* The machine ran so long before the year. */
#define MOMENTS_MAX 150             /* Two are before and after a write. */
#define SPINS_MAX   300000 /* What one waits who kills from outside: about a ms. */

/* One thing that happens: the frames of one time, or a command. */
struct step {
    int64_t t_ms;
    const struct case_command *command; /* NULL: frames. */
    size_t first, count;
};

/* Goes on when the daemon dies. */
struct shared {
    _Atomic size_t at;         /* The step that is done now. */
    _Atomic int64_t clock_ms;  /* Time of the year. */
    _Atomic size_t asked_at;   /* The last step at which a person asked, */
    _Atomic int64_t asked_ms;  /* and when. */
    _Atomic uint64_t armed_at; /* The step from which on death is near; */
    _Atomic int64_t moments;   /* in so many of them; less than 0: by another's hand. */
};

struct year {
    const char *site_file;
    struct site *site;
    struct replay_case *people;
    unsigned char *frames; /* One behind the other. */
    size_t *offsets;
    size_t frame_count, frame_room, bytes, bytes_room;
    struct step *steps;
    size_t step_count;
    int64_t end_ms;
    uint64_t random;
    double down_ms;
};

static struct shared *shared;
static int told_fd;               /* Where a life says that its death is near. */
static _Atomic int64_t life_ms;   /* What its clocks show. */
static _Atomic int64_t life_left; /* Moments until it dies; 0: not near. */

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "driver_kills: %s: %s\n", what, why);
    exit(4);
}

static void *
or_die(void *memory)
{
    if (memory == NULL) {
        die("memory", "none left");
    }
    return memory;
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t
next_random(struct year *y)
{
    uint64_t z = y->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static double
about(struct year *y, double mean)
{
    double uniform = ((double)(next_random(y) >> 11) + 0.5) / 9007199254740992.0;
    return -log(uniform) * mean;
}

/* ---- the clocks: this file stands for daemon/base/clock.c ---- */

static int64_t born_ms; /* When the year begins. */

int64_t
clock_mono_ms(void)
{
    return atomic_load(&life_ms) - born_ms + BOOT_MS;
}

int64_t
clock_mono_us(void)
{
    return clock_mono_ms() * 1000;
}

int64_t
clock_real_ms(void)
{
    return atomic_load(&life_ms);
}

bool
clock_synchronised(void)
{
    return true;
}

int64_t
engine_clock_now(struct engine_clock *c)
{
    return clock_mono_ms() + atomic_load(&c->offset_ms);
}

/* ---- the moments of death: what SQLite writes ---- */

static bool
moment_has_come(void)
{
    return atomic_load(&life_left) > 0 && atomic_fetch_sub(&life_left, 1) == 1;
}

static _Noreturn void
be_killed(void)
{
    kill(getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

static ssize_t
write_or_die(int fd, const void *bytes, size_t size, off_t offset)
{
    if (moment_has_come()) {
        if (size > 1 && size % 512 != 0) { /* Torn: the half of it is there. */
            (void)!pwrite(fd, bytes, size / 2, offset);
        }
        be_killed();
    }
    ssize_t written = pwrite(fd, bytes, size, offset);
    if (moment_has_come()) {
        be_killed();
    }
    return written;
}

static int
truncate_or_die(int fd, off_t size)
{
    if (moment_has_come()) {
        be_killed();
    }
    return ftruncate(fd, size);
}

static void
watch_writes(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    if (vfs == NULL || vfs->iVersion < 3 ||
        vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)truncate_or_die) !=
            SQLITE_OK) {
        die("sqlite", "its system calls cannot be watched");
    }
    /* It has one of the two. */
    if (vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)write_or_die) !=
        SQLITE_OK) {
        vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)write_or_die);
    }
}

/* ---- the year ---- */

static void
on_bad_row(void *ctx, const struct loc *loc, const char *text)
{
    (void)ctx;
    fprintf(stderr, "%s:%u: ", loc->file, loc->line);
    die("LOG", text);
}

static void
keep_frame(struct year *y, const struct frame *f)
{
    size_t size = frame_bytes(f->count);
    if (y->frame_count == y->frame_room) {
        y->frame_room = y->frame_room * 2 + 4096;
        y->offsets = or_die(realloc(y->offsets, y->frame_room * sizeof *y->offsets));
    }
    if (y->bytes + size > y->bytes_room) {
        y->bytes_room = y->bytes_room * 2 + FRAME_BYTES_MAX;
        y->frames = or_die(realloc(y->frames, y->bytes_room));
    }
    y->offsets[y->frame_count++] = y->bytes;
    memcpy(y->frames + y->bytes, f, size);
    y->bytes += size;
}

static const struct frame *
frame_at(const struct year *y, size_t index)
{
    return (const void *)(y->frames + y->offsets[index]);
}

/* People act before the frames of the same moment, as in a replay. */
static void
plan_steps(struct year *y)
{
    struct replay_case *p = y->people;
    born_ms = frame_at(y, 0)->t_ms;
    const struct case_command **commands =
        case_clock_order(p->arena, p->commands, p->command_count, born_ms);
    y->steps = or_die(calloc(y->frame_count + p->command_count + 1, sizeof *y->steps));
    size_t next = 0;
    for (size_t i = 0; i < y->frame_count;) {
        int64_t t_ms = frame_at(y, i)->t_ms;
        for (; next < p->command_count; next++) {
            int64_t at_ms = case_clock_resolve(&commands[next]->at, born_ms);
            if (at_ms > t_ms) {
                break;
            }
            y->steps[y->step_count++] =
                (struct step){.t_ms = at_ms, .command = commands[next]};
        }
        struct step s = {.t_ms = t_ms, .first = i};
        for (; i < y->frame_count && frame_at(y, i)->t_ms == t_ms; i++) {
            s.count++;
        }
        y->steps[y->step_count++] = s;
        y->end_ms = t_ms;
    }
}

static void
read_year(struct year *y, const char *log, const char *commands)
{
    struct diags diags;
    struct err err = {0};
    struct replay_source *source = NULL;
    const struct frame *f;
    diags_init(&diags);
    y->site = config_load_site(y->site_file, NULL, 0, &diags);
    y->people = y->site != NULL ? config_load_commands(commands, &diags) : NULL;
    if (y->people == NULL) {
        diags_print(&diags, stderr);
        exit(3);
    }
    diags_fini(&diags);
    const struct replay_source_options o = {
        .paths = &log, .count = 1, .bad = on_bad_row};
    if (replay_source_open(&source, y->site, &o, &err) != 0) {
        die(log, err.text);
    }
    while ((f = replay_source_next(source)) != NULL) {
        keep_frame(y, f);
    }
    replay_source_close(source);
    if (y->frame_count == 0) {
        die(log, "no samples");
    }
    plan_steps(y);
}

/* ---- one life ---- */

struct life {
    struct year *y;
    struct live *live;
};

/* Nothing happens until then: of all the daemon's ticks meanwhile, only the last is
 * done.  Who dies in it died in the quiet. */
static void
wait_until(struct life *life, int64_t t_ms)
{
    if (t_ms - 1 > atomic_load(&life_ms)) {
        atomic_store(&life_ms, t_ms - 1);
        live_tick(life->live);
    }
    atomic_store(&life_ms, t_ms);
    atomic_store(&shared->clock_ms, t_ms);
}

/* To t_ms, over all timers that are due before. */
static void
pass(struct life *life, int64_t t_ms)
{
    for (;;) {
        int64_t now_ms = atomic_load(&life_ms);
        int64_t due_ms = pipeline_due(life->live->pipeline);
        if (due_ms == INSTANT_MAX || due_ms + LIVE_LATE_MS >= t_ms) {
            break;
        }
        due_ms += LIVE_LATE_MS;
        wait_until(life, due_ms > now_ms ? due_ms : now_ms);
        live_due(life->live);
    }
    if (t_ms > atomic_load(&life_ms)) {
        wait_until(life, t_ms);
    }
}

static void
push(struct live *l, const struct frame *f)
{
    if (!ring_push(l->frames, f, frame_bytes(f->count))) {
        die("frames", "the ring is full");
    }
}

/* One turn of the loop, with a tick; what comes next comes later than `history.flush`.
 */
static void
turn(struct live *l)
{
    struct err err = {0};
    live_drain(l);
    live_store_step(l);
    live_arm(l);
    live_tick(l);
    if (history_flush(l->history, &err) != 0) {
        die("history.db", err.text);
    }
}

static void
take_frames(struct life *life, const struct step *s)
{
    for (size_t i = s->first; i < s->first + s->count; i++) {
        push(life->live, frame_at(life->y, i));
    }
    turn(life->live);
}

/* A daemon that starts polls all its devices: they say what they said last. */
static void
poll_all(struct life *life)
{
    const struct year *y = life->y;
    int64_t now_ms = atomic_load(&life_ms);
    const struct frame **last =
        or_die(calloc((size_t)y->site->device_count + 1, sizeof(*last)));
    struct frame *f = or_die(malloc(FRAME_BYTES_MAX));
    for (size_t i = 0; i < y->frame_count && frame_at(y, i)->t_ms <= now_ms; i++) {
        last[frame_at(y, i)->device] = frame_at(y, i);
    }
    for (uint32_t i = 0; i < y->site->device_count; i++) {
        if (last[i] != NULL) {
            memcpy(f, last[i], frame_bytes(last[i]->count));
            f->t_ms = now_ms;
            push(life->live, f);
        }
    }
    free(last);
    free(f);
    turn(life->live);
}

static void *
ask(void *ctx)
{
    struct request *r = ctx;
    struct life *life = (void *)(uintptr_t)r->ticket;
    r->ticket = 0;
    (void)request_ask(&life->live->requests, r);
    return NULL;
}

struct looking {
    const struct command *c;
    int64_t t_ms;
    bool found;
};

static bool
look_at_event(void *ctx, const struct event_row *row)
{
    struct looking *look = ctx;
    char by[ID_BYTES_MAX + 16];
    snprintf(by, sizeof by, "\"by\":\"%s\"", look->c->by);
    look->found = row->t_ms == look->t_ms && strstr(row->json, by) != NULL &&
                  row->device != NULL && strcmp(row->device, look->c->device) == 0;
    return !look->found;
}

/* Whoever got no answer looks whether it was done. */
static bool
was_done(struct life *life, const struct command *c)
{
    struct err err = {0};
    struct looking look = {.c = c, .t_ms = atomic_load(&shared->asked_ms)};
    if (atomic_load(&shared->asked_at) != atomic_load(&shared->at)) {
        return false;
    }
    if (state_each_event(life->live->store, 0, 0, look_at_event, &look, &err) != 0) {
        die("state.db", err.text);
    }
    return look.found;
}

/* By the door that the API uses: a thread asks, the loop answers. */
static void
do_command(struct life *life, const struct step *s)
{
    struct command c = case_clock_command(s->command, born_ms);
    struct request r = {.kind = REQUEST_COMMAND,
                        .command = &c,
                        .peer = "year",
                        .ticket = (int64_t)(uintptr_t)life};
    pthread_t asker;
    if (was_done(life, &c)) {
        return;
    }
    atomic_store(&shared->asked_ms, atomic_load(&life_ms));
    atomic_store(&shared->asked_at, atomic_load(&shared->at));
    if (pthread_create(&asker, NULL, ask, &r) != 0) {
        die("thread", "it cannot be started");
    }
    struct pollfd asked = {.fd = life->live->requests.fd, .events = POLLIN};
    while (poll(&asked, 1, -1) != 1) {
    }
    live_on_requests(NULL, -1, 0, life->live);
    pthread_join(asker, NULL);
    if (r.code != 0 && r.code != ERR_NOT_FOUND && r.code != ERR_REFUSED) {
        die(command_kind_name(c.kind), r.err.text);
    }
    live_tick(life->live);
}

/* From here on death is near. */
static void
arm(size_t at)
{
    if (at != atomic_load(&shared->armed_at)) {
        return;
    }
    atomic_store(&shared->armed_at, UINT64_MAX);
    int64_t moments = atomic_load(&shared->moments);
    if (moments >= 0) {
        atomic_store(&life_left, moments);
    } else if (write(told_fd, "", 1) != 1) {
        die("pipe", "nobody listens");
    }
}

/* The clock of the year is never before what was seen of it. */
static void
set_clocks(const struct year *y)
{
    struct state *s = NULL;
    struct err err = {0};
    int64_t alive_ms = INSTANT_NONE;
    int code = state_open(&s, y->site->data_dir, STORE_READ, &err);
    if (code == 0) {
        code = state_get_alive(s, &alive_ms, &err);
    }
    if (code != 0 && code != ERR_NOT_FOUND) {
        die("state.db", err.text);
    }
    state_close(s);
    if (alive_ms > atomic_load(&shared->clock_ms)) {
        atomic_store(&shared->clock_ms, alive_ms);
    }
    atomic_store(&life_ms, atomic_load(&shared->clock_ms));
}

static _Noreturn void
live_on(struct year *y)
{
    struct err err = {0};
    struct diags diags;
    struct life life = {.y = y};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    set_clocks(y);
    watch_writes();
    diags_init(&diags);
    size_t at = atomic_load(&shared->at);
    arm(at);
    life.live = live_new(y->site_file, &err);
    if (life.live == NULL || live_start(life.live, &diags, &err) != 0) {
        diags_print(&diags, stderr);
        die("start", err.text);
    }
    live_store_step(life.live);
    live_arm(life.live);
    poll_all(&life);
    for (; at < y->step_count; at++) {
        const struct step *s = &y->steps[at];
        atomic_store(&shared->at, at);
        arm(at);
        int64_t now_ms = atomic_load(&life_ms);
        bool missed = s->t_ms < now_ms;
        /* Whoever waited for the daemon asks one after the other. */
        pass(&life, missed ? now_ms + (s->command != NULL ? 1000 : 0) : s->t_ms);
        if (s->command != NULL) {
            do_command(&life, s);
        } else if (!missed) {
            take_frames(&life, s);
        }
    }
    atomic_store(&shared->at, at);
    pass(&life, y->end_ms + LIVE_LATE_MS);
    live_due(life.live);
    live_stop(life.live);
    diags_fini(&diags);
    _exit(0);
}

/* ---- many lives ---- */

/* Decides how the life that begins now will end. */
static void
decide(struct year *y, double steps_a_life)
{
    bool at_start = next_random(y) % 5 == 0;
    bool inside = at_start || next_random(y) % 2 == 0;
    size_t after = at_start ? 0 : (size_t)about(y, steps_a_life * 1.25);
    atomic_store(&shared->armed_at, atomic_load(&shared->at) + after);
    atomic_store(&shared->moments,
                 inside ? (int64_t)(1 + next_random(y) % MOMENTS_MAX) : -1);
}

/* True: it was killed; false: it lived to the end. */
static bool
one_life(struct year *y)
{
    int fds[2];
    int status = 0;
    char byte;
    if (pipe(fds) != 0) {
        die("pipe", "it cannot be made");
    }
    uint64_t spins = next_random(y) % SPINS_MAX;
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        die("fork", "refused");
    }
    if (child == 0) {
        close(fds[0]);
        told_fd = fds[1];
        live_on(y);
    }
    close(fds[1]);
    if (read(fds[0], &byte, 1) == 1) {
        for (volatile uint64_t i = 0; i < spins; i++) {
        }
        kill(child, SIGKILL);
    }
    close(fds[0]);
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return false;
    }
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        fprintf(stderr, "driver_kills: a life ended with %d at step %zu\n", status,
                atomic_load(&shared->at));
        exit(1);
    }
    return true;
}

static unsigned
run(struct year *y, double kills)
{
    unsigned deaths = 0;
    printf("{\"steps\":%zu,\"down\":[", y->step_count);
    atomic_store(&shared->clock_ms, born_ms - MINUTE_MS);
    atomic_store(&shared->armed_at, UINT64_MAX);
    atomic_store(&shared->asked_at, SIZE_MAX);
    for (;;) {
        if (kills > 0) {
            decide(y, (double)y->step_count / kills);
        }
        if (!one_life(y)) {
            return deaths;
        }
        int64_t died_ms = atomic_load(&shared->clock_ms);
        int64_t back_ms = died_ms + (int64_t)about(y, y->down_ms);
        atomic_store(&shared->clock_ms, back_ms);
        printf("%s[%" PRId64 ",%" PRId64 "]", deaths > 0 ? "," : "", died_ms, back_ms);
        deaths++;
    }
}

int
main(int argc, char **argv)
{
    struct year y = {0};
    if (argc != 6 && argc != 7) {
        die("usage", "driver_kills SITE.yaml LOG.csv COMMANDS.yaml KILLS SEED [DOWN]");
    }
    log_init(LOG_LEVEL_ERROR);
    y.site_file = argv[1];
    y.random = strtoull(argv[5], NULL, 10);
    y.down_ms = argc == 7 ? strtod(argv[6], NULL) * (double)MINUTE_MS : 0;
    read_year(&y, argv[2], argv[3]);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        die("memory", "none is shared");
    }
    unsigned deaths = run(&y, strtod(argv[4], NULL));
    printf("],\"kills\":%u}\n", deaths);
    replay_case_free(y.people);
    site_free(y.site);
    free(y.frames);
    free(y.offsets);
    free(y.steps);
    munmap(shared, sizeof *shared);
    return 0;
}
