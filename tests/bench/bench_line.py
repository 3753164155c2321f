#!/usr/bin/env python3
"""A 9,600-baud line whose units keep to the letter of the protocol: how near its devices'
cycle comes to what the wire allows, with all units alive and with some dead, beside a bare
libmodbus loop on lines of the same kind in the same minute.

    bench_line.py [--quick] [--one-by-one] [--peers]

20 registers of each unit, polled continuously, 300 ms timeout, one retry.  The limit is
what the wire takes: request, answer and two silences of 3.5 characters, 60 characters, for
each unit that lives.  A unit ignores a request that 3.5 characters of silence do not
precede: a violation.  With dead units `steady` is what is measured after the first 20 s,
`with start` all of it.  Nothing here fails on a slow machine: figures are printed beside
the aims.

--quick measures shorter, --one-by-one each line by itself instead of all at once; --peers
adds collectd with its modbus plugin, where it is installed (apt-get install collectd-core),
on a line of lenient units.  CARETAKER says which build, as for all benches."""
import argparse
import shutil

from harness import (Folder, Program, at_once, collectd_head, installed_collectd,
                     program_of)

REGISTERS = 20
BAUD = 9600
CHARACTER_MS = 10 * 1000 / BAUD
UNIT_MS = (8 + 5 + 2 * REGISTERS + 2 * 3.5) * CHARACTER_MS
TIMEOUT_MS = 300
START_S = 20  # Until it is known who is dead.


def limit_ms(units):
    return units * UNIT_MS


class Case:
    """One line with a reader of its own."""

    def __init__(self, name, aim, units=16, dead=(), lenient=False, reader="ours"):
        self.name, self.aim, self.units, self.dead = name, aim, units, dead
        self.lenient, self.reader = lenient, reader
        self.figures, self.slowest, self.silent = [], None, 0

    def site(self, link):
        yield "site: {id: line, name: Line, timezone: UTC, language: en}\ndata: data\n"
        yield ("buses:\n  - {id: line, rtu: %s, baud: %d, parity: none, stop_bits: 1, "
               "timeout: %dms, retries: 1}\ndevices:\n" % (link, BAUD, TIMEOUT_MS))
        for unit in range(1, self.units + 1):
            yield (f"  - id: u{unit}\n    type: meter\n    bus: line\n    unit: {unit}\n"
                   "    poll: continuous\n    points:\n")
            for r in range(REGISTERS):
                yield f"      r{r}: {{register: holding {r}}}\n"

    def collectd(self, folder, link):
        yield collectd_head(folder) + "<Plugin modbus>\n"
        for r in range(REGISTERS):
            yield (f'<Data "r{r}">\nInstance "r{r}"\nRegisterBase {r}\nRegisterType uint16\n'
                   "RegisterCmd ReadHolding\nType gauge\n</Data>\n")
        yield (f'<Host "line">\nDevice "{link}"\nBaudrate {BAUD}\nUARTType "RS485"\n'
               "Interval 0.1\n")
        for unit in range(1, self.units + 1):
            yield f'<Slave {unit}>\nInstance "u{unit}"\n'
            yield "".join(f'Collect "r{r}"\n' for r in range(REGISTERS)) + "</Slave>\n"
        yield "</Host>\n</Plugin>\n"

    def start_reader(self, folder, link):
        if self.reader == "ours":
            site = folder.write("site.yaml", *self.site(link))
            return Program(program_of("collectors/driver_site"), site, ready="ready")
        if self.reader == "collectd":
            config = folder.write("collectd.conf", *self.collectd(folder.path(""), link))
            return Program("collectd", "-f", "-C", config, quiet=True)
        return Program(program_of("bench/libmodbus_line"), link, str(BAUD),
                       str(self.units), str(REGISTERS), str(TIMEOUT_MS))

    def run(self, warm_s, seconds):
        with Folder() as folder:
            link = folder.path("line")
            words = [str(self.units), link]
            if self.dead:
                words = ["--dead", ",".join(str(d) for d in self.dead), *words]
            if self.lenient:
                words = ["--lenient", *words]
            with Program(program_of("bench/line_slave"), *words, ready="ready") as slave:
                with self.start_reader(folder, link) as reader:
                    if self.dead:
                        slave.ask("report")
                        first = slave.ask_after(START_S, "report")
                        steady = slave.ask_after(seconds, "report")
                        self.figures = [("steady", self.mean(steady)),
                                        ("with start", self.mean(first, steady))]
                        reports = [first, steady]
                    else:
                        slave.ask_after(warm_s, "report")
                        steady = slave.ask_after(seconds, "report")
                        self.figures = [("steady", self.mean(steady))]
                        reports = [steady]
                    reader.check()
            self.violations = sum(r["violations"] + r["collisions"] for r in reports)
            self.requests = sum(u["requests"] for r in reports for u in r["units"])
            self.silent = sum(1 for u in reports[-1]["units"]
                              if not u["dead"] and not u["answers"])
            self.least = reports[-1]["least_silence_chars"]

    def mean(self, *reports):
        """The cycle of the units that live: their mean time between two answers that each
        bring all registers.  Where a unit is never answered, the time in which as many
        answers come as there are units."""
        alive = self.units - len(self.dead)
        if len(reports) == 1 and self.reader != "collectd":
            cycles = [u["cycle_ms"] for u in reports[0]["units"] if not u["dead"]]
            if None not in cycles:
                self.slowest = max(cycles)
                return sum(cycles) / alive
        seconds = sum(r["seconds"] for r in reports)
        answers = sum(u["answers"] for r in reports for u in r["units"])
        each = REGISTERS if self.reader == "collectd" else 1
        return seconds * 1000 * alive * each / answers if answers else None

    def show(self):
        limit = limit_ms(self.units - len(self.dead))
        name = self.name
        for when, cycle in self.figures:
            if cycle is None:
                print(f"    {name:34} {when:10}  too few answers for a cycle")
            else:
                print(f"    {name:34} {when:10} {cycle:8.0f} ms, {cycle / limit:6.3f} of the "
                      f"limit{self.aim if when == 'steady' else ''}")
            name = ""
        if self.slowest is not None:
            print(f"    {'':34} slowest unit {self.slowest:6.0f} ms")
        if self.silent:
            print(f"    {'':34} {self.silent} units that live were never heard")
        silence = "-" if self.least is None else f"{self.least:.1f}"
        print(f"    {'':34} {self.violations} violations in {self.requests} requests heeded, "
              f"least silence {silence} characters", flush=True)


