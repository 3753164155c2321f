#include "tests/fake/fake_disk.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX    16
#define NAME_BYTES   512
#define SECTOR_BYTES 512
#define REGION_BYTES 32768 /* Of the WAL's index: SQLite asks for no other. */
#define REGIONS_MAX  64

/* A change since the last sync. */
struct change {
    size_t offset, size; /* `data` NULL: the file is cut to `size`. */
    uint8_t *data;
};

struct bytes {
    uint8_t *at;
    size_t size, room;
};

struct file {
    char name[NAME_BYTES];
    bool there, safe; /* Now; and when the power goes. */
    struct bytes now, synced;
    struct change *changes;
    size_t change_count, change_room;
    int shared;
    const void *reserved, *exclusive; /* Handles that hold such a lock. */
    uint8_t *regions[REGIONS_MAX]; /* The index of the WAL, which no disk ever sees. */
    int index_users;
    int index_shared[SQLITE_SHM_NLOCK];
    const void *index_exclusive[SQLITE_SHM_NLOCK];
};

struct fake_disk {
    sqlite3_vfs vfs;
    sqlite3_vfs *before;
    struct file files[FILES_MAX];
    uint64_t operations, bytes_written;
    enum fake_disk_fault fault;
    uint64_t fault_at;
};

struct handle {
    sqlite3_file base;
    struct fake_disk *disk;
    struct file *file;
    int lock;
    uint16_t index_shared, index_exclusive; /* A bit for each lock that it holds. */
    bool index_user, temporary;
};

static void *
must(void *p)
{
    if (p == NULL) {
        fputs("fake disk: no memory\n", stderr);
        abort();
    }
    return p;
}

/* ---- What happens to the bytes. ---- */

static void
resize(struct bytes *b, size_t size)
{
    if (size > b->room) {
        b->room = size > 2 * b->room ? size : 2 * b->room;
        b->at = must(realloc(b->at, b->room));
    }
    if (size > b->size) {
        memset(b->at + b->size, 0, size - b->size);
    }
    b->size = size;
}

static void
put(struct bytes *b, size_t offset, const uint8_t *data, size_t size)
{
    if (offset + size > b->size) {
        resize(b, offset + size);
    }
    memcpy(b->at + offset, data, size);
}

static void
forget_changes(struct file *f)
{
    for (size_t i = 0; i < f->change_count; i++) {
        free(f->changes[i].data);
    }
    f->change_count = 0;
}

static void
remember(struct file *f, size_t offset, size_t size, const void *data)
{
    struct change c = {.offset = offset, .size = size};
    if (data != NULL) {
        c.data = must(malloc(size + 1));
        memcpy(c.data, data, size);
    }
    if (f->change_count == f->change_room) {
        f->change_room = f->change_room == 0 ? 64 : 2 * f->change_room;
        f->changes = must(realloc(f->changes, f->change_room * sizeof *f->changes));
    }
    f->changes[f->change_count++] = c;
}

static void
copy(struct bytes *to, const struct bytes *from)
{
    to->size = 0;
    resize(to, from->size);
    if (from->size > 0) {
        memcpy(to->at, from->at, from->size);
    }
}

/* SplitMix64 (Steele, Lea, Flood 2014). */
static bool
toss(uint64_t *seed)
{
    uint64_t z = *seed += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return ((z ^ (z >> 31)) & 1) != 0;
}

/* A change reaches the disk: kind 0 not at all, 1 whole, else any sectors of it. */
static void
settle(struct file *f, const struct change *c, uint64_t kind, uint64_t *seed)
{
    if (kind == 0) {
        return;
    }
    if (c->data == NULL) {
        if (kind == 1 || toss(seed)) {
            resize(&f->synced, c->size);
        }
        return;
    }
    for (size_t at = 0; at < c->size;) {
        size_t end = (c->offset + at) / SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES;
        size_t size =
            end - c->offset - at < c->size - at ? end - c->offset - at : c->size - at;
        if (kind == 1 || toss(seed)) {
            put(&f->synced, c->offset + at, c->data + at, size);
        }
        at += size;
    }
}

/* Which files there are is part of the file system's own journal, which goes to the
 * disk with any sync (ext4, f2fs). */
static void
sync_file(struct fake_disk *d, struct file *f)
{
    for (size_t i = 0; i < f->change_count; i++) {
        settle(f, &f->changes[i], 1, NULL);
    }
    forget_changes(f);
    for (size_t i = 0; i < FILES_MAX; i++) {
        d->files[i].safe = d->files[i].there;
        if (!d->files[i].there) {
            d->files[i].synced.size = 0;
        }
    }
}

