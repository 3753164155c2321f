#!/usr/bin/python3
"""English and Chinese: what people read is worded in their language, what machines read is
the same in both, and scripts/language finds a text that is not translated."""
import functools
import glob
import html
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import yaml

from estate import CARETAKER, LIMIT_S, TOP, Estate, free_port, wait_for

CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Three words of English in a row: prose, and no list of words that files and options have.
PROSE = re.compile(r"(?<![\w-])[A-Za-z]?[a-z]+ [a-z]{2,} [a-z]{2,}(?![\w-])")
WORDS = {"critical", "urgent", "normal", "info", "active", "cleared", "opened", "assigned",
         "responded", "online", "offline", "unknown", "open", "take", "arrive", "wait",
         "resume", "resolve", "close", "reopen", "note", "rate", "abcd", "cdab", "badc",
         "dcba", "holding", "input", "coil", "discrete", "of", "type", "pump",
         "mon", "tue", "wed", "thu", "fri", "sat", "sun",
         # Fields of the ledger.
         "maker", "model", "specification", "serial", "supplier", "installed", "design_life",
         "design_hours", "design_starts", "warranty_until", "price", "area", "keeper", "id",
         "name", "location",
         # Uses of a plan, as they are written.
         "starts", "running", "door_cycles"}

RULES = """
rules:
  - id: hot
    when: bearing > 80
    severity: urgent
    title: {en: "{device} hot", zh-CN: "{device} 过热"}
    cause: {en: dry bearing, zh-CN: 缺油}
    consequence: {en: it seizes, zh-CN: 抱死}
    action: {en: grease it, zh-CN: 加脂}
    ticket: {category: bearing}
"""
SITE = """
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 20s}]
devices:
  - {id: pump-1, name: Pump 1, type: pump, bus: plant, unit: 1, poll: 100ms,
     points: {bearing: {register: input 0}}}
"""
SIMULATION = """
slaves:
  - tcp: "127.0.0.1:%d"
    units: [{unit: 1, id: pump-1, points: {bearing: {register: input 0, signal: 90}}}]
"""
LOG = "time,device,point,value\n" + "".join(
    f"2026-03-01T10:00:{s:02}Z,pump-1,bearing,{v}\n" for s, v in ((0, 60), (10, 90), (20, 60)))


def english(text):
    """The lines of `text` that hold English prose."""
    found = []
    for line in text.splitlines():
        if line.startswith("  caretaker "):  # An example, with its words in quotes.
            continue
        for m in PROSE.finditer(line):
            if m.group().startswith("caretaker "):  # A command as it is typed.
                continue
            if not set(re.findall(r"\w+", m.group().lower())) <= WORDS:
                found.append(line)
                break
    return found


def run(*words, env=None, cwd=None):
    clean = {k: v for k, v in os.environ.items()
             if k not in ("LANG", "LC_ALL", "LC_MESSAGES", "CARETAKER_LANGUAGE")}
    return subprocess.run([CARETAKER, *words], env={**clean, **(env or {})}, cwd=cwd,
                          capture_output=True, text=True, timeout=LIMIT_S, check=False)


