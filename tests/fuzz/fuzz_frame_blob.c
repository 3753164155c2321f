/* Any bytes as a frame of the history: what decodes must encode and decode again to the
 * same samples. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/frame_blob.h"

#define SAMPLES_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct blob_sample first[SAMPLES_MAX], second[SAMPLES_MAX];
    uint8_t blob[1 + SAMPLES_MAX * FRAME_BLOB_SAMPLE_BYTES_MAX];
    size_t count = 0, again = 0;
    if (!frame_blob_decode(first, SAMPLES_MAX, &count, data, size)) {
        return 0;
    }
    size_t used = frame_blob_encode(blob, first, count);
    if (used > 1 + count * FRAME_BLOB_SAMPLE_BYTES_MAX ||
        !frame_blob_decode(second, SAMPLES_MAX, &again, blob, used) || again != count) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        if (first[i].key != second[i].key || first[i].quality != second[i].quality ||
            first[i].detail != second[i].detail ||
            memcmp(&first[i].value, &second[i].value, sizeof first[i].value) != 0) {
            abort();
        }
    }
    return 0;
}