void
fake_disk_power_on(struct fake_disk *d, uint64_t seed)
{
    const uint64_t kind = seed;
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *f = &d->files[i];
        assert(f->index_users == 0 && f->shared == 0);
        for (size_t k = 0; k < f->change_count; k++) {
            settle(f, &f->changes[k], kind, &seed);
        }
        forget_changes(f);
        copy(&f->now, &f->synced);
        /* A file that was made, or deleted, without a sync may be there or not. */
        if (f->there != f->safe) {
            f->there = f->safe = kind == 0   ? f->safe
                                 : kind == 1 ? f->there
                                             : toss(&seed);
        }
        f->reserved = f->exclusive = NULL;
    }
    d->fault = FAKE_DISK_WELL;
}

static bool
ends_so(const char *name, const char *suffix)
{
    size_t n = strlen(name), s = strlen(suffix);
    return n >= s && strcmp(name + n - s, suffix) == 0;
}

static const struct file *
by_suffix(const struct fake_disk *d, const char *suffix)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (d->files[i].there && ends_so(d->files[i].name, suffix)) {
            return &d->files[i];
        }
    }
    return NULL;
}

size_t
fake_disk_size(const struct fake_disk *d, const char *suffix)
{
    const struct file *f = by_suffix(d, suffix);
    return f == NULL ? 0 : f->now.size;
}

void
fake_disk_flip(struct fake_disk *d, const char *suffix, size_t offset, uint8_t bits)
{
    const struct file *f = by_suffix(d, suffix);
    assert(f != NULL && offset < f->now.size && f->change_count == 0);
    f->now.at[offset] ^= bits;
    f->synced.at[offset] ^= bits;
}

/* ---- The operations that may fail. ---- */

/* An operation begins: SQLITE_OK, or how it fails. */
static int
operate(struct fake_disk *d, bool grows, int failure)
{
    d->operations++;
    switch (d->fault) {
    case FAKE_DISK_WELL:
        return SQLITE_OK;
    case FAKE_DISK_FAILS:
        return d->operations == d->fault_at ? failure : SQLITE_OK;
    case FAKE_DISK_FULL:
        return d->operations >= d->fault_at && grows ? SQLITE_FULL : SQLITE_OK;
    case FAKE_DISK_POWER:
        return d->operations >= d->fault_at ? failure : SQLITE_OK;
    }
    return SQLITE_OK;
}

void
fake_disk_plan(struct fake_disk *d, enum fake_disk_fault fault, uint64_t operation)
{
    d->fault = fault;
    d->fault_at = operation;
}

uint64_t
fake_disk_operations(const struct fake_disk *d)
{
    return d->operations;
}

uint64_t
fake_disk_bytes_written(const struct fake_disk *d)
{
    return d->bytes_written;
}

static int
do_write(sqlite3_file *base, const void *data, int count, sqlite3_int64 offset)
{
    struct handle *h = (struct handle *)base;
    size_t at = (size_t)offset, size = (size_t)count;
    int rc = operate(h->disk, at + size > h->file->now.size, SQLITE_IOERR_WRITE);
    /* The one that the power cut short may be there in part. */
    bool cut_short = rc != SQLITE_OK && h->disk->fault == FAKE_DISK_POWER &&
                     h->disk->operations == h->disk->fault_at;
    if (rc == SQLITE_OK || cut_short) {
        remember(h->file, at, size, data);
    }
    if (rc == SQLITE_OK) {
        put(&h->file->now, at, data, size);
        h->disk->bytes_written += size;
    }
    return rc;
}

static int
do_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct handle *h = (struct handle *)base;
    int rc = operate(h->disk, false, SQLITE_IOERR_TRUNCATE);
    if (rc == SQLITE_OK) {
        remember(h->file, 0, (size_t)size, NULL);
        resize(&h->file->now, (size_t)size);
    }
    return rc;
}

static int
do_sync(sqlite3_file *base, int flags)
{
    struct handle *h = (struct handle *)base;
    (void)flags;
    int rc = operate(h->disk, false, SQLITE_IOERR_FSYNC);
    if (rc == SQLITE_OK) {
        sync_file(h->disk, h->file);
    }
    return rc;
}

static int
do_read(sqlite3_file *base, void *out, int count, sqlite3_int64 offset)
{
    const struct handle *h = (const struct handle *)base;
    size_t at = (size_t)offset, size = (size_t)count;
    size_t there = at >= h->file->now.size ? 0 : h->file->now.size - at;
    if (there >= size) {
        memcpy(out, h->file->now.at + at, size);
        return SQLITE_OK;
    }
    if (there > 0) {
        memcpy(out, h->file->now.at + at, there);
    }
    memset((uint8_t *)out + there, 0, size - there);
    return SQLITE_IOERR_SHORT_READ;
}

static int
do_size(sqlite3_file *base, sqlite3_int64 *out)
{
    const struct handle *h = (const struct handle *)base;
    *out = (sqlite3_int64)h->file->now.size;
    return SQLITE_OK;
}

