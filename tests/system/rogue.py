"""Slaves that misbehave on purpose, on raw sockets and ptys: nothing here comes from a Modbus
library, ours or another.  The value of a register tells for which unit, table and address it
was asked, so that an answer given to the wrong request is seen.
"""
import os
import select
import socket
import struct
import threading
import time
import tty
from collections import namedtuple

# One request, as it came; `connection` counts from 1, a serial line has one.
Request = namedtuple("Request", "unit function address count id connection at")
HOLDING, INPUT = 3, 4
MBAP = struct.Struct(">HHHB")


def value_of(unit, function, address):
    return 1000 * unit + address + (30000 if function == INPUT else 0)


def expected(device, point):
    """Devices are called NAME-uUNIT, points h or i and the address."""
    unit = int(device.rpartition("-u")[2])
    return value_of(unit, HOLDING if point[0] == "h" else INPUT, int(point[1:]))


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return struct.pack("<H", value)


def pdu_of(q, **wrong):
    """What an honest slave says, or with another `function` or byte count (`size`)."""
    words = [value_of(q.unit, q.function, a)
             for a in range(q.address, q.address + q.count)]
    return bytes([wrong.get("function", q.function), wrong.get("size", 2 * q.count)]) + \
        struct.pack(f">{q.count}H", *words)


class Tcp:
    """Framing of Modbus TCP."""

    request_bytes = 12
    late_is_told = True  # By the transaction id.

    @staticmethod
    def parse(data, connection):
        number, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", data)
        return Request(unit, function, address, count, number, connection,
                       time.monotonic())

    @staticmethod
    def wrap(q, pdu, **wrong):
        return MBAP.pack(wrong.get("id", q.id), wrong.get("protocol", 0),
                         len(pdu) + 1 + wrong.get("longer", 0),
                         wrong.get("unit", q.unit)) + pdu


class Rtu:
    """Framing of a serial line."""

    request_bytes = 8
    late_is_told = False

    @staticmethod
    def parse(data, connection):
        if crc(data[:-2]) != data[-2:]:
            raise AssertionError(f"a request without its CRC: {data.hex()}")
        unit, function, address, count = struct.unpack(">BBHH", data[:-2])
        return Request(unit, function, address, count, 0, connection, time.monotonic())

    @staticmethod
    def wrap(q, pdu, **wrong):
        frame = bytes([wrong.get("unit", q.unit)]) + pdu
        check = crc(frame)
        if "crc" in wrong:
            check = bytes(b ^ 0x55 for b in check)
        return frame + check


class Peer:
    """`behave(peer, q, send)` is called for each request; honest() is what it should do."""

    def __init__(self, framing, behave=None):
        self.framing = framing
        self.behave = behave or Peer.honest
        self.requests = []
        self.connects = []  # Times.
        self.held = None  # For behaviours: what is kept back.
        self.closing = False
        self.wrong = None  # What broke in a thread of ours.

    def honest(self, q, send):
        send(self.answer(q))

    def answer(self, q, **wrong):
        return self.framing.wrap(q, pdu_of(q, **wrong), **wrong)

    def serve(self, number, receive, send):
        data = b""
        try:
            while not self.closing:
                more = receive()
                if not more:
                    return
                data += more
                while len(data) >= self.framing.request_bytes:
                    q = self.framing.parse(data[:self.framing.request_bytes], number)
                    data = data[self.framing.request_bytes:]
                    self.requests.append(q)
                    self.behave(self, q, send)
        except OSError:
            pass  # The other side went away.
        except Exception as why:  # Told to the test by check().
            self.wrong = why

    def check(self):
        if self.wrong is not None:
            raise AssertionError(f"the slave broke: {self.wrong!r}")


class TcpPeer(Peer):
    """Modbus TCP; with framing Rtu, RTU over TCP."""

    def __init__(self, behave=None, framing=Tcp, greet=None, port=0):
        super().__init__(framing, behave)
        self.greet = greet  # Called with each new connection; true: that was all.
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(("127.0.0.1", port))
        self.server.listen(16)
        self.port = self.server.getsockname()[1]
        self.clients = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connects.append(time.monotonic())
            if self.greet is not None and self.greet(client):
                continue
            self.clients.append(client)
            threading.Thread(
                target=self.serve, daemon=True,
                args=(len(self.connects), lambda c=client: c.recv(4096), client.sendall)
            ).start()

    @property
    def bus(self):
        kind = "tcp" if self.framing is Tcp else "rtu_over_tcp"
        return f'{kind}: "127.0.0.1:{self.port}"'

    def close(self):
        self.closing = True
        for s in [self.server, *self.clients]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # Not connected any more.
            s.close()


class LinePeer(Peer):
    """A serial line: a pty, of which the collectors open one end."""

    def __init__(self, behave=None):
        super().__init__(Rtu, behave)
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.stop_in, self.stop_out = os.pipe()
        self.thread = threading.Thread(
            target=self.serve, daemon=True, args=(
                1, self.receive, lambda data: os.write(self.master, data)))
        self.thread.start()

    def receive(self):
        ready, _, _ = select.select([self.master, self.stop_in], [], [])
        return b"" if self.stop_in in ready else os.read(self.master, 4096)

    @property
    def bus(self):
        return (f"rtu: {os.ttyname(self.slave)}, baud: 115200, parity: none, "
                "stop_bits: 1")

    def close(self):
        self.closing = True
        os.write(self.stop_out, b"x")
        self.thread.join(20)
        for fd in (self.master, self.slave, self.stop_in, self.stop_out):
            os.close(fd)
