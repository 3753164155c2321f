#!/usr/bin/python3
"""Every deadline, warning, breach and escalation, and who got a ticket: by an independent
reckoning (promised.py) from the events alone, over sites, people and faults drawn at random."""
import collections
import datetime
import os
import random
import unittest

from estate import Estate, free_port, wait_for
from promised import (HOUR_MS, MINUTE_MS, PRIORITIES, RANK, UTC, journal, ms_of, witness)

SEEDS = range(1, 13)
DAYS = 16
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
# Zones with a night in the middle of the run in which the clock is put forward or back; in
# Santiago at midnight, on Lord Howe by half an hour.
STARTS = [("Europe/Berlin", "2026-03-22"), ("Europe/Berlin", "2026-10-18"),
          ("America/New_York", "2026-03-01"), ("America/Santiago", "2026-03-28"),
          ("America/Santiago", "2026-08-29"), ("Australia/Lord_Howe", "2026-03-28"),
          ("Asia/Shanghai", "2026-02-09")]
PEOPLE = ["ana", "ben", "cho", "dan", "eva"]
DEVICES = ["pump-1", "pump-2", "lift-1", "fan-1"]


def clock(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


def draw_hours(rng):
    begin = rng.choice([0, 6 * 60, 8 * 60, 8 * 60 + 30, 14 * 60, 22 * 60])
    end = (begin + rng.choice([240, 480, 600])) % 1440
    spans = [f"{clock(begin)}-{clock(end)}"]
    if begin == 8 * 60:
        spans = ["08:00-12:00", "11:30-13:00", "14:00-18:00"]  # Two of them overlap.
    days = {day: spans for day in range(5)}
    if rng.random() < 0.4:
        days[rng.choice([5, 6])] = ["01:30-12:15"]
    return days


def draw_team(rng, name, first):
    team = {"id": name, "members": rng.sample(PEOPLE, 3), "escalate": []}
    if rng.random() < 0.75:
        team["hours"] = draw_hours(rng)
    if rng.random() < 0.5:
        team["quiet"] = rng.choice(["22:00-07:00", "12:00-13:00", "23:30-02:30"])
    if rng.random() < 0.7:
        day = datetime.date.fromisoformat(first) + datetime.timedelta(days=rng.randint(3, 9))
        team["rota"] = {
            "handover": rng.choice(["00:00", "02:30", "08:00", "19:30"]),
            rng.choice(["weekly", "daily"]): rng.sample(PEOPLE, rng.randint(1, 4)),
            "start": rng.choice(["2026-01-07", "2027-05-20"]),
            "except": [{"from": day.isoformat(), "who": rng.choice(PEOPLE),
                        "to": (day + datetime.timedelta(days=i)).isoformat()}
                       for i in (2, 0)]}
    after = 0
    for _ in range(rng.randint(0, 3)):
        after += rng.choice([10, 15, 45, 300]) * MINUTE_MS
        team["escalate"].append((after, rng.choice(PEOPLE)))
    return team


def draw_facts(rng):
    zone, first = rng.choice(STARTS)
    start = datetime.date.fromisoformat(first)
    holiday = start + datetime.timedelta(days=rng.randint(0, 10))
    worked = holiday + datetime.timedelta(days=5)
    teams = [draw_team(rng, name, first) for name in ("office", "shift", "field")]
    rules = []
    for i, severity in enumerate(["normal", "normal", "urgent", "critical", "rising"]):
        rule = {"id": f"r{i}", "severity": severity, "team": rng.choice(teams)["id"]}
        if rng.random() < 0.3:
            rule["respond_within"] = rng.choice([5, 45, 200]) * MINUTE_MS
        rules.append(rule)
    priorities = dict(PRIORITIES)
    if rng.random() < 0.5:
        priorities["normal"] = (rng.randint(1, 500) * MINUTE_MS, rng.randint(10, 60) * HOUR_MS)
    return {"zone": zone, "start": first, "priorities": priorities,
            "first": (start - datetime.timedelta(days=40)).isoformat(),
            "last": (start + datetime.timedelta(days=DAYS + 90)).isoformat(),
            "calendar": [{"from": holiday.isoformat(),
                          "to": (holiday + datetime.timedelta(days=2)).isoformat()},
                         {"from": worked.isoformat(), "to": worked.isoformat(),
                          "working": True}],
            "teams": teams, "rules": rules, "grace": {"oil": rng.randint(0, 2)}}


def minutes(ms):
    return f"{ms // MINUTE_MS}m"


def team_text(team):
    text = f"  - id: {team['id']}\n    members: [{', '.join(team['members'])}]\n"
    if "hours" in team:
        text += "    hours: {" + ", ".join(
            f"{WEEKDAYS[day]}: [{', '.join(f'{chr(34)}{s}{chr(34)}' for s in spans)}]"
            for day, spans in team["hours"].items()) + "}\n"
    if "quiet" in team:
        text += f"    quiet: \"{team['quiet']}\"\n"
    if "rota" in team:
        rota = team["rota"]
        kind = "daily" if "daily" in rota else "weekly"
        text += (f"    rota: {{handover: \"{rota['handover']}\", {kind}: "
                 f"[{', '.join(rota[kind])}], start: {rota['start']}, except: ["
                 + ", ".join(f"{{from: {e['from']}, to: {e['to']}, who: {e['who']}}}"
                             for e in rota["except"]) + "]}\n")
    if team["escalate"]:
        text += "    escalate: [" + ", ".join(
            f"{{after: {minutes(after)}, to: {to}}}" for after, to in team["escalate"]) + "]\n"
    return text


def rule_text(rule):
    point = "f" + rule["id"][1:]
    text = f"  - id: {rule['id']}\n    title: {{en: {rule['id']}}}\n"
    if rule["severity"] == "rising":
        text += (f"    levels:\n      - {{severity: normal, when: {point} > 0}}\n"
                 f"      - {{severity: urgent, when: {point} > 1}}\n")
    else:
        text += f"    when: {point} > 0\n    severity: {rule['severity']}\n"
    if "respond_within" in rule:
        text += f"    respond_within: {minutes(rule['respond_within'])}\n"
    return text + f"    ticket: {{team: {rule['team']}}}\n"


def site_text(facts):
    points = ", ".join(f"f{i}: {{type: f32}}" for i in range(len(facts["rules"])))
    return (
        f"site: {{id: house, name: House, timezone: {facts['zone']}, language: en}}\n"
        "data: data\ntickets: {verify_for: 20m, follow_up: 12h, visit_after: 2d}\npriorities:\n"
        + "".join(f"  {name}: {{respond: {minutes(a)}, resolve: {minutes(b)}}}\n"
                  for name, (a, b) in facts["priorities"].items())
        + "people: [" + ", ".join(f"{{id: {p}}}" for p in PEOPLE) + "]\n"
        + "teams:\n" + "".join(team_text(team) for team in facts["teams"])
        + "calendar:\n" + "".join(
            f"  - {{from: {e['from']}, to: {e['to']}, working: "
            f"{'true' if e.get('working') else 'false'}}}\n" for e in facts["calendar"])
        + "rules:\n" + "".join(rule_text(rule) for rule in facts["rules"])
        + f"maintenance:\n  - {{id: oil, applies_to: {{id: genset}}, every: 5d, start: "
        f"{facts['start']}, remind: 1d, grace: {facts['grace']['oil']}d, team: "
        f"{facts['teams'][0]['id']}}}\n"
        + "devices:\n" + "".join(
            f"  - {{id: {d}, type: pump, stale_after: 2d, points: {{{points}}}}}\n"
            for d in DEVICES)
        + "  - {id: genset, type: genset, points: {on: {type: bool}}}\n")


def stamp(t):
    return datetime.datetime.fromtimestamp(t / 1000, UTC).isoformat(
        timespec="milliseconds").replace("+00:00", "Z")


class Drawn:
    """Faults and people of a run, from its start on; instants are whole seconds."""

    def __init__(self, rng, facts):
        self.rng = rng
        self.start = ms_of(datetime.datetime.fromisoformat(facts["start"] + "T00:00:00+00:00"))
        self.end = self.start + DAYS * 24 * HOUR_MS
        self.rows, self.commands = [], []
        for device in DEVICES:
            for rule in facts["rules"]:
                self.fault(device, rule)
        at = self.start
        while (at := at + rng.randint(10, 60) * HOUR_MS) < self.end:
            self.life("genset", None, at)
            self.say(at, "plan.move", "genset", f", plan: oil, note: sooner, day: "
                     f"{stamp(at + rng.randint(1, 4) * 24 * HOUR_MS)[:10]}")
            self.say(at + 1000, "ticket.open", rng.choice(DEVICES),
                     f", note: noise, priority: {rng.choice(RANK)}, team: "
                     f"{rng.choice(facts['teams'])['id']}")
        self.rows += [(t, device, f"f{i}", None) for device in DEVICES
                      for i in range(len(facts["rules"]))
                      for t in range(self.start, self.end, 24 * HOUR_MS)]

    def fault(self, device, rule):
        rng, point = self.rng, "f" + rule["id"][1:]
        at = self.start + rng.randint(1, 5 * 86400) * 1000
        while at < self.end:
            length = rng.choice([5, 60, 300, 2000]) * rng.randint(30, 90) * 1000
            self.rows.append((at, device, point, 1))
            if rule["severity"] == "rising" and rng.random() < 0.7:
                self.rows.append((at + length // 3, device, point, 2))
            self.rows.append((at + length, device, point, 0))
            self.life(device, rule["id"], at)
            at += length + rng.choice([1, 20, 90]) * rng.randint(1000, 4000) * 1000

    def life(self, device, rule, at):
        rng = self.rng
        for _ in range(rng.randint(0, 7)):
            at += rng.choice([1, 10, 60, 600]) * rng.randint(20, 90) * 1000
            do = rng.choices(["take", "arrive", "wait", "resume", "resolve", "close", "change",
                              "reopen"], [2, 3, 4, 4, 3, 1, 5, 1])[0]
            more = ""
            if do == "wait":
                more = ", note: parts"
            elif do == "change":
                more = rng.choice([f", priority: {rng.choice(RANK)}",
                                   f", team: {rng.choice(['office', 'shift', 'field'])}"])
                more += ", note: so it is"
            elif do in ("resolve", "close", "reopen"):
                more = ", note: done"
            of_rule = f", rule: {rule}" if rule is not None else ""
            self.say(at, f"ticket.{do}", device, of_rule + more)

    def say(self, at, do, device, more):
        self.commands.append(
            (at, f"  - {{at: \"{stamp(at)}\", do: {do}, device: {device}, "
                 f"by: {self.rng.choice(PEOPLE)}{more}}}\n"))

    def write(self, estate):
        shown, lines = {}, []
        for t, device, point, value in sorted(self.rows, key=lambda row: row[:3]):
            value = shown.get((device, point), 0) if value is None else value
            shown[device, point] = value
            if t < self.end:
                lines.append(f"{stamp(t)},{device},{point},{value}\n")
        log = estate.write("log.csv", "time,device,point,value\n" + "".join(lines))
        commands = sorted(c for c in self.commands if c[0] < self.end)
        return log, estate.write("people.yaml",
                                 "commands:\n" + "".join(line for _, line in commands))


class Deadlines(unittest.TestCase):
    def setUp(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)

    def check_given(self, facts, site, tickets, events):
        """Whoever got a ticket without taking it was on duty, and is asked in working time."""
        members = {team["id"]: team["members"] for team in facts["teams"]}
        owners, taken, given = {}, set(), 0
        for t, name, event in events:
            number = event.get("ticket")
            if "by" in event and (name in ("ticket.responded", "ticket.resolved") or
                                  event.get("assignee") == event["by"]):
                taken.add(number)
            if name == "ticket.changed" and "team" in event and number not in taken and \
                    owners.get(number) not in members[event["team"]]:
                owners.pop(number, None)  # Whoever did not take it goes with his team.
            if name != "ticket.assigned":
                continue
            ticket = tickets[number]
            if "by" in event or ticket.kind == "planned":
                owners[number] = event["assignee"]
                continue
            self.assertNotIn(number, owners, "an owner stays, whoever is on duty")
            owners[number] = event["assignee"]
            rota_teams = {team for team in site.teams if site.on_duty(team, t) is not None}
            self.assertIn(event["assignee"],
                          {site.on_duty(team, t) for team in rota_teams}, event)
            if event["priority"] == "normal":
                self.assertTrue(any(site.time_of(team, "normal").next(t) == t
                                    for team in rota_teams), event)
            given += 1
        return given

    def test_what_is_told_is_what_was_promised(self):
        seen = collections.Counter()
        for seed in SEEDS:
            with self.subTest(seed=seed):
                rng = random.Random(seed)
                facts = draw_facts(rng)
                self.estate.write("site.yaml", site_text(facts))
                drawn = Drawn(rng, facts)
                log, people = drawn.write(self.estate)
                state = f"state-{seed}"
                done = self.estate.run("replay", "--state", state, "--commands", people,
                                       "--until", stamp(drawn.end), log)
                self.assertEqual(done.returncode, 0, done.stderr)
                site, tickets, events = witness(
                    facts, os.path.join(self.estate.folder, state, "state.db"), drawn.end)
                seen["given"] += self.check_given(facts, site, tickets, events)
                seen.update(name for _, name, _ in events)
                seen.update(ticket.kind for ticket in tickets.values())
        for name in ("warned", "breached", "escalated", "resumed", "reopened", "changed"):
            self.assertGreater(seen[f"ticket.{name}"], 200, name)
        self.assertGreater(min(seen["given"], seen["planned"], seen["plan.moved"],
                               seen["reported"]), 20, seen)


LIVE = """
site: {id: house, name: House, timezone: Europe/Berlin, language: en}
data: data
history: {flush: 1s}
tickets: {verify_for: 300ms, follow_up: 1h}
priorities:
  normal: {respond: 1500ms, resolve: 2500ms}
  urgent: {respond: 1s, resolve: 1500ms}
people: [{id: ana}, {id: ben}]
teams:
  - id: office
    members: [ana, ben]
    rota: {handover: "08:00", daily: [ana, ben], start: 2026-01-05}
    hours: {mon-sun: "00:00-24:00"}
    escalate: [{after: 200ms, to: ben}, {after: 700ms, to: ana}]
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 20s}]
devices:
  - {id: pump-1, type: pump, bus: plant, unit: 1, poll: 100ms,
     points: {f0: {register: input 0}, f1: {register: input 1}}}
rules:
  - {id: r0, title: {en: r0}, when: f0 > 0, severity: normal, ticket: {team: office}}
  - {id: r1, title: {en: r1}, when: f1 > 0, severity: urgent, ticket: {team: office}}
"""
LIVE_FACTS = {
    "zone": "Europe/Berlin", "calendar": [], "grace": {}, "first": "2020-01-01",
    "last": "2020-01-02",
    "priorities": {"normal": (1500, 2500), "urgent": (1000, 1500)},
    # What works at all times needs no calendar.
    "teams": [{"id": "office", "escalate": [(200, "ben"), (700, "ana")]}],
    "rules": [{"id": "r0", "team": "office"}, {"id": "r1", "team": "office"}]}
SAID_BY = {"ticket.responded": "arrive", "ticket.waiting": "wait", "ticket.resumed": "resume",
           "ticket.changed": "change", "ticket.resolved": "resolve"}


class LiveAndReplay(unittest.TestCase):
    """A daemon that is stopped and started in between, and a replay of what it recorded."""

    def setUp(self):
        port = free_port()
        self.estate = e = Estate()
        self.addCleanup(e.close)
        e.write("site.yaml", LIVE % port)
        self.simulator = e.simulate(
            f'slaves:\n  - tcp: "127.0.0.1:{port}"\n    units:\n      - {{unit: 1, id: pump-1, '
            "points: {f0: {register: input 0, signal: 0}, f1: {register: input 1, signal: 0}}}\n")
        e.start()

    def told(self, name, **words):
        """Waits until it was told."""
        wait_for(lambda: any(e["event"] == name and words.items() <= e.items()
                             for e in self.estate.events()), (name, words))

    def live(self):
        e, simulator = self.estate, self.simulator
        simulator.set("pump-1", "f0", 1)
        self.told("ticket.opened")
        e.ok("ticket", "arrive", 1, "--by", "ana")
        e.ok("ticket", "wait", 1, "parts", "--by", "ana")
        simulator.set("pump-1", "f1", 1)
        self.told("ticket.opened", ticket=2)
        e.stop()
        e.start()
        self.told("ticket.breached", ticket=2, deadline="respond")
        e.ok("ticket", "change", 2, "--priority", "normal", "--note", "it drips", "--by", "ben")
        e.ok("ticket", "resume", 1, "--by", "ana")
        self.told("ticket.breached", ticket=1, deadline="resolve")
        e.ok("ticket", "resolve", 1, "done", "--by", "ana")
        simulator.set("pump-1", "f0", 0)
        self.told("ticket.closed", ticket=1)
        simulator.set("pump-1", "f0", 1)
        self.told("ticket.reopened", ticket=1)
        self.told("ticket.breached", ticket=1, deadline="respond")
        self.told("ticket.breached", ticket=2, deadline="resolve")
        e.stop()

    def test_a_replay_gives_the_same_deadlines(self):
        self.live()
        e = self.estate
        events, rows = journal(e.path("data/state.db"))
        until = max(t for t, _, _ in events)
        commands = "commands:\n" + "".join(
            f"  - {{at: \"{event['t']}\", do: ticket.{SAID_BY[name]}, ticket: {event['ticket']}, "
            f"by: {event['by']}, priority: {event['priority']}"
            + "".join(f", {word}: {event[word]}" for word in ("note", "pause") if word in event)
            + "}\n"
            for _, name, event in events if "by" in event and name in SAID_BY)
        log = e.write("log.csv", e.ok("export", "--from", "-1h", "--to", "now"))
        e.ok("replay", "--state", "again", "--commands", e.write("people.yaml", commands),
             "--until", stamp(until), log)
        again, again_rows = journal(e.path("again/state.db"))
        of_tickets = [event for _, name, event in events if name.startswith("ticket.")]
        self.assertEqual([event for t, name, event in again
                          if name.startswith("ticket.") and t <= until], of_tickets)
        for number, row in rows.items():
            for key in row.keys():
                if key.endswith(("_ms", "ed")):
                    self.assertEqual(again_rows[number][key], row[key], (number, key))
        for path in ("data/state.db", "again/state.db"):
            witness(LIVE_FACTS, e.path(path), until)
        self.assertEqual(e.run("check", "--journal").returncode, 0)


if __name__ == "__main__":
    unittest.main()
