#!/usr/bin/env python3
"""What the collectors cost and miss with many Modbus TCP endpoints, decode and hand-over
included.

    bench_tcp.py [--quick] [--endpoints N]... [--registers 100] [--seconds 20] [--peers]

100 endpoints of 100 registers, each second: CPU time per 1000 registers, beside a bare
blocking libmodbus loop and a bare epoll loop that read the same registers of the same
slaves one after the other, and decode nothing.  They ask all endpoints at once, or spread
over the second.  Waking a core that sleeps costs more than the whole request, and the
kernel puts programs where it likes; so both placements are measured, in turn, five times:
slaves on the same core, and on a core of their own.  Medians are printed.

1,000 and 5,000 endpoints: missed polls, jitter (how far requests arrive from their
endpoint's grid of one second), peak memory, CPU, with one core for the collectors and
another for the slaves.  The window begins when every endpoint was
heard.  Nothing here fails on a slow machine: figures are printed beside the aims.

--quick measures shorter and leaves out 5,000; --peers adds collectd with its modbus plugin
on 100 endpoints, where it is installed (apt-get install collectd-core).  CARETAKER says
which build, as for all benches."""
import argparse
import os
import resource
import statistics
import time

from harness import Ended, Folder, Program, collectd_head, installed_collectd, program_of

FIRST_PORT = 10000  # Below those that the kernel hands to clients.
START_S = 60
AIMS = {1000: "no missed poll, p99 under 10 ms, under 64 MiB",
        5000: "no missed poll on one core"}


def raise_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def cores():
    """One for what is measured, the others for the slaves."""
    all_cores = sorted(os.sched_getaffinity(0))
    return {all_cores[0]}, set(all_cores[1:] or all_cores)


def write_site(folder, count, registers):
    """The points stand in a profile, as those of so many devices of one kind would."""
    folder.write("devices/meter.yaml",
                 "profile: meter\ntitle: A meter\nsource: {kind: unverified, from: bench}\n"
                 "points:\n",
                 *(f"  r{r}: {{register: holding {r}, scale: 0.1}}\n"
                   for r in range(registers)))
    return folder.write(
        "site.yaml", "site: {id: tcp, name: TCP, timezone: UTC, language: en}\n"
        "data: data\nbuses:\n",
        *(f'  - {{id: b{i}, tcp: "127.0.0.1:{FIRST_PORT + i}", timeout: 1s}}\n'
          for i in range(count)),
        "devices:\n",
        *(f"  - {{id: d{i}, type: meter, bus: b{i}, unit: 1, profile: meter, poll: 1s}}\n"
          for i in range(count)))


def slaves_of(count, cpus=None):
    return Program(program_of("bench/tcp_slaves"), str(FIRST_PORT), str(count),
                   ready="ready", cpus=cpus)


def wait_heard(driver, count):
    """Until every endpoint could answer once in a second."""
    end = time.monotonic() + START_S
    driver.ask("report")
    while time.monotonic() < end:
        seen = driver.ask_after(1, "report")
        if seen["good_frames"] >= 0.98 * count * seen["wall_us"] / 1e6:
            return True
    return False


def measure(count, registers, seconds, ours, theirs):
    """The collectors on `count` endpoints: what they and the slaves report."""
    with Folder() as folder, slaves_of(count, theirs) as slaves:
        site = write_site(folder, count, registers)
        with Program(program_of("collectors/driver_site"), site, ready="ready",
                     cpus=ours) as driver:
            settled = wait_heard(driver, count)
            time.sleep(1)
            driver.ask("report")
            slaves.ask("report")
            # Half a period more: then each whole period lies in the window.
            time.sleep(seconds + 0.5)
            there = slaves.ask("report")
            here = driver.ask("report")
    return here, there, settled


def show(count, registers, here, there, settled):
    wall = here["wall_us"]
    each = here["cpu_us"] / max(here["good"] / 1000, 0.001)
    print(f"tcp: {count} endpoints of {registers} registers, each second"
          + (f" (aim: {AIMS[count]})" if count in AIMS else ""))
    if not settled:
        print(f"    not every endpoint was heard within {START_S} s")
    jitter = there.get("jitter_ms", {"p50": float("nan"), "p99": float("nan"),
                                     "max": float("nan")})
    print(f"    missed {there['missed']} of {there['expected']} polls "
          f"({100 * there['missed'] / max(there['expected'], 1):.2f} %), at "
          f"{there['ports_lacking']} endpoints; jitter p50 {jitter['p50']:.2f} ms, "
          f"p99 {jitter['p99']:.2f}, max {jitter['max']:.2f}")
    print(f"    samples {here['good']} good, {here['bad']} not, {here['dropped']} frames "
          f"dropped; {there['connects']} connects, {there['drops']} lost")
    print(f"    peak memory {here['peak_kib'] / 1024:.1f} MiB, CPU "
          f"{100 * here['cpu_us'] / wall:.1f} % of a core, {each:.1f} us per 1000 registers",
          flush=True)
    return each


