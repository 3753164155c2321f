#!/usr/bin/python3
"""What replay reads: the same samples in every form, and from the history, give the same events
to the byte; spoilt samples do so too."""
import contextlib
import datetime
import json
import os
import pty
import shutil
import sqlite3
import subprocess
import threading
import unittest

from estate import CARETAKER, Estate, Process, Slave, free_port, wait_for

SITE = """devices:
  - {id: fan-1, type: pump, points: {bearing: {unit: degC, stale_after: 5s}, running: {stale_after: 5s}}}
  - {id: pump-1, type: pump, points: {bearing: {unit: degC, stale_after: 5s}, running: {stale_after: 5s}}}
"""
RULES = """rules:
  - {id: hot, when: bearing > 80 degC, hold: 3s, clear: bearing < 75 degC, while: running, severity: urgent,
     title: {en: hot}, cause: c, consequence: c, action: a, source: test}
  - {id: silent, when: age(bearing) > 10s, severity: normal,
     title: {en: silent}, cause: c, consequence: c, action: a, source: test}
"""
# 20 minutes at 1 s: each machine heats up and cools down, and is silent for a while.
DEVICES, POINTS = ("fan-1", "pump-1"), ("bearing", "running")


def samples():
    for s in range(1200):
        time = f"2026-03-01T00:{s // 60:02}:{s % 60:02}.000Z"
        for n, device in enumerate(DEVICES):
            if 500 + 100 * n <= s < 540 + 100 * n:
                continue
            hot = 60 + (s * (3 + n) // 10) % 45 + s % 7 / 10
            yield time, device, "bearing", f"{hot:.1f}"
            yield time, device, "running", str(int(s % 300 < 280))


def long_form():
    return "time,device,point,value\n" + "".join(",".join(row) + "\n" for row in samples())


def json_lines():
    return "".join(json.dumps(dict(zip(("time", "device", "point"), row), value=float(row[3]))) +
                   "\n" for row in samples())


def wide_form(names=None, separator=","):
    names = names or [f"{d}.{p}" for d in DEVICES for p in POINTS]
    rows = {}
    for time, device, point, value in samples():
        rows.setdefault(time, {})[f"{device}.{point}"] = value
    keys = [f"{d}.{p}" for d in DEVICES for p in POINTS]
    return "".join(separator.join(row) + "\n" for row in [["time", *names]] + [
        [time, *(cells.get(key, "") for key in keys)] for time, cells in rows.items()])


class Sources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.estate = e = Estate(site=SITE, rules=RULES)
        cls.addClassCleanup(e.close)
        e.write("long.csv", long_form())
        e.write("wide.csv", wide_form())
        e.write("log.jsonl", json_lines())
        e.write("tabs.csv", wide_form(separator="\t"))
        e.write("comma.csv", wide_form(separator=";").replace(".", ",").replace(",000Z", ".000Z")
                .replace("-1,", "-1."))
        e.write("foreign.csv", wide_form(["A", "A on", "B", "B on"], ";").replace("time", "when", 1))
        e.write("map.yaml", "time: when\ncolumns: {A: fan-1.bearing, A on: fan-1.running, "
                "B: pump-1.bearing, B on: pump-1.running}\n")
        cls.want = cls.events("long.csv")

    @classmethod
    def events(cls, *words, status=0, errors=None, stdin=None):
        done = subprocess.run([CARETAKER, "replay", "-c", cls.estate.site_file, "--format", "jsonl",
                               *words], cwd=cls.estate.folder, stdin=stdin, timeout=60,
                              capture_output=True, text=True, check=False)
        assert done.returncode == status, done
        if errors is not None:
            assert errors in done.stderr, done.stderr
        return done.stdout

    def test_there_is_something_to_compare(self):
        kinds = {json.loads(line)["event"] for line in self.want.splitlines()}
        self.assertLessEqual({"alarm.raised", "alarm.cleared", "ticket.opened", "device.offline"},
                             kinds)
        self.assertGreater(len(self.want.splitlines()), 20)

    def test_the_same_twice(self):
        self.assertEqual(self.events("long.csv"), self.want)

    def test_every_form_gives_the_same_events(self):
        with open(self.estate.path("comma.csv"), encoding="utf-8") as f:
            self.assertRegex(f.readlines()[1], r"^2026-03-01T00:00:00.000Z;60,0;1;60,0;1$")
        for words in (["wide.csv"], ["tabs.csv"], ["comma.csv"], ["log.jsonl"], ["--map", "map.yaml", "foreign.csv"]):
            with self.subTest(words):
                self.assertEqual(self.events(*words), self.want)

    def test_pieces_of_any_size_give_the_same_events(self):
        for name in ("long.csv", "wide.csv", "log.jsonl"):
            with open(self.estate.path(name), "rb") as f:
                log = f.read()
            for size in (61, 4096, 65536):
                with self.subTest(name=name, size=size):
                    reader, writer = os.pipe()

                    def write(writer=writer, log=log, size=size):
                        with open(writer, "wb", buffering=0) as out:
                            for at in range(0, len(log), size):
                                out.write(log[at:at + size])
                    thread = threading.Thread(target=write)
                    thread.start()
                    with open(reader, "rb") as stdin:
                        got = self.events("/dev/stdin", stdin=stdin)
                    thread.join()
                    self.assertEqual(got, self.want)

    def test_a_dash_is_standard_input(self):
        for name in ("long.csv", "wide.csv", "log.jsonl"):
            with self.subTest(name), open(self.estate.path(name), "rb") as stdin:
                self.assertEqual(self.events("-", stdin=stdin), self.want)
        self.estate.write("fan-only.csv", "time,device,point,value\n" + "".join(
            line + "\n" for line in long_form().splitlines() if "fan-1" in line))
        rest = self.estate.write("rest.csv", "time,device,point,value\nnow,a,b,c\n" + "".join(
            line + "\n" for line in long_form().splitlines() if "pump-1" in line))
        with open(rest, "rb") as stdin:
            self.assertEqual(self.events("fan-only.csv", "-", stdin=stdin,
                                         errors='standard input:2:1: "now" is no time'), self.want)
        for words, status, told in (
                (["-", "-"], 2, "standard input was given twice"),
                (["-"], 3, "standard input:1: no header"),
                (["--diff", "rules.yaml", "-"], 2, "--diff reads each log twice, and standard input"),
                (["--diff", "rules.yaml", "/dev/stdin"], 2, "and /dev/stdin can be read but once")):
            with self.subTest(words), open("/dev/null", "rb") as stdin:
                self.events(*words, stdin=stdin, status=status, errors=told)
        with open(self.estate.path("long.csv"), "rb") as stdin:
            done = subprocess.run([CARETAKER, "report", "alarms", "-c", self.estate.site_file, "--log",
                                   "-"], stdin=stdin, capture_output=True, text=True, timeout=60,
                                  check=False)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("standard input can be read but once", done.stderr)

    def test_files_of_several_forms_merge_by_time(self):
        fan = self.estate.write("fan.jsonl", "".join(
            line + "\n" for line in json_lines().splitlines() if "fan-1" in line))
        pump = self.estate.write("pump.csv", "time,device,point,value\n" + "".join(
            line + "\n" for line in long_form().splitlines() if "pump-1" in line))
        self.assertEqual(self.events(fan, pump), self.want)

    def test_a_gap_is_no_jump(self):
        """A hold does not run on over samples that are missing."""
        log = self.estate.write("gap.csv", "time,pump-1.bearing,pump-1.running\n"
                                "2026-03-01T00:00:00Z,85,1\n2026-03-01T00:00:02Z,85,1\n"
                                "2026-03-01T01:00:00Z,85,1\n2026-03-01T01:00:02Z,85,1\n")
        rows = [json.loads(line) for line in self.events(log).splitlines()]
        self.assertEqual([(r["t"][11:19], r["event"], r.get("rule")) for r in rows
                          if r["event"].startswith(("alarm", "device"))],
                         [("00:00:03", "alarm.raised", "hot"), ("00:00:07", "device.offline", None),
                          ("00:00:12", "alarm.raised", "silent"),
                          ("01:00:00", "device.online", None),
                          ("01:00:00", "alarm.cleared", "silent")])

    def test_a_terminal_sees_how_far_it_is(self):
        subprocess.run([CARETAKER, "import", "-q", "-c", self.estate.site_file,
                                          "long.csv"], cwd=self.estate.folder, check=True)
        for words in (["long.csv"], ["log.jsonl"], ["--from-history"]):
            with self.subTest(words):
                master, terminal = pty.openpty()
                with subprocess.Popen([CARETAKER, "replay", "-c", self.estate.site_file, *words],
                                      cwd=self.estate.folder, stdout=subprocess.DEVNULL,
                                      stderr=terminal) as child:
                    os.close(terminal)
                    shown = b""
                    try:
                        while part := os.read(master, 65536):
                            shown += part
                    except OSError:  # The other end was closed.
                        pass
                    os.close(master)
                    self.assertEqual(child.wait(60), 0)
                self.assertRegex(shown.decode(),
                                 r"\[#{30}\] 100 %  \d+\.\d\d million samples/s\r?\n"
                                 r"\d+ rows \(0 bad\), 4640 samples")

    def test_until_is_an_instant_now_or_an_age(self):
        first = self.want.index("\n", self.want.index('"t":"2026-03-01T00:09:')) + 1
        for end in ("2026-03-01 00:10", "2026-03-01T00:10:00Z"):
            part = self.events("long.csv", "--until", end)
            self.assertEqual(self.want[:len(part)], part)
            self.assertGreaterEqual(len(part), first)
            self.assertLess(len(part), len(self.want))
        # A log of this moment: what is later than now, or an hour ago, is left out.
        now = datetime.datetime.now(datetime.timezone.utc)
        times = [now + datetime.timedelta(hours=h) for h in (-2, -0.1, 2)]
        log = self.estate.write("now.csv", "time,device,point,value\n" + "".join(
            f"{t:%Y-%m-%dT%H:%M:%SZ},pump-1,bearing,1\n" for t in times))
        for end, samples in (("now", 2), ("-1h", 1), ("-30m", 1), ("+3h", 3)):
            with self.subTest(end):
                self.events("--until", end, log, errors=f", {samples} sample{'s' * (samples > 1)}, ")
        self.events("--until", "soon", "long.csv", status=2, errors='--until: "soon" is no instant; ')

    def test_an_end_before_the_first_row_is_told(self):
        for words in ([], ["-q"]):
            self.assertEqual(self.events(
                "--until", "2026-02-28", "long.csv", *words,
                errors="--until 2026-02-28 is before the first row, which is of "
                       "2026-03-01 00:00:00; nothing was replayed\n"), "")
        self.assertNotIn("before the first row", self.estate.run(
            "replay", "--until", "2026-03-01", self.estate.path("long.csv")).stderr)

    def test_a_map_is_checked(self):
        done = self.estate.run("check", self.estate.path("map.yaml"), site=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        bad = self.estate.write("bad-map.yaml", "time: when\ncolumns: {A: nowhere}\n")
        done = self.estate.run("check", bad, site=False)
        self.assertEqual(done.returncode, 3, done)
        self.assertIn("bad-map.yaml:2:14: ", done.stderr)

    def test_a_case_takes_every_form_of_log(self):
        for name in ("wide.csv", "log.jsonl"):
            case = self.estate.write("case.yaml", f"case: {name}\nsite: site.yaml\nlog: {name}\nexpect:\n"
                                     "  - {event: alarm.raised, rule: hot, device: fan-1, episode: 2}\n"
                                     "  - {event: alarm.raised, rule: silent, device: pump-1}\n")
            done = self.estate.run("test", case, site=False)
            self.assertEqual(done.returncode, 0, done)

    def test_strict_ends_at_the_first_bad_row(self):
        log = self.estate.write("bad.jsonl", json_lines().replace('"value": 1.0', '"value": "1"', 1))
        self.assertEqual(self.events("--strict", log, status=3,
                                     errors="bad.jsonl:2:86: \"value\" is a number"), "")
        self.events(log, errors="4640 rows (1 bad)")


class History(unittest.TestCase):
    def setUp(self):
        self.estate = e = Estate(site=SITE + "history: {keep: 10y}\n", rules=RULES)
        self.addCleanup(e.close)
        e.write("long.csv", long_form())
        e.write("log.jsonl", json_lines())

    def run_it(self, *words, status=0):
        done = subprocess.run([CARETAKER, words[0], "-c", self.estate.site_file, *words[1:]],
                              cwd=self.estate.folder, timeout=60, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, status, done)
        return done

    def replay(self, *words):
        return self.run_it("replay", "--format", "jsonl", *words).stdout

    def test_import_export_and_replay_agree(self):
        done = self.run_it("import", "log.jsonl")
        self.assertIn("4640 samples", done.stderr)
        self.assertIn(": 4640 imported, 0 were there", done.stderr)
        with open(self.estate.path("log.jsonl"), "rb") as stdin:
            done = subprocess.run([CARETAKER, "import", "-c", self.estate.site_file, "-"], stdin=stdin,
                                  cwd=self.estate.folder, timeout=60, capture_output=True, text=True,
                                  check=True)
        self.assertIn(": 0 imported, 4640 were there", done.stderr)
        want = self.replay("long.csv")
        self.assertGreater(len(want.splitlines()), 20)
        self.assertEqual(self.replay("--from-history"), want)
        for form in ("csv", "jsonl"):
            text = self.run_it("export", "--format", form, "--detail").stdout
            self.assertEqual(self.replay(self.estate.write("again." + form, text)), want)
            self.assertIn(": 0 imported, 4640 were there",
                          self.run_it("import", "again." + form).stderr)
            self.assertEqual(self.run_it("export", "--format", form, "--detail").stdout, text)

    def test_a_part_of_an_export_is_not_put_twice(self):
        self.run_it("import", "long.csv")
        whole = self.run_it("export").stdout
        part = self.run_it("export", "--point", "bearing").stdout
        self.estate.write("part.csv", part)
        said = self.run_it("import", "part.csv").stderr
        self.assertIn("2320 samples", said)
        self.assertIn(": 0 imported, 2320 were there", said)
        self.assertNotIn("differ", said)
        self.assertEqual(self.run_it("export").stdout, whole)
        one = self.estate.write("one.csv", "".join(part.splitlines(True)[:2]))
        self.assertIn("1 row (0 bad), 1 sample, ", self.run_it("import", one).stderr)
        lines = part.splitlines(True)
        self.estate.write("other.csv", lines[0] + lines[1] + lines[2].replace(",good", "1,good"))
        said = self.run_it("import", "other.csv").stderr
        self.assertIn(": 1 imported, 1 was there\n1 of them differs from", said)
        self.assertEqual(len(self.run_it("export").stdout.splitlines()),
                         len(whole.splitlines()) + 1)

    def test_samples_of_the_future_are_told(self):
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)
        self.estate.write("later.csv", "time,device,point,value\n2026-03-01T00:00:00Z,pump-1,bearing,1\n"
                          + f"{later:%Y-%m-%dT%H:%M:%SZ},pump-1,bearing,1\n" * 2)
        said = self.run_it("import", "later.csv").stderr
        self.assertIn(f"2 samples are of the future, up to {later:%Y-%m-%d %H:%M:%S}: was the time zone",
                      said)
        self.assertNotIn("future", self.run_it("import", "long.csv").stderr)

    def test_quiet_still_tells_bad_rows(self):
        self.estate.write("bad.csv", "time,device,point,value\nsoon,pump-1,bearing,1\n"
                          "2026-03-01T00:00:00Z,pump-1,bearing,1\n")
        for word in ("replay", "import"):
            said = self.run_it(word, "-q", "bad.csv").stderr
            self.assertRegex(said, r"\Abad.csv:2:1: .*\n\Z")

    def test_a_part_of_the_history(self):
        self.run_it("import", "long.csv")
        part = self.replay("--from-history", "--from", "2026-03-01 00:03", "--to",
                           "2026-03-01 00:08", "--device", "pump-1")
        text = self.run_it("export", "--from", "2026-03-01 00:03", "--to", "2026-03-01 00:08",
                           "--device", "pump-1").stdout
        self.assertEqual(self.replay(self.estate.write("part.csv", text)), part)
        self.assertIn('"pump-1"', part)
        self.assertNotIn("fan-1", part)

    def test_history_and_log_merge(self):
        # Of one time a log comes first, as fan-1 does by its id.
        only = self.estate.write("fan.csv", "time,device,point,value\n" + "".join(
            line + "\n" for line in long_form().splitlines() if "fan-1" in line))
        self.run_it("import", "long.csv")
        self.assertEqual(self.replay("--from-history", "--device", "pump-1", only),
                         self.replay("long.csv"))

    def test_while_the_daemon_runs(self):
        self.estate.start()
        done = self.run_it("import", "long.csv")
        self.assertIn(": 4640 imported", done.stderr)
        self.assertEqual(self.replay("--from-history", "--to", "2026-03-02"),
                         self.replay("long.csv"))
        self.estate.stop()

    def test_an_import_by_root_does_not_lock_the_daemon_out(self):
        """Before its first start, when there is no database yet."""
        e, nobody = self.estate, 65534
        if os.geteuid() == 0:
            for path in (e.folder, *(e.path(name) for name in os.listdir(e.folder))):
                os.chown(path, nobody, nobody)
        self.assertIn(": 4640 imported", self.run_it("import", "long.csv").stderr)
        as_nobody = []
        if os.geteuid() == 0:
            for name in os.listdir(e.path("data")):
                self.assertEqual(os.stat(e.path(f"data/{name}")).st_uid, nobody, name)
            as_nobody = ["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups"]
        # Some machines let nobody read a sanitizer's library: then the owner must do.
        runs = subprocess.run([*as_nobody, CARETAKER, "--version"], capture_output=True,
                              check=False).returncode == 0
        daemon = e.keep(Process(*(as_nobody if runs else []), CARETAKER, "run", "-c",
                                e.site_file, cwd=e.folder))
        daemon.wait_line("watching house")
        self.assertEqual(daemon.stop(), 0, daemon.log)
        self.assertNotIn("unable to open", "".join(daemon.log))

    def test_a_damaged_history_is_told(self):
        self.run_it("import", "long.csv")
        path = self.estate.path("data/history.db")
        with contextlib.closing(sqlite3.connect(path)) as db:
            blob = db.execute("SELECT bytes FROM chunk ORDER BY length(bytes) DESC").fetchone()[0]
            page = db.execute("PRAGMA page_size").fetchone()[0]
        with open(path, "r+b") as f:  # The page that the samples begin in.
            at = f.read().index(blob[:16]) // page * page
            f.seek(at)
            f.write(b"\xff" * page)
        done = self.run_it("replay", "--from-history")  # All else is there.
        self.assertEqual(done.stderr.count(" is damaged"), 1, done.stderr)
        self.assertIn("(1 bad), 2320 samples", done.stderr)
        self.assertEqual(self.estate.run("check", "--history").returncode, 1)
        with open(path, "r+b") as f:  # The page that says what tables there are.
            f.seek(100)
            f.write(b"\xff" * (page - 100))
        for words in (["replay", "--from-history"], ["import", "log.jsonl"], ["export"]):
            self.assertIn("history.db", self.run_it(*words, status=4).stderr)
        self.assertEqual(os.listdir(self.estate.path("data")).count("history.db"), 1)

    def test_a_file_that_is_no_history_is_told(self):
        os.mkdir(self.estate.path("data"))
        self.estate.write("data/history.db", "no database at all, " * 100)
        for words in (["replay", "--from-history"], ["import", "long.csv"], ["export"]):
            with self.subTest(words[0]):
                self.assertIn("data/history.db: open: no SQLite database, or damaged where it begins: "
                              "file is not a database\n", self.run_it(*words, status=4).stderr)

    def test_what_cannot_be_asked(self):
        for words, status, text in (
                (["replay"], 2, "no log was given; LOG..., --from-history or both"),
                (["replay", "--from", "-1h", "long.csv"], 2, "--from-history is missing"),
                (["replay", "--from-history", "--from", "soon"], 2, "soon"),
                (["replay", "--from-history", "--device", "pump-9"], 1,
                 'there is no device "pump-9"'),
                (["import"], 2, "no log was given"),
                (["import", "nothing.csv"], 4, "nothing.csv"),
                (["import", "--map", "site.yaml", "long.csv"], 3, "site.yaml:")):
            with self.subTest(words):
                self.assertIn(text, self.run_it(*words, status=status).stderr)

    def test_a_site_without_a_history_is_told(self):
        want = "/data has no history: the daemon never ran here, and nothing was imported\n"
        for words in (["--from-history"], ["--from-history", "long.csv"]):
            done = self.run_it("replay", *words, status=4)
            self.assertTrue(done.stderr.endswith(want), done.stderr)
            self.assertEqual(done.stdout, "")
        done = self.run_it("export")
        self.assertTrue(done.stderr.endswith(want), done.stderr)
        self.assertEqual(done.stdout, "time,device,point,value,quality\n")
        self.estate.write("head.csv", "time,device,point,value\n")
        self.run_it("import", "head.csv")  # An empty one is there now.
        self.assertIn("0 rows", self.run_it("replay", "--from-history").stderr)
        self.assertEqual(self.run_it("export").stderr, "")

    def test_strict_reads_no_row_behind_the_first_bad_one(self):
        head, row = "time,device,point,value\n", "2026-03-01T00:00:{:02}Z,pump-1,bearing,{}\n"
        bad = "".join(row.format(5, "x") for _ in range(200))
        files = {
            "long.csv": head + row.format(3, 30) + bad + row.format(6, 60),
            "wide.csv": "time,pump-1.bearing\n2026-03-01T00:00:03Z,30\n" +
                        "2026-03-01T00:00:05Z,x\n" * 200 + "2026-03-01T00:00:06Z,60\n",
            "log.jsonl": '{"time":"2026-03-01T00:00:03Z","device":"pump-1","point":"bearing","value":30}\n' +
                         "{}\n" * 200,
            "at-once.csv": head + bad + row.format(6, 60)}
        # Of one that is read beside it, only what is not later counts as having stood before.
        self.estate.write("other.csv", head + row.format(2, 20) + row.format(9, 90))
        for name, text in files.items():
            self.estate.write(name, text)
            before = [] if name == "at-once.csv" else ["30"]
            for words, want in (([name], before), (["other.csv", name], ["20"] * len(before) + before)):
                with self.subTest(words):
                    done = self.run_it("replay", "--strict", *words, status=3)
                    lines = done.stderr.splitlines()
                    self.assertEqual(len(lines), 2, done.stderr[:1000])
                    self.assertTrue(lines[0].startswith(name + ":"), lines)
                    self.assertIn("stopped at the first bad row", lines[1])
                    self.run_it("import", "--strict", "-q", *words, status=3)
                    rows = self.run_it("export").stdout.splitlines()[1:]
                    self.assertEqual([r.split(",")[3] for r in rows], want)
                    shutil.rmtree(self.estate.path("data"))

    def test_strict_stops_in_a_damaged_history_too(self):
        for s in range(10):  # Each import is a row of its own.
            self.estate.write("few.csv", "time,device,point,value\n"
                              f"2026-03-01T00:00:{s:02}Z,pump-1,bearing,{s}\n")
            self.run_it("import", "few.csv")
        with contextlib.closing(sqlite3.connect(self.estate.path("data/history.db"))) as db:
            count = db.execute("SELECT count(*) FROM chunk").fetchone()[0]
            db.execute("UPDATE chunk SET bytes = x'01ff'")
            db.commit()
        self.assertGreater(count, 1)
        done = self.run_it("replay", "--strict", "--from-history", status=3)
        self.assertEqual(done.stderr.count(" is damaged"), 1, done.stderr)
        self.assertEqual(self.run_it("replay", "--from-history").stderr.count(" is damaged"), count)

    def test_strict_stops_in_a_record_too(self):
        self.estate.write_site("buses: [{id: plant, rtu: /dev/ttyS9}]\ndevices: [{id: p, type: pump, "
                               "bus: plant, unit: 1, points: {bearing: {register: holding 0}}}]\n")
        self.estate.write_rules("")
        record = self.estate.write("x.rec", "# caretaker-record 1 framing=rtu bus=plant "
                                   "line=rtu:/dev/ttyS9,9600,8E1\n" + "what?\n" * 50)
        done = self.run_it("replay", "--strict", record, status=3)
        self.assertEqual(len(done.stderr.splitlines()), 2, done.stderr)
        self.assertIn("50 rows (50 bad)", self.run_it("replay", record).stderr)

    def test_a_strict_import_keeps_what_stood_before(self):
        self.estate.write("bad.csv", "time,device,point,value\n2026-03-01T00:00:00Z,pump-1,bearing,1\n"
                          "2026-03-01T00:00:01Z,pump-1,bearing,x\n"
                          "2026-03-01T00:00:02Z,pump-1,bearing,3\n")
        self.assertIn("bad.csv:3:37: 'x' is no value",
                      self.run_it("import", "--strict", "bad.csv", status=3).stderr)
        self.assertEqual(len(self.run_it("export").stdout.splitlines()), 2)
        self.run_it("import", "bad.csv")
        self.assertEqual(len(self.run_it("export").stdout.splitlines()), 3)
        self.estate.write("none.csv", "time,device,point,value\n2026-03-01T00:00:00Z,no,x,1\n")
        self.assertIn("not one row is good", self.run_it("import", "none.csv", status=3).stderr)


class Happened(unittest.TestCase):
    """What a daemon saw on the wire, replayed from its history, gives the events that it told."""

    SITE = """
history: {flush: 100ms}
buses:
  - {id: plant, tcp: "127.0.0.1:%d", timeout: 100ms, retries: 0}
devices:
  - {id: pump-1, type: pump, bus: plant, unit: 1, poll: 100ms, points: {
      bearing: {register: input 3, type: s16, scale: 0.1, unit: degC}, running: {register: discrete 2}}}
  - {id: pump-2, type: pump, bus: plant, unit: 2, poll: 100ms, points: {
      bearing: {register: input 3, type: s16, scale: 0.1, unit: degC}, running: {register: discrete 2}}}
"""
    RULES = """rules:
  - {id: hot, applies_to: {type: pump}, while: running, when: bearing > 80 degC, hold: 500ms,
     clear: bearing < 75 degC, clear_hold: 200ms, severity: urgent,
     title: {en: hot}, cause: c, consequence: c, action: a, source: test}
  - {id: dead, applies_to: {type: bus}, when: not online, hold: 300ms, severity: normal,
     title: {en: dead}, cause: c, consequence: c, action: a, source: test}
"""

    def wait_alarm(self, device, rule, state):
        wait_for(lambda: [device, rule, state] in
                 [[a["device"], a["rule"], a["state"]] for a in self.estate.listing("alarms")],
                 f"{rule} of {device}: {state}")

    def test_the_history_tells_what_happened(self):
        port = free_port()
        self.estate = e = Estate(rules=self.RULES)
        self.addCleanup(e.close)
        e.write_site(self.SITE % port)
        slave = e.keep(Slave("tcp", port, 1, 2))
        for unit in (1, 2):
            slave.set(unit, "input", 3, 600)
            slave.set(unit, "discrete", 2, 1)
        e.start()
        slave.set(1, "input", 3, 912)
        self.wait_alarm("pump-1", "hot", "active")
        slave.set(2, "input", 3, 851)
        self.wait_alarm("pump-2", "hot", "active")
        slave.set(1, "input", 3, 700)
        self.wait_alarm("pump-1", "hot", "cleared")
        slave.stop()
        self.wait_alarm("plant", "dead", "active")
        e.stop()
        with contextlib.closing(sqlite3.connect(e.path("data/state.db"))) as db:
            told = [json.loads(row) for (row,) in db.execute(
                "SELECT json FROM events WHERE name LIKE 'alarm.%' OR name LIKE 'device.%' ORDER BY seq")]
        # The last of them may be a timer's, later than the last sample.
        done = e.run("replay", "-c", e.site_file, "--from-history", "--format", "jsonl", "--until",
                     told[-1]["t"], site=False)
        self.assertEqual(done.returncode, 0, done)
        again = [json.loads(line) for line in done.stdout.splitlines()]

        def key(event):
            return tuple(event.get(k) for k in ("t", "event", "device", "rule", "severity", "value",
                                                "episode"))
        again = [key(event) for event in again if event["event"].startswith(("alarm.", "device."))]
        told = [key(event) for event in told]
        self.assertGreaterEqual(len(told), 5, told)
        self.assertEqual(again, told)


class WhatIf(unittest.TestCase):
    def setUp(self):
        self.estate = e = Estate(site=SITE, rules=RULES)
        self.addCleanup(e.close)
        e.write("long.csv", long_form())
        e.write("wide.csv", wide_form())

    def run_it(self, *words, status=0):
        done = subprocess.run([CARETAKER, "replay", "-c", self.estate.site_file, "--format", "jsonl",
                               *words], cwd=self.estate.folder, timeout=60, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, status, done)
        return done

    def test_the_same_each_time_and_in_every_form(self):
        plain = self.run_it("long.csv").stdout
        for words, told in ((["--noise", "bearing=4"], "2320 with noise"),
                            (["--drift", "pump-1.bearing=2000"], "1159 samples drifted"),
                            (["--stick", "*.bearing@+2m..+10m"], " stuck"),
                            (["--drop", "30%"], " dropped"),
                            (["--drop", "bearing=0.5"], " dropped"),
                            (["--shift-clock", "1h@+5m.."], " frames at another time")):
            with self.subTest(words):
                done = self.run_it(*words, "long.csv")
                self.assertNotEqual(done.stdout, plain)
                self.assertIn(told, done.stderr)
                self.assertEqual(self.run_it(*words, "wide.csv").stdout, done.stdout)

    def test_another_seed_is_another_chance(self):
        one = self.run_it("--noise", "bearing=4", "long.csv").stdout
        self.assertEqual(self.run_it("--noise", "bearing=4", "--seed", "1", "long.csv").stdout, one)
        self.assertNotEqual(self.run_it("--noise", "bearing=4", "--seed", "2", "long.csv").stdout,
                            one)

    def test_a_whole_clock_that_is_wrong_moves_everything(self):
        plain = self.run_it("long.csv").stdout
        late = self.run_it("--shift-clock", "-1d", "long.csv").stdout
        self.assertEqual(late.replace("2026-02-28T", "2026-03-01T"), plain)

    def test_a_lost_sensor_is_silent(self):
        kinds = [json.loads(line) for line in self.run_it("--drop", "fan-1.*=1", "long.csv").stdout
                 .splitlines()]
        self.assertEqual([k for k in kinds if k.get("device") == "fan-1"], [])

    def test_what_cannot_be_asked(self):
        for words, status, text in (
                (["--noise", "bearing"], 2, "POINT=SIGMA, such as pump-1.bearing=0.5, is accepted"),
                (["--noise", "bering=1"], 1, 'the site has no numeric point "bering"'),
                (["--seed", "-1"], 2, "--seed is a whole number")):
            with self.subTest(words):
                self.assertIn(text, self.run_it(*words, "long.csv", status=status).stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
