#!/usr/bin/python3
"""`caretaker replay --diff`: what a changed rule file would have done to a recorded log."""
import json
import unittest

from estate import Estate

RULE = """rules:
  - {id: hot, applies_to: {id: pump-1}, when: bearing > %s, hold: %s, clear: bearing < 70 degC,
     severity: normal, title: {en: hot}, cause: c, consequence: c, action: a, source: test}
"""
SITE = """devices:
  - {id: pump-1, type: pump, points: {bearing: {unit: degC, stale_after: 1h}}}
"""
# Two hills: one of 86 degrees for five minutes, one of 82 for one.
LOG = "time,device,point,value\n" + "".join(
    f"2026-03-01T00:{m:02}:00Z,pump-1,bearing,{v}\n"
    for m, v in enumerate([60, 86, 86, 86, 86, 86, 60, 60, 82, 60, 60]))


class Diff(unittest.TestCase):
    def setUp(self):
        self.estate = e = Estate(site=SITE, rules=RULE % ("80 degC", "0s"))
        self.addCleanup(e.close)
        self.log = e.write("log.csv", LOG)

    def diff(self, limit, hold, status, *words):
        other = self.estate.write("other.yaml", RULE % (limit, hold))
        done = self.estate.run("replay", "-c", self.estate.site_file, "--diff", other, *words,
                               self.log, site=False)
        self.assertEqual(done.returncode, status, done)
        return done

    def test_the_same_rules_differ_in_nothing(self):
        done = self.diff("80 degC", "0s", 0)
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.endswith("2 alarms the same, 0 gained, 0 lost, 0 moved\n"), done)

    def test_a_higher_limit_loses_an_alarm(self):
        rows = [json.loads(x) for x in self.diff("84 degC", "0s", 1, "--format", "jsonl"
                                                 ).stdout.splitlines()]
        self.assertEqual([(r["diff"], r["device"], r["rule"], r["t"]) for r in rows],
                         [("lost", "pump-1", "hot", "2026-03-01T00:08:00.000Z")])

    def test_a_longer_hold_moves_one_and_loses_the_other(self):
        self.assertIn("1 alarm the same, 0 gained, 1 lost, 0 moved\n"
                      "  pump-1/hot: 1 the same, 0 gained, 1 lost, 0 moved\n",
                      self.diff("84 degC", "0s", 1).stderr)
        done = self.diff("80 degC", "2m", 1)
        self.assertRegex(done.stdout, r"moved   pump-1/hot, normal, raised 2m later\n")
        self.assertRegex(done.stdout, r"lost    pump-1/hot, normal, until ")
        self.assertIn("0 alarms the same, 0 gained, 1 lost, 1 moved", done.stderr)

    def test_a_lower_limit_the_other_way_round(self):
        e = self.estate
        strict = e.write("strict.yaml", RULE % ("84 degC", "0s"))
        done = e.run("replay", "-c", e.site_file, "--rules", strict, "--diff", "rules.yaml",
                     self.log, site=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("gained", done.stdout)

    def test_wrong_rules_are_told_with_their_place(self):
        other = self.estate.write("other.yaml", "rules: [{id: hot, when: bearing >}]\n")
        done = self.estate.run("replay", "-c", self.estate.site_file, "--diff", other, self.log,
                               site=False)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("other.yaml:1:", done.stderr)

    def test_two_other_files_are_refused(self):
        other = self.estate.write("other.yaml", RULE % ("84 degC", "0s"))
        for second in (other, "rules.yaml"):
            done = self.estate.run("replay", "--diff", other, self.log, "--diff", second)
            self.assertEqual(done.returncode, 2, done)
            self.assertEqual(done.stdout, "")
            self.assertIn("--diff was given 2 times; one FILE is compared", done.stderr)

    def test_a_bad_row_is_told_once(self):
        with open(self.log, "a", encoding="utf-8") as f:
            f.write("2026-03-01T00:12:00Z,pump-1,bearing,warm\n")
        self.assertEqual(self.diff("80 degC", "0s", 0).stderr.count("log.csv:13:"), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
