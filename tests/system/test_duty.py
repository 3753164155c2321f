#!/usr/bin/python3
"""Who gets a ticket, when its time runs, and whom it goes up to: by cases, by a replay, and with
a daemon that is stopped and started."""
import datetime
import json
import unittest

from estate import Estate, wait_for

SITE = """
site: {id: house, name: House, timezone: Europe/Berlin, language: en}
data: data
people:
  - {id: ana, name: Ana Ruiz, role: technician, skills: [heat]}
  - {id: ben, role: technician}
  - {id: eva, role: technician, skills: [paint]}
  - {id: cho, role: chief}
  - {id: dan, role: manager}
teams:
  - id: office
    name: {en: The office}
    members: [ana, ben, cho]
    categories: [heat]
    rota:
      handover: "02:30"                 # skipped on 2026-03-29
      daily: [ana, ben]
      start: 2026-03-28
      except: [{from: 2026-04-09, who: eva}]
    hours: {mon-fri: ["08:00-12:00", "13:00-18:00"]}
    escalate: [{after: 15m, to: chief}, {after: 30m, to: dan}]
  - id: house
    members: [ben, eva]
    quiet: "22:00-07:00"
    escalate: [{after: 1h, to: manager}]
calendar:
  - {from: 2026-04-03, to: 2026-04-06, name: {en: Easter}}
  - {date: 2026-04-11, working: true}
devices:
  - id: pump-1
    type: pump
    serves: 60
    points: {warm: {type: bool}, dry: {type: bool}, drip: {type: bool}, peels: {type: bool}}
  - {id: lift-1, type: elevator, serves: 20, points: {stuck: {type: bool}, drip: {type: bool}}}
  - {id: feeder, type: power, points: {drip: {type: bool}}}
  - {id: pump-2, type: pump, parent: feeder, serves: 50, points: {warm: {type: bool}}}
  - {id: pump-3, type: pump, parent: feeder, serves: 40, points: {warm: {type: bool}}}
rules:
  - {id: warm, when: warm, severity: normal, title: {en: warm}, ticket: {category: heat}}
  - {id: dry, when: dry, severity: urgent, title: {en: dry}, ticket: {team: office}}
  - {id: drip, when: drip, severity: normal, title: {en: drip}, ticket: {team: house}}
  - {id: peels, when: peels, severity: normal, title: {en: peels}, ticket: {team: house, category: paint}}
  - {id: stuck, when: stuck, severity: critical, title: {en: stuck}, ticket: {team: office}}
"""

# Local times: Berlin is UTC+1, from 2026-03-29T01:00Z on UTC+2.
CASES = {
    "a normal ticket's time stands over Easter, and its assignment and escalation with it": """
samples:
  - [2026-04-02 17:50, pump-1.warm, true]
expect:
  - {at: 2026-04-02 17:50, event: ticket.assigned, ticket: 1}
  - {at: 2026-04-07 08:05, event: ticket.escalated, ticket: 1}
  - {at: 2026-04-07 08:20, event: ticket.escalated, ticket: 1}
  - {at: 2026-04-07 09:26, event: ticket.warned, ticket: 1, deadline: respond}
  - {at: 2026-04-07 09:50, event: ticket.breached, ticket: 1, deadline: respond}
until: 2026-04-07 10:00
""",
    "a Saturday that is worked counts like a Monday": """
samples:
  - [2026-04-10 17:30, pump-1.warm, true]
expect:
  - {at: 2026-04-11 09:30, event: ticket.breached, ticket: 1, deadline: respond}
until: 2026-04-13 08:00
""",
    "an urgent one waits for nobody": """
samples:
  - [2026-04-04 23:00, pump-1.dry, true]
expect:
  - {at: 2026-04-04 23:00, event: ticket.assigned, ticket: 1}
  - {at: 2026-04-04 23:15, event: ticket.escalated, ticket: 1}
  - {at: 2026-04-04 23:24, event: ticket.warned, ticket: 1, deadline: respond}
  - {at: 2026-04-04 23:30, event: ticket.breached, ticket: 1, deadline: respond}
  - {at: 2026-04-04 23:30, event: ticket.escalated, ticket: 1}
until: 2026-04-05 00:00
""",
    "quiet hours hold back a normal one, and who alone has the skill gets it": """
samples:
  - [2026-04-04 23:00, pump-1.drip, true]
  - [2026-04-04 23:00, pump-1.peels, true]
expect:
  - {at: 2026-04-05 07:00, event: ticket.assigned, ticket: 2}
  - {at: 2026-04-05 08:00, event: ticket.escalated, ticket: 1}
  - {at: 2026-04-05 08:00, event: ticket.escalated, ticket: 2}
  - {at: 2026-04-05 09:00, event: ticket.breached, ticket: 1, deadline: respond}
  - {never: ticket.assigned, ticket: 1}
until: 2026-04-05 09:00
""",
    "a pause over the weekend costs its working time only": """
samples:
  - [2026-04-09 09:00, pump-1.warm, true]
commands:
  - {at: 2026-04-09 09:10, do: ticket.arrive, ticket: 1, by: ana}
  - {at: 2026-04-10 17:00, do: ticket.wait, ticket: 1, by: ana, note: a part}
  - {at: 2026-04-11 09:00, do: ticket.resume, ticket: 1, by: ana}
  - {at: 2026-04-11 19:00, do: ticket.wait, ticket: 1, by: ana, note: a part}
  - {at: 2026-04-13 07:00, do: ticket.resume, ticket: 1, by: ana}
expect:
  # 24 h of 9 a day: 8 on Thursday, 8 on Friday, 8 on the Saturday that is worked; the second
  # pause costs nothing.
  - {at: 2026-04-11 13:12, event: ticket.warned, ticket: 1, deadline: resolve}
  - {at: 2026-04-11 18:00, event: ticket.breached, ticket: 1, deadline: resolve}
until: 2026-04-13 18:00
""",
    "a higher priority wakes it, a lower one counts from where it began": """
samples:
  - [2026-04-09 20:00, pump-1.warm, true]
commands:
  - {at: 2026-04-09 21:00, do: ticket.change, ticket: 1, by: cho, priority: urgent, note: smoke}
  - {at: 2026-04-09 21:10, do: ticket.change, ticket: 1, by: cho, priority: normal, note: no smoke}
expect:
  - {at: 2026-04-09 21:00, event: ticket.assigned, ticket: 1}
  - {at: 2026-04-10 08:05, event: ticket.escalated, ticket: 1}
  - {at: 2026-04-10 10:00, event: ticket.breached, ticket: 1, deadline: respond}
until: 2026-04-10 10:00
""",
}