def bare(cpus, name, *words):
    """Of one of the bare loops: CPU time per 1000 registers."""
    with Program(program_of(name), *words, cpus=cpus) as loop:
        return float(loop.end().split(":")[1].split()[0])


def compare_placed(count, registers, seconds, rounds, place, ours, theirs):
    """The collectors and the bare loops in turn, on the same slaves."""
    head = [str(seconds // 2), str(registers)]
    ports = [str(FIRST_PORT + i) for i in range(count)]
    some = [str(FIRST_PORT), str(count)]
    loops = {
        "libmodbus loop, at once": ("bench/bench_libmodbus_loop", *head, *ports),
        "libmodbus loop, spread": ("bench/bench_libmodbus_loop", "--spread", *head, *ports),
        "epoll loop, at once": ("bench/epoll_loop", *head, *some),
        "epoll loop, spread": ("bench/epoll_loop", "--slots", str(count), *head, *some),
    }
    figures = {name: [] for name in ("caretaker", *loops)}
    for _ in range(rounds):
        here, _, _ = measure(count, registers, seconds // 2, ours, theirs)
        figures["caretaker"].append(here["cpu_us"] / max(here["good"] / 1000, 0.001))
        with slaves_of(count, theirs):
            for name, words in loops.items():
                figures[name].append(bare(ours, *words))
    mine = statistics.median(figures["caretaker"])
    print(f"tcp: {count} endpoints of {registers} registers, each second; slaves on {place}; "
          f"us per 1000 registers, median of {rounds}")
    for name, all_of in figures.items():
        half = statistics.median(all_of)
        aim = " (aim 1.00)" if name == "libmodbus loop, at once" else ""
        ratio = "" if name == "caretaker" else f", caretaker {mine / half:5.2f} of it{aim}"
        print(f"    {name:24} {half:6.1f} ({min(all_of):.0f} to {max(all_of):.0f}){ratio}",
              flush=True)


def compare(registers, seconds, rounds):
    one, others = cores()
    compare_placed(100, registers, seconds, rounds, "the same core", one, one)
    if others != one:
        compare_placed(100, registers, seconds, rounds, "a core of their own", one, others)


def collectd_config(folder, count, registers):
    yield collectd_head(folder) + "<Plugin modbus>\n"
    for r in range(registers):
        yield (f'<Data "r{r}">\nInstance "r{r}"\nRegisterBase {r}\nRegisterType uint16\n'
               "RegisterCmd ReadHolding\nType gauge\n</Data>\n")
    for i in range(count):
        yield (f'<Host "d{i}">\nAddress "127.0.0.1"\nPort "{FIRST_PORT + i}"\nInterval 1\n'
               f'<Slave 1>\nInstance "d{i}"\n')
        yield "".join(f'Collect "r{r}"\n' for r in range(registers)) + "</Slave>\n</Host>\n"
    yield "</Plugin>\n"


def cpu_us(pid):
    """As bench_daemon.py takes it: the CPU clock of a process."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1000


def peer(registers, seconds):
    """collectd asks for one register at a time: `polls` are requests here."""
    count = 100
    with Folder() as folder, slaves_of(count) as slaves:
        config = folder.write("collectd.conf",
                              *collectd_config(folder.path(""), count, registers))
        with Program("collectd", "-f", "-C", config, quiet=True) as collectd:
            time.sleep(3)
            slaves.ask("report")
            spent = cpu_us(collectd.pid)
            there = slaves.ask_after(seconds, "report")
            spent = cpu_us(collectd.pid) - spent
    read = there["polls"]
    wanted = count * registers * there["seconds"]
    print(f"    {'collectd':24} {spent / max(read / 1000, 0.001):6.0f} us per 1000 registers; "
          f"{100 * read / wanted:.0f} % of them read in time", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--endpoints", type=int, action="append",
                        help="only so many, without the comparison; may be repeated")
    parser.add_argument("--registers", type=int, default=100)
    parser.add_argument("--seconds", type=int, help="of each window")
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    seconds = options.seconds or (6 if options.quick else 20)
    descriptors = raise_descriptors()
    counts = options.endpoints or ([1000] if options.quick else [1000, 5000])
    if not options.endpoints:
        compare(options.registers, seconds, 3 if options.quick else 5)
        if options.peers and installed_collectd():
            peer(options.registers, seconds)
        elif options.peers:
            print("tcp: collectd or its modbus plugin is not installed: apt-get install "
                  "collectd-core")
    for count in counts:
        if 2 * count + 64 > descriptors:
            print(f"tcp: {count} endpoints need {2 * count + 64} descriptors; ulimit -Hn "
                  f"is {descriptors}")
            continue
        try:
            show(count, options.registers,
                 *measure(count, options.registers, seconds, *cores()))
        except Ended as why:
            print(f"tcp: {count} endpoints: {why}", flush=True)


if __name__ == "__main__":
    main()
