#include "collectors/recording.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collectors/collectors.h"
#include "collectors/plan.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

#define MAGIC_BYTES_MAX 32
#define LINE_BYTES_MAX  1024 /* Of a wire log; its longest record has 550. */

struct recording {
    struct recording_options options;
    enum recording_kind kind;
    char *name; /* Owned. */
    struct recording_counts counts;
    /* A wire log. */
    FILE *file;
    struct wire_log_head head;
    char text[LINE_BYTES_MAX];
    uint32_t line;
    struct listener own;
    /* A capture. */
    struct capture *capture;
    struct listener *connections[CAPTURE_CONNECTIONS_MAX];
    uint32_t connection_count;
};

static enum recording_kind
kind_of(const uint8_t *bytes, size_t size)
{
    char text[MAGIC_BYTES_MAX];

    memcpy(text, bytes, size);
    return capture_magic(bytes, size)   ? RECORDING_CAPTURE
           : wire_log_magic(text, size) ? RECORDING_WIRE_LOG
                                        : RECORDING_NONE;
}

enum recording_kind
recording_kind(const char *path)
{
    uint8_t bytes[MAGIC_BYTES_MAX];
    struct stat st;
    FILE *file;
    size_t size;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        return RECORDING_NONE; /* What can be read but once is left alone. */
    }
    file = fopen(path, "rbe");
    if (file == NULL) {
        return RECORDING_NONE;
    }
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return kind_of(bytes, size);
}

static void
tell_bad(struct recording *r, uint32_t column, const char *text)
{
    const struct loc loc = {.file = r->name, .line = r->line, .column = column};

    r->counts.bad++;
    if (r->options.bad != NULL) {
        r->options.bad(r->options.ctx, &loc, text);
    }
}

static struct listener *
connection_of(struct recording *r, uint32_t number, uint32_t *index)
{
    for (uint32_t i = 0; i < r->connection_count; i++) {
        if (r->connections[i]->connection == number) {
            *index = i;
            return r->connections[i];
        }
    }
    return NULL;
}

static void
note_time(struct recording *r, int64_t t_us)
{
    if (r->counts.first_us == INSTANT_NONE) {
        r->counts.first_us = t_us;
    }
    r->counts.last_us = t_us;
}

static void
on_bytes(void *ctx,
         const struct capture_connection *c,
         enum traffic_way way,
         int64_t t_us,
         bool lost,
         const uint8_t *bytes,
         size_t size)
{
    struct recording *r = ctx;
    uint32_t index;
    struct listener *l = connection_of(r, c->number, &index);

    if (l == NULL) {
        l = malloc(sizeof *l);
        if (l == NULL || r->connection_count == CAPTURE_CONNECTIONS_MAX) {
            free(l);
            tell_bad(r, 0, tr("out of memory; a connection is left out"));
            return;
        }
        listener_connection(l, c->number, r->options.give_up_us, r->options.sink);
        r->connections[r->connection_count++] = l;
        if (r->options.opened != NULL) {
            r->options.opened(r->options.ctx, c);
        }
    }
    note_time(r, t_us);
    listener_feed(l, way, t_us, lost, bytes, size);
}

static void
on_closed(void *ctx, const struct capture_connection *c, int64_t t_us, bool cut)
{
    struct recording *r = ctx;
    uint32_t index;
    struct listener *l = connection_of(r, c->number, &index);

    if (l != NULL) {
        listener_end(l, t_us, cut);
        free(l);
        r->connections[index] = r->connections[--r->connection_count];
    }
}

static bool
on_serves(void *ctx, const struct packet_end *e, bool ipv6)
{
    struct recording *r = ctx;

    return r->options.serves != NULL && r->options.serves(r->options.ctx, e, ipv6);
}

/* The next line without its end; NULL at the end of the file.  What is longer than a
 * line can be is cut, and a NUL becomes what no line may hold: nothing that is accepted
 * is like that. */
static const char *
next_line(struct recording *r)
{
    size_t size = 0;
    int c = getc(r->file);

    if (c == EOF) {
        return NULL;
    }
    r->line++;
    for (; c != EOF && c != '\n'; c = getc(r->file)) {
        r->counts.bytes++;
        if (size < sizeof r->text - 1) {
            r->text[size++] = (char)(c != '\0' ? c : '\x7F');
        }
    }
    r->counts.bytes++;
    if (size > 0 && r->text[size - 1] == '\r') {
        size--;
    }
    r->text[size] = '\0';
    return r->text;
}

