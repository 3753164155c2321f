/* Passwords and secrets; libsodium itself is the witness where it can be. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/store/secrets.h"

static struct err err;

START_TEST(a_password_fits_its_hash_and_no_other_does)
{
    char hash[SECRETS_PASSWORD_BYTES];
    char again[SECRETS_PASSWORD_BYTES];
    ck_assert_int_eq(secrets_password_hash(hash, "correct horse", &err), 0);
    ck_assert(strncmp(hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0);
    ck_assert(secrets_password_fits(hash, "correct horse"));
    ck_assert(!secrets_password_fits(hash, "correct horsf"));
    ck_assert(!secrets_password_fits(hash, "correct hors"));
    ck_assert(!secrets_password_fits(hash, ""));
    ck_assert_int_eq(crypto_pwhash_str_verify(hash, "correct horse", 13), 0);
    /* Salted: the same password has another hash. */
    ck_assert_int_eq(secrets_password_hash(again, "correct horse", &err), 0);
    ck_assert_str_ne(hash, again);
    ck_assert(!secrets_password_is_old(hash));
}
END_TEST

START_TEST(a_hash_of_another_cost_still_fits_and_is_old)
{
    char hash[SECRETS_PASSWORD_BYTES];
    ck_assert_int_ge(sodium_init(), 0);
    ck_assert_int_eq(crypto_pwhash_str(hash, "correct horse", 13, 1, 8u << 20), 0);
    ck_assert(secrets_password_fits(hash, "correct horse"));
    ck_assert(secrets_password_is_old(hash));
    ck_assert(secrets_password_is_old("no hash at all"));
    ck_assert(!secrets_password_fits("no hash at all", "correct horse"));
}
END_TEST

START_TEST(passwords_have_8_to_128_bytes)
{
    char text[SECRETS_PASSWORD_MAX + 2];
    char hash[SECRETS_PASSWORD_BYTES] = "untouched";
    static const struct {
        size_t size;
        int code;
    } rows[] = {{0, ERR_RANGE}, {7, ERR_RANGE}, {8, 0}, {128, 0}, {129, ERR_RANGE}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        memset(text, 'x', sizeof text);
        text[rows[i].size] = '\0';
        ck_assert_int_eq(secrets_password_check(text, &err), rows[i].code);
    }
    ck_assert_ptr_nonnull(strstr(err.text, "8 to 128 bytes"));
    ck_assert_int_eq(secrets_password_hash(hash, "short", &err), ERR_RANGE);
    ck_assert_str_eq(hash, "untouched");
}
END_TEST

static double
cost_of(const char *hash)
{
    struct timespec a;
    struct timespec b;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    ck_assert(!secrets_password_fits(hash, "wrong horse"));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    return (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
}

/* Time of the processor: others may have it meanwhile.  Without Argon2 it would be a
 * thousandth. */
START_TEST(nobodys_password_costs_as_much)
{
    char hash[SECRETS_PASSWORD_BYTES];
    ck_assert_int_eq(secrets_password_hash(hash, "correct horse", &err), 0);
    double known = 1e9;
    double unknown = 1e9;
    for (int i = 0; i < 5; i++) {
        double cost = cost_of(hash);
        known = cost < known ? cost : known;
        cost = cost_of(NULL);
        unknown = cost < unknown ? cost : unknown;
    }
    ck_assert_double_gt(unknown, known / 3);
    ck_assert_double_lt(unknown, known * 3);
}
END_TEST

START_TEST(secrets_are_new_each_time_and_of_256_bits)
{
    char texts[50][SECRETS_TEXT_BYTES];
    unsigned char bytes[64];
    size_t size = 0;
    for (int i = 0; i < 50; i++) {
        bool token = i % 2 == 1;
        ck_assert_int_eq(secrets_make(texts[i], token ? SECRETS_TOKEN_MARK : "", &err),
                         0);
        ck_assert_int_eq(
            sodium_base642bin(bytes, sizeof bytes, texts[i] + (token ? 3 : 0),
                              strlen(texts[i]) - (token ? 3 : 0), NULL, &size, NULL,
                              sodium_base64_VARIANT_URLSAFE_NO_PADDING),
            0);
        ck_assert_uint_eq(size, 32);
        for (int k = 0; k < i; k++) {
            ck_assert_str_ne(texts[i], texts[k]);
        }
    }
}
END_TEST

START_TEST(what_is_stored_and_what_is_derived_differ)
{
    char secret[SECRETS_TEXT_BYTES];
    char a[SECRETS_TEXT_BYTES];
    char b[SECRETS_TEXT_BYTES];
    unsigned char hash[SECRETS_HASH_BYTES];
    unsigned char same[SECRETS_HASH_BYTES];
    char text[SECRETS_TEXT_BYTES];
    ck_assert_int_eq(secrets_make(secret, "", &err), 0);
    secrets_hash(hash, secret);
    secrets_hash(same, secret);
    ck_assert_mem_eq(hash, same, sizeof hash);
    ck_assert_int_eq(crypto_generichash(same, sizeof same, (unsigned char *)secret,
                                        strlen(secret), NULL, 0),
                     0);
    ck_assert_mem_eq(hash, same, sizeof hash);
    secrets_derive(a, secret, "csrf");
    secrets_derive(b, secret, "other");
    ck_assert_str_ne(a, b);
    ck_assert_str_ne(a, secret);
    sodium_bin2base64(text, sizeof text, hash, sizeof hash,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    ck_assert_str_ne(a, text);
    secrets_derive(b, secret, "csrf");
    ck_assert(secrets_equal(a, b));
    b[3] = b[3] == 'x' ? 'y' : 'x';
    ck_assert(!secrets_equal(a, b));
    ck_assert(!secrets_equal(a, ""));
    ck_assert(secrets_equal("", ""));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("secrets");
    TCase *tc = tcase_create("secrets");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_password_fits_its_hash_and_no_other_does);
    tcase_add_test(tc, a_hash_of_another_cost_still_fits_and_is_old);
    tcase_add_test(tc, passwords_have_8_to_128_bytes);
    tcase_add_test(tc, nobodys_password_costs_as_much);
    tcase_add_test(tc, secrets_are_new_each_time_and_of_256_bits);
    tcase_add_test(tc, what_is_stored_and_what_is_derived_differ);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
