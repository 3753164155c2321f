/* Bytes per sample and speed of the chunks of the history, on several kinds of signal,
 * beside what else they could be coded by.  Values only, but for the last table.
 *
 *   bench_chunk [RECORD.csv]...     records of real plants: a time, then columns of
 *                                   numbers; also those that BENCH_RECORDS names
 *
 * Of the candidates, `entropy` is no coder: the empirical entropy of a column's deltas
 * within a chunk, what a perfect static coder (Huffman, FSE) of them could come to if
 * its table took no bytes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "daemon/base/err.h"
#include "daemon/store/chunk.h"
#include "daemon/store/chunk_bytes.h"
#include "daemon/store/chunk_plan.h"
#include "daemon/store/frame_blob.h"
#include "tests/fake/mixed_series.h"

#define ROWS         3600 /* Of a chunk, where nothing else is said. */
#define SCRATCH      (ROWS * 16)
#define PACK_BLOCK   128
#define RECORD_LINE  4096
#define RECORD_WIDTH 16
#define RECORD_ROWS  65536
#define POINTS       (MIXED_DEVICES * MIXED_POINTS)

enum candidate {
    PLAIN,   /* 8 bytes. */
    BLOB,    /* The rows of the history before chunks. */
    GORILLA, /* XOR of doubles, Pelkonen et al., VLDB 2015, 4.1.2. */
    SHUFFLE, /* Doubles, byte planes, zstd. */
    PACK,    /* Deltas less their least, in as many bits as a block of 128 needs. */
    DELTA,   /* Varints of deltas, zstd. */
    DELTA_9, /* The same with more patience. */
    DELTA_2, /* Deltas of deltas, zstd. */
    PLANES,  /* Bit planes of zigzag deltas, zstd. */
    ENTROPY, /* See above. */
    CHUNK,   /* Ours. */
    CANDIDATES
};
static const char *const names[CANDIDATES] = {
    "plain",    "blob", "gorilla", "shuffle", "pack", "delta",
    "delta-z9", "dod",  "planes",  "entropy", "chunk"};

static uint8_t scratch[SCRATCH], packed[2 * SCRATCH];

static double
cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_chunk: %s\n", what);
        exit(1);
    }
}

static double
zstd(const uint8_t *bytes, size_t size, int level)
{
    size_t got = ZSTD_compress(packed, sizeof packed, bytes, size, level);
    must(!ZSTD_isError(got), "zstd");
    return (double)got;
}

static unsigned
bits_of(uint64_t n)
{
    return n == 0 ? 0 : 64u - (unsigned)__builtin_clzll(n);
}

static double
gorilla(const double *values, uint32_t count)
{
    uint64_t last = double_bits(values[0]);
    unsigned lead = 65, trail = 0;
    double bits = 64;
    for (uint32_t i = 1; i < count; i++) {
        uint64_t x = last ^ double_bits(values[i]);
        last ^= x;
        if (x == 0) {
            bits += 1;
            continue;
        }
        unsigned l = 64 - bits_of(x), t = (unsigned)__builtin_ctzll(x);
        l = l > 31 ? 31 : l;
        if (lead <= 64 && l >= lead && t >= trail) {
            bits += 2 + 64 - lead - trail;
        } else {
            lead = l;
            trail = t;
            bits += 2 + 5 + 6 + 64 - lead - trail;
        }
    }
    return bits / 8;
}

static double
shuffled(const double *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bits = double_bits(values[i]);
        for (unsigned k = 0; k < 8; k++) {
            scratch[k * count + i] = (uint8_t)(bits >> (8 * k));
        }
    }
    return zstd(scratch, 8 * (size_t)count, 9);
}

