#include "daemon/ticket/rota.h"

#include <stddef.h>

#include "daemon/base/civil.h"

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

const char *
rota_of_day(const struct rota *r, int32_t day)
{
    for (uint32_t i = r->exception_count; i-- > 0;) {
        if (r->exceptions[i].from <= day && day <= r->exceptions[i].to) {
            return r->exceptions[i].who;
        }
    }
    if (r->people_count == 0) {
        return NULL;
    }
    int64_t count = r->people_count;
    int64_t turn = (int64_t)day - r->start;
    if (!r->daily) {
        /* Counted from the Monday of the week of the start. */
        turn = floor_div(turn + civil_weekday(r->start), 7);
    }
    return r->people[turn - floor_div(turn, count) * count];
}

int64_t
rota_handover(const struct rota *r, int32_t day)
{
    return civil_instant(day, r->handover_minute);
}

int32_t
rota_day(const struct rota *r, int64_t t_ms)
{
    int32_t day = civil_day(t_ms) + 1;
    while (rota_handover(r, day) > t_ms) {
        day--;
    }
    return day;
}

const char *
rota_on_duty(const struct rota *r, int64_t t_ms)
{
    return r->people_count == 0 ? NULL : rota_of_day(r, rota_day(r, t_ms));
}
