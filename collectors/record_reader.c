#include "collectors/record_reader.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode.h"
#include "collectors/record_bus.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

#define GIVE_UP_MIN_US 1000000 /* An answer may still come after its timeout. */
#define WORDS_MAX      125

/* A failure that waits for what the master does next. */
struct held {
    bool holds;
    struct exchange failure;
    int attempts; /* That failed in a row, this one included. */
};

struct served {
    uint32_t connection; /* 0: the line of a wire log. */
    uint32_t bus;        /* NONE_INDEX: none of the site. */
    struct held held;
};

struct unit_device {
    uint32_t bus, unit, device;
};

struct known_value {
    bool known;
    int raw;
};

struct record_reader {
    const struct site *site;
    uint32_t forced; /* NONE_INDEX: none. */
    struct recording *recording;
    struct listener_sink sink;
    log_bad_fn bad;
    void *ctx;
    struct unit_device *units; /* Sorted. */
    uint32_t unit_count;
    struct served *served;
    uint32_t served_count, served_capacity;
    struct known_value
        *known; /* By point: raw values that others take decimals from. */
    /* Frames that were made and not yet taken, one behind the other. */
    char *queue;
    size_t queue_size, queue_taken, queue_capacity;
    int64_t newest_ms;
    bool failed; /* No memory. */
    bool ended;
    struct record_reader_counts counts;
    char elsewhere[BUS_TEXT_BYTES + 32];
};

static int
compare_units(const void *a, const void *b)
{
    const struct unit_device *x = a, *y = b;

    return x->bus != y->bus         ? (x->bus < y->bus ? -1 : 1)
           : x->unit != y->unit     ? (x->unit < y->unit ? -1 : 1)
           : x->device != y->device ? (x->device < y->device ? -1 : 1)
                                    : 0;
}

