/* Event streams over real sockets: what a client gets that comes late, that was away,
 * that reads slowly or not at all, and how streams end. */
#include <check.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/web/door.h"
#include "daemon/web/listen.h"
#include "tests/daemon/web/peers.h"
#include "tests/fake/sanitized.h"

#define BEGIN_SEQ 50   /* Before the first message of a test. */
#define END_MS    8000 /* Less than after what a silent connection is closed. */
#define ATTEMPTS  5    /* A stall of the machine is no fault of the server. */
#define FLOODS    (SANITIZED_SLOWER > 1 ? 12 : 40) /* Of 500 kB. */
#define HELLO     "event: hello\ndata: {}\n\n"
/* More than the ring and what the kernel keeps for one connection hold together. */
#define GAP_COUNT 300
#define GAP_BYTES 65000

static struct house house;
static struct web_service service;
static struct door *door;
static uint16_t port;  /* Of the door that was opened last. */
static int64_t newest; /* What was published last. */

/* ?after=N is where it begins, ?key=K whose it is, ?first=BYTES how long its beginning
 * is. */
static unsigned
handle(void *worker, const struct web_request *r, struct strbuf *body)
{
    (void)worker;
    const char *after = r->query(r, "after");
    const char *key = r->query(r, "key");
    const char *first = r->query(r, "first");
    if (strcmp(r->path, "/api/v1/stream") != 0) {
        strbuf_add(body, "{}");
        return 200;
    }
    r->answer->type = "text/event-stream";
    r->answer->stream = true;
    r->answer->stream_after = after != NULL ? strtoll(after, NULL, 10) : INT64_MAX;
    (void)snprintf(r->answer->stream_key, sizeof r->answer->stream_key, "%s",
                   key != NULL ? key : "");
    strbuf_add(body, HELLO);
    if (first != NULL) {
        strbuf_printf(body, "id: 1\ndata: %0*d\n\n", atoi(first), 0);
    }
    return 200;
}

static struct door *
open_door(void)
{
    struct err err = {0};
    struct sockaddr_in a;
    socklen_t size = sizeof a;
    struct door *d = NULL;
    int fd = -1;
    const struct web_tcp tcp = {.listen = "127.0.0.1:0"};
    ck_assert_msg(listen_tcp(&fd, tcp.listen, &err) == 0, "%s", err.text);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    port = ntohs(a.sin_port);
    ck_assert_msg(door_open(&d, &house, fd, &tcp, &err) == 0, "%s", err.text);
    return d;
}

static void
setup(void)
{
    struct err err = {0};
    service = (struct web_service){.handle = handle};
    house = (struct house){.service = &service};
    ck_assert_int_eq(streams_new(&house.streams, &err), 0);
    ck_assert_int_eq(workers_start(&house.workers, &service, &err), 0);
    streams_begin(house.streams, BEGIN_SEQ);
    newest = BEGIN_SEQ;
    door = open_door();
}

static void
teardown(void)
{
    door_close(door);
    workers_stop(house.workers);
    streams_free(house.streams);
}

/* One message of about `bytes`. */
static void
publish(size_t bytes)
{
    struct strbuf m = {0};
    newest++;
    strbuf_printf(&m, "id: %lld\ndata: {\"seq\":%lld,\"x\":\"%0*d\"}\n\n",
                  (long long)newest, (long long)newest, (int)bytes, 0);
    streams_publish(house.streams, newest, m.text, m.size);
    strbuf_fini(&m);
}

static void
publish_many(int count, size_t bytes)
{
    for (int i = 0; i < count; i++) {
        publish(bytes);
    }
    streams_flush(house.streams);
}

/* ---- A client ---- */

struct client {
    int fd;
    struct strbuf got;
    size_t seen;  /* So many bytes of it hold no end of a block. */
    bool headed;  /* The head was here. */
    int64_t last; /* Newest id that came; 0: none. */
    int resets, hellos, pings, messages;
    bool gap; /* An id did not follow its forerunner, and no reset said so. */
};

/* By HTTP/1.0, whose body is not in chunks; `rest` is what stands behind the path. */
static void
begin(struct client *c, const char *rest, int receive_bytes)
{
    char request[256];
    *c = (struct client){.fd = connect_small(port, receive_bytes)};
    int n = snprintf(request, sizeof request, "GET /api/v1/stream%s HTTP/1.0\r\n\r\n",
                     rest);
    ck_assert_int_eq((int)send(c->fd, request, (size_t)n, MSG_NOSIGNAL), n);
}

