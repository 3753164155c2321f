#!/usr/bin/python3
"""A year of an estate: what its sensors say every minute, when its equipment breaks, and what
staff do who answer, are late, or close without repairing.  All of it from a seed.

    year.py FOLDER [DAYS [DEVICES [SEED [FAULTS [EVERY]]]]]

writes site.yaml, year.csv and staff.yaml for `caretaker replay --commands staff.yaml --state`:
FAULTS a year and device, a sample every EVERY minutes and at each change.  A device that does
not answer has an empty cell; where EVERY is more than a minute, a sample that says so.
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
TEAM, RESPOND_MIN = ["electrical", "mechanical", "mechanical"], [120, 30, 15]
ESCALATE = [(20, "zhang"), (120, "zhao")]  # Minutes; of the first team.
GRACE_DAYS = {"monthly": 5, "used": 3, "follow-up": 1}
SILENT = ""  # Instead of a value: it does not answer.
START = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
USUAL = [f"{40 + n * 7 % 30}.{n % 10}" for n in range(97)]

HOURS = {"mechanical": (range(6), 7, 19), "electrical": (range(5), 8, 18)}  # Days, from, to.
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
PLAN_DAYS = 30

SITE = """site: {id: estate, name: 滨河花园, timezone: Asia/Shanghai, language: en}
data: data
history: {keep: 2y}
tickets: {verify_for: 30m, follow_up: 2d}
people:
  - {id: zhang, name: 张伟}
  - {id: li, name: 李娜}
  - {id: wang, name: 王强}
  - {id: zhao, name: 赵敏}
teams:
  - {id: mechanical, members: [zhang, li], categories: [noise], hours: {HOURS 0},
     escalate: [ESCALATE]}
  - {id: electrical, members: [wang, zhao], hours: {HOURS 1}}
maintenance:
  - {id: monthly, applies_to: {type: pump}, every: PLAN_DAYSd, from: plan, grace: 5d, team: mechanical}
  - {id: used, applies_to: {type: elevator}, every: USED_DAYSd, or_after: USEDh of load, grace: 3d,
     team: mechanical}
"""

# What rules remember: holds that run, windows that fill; no ticket comes of it.
WINDOWS = ["often", "mean"]
REMEMBERED = """  - {id: warm, when: load > 75, hold: 20m, clear_hold: 40m}
  - {id: often, when: "count(load > 80, 10d) >= 2"}
  - {id: mean, when: "avg(load, 3h) > 72", clear: "avg(load, 3h) < 68"}
""".replace("}\n", ", severity: info, title: {en: memory}, cause: c, consequence: c,\n"
            "     action: a, source: test}\n")


def devices(count):
    return [f"{TYPES[i % len(TYPES)]}-{i // len(TYPES) + 1}" for i in range(count)]


def site(count, every=1):
    """Where samples are few, there is time for rules with a memory, and each sample moves what
    is forecast from the use."""
    forecast = (365, 700) if every == 1 else (PLAN_DAYS, 90000)
    hours = [f'{DAYS[days[0]]}-{DAYS[days[-1]]}: "{begin:02}:00-{end:02}:00"'
             for days, begin, end in HOURS.values()]
    text = SITE.replace("HOURS 0", hours[0]).replace("HOURS 1", hours[1])
    text = text.replace("USED_DAYS", str(forecast[0])).replace("USED", str(forecast[1]))
    text = text.replace("ESCALATE", ", ".join(
        f"{{after: {after}m, to: {who}}}" for after, who in ESCALATE))
    text = text.replace("PLAN_DAYS", str(PLAN_DAYS)) + "rules:\n"
    for i, (name, severity, limit, _) in enumerate(LEVELS):
        high = f" and load < {LEVELS[i + 1][2]}" if i + 1 < len(LEVELS) else ""
        text += f"""  - id: {name}
    when: load > {limit}{high}
    severity: {severity}
    title: {{en: "{{device}} {name}"}}
    cause: c
    consequence: c
    action: a
    respond_within: {RESPOND_MIN[i]}m
    source: test
    ticket: {{team: {TEAM[i]}}}