static int
begin_wire_log(struct recording *r, struct err *err)
{
    const char *line = next_line(r);
    struct arena *arena = arena_new();
    struct bus bus;

    if (line == NULL) {
        err_set(err, ERR_CONFIG, "the file is empty");
    } else if (wire_log_parse_head(&r->head, line, err) == 0) {
        if (r->head.framing == TRAFFIC_TCP) {
            listener_connection(&r->own, 1, r->options.give_up_us, r->options.sink);
        } else if (bus_parse(&bus, arena, r->head.line, NULL) == 0 &&
                   bus.kind == BUS_RTU) {
            listener_line(&r->own, serial_character_us(&bus), serial_silence_us(&bus),
                          r->options.give_up_us, r->options.sink);
        } else {
            listener_line(&r->own, 0, 0, r->options.give_up_us, r->options.sink);
        }
        arena_free(arena);
        return 0;
    }
    arena_free(arena);
    return err_wrap(err, "%s:1", r->name);
}

int
recording_open_file(struct recording **out,
                    FILE *file,
                    const char *name,
                    const struct recording_options *options,
                    struct err *err)
{
    struct recording *r = calloc(1, sizeof *r);
    uint8_t magic[MAGIC_BYTES_MAX];
    struct stat st;
    int code = 0;

    if (r == NULL || (r->name = strdup(name)) == NULL) {
        fclose(file);
        free(r);
        return err_set(err, ERR_NOMEM, "%s", name);
    }
    r->options = *options;
    r->counts.first_us = r->counts.last_us = INSTANT_NONE;
    r->counts.total =
        fileno(file) >= 0 && fstat(fileno(file), &st) == 0 ? (uint64_t)st.st_size : 0;
    r->kind = kind_of(magic, fread(magic, 1, sizeof magic, file));
    rewind(file);
    if (r->kind == RECORDING_CAPTURE) {
        struct capture_sink sink = {
            .ctx = r, .bytes = on_bytes, .closed = on_closed, .serves = on_serves};
        code = capture_open(&r->capture, file, &sink, err);
        if (code != 0) {
            err_wrap(err, "%s", name);
        }
    } else {
        r->file = file;
        code = begin_wire_log(r, err);
    }
    if (code != 0) {
        recording_close(r);
        return code;
    }
    *out = r;
    return 0;
}

int
recording_open(struct recording **out,
               const char *path,
               const struct recording_options *options,
               struct err *err)
{
    FILE *file = fopen(path, "rbe");

    if (file == NULL) {
        return err_set(err, ERR_IO, "%s: %s", path, err_reason(errno));
    }
    return recording_open_file(out, file, path, options, err);
}

void
recording_close(struct recording *r)
{
    if (r == NULL) {
        return;
    }
    for (uint32_t i = 0; i < r->connection_count; i++) {
        free(r->connections[i]);
    }
    capture_close(r->capture);
    if (r->file != NULL) {
        fclose(r->file);
    }
    free(r->name);
    free(r);
}

static bool
step_wire_log(struct recording *r)
{
    struct wire_log_record record;
    struct err err;
    uint32_t column;
    const char *line = next_line(r);

    if (line == NULL) {
        if (r->counts.last_us != INSTANT_NONE) {
            listener_end(&r->own, r->counts.last_us, true);
        }
        return false;
    }
    if (line[0] == '\0' || line[0] == '#') {
        return true;
    }
    r->counts.rows++;
    if (wire_log_parse_record(&record, line, &column, &err) != 0) {
        tell_bad(r, column, err.text);
    } else if (record.t_us < r->counts.last_us) {
        tell_bad(r, 1, tr("goes back in time; records stand in order of time"));
    } else {
        note_time(r, record.t_us);
        listener_feed(&r->own, record.way, record.t_us, false, record.bytes,
                      record.size);
    }
    return true;
}

static bool
step_capture(struct recording *r)
{
    struct err err;
    int got = capture_step(r->capture, &err);

    if (got < 0) {
        tell_bad(r, 0, err.text);
    }
    return got > 0;
}

bool
recording_step(struct recording *r)
{
    return r->kind == RECORDING_CAPTURE ? step_capture(r) : step_wire_log(r);
}

const struct wire_log_head *
recording_head(const struct recording *r)
{
    return r->kind == RECORDING_CAPTURE ? NULL : &r->head;
}

struct recording_counts
recording_counts(const struct recording *r)
{
    struct recording_counts out = r->counts;

    if (r->kind == RECORDING_CAPTURE) {
        struct capture_counts c = capture_counts(r->capture);
        out.rows = c.packets;
        out.repeated = c.repeated;
        out.holes = c.holes;
        out.bytes = (uint64_t)capture_position(r->capture);
    }
    return out;
}
