#!/usr/bin/python3
"""`caretaker report`: every figure of it is computed once more, by SQL over the journal and
the tables, from databases that the real engine filled."""
import contextlib
import csv
import datetime
import html.parser
import json
import math
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import unicodedata
import unittest

import year
from estate import CARETAKER, Estate, check_sound, folders

MONTH_S = 365.25 / 12 * 86400
BIG = 1 << 62
SITE = """site: {id: riverside, name: "滨河<花园> & Co", timezone: Asia/Shanghai, language: en}
data: data
tickets: {verify_for: 30m, follow_up: 2d}
people:
  - {id: zhang, name: 张伟}
  - {id: li, name: 李娜}
  - {id: wang, name: "<b>Wang</b>"}
teams:
  - {id: mechanical, members: [zhang, li], categories: [noise]}
  - {id: electrical, members: [wang]}
rules:
  - {id: small, when: fault == 1, severity: normal, title: {en: small}, cause: c, consequence: c, action: a, respond_within: 2h, source: test, ticket: {team: electrical}}
  - {id: urgent, when: fault == 2, severity: urgent, title: {en: urgent}, cause: c, consequence: c, action: a, respond_within: 30m, source: test, ticket: {team: mechanical}}
  - {id: critical, when: fault == 3, severity: critical, title: {en: critical}, cause: c, consequence: c, action: a, respond_within: 15m, source: test, ticket: {team: mechanical}}
  - {id: forecast, applies_to: {type: fan}, when: fault == 1, severity: urgent, title: {en: forecast}, cause: c, consequence: c, action: a, source: test, ticket: {kind: predicted}}
maintenance:
  - {id: ten-days, title: {en: Ten-day service, zh-CN: 十天保养}, applies_to: {type: pump}, every: 10d, remind: 1d}
buses: [{id: plant, tcp: "192.0.2.1:502"}]
devices:
"""


def site_of(count):
    return SITE + "".join(
        f"  - {{id: {t}-{i // 3}, type: {t}, location: B{i % 2}, bus: plant, unit: {i + 1}, "
        f"stale_after: 3h, points: {{fault: {{register: input 0}}}}, ledger: {{installed: "
        f"2015-0{i % 9 + 1}-01, design_life: {10 + i}y}}}}\n"
        for i, t in enumerate((["pump", "lift", "fan"] * count)[:count]))


def ms(text):
    """Of a date in the site's zone, UTC+8 all the year."""
    return int(datetime.datetime.fromisoformat(text + "T00:00:00+08:00").timestamp() * 1000)


class Twice:
    """The figures once more: what is said here is what figures.h promises, and nothing of how
    it is done there."""

    def __init__(self, folder, devices):
        self.db = sqlite3.connect(":memory:")  # A copy, which may have an index of its own.
        with contextlib.closing(
                sqlite3.connect(f"file:{folder}/state.db?mode=ro", uri=True)) as source:
            source.backup(self.db)
        self.db.execute("CREATE INDEX by_device ON events (device, name)")
        self.db.row_factory = sqlite3.Row
        self.devices = devices  # {id: type}
        self.born, self.alive = (
            self.all("SELECT value AS v FROM meta WHERE key = ?", key)[0]["v"]
            for key in ("born_ms", "alive_ms"))

    def all(self, sql, *values):
        return self.db.execute(sql, values).fetchall()

    def one(self, sql, *values):
        return self.all(sql, *values)[0][0]

    # ---- what each ticket came to, from its events ----

    FAULTS = """
        WITH life AS (
          SELECT k.number, k.kind, k.priority, k.device, k.rule, k.category, k.team,
            k.assignee, k.cause, k.plan, k.minutes, k.rating, k.state,
            k.cost + coalesce((SELECT sum(round(json_extract(value, '$.cost') * 100))
              FROM json_each(k.parts)), 0) AS cost,
            coalesce((SELECT sum(round(json_extract(value, '$.cost') * 100))
              FROM json_each(k.parts)), 0) AS parts,
            (SELECT min(t) FROM events e WHERE e.ticket = k.number
              AND name = 'ticket.opened') AS opened,
            (SELECT min(t) FROM events e WHERE e.ticket = k.number
              AND name = 'ticket.responded') AS responded,
            (SELECT min(t) FROM events e WHERE e.ticket = k.number
              AND name = 'ticket.resolved') AS resolved,
            (SELECT count(*) FROM events e WHERE e.ticket = k.number
              AND name = 'ticket.reopened') AS reopened,
            EXISTS (SELECT 1 FROM events e WHERE e.ticket = k.number
              AND name = 'ticket.breached' AND json_extract(json, '$.deadline') = 'respond')
              AS late,
            EXISTS (SELECT 1 FROM events e WHERE e.ticket = k.number
              AND name = 'ticket.breached' AND json_extract(json, '$.deadline') = 'resolve')
              AS overdue,
            k.kind IN ('fault', 'reported') AS unplanned,
            k.kind IN ('fault', 'reported') AND NOT (k.state = 'closed' AND
              coalesce(k.cause, '') IN ('false-alarm', 'no-fault-found')) AS real,
            k.priority IN ('urgent', 'critical') AS grave
          FROM ticket k)
        SELECT * FROM life WHERE opened < :to"""

    def lives(self, begin, end):
        rows = [dict(r) for r in self.db.execute(self.FAULTS, {"to": end})]
        self.before = [r for r in rows if r["opened"] < begin]
        return [r for r in rows if r["opened"] >= begin]

    def repair(self, number):
        """Time from opening to resolving, and from each reopening; None: it is not mended."""
        since, total = None, 0
        for row in self.all("SELECT name, t FROM events WHERE ticket = ? AND name IN "
                            "('ticket.opened', 'ticket.reopened', 'ticket.resolved') "
                            "ORDER BY seq", number):
            if row["name"] != "ticket.resolved":
                since = row["t"] if since is None else since
            elif since is not None:
                total, since = total + row["t"] - since, None
        return total if since is None else None

    # ---- what each device was ----

    def spans(self, device, kinds, ends, where=""):
        out, since = [], {}
        marks = ",".join("?" * (len(kinds) + len(ends)))
        for row in self.all(f"SELECT name, t, coalesce(rule, '') AS rule, "
                            f"json_extract(json, '$.severity') AS severity FROM events "
                            f"WHERE device = ? AND name IN ({marks}) "
                            f"AND coalesce(rule, '') != 'forecast' ORDER BY seq",
                            device, *kinds, *ends):
            stands = row["name"] in kinds and \
                (not where or row["severity"] in ("urgent", "critical"))
            if stands:
                since.setdefault(row["rule"], row["t"])
            elif row["rule"] in since:
                out.append((since.pop(row["rule"]), row["t"]))
        return out + [(t, self.alive if where else BIG) for t in since.values()]

    def down_of_reports(self, device):
        out = []
        for (number,) in self.all(
                "SELECT number FROM ticket WHERE device = ? AND kind IN ('fault', 'reported') "
                "AND rule IS NULL AND priority IN ('urgent', 'critical') AND NOT "
                "(state = 'closed' AND coalesce(cause, '') IN "
                "('false-alarm', 'no-fault-found'))", device):
            since = None
            for row in self.all("SELECT name, t FROM events WHERE ticket = ? AND name IN "
                                "('ticket.opened', 'ticket.reopened', 'ticket.resolved') "
                                "ORDER BY seq", number):
                if row["name"] != "ticket.resolved":
                    since = row["t"] if since is None else since
                elif since is not None:
                    out, since = out + [(since, row["t"])], None
            if since is not None:
                out.append((since, self.alive))
        return out

    def states(self, device, begin, end):
        """Milliseconds down, out of service, unseen and up."""
        lists = [
            self.spans(device, ["alarm.raised", "alarm.changed"], ["alarm.cleared"], "grave") +
            self.down_of_reports(device),
            self.spans(device, ["device.out_of_service"], ["device.in_service"]),
            self.spans(device, ["device.offline"], ["device.online"]) +
            [(-BIG, self.born), (self.alive, BIG)]]
        edges = sorted({begin, end, *(t for spans in lists for span in spans for t in span
                                      if begin < t < end)})
        sums = [0, 0, 0, 0]
        for a, b in zip(edges, edges[1:]):
            state = next((i for i, spans in enumerate(lists)
                          if any(s <= a and b <= e for s, e in spans)), 3)
            sums[state] += b - a
        return sums


