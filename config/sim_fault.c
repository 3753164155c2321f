/* SIM.yaml: the faults of a slave, and when they strike. */
#include <string.h>

#include "config/load.h"
#include "config/shape.h"
#include "config/sim.h"
#include "daemon/base/catalogue.h"
#include "daemon/base/instant.h"

static const struct field moment_value = {
    .key = "window", .kind = FIELD_DURATION, BETWEEN(0, SIM_MS_MAX)};
static const struct shape moment_shape = {.kind = SHAPE_VALUE, .value = &moment_value};
static const struct shape window_shape = {
    .kind = SHAPE_LIST, .item = &moment_shape, .min = 1, .max = 2};
static const struct shape window_list = {
    .kind = SHAPE_LIST, .item = &window_shape, .min = 1};
static const struct shape *const window_forms[] = {&window_shape, &window_list, NULL};
const struct shape sim_windows_shape = {.kind = SHAPE_ANY, .any = window_forms};

void
sim_window_read(struct reader *r, const struct node *n, struct sim_window *out)
{
    *out = (struct sim_window){0, INSTANT_MAX};
    if (n->kind != NODE_LIST || n->count < window_shape.min ||
        n->count > window_shape.max) {
        diags_add(
            r->diags, DIAG_ERROR, &n->loc,
            "\"%s\" is not [from, to]; [20s, 30s], or [20s] for ever, is accepted",
            n->key != NULL ? n->key : "window");
        return;
    }
    const char *name = n->key != NULL ? n->key : "window";
    bool ok = value_duration(r, n->first, name, 0, SIM_MS_MAX, &out->from_ms);
    const struct node *to = n->first->next;
    if (to != NULL && value_duration(r, to, name, 0, SIM_MS_MAX, &out->to_ms) && ok &&
        out->to_ms <= out->from_ms) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"%s\" ends before it begins; write [from, to]", name);
    }
}

void
sim_windows_read(struct reader *r, const struct node *n, struct sim_windows *out)
{
    if (n == NULL) {
        return;
    }
    bool is_list =
        n->kind == NODE_LIST && n->first != NULL && n->first->kind == NODE_LIST;
    uint32_t count = is_list ? n->count : 1;
    struct sim_window *items = arena_array(r->arena, count, sizeof *items);
    const struct node *one = is_list ? n->first : n;
    for (uint32_t i = 0; i < count; i++, one = one->next) {
        sim_window_read(r, one, &items[i]);
    }
    *out = (struct sim_windows){items, count};
}

/* not translated: for schemas. */
#define CHANCE_ACCEPTED "more than 0 and at most 100 percent, such as 20 %, is accepted"

struct fault_yaml {
    const struct node *kinds[SIM_FAULT_COUNT];
    int64_t delay_ms;
    uint8_t code, function, bytes;
    const char *registers, *chance;
    int place;
    uint32_t every, times;
};

static int
count_given(const struct node *n, const char *const *keys)
{
    int given = 0;
    for (size_t i = 0; keys[i] != NULL; i++) {
        given += node_get(n, keys[i]) != NULL;
    }
    return given;
}

static void
read_refused(struct reader *r,
             const struct node *n,
             const struct fault_yaml *y,
             struct sim_fault *f)
{
    static const char *const keys[] = {"registers", "function", NULL};
    struct err err = {0};
    if (count_given(n, keys) != 1) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "\"refuse\" needs what is refused; registers: holding 10..20, or "
                  "function: 4, is accepted");
        return;
    }
    f->function = y->function;
    if (y->registers != NULL && sim_range_parse(&f->range, y->registers, &err) != 0) {
        struct loc loc = loc_of(n, "registers");
        diags_add(r->diags, DIAG_ERROR, &loc, "%s", err.text);
    }
}

