/* What of a photo is stored: the picture, and nothing of where and by which phone it
 * was taken.  The bytes come from outside; what is read is walked over by its structure
 * and checked, and only parts that are known to belong to the picture are kept:
 *
 *   JPEG   JFIF without its thumbnail, ICC profile, Adobe's colours, tables, frame and
 *          scans.  Gone: Exif, XMP, comments, other APPn, all behind the end.
 *   PNG    the picture, its colours and resolution.  Gone: eXIf, texts, times, further
 *          frames, private chunks, all behind the end.
 *   WebP   the picture, its alpha and ICC profile.  Gone: EXIF, XMP, unknown chunks.
 *
 * How the camera was held stays, where Exif says that it was not upright: in an Exif of
 * ours that has nothing else.  Pure. */
#ifndef CARETAKER_STORE_PHOTO_CLEAN_H
#define CARETAKER_STORE_PHOTO_CLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"
#include "daemon/model/photo.h"

/* More could not be unpacked by a phone; the largest cameras have 200 million. */
#define PHOTO_PIXELS_MAX (UINT64_C(256) << 20)

/* By the first bytes; false: none that is accepted. */
bool photo_type_of(enum photo_type *out, const char *bytes, size_t size);

/* Appends what is kept.  ERR_RANGE: it is of no accepted type, damaged, cut off, or too
 * large to be shown; `out` is then as it was. */
int photo_clean(struct strbuf *out,
                enum photo_type *type,
                const char *bytes,
                size_t size,
                struct err *err);

#endif
