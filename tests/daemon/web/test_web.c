/* The API's server and its client, over real sockets.  Peers that are not ours: raw
 * bytes, and curl where it is installed. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/web/web.h"

#define PATIENCE_MS 60000 /* Only a hang takes this long. */
#define PATH_BYTES  512

static char dir[PATH_BYTES];         /* A fresh folder for each test. */
static char socket_path[PATH_BYTES]; /* In it. */
static struct web *server;
static atomic_int handled;

/* An answer in pieces: numbers up to `last`, a thousand at a time. */
struct pieces {
    int at, last;
    bool breaks; /* Before the last piece. */
};
static atomic_int pieces_made, pieces_freed;

static int
next_piece(void *ctx, void *worker, struct strbuf *piece, bool *more)
{
    (void)worker;
    struct pieces *p = ctx;
    for (int i = 0; i < 1000; i++) {
        strbuf_printf(piece, ",%d", ++p->at);
    }
    *more = p->at < p->last;
    strbuf_add(piece, *more ? "" : "]");
    atomic_fetch_add(&pieces_made, 1);
    return !*more && p->breaks ? ERR_IO : 0;
}

static void
free_pieces(void *ctx)
{
    free(ctx);
    atomic_fetch_add(&pieces_freed, 1);
}

static unsigned
begin_pieces(const struct web_request *r, struct strbuf *body, int last)
{
    struct pieces *p = malloc(sizeof *p);
    ck_assert_ptr_nonnull(p);
    *p = (struct pieces){0, last, r->query(r, "breaks") != NULL};
    r->answer->pieces = (struct web_pieces){next_piece, free_pieces, p};
    strbuf_add(body, "[0");
    return 200;
}

/* Tells back what it was asked. */
static unsigned
echo(void *ctx, const struct web_request *r, struct strbuf *body)
{
    (void)ctx;
    atomic_fetch_add(&handled, 1);
    if (strcmp(r->path, "/api/v1/none") == 0) {
        return web_problem(body, 404, "there is no \"none\"");
    }
    if (strcmp(r->path, "/api/v1/large") == 0) {
        strbuf_add_char(body, '[');
        for (int i = 0; i < 300000; i++) {
            strbuf_printf(body, "%s%d", i == 0 ? "" : ",", i);
        }
        strbuf_add_char(body, ']');
        return 200;
    }
    if (strcmp(r->path, "/api/v1/pieces") == 0) {
        return begin_pieces(r, body, 300000);
    }
    strbuf_add_char(body, '{');
    strbuf_json_str(body, "method", r->method);
    strbuf_json_str(body, "path", r->path);
    strbuf_json_str(body, "body", r->body);
    strbuf_json_str(body, "peer", r->peer);
    strbuf_json_str(body, "state", r->query(r, "state"));
    strbuf_json_str(body, "all", r->query(r, "all"));
    strbuf_add_char(body, '}');
    return 200;
}

static const struct web_service service = {.handle = echo};

static void
setup_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/test_web.XXXXXX", tmp != NULL ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(socket_path, sizeof socket_path, "%.400s/%s", dir, WEB_SOCKET_NAME);
    atomic_store(&handled, 0);
    atomic_store(&pieces_made, 0);
    atomic_store(&pieces_freed, 0);
    server = NULL;
}

static void
setup(void)
{
    setup_dir();
    struct err err;
    int r = web_start(&server, dir, &service, &err);
    ck_assert_msg(r == 0, "%s", err.text);
}

static void
teardown(void)
{
    web_stop(server);
    server = NULL;
    char command[PATH_BYTES + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
}

static int
connect_raw(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(socket_path), sizeof a.sun_path);
    memcpy(a.sun_path, socket_path, strlen(socket_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void
send_text(int fd, const char *text)
{
    ck_assert_int_eq((int)send(fd, text, strlen(text), MSG_NOSIGNAL),
                     (int)strlen(text));
}

/* Reads until the peer closes; a reset ends it too. */
static void
read_to_end(int fd, struct strbuf *out)
{
    char bytes[4096];
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "the server keeps the line open");
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0) {
            ck_assert(n == 0 || errno == ECONNRESET);
            return;
        }
        strbuf_add_bytes(out, bytes, (size_t)n);
    }
}

