#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collectors/plan.h"
#include "collectors/recording.h"
#include "collectors/tally.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/cli/ear.h"

#define WAIT_MS     20      /* Shorter than the silence that ends a broken frame. */
#define GIVE_UP_US  5000000 /* Longer than masters wait for an answer. */
#define SHOWN_WORDS 8
#define SHOWN_BYTES 24

struct arguments {
    const char *site, *for_text, *count_text;
    bool json, summary;
    struct cli_list words;
    int64_t for_ms;
    uint64_t count;
};

struct sniffer {
    const struct arguments *arguments;
    struct tally tally;
    struct strbuf line;
    int64_t silence_us; /* 3.5 characters; 0: there is no line, or it is not ours. */
    bool connections;   /* There may be several. */
    uint64_t bad;
    bool failed; /* No memory. */
    /* Of a live line. */
    struct listener listener;
    int64_t heard_us, heard_at_us; /* Time of the last record, and when we got it. */
};

static const char *
exception_name(uint8_t code)
{
    /* Modbus Application Protocol V1.1b, 7. */
    static const char *const names[] = {[1] = N_("illegal function"),
                                        [2] = N_("illegal data address"),
                                        [3] = N_("illegal data value"),
                                        [4] = N_("device failure"),
                                        [5] = N_("acknowledge"),
                                        [6] = N_("device busy"),
                                        [8] = N_("memory parity error"),
                                        [10] = N_("gateway path unavailable"),
                                        [11] = N_("gateway target does not answer")};
    return tr(code < ARRAY_LEN(names) && names[code] != NULL
                  ? names[code]
                  : N_("a code of the maker's"));
}

static const char *
kind_of(enum frame_role role, const struct exchange *x)
{
    if (role == FRAME_QUESTION) {
        return N_("ask");
    }
    switch (x->outcome) {
    case EXCHANGE_ANSWERED:
        return N_("answer");
    case EXCHANGE_EXCEPTION:
        return N_("exception");
    case EXCHANGE_DAMAGED:
        return N_("damaged");
    case EXCHANGE_MALFORMED:
        return N_("malformed");
    case EXCHANGE_UNANSWERED:
        return N_("no answer");
    case EXCHANGE_STRAY:
        break;
    }
    return N_("stray");
}

static void
add_hex(struct strbuf *b, const uint8_t *bytes, size_t size, size_t most, size_t group)
{
    for (size_t i = 0; i < size && i < most * group; i++) {
        strbuf_printf(b, "%s%02X", i % group == 0 ? " " : "", bytes[i]);
    }
    strbuf_add(b, size > most * group ? " ..." : "");
}

static void
add_what(struct strbuf *b, const struct exchange *x)
{
    strbuf_printf(b, tr("unit %-3u "), x->unit);
    if (x->table == REG_NONE) {
        strbuf_printf(b, tr("function %u"), x->function);
    } else if (x->count > 0) {
        strbuf_printf(b, "%s %u +%u", reg_table_name(x->table), x->address, x->count);
    } else {
        strbuf_add(b, reg_table_name(x->table));
    }
}

static void
add_answer(struct strbuf *b, const struct exchange *x)
{
    if (x->latency_us >= 0) {
        strbuf_printf(b, tr("  after %.1f ms"), (double)x->latency_us / 1000);
    }
    if (x->outcome == EXCHANGE_EXCEPTION || x->exception != 0) {
        strbuf_printf(b, ": %02X %s", x->exception, exception_name(x->exception));
    } else if (x->outcome == EXCHANGE_ANSWERED && x->data_size > 0) {
        bool bits = x->table == REG_COIL || x->table == REG_DISCRETE;
        strbuf_add_char(b, ':');
        add_hex(b, x->data, x->data_size, SHOWN_WORDS, bits ? 1 : 2);
    }
}

/* `f` is NULL of what did not come. */
static void
add_text(struct sniffer *s,
         int64_t t_us,
         const char *kind,
         const struct traffic_frame *f,
         enum frame_role role,
         const struct exchange *x)
{
    struct strbuf *b = &s->line;
    char local[INSTANT_TEXT_BYTES];
    instant_format_local(local, t_us / 1000);
    strbuf_printf(b, "%s.%06d  ", local + 11, (int)(t_us % 1000000));
    if (s->connections) {
        strbuf_printf(b, "#%u ", x->connection);
    }
    strbuf_printf(b, "%-9s  ", tr(kind));
    if (f == NULL || f->good) {
        add_what(b, x);
    }
    if (f != NULL && !f->good) {
        strbuf_printf(b, tr("%u bytes:"), f->size);
        add_hex(b, f->bytes, f->size, SHOWN_BYTES, 1);
    } else if (f != NULL && role != FRAME_QUESTION) {
        add_answer(b, x);
    }
    if (f != NULL && s->silence_us > 0 && f->gap_us >= 0 && f->gap_us < s->silence_us) {
        strbuf_printf(b, tr("  [only %.1f ms of silence before, not %.1f]"),
                      (double)f->gap_us / 1000, (double)s->silence_us / 1000);
    }
}

