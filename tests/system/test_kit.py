#!/usr/bin/python3
"""The field kit: scan, sniff, record, replay of what was recorded, read --guess.  The peers are
pymodbus, and slaves and masters on raw sockets and ptys."""
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import threading
import time
import tty
import unittest

from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from estate import CARETAKER, LIMIT_S, Estate, Process, Slave, check_sound, free_port, wait_for
from rogue import MBAP, LinePeer, Rtu, TcpPeer, crc

TCGETS2 = 0x802C542A  # asm-generic/ioctls.h: _IOR('T', 0x2A, struct termios2)
INPCK, PARODD = 0o20, 0o1000
READS = {1, 2, 3, 4}
RULES = """
rules:
  - id: hot
    applies_to: {type: sensor}
    when: temperature > 30 °C
    clear: temperature < 25 °C
    severity: urgent
    title: {en: "{device} is hot"}
    cause: sun
    consequence: stress
    action: shade
"""


def rtu(text):
    data = bytes.fromhex(text)
    return data + crc(data)


def line_settings(fd):
    """(baud, parity) as the program at the other end has set them.  A pty has no parity bits, and
    drops PARENB; but whether parity is checked it remembers."""
    got = fcntl.ioctl(fd, TCGETS2, bytes(44))
    iflag, _, cflag, _ = struct.unpack_from("4I", got)
    _, speed = struct.unpack_from("2I", got, 36)
    return speed, "none" if not iflag & INPCK else "odd" if cflag & PARODD else "even"


def nobody_there(peer, q, send):
    """A gateway's word for a unit that it does not have; of one that is silent, only a time
    limit tells, which a busy machine lets pass for those that answer, too."""
    send(peer.framing.wrap(q, bytes([q.function | 0x80, 11])))


def only(*units):
    """An endpoint with these."""
    return lambda peer, q, send: (send(peer.answer(q)) if q.unit in units else
                                  nobody_there(peer, q, send))


class Kit(unittest.TestCase):
    def setUp(self):
        self.estate = Estate(rules=RULES)
        self.addCleanup(self.estate.close)

    def command(self, *words, status=0, site=False):
        done = self.estate.run(*words, site=site)
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        return done

    def begin(self, *words):
        return self.estate.keep(Process(CARETAKER, *[str(w) for w in words],
                                        cwd=self.estate.folder))

    def peer(self, made):
        self.addCleanup(made.check)
        self.addCleanup(made.close)
        return made

    def sensor(self, port, *units):
        """A temperature of 21.5 °C and a humidity of 45 %, as an XY-MD02 has them."""
        slave = self.estate.keep(Slave("tcp", port, *units))
        for unit in units:
            slave.set(unit, "input", 1, 215)
            slave.set(unit, "input", 2, 450)
        return slave


