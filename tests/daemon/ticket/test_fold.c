/* The row of a ticket from its events alone. */
#include <check.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/instant.h"
#include "daemon/base/utf8.h"
#include "daemon/store/state.h"
#include "daemon/ticket/fold.h"
#include "tests/daemon/store/scratch.h"

#define T0     1767225600000LL
#define ROUNDS 3000

static struct err err;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)

static char *
json_of(const struct ticket *row)
{
    struct strbuf text = {0};
    fold_row_to_json(&text, row);
    return strbuf_take(&text);
}

static void
assert_row(const struct ticket *row, const char *want)
{
    char *got = json_of(row);
    ck_assert_str_eq(got, want);
    free(got);
}

static void
feed(struct fold *f, const char *name, const char *json, const char *more)
{
    must(fold_event(f, 3, name, json, more, &err));
}

/* ---- One life ---- */

#define OPENED                                                                         \
    "{\"number\":3,\"kind\":\"fault\",\"device\":\"pump-1\",\"rule\":\"hot\","         \
    "\"priority\":\"urgent\",\"state\":\"opened\",\"opened_ms\":1000,"                 \
    "\"respond_by_ms\":2000,\"resolve_by_ms\":9000,\"respond_from_ms\":1000,"          \
    "\"resolve_from_ms\":1000,\"episodes\":1,\"title\":\"hot\"}"

START_TEST(a_life_is_folded_from_its_patches)
{
    struct fold f;
    fold_init(&f);
    ck_assert(!f.known);
    feed(&f, "ticket.noted", "{}", NULL); /* From before there were patches. */
    ck_assert(!f.known);
    feed(&f, "ticket.opened", "{}", OPENED);
    ck_assert(f.known);
    ck_assert_str_eq(f.row.device, "pump-1");
    ck_assert_int_eq(f.row.closed_ms, INSTANT_NONE);
    feed(&f, "ticket.breached", "{}", "{\"respond_breached\":1}");
    feed(&f, "ticket.waiting", "{}",
         "{\"state\":\"waiting\",\"waiting_since_ms\":3000,\"pause\":\"parts\","
         "\"parts\":[{\"name\":\"seal\",\"count\":2,\"cost\":500}],\"minutes\":20}");
    ck_assert_int_eq(f.row.pause, PAUSE_PARTS);
    ck_assert_uint_eq(f.row.part_count, 1);
    feed(&f, "ticket.noted", "{}", NULL);
    feed(&f, "ticket.resumed", "{}",
         "{\"state\":\"opened\",\"waiting_since_ms\":null,\"pause\":null,"
         "\"resolve_by_ms\":10000,\"resolve_from_ms\":2000}");
    ck_assert_int_eq(f.row.waiting_since_ms, INSTANT_NONE);
    ck_assert_int_eq(f.row.pause, PAUSE_NONE);
    feed(&f, "alarm.cleared", "{}", "{\"cleared_ms\":4000}");
    feed(&f, "ticket.changed", "{}", "{\"priority\":\"critical\",\"parts\":null}");
    assert_row(
        &f.row,
        "{\"number\":3,\"kind\":\"fault\",\"device\":\"pump-1\",\"rule\":\"hot\","
        "\"priority\":\"critical\",\"state\":\"opened\",\"opened_ms\":1000,"
        "\"respond_by_ms\":2000,\"resolve_by_ms\":10000,"
        "\"respond_from_ms\":1000,\"resolve_from_ms\":2000,\"cleared_ms\":4000,"
        "\"episodes\":1,\"respond_breached\":1,\"title\":\"hot\","
        "\"minutes\":20}");
    feed(&f, "ticket.changed", "{}", OPENED); /* A whole row: the rest is forgotten. */
    assert_row(&f.row, OPENED);
}
END_TEST

START_TEST(the_clock_moves_instants_and_leaves_days)
{
    struct fold f;
    fold_init(&f);
    feed(&f, "ticket.opened", "{}", OPENED);
    feed(&f, "ticket.changed", "{}", "{\"due_ms\":50000,\"first_responded_ms\":1500}");
    feed(&f, "clock.stepped", "{\"step_ms\":100}", "{\"4\":{}}"); /* Of another. */
    feed(&f, "clock.stepped", "{\"step_ms\":100}", NULL);
    ck_assert_int_eq(f.row.opened_ms, 1000);
    feed(&f, "clock.stepped", "{\"step_ms\":-100}",
         "{\"3\":{\"respond_by_ms\":1950},\"4\":{}}");
    ck_assert_int_eq(f.row.opened_ms, 900);
    ck_assert_int_eq(f.row.resolve_by_ms, 8900);
    ck_assert_int_eq(f.row.first_responded_ms, 1400);
    ck_assert_int_eq(f.row.respond_by_ms, 1950); /* As the patch has it. */
    ck_assert_int_eq(f.row.due_ms, 50000);
    ck_assert_int_eq(f.row.closed_ms, INSTANT_NONE);
}
END_TEST