static double
pack(const int64_t *deltas, uint32_t count)
{
    double bytes = 8;
    for (uint32_t at = 0; at < count; at += PACK_BLOCK) {
        uint32_t end = at + PACK_BLOCK < count ? at + PACK_BLOCK : count;
        int64_t least = deltas[at], most = deltas[at];
        for (uint32_t i = at; i < end; i++) {
            least = deltas[i] < least ? deltas[i] : least;
            most = deltas[i] > most ? deltas[i] : most;
        }
        unsigned width = bits_of((uint64_t)most - (uint64_t)least);
        bytes += 2 + (width * (end - at) + 7) / 8;
    }
    return bytes;
}

static double
varints(const int64_t *numbers, uint32_t count, int level)
{
    struct bytes out = {.at = scratch, .capacity = sizeof scratch};
    for (uint32_t i = 0; i < count; i++) {
        bytes_varint(&out, zigzag(numbers[i]));
    }
    return zstd(scratch, out.size, level);
}

static double
planes(const int64_t *deltas, uint32_t count)
{
    uint32_t stride = (count + 7) / 8;
    uint64_t all = 0;
    for (uint32_t i = 0; i < count; i++) {
        all |= zigzag(deltas[i]);
    }
    unsigned width = bits_of(all);
    memset(scratch, 0, (size_t)width * stride);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t z = zigzag(deltas[i]);
        for (unsigned k = 0; k < width; k++) {
            scratch[k * stride + i / 8] |= (uint8_t)((z >> k & 1) << i % 8);
        }
    }
    return zstd(scratch, (size_t)width * stride, 9);
}

static int
by_value(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static double
entropy(const int64_t *deltas, uint32_t count)
{
    static int64_t sorted[ROWS];
    double bits = 0;
    memcpy(sorted, deltas, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_value);
    for (uint32_t i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && sorted[i + n] == sorted[i]; n++) {
        }
        bits -= n * log2((double)n / count);
    }
    return bits / 8;
}

static double
blob(const double *values, uint32_t count)
{
    double bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t out[1 + FRAME_BLOB_SAMPLE_BYTES_MAX];
        const struct blob_sample s = {.value = values[i], .key = 1};
        bytes += (double)frame_blob_encode(out, &s, 1) - 1;
    }
    return bytes;
}

struct tools {
    struct chunk_encoder *encoder;
    struct chunk_values_plan plan; /* For the integers. */
};

/* Only the column: heads and rows are counted in the last table. */
static double
column_bytes(struct tools *t, const double *values, uint32_t count, double div)
{
    static int64_t t_ms[ROWS];
    static uint16_t good[ROWS];
    struct chunk c;
    const uint8_t *bytes;
    size_t size;
    struct chunk_column column = {.key = 1,
                                  .scaling = {div != 0 ? 1 : 0, 0, div},
                                  .values = values,
                                  .statuses = good};
    const struct chunk_input in = {
        .rows = count, .columns = 1, .t_ms = t_ms, .column = &column};
    must(chunk_encode(t->encoder, &in, &bytes, &size) == 0, "encode");
    must(chunk_open(&c, bytes, size), "open");
    return (double)(size - c.rows_at - c.rows_size);
}

/* Bytes by every candidate are added to `sums`. */
static void
measure(struct tools *t, const double *values, uint32_t count, double div, double *sums)
{
    static int64_t deltas[ROWS], seconds[ROWS];
    const struct scaling scaling = {div != 0 ? 1 : 0, 0, div};
    chunk_values_plan(&t->plan, values, count, &scaling);
    for (uint32_t i = 0; i < count; i++) {
        int64_t n = t->plan.ints[i];
        n = t->plan.palette_count > 0 ? t->plan.palette[n] : n;
        int64_t before = i == 0 ? 0 : t->plan.ints[i - 1];
        before = i > 0 && t->plan.palette_count > 0 ? t->plan.palette[before] : before;
        deltas[i] = (int64_t)((uint64_t)n - (uint64_t)before);
        seconds[i] =
            (int64_t)((uint64_t)deltas[i] - (i == 0 ? 0 : (uint64_t)deltas[i - 1]));
    }
    sums[PLAIN] += 8 * count;
    sums[BLOB] += blob(values, count);
    sums[GORILLA] += gorilla(values, count);
    sums[SHUFFLE] += shuffled(values, count);
    sums[PACK] += pack(deltas + 1, count - 1);
    sums[DELTA] += varints(deltas, count, 1);
    sums[DELTA_9] += varints(deltas, count, 9);
    sums[DELTA_2] += varints(seconds, count, 1);
    sums[PLANES] += planes(deltas, count);
    sums[ENTROPY] += entropy(deltas + 1, count - 1);
    sums[CHUNK] += column_bytes(t, values, count, div);
}

