#!/usr/bin/python3
"""Shelves, maintenance and suppression on a live daemon: by command line and by MQTT, through
kill -9, restart and reload."""
import json
import unittest

from estate import Estate, free_port, wait_for

KEYS = ["device", "rule", "severity", "state", "episode", "raised_at", "cleared_at",
        "acked_at", "acked_by", "value", "title", "ticket"]
HIDDEN_KEYS = ["hidden_by", "hidden_reason", "hidden_since", "hidden_until"]
RULES = """
rules:
  - id: dead
    applies_to: {type: feeder}
    when: voltage < 20
    severity: critical
    suppresses: children
  - id: hot
    applies_to: {type: pump}
    when: bearing > 80
    severity: urgent
  - id: low
    applies_to: {type: pump}
    when: flow < 5
    severity: normal
    suppressed_by: [hot]
  - id: trip
    applies_to: {type: pump}
    when: flow > 50
    severity: normal
    latch: true
"""
SITE = """
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 20s}]
devices:
  - {id: feeder, type: feeder, bus: plant, unit: 1, poll: 100ms,
     points: {voltage: {register: input 0}}}
  - {id: pump-1, type: pump, bus: plant, unit: 2, poll: 100ms, parent: feeder,
     points: {bearing: {register: input 0}, flow: {register: input 1}}}
  - {id: pump-2, type: pump, bus: plant, unit: 3, poll: 100ms,
     points: {bearing: {register: input 0}, flow: {register: input 1}}}
"""
UNITS = """
      - {unit: 1, id: feeder, points: {voltage: {register: input 0, signal: 230}}}
      - {unit: 2, id: pump-1, points: {bearing: {register: input 0, signal: 60},
                                       flow: {register: input 1, signal: 20}}}
      - {unit: 3, id: pump-2, points: {bearing: {register: input 0, signal: 60},
                                       flow: {register: input 1, signal: 20}}}
"""


