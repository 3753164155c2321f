/* What of a photo is kept: small pictures made by hand, whole, cut off at every byte,
 * and with lengths that lie. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/photo_clean.h"

/* ---- JPEG ---- */

#define SOI        "\xff\xd8"
#define EOI        "\xff\xd9"
#define JFIF       "\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0"
#define JFIF_THUMB "\xff\xe0\x00\x13JFIF\0\1\1\0\0\1\0\1\1\1rgb"
#define JFXX       "\xff\xe0\x00\x0aJFXX\0\x13tn"
#define ICC        "\xff\xe2\x00\x12ICC_PROFILE\0\1\1pr"
#define MPF        "\xff\xe2\x00\x08MPF\0gp"
#define ADOBE                                                                          \
    "\xff\xee\x00\x0e"                                                                 \
    "Adobe\0\x64\0\0\0\0\1"
#define COMMENT      "\xff\xfe\x00\x0csite 31.2N"
#define XMP          "\xff\xe1\x00\x20http://ns.adobe.com/xap/1.0/\0x"
#define APP13        "\xff\xed\x00\x08IPTC31"
#define DQT          "\xff\xdb\x00\x04qq"
#define DHT          "\xff\xc4\x00\x04hh"
#define SOF          "\xff\xc0\x00\x0b\x08\x00\x02\x00\x03\x01\x01\x11\x00"
#define SOF_0        "\xff\xc0\x00\x0b\x08\x00\x00\x00\x03\x01\x01\x11\x00"
#define SOF_HUGE     "\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00"
#define SOF_LOSSLESS "\xff\xc3\x00\x0b\x08\x00\x02\x00\x03\x01\x01\x11\x00"
#define SOF_PROG     "\xff\xc2\x00\x0b\x08\x00\x02\x00\x03\x01\x01\x11\x00"
#define SOS          "\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
#define SCAN                                                                           \
    SOS "ab\xff\x00"                                                                   \
        "c\xff\xd0"                                                                    \
        "de"
#define PICTURE DQT SOF DHT SCAN EOI

/* A directory of an orientation and a pointer to the place, which stands behind it. */
#define TIFF_LE(turn)                                                                  \
    "II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0" turn                               \
    "\0\0\0\x25\x88\x04\0\x01\0\0\0\x26\0\0\0\0\0\0\0GPS 31.2304N"
#define EXIF_LE(turn)                                                                  \
    "\xff\xe1\x00\x3a"                                                                 \
    "Exif\0\0" TIFF_LE(turn)
#define TIFF_BE(turn)                                                                  \
    "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" turn "\0\0\0\0\0\0"
#define EXIF_OURS(turn)                                                                \
    "\xff\xe1\x00\x22"                                                                 \
    "Exif\0\0" TIFF_BE(turn)
/* Offsets and counts that lie. */
#define EXIF_FAR                                                                       \
    "\xff\xe1\x00\x12"                                                                 \
    "Exif\0\0II*\0\xff\xff\xff\x7f\0\0"
#define EXIF_SHORT                                                                     \
    "\xff\xe1\x00\x0d"                                                                 \
    "Exif\0\0II*\0\x08"
#define EXIF_MANY                                                                      \
    "\xff\xe1\x00\x1e"                                                                 \
    "Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x00\0\x03\0\0\0\x01\0\x06\0\0"
#define EXIF_LONG                                                                      \
    "\xff\xe1\x00\x22"                                                                 \
    "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\x06\0\0\0\0\0\0"

/* ---- PNG; the sums of check are not read ---- */

#define PNG       "\x89PNG\r\n\x1a\n"
#define CRC       "crc."
#define IHDR      "\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0" CRC
#define IHDR_0    "\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\0\x08\x02\0\0\0" CRC
#define IHDR_BIG  "\0\0\0\x0dIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\0\0\0" CRC
#define IHDR_MOST "\0\0\0\x0dIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\x02\0\0\0" CRC
#define IHDR_12   "\0\0\0\x0cIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0" CRC
#define IDAT      "\0\0\0\x04IDATdata" CRC
#define IDAT_0    "\0\0\0\0IDAT" CRC
#define IEND      "\0\0\0\0IEND" CRC
#define GAMA      "\0\0\0\x04gAMA\0\0\xb1\x8f" CRC
#define TEXT                                                                           \
    "\0\0\0\x0ctEXtplace\0"                                                            \
    "31.2N_" CRC