/* Keys that only some kinds have would do nothing elsewhere. */
static void
refuse_foreign_keys(struct reader *r, const struct node *n, enum sim_fault_kind kind)
{
    static const struct {
        const char *key;
        uint32_t kinds;
        const char *where;
    } rules[] = {
        {"delay", 1u << SIM_FAULT_SLOW | 1u << SIM_FAULT_LATE, N_("slow\" or \"late")},
        {"code", 1u << SIM_FAULT_EXCEPTION | 1u << SIM_FAULT_REFUSE,
         N_("exception\" or \"refuse")},
        {"registers", 1u << SIM_FAULT_REFUSE, "refuse"},
        {"function", 1u << SIM_FAULT_REFUSE, "refuse"},
        {"bytes", 1u << SIM_FAULT_GARBAGE, "garbage"},
        {"place", 1u << SIM_FAULT_GARBAGE, "garbage"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct node *key = node_get(n, rules[i].key);
        if (key != NULL && (rules[i].kinds >> kind & 1) == 0) {
            diags_add(r->diags, DIAG_ERROR, &key->key_loc,
                      "\"%s\" of a fault \"%s\"; only \"%s\" has it, leave it out",
                      rules[i].key, sim_fault_name(kind), tr(rules[i].where));
        }
    }
}

static void
read_how_often(struct reader *r,
               const struct node *n,
               const struct fault_yaml *y,
               struct sim_fault *f)
{
    static const char *const keys[] = {"every", "chance", NULL};
    f->every = y->every;
    f->times = y->times;
    if (y->chance != NULL && !sim_chance_parse(&f->chance, y->chance)) {
        struct loc loc = loc_of(n, "chance");
        diags_add(r->diags, DIAG_ERROR, &loc,
                  "\"chance\" is \"%.40s\"; more than 0 and at most 100 percent, such "
                  "as 20 %%, "
                  "is accepted",
                  y->chance);
    }
    if (count_given(n, keys) > 1) {
        diags_add(
            r->diags, DIAG_ERROR, &n->loc,
            "the fault has both \"every\" and \"chance\"; one of them is accepted");
    }
}

/* The kinds in the order of enum sim_fault_kind. */
#define PATTERN_TABLE "(coil|discrete|input|holding)"
#define PATTERN_RANGE                                                                  \
    "^" PATTERN_TABLE "( +(" PATTERN_NUMBER ")([.][.](" PATTERN_NUMBER "))?)?$"

static const struct field fault_fields[] = {
    {FIELD("silent", FIELD_NODE, struct fault_yaml, kinds[0]),
     ABOUT("No answer. [from, to] since the start; [from] is for ever."),
     SHAPE(window_shape)},
    {FIELD("slow", FIELD_NODE, struct fault_yaml, kinds[1]),
     ABOUT("The answer is late, but comes. [from, to] since the start; [from] is for "
           "ever."),
     SHAPE(window_shape)},
    {FIELD("bad_crc", FIELD_NODE, struct fault_yaml, kinds[2]),
     ABOUT("The check sum is wrong. [from, to] since the start; [from] is for ever."),
     SHAPE(window_shape)},
    {FIELD("wrong_unit", FIELD_NODE, struct fault_yaml, kinds[3]),
     ABOUT("Another unit seems to answer. [from, to] since the start; [from] is for "
           "ever."),
     SHAPE(window_shape)},
    {FIELD("truncated", FIELD_NODE, struct fault_yaml, kinds[4]),
     ABOUT(
         "The answer ends too early. [from, to] since the start; [from] is for ever."),
     SHAPE(window_shape)},
    {FIELD("exception", FIELD_NODE, struct fault_yaml, kinds[5]),
     ABOUT("An exception instead of an answer. [from, to] since the start; [from] is "
           "for ever."),
     SHAPE(window_shape)},
    {FIELD("drop", FIELD_NODE, struct fault_yaml, kinds[6]),
     ABOUT("The connection is closed. [from, to] since the start; [from] is for ever."),
     SHAPE(window_shape)},
    {FIELD("refuse", FIELD_NODE, struct fault_yaml, kinds[7]),
     ABOUT("An exception to some requests. [from, "
           "to] since the start; [from] is for ever."),
     SHAPE(window_shape)},
    {FIELD("garbage", FIELD_NODE, struct fault_yaml, kinds[8]),
     ABOUT("Bytes that are none of the answer. [from, to] since the start; [from] is "
           "for ever."),
     SHAPE(window_shape)},
    {FIELD("late", FIELD_NODE, struct fault_yaml, kinds[9]),
     ABOUT("The answer comes after the master gave up. [from, to] since the start; "
           "[from] is for ever."),
     SHAPE(window_shape)},
    {FIELD("delay", FIELD_DURATION, struct fault_yaml, delay_ms),
     BETWEEN(1, SIM_DELAY_MS_MAX),
     ABOUT("How much later the answer comes: slow, late.")},
    {FIELD("code", FIELD_INT, struct fault_yaml, code), BETWEEN(1, 255),
     ABOUT("The exception: exception, refuse.")},
    {FIELD("registers", FIELD_STRING, struct fault_yaml, registers),
     LIKE(PATTERN_RANGE,
          "a range such as holding 10..20, input 0x10 or coil is accepted"),
     ABOUT("Which are refused, such as holding 10..20.")},
    {FIELD("function", FIELD_INT, struct fault_yaml, function), BETWEEN(1, 127),
     ABOUT("The function code that is refused.")},
    {FIELD("bytes", FIELD_INT, struct fault_yaml, bytes),
     BETWEEN(1, SIM_GARBAGE_BYTES_MAX), ABOUT("Garbage has up to so many bytes.")},
    {FIELD("place", FIELD_ENUM, struct fault_yaml, place), .words = sim_garbage_words,
     ABOUT("Where the garbage is: before or after an answer, between frames, or any.")},
    {FIELD("every", FIELD_INT, struct fault_yaml, every), BETWEEN(1, 1000000),
     ABOUT("Every N-th request is struck.")},
    {FIELD("chance", FIELD_STRING, struct fault_yaml, chance),
     LIKE("^[0-9.]+ *%$", CHANCE_ACCEPTED),
     ABOUT("Each request is struck with this chance, such as 20 %.")},
    {FIELD("times", FIELD_INT, struct fault_yaml, times), BETWEEN(1, 1000000),
     ABOUT("After so many times it ends.")},
};
static const char *const fault_kinds[] = {
    "silent", "slow",   "bad_crc", "wrong_unit", "truncated", "exception",
    "drop",   "refuse", "garbage", "late",       NULL};
_Static_assert(ARRAY_LEN(fault_kinds) == SIM_FAULT_COUNT + 1, "a word for each kind");
static const struct shape fault_shape = {SHAPE_OF_TABLE(fault_fields),
                                         .one_of = fault_kinds};
const struct shape sim_faults_shape = {.kind = SHAPE_LIST, .item = &fault_shape};

static void
read_fault(struct reader *r, const struct node *n, struct sim_fault *f)
{
    struct fault_yaml y = {0};
    const struct node *times = NULL;
    struct sim_window window;
    int kinds = 0;
    (void)fields_read(r, &y, n, "fault", fault_fields, ARRAY_LEN(fault_fields));
    if (n->kind != NODE_MAP) {
        return;
    }
    for (int i = 0; i < SIM_FAULT_COUNT; i++) {
        if (y.kinds[i] != NULL) {
            kinds++;
            times = y.kinds[i];
            (void)sim_fault_parse(&f->kind, times->key);
        }
    }
    if (kinds != 1) {
        diags_add(r->diags, DIAG_ERROR, &n->loc,
                  "the fault has %s; one of " SIM_FAULT_WORDS " is accepted",
                  kinds == 0 ? tr("no kind") : tr("several kinds"));
        return;
    }
    sim_window_read(r, times, &window);
    f->from_ms = window.from_ms;
    f->to_ms = window.to_ms;
    f->delay_ms = y.delay_ms;
    f->code = y.code;
    f->bytes = y.bytes;
    f->place = (enum sim_garbage)y.place;
    if (f->kind == SIM_FAULT_REFUSE) {
        read_refused(r, n, &y, f);
    }
    refuse_foreign_keys(r, n, f->kind);
    read_how_often(r, n, &y, f);
    sim_fault_settle(f);
}

void
sim_faults_read(struct reader *r, const struct node *list, struct sim_unit *unit)
{
    struct sim_fault *faults = arena_array(r->arena, list->count + 1, sizeof *faults);
    const struct node *n = list_items(r, list, "faults");
    for (; n != NULL; n = n->next) {
        read_fault(r, n, &faults[unit->fault_count++]);
    }
    unit->faults = faults;
}