class Help(unittest.TestCase):
    @staticmethod
    @functools.cache
    def chinese(command):
        return run(command, "--help", env={"LANG": "zh_CN.UTF-8"}).stdout

    def test_every_command_is_explained_in_chinese(self):
        overview = run("help", "--language", "zh-CN").stdout
        commands = re.findall(r"^  (\w+) ", overview, re.M)
        self.assertGreater(len(commands), 20)
        self.assertEqual(english(overview), [])
        for command in commands:
            with self.subTest(command):
                shown = self.chinese(command)
                self.assertEqual(english(shown), [])
                self.assertRegex(shown, CHINESE)
                # "zh" is zh-CN.
                self.assertEqual(run("--language=zh", "help", command).stdout, shown)

    def test_both_languages_name_the_same_options(self):
        for command in re.findall(r"^  (\w+) ", run("help").stdout, re.M):
            with self.subTest(command):
                def options(text):
                    return re.findall(r"^  (?:-\w, |    )--[a-z-]+", text, re.M)
                self.assertEqual(options(run(command, "--help").stdout),
                                 options(self.chinese(command)))

    def test_a_language_that_is_not_spoken_is_a_usage_error(self):
        for words, env in ((("help", "--language", "fr"), {}), (("help", "--language"), {}),
                           (("help",), {"CARETAKER_LANGUAGE": "fr"})):
            with self.subTest(words):
                done = run(*words, env=env)
                self.assertEqual(done.returncode, 2)
                self.assertIn("en, zh-CN", done.stderr)

    def test_a_mistake_is_told_in_the_persons_language(self):
        done = run("statsu", "--language", "zh-CN")
        self.assertEqual(done.returncode, 2)
        self.assertIn("是否指 status", done.stderr)
        done = run("tickets", "--bogus", env={"CARETAKER_LANGUAGE": "zh-CN"})
        self.assertIn("没有选项 --bogus", done.stderr)
        done = run("tickets", "--bogus")
        self.assertIn("there is no option --bogus", done.stderr)


