/* Any bytes as a photo.  What is kept is no more than was sent and an Exif of ours,
 * holds no text of the camera's, and stays as it is when it is cleaned again. */
#include <assert.h>
#include <string.h>

#include "daemon/store/photo_clean.h"

#define ADDED_MAX 38 /* The Exif of ours with its chunk. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum photo_type type, same;
    struct strbuf out = {0}, again = {0};
    struct err err = {0};
    int code = photo_clean(&out, &type, (const char *)data, size, &err);
    assert(code == 0 || (code == ERR_RANGE && err.text[0] != '\0' && out.size == 0));
    if (code == 0) {
        assert(out.size <= size + ADDED_MAX);
        assert(photo_type_of(&same, out.text, out.size) && same == type);
        assert(photo_clean(&again, &same, out.text, out.size, &err) == 0);
        assert(again.size == out.size);
        assert(memcmp(again.text, out.text, out.size) == 0);
    }
    strbuf_fini(&out);
    strbuf_fini(&again);
    return 0;
}
