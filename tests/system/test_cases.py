#!/usr/bin/python3
"""The shipped cases: all pass, and no shipped rule goes without one."""
import glob
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CARETAKER = os.path.join(ROOT, os.environ.get("CARETAKER", "build/debug/caretaker"))
CASES = sorted(glob.glob(os.path.join(ROOT, "config/cases/*.yaml")))


def shipped_rules():
    ids = []
    for path in glob.glob(os.path.join(ROOT, "config/rules/*.yaml")):
        with open(path, encoding="utf-8") as f:
            ids += re.findall(r"^  - id: (\S+)", f.read(), re.M)
    return sorted(ids)


def rules_of(expectation):
    """The rules of all expectations of the cases that begin so."""
    found = set()
    pattern = re.compile(expectation + r"[^}]*\brule: ([a-z0-9_-]+)")
    for path in CASES:
        with open(path, encoding="utf-8") as f:
            found.update(pattern.findall(f.read()))
    return found


class Cases(unittest.TestCase):
    def caretaker(self, *words):
        # As a technician who has only the sources runs it.
        env = {k: v for k, v in os.environ.items() if k != "CARETAKER_SHARE"}
        return subprocess.run([CARETAKER, *words], capture_output=True, text=True,
                              env=env, cwd=ROOT, timeout=120)

    def test_every_shipped_case_passes(self):
        self.assertGreater(len(CASES), 0)
        done = self.caretaker("test", *CASES)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"{len(CASES)} passed, 0 failed", done.stdout)

    def test_every_shipped_case_and_its_site_is_valid(self):
        paths = CASES + [os.path.join(ROOT, "config", name)
                         for name in ("site.yaml", "logged-site.yaml")]
        done = self.caretaker("check", *paths)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for path in paths:
            self.assertIn(f"{path}: ok", done.stdout)

    def test_every_shipped_rule_is_raised_by_a_case(self):
        self.assertGreater(len(shipped_rules()), 20)
        missing = set(shipped_rules()) - rules_of("event: alarm.raised")
        self.assertEqual(missing, set())

    def test_every_shipped_rule_is_held_back_by_a_case(self):
        missing = set(shipped_rules()) - rules_of("never: alarm.raised")
        self.assertEqual(missing, set())

    def test_a_site_anywhere_finds_the_shipped_profiles(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "site.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write("site: {id: a, timezone: UTC}\ndata: data\n"
                        "buses: [{id: net, tcp: 127.0.0.1}]\n"
                        "devices: [{id: m, bus: net, unit: 1, "
                        "profile: eastron-sdm630}]\n")
            done = self.caretaker("check", path)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_case_that_fails_says_so(self):
        with open(os.path.join(ROOT, "config/cases/water-leak.yaml"),
                  encoding="utf-8") as f:
            text = f.read()
        wrong = text.replace("at: +11s", "at: +12s").replace(
            "../site.yaml", os.path.join(ROOT, "config/site.yaml"))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "wrong.yaml")
            with open(path, "w", encoding="utf-8") as f:
                f.write(wrong)
            done = self.caretaker("test", path)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("0 passed, 1 failed", done.stdout)
        self.assertIn("came: 2026-01-01 00:00:11  alarm raised", done.stdout)


if __name__ == "__main__":
    unittest.main()
