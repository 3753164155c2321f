#!/usr/bin/python3
"""The technician's tools on site: scan, sniff, record, replay of what was recorded, read
--guess.  On the other end are pymodbus, frames made here, and captures made here."""
import json
import os
import select
import signal
import struct
import subprocess
import threading
import time
import tty
import unittest

from estate import CARETAKER, Estate, LIMIT_S, Process, Slave, free_port, wait_for
from rogue import crc

PROFILES = "eastron-sdm120"
SIM = """slaves:
  - tcp: 127.0.0.1:0
    units:
      - {unit: 7, id: meter, profile: eastron-sdm120, points: {voltage: 230, frequency: 50}}
      - {unit: 9, id: odd, points: {x: {register: holding 0, signal: 5}}}
  - rtu: line
    baud: 0
    units:
      - {unit: 3, id: th, points: {temperature: {register: input 1, signal: 215}}}
      - {unit: 4, id: other, points: {x: {register: holding 0, signal: 5}}}
"""
SITE = """buses:
  - {id: line, rtu: %s, baud: 9600, parity: none, stop_bits: 1, timeout: 300ms}
  - {id: gate, tcp: "127.0.0.1:502"}
devices:
  - {id: th, type: environment, bus: line, unit: 3, poll: 1s, points: {
      temperature: {register: input 1, scale: 0.1, unit: degC}}}
  - {id: m, type: meter, bus: gate, unit: 1, poll: 1s, points: {
      voltage: {register: holding 0, unit: V}}}
"""
RULES = """rules:
  - {id: hot, applies_to: {id: th}, when: temperature > 30 degC, severity: normal,
     title: {en: hot}, cause: c, consequence: c, action: a, source: test}
  - {id: low, applies_to: {id: m}, when: voltage < 200 V, severity: normal,
     title: {en: low}, cause: c, consequence: c, action: a, source: test}
"""


def frame(*parts):
    body = b"".join(p if isinstance(p, bytes) else bytes([p]) for p in parts)
    return body + crc(body)


ASK = frame(3, 4, struct.pack(">HH", 1, 1))


def answer(value):
    return frame(3, 4, 2, struct.pack(">H", value))


class Kit(unittest.TestCase):
    def setUp(self):
        self.estate = Estate(rules=RULES)
        self.addCleanup(self.estate.close)

    def run_kit(self, *words, status=0):
        done = self.estate.run(*words, site=False)
        self.assertEqual(done.returncode, status, done)
        return done


