"""What was promised of every ticket, once more and in words of its own: from the events in the
journal of a state.db and from the site's teams, calendar and priorities, nothing else.

A clock is told by how much of the time that counts is left of it.  The time that counts is
found by laying out a team's days on the wall, minute by minute, and asking zoneinfo when the
wall shows them.
"""
import bisect
import datetime
import itertools
import json
import sqlite3
import zoneinfo

UTC = datetime.timezone.utc
DAY = datetime.timedelta(days=1)
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
PRIORITIES = {"normal": (2 * HOUR_MS, 24 * HOUR_MS), "urgent": (30 * MINUTE_MS, 2 * HOUR_MS),
              "critical": (15 * MINUTE_MS, 30 * MINUTE_MS)}
RANK = ["normal", "urgent", "critical"]


def ms_of(moment):
    return round(moment.timestamp() * 1000)


def ms_of_text(text):
    return ms_of(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")))


class Wall:
    def __init__(self, zone):
        self.zone = zoneinfo.ZoneInfo(zone)

    def first(self, date, minute):
        """The first instant at which the wall shows this; in a gap, the first behind it."""
        naive = datetime.datetime.combine(date, datetime.time()) + datetime.timedelta(
            minutes=minute)
        first = naive.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        if first.astimezone(self.zone).replace(tzinfo=None) == naive:
            return ms_of(first)
        while (first - datetime.timedelta(minutes=1)).astimezone(self.zone).replace(
                tzinfo=None) > naive:
            first -= datetime.timedelta(minutes=1)
        return ms_of(first)

    def date(self, t):
        return datetime.datetime.fromtimestamp(t / 1000, UTC).astimezone(self.zone).date()


def minutes_of(clock):
    return int(clock[:2]) * 60 + int(clock[3:])


def span_of(text):
    begin, end = (minutes_of(clock) for clock in text.split("-"))
    return begin, end if end > begin else end + 1440


class AllTime:
    """Every moment counts."""

    def counted(self, a, b):
        return max(0, b - a)

    def after(self, t, work):
        return t + work

    def before(self, t, work):
        return t - work

    def next(self, t):
        return t


class TeamTime:
    """The moments at which a team works on what is normal, in some weeks."""

    def __init__(self, wall, team, calendar, first, last):
        self.begins, self.ends = [], []
        day = first
        while day <= last:
            self.add_day(wall, day, self.minutes(team, calendar, day))
            day += DAY
        self.sums = [0, *itertools.accumulate(e - b for b, e in zip(self.begins, self.ends))]

    @staticmethod
    def like(calendar, day):
        """The weekday that a date is worked like; None: it is not."""
        for entry in calendar:
            if entry["from"] <= day.isoformat() <= entry["to"]:
                return 0 if entry.get("working") else None
        return day.weekday()

    def minutes(self, team, calendar, day):
        worked = set()
        hours = team.get("hours")
        if hours is None:
            worked = set(range(1440))
        else:
            for other, shift in ((day, 0), (day - DAY, 1440)):
                for span in hours.get(self.like(calendar, other), []):
                    begin, end = span_of(span)
                    worked |= {m - shift for m in range(begin, end) if 0 <= m - shift < 1440}
        if "quiet" in team:
            begin, end = span_of(team["quiet"])
            worked -= {m % 1440 for m in range(begin, end)}
        return worked

    def add_day(self, wall, day, worked):
        for minute in sorted(worked):
            if minute - 1 in worked:
                continue
            end = minute
            while end in worked:
                end += 1
            a, b = wall.first(day, minute), wall.first(day, end)
            if self.ends and a < self.ends[-1]:
                a = self.ends[-1]
            if a < b:
                self.begins.append(a)
                self.ends.append(b)

    def total(self, t):
        i = bisect.bisect_right(self.begins, t)
        return self.sums[i] - (max(0, self.ends[i - 1] - t) if i > 0 else 0)

    def counted(self, a, b):
        return self.total(b) - self.total(a) if a < b else 0

    def after(self, t, work):
        if work == 0:
            return t
        i = bisect.bisect_left(self.sums, self.total(t) + work) - 1
        return self.begins[i] + self.total(t) + work - self.sums[i]

    def before(self, t, work):
        if work == 0:
            return t
        i = bisect.bisect_right(self.sums, self.total(t) - work) - 1
        return self.begins[i] + self.total(t) - work - self.sums[i]

    def next(self, t):
        i = bisect.bisect_right(self.ends, t)
        return max(t, self.begins[i])


class Site:
    """The facts of a site as a dict (see site_text() of test_deadlines.py)."""

    def __init__(self, facts):
        self.facts = facts
        self.wall = Wall(facts["zone"])
        self.teams = {team["id"]: team for team in facts["teams"]}
        self.rules = {rule["id"]: rule for rule in facts["rules"]}
        first = datetime.date.fromisoformat(facts["first"])
        last = datetime.date.fromisoformat(facts["last"])
        self.times = {
            name: TeamTime(self.wall, team, facts["calendar"], first, last)
            for name, team in self.teams.items() if "hours" in team or "quiet" in team}

    def time_of(self, team, priority):
        if priority != "normal" or team not in self.times:
            return AllTime()
        return self.times[team]

    def on_duty(self, team, t):
        """Who has the duty that t is in; None without a rota."""
        rota = self.teams.get(team, {}).get("rota")
        if rota is None:
            return None
        day = self.wall.date(t) + DAY
        while self.wall.first(day, minutes_of(rota["handover"])) > t:
            day -= DAY
        for entry in reversed(rota.get("except", [])):
            if entry["from"] <= day.isoformat() <= entry["to"]:
                return entry["who"]
        start = datetime.date.fromisoformat(rota["start"])
        if "daily" in rota:
            return rota["daily"][(day - start).days % len(rota["daily"])]
        monday = start - DAY * start.weekday()
        return rota["weekly"][(day - monday).days // 7 % len(rota["weekly"])]


class Clock:
    def __init__(self):
        self.since = self.warn = self.by = None
        self.warned = self.breached = False

    def set(self, time, since, by, now):
        self.since, self.by = since, by
        self.warn = max(now, time.after(since, time.counted(since, by) * 4 // 5))
        self.warned = self.breached = False

    def due(self):
        return [(at, event) for at, event, told in (
            (self.warn, "ticket.warned", self.warned),
            (self.by, "ticket.breached", self.breached)) if not told]


class Ticket:
    """One ticket, moved on by its events; `told` gathers what must have been told of it."""

    def __init__(self, site, number):
        self.site, self.number = site, number
        self.respond, self.resolve = Clock(), Clock()
        self.told = []
        self.state = None
        self.level, self.escalate = 0, None
        self.waits = None

    # The time that counts, and what is promised.

    def time(self):
        return self.site.time_of(self.team, self.priority)

    def promise(self):
        own = self.site.rules.get(self.rule, {}).get("respond_within")
        respond, resolve = self.site.facts["priorities"][self.priority]
        return own or respond, resolve

    def steps(self):
        steps = [after for after, _ in self.site.teams.get(self.team, {}).get("escalate", [])]
        return [] if self.kind == "planned" else steps

    def plan_escalation(self, t):
        steps = self.steps()
        self.escalate = None
        if self.level < len(steps):
            step = steps[self.level] - (steps[self.level - 1] if self.level else 0)
            self.escalate = self.time().after(t, step)

    def begin(self, t):
        self.state, self.waits, self.responded = "work", None, False
        self.start(t)

    def start(self, t):
        """Both clocks whole, and nobody called yet."""
        self.level, time = 0, self.time()
        if self.due is not None:
            end = max(t, self.site.wall.first(self.due + DAY * (1 + self.grace), 0))
            self.respond.set(time, t, end, t)
            self.resolve.set(time, t, end, t)
        else:
            respond, resolve = self.promise()
            self.respond.set(time, t, time.after(t, respond), t)
            self.resolve.set(time, t, time.after(t, resolve), t)
        self.plan_escalation(t)

    # What falls due by itself.

    def due_now(self, t):
        """The earliest of what is due by t, as (instant, order, what to do)."""
        if self.state != "work":
            return None
        due = []
        if not self.responded and self.due is None:
            due += [(at, i, (event, "respond", self.respond))
                    for i, (at, event) in enumerate(self.respond.due())]
            if self.escalate is not None:
                due.append((self.escalate, 2, ("ticket.escalated", None, None)))
        if self.waits is None:
            due += [(at, 3 + i, (event, "resolve", self.resolve))
                    for i, (at, event) in enumerate(self.resolve.due())]
        due = [d for d in due if d[0] <= t]
        return min(due, key=lambda d: d[:2]) if due else None

    def run(self, t):
        while (due := self.due_now(t)) is not None:
            at, _, (event, which, clock) = due
            if event == "ticket.escalated":
                self.level += 1
                self.told.append((at, event, self.level))
                self.plan_escalation(at)
                continue
            self.told.append((at, event, which))
            if event == "ticket.warned":
                clock.warned = True
            else:
                clock.breached = True

    # What people and sensors do.

    def take(self, name, t, event):
        self.run(t)
        handler = getattr(self, "on_" + name.split(".")[1], None)
        if handler is not None:
            handler(t, event)

    def on_opened(self, t, event):
        self.kind, self.rule = event["kind"], event.get("rule")
        self.priority = event["priority"]
        rule = self.site.rules.get(self.rule, {})
        self.team = event.get("team") or rule.get("team", "")
        self.due, self.grace = None, 0
        if self.kind == "planned":
            self.due = self.day_of(event["due"])
            self.grace = self.site.facts["grace"].get(event["plan"],
                                                      event["plan"] == "follow-up")
        self.begin(t)

    def day_of(self, due):
        return (datetime.date.fromisoformat(due) if len(due) == 10
                else self.site.wall.date(ms_of_text(due)))

    def on_reopened(self, t, event):
        self.priority = event["priority"]
        self.begin(t)
        self.check(event, t)

    def on_responded(self, _t, _event):
        self.responded = True

    def on_waiting(self, t, _event):
        self.waits = t

    def on_resumed(self, t, event):
        time, since = self.time(), self.waits
        self.waits = None
        clock = self.resolve
        for name in ("since", "warn", "by"):
            x = getattr(clock, name)
            setattr(clock, name, time.after(t, time.counted(since, x)) if x >= since
                    else time.before(t, time.counted(x, since)))
        self.check(event, t)

    def on_resolved(self, t, event):
        if self.waits is not None:
            self.on_resumed(t, event)
        self.state = "resolved"

    def on_closed(self, _t, _event):
        self.state = "closed"

    def left(self, was, t, x):
        """What was left until x is left in the time that counts now."""
        return x if x <= t else self.time().after(t, was.counted(t, x))

    def on_changed(self, t, event):
        if self.due is not None and self.day_of(event["due"]) != self.due:
            self.due = self.day_of(event["due"])
            self.start(t)
        if event.get("team") not in (None, self.team):
            was, self.team = self.time(), event["team"]
            if self.due is None:
                stands = self.waits if self.waits is not None else t
                for clock, now in ((self.respond, t), (self.resolve, stands)):
                    clock.warn = self.left(was, now, clock.warn)
                    clock.by = self.left(was, now, clock.by)
            self.level = 0
            self.plan_escalation(t)
        if event["priority"] != self.priority:
            self.change_priority(t, event["priority"])
        self.check(event, t)

    def change_priority(self, t, priority):
        was, before = self.time(), self.priority
        self.priority = priority
        if self.escalate is not None:
            self.escalate = self.left(was, t, self.escalate)
        if self.kind == "planned":
            return
        time = self.time()
        stands = self.waits if self.waits is not None else t
        work = self.state == "work"
        if RANK.index(priority) > RANK.index(before):
            promises = self.site.facts["priorities"][priority]
            for clock, now, promise, runs in (
                    (self.respond, t, promises[0], work and not self.responded),
                    (self.resolve, stands, promises[1], work)):
                if runs and time.after(now, promise) < clock.by:
                    clock.by = time.after(now, promise)
                    clock.warn = time.after(now, promise * 4 // 5)
                    clock.warned = False
        else:
            respond, resolve = self.promise()
            for clock, now, promise, runs in (
                    (self.respond, t, respond, work and not self.responded),
                    (self.resolve, stands, resolve, work)):
                by = time.after(clock.since, promise)
                if runs and by > max(clock.by, now):
                    clock.set(time, clock.since, by, now)

    def check(self, event, t):
        """The deadlines that an event names."""
        for word, clock in (("respond_by", self.respond), ("resolve_by", self.resolve)):
            if word in event and ms_of_text(event[word]) != clock.by:
                raise AssertionError(
                    f"ticket {self.number}: {event} at {t} says {word} {event[word]}, "
                    f"{ms_of_text(event[word]) - clock.by} ms from what was promised")


def journal(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    events = [(row["t"], row["name"], json.loads(row["json"])) for row in db.execute(
        "SELECT t, name, json FROM events ORDER BY seq")]
    rows = {row["number"]: row for row in db.execute("SELECT * FROM ticket")}
    db.close()
    return events, rows


def witness(facts, path, until):
    """{number: Ticket} after all events up to `until`, and the events themselves.  Raises
    AssertionError where what was told, or a row, is not what was promised."""
    site = Site(facts)
    events, rows = journal(path)
    tickets, told = {}, {}
    for t, name, event in events:
        if not name.startswith("ticket."):
            continue
        number = event["ticket"]
        ticket = tickets.setdefault(number, Ticket(site, number))
        if name in ("ticket.warned", "ticket.breached"):
            told.setdefault(number, []).append((t, name, event["deadline"]))
        elif name == "ticket.escalated":
            told.setdefault(number, []).append((t, name, event["level"]))
        else:
            ticket.take(name, t, event)
    for number, ticket in tickets.items():
        ticket.run(until)
        if told.get(number, []) != ticket.told:
            raise AssertionError(f"ticket {number}: told {told.get(number, [])}, promised "
                                 f"{ticket.told}")
        row = rows[number]
        is_ = (row["respond_by_ms"], row["resolve_by_ms"])
        if is_ != (ticket.respond.by, ticket.resolve.by):
            raise AssertionError(f"ticket {number}: the row has {is_}, promised "
                                 f"{(ticket.respond.by, ticket.resolve.by)}")
    return site, tickets, events
