#!/usr/bin/env python3
"""What the daemon costs: 100 devices of 100 registers, polled each second from a simulator
on loopback, with the history stored and 1,000 rules on, beside a bare libmodbus loop that
reads the same registers from the same simulator over the same seconds.

    bench_daemon.py [--seconds 20] [--layout endpoints|units] [--rules bound|distinct]
                    [--rounds 1] [--threads]

Layouts: `endpoints` is 100 TCP ports with one unit each, `units` one port with 100.
Rules: `bound` is 10 rules that go to all 100 devices, `distinct` 1,000 rules for one device
each; both are 1,000 places where a rule is judged.  Without --layout or --rules all four
are measured.  Figures are CPU time (user and system) and depend little on what else the
machine does; the daemon's start is not in them.  CARETAKER is the daemon that is measured."""
import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
CARETAKER = os.path.abspath(
    os.environ.get("CARETAKER", os.path.join(ROOT, "build/release/caretaker")))
LOOP = os.path.join(os.path.dirname(CARETAKER), "tests/bench/bench_libmodbus_loop")
DEVICES = 100
REGISTERS = 100
RULES = 1000
FLUSH_S = 5  # The windows are multiples of it, so that each holds as many commits.
START_S = 60


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def write_simulation(path, ports, units_each):
    """Values move all the time, as those of real sensors do."""
    with open(path, "w") as out:
        out.write("slaves:\n")
        device = 0
        for port in ports:
            out.write(f'  - tcp: "127.0.0.1:{port}"\n    units:\n')
            for unit in range(1, units_each + 1):
                out.write(f"      - unit: {unit}\n        id: d{device}\n        points:\n")
                for p in range(REGISTERS):
                    out.write(f"          p{p}: {{register: holding {p}, signal: {{sine: {{"
                              f"middle: 5000, amplitude: {1000 + 30 * p}, "
                              f"period: {20 + p}s}}}}}}\n")
                device += 1


def rule_text(name, point, applies):
    limit = 900 + point  # Beyond every value that the simulator gives.
    return (f"  - id: {name}\n"
            f"    applies_to: {applies}\n"
            f"    when: p{point} > {limit}\n"
            f"    hold: 5s\n"
            f"    clear: p{point} < {limit - 50}\n"
            f"    clear_hold: 10s\n"
            f"    severity: urgent\n"
            f'    title: "{{device}}: {{p{point}}}"\n')


def write_rules(out, kind):
    out.write("rules:\n")
    each = RULES // DEVICES
    for i in range(each):
        if kind == "bound":
            out.write(rule_text(f"limit-{i}", i * 7, "{type: pump}"))
            continue
        for d in range(DEVICES):
            out.write(rule_text(f"limit-{d}-{i}", i * 7, f"{{id: d{d}}}"))


def write_site(folder, ports, units_each, rules):
    with open(os.path.join(folder, "site.yaml"), "w") as out:
        out.write("site: {id: bench, name: Bench, timezone: UTC, language: en}\n"
                  f"data: data\nhistory: {{flush: {FLUSH_S}s}}\nbuses:\n")
        for b, port in enumerate(ports):
            out.write(f'  - {{id: b{b}, tcp: "127.0.0.1:{port}", timeout: 1s}}\n')
        out.write("devices:\n")
        for d in range(DEVICES):
            bus, unit = divmod(d, units_each)
            out.write(f"  - id: d{d}\n    type: pump\n    bus: b{bus}\n    unit: {unit + 1}\n"
                      "    poll: 1s\n    points:\n")
            for p in range(REGISTERS):
                out.write(f"      p{p}: {{register: holding {p}, scale: 0.1}}\n")
        write_rules(out, rules)


@contextlib.contextmanager
def running(*command, log):
    with open(log, "w") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield child
    finally:
        child.terminate()
        child.wait()


def wait_until(what, child, log):
    end = time.monotonic() + START_S
    while not what():
        if child.poll() is not None or time.monotonic() > end:
            with open(log) as text:
                sys.exit(f"did not come up:\n{text.read()}")
        time.sleep(0.1)


