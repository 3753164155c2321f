#!/usr/bin/python3
"""The web server seen from a hostile network, on raw sockets: heads, bodies and paths that no browser sends, connections
that are only held, streams that are never read. After each the daemon must live, answer and watch on."""
import json
import socket
import unittest
import warnings

from estate import Estate, Slave, free_port, wait_for

PASSWORD = "correct horse battery"
RULES = """rules:
  - {id: hot, applies_to: {type: pump}, when: bearing > 80 °C, clear: bearing < 75 °C, severity: urgent,
     title: hot, cause: c, consequence: c, action: a, source: test}
"""
SITE = """
web: {listen: "127.0.0.1:%d"}
buses:
  - {id: plant, tcp: "127.0.0.1:%d", timeout: 5s}
devices:
  - {id: pump-1, name: Pump, type: pump, bus: plant, unit: 1, poll: 100ms,
     points: {bearing: {register: holding 0, type: u16, unit: °C}}}
"""
ANSWER_S = 20  # Longer than the server's own limit for silence.
HELD = 1000
STREAMS = 20


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        warnings.simplefilter("ignore", ResourceWarning)
        cls.port, modbus = free_port(), free_port()
        cls.estate = e = Estate(SITE % (cls.port, modbus), RULES)
        cls.addClassCleanup(e.close)
        cls.slave = e.keep(Slave("tcp", modbus, 1))
        e.start()
        e.daemon.wait_line("the page is at")
        cls.hot = False

    def tearDown(self):
        """Whatever was sent: it lives, the loop goes on, both doors answer."""
        self.turn()
        self.assertEqual(self.ask(b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n")[0], 200)

    def turn(self):
        """One change of the plant, until the journal and the command line tell of it."""
        cls = type(self)
        cls.hot = not cls.hot
        before = self.alarm_events()
        self.slave.set(1, "holding", 0, 90 if cls.hot else 20)
        wait_for(lambda: self.alarm_events() > before, "an alarm comes or goes")
        self.assertEqual(self.estate.status()["alarms"]["active"], int(cls.hot))

    def alarm_events(self):
        return self.estate.rows("state", "select count(*) n from events where"
                                " json_extract(json, '$.event') like 'alarm.%'")[0]["n"]

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), ANSWER_S)
        self.addCleanup(s.close)
        return s

    def exchange(self, *pieces):
        """All that comes back until it hangs up or has answered; "" when it only hung up."""
        s, got = self.connect(), b""
        try:
            for piece in pieces:
                s.sendall(piece)
            while b"\r\n\r\n" not in got and (data := s.recv(65536)):
                got += data
        except (ConnectionResetError, BrokenPipeError):
            pass
        return got.decode("latin-1")

    def ask(self, *pieces):
        got = self.exchange(*pieces)
        return int(got.split(" ", 2)[1]) if got.startswith("HTTP/") else 0, got

    def get(self, path, *headers, host="localhost", method="GET"):
        head = "".join(f"{h}\r\n" for h in (f"{method} {path} HTTP/1.1", f"Host: {host}", *headers))
        return self.ask(head.encode("latin-1") + b"\r\n")

    def memory_kb(self):
        with open(f"/proc/{self.estate.daemon.pid}/status", encoding="ascii") as f:
            return int(next(line for line in f if line.startswith("VmRSS")).split()[1])

    def test_foreign_names_and_pages(self):
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "a@localhost", "[::1"):
            self.assertIn(self.get("/api/v1/status", host=host)[0], (400, 421), host)
            self.assertIn(self.get("/", host=host)[0], (400, 421), host)
        for more in ("Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"):
            self.assertEqual(self.get("/api/v1/session", more, "Content-Length: 0", method="POST")[0], 403, more)

    def test_paths(self):
        for path in ("/page/../../../../etc/passwd", "/page/%2e%2e/%2e%2e/etc/passwd", "/page/..%2f..%2fetc/passwd",
                     "//etc/passwd", "/page//etc/passwd", "/page/..\\..\\etc\\passwd", "/page/%c0%ae%c0%ae/etc/passwd",
                     "/page/app.js%00.html", "/api/v1/%00", "/api/v1/../../etc/passwd", "/api/v1//status",
                     "/api/v1/devices/%2e%2e%2fstate.db", "/api/v1/devices/\xff\xfe", "/api/v1/tickets/-1",
                     "/api/v1/tickets/99999999999999999999", "http://evil.example/api/v1/status", "*"):
            status, got = self.get(path)
            self.assertLess(status, 500, (path, got))
            self.assertNotIn("root:", got, path)

    def test_heads_that_are_none(self):
        for head in (b"\x16\x03\x01\x02\x00\x01\x00", b"\x00" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"G" * 100000 + b"\r\n\r\n", b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 1000000 + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 10000 + b"\r\n",
                     b"GET / HTTP/1.1\r\n" + b"Host: localhost\r\n" * 2 + b"\r\n"):
            s = self.connect()
            try:
                s.sendall(head)
                s.shutdown(socket.SHUT_WR)
                got = s.recv(65536)
            except OSError:  # It has hung up in the middle.
                got = b""
            self.assertFalse(got.startswith(b"HTTP/1.1 5") and not got.startswith(b"HTTP/1.1 505"), (head[:40], got))

    def test_bodies(self):
        head = b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\n"
        self.assertEqual(self.ask(head + b"Content-Length: 1000000000\r\n\r\n")[0], 413)
        self.assertEqual(self.ask(head + b"Content-Length: -1\r\n\r\n")[0] // 100, 4)
        before, sent, s = self.memory_kb(), 0, self.connect()
        s.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 256 << 20:
                s.sendall(b"10000\r\n" + b"a" * 65536 + b"\r\n")
                sent += 65536
        except (ConnectionResetError, BrokenPipeError):
            pass
        self.assertLess(sent, 64 << 20)  # It hung up.
        print(f"endless body: hung up after {sent >> 10} kB, memory {before} -> {self.memory_kb()} kB")
        self.assertLess(self.memory_kb() - before, 32 << 10)

    def test_two_lengths_are_never_two_requests(self):
        inner = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for lengths in (b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(inner),
                        b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(inner),
                        b"Transfer-Encoding: xchunked\r\n",
                        b"Transfer-Encoding : chunked\r\n"):
            s, got = self.connect(), b""
            s.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\n" + lengths + b"\r\n" + inner)
            s.shutdown(socket.SHUT_WR)
            try:
                while data := s.recv(65536):
                    got += data
            except ConnectionResetError:
                pass
            self.assertNotIn(b"HTTP/1.1 200", got, lengths)

    def test_cookies_that_are_garbage(self):
        for cookie in ("a", "=", ";;;;", "caretaker=" + "a" * 4000, "caretaker=\xff\x01", "caretaker=../../x"):
            self.assertLess(self.get("/api/v1/session", "Cookie: " + cookie)[0], 500, cookie)
            self.assertLess(self.get("/api/v1/session", "Authorization: Bearer " + cookie)[0], 500, cookie)

    def test_a_flood_of_passwords(self):
        body = json.dumps({"user": "zhang", "password": "wrong wrong"}).encode()
        head = (b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body))
        seen = [self.ask(head + body)[0] for _ in range(12)]
        print("a flood of passwords:", seen)
        self.assertIn(429, seen)
        self.assertTrue(set(seen) <= {401, 429, 503}, seen)

    def test_connections_that_are_only_held(self):
        before, held = self.memory_kb(), []
        for i in range(HELD):
            s = socket.create_connection(("127.0.0.1", self.port), ANSWER_S)
            self.addCleanup(s.close)
            if i % 2:
                s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            held.append(s)
        self.turn()  # The command line and the loop do not notice.
        print(f"{HELD} connections held: {(self.memory_kb() - before) / HELD:.1f} kB each")
        for s in held:  # Each is closed by the server.
            try:
                while s.recv(4096):
                    pass
            except ConnectionResetError:
                pass

    def test_streams_that_are_never_read(self):
        before = self.memory_kb()
        for _ in range(STREAMS):
            s = self.connect()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b" 200 ", s.recv(64))
        for _ in range(6):
            self.turn()
        after = self.memory_kb()
        print(f"{STREAMS} streams unread: memory {before} -> {after} kB")
        self.assertLess(after - before, 32 << 10)


if __name__ == "__main__":
    unittest.main()