/* ---- Locks: those of the file, and those of the WAL's index. ---- */

static int
do_unlock(sqlite3_file *base, int level)
{
    struct handle *h = (struct handle *)base;
    struct file *f = h->file;
    if (f->exclusive == h && level < SQLITE_LOCK_PENDING) {
        f->exclusive = NULL;
    }
    if (f->reserved == h && level < SQLITE_LOCK_RESERVED) {
        f->reserved = NULL;
    }
    if (level == SQLITE_LOCK_NONE && h->lock >= SQLITE_LOCK_SHARED) {
        f->shared--;
    }
    h->lock = level < h->lock ? level : h->lock;
    return SQLITE_OK;
}

static int
do_lock(sqlite3_file *base, int level)
{
    struct handle *h = (struct handle *)base;
    struct file *f = h->file;
    if (level <= h->lock) {
        return SQLITE_OK;
    }
    if ((f->exclusive != NULL && f->exclusive != h) ||
        (level >= SQLITE_LOCK_RESERVED && f->reserved != NULL && f->reserved != h) ||
        (level == SQLITE_LOCK_EXCLUSIVE && f->shared > 1)) {
        return SQLITE_BUSY;
    }
    if (h->lock == SQLITE_LOCK_NONE) {
        f->shared++;
    }
    if (level >= SQLITE_LOCK_RESERVED) {
        f->reserved = h;
    }
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        f->exclusive = h;
    }
    h->lock = level;
    return SQLITE_OK;
}

static int
is_reserved(sqlite3_file *base, int *out)
{
    const struct handle *h = (const struct handle *)base;
    *out = h->file->reserved != NULL;
    return SQLITE_OK;
}

static int
index_map(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
    struct handle *h = (struct handle *)base;
    assert(size == REGION_BYTES && region < REGIONS_MAX);
    if (!h->index_user) {
        h->index_user = true;
        h->file->index_users++;
    }
    if (h->file->regions[region] == NULL && extend) {
        h->file->regions[region] = must(calloc(1, REGION_BYTES));
    }
    *out = h->file->regions[region];
    return SQLITE_OK;
}

static void
release(struct handle *h, int i)
{
    const uint16_t bit = (uint16_t)(1u << i);
    if (h->index_exclusive & bit) {
        h->file->index_exclusive[i] = NULL;
    } else if (h->index_shared & bit) {
        h->file->index_shared[i]--;
    }
    h->index_exclusive &= (uint16_t)~bit;
    h->index_shared &= (uint16_t)~bit;
}

static int
index_lock(sqlite3_file *base, int first, int count, int flags)
{
    struct handle *h = (struct handle *)base;
    struct file *f = h->file;
    for (int i = first; (flags & SQLITE_SHM_UNLOCK) && i < first + count; i++) {
        release(h, i);
    }
    if (flags & SQLITE_SHM_UNLOCK) {
        return SQLITE_OK;
    }
    for (int i = first; i < first + count; i++) {
        bool mine = (h->index_shared & (1u << i)) != 0;
        if ((f->index_exclusive[i] != NULL && f->index_exclusive[i] != h) ||
            ((flags & SQLITE_SHM_EXCLUSIVE) && f->index_shared[i] > (mine ? 1 : 0))) {
            return SQLITE_BUSY;
        }
    }
    for (int i = first; i < first + count; i++) {
        release(h, i);
        if (flags & SQLITE_SHM_EXCLUSIVE) {
            f->index_exclusive[i] = h;
            h->index_exclusive |= (uint16_t)(1u << i);
        } else {
            f->index_shared[i]++;
            h->index_shared |= (uint16_t)(1u << i);
        }
    }
    return SQLITE_OK;
}

static void
index_barrier(sqlite3_file *base)
{
    (void)base; /* One thread. */
}

static int
index_unmap(sqlite3_file *base, int delete)
{
    struct handle *h = (struct handle *)base;
    (void)delete; /* It goes with its last user: a program that ended leaves none. */
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
        release(h, i);
    }
    if (h->index_user && --h->file->index_users == 0) {
        for (size_t i = 0; i < REGIONS_MAX; i++) {
            free(h->file->regions[i]);
            h->file->regions[i] = NULL;
        }
    }
    h->index_user = false;
    return SQLITE_OK;
}

/* ---- Files. ---- */

static void
empty(struct file *f)
{
    forget_changes(f);
    free(f->changes);
    free(f->now.at);
    free(f->synced.at);
    memset(f, 0, sizeof *f);
}

static int
do_close(sqlite3_file *base)
{
    struct handle *h = (struct handle *)base;
    (void)index_unmap(base, 0);
    (void)do_unlock(base, SQLITE_LOCK_NONE);
    if (h->temporary) {
        empty(h->file);
    }
    return SQLITE_OK;
}

