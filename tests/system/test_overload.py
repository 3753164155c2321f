#!/usr/bin/python3
"""A line that is asked for more than it can carry: said before it runs, seen in the status,
raised as an alarm by the shipped rule, and over when the plan fits."""
import json
import os
import re
import signal
import socket
import struct
import threading
import time
import unittest

from estate import TOP, Estate, wait_for

UNITS = range(1, 5)
REGISTERS = 20
# 53 characters of 10 bits, two silences of 3.5 characters.
STALL_S = 0.3  # A poll of 1 s is late by another second before it counts.
LEAST_MS = (8 + 5 + 2 * REGISTERS + 7) * 10 / 9.6
SIMULATION = """
slaves:
  - tcp: 127.0.0.1:0
    units: [{unit: 1, id: easy, points: {p0: {register: holding 0, signal: 1}}}]
  - rtu: line
    baud: 9600
    units:
"""


def shipped_rule():
    """bus-overloaded as it is shipped, in a hurry."""
    with open(os.path.join(TOP, "config/rules/bus.yaml"), encoding="utf-8") as f:
        text = f.read()
    rule = text[text.index("  - id: bus-overloaded"):]
    rule = re.sub(r"hold: 60s", "hold: 1s", rule)
    return "rules:\n" + re.sub(r"\n    (procedure|ticket): .*", "", rule)


class Watch(threading.Thread):
    """Asks the slave of the net beside the daemon, and keeps by how much an answer was late:
    a machine that holds us up, or the slave, holds up the daemon too."""

    EVERY_S = 0.05

    def __init__(self, port):
        super().__init__(daemon=True)
        self.slave = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.ending = threading.Event()
        self.rounds, self.worst_s = 0, 0
        self.start()

    def run(self):
        due = time.monotonic()
        while not self.ending.wait(max(0, due - time.monotonic())):
            self.slave.sendall(struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 0, 1))
            if not self.slave.recv(256):
                return
            now = time.monotonic()
            self.worst_s = max(self.worst_s, now - due)
            self.rounds += 1
            due = now + self.EVERY_S

    def end(self):
        self.ending.set()
        self.join()
        self.slave.close()


