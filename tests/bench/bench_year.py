#!/usr/bin/env python3
"""A simulated year of 40 devices with a sample a minute, faults and staff (tests/system/year.py,
a fixed seed): how long `caretaker replay` takes for it, to print its events and to fill a
state.db, and the report of that year.  The limit is 60 s: beyond it, exit status 1."""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../system"))

import year  # noqa: E402
from harness import CARETAKER, Folder  # noqa: E402
from bench_replay import Run  # noqa: E402

LIMIT_S = 60


def figure(what, seconds, samples=None):
    rate = f"{samples / seconds / 1e6:6.2f} million samples/s" if samples else ""
    print(f"    {what:<30} {seconds:7.2f} s  {rate}".rstrip(), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--devices", type=int, default=40)
    options = parser.parse_args()
    if not os.access(CARETAKER, os.X_OK):
        sys.exit(f"{CARETAKER} is missing; `make bench` builds it")
    with Folder() as folder:
        began = time.monotonic()
        samples = year.write(folder.name, days=options.days, count=options.devices)
        wrote = time.monotonic() - began
        site, log = folder.path("site.yaml"), folder.path("year.csv")
        staff, state = folder.path("staff.yaml"), folder.path("state")
        common = ["-c", site, "--commands", staff, "--quiet"]
        print(f"{samples / 1e6:.1f} million samples of {options.devices} devices in "
              f"{options.days} days, {os.path.getsize(log) / 1e6:.0f} MB (limit {LIMIT_S} s)")
        figure("written by year.py", wrote, samples)
        run = Run(CARETAKER, "replay", *common, "--format", "jsonl", log)
        figure("replay, events as JSON", run.seconds, samples)
        run = Run(CARETAKER, "replay", *common, "--state", state, log)
        figure("replay --state", run.seconds, samples)
        print(f"    {'peak memory':<30} {run.peak_kib / 1024:7.1f} MB")
        kept = run.seconds < LIMIT_S
        run = Run(CARETAKER, "report", "-c", site, "--state", state, "--from", "2025-01-01",
                  "--to", "2026-01-01")
        figure("report of the year", run.seconds)
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
