#include "daemon/cli/spool.h"

#include <errno.h>
#include <string.h>

#define BLOCK_BYTES 65536

static int
failed(struct err *err)
{
    return err_set(err, ERR_IO, "a temporary file for the answer: %s",
                   err_reason(errno));
}

static int
to_file(struct spool *s, struct err *err)
{
    s->file = tmpfile();
    if (s->file == NULL) {
        return failed(err);
    }
    if (fwrite(s->memory.text, 1, s->memory.size, s->file) != s->memory.size) {
        return failed(err);
    }
    strbuf_fini(&s->memory);
    return 0;
}

int
spool_add(struct spool *s, const char *bytes, size_t size, struct err *err)
{
    if (s->file == NULL && s->memory.size + size > SPOOL_MEMORY_MAX) {
        int code = to_file(s, err);
        if (code != 0) {
            return code;
        }
    }
    if (s->file == NULL) {
        strbuf_add_bytes(&s->memory, bytes, size);
        return 0;
    }
    return fwrite(bytes, 1, size, s->file) == size ? 0 : failed(err);
}

void
spool_fini(struct spool *s)
{
    if (s->file != NULL) {
        fclose(s->file); /* It has no name: nothing of it stays. */
    }
    strbuf_fini(&s->memory);
    *s = (struct spool){0};
}

int
spool_rewind(struct spool *s, struct err *err)
{
    s->at = 0;
    if (s->file == NULL) {
        return 0;
    }
    strbuf_clear(&s->memory);
    return fflush(s->file) == 0 && fseek(s->file, 0, SEEK_SET) == 0 ? 0 : failed(err);
}

/* Whether there is more at s->at; reads the next block where there is one. */
static bool
fill(struct spool *s)
{
    if (s->at < s->memory.size) {
        return true;
    }
    if (s->file == NULL) {
        return false;
    }
    char block[BLOCK_BYTES];
    size_t size = fread(block, 1, sizeof block, s->file);
    strbuf_clear(&s->memory);
    strbuf_add_bytes(&s->memory, block, size);
    s->at = 0;
    return size > 0;
}

bool
spool_next_object(struct spool *s, struct strbuf *out)
{
    int depth = 0;
    bool quoted = false;
    bool escaped = false;
    strbuf_clear(out);
    while (fill(s)) {
        char c = s->memory.text[s->at++];
        if (depth == 0 && c != '{') {
            if (c == ']') {
                return false;
            }
            continue; /* "[", "," and space between objects. */
        }
        strbuf_add_char(out, c);
        if (quoted) {
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '}') {
            depth += c == '{' ? 1 : -1;
            if (depth == 0) {
                return true;
            }
        }
    }
    return false;
}

int
spool_print(struct spool *s, struct err *err)
{
    int code = spool_rewind(s, err);
    while (code == 0 && fill(s)) {
        (void)fwrite(s->memory.text, 1, s->memory.size, stdout);
        s->at = s->memory.size;
    }
    return code == 0 && s->file != NULL && ferror(s->file) ? failed(err) : code;
}
