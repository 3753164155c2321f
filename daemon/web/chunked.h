/* The chunked transfer coding (RFC 9112, 7.1), undone as the bytes come:
 *
 *   1f;extension CRLF <31 bytes> CRLF ... 0 CRLF field CRLF ... CRLF */
#ifndef CARETAKER_WEB_CHUNKED_H
#define CARETAKER_WEB_CHUNKED_H

#include <stddef.h>

enum chunked_place {
    CHUNKED_SIZE, /* The place of a new struct. */
    CHUNKED_EXTENSION,
    CHUNKED_SIZE_LF,
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_FIELD, /* Begin of a line behind the last chunk. */
    CHUNKED_FIELD_REST,
    CHUNKED_FIELD_LF,
    CHUNKED_LAST_LF,
    CHUNKED_END, /* All is here. */
    CHUNKED_BROKEN,
};
struct chunked {
    enum chunked_place place;
    size_t left;     /* Of the chunk; of its size while that is read. */
    unsigned digits; /* Of the size. */
};

/* Looks at the `*size` bytes at `*bytes`, which move on by what was used, up to the
 * next data.  Returns how many bytes of data stand at `*data` (borrowed from `*bytes`),
 * 0 when there is none in what is left: then `*size` is 0, or the place is CHUNKED_END
 * or CHUNKED_BROKEN. */
size_t
chunked_next(struct chunked *c, const char **bytes, size_t *size, const char **data);

#endif