static void
end(struct client *c)
{
    close(c->fd);
    strbuf_fini(&c->got);
}

/* One block of lines: a message, or something about the stream. */
static void
take_block(struct client *c, const char *text)
{
    if (strncmp(text, "id: ", 4) == 0) {
        int64_t seq = strtoll(text + 4, NULL, 10);
        c->gap = c->gap || (c->last != 0 && seq != c->last + 1);
        c->last = seq;
        c->messages++;
    } else if (strncmp(text, "event: reset", 12) == 0) {
        c->resets++;
        c->last = 0;
    } else if (strncmp(text, "event: hello", 12) == 0) {
        c->hellos++;
    } else if (strncmp(text, "event: ping\ndata: {\"now\":", 25) == 0) {
        c->pings++;
    } else {
        ck_abort_msg("what is this: %s", text);
    }
}

static void
take_all(struct client *c)
{
    char *p = c->got.text;
    char *end_of = NULL;
    if (p == NULL) {
        return;
    }
    if (!c->headed && (end_of = strstr(p, "\r\n\r\n")) != NULL) {
        ck_assert_msg(strstr(p, "Content-Type: text/event-stream") != NULL, "%s", p);
        c->headed = true;
        p = end_of + 4;
    }
    char *from = c->got.text + (c->seen > 0 ? c->seen - 1 : 0);
    while (c->headed && (end_of = strstr(p > from ? p : from, "\n\n")) != NULL) {
        *end_of = '\0';
        take_block(c, p);
        p = end_of + 2;
    }
    /* A long one is not whole yet: to look through it, or copy it, each time would take
     * long. */
    if (p != c->got.text) {
        struct strbuf rest = {0};
        strbuf_add(&rest, p);
        strbuf_fini(&c->got);
        c->got = rest;
    }
    c->seen = c->headed ? c->got.size : 0;
}

/* What has come, or the next that comes.  False: the server hung up. */
static bool
read_more(struct client *c)
{
    char bytes[65536];
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    ck_assert_msg(poll(&p, 1, WAIT_MS) == 1, "nothing comes; the last was %lld",
                  (long long)c->last);
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    if (n <= 0) {
        return false;
    }
    strbuf_add_bytes(&c->got, bytes, (size_t)n);
    take_all(c);
    return true;
}

static void
read_to(struct client *c, int64_t seq)
{
    while (c->last != seq) {
        ck_assert_msg(read_more(c), "it ended at %lld", (long long)c->last);
    }
}

/* Its first bytes are here: the stream is among those that are told. */
static void
await_hello(struct client *c)
{
    while (c->hellos == 0) {
        ck_assert(read_more(c));
    }
}

/* Who takes nothing for long is hung up on, which is right where the machine itself was
 * so slow; but then nothing was seen of what the test is about. */
static bool
hung_up(struct client *c, int64_t begun_ms)
{
    if (read_more(c)) {
        return false;
    }
    ck_assert_int_gt(clock_mono_ms(), begun_ms + END_MS);
    return true;
}

/* What is published before this is not told: it is read anew. */
static void
await_reset(struct client *c)
{
    while (c->resets == 0) {
        ck_assert(read_more(c));
    }
}

/* ---- Tests ---- */

static const struct {
    const char *name;
    const char *after;
    int64_t first; /* Id of the first message. */
    int resets;
} beginnings[] = {
    {"without a wish it begins with what comes", "", 61, 0},
    {"nothing was missed", "?after=60", 61, 0},
    {"some were missed", "?after=55", 56, 0},
    {"all that is kept was missed", "?after=50", 51, 0},
    {"more than is kept was missed", "?after=49", 61, 1},
    {"everything was missed", "?after=0", 61, 1},
};

START_TEST(a_stream_goes_on_where_the_client_was)
{
    struct client c;
    publish_many(10, 10);
    begin(&c, beginnings[_i].after, 0);
    await_hello(&c);
    if (beginnings[_i].resets > 0) {
        await_reset(&c);
    }
    publish_many(1, 10);
    read_to(&c, 61);
    ck_assert_msg(c.messages == (int)(61 - beginnings[_i].first + 1), "%s: %d",
                  beginnings[_i].name, c.messages);
    ck_assert_msg(c.resets == beginnings[_i].resets, "%s", beginnings[_i].name);
    ck_assert_int_eq(c.hellos, 1);
    ck_assert(!c.gap);
    end(&c);
}
END_TEST

