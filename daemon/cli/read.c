#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/collectors.h"
#include "collectors/decode.h"
#include "collectors/guess.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"
#include "daemon/cli/cli.h"

struct arguments {
    const char *site, *type, *order;
    bool json, guess;
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
    if (a->guess &&
        (is_bits(a->request.table) || a->type != NULL || a->order != NULL)) {
        return cli_usage_error(
            self,
            a->type != NULL || a->order != NULL
                ? "--guess tries all types and orders; leave out --type and --order"
                : "--guess is for registers (holding, input); a bit is a bit");
    }
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

/* Through the daemon when it owns the line, else by a connection of our own. */
static int
read_values(const struct arguments *a, struct read_answer *out, struct err *err)
{
    struct cli_owner owner;
    if (!cli_owner_find(&owner, a->site, &a->bus)) {
        return bus_read_once(&a->bus, &a->request, out, err);
    }
    int code = cli_owner_read(&owner, &a->request, out, err);
    cli_owner_fini(&owner);
    return code;
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

static void
add_guess_json(struct strbuf *line,
               const struct arguments *a,
               uint16_t address,
               const struct guess *g)
{
    strbuf_add(line, line->size > 0 || address > a->request.address ? ",{" : "{");
    strbuf_json_str(line, "table", reg_table_name(a->request.table));
    strbuf_json_int(line, "address", address);
    strbuf_json_int(line, "modicon", modicon_number(a->request.table, address));
    strbuf_json_str(line, "type", value_type_name(g->type));
    strbuf_json_str_opt(line, "order", g->width > 1 ? byte_order_name(g->order) : NULL);
    if (g->valid) {
        strbuf_json_num(line, "value", g->value);
    } else {
        strbuf_json_str(line, "value", NULL);
    }
    strbuf_json_bool(line, "sane", g->sane);
    strbuf_add_char(line, '}');
}

static void
add_guess_text(struct strbuf *line, const struct guess *g)
{
    char text[NUMBER_TEXT_BYTES] = "-";
    if (g->valid) {
        number_format(text, g->value);
    }
    if (g->width == 1) {
        strbuf_printf(line, "   %s %s%s", value_type_name(g->type), text,
                      g->sane ? " *" : "");
        return;
    }
    if (g->order == ORDER_ABCD) {
        strbuf_printf(line, "\n    %-6s", value_type_name(g->type));
    }
    strbuf_printf(line, "%24s%s", text, g->sane ? " *" : "  ");
}

/* What begins at one register: a paragraph, or an object for each decode. */
static void
print_guesses(const struct arguments *a, const struct read_answer *answer, unsigned i)
{
    struct guess guesses[GUESSES_MAX];
    const uint16_t *words = &answer->words[i];
    uint16_t address = (uint16_t)(a->request.address + i);
    size_t count = guess_at(guesses, words, a->values - i);
    struct strbuf line = {0};
    char text[3];
    if (!a->json) {
        strbuf_printf(&line, tr("%s %u (%u)   0x%04X   bits "),
                      reg_table_name(a->request.table), address,
                      modicon_number(a->request.table, address), words[0]);
        for (int bit = 15; bit >= 0; bit--) {
            strbuf_printf(&line, "%d%s", words[0] >> bit & 1,
                          bit % 4 == 0 && bit > 0 ? " " : "");
        }
    }
    for (size_t g = 0; g < count; g++) {
        if (a->json) {
            add_guess_json(&line, a, address, &guesses[g]);
        } else {
            add_guess_text(&line, &guesses[g]);
        }
        if (!a->json && g + 1 < count && guesses[g].width == 1 &&
            guesses[g + 1].width == 2) {
            strbuf_printf(&line, "%s%s\n    %-6s%24s%26s%26s%26s",
                          guess_text(text, words[0]) ? tr("   text ") : "",
                          guess_text(text, words[0]) ? text : "", "", "abcd", "cdab",
                          "badc", "dcba");
        }
    }
    strbuf_add(&line, a->json ? "" : "\n");
    fputs(strbuf_text(&line), stdout);
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
            if (a->guess) {
                print_guesses(a, answer, i);
            } else {
                print_value(a, answer, i);
            }
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
        {"guess", 'g', CLI_FLAG, &a.guess, NULL,
         "every plausible decode, side by side"},
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
    "tcp:HOST[:PORT]|rtu:PATH[,BAUD,8N1]|rtu_over_tcp:HOST:PORT UNIT "
    "holding|input|coil|discrete ADDR [COUNT] "
    "[--guess]",
    "ADDR is the zero-based protocol address; COUNT is how many values of --type [1].\n"
    "--guess shows what COUNT registers may mean: every type that fits, in every "
    "order, "
    "the\n"
    "likely ones marked with *, and the number that manuals call the address by "
    "(40001...).\n"
    "A serial line that a running daemon of the site owns is read through the daemon.\n"
    "Only the Modbus functions 01 to 04 exist here: nothing can be written.\n",
    run};