class Scan(Kit):
    def test_units_of_an_endpoint_and_what_they_look_like(self):
        port = free_port()
        slave = self.sensor(port, 3)
        slave.set(3, "holding", 0, 7)
        done = self.command("scan", f"tcp:127.0.0.1:{port}", "-u", "2-3", "-t", "4s", "--json")
        self.assertEqual(done.stderr, "")  # No progress where nobody looks.
        (row,) = json.loads(done.stdout)
        self.assertEqual((row["line"], row["unit"], row["answer"]),
                         (f"tcp:127.0.0.1:{port}", 3, "value"))
        self.assertEqual(row["profile"], row["matches"][0]["profile"])
        self.assertIn({"profile": "xy-md02", "good": 2, "tried": 2}, row["matches"])
        goods = [m["good"] for m in row["matches"]]
        self.assertEqual(goods, sorted(goods, reverse=True))
        shown = self.command("scan", f"tcp:127.0.0.1:{port}", "-u", "3", "-t", "4s").stdout
        self.assertRegex(shown, r"^LINE +UNIT +ANSWER +MS +LOOKS LIKE +POINTS +OR *\n")
        for match in row["matches"]:
            self.assertIn(match["profile"], shown)

    def test_the_site_file_is_accepted_and_runs(self):
        port = free_port()
        # Only what such a sensor has: other registers are refused.
        def behave(peer, q, send):
            held = {1: 215, 2: 450}
            if q.unit not in (3, 4):
                return nobody_there(peer, q, send)
            words = [held.get(a) for a in range(q.address, q.address + q.count)]
            if q.function != 4 or None in words:
                send(peer.framing.wrap(q, bytes([q.function | 0x80, 2])))
            else:
                send(peer.framing.wrap(q, bytes([4, 2 * q.count]) +
                                       struct.pack(f">{q.count}H", *words)))
        peer = self.peer(TcpPeer(behave, port=port))
        self.command("scan", f"tcp:127.0.0.1:{port}", "-u", "3-5", "-t", "20s", "-w", "new.yaml", "-q")
        path = self.estate.path("new.yaml")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        self.assertIn("profile: xy-md02", text)
        self.assertIn("unit: 4", text)
        done = self.command("check", "-c", path)
        self.assertIn("2 devices with 4 points on 1 bus", done.stdout + done.stderr)
        daemon = self.begin("run", "-c", path)
        daemon.wait_line("watching new-site")
        def values():
            done = self.estate.run("devices", "--points", "--json", "-c", path, site=False)
            rows = json.loads(done.stdout) if done.returncode == 0 else []
            return {(r["id"], name): p["value"] for r in rows for name, p in r["points"].items()}
        wait_for(lambda: values().get(("unit-4", "temperature")) == 21.5, "a temperature")
        self.assertEqual(daemon.stop(), 0)
        # It never takes the place of another file.
        done = self.command("scan", f"tcp:127.0.0.1:{port}", "-u", "3", "-w", "new.yaml",
                            status=4)
        self.assertIn("is there already", done.stderr)
        self.assertLessEqual({q.function for q in peer.requests}, READS)

    def test_speed_and_parity_of_a_line(self):
        # At another speed nothing is understood, with another parity it is damaged.
        def behave(peer, q, send):
            speed, parity = line_settings(peer.master)
            if q.unit == 2 and speed == 19200:
                send(peer.answer(q) if parity == "even" else peer.answer(q, crc=True))
        peer = self.peer(LinePeer(behave))
        path = os.ttyname(peer.slave)
        done = self.command("scan", f"rtu:{path}", "-u", "2", "-b", "9600,19200",
                            "-t", "4s", "--json", "-w", "line.yaml")
        self.assertIn("could not be read; another speed or parity?", done.stderr)
        self.assertEqual([(r["line"], r["unit"]) for r in json.loads(done.stdout)],
                         [(f"rtu:{path},19200,8E1", 2)])
        with open(self.estate.path("line.yaml"), encoding="utf-8") as f:
            self.assertIn(f'rtu: "{path}", baud: 19200, parity: even, stop_bits: 1', f.read())
        self.command("check", "-c", self.estate.path("line.yaml"))
        self.assertLessEqual({q.function for q in peer.requests}, READS)

    def test_rtu_over_tcp(self):
        peer = self.peer(TcpPeer(only(7), Rtu))
        rows = json.loads(self.command("scan", f"rtu_over_tcp:127.0.0.1:{peer.port}",
                                       "-u", "6-7", "-t", "20s", "--json").stdout)
        self.assertEqual([(r["line"], r["unit"]) for r in rows],
                         [(f"rtu_over_tcp:127.0.0.1:{peer.port}", 7)])

    def test_nobody_answers(self):
        peer = self.peer(TcpPeer(lambda p, q, send: None))
        line = f"tcp:127.0.0.1:{peer.port}"
        done = self.command("scan", line, "-u", "1-2", "-t", "50ms", "-w", "none.yaml", status=1)
        self.assertEqual((done.stdout, done.stderr), ("nobody answered\n", ""))
        self.assertFalse(os.path.exists(self.estate.path("none.yaml")))
        done = self.command("scan", line, "-u", "1", "-t", "50ms", "--json", status=1)
        self.assertEqual(json.loads(done.stdout), [])

    def test_what_cannot_be_scanned_says_why(self):
        done = self.command("scan", f"tcp:127.0.0.1:{free_port()}", status=4)
        self.assertIn("refused", done.stderr)
        done = self.command("scan", "rtu:/dev/null,9600,8N1", status=4)
        self.assertIn("/dev/null: not a serial port", done.stderr)
        peer = self.peer(LinePeer())
        fcntl.flock(peer.slave, fcntl.LOCK_EX)
        done = self.command("scan", f"rtu:{os.ttyname(peer.slave)}", status=4)
        self.assertIn("in use by another program", done.stderr)
        for words in (["scan"], ["scan", "tcp:x", "-u", "5-1"], ["scan", "tcp:x", "-u", "256"],
                      ["scan", "rtu:x", "-u", "0"], ["scan", "rtu:x", "-b", "fast"],
                      ["scan", "rtu:x", "-p", "mark"], ["scan", "tcp:x", "-b", "9600"],
                      ["scan", "tcp:x", "-t", "0s"], ["scan", "x"]):
            self.assertNotEqual(self.command(*words, status=2).stderr, "")

    def test_ctrl_c_gives_what_was_found(self):
        peer = self.peer(TcpPeer(lambda p, q, send: q.unit == 3 and send(p.answer(q))))
        scan = subprocess.Popen(
            [CARETAKER, "scan", f"tcp:127.0.0.1:{peer.port}", "-u", "3,10-250", "-t", "60s",
             "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: any(q.unit == 10 for q in peer.requests), "the second unit is asked")
        scan.send_signal(signal.SIGINT)
        out, err = scan.communicate(timeout=LIMIT_S)
        check_sound("scan", err)
        self.assertEqual(scan.returncode, 0, err)
        self.assertIn("ended early", err)
        self.assertEqual([r["unit"] for r in json.loads(out)], [3])

    def test_a_terminal_sees_progress(self):
        def behave(peer, q, send):
            if q.unit == 4:
                time.sleep(0.3)  # A slow one: who waits is told.
            only(3)(peer, q, send)
        peer = self.peer(TcpPeer(behave))
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        scan = subprocess.Popen(
            [CARETAKER, "scan", f"tcp:127.0.0.1:{peer.port}", "-u", "3-5", "-t", "20s",
             "--json"], stdout=subprocess.PIPE, stderr=slave, text=True)
        os.close(slave)
        out, _ = scan.communicate(timeout=LIMIT_S)
        seen = os.read(master, 65536).decode()
        self.assertEqual(scan.returncode, 0, seen)
        self.assertRegex(seen, r"\r\[#+\.*\] tcp:127\.0\.0\.1:\d+ \(1 of 1\), 1 found, ")
        self.assertEqual([r["unit"] for r in json.loads(out)], [3])

    def test_a_line_of_the_daemon_is_scanned_through_it(self):
        peer = self.peer(LinePeer(only(2, 3)))
        self.estate.write_site(
            f"buses:\n  - {{id: line, {peer.bus}, timeout: 20s, retries: 0}}\ndevices:\n"
            "  - {id: x-u2, type: pump, bus: line, unit: 2, points: {h0: {register: holding 0}}}\n")
        self.estate.start()
        done = self.command("scan", f"rtu:{os.ttyname(peer.slave)}", "-u", "2-4", "--json",
                            site=True)
        self.assertIn("the running daemon owns this line", done.stderr)
        self.assertEqual([r["unit"] for r in json.loads(done.stdout)], [2, 3])
        done = self.command("scan", f"rtu:{os.ttyname(peer.slave)}", "-b", "9600", site=True,
                            status=2)
        self.assertIn("the running daemon owns this line", done.stderr)
        self.estate.stop()


class Wiretapped:
    """A serial line of a master and a slave, with a third port on it that only listens."""

    def __init__(self, slave_path):
        self.ends = [os.openpty(), os.openpty()]
        for _, end in self.ends:
            tty.setraw(end)
        self.far = os.open(slave_path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.far)
        self.master_path, self.ear_path = (os.ttyname(end) for _, end in self.ends)
        self.heard_from_ear = b""  # What the listener sent: nothing, ever.
        self.stop_in, self.stop_out = os.pipe()
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def carry(self):
        near, ear = self.ends[0][0], self.ends[1][0]
        while True:
            for end in select.select([near, ear, self.far, self.stop_in], [], [])[0]:
                if end == self.stop_in:
                    return
                data = os.read(end, 4096)
                if end == ear:
                    self.heard_from_ear += data
                    continue
                os.write(ear, data)
                os.write(self.far if end == near else near, data)

    def close(self):
        os.write(self.stop_out, b"x")
        self.thread.join(20)
        for fd in (*self.ends[0], *self.ends[1], self.far, self.stop_in, self.stop_out):
            os.close(fd)


class Listen(Kit):
    def line(self):
        """pymodbus talks to pymodbus; returns the line and the master."""
        slave = self.estate.keep(Slave("rtu", self.estate.path("slave"), 3))
        slave.set(3, "input", 1, 450)
        slave.set(3, "input", 2, 451)
        line = Wiretapped(self.estate.path("slave"))
        self.addCleanup(line.close)
        master = ModbusSerialClient(line.master_path, baudrate=115200, timeout=LIMIT_S)
        self.assertTrue(master.connect())
        self.addCleanup(master.close)
        return line, master

    def test_who_asks_whom_and_never_a_byte_of_its_own(self):
        line, master = self.line()
        sniff = self.begin("sniff", f"rtu:{line.ear_path},115200,8N1", "--json")
        frames = lambda kind: [json.loads(t) for t in list(sniff.lines)
                               if t.startswith("{") and json.loads(t)["kind"] == kind]
        wait_for(lambda: line_settings(line.ends[1][0])[0] == 115200, "the port is open")
        for _ in range(3):
            answer = master.read_input_registers(1, 2, slave=3)
            self.assertEqual(answer.registers, [450, 451])
        wait_for(lambda: len(frames("answer")) == 3, "three answers")
        self.assertEqual(master.read_input_registers(5000, 1, slave=3).exception_code, 2)
        wait_for(lambda: frames("exception"), "the exception")
        os.write(line.ends[1][0], rtu("0304000900016A")[:-1] + b"\x00")  # Only the ear hears it.
        wait_for(lambda: frames("damaged"), "the damage")
        sniff.send(signal.SIGINT)
        self.assertEqual(sniff.end(), 0, sniff.log)
        (summary,) = frames("summary")
        self.assertEqual((summary["frames"], summary["damaged"]), (9, 1))
        (row,) = summary["units"]
        self.assertEqual({k: row[k] for k in ("unit", "function", "table", "requests", "answers",
                                              "exceptions", "unanswered")},
                         {"unit": 3, "function": 4, "table": "input", "requests": 4,
                          "answers": 3, "exceptions": 1, "unanswered": 0})
        self.assertLessEqual(0, row["min_ms"])
        self.assertLessEqual(row["min_ms"], row["mean_ms"])
        self.assertLessEqual(row["mean_ms"], row["max_ms"])
        self.assertEqual(row["addresses"], "1-2,5000")
        ask = frames("ask")[0]
        self.assertEqual((ask["unit"], ask["address"], ask["count"], ask["bytes"]),
                         (3, 1, 2, rtu("030400010002").hex().upper()))
        self.assertEqual(line.heard_from_ear, b"")

    def test_a_record_is_listened_to_and_replayed(self):
        line, master = self.line()
        path = self.estate.path("line.rec")
        record = self.begin("record", f"rtu:{line.ear_path},115200,8N1", "-o", path)
        wait_for(lambda: line_settings(line.ends[1][0])[0] == 115200, "the port is open")
        master.read_input_registers(1, 2, slave=3)
        def recorded():
            with open(path, encoding="ascii") as f:
                rows = [t.split() for t in f if not t.startswith("#")]
            return bytes.fromhex("".join(r[2] for r in rows))
        want = rtu("030400010002") + rtu("03040401C201C3")
        wait_for(lambda: os.path.exists(path) and recorded() == want, "both frames on disk")
        record.send(signal.SIGINT)
        self.assertEqual(record.end(), 0, record.log)
        self.assertIn(f"{len(want)} bytes, 0 missed", record.log)
        self.assertEqual(line.heard_from_ear, b"")
        shown = self.command("sniff", path).stdout
        self.assertRegex(shown, r"answer +unit 3 +input 1 \+2  after [0-9.]+ ms: 01C2 01C3")
        self.estate.write_site(
            f"buses:\n  - {{id: line, rtu: {line.ear_path}, baud: 115200, parity: none}}\n"
            "devices:\n  - {id: s, type: sensor, bus: line, unit: 3, profile: xy-md02}\n")
        done = self.command("replay", path, "--format", "jsonl", site=True)
        self.assertIn("2 samples", done.stderr)
        events = [json.loads(t) for t in done.stdout.splitlines()]
        self.assertEqual([e["rule"] for e in events if e["event"] == "alarm.raised"], ["hot"])
        # A second record never takes the place of the first.
        done = self.command("record", f"rtu:{line.ear_path},115200,8N1", "-o", path, status=4)
        self.assertIn("is there already", done.stderr)

    def test_the_figures_of_a_record_are_exact(self):
        row = "2026-03-01T10:00:{:09.6f}Z {} {}\n".format
        ask, tell = rtu("030300000001").hex(), rtu("0303020007").hex()
        text = "# caretaker-record 1 framing=rtu bus=- line=rtu:/dev/ttyS1,9600,8N1\n"
        # A character takes 1.041 ms at 9,600 baud, and the answer has seven.
        for second, latency in enumerate((0.010, 0.020, 0.060)):
            text += row(second, ">", ask) + row(second + latency + 7 * 10 / 9600, "<", tell)
        text += row(10, ">", ask) + row(20, ">", ask)
        path = self.estate.write("x.rec", text)
        *_, last = self.command("sniff", path, "--json").stdout.splitlines()
        summary = json.loads(last)
        (unit,) = summary["units"]
        self.assertEqual((unit["requests"], unit["answers"], unit["unanswered"]), (4, 3, 1))
        for key, want in (("min_ms", 10), ("mean_ms", 30), ("median_ms", 20), ("max_ms", 60)):
            self.assertAlmostEqual(unit[key], want, delta=0.02, msg=key)
        shown = self.command("sniff", path, "--summary").stdout
        self.assertIn("8 frames in 20.0 s, 0 damaged, 0 after less than 3.5 characters", shown)
        self.assertRegex(shown, r"(?m)^UNIT +FN +TABLE .* MIN MS +MEAN +MEDIAN +MAX +ADDRESSES$")

    def test_a_bus_of_the_daemon_is_heard_through_it(self):
        port = free_port()
        slave = self.sensor(port, 3)
        slave.set(3, "input", 1, 450)
        self.estate.write_site(
            f'buses:\n  - {{id: net, tcp: "127.0.0.1:{port}"}}\n'
            "devices:\n  - {id: s, type: sensor, bus: net, unit: 3, profile: xy-md02, poll: 1s}\n")
        self.estate.start()
        done = self.command("sniff", "net", "-n", "4", "--json", site=True)
        kinds = [json.loads(t)["kind"] for t in done.stdout.splitlines()]
        self.assertIn("ask", kinds)
        self.assertIn("answer", kinds)
        path = self.estate.path("net.rec")
        record = self.begin("record", "net", "-o", path, "-c", self.estate.site_file)
        def answers():
            with open(path, encoding="ascii") as f:
                return sum(" < " in t for t in f)
        wait_for(lambda: os.path.exists(path) and answers() >= 2, "two answers on disk")
        record.send(signal.SIGINT)
        self.assertEqual(record.end(), 0, record.log)
        self.estate.stop()
        done = self.command("replay", path, "-f", "jsonl", site=True)
        events = [json.loads(t) for t in done.stdout.splitlines()]
        self.assertEqual([e["device"] for e in events if e["event"] == "alarm.raised"], ["s"])
        # Without its daemon nobody can listen to a connection.
        done = self.command("sniff", "net", site=True, status=4)
        self.assertIn("nobody can listen to a connection of others", done.stderr)

    def test_what_cannot_be_listened_to_says_why(self):
        self.estate.write_site("buses: [{id: net, tcp: 127.0.0.1}]\n")
        for command in ("sniff", "record"):
            done = self.command(command, "cellar", site=True, status=1)
            self.assertIn('there is no bus "cellar"', done.stderr)
            done = self.command(command, "rtu:/nowhere,9600,8N1", site=True, status=4)
            self.assertIn("/nowhere: No such file", done.stderr)
            done = self.command(command, "tcp:127.0.0.1", site=True, status=4)
            self.assertIn("nobody can listen", done.stderr)
            for words in ([], ["a", "b"], ["net", "--for", "soon"]):
                self.command(command, *words, site=True, status=2)
        self.command("sniff", "net", "--count", "-1", site=True, status=2)


class Capture:
    """A pcap file, written from the format's description: Ethernet, IPv4, TCP."""

    def __init__(self, server_port, link=1):
        self.port = server_port
        self.data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link)
        self.next = {True: 1000, False: 5000}

    def add(self, seconds, to_server, payload):
        ports = (40000, self.port) if to_server else (self.port, 40000)
        tcp = struct.pack(">HHIIBBHHH", *ports, self.next[to_server], 0, 0x50, 0x18, 8192, 0, 0)
        self.next[to_server] += len(payload)
        home = socket.inet_aton("127.0.0.1")
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 1, 0, 64, 6, 0, home, home)
        packet = bytes(12) + b"\x08\x00" + ip + tcp + payload
        whole = int(seconds)
        self.data += struct.pack("<IIII", 1772359200 + whole, int((seconds - whole) * 1e6),
                                 len(packet), len(packet)) + packet


