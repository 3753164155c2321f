#include "daemon/store/photo_clean.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/store/photo_walk.h"

#define TIFF_HEAD_BYTES  8
#define TIFF_ENTRY_BYTES 12
#define TIFF_SHORT       3
#define TAG_ORIENTATION  0x0112 /* Exif 2.32, 4.6.4. */

void
photo_skip(struct walk *w, size_t size)
{
    assert(size <= w->left);
    w->at += size;
    w->left -= size;
}

void
photo_add(struct walk *w, const void *bytes, size_t size)
{
    strbuf_add_bytes(w->out, bytes, size);
}

void
photo_keep(struct walk *w, size_t size)
{
    assert(size <= w->left);
    photo_add(w, w->at, size);
    photo_skip(w, size);
}

int
photo_cut_off(const struct walk *w)
{
    return err_set(w->err, ERR_RANGE,
                   "the photo is cut off: this %s ends before it should", w->what);
}

int
photo_broken(const struct walk *w, const char *why)
{
    return err_set(w->err, ERR_RANGE, "the photo is damaged: in this %s %s", w->what,
                   tr(why));
}

int
photo_check_size(const struct walk *w, uint32_t width, uint32_t height)
{
    if (width == 0 || height == 0) {
        return photo_broken(w, N_("the picture has no size"));
    }
    if ((uint64_t)width * height > PHOTO_PIXELS_MAX) {
        return err_set(w->err, ERR_RANGE,
                       "the photo has %u x %u pixels; at most %lld are accepted", width,
                       height, (long long)PHOTO_PIXELS_MAX);
    }
    return 0;
}

/* ---- Exif ---- */

unsigned
photo_exif_upright(const uint8_t *tiff, size_t size)
{
    if (size < TIFF_HEAD_BYTES ||
        (memcmp(tiff, "II*\0", 4) != 0 && memcmp(tiff, "MM\0*", 4) != 0)) {
        return 0;
    }
    bool little = tiff[0] == 'I';
    size_t at = little ? photo_le32(tiff + 4) : photo_be32(tiff + 4);
    if (at > size || size - at < 2) {
        return 0;
    }
    size_t count = little ? photo_le16(tiff + at) : photo_be16(tiff + at);
    const uint8_t *entry = tiff + at + 2;
    size_t room = (size - at - 2) / TIFF_ENTRY_BYTES;
    count = count < room ? count : room;
    for (size_t i = 0; i < count; i++, entry += TIFF_ENTRY_BYTES) {
        uint32_t tag = little ? photo_le16(entry) : photo_be16(entry);
        uint32_t type = little ? photo_le16(entry + 2) : photo_be16(entry + 2);
        uint32_t value = little ? photo_le16(entry + 8) : photo_be16(entry + 8);
        if (tag == TAG_ORIENTATION && type == TIFF_SHORT) {
            return value >= 1 && value <= 8 ? value : 0;
        }
    }
    return 0;
}

void
photo_exif_make(uint8_t out[PHOTO_EXIF_BYTES], unsigned upright)
{
    /* One entry of one directory, in the byte order of Motorola. */
    static const uint8_t one[PHOTO_EXIF_BYTES] = {
        'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, TIFF_SHORT, 0, 0, 0, 1};
    memcpy(out, one, sizeof one);
    out[19] = (uint8_t)upright;
}

/* ---- Which it is ---- */

bool
photo_type_of(enum photo_type *out, const char *bytes, size_t size)
{
    static const struct {
        enum photo_type type;
        size_t at;
        const char *text;
        size_t size;
    } marks[] = {{PHOTO_JPEG, 0, "\xff\xd8\xff", 3},
                 {PHOTO_PNG, 0, "\x89PNG\r\n\x1a\n", 8},
                 {PHOTO_WEBP, 8, "WEBP", 4}};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (size >= marks[i].at + marks[i].size &&
            memcmp(bytes + marks[i].at, marks[i].text, marks[i].size) == 0 &&
            (marks[i].type != PHOTO_WEBP || memcmp(bytes, "RIFF", 4) == 0)) {
            *out = marks[i].type;
            return true;
        }
    }
    return false;
}

int
photo_clean(struct strbuf *out,
            enum photo_type *type,
            const char *bytes,
            size_t size,
            struct err *err)
{
    static const struct {
        const char *what;
        int (*walk)(struct walk *w);
    } kinds[] = {
        {"JPEG", photo_walk_jpeg}, {"PNG", photo_walk_png}, {"WebP", photo_walk_webp}};
    _Static_assert(ARRAY_LEN(kinds) == PHOTO_TYPE_COUNT, "a walk for each type");
    if (!photo_type_of(type, bytes, size)) {
        return err_set(err, ERR_RANGE,
                       "this is no photo that is known here; JPEG, PNG and WebP are "
                       "accepted");
    }
    size_t start = out->size;
    struct walk w = {.at = (const uint8_t *)bytes,
                     .left = size,
                     .out = out,
                     .what = kinds[*type].what,
                     .err = err};
    int code = kinds[*type].walk(&w);
    if (code != 0 && out->size > start) {
        out->size = start;
        out->text[start] = '\0';
    }
    return code;
}