static unsigned
ask(const char *method, const char *path, const char *body, struct strbuf *answer)
{
    struct err err;
    unsigned status = 0;
    int r = web_ask(dir, method, path, body, PATIENCE_MS, &status, answer, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    return status;
}

static size_t
open_files(void)
{
    size_t count = 0;
    DIR *d = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL) {
        count++;
    }
    closedir(d);
    return count;
}

START_TEST(test_request_reaches_the_handler_whole)
{
    struct strbuf answer = {0};
    unsigned status =
        ask("POST", "/api/v1/x%20y?state=active&all", "{\"a\":\"\xc3\xa9\"}", &answer);
    char expected[256];
    snprintf(expected, sizeof expected,
             "{\"method\":\"POST\",\"path\":\"/api/v1/x y\","
             "\"body\":\"{\\\"a\\\":\\\"\xc3\xa9\\\"}\",\"peer\":\"uid=%u pid=%d\","
             "\"state\":\"active\",\"all\":\"\"}",
             (unsigned)getuid(), (int)getpid());
    ck_assert_uint_eq(status, 200);
    ck_assert_str_eq(strbuf_text(&answer), expected);
    strbuf_fini(&answer);
}
END_TEST

START_TEST(test_get_has_no_body_and_absent_arguments_are_null)
{
    struct strbuf answer = {0};
    ck_assert_uint_eq(ask("GET", "/api/v1/status", NULL, &answer), 200);
    ck_assert_ptr_nonnull(strstr(answer.text, "\"body\":\"\""));
    ck_assert_ptr_nonnull(strstr(answer.text, "\"state\":null,\"all\":null"));
    strbuf_fini(&answer);
}
END_TEST

static const struct refusal {
    const char *name;
    const char *method;
    const char *path;
    unsigned status;
    const char *text;
    int handled;
} refusals[] = {
    {"the handler's own problem", "GET", "/api/v1/none", 404,
     "{\"status\":404,\"title\":\"Not Found\",\"detail\":\"there is no \\\"none\\\"\"}",
     1},
    {"a path outside the API", "GET", "/", 404,
     "{\"status\":404,\"title\":\"Not Found\",\"detail\":\"the API is below "
     "/api/v1/\"}",
     0},
    {"a method that is not offered", "PUT", "/api/v1/status", 405,
     "{\"status\":405,\"title\":\"Method Not Allowed\",\"detail\":\"accepted are GET, "
     "HEAD, POST, PATCH and DELETE\"}",
     0},
};

START_TEST(test_refusals_are_problem_details)
{
    const struct refusal *c = &refusals[_i];
    struct strbuf answer = {0};
    unsigned status = ask(c->method, c->path, NULL, &answer);
    ck_assert_msg(status == c->status, "%s: %u", c->name, status);
    ck_assert_msg(strcmp(strbuf_text(&answer), c->text) == 0, "%s: %s", c->name,
                  strbuf_text(&answer));
    ck_assert_int_eq(atomic_load(&handled), c->handled);
    strbuf_fini(&answer);
}
END_TEST

static const struct {
    const char *request;
    const char *type;
} types[] = {
    {"GET /api/v1/status HTTP/1.0\r\n\r\n", "\r\nContent-Type: application/json\r\n"},
    {"GET /api/v1/none HTTP/1.0\r\n\r\n",
     "\r\nContent-Type: application/problem+json\r\n"},
    {"PUT /api/v1/none HTTP/1.0\r\n\r\n", "\r\nAllow: GET, HEAD, POST, PATCH, DELETE\r\n"},
};

START_TEST(test_answers_name_their_type)
{
    int fd = connect_raw();
    struct strbuf answer = {0};
    send_text(fd, types[_i].request);
    read_to_end(fd, &answer);
    ck_assert_msg(strstr(strbuf_text(&answer), types[_i].type) != NULL, "%s",
                  strbuf_text(&answer));
    close(fd);
    strbuf_fini(&answer);
}
END_TEST

static const struct {
    const char *name;
    size_t size;
    unsigned status;
} bodies[] = {
    {"at the limit is accepted", WEB_BODY_MAX, 200},
    {"one byte more is refused", WEB_BODY_MAX + 1, 413},
    {"far more is refused while it comes", (size_t)32 << 20, 413},
};

