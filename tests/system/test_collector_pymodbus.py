#!/usr/bin/python3
"""The collectors against pymodbus: slaves that are not ours, over TCP and over a pty.

Values are laid into pymodbus' datastore by Python's struct module, so that neither the
encoding nor the wire code is shared with what is tested.  Needs build/<variant>/tests/
collectors/driver_poll (make drivers); its place may be given in DRIVER_POLL.
"""
import asyncio
import json
import logging
import multiprocessing
import os
import select
import struct
import subprocess
import threading
import tty
import unittest

from pymodbus.datastore import (
    ModbusSequentialDataBlock,
    ModbusServerContext,
    ModbusSlaveContext,
)
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DRIVER = os.environ.get(
    "DRIVER_POLL", os.path.join(ROOT, "build/debug/tests/collectors/driver_poll")
)
FORK = multiprocessing.get_context("fork")
ORDERS = ["abcd", "cdab", "badc", "dcba"]
# Type, struct format, values that a wrong order would change.
TYPES = [
    ("u16", ">H", [0x1234, 65535]),
    ("s16", ">h", [-2, -32768, 0x0102]),
    ("u32", ">I", [0x01020304, 4294967295]),
    ("s32", ">i", [-2, -2147483648, 0x01020304]),
    ("u64", ">Q", [0x0001020304050607]),
    ("s64", ">q", [-3, -(2**53), 0x0001020304050607]),
    ("f32", ">f", [1.5, -123.25, 1e-20]),
    ("f64", ">d", [123.456, -1e300]),
    ("bcd16", None, [0, 1234, 9999]),
    ("bcd32", None, [12345678, 99999999]),
]


def words_of(fmt, kind, value, order):
    """Big-endian words of a value, then in the given order."""
    if fmt is None:
        data = bytes.fromhex(str(value).rjust(4 if kind == "bcd16" else 8, "0"))
    else:
        data = struct.pack(fmt, value)
    words = [data[i : i + 2] for i in range(0, len(data), 2)]
    if order in ("cdab", "dcba"):
        words.reverse()
    if order in ("badc", "dcba"):
        words = [w[::-1] for w in words]
    return [int.from_bytes(w, "big") for w in words]


def expected_of(fmt, value):
    return struct.unpack(fmt, struct.pack(fmt, value))[0] if fmt == ">f" else value


class Estate:
    """Registers, and the points that must read them back."""

    def __init__(self):
        self.tables = {"holding": [0] * 2000, "input": [0] * 2000}
        self.bits = {"coil": [False] * 300, "discrete": [False] * 300}
        self.points = []
        self.expected = {}

    def fill(self):
        for t, table in enumerate(self.tables):
            address = 3 + 40 * t
            for kind, fmt, values in TYPES:
                for order in ORDERS:
                    for value in values:
                        words = words_of(fmt, kind, value, order)
                        name = f"{table}_{kind}_{order}_{address}"
                        self.tables[table][address : address + len(words)] = words
                        self.add(name, f"{table} {address} {kind} {order}", value, fmt)
                        address += len(words) + address % 3
            self.tables[table][address] = 0xA5C3
            for bit in range(16):
                self.add(
                    f"{table}_bit{bit}",
                    f"{table} {address} bits {bit} {bit}",
                    0xA5C3 >> bit & 1,
                )
            self.add(f"{table}_nibble", f"{table} {address} bits 4 7", 0xC)
            self.tables[table][address + 1] = 31315
            self.add(
                f"{table}_kelvin", f"{table} {address + 1} u16 abcd 1 -27315 100", 40
            )
        for table, bits in self.bits.items():
            for i in range(0, 300, 7):
                bits[i] = i % 3 == 0
                self.add(f"{table}_{i}", f"{table} {i} bool abcd", int(i % 3 == 0))
        return self

    def add(self, name, spec, value, fmt=None):
        self.points.append(f"point {name} {spec}")
        self.expected[name] = expected_of(fmt, value)

    def slave(self):
        return ModbusSlaveContext(
            di=ModbusSequentialDataBlock(0, self.bits["discrete"]),
            co=ModbusSequentialDataBlock(0, self.bits["coil"]),
            hr=ModbusSequentialDataBlock(0, self.tables["holding"]),
            ir=ModbusSequentialDataBlock(0, self.tables["input"]),
            zero_mode=True,
        )