def mean(values):
    return sum(values) / len(values) if values else None


def chi_square(p, half):
    """By halving, the tail summed term by term with logarithms."""
    def below(x):
        return 1 - sum(math.exp(-x / 2 + i * math.log(x / 2) - math.lgamma(i + 1))
                       for i in range(half))
    low, high = 1e-9, 4.0 * half + 60
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) < p else (low, middle)
    return high


class Figures:
    """Mixed into test cases that have self.folder (of state.db), self.report(),
    self.devices and self.areas (by device)."""

    def same(self, what, got, expected):
        if expected is None:
            self.assertIsNone(got, what)
        else:
            self.assertIsNotNone(got, what)
            self.assertTrue(math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-9),
                            f"{what}: {got}, by SQL {expected}")

    def compare(self, begin, end):
        report = self.report("--from", begin, "--to", end)
        self.period = p = report["periods"][0]
        self.twice = Twice(self.folder, self.devices)
        self.begin, self.end = ms(begin), ms(end)
        self.rows = self.twice.lives(self.begin, self.end)
        self.assertGreater(len(self.rows), 20)
        self.tables = {name: {r["key"]: r for r in rows} for name, rows in p.items()
                       if isinstance(rows, list)}
        self.plants()
        self.promises()
        self.causes_and_rules()
        self.work()
        self.repeats()
        self.summary()
        self.parts()
        return report

    def group(self, key, devices):
        t = self.twice
        states = [sum(s) for s in zip(*(t.states(d, self.begin, self.end) for d in devices))]
        rows = [r for r in self.rows if r["device"] in devices]
        real = [r for r in rows if r["real"]]
        grave = [r for r in real if r["grave"]]
        repairs = [x for x in (t.repair(r["number"]) for r in grave) if x is not None]
        a, r, c = (self.tables[name].get(key) for name in
                   ("availability", "reliability", "cost"))
        down, out, unseen, up = states
        self.same(f"{key} down", a["down_h"], down / 3.6e6)
        self.same(f"{key} out", a["out_of_service_h"], out / 3.6e6)
        self.same(f"{key} unseen", a["unseen_h"], unseen / 3.6e6)
        self.same(f"{key} up", a["up_h"], up / 3.6e6)
        self.same(f"{key} availability", a["availability"],
                  100 * up / (up + down) if up + down else None)
        months = (up + down) / 1000 / MONTH_S
        self.same(f"{key} devices", a["devices"], len(devices))
        self.same(f"{key} months", r["device_months"], months)
        self.same(f"{key} faults", r["faults"], len(real))
        self.same(f"{key} rate", r["fault_rate"], len(real) / months)
        self.same(f"{key} failures", r["failures"], len(grave))
        n, hours = len(grave), up / 3.6e6
        self.same(f"{key} mtbf", r["mtbf_h"], hours / n if n >= 5 else None)
        self.same(f"{key} mtbf bound", r["mtbf_at_least_h"],
                  2 * hours / chi_square(0.9, n + 1))
        self.same(f"{key} repairs", r["repairs"], len(repairs))
        self.same(f"{key} mttr", r["mttr_h"],
                  mean(repairs) / 3.6e6 if len(repairs) >= 5 else None)
        self.same(f"{key} mttr bound", r["mttr_at_most_h"],
                  2 * sum(repairs) / 3.6e6 / chi_square(0.1, len(repairs))
                  if repairs else None)
        if rows or key == "all":
            self.same(f"{key} cost", c["cost"], sum(x["cost"] for x in rows) / 100)
            self.same(f"{key} parts", c["parts"], sum(x["parts"] for x in rows) / 100)
            self.same(f"{key} labour", c["labour"],
                      sum(x["cost"] - x["parts"] for x in rows) / 100)
            self.same(f"{key} work", c["work_h"], sum(x["minutes"] for x in rows) / 60)
            self.same(f"{key} tickets", c["tickets"], len(rows))

    def plants(self):
        self.group("all", list(self.devices))
        for kind in set(self.devices.values()):
            self.group(f"type:{kind}", [d for d, t in self.devices.items() if t == kind])
        for device in self.devices:
            self.group(device, [device])
        self.assertGreater(len(self.areas), 1)
        for area in set(self.areas.values()):
            self.group(f"area:{area}", [d for d, a in self.areas.items() if a == area])

    def promises(self):
        for key in ("critical", "urgent", "normal", "all"):
            rows = [r for r in self.rows if r["unplanned"] and key in ("all", r["priority"])]
            for table, mark in (("response", "responded"), ("resolution", "resolved")):
                times = sorted((r[mark] - r["opened"]) / 60000 for r in rows
                               if r[mark] is not None)
                got = self.tables[table][key]
                self.same(f"{table} {key} n", got["n"], len(times))
                self.same(f"{table} {key} mean", got["mean_min"], mean(times))
                self.same(f"{table} {key} median", got["median_min"],
                          statistics.median(times) if times else None)
                self.same(f"{table} {key} p90", got["p90_min"],
                          times[math.ceil(len(times) * 0.9) - 1] if times else None)
            got = self.tables["deadlines"][key]
            for word, mark, late in (("respond", "responded", "late"),
                                     ("resolve", "resolved", "overdue")):
                decided = [r for r in rows if r[mark] is not None or r[late]]
                met = [r for r in decided if not r[late]]
                self.same(f"{word} {key} n", got[f"{word}_n"], len(decided))
                self.same(f"{word} {key} met", got[f"{word}_met"],
                          100 * len(met) / len(decided) if decided else None)

    def causes_and_rules(self):
        closed = [r for r in self.rows if r["unplanned"] and r["state"] == "closed"]
        causes = {r["cause"] or "(none)" for r in closed}
        self.assertEqual(set(self.tables["causes"]), causes)
        for cause in causes:
            rows = [r for r in closed if (r["cause"] or "(none)") == cause]
            got = self.tables["causes"][cause]
            self.same(f"{cause} tickets", got["tickets"], len(rows))
            self.same(f"{cause} share", got["share"], 100 * len(rows) / len(closed))
            self.same(f"{cause} cost", got["cost"], sum(r["cost"] for r in rows) / 100)
            self.same(f"{cause} repair", got["repair_h"], sum(
                self.twice.repair(r["number"]) or 0 for r in rows) / 3.6e6)
        counts = [r["tickets"] for r in self.period["causes"]]
        self.assertEqual(counts, sorted(counts, reverse=True))
        for i, row in enumerate(self.period["causes"]):
            self.same(f"causes to {row['key']}", row["cumulative"],
                      100 * sum(counts[:i + 1]) / len(closed))
        for rule in {r["rule"] for r in self.rows if r["rule"]}:
            rows = [r for r in self.rows if r["rule"] == rule]
            judged = [r for r in rows if r["state"] == "closed" and r["cause"]]
            false = [r for r in judged if r["cause"] in ("false-alarm", "no-fault-found")]
            if judged:
                got = self.tables["false_alarms"][rule]
                self.same(f"{rule} tickets", got["tickets"], len(rows))
                self.same(f"{rule} judged", got["judged"], len(judged))
                self.same(f"{rule} false", got["false_alarms"], len(false))
                self.same(f"{rule} false", got["share"], 100 * len(false) / len(judged))

    def work(self):
        for table, mark in (("people", "assignee"), ("teams", "team")):
            names = {r[mark] for r in self.rows if r[mark]}
            self.assertEqual(set(self.tables[table]), names)
            for name in names:
                rows = [r for r in self.rows if r[mark] == name]
                got = self.tables[table][name]
                waits = [(r["responded"] - r["opened"]) / 60000 for r in rows
                         if r["unplanned"] and r["responded"] is not None]
                stars = [r["rating"] for r in rows if r["rating"]]
                self.same(f"{name} tickets", got["tickets"], len(rows))
                self.same(f"{name} work", got["work_h"], sum(r["minutes"] for r in rows) / 60)
                self.same(f"{name} cost", got["cost"], sum(r["cost"] for r in rows) / 100)
                self.same(f"{name} response", got["response_min"], mean(waits))
                self.same(f"{name} responded", got["responded"], len(waits))
                self.same(f"{name} resolved", got["resolved"],
                          len([r for r in rows if r["resolved"] is not None]))
                self.same(f"{name} rating", got["rating"], mean(stars))
                self.same(f"{name} ratings", got["ratings"], len(stars))
                self.same(f"{name} reopened", got["reopened"], sum(r["reopened"] for r in rows))
        minutes = sum(r["minutes"] for r in self.rows)
        for key, kinds in [*((f"kind:{k}", [k]) for k in
                             ("fault", "planned", "predicted", "reported")),
                           ("planned", ["planned", "predicted"]),
                           ("unplanned", ["fault", "reported"])]:
            rows = [r for r in self.rows if r["kind"] in kinds]
            got = self.tables["kinds"][key]
            self.same(key, got["tickets"], len(rows))
            self.same(key, got["share"], 100 * len(rows) / len(self.rows))
            self.same(key, got["work_h"], sum(r["minutes"] for r in rows) / 60)
            self.same(key, got["work_share"], 100 * sum(r["minutes"] for r in rows) / minutes)
            self.same(key, got["cost"], sum(r["cost"] for r in rows) / 100)
        overdue = dict(self.twice.all(
            "SELECT json_extract(json, '$.plan'), count(*) FROM events WHERE name = "
            "'plan.overdue' AND t >= ? AND t < ? GROUP BY 1", self.begin, self.end))
        plans = {r["plan"] for r in self.rows if r["plan"]}
        self.assertEqual(set(self.tables["plans"]), plans | set(overdue))
        for plan, count in overdue.items():
            self.same(plan, self.tables["plans"][plan]["overdue"], count)
        for plan in plans:
            rows = [r for r in self.rows if r["plan"] == plan]
            got = self.tables["plans"][plan]
            self.same(plan, got["visits"], len(rows))
            self.same(plan, got["done"], len([r for r in rows if r["resolved"] is not None]))
            self.same(plan, got["in_time"], len([r for r in rows if r["resolved"] is not None
                                                 and not r["overdue"]]))
            self.same(plan, got["overdue"], overdue.get(plan, 0))

    def repeats(self):
        real = [r for r in self.rows if r["real"] and r["device"]]
        self.repeated = 0
        groups = {}
        for r in real:
            groups.setdefault((r["device"], r["rule"] or r["category"]), []).append(r)
        for (device, what), rows in groups.items():
            earlier = [r["opened"] for r in self.twice.before if r["real"] and
                       (r["device"], r["rule"] or r["category"]) == (device, what)]
            for r in rows:
                like = earlier + [o["opened"] for o in rows if o["opened"] < r["opened"]]
                self.repeated += any(r["opened"] - t < 30 * 86400000 for t in like)
            came = len(rows) + sum(r["reopened"] for r in rows)
            got = self.tables["repeats"].get(f"{device}/{what}")
            self.assertEqual(got is not None, came > 1, (device, what))
            if got:
                self.assertEqual((got["faults"], got["reopened"]),
                                 (len(rows), sum(r["reopened"] for r in rows)))

    def summary(self):
        s = {key: r["value"] for key, r in self.tables["summary"].items()}
        real = [r for r in self.rows if r["real"]]
        closed = [r for r in real if r["state"] == "closed"]
        cost = sum(r["cost"] for r in self.rows) / 100
        n = {key: r["n"] for key, r in self.tables["summary"].items()}
        t = self.tables
        for key, table, row, value, of in (
                ("fault_rate", "reliability", "all", "fault_rate", "faults"),
                ("availability", "availability", "all", "availability", "devices"),
                ("response", "response", "all", "mean_min", "n"),
                ("resolution", "resolution", "all", "mean_min", "n"),
                ("respond_in_time", "deadlines", "all", "respond_met", "respond_n"),
                ("resolve_in_time", "deadlines", "all", "resolve_met", "resolve_n")):
            self.same(key, s[key], t[table][row][value])
            self.same(f"{key} n", n[key], t[table][row][of])
        for key, count in (("first_time_fix", len(closed)), ("repeated", len(real)),
                           ("cost", len([r for r in self.rows if r["cost"]])),
                           ("cost_per_month", len([r for r in self.rows if r["cost"]])),
                           ("rating", len([r for r in self.rows if r["rating"]]))):
            self.same(f"{key} n", n[key], count)
        self.same("first-time fix", s["first_time_fix"],
                  100 * len([r for r in closed if not r["reopened"]]) / len(closed))
        self.same("repeated", s["repeated"], 100 * self.repeated / len(real))
        self.same("cost", s["cost"], cost)
        self.same("cost a month", s["cost_per_month"],
                  cost / self.months())
        self.same("complaints", s["complaints"],
                  len([r for r in self.rows if r["kind"] == "reported"]))
        self.same("rating", s["rating"], mean([r["rating"] for r in self.rows if r["rating"]]))

    def months(self):
        """Of the period, what was recorded."""
        begin, end = max(self.begin, self.twice.born), min(self.end, self.twice.alive)
        return (end - begin) / 1000 / MONTH_S

    def parts(self):
        """Of all, each stretch once more: what is down and up in it, and its faults."""
        rows = [r for r in self.period["parts"] if r["type"] == "all"]
        edges = [ms(r["from"]) for r in rows] + [self.end]
        for row, begin, end in zip(rows, edges, edges[1:]):
            begin = max(begin, self.begin)
            states = [sum(s) for s in zip(*(self.twice.states(d, begin, end)
                                            for d in self.devices))]
            self.same(row["key"], row["availability"], 100 * states[3] / (states[3] + states[0])
                      if states[3] + states[0] else None)
            self.same(row["key"], row["faults"], len([
                r for r in self.rows if r["real"] and begin <= r["opened"] < end]))
        of_all = [r for r in self.period["parts"] if r["type"] == "all"]
        self.assertEqual(sum(r["faults"] for r in of_all),
                         self.tables["reliability"]["all"]["faults"])
        by_type = [r for r in self.period["parts"] if r["type"] != "all"]
        self.assertEqual(sum(r["faults"] for r in by_type),
                         self.tables["reliability"]["all"]["faults"])


