#!/usr/bin/python3
"""What a page asks the API for: series, marks, events, the site, rules, what-if, reports and samples, against
what the command line says of the same databases; and every answer against the schemas that describe it."""
import csv
import datetime
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import threading
import time
import unittest
import urllib.parse

import jsonschema

from estate import CARETAKER, TOP, Estate, Slave, free_port, wait_for

SCHEMAS = os.path.join(TOP, "daemon/pipeline/api/schemas.json")
RULES = """rules:
  - id: hot
    applies_to: {type: pump}
    when: bearing > 80 °C
    clear: bearing < 75 °C
    severity: urgent
    title: {en: "{device} hot at {bearing}", zh-CN: "{device} 过热 {bearing}"}
    cause: {en: worn bearing, zh-CN: 轴承磨损}
    consequence: seizure
    action: grease it
    procedure: bearing
    source: test
    ticket: {team: mech, category: bearing}
  - id: level-low
    applies_to: {type: tank}
    while: pumping
    hold: 20s
    levels:
      - {severity: normal, when: level < 40 %, clear: level > 45 %}
      - {severity: critical, when: level < 20 %, clear: level > 25 %}
    title: level low
    cause: c
    consequence: c
    action: a
    source: test
  - {id: never, enabled: false, applies_to: {type: tank}, when: level > 99 %, severity: info, title: t, cause: c,
     consequence: c, action: a, source: test}
"""
SITE = """history: {flush: 100ms}
buses:
  - {id: plant, tcp: "127.0.0.1:%d", timeout: 20s, retries: 0}
devices:
  - id: pump-1
    name: 1# 生活水泵
    type: pump
    location: B1
    bus: plant
    unit: 1
    poll: 100ms
    points:
      bearing: {register: input 3, type: s16, scale: 0.1, unit: °C, title: {en: Bearing temperature, zh-CN: 轴承温度}}
      running: {register: discrete 2}
    ledger: {maker: Grundfos, installed: 2019-06-01, area: cellar, design_life: 15y}
  - {id: tank-1, name: Tank, type: tank, location: Roof, stale_after: 1m,
     points: {level: {unit: "%%", title: Water level}, pumping: {}}}
  - {id: fan-1, type: fan, parent: pump-1, points: {speed: {}}}
  - {id: tank-2, name: Spare, type: tank, points: {level: {unit: "%%"}, pumping: {}}}
tickets: {currency: CNY, causes: [limescale]}
calendar:
  - {from: 2027-02-05, to: 2027-02-08, name: {en: Spring Festival, zh-CN: 春节}}
  - {date: 2027-02-13, working: true}
people:
  - {id: li, name: 李雷, ways: [{phone: "123"}, {webhook: "https://example.org/secret"}]}
teams:
  - {id: mech, name: Mechanics, members: [li]}
maintenance:
  - {id: grease, applies_to: {type: pump}, every: 30d, team: mech, procedure: bearing}
procedures:
  - id: bearing
    title: {en: Bearing hot, zh-CN: 轴承过热}
    steps: [{en: Stop it, zh-CN: 停泵}, Grease]
    parts: [{name: bearing 6309, count: 2}]
"""
STEP_S = 10
HOURS = 5


