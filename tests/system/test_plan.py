#!/usr/bin/python3
"""Planned maintenance: a year in a replay against days that are counted here, and visits on
a live daemon, through kill -9, by command line, API and calendar."""
import calendar
import csv
import datetime
import io
import json
import os
import signal
import sqlite3
import subprocess
import tempfile
import unittest
import zoneinfo

import icalendar

from estate import CARETAKER, Estate, wait_for

DAY = datetime.timedelta(days=1)
TODAY = datetime.date.today
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

SITE = """
people: [{id: zhang}, {id: wang}]
teams:
  - {id: mechanical, members: [zhang], hours: {mon-sun: "00:00-24:00"}}
devices:
  - {id: pump-1, name: 1# 水泵, type: pump, location: B1 水泵房, points: {running: {type: bool}}}
  - {id: pump-2, type: pump, location: B1 水泵房, points: {running: {type: bool}}}
  - {id: lift-1, type: elevator, points: {running: {type: bool}}}
maintenance:
  - {id: pump-monthly, applies_to: {type: pump}, every: 30d, start: %(today)s, team: mechanical,
     procedure: round, minutes: 45, grace: 3d}
  - {id: lift, applies_to: {type: elevator}, every: 15d, statutory: true, start: %(later)s}
procedures:
  - id: round
    title: {en: "Round, of all; pumps", zh-CN: 巡检}
    steps: [{en: Look at seals, zh-CN: 查看密封}, Listen]
    parts: [{name: "grease; lithium, 1 kg", count: 2}]
"""


