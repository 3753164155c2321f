/* A point: which register, how its bits make a value, and when that value counts. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "config/number.h"
#include "config/shape.h"
#include "daemon/base/catalogue.h"

#define REGISTER_ACCEPTED                                                              \
    "accepted: \"input 0\", \"holding 0x10\", \"coil 3\", \"discrete 7\" (address "    \
    "from 0), or a Modicon number of 5 or 6 digits such as 40001"

#define TITLE_BYTES_MAX 120 /* What stands beside a value, or at a line of a trend. */

#define BIT_MAX 63 /* Of the widest word, a u64. */

struct point_yaml {
    const struct node *reg, *type, *bits, *range, *sentinels, *scale, *offset, *order,
        *poll;
    int kind; /* -1: not given. */
    int bit;  /* -1: not given. */
    struct loc bit_loc;
    const char *unit;
    struct text title;
    const char *decimals_from;
    int64_t stale_after_ms;
};

static const char *const kind_words[] = {"gauge", "counter", "state", NULL};

static const char *const type_words[] = {"bool", "u16", "s16", "u32",   "s32",   "u64",
                                         "s64",  "f32", "f64", "bcd16", "bcd32", NULL};
static const char *const order_words[] = {"abcd", "cdab", "badc", "dcba", NULL};

static const struct shape register_text = {
    .kind = SHAPE_TEXT,
    .pattern =
        "^(coil|discrete|input|holding) +[+]?(" PATTERN_NUMBER ")$|^[0134][0-9]{4,5}$",
    .accepted = REGISTER_ACCEPTED};
/* 00001 is a number to whoever reads YAML by its core schema: its zeros are gone. */
static const struct field modicon_coil = {
    .key = "register", .kind = FIELD_INT, BETWEEN(1, 65536)};
static const struct field modicon_discrete = {
    .key = "register", .kind = FIELD_INT, BETWEEN(100001, 165536)};
static const struct field modicon_word = {
    .key = "register", .kind = FIELD_INT, BETWEEN(300001, 465536)};
static const struct shape modicon_coils = {.kind = SHAPE_VALUE, .value = &modicon_coil};
static const struct shape modicon_discretes = {.kind = SHAPE_VALUE,
                                               .value = &modicon_discrete};
static const struct shape modicon_words = {.kind = SHAPE_VALUE, .value = &modicon_word};
static const struct shape *const register_forms[] = {
    &register_text, &modicon_coils, &modicon_discretes, &modicon_words, NULL};
static const struct shape register_shape = {.kind = SHAPE_ANY, .any = register_forms};

static const struct field type_value = {
    .key = "type", .kind = FIELD_ENUM, .words = type_words};
static const struct shape type_shape = {.kind = SHAPE_VALUE, .value = &type_value};
static const struct field order_value = {
    .key = "order", .kind = FIELD_ENUM, .words = order_words};
static const struct shape order_shape = {.kind = SHAPE_VALUE, .value = &order_value};

static const struct field bit_value = {
    .key = "bits", .kind = FIELD_INT, BETWEEN(0, BIT_MAX)};
static const struct shape bit_shape = {.kind = SHAPE_VALUE, .value = &bit_value};
static const struct shape *const bits_parts[] = {&bit_shape, &bit_shape, NULL};
static const struct shape bits_shape = {.kind = SHAPE_ROW, .any = bits_parts, .min = 2};

static const struct shape scale_text = {
    .kind = SHAPE_TEXT,
    .pattern =
        "^[-+]?[0-9]+/[0-9]+$|^[0-9]+\\^-?[0-9]+$|^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$",
    .accepted = "a number other than 0 such as 0.1, 1/512 or 2^-9 is accepted"};
static const struct shape *const scale_forms[] = {&shape_number, &scale_text, NULL};
static const struct shape scale_shape = {.kind = SHAPE_ANY, .any = scale_forms};

static const struct shape sentinels_shape = {.kind = SHAPE_KEYED,
                                             .item = &shape_text,
                                             .pattern = "^-?(" PATTERN_NUMBER ")$",
                                             .accepted =
                                                 "a whole number or 0x... is accepted"};

static const struct field poll_value = {
    .key = "poll", .kind = FIELD_DURATION, BETWEEN(POLL_MS_MIN, POLL_MS_MAX)};
const struct shape poll_shape = {.kind = SHAPE_VALUE, .value = &poll_value};