class Scan(Kit):
    def scan(self, *words, status=0):
        return self.run_kit("scan", *words, status=status)

    def test_a_slave_that_is_not_ours_is_found(self):
        port = free_port()
        self.estate.keep(Slave("tcp", port, 5, 17))
        found = json.loads(self.scan(f"tcp:127.0.0.1:{port}", "--units", "1-20", "--json",
                                     "-q").stdout)
        self.assertEqual([f["unit"] for f in found], [5, 17])

    def test_what_is_found_becomes_a_site_that_runs(self):
        simulator = self.estate.simulate(SIM)
        where = "tcp:" + next(x for x in simulator.lines if x.startswith("tcp")).split()[1]
        new = self.estate.path("new.yaml")
        done = self.scan(where, "--units", "1-12", "--write", new)
        self.assertRegex(done.stdout, r"(?m)^tcp:\S+ +7 .*eastron-sdm120")
        self.assertRegex(done.stdout, r"(?m)^tcp:\S+ +9 +value")
        self.run_kit("check", "-c", new)
        daemon = self.estate.keep(Process(CARETAKER, "run", "-c", new, cwd=self.estate.folder))
        daemon.wait_line("watching")
        wait_for(lambda: [d for d in json.loads(self.run_kit("devices", "-c", new, "--json").stdout)
                          if d["id"] == "unit-7" and d["quality"] == "good"], "it is read")
        self.assertEqual(daemon.stop(), 0)
        again = self.scan(where, "--write", new, status=4)
        self.assertIn("is there already", again.stderr)

    def test_a_line_is_found_at_its_first_speed_that_answers(self):
        self.estate.simulate(SIM)
        line = self.estate.path("line")
        found = json.loads(self.scan(f"rtu:{line}", "--units", "1-5", "--json", "-q").stdout)
        self.assertEqual([(f["unit"], f["line"]) for f in found],
                         [(3, f"rtu:{line},9600,8N1"), (4, f"rtu:{line},9600,8N1")])
        every = json.loads(self.scan(f"rtu:{line}", "--units", "3", "--json", "-q", "--all",
                                     "--baud", "9600,19200", "--parity", "none,even").stdout)
        self.assertEqual([f["line"].rpartition("line,")[2] for f in every],
                         ["9600,8N1", "9600,8E1", "19200,8N1", "19200,8E1"])

    def test_nobody_is_an_answer_with_a_status_of_its_own(self):
        simulator = self.estate.simulate(SIM)
        where = "tcp:" + next(x for x in simulator.lines if x.startswith("tcp")).split()[1]
        self.assertIn("nobody answered", self.scan(where, "--units", "20-22", "-t", "50ms",
                                                   status=1).stdout)
        self.assertIn("refused", self.scan(f"tcp:127.0.0.1:{free_port()}", status=4).stderr)
        self.assertIn("No such file", self.scan("rtu:/nowhere", status=4).stderr)
        self.assertIn("--units", self.scan(where, "--units", "9-1", status=2).stderr)
        self.assertIn("accepted", self.scan("bus:1", status=2).stderr)

    def test_ctrl_c_shows_what_was_found(self):
        self.estate.simulate(SIM)
        line = self.estate.path("line")
        scan = self.estate.keep(Process(CARETAKER, "scan", f"rtu:{line}", "--units", "3-200",
                                        "--timeout", "2s", "--json"))
        status = None

        def stop():
            nonlocal status
            scan.send(signal.SIGINT)
            status = scan.child.poll()
            return status is not None
        wait_for(lambda: os.path.exists(f"/proc/{scan.pid}/fdinfo"), "it runs")
        wait_for(lambda: "signalfd" in " ".join(
            os.readlink(f"/proc/{scan.pid}/fd/{fd}")
            for fd in os.listdir(f"/proc/{scan.pid}/fd")), "it listens to signals")
        wait_for(stop, "it ends")
        self.assertIn("ended early", scan.log)
        self.assertIn(status, (0, 1))

    def test_a_terminal_sees_a_bar_and_a_pipe_does_not(self):
        self.estate.simulate(SIM)
        line = self.estate.path("line")
        words = [CARETAKER, "scan", f"rtu:{line},9600,8N1", "--units", "3-9", "-t", "400ms"]
        done = subprocess.run(["script", "-qec", " ".join(words), "/dev/null"], text=True,
                              capture_output=True, timeout=LIMIT_S, check=True)
        self.assertRegex(done.stdout, r"\[#+\.+\] rtu:.* found, ")
        self.assertNotIn("[#", self.scan(*words[2:]).stderr)

    def test_a_line_that_the_daemon_has_is_scanned_through_it(self):
        self.estate.simulate(SIM)
        line = self.estate.path("line")
        self.estate.write_site(SITE % line)
        self.estate.start()
        done = self.scan(f"rtu:{line}", "--units", "3-5", "--json", "-c", self.estate.site_file)
        self.assertIn("through it", done.stderr)
        self.assertEqual([f["unit"] for f in json.loads(done.stdout)], [3, 4])
        self.assertIn("owns this line", self.scan(
            f"rtu:{line}", "--baud", "9600", "-c", self.estate.site_file, status=2).stderr)
        self.estate.stop()


