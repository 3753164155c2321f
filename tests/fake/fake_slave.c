#include "tests/fake/fake_slave.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <modbus.h>

#include "daemon/base/clock.h"

#define TICK_MS 20 /* It looks at the clock so often, at least. */
_Static_assert(2 * TICK_MS < FAKE_STALL_MS, "a tick is no stall");

struct unit {
    modbus_mapping_t *map;
    enum fake_fault fault;
    int arg;
    int hole, mute;
    unsigned requests;
};

struct fake_slave {
    pthread_t thread;
    pthread_mutex_t lock; /* Guards units, `away`, `stalls`, `turn_ms`. */
    pthread_cond_t changed;
    struct unit units[FAKE_UNITS];
    bool away;    /* Wanted. */
    bool is_away; /* Reached. */
    bool stop;
    unsigned stalls;
    int64_t turn_ms; /* When its present turn began. */
    int wake;

    modbus_t *ctx; /* TCP; NULL: its clients send RTU frames. */
    int listener;
    int client;
    uint16_t port;

    int master; /* pty. */
    int slave;  /* Kept open so that the master end never sees a hang-up. */
    char path[64];
};

static void
wake_up(struct fake_slave *s)
{
    uint64_t one = 1;
    ssize_t n = write(s->wake, &one, sizeof one);
    assert(n == (ssize_t)sizeof one);
}

static void
sleep_ms(int ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L};
    nanosleep(&t, NULL);
}

/* What to do with a request. */
static enum fake_fault
take_fault(struct unit *u, int address, int count, int *arg)
{
    enum fake_fault f = u->fault;

    *arg = u->arg;
    u->requests++;
    if (f == FAKE_LATE) {
        u->fault = FAKE_WELL;
    }
    if (f == FAKE_WELL && u->hole >= address && u->hole < address + count) {
        *arg = 2;
        return FAKE_EXCEPTION;
    }
    if (f == FAKE_WELL && u->mute >= address && u->mute < address + count) {
        return FAKE_SILENT;
    }
    return f;
}

/* ---- TCP ---- */

static void
listen_on(struct fake_slave *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(s->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    int yes = 1;

    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(s->listener >= 0);
    setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    int rc = bind(s->listener, (struct sockaddr *)&a, sizeof a);
    assert(rc == 0);
    rc = listen(s->listener, 4);
    assert(rc == 0);
    rc = getsockname(s->listener, (struct sockaddr *)&a, &size);
    assert(rc == 0);
    s->port = ntohs(a.sin_port);
}

static void
close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void
answer_tcp(struct fake_slave *s)
{
    uint8_t q[MODBUS_TCP_MAX_ADU_LENGTH];
    int arg;

    modbus_set_socket(s->ctx, s->client);
    int size = modbus_receive(s->ctx, q);
    if (size < 12) {
        close_fd(&s->client);
        return;
    }
    pthread_mutex_lock(&s->lock);
    struct unit *u = &s->units[q[6] % FAKE_UNITS];
    enum fake_fault f = take_fault(u, q[8] << 8 | q[9], q[10] << 8 | q[11], &arg);
    pthread_mutex_unlock(&s->lock);
    if (f == FAKE_SILENT) {
        return;
    }
    if (f == FAKE_DROP) {
        close_fd(&s->client);
        return;
    }
    if (f == FAKE_LATE) {
        sleep_ms(arg);
    }
    if (f == FAKE_EXCEPTION) {
        modbus_reply_exception(s->ctx, q, (unsigned)arg);
        return;
    }
    pthread_mutex_lock(&s->lock);
    modbus_reply(s->ctx, q, size, u->map);
    pthread_mutex_unlock(&s->lock);
}

static void
obey_away(struct fake_slave *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->away && s->listener >= 0) {
        close_fd(&s->client);
        close_fd(&s->listener);
    } else if (!s->away && s->listener < 0) {
        listen_on(s);
    }
    s->is_away = s->away;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* ---- pty ---- */

static uint16_t
crc16(const uint8_t *bytes, size_t size)
{
    uint16_t crc = 0xFFFF;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++) {
            crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
        }
    }
    return crc;
}

static size_t
put_bits(uint8_t *out, const uint8_t *bits, int count)
{
    memset(out, 0, (size_t)(count + 7) / 8);
    for (int i = 0; i < count; i++) {
        out[i / 8] = (uint8_t)(out[i / 8] | (bits[i] != 0) << i % 8);
    }
    return (size_t)(count + 7) / 8;
}

static size_t
put_registers(uint8_t *out, const uint16_t *words, int count)
{
    for (int i = 0; i < count; i++) {
        out[2 * i] = (uint8_t)(words[i] >> 8);
        out[2 * i + 1] = (uint8_t)words[i];
    }
    return (size_t)count * 2;
}

