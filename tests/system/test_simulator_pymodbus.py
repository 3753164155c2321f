#!/usr/bin/python3
"""pymodbus, a master that is not ours, meets each fault of `caretaker simulate` on TCP, on
RTU frames over TCP and on a pty: it gets the right value, or says that it got none."""
import logging
import unittest

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.framer.rtu_framer import ModbusRtuFramer

from estate import LIMIT_S, Estate, wait_for

PATIENCE_S = 1  # Where there is nothing to come; pymodbus counts in whole seconds.
VALUES = [0x1234, 0, 7]
UNITS = """
    units:
      - unit: 7
        id: %s
        points:
          a: {register: holding 0, signal: 4660}
          b: {register: holding 2, signal: 7}
          c: {register: holding 20, signal: 9}
          i: {register: input 5, type: f32, signal: 230.5}
          d: {register: discrete 3, signal: true}
          l: {register: coil 9, signal: false}
"""
KINDS = {"tcp": "tcp: 127.0.0.1:0", "remote": "rtu_over_tcp: 127.0.0.1:0",
         "line": "rtu: line\n    baud: 19200"}


class Master:
    """A client that is opened for each question, as nothing of the last one is to count."""

    def __init__(self, kind, where):
        self.kind, self.where = kind, where

    def client(self, patience_s=LIMIT_S):
        if self.kind == "line":
            return ModbusSerialClient(self.where, framer=ModbusRtuFramer, baudrate=19200,
                                      parity="N", timeout=patience_s, retries=0)
        framer = {"framer": ModbusRtuFramer} if self.kind == "remote" else {}
        port = int(self.where.rsplit(":", 1)[1])
        return ModbusTcpClient("127.0.0.1", port, timeout=patience_s, retries=0, **framer)

    def ask(self, address=0, count=3, table="holding_registers", patience_s=LIMIT_S):
        """The values, an exception's code, or None."""
        client = self.client(patience_s)
        try:
            if not client.connect():
                return None
            got = getattr(client, "read_" + table)(address, count, slave=7)
        except (ModbusException, ConnectionException, OSError):
            return None
        finally:
            client.close()
        if got.isError():
            return getattr(got, "exception_code", None)
        return got.registers if table.endswith("registers") else got.bits[:count]


class Pymodbus(unittest.TestCase):
    def setUp(self):
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        self.estate = Estate()
        self.addCleanup(self.estate.close)
        self.simulator = self.estate.simulate("slaves:\n" + "".join(
            f"  - {port}{UNITS % name}" for name, port in KINDS.items()))
        lines = [x for x in self.simulator.lines if x.startswith(("tcp", "rtu_over", "pty"))]
        self.masters = {name: Master(name, line.split()[1])
                        for name, line in zip(KINDS, lines, strict=True)}

    def struck(self, name, kind):
        return int(self.simulator.tell("stats", name).split(f" {kind}=")[1].split()[0])

    def each(self, *fault, kinds=tuple(KINDS)):
        """Each master in turn, under the fault; it is well before and after."""
        for name in kinds:
            with self.subTest(" ".join(map(str, fault)) + " on " + name):
                m = self.masters[name]
                self.assertEqual(m.ask(), VALUES)
                self.simulator.tell("fault", name, *fault)
                yield m
                wait_for(lambda n=name: self.struck(n, fault[0]) > 0, "struck")
                self.simulator.tell("clear", name)
                # What is still on its way may spoil a question, where the machine is busy.
                wait_for(lambda: m.ask(patience_s=5) == VALUES, "well again")

    def test_all_tables_are_read(self):
        for name, m in self.masters.items():
            with self.subTest(name):
                self.assertEqual(m.ask(), VALUES)
                self.assertEqual(m.ask(5, 2, "input_registers"), [0x4366, 0x8000])
                self.assertEqual(m.ask(3, 1, "discrete_inputs"), [True])
                self.assertEqual(m.ask(9, 1, "coils"), [False])

    def test_no_answer(self):
        for m in self.each("silent"):
            self.assertIsNone(m.ask(patience_s=PATIENCE_S))

    def test_an_answer_within_patience_and_beyond(self):
        for m in self.each("slow", "50ms"):
            self.assertEqual(m.ask(), VALUES)
        for m in self.each("slow", "delay", "30s"):
            self.assertIsNone(m.ask(patience_s=PATIENCE_S))

    def test_a_late_answer(self):
        # It meets nobody: who asked has hung up.  On a line it comes into the silence.
        for m in self.each("late", "5s"):
            self.assertIsNone(m.ask(patience_s=PATIENCE_S))
            if m.kind == "line":
                self.wait_for_late(m)

    def wait_for_late(self, m):
        client = m.client()
        self.assertTrue(client.connect())
        got = client.socket.read(11)
        client.close()
        self.assertEqual(got[:9], bytes([7, 3, 6, 0x12, 0x34, 0, 0, 0, 7]))

    def test_damage(self):
        # TCP has no check sum, and this pymodbus takes what has another's number there.
        serial = ("remote", "line")
        for m in self.each("bad_crc", kinds=serial):
            self.assertIsNone(m.ask(patience_s=PATIENCE_S))
        for m in self.each("wrong_unit", kinds=serial):
            self.assertIsNone(m.ask(patience_s=PATIENCE_S))
        for m in self.each("truncated"):
            self.assertIsNone(m.ask(patience_s=PATIENCE_S))

    def test_garbage(self):
        for m in self.each("garbage", "place", "before", "bytes", 1, kinds=("remote", "line")):
            self.assertIn(m.ask(patience_s=PATIENCE_S), (None, VALUES))

    def test_exceptions(self):
        for code in (1, 2, 3, 4, 6, 10, 11):
            for m in self.each("exception", code):
                self.assertEqual(m.ask(), code)

    def test_refused(self):
        for m in self.each("refuse", "registers", "holding", "10..30"):
            self.assertEqual(m.ask(20, 1), 2)
            self.assertEqual(m.ask(), VALUES)
        for m in self.each("refuse", "function", 3, "code", 1):
            self.assertEqual(m.ask(), 1)
            self.assertEqual(m.ask(3, 1, "discrete_inputs"), [True])

    def test_drop(self):
        for m in self.each("drop"):
            self.assertIsNone(m.ask(patience_s=PATIENCE_S))

    def test_every_second_one(self):
        for m in self.each("exception", "code", 6, "every", 2):
            self.assertEqual([m.ask() for _ in range(6)], [VALUES, 6] * 3)

    def test_hang_and_closed(self):
        for name in ("tcp", "remote"):
            m = self.masters[name]
            port = m.where.rsplit(":", 1)[1]
            for state in ("hang", "closed"):
                self.simulator.tell("port", port, state)
                self.assertIsNone(m.ask(patience_s=PATIENCE_S), (name, state))
            self.simulator.tell("port", port, "free")
            self.assertEqual(m.ask(), VALUES)


if __name__ == "__main__":
    unittest.main(verbosity=2)