/* The first of the devices of a unit; their count in `*count`. */
static const struct unit_device *
find_unit(const struct record_reader *r, uint32_t bus, uint32_t unit, uint32_t *count)
{
    uint32_t low = 0, high = r->unit_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct unit_device *u = &r->units[middle];

        if (u->bus < bus || (u->bus == bus && u->unit < unit)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *count = 0;
    while (low + *count < r->unit_count && r->units[low + *count].bus == bus &&
           r->units[low + *count].unit == unit) {
        (*count)++;
    }
    return &r->units[low];
}

static bool
covered(const struct exchange *x, const struct point *p)
{
    return p->table == x->table && p->address >= x->address &&
           (uint32_t)p->address + point_width(p) <= (uint32_t)x->address + x->count;
}

static enum quality
quality_of(const struct exchange *x)
{
    switch (x->outcome) {
    case EXCHANGE_ANSWERED:
        return QUALITY_GOOD;
    case EXCHANGE_EXCEPTION:
        /* 0B: the gateway's word for a unit that does not answer. */
        return x->exception == 0x0B ? QUALITY_TIMEOUT : QUALITY_EXCEPTION;
    case EXCHANGE_DAMAGED:
    case EXCHANGE_MALFORMED:
        return QUALITY_CRC;
    case EXCHANGE_UNANSWERED:
    case EXCHANGE_STRAY:
        break;
    }
    return QUALITY_TIMEOUT;
}

static bool
bit_of(const struct exchange *x, const struct point *p)
{
    unsigned at = (unsigned)(p->address - x->address);

    return (x->data[at / 8] >> at % 8 & 1) != 0;
}

/* Registers of a point; returns how many. */
static size_t
words_of(uint16_t *out, const struct exchange *x, const struct point *p)
{
    size_t from = 2 * (size_t)(p->address - x->address);
    size_t width = point_width(p);

    for (size_t i = 0; i < width; i++) {
        out[i] = (uint16_t)((uint32_t)x->data[from + 2 * i] << 8 |
                            x->data[from + 2 * i + 1]);
    }
    return width;
}

static bool
is_bits(const struct exchange *x)
{
    return x->table == REG_COIL || x->table == REG_DISCRETE;
}

/* Notes what others may take their decimals from, before any of them is decoded. */
static void
keep_raw(struct record_reader *r, const struct exchange *x, uint32_t index)
{
    const struct point *p = &r->site->points[index];
    uint16_t words[WORDS_MAX];
    uint64_t raw =
        is_bits(x) ? bit_of(x, p) : decode_raw(p, words, words_of(words, x, p));

    r->known[index] =
        (struct known_value){.known = true, .raw = raw > INT_MAX ? INT_MAX : (int)raw};
}

static void
decode(struct record_reader *r, const struct exchange *x, struct reading *out)
{
    const struct point *p = &r->site->points[out->point];
    uint16_t words[WORDS_MAX];
    int decimals = -1;

    if (is_bits(x)) {
        decode_bit(out, p, bit_of(x, p));
        return;
    }
    if (p->decimals_from != NONE_INDEX) {
        const struct known_value *k = &r->known[p->decimals_from];

        if (!k->known) {
            out->quality = QUALITY_OFFLINE; /* Its decimals were never read. */
            return;
        }
        decimals = k->raw;
    }
    decode_words(out, p, words, words_of(words, x, p), decimals);
}

static struct frame *
queue_frame(struct record_reader *r, uint32_t points)
{
    size_t size = frame_bytes((uint16_t)points);

    if (r->queue_taken == r->queue_size) {
        r->queue_taken = r->queue_size = 0;
    }
    if (r->queue_size + size > r->queue_capacity) {
        size_t capacity = 2 * (r->queue_size + size);
        char *queue = realloc(r->queue, capacity);

        if (queue == NULL) {
            r->failed = true;
            return NULL;
        }
        r->queue = queue;
        r->queue_capacity = capacity;
    }
    return (struct frame *)(void *)(r->queue + r->queue_size);
}

/* All points of a device that stand in the exchange; false when none does. */
static bool
make_frame(struct record_reader *r, const struct exchange *x, uint32_t device)
{
    const struct device *d = &r->site->devices[device];
    enum quality why = quality_of(x);
    struct frame *f = queue_frame(r, d->point_count);
    int64_t t_ms = x->answered_us / 1000;
    uint32_t last = d->first_point + d->point_count;

    if (f == NULL) {
        return false;
    }
    r->newest_ms = t_ms > r->newest_ms ? t_ms : r->newest_ms;
    *f = (struct frame){.t_ms = r->newest_ms, .device = device};
    for (uint32_t i = d->first_point; why == QUALITY_GOOD && i < last; i++) {
        if (covered(x, &r->site->points[i])) {
            keep_raw(r, x, i);
        }
    }
    for (uint32_t i = d->first_point; i < last; i++) {
        struct reading *out = &f->readings[f->count];

        if (!covered(x, &r->site->points[i])) {
            continue;
        }
        *out = (struct reading){.point = i, .quality = (uint8_t)why};
        out->detail = why == QUALITY_EXCEPTION ? x->exception : 0;
        if (why == QUALITY_GOOD) {
            decode(r, x, out);
        }
        f->count++;
    }
    if (f->count == 0) {
        return false;
    }
    r->queue_size += frame_bytes(f->count);
    return true;
}

static void
make_samples(struct record_reader *r, uint32_t bus, const struct exchange *x)
{
    uint32_t count;
    const struct unit_device *u = find_unit(r, bus, x->unit, &count);
    bool any = false;

    r->counts.exchanges++;
    for (uint32_t i = 0; i < count; i++) {
        any |= make_frame(r, x, u[i].device);
    }
    r->counts.unmatched += !any;
}

static struct served *
served_of(struct record_reader *r, uint32_t connection)
{
    for (uint32_t i = r->served_count; i > 0; i--) {
        if (r->served[i - 1].connection == connection) {
            return &r->served[i - 1];
        }
    }
    return NULL;
}

static bool
same_question(const struct exchange *a, const struct exchange *b)
{
    return a->unit == b->unit && a->table == b->table && a->address == b->address &&
           a->count == b->count;
}

/* Was the failure asked again at once, or is this the next poll?  A retry comes before
 * the poll after it would; a quarter is for its jitter. */
static bool
is_retry(const struct record_reader *r,
         uint32_t bus,
         const struct exchange *failure,
         const struct exchange *x)
{
    uint32_t count;
    const struct unit_device *u = find_unit(r, bus, x->unit, &count);
    int64_t poll_ms = INT64_MAX / 1000;

    for (uint32_t i = 0; i < count; i++) {
        const struct device *d = &r->site->devices[u[i].device];
        poll_ms = d->poll_ms < poll_ms ? d->poll_ms : poll_ms;
        for (uint32_t k = d->first_point; k < d->first_point + d->point_count; k++) {
            const struct point *p = &r->site->points[k];
            poll_ms = covered(x, p) && p->poll_ms < poll_ms ? p->poll_ms : poll_ms;
        }
    }
    return same_question(failure, x) &&
           x->asked_us - failure->asked_us < poll_ms * 1000 / 4 * 3;
}

static void
release(struct record_reader *r, struct served *s)
{
    if (s->held.holds) {
        s->held.holds = false;
        s->held.attempts = 0;
        make_samples(r, s->bus, &s->held.failure);
    }
}

static void
on_exchange(void *ctx, const struct exchange *x)
{
    struct record_reader *r = ctx;
    struct served *s = served_of(r, x->connection);
    int retries;

    if (x->table == REG_NONE || x->asked_us == INSTANT_NONE || x->count == 0 ||
        s == NULL) {
        return;
    }
    if (s->bus == NONE_INDEX) {
        r->counts.elsewhere++;
        return;
    }
    retries = r->site->buses[s->bus].retries;
    if (x->outcome == EXCHANGE_ANSWERED || x->outcome == EXCHANGE_EXCEPTION ||
        s->held.attempts >= retries) {
        s->held.holds = false;
        s->held.attempts = 0;
        make_samples(r, s->bus, x);
        return;
    }
    s->held.holds = true;
    s->held.attempts++;
    s->held.failure = *x;
}

/* What the master asks next tells whether it took the failure for one. */
static void
on_frame(void *ctx,
         const struct traffic_frame *f,
         enum frame_role role,
         const struct exchange *x)
{
    struct record_reader *r = ctx;
    struct served *s = served_of(r, x->connection);

    (void)f;
    if (role != FRAME_QUESTION || s == NULL || s->bus == NONE_INDEX) {
        return;
    }
    if (s->held.holds && is_retry(r, s->bus, &s->held.failure, x)) {
        s->held.holds = false; /* `attempts` stays. */
    } else {
        release(r, s);
        s->held.attempts = 0;
    }
}

static bool
on_serves(void *ctx, const struct packet_end *e, bool ipv6)
{
    struct record_reader *r = ctx;

    /* Where the user says which bus it is, its port may be behind a translation. */
    return r->forced != NONE_INDEX ? r->site->buses[r->forced].port == e->port
                                   : record_bus_at(r->site, e, ipv6) != NONE_INDEX;
}

static bool
add_served(struct record_reader *r, uint32_t connection, uint32_t bus)
{
    if (r->served_count == r->served_capacity) {
        uint32_t capacity = 2 * r->served_capacity + 16;
        struct served *served = realloc(r->served, capacity * sizeof *served);

        if (served == NULL) {
            r->failed = true;
            return false;
        }
        r->served = served;
        r->served_capacity = capacity;
    }
    r->served[r->served_count++] =
        (struct served){.connection = connection, .bus = bus};
    return true;
}

static void
on_opened(void *ctx, const struct capture_connection *c)
{
    struct record_reader *r = ctx;
    uint32_t bus = r->forced != NONE_INDEX
                       ? r->forced
                       : record_bus_at(r->site, &c->server, c->ipv6);

    add_served(r, c->number, bus);
    if (bus == NONE_INDEX) {
        packet_end_format(r->elsewhere, &c->server, c->ipv6);
    }
}

static void
on_bad(void *ctx, const struct loc *loc, const char *text)
{
    struct record_reader *r = ctx;

    if (r->bad != NULL) {
        r->bad(r->ctx, loc, text);
    }
}

/* How long the slowest of the buses may take; twice that, since a late answer is still
 * seen here. */
static int64_t
give_up_us(const struct site *site, uint32_t forced)
{
    int64_t longest_us = GIVE_UP_MIN_US;

    for (uint32_t i = 0; i < site->bus_count; i++) {
        int64_t us = 2 * site->buses[i].timeout_ms * 1000;

        if ((forced == NONE_INDEX || forced == i) && us > longest_us) {
            longest_us = us;
        }
    }
    return longest_us;
}

static int
index_units(struct record_reader *r, struct err *err)
{
    r->units = calloc((size_t)r->site->device_count + 1, sizeof *r->units);
    r->known = calloc((size_t)r->site->point_count + 1, sizeof *r->known);
    if (r->units == NULL || r->known == NULL) {
        return err_set(err, ERR_NOMEM, "replay");
    }
    for (uint32_t i = 0; i < r->site->device_count; i++) {
        const struct device *d = &r->site->devices[i];

        if (d->bus != NONE_INDEX && d->role == DEVICE_EQUIPMENT) {
            r->units[r->unit_count++] = (struct unit_device){d->bus, d->unit, i};
        }
    }
    qsort(r->units, r->unit_count, sizeof *r->units, compare_units);
    return 0;
}

/* Which bus a wire log belongs to. */
static int
begin_wire_log(struct record_reader *r, const char *name, struct err *err)
{
    const struct wire_log_head *head = recording_head(r->recording);
    uint32_t bus = r->forced;

    if (head == NULL) {
        return 0;
    }
    if (bus == NONE_INDEX && head->bus[0] != '\0') {
        bus = site_bus(r->site, head->bus);
    } else if (bus == NONE_INDEX) {
        bus = record_bus_of_line(r->site, head->line);
    }
    if (bus == NONE_INDEX) {
        return err_set(err, ERR_CONFIG,
                       "%s:1: recorded from %s%s, which is no bus of the "
                       "site; --bus ID says which one it is",
                       name, head->bus[0] != '\0' ? "bus " : "",
                       head->bus[0] != '\0' ? head->bus : head->line);
    }
    if (!add_served(r, head->framing == TRAFFIC_TCP ? 1 : 0, bus)) {
        return err_set(err, ERR_NOMEM, "replay");
    }
    return 0;
}

int
record_reader_open_file(struct record_reader **out,
                        const struct site *site,
                        FILE *file,
                        const char *name,
                        uint32_t bus,
                        log_bad_fn bad,
                        void *ctx,
                        struct err *err)
{
    struct record_reader *r = calloc(1, sizeof *r);

    if (r == NULL) {
        fclose(file);
        return err_set(err, ERR_NOMEM, "replay");
    }
    r->site = site;
    r->forced = bus;
    r->bad = bad;
    r->ctx = ctx;
    r->newest_ms = INSTANT_NONE;
    r->sink =
        (struct listener_sink){.ctx = r, .frame = on_frame, .exchange = on_exchange};
    const struct recording_options options = {.sink = &r->sink,
                                              .bad = on_bad,
                                              .serves = on_serves,
                                              .opened = on_opened,
                                              .ctx = r,
                                              .give_up_us = give_up_us(site, bus)};
    int code = recording_open_file(&r->recording, file, name, &options, err);

    if (code == 0) {
        code = index_units(r, err);
    }
    if (code == 0) {
        code = begin_wire_log(r, name, err);
    }
    if (code != 0) {
        record_reader_close(r);
        return code;
    }
    *out = r;
    return 0;
}

int
record_reader_open(struct record_reader **out,
                   const struct site *site,
                   const char *path,
                   uint32_t bus,
                   log_bad_fn bad,
                   void *ctx,
                   struct err *err)
{
    FILE *file = fopen(path, "rbe");

    if (file == NULL) {
        return err_set(err, ERR_IO, "%s: %s", path, err_reason(errno));
    }
    return record_reader_open_file(out, site, file, path, bus, bad, ctx, err);
}

void
record_reader_close(struct record_reader *r)
{
    if (r == NULL) {
        return;
    }
    recording_close(r->recording);
    free(r->units);
    free(r->known);
    free(r->served);
    free(r->queue);
    free(r);
}

void
record_reader_stop(struct record_reader *r)
{
    r->ended = true;
}

const struct frame *
record_reader_next(struct record_reader *r)
{
    const struct frame *f;

    while (r->queue_taken == r->queue_size && !r->ended && !r->failed) {
        if (!recording_step(r->recording)) {
            r->ended = true;
            for (uint32_t i = 0; i < r->served_count; i++) {
                release(r, &r->served[i]);
            }
        }
    }
    if (r->failed) {
        const struct loc loc = {.file = "replay"};
        on_bad(r, &loc, tr("out of memory"));
        return NULL;
    }
    if (r->queue_taken == r->queue_size) {
        return NULL;
    }
    f = (const struct frame *)(const void *)(r->queue + r->queue_taken);
    r->queue_taken += frame_bytes(f->count);
    return f;
}

struct record_reader_counts
record_reader_counts(const struct record_reader *r)
{
    struct record_reader_counts out = r->counts;
    struct recording_counts c = recording_counts(r->recording);

    out.rows = c.rows;
    out.bad = c.bad;
    out.last_ms = c.last_us != INSTANT_NONE ? c.last_us / 1000 : INSTANT_NONE;
    out.done = c.bytes;
    out.total = c.total;
    return out;
}

const char *
record_reader_elsewhere(const struct record_reader *r)
{
    return r->elsewhere;
}