static const char *const bad[][2] = {
    {"ticket.changed", ""},
    {"ticket.changed", "{"},
    {"ticket.changed", "[]"},
    {"ticket.changed", "7"},
    {"ticket.changed", "{\"colour\":\"red\"}"},
    {"ticket.changed", "{\"state\":\"odd\"}"},
    {"ticket.changed", "{\"state\":null}"},
    {"ticket.changed", "{\"state\":4}"},
    {"ticket.changed", "{\"opened_ms\":\"4\"}"},
    {"ticket.changed", "{\"opened_ms\":4.5}"},
    {"ticket.changed", "{\"rating\":4000000000}"},
    {"ticket.changed", "{\"parts\":{}}"},
    {"ticket.changed", "{\"parts\":[{}]}"},
    {"ticket.changed", "{\"cost\":1,\"cost\":2}"},
    {"ticket.changed", "{\"cause\":\"12345678901234567890123456789012\"}"},
    {"clock.stepped", "{\"3\":{}}"}, /* By how much is not said. */
    {"clock.stepped", "{\"3\":7}"},
};

START_TEST(what_is_no_patch_is_an_error)
{
    struct fold f;
    fold_init(&f);
    feed(&f, "ticket.opened", "{}", OPENED);
    err.text[0] = '\0';
    ck_assert_int_eq(fold_event(&f, 3, bad[_i][0], "{}", bad[_i][1], &err), ERR_IO);
    ck_assert_str_ne(err.text, "");
}
END_TEST

/* ---- Every column ---- */

static bool
has_member(const char *name)
{
    size_t i = 0;
    while (fold_member(i) != NULL && strcmp(fold_member(i), name) != 0) {
        i++;
    }
    return fold_member(i) != NULL;
}

START_TEST(every_column_of_the_table_is_folded)
{
    char dir[SCRATCH_BYTES];
    struct state *s = NULL;
    scratch_make(dir);
    must(state_open(&s, dir, STORE_WRITE, &err));
    state_close(s);
    sqlite3 *db = scratch_open(dir, "state.db");
    sqlite3_stmt *stmt = NULL;
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT name FROM pragma_table_info('ticket')",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    size_t columns = 0;
    for (; sqlite3_step(stmt) == SQLITE_ROW; columns++) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        ck_assert_msg(has_member(name), "no member %s", name);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    scratch_remove(dir);
    ck_assert_ptr_nonnull(fold_member(columns - 1));
    ck_assert_ptr_null(fold_member(columns));
}
END_TEST

/* ---- Random rows ---- */

static uint32_t
draw(uint32_t *seed, uint32_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % below;
}

static int64_t
draw_instant(uint32_t *seed)
{
    return draw(seed, 3) == 0 ? INSTANT_NONE : T0 + draw(seed, 1000000);
}

static void
draw_text(uint32_t *seed, char *out, size_t size)
{
    static const char *const texts[] = {"", "a", "轴承 \"hot\"\n", "long ",
                                        "\\u0000{}"};
    utf8_copy(out, size, texts[draw(seed, ARRAY_LEN(texts))]);
    if (draw(seed, 20) == 0) { /* As much as there is room for. */
        memset(out, 'x', size - 1);
        out[size - 1] = '\0';
    }
}

static void
draw_parts(uint32_t *seed, struct ticket *t)
{
    t->part_count = draw(seed, 3) == 0 ? draw(seed, TICKET_PARTS_MAX + 1) : 0;
    for (uint32_t i = 0; i < t->part_count; i++) {
        draw_text(seed, t->parts[i].name, sizeof t->parts[i].name);
        t->parts[i].count = draw(seed, 9);
        t->parts[i].cost = draw(seed, 9) * INT64_C(1000000000);
    }
}

