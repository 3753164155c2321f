#include "collectors/log_json.h"

#include <string.h>

#include "daemon/base/catalogue.h"

static const struct {
    const char *word;
    size_t size;
} keys[LOG_JSON_CELLS] = {
    [LOG_JSON_TIME] = {"time", 4},       [LOG_JSON_DEVICE] = {"device", 6},
    [LOG_JSON_POINT] = {"point", 5},     [LOG_JSON_VALUE] = {"value", 5},
    [LOG_JSON_QUALITY] = {"quality", 7}, [LOG_JSON_DETAIL] = {"detail", 6},
    [LOG_JSON_CLOCK] = {"clock", 5},
};

/* Where the parser stands in a line. */
struct json {
    char *line, *at;
    struct err *err;
};

static void
skip_blanks(struct json *j)
{
    while (*j->at == ' ' || *j->at == '\t') {
        j->at++;
    }
}

bool
log_json_begins(const char *line)
{
    while (*line == ' ' || *line == '\t') {
        line++;
    }
    return *line == '{';
}

static bool
hex4(unsigned *out, const char *text)
{
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        unsigned digit;

        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (unsigned)((c | 0x20) - 'a' + 10);
        } else {
            return false;
        }
        *out = *out << 4 | digit;
    }
    return true;
}

static char *
put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xC0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3F));
    } else {
        if (code < 0x10000) {
            *to++ = (char)(0xE0 | code >> 12);
        } else {
            *to++ = (char)(0xF0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3F));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3F));
        *to++ = (char)(0x80 | (code & 0x3F));
    }
    return to;
}

/* "\u6c34", with its second half where it is a surrogate; `*from` is behind the u.
 * Zero would end the text early, half a pair is none: false. */
static bool
take_unicode(char **to, char **from)
{
    unsigned code, low;

    if (!hex4(&code, *from) || code == 0 || (code >= 0xDC00 && code < 0xE000)) {
        return false;
    }
    *from += 4;
    if (code >= 0xD800 && code < 0xDC00) {
        if ((*from)[0] != '\\' || (*from)[1] != 'u' || !hex4(&low, *from + 2) ||
            low < 0xDC00 || low >= 0xE000) {
            return false;
        }
        *from += 6;
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    *to = put_utf8(*to, code); /* Never longer than it was written. */
    return true;
}

static bool
take_escape(char **to, char **from)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char *letter;

    if (**from == 'u') {
        ++*from;
        return take_unicode(to, from);
    }
    letter = **from != '\0' ? strchr(letters, **from) : NULL;
    if (letter == NULL) {
        return false;
    }
    *(*to)++ = meant[letter - letters];
    ++*from;
    return true;
}

/* A string from its first quote; the text is unescaped in place and not yet ended. */
static int
take_string(struct json *j, struct log_cell *out)
{
    char *from = j->at + 1, *to;

    out->column = (uint32_t)(j->at - j->line) + 1;
    out->text = from;
    while (*from != '"' && *from != '\\' && (unsigned char)*from >= ' ') {
        from++; /* Nearly always up to the end: nothing has to be moved. */
    }
    for (to = from;;) {
        while (*from != '"' && *from != '\\' && (unsigned char)*from >= ' ') {
            *to++ = *from++;
        }
        if (*from != '\\') {
            break;
        }
        j->at = from++;
        if (!take_escape(&to, &from)) {
            return err_set(j->err, ERR_CONFIG, "an escape that JSON does not have");
        }
    }
    if (*from != '"') {
        j->at = from;
        return err_set(j->err, ERR_CONFIG, "a string is not closed on its line");
    }
    out->size = (size_t)(to - out->text);
    j->at = from + 1;
    return 0;
}

/* Numbers are read later, as those of a CSV are: here it is only found where one ends.
 */
static void
take_bare(struct json *j, struct log_cell *out)
{
    char *at = j->at;

    out->column = (uint32_t)(at - j->line) + 1;
    out->text = at;
    while ((*at >= '0' && *at <= '9') || *at == '.' || *at == '-' || *at == '+' ||
           (*at >= 'a' && *at <= 'z') || *at == 'E') {
        at++;
    }
    out->size = (size_t)(at - out->text);
    j->at = at;
}

static bool
is_word(const struct log_cell *c, const char *word, size_t size)
{
    return c->size == size && memcmp(c->text, word, size) == 0;
}