/* The ring is limited by messages and by their bytes. */
static const struct {
    const char *name;
    int count;
    size_t bytes;
} floods[] = {
    {"many small messages", 3000, 10},
    {"some large messages", 200, 65000},
};

START_TEST(who_was_away_for_too_long_begins_anew)
{
    struct client c;
    struct client near;
    char rest[32];
    publish_many(floods[_i].count, floods[_i].bytes);
    ck_assert_int_gt(streams_since(house.streams), BEGIN_SEQ);
    begin(&c, "?after=50", 0);
    await_reset(&c);
    snprintf(rest, sizeof rest, "?after=%lld", (long long)newest - 30);
    begin(&near, rest, 0);
    await_hello(&near);
    publish_many(1, 10);
    read_to(&c, newest);
    read_to(&near, newest);
    ck_assert_msg(c.resets == 1 && c.messages == 1, "%s: %d %d", floods[_i].name,
                  c.resets, c.messages);
    ck_assert_msg(near.resets == 0 && near.messages == 31, "%s: %d %d", floods[_i].name,
                  near.resets, near.messages);
    ck_assert(!near.gap);
    end(&c);
    end(&near);
}
END_TEST

START_TEST(who_never_reads_holds_nobody_and_takes_no_memory)
{
    struct client good;
    struct client bad;
    begin(&good, "", 0);
    begin(&bad, "", 4096);
    await_hello(&good);
    await_hello(&bad);
    size_t before = 0;
    for (int i = 0; i < FLOODS; i++) { /* The ring has been full for long. */
        publish_many(500, 1000);
        read_to(&good, newest);
        if (i == 4) {
            before = mallinfo2().uordblks; /* 0 with a sanitizer. */
        }
    }
    size_t after = mallinfo2().uordblks;
    ck_assert_msg(after < before + (256 << 10), "%zu, %zu", before, after);
    ck_assert_int_eq(good.messages, FLOODS * 500);
    ck_assert_int_eq(good.resets, 0);
    ck_assert(!good.gap);
    end(&good);
    end(&bad);
}
END_TEST

/* It reads nothing until the ring is full of what came later.  False: it was hung up on
 * before it was told. */
static bool
is_told_of_the_gap(struct client *c)
{
    int64_t begun_ms = clock_mono_ms();
    begin(c, "", 4096);
    await_hello(c);
    publish_many(GAP_COUNT, GAP_BYTES);
    while (c->resets == 0) {
        if (hung_up(c, begun_ms)) {
            return false;
        }
    }
    return true;
}

START_TEST(who_reads_too_late_is_told_that_he_missed_something_and_goes_on)
{
    struct client c;
    for (int i = 1; !is_told_of_the_gap(&c); i++) {
        ck_assert_int_lt(i, ATTEMPTS);
        end(&c);
    }
    publish_many(1, 10);
    read_to(&c, newest);
    ck_assert_int_eq(c.resets, 1);
    ck_assert_int_lt(c.messages, GAP_COUNT);
    end(&c);
}
END_TEST

/* What streams begin with is bounded for all of them together.  False: the first was
 * hung up on before it had its own. */
static bool
long_beginnings_take_turns(void)
{
    struct client held;
    struct client c;
    int64_t begun_ms = clock_mono_ms();
    bool gone = false;
    begin(&held, "?first=12000000", 4096);
    await_hello(&held);
    begin(&c, "?first=12000000", 0);
    await_hello(&c);
    await_reset(&c);
    ck_assert_int_eq(c.messages, 0);
    publish_many(1, 10);
    read_to(&c, newest);
    end(&c);
    while (!gone && held.messages == 0) {
        gone = hung_up(&held, begun_ms);
    }
    ck_assert_int_eq(held.resets, 0);
    begin(&c, "?first=12000000", 0); /* There is room again. */
    while (c.messages == 0) {
        ck_assert(read_more(&c));
    }
    end(&c);
    end(&held);
    return !gone;
}

START_TEST(a_long_beginning_that_has_no_room_is_a_reset)
{
    for (int i = 1; !long_beginnings_take_turns(); i++) {
        ck_assert_int_lt(i, ATTEMPTS);
    }
}
END_TEST

