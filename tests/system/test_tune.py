#!/usr/bin/python3
"""`caretaker tune`: settings of a rule against labelled faults, checked against `replay`
with the very rule file that each setting stands for."""
import csv
import datetime
import json
import random
import statistics
import unittest

from estate import Estate

RULE = """rules:
  - {id: hot, applies_to: {type: pump}, when: bearing > %s, hold: %s, clear: bearing < %s,
     severity: normal, title: {en: hot}, cause: c, consequence: c, action: a, source: test}
"""
OTHERS = """
  - {id: both, applies_to: {type: pump}, when: bearing > 80 and bearing < 90, severity: normal}
  - {id: runs, applies_to: {type: pump}, when: running, severity: normal}
  - id: steps
    applies_to: {type: pump}
    levels:
      - {severity: normal, when: bearing > 80, clear: bearing < 75}
      - {severity: urgent, when: bearing > 90, clear: bearing < 85}
"""
SITE = """devices:
  - {id: pump-1, type: pump, stale_after: 3m, points: {bearing: {unit: °C}, running: {type: bool}}}
  - {id: pump-2, type: pump, stale_after: 3m, points: {bearing: {unit: °C}, running: {type: bool}}}
"""
START = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
MINUTES = 3 * 24 * 60
FAULTS = {"pump-1": [(600, 700), (2000, 2200), (3500, 3530)], "pump-2": [(1500, 1650)]}


def at(minute):
    return START + datetime.timedelta(minutes=minute)


