#!/usr/bin/python3
"""The shipped rules: each says all that is needed at night, and cases show when it speaks.

Rules and cases are read here as text, not by the program that they are for."""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CARETAKER = os.path.join(ROOT, os.environ.get("CARETAKER", "build/debug/caretaker"))
# Hundreds of runs judge the rules, not the program, which needs no sanitizer for that.
QUICK = os.path.join(ROOT, os.environ.get("RELEASE", CARETAKER))
LIMIT_S = 120  # Only a hang takes this long.
FILES = ("bus", "elevator", "environment", "gateway", "power", "pump")
SITES = ("../site.yaml", "../logged-site.yaml")  # Those that have these rules.
RULES_MIN = 45  # What was promised.
REASONS = ("procedure", "source")
TEXTS = ("title", "cause", "consequence", "action")  # What people read, in two languages.

# What each form looks like.  A rule may have several.
COMPARED = r"[<>]=? *-?[0-9(]"
FORMS = {
    "limit": rf"when: [a-z_0-9]+ {COMPARED}",
    "levels": r"^    levels:",
    "deviation": r"abs\([a-z_0-9]+ - |when: [a-z_0-9]+ > [a-z_0-9]+_alarm",
    "unbalance": r"unbalance\(",
    "state too long": r"when: (not )?[a-z_]+\n    hold: \d+(m|h|d)\n",
    "sequence": r"when: [a-z_]+ and not [a-z_]+|when: running and pressure <",
    "stale": r"age\([a-z_]+\) >",
    "rate": r"rate\(.+, \d+m\)",
    "count in a window": r"count\(.+, \d+[mhd]\) >",
    "absence": r"count\([a-z_]+, \d+[hd]\) == 0",
    "ratio": r"time\(.+\) > 2 \* least\(time\(",
    "stuck": r"stuck\([a-z_]+, \d+[mhd]\)",
    "hours": r"hours\(.+, since_service\)",
    "starts": r"starts\([a-z_]+\)",
    "held": r"held\([a-z_]+\) >",
    "quality": r"quality\([a-z_0-9]+\) ==",
    "composite": r"when: .+ (and|or) .+ (and|or) ",
}


class Rule:
    def __init__(self, file, text):
        self.file = file
        self.text = text
        self.id = re.match(r"  - id: (\S+)", text).group(1)

    def get(self, key):
        """The value of a key of the rule, without its quotes; None: it has none."""
        found = re.search(rf"^    {key}: (.+)$", self.text, re.M)
        return found.group(1).strip('"') if found else None

    def said(self, key, language):
        """One of the TEXTS, without its quotes; None: it is not said in that language."""
        block = re.search(rf"^    {key}:\n((?:      .+\n)+)", self.text + "\n", re.M)
        found = re.search(rf"^      {language}: (.+)$", block.group(1), re.M) if block else None
        return found.group(1).strip('"') if found else None

    def title(self, language):
        return self.said("title", language)

    @property
    def severities(self):
        return re.findall(r"^ +(?:- )?severity: (\S+)$", self.text, re.M)


def read_rules():
    rules = []
    for file in FILES:
        with open(os.path.join(ROOT, "config/rules", file + ".yaml"), encoding="utf-8") as f:
            text = f.read()
        parts = re.split(r"^(?=  - id: )", text, flags=re.M)[1:]
        rules += [Rule(file, part) for part in parts]
    return rules


def read_ids(pattern):
    ids = set()
    for path in glob.glob(os.path.join(ROOT, pattern)):
        with open(path, encoding="utf-8") as f:
            ids.update(re.findall(r"^  - id: (\S+)", f.read(), re.M))
    return ids


class Expectation:
    def __init__(self, text):
        self.fields = dict(re.findall(r"([a-z]+): ([^,}]+)", text))

    def get(self, key):
        return self.fields.get(key)


class Case:
    def __init__(self, path):
        self.name = os.path.basename(path)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        self.site = re.search(r"^site: (\S+)", text, re.M).group(1)
        lines = re.findall(r"^  - \{((?:at|never|event): .*)\}", text, re.M)
        self.expects = [Expectation(line) for line in lines if " do: " not in line]

    def raised(self):
        """The rules that must raise, each with the devices."""
        return {(x.get("rule"), x.get("device")) for x in self.expects
                if x.get("event") == "alarm.raised"}

    def denied(self):
        """The rules that must not: never at all, not on this device, or not at this time."""
        return {(x.get("rule"), x.get("device")) for x in self.expects
                if x.get("never") == "alarm.raised"}