#define ITXT "\0\0\0\x05iTXtplace" CRC
#define ZTXT "\0\0\0\x05zTXtplace" CRC
#define TIME "\0\0\0\x07tIMEnowwwww" CRC
#define ACTL                                                                           \
    "\0\0\0\x08"                                                                       \
    "acTL\0\0\0\1\0\0\0\0" CRC
#define PRIVATE                                                                        \
    "\0\0\0\x04"                                                                       \
    "caBXyou!" CRC
#define STRANGE "\0\0\0\x04YOURwhat" CRC
#define PNG_EXIF                                                                       \
    "\0\0\0\x32"                                                                       \
    "eXIf" TIFF_LE("\x06") CRC
#define PNG_OURS                                                                       \
    "\0\0\0\x1a"                                                                       \
    "eXIf" TIFF_BE("\x06") "\xd6\x67\x4b\x69"

/* ---- WebP ---- */

#define RIFF(size) "RIFF" size "\0\0\0WEBP"
#define VP8        "VP8 \x0a\0\0\0\x10\0\0\x9d\x01\x2a\x03\0\x02\0"
#define VP8_INTER  "VP8 \x0a\0\0\0\x11\0\0\x9d\x01\x2a\x03\0\x02\0"
#define VP8L       "VP8L\x05\0\0\0\x2f\x02\x40\0\0\0" /* 3 x 2, and a byte that fills. */
#define VP8X(flag) "VP8X\x0a\0\0\0" flag "\0\0\0\x02\0\0\x01\0\0"
#define VP8X_HUGE  "VP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff"
#define ICCP       "ICCP\x03\0\0\0pro\0"
#define W_EXIF                                                                         \
    "EXIF\x38\0\0\0"                                                                   \
    "Exif\0\0" TIFF_LE("\x06")
#define W_EXIF_1 "EXIF\x32\0\0\0" TIFF_LE("\x01")
#define W_OURS   "EXIF\x1a\0\0\0" TIFF_BE("\x06")
#define W_XMP    "XMP \x04\0\0\0here"
#define ODD      "what\x01\0\0\0!\0"
#define ANIM     "ANIM\x06\0\0\0......"

struct bytes {
    const char *text;
    size_t size;
};
#define B(text)                                                                        \
    {                                                                                  \
        (text), sizeof(text) - 1                                                       \
    }

