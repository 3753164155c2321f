#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collectors/collectors.h"
#include "collectors/decode.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"

struct arguments {
    const char *site, *type, *order;
    bool json;
    struct cli_list words;
    struct bus bus;
    struct read_request request;
    struct point point; /* How one value is decoded. */
    uint16_t values;
};

static int
parse_number(const char *text, long min, long max, long *out)
{
    char *end = NULL;
    errno = 0;
    long value = strtol(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
        return -1;
    }
    *out = value;
    return 0;
}

static bool
is_bits(enum reg_table table)
{
    return table == REG_COIL || table == REG_DISCRETE;
}

static int
parse_words(const struct cli_command *self, struct arguments *a)
{
    const struct cli_list *w = &a->words;
    long unit = 0;
    long address = 0;
    long count = 1;
    if (w->count < 4 || w->count > 5) {
        return cli_usage_error(self,
                               "give the bus, the unit, the table and the address");
    }
    if (parse_number(w->items[1], 0, 255, &unit) != 0) {
        return cli_usage_error(self, "\"%s\" is no unit; 0 to 255", w->items[1]);
    }
    if (!reg_table_parse(&a->request.table, w->items[2])) {
        return cli_usage_error(
            self, "\"%s\" is no table; holding, input, coil, discrete", w->items[2]);
    }
    if (parse_number(w->items[3], 0, 65535, &address) != 0) {
        return cli_usage_error(self, "\"%s\" is no address; 0 to 65535, zero-based",
                               w->items[3]);
    }
    a->point = (struct point){.table = a->request.table,
                              .type = is_bits(a->request.table) ? TYPE_BOOL : TYPE_U16,
                              .scaling = {1, 0, 1},
                              .decimals_from = NONE_INDEX};
    if (a->type != NULL && !value_type_parse(&a->point.type, a->type)) {
        return cli_usage_error(
            self,
            "\"%s\" is no type; bool u16 s16 u32 s32 u64 s64 f32 f64 "
            "bcd16 bcd32",
            a->type);
    }
    if (a->order != NULL && !byte_order_parse(&a->point.order, a->order)) {
        return cli_usage_error(self, "\"%s\" is no order; abcd cdab badc dcba",
                               a->order);
    }
    long width = point_width(&a->point);
    long most = is_bits(a->request.table) ? 2000 : 125 / width;
    if (w->count == 5 && parse_number(w->items[4], 1, most, &count) != 0) {
        return cli_usage_error(self, "\"%s\" is no count; 1 to %ld values", w->items[4],
                               most);
    }
    if (address + count * width > 65536) {
        return cli_usage_error(self, "that reaches beyond address 65535");
    }
    a->values = (uint16_t)count;
    a->request.unit = (uint8_t)unit;
    a->request.address = (uint16_t)address;
    a->request.count = (uint16_t)(count * width);
    return CLI_OK;
}

/* The bus of the site that is this very serial line, or NONE_INDEX. */
static uint32_t
owned_bus(const struct site *site, const struct bus *bus)
{
    char *wanted = realpath(bus->path, NULL);
    uint32_t found = NONE_INDEX;
    for (uint32_t i = 0; wanted != NULL && i < site->bus_count; i++) {
        if (site->buses[i].kind != BUS_RTU) {
            continue;
        }
        char *path = realpath(site->buses[i].path, NULL);
        if (path != NULL && strcmp(path, wanted) == 0) {
            found = i;
        }
        free(path);
    }
    free(wanted);
    return found;
}

static int
ask_daemon(const struct site *site,
           const struct bus *bus,
           const struct read_request *q,
           struct read_answer *out,
           struct err *err)
{
    struct strbuf body = {0};
    struct strbuf answer = {0};
    strbuf_add_char(&body, '{');
    strbuf_json_str(&body, "bus", bus->id);
    strbuf_json_int(&body, "unit", q->unit);
    strbuf_json_str(&body, "table", reg_table_name(q->table));
    strbuf_json_int(&body, "address", q->address);
    strbuf_json_int(&body, "count", q->count);
    strbuf_add_char(&body, '}');
    int code = cli_ask(site->data_dir, "POST", "/api/v1/read", strbuf_text(&body),
                       &answer, err);
    if (code == 0) {
        json_t *root = json_loads(strbuf_text(&answer), 0, NULL);
        json_t *items = json_object_get(root, is_bits(q->table) ? "bits" : "words");
        if (json_array_size(items) != q->count) {
            code = err_set(err, ERR_PROTOCOL, "the daemon's answer is incomplete");
        }
        for (unsigned i = 0; code == 0 && i < q->count; i++) {
            json_int_t value = json_integer_value(json_array_get(items, i));
            if (is_bits(q->table)) {
                out->bits[i] = value != 0;
            } else {
                out->words[i] = (uint16_t)value;
            }
        }
        json_decref(root);
    }
    strbuf_fini(&body);
    strbuf_fini(&answer);
    return code;
}

