/* The files of photos: `photos` in the data folder, of each its SHA-256 as its name.
 * A file is whole and on the disk before it has its name, and is never changed; two
 * tickets with the same picture share it. */
#ifndef CARETAKER_STORE_PHOTOS_H
#define CARETAKER_STORE_PHOTOS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/photo.h"

#define PHOTOS_FOLDER     "photos"
#define PHOTOS_BYTES_MAX  (INT64_C(1) << 30) /* All together, */
#define PHOTOS_DISK_SHARE 10                 /* and no more of the disk than a tenth. */
/* So much stays free for tickets: as much as for the history, or less on a small disk.
 */
#define PHOTOS_LEAVE_BYTES (INT64_C(16) << 20)
#define PHOTOS_LEAVE_SHARE 16

#define PHOTO_NAME_BYTES 80 /* 64 hex digits, a dot and a suffix. */

/* "SHA256.jpg"; returns `out`. */
const char *photos_name(char out[PHOTO_NAME_BYTES], const struct photo *p);

/* Writes the file of `bytes`, which photo_clean() made, and fills in p->bytes and
 * p->sha256; p->type is given.  `*made`: there was none of that name.  ERR_FULL: all
 * photos together, or the disk, have no room; ERR_IO. */
int photos_put(const char *dir,
               struct photo *p,
               const char *bytes,
               size_t size,
               bool *made,
               struct err *err);

/* Appends the file, if it is what its name says.  ERR_NOT_FOUND: there is none; ERR_IO:
 * it was changed, or cannot be read. */
int
photos_get(struct strbuf *out, const char *dir, const struct photo *p, struct err *err);

/* What was made in vain. */
void photos_remove(const char *dir, const struct photo *p);

/* *wanted: it is some ticket's. */
typedef int (*photos_wanted_fn)(
    void *ctx, const char *sha256, enum photo_type type, bool *wanted, struct err *err);
/* Removes what a crash left: files that are not whole, and those that are not wanted
 * and were written before `before_s` (seconds since 1970). */
int photos_sweep(const char *dir,
                 photos_wanted_fn wanted,
                 void *ctx,
                 int64_t before_s,
                 uint32_t *removed,
                 struct err *err);

struct photos_copied {
    uint32_t count, damaged;
    int64_t bytes;
    char first[PHOTO_NAME_BYTES]; /* The first that is damaged. */
};
/* Copies all into the folder of `to`, and reads them back; what is there already stays.
 * One that is not what its name says is left out and counted. */
int photos_copy(const char *dir,
                const char *to,
                struct photos_copied *out,
                struct err *err);

#endif
