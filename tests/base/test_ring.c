#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/ring.h"

#define PUSHERS     4
#define RECORDS     20000 /* By each. */
#define RECORD_MAX  96
#define RING_BYTES  4096
#define DEADLINE_MS 60000 /* Of one wait; only a lost wake-up takes so long. */

static bool
readable(const struct ring *r, int timeout_ms)
{
    struct pollfd fd = {.fd = ring_fd(r), .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

START_TEST(records_come_out_whole_and_in_order)
{
    struct ring *r = NULL;
    ck_assert_int_eq(ring_new(&r, 100, NULL), 0);
    unsigned char out[RECORD_MAX];
    ck_assert_uint_eq(ring_pop(r, out, sizeof out), 0);
    uint32_t pushed = 0;
    uint32_t popped = 0;
    for (uint32_t i = 0; i < 5000; i++) { /* Many times round the end. */
        unsigned char in[RECORD_MAX];
        size_t size = 1 + (pushed * 7) % 40;
        memset(in, (int)(pushed & 0xFF), size);
        if (i % 3 != 2 && ring_push(r, in, size)) {
            pushed++;
            continue;
        }
        if (popped == pushed) {
            continue;
        }
        memset(in, (int)(popped & 0xFF), sizeof in);
        ck_assert_uint_eq(ring_pop(r, out, sizeof out), 1 + (popped * 7) % 40);
        ck_assert_mem_eq(out, in, 1 + (popped * 7) % 40);
        popped++;
    }
    ck_assert_uint_gt(popped, 1000);
    ring_free(r);
}
END_TEST

START_TEST(a_full_ring_drops_the_new_one_and_counts)
{
    struct ring *r = NULL;
    ck_assert_int_eq(ring_new(&r, 64, NULL), 0);
    uint64_t record = 1;
    int kept = 0;
    while (ring_push(r, &record, sizeof record)) {
        record++;
        kept++;
        ck_assert_int_lt(kept, 100);
    }
    ck_assert_int_gt(kept, 0);
    ck_assert_uint_eq(ring_dropped(r), 1);
    ck_assert(!ring_push(r, &record, sizeof record));
    ck_assert_uint_eq(ring_dropped(r), 2);
    char huge[200] = {0};
    ck_assert(!ring_push(r, huge, sizeof huge)); /* Would never fit. */
    for (int i = 0; i < kept; i++) {
        ck_assert_uint_eq(ring_pop(r, &record, sizeof record), sizeof record);
        ck_assert_uint_eq(record, (uint64_t)i + 1);
    }
    ck_assert(ring_push(r, &record, sizeof record));
    ring_free(r);
    ring_free(NULL);
}
END_TEST

START_TEST(the_descriptor_is_readable_while_records_wait)
{
    struct ring *r = NULL;
    ck_assert_int_eq(ring_new(&r, 4096, NULL), 0);
    ck_assert(!readable(r, 0));
    char c = 'x';
    ck_assert(ring_push(r, &c, 1));
    ck_assert(ring_push(r, &c, 1));
    ck_assert(readable(r, 0));
    ck_assert_uint_eq(ring_pop(r, &c, 1), 1);
    ck_assert(readable(r, 0));
    ck_assert_uint_eq(ring_pop(r, &c, 1), 1);
    ck_assert_uint_eq(ring_pop(r, &c, 1), 0);
    ck_assert(!readable(r, 0));
    ck_assert(ring_push(r, &c, 1));
    ck_assert(readable(r, 0));
    ring_free(r);
}
END_TEST

struct pusher {
    struct ring *ring;
    uint32_t index;
    uint32_t refused;
    pthread_t thread;
};
struct record {
    uint32_t pusher, sequence;
    unsigned char fill[RECORD_MAX - 8];
};

static void *
push_all(void *arg)
{
    struct pusher *p = arg;
    for (uint32_t i = 0; i < RECORDS; i++) {
        struct record record = {.pusher = p->index, .sequence = i};
        size_t fill = i % sizeof record.fill;
        memset(record.fill, (int)(i & 0xFF), fill);
        if (!ring_push(p->ring, &record, 8 + fill)) {
            p->refused++;
        }
    }
    return NULL;
}

START_TEST(many_push_and_one_pops_with_nothing_lost_uncounted)
{
    struct ring *r = NULL;
    ck_assert_int_eq(ring_new(&r, RING_BYTES, NULL), 0);
    struct pusher pushers[PUSHERS];
    for (uint32_t i = 0; i < PUSHERS; i++) {
        pushers[i] = (struct pusher){.ring = r, .index = i};
        ck_assert_int_eq(
            pthread_create(&pushers[i].thread, NULL, push_all, &pushers[i]), 0);
    }
    int64_t last[PUSHERS] = {-1, -1, -1, -1};
    uint64_t got = 0;
    while (got + ring_dropped(r) < (uint64_t)PUSHERS * RECORDS) {
        struct record record;
        size_t size = ring_pop(r, &record, sizeof record);
        if (size == 0) {
            /* Sleeps on the descriptor only, as the loop does; the rest of the pushes
             * may all have been dropped before this ring was emptied. */
            if (got + ring_dropped(r) < (uint64_t)PUSHERS * RECORDS) {
                ck_assert(readable(r, DEADLINE_MS));
            }
            continue;
        }
        ck_assert_uint_lt(record.pusher, PUSHERS);
        ck_assert_int_gt(record.sequence, last[record.pusher]);
        last[record.pusher] = record.sequence;
        size_t fill = record.sequence % sizeof record.fill;
        ck_assert_uint_eq(size, 8 + fill);
        for (size_t i = 0; i < fill; i++) {
            ck_assert_uint_eq(record.fill[i], record.sequence & 0xFF);
        }
        got++;
    }
    uint64_t refused = 0;
    for (uint32_t i = 0; i < PUSHERS; i++) {
        pthread_join(pushers[i].thread, NULL);
        refused += pushers[i].refused;
    }
    ck_assert_uint_eq(refused, ring_dropped(r));
    ck_assert_uint_gt(got, 0);
    ring_free(r);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ring");
    TCase *tc = tcase_create("records");
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, records_come_out_whole_and_in_order);
    tcase_add_test(tc, a_full_ring_drops_the_new_one_and_counts);
    tcase_add_test(tc, the_descriptor_is_readable_while_records_wait);
    tcase_add_test(tc, many_push_and_one_pops_with_nothing_lost_uncounted);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
