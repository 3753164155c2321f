#!/usr/bin/python3
"""Thousands of ports in one process of `caretaker simulate`, and what it counts of them."""
import json
import random
import resource
import select
import socket
import subprocess
import time
import unittest

from estate import CARETAKER, LIMIT_S, Estate
from rogue import MBAP

PORTS = 3000
LINES = 100
MASTERS = 1000  # On every third port.
QUESTION = MBAP.pack(1, 0, 6, 7) + bytes([3, 0, 0, 0, 1])
ANSWER = MBAP.pack(1, 0, 5, 7) + bytes([3, 2, 0x12, 0x34])
UNITS = """
    units:
      - unit: 7
        id: u
        points:
          a: {register: holding 0, signal: 4660}
"""


class Many(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    def setUp(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)

    def free_range(self):
        """A first port after which as many are free as the simulator wants, below those
        that connections are given (ip_local_port_range)."""
        for _ in range(50):
            first = random.randrange(10000, 32768 - PORTS)
            held = []
            try:
                for port in range(first, first + PORTS):
                    held.append(socket.socket())
                    held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    held[-1].bind(("127.0.0.1", port))
                return first
            except OSError:
                continue
            finally:
                for s in held:
                    s.close()
        raise AssertionError(f"no {PORTS} free ports in a row")

    def control(self, *words):
        return subprocess.run(
            [CARETAKER, "simulate", "--control", self.estate.path("simulator.sock"), *words],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S,
            check=False)

    def ask_all(self, ports):
        """One question on a connection of its own to each, all of them before any answer
        is read."""
        masters = []
        for port in ports:
            s = socket.create_connection(("127.0.0.1", port), LIMIT_S)
            self.addCleanup(s.close)
            masters.append(s)
        for s in masters:
            s.sendall(QUESTION)
        for s in masters:
            got = b""
            while len(got) < len(ANSWER):
                more = s.recv(100)
                self.assertTrue(more, "closed")
                got += more
            self.assertEqual(got, ANSWER)

    def test_thousands_of_ports_answer_and_are_counted(self):
        first = self.free_range()
        simulator = self.estate.simulate(
            f"slaves:\n  - tcp: 127.0.0.1:{first}\n    count: {PORTS}{UNITS}"
            f"  - rtu: line\n    count: {LINES}\n    baud: 0{UNITS}")
        self.assertIn(f"tcp 127.0.0.1:{first} .. {first + PORTS - 1} ({PORTS} ports)",
                      simulator.lines)
        asked = range(first, first + PORTS, PORTS // MASTERS)
        self.ask_all(asked)

        # Half a megabyte, more than a socket holds: it comes whole, and for programs.
        done = self.control("stats", "by", "port", "json")
        self.assertEqual(done.returncode, 0, done.stdout[-300:])
        rows = {row["port"]: row for row in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(len(rows), PORTS + LINES)
        for port in range(first, first + PORTS):
            row = rows[f"127.0.0.1:{port}"]
            want = int(port in asked)
            self.assertEqual((row["requests"], row["answers"], row["violations"]),
                             (want, want, 0), port)
        self.assertIn(self.estate.path("line-100"), rows)
        self.assertRegex(self.control("stats").stdout,
                         rf"^ok requests={len(asked)} answers={len(asked)} violations=0 ")

    def test_who_reads_no_answers_holds_up_nobody(self):
        first = self.free_range()
        simulator = self.estate.simulate(
            f"slaves:\n  - tcp: 127.0.0.1:{first}\n    count: {PORTS}{UNITS}")
        lazy = socket.socket(socket.AF_UNIX)
        self.addCleanup(lazy.close)
        lazy.connect(self.estate.path("simulator.sock"))
        lazy.sendall(b"stats by port json\nget u@%d a\n" % first)
        self.ask_all([first])
        self.assertIn("requests=1", simulator.tell("stats"))
        # The second command waits its turn until the first one's answer has been taken.
        got, end = b"", time.monotonic() + LIMIT_S
        while not got.endswith(b"ok 4660\n"):
            self.assertTrue(select.select([lazy], [], [], end - time.monotonic())[0], got[-100:])
            more = lazy.recv(1 << 16)
            self.assertTrue(more, "closed")
            got += more
        lines = got.decode().splitlines()
        self.assertEqual(lines[-2:], ["ok", "ok 4660"])
        self.assertEqual(len(lines), PORTS + 2)

    def test_units_and_strangers_are_told_apart(self):
        simulator = self.estate.simulate(
            "slaves:\n  - tcp: 127.0.0.1:0" + UNITS + "  - rtu: line\n    baud: 0" + UNITS)
        port = int(simulator.lines[0].rsplit(":", 1)[1])
        self.ask_all([port])
        with socket.create_connection(("127.0.0.1", port), LIMIT_S) as s:
            s.sendall(MBAP.pack(1, 0, 6, 9) + QUESTION[7:])  # Unit 9 is not there.
            self.assertEqual(s.recv(100)[7:], bytes([0x83, 0x0B]))
        text = self.control("stats", "by", "port").stdout.splitlines()
        self.assertEqual(len(text), 2)
        self.assertRegex(text[0], rf"^port=127.0.0.1:{port} requests=2 answers=2 violations=0 ")
        self.assertRegex(text[1], r"^port=\S+/line requests=0 ")
        row = json.loads(self.control("stats", f"7@{port}", "by", "unit", "json").stdout)
        self.assertEqual((row["unit"], row["id"], row["requests"]), (7, "u", 1))
        self.assertEqual(row["faults"]["silent"], 0)
        bad = self.control("stats", "by", "night")
        self.assertEqual(bad.returncode, 1)
        self.assertIn("error: by port and by unit are accepted", bad.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