def log(begin_s):
    """Five hours of a tank that is emptied and filled; sometimes its sensor is silent."""
    yield "time,device,point,value,quality"
    for i in range(HOURS * 3600 // STEP_S):
        at = datetime.datetime.fromtimestamp(begin_s + i * STEP_S, datetime.timezone.utc)
        level = abs(i % 400 - 200) / 2 - (i % 7) / 10 + 1
        bad = 300 <= i < 310
        yield f"{at:%Y-%m-%dT%H:%M:%SZ},tank-1,level,{'' if bad else f'{level:.1f}'},{'timeout' if bad else 'good'}"
        yield f"{at:%Y-%m-%dT%H:%M:%SZ},tank-1,pumping,{int(i % 400 < 300)},good"


def fast_log(begin_s):
    """Ten minutes of a fan, each second."""
    yield "time,device,point,value"
    for i in range(600):
        yield f"{begin_s + i},fan-1,speed,{i * 37 % 101}"


def ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def strict(schema):
    """Unknown keys are errors here: a key that nobody described is found."""
    for value in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        strict(value)
    if isinstance(schema, dict) and schema.get("type") == "object" and "properties" in schema:
        schema.setdefault("additionalProperties", False)


with open(SCHEMAS, encoding="utf-8") as schemas_file:
    schemas = {"components": {"schemas": json.load(schemas_file)}}
strict(schemas)


def children(pid):
    """The processes that a thread of it started."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
            found += f.read().split()
    return found


class Asking(unittest.TestCase):
    estate = None

    def ask(self, path, body=None, language="en", **query):
        connection = http.client.HTTPConnection("caretaker")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.estate.path("data/caretaker.sock"))
        if query:
            path += "?" + urllib.parse.urlencode(query)
        connection.request("GET" if body is None else "POST", "/api/v1/" + path,
                           body if body is None or isinstance(body, bytes) else json.dumps(body),
                           {"Accept-Language": language})
        answer = connection.getresponse()
        out = answer.status, answer.getheader("Content-Type"), answer.read().decode()
        connection.close()
        return out

    def judge(self, schema, answer):
        validator = jsonschema.Draft202012Validator({**schemas, "$ref": f"#/components/schemas/{schema}"})
        self.assertEqual([(list(e.absolute_path), e.message) for e in validator.iter_errors(answer)], [], schema)
        return answer

    def get(self, schema, path, body=None, language="en", **query):
        status, kind, text = self.ask(path, body, language, **query)
        self.assertEqual((status, kind), (200, "application/json"), text)
        return self.judge(schema, json.loads(text))

    def refused(self, want, path, body=None, **query):
        status, _, text = self.ask(path, body, **query)
        self.assertEqual(status, want, text)
        return self.judge("Problem", json.loads(text))


class Queries(Asking):
    @classmethod
    def setUpClass(cls):
        port = free_port()
        cls.estate = e = Estate(site=SITE % port, rules=RULES)
        cls.addClassCleanup(e.close)
        cls.begin_s = int(time.time()) // 3600 * 3600 - 2 * 86400
        cls.from_ms, cls.to_ms = cls.begin_s * 1000, (cls.begin_s + HOURS * 3600 - STEP_S) * 1000
        e.write("log.csv", "\n".join(log(cls.begin_s)) + "\n")
        e.write("fast.csv", "\n".join(fast_log(cls.begin_s)) + "\n")
        e.ok("import", "log.csv", "fast.csv")
        cls.slave = e.keep(Slave("tcp", port, 1))
        cls.slave.set(1, "input", 3, 600)
        cls.slave.set(1, "discrete", 2, 1)
        e.start()
        wait_for(lambda: e.device("pump-1")["quality"] == "good", "pump-1 answers")
        cls.slave.set(1, "input", 3, 912)
        wait_for(lambda: e.listing("alarms"), "an alarm")

    # ---- series ----

    def series(self, **query):
        return self.get("SeriesAnswer", "devices/tank-1/series", **query)

    def test_samples_are_those_of_the_export(self):
        to_ms = self.from_ms + 3600_000  # The sensor is silent in it.
        got = self.series(points="level,pumping", **{"from": self.from_ms, "to": to_ms}, width=4000)
        self.assertEqual((got["resolution"], got["step_ms"], list(got["points"])), ("samples", 0, ["level", "pumping"]))
        rows = list(csv.DictReader(io.StringIO(self.estate.ok(
            "export", "--device", "tank-1", "--to",
            datetime.datetime.fromtimestamp(to_ms / 1000, datetime.timezone.utc).isoformat()))))
        for point, line in got["points"].items():
            good = [(ms(r["time"]), float(r["value"])) for r in rows if r["point"] == point and r["quality"] == "good"]
            self.assertEqual([(t, v) for t, v in zip(line["t"], line["mean"]) if v is not None], good)
            gaps = [t for t, v in zip(line["t"], line["mean"]) if v is None]
            first_bad = [ms(r["time"]) for r in rows if r["point"] == point and r["quality"] != "good"][:1]
            self.assertEqual(gaps, first_bad)
            self.assertNotIn("min", line)

    def test_intervals_are_those_of_the_plot(self):
        words = [datetime.datetime.fromtimestamp(t / 1000, datetime.timezone.utc).isoformat()
                 for t in (self.from_ms - 3 * 3600_000, self.to_ms)]
        for span, width, resolution in ((words, 600, "1m"), (["-400d", "now"], 600, "1h")):
            plot = json.loads(self.estate.ok("plot", "tank-1.level", "--json", "--from", span[0], "--to", span[1]))[0]
            got = self.series(points="level", **{"from": span[0], "to": span[1]}, width=width)
            self.assertEqual((got["resolution"], got["step_ms"]), (resolution, plot["step_ms"]))
            line = got["points"]["level"]
            rows = [r for r in zip(line["t"], line["min"], line["max"], line["mean"]) if r[3] is not None]
            self.assertTrue(rows)
            self.assertEqual(rows, [(ms(b["time"]), b["min"], b["max"], b["mean"]) for b in plot["buckets"]])

    def test_many_samples_are_thinned_to_what_is_seen(self):
        query = {"from": self.from_ms, "to": self.from_ms + 600_000}
        whole = self.get("SeriesAnswer", "devices/fan-1/series", **query, width=4000)["points"]["speed"]
        thin = self.get("SeriesAnswer", "devices/fan-1/series", **query, width=50)
        self.assertEqual((thin["resolution"], len(whole["t"])), ("samples", 600))
        thin = thin["points"]["speed"]
        self.assertLessEqual(len(thin["t"]), 50 * 4)
        pairs = list(zip(whole["t"], whole["mean"]))
        self.assertLessEqual(set(zip(thin["t"], thin["mean"])), set(pairs))
        self.assertEqual((min(thin["mean"]), max(thin["mean"]), thin["t"][0], thin["t"][-1]),
                         (min(whole["mean"]), max(whole["mean"]), whole["t"][0], whole["t"][-1]))

    def test_limits_are_those_of_the_rules(self):
        limits = self.series()["points"]["level"]["limits"]
        self.assertEqual([(x["rule"], x["level"], x["value"], x["side"], x["hold_ms"]) for x in limits],
                         [("level-low", "normal", 40, "below", 20000), ("level-low", "critical", 20, "below", 20000),
                          ("never", "info", 99, "above", 0)])

    def test_what_has_no_history_is_empty(self):
        got = self.get("SeriesAnswer", "devices/tank-2/series")
        self.assertEqual([(p, line["t"], line["mean"]) for p, line in got["points"].items()],
                         [("level", [], []), ("pumping", [], [])])

    def test_wrong_questions(self):
        self.refused(404, "devices/nobody/series")
        self.refused(404, "devices/nobody/marks")
        self.refused(404, "devices/tank-1/series", points="level,nothing")
        self.assertIn("width", self.refused(400, "devices/tank-1/series", width="0")["detail"])
        self.assertIn("width", self.refused(400, "devices/tank-1/series", width="4001")["detail"])
        self.assertIn("from", self.refused(400, "devices/tank-1/series", **{"from": "soon"})["detail"])
        self.refused(400, "devices/tank-1/series", **{"from": "now", "to": "-1h"})
        self.refused(404, "devices/tank-1/nothing")
        self.assertIn("no event", self.refused(400, "events", event="alarm.rised")["detail"])
        self.refused(400, "events", limit=1001)
        self.refused(404, "rules/nothing")
        self.refused(404, "rules/hot", device="tank-1")
        self.refused(404, "profiles/nothing")
        self.refused(400, "duty", days=1000)
        self.refused(404, "samples", device="nobody")
        self.refused(400, "samples", every="soon")
        self.refused(400, "report", compare="x")
        self.refused(404, "report", type="nothing")
        # Whoever may look could keep the workers for hours, with one line.
        for path, more in (("report", {"from": "1970-01-01", "to": "9999-12-31"}), ("report.html", {"from": "-9000d"}),
                           ("report", {"compare": "1970-01-01..2026-01-01"})):
            self.assertIn("20 years", self.refused(400, path, **more)["detail"])
        began = time.monotonic()
        self.get("Report", "report", **{"from": "2010-01-01", "to": "2029-12-31"})
        self.assertLess(time.monotonic() - began, 20)  # Days without samples cost nothing.
        self.refused(405, "what-if")
        self.refused(405, "site", {})

    # ---- what happened ----

    def post(self, **command):
        return self.get("CommandAnswer", "commands", {"by": "li", **command})

    def test_marks_and_events_tell_what_happened(self):
        self.post(cmd="service", device="pump-1", state="out", reason="greasing")
        self.post(cmd="service", device="pump-1", state="in")
        self.slave.set(1, "input", 3, 600)
        wait_for(lambda: any(m["kind"] == "alarm" and m["end"] for m in self.get(
            "MarksAnswer", "devices/pump-1/marks")["marks"]), "the alarm has ended")
        marks = self.get("MarksAnswer", "devices/pump-1/marks",
                         **{"from": "-1h", "to": int(time.time() * 1000) + 40 * 86400_000})["marks"]
        by_kind = {m["kind"]: m for m in marks}
        self.assertEqual(set(by_kind), {"alarm", "ticket", "service", "maintenance"})
        ticket = self.estate.listing("tickets", "--all")[0]["number"]
        alarm = by_kind["alarm"]
        self.assertEqual((alarm["severity"], alarm["rule"], alarm["ticket"], alarm["link"], alarm["text"]),
                         ("urgent", "hot", ticket, f"/tickets/{ticket}", "1# 生活水泵 hot at 91.2 °C"))
        self.assertGreater(alarm["end"], alarm["t"])
        self.assertEqual((by_kind["service"]["text"], by_kind["service"]["end"] > by_kind["service"]["t"]),
                         ("greasing", True))
        self.assertEqual((by_kind["maintenance"]["state"], by_kind["maintenance"]["end"]), ("planned", None))
        self.assertEqual(marks, sorted(marks, key=lambda m: m["t"]))
        self.assertEqual(self.get("MarksAnswer", "devices/pump-1/marks", **{"from": 0, "to": 1000})["marks"], [])
        self.slave.set(1, "input", 3, 912)
        wait_for(lambda: self.estate.listing("alarms", "--state", "active"), "it is hot again")

    def test_the_journal_backwards(self):
        for _ in range(80):  # More than one piece of an answer.
            self.post(cmd="shelve", device="pump-1", rule="hot", **{"for": "2h", "reason": "known"})
            self.post(cmd="unshelve", device="pump-1", rule="hot")
        last = self.get("EventListing", "events", limit=1)[0]["seq"]
        want = [e for e in self.estate.events() if e["seq"] <= last][::-1]
        got = self.get("EventListing", "events", before=last + 1, limit=1000)
        self.assertEqual([(r["seq"], r["event"]["event"]) for r in got], [(e["seq"], e["event"]) for e in want])
        self.assertEqual(got[0]["id"].rsplit("-", 1)[1], str(last))
        self.assertEqual(len(self.get("EventListing", "events")), 100)
        part = self.get("EventListing", "events", before=last, after=last - 10)
        self.assertEqual([r["seq"] for r in part], list(range(last - 1, last - 10, -1)))
        of_ticket = {r["seq"] for r in self.estate.rows("state", "select seq from events where ticket = 1")}
        for query, right in (({"event": "ticket"}, lambda e: e["event"].startswith("ticket.")),
                             ({"event": "alarm.shelved"}, lambda e: e["event"] == "alarm.shelved"),
                             ({"rule": "hot"}, lambda e: e.get("rule") == "hot"),
                             ({"device": "pump-1", "ticket": 1}, lambda e: e["seq"] in of_ticket)):
            got = self.get("EventListing", "events", limit=1000, before=last + 1, **query)
            self.assertEqual([r["seq"] for r in got], [e["seq"] for e in want if right(e)], query)
            self.assertTrue(got, query)
        self.assertEqual(self.get("EventListing", "events", device="nobody"), [])

    def test_rows_of_alarms_say_what_a_person_needs(self):
        row = next(a for a in self.get("AlarmListing", "alarms?details=1") if a["rule"] == "hot")
        self.assertEqual({k: row[k] for k in ("device_name", "location", "area", "device_type", "cause", "action",
                                              "procedure", "unit", "team", "chattering")},
                         {"device_name": "1# 生活水泵", "location": "B1", "area": "cellar", "device_type": "pump",
                          "cause": "worn bearing", "action": "grease it", "procedure": "bearing", "unit": "°C",
                          "team": "mech", "chattering": row["chattering"]})
        ticket = next(t for t in self.estate.listing("tickets", "--all") if t["number"] == row["ticket"])
        self.assertEqual((row["respond_by"], row["ticket_state"]), (ticket["respond_by"], ticket["state"]))
        self.assertEqual(self.ask("alarms", rule="hot", details=1)[2], self.ask("alarms", language="zh-CN", rule="hot", details=1)[2])
        self.assertEqual(self.get("AlarmListing", "alarms?details=1&language=zh-CN")[0]["cause"], "轴承磨损")
        self.refused(400, "alarms?language=fr")

    # ---- rules ----

    def test_rules_and_their_places(self):
        rows = {r["id"]: r for r in self.get("RuleListing", "rules")}
        self.assertEqual(sorted(rows), ["hot", "level-low", "never"])
        self.assertEqual((rows["hot"]["devices"], rows["hot"]["standing"], rows["hot"]["line"]), (["pump-1"], 1, 2))
        self.assertEqual((rows["level-low"]["devices"], rows["level-low"]["severity"], rows["level-low"]["while"]),
                         (["tank-1", "tank-2"], "critical", "pumping"))
        self.assertEqual((rows["never"]["enabled"], rows["never"]["devices"]), (False, []))
        one = self.get("RuleDetail", "rules/hot")
        place = one["places"][0]
        self.assertEqual((place["device"], place["alarm"]["device_name"], place["explain"]["phase"]),
                         ("pump-1", "1# 生活水泵", "raised"))
        self.assertIn("when: bearing > 80 °C", one["yaml"])
        self.assertEqual(len(self.get("RuleDetail", "rules/level-low", device="tank-2")["places"]), 1)

    def what_if(self, **body):
        return self.get("WhatIfAnswer", "what-if", {"from": self.from_ms, "to": self.to_ms, **body})

    def diff(self, *changes):
        """What replay says of the exported samples."""
        text = RULES
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        other = self.estate.write("other.yaml", text)
        log_file = self.estate.write("tank.csv", self.estate.ok("export", "--device", "tank-1"))
        done = self.estate.run("replay", "--diff", other, "--format", "jsonl", log_file)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_what_if_is_what_replay_says_of_the_same_samples(self):
        rule = self.get("RuleDetail", "rules/level-low")
        levels = rule["levels"]
        for change, set_ in (
                (("< 40 %", "< 35 %"), {"levels": [{**levels[0], "when": "level < 35 %"}, levels[1]]}),
                (("< 40 %", "< 30 %"), {"levels": [{**levels[0], "when": "level < 30 %"}, levels[1]]}),
                (("hold: 20s", "hold: 15m"), {"hold": "15m"}),
                (("hold: 20s", "hold: 20s"), {"hold": 20000}),
                (("while: pumping", "while: not pumping"), {"while": "not pumping"})):
            want = self.diff(change)
            got = self.what_if(rule="level-low", set=set_)
            self.assertEqual([a for a in got["alarms"] if a["diff"] != "same"], want, change)
            counts = got["counts"]
            self.assertEqual([counts[k] for k in ("gained", "lost", "moved")],
                             [sum(a["diff"] == k for a in want) for k in ("gained", "lost", "moved")])
            self.assertEqual(counts["before"], counts["same"] + counts["lost"] + counts["moved"])
            self.assertGreater(counts["before"], 1)
            by_yaml = self.what_if(rule="level-low", yaml=rule["yaml"].replace(*change))
            self.assertEqual((by_yaml["alarms"], by_yaml["counts"]), (got["alarms"], got["counts"]))
        self.assertEqual(got["devices"], ["tank-1", "tank-2"])

    def test_what_if_counts_the_tickets_and_fills_the_windows(self):
        got = self.what_if(rule="level-low", set={"levels": [{"severity": "critical", "when": "avg(level, 10m) < 60 %"}]},
                           **{"from": self.from_ms + 3600_000})
        before, after = got["tickets"]["before"], got["tickets"]["after"]
        self.assertEqual((before["opened"], before["joined"]), (1, got["counts"]["before"] - 1))
        self.assertEqual((before["by_priority"]["normal"], after["by_priority"]), (1, {"critical": 1, "urgent": 0, "normal": 0}))
        self.assertEqual([(x["device"], x["rule"], x["priority"]) for x in after["first"]], [("tank-1", "level-low", "critical")])
        self.assertLess(ms(got["filled_from"]), self.from_ms + 3600_000)
        self.assertIsNone(self.what_if(rule="never", set={"enabled": True, "when": "level > 95 %"})["filled_from"])

    def test_what_if_of_a_rule_that_is_new_or_off(self):
        off = self.what_if(rule="never", set={"enabled": True, "when": "level > 95 %"})
        self.assertEqual((off["devices_gained"], off["counts"]["before"]), (["tank-1", "tank-2"], 0))
        self.assertGreater(off["counts"]["gained"], 1)
        new = self.what_if(yaml="- id: brand-new\n  applies_to: {type: tank}\n  when: level > 95 %\n  severity: info\n")
        self.assertEqual([(a["raised_at"], a["cleared_at"]) for a in new["alarms"]],
                         [(a["raised_at"], a["cleared_at"]) for a in off["alarms"]])
        gone = self.what_if(rule="level-low", set={"enabled": False}, device="tank-1")
        self.assertEqual((gone["devices_lost"], gone["counts"]["after"]), (["tank-1"], 0))
        before = self.estate.events()
        self.assertFalse([e for e in before if e.get("rule") == "brand-new"])

    def test_what_is_wrong_with_a_rule_is_said_with_its_place(self):
        def wrong(**body):
            return self.refused(400, "what-if", {"from": self.from_ms, "to": self.to_ms, **body})
        errors = wrong(rule="hot", set={"when": "bearing >> 80 °C"})["errors"]
        self.assertEqual((errors[0]["in"], errors[0]["line"], errors[0]["column"]), ("when", 1, 10))
        errors = wrong(rule="level-low", set={"levels": [
            {"severity": "normal", "when": "level < 40 kPa"}]})["errors"]
        self.assertEqual(errors[0]["in"], "levels[0].when")
        errors = wrong(yaml="- id: x\n  whn: level > 3\n  severity: info\n")["errors"]
        self.assertEqual((errors[0]["in"], errors[0]["line"]), ("yaml", 2))
        self.assertIn("no point `baering`", wrong(rule="hot", set={"when": "baering > 80 °C"})["detail"])
        for body, part in (({"rule": "hot"}, "set"), ({"rule": "hot", "set": {"whn": "x"}}, "whn"),
                           ({"set": {"hold": "1s"}}, "rule"), ({"rule": "hot", "set": {"hold": "soon"}}, "hold"),
                           ({"rule": "hot", "set": {}, "yaml": "x"}, "yaml"),
                           ({"rule": "hot", "set": {"severity": "bad"}}, "severity"),
                           ({"rule": "level-low", "set": {"when": "level < 3 %"}}, "levels"),
                           ({"rule": "level-low", "set": {"levels": [
                               {"severity": "urgent", "when": "level < 40 %"},
                               {"severity": "normal", "when": "level < 20 %"}]}}, "levels[1].severity"),
                           ({"rule": "hot", "set": {}, "from": self.to_ms - 32 * 86400_000}, "31"),
                           ({"rule": "hot", "set": {}, "from": self.to_ms}, "from")):
            self.assertIn(part, wrong(**body)["detail"], body)
        self.refused(404, "what-if", {"rule": "nothing", "set": {}})
        self.refused(404, "what-if", {"rule": "hot", "set": {}, "device": "nothing"})
        self.refused(404, "what-if", {"rule": "hot", "set": {}, "device": "tank-1"})
        self.refused(400, "what-if", [])

    # ---- the command line says the same ----

    def test_reports_are_those_of_the_command_line(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        words = {"from": (now - datetime.timedelta(days=3)).isoformat(timespec="milliseconds"),
                 "to": (now - datetime.timedelta(seconds=1)).isoformat(timespec="milliseconds")}
        period = [x for k in ("from", "to") for x in ("--" + k, words[k])]
        for more in ({}, {"type": "pump"}, {"compare": "-9d..-6d"}):
            options = [x for k, v in more.items() for x in (f"--{k}", v)]
            want = json.loads(self.estate.ok("report", "--json", *period, *options))
            got = self.get("Report", "report", **words, **more)
            for r in (want, got):
                r.pop("recorded_to")  # It goes on.
                for one in r["periods"]:
                    for table in ("life", "comparison"):
                        one.pop(table, None)
            if "compare" not in more:
                self.assertEqual(got, want)
            self.assertEqual(got["periods"][0], want["periods"][0])
        status, kind, page = self.ask("report.html", **words)
        self.assertEqual((status, kind, page[:15]), (200, "text/html; charset=utf-8", "<!DOCTYPE html>"))
        self.assertEqual(self.get("AlarmReport", "report/alarms", **words),
                         json.loads(self.estate.ok("report", "alarms", "--json", "--no-advice", *period)))
        self.assertTrue(self.get("AlarmReport", "report/alarms", advice=1)["top"])

    def test_what_the_plan_comes_to_is_what_the_command_line_says(self):
        span = {"from": f"{datetime.date.today()}", "to": f"{datetime.date.today() + datetime.timedelta(days=200)}"}
        options = ["--from", span["from"], "--to", span["to"]]
        budget = self.get("PlanBudget", "plan/budget", **span)
        self.assertEqual(budget, json.loads(self.estate.ok("plan", "--budget", "--json", *options)))
        self.assertGreaterEqual(sum(row["visits"] for row in budget), 5)
        parts = self.get("PlanParts", "plan/parts", **span)
        self.assertEqual(parts, json.loads(self.estate.ok("plan", "--parts", "--json", *options)))
        self.assertEqual({(row["part"], row["count"]) for row in parts}, {("bearing 6309", 2)})
        for language in ("en", "zh-CN"):
            status, kind, calendar = self.ask("plan.ics", language=language, **{**span, "plan": "grease"})
            self.assertEqual((status, kind), (200, "text/calendar; charset=utf-8"))
            self.assertEqual(calendar.count("BEGIN:VEVENT"), sum(row["visits"] for row in budget))
        self.assertEqual(self.get("PlanBudget", "plan/budget", team="nobody"), [])
        self.refused(400, "plan/budget?from=soon")
        self.refused(400, "plan.ics?limit=3")

    def test_samples_are_those_of_the_export_in_every_form(self):
        for query, words in (({"device": "tank-1"}, ["--device", "tank-1"]),
                             ({"device": "tank-1", "format": "jsonl"}, ["--device", "tank-1", "--format", "jsonl"]),
                             ({"device": "tank-1", "point": "level", "every": "5m"},
                              ["--device", "tank-1", "--point", "level", "--every", "5m"]),
                             ({"to": self.to_ms, "detail": 1, "clock": 1},
                              ["--detail", "--clock", "--to", datetime.datetime.fromtimestamp(
                                  self.to_ms / 1000, datetime.timezone.utc).isoformat()])):
            status, kind, text = self.ask("samples", **query)
            self.assertEqual((status, kind), (200, "application/x-ndjson" if "format" in query else
                                              "text/csv; charset=utf-8"))
            self.assertEqual(text, self.estate.ok("export", *words))
            self.assertGreater(len(text), 1000)
        self.assertGreater(len(self.ask("samples", device="tank-1", format="jsonl")[2]), 300_000)

    def test_the_site_in_two_languages(self):
        site = self.get("SiteAnswer", "site")
        self.assertEqual((site["areas"], site["people"][0]["ways"], site["causes"][-1]["code"]),
                         (["B1", "Roof", "cellar"] if "B1" in site["areas"] else ["Roof", "cellar"],
                          [{"kind": "phone", "address": "123"}], "limescale"))
        self.assertEqual(site["words"]["severity"]["urgent"], "urgent")
        self.assertEqual(self.get("SiteAnswer", "site", language="zh-CN")["words"]["severity"]["urgent"], "紧急")
        steps = self.get("ProcedureListing", "procedures", language="zh-CN")[0]
        self.assertEqual((steps["title"], steps["steps"], steps["used_by"], steps["plans"]),
                         ("轴承过热", ["停泵", "Grease"], ["hot"], ["grease"]))

    def test_titles_in_the_language_of_who_reads(self):
        alarm = self.get("AlarmListing", "alarms", device="pump-1", rule="hot", details=1)[0]
        self.assertEqual(alarm["title"], alarm["titles"]["en"])
        number = alarm["title"].removeprefix("1# 生活水泵 hot at ")
        titles = {"en": f"1# 生活水泵 hot at {number}", "zh-CN": f"1# 生活水泵 过热 {number}"}
        self.assertRegex(number, "^[0-9.]+ °C$")
        self.assertEqual(alarm["titles"], titles)
        self.assertNotIn("titles", self.get("AlarmListing", "alarms")[0])
        row = next(r for r in self.get("TicketListing", "tickets", details=1, all=1) if r["rule"] == "hot")
        # Pages that a link leads to: a link says no Accept-Language.
        for path, said in ((f"tickets/{row['number']}/evidence.html", "工单"), (f"tickets/{row['number']}/chart.svg", "报警"), ("report.html", "完好率")):
            self.assertIn(said, self.ask(path, language="zh-CN")[2])
            self.assertNotIn(said, self.ask(path)[2])
        self.assertEqual((row["title"], row["titles"]), (titles["en"], titles))
        self.assertNotIn("titles", self.get("TicketListing", "tickets", all=1)[0])
        self.assertEqual(self.get("TicketPack", f"tickets/{row['number']}")["ticket"]["titles"], titles)
        life = self.get("DeviceLife", "devices/pump-1")
        self.assertEqual([t["titles"] for t in life["open_tickets"] + life["history"] if t.get("number") == row["number"]],
                         [titles, titles])
        for language, title in titles.items():
            texts = [m["text"] for m in self.get("MarksAnswer", "devices/pump-1/marks", language=language)["marks"]
                     if m["kind"] == "ticket"]
            self.assertIn(title, texts)
        # One text is for everybody.
        low = self.get("AlarmListing", "alarms", rule="level-low", details=1)
        self.assertTrue(all(a["titles"] == {} for a in low))

    def test_what_points_are_called(self):
        pump = self.get("DeviceListing", "devices", device="pump-1", points=1, details=1)[0]["points"]
        titles = {"en": "Bearing temperature", "zh-CN": "轴承温度"}
        self.assertEqual((pump["bearing"]["title"], pump["bearing"]["titles"]), (titles["en"], titles))
        self.assertEqual((pump["running"]["title"], pump["running"]["titles"]), (None, {}))
        self.assertEqual(pump["online"]["titles"], {"en": "Online", "zh-CN": "在线"})
        self.assertNotIn("title", self.get("DeviceListing", "devices", device="pump-1", points=1)[0]["points"]["bearing"])
        level = self.get("DeviceListing", "devices", device="tank-1", points=1, details=1)[0]["points"]["level"]
        self.assertEqual((level["title"], level["titles"]), ("Water level", {}))
        for language, title in titles.items():
            series = self.get("SeriesAnswer", "devices/pump-1/series", language=language, points="bearing,running")["points"]
            self.assertEqual((series["bearing"]["title"], series["running"]["title"]), (title, "running"))
            rules = {r["id"]: r["points"] for r in self.get("RuleListing", "rules", language=language)}
            self.assertEqual(rules["hot"], {"bearing": {"title": title, "unit": "°C"}})
            self.assertEqual(self.get("RuleDetail", "rules/hot", language=language)["points"], rules["hot"])
        self.assertEqual(rules["level-low"], {"level": {"title": "Water level", "unit": "%"},
                                              "pumping": {"title": None, "unit": None}})

    def test_the_days_that_nobody_works(self):
        days = self.get("CalendarListing", "calendar?from=2027-02-07&to=2027-02-28", language="zh-CN")
        self.assertEqual(days, [{"day": "2027-02-07", "working": False, "title": "春节"},
                                {"day": "2027-02-08", "working": False, "title": "春节"},
                                {"day": "2027-02-13", "working": True, "title": None}])
        self.assertEqual([d["title"] for d in self.get("CalendarListing", "calendar?from=2027-02-01&to=2027-02-05")],
                         ["Spring Festival"])
        self.assertEqual(self.get("CalendarListing", "calendar?from=2027-01-01&to=2027-01-31"), [])
        self.assertIn("from", self.refused(400, "calendar?from=soon")["detail"])
        self.refused(400, "calendar?from=2027-02-02&to=2027-02-01")

    def test_where_a_device_stands_and_what_feeds_it(self):
        rows = {d["id"]: d for d in self.get("DeviceListing", "devices", details=1)}
        self.assertEqual([rows["fan-1"][k] for k in ("parent", "location", "area")], ["pump-1", None, None])
        self.assertEqual([rows["pump-1"][k] for k in ("parent", "location", "area")], [None, "B1", "cellar"])
        self.assertNotIn("parent", self.get("DeviceListing", "devices")[0])

    # ---- what works on files of the gateway ----

    def each(self, schema, path, body=None):
        """An array of rows of the schema."""
        status, kind, text = self.ask(path, body)
        self.assertEqual((status, kind), (200, "application/json"), text)
        return [self.judge(schema, row) for row in json.loads(text)]

    def test_files_are_checked_as_they_are_now(self):
        e = self.estate
        self.assertEqual(self.each("Finding", "check"), json.loads(e.ok("check", "--json")))
        self.assertEqual(self.each("BusBudget", "check/plan"), json.loads(e.ok("check", "--plan", "--json")))
        verdict = self.get("JournalVerdict", "check/journal")
        self.assertTrue(verdict["proven"])
        self.assertEqual(self.get("JournalVerdict", "check/journal", head=verdict["head"])["findings"], [])
        self.assertFalse(self.get("JournalVerdict", "check/journal", head="1:" + "0" * 64)["proven"])
        self.refused(400, "check/journal", head="nonsense")
        self.assertTrue(self.get("HistoryVerdict", "check/history")["whole"])
        e.write_rules(RULES.replace("bearing > 80", "bearing >> 80"))
        try:
            wrong = [f for f in self.each("Finding", "check") if f["level"] == "error"]
            self.assertEqual([(os.path.basename(f["file"]), f["line"]) for f in wrong], [("rules.yaml", 4)], wrong)
            self.assertEqual(json.loads(e.run("check", "--json").stdout), self.each("Finding", "check"))
            self.assertIn("rules.yaml:4:", self.refused(400, "check/plan")["detail"])
        finally:
            e.write_rules(RULES)

    def test_the_past_is_explained_and_replayed_as_by_the_command_line(self):
        e = self.estate
        moment = datetime.datetime.fromtimestamp(self.begin_s + 7200, datetime.timezone.utc).isoformat()
        said = self.get("Explanation", "explain/past", rule="level-low", device="tank-1", at=moment)
        self.assertEqual(said, json.loads(e.ok("explain", "--json", "--at", moment, "level-low", "tank-1")))
        for rule, device in (("--help", "tank-1"), ("level-low/tank-1", "/etc/hostname"), ("level-low", "/etc/hostname"),
                             ("level-low", "tank-1/level-low")):
            self.assertIn("there is no", self.refused(404, "explain/past", rule=rule, device=device, at=moment)["detail"])
        self.refused(400, "explain/past", rule="level-low")
        self.refused(400, "explain/past", rule="level-low", device="tank-1", at="soon")
        span = ("--from", moment, "--to", "-1h")
        status, kind, text = self.ask("replay", **{"from": moment, "to": "-1h", "device": "tank-1"})
        self.assertEqual((status, kind), (200, "application/x-ndjson"), text)
        self.assertEqual(text, e.ok("replay", "--quiet", "--format", "jsonl", "--from-history", *span, "--device", "tank-1"))
        self.assertIn("alarm.raised", text)
        with open(e.path("log.csv"), "rb") as f:
            log_bytes = f.read()
        self.assertEqual(self.ask("replay", log_bytes)[2], e.ok("replay", "--quiet", "--format", "jsonl", "log.csv"))
        self.assertIn(":2:", self.refused(400, "replay", b"time,device,point,value\nsoon,tank-1,level,1\n")["detail"])

    def test_samples_are_taken_in_and_the_history_is_asked_in_sql(self):
        row = "%s,pump-1,bearing,50\n" % datetime.datetime.fromtimestamp(self.begin_s - 90000, datetime.timezone.utc).isoformat()
        text = ("time,device,point,value\n" + row + "soon,tank-1,level,1\n").encode()
        for imported in (1, 0):
            got = self.get("ImportAnswer", "samples", text)
            self.assertEqual((got["rows"], got["bad"], got["imported"]), (2, 1, imported))
            self.assertEqual(len(got["told"]), 1)
            self.assertIn(":3:1:", got["told"][0])
        told = [v for v in self.estate.events() if v["event"] == "history.imported"]
        self.assertEqual([v["note"].split(", ")[:2] for v in told], [["1 samples", "1 new"]])
        self.assertIn(":3:1:", self.refused(400, "samples?strict=1", text)["detail"])
        another = text.replace(b",50\n", b",51\n")  # What stood before the bad row is in the history.
        self.assertIn(":3:1:", self.refused(400, "samples?strict=1", another)["detail"])
        told = [v["note"] for v in self.estate.events() if v["event"] == "history.imported"]
        self.assertEqual(len(told), 2, told)
        self.assertRegex(told[1], "1 new, 1 differing, .*; ended early")
        self.refused(400, "samples", b"")
        statement = "select device, count(*) n from samples where device = 'tank-1' group by device"
        self.assertEqual(self.each("SqlRow", "sql", statement.encode()), json.loads(self.estate.ok("sql", "--json", statement)))
        self.assertIn("only read", self.refused(409, "sql", b"delete from samples")["detail"])
        self.assertIn("1:1:", self.refused(400, "sql", b"selct")["detail"])
        endless = b"with recursive c(x) as (select 1 union all select x + 1 from c) select x, hex(zeroblob(500)) from c"
        self.assertIn("8 MiB", self.refused(507, "sql", endless)["detail"])
        self.assertEqual(self.each("SqlRow", "sql", b"select 1 one"), [{"one": 1}])
        # What is sorted on its way may be larger than what is answered.
        sorts = (b"with recursive c(x) as (select 1 union all select x + 1 from c where x < 40000)"
                 b" select count(*) n from (select distinct x, hex(zeroblob(200)) from c)")
        self.assertEqual(self.each("SqlRow", "sql", sorts), [{"n": 40000}])
        many = b"time,device,point,value\n" + b"x,pump-1,bearing,1\n" * 5000
        self.assertIn("not one row", self.refused(400, "samples", many)["detail"])

    def test_schemas_are_those_of_the_command_line(self):
        def said(*words):
            return json.loads(subprocess.run([CARETAKER, "schema", *words], capture_output=True, check=True).stdout)

        kinds = self.each("FileKind", "schema")
        self.assertEqual(kinds, said("--json"))
        for kind in kinds:
            self.assertEqual(self.get("FileSchema", "schema/" + kind["kind"]), said(kind["kind"], "--language", "en"))
        self.refused(404, "schema/none")

    def test_every_listing_is_as_its_schema_says(self):
        for schema, path in (("AlarmListing", "alarms"), ("AlarmListing", "alarms?details=1"), ("TicketListing", "tickets?all=1"),
                             ("TicketPack", "tickets/1"), ("DeviceListing", "devices?points=1&causes=1&details=1"),
                             ("DeviceListing", "devices"), ("Status", "status"), ("PlanListing", "plan"),
                             ("LedgerListing", "ledger"), ("DeviceLife", "devices/pump-1"),
                             ("DeviceLife", "devices/gateway"), ("ServiceListing", "service"),
                             ("Explanation", "explain?rule=hot&device=pump-1"), ("DutyListing", "duty"),
                             ("ProfileListing", "profiles"), ("WireAnswer", "wire?bus=plant")):
            self.get(schema, path)
        profile = self.get("ProfileListing", "profiles")[0]["id"]
        self.get("Profile", f"profiles/{profile}")
        jsonschema.Draft202012Validator.check_schema(schemas)
        names = set(schemas["components"]["schemas"])
        used = {part.split('"')[0] for part in json.dumps(schemas).split("#/components/schemas/")[1:]}
        self.assertEqual(used - names, set())


class Offline(Asking):
    def test_a_device_that_falls_silent_and_a_daemon_that_stops(self):
        port = free_port()
        self.estate = e = Estate(site=SITE % port, rules=RULES)
        self.addCleanup(e.close)
        slave = e.keep(Slave("tcp", port, 1))
        slave.set(1, "input", 3, 912)
        slave.set(1, "discrete", 2, 1)
        e.start()
        wait_for(lambda: [a for a in e.listing("alarms") if a["ticket"]], "an alarm with its ticket")
        slave.kill()
        wait_for(lambda: any(x["event"] == "device.offline" for x in e.events()), "pump-1 is offline")
        marks = self.get("MarksAnswer", "devices/pump-1/marks")["marks"]
        self.assertEqual([(m["kind"], m["end"]) for m in marks if m["kind"] in ("alarm", "offline")],
                         [("alarm", None), ("offline", None)])
        self.assertEqual(next(m["text"] for m in marks if m["kind"] == "alarm"), "1# 生活水泵 hot at 91.2 °C")
        rows = e.listing("alarms")
        # What works in a process of its own holds up no stop.
        endless = b"with recursive c(x) as (select 1 union all select x + 1 from c) select count(*) from c"
        answers = []
        asker = threading.Thread(target=lambda: answers.append(self.ask("sql", endless)))
        asker.start()
        wait_for(lambda: children(e.daemon.pid), "the endless one is at work")
        began = time.monotonic()
        e.stop()
        self.assertLess(time.monotonic() - began, 30)
        asker.join()
        self.assertIn("stopping", answers[-1][2])
        self.assertEqual(e.listing("alarms"), rows)


class Exports(Asking):
    def begin(self, path):
        """An answer of which only the head was read: the rest waits."""
        connection = http.client.HTTPConnection("caretaker")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.estate.path("data/caretaker.sock"))
        self.addCleanup(connection.close)
        connection.request("GET", "/api/v1/" + path)
        return connection.getresponse()

    def test_exports_that_nobody_reads_are_few(self):
        self.estate = e = Estate(site=SITE % free_port(), rules=RULES)
        self.addCleanup(e.close)
        begin_s = int(time.time()) - 40000
        e.write("log.csv", "time,device,point,value\n" + "".join(f"{begin_s + i},fan-1,speed,{i % 101}\n" for i in range(20000)))
        e.ok("import", "log.csv")
        e.start()

        export = "samples?format=jsonl&device=fan-1"
        held = [self.begin(export) for _ in range(16)]
        self.assertEqual([a.status for a in held], [200] * 16)
        refused = self.begin(export)
        self.assertEqual((refused.status, refused.getheader("Retry-After")), (503, "5"))
        whole = held.pop().read()
        self.assertGreater(len(whole), 1 << 20)
        self.assertEqual(self.begin(export).read(), whole)


    def test_one_backup_is_sent_at_a_time(self):
        self.estate = e = Estate(site=SITE % free_port(), rules=RULES)
        self.addCleanup(e.close)
        e.start()
        for i in range(200):
            self.get("CommandAnswer", "commands", {"cmd": "ticket.open", "device": "tank-1", "title": f"{i} " + "x" * 300,
                                                   "by": "desk"})
        held = self.begin("backup/state.db")
        self.assertEqual(held.status, 200)
        refused = self.begin("backup/state.db")
        self.assertEqual((refused.status, refused.getheader("Retry-After")), (503, "10"))
        whole = held.read()
        self.assertEqual(whole[:15], b"SQLite format 3")
        self.assertGreater(len(whole), 1 << 19)
        wait_for(lambda: self.begin("backup/state.db").read()[:15] == b"SQLite format 3", "another one")


class Reloaded(Asking):
    QUESTIONS = (("RuleListing", "rules", None), ("Report", "report", None), ("SiteAnswer", "site", None),
                 ("SeriesAnswer", "devices/tank-1/series", None), ("RuleDetail", "rules/level-low", None),
                 ("MarksAnswer", "devices/tank-1/marks", None), ("AlarmListing", "alarms?details=1", None),
                 ("WhatIfAnswer", "what-if", {"rule": "level-low", "set": {"hold": "1m"}}))

    def ask_until(self, done, begin, trouble):
        """Asks all of them in turn, beginning with one of them; one rule is tried at a time."""
        questions = self.QUESTIONS if begin == 0 else self.QUESTIONS[:-1]
        while not done.is_set() and not trouble:
            schema, path, body = questions[begin % len(questions)]
            begin += 1
            try:
                self.get(schema, path, body)
            except (AssertionError, OSError, http.client.HTTPException) as why:
                trouble.append((path, why))

    def test_the_site_may_be_exchanged_while_answers_are_made(self):
        self.estate = e = Estate(site=SITE % free_port(), rules=RULES)
        self.addCleanup(e.close)
        e.write("log.csv", "\n".join(log(int(time.time()) - 86400)) + "\n")
        e.ok("import", "log.csv")
        daemon = e.start()
        done, trouble = threading.Event(), []
        askers = [threading.Thread(target=self.ask_until, args=(done, n, trouble)) for n in range(4)]
        for asker in askers:
            asker.start()
        for i in range(6):
            since = len(daemon.lines)
            e.write_rules(RULES.replace("title: level low", f"title: level low {i}"))
            daemon.send(signal.SIGHUP)
            daemon.wait_line("reloaded: ", since=since)
        done.set()
        for asker in askers:
            asker.join()
        self.assertEqual(trouble, [])
        self.assertIn("level low 5", [r["title"] for r in self.get("RuleListing", "rules")])


if __name__ == "__main__":
    unittest.main()
