#include "collectors/log_value.h"

#include <string.h>
#include <strings.h>

#include "collectors/log_number.h"
#include "daemon/base/catalogue.h"

/* A value as text; `true` and `false` count where the point is a yes or no, or is fed
 * by logs alone and so has no type of its own. */
static bool
parse_value(double *out, const struct point *p, const char *text)
{
    if (log_number_parse(out, text)) {
        return true;
    }
    if (p->type != TYPE_BOOL && p->table != REG_NONE &&
        !(p->type == TYPE_BITS && p->bit_low == p->bit_high)) {
        return false;
    }
    if (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0) {
        *out = text[0] == 't' || text[0] == 'T';
        return true;
    }
    return false;
}

/* "90,5" where a comma does not separate cells. */
static bool
parse_decimal_comma(double *out, char *text)
{
    char *comma = strchr(text, ',');
    bool good;

    if (comma == NULL || strchr(text, '.') != NULL) {
        return false;
    }
    *comma = '.';
    good = log_number_parse(out, text);
    *comma = ','; /* A message shows it as it was. */
    return good;
}

int
log_value_read(double *out,
               const struct point *p,
               const struct log_cell *cell,
               char separator,
               struct err *err)
{
    if (parse_value(out, p, cell->text) ||
        (separator != ',' && parse_decimal_comma(out, cell->text))) {
        return 0;
    }
    if (cell->size == 0) {
        return err_set(err, ERR_RANGE, "no value; a good sample has one");
    }
    return err_set(err, ERR_RANGE, "'%.60s' is no value; a decimal number%s is",
                   cell->text, p->type == TYPE_BOOL ? tr(", true or false") : "");
}
