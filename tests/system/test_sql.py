#!/usr/bin/python3
"""The history in SQL: by our binary, by the sqlite3 shell and by Python with the extension, the
same as `caretaker export` has it; and nothing but reading."""
import csv
import io
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import unittest

from estate import CARETAKER, LIMIT_S, Estate, free_port, wait_for

EXTENSION = os.path.join(os.path.dirname(CARETAKER), "caretaker_history")
SITE = """devices:
  - {id: fan-1, type: pump, points: {bearing: {unit: °C}, running: {}}}
  - {id: pump-1, type: pump, points: {bearing: {unit: °C}, running: {}}}
"""
RULES = """
rules:
  - id: warm
    applies_to: {type: pump}
    when: bearing > 50 °C
    clear: bearing < 40 °C
    severity: normal
"""
LIVE = """
history: {flush: 200ms}
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 300ms}]
devices:
  - id: pump-1
    type: pump
    bus: plant
    unit: 1
    poll: 100ms
    points:
      bearing: {register: input 0, type: s16, scale: 0.1, unit: °C}
      running: {register: discrete 0}
"""
SLAVE = """
slaves:
  - tcp: "127.0.0.1:%d"
    units:
      - unit: 1
        id: pump-1
        points:
          bearing: {register: input 0, type: s16, scale: 0.1, signal: 60}
          running: {register: discrete 0, signal: 1}
"""
ALL = "select time, device, point, value, quality from samples"
ORDER = " order by time, device, point"


def log():
    """Twenty minutes of two machines; some samples are not good."""
    yield "time,device,point,value,quality"
    for s in range(1200):
        for n, device in enumerate(("fan-1", "pump-1")):
            at = f"2026-03-01T00:{s // 60:02}:{s % 60:02}.{(s * 7) % 10:03}Z,{device}"
            bad = s % 50 == n
            yield f"{at},bearing,{'' if bad else 60 + (s * 3 + n) % 200 / 10},{'timeout' if bad else 'good'}"
            yield f"{at},running,{int(s % 300 < 280)},good"


def shell(path, sql, *words):
    done = subprocess.run(
        ["sqlite3", "-json", *words, "-cmd", ".timeout 20000", "-cmd", ".load " + EXTENSION, path, sql],
        capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"{sql}: {done.stderr}")
    return json.loads(done.stdout) if done.stdout.strip() else []


def rows_of(text):
    """Of an export, as the shell gives them."""
    return [dict(row, value=float(row["value"]) if row["value"] else None)
            for row in csv.DictReader(io.StringIO(text))]