class Overload(unittest.TestCase):
    def setUp(self):
        self.estate = e = Estate(rules=shipped_rule())
        self.addCleanup(e.close)
        text = SIMULATION
        for unit in UNITS:
            points = ", ".join(f"p{r}: {{register: holding {r}, signal: {100 * unit + r}}}"
                               for r in range(REGISTERS))
            text += f"      - {{unit: {unit}, id: busy-{unit}, points: {{{points}}}}}\n"
        simulator = e.simulate(text)
        self.port = int(re.search(r"tcp 127\.0\.0\.1:(\d+)", simulator.log).group(1))

    def write_site(self, poll):
        points = ", ".join(f"p{r}: {{register: holding {r}}}" for r in range(REGISTERS))
        text = ("buses:\n"
                "  - {id: line, rtu: line, baud: 9600, parity: none, stop_bits: 1}\n"
                f'  - {{id: net, tcp: "127.0.0.1:{self.port}"}}\n'
                "devices:\n"
                "  - {id: easy, bus: net, unit: 1, poll: 1s, points: "
                "{p0: {register: holding 0}}}\n")
        for unit in UNITS:
            text += (f"  - {{id: busy-{unit}, bus: line, unit: {unit}, poll: {poll}, "
                     f"points: {{{points}}}}}\n")
        self.estate.write_site(text)

    def plan(self, bus):
        return next(b for b in json.loads(self.estate.ok("check", "--plan", "--json"))
                    if b["bus"] == bus)

    def bus(self, name):
        return next(b for b in self.estate.status()["buses"] if b["id"] == name)

    def check_alarms(self, watch):
        """None of the other bus came, also none that went again, but for a stall."""
        watch.end()
        self.assertGreater(watch.rounds, 20)
        came = {f"{v['device']}/{v['rule']}" for v in self.estate.events()
                if v["event"] == "alarm.raised"}
        if watch.worst_s < STALL_S:
            self.assertEqual(came, {"line/bus-overloaded"}, watch.worst_s)
        self.assertLessEqual(came, {"line/bus-overloaded", "net/bus-overloaded"})

    def raised(self):
        return {f"{a['device']}/{a['rule']}" for a in self.estate.listing("alarms")
                if a["state"].startswith("active")}

    def test_a_line_that_cannot_hold_its_plan(self):
        e = self.estate
        self.write_site("150ms")
        plan = self.plan("line")
        self.assertEqual([r["bytes"] for r in plan["requests"]], [53] * len(UNITS))
        self.assertGreater(plan["load"], 100 * len(UNITS) * LEAST_MS / 150)
        self.assertIn("CANNOT HOLD ITS PLAN", plan["advice"])
        done = e.run("check")
        self.assertEqual(done.returncode, 0)  # A warning.
        self.assertRegex(done.stderr, r'site.yaml:\d+:\d+: warning: bus "line" CANNOT HOLD')

        watch = Watch(self.port)
        self.addCleanup(watch.end)
        e.start()
        e.daemon.wait_line('bus "line" CANNOT HOLD ITS PLAN')
        wait_for(lambda: "line/bus-overloaded" in self.raised(), "the alarm")
        line = self.bus("line")
        # Of the wire alone; half of it, as the first seconds count too.
        self.assertGreater(line["late"], 100 * (len(UNITS) * LEAST_MS / 150 - 1) / 2)
        self.assertTrue(line["online"])
        # A machine that stalls makes every bus late for a while.
        wait_for(lambda: self.raised() == {"line/bus-overloaded"}, "no other alarm")
        wait_for(lambda: self.bus("net")["late"] < 10, "the other holds its plan")
        self.assertRegex(e.ok("status"), r"buses: id line .*load [\d.]+ late [1-9]")
        # Nobody is left out.
        for unit in UNITS:
            wait_for(lambda u=unit: [
                d for d in e.listing("devices", "--device", f"busy-{u}")
                if (d["state"], d["quality"]) == ("online", "good")], unit)

        self.write_site("2s")
        plan = self.plan("line")
        self.assertLess(plan["load"], 80)
        self.assertIsNone(plan["advice"])
        self.assertNotIn("its plan", e.run("check").stderr)
        since = len(e.daemon.lines)
        e.daemon.send(signal.SIGHUP)
        e.daemon.wait_line("reloaded: ", since=since)
        wait_for(lambda: self.raised() == set(), "the end of the overload")
        wait_for(lambda: self.bus("line")["late"] < 5, "it holds its plan")
        self.check_alarms(watch)

    def test_the_line_behind_a_gateway_counts_when_its_speed_is_known(self):
        points = ", ".join(f"p{r}: {{register: holding {r}}}" for r in range(REGISTERS))
        devices = "".join(
            f"  - {{id: {bus}-{unit}, bus: {bus}, unit: {unit}, poll: 150ms, "
            f"points: {{{points}}}}}\n" for bus in ("known", "translated", "unknown")
            for unit in UNITS)
        self.estate.write_site(
            "buses:\n"
            '  - {id: known, rtu_over_tcp: "127.0.0.1:4001", baud: 9600, parity: none}\n'
            '  - {id: translated, tcp: "127.0.0.1:4003", baud: 14400, parity: none}\n'
            '  - {id: unknown, tcp: "127.0.0.1:4002"}\n'
            "devices:\n" + devices)
        known, translated, unknown = map(self.plan, ("known", "translated", "unknown"))
        self.assertEqual([b["baud"] for b in (known, translated, unknown)],
                         [9600, 14400, None])
        # The bytes are those of the wire whose time is told: 61 of MBAP, 53 of RTU.
        self.assertEqual([{r["bytes"] for r in b["requests"]}
                          for b in (known, translated, unknown)], [{53}, {53}, {61}])
        self.assertLess(translated["load"], known["load"])
        self.assertGreater(known["load"], 100 * len(UNITS) * LEAST_MS / 150)
        self.assertIn("raise the baud rate", known["advice"])
        self.assertIsNone(unknown["advice"])
        text = self.estate.ok("check", "--plan")
        self.assertRegex(text, r"(?s)bus known .*with the serial line behind this endpoint, "
                               r"at 9600 baud.*bus unknown .*\n"
                               r"  if there is a serial line behind this endpoint, it is not "
                               r"counted; give the bus its `baud` and it is\n")
        self.assertIn("says how fast it is, with\n`baud` beside tcp or rtu_over_tcp",
                      self.estate.ok("check", "--help"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