/* Function, size and data; an exception where there are no such registers. */
static size_t
make_pdu(uint8_t *out, struct unit *u, uint8_t function, int address, int count)
{
    size_t size = 0;

    out[0] = function;
    if (address + count > FAKE_REGISTERS) {
        out[0] |= 0x80;
        out[1] = 2;
        return 2;
    }
    if (function == 1) {
        size = put_bits(out + 2, u->map->tab_bits + address, count);
    } else if (function == 2) {
        size = put_bits(out + 2, u->map->tab_input_bits + address, count);
    } else if (function == 3) {
        size = put_registers(out + 2, u->map->tab_registers + address, count);
    } else if (function == 4) {
        size = put_registers(out + 2, u->map->tab_input_registers + address, count);
    } else {
        abort(); /* A collector that asks for anything else is broken. */
    }
    out[1] = (uint8_t)size;
    return size + 2;
}

static void
answer_rtu(struct fake_slave *s, int fd, const uint8_t *q)
{
    uint8_t a[300];
    int arg;
    int address = q[2] << 8 | q[3];
    int count = q[4] << 8 | q[5];

    pthread_mutex_lock(&s->lock);
    struct unit *u = &s->units[q[0] % FAKE_UNITS];
    enum fake_fault f = take_fault(u, address, count, &arg);
    a[0] = f == FAKE_WRONG_UNIT ? (uint8_t)(q[0] + 1) : q[0];
    size_t size = 1 + make_pdu(a + 1, u, q[1], address, count);
    pthread_mutex_unlock(&s->lock);
    if (f == FAKE_SILENT) {
        return;
    }
    if (f == FAKE_LATE) {
        sleep_ms(arg);
    }
    if (f == FAKE_EXCEPTION) {
        a[1] = (uint8_t)(q[1] | 0x80);
        a[2] = (uint8_t)arg;
        size = 3;
    }
    uint16_t crc = crc16(a, size);
    if (f == FAKE_BAD_CRC) {
        crc ^= 0x0101;
    }
    a[size++] = (uint8_t)crc;
    a[size++] = (uint8_t)(crc >> 8);
    ssize_t n = write(fd, a, size);
    assert(n == (ssize_t)size);
}

/* A question that has begun to come; false: the other end is gone. */
static bool
take_question(struct fake_slave *s, int fd)
{
    uint8_t q[8];
    size_t size = 0;

    while (size < sizeof q) {
        ssize_t n = read(fd, q + size, sizeof q - size);
        if (n <= 0) {
            return false;
        }
        size += (size_t)n;
    }
    if (crc16(q, 6) == (q[6] | q[7] << 8)) {
        answer_rtu(s, fd, q);
    }
    return true;
}

static void
serve_rtu(struct fake_slave *s)
{
    struct pollfd p[2] = {{.fd = s->wake, .events = POLLIN},
                          {.fd = s->master, .events = POLLIN}};

    poll(p, 2, TICK_MS);
    if ((p[1].revents & POLLIN) != 0) {
        (void)take_question(s, s->master); /* The slave end is open: it stays. */
    }
}

/* ---- TCP, either framing ---- */

static void
serve_tcp(struct fake_slave *s)
{
    struct pollfd p[3] = {{.fd = s->wake, .events = POLLIN},
                          {.fd = s->listener, .events = POLLIN},
                          {.fd = s->client, .events = POLLIN}};

    poll(p, 3, TICK_MS);
    if (p[2].revents != 0 && s->ctx != NULL) {
        answer_tcp(s);
    } else if (p[2].revents != 0 && !take_question(s, s->client)) {
        close_fd(&s->client);
    }
    if (p[1].revents != 0) {
        close_fd(&s->client); /* One master at a time, the newest. */
        s->client = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
    }
}

/* ---- life ---- */

static bool
is_stall(const struct fake_slave *s, int64_t now_ms)
{
    return now_ms - s->turn_ms >= FAKE_STALL_MS;
}