def split_at(word, expression):
    """The operands of `and` or `or` at the outermost level."""
    parts, depth, part = [], 0, ""
    for token in re.split(r"(\(|\)|\b(?:and|or)\b)", expression):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == word and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += token
    return parts + [part.strip()]


def without_one(parts, word):
    """The expression without each of its parts in turn."""
    if len(parts) == 1:
        return []
    return [(part, f" {word} ".join(parts[:i] + parts[i + 1:]))
            for i, part in enumerate(parts)]


def mutants(rule):
    """What of a rule can be lost by a slip of the hand: (what is lost, its text then)."""
    for key in ("while", "suppressed_by", "clear"):
        text = re.sub(rf"^ +{key}: .+\n", "", rule.text, flags=re.M)
        if text != rule.text:
            yield key, text
    for line in re.findall(r"^ +when: .+$", rule.text, re.M):
        head, condition = re.match(r"( +when: )(.+)", line).groups()
        either = split_at("or", condition)
        losses = without_one(either, "or")
        for i, part in enumerate(either):
            losses += [(both, " or ".join(either[:i] + [rest] + either[i + 1:]))
                       for both, rest in without_one(split_at("and", part), "and")]
        for lost, rest in losses:
            yield lost, rule.text.replace(line, head + rest)


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rules = read_rules()
        cls.ids = [rule.id for rule in cls.rules]
        cases = [Case(path) for path in
                 sorted(glob.glob(os.path.join(ROOT, "config/cases/*.yaml")))]
        cls.cases = [case for case in cases if case.site in SITES]

    def assert_none(self, wrong):
        self.assertEqual(sorted(wrong), [])

    def test_all_files_are_read(self):
        shipped = {os.path.basename(p)[:-len(".yaml")]
                   for p in glob.glob(os.path.join(ROOT, "config/rules/*.yaml"))}
        self.assertEqual(shipped, set(FILES))
        self.assertEqual(len(self.ids), len(read_ids("config/rules/*.yaml")))
        for file in FILES:
            self.assertGreater(sum(rule.file == file for rule in self.rules), 3, file)

    def test_there_are_as_many_as_promised(self):
        self.assertGreaterEqual(len(self.rules), RULES_MIN)
        self.assertEqual(len(set(self.ids)), len(self.ids))

    def test_each_gives_its_reasons(self):
        self.assert_none((rule.id, key) for rule in self.rules for key in REASONS
                         if not rule.get(key))

    def test_each_procedure_is_shipped(self):
        procedures = read_ids("config/procedures/*.yaml")
        self.assert_none((rule.id, rule.get("procedure")) for rule in self.rules
                         if rule.get("procedure") not in procedures)

    def test_each_says_everything_in_both_languages(self):
        self.assert_none((rule.id, key) for rule in self.rules for key in TEXTS
                         if not re.search(r"[a-z]", rule.said(key, "en") or ""))
        self.assert_none((rule.id, key) for rule in self.rules for key in TEXTS
                         if not re.search(r"[\u4e00-\u9fff]", rule.said(key, "zh-CN") or ""))

    def test_both_titles_show_the_same_values(self):
        def shown(title):
            return set(re.findall(r"\{(.+?)\}", title)) - {"device"}
        self.assert_none(rule.id for rule in self.rules
                         if shown(rule.title("en")) != shown(rule.title("zh-CN")))

    def test_each_has_a_severity(self):
        known = {"info", "normal", "urgent", "critical"}
        self.assert_none(rule.id for rule in self.rules
                         if not rule.severities or set(rule.severities) - known)

    def test_each_promises_a_response(self):
        # A rule's own promise would hold at every level: there the priorities promise.
        plain = [rule for rule in self.rules if "\n    levels:" not in rule.text]
        levelled = [rule for rule in self.rules if "\n    levels:" in rule.text]
        self.assert_none(rule.id for rule in plain
                         if not re.fullmatch(r"\d+[mhd]", rule.get("respond_within") or ""))
        self.assert_none(rule.id for rule in levelled if rule.get("respond_within"))
        self.assert_none(rule.id for rule in levelled if len(rule.severities) < 2)

    def test_no_response_is_slower_than_its_priority(self):
        minutes = {"m": 1, "h": 60, "d": 1440}
        limits = {"critical": 15, "urgent": 30, "normal": 120, "info": 1440}
        def promised(rule):
            text = rule.get("respond_within")
            return int(text[:-1]) * minutes[text[-1]]
        def is_planned(rule):  # Work for the next round: it says so in days.
            return rule.severities == ["normal"] and rule.get("respond_within").endswith("d")
        self.assert_none(rule.id for rule in self.rules if rule.get("respond_within")
                         and promised(rule) > limits[rule.severities[0]]
                         and not is_planned(rule))

    def test_what_hides_another_comes_first_and_goes_last(self):
        # Else the other is told for a moment, before or after.  What is latched stays
        # until somebody has seen it.
        seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}
        def held(rule, key):
            text = rule.get(key) or "0s"
            return int(text[:-1]) * seconds[text[-1]]
        known = {rule.id: rule for rule in self.rules}
        pairs = [(rule, known[name]) for rule in self.rules if rule.get("suppressed_by")
                 for name in rule.get("suppressed_by").strip("[]").split(", ")]
        self.assertGreater(len(pairs), 20)
        self.assert_none((rule.id, by.id) for rule, by in pairs
                         if held(by, "hold") > held(rule, "hold"))
        self.assert_none((rule.id, by.id) for rule, by in pairs
                         if held(by, "clear_hold") < held(rule, "clear_hold")
                         and not by.get("latch"))

    def test_each_source_gives_a_place_or_says_verify(self):
        known = (r"verify|GB/T \d|GB \d|ISO \d|DL/T \d|NEMA MG|TSG |manual page|"
                 r"property service standard|coils 0x|UPS2000")
        self.assert_none((rule.id, rule.get("source")) for rule in self.rules
                         if not re.search(known, rule.get("source")))

    def test_every_form_is_shown(self):
        for form, pattern in FORMS.items():
            with self.subTest(form):
                self.assertTrue([rule.id for rule in self.rules
                                 if re.search(pattern, rule.text, re.M)])

    def test_each_is_raised_by_a_case(self):
        raised = {rule for case in self.cases for rule, _ in case.raised()}
        self.assert_none(set(self.ids) - raised)

    def test_each_is_held_back_by_a_case(self):
        denied = {rule for case in self.cases for rule, _ in case.denied()}
        self.assert_none(set(self.ids) - denied)

    def test_no_case_names_a_rule_that_is_not_shipped(self):
        named = {x.get("rule") for case in self.cases for x in case.expects}
        self.assert_none(named - set(self.ids) - {None})

    def test_each_level_is_reached_in_a_case(self):
        reached = {}
        for case in self.cases:
            for x in case.expects:
                if x.get("event") in ("alarm.raised", "alarm.changed"):
                    reached.setdefault(x.get("rule"), set()).add(x.get("severity"))
        self.assert_none((rule.id, severity) for rule in self.rules
                         if "\n    levels:" in rule.text for severity in rule.severities
                         if severity not in reached.get(rule.id, ()))

    def test_a_rule_that_spoke_always_would_be_caught(self):
        # Each rule in turn is made true whenever its points are known, at once and
        # always: a case that denies it must fail, else its denial proves nothing.
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "config")
            shutil.copytree(os.path.join(ROOT, "config"), config,
                            ignore=shutil.ignore_patterns("demo"))
            unmoved = [rule.id for rule in self.rules if not self.is_caught(config, rule)]
        self.assert_none(unmoved)

    def is_caught(self, config, rule):
        loud = re.sub(r"^( +when: )(.+)$", r"\1(\2) or not (\2)", rule.text, flags=re.M)
        loud = re.sub(r"^    (hold|while): .+\n", "", loud, flags=re.M)
        cases = [case for case in self.cases
                 if rule.id in {denied for denied, _ in case.denied()}]
        done = self.run_with(config, rule, loud, cases)
        return re.search(rf"never alarm\.raised.* by {rule.id}\b", done.stdout) is not None

    def run_with(self, config, rule, text, cases):
        """Runs cases with a rule in other words."""
        path = os.path.join(config, "rules", rule.file + ".yaml")
        with open(path, encoding="utf-8") as f:
            whole = f.read()
        self.assertIn(rule.text, whole)
        with open(path, "w", encoding="utf-8") as f:
            f.write(whole.replace(rule.text, text))
        names = [os.path.join(config, "cases", case.name) for case in cases]
        env = {**os.environ, "CARETAKER_SHARE": config}
        done = subprocess.run([QUICK, "test", *names], capture_output=True, text=True,
                              env=env, timeout=LIMIT_S, check=False)
        with open(path, "w", encoding="utf-8") as f:
            f.write(whole)
        self.assertIn(done.returncode, (0, 1), (rule.id, text, done.stderr))
        return done

    def test_no_part_of_a_rule_that_calls_people_can_be_lost(self):
        # Of each rule that calls people out at once, each gate, suppressor, dead band and
        # condition is taken away in turn: a case must notice.
        urgent = [rule for rule in self.rules if {"critical", "urgent"} & set(rule.severities)]
        unnoticed = []
        tried = 0
        with tempfile.TemporaryDirectory() as folder:
            config = os.path.join(folder, "config")
            shutil.copytree(os.path.join(ROOT, "config"), config,
                            ignore=shutil.ignore_patterns("demo"))
            for rule in urgent:
                cases = [case for case in self.cases
                         if rule.id in {x.get("rule") for x in case.expects}]
                for lost, text in mutants(rule):
                    tried += 1
                    if self.run_with(config, rule, text, cases).returncode == 0:
                        unnoticed.append((rule.id, lost))
        self.assert_none(unnoticed)
        self.assertGreater(tried, 2 * len(urgent))


