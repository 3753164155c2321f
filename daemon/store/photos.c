#include "daemon/store/photos.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/base/catalogue.h"

#define PART_SUFFIX ".part"
#define FOLDER_MODE 0750
#define FILE_MODE   0640
#define READ_BYTES  65536

_Static_assert(PHOTO_HASH_BYTES == 2 * crypto_hash_sha256_BYTES + 1, "hex digits");
_Static_assert(PHOTO_NAME_BYTES > PHOTO_HASH_BYTES + sizeof PART_SUFFIX + 4, "names");

static void
hash_of(char out[PHOTO_HASH_BYTES], const char *bytes, size_t size)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const unsigned char *)bytes, size);
    crypto_hash_sha256_final(&state, hash);
    sodium_bin2hex(out, PHOTO_HASH_BYTES, hash, sizeof hash);
}

const char *
photos_name(char out[PHOTO_NAME_BYTES], const struct photo *p)
{
    snprintf(out, PHOTO_NAME_BYTES, "%s.%s", p->sha256, photo_type_suffix(p->type));
    return out;
}

/* Only what we write ourselves is a name. */
static bool
read_name(struct photo *out, const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");
    if (digits != PHOTO_HASH_BYTES - 1 || name[digits] != '.') {
        return false;
    }
    for (int t = 0; t < PHOTO_TYPE_COUNT; t++) {
        if (strcmp(name + digits + 1, photo_type_suffix((enum photo_type)t)) == 0) {
            *out = (struct photo){.type = (enum photo_type)t};
            memcpy(out->sha256, name, digits);
            return true;
        }
    }
    return false;
}

/* ---- The folder ---- */

static int
open_folder(int *out, const char *dir, bool make, struct err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", dir, PHOTOS_FOLDER) >= (int)sizeof path) {
        return err_set(err, ERR_RANGE, "%s: the path is too long", dir);
    }
    bool made = make && mkdir(path, FOLDER_MODE) == 0;
    *out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0) {
        int why = errno;
        return err_set(err, why == ENOENT && !make ? ERR_NOT_FOUND : ERR_IO, "%s: %s",
                       path, err_reason(why));
    }
    if (made) { /* That there is a folder is to be on the disk, too. */
        int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (parent >= 0) {
            (void)fsync(parent);
            close(parent);
        }
    }
    return 0;
}

/* Calls `fn` for each entry; takes `fd`. */
static int
each_entry(int fd,
           int (*fn)(void *ctx, int fd, const char *name, struct err *err),
           void *ctx,
           struct err *err)
{
    DIR *d = fdopendir(fd);
    if (d == NULL) {
        close(fd);
        return err_set(err, ERR_IO, "%s: %s", PHOTOS_FOLDER, err_reason(errno));
    }
    int rc = 0;
    for (const struct dirent *e = readdir(d); rc == 0 && e != NULL; e = readdir(d)) {
        if (e->d_name[0] != '.') {
            rc = fn(ctx, dirfd(d), e->d_name, err);
        }
    }
    closedir(d);
    return rc;
}

/* ---- Room ---- */

static int
add_size(void *ctx, int fd, const char *name, struct err *err)
{
    int64_t *sum = ctx;
    struct stat st;
    (void)err;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)) {
        *sum += st.st_size;
    }
    return 0;
}

static int
check_room(const char *dir, int64_t size, struct err *err)
{
    struct statvfs vfs;
    int64_t sum = 0;
    int fd = -1;
    int rc = open_folder(&fd, dir, true, err);
    if (rc == 0 && fstatvfs(fd, &vfs) != 0) {
        rc = err_set(err, ERR_IO, "%s: %s", dir, err_reason(errno));
        close(fd);
        return rc;
    }
    rc = rc == 0 ? each_entry(fd, add_size, &sum, err) : rc;
    if (rc != 0) {
        return rc;
    }
    int64_t disk = (int64_t)((uint64_t)vfs.f_blocks * vfs.f_frsize);
    int64_t has = (int64_t)((uint64_t)vfs.f_bavail * vfs.f_frsize);
    int64_t most = disk / PHOTOS_DISK_SHARE;
    int64_t left = disk / PHOTOS_LEAVE_SHARE;
    most = most < PHOTOS_BYTES_MAX ? most : PHOTOS_BYTES_MAX;
    left = left < PHOTOS_LEAVE_BYTES ? left : PHOTOS_LEAVE_BYTES;
    if (sum + size > most) {
        return err_set(err, ERR_FULL,
                       "the photos of all tickets take %.1f MB, and no more than %.1f "
                       "MB are kept here; this one was not taken",
                       (double)sum / 1e6, (double)most / 1e6);
    }
    return has - size >= left ? 0
                              : err_set(err, ERR_FULL,
                                        "the disk has %.1f MB free, which are for "
                                        "tickets and alarms; the photo was not taken",
                                        (double)has / 1e6);
}