START_TEST(many_get_the_same)
{
    static struct client clients[200];
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        begin(&clients[i], "", 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        await_hello(&clients[i]);
    }
    ck_assert_uint_eq(streams_count(house.streams), ARRAY_LEN(clients));
    for (int i = 0; i < 50; i++) {
        publish_many(1, 100);
    }
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        read_to(&clients[i], newest);
        ck_assert_int_eq(clients[i].messages, 50);
        ck_assert(!clients[i].gap);
        end(&clients[i]);
    }
}
END_TEST

/* Messages of all sizes around what is copied at once. */
START_TEST(a_large_message_arrives_whole)
{
    static const size_t sizes[] = {1, 16000, 16384, 16400, 100000, 1 << 20};
    struct client c;
    begin(&c, "", 0);
    await_hello(&c);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        publish_many(1, sizes[i]);
        read_to(&c, newest);
    }
    ck_assert_int_eq(c.messages, (int)ARRAY_LEN(sizes));
    ck_assert_int_eq(c.resets, 0);
    end(&c);
}
END_TEST

static bool
is_not_out(void *worker, const char *key)
{
    (void)worker;
    /* It may take its time, which holds up nobody: here it would wait for ever. */
    (void)streams_count(house.streams);
    return strcmp(key, "out") != 0;
}

START_TEST(a_silent_stream_shows_that_it_lives_and_ends_with_its_session)
{
    struct client stays;
    struct client nobodys;
    struct client goes;
    begin(&stays, "?key=in", 0);
    begin(&nobodys, "", 0);
    begin(&goes, "?key=out", 0);
    await_hello(&stays);
    await_hello(&nobodys);
    await_hello(&goes);
    streams_ping(house.streams, is_not_out, NULL);
    while (stays.pings == 0) {
        ck_assert(read_more(&stays));
    }
    while (nobodys.pings == 0) {
        ck_assert(read_more(&nobodys));
    }
    while (read_more(&goes)) {
    }
    ck_assert_int_eq(goes.messages, 0);
    publish_many(1, 10);
    read_to(&stays, newest);
    read_to(&nobodys, newest);
    end(&stays);
    end(&nobodys);
    end(&goes);
}
END_TEST

START_TEST(who_is_to_read_anew_is_told_and_goes_on)
{
    struct client c;
    begin(&c, "", 0);
    await_hello(&c);
    streams_renew(house.streams);
    await_reset(&c);
    publish_many(3, 10);
    read_to(&c, newest);
    ck_assert_int_eq(c.resets, 1);
    ck_assert_int_eq(c.messages, 3);
    end(&c);
}
END_TEST

START_TEST(who_went_away_is_forgotten)
{
    struct client stays;
    struct client goes[20];
    begin(&stays, "", 0);
    await_hello(&stays);
    for (size_t i = 0; i < ARRAY_LEN(goes); i++) {
        begin(&goes[i], "", 0);
        await_hello(&goes[i]);
        end(&goes[i]);
    }
    /* A peer that is gone shows when it is written to. */
    AWAIT((streams_ping(house.streams, NULL, NULL), streams_count(house.streams)) == 1,
          "some are told for ever");
    publish_many(1, 10);
    read_to(&stays, newest);
    end(&stays);
}
END_TEST

START_TEST(a_head_alone_is_no_stream)
{
    struct strbuf got = {0};
    int fd = connect_to(port);
    send_request(fd, "HEAD", "/api/v1/stream");
    read_answer(fd, &got);
    ck_assert_msg(strncmp(strbuf_text(&got), "HTTP/1.1 200 ", 13) == 0 &&
                      strstr(got.text, "text/event-stream") != NULL &&
                      strstr(got.text, "hello") == NULL,
                  "%s", strbuf_text(&got));
    ck_assert_uint_eq(streams_count(house.streams), 0);
    close(fd);
    strbuf_fini(&got);
}
END_TEST

