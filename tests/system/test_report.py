#!/usr/bin/python3
"""`caretaker report alarms`: on the events and samples of a real daemon, and on recorded
logs; its advice checked against `replay` with the very rule file that it stands for."""
import json
import random
import shutil
import sqlite3
import unittest

from estate import Estate, Slave, free_port, wait_for

RULE = """
  - {id: hot, applies_to: {type: pump}, when: bearing > 80 °C, hold: %s, clear: bearing < %s,
     clear_hold: %s, severity: urgent, title: {en: hot}, cause: c, consequence: c, action: a,
     respond_within: 30m, source: test}
"""
LIVE = """
buses:
  - {id: plant, tcp: "127.0.0.1:%d", timeout: 100ms, retries: 0}
devices:
  - {id: pump-1, type: pump, bus: plant, unit: 1, poll: 50ms, points: {bearing: {register: input 3, unit: °C}}}
history: {flush: 100ms}
alarms: {chatter: {episodes: 4, window: 10m}}
"""
LOGGED = """devices:
  - {id: pump-1, type: pump, stale_after: 1h, points: {bearing: {unit: °C}}}
  - {id: pump-2, type: pump, stale_after: 1h, points: {bearing: {unit: °C}}}
"""
FIGURES = ["raises_per_day", "raises_per_10min", "peak_10min", "time_in_flood", "top_10_share",
           "chattering", "standing_24h", "critical_share", "urgent_share", "normal_share"]


def t(second):
    return f"2026-03-{1 + second // 86400:02d}T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:" \
           f"{second % 60:02d}Z"


def figures(report):
    return {f["name"]: f for f in report["figures"]}


