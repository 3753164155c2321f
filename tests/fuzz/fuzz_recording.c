/* Any bytes as a recording: pcap, pcapng or the text of `caretaker record`.  Whatever
 * comes out must be frames as everybody downstream expects them. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "collectors/record_reader.h"
#include "daemon/base/instant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bus buses[] = {
    {.id = "gate",
     .kind = BUS_TCP,
     .host = "127.0.0.1",
     .port = 502,
     .timeout_ms = 1000,
     .retries = 1,
     .device = NONE_INDEX},
    {.id = "line",
     .kind = BUS_RTU,
     .path = "/dev/ttyS0",
     .baud = 9600,
     .parity = 'N',
     .data_bits = 8,
     .stop_bits = 1,
     .timeout_ms = 300,
     .retries = 1,
     .device = NONE_INDEX},
};

#define POINT(name, of, in, at, kind)                                                  \
    {                                                                                  \
        .id = (name), .device = (of), .table = (in), .address = (at), .type = (kind),  \
        .scaling = {.mul = 1.0, .add = 0.0, .div = 10.0}, .decimals_from = NONE_INDEX, \
        .poll_ms = 1000                                                                \
    }

static const struct point points[] = {
    POINT("a", 0, REG_HOLDING, 0, TYPE_U16), POINT("b", 0, REG_HOLDING, 1, TYPE_F32),
    POINT("c", 0, REG_COIL, 3, TYPE_BOOL),   POINT("a", 1, REG_INPUT, 1, TYPE_S16),
    POINT("b", 1, REG_INPUT, 2, TYPE_U16),
};

static const struct device devices[] = {
    {.id = "d0",
     .name = "d0",
     .bus = 0,
     .unit = 1,
     .parent = NONE_INDEX,
     .poll_ms = 1000,
     .limits = {.max_registers = 125, .max_bits = 2000},
     .first_point = 0,
     .point_count = 3},
    {.id = "d1",
     .name = "d1",
     .bus = 1,
     .unit = 3,
     .parent = NONE_INDEX,
     .poll_ms = 1000,
     .limits = {.max_registers = 125, .max_bits = 2000},
     .first_point = 3,
     .point_count = 2},
};

static void
check_frame(const struct site *site, const struct frame *f)
{
    assert(f->device < site->device_count);
    assert(f->count > 0);
    assert(f->count <= site->devices[f->device].point_count);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct reading *r = &f->readings[i];

        assert(site->points[r->point].device == f->device);
        assert(i == 0 || r->point > r[-1].point);
        assert(r->quality < QUALITY_COUNT);
        assert(isfinite(r->value));
    }
}

static void
check_bad(void *ctx, const struct loc *loc, const char *text)
{
    uint64_t *told = ctx;

    assert(loc->file != NULL);
    assert(text[0] != '\0');
    (*told)++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct site site = {.id = "fuzz", .name = "fuzz", .gateway_device = NONE_INDEX};
    struct record_reader *r = NULL;
    struct err err = {0};
    uint64_t told = 0;
    const struct frame *f;

    if (size < 2) {
        return 0;
    }
    memcpy(&site.buses, &(const void *){buses}, sizeof site.buses);
    memcpy(&site.devices, &(const void *){devices}, sizeof site.devices);
    memcpy(&site.points, &(const void *){points}, sizeof site.points);
    site.bus_count = 2;
    site.device_count = 2;
    site.point_count = 5;
    /* The first byte says whether all of it belongs to one bus. */
    uint32_t bus = data[0] % 3 == 0 ? NONE_INDEX : data[0] % 3 - 1u;
    FILE *file = tmpfile();
    assert(file != NULL);
    assert(fwrite(data + 1, 1, size - 1, file) == size - 1);
    rewind(file);
    if (record_reader_open_file(&r, &site, file, "fuzz", bus, check_bad, &told, &err) !=
        0) {
        assert(err.text[0] != '\0');
        return 0;
    }
    while ((f = record_reader_next(r)) != NULL) {
        check_frame(&site, f);
    }
    struct record_reader_counts counts = record_reader_counts(r);
    assert(told >= counts.bad);
    record_reader_close(r);
    return 0;
}
