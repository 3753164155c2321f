#!/usr/bin/python3
"""The journal's chain: it holds through kill -9, an independent verifier agrees, and
whatever somebody does to the database by hand is found and named."""
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import time
import unittest

from estate import Estate, free_port, wait_for

KILLS = 12
PUMPS = range(1, 4)
RULES = """
rules:
  - id: hot
    applies_to: {type: pump}
    when: bearing > 80 °C
    clear: bearing < 75 °C
    severity: urgent
    group: heat
  - id: warm
    applies_to: {type: pump}
    when: bearing > 70 °C
    hold: 100ms
    severity: normal
    group: heat
  - id: dry
    applies_to: {type: pump}
    when: flow < 5
    severity: critical
"""
SITE = """
history: {flush: 100ms}
tickets: {verify_for: 200ms, follow_up: 1s}
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 20s}]
devices:
"""
DEVICE = """
  - id: pump-%(n)d
    type: pump
    bus: plant
    unit: %(n)d
    poll: 100ms
    points:
      bearing: {register: input 0, type: s16, scale: 0.1, unit: °C}
      flow: {register: input 1, scale: 0.1}
"""
UNIT = """
      - unit: %(n)d
        id: pump-%(n)d
        points:
          bearing: {register: input 0, type: s16, scale: 0.1, signal: 60}
          flow: {register: input 1, scale: 0.1, signal: 20}
"""
COLUMNS = ("seq", "t", "name", "device", "rule", "ticket", "person", "json", "peer", "more")
UNLOCK = "drop trigger if exists events_stay; drop trigger if exists events_stand;"


def form(row):
    """The columns of a row as the manual page has them."""
    out = b""
    for value in row:
        if value is None:
            letter, content = b"n", b""
        elif isinstance(value, int):
            letter, content = b"i", str(value).encode()
        else:
            letter, content = b"t", value.encode()
        out += letter + str(len(content)).encode() + b":" + content + b","
    return out


def chained(before, row):
    return hashlib.sha256(before + form(row)).digest()


def read_journal(path):
    db = sqlite3.connect(path, timeout=20)
    try:
        rows = db.execute(f"select {', '.join(COLUMNS)}, hash from events order by seq").fetchall()
        head = db.execute("select value from meta where key = 'journal_head'").fetchone()
        return [(r[:-1], r[-1]) for r in rows], head[0] if head else None
    finally:
        db.close()


def verify(path):
    """The whole chain, by nothing of ours; returns the head."""
    rows, head = read_journal(path)
    before, seq = bytes(32), 0
    for row, stored in rows:
        seq += 1
        assert row[0] == seq, (row, seq)
        before = chained(before, row)
        assert before == stored, row
    assert head == f"{seq}:{before.hex()}", (head, seq)
    return head


