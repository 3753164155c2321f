/* A strict RS-485 line of many units on a pty, for benches: written for this alone, it
 * shares no code with the collectors or the simulator.
 *
 *   line_slave [--lenient] [--dead 3,7] [--baud 9600] UNITS LINK
 *
 * LINK becomes a symbolic link to the pty.  Characters have 10 bits (8N1).  What comes
 * in at once is taken to need its characters' time on the wire; a frame ends with 3.5
 * characters of silence, and there its answer begins, byte by byte as the wire would
 * bring it.  A unit ignores a request that was not preceded by 3.5 characters of
 * silence (not with --lenient: silence is then not looked at, a whole request is
 * enough). Holding register n of unit u has the value 256 u + n.
 *
 * Standard input: "report" is answered by one JSON object with what happened since the
 * report before; its end ends the program.  Of each unit: requests, answers, and the
 * mean time between answers in ms (null without two). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define UNITS_MAX   248
#define FRAME_MAX   256
#define REQUEST     8 /* Bytes: unit, function, address, count, CRC. */
#define CHAR_BITS   10
#define NS          INT64_C(1000000000)
#define NEVER       INT64_MAX
#define NOT_YET     (-1)
#define READS_MAX   125 /* Registers. */
#define READ_INPUTS 4

struct unit {
    bool dead;
    uint64_t requests, answers;
    int64_t first_ns; /* The answer before the window, else the first in it. */
    int64_t last_ns;  /* Last byte of the last answer. */
    uint64_t counted; /* Answers after first_ns. */
};

struct line {
    int master, keep; /* The slave's end is kept open, so that it never hangs up. */
    bool lenient;
    int units;
    int64_t char_ns, silence_ns;
    struct unit unit[UNITS_MAX];

    int64_t busy_until_ns; /* End of the last byte on the wire, of whomever. */
    uint8_t in[FRAME_MAX];
    int in_count;
    bool in_early; /* Its first byte came before the silence was over. */
    uint8_t out[FRAME_MAX];
    int out_count, out_done;
    int64_t out_start_ns;
    uint8_t answering; /* Unit. */

    int64_t window_ns;
    uint64_t violations, collisions, damaged, bytes_in, bytes_out;
    int64_t least_silence_ns;
};

static int64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS + t.tv_nsec;
}

/* Modbus over Serial Line V1.02, 6.2.2, bit by bit. */
static uint16_t
crc_of(const uint8_t *bytes, int count)
{
    uint32_t crc = 0xFFFF;

    for (int i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xA001 : crc >> 1;
        }
    }
    return (uint16_t)crc;
}

static void
prepare_answer(struct line *l, const uint8_t *q)
{
    int address = q[2] << 8 | q[3];
    int count = q[4] << 8 | q[5];
    int size = 0;

    l->out[size++] = q[0];
    if ((q[1] != 3 && q[1] != READ_INPUTS) || count < 1 || count > READS_MAX) {
        l->out[size++] = (uint8_t)(q[1] | 0x80);
        l->out[size++] = 1; /* Function not known. */
    } else {
        l->out[size++] = q[1];
        l->out[size++] = (uint8_t)(2 * count);
        for (int i = 0; i < count; i++) {
            int value = 256 * q[0] + address + i;
            l->out[size++] = (uint8_t)(value >> 8);
            l->out[size++] = (uint8_t)value;
        }
    }
    uint16_t crc = crc_of(l->out, size);
    l->out[size++] = (uint8_t)crc;
    l->out[size++] = (uint8_t)(crc >> 8);
    l->out_count = size;
    l->out_done = 0;
    l->answering = q[0];
}

/* The silence after the last byte is over: what was that? */
static void
end_frame(struct line *l)
{
    int size = l->in_count;
    bool early = l->in_early && !l->lenient;

    l->in_count = 0;
    if (l->in_early) {
        l->violations++;
    }
    if (early) {
        return; /* To every unit it is the tail of the frame before. */
    }
    if (size != REQUEST ||
        crc_of(l->in, REQUEST - 2) != (l->in[REQUEST - 2] | l->in[REQUEST - 1] << 8)) {
        l->damaged++;
        return;
    }
    if (l->in[0] < 1 || l->in[0] > l->units) {
        return;
    }
    struct unit *u = &l->unit[l->in[0]];
    u->requests++;
    if (!u->dead) {
        prepare_answer(l, l->in);
        l->out_start_ns = l->busy_until_ns + l->silence_ns;
    }
}