/* ---- Writing ---- */

static int
write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* On the disk first, then under its name, and the name on the disk. */
static int
write_file(
    int folder, const char *name, const char *bytes, size_t size, struct err *err)
{
    char part[PHOTO_NAME_BYTES + sizeof PART_SUFFIX];
    snprintf(part, sizeof part, "%s" PART_SUFFIX, name);
    int fd = openat(folder, part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    FILE_MODE);
    bool good = fd >= 0 && write_all(fd, bytes, size) == 0 && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && good) {
        why = errno;
        good = false;
    }
    if (good && (renameat(folder, part, folder, name) != 0 || fsync(folder) != 0)) {
        why = errno;
        good = false;
    }
    if (good) {
        return 0;
    }
    (void)unlinkat(folder, part, 0);
    bool full = why == ENOSPC || why == EDQUOT || why == EFBIG;
    return err_set(err, full ? ERR_FULL : ERR_IO, "%s/%s: %s", PHOTOS_FOLDER, name,
                   err_reason(why));
}

int
photos_put(const char *dir,
           struct photo *p,
           const char *bytes,
           size_t size,
           bool *made,
           struct err *err)
{
    char name[PHOTO_NAME_BYTES];
    int folder = -1;
    p->bytes = (int64_t)size;
    hash_of(p->sha256, bytes, size);
    int rc = check_room(dir, p->bytes, err);
    rc = rc == 0 ? open_folder(&folder, dir, true, err) : rc;
    if (rc != 0) {
        return rc;
    }
    photos_name(name, p);
    *made = faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
    /* Also over one that is there: should it be damaged, it is sound again. */
    rc = write_file(folder, name, bytes, size, err);
    close(folder);
    return rc;
}

void
photos_remove(const char *dir, const struct photo *p)
{
    char name[PHOTO_NAME_BYTES];
    int folder = -1;
    if (open_folder(&folder, dir, false, NULL) == 0) {
        (void)unlinkat(folder, photos_name(name, p), 0);
        close(folder);
    }
}

/* ---- Reading ---- */

static int
read_file(int folder, const char *name, struct strbuf *out, struct err *err)
{
    char block[READ_BYTES];
    ssize_t n = -1;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int why = errno;
    while (fd >= 0 && (n = read(fd, block, sizeof block)) != 0) {
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 || out->size > PHOTO_BYTES_MAX + READ_BYTES) {
            why = errno;
            break;
        }
        strbuf_add_bytes(out, block, (size_t)n);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (fd < 0 && why == ENOENT) {
        return err_set(err, ERR_NOT_FOUND, "the file %s/%s is missing", PHOTOS_FOLDER,
                       name);
    }
    return fd < 0 || n < 0
               ? err_set(err, ERR_IO, "%s/%s: %s", PHOTOS_FOLDER, name, err_reason(why))
               : 0;
}

static int
read_whole(int folder, const struct photo *p, struct strbuf *out, struct err *err)
{
    char name[PHOTO_NAME_BYTES];
    char hash[PHOTO_HASH_BYTES];
    int rc = read_file(folder, photos_name(name, p), out, err);
    if (rc == 0) {
        hash_of(hash, strbuf_text(out), out->size);
        rc = strcmp(hash, p->sha256) == 0
                 ? 0
                 : err_set(err, ERR_IO, "the file %s/%s was changed", PHOTOS_FOLDER,
                           name);
    }
    return rc;
}

