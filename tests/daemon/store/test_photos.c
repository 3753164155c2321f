/* Files of photos and their rows: written whole, read only if they are what they were,
 * swept after a crash, copied. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/store/photos.h"
#include "daemon/store/state_photo.h"
#include "tests/daemon/store/scratch.h"

static char dir[SCRATCH_BYTES];
static char folder[SCRATCH_BYTES + 16];
static struct err err;

#define must(call) ck_assert_msg((call) == 0, "%s", err.text)
/* SHA-256 of "abc" (FIPS 180-4, an example of NIST's). */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void
setup(void)
{
    scratch_make(dir);
    snprintf(folder, sizeof folder, "%s/photos", dir);
    memset(&err, 0, sizeof err);
}

static void
teardown(void)
{
    if (access(folder, F_OK) == 0) {
        scratch_remove(folder);
    }
    scratch_remove(dir);
}

static struct photo
put(const char *bytes, bool *made)
{
    struct photo p = {.type = PHOTO_JPEG};
    must(photos_put(dir, &p, bytes, strlen(bytes), made, &err));
    return p;
}

static void
path_of(char out[SCRATCH_BYTES + 128], const char *name)
{
    snprintf(out, SCRATCH_BYTES + 128, "%s/%s", folder, name);
}

static void
write_text(const char *name, const char *text)
{
    char path[SCRATCH_BYTES + 128];
    path_of(path, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static bool
is_there(const char *name)
{
    char path[SCRATCH_BYTES + 128];
    path_of(path, name);
    return access(path, F_OK) == 0;
}

START_TEST(a_file_has_its_hash_as_its_name)
{
    bool made = false;
    struct strbuf out = {0};
    struct photo p = put("abc", &made);
    ck_assert(made);
    ck_assert_str_eq(p.sha256, ABC);
    ck_assert_int_eq(p.bytes, 3);
    ck_assert(is_there(ABC ".jpg"));
    ck_assert(!is_there(ABC ".jpg.part"));
    (void)put("abc", &made);
    ck_assert(!made);
    strbuf_add(&out, "<");
    must(photos_get(&out, dir, &p, &err));
    ck_assert_str_eq(strbuf_text(&out), "<abc");
    photos_remove(dir, &p);
    ck_assert(!is_there(ABC ".jpg"));
    strbuf_fini(&out);
}
END_TEST

START_TEST(what_was_changed_is_not_given_out)
{
    bool made;
    struct strbuf out = {0};
    struct photo p = {.type = PHOTO_JPEG, .sha256 = ABC};
    ck_assert_int_eq(photos_get(&out, dir, &p, &err), ERR_NOT_FOUND);
    (void)put("abc", &made);
    write_text(ABC ".jpg", "abd");
    ck_assert_int_eq(photos_get(&out, dir, &p, &err), ERR_IO);
    ck_assert_str_eq(err.text, "the file photos/" ABC ".jpg was changed");
    ck_assert_uint_eq(out.size, 0);
    (void)put("abc", &made); /* Sent again, it is sound again. */
    must(photos_get(&out, dir, &p, &err));
    photos_remove(dir, &p);
    ck_assert_int_eq(photos_get(&out, dir, &p, &err), ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "the file photos/" ABC ".jpg is missing");
    strbuf_fini(&out);
}
END_TEST

/* A file that may not grow stands for a full disk. */
START_TEST(a_disk_that_refuses_leaves_nothing)
{
    bool made;
    struct rlimit before, small;
    char bytes[5000];
    struct photo p = {.type = PHOTO_PNG};
    memset(bytes, 'x', sizeof bytes);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 4000;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    int code = photos_put(dir, &p, bytes, sizeof bytes, &made, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_int_eq(code, ERR_FULL);
    ck_assert_int_eq(rmdir(folder), 0); /* It is empty. */
}
END_TEST

START_TEST(all_together_have_a_bound)
{
    bool made;
    struct photo p = put("abc", &made);
    char path[SCRATCH_BYTES + 128];
    path_of(path, "large");
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, PHOTOS_BYTES_MAX - 4), 0); /* A hole. */
    close(fd);
    ck_assert_int_eq(photos_put(dir, &p, "four", 4, &made, &err), ERR_FULL);
    ck_assert_ptr_nonnull(strstr(err.text, "this one was not taken"));
}
END_TEST

static int
only_abc(
    void *ctx, const char *sha256, enum photo_type type, bool *wanted, struct err *why)
{
    int *asked = ctx;
    (void)why;
    ++*asked;
    *wanted = strcmp(sha256, ABC) == 0 && type == PHOTO_JPEG;
    return 0;
}

static int
refuse(void *ctx, const char *sha256, enum photo_type type, bool *wanted, struct err *e)
{
    (void)ctx;
    (void)sha256;
    (void)type;
    (void)wanted;
    return err_set(e, ERR_IO, "the database cannot be read");
}

START_TEST(what_a_crash_left_goes_and_nothing_else)
{
    bool made;
    int asked = 0;
    uint32_t removed = 99;
    int64_t later = (int64_t)time(NULL) + 100;
    must(photos_sweep(dir, only_abc, &asked, later, &removed, &err));
    ck_assert_uint_eq(removed, 0); /* There is no folder yet. */
    (void)put("abc", &made);
    struct photo lost = put("lost", &made);
    char name[PHOTO_NAME_BYTES];
    photos_name(name, &lost);
    write_text(ABC ".png.part", "half");
    write_text("README", "not ours");
    write_text(ABC ".svg", "not ours");
    write_text("notes.part", "not ours");
    must(photos_sweep(dir, only_abc, &asked, later - 1000, &removed, &err));
    ck_assert_uint_eq(removed, 1); /* Half a file, whatever its age. */
    ck_assert(is_there(name));
    ck_assert_int_eq(asked, 0);
    ck_assert_int_eq(photos_sweep(dir, refuse, NULL, later, &removed, &err), ERR_IO);
    ck_assert(is_there(name));
    must(photos_sweep(dir, only_abc, &asked, later, &removed, &err));
    ck_assert_uint_eq(removed, 1);
    ck_assert(!is_there(name));
    ck_assert(is_there(ABC ".jpg") && is_there("README") && is_there(ABC ".svg") &&
              is_there("notes.part"));
}
END_TEST

START_TEST(a_copy_has_what_is_sound)
{
    bool made;
    char to[SCRATCH_BYTES];
    char copied[SCRATCH_BYTES + 128];
    struct photos_copied done;
    struct strbuf out = {0};
    scratch_make(to);
    must(photos_copy(dir, to, &done, &err));
    ck_assert_uint_eq(done.count, 0); /* No photo was taken yet. */
    struct photo p = put("abc", &made);
    struct photo bad = put("bad", &made);
    char name[PHOTO_NAME_BYTES];
    write_text(photos_name(name, &bad), "worse");
    write_text("README", "not ours");
    for (int i = 0; i < 2; i++) {
        must(photos_copy(dir, to, &done, &err));
        ck_assert_uint_eq(done.count, 1);
        ck_assert_int_eq(done.bytes, 3);
        ck_assert_uint_eq(done.damaged, 1);
        ck_assert_str_eq(done.first, name);
        must(photos_get(&out, to, &p, &err));
    }
    snprintf(copied, sizeof copied, "%s/photos/%s.jpg", to, ABC);
    FILE *f = fopen(copied, "w"); /* The copy was damaged meanwhile. */
    ck_assert_ptr_nonnull(f);
    fclose(f);
    must(photos_copy(dir, to, &done, &err));
    must(photos_get(&out, to, &p, &err));
    snprintf(copied, sizeof copied, "%s/photos", to);
    scratch_remove(copied);
    scratch_remove(to);
    strbuf_fini(&out);
}
END_TEST

static bool
write_row(void *ctx, const struct photo *p)
{
    struct strbuf *b = ctx;
    photo_to_json(b, p);
    return p->number < 2;
}

START_TEST(rows_are_read_as_they_were_written)
{
    struct state *store = NULL;
    struct strbuf b = {0};
    bool has = true;
    struct photo p = {.ticket = 7,
                      .number = 2,
                      .type = PHOTO_WEBP,
                      .bytes = 3,
                      .added_ms = 1767225600000,
                      .sha256 = ABC,
                      .by = "li",
                      .note = "密封"};
    must(state_open(&store, dir, STORE_WRITE, &err));
    must(state_put_photo(store, &p, &err));
    p.number = 3;
    must(state_put_photo(store, &p, &err));
    p.number = 1;
    p.note[0] = '\0';
    must(state_put_photo(store, &p, &err));
    must(state_each_photo(store, 7, write_row, &b, &err));
    ck_assert_str_eq(strbuf_text(&b),
                     "{\"number\":1,\"type\":\"image/webp\",\"bytes\":3,\"sha256\":"
                     "\"" ABC "\",\"by\":\"li\",\"at\":\"2026-01-01T00:00:00.000Z\","
                     "\"note\":null}{\"number\":2,\"type\":\"image/webp\",\"bytes\":3,"
                     "\"sha256\":\"" ABC "\",\"by\":\"li\","
                     "\"at\":\"2026-01-01T00:00:00.000Z\",\"note\":\"密封\"}");
    strbuf_clear(&b);
    must(state_each_photo(store, 8, write_row, &b, &err));
    ck_assert_str_eq(strbuf_text(&b), "");
    must(state_has_photo(store, ABC, PHOTO_WEBP, &has, &err));
    ck_assert(has);
    must(state_has_photo(store, ABC, PHOTO_JPEG, &has, &err));
    ck_assert(!has);
    scratch_exec(dir, "state.db", "UPDATE photo SET type = 'image/svg+xml'");
    ck_assert_int_eq(state_each_photo(store, 7, write_row, &b, &err), ERR_IO);
    strbuf_fini(&b);
    state_close(store);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("photos");
    TCase *tc = tcase_create("photos");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_file_has_its_hash_as_its_name);
    tcase_add_test(tc, what_was_changed_is_not_given_out);
    tcase_add_test(tc, a_disk_that_refuses_leaves_nothing);
    tcase_add_test(tc, all_together_have_a_bound);
    tcase_add_test(tc, what_a_crash_left_goes_and_nothing_else);
    tcase_add_test(tc, a_copy_has_what_is_sound);
    tcase_add_test(tc, rows_are_read_as_they_were_written);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