def status(folder):
    done = subprocess.run(
        [CARETAKER, "status", "-c", os.path.join(folder, "site.yaml"), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    try:
        answer = json.loads(done.stdout or "{}")
    except ValueError:
        return {}
    answer = answer[0] if isinstance(answer, list) else answer
    return answer if "frames" in answer else {}


def cpu_us(pid):
    """User and system time of all threads that the process has or had, by its CPU clock:
    what /proc/PID/stat says, without the rounding to clock ticks."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1000


def thread_us(pid):
    times = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm") as f:
            name = f.read().strip().split(":")[0]
        with open(f"/proc/{pid}/task/{task}/schedstat") as f:
            times[name] = times.get(name, 0) + int(f.read().split()[0]) / 1000
    return times


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not say VmHWM")


def good_requests(answer):
    return sum(b["requests"] - b["errors"] for b in answer["buses"])


def read_bare(ports, units_each, seconds):
    done = subprocess.run(
        [LOOP, str(seconds), str(REGISTERS), *(f"{port}/{units_each}" for port in ports)],
        stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split(":")[1].split()[0])


def measure(folder, ports, units_each, options):
    """One window of the daemon, with the bare loop reading at its side."""
    data = os.path.join(folder, "data")
    shutil.rmtree(data, ignore_errors=True)
    log = os.path.join(folder, "daemon.log")
    site = os.path.join(folder, "site.yaml")
    with running(CARETAKER, "run", "-c", site, log=log) as daemon:
        # The first commit also enters all names: that is part of the start.
        wait_until(lambda: status(folder).get("history", {}).get("samples", 0) > 0,
                   daemon, log)
        threads = thread_us(daemon.pid)
        before = status(folder)
        spent = cpu_us(daemon.pid)
        bare = read_bare(ports, units_each, options.seconds)
        spent = cpu_us(daemon.pid) - spent
        after = status(folder)
        threads = {n: t - threads.get(n, 0) for n, t in thread_us(daemon.pid).items()}
        peak = peak_mib(daemon.pid)
    stored = after["history"]["samples"]
    # Only the polls of the devices count, not the daemon's own frames about itself.
    thousands = (good_requests(after) - good_requests(before)) * REGISTERS / 1000
    if options.threads:
        print("    by threads: " + ", ".join(
            f"{n} {t / thousands:.1f}" for n, t in sorted(threads.items())))
    return {"daemon": spent / thousands, "bare": bare, "peak": peak, "stored": stored,
            "dropped": after["frames_dropped"] + after["history"]["dropped"],
            "judged": after["rules"]["evaluations"] - before["rules"]["evaluations"],
            "places": after["rules"]["instances"]}


def run_one(layout, rules, options):
    count, units_each = (DEVICES, 1) if layout == "endpoints" else (1, DEVICES)
    where = f"{DEVICES} TCP endpoints" if layout == "endpoints" else f"1 endpoint, {DEVICES} units"
    which = (f"{RULES // DEVICES} rules on {DEVICES} devices each" if rules == "bound"
             else f"{RULES} rules on one device each")
    folder = tempfile.mkdtemp(prefix="caretaker-bench-")
    try:
        ports = free_ports(count)
        simulation = os.path.join(folder, "simulation.yaml")
        write_simulation(simulation, ports, units_each)
        write_site(folder, ports, units_each, rules)
        log = os.path.join(folder, "simulator.log")
        with running(CARETAKER, "simulate", simulation, log=log) as simulator:
            def ready():
                with open(log) as f:
                    return any(line.startswith("ready") for line in f)
            wait_until(ready, simulator, log)
            print(f"daemon: {where}, {which}, {REGISTERS} registers a device each second")
            rounds = [measure(folder, ports, units_each, options)
                      for _ in range(options.rounds)]
    finally:
        shutil.rmtree(folder)
    daemon = statistics.median(r["daemon"] for r in rounds)
    bare = statistics.median(r["bare"] for r in rounds)
    ratio = statistics.median(r["daemon"] / r["bare"] for r in rounds)
    last = rounds[-1]
    print(f"    caretaker {daemon:.1f} us CPU per 1000 registers, bare libmodbus {bare:.1f}, "
          f"ratio {ratio:.2f}")
    print(f"    peak memory {max(r['peak'] for r in rounds):.1f} MiB; "
          f"{last['stored']} samples stored, {last['dropped']} dropped; "
          f"{last['places']} rule places, {last['judged']} judgements in {options.seconds} s",
          flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20, help="of each window")
    parser.add_argument("--layout", choices=["endpoints", "units"])
    parser.add_argument("--rules", choices=["bound", "distinct"])
    parser.add_argument("--rounds", type=int, default=1, help="medians are printed")
    parser.add_argument("--threads", action="store_true", help="CPU time by thread, too")
    options = parser.parse_args()
    if options.seconds < 1 or options.seconds % FLUSH_S != 0:
        parser.error(f"--seconds is a multiple of {FLUSH_S}, the time between two commits")
    for program in (CARETAKER, LOOP):
        if not os.access(program, os.X_OK):
            sys.exit(f"{program} is missing; `make bench` builds it")
    for layout in [options.layout] if options.layout else ["endpoints", "units"]:
        for rules in [options.rules] if options.rules else ["bound", "distinct"]:
            run_one(layout, rules, options)


if __name__ == "__main__":
    main()
