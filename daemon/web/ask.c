/* The command line's side of the API: one request, one answer, one connection.
 *
 * HTTP/1.1 as RFC 9112 has it, no more of it than our own server speaks: the answer's
 * body ends where Content-Length or its last chunk says or, without them, where the
 * connection does. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/base/clock.h"
#include "daemon/model/words.h"
#include "daemon/web/chunked.h"
#include "daemon/web/endpoint.h"
#include "daemon/web/web.h"

#define HEAD_BYTES_MAX   16384              /* Status line and header fields. */
#define ANSWER_BYTES_MAX ((size_t)64 << 20) /* A listing of every device is 10 MB. */
#define READ_BYTES       16384

struct ask {
    int fd;
    const char *dir; /* For messages. */
    int64_t timeout_ms;
    int64_t deadline_ms; /* Monotonic. */
    bool patient;        /* The time is for each wait. */
    size_t limit;        /* Bytes of the body that are accepted. */
    struct strbuf head;  /* What came before the body. */
    size_t head_bytes;   /* With the empty line; 0: not complete yet. */
    size_t body_bytes;   /* Promised by Content-Length; SIZE_MAX: up to the end. */
    size_t got;          /* Of the body. */
    bool in_chunks;
    struct chunked chunks;
    unsigned status;
    web_take_fn take;
    void *ctx; /* Of take. */
};

static int
wait_for(struct ask *a, short events, struct err *err)
{
    if (a->patient) {
        a->deadline_ms = clock_mono_ms() + a->timeout_ms;
    }
    for (;;) {
        int64_t left = a->deadline_ms - clock_mono_ms();
        struct pollfd p = {.fd = a->fd, .events = events};
        int n = left > 0 ? poll(&p, 1, left < 60000 ? (int)left : 60000) : 0;
        if (n > 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return err_set(err, ERR_IO, "poll: %s", err_reason(errno));
        }
        if (left <= 0) {
            return err_set(err, ERR_TIMEOUT,
                           "the daemon at %s/%s did not answer within %lld ms", a->dir,
                           WEB_SOCKET_NAME, (long long)a->timeout_ms);
        }
    }
}

/* A daemon that refuses a request early stops reading it: that is no error here, its
 * answer is waiting to be read. */
static int
send_all(struct ask *a, const struct strbuf *request, struct err *err)
{
    size_t sent = 0;
    while (sent < request->size) {
        int r = wait_for(a, POLLOUT, err);
        if (r != 0) {
            return r;
        }
        ssize_t n =
            send(a->fd, request->text + sent, request->size - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += (size_t)n;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return 0;
        } else if (errno != EINTR && errno != EAGAIN) {
            return err_set(err, ERR_IO, "sending to the daemon: %s", err_reason(errno));
        }
    }
    return 0;
}

static int
broken(const struct ask *a, const char *what, struct err *err)
{
    return err_set(err, ERR_PROTOCOL, "the daemon at %s/%s %s", a->dir, WEB_SOCKET_NAME,
                   tr(what));
}

/* "Content-Length: 12" or another field of the head, which is [line, end). */
static int
read_field(struct ask *a, const char *line, const char *end, struct err *err)
{
    static const char length_name[] = "content-length:";
    static const char coding_name[] = "transfer-encoding:";
    size_t size = (size_t)(end - line);
    if (size >= sizeof coding_name - 1 &&
        strncasecmp(line, coding_name, sizeof coding_name - 1) == 0) {
        const char *coding = line + sizeof coding_name - 1;
        coding += strspn(coding, " \t");
        a->in_chunks = strncasecmp(coding, "chunked\r", strlen("chunked\r")) == 0;
        return a->in_chunks
                   ? 0
                   : broken(a, "answers in a transfer coding that is not understood",
                            err);
    }
    if (size < sizeof length_name - 1 ||
        strncasecmp(line, length_name, sizeof length_name - 1) != 0) {
        return 0;
    }
    const char *p = line + sizeof length_name - 1;
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    size_t value = 0;
    size_t digits = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++, digits++) {
        value = value * 10 + (size_t)(*p - '0');
        if (value > a->limit) {
            return broken(a, "promises more than is accepted (64 MiB)", err);
        }
    }
    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }
    if (digits == 0 || p != end) {
        return broken(a, "gives a Content-Length that is no number", err);
    }
    a->body_bytes = value;
    return 0;
}

