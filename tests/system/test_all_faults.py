#!/usr/bin/python3
"""All faults that `caretaker simulate` knows, at once and by chance, on every kind of bus for
a minute: the collectors under the address and under the thread sanitizer, side by side.

Whatever happens, a value is only ever the register's own, nobody is left out, every cause is
told, and when the faults end all is good again.
"""
import json
import os
import sys
import time
import unittest

from estate import HERE, Estate, Process, wait_for
from rogue import HOLDING, INPUT, expected, value_of

SECONDS = float(os.environ.get("FAULT_SECONDS", "60"))
BUILD = os.path.join(HERE, "../../build")
UNITS = range(1, 7)
REFUSED = "h8"
POINTS = [f"h{a}" for a in (0, 1, 2, 3, 8, 9, 500)] + ["i40", "i41"]
# RTU knows a late answer by its time only: the collectors listen for two time limits, and then
# ask again.  A busy machine makes it later still, so it comes well before that end.
TIMEOUT_MS, LATE_MS = 500, 600
FAULTS = """
      - {silent: [0s], chance: 4 %}
      - {slow: [0s], delay: 150ms, chance: 4 %}
      - {bad_crc: [0s], chance: 4 %}
      - {wrong_unit: [0s], chance: 4 %}
      - {truncated: [0s], chance: 4 %}
      - {exception: [0s], code: 6, chance: 4 %}
      - {exception: [0s], code: 11, chance: 4 %}
      - {exception: [0s], code: 4, chance: 4 %}
      - {refuse: [0s], registers: holding 8, code: 2, chance: 50 %}
      - {drop: [0s], chance: 2 %}
      - {garbage: [0s], place: any, chance: 6 %}
      - {late: [0s], delay: LATE_MSms, chance: 4 %, times: 1000}
""".replace("LATE_MS", str(LATE_MS))
# Name -> port of the simulation, bus of the site.
PORTS = {
    "tcp": ("tcp: 127.0.0.1:0", "tcp"),
    "split": ("tcp: 127.0.0.1:0\n    split: 3", "tcp"),
    "joined": ("tcp: 127.0.0.1:0\n    coalesce: 30ms", "tcp"),
    "remote": ("rtu_over_tcp: 127.0.0.1:0", "rtu_over_tcp"),
    "line": ("rtu: line\n    baud: 38400\n    strict: true", "rtu"),
    "echo": ("rtu: echo\n    baud: 38400\n    echo: true", "rtu"),
}
CAUSES = {"timeout", "crc", "exception", "refused"}


def simulation():
    yield "slaves:\n"
    for name, (port, _) in PORTS.items():
        yield f"  - {port}\n    units:\n"
        for unit in UNITS:
            yield f"    - unit: {unit}\n      id: {name}-{unit}\n      points:\n"
            for p in POINTS:
                function = HOLDING if p[0] == "h" else INPUT
                table = "holding" if p[0] == "h" else "input"
                yield (f"        {p}: {{register: {table} {p[1:]}, "
                       f"signal: {value_of(unit, function, int(p[1:]))}}}\n")
            yield f"      faults:{FAULTS.replace(chr(10) + '  ', chr(10) + '    ')}"


def site(addresses):
    yield "buses:\n"
    for name, (_, kind) in PORTS.items():
        where = addresses[name] if kind == "rtu" else f'"{addresses[name]}"'
        baud = ", baud: 38400, parity: none, stop_bits: 1" if kind == "rtu" else ""
        yield f"  - {{id: {name}, {kind}: {where}{baud}, timeout: {TIMEOUT_MS}ms, retries: 1}}\n"
    yield "devices:\n"
    for name in PORTS:
        for unit in UNITS:
            yield (f"  - id: {name}-u{unit}\n    type: meter\n    bus: {name}\n"
                   f"    unit: {unit}\n    poll: 200ms\n    points:\n")
            for p in POINTS:
                yield f"      {p}: {{register: {'holding' if p[0] == 'h' else 'input'} {p[1:]}}}\n"