def cases(peers):
    dead4, dead10 = (2, 6, 10, 14), tuple(range(3, 33, 3))
    out = [
        Case("caretaker, 16 units", " (aim 1.03)"),
        Case("libmodbus loop, 16 units", "", reader="libmodbus"),
        Case("libmodbus loop, 16 lenient units", "", lenient=True, reader="libmodbus"),
        Case("caretaker, 4 of 16 dead", " (aim 1.09)", dead=dead4),
        Case("libmodbus loop, 4 of 16, lenient", "", dead=dead4, lenient=True,
             reader="libmodbus"),
        Case("caretaker, 10 of 32 dead", " (aim 1.12)", units=32, dead=dead10),
    ]
    if peers and shutil.which("collectd"):
        out.append(Case("collectd, 16 lenient units", "", lenient=True, reader="collectd"))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--one-by-one", action="store_true")
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    if options.peers and not installed_collectd():
        print("line: collectd or its modbus plugin is not installed: apt-get install "
              "collectd-core")
        options.peers = False
    warm, seconds = (3, 10) if options.quick else (5, 40)
    all_cases = cases(options.peers)
    print(f"line: {REGISTERS} registers a unit at {BAUD} baud; the wire's limit is "
          f"{limit_ms(16):.0f} ms for 16 units, {limit_ms(12):.0f} ms for 12, "
          f"{limit_ms(22):.0f} ms for 22", flush=True)
    if options.one_by_one:
        for case in all_cases:
            case.run(warm, seconds)
            case.show()
        return
    at_once([lambda c=c: c.run(warm, seconds) for c in all_cases])
    for case in all_cases:
        case.show()


if __name__ == "__main__":
    main()