class Files(unittest.TestCase):
    """Commands that need no daemon."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="caretaker-language.")
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def site(self, language, more=""):
        return self.write("site.yaml", f"site: {{id: house, language: {language}}}\n"
                          f"data: data\n{SITE % 502}{RULES}{more}")

    def test_the_person_comes_before_the_locale_and_the_locale_before_the_site(self):
        chinese, said = self.site("zh-CN"), {}
        for name, words, env in (
                ("site", (), {}), ("locale", (), {"LC_ALL": "en_US.UTF-8"}),
                ("option", ("--language", "en"), {}),
                ("environment", (), {"CARETAKER_LANGUAGE": "en"}),
                ("option first", ("--language", "zh-CN"), {"CARETAKER_LANGUAGE": "en"})):
            said[name] = run("alarms", "-c", chinese, *words, env=env).stdout.strip()
        self.assertEqual(said, {"site": "没有报警", "locale": "no alarms",
                                "option": "no alarms", "environment": "no alarms",
                                "option first": "没有报警"})
        silent = self.write("plain.yaml", "site: {id: house}\ndata: data\n")
        self.assertEqual(run("alarms", "-c", silent, env={"LANG": "zh_CN.UTF-8"}).stdout,
                         "没有报警\n")
        self.assertEqual(run("alarms", "-c", silent).stdout, "no alarms\n")

    def test_errors_of_a_file_are_told_in_its_sites_language(self):
        bad = self.site("zh-CN", "alarm: {}\n")
        done = run("check", "-c", bad)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"site\.yaml:\d+:1: 未知的键“alarm”；是否指 \"alarms\?? ?")
        self.assertEqual(english(done.stderr), [])
        done = run("check", "-c", bad, "--language", "en")
        self.assertIn('unknown key "alarm"', done.stderr)

    def test_every_bad_file_of_the_tests_is_refused_at_the_same_places(self):
        place = re.compile(r"^([^:\n]+):\d+:\d+: ", re.M)
        paths = [path for path in sorted(glob.glob(os.path.join(TOP, "tests/config/bad/*-*.yaml")))
                 if not os.path.basename(path).startswith(("part-", "map-"))]
        shown = run("check", *paths, "--language", "en").stderr
        other = run("check", *paths, "--language", "zh-CN").stderr
        self.assertEqual(set(paths) - set(place.findall(shown)), set(), "nothing is told of these")
        english_places, places = ([m.group() for m in place.finditer(text)]
                                  for text in (shown, other))
        self.assertEqual(english_places, places)
        self.assertEqual(english(other), [])

    def test_a_replay_is_told_in_both_and_its_json_is_one(self):
        site, log = self.site("en"), self.write("log.csv", LOG)
        text = run("replay", "-c", site, log, "--language", "zh-CN")
        self.assertEqual(text.returncode, 0, text.stderr)
        self.assertRegex(text.stdout, r"报警 触发, 紧急: Pump 1 hot \(pump-1/hot\)")
        self.assertRegex(text.stdout, r"工单 1 开单, 紧急")
        self.assertRegex(text.stderr, r"3 行（坏行 0），3 个样本，")
        self.assertIn("alarm raised, urgent: Pump 1 hot (pump-1/hot)",
                      run("replay", "-c", site, log).stdout)
        lines = [run("replay", "-c", site, log, "--format", "jsonl", "--language", language)
                 .stdout for language in ("en", "zh-CN")]
        self.assertEqual(lines[0], lines[1])
        self.assertIn('"event":"ticket.opened"', lines[0])

    def test_an_explanation_is_told_in_both_and_its_json_is_one(self):
        site, log = self.site("en"), self.write("log.csv", LOG)
        at = ("--at", "2026-03-01T10:00:11Z")
        text = run("explain", "-c", site, "hot", "pump-1", *at, log, "--language", "zh-CN")
        self.assertEqual(text.returncode, 0, text.stderr)
        self.assertIn("已触发，因为`bearing > 80` 为真 (bearing 为 90)", text.stdout)
        self.assertEqual(english(text.stdout), [])
        said = [run("explain", "-c", site, "hot", "pump-1", *at, log, "--json",
                    "--language", language).stdout for language in ("en", "zh-CN")]
        self.assertEqual(said[0], said[1])
        self.assertIn("raised because", json.loads(said[0])["verdict"])

    def test_what_machines_read_is_the_same_in_both(self):
        site = os.path.join(TOP, "config/site.yaml")
        for words in (("schema", "--json"),
                      ("profiles", "--json"), ("check", "--plan", "--json", "-c", site),
                      ("alarms", "--json", "-c", site), ("tickets", "--json", "-c", site),
                      ("devices", "--json", "-c", site)):
            with self.subTest(words[:2]):
                shown = [run(*words, "--language", language) for language in ("en", "zh-CN")]
                self.assertEqual(shown[0].returncode, 0, shown[0].stderr)
                self.assertEqual(shown[0].stdout, shown[1].stdout)

    def test_a_schema_explains_in_the_readers_language_and_accepts_the_same(self):
        def texts(node, key=None):
            if isinstance(node, dict):
                for k, v in node.items():
                    yield from texts(v, k)
            elif isinstance(node, list):
                for v in node:
                    yield from texts(v)
            elif key in ("description", "patternErrorMessage") and isinstance(node, str):
                yield node

        def without_texts(node):
            if isinstance(node, dict):
                return {k: without_texts(v) for k, v in node.items() if not (
                    k in ("description", "patternErrorMessage") and isinstance(v, str))}
            return [without_texts(v) for v in node] if isinstance(node, list) else node

        for kind in json.loads(run("schema", "--json").stdout):
            with self.subTest(kind["kind"]):
                en, zh = (json.loads(run("schema", kind["kind"], "--language", language).stdout)
                          for language in ("en", "zh-CN"))
                self.assertEqual(without_texts(en), without_texts(zh))
                self.assertEqual([t for t in texts(en) if CHINESE.search(t)], [])
                self.assertEqual([t for t in texts(zh) if not CHINESE.search(t)], [])

    def test_a_plan_is_told_in_chinese_and_its_columns_stand_straight(self):
        shown = run("check", "--plan", "-c", os.path.join(TOP, "config/site.yaml")).stdout
        self.assertEqual(english(shown), [])
        table = shown.split("\n\n")[1].splitlines()[1:4]

        def column(line, text):  # A Chinese character takes two columns.
            return sum(2 if CHINESE.match(c) else 1 for c in line[:line.index(text)])
        self.assertEqual(column(table[0], "站号"), column(table[1], "1     holding"))
        self.assertEqual(column(table[0], "地址"), column(table[1], "4097"))


class Live(unittest.TestCase):
    """A running daemon whose log is English and whose askers are not."""

    def setUp(self):
        port = free_port()
        self.estate = e = Estate(rules=RULES)
        self.addCleanup(e.close)
        e.write_site(SITE % port)
        e.simulate(SIMULATION % port)
        e.start()
        wait_for(lambda: e.listing("tickets"), "a ticket")

    def chinese(self, *words):
        return self.estate.run(*words, "--language", "zh-CN")

    def test_staff_read_and_are_refused_in_chinese(self):
        e = self.estate
        for words, wanted in (
                (("tickets",), r"编号 +优先级 +状态 +剩余 +设备.*\n1 +紧急 +待派单 .* pump-1"),
                (("alarms",), r"级别 +状态 +设备.*\n紧急 +未确认 +pump-1 +hot"),
                (("devices",), r"\npump-1 .* 在线 +有效"),
                (("status",), r"守护进程: 运行中\n(.*\n)*报警: 活动 1 未确认 1"),
                (("explain", "hot", "pump-1"), r"已触发，因为`bearing > 80` 为真"),
                (("ack", "pump-1", "hot", "--by", "zhang"), "已确认"),
                (("ticket", "take", "1", "--by", "zhang"), "工单 1：已接单")):
            with self.subTest(words):
                done = self.chinese(*words)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stdout, wanted)
                self.assertEqual(english(done.stdout), [])
        for words, wanted in (
                (("ack", "pump-1", "hot", "--by", "li"), "报警 pump-1/hot 已由 zhang 确认"),
                (("ticket", "take", "1", "--by", "zhang"), "工单 1 已派给 zhang"),
                (("ticket", "close", "1", "--by", "zhang"), "工单 1 的状态是：已派单；请先处理"),
                (("ack", "pump-9", "hot", "--by", "li"), "没有设备“pump-9”")):
            with self.subTest(words):
                done = self.chinese(*words)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(wanted, done.stderr)
        done = e.run("ack", "pump-1", "hot", "--by", "li")
        self.assertIn("was acknowledged by zhang already", done.stderr)

    def test_the_log_is_english_whoever_asks(self):
        before = len(self.estate.daemon.lines)
        self.assertEqual(self.chinese("ticket", "take", "1", "--by", "zhang").returncode, 0)
        self.estate.daemon.wait_line("ticket 1 assigned to zhang", since=before)
        self.assertNotRegex("\n".join(self.estate.daemon.lines), CHINESE)

    def test_listings_as_json_are_one(self):
        self.estate.ok("ack", "pump-1", "hot", "--by", "zhang")
        for words in (("alarms",), ("tickets",), ("explain", "hot", "pump-1")):
            with self.subTest(words):
                shown = [json.loads(self.estate.ok(*words, "--json", "--language", language))
                         for language in ("en", "zh-CN")]
                for one in shown:
                    if isinstance(one, dict):  # Moments go on.
                        one.pop("time", None)
                        one.pop("points", None)
                self.assertEqual(shown[0], shown[1])


TOUR = """site: {id: house, name: 滨河花园, timezone: Asia/Shanghai, language: zh-CN}
data: data
people:
  - {id: zhang, name: 张伟, role: chief, skills: [bearing]}
  - {id: li, name: 李娜}
