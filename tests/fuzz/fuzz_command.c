/* Any bytes as a command by MQTT or the API, and as a part on the command line: taken
 * whole or refused with a reason, and what is taken fits the row of a ticket. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/money.h"
#include "daemon/pipeline/commands/command_json.h"
#include "daemon/pipeline/commands/work_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_part(const char *text)
{
    struct ticket_part part = {.count = 7};
    struct ticket row = {0};
    struct err err = {0};
    if (ticket_part_parse(&part, text, &err) != 0) {
        assert(err.text[0] != '\0');
        assert(part.count == 7);
        return;
    }
    assert(part.name[0] != '\0');
    assert(part.count != 0);
    assert(llabs(part.count) <= PART_COUNT_MAX);
    assert(llabs(part.cost) <= MONEY_MAX);
    bool fits = part.count > 0 && part.cost >= 0;
    assert(ticket_add_parts(&row, &part, 1) == fits);
    assert(row.part_count == (fits ? 1u : 0u));
}

static void
check_json(const uint8_t *data, size_t size)
{
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct ticket_part parts[TICKET_PARTS_MAX];
    struct command c = {0};
    struct err err = {0};
    if (json_is_object(root) && command_from_json(&c, root, &err) == 0 &&
        work_from_json(&c, parts, root, &err) == 0) {
        assert(c.by != NULL);
        assert(c.part_count <= TICKET_PARTS_MAX);
        assert(llabs(c.minutes) <= WORK_MINUTES_MAX);
        assert(llabs(c.cost) <= MONEY_MAX);
        assert(c.cause == NULL || strlen(c.cause) < CODE_BYTES);
        assert(c.step >= 0);
        assert(c.step <= TICKET_STEPS_MAX);
        for (uint32_t i = 0; i < c.part_count; i++) {
            assert(parts[i].name[0] != '\0');
        }
    } else {
        assert(!json_is_object(root) || err.text[0] != '\0');
    }
    json_decref(root);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL) {
        abort();
    }
    memcpy(text, data, size);
    text[size] = '\0';
    check_part(text);
    check_json(data, size);
    free(text);
    return 0;
}