static void
print_line(const char *what, const double *sums, double samples)
{
    printf("%-22.22s", what);
    for (int i = 0; i < CANDIDATES; i++) {
        printf(" %8.3f", sums[i] / samples);
    }
    printf("\n");
}

/* The 200 series, by point and second. */
struct mixed {
    int64_t t_ms[MIXED_DEVICES][MIXED_SECONDS];
    double values[POINTS][MIXED_SECONDS];
};

static struct mixed *
make_mixed(void)
{
    struct mixed *m = malloc(sizeof *m);
    must(m != NULL, "memory");
    for (uint32_t k = 0; k < MIXED_DEVICES; k++) {
        struct mixed_device d;
        int32_t raw[MIXED_POINTS];
        mixed_device_init(&d, 1, k);
        for (uint32_t i = 0; i < MIXED_SECONDS; i++) {
            mixed_device_next(&d, &m->t_ms[k][i], raw);
            for (uint32_t p = 0; p < MIXED_POINTS; p++) {
                m->values[k * MIXED_POINTS + p][i] =
                    (double)raw[p] / mixed_points[p].div;
            }
        }
    }
    return m;
}

static void
measure_mixed(struct tools *t, const struct mixed *m)
{
    double all[CANDIDATES] = {0};
    for (int kind = 0; kind < MIXED_KINDS; kind++) {
        double sums[CANDIDATES] = {0}, samples = 0;
        for (uint32_t p = 0; p < POINTS; p++) {
            const struct mixed_point *point = &mixed_points[p % MIXED_POINTS];
            if (point->kind != (enum mixed_kind)kind) {
                continue;
            }
            for (uint32_t at = 0; at + ROWS <= MIXED_SECONDS; at += ROWS) {
                measure(t, m->values[p] + at, ROWS, point->div, sums);
                samples += ROWS;
            }
        }
        print_line(mixed_kind_name((enum mixed_kind)kind), sums, samples);
        for (int i = 0; i < CANDIDATES; i++) {
            all[i] += sums[i];
        }
    }
    print_line("all 200 series", all, (double)POINTS * MIXED_SECONDS);
}

/* What the mixed series have none of. */
static const char *const other_names[] = {
    "single, noisy",   "single, decimals", "double",          "12-bit converter",
    "white noise s=1", "white noise s=30", "random walk s=1", "counter that wraps"};

static double
other(size_t kind, uint32_t i, double last, uint64_t *random)
{
    double noise = mixed_noise(random);
    switch (kind) {
    case 0:
        return (double)(float)(230 + 0.3 * noise);
    case 1:
        return (double)(float)(rint(2300 + 3 * noise) / 10);
    case 2:
        return 0.999 * last + noise;
    case 3: /* 4096 steps over 0..10000 counts. */
        return floor((1200 + rint(2 * noise)) * 10000 / 4096);
    case 4:
        return 1000 + rint(noise);
    case 5:
        return 1000 + rint(30 * noise);
    case 6:
        return last + rint(noise);
    default:
        return fmod(4294960000.0 + 2 * i, 4294967296.0);
    }
}

static void
measure_others(struct tools *t)
{
    static double values[ROWS];
    for (size_t kind = 0; kind < ARRAY_LEN(other_names); kind++) {
        double sums[CANDIDATES] = {0};
        uint64_t random = kind;
        for (uint32_t i = 0; i < ROWS; i++) {
            values[i] = other(kind, i, i == 0 ? 0 : values[i - 1], &random);
        }
        measure(t, values, ROWS, kind < 3 ? 0 : 1, sums);
        print_line(other_names[kind], sums, ROWS);
    }
}