class OfAYear(unittest.TestCase, Figures):
    """The engine, fed by tests/daemon/pipeline/driver_year.c."""

    @classmethod
    def setUpClass(cls):
        cls.estate = e = Estate()
        cls.addClassCleanup(e.close)
        e.write("site.yaml", site_of(9))
        driver = os.path.join(os.path.dirname(CARETAKER),
                              "tests/daemon/pipeline/driver_year")
        made = subprocess.run([driver, e.site_file, "2025-01-01", "365", "30", "11"],
                              cwd=e.folder, capture_output=True, text=True, check=False)
        check_sound("driver_year", made.stderr)
        assert made.returncode == 0, made.stderr
        cls.made = json.loads(made.stdout)
        cls.folder = e.path("data")
        cls.devices = {f"{t}-{i // 3}": t for i, t in enumerate(["pump", "lift", "fan"] * 3)}
        cls.areas = {d: f"B{i % 2}" for i, d in enumerate(cls.devices)}

    def report(self, *words):
        return json.loads(self.estate.ok("report", "--json", *words))

    def test_every_figure_of_the_year(self):
        self.assertGreater(self.made["tickets"], 150)
        self.assertGreater(self.made["silent"], 10)
        self.compare("2025-01-01", "2026-01-01")
        self.assertGreater(self.tables["availability"]["all"]["unseen_h"], 0)
        self.assertGreater(self.tables["availability"]["all"]["out_of_service_h"], 0)
        self.assertGreater(self.tables["summary"]["complaints"]["value"], 0)

    def test_every_figure_of_a_quarter_that_cuts(self):
        self.compare("2025-04-11", "2025-07-03")

    def test_before_anything_was_recorded_nothing_was_seen(self):
        report = self.report("--from", "2024-12-01", "--to", "2025-02-01")
        rows = {r["key"]: r for r in report["periods"][0]["availability"]}
        # December, of nine devices; and the hours before the first were counted.
        self.assertGreaterEqual(rows["all"]["unseen_h"], 9 * 31 * 24)
        self.assertLess(rows["all"]["unseen_h"], 9 * 33 * 24)

    def test_journal_is_proven(self):
        self.assertIn("journal: ok", self.estate.ok("check", "--journal"))

    def test_two_periods_side_by_side(self):
        report = self.report("--from", "2025-07-01", "--to", "2026-01-01", "--compare",
                             "2025-01-01..2025-07-01")
        self.assertEqual([p["from"] for p in report["periods"]],
                         ["2025-06-30T16:00:00.000Z", "2024-12-31T16:00:00.000Z"])
        alone = [self.report("--from", a, "--to", b)["periods"][0] for a, b in
                 (("2025-07-01", "2026-01-01"), ("2025-01-01", "2025-07-01"))]
        self.assertEqual({**report["periods"][0], "life": 0}, {**alone[0], "life": 0})
        self.assertEqual({**report["periods"][1], "life": 0}, {**alone[1], "life": 0})
        rows = {c["key"]: c for c in report["comparison"]}
        self.assertEqual(list(rows)[:4], ["fault_rate", "cost_per_month", "response",
                                          "complaints_per_month"])
        for key, name in (("fault_rate", "fault_rate"), ("cost_per_month", "cost_per_month"),
                          ("response", "response"), ("resolution", "resolution")):
            after, before = ({r["key"]: r["value"] for r in p["summary"]}[name]
                             for p in report["periods"])
            self.same(key, rows[key]["after"], after)
            self.same(key, rows[key]["before"], before)
            self.same(key, rows[key]["change_percent"], 100 * (after / before - 1))
            self.assertLess(rows[key]["change_low"], rows[key]["change_percent"])
            self.assertGreater(rows[key]["change_high"], rows[key]["change_percent"])
        for key in ("complaints_per_month", "failures"):
            a, b = rows[key]["after"], rows[key]["before"]
            self.same(key, rows[key]["change_percent"], 100 * (a / b - 1))
        plants = [{r["key"]: r for r in p["reliability"]}["all"] for p in report["periods"]]
        self.same("failures", rows["failures"]["after"],
                  plants[0]["failures"] / plants[0]["device_months"])
        self.same("failures", rows["failures"]["before_n"], plants[1]["failures"])
        told = {r["key"]: r["value"] for r in report["periods"][1]["summary"]}["complaints"]
        self.same("complaints", rows["complaints_per_month"]["before"],
                  told / ((ms("2025-07-01") - Twice(self.folder, self.devices).born)
                          / 1000 / MONTH_S))

    def test_few_faults_say_nothing(self):
        report = self.report("--device", "pump-0", "--from", "2025-03-01", "--to",
                             "2025-03-03", "--compare", "2025-03-03..2025-03-05")
        self.assertIn(report["comparison"][0]["verdict"], ("too-few", "unclear"))
        row = next(r for r in report["periods"][0]["reliability"] if r["key"] == "pump-0")
        self.assertLess(row["failures"], 5)
        self.assertIsNone(row["mtbf_h"])
        self.assertGreater(row["mtbf_at_least_h"], 0)

    def test_filters(self):
        by_type = self.report("--type", "pump", "--from", "2025-01-01", "--to", "2026-01-01")
        keys = [r["key"] for r in by_type["periods"][0]["availability"]]
        self.assertEqual(keys, ["all", "type:pump", "area:B0", "area:B1", "pump-0", "pump-1",
                                "pump-2"])
        by_area = self.report("--area", "B1", "--from", "2025-01-01", "--to", "2026-01-01")
        keys = {r["key"] for r in by_area["periods"][0]["availability"]}
        self.assertEqual({k for k in keys if "-" in k}, {"lift-0", "pump-1", "fan-1", "lift-2"})
        for words in (("--type", "none"), ("--device", "none")):
            self.assertEqual(self.estate.run("report", *words).returncode, 1)

    def test_life(self):
        report = self.report()
        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        rows = {r["key"]: r for r in report["periods"][0]["life"]}
        age = (now - ms("2015-01-01") / 1000) / 86400 / 365.25
        self.assertAlmostEqual(rows["pump-0"]["age_y"], age, 3)
        years = 10 * 365 / 365.25  # A year of the site file has 365 days.
        self.assertAlmostEqual(rows["pump-0"]["used"], 100 * age / years, 1)
        day = datetime.date.fromisoformat(rows["pump-0"]["replace_on"])
        self.assertLessEqual(
            abs((day - datetime.date(2015, 1, 1)).days - 3650), 1)

    def test_csv_is_one_long_table(self):
        text = self.estate.ok("report", "--format", "csv", "--from", "2025-01-01", "--to",
                              "2026-01-01")
        rows = list(csv.DictReader(text.splitlines()))
        self.assertEqual(list(rows[0]), ["section", "key", "period", "value", "unit", "n"])
        report = self.report("--from", "2025-01-01", "--to", "2026-01-01")["periods"][0]
        cells = {(r["section"], r["key"]): r for r in rows}
        self.assertEqual(len(cells), len(rows))
        for section, table in report.items():
            for row in table if isinstance(table, list) else []:
                for column, value in row.items():
                    if column != "key" and section != "life":  # That is of now.
                        got = cells[section, f"{row['key']}/{column}"]["value"]
                        self.assertEqual(got, "" if value is None else
                                         value if isinstance(value, str) else got)
                        if isinstance(value, (int, float)):
                            self.assertAlmostEqual(float(got), value, 9)
        text = self.estate.ok("report", "--format", "csv", "--from", "2025-07-01", "--to",
                              "2026-01-01", "--compare", "2025-01-01T06:00..2025-07-01")
        both = {(r["section"], r["key"]): r for r in csv.DictReader(text.splitlines())
                if r["section"] == "comparison"}
        compared = self.report("--from", "2025-07-01", "--to", "2026-01-01", "--compare",
                               "2025-01-01T06:00..2025-07-01")["comparison"]
        self.assertEqual(len(both), 6 * len(compared))
        for c in compared:
            for column in ("before", "after", "change_percent", "change_low", "change_high",
                           "verdict"):
                got = both["comparison", f"{c['key']}/{column}"]
                self.assertEqual(got["value"], c["verdict"]) if column == "verdict" else \
                    self.assertAlmostEqual(float(got["value"]), c[column], 9)
                if column in ("before", "after"):
                    self.assertEqual(int(got["n"]), c[f"{column}_n"])
        self.assertEqual(both["comparison", "cost_per_month/before"]["period"],
                         "2025-01-01 06:00:00..2025-07-01")
        row = cells["reliability", "all/mtbf_h"]
        self.assertEqual((row["unit"], row["n"], row["period"]),
                         ("h", cells["reliability", "all/failures"]["value"],
                          "2025-01-01..2026-01-01"))

    def test_text_fits_a_terminal(self):
        for language in ("en", "zh-CN"):
            for words in ((), ("--compare", "2025-01-01..2025-07-01")):
                text = self.estate.ok("report", "--language", language, "--from",
                                      "2025-07-01", "--to", "2026-01-01", *words)
                for line in text.splitlines():
                    width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1
                                for c in line)
                    self.assertLessEqual(width, 100, line)
        self.assertIn("设备完好率", text)
        text = self.estate.ok("report", "--from", "2025-07-01", "--to", "2026-01-01",
                              "--compare", "2025-01-01..2025-07-01")
        title, head, first = text.splitlines()[4:7]
        self.assertEqual(title, "Before and after")
        self.assertEqual(head.split()[:7], "FIGURE BEFORE N AFTER N CHANGE 90".split())
        self.assertRegex(first, r"faults per device-month +[\d.]+ +\d+ +[\d.]+ +\d+ +[-+]\d+ %")

    def test_sums_of_unequal_periods_are_not_compared_in_silence(self):
        uneven = "compare rates, means and shares, not counts and sums"
        for before, told in (("2025-01-01..2025-07-01", False), ("2025-06-01..2025-07-01", True)):
            for form in ("text", "html"):
                text = self.estate.ok("report", "--from", "2025-07-01", "--to", "2026-01-01",
                                      "--compare", before, "--format", form)
                self.assertEqual(uneven in text, told, (before, form))

    def test_page_stands_alone_and_escapes(self):
        for language, word in (("en", "Availability"), ("zh-CN", "设备完好率")):
            text = self.estate.ok("report", "--format", "html", "--language", language,
                                  "--from", "2025-07-01", "--to", "2026-01-01", "--compare",
                                  "2025-01-01..2025-07-01")
            page = Page()
            page.feed(text)
            page.close()
            self.assertEqual(page.open, [])
            self.assertEqual(page.language, language)
            self.assertIn(word, page.text)
            self.assertIn("滨河<花园> & Co", page.text)
            self.assertIn("<b>Wang</b>", page.text)
            self.assertNotIn("<b>", text)
            self.assertGreaterEqual(page.count.get("svg", 0), 4)
            self.assertGreaterEqual(page.count["thead"], 8)
            self.assertNotRegex(text, r"(src|href)=|url\(|@import|<script|https?://(?!www\.w3)")
            self.assertIn("@page", text)

    def test_usage(self):
        for words, status in ((("--compare", "2025"), 2), (("--format", "pdf"), 2),
                              (("--from", "2026-01-01", "--to", "2025-01-01"), 2),
                              (("--log", "x"), 2), (("alarms", "--type", "pump"), 2),
                              (("alarms", "--compare", "a..b"), 2), (("figures",), 2)):
            self.assertEqual(self.estate.run("report", *words).returncode, status, words)