START_TEST(streams_end_with_their_door)
{
    struct client mine[20];
    struct client others;
    struct door *first = door;
    begin(&others, "", 0);
    await_hello(&others);
    door = open_door();
    for (size_t i = 0; i < ARRAY_LEN(mine); i++) {
        begin(&mine[i], "", 0);
        await_hello(&mine[i]);
    }
    door_close(door);
    door = first;
    for (size_t i = 0; i < ARRAY_LEN(mine); i++) {
        while (read_more(&mine[i])) {
        }
        end(&mine[i]);
    }
    ck_assert_uint_eq(streams_count(house.streams), 1);
    publish_many(1, 10);
    read_to(&others, newest);
    end(&others);
}
END_TEST

/* The browser sees that it ended, and comes again; nothing broke. */
START_TEST(streams_end_whole)
{
    int fds[20];
    struct strbuf got = {0};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = connect_to(port);
        send_request(fds[i], "GET", "/api/v1/stream?after=50");
    }
    AWAIT(streams_count(house.streams) == ARRAY_LEN(fds), "a stream does not begin");
    publish_many(3, 100);
    door_close(door);
    door = NULL;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        read_answer(fds[i], &got);
        ck_assert_msg(got.size > 5 && strcmp(got.text + got.size - 5, "0\r\n\r\n") == 0,
                      "%s", strbuf_text(&got));
        close(fds[i]);
    }
    strbuf_fini(&got);
}
END_TEST

START_TEST(who_never_reads_does_not_hold_up_the_end)
{
    struct client good;
    struct client bad;
    begin(&good, "", 0);
    begin(&bad, "", 4096);
    await_hello(&good);
    await_hello(&bad);
    for (int i = 0; i < 20; i++) {
        publish_many(10, 60000);
        read_to(&good, newest);
    }
    int64_t before = clock_mono_ms();
    door_close(door);
    door = NULL;
    ck_assert_int_lt(clock_mono_ms(), before + END_MS);
    end(&good);
    end(&bad);
}
END_TEST

/* ---- Everything at once ---- */

#define COMERS 6
#define TURNS  (60 / SANITIZED_SLOWER + 4)

static void *
come_and_go(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < TURNS; i++) {
        struct client c;
        begin(&c, i % 3 == 0 ? "?after=50" : i % 3 == 1 ? "?key=out" : "", 0);
        /* Some are closed at once, some while they are told. */
        while (i % 4 != 0 && c.messages < 20 && read_more(&c)) {
        }
        ck_assert(!c.gap);
        end(&c);
    }
    return NULL;
}

START_TEST(clients_come_and_go_while_all_are_told)
{
    pthread_t comers[COMERS];
    for (int i = 0; i < COMERS; i++) {
        ck_assert_int_eq(pthread_create(&comers[i], NULL, come_and_go, NULL), 0);
    }
    for (int i = 0; i < COMERS; i++) {
        while (pthread_tryjoin_np(comers[i], NULL) == EBUSY) {
            publish_many(10, 500);
            streams_ping(house.streams, newest % 3 == 0 ? is_not_out : NULL, NULL);
        }
    }
    door_close(door);
    door = NULL;
    ck_assert_uint_eq(streams_count(house.streams), 0);
}
END_TEST

static Suite *
streams_suite(void)
{
    Suite *s = suite_create("streams");
    TCase *tc = tcase_create("sockets");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_stream_goes_on_where_the_client_was, 0,
                        (int)ARRAY_LEN(beginnings));
    tcase_add_loop_test(tc, who_was_away_for_too_long_begins_anew, 0,
                        (int)ARRAY_LEN(floods));
    tcase_add_test(tc, who_never_reads_holds_nobody_and_takes_no_memory);
    tcase_add_test(tc, who_reads_too_late_is_told_that_he_missed_something_and_goes_on);
    tcase_add_test(tc, a_long_beginning_that_has_no_room_is_a_reset);
    tcase_add_test(tc, many_get_the_same);
    tcase_add_test(tc, a_large_message_arrives_whole);
    tcase_add_test(tc, a_silent_stream_shows_that_it_lives_and_ends_with_its_session);
    tcase_add_test(tc, who_is_to_read_anew_is_told_and_goes_on);
    tcase_add_test(tc, who_went_away_is_forgotten);
    tcase_add_test(tc, a_head_alone_is_no_stream);
    tcase_add_test(tc, streams_end_with_their_door);
    tcase_add_test(tc, streams_end_whole);
    tcase_add_test(tc, who_never_reads_does_not_hold_up_the_end);
    tcase_add_test(tc, clients_come_and_go_while_all_are_told);
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    SRunner *sr = srunner_create(streams_suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
