#!/usr/bin/python3
"""The command line as scripts see it: what goes where, exit statuses, replay and cases."""
import json
import os
import re
import stat
import subprocess
import unittest

from estate import CARETAKER, LIMIT_S, Estate, free_port, wait_for

RULES = """
rules:
  - id: hot
    applies_to: {type: pump}
    while: running
    when: bearing > 80 °C
    hold: 30s
    clear: bearing < 75 °C
    severity: urgent
    title: {en: "{device} bearing at {bearing}"}
    cause: worn
    consequence: seizure
    action: grease
"""
SITE = """
tickets: {verify_for: 1m}
devices:
  - id: pump-1
    type: pump
    points:
      bearing: {unit: °C}
      running: {type: bool}
"""
T0 = "2026-03-01T10:%02d:%02d.000Z"


def long_log(values, running=1):
    """A row of each point every ten seconds."""
    text = "time,device,point,value,quality\n"
    for n, value in enumerate(values):
        t = T0 % (10 + n // 6, n % 6 * 10)
        text += f"{t},pump-1,bearing,{value},good\n{t},pump-1,running,{running},good\n"
    return text


def wide_log(values, running=1):
    text = "\ufefftime;pump-1.bearing;pump-1.running\r\n"
    for n, value in enumerate(values):
        text += f"2026-03-01 10:{10 + n // 6:02d}:{n % 6 * 10:02d};{value};{running}\r\n"
    return text


VALUES = [60, 70, 85, 85, 85, 85, 85, 82, 76, 74, 74, 74, 74]


def events_of(text):
    return [json.loads(line) for line in text.splitlines()]


class House(unittest.TestCase):
    def setUp(self):
        self.estate = Estate(rules=RULES)
        self.addCleanup(self.estate.close)
        self.estate.write_site(SITE)

    def refused(self, status, *words, site=True):
        done = self.estate.run(*words, site=site)
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        self.assertNotEqual(done.stderr, "")
        return done.stderr


class Words(House):
    def commands(self):
        shown = self.estate.ok("help", site=False)
        return re.findall(r"^  ([a-z]+) +\S", shown, re.MULTILINE)

    def test_every_command_explains_itself(self):
        commands = self.commands()
        self.assertLessEqual(
            {"run", "check", "replay", "test", "explain", "read", "simulate", "status", "devices",
             "alarms", "tickets", "ack", "ticket", "export", "profiles",
             "scan", "sniff", "record", "completion"}, set(commands))
        for command in commands:
            shown = self.estate.ok(command, "--help", site=False)
            self.assertIn(f"Usage: caretaker {command}", shown)
            self.assertIn("--help", shown)
            self.assertEqual(self.estate.ok("help", command, site=False), shown)
            self.assertEqual(self.estate.ok(command, "-h", site=False), shown)

    def test_a_wrong_word_is_usage_and_the_right_one_is_offered(self):
        for words, meant in ((["alrams"], "alarms"), (["tikets"], "tickets"),
                             (["alarms", "--jsno"], "--json"),
                             (["export", "--devise", "x"], "--device"),
                             (["replay", "--srtict", "x"], "--strict")):
            said = self.refused(2, *words, site=False)
            self.assertIn(meant, said)
        for words in ([], ["alarms", "extra"], ["alarms", "--device"],
                      ["ticket", "fly", 1], ["ticket", "take", "one"], ["ticket", "take"],
                      ["ack", "pump-1"], ["export", "--from", "yesterdayish"],
                      ["export", "--from", "-1h", "--to", "-2h"],
                      ["export", "--format", "xml"], ["replay"], ["test"],
                      ["replay", "--format", "xml", "x"],
                      ["read", "tcp:127.0.0.1", "1", "holding"],
                      ["read", "tcp:127.0.0.1", "256", "holding", "0"],
                      ["read", "tcp:127.0.0.1", "1", "holding", "65535", "2"],
                      ["read", "tcp:127.0.0.1", "1", "register", "0"],
                      ["profiles", "xy-md02", "qdy30a"]):
            self.refused(2, *words, site=words[:1] not in ([], ["test"]))

    def test_devices_are_filtered(self):
        e = self.estate
        everything = e.listing("devices")
        self.assertGreater(len(everything), 1)
        self.assertEqual([d["id"] for d in e.listing("devices", "--device", "pump-1")],
                         ["pump-1"])
        self.assertEqual(e.listing("devices", "--type", "pump"),
                         [d for d in everything if d["type"] == "pump"])
        self.assertEqual(e.listing("devices", "--state", "offline"), [])
        self.refused(2, "devices", "--state", "bogus")

    def test_the_usage_of_replay_and_import_has_every_option(self):
        for word in ("replay", "import", "export"):
            with self.subTest(word):
                said = self.estate.ok(word, "--help", site=False)
                usage = said[said.index("Usage:"):said.index("\n\n", said.index("Usage:"))]
                options = re.findall(r"^  (?:-(\w), |    )--([a-z-]+)", said, re.MULTILINE)
                self.assertGreater(len(options), 4)
                for letter, name in options:
                    if name not in ("help", "language"):  # Every command has these.
                        self.assertTrue(f"--{name}" in usage or f"-{letter} " in usage, name)
                self.assertEqual([x for x in said.splitlines() if len(x) > 100], [])

    def test_options_stand_anywhere(self):
        e = self.estate
        log = e.write("log.csv", long_log(VALUES))
        c = ["-c", e.site_file]
        wanted = e.ok("replay", *c, "--format", "jsonl", log, site=False)
        self.assertGreater(len(events_of(wanted)), 2)
        for words in (["replay", log, "--format=jsonl", *c],
                      ["replay", log, *c, "-fjsonl"],
                      [*c, "replay", log, "--format", "jsonl"],
                      [*c, "--format", "jsonl", "replay", log],
                      ["--site=" + e.site_file, "replay", "-f", "jsonl", "--", log]):
            self.assertEqual(e.ok(*words, site=False), wanted, words)

    def test_an_empty_listing_is_a_result(self):
        e = self.estate
        for listing in ("alarms", "tickets"):
            self.assertEqual(e.listing(listing), [])
            self.assertIn("no ", e.ok(listing))
        self.assertEqual({d["id"] for d in e.listing("devices")}, {"pump-1", "gateway"})
        self.assertEqual(e.status()["daemon"], "stopped")
        self.assertEqual(e.ok("export"), "time,device,point,value,quality\n")


class Config(House):
    def test_every_error_is_told_with_its_place(self):
        e = self.estate
        e.write_site(SITE.replace("type: pump", "typ: pump")
                     .replace("verify_for: 1m", "verify_for: soon"))
        e.write_rules(RULES.replace("hold: 30s", "hold: 30x").replace("urgent", "urgnt"))
        wanted = {e.site_file: ("typ", "soon"), e.path("rules.yaml"): ("30x", "urgnt")}
        for words in (["check"], ["run"], ["alarms"], ["replay", "x.csv"]):
            said = self.refused(3, *words)
            for path, parts in wanted.items():
                for part in parts:
                    self.assertRegex(
                        said, re.escape(path) + r":\d+:\d+: .*" + part)
        line = next(x for x in said.splitlines() if "urgnt" in x)
        with open(e.path("rules.yaml"), encoding="utf-8") as f:
            rows = f.read().splitlines()
        number, column = (int(x) for x in line[len(e.path("rules.yaml")) + 1:].split(":")[:2])
        self.assertEqual(rows[number - 1][column - 1:], "urgnt")
        self.assertIn("accepted", line)

    def test_a_sound_site_passes(self):
        self.assertEqual(self.estate.run("check").returncode, 0)
        self.assertEqual(self.estate.run("check", "-c", "/no/such/site.yaml",
                                         site=False).returncode, 3)


class Replay(House):
    def replay(self, *words):
        return self.estate.ok("replay", "--format", "jsonl", *words)

    def test_the_promised_events_come_at_the_promised_times(self):
        log = self.estate.write("log.csv", long_log(VALUES))
        wanted = [
            {"t": T0 % (10, 50), "event": "alarm.raised", "device": "pump-1", "rule": "hot",
             "severity": "urgent", "value": 85, "episode": 1},
            {"t": T0 % (10, 50), "event": "ticket.opened", "ticket": 1, "device": "pump-1",
             "rule": "hot", "priority": "urgent", "kind": "fault"},
            {"t": T0 % (11, 30), "event": "alarm.cleared", "device": "pump-1", "rule": "hot",
             "severity": "urgent", "value": 74, "episode": 1},
        ]
        lines = self.replay(log, "--stale-after", "30s")
        self.assertEqual([v for v in events_of(lines) if not v["event"].startswith("device.")],
                         wanted)
        # The very bytes that stand in other people's scripts.
        self.assertIn('{"t":"2026-03-01T10:10:50.000Z","event":"alarm.raised",'
                      '"device":"pump-1","rule":"hot","severity":"urgent","value":85,'
                      '"episode":1}\n', lines)
        stopped = self.replay(self.estate.write("off.csv", long_log(VALUES, running=0)),
                              "--stale-after", "30s")
        self.assertNotIn("alarm.raised", stopped)

    def test_the_same_input_gives_the_same_bytes(self):
        e = self.estate
        rng = [60 + (n // 6 * 7919) % 31 for n in range(3000)]
        text = "time,device,point,value\n"
        for n, value in enumerate(rng):
            t = 1772359800 + n * 10
            text += f"{t},pump-1,bearing,{value}\n{t},pump-1,running,{int(n % 50 > 3)}\n"
        logs = [e.write("log.csv", text),
                e.write("wide.csv", wide_log(VALUES))]
        options = ["--stale-after", "40s"]
        for form in ("text", "jsonl"):
            first = e.ok("replay", "--format", form, *options, *logs)
            self.assertGreater(len(first.splitlines()), 10)
            self.assertEqual(e.ok("replay", "--format", form, *options, *logs), first)
        self.assertFalse(os.path.exists(e.path("data")))

    def test_long_and_wide_are_one(self):
        e = self.estate
        options = ["--stale-after", "40s"]
        self.assertEqual(self.replay(e.write("w.csv", wide_log(VALUES)), *options),
                         self.replay(e.write("l.csv", long_log(VALUES)), *options))

    def test_bad_rows_are_told_counted_and_skipped(self):
        e = self.estate
        good = long_log(VALUES)
        rows = good.splitlines(keepends=True)
        bad = ["yesterday,pump-1,bearing,1,good\n", rows[1].replace("60", "hot"),
               T0 % (10, 0) + ",pump-1\n"]
        text = "".join(rows[:5] + bad[:1] + rows[5:9] + bad[1:] + rows[9:])
        log = e.write("bad.csv", text)
        done = e.run("replay", "--format", "jsonl", "--stale-after", "40s", log)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout,
                         self.replay(e.write("good.csv", good), "--stale-after", "40s"))
        for line in (6, 11, 12):
            self.assertRegex(done.stderr, re.escape(log) + f":{line}:")
        self.assertIn("3 bad", done.stderr)
        strict = e.run("replay", "--format", "jsonl", "--strict", log)
        self.assertNotEqual(strict.returncode, 0)
        self.assertRegex(strict.stderr, re.escape(log) + ":6:")

    def test_a_log_of_another_rhythm_is_recognised(self):
        done = self.estate.run("replay", self.estate.write("log.csv", long_log(VALUES)))
        self.assertIn("--stale-after", done.stderr)

    def test_other_rules_take_the_place_of_the_sites(self):
        e = self.estate
        rules = e.write("other.yaml", RULES.replace("hold: 30s", "hold: 10s"))
        log = e.write("log.csv", long_log(VALUES))
        raised = [v for v in events_of(self.replay(log, "--rules", rules,
                                                   "--stale-after", "30s"))
                  if v["event"] == "alarm.raised"]
        self.assertEqual([v["t"] for v in raised], [T0 % (10, 30)])

    def test_a_missing_log_is_the_outside_world(self):
        self.refused(4, "replay", "no-such.csv")


class Cases(House):
    def case(self, expect, name="case.yaml"):
        self.estate.write("log.csv", long_log(VALUES))
        return self.estate.write(name, "case: a hot bearing\nsite: site.yaml\nlog: log.csv\n"
                                 "expect:\n" + expect)

    GOOD = "  - {at: 10:10:50, within: 2s, event: alarm.raised, device: pump-1, rule: hot}\n"

    def setUp(self):
        super().setUp()
        self.estate.write_site(SITE.replace("type: pump", "type: pump\n    stale_after: 30s"))

    def test_a_case_that_holds_passes(self):
        path = self.case(self.GOOD + "  - {at: +90s, event: alarm.cleared, device: pump-1}\n"
                         "  - {never: ticket.closed, device: pump-1}\n")
        done = self.estate.run("test", path, site=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("1 passed, 0 failed", done.stdout)

    def test_a_case_that_fails_says_what_came_instead(self):
        wrong = self.case(self.GOOD.replace("10:10:50", "10:10:20"))
        good = self.case(self.GOOD, "good.yaml")
        done = self.estate.run("test", good, wrong, site=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, re.escape(wrong) + r":\d+:\d+: expected alarm.raised")
        self.assertRegex(done.stdout, r"came: .*10:10:50.*")
        self.assertIn("1 passed, 1 failed", done.stdout)
        never = self.case("  - {never: alarm.raised, rule: hot}\n")
        self.assertEqual(self.estate.run("test", never, site=False).returncode, 1)

    def test_a_broken_case_is_a_configuration_error(self):
        path = self.case(self.GOOD.replace("within", "wthin"))
        said = self.refused(3, "test", path, site=False)
        self.assertRegex(said, re.escape(path) + r":5:\d+: .*wthin")
        self.refused(3, "test", "no-such.yaml", site=False)

    def test_what_names_nothing_is_no_expectation(self):
        path = self.case(self.GOOD + "  - {event: alarm.raised, rule: hott}\n"
                         "  - {event: device.offline, device: pump-9}\n")
        said = self.refused(3, "test", path, site=False)
        self.assertRegex(said, re.escape(path) + r':6:\d+: .*rule "hott" does not exist')
        self.assertRegex(said, re.escape(path) + r':7:\d+: .*device "pump-9" does not exist')

    def test_an_error_names_its_case(self):
        good = self.case(self.GOOD, "good.yaml")
        self.estate.write("empty.csv", "time,device,point,value\n")
        for name, text, status, want in (
                ("empty.yaml", "log: empty.csv\n", 3, "the log has no samples"),
                ("headless.yaml", "log: site.yaml\n", 3, "site.yaml:1:1: "),
                ("gone.yaml", "log: nowhere.csv\n", 4, "nowhere.csv: No such file"),
                ("slip.yaml", "samples: [[+1s, pump-1.temp, 1]]\nexpect: [{never: alarm.raised, rule: x}]\n",
                 3, "the case has errors")):
            path = self.estate.write(name, "case: x\nsite: site.yaml\n" + text +
                                     ("" if "expect" in text else "expect: [{never: alarm.raised}]\n"))
            with self.subTest(name):
                said = self.refused(status, "test", good, path, site=False)
                self.assertIn(f"caretaker: {path}: ", said)
                self.assertIn(want, said[said.index(f"caretaker: {path}: "):])

    def test_a_never_that_names_nothing_does_not_hold(self):
        path = self.case(self.GOOD + "  - {never: alarm.raised, rule: hott}\n"
                         "  - {never: device.offline, device: pump-9}\n")
        said = self.refused(3, "test", path, site=False)
        self.assertRegex(said, re.escape(path) + r':6:\d+: .*rule "hott" does not exist; one of ')
        self.assertRegex(said, re.escape(path) + r':7:\d+: .*device "pump-9" does not exist')

    def test_a_command_after_the_end_fails_the_case(self):
        path = self.case(self.GOOD + "commands:\n"
                         "  - {at: +1h, do: ticket.take, device: pump-1, by: zhang}\n")
        done = self.estate.run("test", path, site=False)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, re.escape(path) + r":7:\d+: ticket.take comes after the end")
        with open(path, "a", encoding="utf-8") as f:
            f.write("until: +2h\n")
        done = self.estate.run("test", path, site=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


SIMULATION = """
slaves:
  - tcp: "127.0.0.1:%d"
    units:
      - unit: 3
        id: meter
        points:
          voltage: {register: input 0, type: f32, order: cdab, signal: 231.5}
          count: {register: holding 10, type: u16, signal: 4711}
          level: {register: holding 11, type: s16, signal: -5}
          open: {register: coil 4, signal: 1}
          shut: {register: discrete 4, signal: 1}
  - rtu: line-485
    baud: 115200
    units:
      - unit: 7
        id: pump-1
        points:
          bearing: {register: input 2, type: s16, scale: 0.1, signal: 61.5}
          running: {register: discrete 0, signal: 1}
"""
LIVE = """
history: {flush: 100ms}
buses: [{id: line, rtu: line-485, baud: 115200, parity: none, timeout: 3s, retries: 0}]
devices:
  - id: pump-1
    type: pump
    bus: line
    unit: 7
    poll: 100ms
    points:
      bearing: {register: input 2, type: s16, scale: 0.1, unit: °C}
      running: {register: discrete 0}
"""


class Live(House):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.estate.write_site(LIVE)
        self.estate.simulate(SIMULATION % self.port)

    def read(self, *words):
        return [x["value"] for x in json.loads(
            self.estate.ok("read", *words, "--json", site="-c" not in words))]

    def test_registers_are_read_over_tcp(self):
        at = f"tcp:127.0.0.1:{self.port}"
        self.assertEqual(self.read(at, 3, "input", 0, "--type", "f32", "--order", "cdab"),
                         [231.5])
        self.assertEqual(self.read(at, 3, "holding", 10, 2), [4711, 65531])
        self.assertEqual(self.read(at, 3, "holding", "0x0B", "--type", "s16"), [-5])
        self.assertEqual(self.read(at, 3, "coil", 4), [1])
        self.assertEqual(self.read(at, 3, "discrete", 4), [1])
        self.assertIn("4711", self.estate.ok("read", at, 3, "holding", 10))
        self.refused(4, "read", f"tcp:127.0.0.1:{free_port()}", 3, "holding", 0)
        self.refused(4, "read", at, 3, "holding", 9999)  # An exception is no answer.

    def test_a_serial_line_is_read_with_the_daemon_and_without(self):
        e = self.estate
        at = "rtu:" + e.path("line-485") + ",115200,8N1"
        words = (at, 7, "input", 2, "--type", "s16")
        self.assertEqual(self.read(*words), [615])
        e.start()
        wait_for(lambda: e.device("pump-1")["quality"] == "good", "the pump answers")
        errors = e.device("pump-1")["errors"]
        # One master on the line: were it two, some of these would collide.
        for _ in range(20):
            self.assertEqual(self.read(*words), [615])
        self.assertEqual(e.device("pump-1")["errors"], errors)
        self.assertEqual(e.device("pump-1")["quality"], "good")
        opened = subprocess.run(["ls", "-l", f"/proc/{e.daemon.pid}/fd"], text=True,
                                capture_output=True, timeout=LIMIT_S, check=True).stdout
        self.assertIn(os.path.realpath(e.path("line-485")), opened)
        self.refused(4, "read", at, 9, "input", 2)

    def test_two_daemons_do_not_share_a_data_folder(self):
        e = self.estate
        e.start()
        said = self.refused(4, "run")
        self.assertIn(e.path("data"), said)
        self.assertEqual(e.status()["pid"], e.daemon.pid)
        e.stop()
        e.start()
        e.daemon.kill()  # What is left of a dead one does not count.
        e.start()
        e.stop()

    def test_the_daemon_answers_its_group_only(self):
        e = self.estate
        e.start()
        sockets = [n for n in os.listdir(e.path("data"))
                   if stat.S_ISSOCK(os.stat(e.path("data/" + n)).st_mode)]
        self.assertEqual(len(sockets), 1)
        for name in os.listdir(e.path("data")):
            mode = stat.S_IMODE(os.stat(e.path("data/" + name)).st_mode)
            self.assertEqual(mode, 0o660 if name in sockets else 0o640, name)
        self.assertEqual(stat.S_IMODE(os.stat(e.path("data")).st_mode), 0o750)

    def test_a_command_needs_a_running_daemon_and_says_so(self):
        for words in (["ack", "pump-1", "hot"], ["ticket", "take", 1],
                      ["ticket", "open", "pump-1", "it drips"]):
            self.assertIn("daemon", self.refused(4, *words))

    def test_who_did_it_stands_in_the_journal_and_in_the_event(self):
        e = self.estate
        e.start()
        e.ok("ticket", "open", "pump-1", "it drips", "--by", "李工")
        opened = [v for v in e.events() if v["event"] == "ticket.opened"]
        self.assertEqual([(v["by"], v["kind"]) for v in opened], [("李工", "reported")])
        e.daemon.wait_line("ticket.open by 李工", "uid")
        e.stop()


if __name__ == "__main__":
    assert os.access(CARETAKER, os.X_OK), CARETAKER
    unittest.main(verbosity=2)
