#include "daemon/cli/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"
#include "daemon/cli/cli.h"

static int
say(const char *path, int number, struct err *err)
{
    return err_set(err, ERR_IO, "%s: %s", path, err_reason(number));
}

/* The file that `path` names; what is no file is written into. */
static int
find_file(struct output *o, const char *path, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        strbuf_add(&o->path, path);
        return 0;
    }
    if (!S_ISREG(st.st_mode)) {
        return 0;
    }
    char *real = realpath(path, NULL);
    if (real == NULL) {
        return say(path, errno, err);
    }
    strbuf_add(&o->path, real);
    free(real);
    return 0;
}

int
output_open(struct output *o, const char *path, struct err *err)
{
    *o = (struct output){.stream = stdout};
    if (path == NULL || strcmp(path, "-") == 0) {
        return 0;
    }
    int code = find_file(o, path, err);
    if (code == 0 && o->path.size > 0) {
        strbuf_printf(&o->part, "%s.part", strbuf_text(&o->path));
    }
    if (code == 0) {
        const char *name = o->part.size > 0 ? strbuf_text(&o->part) : path;
        o->stream = fopen(name, "we");
        code = o->stream != NULL ? 0 : say(name, errno, err);
    }
    if (code != 0) {
        strbuf_fini(&o->path);
        strbuf_fini(&o->part);
    }
    return code;
}

bool
output_write(struct output *o, const char *bytes, size_t size)
{
    if (o->failed == 0 && fwrite(bytes, 1, size, o->stream) != size) {
        o->failed = errno;
    }
    return o->failed == 0;
}

int
output_close(struct output *o, bool well, struct err *err)
{
    bool named = o->part.size > 0;
    int code = 0;
    if (fflush(o->stream) != 0 && o->failed == 0) {
        o->failed = errno;
    }
    if (named && o->failed == 0 && well && fsync(fileno(o->stream)) != 0) {
        o->failed = errno;
    }
    if (o->stream != stdout && fclose(o->stream) != 0 && o->failed == 0) {
        o->failed = errno;
    }
    well = well && o->failed == 0;
    if (named && well && rename(strbuf_text(&o->part), strbuf_text(&o->path)) != 0) {
        o->failed = errno;
        well = false;
    }
    if (named && !well) {
        (void)unlink(strbuf_text(&o->part));
    }
    if (o->failed != 0) {
        code = named ? err_set(err, ERR_IO, "%s: cannot be written: %s",
                               strbuf_text(&o->path), err_reason(o->failed))
                     : err_set(err, ERR_IO, "the output cannot be written: %s",
                               err_reason(o->failed));
    }
    strbuf_fini(&o->path);
    strbuf_fini(&o->part);
    return code;
}

int
output_text(const char *path, const struct strbuf *text)
{
    struct err err = {0};
    struct output o;
    int code = output_open(&o, path, &err);
    if (code == 0) {
        (void)output_write(&o, strbuf_text(text), text->size); /* The close tells. */
        code = output_close(&o, true, &err);
    }
    return code != 0 ? cli_fail(&err) : CLI_OK;
}