static const struct field point_fields[] = {
    {FIELD("title", FIELD_TEXT, struct point_yaml, title),
     ABOUT("Its name, for people.")},
    {FIELD("register", FIELD_NODE, struct point_yaml, reg),
     ABOUT("Where it is read: coil, discrete, input or holding, and an address from 0; "
           "or a Modicon number."),
     SHAPE(register_shape)},
    {FIELD("type", FIELD_NODE, struct point_yaml, type),
     ABOUT("What the register holds: bool for coil, discrete and bit, else u16 without "
           "it."),
     SHAPE(type_shape)},
    {FIELD("unit", FIELD_STRING, struct point_yaml, unit), .max = 24,
     ABOUT("The unit of its value, such as °C.")},
    {FIELD("scale", FIELD_NODE, struct point_yaml, scale),
     ABOUT("value = raw * scale + offset"), SHAPE(scale_shape)},
    {FIELD("offset", FIELD_NODE, struct point_yaml, offset),
     ABOUT("value = raw * scale + offset"), SHAPE(shape_number)},
    {FIELD("order", FIELD_NODE, struct point_yaml, order),
     ABOUT("The order of the bytes; abcd without it."), SHAPE(order_shape)},
    {FIELD("bit", FIELD_INT, struct point_yaml, bit), BETWEEN(0, BIT_MAX),
     ABOUT("The value is this bit of the register.")},
    {FIELD("bits", FIELD_NODE, struct point_yaml, bits),
     ABOUT("The value is these bits of the register: [low, high]."), SHAPE(bits_shape)},
    {FIELD("range", FIELD_NODE, struct point_yaml, range),
     ABOUT("What is below or above counts as no value: [lowest, highest]."),
     SHAPE(shape_interval)},
    {FIELD("sentinels", FIELD_NODE, struct point_yaml, sentinels),
     ABOUT("Raw values that mean: no value, and why."), SHAPE(sentinels_shape)},
    {FIELD("decimals_from", FIELD_POINT_ID, struct point_yaml, decimals_from),
     ABOUT("The point that says how many decimals this one has.")},
    {FIELD("kind", FIELD_ENUM, struct point_yaml, kind), .words = kind_words,
     ABOUT("What the number is: a gauge moves, a counter only rises, a state is on or "
           "off.")},
    {FIELD("poll", FIELD_NODE, struct point_yaml, poll),
     ABOUT("How often it is read, where that is other than its device."),
     SHAPE(poll_shape)},
    {FIELD("stale_after", FIELD_DURATION, struct point_yaml, stale_after_ms),
     BETWEEN(POLL_MS_MIN, 10 * MS_YEAR),
     ABOUT("So long after the last good sample its value is unknown.")},
};
const struct shape point_shape = {SHAPE_OF_TABLE(point_fields), .name = "point",
                                  .about = "One measured quantity of a device."};
const struct shape points_shape = {
    .kind = SHAPE_KEYED,
    .item = &point_shape,
    .pattern = PATTERN_POINT_ID,
    .accepted = "a-z 0-9 _, first a letter, up to 63 characters, is accepted"};

/* `40001` = holding 0: the first digit is the table, the rest counts from 1. */
static bool
parse_modicon(const char *text, enum reg_table *table, int64_t *address)
{
    size_t size = strlen(text);
    if ((size != 5 && size != 6) || text[strspn(text, "0123456789")] != 0) {
        return false;
    }
    switch (text[0]) {
    case '0':
        *table = REG_COIL;
        break;
    case '1':
        *table = REG_DISCRETE;
        break;
    case '3':
        *table = REG_INPUT;
        break;
    case '4':
        *table = REG_HOLDING;
        break;
    default:
        return false;
    }
    *address = strtol(text + 1, NULL, 10) - 1;
    return *address >= 0 && *address <= UINT16_MAX;
}

static bool
read_register(struct reader *r, const struct node *n, struct point *p)
{
    const char *text = n->kind == NODE_SCALAR ? n->text : "";
    size_t word = strcspn(text, " ");
    int64_t address = -1;
    char table[12] = "";
    if (word < sizeof table) {
        memcpy(table, text, word);
    }
    const char *number = text + word + strspn(text + word, " ");
    bool named = reg_table_parse(&p->table, table) && p->table != REG_NONE;
    if (named ? number_parse_int(&address, number) && address >= 0 &&
                    address <= UINT16_MAX
              : parse_modicon(text, &p->table, &address)) {
        p->address = (uint16_t)address;
        return true;
    }
    p->table = REG_NONE;
    diags_add(r->diags, DIAG_ERROR, &n->loc,
              "\"register\" is %s%.60s%s; " REGISTER_ACCEPTED,
              text[0] != 0 ? "\"" : node_kind_name(n), text, text[0] != 0 ? "\"" : "");
    return false;
}

