/* Any bytes as what `caretaker record` wrote.  The first chooses what stands before
 * them: nothing, or the first line of a record of a line or of an endpoint. */
#include <stdlib.h>

#include "tests/fuzz/replayed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const heads[] = {
        "", "# caretaker-record 1 framing=rtu bus=line line=rtu:/dev/ttyS1,9600,8N1\n",
        "# caretaker-record 1 framing=tcp bus=net line=tcp:192.0.2.10:502\n"};
    char *text = NULL;
    size_t length = 0;
    FILE *file;

    if (size == 0) {
        return 0;
    }
    file = open_memstream(&text, &length);
    assert(file != NULL);
    fputs(heads[data[0] % ARRAY_LEN(heads)], file);
    fwrite(data + 1, 1, size - 1, file);
    assert(fclose(file) == 0);
    if (length > 0) {
        file = fmemopen(text, length, "rb");
        assert(file != NULL);
        (void)replayed_run(file, data[0] > 127 ? 0 : NONE_INDEX);
    }
    free(text);
    return 0;
}
