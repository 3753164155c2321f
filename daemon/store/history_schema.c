#include "daemon/store/history_schema.h"

#include "daemon/store/db.h"

static const char version_1[] =
    "CREATE TABLE device ("
    "  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE point ("
    "  key INTEGER PRIMARY KEY, device INTEGER NOT NULL REFERENCES device (key),"
    "  id TEXT NOT NULL, UNIQUE (device, id)) STRICT;"
    "CREATE TABLE frame ("
    "  t INTEGER NOT NULL, device INTEGER NOT NULL, flags INTEGER NOT NULL,"
    "  samples BLOB NOT NULL) STRICT;"
    "CREATE INDEX frame_t ON frame (t, device);"
    "CREATE VIEW frames AS SELECT"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', frame.t / 1000.0, 'unixepoch') AS at,"
    "  device.id AS device, frame.flags & 1 AS clock_untrusted,"
    "  length(frame.samples) AS bytes"
    "  FROM frame JOIN device ON device.key = frame.device;";

/* Tables alone: what the old one holds moves later, in steps. */
static const char version_2[] =
    "DROP VIEW frames;"
    "CREATE TABLE tail ("
    "  seq INTEGER PRIMARY KEY, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,"
    "  untrusted INTEGER NOT NULL, shift INTEGER NOT NULL DEFAULT 0,"
    "  bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE chunk ("
    "  key INTEGER PRIMARY KEY, device INTEGER NOT NULL, t0 INTEGER NOT NULL,"
    "  t1 INTEGER NOT NULL, untrusted INTEGER NOT NULL,"
    "  shift INTEGER NOT NULL DEFAULT 0, samples INTEGER NOT NULL,"
    "  bytes BLOB NOT NULL) STRICT;"
    "CREATE INDEX chunk_device ON chunk (device, t0, key, t1);"
    "CREATE INDEX chunk_end ON chunk (t1, t0, device, untrusted);"
    "CREATE TABLE packed ("
    "  device INTEGER PRIMARY KEY, seq INTEGER NOT NULL,"
    "  rolled INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE rollup ("
    "  key INTEGER PRIMARY KEY, device INTEGER NOT NULL,"
    "  resolution INTEGER NOT NULL, t0 INTEGER NOT NULL, t1 INTEGER NOT NULL,"
    "  bytes BLOB NOT NULL) STRICT;"
    "CREATE INDEX rollup_device ON rollup (device, resolution, t0, key, t1);"
    "CREATE INDEX rollup_end ON rollup (resolution, t1, t0, device);"
    "CREATE TABLE clock ("
    "  key INTEGER PRIMARY KEY, boot TEXT NOT NULL, offset INTEGER NOT NULL,"
    "  shift INTEGER) STRICT;"
    "INSERT INTO clock (key, boot, offset) VALUES (1, '', 0);"
    "CREATE INDEX tail_untrusted ON tail (untrusted) WHERE untrusted <> 0;"
    "CREATE INDEX chunk_untrusted ON chunk (untrusted) WHERE untrusted <> 0;"
    "CREATE TABLE present (key INTEGER PRIMARY KEY, t INTEGER NOT NULL) STRICT;"
    "CREATE TABLE damaged ("
    "  key INTEGER PRIMARY KEY, found_at INTEGER NOT NULL, what TEXT NOT NULL,"
    "  row INTEGER NOT NULL, device INTEGER, t0 INTEGER NOT NULL,"
    "  t1 INTEGER NOT NULL, untrusted INTEGER NOT NULL, shift INTEGER NOT NULL,"
    "  why TEXT NOT NULL, bytes BLOB) STRICT;"
    "CREATE VIEW chunks AS SELECT device.id AS device,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', chunk.t0 / 1000.0, 'unixepoch') AS begins,"
    "  strftime('%Y-%m-%dT%H:%M:%fZ', chunk.t1 / 1000.0, 'unixepoch') AS ends,"
    "  chunk.untrusted <> 0 AS clock_untrusted, chunk.samples AS samples,"
    "  length(chunk.bytes) AS bytes"
    "  FROM chunk JOIN device ON device.key = chunk.device;";

const char *const history_schema[HISTORY_SCHEMA_VERSION] = {version_1, version_2};

int
history_has_frames(sqlite3 *db, bool *out, struct err *err)
{
    int64_t count = 0;
    int rc = db_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'frame'", 0,
                    &count, err);
    *out = count != 0;
    return rc;
}
