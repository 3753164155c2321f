/* Check sends a message to its runner for each assertion that holds, to know the last
 * one before a crash: a write() and an allocation each, which is most of the time of a
 * test that asserts in a loop.  The first of a test, which are those of nearly every
 * test, are sent as ever; of the many behind them one of some.  The linker puts this in
 * the place of Check's own: --wrap=_mark_point. */
#include <stdatomic.h>

#define MARKS_WHOLE 2000
#define MARKS_APART 256

void __real__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line);

void
__wrap__mark_point(const char *file, int line)
{
    /* A test that is forked counts from where its runner stood, which asserts none. */
    static atomic_uint count;
    unsigned before = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
    if (before < MARKS_WHOLE || before % MARKS_APART == 0) {
        __real__mark_point(file, line);
    }
}