static const struct {
    const char *name;
    enum photo_type type;
    struct bytes sent, kept;
} good[] = {
    {"a plain JPEG", PHOTO_JPEG, B(SOI JFIF PICTURE), B(SOI JFIF PICTURE)},
    {"several scans", PHOTO_JPEG, B(SOI DQT SOF_PROG DHT SCAN DHT SCAN EOI),
     B(SOI DQT SOF_PROG DHT SCAN DHT SCAN EOI)},
    {"bytes that fill go", PHOTO_JPEG, B(SOI "\xff\xff" JFIF "\xff" PICTURE),
     B(SOI JFIF PICTURE)},
    {"colours stay", PHOTO_JPEG, B(SOI ICC ADOBE PICTURE), B(SOI ICC ADOBE PICTURE)},
    {"the place goes, the orientation stays", PHOTO_JPEG,
     B(SOI JFIF EXIF_LE("\x06") PICTURE), B(SOI JFIF EXIF_OURS("\x06") PICTURE)},
    {"upright need not be said", PHOTO_JPEG, B(SOI EXIF_LE("\x01") PICTURE),
     B(SOI PICTURE)},
    {"the first that says it counts", PHOTO_JPEG,
     B(SOI EXIF_LE("\x00") EXIF_LE("\x08") EXIF_LE("\x03") PICTURE),
     B(SOI EXIF_OURS("\x08") PICTURE)},
    {"no such orientation", PHOTO_JPEG, B(SOI EXIF_LE("\x09") PICTURE), B(SOI PICTURE)},
    {"an Exif whose offset lies", PHOTO_JPEG, B(SOI EXIF_FAR PICTURE), B(SOI PICTURE)},
    {"an Exif that is cut off", PHOTO_JPEG, B(SOI EXIF_SHORT PICTURE), B(SOI PICTURE)},
    {"an Exif whose count lies", PHOTO_JPEG, B(SOI EXIF_MANY PICTURE), B(SOI PICTURE)},
    {"an orientation of another type", PHOTO_JPEG, B(SOI EXIF_LONG PICTURE),
     B(SOI PICTURE)},
    {"our own is kept as it is", PHOTO_JPEG, B(SOI EXIF_OURS("\x03") PICTURE),
     B(SOI EXIF_OURS("\x03") PICTURE)},
    {"texts go", PHOTO_JPEG, B(SOI XMP COMMENT APP13 MPF PICTURE), B(SOI PICTURE)},
    {"thumbnails go", PHOTO_JPEG, B(SOI JFIF_THUMB JFXX PICTURE), B(SOI JFIF PICTURE)},
    {"what stands between scans goes too", PHOTO_JPEG,
     B(SOI DQT SOF DHT SCAN COMMENT EXIF_LE("\x01") SCAN EOI),
     B(SOI DQT SOF DHT SCAN SCAN EOI)},
    {"what is behind the end goes", PHOTO_JPEG,
     B(SOI PICTURE SOI EXIF_LE("\x06") PICTURE "GPS"), B(SOI PICTURE)},

    {"a plain PNG", PHOTO_PNG, B(PNG IHDR GAMA IDAT IDAT IEND),
     B(PNG IHDR GAMA IDAT IDAT IEND)},
    {"texts and times of a PNG go", PHOTO_PNG,
     B(PNG IHDR TEXT ITXT ZTXT TIME PRIVATE IDAT TEXT IEND), B(PNG IHDR IDAT IEND)},
    {"the place of a PNG goes, the orientation stays", PHOTO_PNG,
     B(PNG IHDR PNG_EXIF IDAT IEND), B(PNG IHDR IDAT PNG_OURS IEND)},
    {"a PNG that moves stands still", PHOTO_PNG, B(PNG IHDR ACTL IDAT IEND),
     B(PNG IHDR IDAT IEND)},
    {"what is behind the end of a PNG goes", PHOTO_PNG, B(PNG IHDR IDAT IEND TEXT),
     B(PNG IHDR IDAT IEND)},

    {"a plain WebP", PHOTO_WEBP, B(RIFF("\x16") VP8), B(RIFF("\x16") VP8)},
    {"one without loss", PHOTO_WEBP, B(RIFF("\x12") VP8L), B(RIFF("\x12") VP8L)},
    {"an extended one", PHOTO_WEBP, B(RIFF("\x34") VP8X("\x20") ICCP VP8),
     B(RIFF("\x34") VP8X("\x20") ICCP VP8)},
    {"the place of a WebP goes, the orientation stays", PHOTO_WEBP,
     B(RIFF("\x74") VP8X("\x0c") VP8 W_EXIF W_XMP),
     B(RIFF("\x4a") VP8X("\x08") VP8 W_OURS)},
    {"upright need not be said in a WebP", PHOTO_WEBP,
     B(RIFF("\x62") VP8X("\x08") VP8 W_EXIF_1), B(RIFF("\x28") VP8X("\0") VP8)},
    {"unknown chunks of a WebP go", PHOTO_WEBP, B(RIFF("\x20") VP8 ODD),
     B(RIFF("\x16") VP8)},
    {"what is behind the end of a WebP goes", PHOTO_WEBP, B(RIFF("\x16") VP8 W_EXIF),
     B(RIFF("\x16") VP8)},
};

START_TEST(the_picture_is_kept_and_the_place_is_not)
{
    struct strbuf out = {0};
    enum photo_type type = PHOTO_TYPE_COUNT;
    struct err err = {0};
    int code = photo_clean(&out, &type, good[_i].sent.text, good[_i].sent.size, &err);
    ck_assert_msg(code == 0, "%s: %s", good[_i].name, err.text);
    ck_assert_msg(type == good[_i].type, "%s", good[_i].name);
    ck_assert_msg(out.size == good[_i].kept.size &&
                      memcmp(out.text, good[_i].kept.text, out.size) == 0,
                  "%s: %zu bytes", good[_i].name, out.size);
    strbuf_fini(&out);
}
END_TEST

