#include "collectors/record_bus.h"

#include <arpa/inet.h>
#include <string.h>

#include "collectors/collectors.h"

uint32_t
record_bus_of_line(const struct site *site, const char *line)
{
    struct arena *arena = arena_new();
    struct bus recorded;
    uint32_t found = NONE_INDEX;

    if (bus_parse(&recorded, arena, line, NULL) == 0 && recorded.kind == BUS_RTU) {
        for (uint32_t i = 0; i < site->bus_count && found == NONE_INDEX; i++) {
            const struct bus *b = &site->buses[i];

            if (b->kind == BUS_RTU && strcmp(b->path, recorded.path) == 0) {
                found = i;
            }
        }
    }
    arena_free(arena);
    return found;
}

static bool
same_address(const struct bus *b, const struct packet_end *e, bool ipv6)
{
    uint8_t address[16] = {0};

    return b->kind != BUS_RTU && b->port == e->port && b->host != NULL &&
           inet_pton(ipv6 ? AF_INET6 : AF_INET, b->host, address) == 1 &&
           memcmp(address, e->address, sizeof address) == 0;
}

uint32_t
record_bus_at(const struct site *site, const struct packet_end *e, bool ipv6)
{
    for (uint32_t i = 0; i < site->bus_count; i++) {
        if (same_address(&site->buses[i], e, ipv6)) {
            return i;
        }
    }
    return NONE_INDEX;
}
