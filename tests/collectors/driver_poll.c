/* Runs the real collectors against slaves of another make and prints what they say.
 *
 * Standard input, one thing a line:
 *   bus ID SPEC TIMEOUT_MS          SPEC as bus_parse() takes it
 *   device ID UNIT POLL_MS [holes]  of the bus before
 *   point ID TABLE ADDRESS TYPE ORDER [MUL ADD DIV] | point ID TABLE ADDRESS bits LOW
 * HIGH read TABLE ADDRESS COUNT UNIT   asked at the end, through the worker frames N
 * print so many frames, one JSON object a line, and end
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/collectors.h"
#include "daemon/base/log.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/sample.h"
#include "tests/fake/fake_estate.h"

#define FRAME_WAIT_MS 20000

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "driver_poll: %s: %s\n", what, why);
    exit(4);
}

static void
parse_bus(struct fake_estate *e, struct arena *a, char *rest)
{
    char id[64], spec[200];
    int timeout_ms;
    struct err err;

    if (sscanf(rest, "%63s %199s %d", id, spec, &timeout_ms) != 3) {
        die("bus", rest);
    }
    struct bus *b = fake_estate_tcp(e, "", 0);
    if (bus_parse(b, a, spec, &err) != 0) {
        die(spec, err.text);
    }
    b->id = arena_strdup(a, id);
    b->timeout_ms = timeout_ms;
}

static void
parse_device(struct fake_estate *e, struct arena *a, char *rest)
{
    char id[64], holes[8] = "";
    int unit, poll_ms;

    if (sscanf(rest, "%63s %d %d %7s", id, &unit, &poll_ms, holes) < 3) {
        die("device", rest);
    }
    struct device *d =
        fake_estate_device(e, arena_strdup(a, id), (uint8_t)unit, poll_ms);
    d->limits.holes = strcmp(holes, "holes") == 0;
}

static void
parse_point(struct fake_estate *e, struct arena *a, char *rest)
{
    char id[64], table_name[16], type_name[16], order_name[16];
    unsigned address;
    int low, high, used = 0;
    enum reg_table table;
    enum value_type type;

    if (sscanf(rest, "%63s %15s %u %15s %n", id, table_name, &address, type_name,
               &used) < 4 ||
        !reg_table_parse(&table, table_name) || !value_type_parse(&type, type_name)) {
        die("point", rest);
    }
    struct point *p =
        fake_estate_point(e, arena_strdup(a, id), table, (uint16_t)address, type);
    if (type == TYPE_BITS) {
        if (sscanf(rest + used, "%d %d", &low, &high) != 2) {
            die("bits", rest);
        }
        p->bit_low = (uint8_t)low;
        p->bit_high = (uint8_t)high;
        return;
    }
    int n = sscanf(rest + used, "%15s %lf %lf %lf", order_name, &p->scaling.mul,
                   &p->scaling.add, &p->scaling.div);
    if ((n != 1 && n != 4) || !byte_order_parse(&p->order, order_name)) {
        die("order", rest);
    }
}

static void
print_frame(const struct site *site, const struct frame *f)
{
    struct strbuf out = {0};

    strbuf_add_char(&out, '{');
    strbuf_json_int(&out, "t", f->t_ms);
    strbuf_json_str(&out, "device", site->devices[f->device].id);
    for (uint16_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];
        const char *id = site->points[r->point].id;
        if (r->quality == QUALITY_GOOD) {
            strbuf_json_num(&out, id, r->value);
        } else {
            strbuf_json_str(&out, id, quality_name(r->quality));
        }
    }
    strbuf_add_char(&out, '}');
    puts(strbuf_text(&out));
    strbuf_fini(&out);
}

static void
print_read(struct collectors *c, const struct read_request *q)
{
    struct read_answer answer;
    struct err err;
    bool bits = q->table == REG_COIL || q->table == REG_DISCRETE;

    if (collectors_read(c, 0, q, &answer, &err) != 0) {
        die("read", err.text);
    }
    printf("{\"read\":[");
    for (int i = 0; i < q->count; i++) {
        printf("%s%u", i > 0 ? "," : "", bits ? answer.bits[i] : answer.words[i]);
    }
    printf("]}\n");
}

static void
parse_read(struct read_request *q, const char *rest)
{
    char table[16];
    unsigned address, count, unit;

    if (sscanf(rest, "%15s %u %u %u", table, &address, &count, &unit) != 4 ||
        !reg_table_parse(&q->table, table)) {
        die("read", rest);
    }
    q->address = (uint16_t)address;
    q->count = (uint16_t)count;
    q->unit = (uint8_t)unit;
}

static int
parse(struct fake_estate *e, struct arena *a, struct read_request *q)
{
    char line[300];
    int frames = 0;

    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = strchr(line, ' ');
        if (rest == NULL) {
            continue;
        }
        *rest++ = '\0';
        if (strcmp(line, "bus") == 0) {
            parse_bus(e, a, rest);
        } else if (strcmp(line, "device") == 0) {
            parse_device(e, a, rest);
        } else if (strcmp(line, "point") == 0) {
            parse_point(e, a, rest);
        } else if (strcmp(line, "read") == 0) {
            parse_read(q, rest);
        } else if (strcmp(line, "frames") == 0) {
            frames = atoi(rest);
        } else {
            die("line", line);
        }
    }
    return frames;
}

int
main(void)
{
    struct frame *frame = malloc(FRAME_BYTES_MAX);
    struct fake_estate *e = fake_estate_new();
    struct arena *a = arena_new();
    struct engine_clock clock = {0};
    struct read_request q = {0};
    struct ring *ring;
    struct collectors *c;
    struct err err;

    log_init(LOG_LEVEL_WARNING);
    int frames = parse(e, a, &q);
    atomic_store(&clock.offset_ms, clock_real_ms() - clock_mono_ms());
    if (frame == NULL) {
        die("start", "no memory");
    }
    if (ring_new(&ring, 4 << 20, &err) != 0 ||
        collectors_start(&c, &e->site, &clock, ring, &err) != 0) {
        die("start", err.text);
    }
    while (frames > 0) {
        struct pollfd p = {.fd = ring_fd(ring), .events = POLLIN};
        if (poll(&p, 1, FRAME_WAIT_MS) <= 0) {
            die("frames", "none came");
        }
        while (frames > 0 && ring_pop(ring, frame, FRAME_BYTES_MAX) > 0) {
            print_frame(&e->site, frame);
            frames--;
        }
    }
    if (q.count > 0) {
        print_read(c, &q);
    }
    collectors_stop(c);
    ring_free(ring);
    arena_free(a);
    free(e);
    free(frame);
    return 0;
}