class Wire:
    """The other end of a pty on which two others speak."""

    def __init__(self):
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)

    def speak(self, pause_s=0.05):
        for data in (ASK, answer(215), ASK, answer(216), ASK, answer(217)[:-1] + b"\0",
                     ASK, frame(3, 0x84, 2), ASK):
            os.write(self.master, data)
            time.sleep(pause_s)

    def sent(self):
        """What the listener put on the wire."""
        if not select.select([self.master], [], [], 0)[0]:
            return b""
        return os.read(self.master, 1024)

    def close(self):
        os.close(self.master)
        os.close(self.slave)


class Listen(Kit):
    def setUp(self):
        super().setUp()
        self.wire = Wire()
        self.addCleanup(self.wire.close)

    def listen(self, *words):
        """Starts a listener, speaks, ends it by Ctrl-C; its lines."""
        ear = self.estate.keep(Process(CARETAKER, *words))
        ear.wait_line("listening on")
        self.wire.speak()
        return ear

    def test_sniff_tells_who_says_what_and_never_speaks(self):
        ear = self.listen("sniff", f"rtu:{self.wire.path},9600,8N1", "--json")
        wait_for(lambda: sum('"kind"' in x for x in ear.lines) >= 9, "the frames")
        ear.send(signal.SIGINT)
        self.assertEqual(ear.end(), 0)
        told = [json.loads(x) for x in ear.lines if x.startswith("{")]
        kinds = [t["kind"] for t in told]
        self.assertEqual(kinds[:4], ["ask", "answer", "ask", "answer"])
        self.assertIn("damaged", kinds)
        self.assertEqual(told[1]["bytes"], answer(215).hex().upper())
        self.assertGreater(told[1]["latency_us"], 0)
        summary = told[-1]
        self.assertEqual(summary["kind"], "summary")
        unit = summary["units"][0]
        self.assertEqual((unit["unit"], unit["function"], unit["requests"], unit["answers"],
                          unit["exceptions"], unit["damaged"]), (3, 4, 4, 2, 1, 1))
        self.assertEqual(unit["unanswered"], 0)  # The last one may still be answered.
        self.assertEqual(self.wire.sent(), b"")

    def test_a_recording_is_replayed_through_the_rules(self):
        out = self.estate.path("wire.rec")
        ear = self.listen("record", f"rtu:{self.wire.path},9600,8N1", "-o", out)
        for value in (214, 350, 351):
            os.write(self.wire.master, ASK)
            time.sleep(0.05)
            os.write(self.wire.master, answer(value))
            time.sleep(0.05)

        def complete():
            with open(out, encoding="utf-8") as f:
                return answer(351).hex().upper() in f.read().replace(" ", "")
        wait_for(complete, "the record")
        ear.send(signal.SIGINT)
        self.assertEqual(ear.end(), 0)
        self.assertEqual(self.wire.sent(), b"")
        self.estate.write_site(SITE % self.wire.path)
        done = self.run_kit("replay", "-c", self.estate.site_file, "--format", "jsonl", out)
        raised = [json.loads(x) for x in done.stdout.splitlines() if "alarm.raised" in x]
        self.assertEqual([(r["device"], r["rule"], r["value"]) for r in raised],
                         [("th", "hot", 35)])
        shown = self.run_kit("sniff", out, "--summary")
        self.assertRegex(shown.stdout, r"(?m)^3 +4 +input")

    def test_what_the_daemon_asks_can_be_heard_and_recorded(self):
        self.estate.simulate(SIM)
        self.estate.write_site(SITE % self.estate.path("line"))
        self.estate.start()
        done = self.run_kit("sniff", "line", "-c", self.estate.site_file, "--count", "6", "--json")
        told = [json.loads(x) for x in done.stdout.splitlines()]
        self.assertEqual({t["kind"] for t in told[:-1]}, {"ask", "answer"})
        out = self.estate.path("line.rec")
        self.run_kit("record", "line", "-c", self.estate.site_file, "-o", out, "--for", "2s")
        with open(out, encoding="utf-8") as f:
            self.assertRegex(f.read(), r"(?m)^# caretaker-record 1 framing=rtu bus=line line=rtu:")
        self.estate.stop()


