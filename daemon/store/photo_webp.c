/* The walk over a WebP (RFC 9649, 2): "RIFF", the bytes that follow (4), "WEBP", then
 * chunks
 *
 *   type (4) length (4, little-endian) content (length) and a zero byte if it is odd
 *
 * of which the first is VP8X, "VP8 " or VP8L. */
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/store/photo_walk.h"

#define RIFF_BYTES  12
#define CHUNK_BYTES 8 /* Type and length. */
#define VP8X_BYTES  10
#define FLAG_MOVES  0x02
#define FLAG_XMP    0x04
#define FLAG_EXIF   0x08
#define EXIF_ID     "Exif\0" /* With the literal's own zero byte, two: some write it. */

struct webp {
    struct walk *w;
    size_t start;    /* Of what is written. */
    size_t extended; /* Of the flags of VP8X in what is written; 0: none. */
    bool first;      /* The next chunk is. */
    bool picture;
};

static bool
is(const uint8_t *chunk, const char *type)
{
    return memcmp(chunk, type, 4) == 0;
}

static void
put_le32(char *out, size_t value)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (char)(value >> (8 * i));
    }
}

static void
keep_chunk(struct walk *w, size_t length)
{
    photo_keep(w, CHUNK_BYTES + length);
    if (length % 2 != 0) {
        photo_add(w, "", 1);
        photo_skip(w, 1);
    }
}

static int
take_extended(struct webp *p, const uint8_t *content, size_t length)
{
    struct walk *w = p->w;
    if (!p->first || length != VP8X_BYTES) {
        return photo_broken(w, N_("the head is not at the beginning"));
    }
    if ((content[0] & FLAG_MOVES) != 0) {
        return err_set(w->err, ERR_RANGE,
                       "this picture moves; a still one is accepted");
    }
    uint32_t width = 1 + (photo_le32(content + 4) & 0xFFFFFF);
    uint32_t height = 1 + (photo_le32(content + 6) >> 8);
    int code = photo_check_size(w, width, height);
    if (code == 0) {
        p->extended = w->out->size + CHUNK_BYTES;
        keep_chunk(w, length);
        w->out->text[p->extended] =
            (char)(w->out->text[p->extended] & ~(FLAG_XMP | FLAG_EXIF));
    }
    return code;
}

/* Of a key frame (RFC 6386, 9.1), or of VP8L (RFC 9649, 3.4). */
static int
take_picture(struct webp *p, const uint8_t *content, size_t length)
{
    struct walk *w = p->w;
    bool lossless = is(w->at, "VP8L");
    uint32_t width = 0, height = 0;
    if (p->picture) {
        return photo_broken(w, N_("there is a second picture"));
    }
    if (lossless && length >= 5 && content[0] == 0x2F) {
        width = (photo_le32(content + 1) & 0x3FFF) + 1;
        height = (photo_le32(content + 1) >> 14 & 0x3FFF) + 1;
    } else if (!lossless && length >= 10 && (content[0] & 1) == 0 &&
               memcmp(content + 3, "\x9d\x01\x2a", 3) == 0) {
        width = photo_le16(content + 6) & 0x3FFF;
        height = photo_le16(content + 8) & 0x3FFF;
    }
    p->picture = true;
    int code = photo_check_size(w, width, height);
    if (code == 0) {
        keep_chunk(w, length);
    }
    return code;
}

static int
take_chunk(struct webp *p, size_t length)
{
    struct walk *w = p->w;
    const uint8_t *content = w->at + CHUNK_BYTES;
    bool picture = is(w->at, "VP8 ") || is(w->at, "VP8L");
    if (is(w->at, "VP8X")) {
        return take_extended(p, content, length);
    }
    if (p->first && !picture) {
        return photo_broken(w, N_("the head is not at the beginning"));
    }
    if (picture) {
        return take_picture(p, content, length);
    }
    if (is(w->at, "ANIM") || is(w->at, "ANMF")) {
        return err_set(w->err, ERR_RANGE,
                       "this picture moves; a still one is accepted");
    }
    if (is(w->at, "EXIF") && w->upright == 0) {
        size_t id =
            length >= sizeof EXIF_ID && memcmp(content, EXIF_ID, sizeof EXIF_ID) == 0
                ? sizeof EXIF_ID
                : 0;
        w->upright = photo_exif_upright(content + id, length - id);
    }
    if (p->extended != 0 &&
        ((is(w->at, "ICCP") && !p->picture) || (is(w->at, "ALPH") && !p->picture))) {
        keep_chunk(w, length);
    } else {
        photo_skip(w, CHUNK_BYTES + length + length % 2);
    }
    return 0;
}

/* Only an extended one may have it. */
static void
add_exif(const struct webp *p)
{
    struct walk *w = p->w;
    uint8_t tiff[PHOTO_EXIF_BYTES];
    static const uint8_t front[CHUNK_BYTES] = {'E', 'X', 'I', 'F', PHOTO_EXIF_BYTES,
                                               0,   0,   0};
    _Static_assert(PHOTO_EXIF_BYTES % 2 == 0, "no byte fills");
    if (p->extended == 0 || w->upright <= 1) {
        return;
    }
    photo_exif_make(tiff, w->upright);
    photo_add(w, front, sizeof front);
    photo_add(w, tiff, sizeof tiff);
    w->out->text[p->extended] = (char)(w->out->text[p->extended] | FLAG_EXIF);
}

int
photo_walk_webp(struct walk *w)
{
    struct webp p = {.w = w, .start = w->out->size, .first = true};
    size_t size = photo_le32(w->at + 4);
    if (size > w->left - 8) {
        return photo_cut_off(w);
    }
    if (size < 4 || size % 2 != 0) {
        return photo_broken(w, N_("a length is not even"));
    }
    w->left = size + 8; /* What is behind it is no part of it. */
    photo_keep(w, RIFF_BYTES);
    while (w->left > 0) {
        size_t length = w->left >= CHUNK_BYTES ? photo_le32(w->at + 4) : SIZE_MAX;
        if (w->left < CHUNK_BYTES || length > w->left - CHUNK_BYTES ||
            length % 2 > w->left - CHUNK_BYTES - length) {
            return photo_cut_off(w);
        }
        int code = take_chunk(&p, length);
        if (code != 0) {
            return code;
        }
        p.first = false;
    }
    if (!p.picture) {
        return photo_broken(w, N_("there is no picture"));
    }
    add_exif(&p);
    put_le32(w->out->text + p.start + 4, w->out->size - p.start - 8);
    return 0;
}
