#!/usr/bin/python3
"""What rules remember outlives kill -9, a restart and a reload: windows from the recorded
samples, lives from the database."""
import json
import signal
import sqlite3
import unittest

from estate import Estate, free_port, wait_for

RULES = """
rules:
  - {id: started, when: "count(running, 1h) > 1", severity: normal}
  - {id: many, when: "starts(running) > 2", severity: normal}
  - {id: runs, when: "hours(running) > 0 h", severity: normal}
  - {id: long, when: "held(running) > 20m", severity: normal}
  - {id: high, when: "max(level, 5s) > 5", severity: normal}
"""
SITE = """
history: {flush: 100ms}
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 5s}]
devices:
  - id: pump
    bus: plant
    unit: 1
    poll: 100ms
    points: {level: {register: input 0}, running: {register: discrete 0}}
"""
SIMULATION = """
slaves:
  - tcp: "127.0.0.1:%d"
    units:
      - unit: 1
        id: pump
        points:
          level: {register: input 0, signal: 1}
          running: {register: discrete 0, signal: 0}
"""


class Memory(unittest.TestCase):
    def setUp(self):
        port = free_port()
        self.estate = Estate(rules=RULES)
        self.addCleanup(self.estate.close)
        self.estate.write_site(SITE % port)
        self.simulator = self.estate.simulate(SIMULATION % port)
        self.estate.start()

    def set(self, point, value):
        self.simulator.set("pump", point, value)

    def sees(self, point, value):
        """The value has reached the history."""
        def recorded():
            rows = [json.loads(line) for line in self.estate.ok(
                "export", "--from", "-1h", "--to", "now", "--point", point, "--format",
                "jsonl").splitlines()]
            return bool(rows) and rows[-1]["value"] == value
        wait_for(recorded, f"{point} {value}")

    def start_pump(self):
        self.set("running", 0)
        self.sees("running", 0)
        self.set("running", 1)
        self.sees("running", 1)

    def raised(self):
        return {a["rule"] for a in self.estate.listing("alarms")
                if a["state"].startswith("active")}

    def told(self):
        return [v["rule"] for v in self.estate.events() if v["event"] == "alarm.raised"]

    def meters(self):
        with sqlite3.connect(f"file:{self.estate.path('data/state.db')}?mode=ro",
                             uri=True) as db:
            return dict(db.execute("SELECT key, true_ms FROM meter"))

    def test_starts_are_counted_across_deaths(self):
        e = self.estate
        self.start_pump()  # Once: nobody says so yet.
        self.set("level", 9)
        self.sees("level", 9)
        self.set("level", 1)
        self.sees("level", 1)
        # The short window is full soon, and empty again: who looks late sees it in the journal.
        wait_for(lambda: {"runs", "high"} <= set(self.told()), "what is so at once")
        self.assertNotIn("started", self.raised())
        e.daemon.kill()

        e.start()
        e.daemon.wait_line("windows of rules filled from")
        self.start_pump()  # Twice in the hour, as the history knows.
        wait_for(lambda: "started" in self.raised(), "the second start")
        self.assertNotIn("many", self.raised())
        self.assertEqual(e.daemon.stop(signal.SIGTERM), 0)
        lived = self.meters()
        self.assertGreater(lived["pump hours(running)"], 0)
        self.assertIn("pump starts(running)", lived)

        e.start()
        since = len(e.daemon.lines)
        e.daemon.send(signal.SIGHUP)
        e.daemon.wait_line("reloaded: ", since=since)
        self.start_pump()
        wait_for(lambda: "many" in self.raised(), "the third start")
        self.assertEqual(e.daemon.stop(signal.SIGTERM), 0)
        self.assertGreater(self.meters()["pump hours(running)"],
                           lived["pump hours(running)"])
        raised = self.told()
        self.assertEqual(sorted(raised), sorted(set(raised)))  # Nothing twice.
        self.assertNotIn("long", raised)


if __name__ == "__main__":
    unittest.main(verbosity=2)