static bool
is_bit_table(enum reg_table t)
{
    return t == REG_COIL || t == REG_DISCRETE;
}

static void
read_type(struct reader *r, const struct node *n, struct point *p)
{
    int word = 0;
    if (value_enum(r, n, "type", type_words, &word)) {
        (void)value_type_parse(&p->type, type_words[word]);
    }
}

/* `bit: n` and `bits: [low, high]`: both name bits inside one word, of one register
 * unless `type` says that it is wider. */
static void
read_bits(struct reader *r, const struct point_yaml *y, struct point *p)
{
    const struct node *bits = y->bits;
    int64_t low = y->bit;
    int64_t high = y->bit;
    int64_t most = 16 * point_width(p) - 1;
    if (bits != NULL) {
        if (bits->kind != NODE_LIST || bits->count != 2) {
            diags_add(
                r->diags, DIAG_ERROR, &bits->loc,
                "\"bits\" is not two numbers; [low, high] from 0 to %lld is accepted",
                (long long)most);
            return;
        }
        if (!value_int(r, bits->first, "bits", 0, BIT_MAX, &low) ||
            !value_int(r, bits->first->next, "bits", 0, BIT_MAX, &high)) {
            return;
        }
        if (low > high) {
            diags_add(r->diags, DIAG_ERROR, &bits->loc,
                      "\"bits\" goes down from %lld to %lld; write the low bit first",
                      (long long)low, (long long)high);
            return;
        }
        if (y->bit >= 0) {
            diags_add(r->diags, DIAG_ERROR, &bits->key_loc,
                      "\"bits\" beside \"bit\"; keep one of them");
        }
    }
    if (high > most) {
        diags_add(
            r->diags, DIAG_ERROR, bits != NULL ? &bits->loc : &y->bit_loc,
            "\"%s\" %s %lld and the word has bits 0 to %lld%s",
            bits != NULL ? "bits" : "bit", bits != NULL ? tr("goes up to") : tr("is"),
            (long long)high, (long long)most,
            most < BIT_MAX ? tr("; type: u32 or u64 beside it makes it wider") : "");
        return;
    }
    p->bit_low = (uint8_t)low;
    p->bit_high = (uint8_t)high;
}

/* What the type is, from `type`, `bit`, `bits` and the table. */
static void
settle_type(struct reader *r, const struct point_yaml *y, struct point *p)
{
    bool has_bits = y->bit >= 0 || y->bits != NULL;
    bool has_register = p->table != REG_NONE;
    enum value_type meant = TYPE_COUNT; /* Whatever is given. */
    const char *why = NULL;
    if (is_bit_table(p->table)) {
        meant = TYPE_BOOL;
        why = tr("a coil or discrete input is one bit;");
        if (has_bits) {
            diags_add(r->diags, DIAG_ERROR,
                      y->bits != NULL ? &y->bits->key_loc : &p->loc,
                      "a bit of a coil or discrete input; it is one bit already, leave "
                      "\"bit\" out");
        }
    } else if (y->bits != NULL) {
        meant = TYPE_BITS;
        why = tr("\"bits\" are of a word u16, u32 or u64; name one of these, or");
    } else if (y->bit >= 0) {
        meant = TYPE_BOOL;
        why = tr("a \"bit\" is of a word u16, u32 or u64; name one of these, or");
    }
    /* A log brings any number: what it holds is not limited by a register. */
    p->type = meant != TYPE_COUNT ? meant : has_register ? TYPE_U16 : TYPE_F64;
    if (y->type != NULL) {
        enum value_type given = p->type;
        struct point probe = {.type = p->type};
        read_type(r, y->type, &probe);
        given = probe.type;
        bool word = given == TYPE_U16 || given == TYPE_U32 || given == TYPE_U64;
        if (meant != TYPE_COUNT && given != meant && !(has_bits && word)) {
            diags_add(r->diags, DIAG_ERROR, &y->type->loc,
                      "\"type\" is %s, but %s leave \"type\" out",
                      value_type_name(given), why);
        } else if (has_bits && word) {
            p->bit_words = given == TYPE_U16 ? 1 : given == TYPE_U32 ? 2 : 4;
        } else if (meant == TYPE_COUNT) {
            p->type = given;
        }
    }
    if (has_bits) {
        read_bits(r, y, p);
    }
}

