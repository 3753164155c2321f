#include "daemon/model/user.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "daemon/base/utf8.h"

static const char *const roles[] = {"none", "viewer", "technician", "engineer",
                                    "administrator"};
_Static_assert(ARRAY_LEN(roles) == ROLE_COUNT, "a word for each role");

const char *
role_name(enum role r)
{
    assert((size_t)r < ARRAY_LEN(roles));
    return roles[r];
}

const char *
role_word(enum role r)
{
    return tr_word("role", role_name(r));
}

bool
role_parse(enum role *out, const char *text)
{
    for (int r = ROLE_VIEWER; r < ROLE_COUNT; r++) {
        if (strcmp(roles[r], text) == 0) {
            *out = (enum role)r;
            return true;
        }
    }
    return false;
}

static bool
is_id_char(char c, bool first)
{
    bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    return word || (!first && (c == '_' || c == '-'));
}

int
user_check_id(const char *id, struct err *err)
{
    bool good = id[0] != '\0' && strlen(id) < USER_ID_BYTES;
    for (size_t i = 0; good && id[i] != '\0'; i++) {
        good = is_id_char(id[i], i == 0);
    }
    return good ? 0
                : err_set(err, ERR_RANGE,
                          "\"%.64s\" is no user's id; small letters, digits, - and _ "
                          "are accepted, less than %d bytes, such as zhang",
                          id, USER_ID_BYTES);
}

int
user_check_name(const char *name, struct err *err)
{
    size_t size = strlen(name);
    bool said = false;
    bool good = size < USER_NAME_BYTES;
    for (size_t i = 0, step = 0; good && i < size; i += step) {
        step = utf8_size(name + i, size - i);
        good = step > 0 && !utf8_is_control(name + i, size - i);
        said = said || name[i] != ' ';
    }
    return good && said
               ? 0
               : err_set(err, ERR_RANGE, "a name is one line of less than %d bytes",
                         USER_NAME_BYTES);
}
