/* Every shipped profile, from the registers that a device sends to the values: the
 * words stand in tests/data/profiles/ID.txt, worked out from the maker's number
 * formats. */
#include <check.h>
#include <errno.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/decode.h"
#include "config/config.h"
#include "daemon/model/titles.h"

#define GOLDEN      "tests/data/profiles/"
#define TOKENS_MAX  80
#define WORDS_MAX   4
#define SHIPPED_MIN 19 /* The models that were promised. */

/* What a golden file has shown of one point. */
struct shown {
    bool zero, nonzero, negative;
    bool order;    /* Words that would give another value the other way round. */
    bool range;    /* A value that the range refuses. */
    uint32_t seen; /* Bit n: sentinel n. */
    uint16_t words[WORDS_MAX];
    size_t words_count;
};

static struct diags diags;
static struct profile_set *set;

static void
setup(void)
{
    setenv("CARETAKER_SHARE", "config", 1);
    diags_init(&diags);
    set = config_load_profiles("tests/data/profiles/site.yaml", &diags);
}

static void
teardown(void)
{
    profile_set_free(set);
    diags_fini(&diags);
}

static uint32_t
find_point(const struct profile *p, const char *id)
{
    for (uint32_t i = 0; i < p->point_count; i++) {
        if (strcmp(p->points[i].id, id) == 0) {
            return i;
        }
    }
    return NONE_INDEX;
}

static bool
is_bit_table(const struct point *p)
{
    return p->table == REG_COIL || p->table == REG_DISCRETE;
}

static struct reading
decode(const struct profile *p,
       const struct shown *all,
       uint32_t index,
       const uint16_t *words,
       size_t count)
{
    const struct point *point = &p->points[index];
    struct reading out = {0};
    int decimals = -1;
    if (point->decimals_from != NONE_INDEX) {
        const struct shown *from = &all[point->decimals_from];
        ck_assert_msg(from->words_count > 0, "%s before its decimals", point->id);
        decimals = (int)decode_raw(&p->points[point->decimals_from], from->words,
                                   from->words_count);
    }
    if (is_bit_table(point)) {
        decode_bit(&out, point, words[0] != 0);
    } else {
        decode_words(&out, point, words, count, decimals);
    }
    return out;
}

static void
remember(struct shown *s,
         const struct point *p,
         const struct reading *r,
         const uint16_t *words,
         size_t count)
{
    memcpy(s->words, words, count * sizeof words[0]);
    s->words_count = count;
    if (r->quality == QUALITY_GOOD) {
        s->zero |= r->value == 0;
        s->nonzero |= r->value != 0;
        s->negative |= r->value < 0;
        for (size_t i = 0; i < count; i++) {
            s->order |= words[i] != words[count - 1 - i];
        }
    }
    s->range |= r->quality == QUALITY_RANGE;
    for (uint32_t i = 0; r->quality == QUALITY_SENTINEL && i < p->sentinel_count; i++) {
        /* Of a bit it is the whole register. */
        uint64_t raw = p->type == TYPE_BOOL ? words[0] : decode_raw(p, words, count);
        if (p->sentinels[i].raw == raw) {
            s->seen |= UINT32_C(1) << i;
        }
    }
}

/* `NAME = EXPECTED` of one line: a number, or the quality that says why there is none.
 */
static void
check_point(const char *place,
            const struct profile *p,
            struct shown *all,
            uint32_t index,
            const char *expected,
            const uint16_t *words,
            size_t count)
{
    const struct point *point = &p->points[index];
    struct reading r = decode(p, all, index, words, count);
    enum quality quality = QUALITY_GOOD;
    char *end = NULL;
    double value = strtod(expected, &end);
    if (*end != '\0') {
        ck_assert_msg(quality_parse(&quality, expected), "%s: what is \"%s\"", place,
                      expected);
    }
    ck_assert_msg(r.quality == quality, "%s: %s is %s, not %s", place, point->id,
                  quality_name((enum quality)r.quality), expected);
    ck_assert_msg(r.value == (quality == QUALITY_GOOD ? value : 0.0),
                  "%s: %s is %.17g, not %s", place, point->id, r.value, expected);
    remember(&all[index], point, &r, words, count);
}