START_TEST(test_size_of_a_body_is_limited)
{
    char *body = malloc(bodies[_i].size + 1);
    ck_assert_ptr_nonnull(body);
    memset(body, 'x', bodies[_i].size);
    body[bodies[_i].size] = '\0';
    struct strbuf answer = {0};
    unsigned status = ask("POST", "/api/v1/x", body, &answer);
    ck_assert_msg(status == bodies[_i].status, "%s: %u", bodies[_i].name, status);
    ck_assert_int_eq(atomic_load(&handled), status == 200);
    free(body);
    strbuf_fini(&answer);
}
END_TEST

/* Without Content-Length the size shows only as the body comes. */
START_TEST(test_size_of_a_chunked_body_is_limited)
{
    int fd = connect_raw();
    struct strbuf request = {0};
    struct strbuf answer = {0};
    strbuf_add(&request, "POST /api/v1/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < WEB_BODY_MAX / 1024 + 1; i++) {
        strbuf_printf(&request, "400\r\n%01024d\r\n", 0);
    }
    strbuf_add(&request, "0\r\n\r\n");
    size_t sent = 0;
    while (sent < request.size) {
        ssize_t n = send(fd, request.text + sent, request.size - sent, MSG_NOSIGNAL);
        ck_assert_int_gt(n, 0);
        sent += (size_t)n;
    }
    read_to_end(fd, &answer);
    ck_assert_msg(strncmp(strbuf_text(&answer), "HTTP/1.1 413 ", 13) == 0, "%s",
                  strbuf_text(&answer));
    ck_assert_int_eq(atomic_load(&handled), 0);
    close(fd);
    strbuf_fini(&request);
    strbuf_fini(&answer);
}
END_TEST

START_TEST(test_a_nul_byte_in_the_body_is_refused)
{
    static const char request[] = "POST /api/v1/x HTTP/1.0\r\nContent-Length: 5\r\n\r\n"
                                  "{}\0{}";
    int fd = connect_raw();
    struct strbuf answer = {0};
    ck_assert_int_eq((int)send(fd, request, sizeof request - 1, MSG_NOSIGNAL),
                     (int)sizeof request - 1);
    read_to_end(fd, &answer);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&answer), " 400 "));
    ck_assert_int_eq(atomic_load(&handled), 0);
    close(fd);
    strbuf_fini(&answer);
}
END_TEST

static const struct {
    const char *request;
    bool answered; /* Or the server still waits for a line's end. */
} garbage[] = {
    {"\r\n\r\n\r\n\r\n", false},
    {"\x16\x03\x01\x02\x01\xfc\x03\x03\r\n\r", false},
    {"GET\r\n\r\n", true},
    {"GET /api/v1/x HTTP/9.9\r\n\r\n", true},
    {"POST /api/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", true},
    {"POST /api/v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n"
     "\r\n",
     true},
    {"POST /api/v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
     true},
};

START_TEST(test_garbage_never_reaches_the_handler)
{
    int fd = connect_raw();
    struct strbuf answer = {0};
    send_text(fd, garbage[_i].request);
    if (garbage[_i].answered) {
        read_to_end(fd, &answer);
        ck_assert_ptr_null(strstr(strbuf_text(&answer), " 200 "));
    }
    /* And the next one is served. */
    strbuf_clear(&answer);
    ck_assert_uint_eq(ask("GET", "/api/v1/status", NULL, &answer), 200);
    web_stop(server);
    server = NULL;
    ck_assert_int_eq(atomic_load(&handled), 1);
    close(fd);
    strbuf_fini(&answer);
}
END_TEST

START_TEST(test_slow_client_does_not_hold_others)
{
    static const char request[] = "GET /api/v1/slow HTTP/1.0\r\n\r\n";
    int fd = connect_raw();
    struct strbuf answer = {0};
    for (size_t i = 0; i < sizeof request - 1; i++) {
        ck_assert_int_eq((int)send(fd, request + i, 1, MSG_NOSIGNAL), 1);
        strbuf_clear(&answer);
        ck_assert_uint_eq(ask("GET", "/api/v1/status", NULL, &answer), 200);
    }
    strbuf_clear(&answer);
    read_to_end(fd, &answer);
    ck_assert_ptr_nonnull(strstr(strbuf_text(&answer), "/api/v1/slow"));
    close(fd);
    strbuf_fini(&answer);
}
END_TEST

