/* The walk over a PNG (PNG specification, third edition, 5): a signature, then chunks
 *
 *   length (4) type (4) content (length) CRC-32 of type and content (4)
 *
 * IHDR is the first, IEND the last; those of IDAT stand together. */
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/store/photo_walk.h"

#define SIGNATURE_BYTES 8
#define FRAME_BYTES     12 /* Of a chunk without content. */
#define IHDR_BYTES      13
#define LENGTH_MAX      0x7FFFFFFF

static uint32_t
crc_of(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
        }
    }
    return ~crc;
}

static void
put_be32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static void
add_exif(struct walk *w)
{
    uint8_t chunk[FRAME_BYTES + PHOTO_EXIF_BYTES];
    put_be32(chunk, PHOTO_EXIF_BYTES);
    for (size_t i = 0; i < 4; i++) {
        chunk[4 + i] = (uint8_t) "eXIf"[i];
    }
    photo_exif_make(chunk + 8, w->upright);
    put_be32(chunk + 8 + PHOTO_EXIF_BYTES, crc_of(chunk + 4, 4 + PHOTO_EXIF_BYTES));
    photo_add(w, chunk, sizeof chunk);
}

static bool
is_kept(const uint8_t *type)
{
    static const char kept[][5] = {"IHDR", "PLTE", "IDAT", "tRNS", "gAMA",
                                   "cHRM", "sRGB", "iCCP", "sBIT", "pHYs",
                                   "bKGD", "cICP", "mDCV", "cLLI"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        if (memcmp(type, kept[i], 4) == 0) {
            return true;
        }
    }
    return false;
}

struct seen {
    bool head, data, end;
    bool closed; /* A chunk came behind those of IDAT. */
};

static int
check_chunk(const struct walk *w, const uint8_t *type, size_t length, struct seen *s)
{
    bool head = memcmp(type, "IHDR", 4) == 0;
    bool data = memcmp(type, "IDAT", 4) == 0;
    if (head == s->head) {
        return photo_broken(w, N_("the head is not at the beginning"));
    }
    if (head) {
        s->head = true;
        return length != IHDR_BYTES
                   ? photo_broken(w, N_("the head has another length"))
                   : photo_check_size(w, photo_be32(type + 4), photo_be32(type + 8));
    }
    s->end = memcmp(type, "IEND", 4) == 0;
    if (s->end && !s->data) {
        return photo_broken(w, N_("there is no picture"));
    }
    if (data && s->closed) {
        return photo_broken(w, N_("the picture is in two places"));
    }
    if ((type[0] & 0x20) == 0 && !s->end && !is_kept(type)) {
        return photo_broken(w, N_("there is a part that nobody can leave out"));
    }
    s->closed = s->closed || (s->data && !data);
    s->data = s->data || (data && length > 0);
    return 0;
}

int
photo_walk_png(struct walk *w)
{
    struct seen seen = {0};
    photo_keep(w, SIGNATURE_BYTES);
    while (!seen.end) {
        if (w->left < FRAME_BYTES) {
            return photo_cut_off(w);
        }
        size_t length = photo_be32(w->at);
        if (length > LENGTH_MAX) {
            return photo_broken(w, N_("a length is too long"));
        }
        if (length > w->left - FRAME_BYTES) {
            return photo_cut_off(w);
        }
        const uint8_t *type = w->at + 4;
        int code = check_chunk(w, type, length, &seen);
        if (code != 0) {
            return code;
        }
        if (memcmp(type, "eXIf", 4) == 0 && w->upright == 0) {
            w->upright = photo_exif_upright(type + 4, length);
        }
        if (seen.end && w->upright > 1) {
            add_exif(w);
        }
        if (seen.end || is_kept(type)) {
            photo_keep(w, FRAME_BYTES + length);
        } else {
            photo_skip(w, FRAME_BYTES + length);
        }
    }
    return 0;
}
