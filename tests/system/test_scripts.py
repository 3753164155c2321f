"""The scripts that judge the tree are judged here, on small trees made wrong on purpose."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT_S = 280  # Only a hang takes this long.


class Tree(unittest.TestCase):
    """A scratch tree with a copy of the scripts."""

    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="caretaker-scripts.")
        self.addCleanup(shutil.rmtree, self.top)
        shutil.copytree(os.path.join(TOP, "scripts"), self.top + "/scripts")
        for folder in ("daemon/base", "collectors", "rules", "config", "tests/system"):
            os.makedirs(os.path.join(self.top, folder))

    def write(self, path, text, mode=0o644):
        path = os.path.join(self.top, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def run_script(self, *command, **environment):
        return subprocess.run(
            command, cwd=self.top, timeout=LIMIT_S, text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, **environment})


class Layers(Tree):
    ALLOWED = (
        ("rules/engine.c", '"daemon/model/site.h"'),
        ("daemon/model/site.c", '"daemon/base/arena.h"'),
        ("daemon/web/web.c", '"daemon/store/state.h"'),
        ("daemon/web/web.c", "<microhttpd.h>"),
        ("daemon/pipeline/live/live.c", '"collectors/collectors.h"'),
        ("daemon/pipeline/live/live.c", "<systemd/sd-event.h>"),
        ("daemon/cli/cli.c", '"daemon/pipeline/live/live.h"'),
        ("daemon/main.c", '"daemon/cli/cli.h"'),
        ("collectors/capture.c", "<pcap/pcap.h>"),
        ("daemon/base/clock.c", "<sys/timex.h>"),
    )
    REFUSED = (
        ("rules/engine.c", '"config/config.h"', "rules must not know config"),
        ("daemon/base/err.c", '"daemon/model/site.h"', "must not know daemon/model"),
        ("daemon/store/state.c", '"daemon/web/web.h"', "must not know daemon/web"),
        ("daemon/web/web.c", '"daemon/alarm/alarms.h"', "must not know daemon/alarm"),
        ("daemon/pipeline/live/live.c", '"daemon/cli/cli.h"', "must not know daemon/cli"),
        ("daemon/alarm/alarms.c", "<sqlite3.h>", "in daemon/store only"),
        ("collectors/serial.c", "<modbus.h>", "in tests only"),
        ("daemon/pipeline/live/live.c", "<pcap/pcap.h>", "in collectors only"),
        ("rules/engine.c", "<jansson.h>", "daemon/cli daemon/pipeline daemon/web daemon/store daemon/ticket only"),
        ("daemon/base/err.c", "<glib.h>", "neither the C library"),
        ("rules/engine.c", '"engine.h"', "not rooted"),
        ("rules/engine.c", '"rules/../config/config.h"', "not rooted"),
        ("collectors/rtu.c", '"tests/fake/clock.h"', "not rooted"),
        ("daemon/new/new.c", '"daemon/base/err.h"', "has no line"),
    )

    def check(self, path, included):
        self.write(path, "/* One. */\n#  include " + included + "\n")
        shown = self.run_script("scripts/check-layers")
        os.remove(os.path.join(self.top, path))
        return shown

    def test_what_the_design_allows_is_allowed(self):
        for path, included in self.ALLOWED:
            with self.subTest(path=path, included=included):
                shown = self.check(path, included)
                self.assertEqual((shown.returncode, shown.stdout), (0, ""))

    def test_every_other_edge_is_refused_with_its_place(self):
        for path, included, why in self.REFUSED:
            with self.subTest(path=path, included=included):
                shown = self.check(path, included)
                self.assertEqual(shown.returncode, 1)
                self.assertTrue(shown.stdout.startswith(path + ":2: "), shown.stdout)
                self.assertIn(why, shown.stdout)


class ReadOnly(Tree):
    def test_reading_is_clean(self):
        self.write("collectors/channel.c",
                   "return write(ch->fd, r->question, r->question_size);\n"
                   "(void)!write(r->wake, &one, sizeof one);\n")
        self.write("collectors/simulator.c", "case MODBUS_FC_WRITE_SINGLE_COIL:\n")
        shown = self.run_script("scripts/check-read-only")
        self.assertEqual((shown.returncode, shown.stdout), (0, ""))

    def test_every_way_to_write_is_found(self):
        for path, line in (
                ("collectors/rtu.c", "modbus_write_register(m, 1, 2);"),
                ("collectors/rtu.c", "x = modbus_write_bits(m, 1, 2, b);"),
                ("collectors/rtu.c", "modbus_mask_write_register(m, 1, 2, 3);"),
                ("collectors/rtu.c", "modbus_write_and_read_registers(m);"),
                ("collectors/rtu.c", "modbus_send_raw_request(m, q, 6);"),
                ("collectors/rtu.c", "q[1] = MODBUS_FC_WRITE_MULTIPLE_COILS;"),
                ("collectors/channel.c", "return write(ch->fd, bytes, size);"),
                ("collectors/scan.c", "n = send(fd, r->question, r->question_size, 0);"),
                ("collectors/simulator.c", "modbus_write_bit(m, 1, 2);"),
                ("daemon/cli/read.c", "return modbus_write_registers(m, 1, 2, b);")):
            with self.subTest(path=path, line=line):
                self.write(path, "int a;\n" + line + "\n")
                shown = self.run_script("scripts/check-read-only")
                os.remove(os.path.join(self.top, path))
                self.assertEqual(shown.returncode, 1)
                self.assertTrue(shown.stdout.startswith(path + ":2:"), shown.stdout)


# Stands in for the compiler: a test program is a shell script of the same name.
MAKEFILE = """\
build/debug/%: %.c
\t@mkdir -p $(@D) && cp $< $@ && chmod +x $@
"""


class Count(Tree):
    def setUp(self):
        super().setUp()
        self.write("scripts/setup", "#!/bin/bash\n", 0o755)
        self.write("scripts/lint", "#!/bin/bash\nexit 0\n", 0o755)
        self.write("Makefile", MAKEFILE)

    def program(self, name, body):
        self.write("tests/test_" + name + ".c", "#!/bin/bash\n" + body + "\n")

    def run_tests(self, *arguments, **environment):
        shown = self.run_script("scripts/test", *arguments, **environment)
        return shown.returncode, shown.stdout.splitlines()

    def test_checks_are_counted_one_by_one(self):
        self.program("a", "echo '100%: Checks: 12, Failures: 0, Errors: 0'")
        self.program("b", "echo '66%: Checks: 3, Failures: 1, Errors: 0'; exit 1")
        status, lines = self.run_tests("unit debug")
        self.assertEqual(status, 1)
        # Building is a step too.
        self.assertEqual(lines[-1], "15 passed, 1 failed")

    def test_all_green_is_zero(self):
        self.program("a", "echo '100%: Checks: 12, Failures: 0, Errors: 0'")
        self.assertEqual(self.run_tests("unit debug")[0], 0)

    def test_a_crash_a_hang_and_an_empty_program_have_failed(self):
        self.program("crash", "echo about to crash; kill -SEGV $$")
        self.program("hang", "echo waiting; sleep 1000")
        self.program("empty", "echo '100%: Checks: 0, Failures: 0, Errors: 0'")
        self.program("good", "echo '100%: Checks: 1, Failures: 0, Errors: 0'")
        status, lines = self.run_tests("unit debug", STEP_SECONDS="2")
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "2 passed, 3 failed")
        self.assertIn("    | about to crash", lines)
        self.assertIn("    | waiting", lines)
        self.assertTrue(any("stopped after 2 s" in line for line in lines))

    def test_what_does_not_build_has_failed_and_the_rest_goes_on(self):
        self.program("good", "echo '100%: Checks: 1, Failures: 0, Errors: 0'")
        self.write("Makefile", MAKEFILE + "build/debug/tests/test_bad:\n\t@false\n")
        self.program("bad", "exit 0")
        status, lines = self.run_tests("unit debug")
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "1 passed, 2 failed")

    def test_unittest_is_counted_one_by_one(self):
        self.write("tests/system/test_x.py", """\