teams:
  - {id: team-1, name: 机械班, members: [zhang, li], categories: [bearing], rota: {weekly: [zhang, li]},
     hours: {mon-fri: "08:00-18:00"}, escalate: [{after: 15m, to: chief}]}
procedures:
  - {id: steps, title: {en: e, zh-CN: 轴承过热}, steps: [{en: e, zh-CN: 启动备用泵}],
     parts: [{name: 轴承, count: 2}]}
maintenance:
  - {id: grease, title: {en: e, zh-CN: 润滑}, applies_to: {type: pump}, every: 30d, team: team-1,
     procedure: steps}
rules:
  - {id: hot, when: bearing > 80, severity: critical, title: {en: e, zh-CN: "{device} 过热"},
     cause: {en: e, zh-CN: 缺油}, consequence: {en: e, zh-CN: 抱死}, action: {en: e, zh-CN: 加脂},
     respond_within: 10m, procedure: steps, ticket: {category: bearing}, source: 手册}
buses: [{id: plant, name: 泵房, tcp: "127.0.0.1:%d", timeout: 20s}]
devices:
  - {id: pump-1, name: 一号泵, type: pump, location: 地下室, bus: plant, unit: 1, poll: 100ms,
     points: {bearing: {register: input 0, unit: °C}},
     ledger: {maker: 某厂, installed: 2019-06-01, design_life: 15y, keeper: zhang}}