class Server:
    """A pymodbus server in a process of its own: it has one event loop per process."""

    def __init__(self, make):
        ours, theirs = multiprocessing.Pipe()
        self.process = FORK.Process(
            target=lambda: asyncio.run(self.main(make, theirs)), daemon=True
        )
        self.process.start()
        if not ours.poll(20):
            self.stop()
            raise RuntimeError("pymodbus did not start")
        self.port = ours.recv()

    @staticmethod
    async def main(make, told):
        server = make()
        if isinstance(server, ModbusTcpServer):
            serving = asyncio.ensure_future(server.serve_forever())
            await server.serving
            told.send(server.server.sockets[0].getsockname()[1])
            await serving
        else:
            await server.start()
            told.send(None)
            await server.serve_forever()

    def stop(self):
        self.process.terminate()
        self.process.join(10)


class Cable:
    """Two ptys, each byte of one handed to the other: a serial line."""

    def __init__(self):
        pairs = [os.openpty(), os.openpty()]
        self.masters = [master for master, _ in pairs]
        self.slaves = [slave for _, slave in pairs]
        for slave in self.slaves:
            tty.setraw(slave)
        self.paths = [os.ttyname(slave) for slave in self.slaves]
        self.stop_in, self.stop_out = os.pipe()
        self.thread = threading.Thread(target=self.main, daemon=True)
        self.thread.start()

    def main(self):
        a, b = self.masters
        while True:
            ready, _, _ = select.select([a, b, self.stop_in], [], [])
            if self.stop_in in ready:
                return
            for end in ready:
                os.write(b if end == a else a, os.read(end, 4096))

    def stop(self):
        os.write(self.stop_out, b"x")
        self.thread.join(10)
        for fd in self.masters + self.slaves + [self.stop_in, self.stop_out]:
            os.close(fd)


def drive(text):
    """The lines that the driver printed, as objects."""
    done = subprocess.run(
        [DRIVER], input=text, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"driver: exit {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


class Agreement(unittest.TestCase):
    def agree(self, estate, spec, timeout_ms):
        text = [f"bus b {spec} {timeout_ms}", "device good 7 200 holes"]
        text += estate.points
        text += ["device dead 9 200", "point x holding 0 u16 abcd"]
        text += ["read holding 3 2 7", "frames 8"]
        answers = drive("\n".join(text) + "\n")
        self.assertEqual(
            answers.pop()["read"], estate.tables["holding"][3:5], "the single read"
        )
        good = [a for a in answers if a["device"] == "good"]
        dead = [a for a in answers if a["device"] == "dead"]
        self.assertGreater(len(good), 1)
        self.assertGreater(len(dead), 1)
        for frame in good:
            values = {k: v for k, v in frame.items() if k not in ("t", "device")}
            self.assertEqual(values, estate.expected)
        return dead

    def test_every_type_and_order_over_tcp(self):
        estate = Estate().fill()
        context = ModbusServerContext(slaves={7: estate.slave()}, single=False)
        server = Server(lambda: ModbusTcpServer(context, address=("127.0.0.1", 0)))
        try:
            dead = self.agree(estate, f"tcp:127.0.0.1:{server.port}", 2000)
            # pymodbus speaks as a gateway for a unit that it does not have.
            self.assertIn(dead[0]["x"], ("timeout", "exception"))
        finally:
            server.stop()

    def test_every_type_and_order_over_a_serial_line(self):
        estate = Estate().fill()
        context = ModbusServerContext(slaves={7: estate.slave()}, single=False)
        cable = Cable()
        server = Server(
            lambda: ModbusSerialServer(
                context,
                framer=ModbusRtuFramer,
                port=cable.paths[0],
                baudrate=115200,
                ignore_missing_slaves=True,
            )
        )
        try:
            dead = self.agree(estate, f"rtu:{cable.paths[1]},115200,8N1", 1000)
            self.assertEqual(dead[0]["x"], "timeout")
            self.assertLessEqual({d["x"] for d in dead}, {"timeout", "offline"})
        finally:
            server.stop()
            cable.stop()

    def test_a_register_that_pymodbus_refuses_spoils_no_other(self):
        estate = Estate()
        estate.tables["holding"][0:20] = range(100, 120)
        del estate.tables["holding"][20:]  # The datastore ends at 19.
        for i in range(15, 25):
            estate.add(
                f"r{i}", f"holding {i} u16 abcd", 100 + i if i < 20 else "exception"
            )
        context = ModbusServerContext(slaves={7: estate.slave()}, single=False)
        server = Server(lambda: ModbusTcpServer(context, address=("127.0.0.1", 0)))
        try:
            text = [f"bus b tcp:127.0.0.1:{server.port} 20000", "device good 7 50"]
            frames = drive("\n".join(text + estate.points + ["frames 5"]) + "\n")
        finally:
            server.stop()
        self.assertEqual(len(frames), 5)
        del frames[-1]["t"], frames[-1]["device"]
        self.assertEqual(frames[-1], estate.expected)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # pymodbus tells of every exception that it sends.
    unittest.main()