static void
draw_row(uint32_t *seed, struct ticket *t)
{
    static const char *const ids[] = {NULL, "pump-1", "lift-2"};
    memset(t, 0, sizeof *t);
    t->number = 3;
    t->kind = (enum ticket_kind)draw(seed, TICKET_KIND_COUNT);
    t->device = ids[draw(seed, 3)];
    t->rule = ids[draw(seed, 3)];
    t->priority = (enum severity)draw(seed, SEVERITY_COUNT);
    t->state = (enum ticket_state)draw(seed, TICKET_STATE_COUNT);
    t->pause = (enum pause)draw(seed, PAUSE_COUNT);
    t->proof = (enum proof)draw(seed, PROOF_COUNT);
    int64_t *const instants[] = {&t->opened_ms,
                                 &t->respond_by_ms,
                                 &t->resolve_by_ms,
                                 &t->respond_from_ms,
                                 &t->resolve_from_ms,
                                 &t->assigned_ms,
                                 &t->responded_ms,
                                 &t->resolved_ms,
                                 &t->verified_ms,
                                 &t->closed_ms,
                                 &t->waiting_since_ms,
                                 &t->cleared_ms,
                                 &t->first_responded_ms,
                                 &t->first_resolved_ms,
                                 &t->due_ms,
                                 &t->visit_ms};
    for (size_t i = 0; i < ARRAY_LEN(instants); i++) {
        *instants[i] = draw_instant(seed);
    }
    t->episodes = draw(seed, 3);
    t->reopened = draw(seed, 3);
    t->minutes = draw(seed, 3);
    t->cost = draw(seed, 3) * INT64_C(5000000000);
    t->rating = (int)draw(seed, 6);
    t->level = (int)draw(seed, 3);
    bool *const flags[] = {&t->respond_warned, &t->respond_breached, &t->resolve_warned,
                           &t->resolve_breached, &t->taken};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        *flags[i] = draw(seed, 2) != 0;
    }
    draw_text(seed, t->assignee, sizeof t->assignee);
    draw_text(seed, t->team, sizeof t->team);
    draw_text(seed, t->title, sizeof t->title);
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        draw_text(seed, t->titles.in[i], sizeof t->titles.in[i]);
    }
    draw_text(seed, t->resolution, sizeof t->resolution);
    draw_text(seed, t->category, sizeof t->category);
    draw_text(seed, t->plan, sizeof t->plan);
    draw_text(seed, t->symptom, sizeof t->symptom);
    draw_text(seed, t->reporter, sizeof t->reporter);
    draw_text(seed, t->cause, sizeof t->cause);
    draw_parts(seed, t);
    t->steps = draw(seed, 3) == 0 ? UINT64_MAX : draw(seed, 3);
}

START_TEST(patches_of_random_rows_give_them_back)
{
    uint32_t seed = 20261126;
    struct fold f, before;
    struct ticket row;
    fold_init(&f);
    fold_init(&before);
    for (int i = 0; i < ROUNDS; i++) {
        struct strbuf patch = {0};
        struct strbuf step = {0};
        draw_row(&seed, &row);
        int64_t step_ms = draw(&seed, 4) == 0 ? (int64_t)draw(&seed, 5000) - 2500 : 0;
        if (step_ms != 0 && before.known) {
            fold_move(&before, step_ms);
            strbuf_printf(&step, "{\"step_ms\":%lld}", (long long)step_ms);
            strbuf_add(&patch, "{\"3\":");
            if (!fold_patch(&patch, &before, &row)) {
                strbuf_add(&patch, "{}");
            }
            strbuf_add(&patch, "}");
            feed(&f, "clock.stepped", strbuf_text(&step), strbuf_text(&patch));
        } else if (fold_patch(&patch, &before, &row)) {
            feed(&f, "ticket.changed", "{}", strbuf_text(&patch));
        }
        char *want = json_of(&row);
        assert_row(&f.row, want);
        strbuf_clear(&patch);
        ck_assert(!fold_patch(&patch, &f, &row)); /* Nothing is left to say. */
        ck_assert_uint_eq(patch.size, 0);
        free(want);
        strbuf_fini(&patch);
        strbuf_fini(&step);
        fold_set(&before, &row);
    }
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("fold");
    TCase *tc = tcase_create("fold");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_life_is_folded_from_its_patches);
    tcase_add_test(tc, the_clock_moves_instants_and_leaves_days);
    tcase_add_loop_test(tc, what_is_no_patch_is_an_error, 0, (int)ARRAY_LEN(bad));
    tcase_add_test(tc, every_column_of_the_table_is_folded);
    tcase_add_test(tc, patches_of_random_rows_give_them_back);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