static void
add_json(struct sniffer *s,
         int64_t t_us,
         const char *kind,
         const struct traffic_frame *f,
         const struct exchange *x)
{
    struct strbuf *b = &s->line;
    char time[WIRE_LOG_TIME_BYTES];
    strbuf_add_char(b, '{');
    strbuf_json_str(b, "t", wire_log_time(time, t_us));
    strbuf_json_str(b, "kind", kind);
    if (s->connections) {
        strbuf_json_int(b, "connection", x->connection);
    }
    strbuf_json_int(b, "unit", x->unit);
    strbuf_json_int(b, "function", x->function);
    if (x->count > 0) {
        strbuf_json_str(b, "table", reg_table_name(x->table));
        strbuf_json_int(b, "address", x->address);
        strbuf_json_int(b, "count", x->count);
    }
    if (x->exception != 0) {
        strbuf_json_int(b, "exception", x->exception);
    }
    if (x->latency_us >= 0) {
        strbuf_json_int(b, "latency_us", x->latency_us);
    }
    if (f != NULL && f->gap_us >= 0) {
        strbuf_json_int(b, "gap_us", f->gap_us);
        strbuf_json_bool(b, "gap_short",
                         s->silence_us > 0 && f->gap_us < s->silence_us);
    }
    if (f != NULL) {
        strbuf_json_key(b, "bytes");
        strbuf_add_char(b, '"');
        for (unsigned i = 0; i < f->size; i++) {
            strbuf_printf(b, "%02X", f->bytes[i]);
        }
        strbuf_add_char(b, '"');
    }
    strbuf_add_char(b, '}');
}

static void
show(struct sniffer *s,
     int64_t t_us,
     const struct traffic_frame *f,
     enum frame_role role,
     const struct exchange *x)
{
    const char *kind = kind_of(role, x);
    if (s->arguments->summary) {
        return;
    }
    strbuf_clear(&s->line);
    if (s->arguments->json) {
        add_json(s, t_us, kind, f, x);
    } else {
        add_text(s, t_us, kind, f, role, x);
    }
    puts(strbuf_text(&s->line));
}

static void
on_frame(void *ctx,
         const struct traffic_frame *f,
         enum frame_role role,
         const struct exchange *x)
{
    struct sniffer *s = ctx;
    tally_frame(&s->tally, f, s->silence_us);
    show(s, f->begin_us, f, role, x);
}

static void
on_exchange(void *ctx, const struct exchange *x)
{
    struct sniffer *s = ctx;
    s->failed |= !tally_exchange(&s->tally, x);
    if (x->outcome == EXCHANGE_UNANSWERED) {
        show(s, x->answered_us, NULL, FRAME_ANSWER, x);
    }
}

/* ---- the summary ---- */

static void
add_row(struct strbuf *b, struct tally_row *row)
{
    struct strbuf ranges = {0};
    enum reg_table table = exchange_table(row->function);
    strbuf_add_char(b, '{');
    strbuf_json_int(b, "unit", row->unit);
    strbuf_json_int(b, "function", row->function);
    strbuf_json_str(b, "table", table != REG_NONE ? reg_table_name(table) : NULL);
    strbuf_json_int(b, "requests", (int64_t)row->requests);
    strbuf_json_int(b, "answers", (int64_t)row->answers);
    strbuf_json_int(b, "exceptions", (int64_t)row->exceptions);
    strbuf_json_int(b, "unanswered", (int64_t)row->unanswered);
    strbuf_json_int(b, "damaged", (int64_t)(row->damaged + row->malformed));
    strbuf_json_int(b, "stray", (int64_t)row->stray);
    if (row->latency_min_us >= 0) {
        strbuf_json_num(b, "min_ms", (double)row->latency_min_us / 1000);
        strbuf_json_num(b, "mean_ms",
                        round((double)row->latency_sum_us / (double)row->timed) / 1000);
        strbuf_json_num(b, "median_ms", (double)tally_median_us(row) / 1000);
        strbuf_json_num(b, "max_ms", (double)row->latency_max_us / 1000);
    }
    tally_ranges(&ranges, row);
    strbuf_json_str(b, "addresses", strbuf_text(&ranges));
    strbuf_add_char(b, '}');
    strbuf_fini(&ranges);
}

