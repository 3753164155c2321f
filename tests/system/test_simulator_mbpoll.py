"""mbpoll, a master that is not ours, reads `caretaker simulate` over TCP and over a pty."""

import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CARETAKER = os.environ.get("CARETAKER", os.path.join(TOP, "build/debug/caretaker"))
LIMIT_S = 60  # Only a hang takes this long.

SIM = """\
control: control.sock
slaves:
  - tcp: 127.0.0.1:0
    units:
      - unit: 7
        id: meter
        points:
          voltage: {register: input 0, type: f32, signal: 230.5}
          level: {register: holding 100, type: u16, scale: 0.1, signal: 12.3}
          negative: {register: holding 104, type: s16, signal: -5}
          running: {register: discrete 3, signal: true}
          lamp: {register: coil 9, signal: false}
  - rtu: line
    baud: 19200
    units:
      - unit: 3
        id: pump-1
        points:
          bearing: {register: input 322, type: u16, scale: 0.01, signal: 55}
          word: {register: holding 4, type: u16, signal: 257}
          overload: {register: holding 4, bit: 3, signal: true}
"""


class Simulator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="caretaker-mbpoll.")
        cls.addClassCleanup(shutil.rmtree, cls.dir)
        path = os.path.join(cls.dir, "sim.yaml")
        with open(path, "w", encoding="utf-8") as out:
            out.write(SIM)
        # pylint: disable=consider-using-with
        cls.child = subprocess.Popen([CARETAKER, "simulate", path], stdout=subprocess.PIPE)
        cls.addClassCleanup(cls.stop)
        cls.out = b""
        deadline = time.monotonic() + LIMIT_S
        while b"ready\n" not in cls.out:
            left = deadline - time.monotonic()
            if not select.select([cls.child.stdout], [], [], max(left, 0))[0]:
                raise AssertionError("not ready: %r" % cls.out)
            piece = os.read(cls.child.stdout.fileno(), 4096)
            if not piece:
                raise AssertionError("ended: %r" % cls.out)
            cls.out += piece
        cls.port = re.search(rb"tcp 127\.0\.0\.1:(\d+)", cls.out).group(1).decode()
        cls.line = os.path.join(cls.dir, "line")
        cls.control = os.path.join(cls.dir, "control.sock")

    @classmethod
    def stop(cls):
        if cls.child.poll() is None:
            cls.child.send_signal(signal.SIGTERM)
            cls.child.wait(LIMIT_S)
        cls.child.stdout.close()

    def mbpoll(self, *arguments):
        done = subprocess.run(
            ["mbpoll", "-1", "-q", "-0", "-o", "10", *arguments], timeout=LIMIT_S, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        values = re.findall(r"^\[\d+\]:\s+(\S+)", done.stdout, re.MULTILINE)
        return done.returncode, values, done.stdout

    def tcp(self, *arguments):
        return self.mbpoll("-m", "tcp", "-p", self.port, "-a", "7", *arguments, "127.0.0.1")

    def rtu(self, *arguments):
        return self.mbpoll("-m", "rtu", "-b", "19200", "-P", "none", "-a", "3", *arguments,
                           self.line)

    def command(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(LIMIT_S)
            s.connect(self.control)
            s.sendall(line.encode() + b"\n")
            with s.makefile() as answer:
                return answer.readline().strip()

    def test_the_ports_are_announced(self):
        self.assertRegex(self.out, rb"^tcp 127\.0\.0\.1:\d+\npty \S+ -> /dev/pts/\d+\nready\n$")

    def test_tcp_reads_all_four_tables(self):
        for arguments, want in (
                (("-t", "3:float", "-B", "-r", "0", "-c", "1"), ["230.5"]),
                (("-t", "4", "-r", "100", "-c", "1"), ["123"]),
                (("-t", "4", "-r", "104", "-c", "1"), ["65531"]),
                (("-t", "1", "-r", "3", "-c", "1"), ["1"]),
                (("-t", "0", "-r", "9", "-c", "1"), ["0"])):
            with self.subTest(arguments=arguments):
                status, values, text = self.tcp(*arguments)
                self.assertEqual((status, values), (0, want), text)

    def test_a_block_bridges_holes(self):
        status, values, text = self.tcp("-t", "4:hex", "-r", "100", "-c", "5")
        self.assertEqual(status, 0, text)
        self.assertEqual(values, ["0x007B", "0x0000", "0x0000", "0x0000", "0xFFFB"])

    def test_an_address_outside_is_refused(self):
        _, values, text = self.tcp("-t", "4", "-r", "105", "-c", "1")
        self.assertEqual(values, [])
        self.assertIn("Illegal data address", text)

    def test_an_unknown_unit_is_a_gateway_error(self):
        _, values, text = self.mbpoll("-m", "tcp", "-p", self.port, "-a", "9", "-t", "4",
                                      "-r", "100", "-c", "1", "127.0.0.1")
        self.assertEqual(values, [])
        self.assertIn("Target device failed to respond", text)

    def test_a_write_is_refused(self):
        _, _, text = self.mbpoll("-m", "tcp", "-p", self.port, "-a", "7", "-t", "4", "-r", "100",
                                 "127.0.0.1", "1")
        self.assertIn("Illegal function", text)
        self.assertEqual(self.tcp("-t", "4", "-r", "100", "-c", "1")[1], ["123"])

    def test_the_line_is_read(self):
        status, values, text = self.rtu("-t", "3", "-r", "322", "-c", "1")
        self.assertEqual((status, values), (0, ["5500"]), text)
        status, values, text = self.rtu("-t", "4:hex", "-r", "4", "-c", "1")
        self.assertEqual((status, values), (0, ["0x0109"]), text)

    def test_a_value_set_by_hand_is_read_until_it_is_freed(self):
        self.assertEqual(self.command("set pump-1 bearing 84.25"), "ok")
        self.assertEqual(self.rtu("-t", "3", "-r", "322", "-c", "1")[1], ["8425"])
        self.assertEqual(self.command("free pump-1 bearing"), "ok")
        self.assertEqual(self.command("get pump-1 bearing"), "ok 55")

    def test_an_exception_by_hand_is_seen_until_it_is_cleared(self):
        self.assertEqual(self.command("fault meter exception 6"), "ok")
        self.assertIn("busy", self.tcp("-t", "4", "-r", "100", "-c", "1")[2])
        self.assertEqual(self.command("clear meter"), "ok")
        self.assertEqual(self.tcp("-t", "4", "-r", "100", "-c", "1")[1], ["123"])


class End(unittest.TestCase):
    def test_both_signals_end_it_and_nothing_is_left(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number), tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "sim.yaml")
                with open(path, "w", encoding="utf-8") as out:
                    out.write(SIM)
                with subprocess.Popen([CARETAKER, "simulate", path],
                                      stdout=subprocess.PIPE) as child:
                    for line in child.stdout:
                        if line == b"ready\n":
                            break
                    child.send_signal(number)
                    self.assertEqual(child.wait(LIMIT_S), 0)
                self.assertEqual(os.listdir(folder), ["sim.yaml"])


if __name__ == "__main__":
    unittest.main()
