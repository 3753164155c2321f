#!/usr/bin/python3
"""A ticket worked from the command line, over MQTT and the database: report, owner, pauses,
steps, parts, closing code, follow-up visit; what is refused says what is possible."""
import json
import unittest

from estate import Estate, wait_for

RULES = """
rules:
  - id: hot
    applies_to: {type: pump}
    when: bearing > 80
    severity: critical
    procedure: bearing
    cause: worn
    consequence: seizure
    action: grease
"""
SITE = """
tickets: {visit_after: 1s, causes: [door-sill], currency: EUR}
devices:
  - {id: pump-1, type: pump, points: {bearing: {}}}
procedures:
  - {id: bearing, steps: [Start the standby pump, Stop the hot one, Grease]}
people:
  - {id: li, name: Li}
teams:
  - {id: lifts, members: [li]}
"""


class TicketLife(unittest.TestCase):
    def setUp(self):
        self.estate = e = Estate(rules=RULES, site=SITE, broker=True)
        self.addCleanup(e.close)
        e.write_site(SITE, mqtt=", commands: true")
        e.start()

    def refused(self, status, *words):
        done = self.estate.run(*words)
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        return done.stderr

    def row(self, number):
        return self.estate.rows("state", f"select * from tickets where number = {number}")[0]

    def last_event(self):
        return self.estate.events()[-1]

    def test_a_reported_fault_from_the_call_to_the_stars(self):
        e = self.estate
        said = e.ok("ticket", "open", "pump-1", "it drips", "--reporter", "Mrs Wang",
                    "--category", "seal", "--team", "lifts", "--priority", "urgent", "--by", "desk")
        self.assertEqual(said, "ticket 1: opened\n")
        opened = next(v for v in e.events() if v["event"] == "ticket.opened")
        self.assertEqual([opened[k] for k in ("kind", "category", "team", "symptom", "reporter",
                                              "by")],
                         ["reported", "seal", "lifts", "it drips", "Mrs Wang", "desk"])
        e.ok("ticket", "take", 1, "--by", "li")
        self.assertIn("owned by li", self.refused(1, "ticket", "take", 1, "--by", "wang"))
        e.ok("ticket", "arrive", 1, "--by", "wang")
        e.ok("ticket", "take", "--to", "zhao", 1, "--note", "end of shift", "--by", "li")
        e.ok("ticket", "wait", 1, "parts", "--by", "zhao")
        self.assertEqual(self.last_event()["pause"], "parts")
        e.ok("ticket", "resume", 1, "--by", "zhao")
        e.ok("ticket", "change", 1, "--priority", "normal", "--note", "a drop an hour", "--by", "li")
        e.ok("ticket", "note", 1, "--minutes", 25, "--part", "grease", "--by", "zhao")
        e.ok("ticket", "note", 1, "was 15, not 25", "--minutes=-10", "--by", "zhao")
        e.ok("ticket", "resolve", 1, "new seal", "--cause", "door-sill", "--minutes", 40,
             "--cost", "120.50", "--part", "seal ring=2@35.00", "--part", "grease", "--by", "zhao")
        resolved = self.last_event()
        self.assertEqual(resolved["parts"], [{"name": "seal ring", "count": 2, "cost": 35},
                                             {"name": "grease", "count": 1, "cost": 0}])
        self.assertEqual((resolved["cost"], resolved["minutes"]), (120.5, 40))
        self.assertIn("once it is closed", self.refused(1, "ticket", "rate", 1, 5))
        e.ok("ticket", "close", 1, "she is content", "--by", "desk")
        e.ok("ticket", "rate", 1, 4, "--by", "Mrs Wang")
        row = self.row(1)
        self.assertEqual([row[k] for k in ("state", "assignee", "cause", "minutes", "cost",
                                           "rating", "resolution")],
                         ["closed", "zhao", "door-sill", 55, 12050, 4, "new seal"])
        self.assertEqual(json.loads(row["parts"]),
                         [{"name": "grease", "count": 2, "cost": 0},
                          {"name": "seal ring", "count": 2, "cost": 35}])
        e.stop()  # And it is read back as it was.
        e.start()
        e.ok("ticket", "note", 1, "--minutes", 5, "--part", "seal ring=1@17.50", "--by", "zhao")
        self.assertEqual(self.row(1)["minutes"], 60)
        self.assertIn({"name": "seal ring", "count": 3, "cost": 52.5},
                      json.loads(self.row(1)["parts"]))
        e.stop()

    def test_the_steps_of_a_procedure_and_mqtt(self):
        e = self.estate
        e.ok("ticket", "open", "pump-1", "warm", "--by", "desk")
        self.assertIn("no procedure", self.refused(1, "ticket", "tick", 1, 1))
        wait_for(lambda: e.status()["mqtt"]["connected"], "the broker")

        def noted():
            e.publish("caretaker/house/cmd", json.dumps(
                {"cmd": "ticket.note", "ticket": 1, "by": "li", "cost": 12.5,
                 "parts": [{"name": "fuse"}]}))
            return [v for v in e.events() if v["event"] == "ticket.noted"]
        note = wait_for(noted, "a note by MQTT")[0]
        self.assertEqual((note["cost"], note["parts"], note["by"]),
                         (12.5, [{"name": "fuse", "count": 1, "cost": 0}], "li"))
        e.stop()

    def test_a_critical_ticket_is_visited_once_more(self):
        e = self.estate
        e.ok("ticket", "open", "pump-1", "smoke", "--priority", "critical", "--by", "desk")
        e.ok("ticket", "resolve", 1, "out", "--by", "li")
        e.ok("ticket", "close", 1, "--by", "li")
        visit = wait_for(lambda: [t for t in e.listing("tickets") if t["kind"] == "planned"],
                         "the visit")[0]
        self.assertEqual((visit["number"], visit["assignee"], visit["title"]),
                         (2, "li", "Follow-up visit: smoke"))
        e.ok("ticket", "resolve", 2, "all well", "--cause", "planned", "--by", "li")
        e.ok("ticket", "close", 2, "--by", "li")
        e.stop()
        e.start()
        e.stop()
        self.assertEqual(len([v for v in e.events() if v["event"] == "ticket.opened"]), 2)

    def test_what_is_wrong_says_what_is_possible(self):
        e = self.estate
        e.ok("ticket", "open", "pump-1", "drips", "--by", "desk")
        for status, words, part in (
                (2, ["resolve", 1, "x", "--cause", "laek"], "did you mean leak?"),
                (2, ["resolve", 1, "x", "--part", "seal=two"], "NAME=COUNT@COST"),
                (2, ["resolve", 1, "x", "--cost", "much"], "such as 120.50"),
                (2, ["resolve", 1, "x", "--minutes", "1h"], "whole number"),
                (2, ["wait", 1], "parts, contractor, access, or in words"),
                (2, ["wait", 1, "--pause", "rain"], "parts, contractor, access or other"),
                (2, ["wait", 1, "--cause", "leak"], "there is no option --cause"),
                (2, ["change", 1], "priority, category or team"),
                (1, ["change", 1, "--team", "plumbers"], "accepted are lifts"),
                (2, ["change", 1, "--priority", "urgent"], "why the priority"),
                (2, ["tick", 1], "which step?"),
                (2, ["tick", 1, "one"], "which step?"),
                (2, ["note", 1, "--minutes", "-5"], "must be 0 to"),
                (2, ["open"], "which device?"),
                (1, ["close", 1], "resolve it first"),
                (1, ["resume", 1], "its clock is running")):
            self.assertIn(part, self.refused(status, "ticket", *words), words)
        self.assertEqual(self.row(1)["state"], "opened")
        e.stop()

    def test_each_action_has_its_help(self):
        e = self.estate
        for action in ("open take arrive wait resume tick change resolve close reopen note "
                       "rate").split():
            text = e.ok("ticket", action, "--help", site=False)
            self.assertIn(f"Usage: caretaker ticket {action} ", text)
            self.assertIn(f"  caretaker ticket {action} ", text)
            self.assertIn(f"  {action} ", e.ok("ticket", "--help", site=False))
        self.assertIn("lubrication", e.ok("ticket", "resolve", "--help", site=False))
        e.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
