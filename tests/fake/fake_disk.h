/* A disk in memory under SQLite, which loses power, or fails, at the operation that a
 * test names.  What was not synced when the power went may be there or not, sector by
 * sector: a seed decides.
 *
 * An operation is whatever changes the disk: a write, a sync, a truncation, a deletion.
 * One disk at a time; connections of one thread. */
#ifndef CARETAKER_TESTS_FAKE_FAKE_DISK_H
#define CARETAKER_TESTS_FAKE_FAKE_DISK_H

#include <stddef.h>
#include <stdint.h>

struct fake_disk;

/* From now on SQLite opens its files on this disk, which is empty, whatever the folder;
 * until fake_disk_free().  Aborts the test where there is no memory. */
struct fake_disk *fake_disk_new(void);
/* All connections are closed before. */
void fake_disk_free(struct fake_disk *d);

uint64_t fake_disk_operations(const struct fake_disk *d); /* Since the start. */
uint64_t fake_disk_bytes_written(const struct fake_disk *d);
/* Of the file whose path ends so; 0: there is none. */
size_t fake_disk_size(const struct fake_disk *d, const char *suffix);

enum fake_disk_fault {
    FAKE_DISK_WELL,
    FAKE_DISK_FAILS, /* That operation fails, as a bad sector would; later ones do not.
                      */
    FAKE_DISK_FULL,  /* From there on nothing may grow, until it is well again. */
    FAKE_DISK_POWER  /* From there on nothing happens any more. */
};
/* `operation` counts from 1 and from the start. */
void
fake_disk_plan(struct fake_disk *d, enum fake_disk_fault fault, uint64_t operation);
/* What the disk holds when the power is back; all connections are closed before.
 * Seed 0: nothing of what was not synced; 1: all of it; others: some of it. */
void fake_disk_power_on(struct fake_disk *d, uint64_t seed);

/* Turns bits round, as an old flash card does. */
void
fake_disk_flip(struct fake_disk *d, const char *suffix, size_t offset, uint8_t bits);

#endif