/* Between two turns. */
static bool
stopped(struct fake_slave *s)
{
    pthread_mutex_lock(&s->lock);
    int64_t now_ms = clock_mono_ms();
    s->stalls += is_stall(s, now_ms);
    s->turn_ms = now_ms;
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

static void *
slave_main(void *arg)
{
    struct fake_slave *s = arg;
    uint64_t n;

    while (!stopped(s)) {
        if (s->master >= 0) {
            serve_rtu(s);
        } else {
            serve_tcp(s);
        }
        if (read(s->wake, &n, sizeof n) > 0 && s->master < 0) {
            obey_away(s);
        }
    }
    return NULL;
}

static struct fake_slave *
slave_new(void)
{
    struct fake_slave *s = calloc(1, sizeof *s);

    assert(s != NULL);
    s->turn_ms = clock_mono_ms();
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(s->wake >= 0);
    s->listener = s->client = s->master = s->slave = -1;
    for (int i = 0; i < FAKE_UNITS; i++) {
        s->units[i].hole = -1;
        s->units[i].mute = -1;
        s->units[i].map = modbus_mapping_new(FAKE_REGISTERS, FAKE_REGISTERS,
                                             FAKE_REGISTERS, FAKE_REGISTERS);
        assert(s->units[i].map != NULL);
    }
    return s;
}

static struct fake_slave *
listening(modbus_t *ctx)
{
    struct fake_slave *s = slave_new();

    s->ctx = ctx;
    listen_on(s);
    int rc = pthread_create(&s->thread, NULL, slave_main, s);
    assert(rc == 0);
    return s;
}

struct fake_slave *
fake_slave_tcp(void)
{
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", 0);

    assert(ctx != NULL);
    return listening(ctx);
}

struct fake_slave *
fake_slave_rtu_over_tcp(void)
{
    return listening(NULL);
}

struct fake_slave *
fake_slave_pty(void)
{
    struct fake_slave *s = slave_new();
    struct termios raw;

    int rc = openpty(&s->master, &s->slave, s->path, NULL, NULL);
    assert(rc == 0);
    tcgetattr(s->slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(s->slave, TCSANOW, &raw);
    rc = pthread_create(&s->thread, NULL, slave_main, s);
    assert(rc == 0);
    return s;
}

void
fake_slave_free(struct fake_slave *s)
{
    if (s == NULL) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_mutex_unlock(&s->lock);
    wake_up(s);
    pthread_join(s->thread, NULL);
    close_fd(&s->client);
    close_fd(&s->listener);
    close_fd(&s->master);
    close_fd(&s->slave);
    close_fd(&s->wake);
    for (int i = 0; i < FAKE_UNITS; i++) {
        modbus_mapping_free(s->units[i].map);
    }
    if (s->ctx != NULL) {
        modbus_free(s->ctx);
    }
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s);
}

uint16_t
fake_slave_port(const struct fake_slave *s)
{
    return s->port;
}

const char *
fake_slave_path(const struct fake_slave *s)
{
    return s->path;
}

void
fake_slave_set(struct fake_slave *s,
               uint8_t unit,
               enum reg_table table,
               uint16_t address,
               uint16_t value)
{
    modbus_mapping_t *m = s->units[unit].map;

    assert(address < FAKE_REGISTERS);
    pthread_mutex_lock(&s->lock);
    if (table == REG_COIL) {
        m->tab_bits[address] = (uint8_t)value;
    } else if (table == REG_DISCRETE) {
        m->tab_input_bits[address] = (uint8_t)value;
    } else if (table == REG_HOLDING) {
        m->tab_registers[address] = value;
    } else {
        m->tab_input_registers[address] = value;
    }
    pthread_mutex_unlock(&s->lock);
}

void
fake_slave_fault(struct fake_slave *s, uint8_t unit, enum fake_fault f, int arg)
{
    pthread_mutex_lock(&s->lock);
    s->units[unit].fault = f;
    s->units[unit].arg = arg;
    pthread_mutex_unlock(&s->lock);
}

void
fake_slave_hole(struct fake_slave *s, uint8_t unit, int address)
{
    pthread_mutex_lock(&s->lock);
    s->units[unit].hole = address;
    pthread_mutex_unlock(&s->lock);
}

void
fake_slave_mute(struct fake_slave *s, uint8_t unit, int address)
{
    pthread_mutex_lock(&s->lock);
    s->units[unit].mute = address;
    pthread_mutex_unlock(&s->lock);
}

unsigned
fake_slave_stalls(struct fake_slave *s)
{
    pthread_mutex_lock(&s->lock);
    unsigned n = s->stalls + is_stall(s, clock_mono_ms()); /* It may last. */
    pthread_mutex_unlock(&s->lock);
    return n;
}

unsigned
fake_slave_requests(struct fake_slave *s, uint8_t unit)
{
    pthread_mutex_lock(&s->lock);
    unsigned n = s->units[unit].requests;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static void
set_away(struct fake_slave *s, bool away)
{
    pthread_mutex_lock(&s->lock);
    s->away = away;
    wake_up(s);
    while (s->is_away != away) {
        pthread_cond_wait(&s->changed, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

void
fake_slave_away(struct fake_slave *s)
{
    set_away(s, true);
}

void
fake_slave_back(struct fake_slave *s)
{
    set_away(s, false);
}
