/* What the walks over JPEG, PNG and WebP share; for photo_*.c only. */
#ifndef CARETAKER_STORE_PHOTO_WALK_H
#define CARETAKER_STORE_PHOTO_WALK_H

#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/base/strbuf.h"

struct walk {
    const uint8_t *at; /* Borrowed; `left` bytes from there may be read. */
    size_t left;
    struct strbuf *out;
    const char *what; /* "JPEG" */
    unsigned upright; /* Exif's orientation, 1 to 8; 0: not told. */
    struct err *err;
};

static inline uint32_t
photo_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t
photo_be32(const uint8_t *p)
{
    return photo_be16(p) << 16 | photo_be16(p + 2);
}

static inline uint32_t
photo_le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}

static inline uint32_t
photo_le32(const uint8_t *p)
{
    return photo_le16(p + 2) << 16 | photo_le16(p);
}

/* Passes over `size` bytes, which are there; keep: they are part of what is stored. */
void photo_skip(struct walk *w, size_t size);
void photo_keep(struct walk *w, size_t size);
void photo_add(struct walk *w, const void *bytes, size_t size);

/* ERR_RANGE with its words. */
int photo_cut_off(const struct walk *w);
int photo_broken(const struct walk *w, const char *why);
int photo_check_size(const struct walk *w, uint32_t width, uint32_t height);

/* The orientation that an Exif of `size` bytes (TIFF, behind "Exif\0\0") says; 0: none.
 */
unsigned photo_exif_upright(const uint8_t *tiff, size_t size);
/* The TIFF that says it and nothing else. */
#define PHOTO_EXIF_BYTES 26
void photo_exif_make(uint8_t out[PHOTO_EXIF_BYTES], unsigned upright);

/* Each from the first byte on. */
int photo_walk_jpeg(struct walk *w);
int photo_walk_png(struct walk *w);
int photo_walk_webp(struct walk *w);

#endif