class Daemon(unittest.TestCase):
    """Eight raises of a value that swings around its limit, and one that stays."""

    def setUp(self):
        port = free_port()
        self.estate = e = Estate(site=LIVE % port, rules="rules:" + RULE % ("0s", "79.5 °C", "0s"))
        self.addCleanup(e.close)
        self.slave = e.keep(Slave("tcp", port, 1))

    def report(self, *words):
        return json.loads(self.estate.ok("report", "alarms", "--json", *words))

    def events(self, name):
        with sqlite3.connect(f"file:{self.estate.path('data')}/state.db?mode=ro", uri=True) as db:
            return db.execute("SELECT count(*) FROM events WHERE name = ?", (name,)).fetchone()[0]

    def swing(self, times):
        for n in range(1, times + 1):
            self.slave.set(1, "input", 3, 82)
            wait_for(lambda n=n: self.events("alarm.raised") >= n, f"raise {n}")
            self.slave.set(1, "input", 3, 79)
            wait_for(lambda n=n: self.events("alarm.cleared") >= n, f"clearing {n}")

    def test_events_and_history_of_a_daemon(self):
        e = self.estate
        self.slave.set(1, "input", 3, 60)
        e.start()
        wait_for(lambda: e.device("pump-1")["quality"] == "good", "pump-1 answers")
        self.swing(8)
        self.slave.set(1, "input", 3, 90)
        wait_for(lambda: self.events("alarm.raised") >= 9, "raise 9")
        running = self.report()
        self.assertEqual(running["raises"], 9)
        e.stop()
        report = self.report()
        self.assertEqual((report["source"], report["site"], report["raises"], report["alarms"]),
                         ("events", "house", 9, 1))
        self.assertEqual([f["name"] for f in report["figures"]], FIGURES)
        self.assertEqual(report["priorities"],
                         {"critical": 0, "urgent": 9, "normal": 0, "info": 0})
        self.assertEqual(figures(report)["peak_10min"]["value"], 9)
        self.assertEqual(figures(report)["peak_10min"]["verdict"], "short")
        self.assertEqual(figures(report)["raises_per_day"]["value"], None)
        top = report["top"][0]
        self.assertEqual((top["device"], top["rule"], top["raises"], top["share"]),
                         ("pump-1", "hot", 9, 100))
        self.assertTrue(top["site_chatters"])
        self.assertEqual(top["replayed_raises"], 9)
        # A second of silence is longer than any of its swings: one alarm is left.
        delays = [a for a in top["advice"] if a["kind"] == "off-delay"]
        self.assertEqual(len(delays), 1, top)
        self.assertGreaterEqual(delays[0]["saved"], 6)
        self.assertEqual(delays[0]["later_worst_ms"], 0)
        text = e.ok("report", "alarms")
        self.assertIn("9 raises of 1 alarm: 0 critical, 9 urgent", text)
        self.assertRegex(text, r"pump-1/hot +urgent +9 +100 %")
        self.assertIn("ISA-18.2", text)
        self.assertIn("EEMUA Publication 191", text)
        # Without samples the figures are the same, and the advice says why there is none.
        for name in ("history.db", "history.db-wal", "history.db-shm"):
            try:
                shutil.move(e.path(f"data/{name}"), e.path(name))
            except FileNotFoundError:
                pass
        bare = self.report()
        self.assertEqual(bare["raises"], 9)
        self.assertEqual(bare["top"][0]["advice"], [])
        self.assertIn("no samples", bare["top"][0]["no_advice"])

    def test_a_rule_that_is_gone_stands_no_longer(self):
        e = self.estate
        self.slave.set(1, "input", 3, 90)
        e.start()
        wait_for(lambda: self.events("alarm.raised") >= 1, "the raise")
        e.stop()
        e.write_rules("rules: []\n")
        e.start()
        e.stop()
        report = self.report("--to", "now")
        self.assertEqual((report["raises"], report["standing"]), (1, []))
        self.assertIn("not configured now", report["top"][0]["no_advice"])
        for rules, says in ((RULE.replace("{type: pump}", "{type: fan}") % ("0s", "79", "0s"),
                             "not configured now"),
                            (RULE.replace("bearing >", "warmth >") % ("0s", "79", "0s"),
                             "not configured now"),
                            (RULE.replace("bearing >", "bearing > >") % ("0s", "79", "0s"),
                             "the rules have errors")):
            e.write_rules("rules:" + rules)
            top = self.report()["top"][0]
            self.assertEqual((top["raises"], top["advice"]), (1, []))
            self.assertIn(says, top["no_advice"])

    def test_a_daemon_that_never_ran(self):
        done = self.estate.run("report", "alarms")
        self.assertEqual(done.returncode, 4, done)
        self.assertIn("the daemon never ran here; --log FILE", done.stderr)