class AlarmLife(unittest.TestCase):
    def setUp(self):
        port = free_port()
        self.estate = e = Estate(broker=True, rules=RULES)
        self.addCleanup(e.close)
        e.write_site(SITE % port, mqtt=", commands: true")
        self.simulator = e.simulate(
            f'slaves:\n  - tcp: "127.0.0.1:{port}"\n    units:\n{UNITS}')
        self.ear = e.subscribe()
        e.start()
        for device in ("feeder", "pump-1", "pump-2"):
            wait_for(lambda d=device: e.device(d)["quality"] == "good", device)

    def alarm(self, device, rule):
        found = self.estate.listing("alarms", "--device", device, "--rule", rule)
        return found[0] if found else None

    def wait_state(self, device, rule, state):
        return wait_for(lambda: (a := self.alarm(device, rule)) is not None and
                        a["state"] == state and a, f"{device}/{rule} {state}")

    def count(self, name, **fields):
        return len([v for v in self.estate.events() if v["event"] == name and
                    all(v.get(k) == x for k, x in fields.items())])

    def restart(self, hard):
        if hard:
            self.estate.daemon.kill()
        else:
            self.estate.stop()
        # The listing works on the databases, too.
        down = self.estate.listing("alarms")
        self.estate.start()
        self.assertEqual(self.estate.listing("alarms"), down)

    def test_a_shelf(self):
        e = self.estate
        e.ok("shelve", "pump-1", "hot", "--for", "1h", "--reason", "new sensor", "--by",
             "li")
        a = self.alarm("pump-1", "hot")
        self.assertEqual(list(a), KEYS + HIDDEN_KEYS)
        self.assertEqual((a["state"], a["raised_at"], a["hidden_by"], a["hidden_reason"]),
                         ("shelved", None, "li", "new sensor"))
        self.assertIsNotNone(a["hidden_until"])
        # It rises on the shelf: listed, not told.
        self.simulator.set("pump-1", "bearing", 90)
        wait_for(lambda: self.alarm("pump-1", "hot")["raised_at"], "it rises")
        told = json.loads(wait_for(lambda: self.ear.last("alarm/pump-1/hot"), "its topic"))
        self.assertEqual((told["state"], told["hidden_by"]), ("shelved", "li"))
        table = e.ok("alarms")
        for words in ("HIDDEN BY", "UNTIL", "WHY", "new sensor"):
            self.assertIn(words, table)
        self.assertEqual(e.status()["alarms"]["hidden"], 1)
        self.assertEqual(e.status()["alarms"]["active"], 0)
        for hard in (True, False):
            self.restart(hard)
        self.assertEqual(self.count("alarm.raised"), 0)
        self.assertEqual(e.listing("tickets"), [])
        self.assertEqual(e.run("ack", "pump-1", "hot").returncode, 1)
        # RULE/DEVICE is understood as well.
        e.ok("unshelve", "hot/pump-1", "--by", "li")
        a = self.wait_state("pump-1", "hot", "active")
        self.assertEqual(list(a), KEYS)
        self.assertEqual([(t["device"], t["rule"]) for t in e.listing("tickets")],
                         [("pump-1", "hot")])
        for hard in (True, False):
            self.restart(hard)
        # A short one ends by itself.
        self.simulator.set("pump-2", "bearing", 90)
        self.wait_state("pump-2", "hot", "active")
        e.ok("shelve", "pump-2/hot", "--for", "200ms", "--reason", "x")
        self.ear.wait_event("alarm.unshelved", device="pump-2")
        self.wait_state("pump-2", "hot", "active")
        for device in ("pump-1", "pump-2"):
            self.assertEqual(self.count("alarm.raised", device=device), 1)
        e.stop()

    def assert_devices_tell(self, keys):
        """Which device is out of service: in the table, and in JSON where more is asked."""
        [line] = [x for x in self.estate.ok("devices").splitlines() if "out of service" in x]
        self.assertTrue(line.startswith("pump-1 "), line)
        self.assertEqual(list(self.estate.listing("devices")[0]), keys)
        self.assertEqual([d["id"] for d in self.estate.listing("devices", "--causes")
                          if d["out_of_service"]], ["pump-1"])

    def test_out_of_service(self):
        e = self.estate
        self.assertEqual(e.listing("service"), [])
        self.assertIn("in service", e.ok("service"))
        keys = list(e.listing("devices")[0])
        self.assertNotIn("out of service", e.ok("devices"))
        e.ok("service", "pump-1", "out", "--reason", "new bearing", "--for", "2h", "--by",
             "li")
        self.simulator.set("pump-1", "bearing", 90)
        a = self.wait_state("pump-1", "hot", "out-of-service")
        self.assertEqual((a["hidden_by"], a["hidden_reason"]), ("li", "new bearing"))
        for hard in (True, False):
            self.restart(hard)
        e.stop()
        self.assert_devices_tell(keys)  # Also without a daemon.
        e.start()
        self.assert_devices_tell(keys)
        [row] = e.listing("service")
        self.assertEqual(list(row), ["device", "by", "reason", "since", "until"])
        self.assertEqual((row["device"], row["by"], row["until"]),
                         ("pump-1", "li", a["hidden_until"]))
        self.assertEqual(self.count("alarm.raised"), 0)
        # A recovery is told though it is hidden.
        self.simulator.set("pump-1", "bearing", 60)
        self.ear.wait_event("alarm.cleared", device="pump-1", rule="hot")
        self.simulator.set("pump-1", "bearing", 90)
        self.wait_state("pump-1", "hot", "out-of-service")
        e.ok("service", "pump-1", "in", "--by", "li")
        self.wait_state("pump-1", "hot", "active")
        self.assertEqual(self.count("alarm.raised", device="pump-1"), 1)
        self.assertEqual(self.count("device.in_service", device="pump-1", by="li"), 1)
        self.assertEqual(e.listing("service"), [])
        e.stop()
        self.assertEqual(e.listing("service"), [])  # Of the database.

    def test_suppression_and_a_reload_that_ends_it(self):
        e = self.estate
        self.simulator.set("pump-2", "bearing", 90)
        self.wait_state("pump-2", "hot", "active")
        self.simulator.set("pump-2", "flow", 0)
        a = self.wait_state("pump-2", "low", "suppressed")
        self.assertEqual(a["hidden_by"], "pump-2/hot")
        self.simulator.set("feeder", "voltage", 0)
        self.wait_state("feeder", "dead", "active")
        self.simulator.set("pump-1", "flow", 0)
        a = self.wait_state("pump-1", "low", "suppressed")
        self.assertEqual(a["hidden_by"], "feeder/dead")
        for hard in (True, False):
            self.restart(hard)
        # Without its suppressor in the rules it is told, and the other is not.
        e.write_rules(RULES.replace("    suppressed_by: [hot]\n", ""))
        e.daemon.send(1)
        self.ear.wait_event("alarm.unsuppressed", device="pump-2", rule="low")
        self.wait_state("pump-2", "low", "active")
        self.assertEqual(self.alarm("pump-1", "low")["state"], "suppressed")
        self.simulator.set("feeder", "voltage", 230)
        self.wait_state("pump-1", "low", "active")
        for device, rule in (("pump-1", "low"), ("pump-2", "low"), ("pump-2", "hot")):
            self.assertEqual(self.count("alarm.raised", device=device, rule=rule), 1)
        e.stop()

    def test_by_mqtt(self):
        e = self.estate

        def tell(**words):
            e.publish("caretaker/house/cmd", json.dumps({**words, "by": "li"}))

        def shelved():
            # Sent again while the daemon may not have subscribed yet.
            tell(cmd="shelve", device="pump-1", rule="hot", reason="x", **{"for": "1h"})
            return self.alarm("pump-1", "hot")
        self.assertEqual(wait_for(shelved, "a shelf")["state"], "shelved")
        tell(cmd="alarm.unshelve", device="pump-1", rule="hot")
        wait_for(lambda: self.alarm("pump-1", "hot") is None, "no shelf")
        wait_for(lambda: self.ear.last("alarm/pump-1/hot") == "", "an empty topic")
        tell(cmd="service", device="pump-1", state="out", reason="x")
        self.ear.wait_event("device.out_of_service", device="pump-1", by="li")
        tell(cmd="device.service", device="pump-1", state="in")
        self.ear.wait_event("device.in_service", device="pump-1", by="li")
        e.stop()

    def test_a_latch_survives_what_comes(self):
        e = self.estate
        self.simulator.set("pump-1", "flow", 60)
        self.wait_state("pump-1", "trip", "active")
        self.simulator.set("pump-1", "flow", 20)
        a = wait_for(lambda: (x := self.alarm("pump-1", "trip")) and "returned_at" in x
                     and x, "its condition is gone")
        self.assertEqual(a["state"], "active")
        self.assertIn("active, latched", e.ok("alarms"))
        for hard in (True, False):
            self.restart(hard)
        self.assertEqual(self.count("alarm.cleared"), 0)
        e.ok("ack", "pump-1", "trip", "--by", "li")
        self.assertIsNone(self.alarm("pump-1", "trip"))
        self.assertEqual(self.count("alarm.cleared", device="pump-1"), 1)
        self.assertEqual(self.count("alarm.raised", device="pump-1"), 1)
        e.stop()

    def test_what_is_missing_is_said(self):
        e = self.estate
        for words, status in (
                (["shelve", "pump-1", "hot", "--for", "1h"], 2),
                (["shelve", "pump-1", "hot", "--reason", "x"], 2),
                (["shelve", "pump-1", "--for", "1h", "--reason", "x"], 2),
                (["shelve", "pump-1", "hot", "--for", "1h", "--until", "now", "--reason",
                  "x"], 2),
                (["shelve", "pump-1", "hot", "--until", "soon", "--reason", "x"], 2),
                (["service", "pump-1", "out"], 2),
                (["service", "pump-1", "away", "--reason", "x"], 2),
                (["service", "pump-1", "in"], 1),
                (["service", "no-such", "out", "--reason", "x"], 1),
                (["shelve", "feeder", "hot", "--for", "1h", "--reason", "x"], 1),
                (["unshelve", "pump-1", "hot"], 1)):
            done = e.run(*words)
            self.assertEqual(done.returncode, status, (words, done.stderr))
            self.assertNotEqual(done.stderr, "")
        self.assertIn("one of the two", e.run("shelve", "pump-1", "hot", "--for", "1h", "--until",
                                              "now", "--reason", "x").stderr)
        self.assertEqual(e.listing("alarms"), [])
        e.stop()
        for words in (["shelve", "pump-1", "hot", "--for", "1h", "--reason", "x"],
                      ["unshelve", "pump-1", "hot"], ["service", "pump-1", "in"]):
            self.assertEqual(e.run(*words).returncode, 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