import unittest
class X(unittest.TestCase):
    def test_a(self): pass
    def test_b(self): self.fail()
    @unittest.skip("not here")
    def test_c(self): pass
    def test_d(self): raise OSError
unittest.main()
""")
        self.write("Makefile", "all drivers:\n\t@true\n")
        status, lines = self.run_tests("system")
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "2 passed, 2 failed")
        self.assertTrue(any("1 skipped" in line for line in lines), lines)

    def test_nothing_to_run_is_a_failure(self):
        status, lines = self.run_tests("no such step")
        self.assertEqual((status, lines[-1]), (1, "0 passed, 0 failed"))

    def test_stopping_it_stops_what_it_started(self):
        mark = os.path.join(self.top, "started")
        self.program("hang", "echo $$ >%s; exec sleep 1000" % mark)
        child = subprocess.Popen(
            ["scripts/test", "unit debug"], cwd=self.top,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + LIMIT_S
        while not (os.path.exists(mark) and os.path.getsize(mark) > 0):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        with open(mark, encoding="utf-8") as file:
            pid = int(file.read())
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=LIMIT_S)
        while self.alive(pid):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    @staticmethod
    def alive(pid):
        try:
            with open("/proc/%d/stat" % pid, encoding="utf-8") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False


if __name__ == "__main__":
    unittest.main(verbosity=2)