static void
read_order(struct reader *r, const struct node *n, struct point *p)
{
    int word = 0;
    if (value_enum(r, n, "order", order_words, &word)) {
        (void)byte_order_parse(&p->order, order_words[word]);
    }
}

static void
read_scaling(struct reader *r, const struct point_yaml *y, struct point *p)
{
    struct ratio scale = {1, 1};
    struct ratio offset = {0, 1};
    const struct node *n = y->scale;
    if (n != NULL &&
        (n->kind != NODE_SCALAR || !ratio_parse(&scale, n->text) || scale.num == 0)) {
        scale = (struct ratio){1, 1};
        diags_add(r->diags, DIAG_ERROR, &n->loc, "\"scale\" is %s; %s",
                  n->kind == NODE_SCALAR && n->text[0] != 0 ? n->text
                                                            : node_kind_name(n),
                  tr(scale_text.accepted));
    }
    n = y->offset;
    double value;
    if (n != NULL && value_float(r, n, "offset", &value)) {
        (void)ratio_parse(&offset, n->text);
    }
    p->scaling = scaling_make(scale, offset);
}

static void
read_range(struct reader *r, const struct node *n, struct point *p)
{
    double min;
    double max;
    if (n->kind != NODE_LIST || n->count != 2) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"range\" is not two numbers; [lowest, highest] in the point's unit "
                  "is accepted");
        return;
    }
    if (!value_float(r, n->first, "range", &min) ||
        !value_float(r, n->first->next, "range", &max)) {
        return;
    }
    if (min >= max) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"range\" has its lowest value %s not below its highest %s; write "
                  "[lowest, highest]",
                  n->first->text, n->first->next->text);
        return;
    }
    p->has_range = true;
    p->range_min = min;
    p->range_max = max;
}

/* A raw value as it is read: an unsigned number of the type's width. */
static bool
parse_raw(const char *text, unsigned bits, uint64_t *out)
{
    bool negative = text[0] == '-';
    const char *digits = text + negative;
    bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    const char *body = digits + (hex ? 2 : 0);
    if (body[0] == 0 || strlen(body) > 20 ||
        body[strspn(body, hex ? "0123456789abcdefABCDEF" : "0123456789")] != 0 ||
        (hex && strlen(body) > 16)) {
        return false;
    }
    errno = 0;
    uint64_t value = strtoull(body, NULL, hex ? 16 : 10);
    if (errno != 0) {
        return false;
    }
    uint64_t mask = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    if (negative) {
        *out = (0 - value) & mask;
        return value <= mask / 2 + 1;
    }
    *out = value;
    return value <= mask;
}

static void
read_sentinels(struct reader *r, const struct node *map, struct point *p)
{
    const struct node *n = map_items(r, map, "sentinels");
    unsigned bits = 16u * point_width(p);
    if (p->type == TYPE_BITS) {
        bits = p->bit_high - p->bit_low + 1u;
    }
    /* Of a bit in a register it is the whole register that says so. */
    if (p->type == TYPE_BOOL && (p->table == REG_COIL || p->table == REG_DISCRETE)) {
        diags_add(r->diags, DIAG_ERROR, &map->key_loc,
                  "\"sentinels\" of a bool; a bit has no value to spare, leave it out");
        return;
    }
    struct sentinel *items = arena_array(r->arena, map->count + 1, sizeof *items);
    uint32_t count = 0;
    for (; n != NULL; n = n->next) {
        if (!parse_raw(n->key, bits, &items[count].raw)) {
            diags_add(r->diags, DIAG_ERROR, &n->key_loc,
                      "\"%.60s\" is no raw value of %u bits; %s", n->key, bits,
                      tr(sentinels_shape.accepted));
            continue;
        }
        if (value_text(r, n, "sentinels")) {
            items[count++].name = n->text;
        }
    }
    p->sentinels = items;
    p->sentinel_count = count;
}

/* Keys that say how a register becomes a value mean nothing to a log's number. */
static void
warn_without_register(struct reader *r, const struct node *map)
{
    static const char *const keys[] = {"scale", "offset",    "order",        "bit",
                                       "bits",  "sentinels", "decimals_from"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const struct node *n = map->kind == NODE_MAP ? node_get(map, keys[i]) : NULL;
        if (n != NULL) {
            diags_add(r->diags, DIAG_WARNING, &n->key_loc,
                      "\"%s\" without \"register\" has no effect; values of a log are "
                      "taken as they are",
                      keys[i]);
        }
    }
}

