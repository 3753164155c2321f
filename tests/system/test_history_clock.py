#!/usr/bin/python3
"""A daemon whose wall clock is wrong, is set, and is set back, while it polls: what its history
says, beside the clock of this process.

The simulated sensor says which of the spans that this test times a sample is of.
"""
import csv
import datetime
import io
import json
import os
import time
import unittest

from estate import CARETAKER, Estate, Process, free_port, wait_for

DRIVER = os.path.join(os.path.dirname(CARETAKER), "tests/daemon/pipeline/live/driver_clock")
HOUR_S = 3600
SLACK_S = 10  # Who is put to sleep between reading clock and sensor dates it early.
SITE = """
history: {flush: 100ms}
buses: [{id: plant, tcp: "127.0.0.1:%d"}]
devices:
  - {id: tank, bus: plant, unit: 1, poll: 100ms, points: {span: {register: input 0}}}
"""
UNITS = """
slaves:
  - tcp: "127.0.0.1:%d"
    units: [{unit: 1, id: tank, points: {span: {register: input 0, signal: 0}}}]
"""
LOG = "time,device,point,value,quality,clock\n"


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class WrongClock(unittest.TestCase):
    def setUp(self):
        port = free_port()
        self.e = Estate(SITE % port)
        self.addCleanup(self.e.close)
        self.sensor = self.e.simulate(UNITS % port)
        self.span = 0
        self.began, self.seen = {0: time.time()}, {}

    def start(self):
        self.e.daemon = Process(DRIVER, self.e.site_file, self.e.path("ahead"),
                                cwd=self.e.folder)
        self.e.started.append(self.e.daemon)
        self.e.daemon.wait_line("watching house")

    def set_clock(self, ahead_s):
        """By so much before what this process takes for right."""
        self.e.write("ahead.new", f"{round(ahead_s * 1000)}\n")
        os.rename(self.e.path("ahead.new"), self.e.path("ahead"))

    def samples(self):
        """(time, span, clock) of the sensor's good samples, as recorded."""
        rows = csv.DictReader(io.StringIO(self.e.ok(
            "export", "--device", "tank", "--point", "span", "--clock")))
        return [(seconds_of(r["time"]), int(r["value"]), r["clock"]) for r in rows
                if r["quality"] == "good"]

    def of_span(self, samples, span):
        return [s for s in samples if s[1] == span]

    def next_span(self):
        """Some samples of this one are on record; from now on another one is polled."""
        def enough():
            return len(self.of_span(self.samples(), self.span)) >= 5
        wait_for(enough, f"samples of span {self.span}")
        self.span += 1
        self.began[self.span] = time.time()
        self.sensor.set("tank", "span", self.span)
        wait_for(lambda: self.of_span(self.samples(), self.span), f"span {self.span}")
        self.seen[self.span - 1] = time.time()  # None of the one before comes any more.

    def check_span(self, samples, span, ahead_s=0.0):
        ours = self.of_span(samples, span)
        self.assertGreaterEqual(len(ours), 5)
        for t, _, clock in ours:
            self.assertEqual(clock, "")
            self.assertGreaterEqual(t - ahead_s, self.began[span] - SLACK_S)
            self.assertLessEqual(t - ahead_s, self.seen[span] + SLACK_S)

    def test_it_is_marked_then_put_right(self):
        far = 1_000_000_000 - time.time()  # 2001.
        self.set_clock(far)
        self.start()
        self.next_span()
        marked = self.samples()
        self.assertTrue(all(t < 1_000_100_000 and clock == "untrusted"
                            for t, _, clock in marked))
        for line in self.e.ok("export", "--device", "tank", "--format", "jsonl").splitlines():
            self.assertEqual(json.loads(line)["clock"], "untrusted")
        self.check_log_of_it()
        # The daemon is killed, the machine goes on; then the clock is set, still wrong.
        self.e.daemon.kill()
        self.start()
        self.next_span()
        self.set_clock(far + HOUR_S)
        self.next_span()
        before = self.samples()
        self.assertEqual({clock for _, _, clock in before}, {"untrusted"})
        self.set_clock(0)
        wait_for(lambda: all(clock == "" for _, _, clock in self.samples()),
                 "the samples are put right")
        self.next_span()
        after = self.samples()
        self.assertGreaterEqual(len(after), len(before))
        self.assertEqual(after, sorted(after, key=lambda s: s[:2]))
        for span in range(self.span):
            self.check_span(after, span)
            self.assertGreaterEqual(len(self.of_span(after, span)),
                                    len(self.of_span(before, span)))
        self.assertNotIn('"clock"', self.e.ok("export", "--format", "jsonl"))
        self.e.stop()

    def check_log_of_it(self):
        """An export of marked samples is imported as it was."""
        # A poll that a busy machine held up may come with the next in one millisecond: of two
        # rows that are the same, import takes one.
        rows = self.e.ok("export", "--device", "tank", "--clock").splitlines(keepends=True)
        log = "".join(dict.fromkeys(rows))
        other = Estate(SITE % free_port())
        self.addCleanup(other.close)
        other.ok("import", other.write("log.csv", log))
        self.assertEqual(other.ok("export", "--clock"), log)
        lines = other.ok("export", "--format", "jsonl")
        third = Estate(SITE % free_port())
        self.addCleanup(third.close)
        third.ok("import", third.write("log.jsonl", lines))
        self.assertEqual(third.ok("export", "--format", "jsonl"), lines)
        self.assertEqual(third.ok("export", "--clock"), log)

    def test_set_back_it_keeps_all(self):
        self.set_clock(0)
        self.start()
        self.next_span()
        self.set_clock(-HOUR_S)
        self.e.daemon.wait_line("the wall clock was stepped by -3")
        first = self.of_span(self.samples(), 0)
        self.next_span()  # The clock was set within span 1.
        self.next_span()
        after = self.samples()
        self.assertEqual(self.of_span(after, 0), first)
        self.check_span(after, 0)
        self.check_span(after, 2, -HOUR_S)
        self.assertEqual(after, sorted(after, key=lambda s: s[0]))
        self.e.stop()

    def test_it_was_wrong_while_the_daemon_was_down(self):
        """Behind what is on record: time goes on from there, marked, until the clock is set."""
        self.set_clock(0)
        self.start()
        self.next_span()
        self.e.stop()
        self.set_clock(-10 * HOUR_S)
        self.start()
        self.e.daemon.wait_line("the wall clock is behind the last record")
        self.next_span()
        marked = [s for s in self.samples() if s[2] == "untrusted"]
        self.assertTrue(marked)
        self.assertGreaterEqual(min(t for t, _, _ in marked), self.began[0])
        self.set_clock(0)
        wait_for(lambda: all(clock == "" for _, _, clock in self.samples()),
                 "the samples are put right")
        self.next_span()
        after = self.samples()
        for span in range(self.span):
            self.check_span(after, span)
        self.e.stop()

    def test_two_samples_of_one_time_are_two(self):
        log = self.e.write("log.csv", LOG + "".join(
            f"2026-03-01T00:00:00Z,tank,span,{value},good,{clock}\n"
            for value, clock in ((1, ""), (2, ""), (3, "untrusted"))))
        self.e.ok("import", log)
        text = self.e.ok("export", "--clock")
        self.assertEqual([r.split(",")[3] for r in text.splitlines()[1:]], ["1", "2", "3"])
        self.assertIn("0 imported, 3 were there", self.e.run("import", log).stderr)
        self.assertEqual(self.e.ok("export", "--clock"), text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
