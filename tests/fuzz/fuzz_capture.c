/* Any bytes as a packet capture of the endpoint of tests/fake/record_site.h, or with a
 * first byte above 127, of any endpoint. */
#include "tests/fuzz/replayed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t copy[65536];
    FILE *file;

    if (size < 2 || size > sizeof copy) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        copy[i - 1] = data[i];
    }
    file = fmemopen(copy, size - 1, "rb");
    assert(file != NULL);
    (void)replayed_run(file, data[0] > 127 ? 1 : NONE_INDEX);
    return 0;
}