class Recorded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.estate = Estate(site=SITE + "history: {keep: 10y}\n")
        cls.addClassCleanup(cls.estate.close)
        cls.estate.write("log.csv", "\n".join(log()) + "\n")
        cls.estate.ok("import", "log.csv")
        cls.export = cls.estate.ok("export")
        cls.history = cls.estate.path("data/history.db")

    def sql(self, *words):
        return self.estate.ok("sql", *words)

    def refused(self, status, *words):
        done = self.estate.run("sql", *words)
        self.assertEqual((done.returncode, done.stdout), (status, ""), words)
        return done.stderr

    def test_all_is_what_export_has(self):
        self.assertGreater(len(self.export.splitlines()), 4000)
        self.assertEqual(self.sql(ALL + ORDER), self.export)
        self.assertEqual(self.sql("--csv", ALL), self.export)
        jsonl = self.estate.ok("export", "--format", "jsonl")
        self.assertEqual(self.sql("--format", "jsonl", ALL), jsonl)
        self.assertEqual(json.loads(self.sql("--json", ALL)),
                         [json.loads(line) for line in jsonl.splitlines()])

    def test_a_part_is_what_export_has(self):
        for where, words in (
                ("time >= '2026-03-01 00:05' and time <= '2026-03-01T08:06:00+08:00'",
                 ["--from", "2026-03-01T00:05:00Z", "--to", "2026-03-01T00:06:00Z"]),
                ("device = 'fan-1' and point = 'running'",
                 ["--device", "fan-1", "--point", "running"]),
                ("device in ('pump-1', 'fan-1', 'nobody') and time < '2026-03-01T00:00:30Z'",
                 ["--to", "2026-03-01T00:00:29.999Z"]),
                ("t_ms between 1772323200000 and 1772323260000",
                 ["--from", "2026-03-01T00:00:00Z", "--to", "2026-03-01T00:01:00Z"]),
                ("time > datetime('2026-03-02', '-85800 seconds')",
                 ["--from", "2026-03-01T00:10:00.001Z"])):
            want = self.estate.ok("export", *words)
            self.assertGreater(len(want.splitlines()), 50)
            self.assertEqual(self.sql(f"{ALL} where {where}{ORDER}"), want, where)

    def test_the_shell_reads_the_same(self):
        self.assertEqual(shell(self.history, ALL + ORDER), rows_of(self.export))
        self.assertEqual(shell(self.history, ALL + ORDER, "-readonly"), rows_of(self.export))
        counted = ("select device, quality, count(*) n, round(avg(value), 9) mean from samples"
                   " where point = 'bearing' group by device, quality order by 1, 2")
        got = shell(self.history, counted)
        self.assertEqual([(row["device"], row["quality"], row["n"]) for row in got],
                         [("fan-1", "good", 1176), ("fan-1", "timeout", 24),
                          ("pump-1", "good", 1176), ("pump-1", "timeout", 24)])
        self.assertEqual(json.loads(self.sql("--json", counted)), got)

    def test_python_reads_the_same(self):
        # The system's own: another one may come without extensions.
        done = subprocess.run(
            ["/usr/bin/python3", "-c",
             "import sqlite3, sys, json\n"
             "c = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)\n"
             "c.enable_load_extension(True)\n"
             "c.load_extension(sys.argv[2])\n"
             "print(json.dumps(c.execute(sys.argv[3], sys.argv[4:]).fetchall()))",
             self.history, EXTENSION,
             ALL + " where device = ? and time >= ? and point in (?, ?)" + ORDER,
             "fan-1", "2026-03-01T00:19", "running", "bearing"],
            capture_output=True, text=True, timeout=LIMIT_S, check=True)
        want = [list(row.values()) for row in rows_of(self.export)
                if row["device"] == "fan-1" and row["time"] >= "2026-03-01T00:19"]
        self.assertEqual(len(want), 120)
        self.assertEqual(json.loads(done.stdout), want)

    def test_what_is_no_history_is_told_by_the_extension(self):
        done = subprocess.run(
            ["sqlite3", "-cmd", ".load " + EXTENSION, ":memory:", "select * from samples"],
            capture_output=True, text=True, timeout=LIMIT_S, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no history of caretaker", done.stderr)

    def test_it_only_reads(self):
        before = os.stat(self.history).st_mtime_ns
        for statement, what in (
                ("insert into point values (9, 9, 'x')", "changes"),
                ("delete from chunk", "changes"), ("update device set id = 'x'", "changes"),
                ("create table x (y)", "changes"), ("create temp table x (y)", "changes"),
                ("insert into samples values (1)", "changes"), ("drop table samples", "changes"),
                ("alter table samples rename to x", "changes"),
                ("drop table chunk", "changes"), ("vacuum into 'copy.db'", "changes"),
                ("reindex", "changes"), ("attach 'other.db' as other", "ATTACH"),
                ("detach state", "DETACH"), ("begin immediate", "BEGIN"), ("commit", "COMMIT"),
                ("pragma user_version = 7", "PRAGMA user_version"),
                ("pragma journal_mode = delete", "PRAGMA journal_mode"),
                ("pragma wal_checkpoint(truncate)", "PRAGMA wal_checkpoint"),
                ("pragma temp_store_directory = '/x'", "PRAGMA temp_store_directory"),
                ("select load_extension('x')", "load_extension")):
            self.assertRegex(self.refused(1, statement),
                             f"{what}.* is refused: the history is only read here", statement)
        self.assertFalse(os.path.exists(self.estate.path("copy.db")))
        self.assertFalse(os.path.exists(self.estate.path("other.db")))
        self.assertEqual(os.stat(self.history).st_mtime_ns, before)
        self.assertEqual(self.estate.ok("export"), self.export)

    def test_errors_say_where(self):
        for statement, said in (
                ("selct 1", '1:1: near "selct": syntax error'),
                ("select time,\n  vlue from samples", "2:3: no such column: vlue"),
                ("select '温度', vlue from samples", "1:14: no such column: vlue"),
                ("select 1 from sample", "no such table: sample; caretaker sql --tables"),
                ("select 1; select 2", "1:10: here another statement begins"),
                (" ; -- nothing", "there is no statement here"),
                ("select (1", "incomplete input")):
            self.assertIn(said, self.refused(2, statement))
        for words in ([], ["a", "b"], ["--format", "xml", "select 1"], ["--csv", "--json", "select 1"],
                      ["--tables", "select 1"]):
            self.assertIn("usage:", self.refused(2, *words))
        done = self.estate.run("sql", "select sum(9223372036854775807) from samples")
        self.assertEqual((done.returncode, done.stderr), (2, "caretaker: integer overflow\n"))
        done = self.estate.run("sql", "select length(group_concat(zeroblob(1000000))) from samples")
        self.assertEqual(done.returncode, 4)
        self.assertIn("more than 256 MiB", done.stderr)

    def test_values_of_all_kinds(self):
        self.assertEqual(
            json.loads(self.sql("--json", "select null a, 1 b, 0.1 c, 'x\"y' d, x'00ff' e, 9e999 f")),
            [{"a": None, "b": 1, "c": 0.1, "d": 'x"y', "e": "x'00ff'", "f": None}])
        self.assertEqual(self.sql("--csv", "select null a, 1 b, 0.1 c, 'x,y' \"d,e\", x'00ff' f, -9e999 g"),
                         "a,b,c,\"d,e\",f,g\n,1,0.1,\"x,y\",x'00ff',-inf\n")
        self.assertEqual(self.sql("--json", "select 1 where 0"), "[]\n")
        self.assertEqual(self.sql("-f", "table", "select 'a' name, 5 n union all select '温度', null"),
                         "name  n\na     5\n温度  -\n")

    def test_a_table_is_as_wide_as_its_first_rows(self):
        text = self.sql("--format", "table", ALL).splitlines()
        self.assertEqual(len(text), len(self.export.splitlines()))
        self.assertEqual(text[0].split(), ["time", "device", "point", "value", "quality"])
        self.assertEqual({line.index("bearing") for line in text if "bearing" in line},
                         {text[0].index("point")})

    def test_a_terminal_gets_a_table(self):
        parent, child = pty.openpty()
        done = subprocess.run([CARETAKER, "sql", "-c", self.estate.site_file, "select 1 n"], stdout=child,
                              timeout=LIMIT_S, check=True)
        os.close(child)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(os.read(parent, 100), b"n\r\n1\r\n")
        os.close(parent)

    def test_a_dash_is_standard_input(self):
        done = subprocess.run([CARETAKER, "sql", "-c", self.estate.site_file, "-"],
                              input="select count(*) as n\n  from samples;\n", text=True,
                              capture_output=True, timeout=LIMIT_S, check=True)
        self.assertEqual(done.stdout, "n\n4800\n")

    def test_tables_are_listed(self):
        tables = {row["table"]: row["columns"] for row in json.loads(self.sql("--tables", "--json"))}
        self.assertEqual(tables["samples"], "device, point, time, [t_ms], value, quality,"
                                            " [clock_untrusted], [detail], [nth]")
        for name in ("samples_1m", "samples_1h"):
            self.assertEqual(tables[name], "device, point, time, [t_ms], min, max, mean, last, count,"
                                           " [last_ms]")
        self.assertIn("chunks", tables)

    def test_minutes_and_hours_are_what_the_samples_give(self):
        for table, size in (("samples_1m", 16), ("samples_1h", 13)):
            got = json.loads(self.sql("--json", f"select * from {table} order by time, device, point"))
            self.assertEqual(got, shell(self.history, f"select * from {table} order by time, device, point"))
            groups = {}
            for row in rows_of(self.export):
                if row["quality"] == "good":
                    time = (row["time"][:size] + ":00:00")[:19] + ".000Z"
                    groups.setdefault((time, row["device"], row["point"]), []).append(row["value"])
            self.assertEqual(len(got), len(groups))
            for row, (key, values) in zip(got, sorted(groups.items())):
                self.assertEqual((row["time"], row["device"], row["point"]), key)
                self.assertEqual((row["min"], row["max"], row["last"], row["count"]),
                                 (min(values), max(values), values[-1], len(values)))
                self.assertAlmostEqual(row["mean"], sum(values) / len(values), 6)

    def test_an_interrupt_ends_it(self):
        endless = "with recursive n (x) as (select 1 union all select x + 1 from n) select x from n"
        with subprocess.Popen([CARETAKER, "sql", "-c", self.estate.site_file, endless],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "x\n")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=LIMIT_S)
            self.assertEqual(process.returncode, -signal.SIGINT)

    def test_an_error_behind_rows_closes_no_array(self):
        done = self.estate.run("sql", "--json", "select 1 / (n < 3), abs(iif(n = 3,"
                               " -9223372036854775807 - 1, n)) from (select 1 n union all select 2"
                               " union all select 3)")
        self.assertEqual((done.returncode, done.stderr), (2, "caretaker: integer overflow\n"))
        self.assertRaises(ValueError, json.loads, done.stdout)

    def test_without_a_history_it_is_told(self):
        empty = Estate(site=SITE)
        self.addCleanup(empty.close)
        done = empty.run("sql", "select * from samples")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("has no history: the daemon never ran here", done.stderr)


