#!/usr/bin/python3
"""What `caretaker simulate` puts on the wire, seen by a master on raw sockets and ttys: no
Modbus library, ours or another, has a part in it."""
import os
import re
import select
import signal
import socket
import struct
import time
import tty
import unittest

from estate import LIMIT_S, TOP, Estate, wait_for
from rogue import MBAP, crc

UNIT = """
      - unit: %d
        id: %s
        points:
          a: {register: holding 0, signal: 4660}
          b: {register: holding 20, signal: 7}
"""
PDU = struct.pack(">BHH", 3, 0, 1)  # Of the question,
VALUE = bytes([3, 2, 0x12, 0x34])  # and of its answer.
CSV = "time,level,flow\n2026-01-01T00:00:00Z,3,5\n2026-01-01T00:00:01Z,4,6\n"


class Master:
    """One connection; `framing` is "tcp" or "rtu"."""

    def __init__(self, framing, where):
        self.framing = framing
        self.number = 0
        if isinstance(where, int):
            self.socket = socket.create_connection(("127.0.0.1", where), LIMIT_S)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.fd = self.socket.fileno()
        else:
            self.fd = os.open(where, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(self.fd)

    def close(self):
        if hasattr(self, "socket"):
            self.socket.close()
        else:
            os.close(self.fd)

    def question(self, unit, pdu=PDU):
        if self.framing == "tcp":
            self.number += 1
            return MBAP.pack(self.number, 0, len(pdu) + 1, unit) + pdu
        return bytes([unit]) + pdu + crc(bytes([unit]) + pdu)

    def whole(self, unit, pdu=VALUE):
        """The answer that is right."""
        if self.framing == "tcp":
            return MBAP.pack(self.number, 0, len(pdu) + 1, unit) + pdu
        return bytes([unit]) + pdu + crc(bytes([unit]) + pdu)

    def send(self, unit, pdu=PDU):
        os.write(self.fd, self.question(unit, pdu))

    def pieces(self, until, quiet_s=LIMIT_S):
        """(time, bytes) of each read, until so many bytes came, the other side closed, or
        nothing came for so long."""
        out, size = [], 0
        while size < until and select.select([self.fd], [], [], quiet_s)[0]:
            try:
                more = os.read(self.fd, 1024)
            except ConnectionResetError:
                more = b""
            out.append((time.monotonic(), more))
            size += len(more)
            if not more:
                break
        return out

    def ask(self, unit, pdu=PDU, until=0, quiet_s=LIMIT_S):
        self.send(unit, pdu)
        until = until or len(self.whole(unit))
        return b"".join(b for _, b in self.pieces(until, quiet_s))


class Case(unittest.TestCase):
    def serve(self, text, files=()):
        self.estate = Estate()
        self.addCleanup(self.estate.close)
        for name, content in files:
            self.estate.write(name, content)
        self.simulator = self.estate.simulate("slaves:\n" + text)

    def master(self, index=0, framing="tcp"):
        line = [x for x in self.simulator.lines if x.startswith(("tcp", "rtu_over", "pty"))][index]
        where = line.split()[1]
        m = Master(framing, where if line.startswith("pty") else int(where.split(":")[-1]))
        self.addCleanup(m.close)
        return m

    def three(self, keys=""):
        """A master on each kind of port, whose unit 7 is called by the port's kind."""
        self.serve("".join(
            f"  - {kind}\n{keys}    units:{UNIT % (7, name)}"
            for name, kind in (("tcp", "tcp: 127.0.0.1:0"),
                               ("remote", "rtu_over_tcp: 127.0.0.1:0"),
                               ("line", "rtu: line\n    baud: 0"))))
        return {"tcp": self.master(0), "remote": self.master(1, "rtu"),
                "line": self.master(2, "rtu")}


class Faults(Case):
    def each(self, *fault):
        masters = self.three()
        for name, m in masters.items():
            self.assertEqual(m.ask(7), m.whole(7), name)
            self.simulator.tell("fault", name, *fault)
        return masters

    def well_again(self, masters):
        self.simulator.tell("clear", "*")
        for name, m in masters.items():
            self.assertEqual(m.ask(7), m.whole(7), name)

    def test_silent(self):
        masters = self.each("silent", "times", 1)
        for name, m in masters.items():
            m.send(7)
            wait_for(lambda n=name: "silent=1" in self.simulator.tell("stats", n), "struck")
            self.assertEqual(m.ask(7), m.whole(7), name)  # And no second answer before it.

    def test_slow_and_late_come_after_their_time(self):
        for kind in ("slow", "late"):
            masters = self.each(kind, "300ms")
            for name, m in masters.items():
                with self.subTest(kind + " " + name):
                    began = time.monotonic()
                    self.assertEqual(m.ask(7), m.whole(7))
                    self.assertGreaterEqual(time.monotonic() - began, 0.29)
            # Late strikes once unless told how often.
            self.assertIn(f"{kind}=3", self.simulator.tell("stats"))
            self.well_again(masters)

    def test_damage(self):
        for kind in ("bad_crc", "wrong_unit", "truncated"):
            masters = self.each(kind, "times", 1)
            for name, m in masters.items():
                with self.subTest(kind + " " + name):
                    m.send(7)
                    whole = m.whole(7)
                    size = len(whole) // 2 if kind == "truncated" else len(whole)
                    got = b"".join(b for _, b in m.pieces(size))
                    self.assertNotEqual(got, whole)
                    if kind == "truncated":
                        self.assertEqual(got, whole[:size])
                        self.assertEqual(m.pieces(1, quiet_s=0.1), [])
                    elif kind == "wrong_unit":
                        self.assertEqual(len(got), len(m.whole(7)))
                        self.assertNotEqual(got[6 if m.framing == "tcp" else 0], 7)
                        if m.framing == "rtu":
                            self.assertEqual(crc(got[:-2]), got[-2:])
                    elif m.framing == "rtu":
                        self.assertNotEqual(crc(got[:-2]), got[-2:])
            for name, m in masters.items():
                self.assertEqual(m.ask(7), m.whole(7), name)

    def test_exceptions_and_refused_addresses(self):
        masters = self.each("exception", 6)
        for name, m in masters.items():
            want = m.whole(7, bytes([0x83, 6]))
            m.number += 1 if m.framing == "tcp" else 0
            want = m.whole(7, bytes([0x83, 6]))
            m.number -= 1 if m.framing == "tcp" else 0
            self.assertEqual(m.ask(7, until=len(want)), want, name)
        masters = self.each("refuse", "holding", "10..30")
        for name, m in masters.items():
            self.assertEqual(m.ask(7), m.whole(7), name)
            got = m.ask(7, struct.pack(">BHH", 3, 19, 2), until=9 if m.framing == "tcp" else 5)
            self.assertEqual(got, m.whole(7, bytes([0x83, 2])), name)

    def test_drop(self):
        masters = self.each("drop")
        for name in ("tcp", "remote"):
            self.assertEqual(masters[name].ask(7), b"", name)
        line = masters["line"]  # Has no connection to close: it is silent.
        line.send(7)
        wait_for(lambda: "drop=1" in self.simulator.tell("stats", "line"), "struck")
        self.assertEqual(line.pieces(1, quiet_s=0.1), [])
        self.simulator.tell("clear", "line")
        self.assertEqual(line.ask(7), line.whole(7))

    def test_garbage_stands_where_it_is_told(self):
        for place in ("before", "after", "between"):
            masters = self.each("garbage", "place", place, "bytes", 5, "times", 1)
            for name, m in masters.items():
                with self.subTest(place + " " + name):
                    got = m.ask(7, until=len(m.whole(7)) + 1)
                    got += b"".join(b for _, b in m.pieces(1000, quiet_s=0.1))
                    self.assertGreater(len(got), len(m.whole(7)))
                    self.assertLessEqual(len(got), len(m.whole(7)) + 5)
                    at = got.find(m.whole(7))
                    self.assertEqual(at == 0, place != "before")

    def test_every_and_times(self):
        masters = self.each("exception", 4, "every", 3, "times", 2)
        for name, m in masters.items():
            codes = [m.ask(7, until=9 if m.framing == "tcp" else 5)[-4 if m.framing == "rtu"
                                                                     else 7] for _ in range(12)]
            struck = [c for c in codes if c & 0x80]
            self.assertEqual(len(struck), 2, (name, codes))

    def test_a_wrong_command_says_what_is_accepted(self):
        self.three()
        for words, part in (
                (("fault", "tcp", "sulks"), "silent, slow, bad_crc"),
                (("fault", "tcp", "slow", "soon"), "duration"),
                (("fault", "tcp", "refuse"), "registers TABLE"),
                (("fault", "tcp", "exception", "0"), "1..255"),
                (("fault", "nobody", "silent"), "no unit 'nobody'"),
                (("fault", "7", "silent"), "several ports have a unit 7"),
                (("fault", "tcp", "silent", "chance", "0%"), "no chance"),
                (("port", "nowhere", "open"), "nowhere"),
                (("dance",), "set, free, fault, clear, get, stats and port")):
            with self.subTest(words):
                with self.assertRaises(AssertionError) as said:
                    self.simulator.tell(*words)
                self.assertIn(part, str(said.exception))


class Ports(Case):
    def test_answers_leave_in_pieces(self):
        self.serve(f"  - tcp: 127.0.0.1:0\n    split: 4\n    units:{UNIT % (7, 'a')}")
        m = self.master()

        def in_pieces():
            """Who is late to look sees several as one."""
            m.send(7)
            pieces = [b for _, b in m.pieces(len(m.whole(7)))]
            self.assertEqual(b"".join(pieces), m.whole(7))
            self.assertEqual({len(p) % 4 for p in pieces[:-1]} - {0}, set())
            return len(pieces) == -(-len(m.whole(7)) // 4)
        wait_for(in_pieces, "each piece by itself")

    def test_a_stall_does_not_mix_the_pieces_of_two_answers(self):
        self.serve(f"  - tcp: 127.0.0.1:0\n    split: 1\n    units:{UNIT % (7, 'a')}"
                   f"{UNIT % (8, 'b')}        faults: [{{slow: [0s], delay: 3ms}}]\n")
        m = self.master()
        for _ in range(5):  # The second becomes due just before the next piece of the first.
            first = m.question(7)
            want = m.whole(7)
            os.write(m.fd, first + m.question(8))
            want += m.whole(8)
            got = m.pieces(2)
            # Not a wait: both answers are to be overdue when it goes on.
            os.kill(self.simulator.pid, signal.SIGSTOP)
            time.sleep(0.06)
            os.kill(self.simulator.pid, signal.SIGCONT)
            got += m.pieces(len(want) - sum(len(b) for _, b in got))
            self.assertEqual(b"".join(b for _, b in got), want)

    def test_answers_of_a_time_leave_together(self):
        self.serve(f"  - tcp: 127.0.0.1:0\n    coalesce: 150ms\n    units:{UNIT % (7, 'a')}")
        m = self.master()
        first = m.question(7)
        want = m.whole(7)
        os.write(m.fd, first + m.question(7))
        want += m.whole(7)
        self.assertEqual([b for _, b in m.pieces(len(want))], [want])

    def test_a_port_hangs_closes_and_opens(self):
        self.serve(f"  - tcp: 127.0.0.1:0\n    units:{UNIT % (7, 'a')}")
        m = self.master()
        port = m.socket.getpeername()[1]
        self.simulator.tell("port", port, "hang")
        self.assertEqual(m.ask(7, quiet_s=0.3), b"")
        self.simulator.tell("port", port, "closed")
        self.assertEqual(b"".join(b for _, b in m.pieces(1)), b"")  # Reset,
        with self.assertRaises(ConnectionRefusedError):  # and refused.
            socket.create_connection(("127.0.0.1", port), LIMIT_S)
        self.simulator.tell("port", port, "open")
        again = self.master()
        self.assertEqual(again.ask(7), again.whole(7))

    def test_a_window_closes_a_port_by_itself(self):
        self.serve(f"  - tcp: 127.0.0.1:0\n    closed: [0s, 500ms]\n    units:{UNIT % (7, 'a')}")

        def answer():
            try:
                m = self.master()
            except ConnectionRefusedError:
                return None
            return m.ask(7) == m.whole(7)
        self.assertTrue(wait_for(answer, "it opens"))

    def test_copies_of_a_port_are_many(self):
        self.serve(f"  - tcp: 127.0.0.1:0\n    count: 20\n    units:{UNIT % (7, 'a')}"
                   f"  - rtu: line\n    baud: 0\n    count: 3\n    units:{UNIT % (3, 'b')}")
        tcp = [x for x in self.simulator.lines if x.startswith("tcp")]
        self.assertEqual(len(tcp), 20)
        for index in (0, 10, 19):
            m = self.master(index)
            self.assertEqual(m.ask(7), m.whole(7), index)
        for index in range(3):
            m = self.master(20 + index, "rtu")
            self.assertEqual(m.ask(3), m.whole(3), index)

    def test_a_line_echoes(self):
        self.serve(f"  - rtu: line\n    baud: 0\n    echo: true\n    units:{UNIT % (7, 'a')}")
        m = self.master(0, "rtu")
        want = m.question(7) + m.whole(7)
        self.assertEqual(m.ask(7, until=len(want)), want)

    def test_a_strict_line_does_not_hear_what_comes_too_early(self):
        self.serve("  - rtu: line\n    baud: 1200\n    strict: true\n"
                   f"    units:{UNIT % (7, 'a')}")
        m = self.master(0, "rtu")
        heard = 0

        def told():
            said = self.simulator.tell("stats")
            return said if f"requests={heard + 1} " in said or "violations=1" in said else None
        while True:
            self.assertEqual(m.ask(7), m.whole(7))
            heard += 1
            # Its last byte is still on the line when we have it; 32 ms of silence are due,
            # in which we ask again unless the machine is too busy.
            m.send(7)
            if "violations=1" in wait_for(told, "heard, or not"):
                break
            self.assertEqual(b"".join(b for _, b in m.pieces(len(m.whole(7)))), m.whole(7))
            heard += 1
            self.assertLess(heard, 100)
        self.assertEqual(m.pieces(1, quiet_s=0.2), [])
        self.assertEqual(m.ask(7), m.whole(7))
        self.assertIn(f"requests={heard + 1} answers={heard + 1} violations=1",
                      self.simulator.tell("stats"))

    def test_a_paced_line_takes_its_time(self):
        self.serve(f"  - rtu: line\n    baud: 1200\n    units:{UNIT % (7, 'a')}")
        m = self.master(0, "rtu")
        began = time.monotonic()
        self.assertEqual(m.ask(7), m.whole(7))
        # Eight characters there, seven back, of 10 bits each.
        self.assertGreaterEqual(time.monotonic() - began, 15 * 10 / 1200 * 0.95)


class Example(Case):
    def test_the_shipped_simulation_is_right_and_runs(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)
        with open(os.path.join(TOP, "config/simulation.yaml"), encoding="utf-8") as f:
            text = f.read()
        done = self.estate.run("check", os.path.join(TOP, "config/simulation.yaml"), site=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("silent", "slow", "bad_crc", "wrong_unit", "truncated", "exception", "drop",
                     "refuse", "garbage", "late", "steps", "sine", "ramp", "counter", "csv"):
            self.assertRegex(text, rf"\b{word}: ")
        # Ports that are free, and no devices beside it.
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", text).replace("count: 24", "count: 20")
        text = text.replace("control: simulator.sock", "")
        os.symlink(os.path.join(TOP, "config/devices"), self.estate.path("devices"))
        self.simulator = self.estate.simulate(text)
        line = self.master(2, "rtu")
        got = line.ask(9, struct.pack(">BHH", 4, 0, 1))
        self.assertEqual(got[:5], bytes([9, 4, 2]) + struct.pack(">H", 420))


class Csv(Case):
    def value(self, master):
        return struct.unpack(">H", master.ask(7)[-2:])[0]

    def test_a_column_is_played_back(self):
        signal = "{csv: {file: log.csv, column: level, at_end: %s}}"
        unit = ("\n      - unit: 7\n        id: u\n        points:\n"
                "          a: {register: holding 0, signal: %s}\n")
        self.serve("".join(f"  - tcp: 127.0.0.1:0\n    units:{unit % (signal % end)}"
                           for end in ("hold", "loop")), [("log.csv", CSV)])
        hold, loop = self.master(0), self.master(1)
        seen = set()
        wait_for(lambda: self.value(hold) == 4, "the second row")
        self.assertEqual(self.value(hold), 4)

        def both():
            seen.add(self.value(loop))
            return seen == {3, 4}
        wait_for(both, "it begins again")

    def test_a_column_that_is_not_there_is_told_with_its_place(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)
        self.estate.write("log.csv", CSV)
        self.estate.write("sim.yaml", "slaves:\n  - tcp: 127.0.0.1:0\n    units:\n"
                          "      - unit: 7\n        id: u\n        points:\n"
                          "          a: {register: holding 0,\n"
                          "              signal: {csv: {file: log.csv, column: depth}}}\n")
        for command in ("simulate", "check"):
            done = self.estate.run(command, self.estate.path("sim.yaml"), site=False)
            self.assertEqual(done.returncode, 3)
            self.assertIn("sim.yaml:8", done.stderr)
            self.assertIn("no column 'depth'; the file has time, level, flow", done.stderr)

    def test_check_tells_all_that_is_wrong_with_logs(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)
        self.estate.write("back.csv", "time,a\n2026-01-01T00:00:02Z,3\n2026-01-01T00:00:01Z,4\n")
        self.estate.write("word.csv", "time,a\n2026-01-01T00:00:02Z,high\n")
        self.estate.write("short.csv", "time,a\n2026-01-01T00:00:02Z\n")
        self.estate.write("empty.csv", "")
        self.estate.write("bare.csv", "when,a\n1,2\n")
        wrong = (("none", "No such file"), ("back", "back.csv:3: goes back in time"),
                 ("word", "word.csv:2: 'high' is no value"), ("short", "short.csv:2: 1 cells"),
                 ("empty", "no values of 'a'"), ("bare", "bare.csv:1: no column 'time'"))
        self.estate.write("sim.yaml", "slaves:\n  - tcp: 127.0.0.1:0\n    units:\n"
                          "      - unit: [7, 9]\n        id: u\n        points:\n" + "".join(
                              f"          {name}: {{register: holding {i},\n              "
                              f"signal: {{csv: {{file: {name}.csv, column: a}}}}}}\n"
                              for i, (name, _) in enumerate(wrong)))
        done = self.estate.run("check", self.estate.path("sim.yaml"), site=False)
        self.assertEqual(done.returncode, 3)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), len(wrong) + 1, done.stderr)
        for i, (_, text) in enumerate(wrong):
            self.assertIn(f"sim.yaml:{8 + 2 * i}:", lines[i])
            self.assertIn(text, lines[i])


if __name__ == "__main__":
    unittest.main(verbosity=2)
