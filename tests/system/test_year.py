#!/usr/bin/python3
"""A year of an estate.  Replayed with a sample a minute: every figure of the report once more
by SQL.  Lived by the daemon and killed again and again: as if it had never been."""
import bisect
import datetime
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import unittest
import zoneinfo

import test_report_site
import year
from estate import CARETAKER, check_sound, folders

# A year of samples needs no sanitizer to be judged; scripts/test says where this one is.
QUICK = os.environ.get("RELEASE", CARETAKER)
DRIVER = os.path.join(os.path.dirname(CARETAKER), "tests/daemon/pipeline/driver_kills")
KILLS = int(os.environ.get("YEAR_KILLS", "40"))
SEED = int(os.environ.get("SEED", "7"))
LATE_MS = 100  # A life that ended at a timer goes on 20 ms after it; several may.
ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")
HOUR = 3600000
RESOLVE_H = {"critical": 0.5, "urgent": 2, "normal": 24}


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


# ---- Deadlines, once more ----

class Calendar:
    """The working time of one team: when it begins and ends, all the year."""

    def __init__(self, days, begin, end):
        first = datetime.datetime(2024, 12, 30, tzinfo=ZONE)  # A Monday.
        starts = [first + datetime.timedelta(days=n) for n in range(430) if n % 7 in days]
        self.spans = [tuple(int((day + datetime.timedelta(hours=h)).timestamp() * 1000)
                            for h in (begin, end)) for day in starts]
        self.ends = [e for _, e in self.spans]

    def between(self, a, b):
        return sum(max(0, min(b, end) - max(a, begin)) for begin, end in self.spans)

    def add(self, t, length):
        if length <= 0:
            return t
        for begin, end in self.spans[bisect.bisect_right(self.ends, t):]:
            here = end - max(t, begin)
            if length <= here:
                return max(t, begin) + length
            length -= here
        raise AssertionError("the calendar is too short")


class AllTime:
    @staticmethod
    def between(a, b):
        return b - a

    @staticmethod
    def add(t, length):
        return t + length


CALENDARS = {team: Calendar(*hours) for team, hours in year.HOURS.items()}


class Clock:
    """One deadline of a ticket."""

    def __init__(self, name, calendar, t, by):
        self.name, self.calendar = name, calendar
        whole = calendar.between(t, by)
        self.due = {"ticket.warned": max(calendar.add(t, int(whole * 4 // 5)), t),
                    "ticket.breached": by}
        self.stopped = False
        self.waits = None

    def told(self, until):
        """What is told up to then, and never again."""
        out = []
        for name, at in list(self.due.items()):
            if not self.stopped and self.waits is None and at <= until:
                out.append((self.name, name, at))
                del self.due[name]
        return out

    def resume(self, t):
        self.due = {name: self.calendar.add(t, self.calendar.between(self.waits, at))
                    for name, at in self.due.items()}
        self.waits = None


def clocks_of(first, t):
    """Both clocks of a ticket that opened with the event `first`, from t on."""
    calendar, team = AllTime, first.get("team")
    if first["priority"] == "normal":
        calendar = CALENDARS[team or "electrical"]
    if first["kind"] == "planned":  # To be made by the end of its day and grace.
        day = datetime.datetime.fromisoformat(first["due"].replace("Z", "+00:00"))
        day = day.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        day += datetime.timedelta(days=year.GRACE_DAYS[first["plan"]] + 1)
        return {"resolve": Clock("resolve", calendar, t, max(t, int(day.timestamp() * 1000)))}
    level = [name for _, name, *_ in year.LEVELS].index(first["priority"])
    return {"respond": Clock("respond", calendar, t,
                             calendar.add(t, year.RESPOND_MIN[level] * 60000)),
            "resolve": Clock("resolve", calendar, t,
                             calendar.add(t, int(RESOLVE_H[first["priority"]] * HOUR)))}


def deadlines_of(events, end):
    """(what is to be told, what was told) of one ticket, from its own events."""
    expected, told, clocks = [], [], {}
    for e in events:
        name, t = e["event"], e["ms"]
        if name in ("ticket.warned", "ticket.breached"):
            told.append((e["deadline"], name, t))
            continue
        for clock in clocks.values():
            expected += clock.told(t)
        if name in ("ticket.opened", "ticket.reopened"):
            clocks = clocks_of(events[0], t)
        elif name == "ticket.waiting":
            clocks["resolve"].waits = t
        elif name == "ticket.resumed":
            clocks["resolve"].resume(t)
        elif name in ("ticket.responded", "ticket.resolved"):
            for clock in clocks.values():
                clock.stopped |= name == "ticket.resolved" or clock.name == "respond"
    for clock in clocks.values():
        expected += clock.told(end)
    return sorted(expected, key=str), sorted(told, key=str)


class Checks(unittest.TestCase):
    """What is true of a journal of any year."""

    def check_deadlines(self, events, end):
        tickets = {}
        for e in events:
            if e["event"].startswith("ticket."):
                tickets.setdefault(e["ticket"], []).append(e)
        count = 0
        for number, own in tickets.items():
            expected, told = deadlines_of(own, end)
            self.assertEqual(told, expected, (number, own))
            count += len(told)
        self.assertGreater(count, len(tickets) / 2)
        self.assertGreater(sum(e["event"] == "ticket.resumed" for e in events), 5)
        self.assertGreater(sum(e["event"] == "ticket.reopened" for e in events), 5)

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
        self.check_deadlines(events, end)
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
        self.check_deadlines(events, events[-1]["ms"])
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
        self.check_deadlines(events, events[-1]["ms"])
        self.check_life(events)
        # Some came due while nobody was there.
        late = [e for e in events if e["event"] in ("ticket.warned", "ticket.breached") and
                any(a < e["ms"] < b for a, b in made["down"])]
        self.assertGreater(len(late), 0)


if __name__ == "__main__":
    unittest.main()