static int
print_summary(struct sniffer *s)
{
    static const struct cli_column columns[] = {
        {"unit", "UNIT", CLI_SHOW_TEXT},
        {"function", "FN", CLI_SHOW_TEXT},
        {"table", "TABLE", CLI_SHOW_TEXT},
        {"requests", "ASKED", CLI_SHOW_TEXT},
        {"answers", "ANSWERED", CLI_SHOW_TEXT},
        {"exceptions", "EXCEPTIONS", CLI_SHOW_TEXT},
        {"unanswered", "NO ANSWER", CLI_SHOW_TEXT},
        {"damaged", "DAMAGED", CLI_SHOW_TEXT},
        {"stray", "STRAY", CLI_SHOW_TEXT},
        {"min_ms", "MIN MS", CLI_SHOW_TEXT},
        {"mean_ms", "MEAN", CLI_SHOW_TEXT},
        {"median_ms", "MEDIAN", CLI_SHOW_TEXT},
        {"max_ms", "MAX", CLI_SHOW_TEXT},
        {"addresses", "ADDRESSES", CLI_SHOW_TEXT},
    };
    const struct tally *t = &s->tally;
    struct strbuf rows = {0};
    int status = CLI_OK;
    strbuf_add_char(&rows, '[');
    for (uint32_t i = 0; i < t->count; i++) {
        strbuf_add(&rows, i > 0 ? "," : "");
        add_row(&rows, t->rows[i]);
    }
    strbuf_add_char(&rows, ']');
    if (s->arguments->json) {
        printf("{\"kind\":\"summary\",\"frames\":%" PRIu64 ",\"damaged\":%" PRIu64
               ",\"short_gaps\":%" PRIu64 ",\"bad_records\":%" PRIu64
               ",\"units\":%s}\n",
               t->frames, t->damaged, t->short_gaps, s->bad, strbuf_text(&rows));
    } else {
        double seconds = t->first_us == INSTANT_NONE
                             ? 0
                             : (double)(t->last_us - t->first_us) / 1000000;
        printf(tr("\n%" PRIu64 " frames in %.1f s, %" PRIu64 " damaged"), t->frames,
               seconds, t->damaged);
        if (s->silence_us > 0) {
            printf(tr(", %" PRIu64 " after less than 3.5 characters of silence"),
                   t->short_gaps);
        }
        puts("\n");
        status = cli_print_listing(strbuf_text(&rows), false, columns,
                                   ARRAY_LEN(columns), "nobody asked anything");
    }
    strbuf_fini(&rows);
    return status;
}

/* ---- files ---- */

static void
on_bad(void *ctx, const struct loc *loc, const char *text)
{
    struct sniffer *s = ctx;
    s->bad++;
    if (loc->line == 0) {
        fprintf(stderr, "%s: %s\n", loc->file, text);
    } else {
        fprintf(stderr, "%s:%u:%u: %s\n", loc->file, loc->line, loc->column, text);
    }
}

static void
on_opened(void *ctx, const struct capture_connection *c)
{
    struct sniffer *s = ctx;
    char client[PACKET_END_TEXT_BYTES];
    char server[PACKET_END_TEXT_BYTES];
    s->connections = true;
    packet_end_format(client, &c->client, c->ipv6);
    packet_end_format(server, &c->server, c->ipv6);
    if (s->arguments->summary) {
        return;
    }
    if (s->arguments->json) {
        printf("{\"kind\":\"connection\",\"connection\":%u,\"client\":\"%s\","
               "\"server\":\"%s\"}\n",
               c->number, client, server);
    } else {
        printf(tr("#%u is %s to %s\n"), c->number, client, server);
    }
}

static bool
enough(const struct sniffer *s)
{
    return s->failed ||
           (s->arguments->count > 0 && s->tally.frames >= s->arguments->count);
}

static int
sniff_file(struct sniffer *s, const char *path, struct err *err)
{
    const struct listener_sink sink = {s, on_frame, on_exchange};
    const struct recording_options options = {.sink = &sink,
                                              .bad = on_bad,
                                              .opened = on_opened,
                                              .ctx = s,
                                              .give_up_us = GIVE_UP_US};
    struct recording *r = NULL;
    int code = recording_open(&r, path, &options, err);
    if (code != 0) {
        return code;
    }
    const struct wire_log_head *head = recording_head(r);
    struct arena *arena = arena_new();
    struct bus bus;
    if (head != NULL && head->bus[0] == '\0' &&
        bus_parse(&bus, arena, head->line, NULL) == 0 && bus.kind == BUS_RTU) {
        s->silence_us = serial_silence_us(&bus);
    }
    arena_free(arena);
    while (!enough(s) && recording_step(r)) {
    }
    recording_close(r);
    return 0;
}

/* ---- live ---- */

static void
on_bytes(
    void *ctx, enum traffic_way way, int64_t t_us, const uint8_t *bytes, size_t size)
{
    struct sniffer *s = ctx;
    s->heard_us = t_us;
    s->heard_at_us = INSTANT_NONE;
    listener_feed(&s->listener, way, t_us, false, bytes, size);
}