/* Cleaned once more, it stays as it is. */
START_TEST(what_is_kept_is_clean)
{
    struct strbuf out = {0};
    enum photo_type type;
    ck_assert_int_eq(
        photo_clean(&out, &type, good[_i].kept.text, good[_i].kept.size, NULL), 0);
    ck_assert_msg(out.size == good[_i].kept.size &&
                      memcmp(out.text, good[_i].kept.text, out.size) == 0,
                  "%s", good[_i].name);
    strbuf_fini(&out);
}
END_TEST

/* Each in memory of just its size, so that a byte too far is found. */
static int
clean_copy(const char *bytes, size_t size, struct strbuf *out)
{
    enum photo_type type;
    struct err err = {0};
    char *copy = malloc(size > 0 ? size : 1);
    ck_assert_ptr_nonnull(copy);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    int code = photo_clean(out, &type, copy, size, &err);
    ck_assert(code == 0 || (code == ERR_RANGE && err.text[0] != '\0'));
    free(copy);
    return code;
}

START_TEST(a_photo_that_is_cut_off_is_refused)
{
    for (size_t size = 0; size < good[_i].kept.size; size++) {
        struct strbuf out = {0};
        strbuf_add(&out, "before");
        ck_assert_msg(clean_copy(good[_i].kept.text, size, &out) == ERR_RANGE,
                      "%s at %zu", good[_i].name, size);
        ck_assert_str_eq(strbuf_text(&out), "before");
        ck_assert_uint_eq(out.size, strlen("before"));
        strbuf_fini(&out);
    }
}
END_TEST

/* Whatever one byte says, nothing is read that is not there. */
START_TEST(a_byte_that_lies_does_no_harm)
{
    static const char lies[] = {0, 1, 2, 0x7f, (char)0x80, (char)0xfe, (char)0xff};
    char copy[512];
    size_t size = good[_i].sent.size;
    ck_assert_uint_le(size, sizeof copy);
    for (size_t at = 0; at < size; at++) {
        for (size_t k = 0; k < sizeof lies; k++) {
            struct strbuf out = {0}, again = {0};
            memcpy(copy, good[_i].sent.text, size);
            copy[at] = lies[k];
            if (clean_copy(copy, size, &out) == 0) {
                ck_assert_int_eq(clean_copy(out.text, out.size, &again), 0);
                ck_assert_uint_eq(out.size, again.size);
                ck_assert_int_eq(memcmp(out.text, again.text, out.size), 0);
            }
            strbuf_fini(&out);
            strbuf_fini(&again);
        }
    }
}
END_TEST

