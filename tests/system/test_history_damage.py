#!/usr/bin/python3
"""A history that a flash card has spoiled: commands give what is whole and say once what is not; the daemon
begins a new file where there is nothing to be read, and raises an alarm."""
import os
import sqlite3
import unittest

from estate import Estate, free_port, wait_for
from test_history_care import recorded, verdict
from test_sql import LIVE, RULES, SLAVE


def spoil(estate, key):
    """Inverts a bit in the last byte of a chunk: the checksum of its last point."""
    with sqlite3.connect(estate.path("data/history.db")) as db:
        data = bytearray(db.execute("select bytes from chunk where key = ?", (key,)).fetchone()[0])
        data[-1] ^= 1
        db.execute("update chunk set bytes = ? where key = ?", (bytes(data), key))
    db.close()


class Damage(unittest.TestCase):
    def test_export_goes_on_behind_it(self):
        estate = recorded(self)
        whole = estate.ok("export").splitlines()
        spoil(estate, 1)
        done = estate.run("export")
        self.assertEqual(done.returncode, 0, done.stderr)
        rest = done.stdout.splitlines()
        self.assertLess(len(rest), len(whole))
        self.assertGreater(len(rest), len(whole) // 2)
        self.assertEqual([line for line in rest if line not in set(whole)], [])
        told = [line for line in done.stderr.splitlines() if "damaged" in line]
        self.assertEqual(len(told), 1, done.stderr)
        self.assertIn("1 damaged span", told[0])
        self.assertEqual(verdict(estate, 1)["count"], 1)

    def test_what_is_said_is_not_said_of_other_times(self):
        estate = recorded(self)
        spoil(estate, 1)
        done = estate.run("export", "--from", "2040-01-01", "--to", "2040-01-02")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("damaged", done.stderr)

    def test_sql_goes_on_behind_it(self):
        estate = recorded(self)
        whole = int(estate.ok("sql", "--json", "select count(*) as n from samples").split(":")[1].split("}")[0])
        spoil(estate, 1)
        done = estate.run("sql", "--json", "select count(*) as n from samples")
        self.assertEqual(done.returncode, 0, done.stderr)
        rest = int(done.stdout.split(":")[1].split("}")[0])
        self.assertTrue(whole // 2 < rest < whole, (rest, whole))
        self.assertIn("damaged span", done.stderr)

    def test_a_file_without_a_head_is_moved_and_alarmed(self):
        port = free_port()
        estate = Estate(rules=RULES)
        self.addCleanup(estate.close)
        estate.write_site(LIVE % port)
        estate.simulate(SLAVE % port)
        estate.start()
        wait_for(lambda: len(estate.run("export").stdout.splitlines()) > 10, "some samples")
        estate.stop()
        path = estate.path("data/history.db")
        for end in ("-wal", "-shm"):
            if os.path.exists(path + end):
                os.remove(path + end)
        with open(path, "r+b") as f:
            f.write(bytes(1024))
        estate.start()
        self.assertTrue([n for n in os.listdir(estate.path("data")) if n.startswith("history.db.damaged-")])
        wait_for(lambda: len(estate.run("export").stdout.splitlines()) > 10, "the new file is written")
        self.assertEqual(estate.status()["history"]["damaged"], 1)


if __name__ == "__main__":
    unittest.main()