static size_t
split(char *line, char **tokens)
{
    size_t count = 0;
    char *rest = NULL;
    line[strcspn(line, "#")] = '\0';
    for (char *t = strtok_r(line, " ,\t\n", &rest); t != NULL;
         t = strtok_r(NULL, " ,\t\n", &rest)) {
        ck_assert_uint_lt(count, TOKENS_MAX);
        tokens[count++] = t;
    }
    return count;
}

/* TABLE ADDRESS WORD... NAME = EXPECTED[, NAME = EXPECTED]...  Words are four
 * hexadecimal digits; of coils and discrete inputs one digit. */
static void
check_line(const char *place, const struct profile *p, struct shown *all, char *line)
{
    char *tokens[TOKENS_MAX];
    uint16_t words[WORDS_MAX] = {0};
    size_t words_count = 0;
    size_t count = split(line, tokens);
    size_t i = 2;
    enum reg_table table;
    if (count == 0) {
        return;
    }
    ck_assert_msg(count >= 6 && reg_table_parse(&table, tokens[0]), "%s: no table",
                  place);
    long address = strtol(tokens[1], NULL, 0);
    for (; i + 1 < count && strcmp(tokens[i + 1], "=") != 0; i++) {
        ck_assert_msg(words_count < WORDS_MAX && strlen(tokens[i]) <= 4,
                      "%s: too many words", place);
        words[words_count++] = (uint16_t)strtoul(tokens[i], NULL, 16);
    }
    ck_assert_msg(i + 2 < count, "%s: expects nothing", place);
    for (; i < count; i += 3) {
        uint32_t index = find_point(p, tokens[i]);
        ck_assert_msg(i + 2 < count && strcmp(tokens[i + 1], "=") == 0,
                      "%s: no NAME = EXPECTED", place);
        ck_assert_msg(index != NONE_INDEX, "%s: there is no point %s", place,
                      tokens[i]);
        const struct point *point = &p->points[index];
        ck_assert_msg(point->table == table && point->address == address,
                      "%s: %s stands at %s %u in the profile", place, tokens[i],
                      reg_table_name(point->table), point->address);
        ck_assert_msg(point_width(point) == words_count, "%s: %s has %u words", place,
                      tokens[i], point_width(point));
        check_point(place, p, all, index, tokens[i + 2], words, words_count);
    }
}

static bool
is_signed(const struct point *p)
{
    return p->type == TYPE_S16 || p->type == TYPE_S32 || p->type == TYPE_S64;
}

/* A golden file shows all that a point can do, or a mistake in it could hide. */
static void
check_shown(const struct profile *profile, const struct point *p, const struct shown *s)
{
    const char *id = profile->id;
    ck_assert_msg(s->nonzero, "%s: no value of %s but 0", id, p->id);
    ck_assert_msg(p->type != TYPE_BOOL || s->zero, "%s: %s is never 0", id, p->id);
    ck_assert_msg(point_width(p) == 1 || s->order, "%s: order of %s is not shown", id,
                  p->id);
    ck_assert_msg(s->negative || !is_signed(p) || (p->has_range && p->range_min >= 0),
                  "%s: %s is never negative", id, p->id);
    ck_assert_msg(s->range || !p->has_range, "%s: the range of %s is not shown", id,
                  p->id);
    ck_assert_msg(s->seen == (UINT32_C(1) << p->sentinel_count) - 1,
                  "%s: not every sentinel of %s is shown", id, p->id);
}

static void
check_golden(const struct profile *p)
{
    char path[200];
    char line[1000];
    char place[240];
    struct shown *all = calloc(p->point_count, sizeof *all);
    snprintf(path, sizeof path, GOLDEN "%s.txt", p->id);
    FILE *f = fopen(path, "re");
    ck_assert_msg(f != NULL, "%s: %s; every profile has one", path, strerror(errno));
    for (unsigned number = 1; fgets(line, sizeof line, f) != NULL; number++) {
        snprintf(place, sizeof place, "%s:%u", path, number);
        check_line(place, p, all, line);
    }
    fclose(f);
    for (uint32_t i = 0; i < p->point_count; i++) {
        check_shown(p, &p->points[i], &all[i]);
    }
    free(all);
}

START_TEST(test_registers_of_every_profile_become_values)
{
    diags_print(&diags, stderr);
    ck_assert_uint_eq(diags.errors + diags.warnings, 0);
    ck_assert_uint_ge(set->count, SHIPPED_MIN);
    for (uint32_t i = 0; i < set->count; i++) {
        check_golden(&set->items[i]);
    }
}
END_TEST

