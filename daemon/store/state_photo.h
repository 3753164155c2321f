/* Photos of tickets in state.db; their files are those of daemon/store/photos.h. */
#ifndef CARETAKER_STORE_STATE_PHOTO_H
#define CARETAKER_STORE_STATE_PHOTO_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/base/err.h"
#include "daemon/model/photo.h"
#include "daemon/store/state.h"

int state_put_photo(struct state *s, const struct photo *p, struct err *err);

typedef bool (*state_photo_fn)(void *ctx, const struct photo *p);
/* Those of a ticket, in order of number; false ends it early. */
int state_each_photo(
    struct state *s, int64_t ticket, state_photo_fn fn, void *ctx, struct err *err);

/* Whether some ticket has a photo that is this file. */
int state_has_photo(struct state *s,
                    const char *sha256,
                    enum photo_type type,
                    bool *has,
                    struct err *err);

#endif