class Page(html.parser.HTMLParser):
    VOID = {"meta", "br", "img", "link"}

    def __init__(self):
        super().__init__()
        self.open, self.count, self.text, self.language = [], {}, "", None

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag == "html":
            self.language = dict(attrs)["lang"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data):
        self.text += data


class OfReplay(unittest.TestCase, Figures):
    """Recorded samples and what staff did, through `replay --state`."""

    @classmethod
    def setUpClass(cls):
        cls.top = tempfile.mkdtemp(prefix="caretaker-system.")
        folders.append(cls.top)
        cls.addClassCleanup(shutil.rmtree, cls.top)
        year.write(cls.top, days=60, count=8, seed=5, per_year=80)
        cls.folder = os.path.join(cls.top, "out")
        cls.devices = {d: d.split("-")[0] for d in year.devices(8)}
        cls.areas = {d: f"B{i % 3 + 1}" for i, d in enumerate(year.devices(8))}
        cls.replayed = cls.run_("replay", "--commands", "staff.yaml", "--state", "out",
                                "year.csv")

    @classmethod
    def run_(cls, *words):
        done = subprocess.run([CARETAKER, *words, "-c", "site.yaml"], cwd=cls.top,
                              capture_output=True, text=True, check=False)
        check_sound(words, done.stderr)
        return done

    def report(self, *words):
        done = self.run_("report", "--state", "out", "--json", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_every_figure(self):
        self.assertEqual(self.replayed.returncode, 0, self.replayed.stderr)
        self.assertEqual(self.replayed.stdout, "")
        self.assertRegex(self.replayed.stderr, r"\d+ commands, \d+ refused")
        self.compare("2025-01-01", "2025-03-02")
        self.compare("2025-01-20", "2025-02-20")

    def test_the_same_events_as_without_a_database(self):
        plain = self.run_("replay", "--commands", "staff.yaml", "--format", "jsonl",
                          "--quiet", "year.csv")
        self.assertEqual(plain.returncode, 0, plain.stderr)
        twice = Twice(self.folder, self.devices)
        stored = [json.loads(r["json"]) for r in
                  twice.all("SELECT json FROM events ORDER BY seq")]
        printed = [json.loads(line) for line in plain.stdout.splitlines()]
        self.assertEqual(stored, printed)
        self.assertGreater(len(stored), 300)

    def test_a_folder_with_something_in_it_is_refused(self):
        before = sorted(os.listdir(self.folder))
        done = self.run_("replay", "--state", "out", "year.csv")
        self.assertEqual(done.returncode, 1)
        self.assertIn("out is not empty", done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        done = self.run_("replay", "--state", "no/such/out", "year.csv")
        self.assertEqual(done.returncode, 4)
        done = self.run_("replay", "--state", "other", "--diff", "site.yaml", "year.csv")
        self.assertEqual(done.returncode, 2)

    def test_commands_have_their_place(self):
        with open(os.path.join(self.top, "bad.yaml"), "w", encoding="utf-8") as f:
            f.write("commands:\n  - {at: +1m, do: ticket.take, device: pump-1}\n"
                    "expect: []\n")
        done = self.run_("replay", "--commands", "bad.yaml", "year.csv")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"bad\.yaml:3:1: ")
        with open(os.path.join(self.top, "late.yaml"), "w", encoding="utf-8") as f:
            f.write("commands:\n  - {at: +1m, do: ticket.take, device: pump-1, by: li}\n")
        done = self.run_("replay", "--commands", "late.yaml", "--until", "2025-01-01T00:10Z",
                         "year.csv")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"late\.yaml:2:\d+: ticket\.take was refused: ")
        self.assertIn("1 command, 1 refused", done.stderr)