int
photos_get(struct strbuf *out, const char *dir, const struct photo *p, struct err *err)
{
    struct strbuf bytes = {0};
    char name[PHOTO_NAME_BYTES];
    int folder = -1;
    int rc = open_folder(&folder, dir, false, err);
    if (rc == ERR_NOT_FOUND) {
        return err_set(err, rc, "the file %s/%s is missing", PHOTOS_FOLDER,
                       photos_name(name, p));
    }
    if (rc != 0) {
        return rc;
    }
    rc = read_whole(folder, p, &bytes, err);
    if (rc == 0) {
        strbuf_add_bytes(out, strbuf_text(&bytes), bytes.size);
    }
    strbuf_fini(&bytes);
    close(folder);
    return rc;
}

/* ---- What a crash left ---- */

struct sweep {
    photos_wanted_fn wanted;
    void *ctx;
    int64_t before_s;
    uint32_t removed;
};

static bool
is_part(const char *name)
{
    size_t size = strlen(name), suffix = strlen(PART_SUFFIX);
    char whole[PHOTO_NAME_BYTES];
    struct photo p;
    if (size <= suffix || size - suffix >= sizeof whole ||
        strcmp(name + size - suffix, PART_SUFFIX) != 0) {
        return false;
    }
    memcpy(whole, name, size - suffix);
    whole[size - suffix] = '\0';
    return read_name(&p, whole);
}

static int
sweep_one(void *ctx, int fd, const char *name, struct err *err)
{
    struct sweep *s = ctx;
    struct photo p;
    struct stat st;
    bool wanted = true;
    if (is_part(name)) {
        wanted = false;
    } else if (read_name(&p, name) &&
               fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               st.st_mtim.tv_sec < s->before_s) {
        int rc = s->wanted(s->ctx, p.sha256, p.type, &wanted, err);
        if (rc != 0) {
            return rc;
        }
    }
    if (!wanted && unlinkat(fd, name, 0) == 0) {
        s->removed++;
    }
    return 0;
}

int
photos_sweep(const char *dir,
             photos_wanted_fn wanted,
             void *ctx,
             int64_t before_s,
             uint32_t *removed,
             struct err *err)
{
    struct sweep s = {.wanted = wanted, .ctx = ctx, .before_s = before_s};
    int folder = -1;
    int rc = open_folder(&folder, dir, false, err);
    if (rc == 0) {
        rc = each_entry(folder, sweep_one, &s, err);
    }
    *removed = s.removed;
    return rc == ERR_NOT_FOUND ? 0 : rc; /* No photo was taken yet. */
}

/* ---- The copy of a backup ---- */

struct copying {
    int to;
    struct photos_copied *out;
};

/* Not written again where it is there and sound. */
static int
copy_one(void *ctx, int fd, const char *name, struct err *err)
{
    struct copying *c = ctx;
    struct photo p;
    struct strbuf bytes = {0}, there = {0};
    if (!read_name(&p, name)) {
        return 0;
    }
    int rc = read_whole(fd, &p, &bytes, NULL);
    if (rc != 0) {
        if (c->out->damaged++ == 0) {
            snprintf(c->out->first, sizeof c->out->first, "%s", name);
        }
        rc = 0;
    } else {
        if (read_whole(c->to, &p, &there, NULL) != 0) {
            rc = write_file(c->to, name, strbuf_text(&bytes), bytes.size, err);
            strbuf_clear(&there);
            rc = rc == 0 ? read_whole(c->to, &p, &there, err) : rc;
        }
        c->out->count += rc == 0;
        c->out->bytes += rc == 0 ? (int64_t)bytes.size : 0;
    }
    strbuf_fini(&bytes);
    strbuf_fini(&there);
    return rc;
}

int
photos_copy(const char *dir, const char *to, struct photos_copied *out, struct err *err)
{
    struct copying c = {.to = -1, .out = out};
    int from = -1;
    *out = (struct photos_copied){0};
    int rc = open_folder(&from, dir, false, err);
    if (rc == ERR_NOT_FOUND) {
        return 0; /* No photo was taken yet. */
    }
    if (rc != 0) {
        return rc;
    }
    rc = open_folder(&c.to, to, true, err);
    if (rc != 0) {
        close(from);
        return rc;
    }
    rc = each_entry(from, copy_one, &c, err);
    close(c.to);
    return rc;
}
