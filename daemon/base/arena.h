/* Memory with one lifetime: the configuration is built in one arena and freed whole. */
#ifndef CARETAKER_BASE_ARENA_H
#define CARETAKER_BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void); /* Returns owned; aborts when out of memory. */
/* One owner more: it stays until as many have freed it.  From any thread; `a` itself.
 */
struct arena *arena_share(struct arena *a);
void arena_free(struct arena *a); /* NULL is accepted. */

/* Zeroed, aligned for any type; never NULL (out of memory aborts). */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t count, size_t size); /* Overflow aborts. */
char *arena_strdup(struct arena *a, const char *text);         /* NULL -> NULL */
char *arena_strndup(struct arena *a, const char *text, size_t size);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
size_t arena_bytes(const struct arena *a); /* Memory taken from the system. */

#endif