static void
take_bytes(struct line *l)
{
    uint8_t bytes[FRAME_MAX];
    ssize_t size = read(l->master, bytes, sizeof bytes);
    int64_t t = now_ns();

    if (size <= 0) {
        return;
    }
    l->bytes_in += (uint64_t)size;
    int64_t start = t > l->busy_until_ns ? t : l->busy_until_ns;
    if (l->out_count > 0) {
        l->collisions++; /* Two talk at once: the question is lost. */
        return;
    }
    if (l->in_count == 0) {
        int64_t silence = t - l->busy_until_ns;
        l->in_early = silence < l->silence_ns;
        if (silence < l->least_silence_ns) {
            l->least_silence_ns = silence;
        }
    }
    for (ssize_t i = 0; i < size && l->in_count < FRAME_MAX; i++) {
        l->in[l->in_count++] = bytes[i];
    }
    l->busy_until_ns = start + size * l->char_ns;
}

static void
answered(struct line *l, int64_t at_ns)
{
    struct unit *u = &l->unit[l->answering];

    u->answers++;
    if (u->first_ns == NOT_YET) {
        u->first_ns = at_ns;
    } else {
        u->counted++;
    }
    u->last_ns = at_ns;
    l->busy_until_ns = at_ns;
    l->out_count = 0;
}

/* Bytes whose last bit is through by now. */
static void
give_bytes(struct line *l)
{
    int64_t t = now_ns();
    int due = (int)((t - l->out_start_ns) / l->char_ns);

    if (due > l->out_count) {
        due = l->out_count;
    }
    if (due <= l->out_done) {
        return;
    }
    int size = due - l->out_done;
    if (write(l->master, l->out + l->out_done, (size_t)size) == size) {
        l->bytes_out += (uint64_t)size;
    }
    l->out_done = due;
    if (due == l->out_count) {
        int64_t end = l->out_start_ns + l->out_count * l->char_ns;
        /* Silence counts from when the reader could have it. */
        answered(l, t > end ? t : end);
    }
}

static int64_t
next_ns(const struct line *l)
{
    if (l->out_count > 0) {
        return l->out_start_ns + (l->out_done + 1) * l->char_ns;
    }
    return l->in_count > 0 ? l->busy_until_ns + l->silence_ns : NEVER;
}

static void
report(struct line *l)
{
    int64_t t = now_ns();

    printf("{\"seconds\":%.3f,\"violations\":%llu,\"collisions\":%llu,"
           "\"damaged\":%llu,\"bytes_in\":%llu,\"bytes_out\":%llu,"
           "\"least_silence_chars\":",
           (double)(t - l->window_ns) / NS, (unsigned long long)l->violations,
           (unsigned long long)l->collisions, (unsigned long long)l->damaged,
           (unsigned long long)l->bytes_in, (unsigned long long)l->bytes_out);
    if (l->least_silence_ns == NEVER) {
        printf("null");
    } else {
        printf("%.2f", (double)l->least_silence_ns / (double)l->char_ns);
    }
    printf(",\"units\":[");
    for (int i = 1; i <= l->units; i++) {
        struct unit *u = &l->unit[i];
        printf("%s{\"unit\":%d,\"dead\":%s,\"requests\":%llu,\"answers\":%llu,"
               "\"cycle_ms\":",
               i > 1 ? "," : "", i, u->dead ? "true" : "false",
               (unsigned long long)u->requests, (unsigned long long)u->answers);
        if (u->counted == 0) {
            printf("null}");
        } else {
            printf("%.3f}",
                   (double)(u->last_ns - u->first_ns) / 1e6 / (double)u->counted);
        }
        u->requests = u->answers = u->counted = 0;
        u->first_ns = u->last_ns;
    }
    printf("]}\n");
    fflush(stdout);
    l->violations = l->collisions = l->damaged = l->bytes_in = l->bytes_out = 0;
    l->least_silence_ns = NEVER;
    l->window_ns = t;
}

