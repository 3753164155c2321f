#!/usr/bin/python3
"""100,000 tickets in the database: how long listings, commands and the report of a year take.

Tickets are made by the real engine (tests/daemon/pipeline/driver_year.c).  Prints a figure a
line, and whether it keeps its promise: a listing under 100 ms, a command under 20 ms (what the
daemon takes for it, beside starting a program), a report of a year under 2 s.  A listing of
all closed tickets too is of a size that no terminal shows: it is printed, not judged.
"""
import os
import signal
import statistics
import subprocess
import sys
import time

from harness import CARETAKER, Folder, program_of

DEVICES = 200
FAULTS = 560  # A year and device: more than 100,000 tickets.
REPEATS = 5

SITE = """site: {id: large, name: Large, timezone: Asia/Shanghai, language: en}
data: data
tickets: {verify_for: 30m, follow_up: 150m}
people:
  - {id: zhang, name: 张伟}
  - {id: li, name: 李娜}
  - {id: wang, name: 王强}
teams:
  - {id: mechanical, members: [zhang, li], categories: [noise]}
  - {id: electrical, members: [wang]}
buses: [{id: plant, tcp: "127.0.0.1:9"}]
rules:
"""


def site():
    text = SITE
    for i, (name, severity) in enumerate((("small", "normal"), ("urgent", "urgent"),
                                          ("critical", "critical"))):
        text += (f"  - {{id: {name}, when: fault == {i + 1}, severity: {severity}, title: "
                 f"{{en: \"{{device}} {name}\"}}, cause: c, consequence: c, action: a, "
                 f"respond_within: 30m, source: bench, ticket: {{team: "
                 f"{'electrical' if i == 0 else 'mechanical'}}}}}\n")
    text += "devices:\n"
    for i in range(DEVICES):
        kind = ("pump", "elevator", "power", "fan")[i % 4]
        text += (f"  - {{id: {kind}-{i // 4 + 1}, type: {kind}, location: B{i % 3}, bus: plant, "
                 f"unit: {i % 240 + 1}, stale_after: 3h, points: {{fault: {{register: input "
                 f"{i}}}}}}}\n")
    return text


def timed(*words):
    """Milliseconds of the best of some runs, and what was printed."""
    best, out = None, b""
    for _ in range(REPEATS):
        begin = time.perf_counter()
        done = subprocess.run([CARETAKER, *words], capture_output=True, check=False)
        took = (time.perf_counter() - begin) * 1000
        if done.returncode not in (0, 1):
            sys.exit(f"{words}: {done.stderr.decode()}")
        best, out = took if best is None else min(best, took), done.stdout
    return best, out


def show(name, ms, limit=None, size=0):
    word = "" if limit is None else "  kept" if ms < limit else f"  NOT KEPT ({limit} ms)"
    print(f"{name:58} {ms:9.1f} ms {size / 1024:10.0f} KiB{word}", flush=True)
    return limit is None or ms < limit


def commands(site_file, log, kept):
    """Through the running daemon: each is on disk before it is answered."""
    with open(log, "wb") as out:
        daemon = subprocess.Popen([CARETAKER, "run", "-c", site_file], stderr=out)
    try:
        while b'"running"' not in subprocess.run(
                [CARETAKER, "status", "--json", "-c", site_file], capture_output=True,
                check=False).stdout:
            if daemon.poll() is not None:
                sys.exit(f"the daemon ended; see {log}")
            time.sleep(0.2)
        nothing = timed("help")[0]
        took = []
        for i in range(20):
            begin = time.perf_counter()
            out = subprocess.run([CARETAKER, "ticket", "open", "pump-1", f"noise {i}", "-c",
                                  site_file, "--by", "bench"], capture_output=True,
                                 text=True, check=False)
            took.append((time.perf_counter() - begin) * 1000)
            if out.returncode != 0:
                sys.exit(out.stderr)
        show("starting the program", nothing)
        kept.append(show("ticket open, beside that, with a wait for the disk (median)",
                         statistics.median(took) - nothing, 20))
        for name, words in (("tickets, asked of the daemon", ("tickets",)),
                            ("tickets --all --limit 100, of the daemon",
                             ("tickets", "--all", "--limit", "100")),
                            ("status, of the daemon", ("status",))):
            ms, out = timed(*words, "-c", site_file)
            kept.append(show(name, ms, 100, len(out)))
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(60)


def main():
    kept = []
    with Folder() as folder:
        site_file = folder.write("site.yaml", site())
        begin = time.perf_counter()
        made = subprocess.run(
            [program_of("daemon/pipeline/driver_year"), site_file, "2025-01-01", "365",
             str(FAULTS), "3"], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            sys.exit(made.stderr)
        print(f"made in {time.perf_counter() - begin:.0f} s: {made.stdout.strip()}, state.db "
              f"{os.path.getsize(folder.path('data/state.db')) >> 20} MiB")
        year = ("--from", "2025-01-01", "--to", "2026-01-01")
        for name, limit, words in (
                ("tickets", 100, ("tickets",)),
                ("tickets --json", 100, ("tickets", "--json")),
                ("tickets --state resolved", 100, ("tickets", "--state", "resolved")),
                ("tickets --all --limit 200", 100, ("tickets", "--all", "--limit", "200")),
                ("tickets --all --device pump-1", 100, ("tickets", "--all", "--device",
                                                        "pump-1")),
                ("alarms", 100, ("alarms",)),
                ("devices", 100, ("devices",)),
                ("device pump-1", 100, ("device", "pump-1")),
                ("status", 100, ("status",)),
                ("plan", 100, ("plan",)),
                ("tickets --all", None, ("tickets", "--all")),
                ("tickets --all --json", None, ("tickets", "--all", "--json")),
                ("report of a year", 2000, ("report", *year)),
                ("report of a year, JSON", 2000, ("report", "--json", *year)),
                ("report of a year beside its half, HTML", 2000,
                 ("report", "--format", "html", "--compare", "2025-01-01..2025-07-01", *year)),
                ("check --journal", None, ("check", "--journal"))):
            ms, out = timed(*words, "-c", site_file)
            kept.append(show(name, ms, limit, len(out)))
        commands(site_file, folder.path("log"), kept)
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