def text(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(t):
    return datetime.datetime.fromisoformat(t.replace("Z", "+00:00"))


def noisy_log():
    """A sample a minute: noise around 70, bursts that are no fault, faults that creep up."""
    dice = random.Random(4)
    rows = []
    for minute in range(MINUTES):
        for device, faults in FAULTS.items():
            value = dice.gauss(70, 3)
            if dice.random() < 0.003:
                value += 14
            for begin, end in faults:
                if begin <= minute <= end:
                    value += min(20, (minute - begin) * 0.5)
            rows.append((text(at(minute)), device, "bearing", f"{value:.2f}"))
    return rows


class Tune(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.estate = e = Estate(site=SITE, rules=RULE % ("80 °C", "0s", "75 °C") + OTHERS)
        cls.addClassCleanup(e.close)
        cls.log = e.path("log.csv")
        with open(cls.log, "w", encoding="utf-8", newline="") as f:
            out = csv.writer(f)
            out.writerow(["time", "device", "point", "value"])
            out.writerows(noisy_log())
        cls.labels = e.write("labels.csv", "from,to,device,label\n" + "".join(
            f"{text(at(a))},{text(at(b))},{device},fault\n"
            for device, faults in FAULTS.items() for a, b in faults))

    def tune(self, *words, status=0, rule="hot", labels=None, log=None):
        done = self.estate.run("tune", rule, log or self.log, "--labels", labels or self.labels,
                               *words)
        self.assertEqual(done.returncode, status, done)
        return done

    def raised(self, threshold, deadband, hold):
        """What `replay` raises with this setting: (device, instant)."""
        rules = self.estate.write("other.yaml", RULE % (
            f"{threshold} °C", hold, f"{threshold - deadband} °C"))
        out = self.estate.ok("replay", "--rules", rules, "--format", "jsonl", "--quiet", self.log)
        events = [json.loads(line) for line in out.splitlines()]
        return [(e["device"], instant(e["t"])) for e in events if e["event"] == "alarm.raised"]

    def figures(self, raises):
        """Missed, false, median and worst delay in ms, by hand; a missed fault counts with its
        length."""
        found, false = {}, 0
        for device, when in raises:
            hit = [f for f in FAULTS[device] if at(f[0]) <= when <= at(f[1])]
            if hit:
                found.setdefault((device, hit[0]), (when - at(hit[0][0])).total_seconds() * 1000)
            else:
                false += 1
        faults = [(device, a, b) for device in FAULTS for a, b in FAULTS[device]]
        delays = [found.get((device, (a, b)), (b - a) * 60000) for device, a, b in faults]
        return (len(faults) - len(found), false, statistics.median(delays) if found else None,
                max(delays) if found else None)

    def test_every_setting_is_what_replay_says(self):
        report = json.loads(self.tune("--threshold", "78,80,84", "--deadband", "1,5", "--hold",
                                      "0s,5m", "--json").stdout)
        self.assertEqual((report["faults"], report["devices"], report["unit"]), (4, 2, "°C"))
        self.assertEqual(len(report["settings"]), 3 * 2 * 2)
        self.assertEqual([s["now"] for s in report["settings"]].count(True), 1)
        self.assertEqual([s["knee"] for s in report["settings"]].count(True), 1)
        days = (2 * (MINUTES - 1) - (100 + 200 + 30 + 150)) / 1440
        self.assertAlmostEqual(report["days"], days)
        for s in report["settings"]:
            with self.subTest(setting=s):
                missed, false, median, worst = self.figures(self.raised(
                    s["threshold"], s["deadband"], f"{s['hold_ms']}ms"))
                self.assertEqual(
                    (s["missed"], s["false_raises"], s["delay_median_ms"], s["delay_worst_ms"]),
                    (missed, false, median, worst))
                self.assertAlmostEqual(s["false_per_day"], false / days)

    def test_without_lists_it_tries_what_suits_the_log(self):
        report = json.loads(self.tune("--format", "json").stdout)
        settings = report["settings"]
        self.assertGreater(len(settings), 100)
        knee = [s for s in settings if s["knee"]][0]
        now = [s for s in settings if s["now"]][0]
        self.assertEqual((now["threshold"], now["deadband"], now["hold_ms"]), (80, 5, 0))
        self.assertLess(knee["false_raises"], now["false_raises"])
        self.assertEqual(knee["missed"], 0)
        self.assertIn(f"bearing > {knee['threshold']:g}", report["knee"]["when"])
        for s in settings:  # Nothing beats what is called the front.
            if s["front"] and s["delay_median_ms"] is not None:
                self.assertFalse([b for b in settings if b["delay_median_ms"] is not None and all(
                    b[k] < s[k] for k in ("missed", "false_raises", "delay_median_ms"))])

    def test_the_table_marks_the_knee_and_the_present_setting(self):
        out = self.tune().stdout
        self.assertRegex(out, r"THRESHOLD +DEADBAND +HOLD +MISSED +FALSE/DAY")
        self.assertEqual(out.count("<- knee"), 1)
        self.assertEqual(out.count("<- now"), 1)
        self.assertIn("4 labelled faults", out)
        self.assertRegex(out, r"\nnow:  when: bearing > 80 °C; clear: bearing < 75 °C; hold: 0s\n")
        self.assertRegex(out, r"\nknee: when: bearing > [0-9.]+ °C; clear: ")
        rows = self.tune("--all", "--threshold", "80..84/2", "--hold", "0s", "--deadband", "5"
                         ).stdout
        self.assertEqual(rows.count("\n> "), 3)

    def test_what_raises_too_often_is_no_knee(self):
        # Bursts raise above 80 without a hold, some 4 times a day.
        words = ("--threshold", "80", "--deadband", "5", "--hold", "0s")
        report = json.loads(self.tune(*words, "--json").stdout)
        self.assertEqual((report["knee"], report["false_per_day_max"]), (None, 1))
        self.assertGreater(report["settings"][0]["false_per_day"], 1)
        self.assertIn("no knee: what finds a fault has more false raises a day than 1 (",
                      self.tune(*words).stdout)
        report = json.loads(self.tune(*words, "--json", "--false-max", "50").stdout)
        self.assertIsNotNone(report["knee"])
        for s in json.loads(self.tune("--json").stdout)["settings"]:
            if s["knee"]:
                self.assertLessEqual(s["false_per_day"], 1)

    def test_the_same_input_gives_the_same_output(self):
        self.assertEqual(self.tune("--json").stdout, self.tune("--json").stdout)

    def test_one_device_and_labels_for_every_device(self):
        labels = self.estate.write("all.csv", "from,to\n%s,%s\n" % (text(at(1500)), text(at(1650))))
        report = json.loads(self.tune("--json", "--device", "pump-2", labels=labels).stdout)
        self.assertEqual((report["faults"], report["devices"]), (1, 1))
        out = self.tune("--device", "pump-2", "--threshold", "80", "--deadband", "5", "--hold",
                        "0s", labels=labels).stdout
        self.assertIn("1 labelled fault, ", out)
        self.assertIn("\n1 setting was tried; ", out)
        report = json.loads(self.tune("--json", labels=labels).stdout)
        self.assertEqual((report["faults"], report["devices"]), (2, 2))

    def test_a_level_of_a_rule(self):
        done = self.tune(rule="steps", status=2)
        self.assertIn("the levels normal, urgent; --level says which", done.stderr)
        report = json.loads(self.tune("--level", "urgent", "--json", rule="steps").stdout)
        now = [s for s in report["settings"] if s["now"]][0]
        self.assertEqual((report["level"], now["threshold"], now["deadband"]), ("urgent", 90, 5))
        self.assertIn("no such level", self.tune("--level", "info", rule="steps", status=2).stderr)

    def test_rules_of_another_form_are_refused(self):
        for rule, says in (("both", "has more than one limit"), ("runs", "is no limit")):
            done = self.tune(rule=rule, status=1)
            self.assertRegex(done.stderr, r"rules.yaml:\d+:\d+: ")
            self.assertIn(says, done.stderr)
            self.assertIn("`VALUE > NUMBER unit`", done.stderr)

    def test_what_is_not_there(self):
        self.assertIn('no rule "hto"; did you mean "hot"?', self.tune(rule="hto", status=1).stderr)
        self.assertIn('did you mean "pump-1"?', self.tune("--device", "pmup-1", status=1).stderr)
        self.assertIn('is not for device "gateway"',
                      self.tune("--device", "gateway", status=1).stderr)
        self.tune(log=self.estate.path("none.csv"), status=4)
        self.tune(labels=self.estate.path("none.csv"), status=4)
        done = self.tune(labels=self.estate.path(""), status=4)
        self.assertRegex(done.stderr, r"(?i)is a directory")
        late = self.estate.write("late.csv", "from,to\n2027-01-01,2027-01-02\n")
        self.assertIn("no labelled window", self.tune(labels=late, status=1).stderr)

    def test_labels_outside_of_the_log_are_told(self):
        labels = self.estate.write("some.csv", "from,to,device\n%s,%s,pump-1\n2027-01-01,2027-01-02,"
                                   "pump-1\n2026-03-02,2026-03-02,gateway\n"
                                   % (text(at(600)), text(at(700))))
        done = self.tune("--json", labels=labels)
        self.assertEqual(json.loads(done.stdout)["left_out"], 2)
        self.assertIn("2 labelled windows were left out", done.stderr)

    def test_mistakes_in_labels_are_all_told_with_their_place(self):
        labels = self.estate.write("bad.csv", "from,to,device\n2026-03-02,2026-03-01,pump-1\n"
                                   "soon,2026-03-01,pump-9\n")
        done = self.tune(labels=labels, status=3)
        self.assertEqual(done.stdout, "")
        for place in ("bad.csv:2:12: ", "bad.csv:3:1: ", "bad.csv:3:17: "):
            self.assertIn(place, done.stderr)

    def test_usage(self):
        for words in (("--threshold", "1..2"), ("--threshold", "5,x"), ("--threshold", "9..1/1"),
                      ("--threshold", "0..1e9/0.1"), ("--threshold", ""), ("--deadband", "-1"),
                      ("--hold", "5"), ("--hold", "1m,"), ("--early", "soon"),
                      ("--false-max", "-1"), ("--false-max", "few"),
                      ("--format", "xml"), ("--threshold", "1..900/1", "--deadband", "1..10/1")):
            with self.subTest(words=words):
                self.assertEqual(self.tune(*words, status=2).stdout, "")
        run = self.estate.run
        self.assertEqual(run("tune", "hot", self.log).returncode, 2)
        self.assertEqual(run("tune", "hot", "--labels", self.labels).returncode, 2)

    def test_a_log_of_a_slower_rhythm_is_told(self):
        site = self.estate.write("slow.yaml", "site: {id: house, timezone: UTC}\ndata: data\n"
                                 "include: [rules.yaml]\n" + SITE.replace("stale_after: 3m, ", ""))
        words = ("tune", "hot", self.log, "--labels", self.labels, "-c", site)
        self.assertIn("give --stale-after", self.estate.run(*words, site=False).stderr)
        done = self.estate.run(*words, "--stale-after", "3m", site=False)
        self.assertNotIn("--stale-after", done.stderr)

    def test_a_bad_row_is_told_once_and_left_out(self):
        with open(self.log, encoding="utf-8") as f:
            log = self.estate.write("bad-row.csv", f.read() + "tomorrow,pump-1,bearing,9\n")
        done = self.tune("--json", log=log)
        self.assertEqual(done.stderr.count("bad-row.csv:"), 1)
        self.assertEqual(json.loads(done.stdout)["bad_rows"], 1)
        self.assertIn("1 bad row was left out", done.stderr)
        self.assertEqual(self.tune("--quiet", log=log).stderr, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