class Run:
    """A simulation, and the collectors of one variant on it."""

    def __init__(self, case, variant):
        self.case, self.variant = case, variant
        self.looked, self.good = 0, set()  # Of not_good(): lines, devices.
        self.estate = Estate()
        case.addCleanup(self.estate.close)
        self.slaves = self.estate.simulate("".join(simulation()))
        self.estate.write_site("".join(site(self.addresses())))
        driver = os.path.join(BUILD, variant, "tests/collectors/driver_site")
        before = ["setarch", "-R"] if variant == "tsan" else []
        self.driver = self.estate.keep(Process(
            *before, driver, "--frames", self.estate.site_file,
            env={"TSAN_OPTIONS": "halt_on_error=1"}))
        self.driver.wait_line("ready")

    def addresses(self):
        """In the order in which they were announced: that of the file."""
        lines = [x for x in self.slaves.lines if x.startswith(("tcp ", "rtu_over_tcp ", "pty "))]
        return {name: x.split()[1] for name, x in zip(PORTS, lines, strict=True)}

    def command(self, *words):
        return self.slaves.tell(*words)

    def frames(self, since=0):
        found = [json.loads(x) for x in self.driver.lines[since:] if '"frame"' in x]
        return [{k: v for k, v in f.items() if k in POINTS or k == "frame"} for f in found]

    def not_good(self, since):
        """Devices without a frame whose values are all good; what was refused three times
        in a row is left out for longer than we wait."""
        since = max(self.looked, since)
        self.looked = len(self.driver.lines)
        for f in self.frames(since):
            if not any(isinstance(f.get(p), str) for p in POINTS if p != REFUSED):
                self.good.add(f["frame"])
        return {f"{n}-u{u}" for n in PORTS for u in UNITS} - self.good

    def check(self, recovered_from):
        words, read = {n: set() for n in PORTS}, set()
        for f in self.frames():
            device = f.pop("frame")
            for point, value in f.items():
                if isinstance(value, str):
                    words[device.rpartition("-u")[0]].add(value)
                else:
                    self.case.assertEqual(value, expected(device, point), (device, point))
                    read.add((device, point))
        everything = {(f"{n}-u{u}", p) for n in PORTS for u in UNITS for p in POINTS
                      if p != REFUSED}
        self.case.assertEqual(everything - read, set())
        for name, said in words.items():
            self.case.assertLessEqual(said, CAUSES | {"offline"}, name)
            self.case.assertLessEqual({"timeout", "crc", "exception"}, said, name)
        self.case.assertGreater(recovered_from, 0)


class AllFaults(unittest.TestCase):
    def test_a_minute_of_everything(self):
        runs = [Run(self, v) for v in ("asan", "tsan")
                if os.path.exists(os.path.join(BUILD, v, "tests/collectors/driver_site"))]
        if not runs:
            self.skipTest("no build with a sanitizer: make VARIANT=asan drivers")
        end = time.monotonic() + SECONDS
        ports = [n for n in PORTS if not PORTS[n][1] == "rtu"]
        turn = 0
        while time.monotonic() < end:
            # Ports come and go as well.
            name, state = ports[turn % len(ports)], ("hang", "closed")[turn // len(ports) % 2]
            turn += 1
            for run in runs:
                run.command("port", run.addresses()[name], state)
            time.sleep(min(2, SECONDS / 20))
            for run in runs:
                run.command("port", run.addresses()[name], "open")
            time.sleep(min(1, SECONDS / 20))
            for run in runs:
                self.assertTrue(run.driver.running(), run.driver.log[-4000:])
        for run in runs:
            run.command("clear", "*")
        for run in runs:
            with self.subTest(run.variant):
                since = len(run.driver.lines)
                wait_for(lambda r=run, s=since: not r.not_good(s), f"{run.variant}: all good again",
                         limit=150)
                run.driver.child.stdin.close()
                self.assertEqual(run.driver.end(), 0, run.driver.log[-4000:])
                run.check(since)
        for run in runs:
            stats = run.command("stats")
            print(run.variant, stats.strip(), file=sys.stderr)
            for fault in ("silent", "slow", "bad_crc", "wrong_unit", "truncated", "exception",
                          "drop", "refuse", "garbage", "late"):
                self.assertRegex(stats, rf"\b{fault}=[1-9]")


if __name__ == "__main__":
    unittest.main(verbosity=2)