class Readme(unittest.TestCase):
    """config/rules/README.md: what it shows is so."""

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(ROOT, "config/rules/README.md"), encoding="utf-8") as f:
            cls.text = f.read()
        cls.folder = tempfile.TemporaryDirectory()
        cls.config = os.path.join(cls.folder.name, "config")
        shutil.copytree(os.path.join(ROOT, "config"), cls.config,
                        ignore=shutil.ignore_patterns("demo"))
        with open(os.path.join(cls.config, "rules/pump.yaml"), encoding="utf-8") as f:
            mine = f.read().replace("when: bearing > 80 °C", "when: bearing > 90 °C")
        with open(os.path.join(cls.config, "mine.yaml"), "w", encoding="utf-8") as f:
            f.write(mine)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def blocks(self, language):
        return re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.M | re.S)

    def caretaker(self, *words):
        env = {**os.environ, "CARETAKER_SHARE": self.config}
        return subprocess.run([CARETAKER, *words], capture_output=True, text=True, env=env,
                              cwd=self.config, timeout=LIMIT_S, check=False)

    def test_its_commands_run(self):
        # The public records are not here: a log of two rows stands in for each.
        with open(os.path.join(self.config, "13.csv"), "w", encoding="utf-8") as f:
            f.write("datetime;Accelerometer1RMS;Accelerometer2RMS;Current;Pressure;Temperature;"
                    "Thermocouple;Voltage;Volume Flow RateRMS;anomaly;changepoint\n")
            for second in (40, 44):
                f.write(f"2020-02-08 18:47:{second};0.2;0.3;2.5;0.05;86;29;230;0.5;0.0;0.0\n")
        with open(os.path.join(self.config, "machine_temperature_system_failure.csv"), "w",
                  encoding="utf-8") as f:
            f.write("timestamp,value\n2013-12-16 15:00:00,40\n2013-12-16 15:20:00,39\n")
        lines = [line.split("#")[0].split() for block in self.blocks("sh")
                 for line in block.splitlines()]
        self.assertGreater(len(lines), 6)
        for words in lines:
            with self.subTest(" ".join(words)):
                self.assertEqual(words[0], "caretaker")
                done = self.caretaker(*words[1:])
                self.assertEqual(done.returncode, 1 if "--diff" in words else 0, done.stderr)
                if words[1] == "replay":
                    self.assertRegex(done.stdout, r"alarm\.raised|alarm raised|lost ")

    def test_its_case_passes(self):
        cases = [block for block in self.blocks("yaml") if block.startswith("case:")]
        self.assertEqual(len(cases), 1)
        path = os.path.join(self.config, "cases", "of-the-readme.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(cases[0])
        done = self.caretaker("test", path)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_its_rules_are_the_shipped_ones(self):
        shipped = {rule.id: rule for rule in read_rules()}
        parts = [part for block in self.blocks("yaml") if not block.startswith("case:")
                 for part in re.split(r"^(?=  - id: )", block, flags=re.M) if part]
        self.assertGreater(len(parts), 10)
        for part in parts:
            name = re.match(r"  - id: (\S+)", part).group(1)
            for line in part.splitlines():
                said = line.split(" #")[0].strip()
                with self.subTest(name, line=said):
                    self.assertIn(said, shipped[name].text)

    def test_the_site_of_the_records_is_valid(self):
        done = self.caretaker("check", "-c", "records-site.yaml")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