START_TEST(test_large_answer_arrives_whole)
{
    struct strbuf answer = {0};
    ck_assert_uint_eq(ask("GET", "/api/v1/large", NULL, &answer), 200);
    ck_assert_uint_gt(answer.size, 1900000);
    ck_assert_str_eq(answer.text + answer.size - 8, ",299999]");
    strbuf_fini(&answer);
}
END_TEST

START_TEST(test_an_answer_in_pieces_arrives_whole)
{
    struct strbuf pieces = {0};
    struct strbuf large = {0};
    ck_assert_uint_eq(ask("GET", "/api/v1/pieces", NULL, &pieces), 200);
    ck_assert_uint_eq(ask("GET", "/api/v1/large", NULL, &large), 200);
    pieces.text[pieces.size - strlen(",300000]")] = ']'; /* It has one more. */
    pieces.text[pieces.size - strlen(",300000]") + 1] = '\0';
    ck_assert(strcmp(pieces.text, large.text) == 0);
    web_stop(server);
    server = NULL;
    ck_assert_int_eq(atomic_load(&pieces_freed), 1);
    strbuf_fini(&pieces);
    strbuf_fini(&large);
}
END_TEST

/* It is sent as it is read, not made at once; who reads none of it holds nobody up, and
 * who goes leaves nothing behind. */
START_TEST(test_pieces_are_made_as_they_are_read)
{
    struct strbuf answer = {0};
    int fd = connect_raw();
    send_text(fd, "GET /api/v1/pieces HTTP/1.1\r\nHost: x\r\n\r\n");
    char byte;
    ck_assert_int_eq((int)read(fd, &byte, 1), 1);
    ck_assert_uint_eq(ask("GET", "/api/v1/status", NULL, &answer), 200);
    ck_assert_int_lt(atomic_load(&pieces_made),
                     300); /* The socket's buffers hold some. */
    close(fd);
    web_stop(server);
    server = NULL;
    ck_assert_int_eq(atomic_load(&pieces_freed), 1);
    strbuf_fini(&answer);
}
END_TEST

START_TEST(test_a_piece_that_fails_breaks_the_answer)
{
    struct strbuf answer = {0};
    struct err err = {0};
    unsigned status = 0;
    int r = web_ask(dir, "GET", "/api/v1/pieces?breaks=1", NULL, PATIENCE_MS, &status,
                    &answer, &err);
    ck_assert_int_eq(r, ERR_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(err.text, "before its answer was whole"));
    ck_assert_uint_eq(answer.size, 0);
}
END_TEST

static int
take_some(void *ctx, unsigned status, const char *bytes, size_t size, struct err *err)
{
    size_t *left = ctx;
    (void)bytes;
    ck_assert_uint_eq(status, 200);
    if (size > *left) {
        return err_set(err, ERR_FULL, "that is enough");
    }
    *left -= size;
    return 0;
}

START_TEST(test_who_takes_an_answer_may_end_it)
{
    struct err err = {0};
    size_t room = 100000;
    int r = web_ask_for(dir, "/api/v1/pieces", PATIENCE_MS, take_some, &room, &err);
    ck_assert_int_eq(r, ERR_FULL);
    room = 10000000;
    r = web_ask_for(dir, "/api/v1/pieces", PATIENCE_MS, take_some, &room, &err);
    ck_assert_int_eq(r, 0);
    ck_assert_uint_lt(room, 8100000);
}
END_TEST

static void *
ask_often(void *arg)
{
    atomic_int *served = arg;
    for (int i = 0; i < 20; i++) {
        struct strbuf answer = {0};
        struct err err;
        unsigned status = 0;
        if (web_ask(dir, "POST", "/api/v1/x", "{}", PATIENCE_MS, &status, &answer,
                    &err) == 0 &&
            status == 200) {
            atomic_fetch_add(served, 1);
        }
        strbuf_fini(&answer);
    }
    return NULL;
}

START_TEST(test_many_clients_at_once_are_all_served)
{
    pthread_t threads[16];
    atomic_int served = 0;
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_often, &served), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    ck_assert_int_eq(atomic_load(&served), 20 * (int)ARRAY_LEN(threads));
    ck_assert_int_eq(atomic_load(&handled), 20 * (int)ARRAY_LEN(threads));
}
END_TEST

