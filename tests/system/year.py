#!/usr/bin/python3
"""A year of an estate: what its sensors say every minute, when its equipment breaks, and what
staff do who answer, are late, or close without repairing.  All of it from a seed.

    year.py FOLDER [DAYS [DEVICES [SEED]]]

writes site.yaml, year.csv and staff.yaml for `caretaker replay --commands staff.yaml --state`.
"""
import datetime
import os
import random
import sys

TYPES = ["pump", "elevator", "power", "fan"]
PEOPLE = ["zhang", "li", "wang", "zhao"]
CAUSES = ["wear", "wear", "wear", "lubrication", "loose", "setting", "dirt", "part"]
LEVELS = [("small", "normal", 80, 0.6), ("urgent", "urgent", 90, 0.3),
          ("critical", "critical", 95, 0.1)]
START = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
USUAL = [f"{40 + n * 7 % 30}.{n % 10}" for n in range(97)]

SITE = """site: {id: estate, name: 滨河花园, timezone: Asia/Shanghai, language: en}
data: data
tickets: {verify_for: 30m, follow_up: 2d}
people:
  - {id: zhang, name: 张伟}
  - {id: li, name: 李娜}
  - {id: wang, name: 王强}
  - {id: zhao, name: 赵敏}
teams:
  - {id: mechanical, members: [zhang, li], categories: [noise]}
  - {id: electrical, members: [wang, zhao]}
"""


def devices(count):
    return [f"{TYPES[i % len(TYPES)]}-{i // len(TYPES) + 1}" for i in range(count)]


def site(count):
    text = SITE + "rules:\n"
    for i, (name, severity, limit, _) in enumerate(LEVELS):
        high = f" and load < {LEVELS[i + 1][2]}" if i + 1 < len(LEVELS) else ""
        text += f"""  - id: {name}
    when: load > {limit}{high}
    severity: {severity}
    title: {{en: "{{device}} {name}"}}
    cause: c
    consequence: c
    action: a
    respond_within: {["2h", "30m", "15m"][i]}
    source: test
    ticket: {{team: {"electrical" if i == 0 else "mechanical"}}}
"""
    text += "devices:\n"
    for i, device in enumerate(devices(count)):
        text += (f"  - {{id: {device}, type: {device.split('-')[0]}, location: B{i % 3 + 1}, "
                 "stale_after: 5m, points: {load: {}}}\n")
    return text


def stamp(minute):
    return (START + datetime.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Staff:
    """Commands in order of time; minutes are whole, seconds keep them apart."""

    def __init__(self, rng):
        self.rng, self.commands = rng, []

    def add(self, minute, do, device, **more):
        words = "".join(f", {key}: {value}" for key, value in more.items())
        at = (START + datetime.timedelta(minutes=minute,
                                         seconds=1 + len(self.commands) % 50))
        self.commands.append(
            (at, f"  - {{at: \"{at:%Y-%m-%dT%H:%M:%SZ}\", do: {do}, device: {device}{words}}}\n"))

    def write(self, path):
        with open(path, "w", encoding="utf-8") as out:
            out.write("commands:\n")
            for _, line in sorted(self.commands, key=lambda c: c[0]):
                out.write(line)


def live(rng, staff, device, minutes, per_year):
    """(minute, value) of each change of what the device shows, and its tickets' commands."""
    changes, at = [], 10 + int(rng.expovariate(per_year / 525600))
    while at < minutes - 6000:
        level = rng.choices(LEVELS, [share for *_, share in LEVELS])[0]
        patience = {"small": 60, "urgent": 20, "critical": 8}[level[0]]
        false = rng.random() < 0.1
        person = rng.choice(PEOPLE)
        changes.append((at, f"{level[2] + 2}.5"))
        take = at + 1 + int(rng.expovariate(1 / patience))
        if rng.random() < 0.1:  # Late.
            take += int(rng.expovariate(1 / 360))
        arrive = take + 1 + int(rng.expovariate(2 / patience))
        done = arrive + 5 + int(rng.expovariate(1 / 60))
        rule = {"rule": level[0], "by": person}
        staff.add(take, "ticket.take", device, **rule)
        staff.add(arrive, "ticket.arrive", device, **rule)
        if rng.random() < 0.15:
            staff.add(arrive + 2, "ticket.wait", device, note="parts", **rule)
            done += 200
            staff.add(done - 3, "ticket.resume", device, **rule)
        work = {"note": "done", "minutes": rng.randint(10, 120)}
        if rng.random() < 0.9:
            work["cause"] = (rng.choice(["false-alarm", "no-fault-found"]) if false
                             else rng.choice(CAUSES))
        if rng.random() < 0.3:
            work["cost"] = f"{rng.randint(1, 40000) / 100:.2f}"
        staff.add(done, "ticket.resolve", device, **rule, **work)
        mended = done - 3
        if false:
            mended = at + 3
        elif rng.random() < 0.08:  # Closed without a repair: the sensor goes on saying so.
            mended = done + 5 + int(rng.expovariate(1 / 300))
        changes.append((mended, None))
        end = max(mended, done) + 60
        if rng.random() < 0.07:  # It comes back before it is forgotten.
            changes.append((end + 300, f"{level[2] + 2}.5"))
            staff.add(end + 320, "ticket.arrive", device, **rule)
            staff.add(end + 380, "ticket.resolve", device, note="again", minutes=30, **rule)
            changes.append((end + 375, None))
            end += 480
        if rng.random() < 0.05:
            staff.add(end + 90, "service", device, state="out", note="overhaul", by=person)
            staff.add(end + 300, "service", device, state="in", by=person)
            end += 320
        at = end + 4320 + int(rng.expovariate(per_year / 525600))
    return changes


def write(folder, days=365, count=40, seed=1, per_year=20):
    rng = random.Random(seed)
    staff = Staff(rng)
    names = devices(count)
    minutes = days * 1440
    events = []
    for column, device in enumerate(names):
        events += [(minute, column, value)
                   for minute, value in live(rng, staff, device, minutes, per_year)]
    events.sort(key=lambda e: (e[0], e[1]), reverse=True)
    with open(os.path.join(folder, "site.yaml"), "w", encoding="utf-8") as out:
        out.write(site(count))
    staff.write(os.path.join(folder, "staff.yaml"))
    shown = [None] * count
    with open(os.path.join(folder, "year.csv"), "w", encoding="ascii") as out:
        out.write("time," + ",".join(f"{name}.load" for name in names) + "\n")
        for minute in range(minutes):
            while events and events[-1][0] <= minute:
                _, column, value = events.pop()
                shown[column] = value
            out.write(stamp(minute) + "," + ",".join(
                [value or USUAL[(minute * 13 + i * 31) % 97]
                 for i, value in enumerate(shown)]) + "\n")
    return minutes * count


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    print(write(sys.argv[1], *[int(word) for word in sys.argv[2:]]), "samples")