static int
read_head(struct ask *a, struct err *err)
{
    const char *text = a->head.text;
    const char *line_end = strstr(text, "\r\n");
    const char *code = text + strlen("HTTP/1.1 ");
    if (strncmp(text, "HTTP/1.", strlen("HTTP/1.")) != 0 || line_end - text < 12 ||
        code[-1] != ' ' || strspn(code, "0123456789") != 3) {
        return broken(a, "does not speak HTTP", err);
    }
    a->status = (unsigned)strtoul(code, NULL, 10);
    a->body_bytes = SIZE_MAX;
    const char *head_end = text + a->head_bytes - 2;
    for (const char *line = line_end + 2; line < head_end; line = line_end + 2) {
        line_end = strstr(line, "\r\n");
        int r = read_field(a, line, line_end, err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* Looks for the end of the head; interim answers (1xx) are dropped. */
static int
find_head(struct ask *a, struct err *err)
{
    for (;;) {
        const char *end = strstr(strbuf_text(&a->head), "\r\n\r\n");
        if (end == NULL) {
            /* strstr() stops at a NUL, which no head of HTTP holds. */
            bool nul = a->head.size > 0 && strlen(a->head.text) < a->head.size;
            return nul || a->head.size > HEAD_BYTES_MAX
                       ? broken(a, "does not speak HTTP", err)
                       : 0;
        }
        a->head_bytes = (size_t)(end + 4 - a->head.text);
        int r = read_head(a, err);
        if (r != 0 || a->status >= 200) {
            return r;
        }
        struct strbuf rest = {0};
        strbuf_add_bytes(&rest, a->head.text + a->head_bytes,
                         a->head.size - a->head_bytes);
        strbuf_fini(&a->head);
        a->head = rest;
        a->head_bytes = 0;
    }
}

static int
take_data(struct ask *a, const char *data, size_t size, struct err *err)
{
    if (size > a->limit - a->got) {
        return broken(a, "answers with more than is accepted (64 MiB)", err);
    }
    a->got += size;
    return size > 0 ? a->take(a->ctx, a->status, data, size, err) : 0;
}

static int
take_body(struct ask *a, const char *bytes, size_t size, struct err *err)
{
    if (!a->in_chunks) {
        size_t left = a->body_bytes - a->got;
        return take_data(a, bytes, size < left ? size : left, err);
    }
    const char *data = NULL;
    for (;;) {
        size_t found = chunked_next(&a->chunks, &bytes, &size, &data);
        if (found == 0) {
            return a->chunks.place == CHUNKED_BROKEN
                       ? broken(a, "sends chunks that are none", err)
                       : 0;
        }
        int r = take_data(a, data, found, err);
        if (r != 0) {
            return r;
        }
    }
}

static bool
is_whole(const struct ask *a)
{
    return a->head_bytes > 0 &&
           (a->in_chunks ? a->chunks.place == CHUNKED_END : a->got == a->body_bytes);
}

/* Bytes that came: of the head, then of the body. */
static int
take_bytes(struct ask *a, const char *bytes, size_t size, struct err *err)
{
    if (a->head_bytes > 0) {
        return take_body(a, bytes, size, err);
    }
    strbuf_add_bytes(&a->head, bytes, size);
    int r = find_head(a, err);
    return r == 0 && a->head_bytes > 0 ? take_body(a, a->head.text + a->head_bytes,
                                                   a->head.size - a->head_bytes, err)
                                       : r;
}

static int
receive_all(struct ask *a, struct err *err)
{
    char bytes[READ_BYTES];
    while (!is_whole(a)) {
        int r = wait_for(a, POLLIN, err);
        if (r != 0) {
            return r;
        }
        ssize_t n = recv(a->fd, bytes, sizeof bytes, 0);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (n < 0 && errno != ECONNRESET) {
            return err_set(err, ERR_IO, "reading from the daemon: %s",
                           err_reason(errno));
        }
        if (n <= 0) {
            bool up_to_the_end =
                a->head_bytes > 0 && a->body_bytes == SIZE_MAX && !a->in_chunks;
            if (up_to_the_end && n == 0) {
                return 0;
            }
            return broken(a, "closed the connection before its answer was whole", err);
        }
        r = take_bytes(a, bytes, (size_t)n, err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* A method is letters; a path is visible ASCII that begins with '/': anything else
 * would end the request line early. */
static bool
is_request_line(const char *method, const char *path)
{
    if (method[0] == '\0' || path[0] != '/') {
        return false;
    }
    for (const char *p = method; *p != '\0'; p++) {
        if (*p < 'A' || *p > 'Z') {
            return false;
        }
    }
    for (const char *p = path; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~') {
            return false;
        }
    }
    return true;
}

/* What is sent; `bytes` NULL: nothing. */
struct sent {
    const char *type, *bytes;
    size_t size;
};

/* Sends the request and has the answer taken. */
static int
ask(struct ask *a,
    const char *method,
    const char *path,
    const struct sent *body,
    struct err *err)
{
    if (!is_request_line(method, path)) {
        return err_set(err, ERR_USAGE, "'%s %s' is no request; escape the path", method,
                       path);
    }
    a->fd = -1;
    a->deadline_ms = clock_mono_ms() + a->timeout_ms;
    struct strbuf request = {0};
    strbuf_reserve(&request, strlen(path) + body->size + HEAD_BYTES_MAX);
    strbuf_printf(&request,
                  "%s %s HTTP/1.1\r\nHost: caretaker\r\nConnection: close\r\n"
                  "Accept-Language: %s\r\n",
                  method, path, language_name(catalogue_language()));
    if (body->bytes != NULL) {
        strbuf_printf(&request, "Content-Type: %s\r\nContent-Length: %zu\r\n",
                      body->type, body->size);
    }
    strbuf_add(&request, "\r\n");
    if (body->bytes != NULL) {
        strbuf_add_bytes(&request, body->bytes, body->size);
    }
    int r = endpoint_connect(&a->fd, a->dir, a->deadline_ms, err);
    if (r == 0) {
        r = send_all(a, &request, err);
    }
    if (r == 0) {
        r = receive_all(a, err);
    }
    if (a->fd >= 0) {
        close(a->fd);
    }
    strbuf_fini(&a->head);
    strbuf_wipe(&request); /* It may hold a password. */
    return r;
}

static int
keep(void *ctx, unsigned status, const char *bytes, size_t size, struct err *err)
{
    (void)status;
    (void)err;
    strbuf_add_bytes(ctx, bytes, size);
    return 0;
}

static int
ask_and_keep(const char *dir,
             const char *method,
             const char *path,
             const struct sent *body,
             int64_t timeout_ms,
             unsigned *status,
             struct strbuf *answer,
             struct err *err)
{
    struct strbuf kept = {0};
    struct ask a = {.dir = dir,
                    .timeout_ms = timeout_ms,
                    .limit = ANSWER_BYTES_MAX,
                    .take = keep,
                    .ctx = &kept};
    int r = ask(&a, method, path, body, err);
    if (r == 0) {
        strbuf_add_bytes(answer, strbuf_text(&kept), kept.size);
        *status = a.status;
    }
    strbuf_fini(&kept);
    return r;
}

int
web_ask(const char *dir,
        const char *method,
        const char *path,
        const char *body,
        int64_t timeout_ms,
        unsigned *status,
        struct strbuf *answer,
        struct err *err)
{
    const struct sent sent = {"application/json", body,
                              body != NULL ? strlen(body) : 0};
    return ask_and_keep(dir, method, path, &sent, timeout_ms, status, answer, err);
}

int
web_ask_bytes(const char *dir,
              const char *method,
              const char *path,
              const char *type,
              const char *bytes,
              size_t size,
              int64_t timeout_ms,
              unsigned *status,
              struct strbuf *answer,
              struct err *err)
{
    const struct sent sent = {type, bytes, size};
    return ask_and_keep(dir, method, path, &sent, timeout_ms, status, answer, err);
}

int
web_ask_for(const char *dir,
            const char *path,
            int64_t timeout_ms,
            web_take_fn take,
            void *ctx,
            struct err *err)
{
    struct ask a = {.dir = dir,
                    .timeout_ms = timeout_ms,
                    .patient = true,
                    .limit = SIZE_MAX,
                    .take = take,
                    .ctx = ctx};
    return ask(&a, "GET", path, &(struct sent){0}, err);
}
