#!/usr/bin/python3
"""A year of an estate.  Replayed with a sample a minute: every figure of the report once more
by SQL.  Lived by the daemon and killed again and again: as if it had never been."""
import datetime
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

import test_report_site
import year
from estate import CARETAKER, check_sound, folders
from promised import MINUTE_MS, PRIORITIES, witness

# A year of samples needs no sanitizer to be judged; scripts/test says where this one is.
QUICK = os.environ.get("RELEASE", CARETAKER)
DRIVER = os.path.join(os.path.dirname(CARETAKER), "tests/daemon/pipeline/live/driver_kills")
KILLS = int(os.environ.get("YEAR_KILLS", "40"))
SEED = int(os.environ.get("SEED", "7"))
LATE_MS = 100  # A life that ended at a timer goes on 20 ms after it; several may.


def run(binary, *words, cwd):
    done = subprocess.run([binary, *[str(w) for w in words]], cwd=cwd, capture_output=True,
                          text=True, check=False)
    check_sound(words, done.stderr)
    return done


def new_folder(case, where=None):
    folder = tempfile.mkdtemp(prefix="caretaker-system.", dir=where)
    folders.append(folder)
    case.addClassCleanup(shutil.rmtree, folder)
    return folder


def events_of(folder):
    """In order; of the daemon itself, nothing: a year has few of its ticks."""
    db = sqlite3.connect(f"file:{folder}/state.db?mode=ro", uri=True)
    try:
        return [dict(json.loads(text), ms=t) for t, text in
                db.execute("SELECT t, json FROM events WHERE coalesce(device, '') <> 'gateway' "
                           "ORDER BY seq")]
    finally:
        db.close()


def facts():
    """The estate in the words of promised.py."""
    teams = [{"id": team, "escalate": [], "hours": {
        day: [f"{begin:02}:00-{end:02}:00"] for day in days}}
        for team, (days, begin, end) in year.HOURS.items()]
    teams[0]["escalate"] = [(after * MINUTE_MS, who) for after, who in year.ESCALATE]
    return {"zone": "Asia/Shanghai", "first": "2024-12-01", "last": "2026-03-31",
            "calendar": [], "priorities": PRIORITIES, "grace": year.GRACE_DAYS, "teams": teams,
            "rules": [{"id": name, "team": year.TEAM[i],
                       "respond_within": year.RESPOND_MIN[i] * MINUTE_MS}
                      for i, (name, *_) in enumerate(year.LEVELS)]}


class Checks(unittest.TestCase):
    """What is true of a journal of any year."""

    def check_deadlines(self, folder, end):
        """Each was told once, at its time, by a reckoning from the events alone."""
        _, tickets, events = witness(facts(), os.path.join(folder, "state.db"), end)
        told = [name for ticket in tickets.values() for _, name, _ in ticket.told]
        self.assertGreater(told.count("ticket.breached"), len(tickets) / 3)
        self.assertGreater(told.count("ticket.escalated"), 20)
        names = [name for _, name, _ in events]
        self.assertGreater(names.count("ticket.resumed"), 5)
        self.assertGreater(names.count("ticket.reopened"), 5)

    def check_life(self, events):
        """Alarms come and go by turns; a cause has one open ticket."""
        alarms, open_now = {}, {}
        for e in events:
            key = (e.get("device"), e.get("rule"))
            if e["event"] in ("alarm.raised", "alarm.cleared"):
                raised, episode = alarms.get(key, (False, 0))
                self.assertEqual(raised, e["event"] == "alarm.cleared", e)
                alarms[key] = (not raised, e["episode"])
                self.assertEqual(e["episode"], episode + (not raised), e)
            if e["event"] in ("ticket.opened", "ticket.reopened") and key[1]:
                self.assertEqual(open_now.setdefault(key, e["ticket"]), e["ticket"], e)
            if e["event"] == "ticket.closed" and key[1]:
                self.assertEqual(open_now.pop(key), e["ticket"], e)


class OfAMinute(Checks, test_report_site.Figures):
    """40 devices, 21 million samples."""

    @classmethod
    def setUpClass(cls):
        cls.top = new_folder(cls)
        cls.samples = year.write(cls.top)
        cls.folder = os.path.join(cls.top, "out")
        cls.devices = {d: d.split("-")[0] for d in year.devices(40)}
        cls.areas = {d: f"B{i % 3 + 1}" for i, d in enumerate(year.devices(40))}
        cls.replayed = run(QUICK, "replay", "-c", "site.yaml", "--commands", "staff.yaml",
                           "--state", "out", "--quiet", "year.csv", cwd=cls.top)

    def report(self, *words):
        done = run(QUICK, "report", "-c", "site.yaml", "--state", "out", "--json", *words,
                   cwd=self.top)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_every_figure_of_the_year(self):
        self.assertEqual(self.replayed.returncode, 0, self.replayed.stderr[-2000:])
        self.assertEqual(self.samples, 40 * 365 * 1440)
        self.compare("2025-01-01", "2026-01-01")
        rows = {r["key"]: r for r in self.period["availability"]}
        self.assertGreater(rows["all"]["unseen_h"], 24)
        self.assertGreater(self.tables["kinds"]["kind:planned"]["tickets"], 100)
        late = self.tables["deadlines"]["all"]
        self.assertTrue(5 < late["respond_met"] < 95, late)
        self.assertLess(self.tables["summary"]["first_time_fix"]["value"], 99)
        self.compare("2025-04-11", "2025-07-03")

    def test_every_deadline_was_told_once(self):
        events = events_of(self.folder)
        end = int((year.START + datetime.timedelta(minutes=365 * 1440 - 1)).timestamp() * 1000)
        self.check_deadlines(self.folder, end)
        self.check_life(events)
        self.assertGreater(len(events), 5000)