"""
    text += (REMEMBERED if every > 1 else "") + "devices:\n"
    for i, device in enumerate(devices(count)):
        text += (f"  - {{id: {device}, type: {device.split('-')[0]}, location: B{i % 3 + 1}, "
                 f"stale_after: {5 * every}m, points: {{load: {{}}}}}}\n")
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
        if level[0] == "critical" and rng.random() < 0.8:  # Is looked at once more.
            visit = {"plan": "follow-up", "by": person}
            staff.add(end + 1440, "ticket.resolve", device, note="looked", minutes=5, **visit)
            staff.add(end + 1445, "ticket.close", device, **visit)
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
        if rng.random() < 0.05:
            changes += [(end + 400, SILENT), (end + 420 + int(rng.expovariate(1 / 300)), None)]
            end = changes[-1][0]
        at = end + 4320 + int(rng.expovariate(per_year / 525600))
    return changes


def visits(rng, staff, names, days):
    """Planned work: on its day, some days later, or not at all; and nobody knows of a counter."""
    for device in names:
        plan = {"pump": "monthly", "elevator": "used"}.get(device.split("-")[0])
        for day in range(PLAN_DAYS, days - 8, PLAN_DAYS) if plan else []:
            if rng.random() < 0.9:
                at = (day + rng.choice([0, 0, 1, 7])) * 1440 + 120 + rng.randrange(300)
                person = rng.choice(PEOPLE)
                staff.add(at, "ticket.resolve", device, plan=plan, by=person, note="round",
                          minutes=rng.randint(10, 40))
                staff.add(at + 5, "ticket.close", device, plan=plan, by=person)


def often(out, names, minutes, events):
    """A row a minute in wide form: what nobody changed is the same each 97 minutes."""
    clock = [f"T{m // 60:02}:{m % 60:02}:00Z," for m in range(1440)]
    usual = [[USUAL[(phase * 13 + i * 31) % 97] for i in range(len(names))]
             for phase in range(97)]
    lines = [",".join(row) + "\n" for row in usual]
    shown, day = {}, ""
    out.write("time," + ",".join(f"{name}.load" for name in names) + "\n")
    for minute in range(minutes):
        while events and events[-1][0] <= minute:
            _, column, value = events.pop()
            shown[column] = value
            if value is None:
                del shown[column]
        if minute % 1440 == 0:
            day = stamp(minute)[:10]
        line = lines[minute % 97]
        if shown:
            row = usual[minute % 97].copy()
            for column, value in shown.items():
                row[column] = value
            line = ",".join(row) + "\n"
        out.write(day + clock[minute % 1440] + line)
    return minutes * len(names)


def seldom(out, names, minutes, events, every):
    """In long form: all devices every so many minutes, one when it changes."""
    count, shown = 0, [None] * len(names)
    out.write("time,device,point,value,quality\n")

    def row(minute, column):
        value = shown[column] or USUAL[(minute * 13 + column * 31) % 97]
        value = ",timeout" if shown[column] == SILENT else f"{value},good"
        out.write(f"{stamp(minute)},{names[column]},load,{value}\n")

    for minute in sorted({*range(0, minutes, every), *(e[0] for e in events)}):
        changed = set()
        while events and events[-1][0] <= minute:
            _, column, shown[column] = events.pop()
            changed.add(column)
        for column in sorted(changed) if minute % every else range(len(names)):
            row(minute, column)
            count += 1
    return count


def write(folder, days=365, count=40, seed=1, per_year=20, every=1):
    """Returns the number of samples."""
    rng = random.Random(seed)
    staff = Staff(rng)
    names = devices(count)
    minutes = days * 1440
    events = []
    for column, device in enumerate(names):
        events += [(minute, column, value)
                   for minute, value in live(rng, staff, device, minutes, per_year)]
    visits(rng, staff, names, days)
    events.sort(key=lambda e: (e[0], e[1]), reverse=True)
    with open(os.path.join(folder, "site.yaml"), "w", encoding="utf-8") as out:
        out.write(site(count, every))
    staff.write(os.path.join(folder, "staff.yaml"))
    with open(os.path.join(folder, "year.csv"), "w", encoding="ascii") as out:
        return often(out, names, minutes, events) if every == 1 else \
            seldom(out, names, minutes, events, every)


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    print(write(sys.argv[1], *[int(word) for word in sys.argv[2:]]), "samples")
