/* The walk over a JPEG (ISO/IEC 10918-1, B.1):
 *
 *   FFD8  FFE0 length JFIF..  FFE1 length Exif..  FFDB ..  FFC0 ..  FFC4 ..
 *   FFDA length ..  coded data, with FF00 for FF and FFD0..FFD7 inside  ..  FFD9 */
#include <string.h>

#include "daemon/base/catalogue.h"
#include "daemon/store/photo_walk.h"

enum marker {
    SOF0 = 0xC0, /* Baseline; behind it extended and progressive: */
    SOF2 = 0xC2, /* what is coded otherwise no browser shows. */
    DHT = 0xC4,
    JPG = 0xC8,
    DAC = 0xCC,
    SOF15 = 0xCF,
    RST0 = 0xD0,
    RST7 = 0xD7,
    SOI = 0xD8,
    EOI = 0xD9,
    SOS = 0xDA,
    DQT = 0xDB,
    DRI = 0xDD,
    APP0 = 0xE0,
    APP1 = 0xE1,
    APP2 = 0xE2,
    APP14 = 0xEE,
};

#define LEAST_SEGMENT 4        /* Marker and length. */
#define JFIF_BYTES    14       /* Of its segment, up to the size of the thumbnail. */
#define EXIF_ID       "Exif\0" /* With the literal's own zero byte, two. */

static bool
begins(const uint8_t *segment, size_t size, const char *id, size_t id_size)
{
    return size >= LEAST_SEGMENT + id_size &&
           memcmp(segment + LEAST_SEGMENT, id, id_size) == 0;
}
#define BEGINS(w, size, id) begins((w)->at, size, id, sizeof(id))

/* All of JFIF but its thumbnail, which shows what was perhaps cut away. */
static void
keep_jfif(struct walk *w, size_t size)
{
    static const uint8_t front[] = {0xFF, APP0, 0, JFIF_BYTES + 2};
    static const uint8_t no_thumbnail[] = {0, 0};
    if (size >= LEAST_SEGMENT + JFIF_BYTES) {
        photo_add(w, front, sizeof front);
        photo_add(w, w->at + LEAST_SEGMENT, JFIF_BYTES - sizeof no_thumbnail);
        photo_add(w, no_thumbnail, sizeof no_thumbnail);
    }
    photo_skip(w, size);
}

/* In the place of the camera's own: how it was held. */
static void
take_exif(struct walk *w, size_t size)
{
    static const uint8_t front[] = {0xFF, APP1, 0,
                                    2 + sizeof EXIF_ID + PHOTO_EXIF_BYTES};
    size_t before = LEAST_SEGMENT + sizeof EXIF_ID;
    if (w->upright == 0) {
        w->upright = photo_exif_upright(w->at + before, size - before);
        if (w->upright > 1) {
            uint8_t tiff[PHOTO_EXIF_BYTES];
            photo_exif_make(tiff, w->upright);
            photo_add(w, front, sizeof front);
            photo_add(w, EXIF_ID, sizeof EXIF_ID);
            photo_add(w, tiff, sizeof tiff);
        }
    }
    photo_skip(w, size);
}

static bool
is_frame(unsigned marker)
{
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG &&
           marker != DAC;
}

/* FF precision height width ... */
static int
check_frame(const struct walk *w, unsigned marker, size_t size, bool *seen)
{
    if (*seen) {
        return photo_broken(w, N_("there is a second picture"));
    }
    if (marker > SOF2) {
        return photo_broken(w, N_("the picture is coded as no browser shows it"));
    }
    if (size < LEAST_SEGMENT + 6) {
        return photo_broken(w, N_("a length is too short"));
    }
    *seen = true;
    return photo_check_size(w, photo_be16(w->at + LEAST_SEGMENT + 3),
                            photo_be16(w->at + LEAST_SEGMENT + 1));
}

/* Up to the marker that ends the scan. */
static int
keep_coded(struct walk *w)
{
    size_t i = 0;
    for (;;) {
        const uint8_t *ff = memchr(w->at + i, 0xFF, w->left - i);
        if (ff == NULL || (size_t)(ff - w->at) + 1 == w->left) {
            return photo_cut_off(w);
        }
        i = (size_t)(ff - w->at);
        if (ff[1] == 0xFF) {
            i++; /* It fills. */
        } else if (ff[1] == 0 || (ff[1] >= RST0 && ff[1] <= RST7)) {
            i += 2;
        } else {
            photo_keep(w, i);
            return 0;
        }
    }
}

/* `size` bytes with marker and length, which are there. */
static void
take_segment(struct walk *w, unsigned marker, size_t size)
{
    if (marker == APP0 && BEGINS(w, size, "JFIF")) {
        keep_jfif(w, size);
    } else if (marker == APP1 && BEGINS(w, size, EXIF_ID)) {
        take_exif(w, size);
    } else if ((marker == APP2 && BEGINS(w, size, "ICC_PROFILE")) ||
               (marker == APP14 && begins(w->at, size, "Adobe", strlen("Adobe"))) ||
               marker == DQT || marker == DHT || marker == DRI || marker == SOS ||
               is_frame(marker)) {
        photo_keep(w, size);
    } else {
        photo_skip(w, size);
    }
}

/* FF and a marker, then its length; *size is of all of it. */
static int
read_segment(struct walk *w, unsigned *marker, size_t *size)
{
    while (w->left >= 2 && w->at[0] == 0xFF && w->at[1] == 0xFF) {
        photo_skip(w, 1); /* It fills. */
    }
    if (w->left < 2) {
        return photo_cut_off(w);
    }
    *marker = w->at[1];
    if (w->at[0] != 0xFF || *marker < SOF0 || (*marker >= RST0 && *marker <= SOI)) {
        return photo_broken(w, N_("something stands where a part should begin"));
    }
    *size = 2;
    if (*marker == EOI) {
        return 0;
    }
    if (w->left < LEAST_SEGMENT) {
        return photo_cut_off(w);
    }
    size_t length = photo_be16(w->at + 2);
    if (length < 2) {
        return photo_broken(w, N_("a length is too short"));
    }
    *size += length;
    return *size > w->left ? photo_cut_off(w) : 0;
}

int
photo_walk_jpeg(struct walk *w)
{
    bool frame = false, scan = false;
    photo_keep(w, 2); /* SOI */
    for (;;) {
        unsigned marker = 0;
        size_t size = 0;
        int code = read_segment(w, &marker, &size);
        if (code == 0 && is_frame(marker)) {
            code = check_frame(w, marker, size, &frame);
        }
        if (code == 0 && ((marker == SOS && !frame) || (marker == EOI && !scan))) {
            code = photo_broken(w, N_("there is no picture"));
        }
        if (code != 0) {
            return code;
        }
        if (marker == EOI) {
            photo_keep(w, size); /* What is behind it is no part of it. */
            return 0;
        }
        take_segment(w, marker, size);
        if (marker == SOS) {
            scan = true;
            code = keep_coded(w);
        }
        if (code != 0) {
            return code;
        }
    }
}
