/* Lists of texts that outlive whom they came from. */
#ifndef CARETAKER_WEB_TEXTS_H
#define CARETAKER_WEB_TEXTS_H

#include <stdbool.h>
#include <stdint.h>

/* `count` texts, owned; *out_count says how many there are also where it returns false:
 * out of memory. */
bool
texts_copy(char ***out, uint32_t *out_count, const char *const *texts, uint32_t count);
void texts_free(char **texts, uint32_t count);

#endif