/* Through the daemon when it owns the serial line; by a connection of our own else. */
static int
read_values(const struct arguments *a, struct read_answer *out, struct err *err)
{
    if (a->bus.kind == BUS_RTU && access(a->site, R_OK) == 0) {
        struct site *site = cli_site(a->site);
        uint32_t bus = site != NULL ? owned_bus(site, &a->bus) : NONE_INDEX;
        int code = ERR_IO;
        bool daemon_answers = false;
        if (bus != NONE_INDEX) {
            struct strbuf ignored = {0};
            daemon_answers = cli_ask(site->data_dir, "GET", "/api/v1/status", NULL,
                                     &ignored, err) == 0;
            strbuf_fini(&ignored);
        }
        if (daemon_answers) {
            code = ask_daemon(site, &site->buses[bus], &a->request, out, err);
        }
        site_free(site);
        if (daemon_answers) {
            return code;
        }
    }
    return bus_read_once(&a->bus, &a->request, out, err);
}

static void
print_value(const struct arguments *a, const struct read_answer *answer, unsigned index)
{
    unsigned width = point_width(&a->point);
    unsigned address = a->request.address + index * width;
    struct reading reading = {0};
    if (is_bits(a->request.table)) {
        decode_bit(&reading, &a->point, answer->bits[index] != 0);
    } else {
        decode_words(&reading, &a->point, &answer->words[index * width], width, -1);
    }
    struct strbuf line = {0};
    bool good = reading.quality == QUALITY_GOOD;
    if (a->json) {
        strbuf_add(&line, index > 0 ? ",{" : "{");
        strbuf_json_str(&line, "table", reg_table_name(a->request.table));
        strbuf_json_int(&line, "address", address);
        if (good) {
            strbuf_json_num(&line, "value", reading.value);
        } else {
            strbuf_json_str(&line, "value", NULL);
        }
        strbuf_json_str(&line, "quality", quality_name((enum quality)reading.quality));
        strbuf_add_char(&line, '}');
    } else {
        strbuf_printf(&line, "%s %u  ", reg_table_name(a->request.table), address);
        for (unsigned i = 0; !is_bits(a->request.table) && i < width; i++) {
            strbuf_printf(&line, "0x%04X ", answer->words[index * width + i]);
        }
        strbuf_add_char(&line, ' ');
        if (good) {
            strbuf_add_number(&line, reading.value);
        } else {
            strbuf_add(&line, quality_name((enum quality)reading.quality));
        }
        strbuf_add_char(&line, '\n');
    }
    fputs(line.text, stdout);
    strbuf_fini(&line);
}

static int
read_and_print(const struct arguments *a)
{
    struct err err = {0};
    struct read_answer *answer = calloc(1, sizeof *answer);
    int code = answer != NULL ? read_values(a, answer, &err)
                              : err_set(&err, ERR_NOMEM, "read");
    if (code == 0) {
        fputs(a->json ? "[" : "", stdout);
        for (unsigned i = 0; i < a->values; i++) {
            print_value(a, answer, i);
        }
        fputs(a->json ? "]\n" : "", stdout);
    }
    free(answer);
    return code != 0 ? cli_fail(&err) : CLI_OK;
}

static int
run(const struct cli_command *self, int argc, char **argv)
{
    struct arguments a = {.site = CLI_SITE_DEFAULT};
    const struct cli_option options[] = {
        {"site", 'c', CLI_TEXT, &a.site, "SITE", "whose daemon may own the line"},
        {"type", 't', CLI_TEXT, &a.type, "TYPE", "u16 s16 u32 s32 f32 ... [u16]"},
        {"order", 'o', CLI_TEXT, &a.order, "ORDER", "abcd cdab badc dcba [abcd]"},
        {"json", 'j', CLI_FLAG, &a.json, NULL, "JSON"},
    };
    bool done = false;
    int status =
        cli_parse(self, options, ARRAY_LEN(options), argc, argv, &a.words, &done);
    if (status != CLI_OK || done) {
        return status;
    }
    status = parse_words(self, &a);
    if (status != CLI_OK) {
        return status;
    }
    struct arena *arena = arena_new();
    struct err err = {0};
    if (bus_parse(&a.bus, arena, a.words.items[0], &err) != 0) {
        status = cli_usage_error(self, "%s", err.text);
    } else {
        status = read_and_print(&a);
    }
    arena_free(arena);
    return status;
}

const struct cli_command cli_read = {
    "read", "read registers or bits of one unit, once",
    "tcp:HOST[:PORT]|rtu:PATH[,BAUD,8N1] UNIT holding|input|coil|discrete ADDR [COUNT]",
    "ADDR is the zero-based protocol address; COUNT is how many values of --type [1].\n"
    "A serial line that a running daemon of the site owns is read through the daemon.\n"
    "Only the Modbus functions 01 to 04 exist here: nothing can be written.\n",
    run};
