#include "daemon/store/secrets.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* OWASP Password Storage Cheat Sheet, "Argon2id": m = 19456 (19 MiB), t = 2, p = 1, the
 * least of its settings that is equal to the others; libsodium has p = 1 always.  A
 * gateway of 512 MB bears it for two log-ins at a time. */
#define COST_MEMORY  ((size_t)19456 * 1024)
#define COST_PASSES  2
#define SECRET_BYTES 32

_Static_assert(SECRETS_PASSWORD_BYTES == crypto_pwhash_STRBYTES, "libsodium's text");
_Static_assert(SECRETS_PASSWORD_MAX <= 4096, "Argon2 hashes it whole");
_Static_assert(SECRETS_HASH_BYTES >= crypto_generichash_BYTES_MIN, "BLAKE2b");

/* Of no password: who asks for a user that there is not waits as long.  The cost is
 * that above. */
static const char nobodys[] = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/* May be called again, and from any thread. */
static int
prepare(struct err *err)
{
    return sodium_init() >= 0 ? 0 : err_set(err, ERR_IO, "there are no random numbers");
}

int
secrets_password_check(const char *password, struct err *err)
{
    size_t size = strlen(password);
    if (size < SECRETS_PASSWORD_MIN || size > SECRETS_PASSWORD_MAX) {
        return err_set(err, ERR_RANGE,
                       "a password has %d to %d bytes; a sentence is a good one",
                       SECRETS_PASSWORD_MIN, SECRETS_PASSWORD_MAX);
    }
    return 0;
}

int
secrets_password_hash(char *out, const char *password, struct err *err)
{
    int code = secrets_password_check(password, err);
    code = code == 0 ? prepare(err) : code;
    if (code == 0 && crypto_pwhash_str(out, password, strlen(password), COST_PASSES,
                                       COST_MEMORY) != 0) {
        code = err_set(err, ERR_NOMEM, "no memory to hash a password (19 MiB)");
    }
    return code;
}

bool
secrets_password_fits(const char *hash, const char *password)
{
    size_t size = strlen(password);
    /* What nobody can have set is not worth the time of a long text. */
    if (prepare(NULL) != 0 || size > SECRETS_PASSWORD_MAX) {
        return false;
    }
    bool fits =
        crypto_pwhash_str_verify(hash != NULL ? hash : nobodys, password, size) == 0;
    return fits && hash != NULL;
}

bool
secrets_password_is_old(const char *hash)
{
    return crypto_pwhash_str_needs_rehash(hash, COST_PASSES, COST_MEMORY) != 0;
}

static void
to_text(char *out, size_t out_size, const unsigned char bytes[SECRET_BYTES])
{
    sodium_bin2base64(out, out_size, bytes, SECRET_BYTES,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
_Static_assert(sodium_base64_ENCODED_LEN(SECRET_BYTES,
                                         sodium_base64_VARIANT_URLSAFE_NO_PADDING) +
                       sizeof SECRETS_TOKEN_MARK - 1 <=
                   SECRETS_TEXT_BYTES,
               "a token and its NUL");

int
secrets_make(char *out, const char *mark, struct err *err)
{
    unsigned char bytes[SECRET_BYTES];
    size_t size = strlen(mark);
    int code = prepare(err);
    if (code != 0) {
        return code;
    }
    assert(size < sizeof SECRETS_TOKEN_MARK);
    memcpy(out, mark, size);
    randombytes_buf(bytes, sizeof bytes);
    to_text(out + size, SECRETS_TEXT_BYTES - size, bytes);
    sodium_memzero(bytes, sizeof bytes);
    return 0;
}

void
secrets_hash(unsigned char *out, const char *secret)
{
    crypto_generichash(out, SECRETS_HASH_BYTES, (const unsigned char *)secret,
                       strlen(secret), NULL, 0);
}

void
secrets_derive(char *out, const char *secret, const char *use)
{
    unsigned char key[SECRET_BYTES];
    unsigned char bytes[SECRET_BYTES];
    /* The key is not what the store has; not translated: it is hashed. */
    crypto_generichash(key, sizeof key, (const unsigned char *)secret, strlen(secret),
                       (const unsigned char *)"caretaker derive", 16);
    crypto_generichash(bytes, sizeof bytes, (const unsigned char *)use, strlen(use),
                       key, sizeof key);
    to_text(out, SECRETS_TEXT_BYTES, bytes);
    sodium_memzero(key, sizeof key);
}

bool
secrets_equal(const char *a, const char *b)
{
    size_t size = strlen(a);
    return size == strlen(b) && sodium_memcmp(a, b, size) == 0;
}

void
secrets_wipe(void *bytes, size_t size)
{
    sodium_memzero(bytes, size);
}