START_TEST(test_stop_closes_connections_that_are_open)
{
    int fds[20];
    struct strbuf answer = {0};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = connect_raw();
        send_text(fds[i], i % 2 == 0 ? "GET /api/v1/st"
                                     : "POST /api/v1/x HTTP/1.1\r\nHost: x\r\n"
                                       "Content-Length: 100\r\n\r\n{");
    }
    ck_assert_uint_eq(ask("GET", "/api/v1/status", NULL, &answer), 200);
    web_stop(server);
    server = NULL;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        strbuf_clear(&answer);
        read_to_end(fds[i], &answer);
        ck_assert_uint_eq(answer.size, 0);
        close(fds[i]);
    }
    ck_assert_int_eq(access(socket_path, F_OK), -1);
    strbuf_fini(&answer);
}
END_TEST

START_TEST(test_stop_closes_every_file)
{
    size_t before = open_files();
    web_stop(server);
    ck_assert_uint_lt(open_files(), before);
    server = NULL;
    size_t stopped = open_files();
    struct err err;
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(web_start(&server, dir, &service, &err), 0);
        web_stop(server);
        server = NULL;
    }
    ck_assert_uint_eq(open_files(), stopped);
}
END_TEST

START_TEST(test_socket_is_for_user_and_group)
{
    struct stat st;
    ck_assert_int_eq(stat(socket_path, &st), 0);
    ck_assert(S_ISSOCK(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 07777, 0660);
}
END_TEST

START_TEST(test_second_daemon_is_refused_and_the_first_goes_on)
{
    struct web *second = NULL;
    struct err err = {0};
    ck_assert_int_eq(web_start(&second, dir, &service, &err), ERR_IO);
    ck_assert_ptr_null(second);
    ck_assert_msg(strstr(err.text, "another daemon") != NULL, "%s", err.text);
    struct strbuf answer = {0};
    ck_assert_uint_eq(ask("GET", "/api/v1/status", NULL, &answer), 200);
    strbuf_fini(&answer);
}
END_TEST

/* A socket at our name, without our lock. */
static int
bind_foreign(bool listening)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memcpy(a.sun_path, socket_path, strlen(socket_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    if (listening) {
        ck_assert_int_eq(listen(fd, 4), 0);
    }
    return fd;
}

START_TEST(test_socket_of_a_dead_daemon_is_replaced)
{
    struct err err;
    close(bind_foreign(true));
    int r = web_start(&server, dir, &service, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    struct strbuf answer = {0};
    ck_assert_uint_eq(ask("GET", "/api/v1/status", NULL, &answer), 200);
    strbuf_fini(&answer);
}
END_TEST

START_TEST(test_socket_that_answers_is_left_alone)
{
    struct err err = {0};
    int fd = bind_foreign(true);
    ck_assert_int_eq(web_start(&server, dir, &service, &err), ERR_IO);
    ck_assert_msg(strstr(err.text, "another daemon") != NULL, "%s", err.text);
    ck_assert_int_eq(access(socket_path, F_OK), 0);
    close(fd);
}
END_TEST

START_TEST(test_file_that_is_no_socket_is_left_alone)
{
    struct err err = {0};
    int fd = open(socket_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(web_start(&server, dir, &service, &err), ERR_IO);
    ck_assert_msg(strstr(err.text, "is no socket") != NULL, "%s", err.text);
    ck_assert_int_eq(access(socket_path, F_OK), 0);
}
END_TEST

START_TEST(test_missing_folder_is_named)
{
    struct err err = {0};
    ck_assert_int_eq(web_start(&server, "/nonexistent/data", &service, &err), ERR_IO);
    ck_assert_msg(strstr(err.text, "/nonexistent/data: ") != NULL, "%s", err.text);
}
END_TEST

START_TEST(test_path_longer_than_an_address_works_for_both_ends)
{
    struct err err;
    size_t used = strlen(dir);
    snprintf(dir + used, sizeof dir - used, "/%0150d", 0);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    int r = web_start(&server, dir, &service, &err);
    ck_assert_msg(r == 0, "%s", err.text);
    struct strbuf answer = {0};
    ck_assert_uint_eq(ask("GET", "/api/v1/status", NULL, &answer), 200);
    strbuf_fini(&answer);
    dir[used] = '\0';
}
END_TEST

/* With too few files left the server cannot start; nothing of it may stay. */
START_TEST(test_start_that_fails_leaves_nothing_behind)
{
    struct rlimit old;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    size_t before = open_files();
    int failures = 0;
    for (rlim_t more = 0; more < 12; more++) {
        int next = dup(0); /* Descriptors below it are taken. */
        ck_assert_int_ge(next, 0);
        close(next);
        struct rlimit tight = {.rlim_cur = (rlim_t)next + more,
                               .rlim_max = old.rlim_max};
        struct err err = {0};
        struct web *w = NULL;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &tight), 0);
        int r = web_start(&w, dir, &service, &err);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
        if (r == 0) {
            web_stop(w);
        } else {
            failures++;
            ck_assert_int_eq(r, ERR_IO);
            ck_assert_str_ne(err.text, "");
        }
        ck_assert_int_eq(access(socket_path, F_OK), -1);
        ck_assert_uint_eq(open_files(), before);
    }
    ck_assert_int_gt(failures, 3);
    ck_assert_int_lt(failures, 12);
}
END_TEST

START_TEST(test_client_says_that_no_daemon_answers)
{
    struct err err = {0};
    struct strbuf answer = {0};
    unsigned status = 77;
    ck_assert_int_eq(
        web_ask(dir, "GET", "/api/v1/x", NULL, 1000, &status, &answer, &err), ERR_IO);
    ck_assert_msg(strstr(err.text, "no daemon answers at ") != NULL &&
                      strstr(err.text, socket_path) != NULL,
                  "%s", err.text);
    close(bind_foreign(false));
    ck_assert_int_eq(
        web_ask(dir, "GET", "/api/v1/x", NULL, 1000, &status, &answer, &err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "no daemon answers at "));
    ck_assert_int_eq(
        web_ask("/nonexistent", "GET", "/api/v1/x", NULL, 1000, &status, &answer, &err),
        ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "no daemon answers at /nonexistent/"));
    ck_assert_uint_eq(status, 77);
    ck_assert_uint_eq(answer.size, 0);
}
END_TEST

START_TEST(test_client_gives_up_at_its_deadline)
{
    struct err err = {0};
    struct strbuf answer = {0};
    unsigned status = 77;
    int fd = bind_foreign(true); /* The kernel accepts, nobody answers. */
    ck_assert_int_eq(web_ask(dir, "GET", "/api/v1/x", NULL, 50, &status, &answer, &err),
                     ERR_TIMEOUT);
    ck_assert_msg(strstr(err.text, "within 50 ms") != NULL, "%s", err.text);
    /* A full backlog is no different. */
    int fds[8];
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        memcpy(a.sun_path, socket_path, strlen(socket_path));
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fds[i], (struct sockaddr *)&a, sizeof a);
    }
    ck_assert_int_eq(web_ask(dir, "GET", "/api/v1/x", NULL, 50, &status, &answer, &err),
                     ERR_TIMEOUT);
    ck_assert_msg(strstr(err.text, "too busy") != NULL, "%s", err.text);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        close(fds[i]);
    }
    close(fd);
    ck_assert_uint_eq(status, 77);
}
END_TEST

