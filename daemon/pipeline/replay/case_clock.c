#include "daemon/pipeline/replay/case_clock.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "daemon/base/instant.h"

/* Midnight, in the site's zone, of the day of `t_ms`. */
static int64_t
midnight_of(int64_t t_ms)
{
    time_t seconds = (time_t)(t_ms / 1000);
    struct tm tm;
    localtime_r(&seconds, &tm);
    tm.tm_hour = 0;
    tm.tm_min = 0;
    tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000;
}

/* The instant at which the site's clocks show what a clock in UTC shows at `shown_ms`.
 */
static int64_t
local_to_utc(int64_t shown_ms)
{
    char text[INSTANT_TEXT_BYTES];
    int64_t t_ms = shown_ms;
    instant_format_utc(text, shown_ms);
    text[strlen(text) - 1] = '\0'; /* Without its Z it is in the site's zone. */
    int code = instant_parse(&t_ms, text, NULL);
    assert(code == 0);
    return t_ms;
}

int64_t
case_clock_resolve(const struct case_time *t, int64_t first_ms)
{
    switch (t->kind) {
    case CASE_TIME_INSTANT:
        return t->ms;
    case CASE_TIME_LOCAL:
        return local_to_utc(t->ms);
    case CASE_TIME_OF_DAY:
        return midnight_of(first_ms) + t->ms;
    case CASE_TIME_AGE:
        return first_ms + t->ms;
    case CASE_TIME_NONE:
        break;
    }
    return INSTANT_NONE;
}

const struct case_command **
case_clock_order(struct arena *arena,
                 const struct case_command *commands,
                 uint32_t count,
                 int64_t first_ms)
{
    /* Ages, times of day and full instants may be mixed: only now can they be put in
     * order.  An insertion sort keeps commands of one moment as they are written, and
     * costs nothing where they are in order already. */
    const struct case_command **ordered =
        arena_array(arena, (size_t)count + 1, sizeof(*ordered));
    int64_t *times = arena_array(arena, (size_t)count + 1, sizeof *times);
    for (uint32_t i = 0; i < count; i++) {
        int64_t t_ms = case_clock_resolve(&commands[i].at, first_ms);
        uint32_t at = i;
        for (; at > 0 && times[at - 1] > t_ms; at--) {
            ordered[at] = ordered[at - 1];
            times[at] = times[at - 1];
        }
        ordered[at] = &commands[i];
        times[at] = t_ms;
    }
    return ordered;
}

struct command
case_clock_command(const struct case_command *c, int64_t first_ms)
{
    struct command command = c->command;
    command.t_ms = case_clock_resolve(&c->at, first_ms);
    if (c->until.kind != CASE_TIME_NONE) {
        command.until_ms = case_clock_resolve(&c->until, first_ms);
    }
    return command;
}
