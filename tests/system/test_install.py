"""What `make install` leaves: every file at its place, and a unit that systemd accepts."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT_S = 280  # Only a hang takes this long.


def run(*command, **more):
    return subprocess.run(
        command, cwd=TOP, timeout=LIMIT_S, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="caretaker-install.")
        # The release binary keeps its own PREFIX: it is not built anew for this.
        made = run("make", "install", "DESTDIR=" + cls.root)
        if made.returncode != 0:
            raise AssertionError(made.stdout)
        cls.prefix = cls.root + "/usr/local"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def test_files_are_at_their_places(self):
        for path in ("bin/caretaker", "share/man/man1/caretaker.1",
                     "share/man/man5/caretaker-site.5",
                     "share/bash-completion/completions/caretaker",
                     "share/caretaker/examples/site.yaml",
                     "lib/systemd/system/caretaker.service",
                     "lib/caretaker/caretaker_history.so",
                     "lib/sysusers.d/caretaker.conf", "lib/tmpfiles.d/caretaker.conf"):
            self.assertTrue(os.path.isfile(os.path.join(self.prefix, path)), path)

    def test_every_shipped_file_is_installed(self):
        for folder in ("devices", "rules", "procedures", "maintenance"):
            source = os.path.join(TOP, "config", folder)
            if os.path.isdir(source):
                self.assertEqual(
                    sorted(f for f in os.listdir(source) if f.endswith(".yaml")),
                    sorted(os.listdir(
                        os.path.join(self.prefix, "share/caretaker", folder))))

    def test_every_schema_is_installed(self):
        kinds = json.loads(run(self.prefix + "/bin/caretaker", "schema", "--json").stdout)
        folder = os.path.join(self.prefix, "share/caretaker/schema")
        names = sorted(row["kind"] + ".json" for row in kinds)
        self.assertEqual(names + ["zh-CN"], sorted(os.listdir(folder)))
        self.assertEqual(names, sorted(os.listdir(os.path.join(folder, "zh-CN"))))
        for name in names:
            said = []
            for where in (name, os.path.join("zh-CN", name)):
                with open(os.path.join(folder, where), encoding="utf-8") as schema:
                    said.append(json.load(schema))
            self.assertEqual([s["title"] for s in said],
                             ["caretaker " + name[:-len(".json")]] * 2)
            self.assertTrue(said[0]["description"].isascii())
            self.assertFalse(said[1]["description"].isascii())

    def test_nothing_is_written_where_the_owner_writes(self):
        self.assertEqual(os.listdir(self.root), ["usr"])

    def test_binary_runs_from_there(self):
        shown = run(self.prefix + "/bin/caretaker", "help")
        self.assertEqual(shown.returncode, 0, shown.stdout)
        self.assertIn("Usage: caretaker COMMAND", shown.stdout)

    def test_unit_follows_the_prefix(self):
        with open(self.prefix + "/lib/systemd/system/caretaker.service",
                  encoding="utf-8") as unit:
            text = unit.read()
        self.assertIn("\nExecStart=/usr/local/bin/caretaker run ", text)
        self.assertNotIn("/usr/bin/caretaker", text)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
    def test_systemd_accepts_the_unit_in_silence(self):
        folder = tempfile.mkdtemp(prefix="caretaker-unit.")
        self.addCleanup(shutil.rmtree, folder)
        unit = os.path.join(folder, "caretaker.service")
        with open(os.path.join(TOP, "systemd/caretaker.service"),
                  encoding="utf-8") as source, open(
                      unit, "w", encoding="utf-8") as copy:
            # The binary must exist where the unit names it.
            copy.write(source.read().replace("/usr/bin", self.prefix + "/bin"))
        shown = run("systemd-analyze", "verify", unit)
        self.assertEqual((shown.returncode, shown.stdout), (0, ""))

    @unittest.skipUnless(shutil.which("systemd-sysusers"), "no systemd-sysusers here")
    def test_systemd_makes_the_user_and_the_folders(self):
        root = tempfile.mkdtemp(prefix="caretaker-root.")
        self.addCleanup(shutil.rmtree, root)
        os.mkdir(root + "/etc")
        with open(root + "/etc/group", "w", encoding="utf-8") as groups:
            groups.write("root:x:0:\ndialout:x:20:\n")
        made = run("systemd-sysusers", "--root=" + root,
                   os.path.join(TOP, "systemd/caretaker.sysusers.conf"))
        self.assertEqual(made.returncode, 0, made.stdout)
        with open(root + "/etc/passwd", encoding="utf-8") as users:
            self.assertRegex(users.read(), "(?m)^caretaker:.*:/var/lib/caretaker:")
        with open(root + "/etc/group", encoding="utf-8") as groups:
            self.assertRegex(groups.read(), "(?m)^dialout:x:20:caretaker$")
        if os.geteuid() == 0 and shutil.which("systemd-tmpfiles"):
            made = run("systemd-tmpfiles", "--create", "--root=" + root,
                       os.path.join(TOP, "systemd/caretaker.tmpfiles.conf"))
            self.assertEqual(made.returncode, 0, made.stdout)
            self.assertEqual(os.stat(root + "/etc/caretaker").st_mode & 0o777, 0o750)
            self.assertEqual(
                os.stat(root + "/var/lib/caretaker").st_mode & 0o777, 0o750)


if __name__ == "__main__":
    unittest.main(verbosity=2)