static void
check_bool_keys(struct reader *r, const struct point_yaml *y)
{
    const struct node *numeric[] = {y->scale, y->offset, y->range};
    for (size_t i = 0; i < ARRAY_LEN(numeric); i++) {
        if (numeric[i] != NULL) {
            diags_add(r->diags, DIAG_ERROR, &numeric[i]->key_loc,
                      "\"%s\" of a bool; it is 0 or 1, leave \"%s\" out",
                      numeric[i]->key, numeric[i]->key);
        }
    }
    if (y->unit != NULL) {
        diags_add(r->diags, DIAG_ERROR, y->type != NULL ? &y->type->loc : &y->reg->loc,
                  "\"unit\" of a bool; it is true or false, leave \"unit\" out");
    }
}

static void
check_title(struct reader *r, const struct node *map, const struct text *title)
{
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        if (title->in[i] != NULL && strlen(title->in[i]) > TITLE_BYTES_MAX) {
            struct loc at = loc_of(map, "title");
            diags_add(r->diags, DIAG_ERROR, &at,
                      "\"title\" has %zu bytes; a point's has up to %d, as it stands "
                      "beside its value",
                      strlen(title->in[i]), TITLE_BYTES_MAX);
        }
    }
}

bool
point_read(struct reader *r, const struct node *n, struct point_spec *out)
{
    size_t errors = r->diags->errors;
    struct point_yaml y = {.kind = -1, .bit = -1, .bit_loc = loc_of(n, "bit")};
    struct point *p = &out->point;
    *out = (struct point_spec){.point = {.id = n->key != NULL ? n->key : "",
                                         .decimals_from = NONE_INDEX,
                                         .scaling = {1, 0, 1},
                                         .loc = n->key != NULL ? n->key_loc : n->loc}};
    (void)fields_read(r, &y, n, "point", point_fields, ARRAY_LEN(point_fields));
    if (y.reg != NULL && !read_register(r, y.reg, p)) {
        out->broken = true;
        return false; /* What follows depends on the table. */
    }
    settle_type(r, &y, p);
    p->kind = p->type == TYPE_BOOL ? POINT_STATE : POINT_GAUGE;
    if (y.kind >= 0) {
        p->kind = (enum point_kind)y.kind;
    }
    p->unit = y.unit;
    p->title = y.title;
    check_title(r, n, &y.title);
    p->stale_after_ms = y.stale_after_ms;
    if (y.order != NULL) {
        read_order(r, y.order, p);
    }
    if (p->type == TYPE_BOOL && y.reg != NULL) {
        check_bool_keys(r, &y);
    } else {
        read_scaling(r, &y, p);
    }
    if (y.range != NULL) {
        read_range(r, y.range, p);
    }
    if (y.reg == NULL) {
        warn_without_register(r, n);
    } else if (y.sentinels != NULL) {
        read_sentinels(r, y.sentinels, p);
    }
    if (y.decimals_from != NULL && y.reg != NULL) {
        out->decimals_from = y.decimals_from;
        out->decimals_from_loc = loc_of(n, "decimals_from");
    }
    if (y.poll != NULL) {
        (void)value_duration(r, y.poll, "poll", POLL_MS_MIN, POLL_MS_MAX, &p->poll_ms);
    }
    if (y.reg != NULL && p->address + point_width(p) > UINT16_MAX + 1) {
        diags_add(r->diags, DIAG_ERROR, &y.reg->loc,
                  "a %s at address %u goes past register 65535; check the address",
                  p->bit_words > 1 ? tr("word of several registers")
                                   : value_type_name(p->type),
                  p->address);
    }
    out->broken = r->diags->errors != errors;
    return !out->broken;
}

struct point_list
points_read(struct reader *r, const struct node *map)
{
    struct point_list list = {NULL, 0};
    const struct node *n = map_items(r, map, "points");
    if (n == NULL) {
        return list;
    }
    list.items = arena_array(r->arena, map->count, sizeof *list.items);
    for (; n != NULL; n = n->next) {
        if (!is_point_id(n->key)) {
            diags_add(r->diags, DIAG_ERROR, &n->key_loc, "\"%.80s\" is no point id; %s",
                      n->key, tr(points_shape.accepted));
            continue;
        }
        /* A wrong one counts too, so that nobody who names it is blamed. */
        (void)point_read(r, n, &list.items[list.count++]);
    }
    return list;
}