/* Columns of numbers behind the first; other cells end a column's use. */
static void
measure_record(struct tools *t, const char *path)
{
    static double values[RECORD_WIDTH][RECORD_ROWS];
    char line[RECORD_LINE];
    uint32_t rows = 0, width = RECORD_WIDTH;
    double sums[CANDIDATES] = {0};
    const char *slash = strrchr(path, '/');
    FILE *file = fopen(path, "r");
    must(file != NULL, path);
    must(fgets(line, sizeof line, file) != NULL, path); /* The header. */
    while (rows < RECORD_ROWS && fgets(line, sizeof line, file) != NULL) {
        char *at = line + strcspn(line, ";,");
        uint32_t k = 0;
        for (; k < width && (*at == ';' || *at == ','); k++) {
            char *end;
            values[k][rows] = strtod(at + 1, &end);
            at = end + strcspn(end, ";,");
        }
        width = rows == 0 || k < width ? k : width;
        rows++;
    }
    fclose(file);
    for (uint32_t k = 0; k < width; k++) {
        for (uint32_t from = 0; from + 1 < rows; from += ROWS) {
            uint32_t count = rows - from < ROWS ? rows - from : ROWS;
            measure(t, values[k] + from, count, 0, sums);
        }
    }
    print_line(slash != NULL ? slash + 1 : path, sums, (double)rows * width);
}

/* Some rows of a device, as they are encoded. */
static void
fill_input(struct chunk_input *in,
           struct chunk_column *columns,
           const struct mixed *m,
           uint32_t device,
           uint32_t from,
           uint32_t rows)
{
    static uint16_t good[CHUNK_ROWS_MAX];
    for (uint32_t p = 0; p < MIXED_POINTS; p++) {
        columns[p] =
            (struct chunk_column){.key = device * MIXED_POINTS + p + 1,
                                  .scaling = {1, 0, mixed_points[p].div},
                                  .values = m->values[device * MIXED_POINTS + p] + from,
                                  .statuses = good};
    }
    *in = (struct chunk_input){.rows = rows,
                               .columns = MIXED_POINTS,
                               .t_ms = m->t_ms[device] + from,
                               .column = columns};
}

static size_t
encode_device(struct tools *t,
              const struct mixed *m,
              uint32_t device,
              uint32_t from,
              uint32_t rows,
              const uint8_t **bytes)
{
    struct chunk_column columns[MIXED_POINTS];
    struct chunk_input in;
    size_t size;
    fill_input(&in, columns, m, device, from, rows);
    must(chunk_encode(t->encoder, &in, bytes, &size) == 0, "encode");
    return size;
}

static const uint32_t lengths[] = {5, 12, 60, 300, 900, 1800, 3600, 7200};

static void
measure_lengths(struct tools *t, const struct mixed *m)
{
    printf(
        "\nWhole chunks of %d points: times with jitter, qualities, heads, checksums\n"
        "%-10s %14s %18s\n",
        MIXED_POINTS, "rows", "bytes/sample", "encode M samples/s");
    for (size_t n = 0; n < ARRAY_LEN(lengths); n++) {
        uint32_t rows = lengths[n];
        double size = 0, samples = 0, best = INFINITY;
        const uint8_t *bytes;
        for (uint32_t k = 0; k < MIXED_DEVICES; k++) {
            double start = cpu_ns(), before = samples;
            for (uint32_t at = 0; at + rows <= MIXED_SECONDS; at += rows) {
                size += (double)encode_device(t, m, k, at, rows, &bytes);
                samples += (double)rows * MIXED_POINTS;
            }
            double ns = (cpu_ns() - start) / (samples - before);
            best = ns < best ? ns : best;
        }
        printf("%-10u %14.4f %18.1f\n", rows, size / samples, 1000 / best);
    }
}