"""
# What a person gave, ids of points, units, and words of files: not ours to translate.
OTHERS = set("""house zhang li team steps grease hot bearing plant pump gateway bus riverside
    online errors late load quarantined clock_trusted disk_free frames_dropped history_damaged history_full memory outbox_depth
    papers_due papers_over latency tcp input holding ms MB CNY kWh min MQTT JSON MTBF MTTR VERIFIED true
    critical urgent normal wear seal leak
    when severity title cause consequence action respond_within procedure ticket team category id
    en zh applies_to type verify_for follow_up source hold clear
    device parts fault reported false alarm no found
    ANSI ISA IEC EEMUA Publication MAD svg""".split())


class Tour(unittest.TestCase):
    """What the staff of a Chinese site see in a day has no word of English that is ours, not
    even a single one, which the search for prose would pass over."""

    def setUp(self):
        port = free_port()
        self.estate = e = Estate()
        self.addCleanup(e.close)
        e.write("site.yaml", TOUR % port)
        e.simulate(SIMULATION % port)
        e.start()
        wait_for(lambda: e.listing("tickets"), "a ticket")

    def left(self, *words, status=0):
        done = self.estate.run(*words, "--language", "zh-CN")
        self.assertEqual(done.returncode, status, done.stderr)
        text = html.unescape(re.sub(r"(?s)<style>.*?</style>|<[^>]*>", " ", done.stdout))
        text = re.sub(r"--[a-z-]+|/\S+|\b[0-9a-f]{12,}\b", " ", text)
        return [w for w in re.findall(r"[A-Za-z_]{3,}", text) if w not in OTHERS]

    def test_no_english_word_is_left(self):
        by = ("--by", "zhang")
        for words in (
                ("status",), ("devices",), ("devices", "--points"), ("alarms",), ("tickets",),
                ("duty",), ("plan",), ("ledger",), ("ticket", "take", "1", *by),
                ("ticket", "arrive", "1", *by), ("ticket", "wait", "1", "parts", *by),
                ("ticket", "resume", "1", *by), ("ticket", "tick", "1", "1", *by),
                ("ticket", "note", "1", "看过", "--minutes", "20", "--part", "轴承=2@50", *by),
                ("ticket", "change", "1", "--priority", "urgent", "--note", "不急", *by),
                ("ticket", "resolve", "1", "换轴承", "--cause", "wear", *by), ("tickets",),
                ("ticket", "show", "1"), ("ticket", "show", "1", "--html"),
                ("ack", "pump-1", "hot", *by),
                ("shelve", "pump-1", "hot", "--for", "1h", "--reason", "试验", *by), ("alarms",),
                ("unshelve", "pump-1", "hot", *by),
                ("service", "pump-1", "out", "--reason", "检修", *by), ("service",),
                ("service", "pump-1", "in", *by),
                ("ticket", "open", "pump-1", "漏水", *by), ("ticket", "take", "2", *by),
                ("ticket", "resolve", "2", "换密封", "--cause", "leak", *by),
                ("ticket", "close", "2", *by), ("ticket", "rate", "2", "5", *by),
                ("ticket", "reopen", "1", "又热了", *by),
                ("ledger", "set", "pump-1", "model=某型", *by),
                ("ledger", "add-document", "pump-1", "图/1", "--title", "说明书", *by),
                ("ledger", "add-alteration", "pump-1", "换叶轮", *by),
                ("ledger", "remove-document", "1", *by),
                ("plan", "done", "grease", "pump-1", *by), ("plan",), ("device", "pump-1"),
                ("explain", "hot", "pump-1"), ("tickets", "--all"), ("check", "--journal"),
                ("check", "--plan"), ("report", "alarms", "--from", "-1d"),
                ("report", "--from", "-1d"),
                ("report", "--from", "-1d", "--compare", "-3d..-2d", "--format", "html")):
            with self.subTest(words):
                self.assertEqual(self.left(*words), [])


class Shipped(unittest.TestCase):
    """Every text of the shipped YAML is in both languages."""

    def texts(self, node, path=""):
        """(where, mapping of languages or what stands there instead)"""
        if isinstance(node, dict):
            if "en" in node or "zh-CN" in node:
                yield path, node
                return
            for key, value in node.items():
                if key in ("title", "cause", "consequence", "action") and isinstance(value, str):
                    yield f"{path}.{key}", value
                yield from self.texts(value, f"{path}.{node.get('id', '')}.{key}")
        elif isinstance(node, list):
            for i, value in enumerate(node):
                yield from self.texts(value, f"{path}[{i}]")

    def test_every_text_of_rules_procedures_and_plans(self):
        paths = [p for f in ("rules", "procedures", "maintenance")
                 for p in sorted(glob.glob(os.path.join(TOP, "config", f, "*.yaml")))]
        self.assertGreater(len(paths), 8)
        count, missing = 0, []
        for path in paths:
            with open(path, encoding="utf-8") as f:
                tree = yaml.safe_load(f)
            for where, text in self.texts(tree, os.path.basename(path)):
                count += 1
                if (not isinstance(text, dict) or not text.get("en") or
                        not CHINESE.search(str(text.get("zh-CN") or ""))):
                    missing.append((where, text))
        self.assertGreater(count, 600)
        self.assertEqual(missing, [])


PO_HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
GOOD_C = '''
/* puts("not in a comment"); */
static const char *words[] = {N_("a marked text")};
int f(void) {
    log_info("the log stays as it is");
    printf(tr("%d lines of text\\n"), 3);
    return err_set(err, 1, ok ? "a first text" : "a second text");
}
static const struct cli_option options[] = {{"x", 0, CLI_FLAG, &x, NULL, "what the option does"}};
const char *w = tr_word("severity", "normal");
/* not translated: for machines. */
const char *k = "some words for machines";
'''
GOOD_PO = [("%d lines of text\\n", "%d 行文字\\n"), ("a first text", "甲"),
           ("a marked text", "乙"), ("a second text", "丙"),
           ("what the option does", "丁")]


class Tool(unittest.TestCase):
    """scripts/language, on a tree of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="caretaker-language.")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("scripts", "daemon", "config/language"):
            os.makedirs(os.path.join(self.folder, name))
        shutil.copy(os.path.join(TOP, "scripts/language"), os.path.join(self.folder, "scripts"))

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def catalogue(self, entries, word="普通"):
        self.write("config/language/zh-CN.po", PO_HEAD + "".join(
            ("#, c-format\n" if "%" in a else "") + f'msgid "{a}"\nmsgstr "{b}"\n\n'
            for a, b in entries) + f'msgctxt "severity"\nmsgid "normal"\nmsgstr "{word}"\n')

    def tool(self, *words):
        return subprocess.run([os.path.join(self.folder, "scripts/language"), *words],
                              capture_output=True, text=True, timeout=LIMIT_S, check=False)

    def check(self, source, entries, word="普通"):
        self.write("daemon/a.c", source)
        self.catalogue(entries, word)
        return self.tool("check")

    def test_a_whole_catalogue_is_right(self):
        done = self.check(GOOD_C, GOOD_PO)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_a_text_without_translation_is_found_at_its_place(self):
        for i, (text, _) in enumerate(GOOD_PO):
            done = self.check(GOOD_C, GOOD_PO[:i] + GOOD_PO[i + 1:])
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout, rf'^daemon/a\.c:\d+: not in .*"{re.escape(text)}"')
        done = self.check(GOOD_C, GOOD_PO, word="")
        self.assertRegex(done.stdout, r'^daemon/a\.c:10: not in .*"normal"')

    def test_a_translation_of_nothing_is_found(self):
        done = self.check(GOOD_C, GOOD_PO + [("nobody says this", "戊")])
        self.assertEqual(done.returncode, 1)
        self.assertIn('no source says "nobody says this"', done.stdout)

    def test_other_arguments_are_found(self):
        for wrong in ("%s 行文字\\n", "几行文字\\n", "%d %d 行文字\\n"):
            done = self.check(GOOD_C, [(GOOD_PO[0][0], wrong)] + GOOD_PO[1:])
            self.assertEqual(done.returncode, 1, wrong)
            self.assertIn("zh-CN.po:", done.stdout)

    def test_a_text_that_is_printed_as_it_stands_is_found(self):
        for line in ('puts("nobody translated this");', 'const char *a = "prose of any kind";',
                     'strbuf_printf(b, "the value %d is wrong", 3);'):
            done = self.check(f"{GOOD_C}\n{line}\n", GOOD_PO)
            self.assertEqual(done.returncode, 1, line)
            self.assertIn("for people that is not translated", done.stdout)

    def test_chinese_in_a_source_is_found(self):
        done = self.check(f'{GOOD_C}\nconst char *a = zh ? "工单" : "ticket";\n', GOOD_PO)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Chinese stands in the catalogue", done.stdout)

    def test_what_is_missing_is_merged_whole(self):
        self.write("daemon/a.c", GOOD_C)
        self.catalogue([])
        self.write("new.po", re.sub(r'msgid (".+")\nmsgstr ""', r'msgid \1\nmsgstr \1',
                                    self.tool("missing").stdout))
        self.assertEqual(self.tool("merge", os.path.join(self.folder, "new.po")).returncode, 0)
        self.assertEqual(self.tool("missing").stdout.strip(), 'msgid ""\nmsgstr ""')

    def test_an_update_puts_in_what_is_new_and_takes_out_what_is_gone(self):
        self.write("daemon/a.c", GOOD_C)
        self.catalogue(GOOD_PO[1:] + [("nobody says this", "戊")])
        self.assertEqual(self.tool("update").returncode, 0)
        with open(os.path.join(self.folder, "config/language/zh-CN.po"), encoding="utf-8") as f:
            text = f.read()
        self.assertIn('#, c-format\nmsgid "%d lines of text\\n"\nmsgstr ""\n', text)
        self.assertNotIn("nobody says this", text)
        self.assertIn('msgid "a first text"\nmsgstr "甲"\n', text)
        self.assertIn('"%d lines of text\\n"', self.tool("missing").stdout)

    def test_a_table_is_made_in_order(self):
        self.catalogue([("b\\n", "乙\\n"), ("b\\\\", "丙"), ('b \\"q\\"', "丁"),
                        ("%<PRIu64> x", "%<PRIu64> 个")])
        done = subprocess.run([os.path.join(TOP, "scripts/po-to-c"), "table",
                               os.path.join(self.folder, "config/language/zh-CN.po")],
                              capture_output=True, text=True, timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = re.findall(r"^    \{(.*), ", done.stdout, re.M)
        self.assertEqual(rows, ['"%" PRIu64 " x"', '"b\\n"', '"b \\"q\\""', '"b\\\\"',
                                '"severity\\004" "normal"', '""'])
        self.assertIn("table_count = 5;", done.stdout)


if __name__ == "__main__":
    unittest.main()
