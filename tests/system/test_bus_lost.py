#!/usr/bin/python3
"""A bus that is lost is one alarm, of the bus; a unit that is silent is its own.

Five units that pymodbus serves and a sixth that nobody does, on one TCP endpoint and on one
serial line; then the endpoint, or the line, goes away and comes back.
"""
import os
import re
import unittest

from estate import TOP, Estate, Slave, free_port, wait_for

UNITS = range(1, 6)
MISSING = 6
RULES = """
  - id: bus-gone-long       # When it is raised, every rule below had its time.
    applies_to: {type: bus}
    when: not online
    hold: 8s
    severity: info
    cause: c
    consequence: c
    action: a
  - id: silent
    applies_to: {type: pump}
    when: not online
    hold: 3s                # A busy machine lets a slave wait, too.
    severity: normal
    cause: c
    consequence: c
    action: a
"""


def shipped_rules():
    """The shipped rules of a bus, in a hurry."""
    with open(os.path.join(TOP, "config/rules/bus.yaml"), encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r"hold: 30s", "hold: 1s", text)
    return re.sub(r"\n    (procedure|ticket): .*", "", text)


class BusLost(unittest.TestCase):
    def setUp(self):
        self.estate = Estate(rules=shipped_rules() + RULES)
        self.addCleanup(self.estate.close)
        self.port = free_port()

    def write_site(self, line):
        text = f"buses: [{{id: line, {line}, timeout: 1s, retries: 0}}]\ndevices:\n"
        for unit in [*UNITS, MISSING]:
            text += (f"  - {{id: pump-{unit}, type: pump, bus: line, unit: {unit}, "
                     "poll: 500ms, points: {level: {register: input 0}}}\n")
        self.estate.write_site(text)

    def standing(self):
        """The alarms that stand, as device/rule."""
        return {f"{a['device']}/{a['rule']}" for a in self.estate.listing("alarms")
                if a["state"].startswith("active")}

    def lose(self, make, lose):
        e = self.estate
        slave = e.keep(make())
        e.start()
        alone = {f"pump-{MISSING}/silent"}
        wait_for(lambda: self.standing() == alone, "the alarm of the missing unit")
        for unit in UNITS:
            wait_for(lambda u=unit: e.device(f"pump-{u}")["quality"] == "good", unit)
        missing = e.device(f"pump-{MISSING}")
        self.assertEqual(missing["state"], "offline")
        self.assertEqual(missing["cause"], "timeout")
        self.assertGreater(missing["causes"]["timeout"], 0)
        self.assertEqual(missing["causes"]["refused"], 0)
        # The collectors' own points of it are good, and no sign of life.
        points = e.listing("devices", "--points", "--device", f"pump-{MISSING}")[0]["points"]
        self.assertEqual((points["online"]["quality"], points["online"]["value"]),
                         ("good", 0))
        self.assertEqual(points["errors"]["quality"], "good")
        self.assertIsNotNone(points["errors"]["last_good"])
        self.assertIsNone(missing["last_good"])
        self.assertIn(missing["quality"], ("timeout", "offline"))
        wait_for(lambda: e.device(f"pump-{MISSING}")["quarantined"], "its quarantine")
        bus = e.status()["buses"][0]
        self.assertEqual((bus["id"], bus["online"], bus["quarantined"]),
                         ("line", True, 1))
        self.assertIn("(timeout ", e.ok("status"))

        slave.kill()
        lose()
        gone = {"line/bus-down", "line/bus-gone-long"}
        wait_for(lambda: "line/bus-gone-long" in self.standing(), "the loss of the bus")
        # One alarm for all: the missing unit's is from before, and stays.
        self.assertEqual(self.standing(), gone | alone)
        for unit in UNITS:
            d = e.device(f"pump-{unit}")
            self.assertEqual((d["state"], d["quality"]), ("offline", "refused"))
        points = e.ok("devices", "--points", "--device", "pump-1")
        self.assertRegex(points, r"pump-1 +level +0 .*refused")

        slave = e.keep(make())
        wait_for(lambda: self.standing() == alone, "the end of the loss")
        for unit in UNITS:
            wait_for(lambda u=unit: e.device(f"pump-{u}")["state"] == "online", unit)
        e.stop()
        raised = [f"{v['device']}/{v['rule']}" for v in e.events()
                  if v["event"] == "alarm.raised"]
        self.assertEqual(sorted(raised), sorted(gone | alone))
        # Nor is the history misled, which answers while the daemon is down.
        missing = e.device(f"pump-{MISSING}")
        self.assertIsNone(missing["last_good"])
        self.assertIn(missing["quality"], ("timeout", "offline", "refused"))
        # What is derived was recorded: who answers, and when that changed.
        online = [line.split(",")[3] for line in e.ok(
            "export", "--device", "pump-1", "--point", "online").splitlines()[1:]]
        self.assertEqual(online[0], "1")
        self.assertEqual({row.split(",")[3] for row in e.ok(
            "export", "--device", f"pump-{MISSING}", "--point", "online").splitlines()[1:]},
            {"0"})

    def test_an_endpoint_that_refuses(self):
        self.write_site(f'tcp: "127.0.0.1:{self.port}"')
        self.lose(lambda: Slave("tcp", self.port, *UNITS), lambda: None)

    def test_a_serial_line_that_vanishes(self):
        link = self.estate.path("line")
        self.write_site(f"rtu: {link}, baud: 115200, parity: none")
        self.lose(lambda: Slave("rtu", link, *UNITS), lambda: os.unlink(link))


