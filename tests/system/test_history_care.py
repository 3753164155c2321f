#!/usr/bin/python3
"""The history looked after: check --history finds every bit that changed and names what it hits; backup
copies both databases while the daemon writes, and a copy put back has the same samples."""
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import unittest

from estate import CARETAKER, Estate, free_port, wait_for
from test_sql import LIVE, RULES, SITE, SLAVE, log


def recorded(test):
    estate = Estate(site=SITE + "history: {keep: 10y}\n")
    test.addCleanup(estate.close)
    estate.write("log.csv", "\n".join(log()) + "\n")
    estate.ok("import", "log.csv")
    return estate


def verdict(estate, status):
    done = estate.run("check", "--history", "--json")
    assert done.returncode == status, (done.returncode, done.stderr, done.stdout)
    return json.loads(done.stdout)


class Check(unittest.TestCase):
    def test_a_whole_history(self):
        estate = recorded(self)
        v = verdict(estate, 0)
        self.assertEqual((v["whole"], v["count"], v["findings"], v["set_aside"]), (True, 0, [], 0))
        self.assertEqual(v["samples"], len(estate.ok("export").splitlines()) - 1)
        self.assertGreater(v["chunks"], 0)
        self.assertGreater(v["rollups"], 0)
        text = estate.ok("check", "--history")
        self.assertIn("history: ok: 4800 samples", text)

    def test_no_history(self):
        estate = Estate(site=SITE)
        self.addCleanup(estate.close)
        done = estate.run("check", "--history")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("history.db", done.stderr)

    def test_two_questions(self):
        estate = recorded(self)
        for words in (("--journal", "--history"), ("--history", "--plan"), ("--history", "x.yaml")):
            self.assertEqual(estate.run("check", *words).returncode, 2, words)

    def test_every_changed_bit_of_a_chunk_is_found_and_named(self):
        estate = recorded(self)
        path = estate.path("data/history.db")
        draw = random.Random(4)
        with sqlite3.connect(path) as db:
            rows = db.execute("select c.key, d.id, c.bytes from chunk c join device d on d.key = c.device").fetchall()
        db.close()
        for _ in range(25):
            key, device, whole = draw.choice(rows)
            bytes_ = bytearray(whole)
            at = draw.randrange(len(bytes_))
            bytes_[at] ^= 1 << draw.randrange(8)
            with sqlite3.connect(path) as db:
                db.execute("update chunk set bytes = ? where key = ?", (bytes(bytes_), key))
            db.close()
            v = verdict(estate, 1)
            self.assertEqual({(f["part"], f["row"], f["device"]) for f in v["findings"]}, {("chunk", key, device)}, at)
            self.assertIn(device, estate.run("check", "--history").stdout)
            with sqlite3.connect(path) as db:
                db.execute("update chunk set bytes = ? where key = ?", (whole, key))
            db.close()
        verdict(estate, 0)

    def test_what_the_tables_say_is_checked(self):
        estate = recorded(self)
        path = estate.path("data/history.db")
        wrong = {"times": "update chunk set t1 = t1 + 1", "count": "update chunk set samples = samples - 1",
                 "name": "delete from point where id = 'running'",
                 "unreadable": "update rollup set bytes = x'00' where key = (select min(key) from rollup)"}
        for fault, statement in wrong.items():
            shutil.copy(path, path + ".kept")
            with sqlite3.connect(path) as db:
                db.execute(statement)
            db.close()
            faults = {f["fault"] for f in verdict(estate, 1)["findings"]}
            self.assertEqual(faults, {fault}, statement)
            os.replace(path + ".kept", path)

    def test_a_torn_page(self):
        estate = recorded(self)
        path = estate.path("data/history.db")
        with sqlite3.connect(path) as db:
            db.execute("pragma wal_checkpoint(truncate)")
            (page_bytes,), (root,) = (db.execute("pragma page_size").fetchone(), db.execute(
                "select rootpage from sqlite_schema where name = 'chunk'").fetchone())
        db.close()
        with open(path, "r+b") as f:
            f.seek((root - 1) * page_bytes)
            f.write(b"\xff" * (page_bytes // 2))
        v = verdict(estate, 1)
        self.assertIn("structure", {f["fault"] for f in v["findings"]})


    def test_a_file_that_cannot_be_read_at_all(self):
        estate = recorded(self)
        path = estate.path("data/history.db")
        with open(path, "r+b") as f:
            f.write(b"no database " * 100)
        self.assertEqual({(f["part"], f["fault"]) for f in verdict(estate, 1)["findings"]}, {("file", "structure")})


class Backup(unittest.TestCase):
    def test_while_the_daemon_writes_and_back(self):
        port = free_port()
        estate = Estate(rules=RULES)
        self.addCleanup(estate.close)
        estate.write_site(LIVE % port)
        estate.simulate(SLAVE % port)
        estate.start()
        wait_for(lambda: len(estate.run("export").stdout.splitlines()) > 40, "some samples")
        folder = estate.path("kept")
        os.mkdir(folder)
        made = json.loads(estate.ok("backup", "--json", folder))
        self.assertEqual([os.path.basename(m["file"]) for m in made], ["state.db", "history.db"])
        self.assertEqual([m["bytes"] for m in made], [os.path.getsize(m["file"]) for m in made])
        before = estate.ok("export")
        wait_for(lambda: len(estate.run("export").stdout) > len(before), "the daemon goes on")
        self.assertEqual(estate.status()["daemon"], "running")
        estate.stop()
        alarms = json.loads(estate.ok("alarms", "--json"))
        data = estate.path("data")
        shutil.rmtree(data)
        shutil.copytree(folder, data)
        back = estate.ok("export")
        self.assertTrue(before.startswith(back))
        self.assertGreater(len(back.splitlines()), 40)
        self.assertEqual([a["rule"] for a in json.loads(estate.ok("alarms", "--json"))], [a["rule"] for a in alarms])
        self.assertEqual(verdict(estate, 0)["count"], 0)
        estate.start()  # It goes on with the copy.
        wait_for(lambda: len(estate.run("export").stdout) > len(back), "the daemon goes on with the copy")

    def test_nothing_is_overwritten_unasked(self):
        estate = recorded(self)
        copy = estate.path("copy.db")
        estate.ok("backup", copy)
        done = estate.run("backup", copy)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("--force", done.stderr)
        estate.write("copy.db-wal", "of another file")
        estate.ok("backup", "--force", copy)
        self.assertFalse(os.path.exists(copy + "-wal"))
        for words in ((), ("a", "b"), ("--state", estate.path("data"))):
            self.assertEqual(estate.run("backup", *words).returncode, 2, words)
        done = estate.run("backup", "--force", estate.path("data/history.db"))
        self.assertIn("the database itself", done.stderr)
        done = estate.run("backup", estate.path("nowhere/copy.db"))
        self.assertEqual(done.returncode, 4)
        self.assertIn("nowhere", done.stderr)
        verdict(estate, 0)

    def test_a_backup_that_is_cut_off_leaves_nothing_of_that_name(self):
        estate = recorded(self)
        with sqlite3.connect(estate.path("data/history.db")) as db:  # Large enough to be met.
            db.execute("create table ballast (b)")
            db.executemany("insert into ballast values (randomblob(1000000))", [()] * 60)
        db.close()
        copy = estate.path("copy.db")
        cut = 0
        for _ in range(10):
            p = subprocess.Popen([CARETAKER, "backup", "-c", estate.path("site.yaml"), copy],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for(lambda p=p: os.path.exists(copy + ".part") or p.poll() is not None, "the copy begins")
            p.send_signal(signal.SIGKILL)
            if p.wait() == -signal.SIGKILL:
                cut += 1
                self.assertFalse(os.path.exists(copy))
            else:
                os.remove(copy)
        self.assertGreater(cut, 0)
        estate.ok("backup", copy)
        self.assertFalse(os.path.exists(copy + ".part"))
        with sqlite3.connect(copy) as db:
            self.assertEqual(db.execute("pragma integrity_check").fetchall(), [("ok",)])
        db.close()


if __name__ == "__main__":
    unittest.main()