START_TEST(test_client_refuses_a_path_that_would_end_the_request_line)
{
    static const struct {
        const char *method, *path;
    } bad[] = {{"GET", "/a b"}, {"GET", "/a\r\nX: y"}, {"GET", "a"}, {"G T", "/"}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        struct strbuf answer = {0};
        unsigned status = 0;
        ck_assert_int_eq(web_ask(dir, bad[i].method, bad[i].path, NULL, 1000, &status,
                                 &answer, &err),
                         ERR_USAGE);
    }
}
END_TEST

/* A server that reads a request and answers with the bytes of one row. */
struct actor {
    int listen_fd;
    const char *bytes;
    size_t size;
};

static void *
act(void *arg)
{
    struct actor *a = arg;
    char bytes[1024];
    int fd = accept(a->listen_fd, NULL, NULL);
    if (fd >= 0) {
        if (read(fd, bytes, sizeof bytes) > 0) {
            /* Byte by byte: no answer may depend on how it is cut. */
            for (size_t i = 0; i < a->size; i++) {
                if (send(fd, a->bytes + i, 1, MSG_NOSIGNAL) != 1) {
                    break;
                }
            }
        }
        close(fd);
    }
    return NULL;
}

#define CHUNKED      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define ANSWER(text) text, sizeof(text) - 1
static const struct {
    const char *name;
    const char *bytes;
    size_t size;
    int result;
    unsigned status;
    const char *body; /* Or a part of the message. */
} answers[] = {
    {"a length", ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), 0, 200,
     "{}"},
    {"a length in other letters, and more bytes than promised",
     ANSWER("HTTP/1.1 201 OK\r\nX: y\r\ncontent-LENGTH:2 \r\n\r\n{}trailing"), 0, 201,
     "{}"},
    {"no length: up to the end", ANSWER("HTTP/1.0 200 OK\r\n\r\n[1,2]"), 0, 200,
     "[1,2]"},
    {"no reason phrase and no body", ANSWER("HTTP/1.1 204\r\n\r\n"), 0, 204, ""},
    {"an interim answer first",
     ANSWER("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok"), 0, 200, "ok"},
    {"nothing at all", ANSWER(""), ERR_PROTOCOL, 0, "closed the connection"},
    {"a head that ends early", ANSWER("HTTP/1.1 200 OK\r\nContent-"), ERR_PROTOCOL, 0,
     "closed the connection"},
    {"a body that ends early", ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"),
     ERR_PROTOCOL, 0, "closed the connection"},
    {"another protocol", ANSWER("SSH-2.0-OpenSSH_9.2\r\n\r\n"), ERR_PROTOCOL, 0,
     "does not speak HTTP"},
    {"a status that is no number", ANSWER("HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n"),
     ERR_PROTOCOL, 0, "does not speak HTTP"},
    {"a NUL in the head", ANSWER("HTTP/1.1 200\0OK\r\n\r\n"), ERR_PROTOCOL, 0,
     "does not speak HTTP"},
    {"a length that is no number",
     ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n{}"), ERR_PROTOCOL, 0,
     "no number"},
    {"an empty length", ANSWER("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{}"),
     ERR_PROTOCOL, 0, "no number"},
    {"a length beyond reason",
     ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
     ERR_PROTOCOL, 0, "more than is accepted"},
    {"chunks", ANSWER(CHUNKED "2\r\n{}\r\n0\r\n\r\n"), 0, 200, "{}"},
    {"no chunk", ANSWER(CHUNKED "0\r\n\r\n"), 0, 200, ""},
    {"chunks with all that may be there",
     ANSWER(CHUNKED "00a;x=\"y\"\r\n[\r\n1,2,3,4\r\n0001 \r\n]\r\n0;z\r\nA: b\r\nC:\r\n"
                    "\r\ntrailing"),
     0, 200, "[\r\n1,2,3,4]"},
    {"chunks that end early", ANSWER(CHUNKED "2\r\n{}\r\n"), ERR_PROTOCOL, 0,
     "closed the connection"},
    {"a chunk that is longer than it says", ANSWER(CHUNKED "1\r\n{}\r\n0\r\n\r\n"),
     ERR_PROTOCOL, 0, "chunks that are none"},
    {"a chunk of no size", ANSWER(CHUNKED "\r\n\r\n"), ERR_PROTOCOL, 0,
     "chunks that are none"},
    {"a chunk beyond reason", ANSWER(CHUNKED "100000000\r\n"), ERR_PROTOCOL, 0,
     "chunks that are none"},
    {"another transfer coding",
     ANSWER("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
     ERR_PROTOCOL, 0, "transfer coding"},
};