# What is raised, and to whom it goes when.
GIVEN = {
    "the duty changes hands behind the gap": (
        ["2026-03-29T00:59:59Z,pump-1,dry,1", "2026-03-29T01:00:00Z,lift-1,stuck,1"],
        [("2026-03-29T00:59:59.000Z", "ana"), ("2026-03-29T01:00:00.000Z", "ben")]),
    "an exception has the whole duty": (
        ["2026-04-10T00:29:00Z,pump-1,dry,1", "2026-04-10T00:30:00Z,lift-1,stuck,1"],
        [("2026-04-10T00:29:00.000Z", "eva"), ("2026-04-10T00:30:00.000Z", "ben")]),
    "what is raised on a holiday is given out when it is over": (
        ["2026-04-04 12:00,pump-1,warm,1"], [("2026-04-07T06:00:00.000Z", "ana")]),
    "and what is urgent at once": (
        ["2026-04-04 12:00,pump-1,dry,1"], [("2026-04-04T10:00:00.000Z", "ben")]),
    "who alone has the skill gets it, behind the quiet hours": (
        ["2026-04-04 23:00,pump-1,drip,1", "2026-04-04 23:00,pump-1,peels,1"],
        [("2026-04-05T05:00:00.000Z", "eva")]),
}


class Duty(unittest.TestCase):
    def setUp(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)
        self.estate.write("site.yaml", SITE)

    def test_cases(self):
        for n, (what, text) in enumerate(CASES.items()):
            with self.subTest(what):
                case = self.estate.write(f"case-{n}.yaml", f"case: {what}\nsite: site.yaml\n{text}")
                done = self.estate.run("test", case, site=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def replay(self, *rows, until="2026-04-10 12:00"):
        log = self.estate.write("log.csv", "time,device,point,value\n" + "\n".join(rows) + "\n")
        out = self.estate.ok("replay", "--format", "jsonl", "--until", until, log)
        return [json.loads(line) for line in out.splitlines()]

    def test_tickets_go_to_who_is_on_duty(self):
        for what, (rows, given) in GIVEN.items():
            with self.subTest(what):
                events = self.replay(*rows)
                assigned = [e for e in events if e["event"] == "ticket.assigned"]
                self.assertEqual([(e["t"], e["assignee"]) for e in assigned], given)
                self.assertFalse([e for e in assigned if "by" in e])
                self.assertEqual(events, self.replay(*rows))

    def test_an_escalation_names_its_level_and_people(self):
        events = self.replay("2026-04-04 20:00,pump-1,dry,1")
        told = [(e["level"], e["to"]) for e in events if e["event"] == "ticket.escalated"]
        self.assertEqual(told, [(1, "cho"), (2, "dan")])
        opened = [e["event"] for e in events].index("ticket.opened")
        self.assertEqual(events[opened + 1]["event"], "ticket.assigned")

    def test_who_is_on_duty_is_told(self):
        rows = {r["team"]: r for r in self.estate.listing("duty", "--at", "2026-04-08 20:00",
                                                          "--days", "3")}
        office = rows["office"]
        self.assertEqual(office["name"], "The office")
        self.assertEqual((office["on_duty"], office["since"], office["until"]),
                         ("ben", "2026-04-08T00:30:00.000Z", "2026-04-09T00:30:00.000Z"))
        self.assertEqual([d["who"] for d in office["coming"]], ["eva", "ben", "ana"])
        self.assertEqual((office["works"], office["works_from"]),
                         (False, "2026-04-09T06:00:00.000Z"))
        self.assertEqual(office["escalation"],
                         [{"level": 1, "after_ms": 900000, "to": ["cho"]},
                          {"level": 2, "after_ms": 1800000, "to": ["dan"]}])
        self.assertEqual((rows["house"]["on_duty"], rows["house"]["works"],
                          rows["house"]["coming"]), (None, True, []))
        text = self.estate.ok("duty", "--at", "2026-04-10 03:00")
        self.assertIn("after 15m cho; after 30m dan", text)
        self.assertIn("Ana Ruiz (ana)", text)
        for words in (["--days", "-1"], ["--days", "367"], ["--days", "x"], ["--at", "soon"],
                      ["office"]):
            self.assertEqual(self.estate.run("duty", *words).returncode, 2, words)

    def test_a_plan_names_who_will_be_on_duty(self):
        # A Tuesday and a Wednesday: on a weekend the office does not work, and its visits move.
        soon = datetime.date.today() + datetime.timedelta(days=7)
        first = soon + datetime.timedelta(days=(1 - soon.weekday()) % 7)
        second = first + datetime.timedelta(days=1)
        self.estate.write("site.yaml", SITE.replace(
            "except: [", f"except: [{{from: {first}, who: eva}}, {{from: {second}, who: ana}}, "
        ) + "maintenance:\n" + "".join(
            f"  - {{id: {plan}, applies_to: {{id: {device}}}, every: 300d, start: {day}, "
            f"team: {team}}}\n" for plan, device, day, team in (
                ("oil", "pump-1", first, "office"), ("door", "lift-1", second, "office"),
                ("dust", "feeder", second, "house"))))
        people = {v["plan"]: (v["on_duty"], v["people"]) for v in self.estate.listing("plan")}
        self.assertEqual(people, {"oil": ("eva", ["eva"]), "door": ("ana", ["ana"]),
                                  "dust": (None, ["ben", "eva"])})
        text = self.estate.ok("plan")
        self.assertIn(f"{first}, office (eva): 1 visit\n", text)
        self.assertIn(f"{second}, house: 1 visit\n", text)

    def test_the_daemon_gives_out_lists_and_keeps_the_queue(self):
        e = self.estate
        e.start()
        for device, priority in (("lift-1", "normal"), ("pump-1", "normal"), ("pump-2", "urgent"),
                                 ("lift-1", "critical"), ("feeder", "normal"), ("pump-3", "urgent")):
            e.ok("ticket", "open", device, f"{priority} {device}", "--priority", priority,
                 "--team", "office", "--by", "cho")
        # feeder: 50 + 40 homes, pump-1: 60, lift-1: 20.
        queue = [4, 3, 6, 5, 2, 1]
        for _ in range(2):
            self.assertEqual([t["number"] for t in e.listing("tickets")], queue)
            self.assertEqual([t["number"] for t in e.listing("tickets", "--order", "number")],
                             [1, 2, 3, 4, 5, 6])
            self.assertEqual([t["number"] for t in e.listing("tickets", "--team", "office")], queue)
            self.assertEqual(e.listing("tickets", "--team", "house"), [])
            self.assertEqual(e.listing("tickets", "--overdue"), [])
            urgent = [t for t in e.listing("tickets") if t["priority"] != "normal"]
            self.assertNotIn(None, [t["assignee"] for t in urgent])
            self.assertIn("LEFT", e.ok("tickets"))
            if e.daemon is not None and e.daemon.running():
                e.stop()
        self.assertEqual(e.run("tickets", "--order", "age").returncode, 2)
        e.start()
        wait_for(lambda: [t["number"] for t in e.listing("tickets")] == queue, "the queue again")
        self.assertEqual(e.run("check", "--journal").returncode, 0)


if __name__ == "__main__":
    unittest.main()
