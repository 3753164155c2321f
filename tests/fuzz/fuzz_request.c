/* Any request to the API, as it comes behind the web server's own reading of HTTP: a
 * whole daemon with a small plant answers it, its loop on a thread beside.
 *
 *   local|tcp METHOD PATH[?KEY=VALUE&..]
 *   HEADER: VALUE                            any number of them
 *                                            an empty line
 *   BODY
 *
 * Whatever is asked, the answer is a status that says so, whole JSON where it says that
 * it is JSON, and a reason where it is an error; and it is never "our fault" (500). */
#include <assert.h>
#include <jansson.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/pipeline/api/api.h"

#define WORDS_MAX 16 /* Arguments, or headers. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- The daemon ---- */

static const char site_text[] =
    "site: {id: a, name: A, timezone: Asia/Shanghai}\n"
    "data: data\n"
    "devices:\n"
    "  - {id: pump-1, name: Pump, type: pump, points: {bearing: {unit: °C}}}\n"
    "  - {id: lift-1, name: Lift, type: elevator}\n"
    "rules:\n"
    "  - {id: hot, applies_to: {type: pump}, when: bearing > 80 °C, clear: bearing < "
    "75 "
    "°C,\n"
    "     severity: urgent, title: hot, cause: c, consequence: c, action: a, source: "
    "s}\n"
    "  - {id: memory, applies_to: {id: gateway}, when: memory > 0, severity: info,\n"
    "     title: m, cause: c, consequence: c, action: a, source: s}\n";

static char folder[64];
static struct web_service service;
static void *worker;

static void
write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "we");
    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
        abort();
    }
}

static void
remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) {
        perror(folder);
    }
}

static void *
run_loop(void *loop)
{
    (void)sd_event_loop(loop);
    return NULL;
}

/* It lives as long as the process. */
static void
start_daemon(void)
{
    static char path[128];
    static struct live *live;
    struct diags diags;
    struct err err = {0};
    pthread_t thread;
    const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/fuzz_request.XXXXXX", tmp);
    if (mkdtemp(folder) == NULL || atexit(remove_folder) != 0) {
        abort();
    }
    snprintf(path, sizeof path, "%s/data", folder);
    if (mkdir(path, 0700) != 0) {
        abort();
    }
    write_file("site.yaml", site_text);
    snprintf(path, sizeof path, "%s/site.yaml", folder);
    log_init(LOG_LEVEL_ERROR);
    diags_init(&diags);
    live = live_new(path, &err);
    if (live == NULL || live_start(live, &diags, &err) != 0) {
        diags_print(&diags, stderr);
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    live_store_step(live);
    live_arm(live);
    api_service(&service, live);
    if (service.open(service.ctx, &worker, &err) != 0 ||
        pthread_create(&thread, NULL, run_loop, live->loop) != 0) {
        abort();
    }
    pthread_detach(thread);
}

/* ---- A request ---- */

struct word {
    char *name, *value;
};
struct asked {
    struct web_request request; /* First: a request is what was asked. */
    struct word arguments[WORDS_MAX], headers[WORDS_MAX];
    size_t argument_count, header_count;
};

static const char *
query(const struct web_request *r, const char *key)
{
    const struct asked *a = (const struct asked *)r;
    for (size_t i = 0; i < a->argument_count; i++) {
        if (strcmp(a->arguments[i].name, key) == 0) {
            return a->arguments[i].value;
        }
    }
    return NULL;
}

static const char *
header(const struct web_request *r, const char *name)
{
    const struct asked *a = (const struct asked *)r;
    for (size_t i = 0; i < a->header_count; i++) {
        if (strcasecmp(a->headers[i].name, name) == 0) {
            return a->headers[i].value;
        }
    }
    return NULL;
}

static void
each_query(const struct web_request *r,
           bool (*fn)(void *ctx, const char *key),
           void *ctx)
{
    const struct asked *a = (const struct asked *)r;
    for (size_t i = 0; i < a->argument_count; i++) {
        if (!fn(ctx, a->arguments[i].name)) {
            return;
        }
    }
}

/* As libmicrohttpd does it, in place. */
static void
unescape(char *text)
{
    char *out = text;
    for (const char *p = text; *p != '\0'; p++) {
        unsigned byte = 0;
        int used = 0;
        if (*p == '%' && sscanf(p + 1, "%2x%n", &byte, &used) == 1 && used == 2 &&
            byte != 0) {
            *out++ = (char)byte;
            p += 2;
        } else {
            *out++ = *p == '+' ? ' ' : *p;
        }
    }
    *out = '\0';
}

static void
read_arguments(struct asked *a, char *text)
{
    char *rest = NULL;
    for (char *p = strtok_r(text, "&", &rest);
         p != NULL && a->argument_count < WORDS_MAX; p = strtok_r(NULL, "&", &rest)) {
        char *value = p + strcspn(p, "=");
        if (*value != '\0') {
            *value++ = '\0';
        }
        unescape(p);
        unescape(value);
        a->arguments[a->argument_count++] = (struct word){p, value};
    }
}

/* The head, a line each; where its body begins.  False: it is no request. */
static bool
read_head(struct asked *a, char *text, char **body)
{
    static const char *const methods[] = {"GET", "POST", "PATCH", "DELETE"};
    char *rest = NULL;
    char *end = strstr(text, "\n\n");
    *body = end != NULL ? end + 2 : text + strlen(text);
    if (end != NULL) {
        *end = '\0';
    }
    char *line = strtok_r(text, "\n", &rest);
    char *method = line != NULL ? strchr(line, ' ') : NULL;
    char *path = method != NULL ? strchr(method + 1, ' ') : NULL;
    if (path == NULL) {
        return false;
    }
    *method++ = '\0';
    *path++ = '\0';
    a->request.local = strcmp(line, "local") == 0;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (strcmp(methods[i], method) == 0) {
            a->request.method = methods[i];
        }
    }
    char *arguments = path + strcspn(path, "?");
    if (*arguments != '\0') {
        *arguments++ = '\0';
    }
    read_arguments(a, arguments);
    unescape(path);
    a->request.path = path;
    while (a->header_count < WORDS_MAX &&
           (line = strtok_r(NULL, "\n", &rest)) != NULL) {
        char *value = strstr(line, ": ");
        if (value != NULL) {
            *value = '\0';
            a->headers[a->header_count++] = (struct word){line, value + 2};
        }
    }
    return a->request.method != NULL && strncmp(path, "/api/v1/", 8) == 0;
}