class Killed(Checks):
    """12 devices, by driver_kills; in memory, since power is not what is cut."""

    @classmethod
    def setUpClass(cls):
        shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        cls.top = new_folder(cls, shm)
        year.write(cls.top, count=12, seed=3, per_year=30, every=240)
        cls.lived, _ = cls.live("lived", 0)

    @classmethod
    def live(cls, name, kills, down=0):
        """The journal of a year of the daemon, and what the driver says of it."""
        with open(os.path.join(cls.top, "site.yaml"), encoding="utf-8") as site, \
                open(os.path.join(cls.top, f"{name}.yaml"), "w", encoding="utf-8") as own:
            own.write(site.read().replace("data: data", f"data: {name}"))
        done = run(DRIVER, f"{name}.yaml", "year.csv", "staff.yaml", kills, SEED, down,
                   cwd=cls.top)
        assert done.returncode == 0, done.stderr
        return events_of(os.path.join(cls.top, name)), json.loads(done.stdout)

    def of(self, name, sql):
        db = sqlite3.connect(os.path.join(self.top, name, "state.db"))
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def check_sound(self, name, kills):
        """The databases hold together, and the journal's chain is whole."""
        self.assertGreater(kills, KILLS / 2)
        for database in ("state", "history"):
            db = sqlite3.connect(os.path.join(self.top, name, f"{database}.db"))
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            db.close()
        done = run(CARETAKER, "check", "-c", f"{name}.yaml", "--journal", cwd=self.top)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("journal: ok", done.stdout)

    def replay(self, state, site, *logs):
        done = run(QUICK, "replay", "-c", site, "--commands", "staff.yaml", "--state",
                   state, "--quiet", *logs, cwd=self.top)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return events_of(os.path.join(self.top, state))

    @staticmethod
    def by_cause(events, without=(), leave_out=()):
        """Of each device and rule or plan: what happened, and when, in order."""
        out = {}
        for e in events:
            if e.get("rule") in without:
                continue
            times = [e["ms"]]
            if "due" in e:
                times.append(datetime.datetime.fromisoformat(
                    e["due"].replace("Z", "+00:00")).timestamp() * 1000)
            text = {k: v for k, v in e.items() if k not in ("t", "ms", "due", *leave_out)}
            out.setdefault((e.get("device"), e.get("rule"), e.get("plan")), []).append(
                (text, times))
        return out

    def check_same(self, got, expected):
        self.assertEqual(set(got), set(expected))
        for key, own in expected.items():
            self.assertEqual([text for text, _ in got[key]], [text for text, _ in own], key)
            for (text, times), (_, wanted) in zip(got[key], own):
                for t, w in zip(times, wanted):
                    self.assertTrue(0 <= t - w <= LATE_MS, (text, t, w))

    def test_unharmed_it_does_what_a_replay_does(self):
        self.assertEqual(self.lived, self.replay("replayed", "site.yaml", "year.csv"))
        self.assertGreater(len(self.lived), 4000)

    def test_killed_again_and_again_it_tells_what_it_would_have_told(self):
        events, made = self.live("killed", KILLS)
        self.check_sound("killed", made["kills"])
        self.check_same(self.by_cause(events, without=year.WINDOWS),
                        self.by_cause(self.lived, without=year.WINDOWS))
        self.check_deadlines(os.path.join(self.top, "killed"), events[-1]["ms"])
        self.check_life(events)
        # Of use, nothing is lost and nothing counted twice.
        used = "SELECT plan, device, round(used, 3) FROM plan ORDER BY 1, 2"
        self.assertEqual(self.of("killed", used), self.of("lived", used))
        rows = ("SELECT number, kind, device, rule, plan, state, assignee, team, level, episodes, "
                "reopened, respond_warned, respond_breached, resolve_warned, resolve_breached, "
                "minutes, cost, cause, proof FROM ticket ORDER BY number")
        self.assertEqual(self.of("killed", rows), self.of("lived", rows))
        # A start polls the devices once more, and windows see these samples too: a replay of
        # what the daemon itself recorded has them.  It has them by device, so that of one
        # moment the tickets may be numbered in another order.
        again = self.replay("again", "killed.yaml", "--from-history")
        self.check_same(self.by_cause(events, leave_out=["ticket"]),
                        self.by_cause(again, leave_out=["ticket"]))

    def test_down_for_hours_each_time_no_deadline_is_lost_and_none_fires_twice(self):
        events, made = self.live("down", KILLS, 240)
        self.check_sound("down", made["kills"])
        self.check_deadlines(os.path.join(self.top, "down"), events[-1]["ms"])
        self.check_life(events)
        # Some came due while nobody was there.
        late = [e for e in events if e["event"] in ("ticket.warned", "ticket.breached") and
                any(a < e["ms"] < b for a, b in made["down"])]
        self.assertGreater(len(late), 0)


if __name__ == "__main__":
    unittest.main()
