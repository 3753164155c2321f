#!/usr/bin/python3
"""Points over time: plot in a terminal, as SVG and as numbers, and the intervals of export, against what
Python makes of the samples."""
import csv
import datetime
import fcntl
import io
import json
import os
import pty
import resource
import signal
import re
import stat
import struct
import subprocess
import termios
import unittest
import xml.etree.ElementTree

from estate import CARETAKER, LIMIT_S, Estate, wait_for
from test_sql import RULES, SITE, log

RANGE = ("--from", "2026-03-01", "--to", "2026-03-01 00:20")


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def intervals(samples, step_s):
    """min, max, mean, last and count of the good ones, by beginning, device and point."""
    found = {}
    for s in samples:
        if s["quality"] == "good":
            begin = instant(s["time"]) // step_s * step_s
            found.setdefault((begin, s["device"], s["point"]), []).append(float(s["value"]))
    return {k: (min(v), max(v), sum(v) / len(v), v[-1], len(v)) for k, v in found.items()}


class Plot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.estate = Estate(site=SITE + "history: {keep: 10y}\n")
        cls.addClassCleanup(cls.estate.close)
        cls.estate.write("log.csv", "\n".join(log()) + "\n")
        cls.estate.ok("import", "log.csv")
        cls.samples = list(csv.DictReader(io.StringIO(cls.estate.ok("export"))))

    def test_intervals_are_what_python_makes_of_the_samples(self):
        for every, step_s in (("10s", 10), ("1m", 60), ("5m", 300), ("1h", 3600), ("1d", 86400)):
            want = intervals(self.samples, step_s)
            rows = list(csv.DictReader(io.StringIO(self.estate.ok("export", "--every", every))))
            self.assertEqual(list(rows[0]), ["time", "device", "point", "min", "max", "mean", "last", "count"])
            lines = [json.loads(line) for line in
                     self.estate.ok("export", "--every", every, "--format", "jsonl").splitlines()]
            self.assertEqual([{k: str(v) for k, v in line.items() if k in ("time", "device", "point", "count")}
                              for line in lines],
                             [{k: v for k, v in row.items() if k in ("time", "device", "point", "count")}
                              for row in rows])
            self.assertEqual(sorted(want), [(instant(r["time"]), r["device"], r["point"]) for r in rows])
            for r in rows:
                least, most, mean, last, count = want[(instant(r["time"]), r["device"], r["point"])]
                self.assertEqual((float(r["min"]), float(r["max"]), float(r["last"]), int(r["count"])),
                                 (least, most, last, count))
                self.assertAlmostEqual(float(r["mean"]), mean, places=9)

    def test_wrong_words(self):
        for words in (("export", "--every", "0s"), ("export", "--every", "soon"),
                      ("export", "--every", "1m", "--detail"), ("plot",), ("plot", "pump-1"), ("plot", ".x"),
                      ("plot", "pump-1.bearing", "--json", "--svg", "x"), ("plot", "pump-1.bearing", "--width", "3"),
                      ("plot", "pump-1.bearing", "--from", "now", "--to", "-1h")):
            done = self.estate.run(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
        self.assertEqual(self.estate.run("plot", "pump-1.nothing").returncode, 1)

    def test_a_file_is_whole_or_not_there(self):
        path = self.estate.path("out.csv")
        self.estate.ok("export", "--output", path)
        with open(path, encoding="utf-8") as f:
            self.assertEqual(f.read(), self.estate.ok("export"))
        self.assertFalse(os.path.exists(path + ".part"))
        done = self.estate.run("export", "--output", self.estate.path("nowhere/out.csv"))
        self.assertEqual(done.returncode, 4)
        self.assertIn("nowhere", done.stderr)
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([CARETAKER, "export", "-c", self.estate.site_file], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn("cannot be written: No space left on device", done.stderr)

    def test_what_was_there_stays_when_the_disk_takes_no_more(self):
        def little():  # The index of the history's log just finds room.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (32768, 32768))

        points = [f"{device}.{point}" for device in ("pump-1", "fan-1") for point in ("bearing", "running")]
        for words in (("export", "--output"), ("plot", *RANGE, *points, "--svg")):
            self.estate.write("old", "what was there\n")
            done = subprocess.run([CARETAKER, *words, self.estate.path("old"), "-c", self.estate.site_file],
                                  capture_output=True, text=True, timeout=LIMIT_S, check=False, preexec_fn=little)
            self.assertEqual(done.returncode, 4, words)
            self.assertIn("old: cannot be written: File too large", done.stderr)
            with open(self.estate.path("old"), encoding="utf-8") as f:
                self.assertEqual(f.read(), "what was there\n")
            self.assertFalse(os.path.exists(self.estate.path("old.part")))

    def test_an_output_that_is_no_file_is_written_to_and_stays(self):
        want = self.estate.ok("export")
        self.assertEqual(self.estate.ok("export", "--output", "-"), want)
        pipe = self.estate.path("pipe")
        os.mkfifo(pipe)
        with subprocess.Popen([CARETAKER, "export", "--output", pipe, "-c", self.estate.site_file]) as export:
            done = subprocess.run(["cat", pipe], capture_output=True, text=True, timeout=LIMIT_S, check=True)
            self.assertEqual(done.stdout, want)
            self.assertEqual(export.wait(LIMIT_S), 0)
        self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))
        # A link stays one, and what it leads to has the samples.
        self.estate.write("real.csv", "old\n")
        link = self.estate.path("link.csv")
        os.symlink("real.csv", link)
        self.estate.ok("export", "--output", link)
        self.assertTrue(os.path.islink(link))
        with open(self.estate.path("real.csv"), encoding="utf-8") as f:
            self.assertEqual(f.read(), want)

    def test_the_last_of_each_point(self):
        want = {}
        for s in self.samples:
            want[s["device"], s["point"]] = s
        got = list(csv.DictReader(io.StringIO(self.estate.ok("export", "--last"))))
        self.assertEqual(got, [want[k] for k in sorted(want)])
        one = self.estate.ok("export", "--last", "--device", "fan-1", "--point", "running", "--format", "jsonl")
        self.assertEqual([json.loads(line)["time"] for line in one.splitlines()], [want["fan-1", "running"]["time"]])
        for words in (("--every", "1m"), ("--from", "-1h"), ("--to", "now")):
            self.assertEqual(self.estate.run("export", "--last", *words).returncode, 2)

    def test_a_point_that_the_site_does_not_have_is_told(self):
        for words in (("--point", "bearign"), ("--device", "pump-1", "--point", "bearign")):
            self.assertIn('no point "bearign"', self.estate.run("export", *words).stderr)
        self.assertEqual(self.estate.run("export", "--point", "bearing").stderr, "")

    def test_numbers(self):
        got = json.loads(self.estate.ok("plot", "--json", *RANGE, "pump-1.bearing", "fan-1.running"))
        self.assertEqual([(g["device"], g["point"], g["unit"]) for g in got],
                         [("pump-1", "bearing", "°C"), ("fan-1", "running", None)])
        for g in got:
            want = intervals([s for s in self.samples if (s["device"], s["point"]) == (g["device"], g["point"])],
                             g["step_ms"] / 1000)
            self.assertEqual({instant(b["time"]): (b["min"], b["max"], b["last"], b["count"]) for b in g["buckets"]},
                             {k[0]: (v[0], v[1], v[3], v[4]) for k, v in want.items()})
            self.assertEqual(g["count"], sum(b["count"] for b in g["buckets"]))

    def test_an_image_that_stands_alone(self):
        path = self.estate.path("bearing.svg")
        self.estate.ok("plot", "--svg", path, *RANGE, "pump-1.bearing", "pump-1.running")
        root = xml.etree.ElementTree.parse(path).getroot()
        self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
        text = "".join(root.itertext())
        self.assertIn("pump-1.bearing", text)
        self.assertIn("°C", text)
        with open(path, encoding="utf-8") as f:
            self.assertEqual(self.estate.ok("plot", "--svg", "-", *RANGE, "pump-1.bearing", "pump-1.running"), f.read())
        self.assertEqual(self.estate.run("plot", "--svg", self.estate.path("nowhere/x.svg"), *RANGE,
                                         "pump-1.bearing").returncode, 4)

    def on_terminal(self, columns, *words, estate=None, **env):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        site = (estate or self.estate).site_file
        with subprocess.Popen([CARETAKER, *words, "-c", site], stdout=theirs, stderr=theirs,
                              stdin=subprocess.DEVNULL, env={**os.environ, **env}) as p:
            os.close(theirs)
            shown = b""
            try:
                while part := os.read(ours, 65536):
                    shown += part
            except OSError:  # The other end was closed.
                pass
            os.close(ours)
            self.assertEqual(p.wait(LIMIT_S), 0, shown)
        return shown.decode().replace("\r\n", "\n")

    def test_the_width_of_the_terminal(self):
        for columns in (60, 100):
            text = self.on_terminal(columns, "plot", *RANGE, "pump-1.bearing", LC_ALL="C.UTF-8", NO_COLOR="1")
            picture = text.splitlines()[1:]
            self.assertNotIn("\033", text)
            self.assertEqual(max(map(len, picture)), columns)
            self.assertTrue(any(0x2800 < ord(c) <= 0x28ff for c in text))
            plain = self.on_terminal(columns, "plot", *RANGE, "pump-1.bearing", LC_ALL="C", NO_COLOR="1")
            self.assertTrue(plain.replace("°", "").isascii())
            self.assertEqual(max(map(len, plain.splitlines()[1:])), columns)

    def test_colours_are_of_a_terminal_and_change_no_character(self):
        words = ("plot", *RANGE, "pump-1.bearing")
        bright = self.on_terminal(80, *words, LC_ALL="C.UTF-8", NO_COLOR="", TERM="xterm")
        self.assertIn("\033[0;36m", bright)
        plain = self.on_terminal(80, *words, LC_ALL="C.UTF-8", TERM="dumb")
        self.assertEqual(re.sub("\033\\[[0-9;]*m", "", bright), plain)

    def test_what_rules_compare_with_is_in_the_picture(self):
        estate = Estate(site=SITE + "history: {keep: 10y}\n" + RULES)
        self.addCleanup(estate.close)
        estate.write("log.csv", "\n".join(log()) + "\n")
        estate.ok("import", "log.csv")
        text = estate.ok("plot", *RANGE, "--ascii", "--height", "20", "pump-1.bearing")
        self.assertIn("limit: bearing > 50 °C\n", text)
        self.assertNotIn("40 °C", text)  # Where it clears.
        rows = [line for line in text.splitlines() if line.endswith("|" + "- " * 33 + "-")]
        self.assertEqual([row.split("|")[0].strip() for row in rows], ["50"])
        root = xml.etree.ElementTree.fromstring(estate.ok("plot", "--svg", "-", *RANGE, "pump-1.bearing"))
        self.assertIn("bearing > 50 °C", "".join(root.itertext()))

    def test_without_a_range_the_last_day_there_is(self):
        got, = json.loads(self.estate.ok("plot", "--json", "pump-1.bearing"))
        newest = max(instant(s["time"]) for s in self.samples)
        self.assertAlmostEqual(instant(got["to"]), newest, places=2)
        self.assertEqual(instant(got["to"]) - instant(got["from"]), 86400)
        self.assertEqual(got["count"], sum(s["quality"] == "good" for s in self.samples
                                           if (s["device"], s["point"]) == ("pump-1", "bearing")))
        got, = json.loads(self.estate.ok("plot", "--json", "--to", "2026-03-01 00:20", "pump-1.bearing"))
        self.assertEqual(instant(got["to"]) - instant(got["from"]), 86400)

    def test_long_work_shows_how_far_it_is(self):
        begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        rows = 50000
        shown = ""
        while "import [" not in shown:  # Until it is long on this machine, too.
            rows *= 2
            estate = Estate(site=SITE + "history: {keep: 10y}\n")
            self.addCleanup(estate.close)
            with open(estate.path("long.csv"), "w", encoding="utf-8") as f:
                f.write("time,device,point,value,quality\n")
                for s in range(rows):
                    t = (begin + datetime.timedelta(seconds=s)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
                    f.write(f"{t},pump-1,bearing,{s % 977 / 10},good\n")
            shown = self.on_terminal(80, "import", estate.path("long.csv"), estate=estate, LC_ALL="C.UTF-8")
        self.assertRegex(shown, r"\rimport \[#*\.*\] +\d+ %[^\r]*\033\[K")
        *_, bar, summary = shown.split("\r\033[K")  # It is gone at the end.
        self.assertIn("import [", bar)
        self.assertEqual(summary.count("import ["), 0)
        self.assertIn(f"{rows} samples", summary)


if __name__ == "__main__":
    unittest.main()
