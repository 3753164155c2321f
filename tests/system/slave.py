#!/usr/bin/python3
"""A pymodbus slave in a process of its own, told what to hold over standard input.

    slave.py tcp PORT UNIT...     slave.py rtu LINK UNIT...

LINK becomes a symbolic link to one end of a serial line (two ptys, joined); pymodbus has
the other end.  A unit that is not named never answers.  Commands, each answered by "ok":

    set UNIT coil|discrete|holding|input ADDRESS VALUE
"""
import asyncio
import os
import select
import sys
import threading
import tty

from pymodbus.datastore import (
    ModbusSequentialDataBlock,
    ModbusServerContext,
    ModbusSlaveContext,
)
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer

REGISTERS = 64
# The function code by which pymodbus names a table.
FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}


def serial_line(link):
    """Makes the line and returns the path of the slave's end."""
    ends = [os.openpty(), os.openpty()]
    for _, end in ends:
        tty.setraw(end)
    os.symlink(os.ttyname(ends[1][1]), link)
    masters = [master for master, _ in ends]

    def carry():
        while True:
            for end in select.select(masters, [], [])[0]:
                other = masters[1] if end == masters[0] else masters[0]
                os.write(other, os.read(end, 4096))

    threading.Thread(target=carry, daemon=True).start()
    return os.ttyname(ends[0][1])


def block():
    return ModbusSequentialDataBlock(0, [0] * REGISTERS)


def obey(units):
    for line in sys.stdin:
        verb, unit, table, address, value = line.split()
        assert verb == "set", line
        units[int(unit)].setValues(FUNCTIONS[table], int(address), [int(value)])
        print("ok", flush=True)
    os._exit(0)  # The test has ended.


async def serve(kind, where, units):
    context = ModbusServerContext(slaves=units, single=False)
    if kind == "tcp":
        server = ModbusTcpServer(
            context, address=("127.0.0.1", int(where)), ignore_missing_slaves=True,
            allow_reuse_address=True)
        serving = asyncio.ensure_future(server.serve_forever())
        # What cannot listen says why, and ends.
        await asyncio.wait([serving, server.serving], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving
    else:
        server = ModbusSerialServer(
            context, framer=ModbusRtuFramer, port=serial_line(where),
            baudrate=115200, ignore_missing_slaves=True)
        await server.start()
        serving = asyncio.get_running_loop().create_future()
    print("ready", flush=True)
    await serving


def main():
    kind, where, *numbers = sys.argv[1:]
    units = {
        int(n): ModbusSlaveContext(
            di=block(), co=block(), hr=block(), ir=block(), zero_mode=True)
        for n in numbers
    }
    threading.Thread(target=obey, args=(units,), daemon=True).start()
    asyncio.run(serve(kind, where, units))


if __name__ == "__main__":
    main()
