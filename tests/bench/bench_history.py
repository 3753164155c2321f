#!/usr/bin/env python3
"""What the history costs, beside plain rows of SQLite and Debian's VictoriaMetrics (package
victoria-metrics), with the same samples in one run: bytes on disk, bytes written to the flash,
ingest on one core, reading, memory.  The aims are those of the store.

Times are of the processor, the best of several: other work on the machine does not count.
Records of real plants that BENCH_RECORDS names are stored as well."""
import argparse
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from harness import CARETAKER, Folder, program_of

LOAD = program_of("bench/history_load")
POINTS = 20           # Of a device.
DEVICES, HOURS = 10, 6
FLASH_DEVICES = 100   # 2,000 points a second.
READ_DEVICES = 25     # 500 points.
YEAR_EVERY_S = 900    # Of the year before the day that has a sample each second.
MEMORY_DEVICES = 500  # 10,000 points.
VICTORIA = "victoria-metrics"
WAIT_S = 60
BLOCK = 1 << 18


def load(*arguments):
    done = subprocess.run([LOAD, *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"history_load {' '.join(map(str, arguments))} ended with {done.returncode}")
    return json.loads(done.stdout)


def write(what, devices, seconds, flush_s):
    with Folder() as folder:
        return load("write", folder.name, what, devices, seconds, flush_s)


# ---- VictoriaMetrics ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Victoria:
    """One core, on loopback, with a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        with open(folder.path("log"), "w", encoding="utf-8") as log:
            self.child = subprocess.Popen(
                [VICTORIA, f"-storageDataPath={folder.path('data')}", "-retentionPeriod=100y",
                 f"-httpListenAddr=127.0.0.1:{self.port}"],
                env={**os.environ, "GOMAXPROCS": "1"}, stdout=log, stderr=log)
        end = time.monotonic() + WAIT_S
        while self.get("/health") != b"OK":
            if time.monotonic() > end or self.child.poll() is not None:
                self.end()
                sys.exit(f"{VICTORIA} does not start")
            time.sleep(0.05)

    def get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=WAIT_S) as answer:
                return answer.read()
        except (urllib.error.URLError, ConnectionError):
            return b""

    def post(self, lines):
        """What a file object holds, chunk by chunk."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        connection.request("POST", "/api/v1/import", iter(lambda: lines.read(BLOCK), b""),
                           encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
        answer = connection.getresponse()
        if answer.status >= 300:
            sys.exit(f"{VICTORIA}: {answer.status} {answer.read()}")
        connection.close()

    def cpu_s(self):
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii") as stat:
            words = stat.read().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def written(self):
        with open(f"/proc/{self.child.pid}/io", encoding="ascii") as io:
            return int(dict(line.split(": ") for line in io)["write_bytes"])

    def end(self):
        """Everything is on the disk when it has ended."""
        self.child.terminate()
        self.child.wait()

    def rows(self):
        for line in self.get("/metrics").decode().splitlines():
            if line.startswith('vm_rows_inserted_total{type="vmimport"}'):
                return int(float(line.split()[1]))
        return 0


def lines(devices, start, end, step):
    return subprocess.Popen([LOAD, "lines", *map(str, (devices, start, end, step))],
                            stdout=subprocess.PIPE)


def disk_bytes(path):
    return sum(os.stat(os.path.join(at, name)).st_blocks * 512
               for at, _, names in os.walk(path) for name in names)


def victoria(devices, seconds, step):
    """The samples of `step` seconds at a time."""
    with Folder() as folder:
        v = Victoria(folder)
        before, wrote = v.cpu_s(), v.written()
        with lines(devices, 0, seconds, step) as source:
            v.post(source.stdout)
        v.get("/internal/force_flush")
        found = {"samples": devices * POINTS * seconds, "cpu_s": v.cpu_s() - before}
        if v.rows() != found["samples"]:
            sys.exit(f"{VICTORIA}: {v.rows()} of {found['samples']} samples arrived")
        v.get("/internal/force_merge")
        time.sleep(1)  # It has no end that could be waited for; ending it writes the rest.
        found["written"] = v.written() - wrote
        v.end()
        found["file"] = disk_bytes(folder.path("data"))
        return found


# ---- the tables ----

def line(name, *cells):
    print(f"    {name:34}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


def per(run, key):
    return f"{run[key] / run['samples']:.3f}"


def rate(run):
    return f"{run['samples'] / run['cpu_s'] / 1e6:.2f}"


def bench_size(options, result):
    seconds = options.hours * 3600
    print(f"history: {DEVICES * POINTS} series, 1 s, {options.hours} h, bytes per sample on disk; "
          "million samples/s on one core")
    line("", "file", "packed", "its log", "million/s")
    line("aims", "", "0.32", "", "1.70")
    for flush_s in (5, 60):
        run = write("ours", DEVICES, seconds, flush_s)
        result[f"size_{flush_s}s"] = run
        line(f"ours, flush {flush_s} s", per(run, "file"), per(run, "packed"), per(run, "log"),
             rate(run))
    run = write("rows", DEVICES, min(seconds, 3600), 60)
    result["size_rows"] = run
    line("plain rows, 1 h", per(run, "file"), "", per(run, "log"), rate(run))
    if shutil.which(VICTORIA) is None:
        print(f"    {VICTORIA} is not installed: skipped")
        return
    run = victoria(DEVICES, seconds, 60)
    result["size_victoria"] = run
    line("VictoriaMetrics", per(run, "file"), "", "", rate(run))
    print("        file: with the tail as it is, the log folded back.  packed: all in chunks.  log: "
          "of bounded size,\n        16 MiB and a quarter, however much is stored.")


def bench_flash(options, result):
    hours = options.flash_hours
    print(f"history: {FLASH_DEVICES * POINTS} points a second, {hours} h: bytes written to the "
          "device (/proc/PID/io)")
    line("", "a sample", "final size", "of it", "aim")
    final = None
    for flush_s, aim in ((5, "10 times"), (60, "4 times")):
        run = write("ours", FLASH_DEVICES, int(hours * 3600), flush_s)
        final = run["packed"] / run["samples"]
        result[f"flash_{flush_s}s"] = run
        line(f"ours, flush {flush_s} s", per(run, "written"), f"{final:.3f}",
             f"{run['written'] / run['packed']:.1f} times", aim)
    for flush_s in (5, 60):
        run = write("rows", FLASH_DEVICES, 900, flush_s)
        result[f"flash_rows_{flush_s}s"] = run
        line(f"plain rows, {flush_s} s, 15 min", per(run, "written"), per(run, "file"),
             f"{run['written'] / run['file']:.1f} times", "")
    run = result.get("size_victoria")
    if run is not None:
        line("VictoriaMetrics, imported at once", per(run, "written"), per(run, "file"),
             f"{run['written'] / run['file']:.1f} times", "")


def bench_read(options, result):
    names = {"day": ("a day of one point, 86,400 samples", 8),
             "minutes": ("its 1-minute aggregates", 2),
             "year": ("a year of one point by the hour", 20),
             "last": ("last value of all points", 5),
             "all_hour": ("an hour of all points", None)}
    with Folder() as folder:
        filled = load("fill", folder.name, READ_DEVICES, options.days, YEAR_EVERY_S, 90000)
        run = load("read", folder.name)
    print(f"history: reading, {READ_DEVICES * POINTS} points in the file: {options.days} days of a "
          f"sample each {YEAR_EVERY_S} s, then 25 h of each second ({filled['samples'] / 1e6:.1f} "
          "million samples)")
    line("", "rows", "ms", "aim")
    for key, (name, aim) in names.items():
        line(name, run[key]["rows"], f"{run[key]['ms']:.2f}", f"{aim} ms" if aim else "")
    result["read"] = run


def bench_memory(options, result):
    with Folder() as folder:
        run = load("memory", folder.name, MEMORY_DEVICES, options.memory_s)
    print(f"history: memory of the writer at {MEMORY_DEVICES * POINTS} points, "
          f"{options.memory_s} s of them")
    line("MiB, at most", f"{(run['peak_kib'] - run['before_kib']) / 1024:.1f}", "aim: 16")
    result["memory"] = run


def bench_records(result):
    paths = os.environ.get("BENCH_RECORDS", "").split()
    if paths:
        print("history: records of real plants, as if polled each second, scaling unknown")
        line("", "samples", "bytes/sample")
    for path in paths:
        with Folder() as folder:
            run = load("record", folder.name, path)
        name = os.path.basename(path)
        line(name, run["samples"], per(run, "packed"))
        result[f"record_{name}"] = run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=HOURS)
    parser.add_argument("--flash-hours", type=float, default=2)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--memory-s", type=int, default=2400)
    parser.add_argument("--json", action="store_true", help="all figures as one line, at the end")
    options = parser.parse_args()
    if not os.access(CARETAKER, os.X_OK):
        sys.exit(f"{CARETAKER} is missing; `make bench` builds it")
    result = {}
    bench_size(options, result)
    bench_flash(options, result)
    bench_read(options, result)
    bench_memory(options, result)
    bench_records(result)
    if options.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