static void
check_json(const struct strbuf *body, unsigned status)
{
    json_error_t error;
    json_t *root = json_loadb(strbuf_text(body), body->size,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fprintf(stderr, "%u: %s: %s\n", status, error.text, strbuf_text(body));
        abort();
    }
    if (status >= 400) {
        const char *detail = json_string_value(json_object_get(root, "detail"));
        assert(json_integer_value(json_object_get(root, "status")) == status);
        assert(detail != NULL && detail[0] != '\0');
    }
    json_decref(root);
}

static void
ask(struct asked *a)
{
    struct web_answer answer = {0};
    struct strbuf body = {0};
    a->request.answer = &answer;
    unsigned status = service.handle(worker, &a->request, &body);
    assert(status >= 200);
    assert(status < 600);
    assert(status != 500);
    bool more = answer.pieces.next != NULL;
    if (!more && !answer.stream && (answer.type == NULL || status >= 400)) {
        check_json(&body, status);
    }
    while (more) {
        strbuf_clear(&body);
        more = answer.pieces.next(answer.pieces.ctx, worker, &body, &more) == 0 && more;
    }
    if (answer.pieces.free != NULL) {
        answer.pieces.free(answer.pieces.ctx);
    }
    assert(strpbrk(answer.cookie, "\r\n") == NULL);
    assert(strpbrk(answer.link, "\r\n") == NULL);
    strbuf_fini(&body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct web_needs needs = {0};
    struct asked a = {.request = {.peer = "192.0.2.1",
                                  .query = query,
                                  .header = header,
                                  .each_query = each_query}};
    char *body = NULL;
    if (worker == NULL) {
        start_daemon();
    }
    char *text = malloc(size + 1);
    if (text == NULL) {
        abort();
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (read_head(&a, text, &body)) {
        a.request.body = body;
        a.request.body_size = size - (size_t)(body - text);
        service.needs(a.request.method, a.request.path, &needs);
        if (needs.bytes || strlen(body) == a.request.body_size) {
            ask(&a);
        }
    }
    free(text);
    return 0;
}
