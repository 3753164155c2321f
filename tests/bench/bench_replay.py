#!/usr/bin/env python3
"""Samples a second through `caretaker replay` on one core, end to end: each kind of log and the
history, and the peak memory of a log and of one four times as long.  100 points each second, a
rule with a hold on each of them.

Beside it, where they are installed, Debian's `promtool test rules` (package prometheus) and
`vmalert -replay` (package victoria-metrics) on the same series and rules, stepping 1 s too.
"""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from harness import CARETAKER, Folder

DEVICES, POINTS = 10, 10
LONGER = 4
LIMIT, CLEAR, HOLD_S = 95, 90, 3
START_S = int(time.time()) // 86400 * 86400 - 2 * 86400
WAIT_S = 30


def value(second, point):
    """Saw teeth, each point with a slope of its own; most of them reach the limit."""
    return (second * (3 + point % 7) + point * 131) % 1000 / 10


def stamp(second):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(START_S + second))


def points():
    for p in range(DEVICES * POINTS):
        yield p, f"d{p // POINTS}", f"p{p % POINTS}"


def write_site(folder):
    each = "{" + ", ".join(f"p{p}: {{}}" for p in range(POINTS)) + "}"
    folder.write(
        "site.yaml",
        "site: {id: bench, name: Bench, timezone: UTC, language: en}\ndata: data\n"
        "history: {keep: 20y, max_size: 100GB}\ndevices:\n",
        "".join(f"  - {{id: d{d}, type: pump, stale_after: 5s, points: {each}}}\n"
                for d in range(DEVICES)),
        "rules:\n",
        "".join(f"  - {{id: high-{p}, when: p{p} > {LIMIT}, hold: {HOLD_S}s, clear: p{p} < {CLEAR}, "
                "severity: info, title: {en: high}, cause: c, consequence: c, action: a, "
                "source: bench}\n" for p in range(POINTS)))


def write_logs(folder, name, seconds):
    """In all forms; returns the number of samples."""
    paths = {form: folder.path(f"{name}-{form}") for form in ("long.csv", "wide.csv", "lines.jsonl")}
    with open(paths["long.csv"], "w", encoding="ascii") as is_long, \
            open(paths["wide.csv"], "w", encoding="ascii") as wide, \
            open(paths["lines.jsonl"], "w", encoding="ascii") as lines:
        is_long.write("time,device,point,value,quality\n")
        wide.write("time" + "".join(f",{d}.{p}" for _, d, p in points()) + "\n")
        for second in range(seconds):
            t = stamp(second)
            row = [(d, p, value(second, n)) for n, d, p in points()]
            is_long.write("".join(f"{t},{d},{p},{v},good\n" for d, p, v in row))
            wide.write(t + "".join(f",{v}" for _, _, v in row) + "\n")
            lines.write("".join(f'{{"time":"{t}","device":"{d}","point":"{p}","value":{v},'
                                '"quality":"good"}\n' for d, p, v in row))
    return paths


class Run:
    """A program on one core: how long it took, and the most memory that it had."""

    def __init__(self, *command, statuses=(0,)):
        core = {max(os.sched_getaffinity(0))}
        start = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, core)) as child:
            self.peak_kib = 0
            while child.poll() is None:
                self.peak_kib = max(self.peak_kib, self.high_water(child.pid))
                try:
                    child.wait(0.005)
                except subprocess.TimeoutExpired:
                    pass
            self.seconds = time.monotonic() - start
            self.errors = child.stderr.read()
        if child.returncode not in statuses:
            sys.exit(f"{' '.join(command)} ended with {child.returncode}: {self.errors}")

    @staticmethod
    def high_water(pid):
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                for line in status:
                    if line.startswith("VmHWM:"):
                        return int(line.split()[1])
        except (FileNotFoundError, ProcessLookupError):
            pass
        return 0


def best_of(rounds, *command, **options):
    return min((Run(*command, **options) for _ in range(rounds)), key=lambda run: run.seconds)


def replay(folder, rounds, samples, *what):
    run = best_of(rounds, CARETAKER, "replay", "-c", folder.path("site.yaml"), *what)
    if f"{samples} samples" not in run.errors or " 0 events" in run.errors:
        sys.exit(f"replay of {what}: {run.errors}")
    return run


def report(name, samples, short, long):
    print(f"    {name:12} {samples * LONGER / long.seconds / 1e6:6.2f} million samples/s, "
          f"peak {short.peak_kib / 1024:.1f} MiB, {long.peak_kib / 1024:.1f} MiB of {LONGER} times "
          "as long", flush=True)