class NobodyTold(unittest.TestCase):
    """An endpoint that takes connections and says nothing."""
    # A line counts as silent 10 s after its last answer: only then may it hide anything.
    SILENT = (RULES[RULES.index("  - id: silent"):].replace("normal", "critical")
              .replace("hold: 3s", "hold: 14s"))

    def setUp(self):
        self.port = free_port()
        self.estate = e = Estate(rules="rules:" + "\n" + self.SILENT)
        self.addCleanup(e.close)
        units = "".join(f"      - {{unit: {u}, id: pump-{u}, "
                        "points: {level: {register: input 0, signal: 7}}}\n" for u in (1, 2))
        self.simulator = e.simulate(
            f'slaves:\n  - tcp: "127.0.0.1:{self.port}"\n    units:\n{units}')
        text = f'buses: [{{id: line, tcp: "127.0.0.1:{self.port}", timeout: 200ms}}]\ndevices:\n'
        for unit in (1, 2):
            text += (f"  - {{id: pump-{unit}, type: pump, bus: line, unit: {unit}, "
                     "poll: 300ms, points: {level: {register: input 0}}}\n")
        e.write_site(text)

    def hang(self):
        e = self.estate
        e.start()
        for unit in (1, 2):
            wait_for(lambda u=unit: e.device(f"pump-{u}")["quality"] == "good", unit)
        self.simulator.tell("port", str(self.port), "hang")

    def states(self):
        return {f"{a['device']}/{a['rule']}": a["state"] for a in self.estate.listing("alarms")}

    def test_without_a_rule_for_the_line_each_device_is_told(self):
        e = self.estate
        self.assertIn('bus "line" has devices, but no rule tells', e.run("check").stderr)
        self.hang()
        gone = {"pump-1/silent": "active", "pump-2/silent": "active"}
        wait_for(lambda: self.states() == gone, "both alarms")
        self.assertEqual({t["priority"] for t in e.listing("tickets")}, {"critical"})
        e.stop()

    def test_with_one_only_the_line_is_told_until_that_is_shelved(self):
        e = self.estate
        e.write_rules(shipped_rules() + "\n" + self.SILENT)
        self.assertNotIn("no rule tells", e.run("check").stderr)
        self.hang()
        hidden = {"line/bus-down": "active", "pump-1/silent": "suppressed",
                  "pump-2/silent": "suppressed"}
        wait_for(lambda: self.states() == hidden, "one alarm")
        # On the shelf it tells nobody anything, so the pumps do.
        e.ok("shelve", "line", "bus-down", "--for", "1h", "--reason", "x")
        shown = {"line/bus-down": "shelved", "pump-1/silent": "active",
                 "pump-2/silent": "active"}
        wait_for(lambda: self.states() == shown, "both alarms")
        e.stop()

    def test_its_return_raises_nothing(self):
        e = self.estate
        e.write_rules(shipped_rules() + "\n" + self.SILENT)
        self.hang()
        wait_for(lambda: "suppressed" in self.states().values() and
                 self.states().get("line/bus-down") == "active", "one alarm")
        self.simulator.tell("port", str(self.port), "open")
        wait_for(lambda: set(self.states().values()) <= {"cleared"}, "the end of the loss")
        e.stop()
        raised = [f"{v['device']}/{v['rule']}" for v in e.events()
                  if v["event"] == "alarm.raised"]
        self.assertEqual(raised, ["line/bus-down"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