class Logs(unittest.TestCase):
    def setUp(self):
        self.estate = e = Estate(site=LOGGED, rules="rules:" + RULE % ("0s", "79.5 °C", "0s"))
        self.addCleanup(e.close)

    def report(self, log, *words):
        return json.loads(self.estate.ok("report", "alarms", "--json", "--log", log, *words))

    def log(self, rows, name="log.csv"):
        return self.estate.write(name, "time,device,point,value\n" + "".join(
            f"{t(s)},{d},bearing,{v}\n" for s, d, v in rows))

    def swinging(self):
        """20 swings of 20 s, 10 s at 81 and 10 s at 78, then 300 s at 95; twice, an hour apart."""
        rows = [(0, "pump-1", 60)]
        for start in (600, 4200):
            for n in range(20):
                rows += [(start + 20 * n, "pump-1", 81), (start + 20 * n + 10, "pump-1", 78)]
            rows += [(start + 400, "pump-1", 95), (start + 700, "pump-1", 60)]
        return self.log(rows + [(86400, "pump-1", 60)])

    def raises(self, log, hold="0s", clear="79.5 °C", clear_hold="0s"):
        rules = self.estate.write("other.yaml", "rules:" + RULE % (hold, clear, clear_hold))
        out = self.estate.ok("replay", "--rules", rules, "--format", "jsonl", "--quiet", log)
        return sum(json.loads(x)["event"] == "alarm.raised" for x in out.splitlines())

    def test_the_figures_of_a_log(self):
        report = self.report(self.swinging())
        found = figures(report)
        self.assertEqual((report["source"], report["raises"], report["days"]), ("logs", 42, 1))
        self.assertEqual(found["raises_per_day"]["value"], 42)
        self.assertEqual(found["raises_per_day"]["verdict"], "ok")
        self.assertEqual(found["peak_10min"]["value"], 21)
        self.assertEqual(found["peak_10min"]["verdict"], "over")
        # Each flood: from its first raise to 10 min after the fifth from the end, 340 s later.
        self.assertEqual([(f["begin"], f["end"], f["raises"]) for f in report["floods"]],
                         [("2026-03-01T00:10:00.000Z", "2026-03-01T00:25:20.000Z", 21),
                          ("2026-03-01T01:10:00.000Z", "2026-03-01T01:25:20.000Z", 21)])
        self.assertAlmostEqual(found["time_in_flood"]["value"], 100 * 2 * 920 / 86400)
        self.assertEqual(found["chattering"]["value"], 1)
        self.assertEqual(report["top"][0]["chatter_raises"], 42)
        self.assertEqual(found["urgent_share"], {
            "name": "urgent_share", "value": 100, "unit": "%", "target_max": 15, "limit_max": 30,
            "verdict": "over"})
        two = figures(self.report(self.swinging(), "--operators", "3"))
        self.assertEqual(two["peak_10min"]["value"], 7)
        self.assertEqual(two["time_in_flood"]["value"], 0)

    def test_advice_is_what_replay_says(self):
        log = self.swinging()
        top = self.report(log)["top"][0]
        self.assertEqual(top["replayed_raises"], 42)
        kinds = {a["kind"]: a for a in top["advice"]}
        self.assertEqual(sorted(kinds), ["deadband", "off-delay", "on-delay"])
        deadband, off, on = kinds["deadband"], kinds["off-delay"], kinds["on-delay"]
        self.assertEqual(deadband["raises"],
                         self.raises(log, clear=deadband["clear"].removeprefix("bearing < ")))
        self.assertEqual(off["raises"], self.raises(log, clear_hold=f"{off['delay_ms']}ms"))
        self.assertEqual(on["raises"], self.raises(log, hold=f"{on['delay_ms']}ms"))
        # The swings are 10 s low: 15 s of off-delay bridge them, two alarms are left.
        # The first of them cleared after 10 s, and now does so 15 s after 700 s.
        self.assertEqual((off["delay_ms"], off["saved"], off["clears_later_ms"],
                          off["idle_longest_ms"]), (15000, 40, 705000, 15000))
        self.assertEqual((off["later_worst_ms"], off["unseen"]), (0, 0))
        # They are 10 s high: an on-delay of 15 s sees only the long ones, 15 s later.
        self.assertEqual((on["delay_ms"], on["saved"], on["later_worst_ms"]), (15000, 40, 15000))
        self.assertEqual((on["unseen"], on["unseen_longest_ms"]), (40, 10000))
        self.assertEqual([a["kind"] for a in top["advice"] if a["best"]], ["deadband"])
        text = self.estate.ok("report", "alarms", "--log", log)
        self.assertRegex(text, r"\* deadband [0-9.]+ °C \(clear: bearing < [0-9.]+ °C\): saves 40 of "
                               r"42 raises, raised no later")
        self.assertRegex(text, r"  on-delay 15s \(hold\): saves 40 of 42 raises, raised 15s later")

    def test_no_advice_when_not_asked_for(self):
        top = self.report(self.swinging(), "--no-advice")["top"][0]
        self.assertNotIn("advice", top)
        self.assertNotIn("What would spare",
                         self.estate.ok("report", "alarms", "--log", self.swinging(), "--no-advice"))

    def advised(self, values, seconds):
        """What is advised for pump-1, whose value is one of them every so many seconds."""
        log = self.log([(i * seconds, "pump-1", v) for i, v in enumerate(values)])
        return self.report(log)["top"][0]

    def test_no_advice_is_to_stand_for_ever(self):
        # High and low for an hour each; and 20 minutes, which is less than there is to respond,
        # and comes below 79 °C for once.  One alarm would stand for all of the days.
        for half, low, why in ((12, 79.2, "would spare much"), (4, 79.2, "for too long"),
                               (4, 20, "for too long")):
            with self.subTest(half=half, low=low):
                top = self.advised([85 if i // half % 2 == 0 else low if i % 499 == half else
                                    79.2 + 0.05 * (i % 5) for i in range(3000)], 300)
                self.assertEqual(top["advice"], [])
                self.assertIn(why, top["no_advice"])

    def test_a_deadband_ends_within_the_recorded_values(self):
        dice = random.Random(7)
        values = [round(dice.uniform(70, 81), 2) for _ in range(4000)]
        for advice in self.advised(values, 300)["advice"]:
            if advice["kind"] == "deadband":
                self.assertGreater(80 - advice["deadband"], 70)

    def test_no_advice_is_to_switch_an_alarm_off(self):
        # Five raises of 10 s: any on-delay above that would raise none.
        for raises, why in ((5, "would hide it"), (4, "too seldom")):
            with self.subTest(raises=raises):
                log = self.log([(s, "pump-1", v) for n in range(5) for s, v in (
                    (7200 * n, 60), (7200 * n + 3600, 85 if n < raises else 60),
                    (7200 * n + 3610, 60))] + [(40000, "pump-2", 85)])
                report = self.report(log, "--stale-after", "3h")
                top = [a for a in report["top"] if a["device"] == "pump-1"]
                self.assertEqual(len(top), 1)
                for a in top:
                    self.assertEqual((a["replayed_raises"], a["advice"]), (raises, []))
                    self.assertIn(why, a["no_advice"])

    def test_noise_around_the_limit_is_joined(self):
        dice = random.Random(2)
        values = [round((80 if 300 < i % 8640 < 3000 else 60) + dice.gauss(0, 0.3), 2)
                  for i in range(17280)]
        top = self.advised(values, 10)
        deadband = [a for a in top["advice"] if a["kind"] == "deadband"][0]
        self.assertGreater(deadband["saved"], 0.95 * top["replayed_raises"])
        self.assertGreater(deadband["clears_later_ms"], 6 * 3600 * 1000)
        self.assertLess(deadband["idle_longest_ms"], 450 * 1000)

    def test_standing_over_a_day(self):
        day = 86400
        log = self.log([(0, "pump-1", 60), (0, "pump-2", 60), (3600, "pump-1", 90),
                        (7200, "pump-2", 90), (7200 + day + 60, "pump-2", 60),
                        (3 * day, "pump-1", 90)])
        report = self.report(log, "--stale-after", "10d")
        self.assertEqual([(s["device"], s["cleared_at"], s["stood_ms"])
                          for s in report["standing"]],
                         [("pump-1", None, (3 * day - 3600) * 1000),
                          ("pump-2", "2026-03-02T02:01:00.000Z", (day + 60) * 1000)])
        self.assertEqual(figures(report)["standing_24h"]["value"], 2)
        self.assertIn("2 stood over 24 h", self.estate.ok("report", "alarms", "--log", log,
                                                         "--stale-after", "10d"))

    def test_a_period_of_a_log(self):
        report = self.report(self.swinging(), "--from", "2026-03-01 01:00", "--to",
                             "2026-03-01 02:00:00")
        self.assertEqual((report["raises"], report["days"] * 24), (21, 1))
        self.assertEqual(report["top"][0]["replayed_raises"], 21)

    def test_a_raise_is_in_one_of_two_periods_that_meet(self):
        log = self.swinging()
        both = [self.report(log, "--from", a, "--to", b) for a, b in
                (("2026-03-01 00:00", "2026-03-01 01:10"), ("2026-03-01 01:10", "2026-03-02"))]
        # The first of the second twenty is raised at 01:10:00.
        self.assertEqual([r["raises"] for r in both], [21, 21])
        self.assertEqual([r["top"][0]["replayed_raises"] for r in both], [21, 21])
        last = self.report(self.log([(0, "pump-1", 60), (100000, "pump-1", 90)]))
        self.assertEqual(last["raises"], 1)  # Where nothing is cut, the last row counts.

    def test_bad_rows_are_counted_and_told_unless_quiet(self):
        with open(self.swinging(), encoding="utf-8") as f:
            log = self.estate.write("bad.csv", f.read() + "tomorrow,pump-1,bearing,9\n")
        done = self.estate.run("report", "alarms", "--log", log, "--json")
        self.assertEqual(json.loads(done.stdout)["bad_rows"], 1)
        self.assertEqual(done.stderr.count("bad.csv:"), 1)
        self.assertIn("1 bad row was left out", done.stderr)
        done = self.estate.run("report", "alarms", "--log", log, "--json", "--quiet")
        self.assertEqual(done.stderr, "")
        self.assertEqual(json.loads(done.stdout)["bad_rows"], 1)

    def test_other_rules_can_be_judged_before_they_are_shipped(self):
        log = self.swinging()
        rules = self.estate.write("calm.yaml", "rules:" + RULE % ("0s", "75 °C", "0s"))
        self.assertEqual(self.report(log, "--rules", rules)["raises"],
                         self.raises(log, clear="75 °C"))

    def test_the_same_input_gives_the_same_output(self):
        log = self.swinging()
        self.assertEqual(self.report(log), self.report(log))

    def test_a_minute_is_no_day(self):
        log = self.log([(7 * n, "pump-1", 60 + 25 * (n % 2)) for n in range(10)])
        found = figures(self.report(log))
        for name in ("raises_per_day", "raises_per_10min", "time_in_flood"):
            self.assertEqual((found[name]["value"], found[name]["verdict"]), (None, "short"))
        self.assertEqual((found["chattering"]["value"], found["chattering"]["verdict"]),
                         (1, "over"))
        text = self.estate.ok("report", "alarms", "--log", log)
        self.assertRegex(text, r"(?m)^raises per day +- +<= 144 +too short to say$")
        self.assertIn("2026-03-01 00:01:03 (1m 3s)", text)
        self.assertNotRegex(text, r"\de[+-]\d")

    def test_a_quiet_log(self):
        log = self.log([(0, "pump-1", 60), (86400, "pump-1", 61)])
        report = self.report(log)
        self.assertEqual((report["raises"], report["top"], report["floods"]), (0, [], []))
        self.assertTrue(all(f["verdict"] in ("ok", "few") for f in report["figures"]))
        text = self.estate.ok("report", "alarms", "--log", log)
        self.assertIn("0 raises", text)
        self.assertIn("(1d)", text)

    def test_usage_and_what_is_not_there(self):
        log = self.swinging()
        run = self.estate.run
        for words, status in ((("tickets",), 2), (("alarms", "more"), 2),
                              (("alarms", "--format", "html"), 2), (("alarms", "--top", "0"), 2),
                              (("alarms", "--operators", "none"), 2),
                              (("alarms", "--map", "m.yaml"), 2),
                              (("alarms", "--from", "soon"), 2),
                              (("alarms", "--from", "2026-03-02", "--to", "2026-03-01"), 2),
                              (("alarms", "--log", "none.csv"), 4),
                              (("alarms", "--log", log, "--rules", "none.yaml"), 3)):
            with self.subTest(words=words):
                done = run("report", *words)
                self.assertEqual(done.returncode, status, done)
                self.assertEqual(done.stdout, "")
                self.assertTrue(done.stderr)
        empty = self.estate.write("empty.csv", "time,device,point,value\n")
        self.assertEqual(run("report", "alarms", "--log", empty).returncode, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