class Replay(Kit):
    def setUp(self):
        super().setUp()
        self.estate.write_site(
            'buses:\n  - {id: net, tcp: "127.0.0.1:1502"}\n'
            "devices:\n  - {id: s, type: sensor, bus: net, unit: 3, profile: xy-md02}\n")

    def keep(self, name, data):
        with open(self.estate.path(name), "wb") as f:
            f.write(data)
        return self.estate.path(name)

    def capture(self, port=1502):
        c = Capture(port)
        for second, tenths in enumerate((215, 450, 215)):
            c.add(second, True, MBAP.pack(second, 0, 6, 3) + struct.pack(">BHH", 4, 1, 2))
            answer = MBAP.pack(second, 0, 7, 3) + struct.pack(">BBHH", 4, 4, tenths, 400)
            c.add(second + 0.01, False, answer[:5])  # In two segments.
            c.add(second + 0.02, False, answer[5:])
        return c

    def test_a_capture_goes_through_the_decoder_and_the_rules(self):
        path = self.keep("x.pcap", self.capture().data)
        done = self.command("replay", path, "-f", "jsonl", site=True)
        names = [json.loads(t)["event"] for t in done.stdout.splitlines()]
        self.assertEqual([n for n in names if n.startswith("alarm.")],
                         ["alarm.raised", "alarm.cleared"])
        self.assertIn("6 samples", done.stderr)
        self.assertIn("3 reads on the wire, 0 of no point", done.stderr)
        again = self.command("replay", path, "-f", "jsonl", site=True)
        self.assertEqual(again.stdout, done.stdout)
        shown = self.command("sniff", path).stdout
        self.assertIn("#1 is 127.0.0.1:40000 to 127.0.0.1:1502", shown)
        self.assertIn("01C2 0190", shown)

    def test_another_port_belongs_to_the_bus_that_is_named(self):
        path = self.keep("x.pcap", self.capture(2502).data)
        done = self.command("replay", path, site=True)
        self.assertIn("3 on no bus of the site (127.0.0.1:2502; --bus ID forces one)", done.stderr)
        # The lower port serves where nobody knows.
        done = self.command("replay", path, "--bus", "net", "-f", "jsonl", site=True)
        self.assertIn("6 samples", done.stderr)

    def test_hostile_files_are_told(self):
        good = self.capture().data
        for name, data, said in (
                ("version", b"# caretaker-record 9 framing=rtu bus=- line=x\n", "version 9"),
                ("head", b"# caretaker-record 1 framing=rtu\n", "incomplete"),
                ("bus", b"# caretaker-record 1 framing=rtu bus=attic line=x\n", "no bus of"),
                ("wifi", Capture(1502, 105).data, "Ethernet"),
                ("cut", good[:20], "truncated"),
                ("empty", b"", "empty"),
                ("noise", bytes(range(256)) * 40, "")):
            with self.subTest(name):
                path = self.keep(name, data)
                done = self.command("replay", path, site=True, status=3)
                self.assertIn(path, done.stderr)
                self.assertIn(said, done.stderr)
        # Broken off in the middle: what was there is used, and the rest is told.
        path = self.keep("broken.pcap", good[:-10])
        done = self.command("replay", path, site=True)
        self.assertIn("truncated", done.stderr)
        self.assertIn("4 samples", done.stderr)
        self.command("replay", path, "--strict", site=True, status=3)
        for name in ("/nowhere.rec", self.estate.folder):
            self.assertIn(name, self.command("replay", name, site=True, status=4).stderr)