static void
serve(struct line *l)
{
    struct pollfd p[] = {{.fd = l->master, .events = POLLIN},
                         {.fd = STDIN_FILENO, .events = POLLIN}};
    char words[64];

    for (;;) {
        int64_t due = next_ns(l);
        int64_t left = due - now_ns();
        struct timespec wait = {.tv_sec = left / NS, .tv_nsec = left % NS};
        if (left > 0 || due == NEVER) {
            if (ppoll(p, 2, due == NEVER ? NULL : &wait, NULL) < 0 && errno != EINTR) {
                return;
            }
        } else {
            poll(p, 2, 0);
        }
        if ((p[0].revents & POLLIN) != 0) {
            take_bytes(l);
        }
        if (l->out_count > 0) {
            give_bytes(l);
        } else if (l->in_count > 0 && now_ns() >= l->busy_until_ns + l->silence_ns) {
            end_frame(l);
        }
        if (p[1].revents != 0) {
            if (read(STDIN_FILENO, words, sizeof words) <= 0) {
                return;
            }
            report(l);
        }
    }
}

static void
open_line(struct line *l, const char *path)
{
    struct termios t;
    char *name;

    l->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (l->master < 0 || grantpt(l->master) != 0 || unlockpt(l->master) != 0 ||
        (name = ptsname(l->master)) == NULL ||
        (l->keep = open(name, O_RDWR | O_NOCTTY)) < 0 || tcgetattr(l->keep, &t) != 0) {
        perror("line_slave: pty");
        exit(4);
    }
    cfmakeraw(&t);
    tcsetattr(l->keep, TCSANOW, &t);
    if (symlink(name, path) != 0) {
        perror(path);
        exit(4);
    }
}

static void
parse_dead(struct line *l, const char *text)
{
    char *end = NULL;

    for (; *text != '\0'; text = *end == ',' ? end + 1 : end) {
        long unit = strtol(text, &end, 10);
        if (end == text || unit < 1 || unit >= UNITS_MAX) {
            fprintf(stderr, "line_slave: --dead takes units, such as 3,7\n");
            exit(2);
        }
        l->unit[unit].dead = true;
    }
}

int
main(int argc, char **argv)
{
    static struct line l = {.least_silence_ns = NEVER};
    int baud = 9600;
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--lenient") == 0) {
            l.lenient = true;
        } else if (strcmp(argv[i], "--dead") == 0 && i + 1 < argc) {
            parse_dead(&l, argv[++i]);
        } else if (strcmp(argv[i], "--baud") == 0 && i + 1 < argc) {
            baud = atoi(argv[++i]);
        }
    }
    l.units = i < argc ? atoi(argv[i]) : 0;
    if (argc - i != 2 || l.units < 1 || l.units >= UNITS_MAX || baud < 300) {
        fprintf(stderr,
                "usage: line_slave [--lenient] [--dead 3,7] [--baud 9600] UNITS "
                "LINK\n");
        return 2;
    }
    for (int u = 0; u < UNITS_MAX; u++) {
        l.unit[u].first_ns = l.unit[u].last_ns = NOT_YET;
    }
    l.char_ns = CHAR_BITS * NS / baud;
    l.silence_ns = 7 * l.char_ns / 2;
    open_line(&l, argv[i + 1]);
    /* A wire is not late: as punctual as the machine lets us be. */
    prctl(PR_SET_TIMERSLACK, 1);
    bool punctual =
        sched_setscheduler(0, SCHED_FIFO,
                           &(struct sched_param){.sched_priority = 10}) == 0;
    l.window_ns = now_ns();
    l.busy_until_ns = l.window_ns - NS; /* Nobody has spoken yet. */
    printf("ready%s\n", punctual ? "" : " (not in real time)");
    fflush(stdout);
    serve(&l);
    unlink(argv[i + 1]);
    return 0;
}