static const struct {
    const char *name;
    struct bytes sent;
    const char *said;
} bad[] = {
    {"nothing", B(""), "JPEG, PNG and WebP are accepted"},
    {"a page", B("<html><script>"), "JPEG, PNG and WebP are accepted"},
    {"a GIF", B("GIF89a\1\0\1\0"), "JPEG, PNG and WebP are accepted"},
    {"a sound", B("RIFF\x04\0\0\0WAVE"), "JPEG, PNG and WebP are accepted"},
    {"a picture of HEIC",
     B("\0\0\0\x18"
       "ftypheic"),
     "JPEG, PNG and WebP are accepted"},
    {"no picture in it", B(SOI JFIF EOI), "there is no picture"},
    {"a frame alone", B(SOI DQT SOF EOI), "there is no picture"},
    {"a scan before its frame", B(SOI DQT SCAN EOI), "there is no picture"},
    {"two frames", B(SOI SOF SOF SCAN EOI), "a second picture"},
    {"no height", B(SOI SOF_0 SCAN EOI), "no size"},
    {"a bomb", B(SOI SOF_HUGE SCAN EOI), "65535 x 65535 pixels"},
    {"a coding of the laboratory", B(SOI SOF_LOSSLESS SCAN EOI), "no browser"},
    {"no marker", B(SOI JFIF "!!!!" PICTURE), "where a part should begin"},
    {"a restart out of place", B(SOI "\xff\xd0" PICTURE), "where a part should begin"},
    {"a length below its own", B(SOI "\xff\xe1\0\1" PICTURE), "too short"},
    {"a frame without room",
     B(SOI "\xff\xc0\0\x04"
           "ab" SCAN EOI),
     "too short"},
    {"a length beyond the end", B(SOI "\xff\xe1\xff\xff" PICTURE), "cut off"},
    {"a PNG without a head", B(PNG IDAT IEND), "not at the beginning"},
    {"a PNG with two", B(PNG IHDR IHDR IDAT IEND), "not at the beginning"},
    {"a head of another length", B(PNG IHDR_12 IDAT IEND), "another length"},
    {"a PNG without height", B(PNG IHDR_0 IDAT IEND), "no size"},
    {"a PNG that is a bomb", B(PNG IHDR_BIG IDAT IEND), "pixels"},
    {"a PNG of all that can be said", B(PNG IHDR_MOST IDAT IEND), "pixels"},
    {"a PNG without a picture", B(PNG IHDR IDAT_0 IEND), "there is no picture"},
    {"a PNG in two places", B(PNG IHDR IDAT GAMA IDAT IEND), "in two places"},
    {"a chunk that matters", B(PNG IHDR STRANGE IDAT IEND), "nobody can leave out"},
    {"a chunk too long",
     B(PNG IHDR "\xff\xff\xff\xff"
                "tEXt"),
     "cut off"},
    {"a chunk of too many", B(PNG IHDR "\xff\xff\xff\xfftEXt....."), "too long"},
    {"a chunk beyond the end", B(PNG IHDR "\0\0\0\xfftEXt....."), "cut off"},
    {"a WebP of odd size", B(RIFF("\x17") VP8 "!"), "not even"},
    {"a WebP that says too much", B(RIFF("\x18") VP8), "cut off"},
    {"a WebP of nothing", B(RIFF("\x04")), "there is no picture"},
    {"a WebP of two", B(RIFF("\x28") VP8 VP8), "a second picture"},
    {"a WebP that moves", B(RIFF("\x28") VP8X("\x02") VP8), "moves"},
    {"a WebP that moves silently", B(RIFF("\x36") VP8X("\0") ANIM VP8), "moves"},
    {"a WebP without a key frame", B(RIFF("\x16") VP8_INTER), "no size"},
    {"a WebP that is a bomb", B(RIFF("\x28") VP8X_HUGE VP8), "pixels"},
    {"a WebP that begins with its colours", B(RIFF("\x22") ICCP VP8),
     "not at the beginning"},
    {"a chunk of WebP beyond the end",
     B(RIFF("\x16") "VP8 \xff\xff\xff\xff\x10\0\0\0\0\0\0\0\0\0"), "cut off"},
};

START_TEST(what_is_no_photo_is_refused_in_words)
{
    struct strbuf out = {0};
    enum photo_type type;
    struct err err = {0};
    int code = photo_clean(&out, &type, bad[_i].sent.text, bad[_i].sent.size, &err);
    ck_assert_msg(code == ERR_RANGE, "%s", bad[_i].name);
    ck_assert_msg(strstr(err.text, bad[_i].said) != NULL, "%s: %s", bad[_i].name,
                  err.text);
    strbuf_fini(&out);
}
END_TEST

START_TEST(a_type_is_written_as_it_is_read)
{
    enum photo_type type;
    ck_assert(photo_type_parse(&type, photo_type_name((enum photo_type)_i)));
    ck_assert_int_eq((int)type, _i);
    ck_assert(!photo_type_parse(&type, "image/svg+xml"));
    ck_assert(!photo_type_parse(&type, NULL));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("photo_clean");
    TCase *tc = tcase_create("photo_clean");
    int photos = (int)ARRAY_LEN(good);
    tcase_add_loop_test(tc, the_picture_is_kept_and_the_place_is_not, 0, photos);
    tcase_add_loop_test(tc, what_is_kept_is_clean, 0, photos);
    tcase_add_loop_test(tc, a_photo_that_is_cut_off_is_refused, 0, photos);
    tcase_add_loop_test(tc, a_byte_that_lies_does_no_harm, 0, photos);
    tcase_add_loop_test(tc, what_is_no_photo_is_refused_in_words, 0,
                        (int)ARRAY_LEN(bad));
    tcase_add_loop_test(tc, a_type_is_written_as_it_is_read, 0, PHOTO_TYPE_COUNT);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
