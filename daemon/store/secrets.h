/* Passwords and secrets: made, hashed and compared; none is ever stored.
 *
 * A password of a person is guessed: it is hashed by Argon2id, which costs memory and
 * time for each guess.  A secret of ours has 256 random bits, which nobody guesses: of
 * it a plain BLAKE2b is stored, so that a stolen database opens no door.
 *
 * Functions from any thread; a password takes 19 MiB and some ten milliseconds, so
 * never on the loop's. */
#ifndef CARETAKER_STORE_SECRETS_H
#define CARETAKER_STORE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/err.h"

#define SECRETS_PASSWORD_MIN   8   /* Bytes, NIST SP 800-63B, 5.1.1.2. */
#define SECRETS_PASSWORD_MAX   128 /* Bytes; a sentence fits. */
#define SECRETS_PASSWORD_BYTES 128 /* Of a password's hash, with the NUL. */
/* 32 bytes as base64url are 43 characters; a token has TOKEN_MARK before them. */
#define SECRETS_TEXT_BYTES 48
#define SECRETS_HASH_BYTES 32
#define SECRETS_TOKEN_MARK "ct_" /* So that a search for leaked tokens finds ours. */

/* Its length; ERR_RANGE says what is accepted. */
int secrets_password_check(const char *password, struct err *err);
/* Into `out` of SECRETS_PASSWORD_BYTES. */
int secrets_password_hash(char *out, const char *password, struct err *err);
/* `hash` NULL: nobody's; that is false and takes as long. */
bool secrets_password_fits(const char *hash, const char *password);
/* It was hashed at another cost than is right now. */
bool secrets_password_is_old(const char *hash);

/* A new one behind `mark` into `out` of SECRETS_TEXT_BYTES; `mark` is "" or of 3
 * characters. */
int secrets_make(char *out, const char *mark, struct err *err);
/* What is stored of it, into `out` of SECRETS_HASH_BYTES. */
void secrets_hash(unsigned char *out, const char *secret);
/* Another one that follows from it for this use and does not lead back to it; into
 * `out` of SECRETS_TEXT_BYTES. */
void secrets_derive(char *out, const char *secret, const char *use);
/* Takes as long wherever they differ. */
bool secrets_equal(const char *a, const char *b);
void secrets_wipe(void *bytes, size_t size);

#endif