class Live(unittest.TestCase):
    def test_while_the_daemon_writes(self):
        port = free_port()
        estate = Estate(rules=RULES)
        self.addCleanup(estate.close)
        estate.write_site(LIVE % port)
        estate.simulate(SLAVE % port)
        estate.start()
        history = estate.path("data/history.db")
        # What is of the newest moment itself may not be whole yet.
        newest = ("with newest(t) as (select coalesce(max(t_ms), 0) from samples)"
                  " select t, (select count(*) from samples where t_ms < t) n from newest")
        wait_for(lambda: json.loads(estate.ok("sql", "--json", newest))[0]["n"] > 20, "some samples")
        seen = 0
        for _ in range(10):
            row = shell(history, newest, "-readonly")[0]
            wait_for(lambda n=row["n"]: shell(history, newest)[0]["n"] > n, "more samples")
            where = f"{ALL} where t_ms < {row['t']}{ORDER}"
            got = shell(history, where)
            self.assertEqual(len(got), row["n"])
            self.assertGreater(row["n"], seen)
            seen = row["n"]
            self.assertEqual(got, rows_of(estate.ok("sql", where)))
            self.assertEqual(got, rows_of(estate.ok("export"))[:len(got)])
        self.assertEqual(estate.status()["daemon"], "running")
        # The state beside it: tables of both files in one statement.
        tables = [r["table"] for r in json.loads(estate.ok("sql", "--tables", "--json"))]
        self.assertIn("state.tickets", tables)
        joined = json.loads(estate.ok(
            "sql", "--json", "select a.rule, a.state, count(*) n from state.alarms a cross join samples s"
            f" where s.device = a.device and s.point = 'bearing' and s.t_ms < {row['t']} group by 1"))
        self.assertEqual(joined, [{"rule": "warm", "state": "active", "n": [r["point"] for r in got].count("bearing")}])
        done = estate.run("sql", "delete from state.events")
        self.assertEqual(done.returncode, 1, done.stderr)
        estate.stop()
        self.assertEqual(rows_of(estate.ok("sql", ALL + ORDER)), rows_of(estate.ok("export")))
        # Nothing that writes came near: the file is sound.
        with sqlite3.connect(history) as db:
            self.assertEqual(db.execute("pragma integrity_check").fetchall(), [("ok",)])


class Help(unittest.TestCase):
    def test_the_examples_of_the_manual_run(self):
        """Every caretaker sql "..." of caretaker.1."""
        page = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../daemon/cli/caretaker.1")
        with open(page, encoding="utf-8") as f:
            text = re.sub(r"\\e\n", "\n", f.read()).replace("\\(aq", "'")
        examples = re.findall(r'^\$ caretaker sql (?:--\w+ )?"([^"]+)"', text, re.MULTILINE)
        self.assertGreater(len(examples), 3)
        estate = Estate(site=SITE)
        self.addCleanup(estate.close)
        estate.write("log.csv", "\n".join(log()) + "\n")
        estate.ok("import", "log.csv")
        estate.start()
        for example in examples:
            estate.ok("sql", example)


if __name__ == "__main__":
    unittest.main()