static int
take_value(struct json *j, enum log_json_cell which, struct log_cell *out)
{
    static const char *const accepted[LOG_JSON_CELLS] = {
        [LOG_JSON_TIME] = N_("a string or a number"),
        [LOG_JSON_DEVICE] = N_("a string"),
        [LOG_JSON_POINT] = N_("a string"),
        [LOG_JSON_VALUE] = N_("a number, true, false or null"),
        [LOG_JSON_QUALITY] = N_("a string or null"),
        [LOG_JSON_DETAIL] = N_("a string or null"),
        [LOG_JSON_CLOCK] = N_("a string or null"),
    };
    char *from = j->at;
    bool fits;

    if (*from == '"') {
        if (take_string(j, out) != 0) {
            return j->err->code;
        }
        fits = which != LOG_JSON_VALUE;
    } else {
        take_bare(j, out);
        if (is_word(out, "null", 4)) {
            out->size = 0;
            fits = which >= LOG_JSON_VALUE;
        } else {
            bool number = (*from >= '0' && *from <= '9') || *from == '-';

            fits = which == LOG_JSON_VALUE
                       ? number || is_word(out, "true", 4) || is_word(out, "false", 5)
                       : which == LOG_JSON_TIME && number;
        }
    }
    if (!fits) {
        j->at = from;
        return err_set(j->err, ERR_CONFIG, "\"%s\" is %s", keys[which].word,
                       tr(accepted[which]));
    }
    return 0;
}

/* The key and its colon. */
static int
take_key(struct json *j, enum log_json_cell *out, const struct log_cell *cells)
{
    struct log_cell key;
    char *from = j->at;
    int which = 0;

    if (*from != '"') {
        return err_set(j->err, ERR_CONFIG, "a key in double quotes is missing here");
    }
    if (take_string(j, &key) != 0) {
        return j->err->code;
    }
    while (which < LOG_JSON_CELLS &&
           (key.text[0] != keys[which].word[0] ||
            !is_word(&key, keys[which].word, keys[which].size))) {
        which++;
    }
    if (which == LOG_JSON_CELLS || cells[which].column != 0) {
        j->at = from;
        return which < LOG_JSON_CELLS
                   ? err_set(j->err, ERR_CONFIG, "a second \"%s\"", keys[which].word)
                   : err_set(j->err, ERR_CONFIG,
                             "key \"%.*s\" is not known; time, device, point, value, "
                             "quality, detail and clock are",
                             key.size < 60 ? (int)key.size : 60, key.text);
    }
    skip_blanks(j);
    if (*j->at != ':') {
        return err_set(j->err, ERR_CONFIG, "a ':' is missing here");
    }
    j->at++;
    skip_blanks(j);
    *out = (enum log_json_cell)which;
    return 0;
}

/* All pairs up to the closing brace, which is passed. */
static int
take_pairs(struct json *j, struct log_cell *cells)
{
    for (;;) {
        enum log_json_cell which = LOG_JSON_TIME;
        char end;

        skip_blanks(j);
        if (take_key(j, &which, cells) != 0 ||
            take_value(j, which, &cells[which]) != 0) {
            return j->err->code;
        }
        skip_blanks(j);
        end = *j->at;
        if (end != ',' && end != '}') {
            return err_set(j->err, ERR_CONFIG, "a ',' or '}' is missing here");
        }
        j->at++;
        cells[which].text[cells[which].size] = '\0'; /* What stood there is read. */
        if (end == '}') {
            return 0;
        }
    }
}

static int
cut(struct json *j, struct log_cell *cells)
{
    skip_blanks(j);
    if (*j->at != '{') {
        return err_set(j->err, ERR_CONFIG,
                       "no object; a line is one, such as {\"time\": "
                       "\"2026-03-01T10:14:30Z\", \"device\": \"pump-1\", \"point\": "
                       "\"bearing\", \"value\": 81.2}");
    }
    j->at++;
    if (take_pairs(j, cells) != 0) {
        return j->err->code;
    }
    skip_blanks(j);
    if (*j->at != '\0') {
        return err_set(j->err, ERR_CONFIG, "text behind the object; a line is one");
    }
    for (int i = LOG_JSON_TIME; i <= LOG_JSON_POINT; i++) {
        if (cells[i].column == 0) {
            j->at = j->line;
            return err_set(j->err, ERR_CONFIG, "no \"%s\"", keys[i].word);
        }
    }
    return 0;
}

int
log_json_cut(
    struct log_cell *cells, char *line, size_t size, uint32_t *column, struct err *err)
{
    struct json j = {line, line, err};
    int status;

    for (int i = 0; i < LOG_JSON_CELLS; i++) {
        cells[i] = (struct log_cell){.text = line + size}; /* The NUL: empty. */
    }
    status = cut(&j, cells);
    *column = (uint32_t)(j.at - line) + 1;
    return status;
}