START_TEST(test_client_reads_answers_of_every_kind)
{
    struct actor actor = {.listen_fd = bind_foreign(true),
                          .bytes = answers[_i].bytes,
                          .size = answers[_i].size};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, act, &actor), 0);
    struct err err = {0};
    struct strbuf answer = {0};
    unsigned status = 0;
    int r =
        web_ask(dir, "POST", "/api/v1/x", "{}", PATIENCE_MS, &status, &answer, &err);
    ck_assert_msg(r == answers[_i].result, "%s: %d %s", answers[_i].name, r, err.text);
    ck_assert_uint_eq(status, answers[_i].status);
    if (r == 0) {
        ck_assert_str_eq(strbuf_text(&answer), answers[_i].body);
    } else {
        ck_assert_msg(strstr(err.text, answers[_i].body) != NULL, "%s: %s",
                      answers[_i].name, err.text);
        ck_assert_uint_eq(answer.size, 0);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    close(actor.listen_fd);
    strbuf_fini(&answer);
}
END_TEST

START_TEST(test_curl_understands_us)
{
    char command[PATH_BYTES * 2];
    snprintf(command, sizeof command,
             "curl -sS --max-time 60 --unix-socket '%.400s' -w ' %%{http_code} "
             "%%{content_type}' -d '{\"by\":\"li\"}' 'http://x/api/v1/ack?state=a'",
             socket_path);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    char text[1024];
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    int how = pclose(f);
    if (WIFEXITED(how) && WEXITSTATUS(how) == 127) {
        puts("curl is not installed: not tried");
        return;
    }
    ck_assert_int_eq(how, 0);
    ck_assert_msg(strstr(text, "\"body\":\"{\\\"by\\\":\\\"li\\\"}\"") != NULL, "%s",
                  text);
    ck_assert_msg(strstr(text, "} 200 application/json") != NULL, "%s", text);
}
END_TEST