static int
control(sqlite3_file *base, int what, void *arg)
{
    (void)base;
    (void)arg;
    /* Whoever asks to keep the log is told that it is kept. */
    return what == SQLITE_FCNTL_PERSIST_WAL ? SQLITE_OK : SQLITE_NOTFOUND;
}

static int
sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR_BYTES;
}

static int
characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* As SQLite takes any disk for. */
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = do_close,
    .xRead = do_read,
    .xWrite = do_write,
    .xTruncate = do_truncate,
    .xSync = do_sync,
    .xFileSize = do_size,
    .xLock = do_lock,
    .xUnlock = do_unlock,
    .xCheckReservedLock = is_reserved,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = index_map,
    .xShmLock = index_lock,
    .xShmBarrier = index_barrier,
    .xShmUnmap = index_unmap,
};

/* The place of a name; with `make` a free one where there is none. */
static struct file *
find(struct fake_disk *d, const char *name, bool make)
{
    struct file *unused = NULL;
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct file *f = &d->files[i];
        if (f->name[0] != '\0' && strcmp(f->name, name) == 0) {
            return f;
        }
        if (f->name[0] == '\0' && unused == NULL) {
            unused = f;
        }
    }
    if (make) {
        assert(unused != NULL && strlen(name) < NAME_BYTES);
        strcpy(unused->name, name);
        return unused;
    }
    return NULL;
}

static int
do_open(
    sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags, int *out)
{
    struct handle *h = (struct handle *)base;
    struct fake_disk *d = vfs->pAppData;
    char made[32];
    memset(h, 0, sizeof *h);
    if (name == NULL) {
        snprintf(made, sizeof made, "temporary-%llu",
                 (unsigned long long)++d->operations);
        h->temporary = true;
    }
    /* The database itself is made by our own code on the real disk: it is there. */
    bool make = (flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB)) != 0;
    struct file *f = find(d, name == NULL ? made : name, make);
    if (f == NULL || (!f->there && !make)) {
        return SQLITE_CANTOPEN;
    }
    if (!f->there) {
        resize(&f->now, 0);
        f->there = true;
        f->safe = f->safe || (flags & SQLITE_OPEN_MAIN_DB) != 0;
    }
    h->base.pMethods = &methods;
    h->disk = d;
    h->file = f;
    if (out != NULL) {
        *out = flags;
    }
    return SQLITE_OK;
}

static int
do_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    struct fake_disk *d = vfs->pAppData;
    struct file *f = find(d, name, false);
    if (f == NULL || !f->there) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    int rc = operate(d, false, SQLITE_IOERR_DELETE);
    if (rc == SQLITE_OK) {
        f->there = false;
        resize(&f->now, 0);
        forget_changes(f);
        if (sync_folder) {
            resize(&f->synced, 0);
            f->safe = false;
        }
    }
    return rc;
}

static int
do_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    const struct file *f = find(vfs->pAppData, name, false);
    *out = f != NULL && f->there && (flags != SQLITE_ACCESS_EXISTS || f->now.size > 0);
    return SQLITE_OK;
}

static int
full_name(sqlite3_vfs *vfs, const char *name, int room, char *out)
{
    (void)vfs;
    return snprintf(out, (size_t)room, "%s", name) < room ? SQLITE_OK : SQLITE_CANTOPEN;
}

struct fake_disk *
fake_disk_new(void)
{
    struct fake_disk *d = must(calloc(1, sizeof *d));
    d->before = sqlite3_vfs_find(NULL);
    d->vfs = *d->before; /* Time, randomness and sleep are those of the machine. */
    d->vfs.iVersion = d->vfs.iVersion < 2 ? d->vfs.iVersion : 2;
    d->vfs.szOsFile = (int)sizeof(struct handle);
    d->vfs.mxPathname = NAME_BYTES - 1;
    d->vfs.pNext = NULL;
    d->vfs.zName = "fake-disk";
    d->vfs.pAppData = d;
    d->vfs.xOpen = do_open;
    d->vfs.xDelete = do_delete;
    d->vfs.xAccess = do_access;
    d->vfs.xFullPathname = full_name;
    if (sqlite3_vfs_register(&d->vfs, 1) != SQLITE_OK) {
        abort();
    }
    return d;
}

void
fake_disk_free(struct fake_disk *d)
{
    if (d == NULL) {
        return;
    }
    sqlite3_vfs_unregister(&d->vfs);
    sqlite3_vfs_register(d->before, 1);
    for (size_t i = 0; i < FILES_MAX; i++) {
        assert(d->files[i].index_users == 0);
        empty(&d->files[i]);
    }
    free(d);
}