class Guess(Kit):
    def test_all_decodes_stand_side_by_side(self):
        port = free_port()
        slave = self.estate.keep(Slave("tcp", port, 1))
        low, high = 0x8000, 0x4366  # 230.5, its low word first.
        slave.set(1, "holding", 0, low)
        slave.set(1, "holding", 1, high)
        client = ModbusTcpClient("127.0.0.1", port=port)
        self.addCleanup(client.close)
        self.assertEqual(client.read_holding_registers(0, 2, slave=1).registers, [low, high])
        words = ["read", f"tcp:127.0.0.1:{port}", "1", "holding", "0", "2", "--guess"]
        rows = json.loads(self.command(*words, "--json").stdout)
        right = [(r["address"], r["value"], r["sane"], r["modicon"]) for r in rows
                 if r["type"] == "f32" and r["order"] == "cdab"]
        self.assertEqual(right, [(0, 230.5, True, 40001)])
        self.assertEqual({r["order"] for r in rows if r["type"] == "u32"},
                         {"abcd", "cdab", "badc", "dcba"})
        shown = self.command(*words).stdout
        self.assertRegex(shown, r"(?m)^holding 0 \(40001\)   0x8000   bits 1000 0000 0000 0000 ")
        self.assertRegex(shown, r"(?m)^ +abcd +cdab +badc +dcba$")
        self.assertRegex(shown, r"(?m)^    f32 .* 230\.5 \*")
        done = self.command("read", f"tcp:127.0.0.1:{port}", "1", "coil", "0", "--guess", status=2)
        self.assertIn("a bit is a bit", done.stderr)
        self.command(*words, "--type", "f32", status=2)


if __name__ == "__main__":
    unittest.main()