START_TEST(test_every_golden_file_belongs_to_a_profile)
{
    glob_t found;
    ck_assert_int_eq(glob(GOLDEN "*.txt", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char *id = strrchr(found.gl_pathv[i], '/') + 1;
        id[strlen(id) - strlen(".txt")] = '\0';
        ck_assert_msg(profile_set_find(set, id) != NULL, "%s", id);
    }
    globfree(&found);
}
END_TEST

/* Who reads of a map must be able to judge it; who looks for units needs the probe. */
START_TEST(test_every_profile_says_where_it_is_from_and_how_it_is_told)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct profile *p = &set->items[i];
        ck_assert_msg(strcmp(p->title, p->id) != 0, "%s has no title", p->id);
        ck_assert_msg(p->probe < p->point_count, "%s has no probe", p->id);
        ck_assert_msg(p->probe_min < p->probe_max, "%s", p->id);
        if (p->source != PROFILE_UNVERIFIED) {
            ck_assert_msg(p->checked != NULL, "%s: when was it checked", p->id);
        }
        for (uint32_t k = 0; k < p->point_count; k++) {
            const struct point *point = &p->points[k];
            ck_assert_msg(point_width(point) <= p->limits.max_registers,
                          "%s: %s cannot be read", p->id, point->id);
            ck_assert_msg(titles_differ(&point->title),
                          "%s: %s has no name in each language", p->id, point->id);
        }
    }
}
END_TEST

START_TEST(test_what_is_beside_the_site_file_comes_before_what_is_shipped)
{
    struct profile_set *own =
        config_load_profiles("tests/config/good/site.yaml", &diags);
    const struct profile *p = profile_set_find(own, "eastron-sdm630");
    ck_assert_uint_eq(own->count, set->count);
    ck_assert_uint_eq(own->wrong_count, 0);
    ck_assert_str_eq(p->file, "tests/config/good/devices/eastron-sdm630.yaml");
    ck_assert_str_eq(profile_set_find(own, "abb-b23")->file,
                     "config/devices/abb-b23.yaml");
    ck_assert_ptr_null(profile_set_find(own, "abb-b24"));
    for (uint32_t i = 1; i < own->count; i++) {
        ck_assert_int_lt(strcmp(own->items[i - 1].id, own->items[i].id), 0);
    }
    profile_set_free(own);
}
END_TEST

START_TEST(test_a_wrong_profile_is_named_and_left_out)
{
    struct profile_set *own =
        config_load_profiles("tests/config/bad/site.yaml", &diags);
    ck_assert_uint_gt(own->wrong_count, 0);
    ck_assert_uint_gt(diags.errors, 0);
    for (uint32_t i = 0; i < own->wrong_count; i++) {
        ck_assert_ptr_null(profile_set_find(own, own->wrong[i]));
    }
    profile_set_free(own);
}
END_TEST

START_TEST(test_all_that_a_profile_says_is_handed_out)
{
    const struct profile *p = profile_set_find(set, "qdy30a");
    ck_assert_str_eq(p->title, "QDY30A level and pressure transmitter");
    ck_assert_int_eq(p->source, PROFILE_INTEROP);
    ck_assert_str_eq(p->checked, "2026-11-25");
    ck_assert_uint_eq(p->limits.max_registers, 3);
    ck_assert(!p->limits.holes);
    ck_assert_uint_eq(p->probe, find_point(p, "level_unit"));
    ck_assert(p->probe_min == 1 && p->probe_max == 18);
    const struct point *level = &p->points[find_point(p, "level")];
    ck_assert_uint_eq(level->decimals_from, find_point(p, "decimals"));
    ck_assert_int_eq(level->poll_ms, 0);
    ck_assert_int_eq(p->points[p->probe].poll_ms, 60000);
    p = profile_set_find(set, "inovance-md500");
    ck_assert_str_eq(profile_source_name(p->source), "unverified");
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("profiles");
    TCase *tc = tcase_create("profiles");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_registers_of_every_profile_become_values);
    tcase_add_test(tc, test_every_golden_file_belongs_to_a_profile);
    tcase_add_test(tc, test_every_profile_says_where_it_is_from_and_how_it_is_told);
    tcase_add_test(tc, test_what_is_beside_the_site_file_comes_before_what_is_shipped);
    tcase_add_test(tc, test_a_wrong_profile_is_named_and_left_out);
    tcase_add_test(tc, test_all_that_a_profile_says_is_handed_out);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