def run(*words):
    done = subprocess.run([CARETAKER, *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def first_tuesdays(year):
    for month in range(1, 13):
        days = calendar.Calendar().itermonthdates(year, month)
        yield min(d for d in days if d.month == month and d.weekday() == 1)


class Year(unittest.TestCase):
    """Nobody comes, or somebody always does: the days are those of Python's calendar."""

    def setUp(self):
        self.estate = e = Estate("""
devices:
  - {id: pump-1, type: pump, points: {running: {type: bool}}}
maintenance:
  - {id: monthly, applies_to: {type: pump}, monthly: first tue, grace: 5d, start: 2026-01-01}
""")
        self.addCleanup(e.close)

    def case(self, commands):
        return self.estate.write("case.yaml", f"""
case: a year
site: site.yaml
samples:
  - [2026-01-01 00:00:00, pump-1.running, false]
  - [2026-12-31 23:00:00, pump-1.running, false]
commands:
{commands}
expect:
{self.expects}""")

    def test_somebody_comes_on_each_day(self):
        days = list(first_tuesdays(2026))
        lines = []
        for number, day in enumerate(days, 1):
            opens = max(day - 3 * DAY, datetime.date(2026, 1, 1))
            lines.append(f"  - {{at: {opens} 08:00:00, event: ticket.opened, kind: planned, "
                         f"ticket: {number}, plan: monthly}}")
        lines.append("  - {never: plan.overdue}")
        lines.append("  - {never: ticket.breached}")
        self.expects = "\n".join(lines) + "\n"
        commands = "\n".join(
            f"  - {{at: {day} 15:00:00, do: ticket.resolve, ticket: {number}, by: zhang, note: done}}"
            for number, day in enumerate(days, 1))
        code, out, err = run("test", self.case(commands))
        self.assertEqual(code, 0, out + err)

    def test_nobody_comes(self):
        log = self.estate.write("log.csv", "time,device,point,value\n"
                                "2026-01-01 00:00:00,pump-1,running,0\n"
                                "2026-12-31 23:00:00,pump-1,running,0\n")
        code, out, err = run("replay", "-c", self.estate.site_file, "--format", "jsonl", log)
        self.assertEqual(code, 0, err)
        events = [json.loads(line) for line in out.splitlines()]
        told = [(e["event"], e["t"][:10]) for e in events
                if e["event"].startswith(("ticket.", "plan.")) and e["event"] != "ticket.warned"]
        self.assertEqual(told, [
            ("ticket.opened", "2026-01-03"), ("plan.reminded", "2026-01-03"),
            ("plan.reminded", "2026-01-06"), ("ticket.breached", "2026-01-12"),
            ("plan.overdue", "2026-01-12")])
        opened = next(e for e in events if e["event"] == "ticket.opened")
        self.assertEqual(opened, {
            "t": "2026-01-03T08:00:00.000Z", "event": "ticket.opened", "ticket": 1,
            "device": "pump-1", "priority": "normal", "kind": "planned", "plan": "monthly",
            "due": "2026-01-06T00:00:00.000Z"})


class Live(unittest.TestCase):
    def setUp(self):
        self.estate = e = Estate()
        self.addCleanup(e.close)
        self.today = TODAY()
        e.write_site(SITE % {"today": self.today, "later": self.today + 20 * DAY})
        e.start()

    def plan(self, *words):
        return run("plan", "-c", self.estate.site_file, *words)

    def visits(self, *words):
        code, out, err = self.plan("--json", *words)
        self.assertEqual(code, 0, err)
        return json.loads(out)

    def tickets(self):
        code, out, err = run("tickets", "-c", self.estate.site_file, "--json", "--all")
        self.assertEqual(code, 0, err)
        return json.loads(out)

    def wait_tickets(self, count):
        return wait_for(lambda: (t := self.tickets()) and len(t) == count and t,
                        f"{count} tickets")

    def kill(self):
        self.estate.daemon.send(signal.SIGKILL)
        self.estate.daemon.end()

    def events(self, name):
        with sqlite3.connect(f"file:{self.estate.path('data/state.db')}?mode=ro",
                             uri=True) as db:
            return [json.loads(row[0]) for row in db.execute(
                "SELECT json FROM events WHERE name = ? ORDER BY seq", (name,))]

    def test_a_visit_through_kill_9_to_its_end(self):
        rows = self.wait_tickets(2)
        self.assertEqual({(r["kind"], r["device"], r["team"]) for r in rows},
                         {("planned", "pump-1", "mechanical"),
                          ("planned", "pump-2", "mechanical")})
        for _ in range(3):
            self.kill()
            self.estate.start()
        self.assertEqual(len(self.tickets()), 2)
        self.assertEqual(len(self.events("plan.reminded")), 2)
        number = next(r["number"] for r in rows if r["device"] == "pump-1")
        code, _, err = run("ticket", "-c", self.estate.site_file, "--by", "zhang",
                           "resolve", str(number), "greased")
        self.assertEqual(code, 0, err)
        moved = self.events("plan.moved")
        self.assertEqual([(e["plan"], e["device"], e["ticket"]) for e in moved],
                         [("pump-monthly", "pump-1", number)])
        self.kill()
        self.estate.start()
        visit = self.visits("--weeks", "8", "--device", "pump-1")[0]
        self.assertEqual(visit["last_done"], str(self.today))
        self.assertEqual(visit["due"], str(self.today + 30 * DAY))
        # Reopened, it was not made; and while it is open there is no second one.
        code, _, err = run("ticket", "-c", self.estate.site_file, "--by", "zhang",
                           "reopen", str(number), "still dry")
        self.assertEqual(code, 0, err)
        self.assertEqual(self.visits("--device", "pump-1")[0]["ticket"], number)
        code, _, err = self.plan("start", "pump-monthly", "pump-1", "--by", "li")
        self.assertNotEqual(code, 0)
        self.assertIn(f"ticket {number} of this visit is open", err)

    def test_what_is_asked_by_hand(self):
        self.wait_tickets(2)
        later = self.today + 20 * DAY
        code, _, err = self.plan("move", "lift", "lift-1", str(later + DAY), "--by", "wang")
        self.assertNotEqual(code, 0)
        self.assertIn("may be tightened, never postponed", err)
        code, out, err = self.plan("move", "lift", "lift-1", str(later - 5 * DAY), "--by", "wang",
                                   "--note", "slow door")
        self.assertEqual((code, out), (0, "moved\n"), err)
        self.assertEqual(self.visits("--plan", "lift")[0]["due"], str(later - 5 * DAY))
        self.assertEqual(self.events("plan.moved")[-1]["note"], "slow door")
        done = self.today - 3 * DAY
        code, _, err = self.plan("done", "lift", "lift-1", "--on", str(done), "--by", "wang")
        self.assertEqual(code, 0, err)
        self.assertEqual(self.visits("--plan", "lift")[0]["due"], str(done + 15 * DAY))
        code, out, err = run("device", "-c", self.estate.site_file, "lift-1", "--json")
        [plan] = json.loads(out)["plans"]
        self.assertEqual((plan["plan"], plan["due"], plan["last_done"], plan["statutory"]),
                         ("lift", str(done + 15 * DAY), str(done), True), err)
        self.assertIn(f"\nPlans\n  {done + 15 * DAY}  lift (lift), statutory; last done {done}\n",
                      run("device", "-c", self.estate.site_file, "lift-1")[1])
        code, out, err = self.plan("start", "lift", "lift-1", "--by", "wang", "--json")
        self.assertEqual(code, 0, err)
        self.assertEqual(json.loads(out), {"ok": True, "ticket": 3})
        code, _, err = self.plan("start", "lift", "pump-1", "--by", "wang")
        self.assertEqual(code, 1)
        self.assertIn('plan "lift" does not go to pump-1', err)
        self.assertEqual(self.plan("--device", "nobody")[0], 1)
        self.assertEqual(self.plan("--weeks", "0")[0], 2)
        self.assertEqual(self.plan("move", "lift", "lift-1")[0], 2)

    def test_the_listing_says_the_same_without_a_daemon(self):
        self.wait_tickets(2)
        words = ("--from", str(self.today), "--to", str(self.today + 60 * DAY))
        asked = self.visits(*words)
        text = self.plan(*words)[1]
        self.estate.stop()
        self.assertEqual(self.visits(*words), asked)
        self.assertEqual(self.plan(*words)[1], text)
        round_ = [(v["device"], v["stop"]) for v in asked if v["day"] == str(self.today)]
        self.assertEqual(round_, [("pump-1", 1), ("pump-2", 2)])
        self.assertIn("mechanical: 2 visits, 90 min", text)
        self.assertIn("parts: grease; lithium, 1 kg x 2", text)
        self.assertIn("[ ] Look at seals", text)
        self.assertNotIn("[ ]", self.plan("--brief")[1])

    def test_the_calendar_is_read_by_another_program(self):
        self.wait_tickets(2)
        path = self.estate.path("plan.ics")
        words = ("--from", str(self.today), "--to", str(self.today + 60 * DAY))
        code, out, err = self.plan("--ics", path, *words)
        self.assertEqual((code, out), (0, ""), err)
        with open(path, "rb") as file:
            raw = file.read()
        self.assertLessEqual(max(len(line) for line in raw.split(b"\r\n")), 75)
        self.assertNotIn(b"\n", raw.replace(b"\r\n", b""))
        read = icalendar.Calendar.from_ical(raw)
        events = read.walk("VEVENT")
        visits = self.visits(*words)
        self.assertEqual(len(events), len(visits))
        self.assertEqual(len({str(e["UID"]) for e in events}), len(events))
        for event, visit in zip(events, visits):
            self.assertEqual(str(event["UID"]), visit["uid"])
            self.assertEqual(str(event["SUMMARY"]), f'{visit["device_name"]}: {visit["title"]}')
            self.assertEqual(str(event["LOCATION"]), visit["place"])
            start = event.decoded("DTSTART")
            if visit["start"] is None:
                self.assertEqual(str(start), visit["day"])
            else:
                self.assertEqual(start.strftime("%Y-%m-%dT%H:%M:%S.000Z"), visit["start"])
                self.assertEqual(event.decoded("DTEND") - start, datetime.timedelta(minutes=45))
            for step in visit["steps"]:
                self.assertIn(step, str(event["DESCRIPTION"]))
            self.assertEqual(len(event.subcomponents), 1)
            self.assertEqual(event.subcomponents[0].decoded("TRIGGER"), -DAY)
        uids = {v["uid"] for v in visits}
        self.estate.stop()
        self.estate.start()
        self.assertEqual({v["uid"] for v in self.visits(*words)}, uids)


class AnnualPlan(unittest.TestCase):
    """The year with its budget, the parts for it, and files for other programs: without a
    daemon, counted here by Python's calendar and time zones."""

    YEAR = TODAY().year + 1
    SITE = f"""
site: {{id: house, name: House, timezone: Europe/Berlin, language: en}}
data: data
tickets: {{currency: EUR}}
teams:
  - {{id: mechanical, hours: {{mon-fri: ["08:00-12:00", "13:00-17:00"]}}}}
devices:
  - {{id: pump-1, name: "=1# 泵", type: pump, location: B1}}
  - {{id: pump-2, type: pump, location: B1}}
  - {{id: lift-1, type: elevator}}
maintenance:
  - {{id: monthly, title: Monthly, applies_to: {{type: pump}}, monthly: first tue, team: mechanical,
     minutes: 150, cost: 99.95, procedure: round}}
  - {{id: daily, applies_to: {{type: elevator}}, every: 1d, from: plan, remind: 0d, minutes: 10}}
  - {{id: renewal, title: New pump, applies_to: {{id: pump-1}}, every: 15y, start: {YEAR}-05-10, cost: 85000,
     procedure: renewal}}
procedures:
  - {{id: round, title: Round, steps: [Look, "=Listen"], parts: [{{name: "grease; 1 kg", count: 2}}, {{name: seal}}]}}
  - {{id: renewal, title: Renewal, steps: [Order it], parts: [{{name: CR 32-4}}]}}
"""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.site = os.path.join(self.folder.name, "site.yaml")
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(self.SITE)
        self.year = ("--from", f"{self.YEAR}-01-01", "--to", f"{self.YEAR}-12-31")

    def plan(self, *words):
        """Wherever the gateway believes to be: the site's own zone holds."""
        done = subprocess.run([CARETAKER, "plan", "-c", self.site, *words], capture_output=True,
                              check=False, env={**os.environ, "TZ": "America/Los_Angeles"})
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def json(self, *words):
        code, out, err = self.plan(*words, "--json")
        self.assertEqual(code, 0, err)
        return json.loads(out)

    def csv(self, *words):
        code, out, err = self.plan(*words, "--csv")
        self.assertEqual(code, 0, err)
        return list(csv.DictReader(io.StringIO(out, newline=""), strict=True))

    def test_the_budget_of_the_year(self):
        budget = self.json(*self.year, "--budget")
        want = []
        for month in range(1, 13):
            name = f"{self.YEAR}-{month:02}"
            days = calendar.monthrange(self.YEAR, month)[1]
            want.append((name, "daily", days, 10 * days, None))
            want.append((name, "monthly", 2, 300, 199.9))
            if month == 5:
                want.append((name, "renewal", 1, 0, 85000))
        self.assertEqual([(r["month"], r["plan"], r["visits"], r["minutes"], r["cost"])
                          for r in budget], want)
        rows = self.csv(*self.year, "--budget")
        self.assertEqual([r["cost"] for r in rows if r["month"].endswith("-05")],
                         ["", "199.90", "85000.00"])
        days = 366 if calendar.isleap(self.YEAR) else 365
        text = self.plan(*self.year, "--budget")[1]
        self.assertRegex(text, rf"(?m)^total +{days + 25} +[\d.]+ +87398\.80$")
        self.assertRegex(text, r"(?m)^monthly +24 +60\.0 +2398\.80 +Monthly$")
        self.assertIn("COST in EUR", text)
        whole = self.plan(*self.year, "--brief")[1]
        self.assertIn(f"Together: {days + 25} visits, {10 * days + 3600} min "
                      f"(1 of unknown length), 87398.80 EUR ({days} of unknown cost)", whole)
        # Five years ahead, each day of a daily plan.
        last = TODAY() + 1820 * DAY
        visits = self.json("--to", str(last), "--plan", "daily")
        self.assertGreaterEqual(visits[-1]["day"], str(last - DAY))
        self.assertEqual(len({v["day"] for v in visits}), len(visits))

    def test_parts_are_listed_before_they_are_needed(self):
        parts = self.json(*self.year, "--parts")
        first = str(next(first_tuesdays(self.YEAR)))
        self.assertEqual([(p["part"], p["count"], p["for"]) for p in parts if p["day"] == first],
                         [("grease; 1 kg", 4, ["pump-1", "pump-2"]), ("seal", 2, ["pump-1", "pump-2"])])
        self.assertEqual(sum(p["count"] for p in parts if p["part"] == "seal"), 24)
        self.assertEqual([p["count"] for p in parts if p["part"] == "CR 32-4"], [1])
        text = self.plan(*self.year, "--parts")[1]
        self.assertIn("  48 x grease; 1 kg\n", text)
        self.assertEqual(self.csv(*self.year, "--parts")[0]["for"], "pump-1; pump-2")
        code, out, _ = self.plan("--device", "lift-1", "--parts")
        self.assertEqual((code, out), (0, "no parts are needed in this time\n"))

    def test_a_spreadsheet_reads_the_visits(self):
        path = os.path.join(self.folder.name, "plan.csv")
        code, out, err = self.plan(*self.year, "--csv", path, "--bom")
        self.assertEqual((code, out), (0, ""), err)
        with open(path, encoding="utf-8-sig", newline="") as f:
            rows = list(csv.DictReader(f, strict=True))
        visits = self.json(*self.year)
        self.assertEqual([(r["day"], r["plan"], r["device"]) for r in rows],
                         [(v["day"], v["plan"], v["device"]) for v in visits])
        first = next(r for r in rows if r["plan"] == "monthly" and r["device"] == "pump-1")
        self.assertEqual((first["device_name"], first["cost"], first["start"][11:], first["steps"],
                          first["parts"]),
                         ("'=1# 泵", "99.95", "08:00:00", "Look; =Listen", "grease; 1 kg x 2; seal x 1"))

    def test_the_calendar_keeps_the_hours_of_the_site(self):
        code, out, err = self.plan(*self.year, "--ics", "--plan", "monthly")
        self.assertEqual(code, 0, err)
        zone = zoneinfo.ZoneInfo("Europe/Berlin")
        starts = [e.decoded("DTSTART").astimezone(zone)
                  for e in icalendar.Calendar.from_ical(out).walk("VEVENT")]
        # In winter and in summer, and the second one not in the break.
        self.assertEqual([s.replace(tzinfo=None) for s in starts],
                         [datetime.datetime.combine(day, datetime.time(hour))
                          for day in first_tuesdays(self.YEAR) for hour in (8, 13)])
        code, out, err = self.plan(*self.year, "--ics", "--plan", "renewal")
        [event] = icalendar.Calendar.from_ical(out).walk("VEVENT")
        self.assertEqual(event.decoded("DTSTART"), datetime.date(self.YEAR, 5, 10))
        self.assertEqual(event.decoded("DTEND"), datetime.date(self.YEAR, 5, 11))

    def test_what_is_overdue_is_money_of_this_year(self):
        """A visit that nobody made is listed first, and is no part of next year's budget."""
        log = os.path.join(self.folder.name, "log.csv")
        site = self.site.replace("site.yaml", "late.yaml")
        today = TODAY()
        with open(site, "w", encoding="utf-8") as f:
            f.write("site: {id: late, timezone: Europe/Berlin}\ndata: data\n"
                    "devices:\n  - {id: pump-1, type: pump, points: {running: {type: bool}}}\n"
                    "maintenance:\n  - {id: yearly, applies_to: {type: pump}, yearly: "
                    f"{(today - datetime.timedelta(40)):%m-%d}, "
                    f"start: {today - datetime.timedelta(60)}, cost: 70}}\n")
        with open(log, "w", encoding="utf-8") as f:
            f.write("time,device,point,value\n")
            f.writelines(f"{today - datetime.timedelta(days)} 12:00:00,pump-1,running,1\n"
                         for days in (70, 5))
        done = subprocess.run([CARETAKER, "replay", "-c", site, "--state",
                               os.path.join(self.folder.name, "data"), log],
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.site = site
        text = self.plan(*self.year)[1]
        self.assertRegex(text, r"\AOverdue\n  - pump-1: yearly \(yearly\)\n")
        self.assertEqual([(r["month"][:4], r["visits"], r["cost"])
                          for r in self.json(*self.year, "--budget")], [(str(self.YEAR), 1, 70)])
        both = self.json("--to", f"{self.YEAR}-12-31", "--budget")
        self.assertEqual([(r["month"][:7], r["visits"]) for r in both][0], (f"{today:%Y-%m}", 1))
        self.assertEqual(sum(r["cost"] for r in both), 140)

    def test_titles_and_steps_are_in_the_language_of_who_asks(self):
        with open(self.site, "a", encoding="utf-8") as f:
            f.write("  - {id: winter, title: {en: Frost, zh-CN: 防冻}, steps: [{en: Drain, zh-CN: 放水}]}\n")
        with open(self.site, encoding="utf-8") as f:
            text = f.read().replace("maintenance:\n", "maintenance:\n  - {id: winter, applies_to: "
                                    "{id: lift-1}, yearly: 11-01, procedure: winter}\n")
        with open(self.site, "w", encoding="utf-8") as f:
            f.write(text)
        year = (*self.year, "--plan", "winter")
        for words, title, other in (((), "Frost", "防冻"), (("--language", "zh-CN"), "防冻", "Frost")):
            for form in ((), ("--ics",), ("--csv",), ("--budget",)):
                out = self.plan(*year, *form, *words)[1]
                self.assertIn(title, out, form)
                self.assertNotIn(other, out, form)
                self.assertEqual("放水" in out, bool(words) and form != ("--budget",), out)
        self.assertEqual(self.plan(*year, "--json", "--language", "zh-CN")[1], self.plan(*year, "--json")[1])

    def test_one_form_at_a_time(self):
        for words in (["--csv", "--json"], ["--ics", "--budget"], ["--budget", "--parts"], ["--bom"]):
            self.assertEqual(self.plan(*words)[0], 2, words)


class BroughtForward(unittest.TestCase):
    """The shipped rule of the door and the shipped plan of the elevator, from a log."""

    def test_from_the_door_to_the_list_of_visits(self):
        config = os.path.join(TOP, "config")
        with tempfile.TemporaryDirectory() as folder:
            site = os.path.join(folder, "site.yaml")
            with open(os.path.join(config, "predicted-site.yaml"), encoding="utf-8") as f:
                text = f.read()
            for part in ("teams.yaml", "rules/", "procedures/", "maintenance/"):
                text = text.replace(f"- {part}", f"- {config}/{part}")
            with open(site, "w", encoding="utf-8") as f:
                f.write(text + "data: data\n")
            os.symlink(os.path.join(config, "devices"), os.path.join(folder, "devices"))
            code, out, err = run(
                "replay", "-c", site, "--format", "jsonl", "--state", os.path.join(folder, "data"),
                "--until", "2026-03-02T06:00", os.path.join(config, "cases/elevator-door-retries.csv"))
            self.assertEqual(code, 0, err)
            events = [json.loads(line) for line in out.splitlines()]
            [moved] = [e for e in events if e["event"] == "plan.moved"]
            self.assertEqual(
                (moved["device"], moved["plan"], moved["due"], moved["note"], "by" in moved),
                ("elevator-1", "elevator-half-month", "2026-03-03T16:00:00.000Z",
                 "brought forward by elevator-door-retries of elevator-1-door", False))
            opened = {e["kind"]: e["ticket"] for e in events if e["event"] == "ticket.opened"
                      and e.get("rule", "elevator-door-retries") == "elevator-door-retries"}
            self.assertEqual(set(opened), {"predicted", "planned"})
            code, out, err = run("check", "--journal", "-c", site)
            self.assertEqual(code, 0, out + err)
            span = ("--plan", "elevator-half-month", "--from", "2026-03-01", "--to", "2026-03-10")
            code, out, err = run("plan", "-c", site, "--json", *span)
            self.assertEqual(code, 0, err)
            [visit] = json.loads(out)
            self.assertEqual(
                [visit[k] for k in ("due", "why", "for_ticket", "ticket", "statutory")],
                ["2026-03-04", "moved", opened["predicted"], opened["planned"], True])
            code, out, err = run("plan", "-c", site, "--brief", *span)
            self.assertIn("due 2026-03-04, statutory, moved for ticket "
                          f"{opened['predicted']}; ticket {opened['planned']} opened", out, err)


class ShippedPlans(unittest.TestCase):
    def test_the_example_site_has_visits_in_both_languages(self):
        code, out, err = run("check", "-c", os.path.join(TOP, "config/site.yaml"))
        self.assertEqual(code, 0, out + err)
        self.assertNotIn("warning", out + err)


if __name__ == "__main__":
    unittest.main()