class WhatWasSeen(unittest.TestCase):
    """Nobody knows what was while the daemon did not run, or before a device was added; and
    periods that are not, or not wholly, recorded."""

    SITE = """site: {id: house, name: House, timezone: Europe/Berlin, language: en}
data: data
rules:
  - {id: broken, when: fault == 1, severity: urgent, title: {en: broken}, cause: c, consequence: c, action: a, respond_within: 2h, source: test}
devices:
  - {id: old, type: pump, points: {fault: {}}}
"""
    HOUR, DAY = 3600000, 86400000

    def setUp(self):
        self.estate = e = Estate()
        self.addCleanup(e.close)
        e.write("site.yaml", self.SITE)
        e.start()
        e.ok("ticket", "open", "old", "it drips", "--by", "desk")
        e.stop()

    def back(self, days, *keys):
        """As if what meta holds under the keys, and all tickets and events, were so long ago."""
        with sqlite3.connect(self.estate.path("data/state.db")) as db:
            for key in keys:
                db.execute("UPDATE meta SET value = value - ? WHERE key = ?",
                           (days * self.DAY, key))
        db.close()

    def rows(self, *words, table="availability"):
        report = json.loads(self.estate.ok("report", "--json", *words))
        return {r["key"]: r for r in report["periods"][0][table]}

    def test_silence_and_a_device_that_was_added(self):
        self.back(10, "born_ms", "alive_ms")
        self.back(-7, "alive_ms")  # It ran for seven days, and not for the last three.
        self.estate.write("site.yaml", self.SITE +
                          "  - {id: new, type: pump, points: {fault: {}}}\n")
        self.estate.start()
        self.estate.stop()
        rows = self.rows("--from", "-9d", "--to", "now")
        self.assertAlmostEqual(rows["old"]["unseen_h"], 3 * 24, delta=0.5)
        self.assertAlmostEqual(rows["old"]["up_h"], 6 * 24, delta=0.5)
        self.assertAlmostEqual(rows["new"]["unseen_h"], 9 * 24, delta=0.5)
        self.assertLess(rows["new"]["up_h"], 0.5)
        months = self.rows("--from", "-9d", table="reliability")
        self.assertAlmostEqual(months["all"]["device_months"], 6 / 30.4375, delta=0.01)

    def test_nothing_recorded(self):
        words = ("--from", "2020-01-01", "--to", "2020-02-01")
        rows = self.rows(*words)
        self.assertEqual(rows["all"]["unseen_h"], 31 * 24)
        self.assertIsNone(rows["all"]["availability"])
        self.assertIsNone(self.rows(*words, table="reliability")["all"]["fault_rate"])
        summary = self.rows(*words, table="summary")
        for key in ("availability", "fault_rate", "response", "respond_in_time",
                    "first_time_fix", "repeated", "cost_per_month", "rating"):
            self.assertIsNone(summary[key]["value"], key)
        for key in ("cost", "complaints"):
            self.assertEqual(summary[key]["value"], 0, key)
        for form in ("text", "html", "csv"):
            text = self.estate.ok("report", "--format", form, *words)
            self.assertNotRegex(text, r"(?i)\b(nan|inf)\b")
            if form != "csv":
                self.assertIn("no alarms and tickets of it are recorded", text)
        compared = json.loads(self.estate.ok("report", "--json", "--compare",
                                             "2020-01-01..2020-02-01"))["comparison"]
        self.assertEqual({c["verdict"] for c in compared}, {"too-few"})
        self.assertTrue(all(c["change_percent"] is None for c in compared))

    def test_no_rate_of_less_than_a_day(self):
        self.assertIsNone(self.rows("--from", "-1h", table="reliability")["all"]["fault_rate"])
        summary = self.rows("--from", "-1h", table="summary")
        self.assertIsNone(summary["cost_per_month"]["value"])
        self.assertEqual(summary["fault_rate"]["n"], 1)

    def test_a_period_that_ends_in_the_future(self):
        self.back(61, "born_ms")
        now = datetime.datetime.now(datetime.timezone.utc)
        words = ("--from", (now - datetime.timedelta(days=61)).strftime("%Y-%m-%dT%H:%M:%SZ"),
                 "--to", (now + datetime.timedelta(days=300)).strftime("%Y-%m-%d"))
        text = self.estate.ok("report", *words)
        self.assertIn("alarms and tickets of it are recorded of ", text)
        with sqlite3.connect(self.estate.path("data/state.db")) as db:
            db.execute("UPDATE ticket SET cost = 6100")
        db.close()
        self.assertAlmostEqual(self.rows(*words, table="summary")["cost_per_month"]["value"],
                               30.44, delta=0.1)
        self.assertAlmostEqual(self.rows(*words)["old"]["up_h"] +
                               self.rows(*words)["old"]["down_h"], 61 * 24, delta=1)

    def test_a_day_of_25_hours(self):
        begin = datetime.datetime(2025, 10, 1, tzinfo=datetime.timezone.utc).timestamp() * 1000
        with sqlite3.connect(self.estate.path("data/state.db")) as db:
            db.execute("UPDATE meta SET value = ? WHERE key = 'born_ms'", (int(begin),))
        db.close()
        rows = self.rows("--from", "2025-10-26", "--to", "2025-10-27")
        self.assertEqual(rows["all"]["up_h"], 25)
        parts = self.rows("--from", "2025-10-25", "--to", "2025-10-28", table="parts")
        self.assertEqual([k for k in parts if k.startswith("all/")],
                         ["all/2025-10-25", "all/2025-10-26", "all/2025-10-27"])


