#!/usr/bin/python3
"""Resolved is not closed: a repaired pump that did not run since waits, and everything that shows
the ticket says so; a kill and a restart change nothing; once it runs the sensor confirms it.  The
fault that returns reopens the ticket, with what was measured then, and takes its stars away."""
import json
import unittest

from estate import Estate, Slave, free_port, wait_for

RULES = """rules:
  - id: hot
    while: running
    when: bearing > 80 °C
    clear: bearing < 75 °C
    severity: critical
    verify_for: 300ms
"""
SITE = """
tickets: {visit_after: 1s}
people: [{id: li, name: Li}]
devices:
  - id: pump-1
    type: pump
    bus: plant
    unit: 1
    poll: 50ms
    points: {bearing: {register: input 3, unit: °C}, running: {register: discrete 2}}
"""


class Verified(unittest.TestCase):
    def setUp(self):
        self.estate = e = Estate(rules=RULES)
        self.addCleanup(e.close)
        port = free_port()
        e.write_site(f'history: {{flush: 100ms}}\nbuses: [{{id: plant, tcp: "127.0.0.1:{port}", timeout: 5s}}]'
                     + SITE)
        self.slave = e.keep(Slave("tcp", port, 1))
        self.bearing(60)
        self.running(1)
        e.start()
        self.wait_polls(2)

    def bearing(self, value):
        self.slave.set(1, "input", 3, value)

    def running(self, value):
        self.slave.set(1, "discrete", 2, value)

    def wait_polls(self, count):
        """So many requests more, all of them answered."""
        wait_for(lambda: self.estate.device("pump-1")["quality"] == "good", "it answers")
        before = self.estate.device("pump-1")["requests"]
        wait_for(lambda: self.estate.device("pump-1")["requests"] >= before + count, f"{count} requests")

    def ticket(self):
        return next((t for t in self.estate.listing("tickets", "--all") if t["number"] == 1), {})

    def wait_state(self, *states):
        wait_for(lambda: self.ticket().get("state") in states, states)

    def names(self):
        return [v["event"] for v in self.estate.events() if v.get("ticket") == 1]

    def test_from_the_repair_to_its_return(self):
        e = self.estate
        self.bearing(91)
        self.wait_state("opened", "assigned")
        self.bearing(60)
        wait_for(lambda: "alarm.cleared" in [v["event"] for v in e.events()], "it clears")
        self.running(0)
        wait_for(lambda: e.listing("devices", "--device", "pump-1", "--points")[0]["points"]["running"]["value"] == 0,
                 "it stands")
        e.ok("ticket", "resolve", 1, "greased", "--cause", "lubrication", "--by", "li")
        for how in ("as it is", "killed", "started"):
            if how == "killed":
                e.daemon.kill()
            elif how == "started":
                e.start()
                self.wait_polls(20)  # For far longer than verify_for.
            self.assertEqual((self.ticket()["state"], self.ticket()["proof"]), ("resolved", "not-running"), how)
            self.assertRegex(e.ok("tickets"), r"1 +critical +resolved +not seen running +pump-1")
            self.assertIn("its sensor     not seen running\n", e.ok("ticket", "show", 1))
            self.assertIn("not seen running", e.ok("ticket", "show", 1, "--html"))
        self.assertNotIn("ticket.verified", self.names())

        self.running(1)
        self.wait_state("closed")
        names = self.names()
        self.assertEqual(names[names.index("ticket.resolved") + 1:names.index("ticket.closed")],
                         ["ticket.watched", "ticket.watched", "ticket.verified"])
        self.assertNotIn("proof", self.ticket())
        e.ok("ticket", "rate", 1, 5, "--by", "desk")
        self.assertIn("rating         5 / 5\n", e.ok("ticket", "show", 1))
        # Once more, some time later, for it endangered people.
        visit = wait_for(lambda: [t for t in e.listing("tickets") if t["kind"] == "planned"], "the visit")[0]
        self.assertEqual((visit["assignee"], visit["title"]), ("li", "Follow-up visit: hot"))

        e.daemon.kill()
        e.start()
        self.bearing(99)
        self.wait_state("opened", "assigned")
        pack = json.loads(e.ok("ticket", "show", 1, "--json"))
        reopened = next(v for v in pack["events"] if v["event"] == "ticket.reopened")
        self.assertEqual((reopened["value"], reopened["episode"]), (99, 2))
        self.assertEqual([o["device"]["points"]["bearing"]["value"] for o in pack["openings"]], [91, 99])
        self.assertEqual((pack["ticket"]["reopened"], pack["ticket"]["rating"], pack["ticket"]["assignee"]),
                         (1, None, "li"))
        self.assertIn("reopened: the fault is back (99)", e.ok("ticket", "show", 1))
        e.stop()


if __name__ == "__main__":
    unittest.main()
