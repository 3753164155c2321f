/* A photo of a ticket: a file in the data folder that has its hash as its name, and a
 * row that says whose it is.  Photos are only added. */
#ifndef CARETAKER_MODEL_PHOTO_H
#define CARETAKER_MODEL_PHOTO_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/strbuf.h"
#include "daemon/model/alarm.h"

#define PHOTO_BYTES_MAX      (8 << 20) /* As sent; phones make 3 to 6 MB. */
#define PHOTOS_OF_TICKET_MAX 20
#define PHOTO_HASH_BYTES     65 /* 64 hex digits and the zero byte. */

enum photo_type { PHOTO_JPEG, PHOTO_PNG, PHOTO_WEBP, PHOTO_TYPE_COUNT };

struct photo {
    int64_t ticket, number; /* Of each ticket from 1. */
    enum photo_type type;
    int64_t bytes; /* As stored. */
    int64_t added_ms;
    char sha256[PHOTO_HASH_BYTES]; /* Of what is stored. */
    char by[PERSON_BYTES];
    char note[NOTE_BYTES]; /* "" for none. */
};

/* "image/jpeg"; a constant. */
const char *photo_type_name(enum photo_type type);
/* "jpg": what stands behind the dot of its file. */
const char *photo_type_suffix(enum photo_type type);
bool photo_type_parse(enum photo_type *out, const char *name);

/* {"number":1,"type":..,"bytes":..,"sha256":..,"by":..,"at":..,"note":..} */
void photo_to_json(struct strbuf *out, const struct photo *p);

#endif