class Energy(unittest.TestCase):
    """Counters in the history: the kWh of each day, computed once more from all samples."""

    ENERGY = """site: {id: house, name: House, timezone: Europe/Berlin, language: en}
data: data
devices:
  - {id: main, type: power, location: B1, points: {energy: {unit: kWh, kind: counter}}}
  - {id: sub, type: power, location: B1, parent: main,
     points: {energy_import: {unit: kWh, kind: counter}, energy_export: {unit: kWh, kind: counter}}}
  - {id: far, type: power, location: B2, points: {energy: {unit: kWh, kind: counter}}}
  - {id: none, type: power, location: B2, points: {load: {}}}
rules: []
"""
    ZONE = "Europe/Berlin"

    def setUp(self):
        self.estate = e = Estate()
        self.addCleanup(e.close)
        e.write("site.yaml", self.ENERGY)
        # From 2026-03-02 (a Monday) local midnight, four weeks and the change to summer time.
        self.start = datetime.datetime(2026, 3, 1, 23, tzinfo=datetime.timezone.utc)
        self.hours = 30 * 24
        rows = ["time,device,point,value"]
        counts = {"main": 1000.0, "sub": 500.0, "far": 0.0}
        self.used = {}
        for hour in range(self.hours + 1):
            at = self.start + datetime.timedelta(hours=hour)
            for device, point in (("main", "energy"), ("sub", "energy_import"),
                                  ("far", "energy")):
                silent = device == "far" and 200 <= hour < 260
                if not silent:
                    rows.append(f"{at:%Y-%m-%dT%H:%M:%SZ},{device},{point},"
                                f"{counts[device]:.3f}")
            rows.append(f"{at:%Y-%m-%dT%H:%M:%SZ},sub,energy_export,{hour}")
            local = at.astimezone(__import__("zoneinfo").ZoneInfo(self.ZONE))
            day = local.date().isoformat()
            base = 4.0 if local.weekday() < 5 else 1.5
            for device, part in (("main", 1.0), ("sub", 0.5), ("far", 0.25)):
                use = round(base * part * (1 + 0.01 * (hour % 7)), 3)
                if device == "main" and day == "2026-03-18":
                    use *= 3
                counts[device] += use
                self.used.setdefault((device, day), 0)
                self.used[device, day] += use
                if device == "sub" and hour == 300:
                    counts[device] = 0.0  # The meter was exchanged.
                    self.used[device, day] -= use
        e.write("meter.csv", "\n".join(rows) + "\n")
        e.ok("import", "meter.csv")
        # A journal, so that there is something to report on.
        with sqlite3.connect(":memory:"):
            pass
        e.start()
        e.stop()

    def test_days(self):
        report = json.loads(self.estate.ok("report", "--json", "--from", "2026-03-02", "--to",
                                           "2026-03-30"))["periods"][0]
        got = {(r["device"], r["day"]): r for r in report["energy_days"]}
        for (device, day), used in self.used.items():
            if not "2026-03-02" <= day < "2026-03-30" or device == "far":
                continue
            if (device, day) == ("sub", "2026-03-14"):
                self.assertAlmostEqual(got[device, day]["kwh"], used, delta=0.01)
                continue
            self.assertAlmostEqual(got[device, day]["kwh"], used, delta=0.01,
                                   msg=(device, day))
        rows = {r["key"]: r for r in report["energy"]}
        self.assertEqual(set(rows), {"main", "sub", "far", "area:B1", "area:B2"})
        self.assertEqual(rows["sub"]["resets"], 1)
        self.assertEqual(rows["main"]["resets"], 0)
        # The sub-meter is behind the main one.
        self.assertAlmostEqual(rows["area:B1"]["kwh"], rows["main"]["kwh"], 6)
        self.assertAlmostEqual(rows["area:B1"]["kwh_per_day"], rows["main"]["kwh_per_day"], 6)
        self.assertEqual([(r["device"], r["day"]) for r in report["energy_marked"]],
                         [("main", "2026-03-18")])
        self.assertAlmostEqual(rows["main"]["kwh"],
                               sum(u for (d, day), u in self.used.items()
                                   if d == "main" and "2026-03-02" <= day < "2026-03-30"), 1)
        # What was not measured is spread over the gap, and said to be no whole day.
        whole = [r["day"] for r in report["energy_days"] if r["device"] == "far"
                 and not r["whole"]]
        self.assertEqual(whole, ["2026-03-10", "2026-03-11", "2026-03-12"])

    def test_periods_of_unequal_length_compare_by_the_day(self):
        words = ("report", "--from", "2026-03-02", "--to", "2026-03-30",
                 "--compare", "2026-03-02..2026-03-09")
        report = json.loads(self.estate.ok(*words, "--json"))
        after, before = ({r["key"]: r["kwh_per_day"] for r in p["energy"]}
                         for p in report["periods"])
        change = 100 * (after["main"] / before["main"] - 1)
        self.assertLess(abs(change), 50)
        row = re.search(r"(?m)^main +[\d,.]+ +28 +[\d.,]+ +[\d.,]+ +(\S+) %", self.estate.ok(*words))
        self.assertEqual(row[1], f"{change:+.0f}")

    def test_periods_that_meet_add_up(self):
        def kwh(begin, end):
            report = json.loads(self.estate.ok("report", "--json", "--from", begin, "--to", end))
            return {r["key"]: r["kwh"] for r in report["periods"][0]["energy"]}
        whole = kwh("2026-03-02", "2026-03-30")
        left, right = kwh("2026-03-02", "2026-03-17"), kwh("2026-03-17", "2026-03-30")
        for key, value in whole.items():
            self.assertAlmostEqual(left[key] + right[key], value, 6, key)

    def test_days_of_which_minutes_or_only_hours_are_left(self):
        def energy():
            period = json.loads(self.estate.ok("report", "--json", "--from", "2026-03-02", "--to",
                                               "2026-03-30"))["periods"][0]
            return period["energy"], period["energy_days"], period["energy_marked"]
        whole, lines = energy(), len(self.estate.ok("export").splitlines())
        for expired in ("DELETE FROM chunk WHERE key <= (SELECT rolled FROM packed k WHERE k.device = chunk.device)",
                        "DELETE FROM rollup WHERE resolution = 60000"):
            with sqlite3.connect(self.estate.path("data/history.db")) as db:
                self.assertGreater(db.execute(expired).rowcount, 0)
            db.close()
            self.assertEqual(energy(), whole)
        self.assertLess(len(self.estate.ok("export").splitlines()), lines / 10)

    def test_page_draws_the_days(self):
        text = self.estate.ok("report", "--format", "html", "--from", "2026-03-02", "--to",
                              "2026-03-30")
        self.assertIn("main, kWh a day", text)
        self.assertIn("03-18", text)
        self.assertTrue(re.search(r"<td class=\"l\">main</td>", text))


if __name__ == "__main__":
    unittest.main()