class Journal(unittest.TestCase):
    """One life of a daemon that is killed again and again; then its database is tampered
    with, each time from the same state."""

    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
        print(f"SEED={cls.seed}", flush=True)
        cls.dice = random.Random(cls.seed)
        port = free_port()
        cls.e = e = Estate(broker=True, rules=RULES)
        cls.addClassCleanup(e.close)
        e.write_site(SITE % port + "".join(DEVICE % {"n": n} for n in PUMPS))
        cls.simulator = e.simulate(
            f'slaves:\n  - tcp: "127.0.0.1:{port}"\n    units:\n'
            + "".join(UNIT % {"n": n} for n in PUMPS))
        cls.ear = e.subscribe()
        cls.database = e.path("data/state.db")
        cls.live()
        cls.pristine = e.path("pristine.db")
        db = sqlite3.connect(cls.database)
        db.execute("pragma wal_checkpoint(truncate)")
        db.close()
        shutil.copy(cls.database, cls.pristine)
        cls.rows, cls.head = read_journal(cls.pristine)

    @classmethod
    def check(cls, *words, status=0):
        done = cls.e.run("check", "--journal", "--json", *words)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    @classmethod
    def work(cls):
        """What people and machines do for a while."""
        for _ in range(12):
            pump = f"pump-{cls.dice.choice(PUMPS)}"
            if cls.dice.random() < 0.6:
                cls.simulator.set(pump, "bearing", cls.dice.choice([60, 72, 78, 90]))
            else:
                cls.simulator.set(pump, "flow", cls.dice.choice([1, 20]))
            for t in cls.e.rows("state", "select number from tickets where state <> 'closed' order by random() limit 1"):
                what = cls.dice.choice(["take", "arrive", "wait", "resume", "resolve", "note"])
                note = ["why: parts"] if what in ("wait", "resolve", "note") else []
                cls.e.run("ticket", what, t["number"], *note, "--by", cls.dice.choice(["li", "wang 王"]))
            for a in cls.e.rows("state", "select device, rule from alarms where state = 'active' limit 1"):
                cls.e.run("ack", a["device"], a["rule"], "--by", "li")

    @classmethod
    def live(cls):
        e = cls.e
        for n in range(KILLS):
            e.start()
            cls.work()
            if n % 3 == 0:  # Beside the daemon that writes.
                assert cls.check()["proven"]
            # Not a wait: the moment of the kill is what is being chosen.
            time.sleep(cls.dice.uniform(0, 0.3))
            e.daemon.kill()
            verdict = cls.check()
            assert verdict["proven"] and verdict["head"] == verify(cls.database), verdict
        e.start()
        for n in PUMPS:
            cls.simulator.set(f"pump-{n}", "bearing", 60)
            cls.simulator.set(f"pump-{n}", "flow", 20)
        wait_for(lambda: e.status()["alarms"]["active"] == 0, "the end of all alarms")
        for t in e.listing("tickets"):
            e.run("ticket", "resume", t["number"], "--by", "li")
            e.run("ticket", "resolve", t["number"], "done", "--by", "li")
        cls.simulator.set("pump-1", "bearing", 90)  # One is open at the end.
        wait_for(lambda: e.listing("tickets"), "an open ticket")
        e.wait_drained()
        e.stop()
        count = len(read_journal(cls.database)[0])
        wait_for(lambda: len({v["seq"] for v in cls.ear.events()}) == count, "all events")
        cls.heard = {v["seq"]: v["hash"] for v in cls.ear.events()}

    # ---- as it was written ----

    def restore(self):
        for end in ("", "-wal", "-shm"):
            if os.path.exists(self.database + end):
                os.remove(self.database + end)
        shutil.copy(self.pristine, self.database)

    def setUp(self):
        self.restore()

    def tamper(self, sql, *values):
        db = sqlite3.connect(self.database)
        with db:
            db.executescript(UNLOCK)
            db.execute(sql, values)
        db.close()

    def find(self, *words):
        verdict = self.check(*words, status=1)
        self.assertFalse(verdict["proven"])
        self.assertEqual(verdict["count"], len(verdict["findings"]))
        return verdict["findings"]

    def rows_found(self, *words):
        return {(f["kind"], f.get("first"), f.get("last")) for f in self.find(*words)
                if f["kind"] not in ("ticket", "alarm")}

    def test_what_was_written_is_proven_and_the_verifier_agrees(self):
        verdict = self.check()
        self.assertTrue(verdict["proven"])
        self.assertEqual(verdict["findings"], [])
        self.assertEqual(verdict["head"], verify(self.database))
        self.assertEqual(verdict["events"], len(self.rows))
        self.assertGreater(verdict["events"], 50)
        self.assertGreater(verdict["tickets"], 2)
        self.assertIn("journal: ok", self.e.ok("check", "--journal"))
        self.assertTrue(self.check("--head", self.head)["proven"])
        middle = len(self.rows) // 2
        self.assertTrue(self.check("--head", f"{middle}:{self.rows[middle - 1][1].hex()}")["proven"])

    def test_the_brokers_log_keeps_each_head(self):
        self.assertEqual(self.heard, {row[0]: stored.hex() for row, stored in self.rows})

    def test_the_lines_of_the_contract_are_as_they_were(self):
        for row, _ in self.rows:
            keys = list(json.loads(row[7]))
            self.assertEqual(keys[:2], ["t", "event"])
            if row[2] == "ticket.opened":
                self.assertEqual(keys[:7], ["t", "event", "ticket", "device", "rule", "priority", "kind"])
                self.assertFalse(any(k.endswith("_ms") for k in keys))

    def test_merge_patches_give_the_rows_of_all_tickets(self):
        """The fold by SQL alone: RFC 7396, as the manual page says."""
        db = sqlite3.connect(self.database)
        db.row_factory = sqlite3.Row
        for ticket in db.execute("select * from ticket").fetchall():
            row = {}
            for (more,) in db.execute("select more from events where ticket = ? and more is not null"
                                      " order by seq", (ticket["number"],)):
                patch = json.loads(more)
                row = {} if "number" in patch else row
                row.update(patch)
            row.pop("evidence", None)  # A hash; no column.
            row = {k: v for k, v in row.items() if v not in (None, 0, "")}
            table = {k: ticket[k] for k in ticket.keys() if ticket[k] not in (None, 0, "")}
            if "parts" in table:
                table["parts"] = json.loads(table["parts"])
            self.assertEqual(row, table)
        db.close()

    # ---- tampered with ----

    def test_the_fence_stands_first(self):
        db = sqlite3.connect(self.database)
        for sql in ("update events set person = 'nobody'", "delete from events where seq = 3"):
            with self.assertRaisesRegex(sqlite3.Error, "only grows"):
                db.execute(sql)
        db.close()

    CHANGES = {
        "t": "t + 1", "name": "'alarm.sung'", "device": "coalesce(device, '') || 'x'",
        "rule": "coalesce(rule, '') || 'x'", "ticket": "coalesce(ticket, 0) + 100",
        "person": "'nobody'", "json": "json || ' '", "peer": "'uid=0 pid=1'",
        "more": "'{}'",
    }

    def test_a_change_of_any_column_of_any_row_is_found_and_named(self):
        last = len(self.rows)
        for seq in (1, last // 2, last):
            for column, value in self.CHANGES.items():
                with self.subTest(seq=seq, column=column):
                    self.restore()
                    self.tamper(f"update events set {column} = {value} where seq = ?", seq)
                    self.assertEqual(self.rows_found(), {("changed", seq, seq)})

    def test_a_changed_hash_is_found_and_named(self):
        last = len(self.rows)
        for seq in (1, last // 2, last):
            for value in ("zeroblob(32)", "x''", "randomblob(32)"):
                with self.subTest(seq=seq, value=value):
                    self.restore()
                    self.tamper(f"update events set hash = {value} where seq = ?", seq)
                    self.assertEqual(self.rows_found(), {("rehashed", seq, seq)})

    def test_a_null_is_no_empty_text(self):
        seq = next(row[0] for row, _ in self.rows if row[6] is None)
        self.tamper("update events set person = '' where seq = ?", seq)
        self.assertEqual(self.rows_found(), {("changed", seq, seq)})

    def test_text_cannot_move_between_columns(self):
        seq, device, rule = next((r[0], r[3], r[4]) for r, _ in self.rows if r[4] == "hot")
        self.tamper("update events set device = ?, rule = ? where seq = ?",
                    device + rule[0], rule[1:], seq)
        self.assertEqual(self.rows_found(), {("changed", seq, seq)})

    def test_a_removed_row_is_found_wherever_it_was(self):
        last = len(self.rows)
        for first, end, kind in ((1, 1, "gone"), (1, 3, "gone"), (20, 20, "gone"), (20, 29, "gone"),
                                 (last, last, "cut"), (last - 4, last, "cut"), (1, last, "cut")):
            with self.subTest(first=first, end=end):
                self.restore()
                self.tamper("delete from events where seq between ? and ?", first, end)
                self.assertEqual(self.rows_found(), {(kind, first, end)})

    def test_a_row_that_is_moved_is_found(self):
        last = len(self.rows)
        self.tamper("update events set seq = 100000 where seq = 20")
        self.assertEqual(self.rows_found(), {("gone", 20, 20), ("added", last + 1, 100000)})
        self.restore()
        self.tamper("update events set seq = 0 where seq = 20")
        self.assertEqual(self.rows_found(), {("gone", 20, 20), ("added", 0, 0)})

    def test_two_rows_that_change_places_are_found(self):
        columns = ", ".join(COLUMNS[1:]) + ", hash"
        self.tamper("update events set seq = -1 where seq = 20")
        db = sqlite3.connect(self.database)
        with db:
            db.execute("update events set seq = 20 where seq = 30")
            db.execute("update events set seq = 30 where seq = -1")
        self.assertEqual(db.execute(f"select count(*) from (select {columns} from events)").fetchone()[0],
                         len(self.rows))
        db.close()
        found = self.rows_found()
        named = {n for kind, first, end in found if kind == "changed" for n in range(first, end + 1)}
        self.assertLessEqual({20, 30}, named)
        self.assertLessEqual(named, {20, 21, 30, 31})

    def forge(self, row):
        """A row with a hash that follows on the last one."""
        return chained(self.rows[-1][1], row)

    def test_a_row_that_was_added_is_found(self):
        last = len(self.rows)
        row = (last + 1, 1, "ticket.closed", "pump-1", None, None, "nobody", "{}", None, None)
        for hash_ in (b"", self.forge(row)):
            with self.subTest(hash=hash_):
                self.restore()
                self.tamper(f"insert into events ({', '.join(COLUMNS)}, hash) values (?,?,?,?,?,?,?,?,?,?,?)",
                            *row, hash_)
                self.assertEqual(self.rows_found(), {("added", last + 1, last + 1)})

    def write_anew(self, rows, head=True):
        """Whoever can write to the file can write all of it, and the head."""
        before = bytes(32)
        db = sqlite3.connect(self.database)
        with db:
            db.executescript(UNLOCK)
            db.execute("delete from events")
            for row in rows:
                before = chained(before, row)
                db.execute(f"insert into events ({', '.join(COLUMNS)}, hash) values (?,?,?,?,?,?,?,?,?,?,?)",
                           (*row, before))
            if head:
                db.execute("update meta set value = ? where key = 'journal_head'",
                           (f"{rows[-1][0]}:{before.hex()}",))
        db.close()

    def test_one_row_with_a_new_hash_breaks_the_chain_behind_it(self):
        row = list(self.rows[19][0])
        row[6] = "nobody"
        self.tamper("update events set person = 'nobody', hash = ? where seq = 20",
                    chained(self.rows[18][1], row))
        self.assertEqual(self.rows_found(), {("changed", 21, 21)})
        text = self.find()[0]["text"]
        self.assertIn("row 20", text)

    def test_a_tail_written_anew_is_found_by_the_head(self):
        rows = [list(row) for row, _ in self.rows]
        rows[19][6] = "nobody"
        self.write_anew(rows, head=False)
        last = len(rows)
        self.assertEqual(self.rows_found(), {("other-head", last, last)})
        self.write_anew(rows)
        self.assertTrue(self.check()["proven"])  # Nothing inside of the file can tell.
        self.assertEqual(self.rows_found("--head", self.head), {("other-kept", last, last)})
        kept = f"25:{self.rows[24][1].hex()}"  # Any line of the broker's log.
        self.assertEqual(self.rows_found("--head", kept), {("other-kept", 25, 25)})
        before = f"15:{self.rows[14][1].hex()}"
        self.assertTrue(self.check("--head", before)["proven"])

    def test_a_tail_cut_off_with_its_head_is_found_by_the_kept_one(self):
        rows = [row for row, _ in self.rows][:-5]
        self.write_anew(rows)
        last = len(self.rows)
        self.assertEqual(self.rows_found("--head", self.head), {("cut", last - 4, last)})

    def test_a_change_of_the_head_is_found(self):
        last = len(self.rows)
        for sql, found in (
                ("delete from meta where key = 'journal_head'", ("no-head", None, None)),
                ("update meta set value = 'x' where key = 'journal_head'", ("no-head", None, None)),
                ("update meta set value = 7 where key = 'journal_head'", ("no-head", None, None)),
                (f"update meta set value = '{last}:' || hex(zeroblob(32)) where key = 'journal_head'",
                 ("other-head", last, last)),
                (f"update meta set value = '{last + 2}:' || hex(zeroblob(32)) where key = 'journal_head'",
                 ("cut", last + 1, last + 2)),
                (f"update meta set value = '{last - 2}:{self.rows[-3][1].hex()}' where key = 'journal_head'",
                 ("added", last - 1, last))):
            with self.subTest(sql=sql):
                self.restore()
                self.tamper(sql)
                self.assertEqual(self.rows_found(), {found})

    def test_a_ticket_changed_by_hand_is_found_with_its_column(self):
        db = sqlite3.connect(self.pristine)
        columns = [(r[1], r[2]) for r in db.execute("pragma table_info(ticket)")][1:]
        number = db.execute("select max(number) from ticket").fetchone()[0]
        row = dict(zip([c for c, _ in columns], db.execute(
            f"select {', '.join(c for c, _ in columns)} from ticket where number = ?", (number,)).fetchone()))
        db.close()
        for column, type_ in columns:
            with self.subTest(column=column):
                value = (row[column] or 0) + 1 if type_ == "INTEGER" else (row[column] or "") + "x"
                if column == "parts":
                    value = '[{"name":"bearing","count":1,"cost":0}]'
                self.restore()
                self.tamper(f"update ticket set {column} = ? where number = ?", value, number)
                found = [(f["kind"], f["ticket"], f.get("field")) for f in self.find()]
                self.assertEqual(found, [("ticket", number, column)])

    def test_a_ticket_removed_or_added_by_hand_is_found(self):
        self.tamper("delete from ticket where number = 1")
        self.assertEqual([(f["kind"], f["ticket"]) for f in self.find()], [("ticket", 1)])
        self.restore()
        self.tamper("insert into ticket (number, kind, priority, state, episodes, reopened, respond_warned,"
                    " respond_breached, resolve_warned, resolve_breached, title)"
                    " values (9999, 'fault', 'urgent', 'closed', 1, 0, 0, 0, 0, 0, 'x')")
        self.assertEqual([(f["kind"], f["ticket"]) for f in self.find()], [("ticket", 9999)])

    def test_what_stands_behind_a_zero_byte_is_found(self):
        """SQLite keeps it, and what reads a text of C does not see it."""
        for column in ("json", "name"):
            with self.subTest(column=column):
                self.restore()
                self.tamper(f"update events set {column} = {column} || char(0) || 'x' where seq = 3")
                self.assertEqual(self.rows_found(), {("changed", 3, 3)})
        self.restore()
        self.tamper("update ticket set title = title || char(0) || 'x' where number = 1")
        self.assertEqual([(f["kind"], f["ticket"], f["field"]) for f in self.find()],
                         [("ticket", 1, "title")])

    def test_rows_before_the_first_and_far_behind_the_last_are_found(self):
        last = len(self.rows)
        for seq, first in ((0, 0), (-5, -5), (2**63 - 1, last + 1)):
            with self.subTest(seq=seq):
                self.restore()
                self.tamper("insert into events select ?, t, name, device, rule, ticket, person, json, peer,"
                            " more, hash from events where seq = 1", seq)
                self.assertEqual(self.rows_found(), {("added", first, seq)})

    def test_an_empty_journal_is_no_proof(self):
        for also, kinds in (("", {"cut"}), ("delete from meta where key = 'journal_head';", {"no-head"}),
                            ("delete from meta where key = 'journal_head'; delete from ticket;"
                             " delete from alarm;", {"no-head"})):
            with self.subTest(also=also):
                self.restore()
                db = sqlite3.connect(self.database)
                db.executescript(f"{UNLOCK} delete from events; {also}")
                db.close()
                self.assertEqual({kind for kind, _, _ in self.rows_found()}, kinds)

    def test_a_ticket_under_another_number_is_found_twice(self):
        self.tamper("update ticket set number = 9999 where number = 1")
        self.assertEqual({(f["kind"], f["ticket"]) for f in self.find()}, {("ticket", 1), ("ticket", 9999)})

    def test_a_hash_that_was_cut_short_is_found(self):
        self.tamper("update events set hash = substr(hash, 1, 31) where seq = 4")
        self.assertEqual(len(self.find()), 1)

    def test_an_alarm_changed_by_hand_is_found(self):
        for change in ("episode = episode + 1", "cleared_ms = case when cleared_ms is null then 1 end",
                       "state = 'odd'", "acked_by = 'nobody', acked_ms = 1"):
            with self.subTest(change=change):
                self.restore()
                self.tamper(f"update alarm set {change} where device = 'pump-1' and rule = 'hot'")
                self.assertEqual([f["kind"] for f in self.find()], ["alarm"])

    # ---- and the daemon that finds it so ----

    def test_a_daemon_says_so_goes_on_and_covers_nothing_up(self):
        last = len(self.rows)
        self.tamper("delete from events where seq > ?", last - 3)
        self.e.start()
        self.e.daemon.wait_line("error", "the journal was changed from outside", f"event {last - 3}")
        bearing = 60  # The kept alarm stands; its end and a new one are new events.
        for bearing in (60, 90):
            self.simulator.set("pump-1", "bearing", bearing)
            wait_for(lambda b=bearing: (self.e.status()["alarms"]["active"] > 0) == (b == 90), "an alarm")
        self.e.stop()
        rows, _ = read_journal(self.database)
        self.assertGreater(rows[-1][0][0], last)
        self.assertEqual([r[0] for r, _ in rows if last - 3 < r[0] <= last], [])  # Never used again.
        self.assertEqual(self.rows_found(), {("gone", last - 2, last)})

    def test_a_row_added_before_the_daemon_went_on_is_still_found(self):
        last = len(self.rows)
        row = (last + 1, 1, "ticket.noted", "pump-1", None, None, "nobody", "{}", None, None)
        self.tamper(f"insert into events ({', '.join(COLUMNS)}, hash) values (?,?,?,?,?,?,?,?,?,?,?)",
                    *row, self.forge(row))
        self.e.start()
        self.e.daemon.wait_line("error", "the journal was changed from outside")
        self.simulator.set("pump-1", "bearing", 60)
        wait_for(lambda: self.e.status()["alarms"]["active"] == 0, "the end of the alarm")
        self.simulator.set("pump-1", "bearing", 90)
        wait_for(lambda: self.e.status()["alarms"]["active"] > 0, "an alarm")
        self.e.stop()
        self.assertEqual(self.rows_found(), {("added", last + 1, last + 1)})

    # ---- the command ----

    def test_statuses(self):
        os.remove(self.database)
        self.assertEqual(self.e.run("check", "--journal").returncode, 4)
        self.restore()
        for words in (["--head", "7"], ["--head", "7:" + "0" * 63], ["--plan"], ["x.yaml"]):
            self.assertEqual(self.e.run("check", "--journal", *words).returncode, 2, words)
        self.assertEqual(self.e.run("check", "--head", self.head).returncode, 2)

    def test_a_killed_check_leaves_the_daemon_alone(self):
        self.e.start()
        for _ in range(5):
            self.check()
        self.e.daemon.send(signal.SIGHUP)
        self.assertTrue(self.check()["proven"])
        self.e.stop()


if __name__ == "__main__":
    unittest.main()