struct minute {
    double least, most, sum, last;
    uint32_t count;
};

/* Minimum, maximum, mean and last of each minute, as a query would. */
static uint32_t
aggregate(struct minute *out, const int64_t *t_ms, const double *values, uint32_t rows)
{
    uint32_t count = 0;
    int64_t end = INT64_MIN;
    for (uint32_t i = 0; i < rows; i++) {
        if (t_ms[i] >= end) {
            end = t_ms[i] - t_ms[i] % 60000 + 60000;
            out[count++] = (struct minute){.least = INFINITY, .most = -INFINITY};
        }
        struct minute *m = &out[count - 1];
        m->least = values[i] < m->least ? values[i] : m->least;
        m->most = values[i] > m->most ? values[i] : m->most;
        m->sum += values[i];
        m->last = values[i];
        m->count++;
    }
    return count;
}

/* A day of one point: the same 6 chunks four times. */
static void
measure_day(struct tools *t, const struct mixed *m, uint32_t point)
{
    static int64_t t_ms[ROWS];
    static uint16_t flags[ROWS], row_statuses[ROWS], statuses[ROWS];
    static double values[ROWS];
    static struct minute minutes[ROWS];
    double read = INFINITY, with_minutes = INFINITY, times = INFINITY;
    uint32_t found = 0;
    for (uint32_t at = 0; at + ROWS <= MIXED_SECONDS; at += ROWS) {
        const uint8_t *bytes;
        size_t size = encode_device(t, m, point / MIXED_POINTS, at, ROWS, &bytes);
        for (int round = 0; round < 5; round++) {
            struct chunk c;
            struct chunk_part part;
            double start = cpu_ns();
            must(chunk_open(&c, bytes, size) &&
                     chunk_rows(&c, t_ms, flags, row_statuses),
                 "rows");
            double middle = cpu_ns();
            must(chunk_find(&c, point + 1, &part) &&
                     chunk_values(&c, &part, row_statuses, values, statuses),
                 "values");
            double end = cpu_ns();
            found += aggregate(minutes, t_ms, values, ROWS);
            double last = cpu_ns();
            times = middle - start < times ? middle - start : times;
            read = end - start < read ? end - start : read;
            with_minutes = last - start < with_minutes ? last - start : with_minutes;
        }
    }
    must(found > 0, "minutes");
    printf("%-22s %8.2f %8.2f %8.2f\n", mixed_points[point % MIXED_POINTS].id,
           times * 24 / 1e6, read * 24 / 1e6, with_minutes * 24 / 1e6);
}

int
main(int argc, char **argv)
{
    struct tools *t = calloc(1, sizeof *t);
    must(t != NULL, "memory");
    t->encoder = chunk_encoder_new();
    must(t->encoder != NULL, "memory");
    struct mixed *m = make_mixed();
    printf("Bytes per sample, chunks of %d rows, values only\n%-22s", ROWS, "");
    for (int i = 0; i < CANDIDATES; i++) {
        printf(" %8s", names[i]);
    }
    printf("\n");
    measure_mixed(t, m);
    measure_others(t);
    for (int i = 1; i < argc; i++) {
        measure_record(t, argv[i]);
    }
    const char *records = getenv("BENCH_RECORDS");
    char *list = records != NULL ? strdup(records) : NULL;
    for (char *path = list != NULL ? strtok(list, " ") : NULL; path != NULL;
         path = strtok(NULL, " ")) {
        measure_record(t, path);
    }
    free(list);
    measure_lengths(t, m);
    printf("\nA day of one point, ms\n%-22s %8s %8s %8s\n", "86,400 samples", "times",
           "values", "minutes");
    measure_day(t, m, 2);
    measure_day(t, m, 7);
    measure_day(t, m, 12);
    measure_day(t, m, 16);
    chunk_encoder_free(t->encoder);
    free(t);
    free(m);
    return 0;
}
