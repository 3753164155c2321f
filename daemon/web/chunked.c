#include "daemon/web/chunked.h"

#define DIGITS_MAX 8 /* 4 GiB; a chunk is as large as who sends it has memory. */

static int
digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static enum chunked_place
in_size(struct chunked *c, char byte)
{
    int value = digit(byte);
    if (value >= 0 && c->digits < DIGITS_MAX) {
        c->left = c->left * 16 + (size_t)value;
        c->digits++;
        return CHUNKED_SIZE;
    }
    if (value >= 0 || c->digits == 0) {
        return CHUNKED_BROKEN;
    }
    return byte == '\r'                                 ? CHUNKED_SIZE_LF
           : byte == ';' || byte == ' ' || byte == '\t' ? CHUNKED_EXTENSION
                                                        : CHUNKED_BROKEN;
}

static enum chunked_place
step(struct chunked *c, char byte)
{
    switch (c->place) {
    case CHUNKED_SIZE:
        return in_size(c, byte);
    case CHUNKED_EXTENSION:
        return byte == '\r' ? CHUNKED_SIZE_LF : CHUNKED_EXTENSION;
    case CHUNKED_SIZE_LF:
        return byte != '\n'  ? CHUNKED_BROKEN
               : c->left > 0 ? CHUNKED_DATA
                             : CHUNKED_FIELD;
    case CHUNKED_DATA_CR:
        return byte == '\r' ? CHUNKED_DATA_LF : CHUNKED_BROKEN;
    case CHUNKED_DATA_LF:
        c->digits = 0;
        return byte == '\n' ? CHUNKED_SIZE : CHUNKED_BROKEN;
    case CHUNKED_FIELD:
        return byte == '\r' ? CHUNKED_LAST_LF : CHUNKED_FIELD_REST;
    case CHUNKED_FIELD_REST:
        return byte == '\r' ? CHUNKED_FIELD_LF : CHUNKED_FIELD_REST;
    case CHUNKED_FIELD_LF:
        return byte == '\n' ? CHUNKED_FIELD : CHUNKED_BROKEN;
    case CHUNKED_LAST_LF:
        return byte == '\n' ? CHUNKED_END : CHUNKED_BROKEN;
    case CHUNKED_DATA:
    case CHUNKED_END:
    case CHUNKED_BROKEN:
        break;
    }
    return c->place;
}

size_t
chunked_next(struct chunked *c, const char **bytes, size_t *size, const char **data)
{
    while (*size > 0 && c->place != CHUNKED_END && c->place != CHUNKED_BROKEN) {
        if (c->place == CHUNKED_DATA) {
            size_t found = c->left < *size ? c->left : *size;
            *data = *bytes;
            *bytes += found;
            *size -= found;
            c->left -= found;
            c->place = c->left > 0 ? CHUNKED_DATA : CHUNKED_DATA_CR;
            return found;
        }
        c->place = step(c, **bytes);
        ++*bytes;
        --*size;
    }
    return 0;
}