def bench_caretaker(options):
    with Folder() as folder:
        write_site(folder)
        seconds = options.minutes * 60
        samples = seconds * DEVICES * POINTS
        short = write_logs(folder, "short", seconds)
        long = write_logs(folder, "long", seconds * LONGER)
        print(f"replay: {DEVICES * POINTS} points and rules, 1 s, {samples * LONGER / 1e6:.1f} million "
              "samples")
        for form, path in short.items():
            report(form, samples, replay(folder, options.rounds, samples, path),
                   replay(folder, options.rounds, samples * LONGER, long[form]))
        runs = []
        for times, logs in ((1, short), (LONGER, long)):
            # What is there is not imported twice: the second one adds the rest.
            Run(CARETAKER, "import", "-q", "-c", folder.path("site.yaml"), logs["wide.csv"])
            runs.append(replay(folder, options.rounds, samples * times, "--from-history"))
        report("history", samples, *runs)


# ---- others ----

def write_others(folder, seconds):
    rules = [{"alert": f"high_{p}", "expr": f"p{p} > {LIMIT}", "for": f"{HOLD_S}s"}
             for p in range(POINTS)]
    folder.write("rules.yaml", json.dumps(
        {"groups": [{"name": "bench", "interval": "1s", "rules": rules}]}))
    series = [{"series": f'{p}{{device="{d}"}}',
               "values": " ".join(str(value(s, n)) for s in range(seconds))} for n, d, p in points()]
    folder.write("test.yaml", json.dumps(
        {"rule_files": ["rules.yaml"], "evaluation_interval": "1s",
         "tests": [{"interval": "1s", "input_series": series, "alert_rule_test": [
             {"eval_time": f"{seconds - 1}s", "alertname": "none"}]}]}))


def bench_promtool(options):
    if shutil.which("promtool") is None:
        print("    promtool is not installed (package prometheus): skipped")
        return
    with Folder() as folder:
        seconds = options.others_minutes * 60
        write_others(folder, seconds)
        run = best_of(options.rounds, "promtool", "test", "rules", folder.path("test.yaml"))
        print(f"    promtool test rules  {seconds * DEVICES * POINTS / run.seconds / 1e6:6.3f} million "
              f"samples/s, peak {run.peak_kib / 1024:.0f} MiB", flush=True)


def get(url, data=None):
    with urllib.request.urlopen(url, data, timeout=WAIT_S) as answer:
        return answer.read()


def wait_for(url):
    end = time.monotonic() + WAIT_S
    while True:
        try:
            return get(url)
        except (urllib.error.URLError, ConnectionError) as why:
            if time.monotonic() > end:
                sys.exit(f"{url}: {why}")
            time.sleep(0.05)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def bench_vmalert(options):
    if shutil.which("vmalert") is None or shutil.which("victoria-metrics") is None:
        print("    vmalert is not installed (package victoria-metrics): skipped")
        return
    with Folder() as folder:
        seconds = options.minutes * 60 * LONGER
        write_others(folder, seconds)
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        with subprocess.Popen(
                ["victoria-metrics", "-storageDataPath", folder.path("store"), "-httpListenAddr",
                 f"127.0.0.1:{port}", "-retentionPeriod", "100y"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                wait_for(url + "/health")
                times = [(START_S + s) * 1000 for s in range(seconds)]
                get(url + "/api/v1/import", "".join(json.dumps(
                    {"metric": {"__name__": p, "device": d}, "timestamps": times,
                     "values": [value(s, n) for s in range(seconds)]}) + "\n"
                    for n, d, p in points()).encode())
                get(url + "/internal/force_flush")
                run = best_of(options.rounds, "vmalert", f"-rule={folder.path('rules.yaml')}",
                              f"-datasource.url={url}", f"-remoteWrite.url={url}",
                              f"-httpListenAddr=127.0.0.1:{free_port()}",
                              f"-replay.timeFrom={stamp(0)}", f"-replay.timeTo={stamp(seconds - 1)}",
                              "-replay.rulesDelay=0", "-datasource.queryStep=1s")
            finally:
                server.terminate()
        print(f"    vmalert -replay      {seconds * DEVICES * POINTS / run.seconds / 1e6:6.3f} million "
              f"samples/s, with a database on the other core", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60, help="of the shorter log")
    parser.add_argument("--others-minutes", type=int, default=10, help="of log for promtool, which is slow")
    parser.add_argument("--rounds", type=int, default=3, help="the best one is printed")
    options = parser.parse_args()
    if not os.access(CARETAKER, os.X_OK):
        sys.exit(f"{CARETAKER} is missing; `make bench` builds it")
    bench_caretaker(options)
    bench_promtool(options)
    bench_vmalert(options)


if __name__ == "__main__":
    main()