static void
begin_live(struct sniffer *s, const struct ear *e, const struct listener_sink *sink)
{
    const struct bus *bus = ear_bus(e);
    int64_t silence_us = bus->kind == BUS_RTU ? serial_silence_us(bus) : 0;
    if (bus->kind == BUS_TCP) {
        listener_connection(&s->listener, 1, GIVE_UP_US, sink);
    } else {
        listener_line(&s->listener, bus->kind == BUS_RTU ? serial_character_us(bus) : 0,
                      silence_us, GIVE_UP_US, sink);
    }
    if (!ear_is_daemon(e)) {
        s->silence_us = silence_us;
    }
    ear_announce(e);
}

static int
sniff_live(struct sniffer *s, const char *text, struct err *err)
{
    const struct listener_sink sink = {s, on_frame, on_exchange};
    struct ear *e = NULL;
    int going = ear_open(&e, s->arguments->site, text, err);
    if (going != 0) {
        return going;
    }
    begin_live(s, e, &sink);
    s->heard_us = ear_now_us(e);
    s->heard_at_us = s->heard_us;
    int64_t end_us = s->arguments->for_ms > 0
                         ? s->heard_us + s->arguments->for_ms * 1000
                         : INT64_MAX;
    for (going = 1; going == 1 && !enough(s) && ear_now_us(e) < end_us;) {
        going = ear_hear(e, WAIT_MS, on_bytes, s, err);
        int64_t now_us = ear_now_us(e);
        if (s->heard_at_us == INSTANT_NONE) {
            s->heard_at_us = now_us;
        }
        /* By the clock that the records are dated with. */
        listener_idle(&s->listener, s->heard_us + now_us - s->heard_at_us);
        fflush(stdout);
    }
    listener_end(&s->listener, s->heard_us + ear_now_us(e) - s->heard_at_us, true);
    if (ear_dropped(e) > 0) {
        fprintf(stderr, tr("%" PRIu64 " records came faster than they were taken\n"),
                ear_dropped(e));
    }
    ear_close(e);
    return going < 0 ? going : 0;
}

static int
sniff(const struct arguments *a)
{
    struct sniffer *s = calloc(1, sizeof *s);
    const char *what = a->words.items[0];
    struct stat st;
    struct err err = {0};
    if (s == NULL) {
        err_set(&err, ERR_NOMEM, "sniff");
        return cli_fail(&err);
    }
    s->arguments = a;
    tally_init(&s->tally);
    int code = stat(what, &st) == 0 && S_ISREG(st.st_mode) ? sniff_file(s, what, &err)
                                                           : sniff_live(s, what, &err);
    if (code == 0 && s->failed) {
        code = err_set(&err, ERR_NOMEM, "sniff");
    }
    int status = code == 0 ? print_summary(s) : cli_fail(&err);
    tally_fini(&s->tally);
    strbuf_fini(&s->line);
    free(s);
    return status;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE",
         "whose daemon may own the line [" CLI_SITE_DEFAULT "]"},
        {"for", 0, CLI_TEXT, &a.for_text, "TIME", "end after this long [at Ctrl-C]"},
        {"count", 'n', CLI_TEXT, &a.count_text, "N", "end after so many frames"},
        {"summary", 's', CLI_FLAG, &a.summary, NULL, "only the table at the end"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "JSON, one object a line"},
    };
    bool done = false;
    struct err err;
    int status =
        cli_parse(self, options, ARRAY_LEN(options), argc, argv, &a.words, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    if (a.words.count != 1) {
        return cli_usage_error(self, "give one line, bus or file");
    }
    if (a.for_text != NULL &&
        (duration_parse(&a.for_ms, a.for_text, &err) != 0 || a.for_ms == 0)) {
        return cli_usage_error(self, "--for: \"%s\" is no time; 10s, 5m, 1h",
                               a.for_text);
    }
    if (a.count_text != NULL) {
        char *end = NULL;
        a.count = strtoull(a.count_text, &end, 10);
        if (a.count == 0 || *end != '\0' || a.count_text[0] == '-') {
            return cli_usage_error(self, "--count: \"%s\" is no count; 1 and up",
                                   a.count_text);
        }
    }
    return sniff(&a);
}

const struct cli_command cli_sniff = {
    "sniff", "listen on a line: who asks whom, who answers how fast",
    "rtu:PATH[,BAUD,8N1]|BUS-ID|FILE [--for TIME] [--count N]",
    "Shows each frame, question or answer, what is damaged, and silences that are too "
    "short\n"
    "as far as a program can see them (an adapter that hands bytes over in lumps hides "
    "some);\n"
    "then a table by unit and function.  Never sends anything.\n"
    "A bus that the running daemon of the site owns is heard through the daemon.  FILE "
    "is\n"
    "what `caretaker record` wrote, or a packet capture (pcap, pcapng).\n",
    run};
