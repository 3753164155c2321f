/* Any bytes as a tail of the history, with a checksum that holds: whatever is read is
 * what its promises say. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/model/words.h"
#include "daemon/store/chunk_bytes.h"
#include "daemon/store/chunk_tail.h"

#define STREAM_AT 6 /* See chunk_tail.h. */
#define SAMPLES_MAX                                                                    \
    2000000 /* A short stream may say a lot; more only takes longer.                   \
             */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_all(struct chunk_tail_reader *r)
{
    struct chunk_tail_group group;
    struct chunk_tail_column column;
    uint64_t samples = 0;
    while (samples < SAMPLES_MAX && chunk_tail_next(r, &group) == CHUNK_TAIL_GROUP) {
        uint64_t next = 0;
        assert(group.rows > 0 && group.rows <= CHUNK_ROWS_MAX);
        for (uint32_t i = 0; i < group.rows; i++) {
            assert(group.t_ms[i] <= CHUNK_TIME_MAX && group.t_ms[i] >= -CHUNK_TIME_MAX);
        }
        samples += group.rows;
        while (samples < SAMPLES_MAX &&
               chunk_tail_column(r, &column) == CHUNK_TAIL_GROUP) {
            samples += group.rows;
            assert(column.key >= next);
            next = (uint64_t)column.key + 1;
            for (uint32_t i = 0; i < group.rows; i++) {
                assert(column.statuses[i] == CHUNK_ABSENT ||
                       CHUNK_QUALITY(column.statuses[i]) < QUALITY_COUNT);
            }
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct chunk_tail_reader *reader;
    uint8_t *bytes = malloc(STREAM_AT + size);
    if (reader == NULL) {
        reader = chunk_tail_reader_new();
    }
    if (bytes == NULL || reader == NULL) {
        free(bytes);
        return 0;
    }
    struct bytes out = {.at = bytes};
    bytes_fixed(&out, 'T', 1);
    bytes_fixed(&out, CHUNK_TAIL_VERSION, 1);
    bytes_fixed(&out, crc32c(data, size), 4);
    if (size > 0) {
        memcpy(bytes + STREAM_AT, data, size);
    }
    if (!chunk_tail_open(reader, bytes, STREAM_AT + size)) {
        abort();
    }
    read_all(reader);
    free(bytes);
    return 0;
}
