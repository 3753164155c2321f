#include "daemon/store/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

char *
journal_hash_format(char *out, const struct journal_head *head)
{
    for (size_t i = 0; i < JOURNAL_HASH_BYTES; i++) {
        out[2 * i] = digits[head->hash[i] >> 4];
        out[2 * i + 1] = digits[head->hash[i] & 15];
    }
    out[2 * JOURNAL_HASH_BYTES] = '\0';
    return out;
}

char *
journal_head_format(char *out, const struct journal_head *head)
{
    int n = snprintf(out, JOURNAL_HEAD_BYTES, "%" PRId64 ":", head->seq);
    journal_hash_format(out + n, head);
    return out;
}

/* -1 when it is none. */
static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
journal_head_parse(struct journal_head *out, const char *text)
{
    struct journal_head head = {0};
    if (*text < '0' || *text > '9') {
        return false;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        if (head.seq > (INT64_MAX - 9) / 10) {
            return false;
        }
        head.seq = head.seq * 10 + (*text - '0');
    }
    if (*text != ':' || strlen(text + 1) != (size_t)2 * JOURNAL_HASH_BYTES) {
        return false;
    }
    text++;
    for (size_t i = 0; i < JOURNAL_HASH_BYTES; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        head.hash[i] = (unsigned char)(high << 4 | low);
    }
    *out = head;
    return true;
}