def packet(src, dst, sport, dport, seq, flags, payload=b""):
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, 0, 0x50, flags, 8192, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0,
                     bytes(src), bytes(dst))
    return b"\2" * 6 + b"\4" * 6 + b"\x08\0" + ip + tcp


def pcap(*values):
    """A capture in which a master asks unit 1 for holding register 0 each second."""
    here, there = (127, 0, 0, 2), (127, 0, 0, 1)
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    seqs, t = [100, 200], 1772323200
    for i, value in enumerate(values):
        ask = struct.pack(">HHHBBHH", i, 0, 6, 1, 3, 0, 1)
        say = struct.pack(">HHHBBBH", i, 0, 5, 1, 3, 2, value)
        for us, p in ((0, packet(here, there, 40000, 502, seqs[0], 0x18, ask)),
                      (9000, packet(there, here, 502, 40000, seqs[1], 0x18, say))):
            out += struct.pack("<IIII", t + i, us, len(p), len(p)) + p
        seqs = [seqs[0] + len(ask), seqs[1] + len(say)]
    return out


class Captures(Kit):
    def write(self, name, data):
        with open(self.estate.path(name), "wb") as f:
            f.write(data)
        return self.estate.path(name)

    def test_a_capture_is_replayed_through_the_rules(self):
        self.estate.write_site(SITE % "/dev/ttyS9")
        done = self.run_kit("replay", "-c", self.estate.site_file, "--format", "jsonl",
                            self.write("bus.pcap", pcap(230, 231, 190, 191)))
        raised = [json.loads(x) for x in done.stdout.splitlines() if "alarm.raised" in x]
        self.assertEqual([(r["device"], r["rule"], r["value"]) for r in raised],
                         [("m", "low", 190)])
        self.assertIn("2026-03-01T00:00:02.009", raised[0]["t"] if "t" in raised[0]
                      else json.dumps(raised[0]))

    def test_hostile_files_are_told_with_their_place(self):
        self.estate.write_site(SITE % "/dev/ttyS9")
        whole = pcap(230, 231, 232)
        for name, data, part in (
                ("cut.pcap", whole[:-7], "cut.pcap"),
                ("huge.pcap", whole[:24] + struct.pack("<IIII", 1, 1, 0x7FFFFFFF, 9), "huge.pcap"),
                ("time.pcap", whole[:24] + struct.pack("<IIII", 1, 4000000000, 4, 4) + b"abcd",
                 "time.pcap"),
                ("hex.rec", b"# caretaker-record 1 framing=rtu bus=line line=x\n"
                 b"2026-03-01T00:00:00.000000Z > 0G\n", "hex.rec:2"),
                ("head.rec", b"# caretaker-record 9 framing=rtu bus=- line=x\n", "head.rec:1")):
            with self.subTest(name):
                done = self.estate.run("replay", "-c", self.estate.site_file,
                                       self.write(name, data), site=False)
                self.assertGreaterEqual(done.returncode, 0, done)
                self.assertIn(part, done.stderr)


class Guess(Kit):
    def test_all_decodes_stand_side_by_side(self):
        port = free_port()
        slave = self.estate.keep(Slave("tcp", port, 1))
        high, low = struct.unpack(">HH", struct.pack(">f", 230.5))
        slave.set(1, "holding", 10, high)
        slave.set(1, "holding", 11, low)
        where = f"tcp:127.0.0.1:{port}"
        told = json.loads(self.run_kit("read", where, 1, "holding", 10, 2, "--guess",
                                       "--json").stdout)
        self.assertIn(("f32", "abcd", 230.5, True),
                      {(g["type"], g.get("order"), g["value"], g["sane"]) for g in told})
        text = self.run_kit("read", where, 1, "holding", 10, 2, "--guess").stdout
        self.assertIn("230.5 *", text)
        self.assertIn("(40011)", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
