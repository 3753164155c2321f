/* Pages of a listing: ?limit=N, and ?cursor=C as the Link header of the page before
 * says (RFC 8288, rel="next").
 *
 * A cursor is "OFFSET:KEY" of the last row that was given.  The row is looked for by
 * its key, so that rows which come and go meanwhile neither hide others nor show them
 * twice; what followed
 * one that has gone itself is taken to stand in its place. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pipeline/api/api.h"

#define KEY_BYTES (2 * ID_BYTES_MAX + 32)

/* The rows of an array: where each begins, and how long it is. */
struct row_span {
    size_t at, size;
};

/* The end of the value that begins at `at`: the comma or bracket behind it. */
static size_t
value_end(const char *text, size_t at)
{
    unsigned depth = 0;
    bool quoted = false;
    for (;; at++) {
        char c = text[at];
        if (c == '\0') {
            return at;
        }
        if (quoted) {
            at += c == '\\' && text[at + 1] != '\0';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == ',' || c == ']' || c == '}') && depth == 0) {
            return at;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
}

/* Owned; NULL: out of memory. */
static struct row_span *
find_rows(const struct strbuf *body, size_t *count)
{
    size_t room = 64;
    struct row_span *rows = malloc(room * sizeof *rows);
    const char *text = strbuf_text(body);
    *count = 0;
    if (rows == NULL) {
        return NULL;
    }
    for (size_t at = 1; text[at] != '\0' && text[at] != ']';) {
        size_t end = value_end(text, at);
        if (*count == room) {
            room *= 2;
            struct row_span *more = realloc(rows, room * sizeof *rows);
            if (more == NULL) {
                free(rows);
                return NULL;
            }
            rows = more;
        }
        rows[(*count)++] = (struct row_span){at, end - at};
        at = end + (text[end] == ',');
    }
    return rows;
}

/* "pump-1/pump-bearing-hot" of "device,rule" into `out`. */
static void
row_key(char out[KEY_BYTES],
        const char *text,
        const struct row_span *row,
        const char *keys)
{
    json_t *object = json_loadb(text + row->at, row->size, 0, NULL);
    size_t used = 0;
    out[0] = '\0';
    while (*keys != '\0' && used < KEY_BYTES - 1) {
        char key[ID_BYTES_MAX];
        size_t size = strcspn(keys, ",");
        (void)snprintf(key, sizeof key, "%.*s", (int)size, keys);
        const json_t *value = json_object_get(object, key);
        const char *slash = used > 0 ? "/" : "";
        int n = json_is_integer(value)
                    ? snprintf(out + used, KEY_BYTES - used, "%s%lld", slash,
                               (long long)json_integer_value(value))
                    : snprintf(out + used, KEY_BYTES - used, "%s%s", slash,
                               json_is_string(value) ? json_string_value(value) : "");
        used += n > 0 ? (size_t)n : 0;
        keys += size;
        keys += *keys == ',';
    }
    json_decref(object);
}

/* Where the page begins. */
static int
find_start(const char *cursor,
           const char *text,
           const struct row_span *rows,
           size_t count,
           const char *keys,
           size_t *start,
           struct err *err)
{
    char key[KEY_BYTES];
    char *end = NULL;
    *start = 0;
    if (cursor == NULL) {
        return 0;
    }
    unsigned long long offset = strtoull(cursor, &end, 10);
    if (*cursor < '0' || *cursor > '9' || *end != ':') {
        return err_set(
            err, ERR_RANGE,
            "\"cursor\" must be what the Link header of the page before says");
    }
    for (size_t i = 0; i < count; i++) {
        row_key(key, text, &rows[i], keys);
        if (strcmp(key, end + 1) == 0) {
            *start = i + 1;
            return 0;
        }
    }
    /* It has gone: what followed stands in its place now. */
    offset -= offset > 0;
    *start = offset < count ? (size_t)offset : count;
    return 0;
}

struct link_query {
    const struct web_request *r;
    const char *left_out; /* An argument that says where the page is. */
    struct strbuf text;
};

/* Percent-encoded (RFC 3986, 2.1). */
static void
add_escaped(struct strbuf *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
                     (*p >= 'A' && *p <= 'Z') || strchr("-._~", *p) != NULL;
        if (plain) {
            strbuf_add_char(out, *p);
        } else {
            strbuf_printf(out, "%%%02X", (unsigned)(unsigned char)*p);
        }
    }
}

static bool
add_argument(void *ctx, const char *key)
{
    struct link_query *q = ctx;
    if (strcmp(key, q->left_out) != 0) {
        const char *value = q->r->query(q->r, key);
        add_escaped(&q->text, key);
        strbuf_add_char(&q->text, '=');
        add_escaped(&q->text, value != NULL ? value : "");
        strbuf_add_char(&q->text, '&');
    }
    return true;
}

void
api_link_before(const struct web_request *r, int64_t before)
{
    struct link_query q = {.r = r, .left_out = "before"};
    /* not translated: a header */
    strbuf_printf(&q.text, "<%s?", r->path);
    r->each_query(r, add_argument, &q);
    strbuf_printf(&q.text, "before=%lld>; rel=\"next\"", (long long)before);
    if (q.text.size < sizeof r->answer->link) {
        memcpy(r->answer->link, q.text.text, q.text.size + 1);
    }
    strbuf_fini(&q.text);
}

/* not translated: a header */
static void
set_link(const struct web_request *r, size_t offset, const char *key)
{
    struct link_query q = {.r = r, .left_out = "cursor"};
    strbuf_printf(&q.text, "<%s?", r->path);
    r->each_query(r, add_argument, &q);
    strbuf_printf(&q.text, "cursor=%zu%%3A", offset);
    add_escaped(&q.text, key);
    strbuf_add(&q.text, ">; rel=\"next\"");
    if (q.text.size < sizeof r->answer->link) {
        memcpy(r->answer->link, q.text.text, q.text.size + 1);
    }
    strbuf_fini(&q.text);
}

int
api_page(struct strbuf *body,
         const struct web_request *r,
         const char *keys,
         struct err *err)
{
    int64_t limit = INT64_MAX;
    size_t count = 0;
    size_t start = 0;
    const char *cursor = r->query(r, "cursor");
    int code = api_number(&limit, r, "limit", 1, API_PAGE_MAX, err);
    if (code != 0 || (cursor == NULL && limit == INT64_MAX)) {
        return code;
    }
    struct row_span *rows = find_rows(body, &count);
    if (rows == NULL) {
        return err_set(err, ERR_NOMEM, "the page of a listing");
    }
    code = find_start(cursor, body->text, rows, count, keys, &start, err);
    if (code == 0) {
        size_t left = count - start;
        size_t given = left < (uint64_t)limit ? left : (size_t)limit;
        struct strbuf page = {0};
        strbuf_add_char(&page, '[');
        if (given > 0) {
            const struct row_span *last = &rows[start + given - 1];
            strbuf_add_bytes(&page, body->text + rows[start].at,
                             last->at + last->size - rows[start].at);
            if (given < left) {
                char key[KEY_BYTES];
                row_key(key, body->text, last, keys);
                set_link(r, start + given, key);
            }
        }
        strbuf_add_char(&page, ']');
        strbuf_fini(body);
        *body = page;
    }
    free(rows);
    return code;
}