static Suite *
web_suite(void)
{
    Suite *s = suite_create("web");
    TCase *tc = tcase_create("server");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_request_reaches_the_handler_whole);
    tcase_add_test(tc, test_get_has_no_body_and_absent_arguments_are_null);
    tcase_add_loop_test(tc, test_refusals_are_problem_details, 0,
                        (int)ARRAY_LEN(refusals));
    tcase_add_loop_test(tc, test_answers_name_their_type, 0, (int)ARRAY_LEN(types));
    tcase_add_loop_test(tc, test_size_of_a_body_is_limited, 0, (int)ARRAY_LEN(bodies));
    tcase_add_test(tc, test_size_of_a_chunked_body_is_limited);
    tcase_add_test(tc, test_a_nul_byte_in_the_body_is_refused);
    tcase_add_loop_test(tc, test_garbage_never_reaches_the_handler, 0,
                        (int)ARRAY_LEN(garbage));
    tcase_add_test(tc, test_slow_client_does_not_hold_others);
    tcase_add_test(tc, test_large_answer_arrives_whole);
    tcase_add_test(tc, test_an_answer_in_pieces_arrives_whole);
    tcase_add_test(tc, test_pieces_are_made_as_they_are_read);
    tcase_add_test(tc, test_a_piece_that_fails_breaks_the_answer);
    tcase_add_test(tc, test_who_takes_an_answer_may_end_it);
    tcase_add_test(tc, test_many_clients_at_once_are_all_served);
    tcase_add_test(tc, test_stop_closes_connections_that_are_open);
    tcase_add_test(tc, test_stop_closes_every_file);
    tcase_add_test(tc, test_socket_is_for_user_and_group);
    tcase_add_test(tc, test_second_daemon_is_refused_and_the_first_goes_on);
    tcase_add_test(tc, test_curl_understands_us);
    suite_add_tcase(s, tc);
    tc = tcase_create("socket");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup_dir, teardown);
    tcase_add_test(tc, test_socket_of_a_dead_daemon_is_replaced);
    tcase_add_test(tc, test_socket_that_answers_is_left_alone);
    tcase_add_test(tc, test_file_that_is_no_socket_is_left_alone);
    tcase_add_test(tc, test_missing_folder_is_named);
    tcase_add_test(tc, test_path_longer_than_an_address_works_for_both_ends);
    tcase_add_test(tc, test_start_that_fails_leaves_nothing_behind);
    tcase_add_test(tc, test_client_says_that_no_daemon_answers);
    tcase_add_test(tc, test_client_gives_up_at_its_deadline);
    tcase_add_test(tc, test_client_refuses_a_path_that_would_end_the_request_line);
    tcase_add_loop_test(tc, test_client_reads_answers_of_every_kind, 0,
                        (int)ARRAY_LEN(answers));
    suite_add_tcase(s, tc);
    return s;
}

int
main(void)
{
    SRunner *sr = srunner_create(web_suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? 0 : 1;
}
