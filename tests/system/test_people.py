#!/usr/bin/python3
"""Users on a live daemon: through `caretaker user`, with curl as the other witness; what the
journal, the log and the broker hear of them; kill -9 and restarts."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import unittest

from estate import CARETAKER, LIMIT_S, Estate, check_sound, wait_for

PASSWORD = "correct horse battery"
SITE = """
devices:
  - {id: pump-1, name: Pump, type: pump}
"""


class Terminal:
    """A command at a terminal of its own: what it shows, and what is typed."""

    def __init__(self, folder, *words):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execv(CARETAKER, [CARETAKER, *words])

    def type(self, wanted, keys):
        while wanted not in self.shown:
            ready, _, _ = select.select([self.fd], [], [], LIMIT_S)
            if not ready:
                raise AssertionError(f"{wanted} never came: {self.shown}")
            self.shown += os.read(self.fd, 1000)
        os.write(self.fd, keys)

    def end(self):
        try:
            while data := os.read(self.fd, 1000):
                self.shown += data
        except OSError:  # The other end is closed.
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class People(unittest.TestCase):
    def setUp(self):
        self.estate = e = Estate(broker=True)
        self.addCleanup(e.close)
        e.write_site(SITE, mqtt=", commands: true")

    def user(self, *words, stdin="", status=0):
        """caretaker user ...; (standard output, standard error)."""
        done = subprocess.run(
            [CARETAKER, "user", *[str(w) for w in words], "-c", self.estate.site_file],
            cwd=self.estate.folder, input=stdin, capture_output=True, text=True,
            timeout=LIMIT_S, check=False)
        check_sound(words, done.stderr)
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        return done.stdout, done.stderr

    def add(self, name, role, *words):
        return self.user("add", name, "--role", role, "--by", "root", *words,
                         stdin=PASSWORD + "\n")

    def curl(self, path, body=None):
        """(status, answer) of the unix socket, by a program that is not ours."""
        command = ["curl", "-sS", "--unix-socket", self.estate.path("data/caretaker.sock"),
                   "-w", "\n%{http_code}", "http://x/api/v1/" + path]
        if body is not None:
            command += ["-d", json.dumps(body)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S,
                              check=True)
        answer, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(answer)

    def log_in(self, name, password=PASSWORD, **more):
        return self.curl("session", {"user": name, "password": password, **more})

    def of_people(self):
        return [v for v in self.estate.events() if v["event"].split(".")[0] in ("user", "token")]

    def test_a_life_of_users(self):
        e = self.estate
        _, said = self.user("list", status=4)
        self.assertIn("must run", said)
        self.assertIn("no daemon answers", said)
        e.start()
        self.assertIn("no users", self.user("list")[0])
        self.assertEqual(json.loads(self.user("list", "--json")[0]), [])
        # Nobody but an administrator comes first; it is said before a password is asked for.
        self.assertIn("must be an administrator",
                      self.user("add", "li", "--role", "viewer", status=1)[1])
        self.assertEqual(self.curl("users", {"id": "li", "role": "viewer",
                                             "password": PASSWORD})[0], 409)
        self.assertIn("8 to 128 bytes",
                      self.user("add", "zhang", "--role", "administrator", stdin="short\n",
                                status=2)[1])
        self.assertIn("no role", self.user("add", "zhang", "--role", "king", status=2)[1])
        self.assertEqual(
            self.add("zhang", "administrator", "--name", "张伟", "--speaks", "zh-CN")[0], "added\n")
        self.assertIn("already", self.user("add", "zhang", "--role", "viewer",
                                           stdin=PASSWORD, status=1)[1])
        self.assertEqual(json.loads(self.add("li", "technician", "--json")[0]), {"ok": True})
        status, users = self.curl("users")
        self.assertEqual(status, 200)
        self.assertEqual(users, json.loads(self.user("list", "--json")[0]))
        # Whose names everybody reads, and no more of them than that.
        self.assertEqual(self.curl("site")[1]["users"], [{"id": u["id"], "name": u["name"]} for u in users])
        self.assertEqual([(u["id"], u["name"], u["role"], u["language"]) for u in users],
                         [("li", "li", "technician", None),
                          ("zhang", "张伟", "administrator", "zh-CN")])
        self.assertNotIn("argon", json.dumps(users))
        table = self.user("list")[0].splitlines()
        self.assertEqual(table[1].split()[:4], ["li", "li", "technician", "active"])

        for words in (["change", "zhang", "--disable"], ["remove", "zhang"],
                      ["change", "zhang", "--role", "engineer"]):
            self.assertIn("last administrator", self.user(*words, status=1)[1])
        self.user("change", "li", "--role", "engineer", "--name", "Li Ming", "--by", "root")
        self.assertIn("Li Ming", self.user("show", "li")[0])
        self.assertEqual(json.loads(self.user("show", "li", "--json")[0])["tokens"], [])
        self.user("show", "wang", status=1)
        self.user("remove", "wang", status=1)
        for words in (["change", "li"], ["change", "li", "--speaks", "fr"], ["add", "a b", "--role",
                      "viewer"], ["paint"], [], ["token"], ["token", "add", "li"], ["show"],
                      ["show", "li", "zhang"], ["list", "--role", "viewer"],
                      ["token", "revoke", "x"]):
            self.user(*words, stdin=PASSWORD, status=2)

        status, session = self.log_in("li")
        self.assertEqual((status, session["user"], session["role"]), (200, "li", "engineer"))
        self.user("password", "li", stdin="another horse\n")
        self.assertEqual(self.log_in("li")[0], 401)
        self.assertEqual(self.log_in("li", "another horse")[0], 200)
        self.user("change", "li", "--disable")
        self.assertEqual(self.log_in("li", "another horse")[0], 401)
        self.assertEqual(self.user("list")[0].splitlines()[1].split()[4], "disabled")
        self.user("change", "li", "--enable")
        self.assertEqual(self.log_in("li", "another horse")[0], 200)
        self.user("remove", "li")
        self.assertEqual(self.log_in("li", "another horse")[0], 401)
        self.assertEqual([(v["event"], v.get("user"), v.get("by")) for v in self.of_people()][:4],
                         [("user.added", "zhang", "root"), ("user.added", "li", "root"),
                          ("user.changed", "li", "root"), ("user.changed", "li", "root")])
        e.ok("check", "--journal")

    def test_tokens(self):
        e = self.estate
        e.start()
        self.add("zhang", "administrator")
        self.add("li", "technician")
        secret, said = self.user("token", "add", "li", "grafana", "--role", "viewer", "--for", "90d")
        secret = secret.strip()
        self.assertRegex(secret, r"^ct_[A-Za-z0-9_-]{43}$")
        self.assertIn("token 1", said)
        self.assertIn("no more than its user",
                      self.user("token", "add", "li", "x", "--role", "engineer", status=1)[1])
        answer = json.loads(self.user("token", "add", "zhang", "backup", "--json")[0])
        self.assertEqual(answer["token"], 2)
        self.assertEqual([(t["number"], t["user"], t["role"]) for t in
                          json.loads(self.user("token", "list", "--json")[0])],
                         [(1, "li", "viewer"), (2, "zhang", "administrator")])
        self.assertEqual(self.curl("tokens?user=li")[1],
                         json.loads(self.user("token", "list", "li", "--json")[0]))
        self.assertIn("grafana", self.user("token", "list", "li")[0])
        self.assertEqual(self.user("token", "revoke", 1)[0], "revoked\n")
        self.user("token", "revoke", 1, status=1)
        self.assertIn("no tokens", self.user("token", "list", "li")[0])
        # Nothing that is secret is anywhere but where it was shown.
        everything = json.dumps(e.events()) + e.daemon.log + json.dumps(
            e.rows("state", "select * from users") + e.rows(
                "state", "select number, hex(hash), user, name from tokens"))
        for hidden in (secret[3:], answer["secret"][3:], PASSWORD):
            self.assertNotIn(hidden, everything)

    def test_at_a_terminal(self):
        e = self.estate
        e.start()
        words = ("user", "add", "zhang", "--role", "administrator", "-c", e.site_file)
        t = Terminal(e.folder, *words)
        t.type(b"not shown", PASSWORD.encode() + b"\n")
        t.type(b"again", b"another horse\n")
        self.assertEqual(t.end(), 1)
        self.assertIn(b"two different passwords", t.shown)
        t = Terminal(e.folder, *words)
        t.type(b"not shown", b"correct\x03")
        self.assertEqual(t.end(), 1)
        self.assertIn(b"nothing was changed", t.shown)
        self.assertEqual(self.curl("users")[1], [])
        t = Terminal(e.folder, *words)
        t.type(b"not shown", PASSWORD.encode() + b"\n")
        t.type(b"again", PASSWORD.encode() + b"\n")
        self.assertEqual(t.end(), 0)
        self.assertNotIn(b"horse", t.shown)
        self.assertEqual(self.log_in("zhang")[0], 200)

    def test_killed_and_started_again(self):
        e = self.estate
        e.start()
        self.add("zhang", "administrator")
        self.add("li", "viewer")
        self.user("token", "add", "li", "grafana")
        self.assertEqual(self.log_in("li", **{"for": "365d"})[0], 200)

        def all_of_it():
            return [e.rows("state", sql) for sql in (
                "select * from users", "select number, hex(hash), user, role from tokens",
                "select hex(hash), user, created_ms, expires_ms from sessions")]

        before = all_of_it()
        self.assertEqual(len(before[2]), 1)
        e.daemon.kill()
        e.start()
        self.assertEqual(all_of_it(), before)
        self.assertEqual(self.log_in("li")[0], 200)
        self.assertEqual(self.curl("users")[1][0]["sessions"], 2)
        e.stop()
        e.start()
        self.assertEqual(self.curl("users")[1][0]["sessions"], 2)
        self.assertEqual([v["seq"] for v in e.events()], list(range(1, len(e.events()) + 1)))
        self.assertIsNone(re.search("journal was changed", e.daemon.log))
        e.ok("check", "--journal")

    def test_guessing(self):
        e = self.estate
        e.start()
        self.add("zhang", "administrator")
        for _ in range(5):
            self.assertEqual(self.log_in("zhang", "guess guess")[0], 401)
        status, problem = self.log_in("zhang")
        self.assertEqual(status, 429)
        self.assertIn("too many wrong passwords", problem["detail"])
        self.assertEqual([v["event"] for v in self.of_people()], ["user.added", "user.refused"])

    def test_the_plant_hears_nothing_of_people(self):
        e = self.estate
        sub = e.subscribe()
        e.start()
        self.add("zhang", "administrator")
        self.log_in("zhang")
        self.log_in("zhang", "guess guess")
        e.publish("caretaker/house/cmd", json.dumps(
            {"cmd": "user.add", "user": "mallory", "role": "administrator", "password": PASSWORD,
             "by": "mallory"}))
        e.daemon.wait_line("mqtt command: users and tokens are a matter of the API")
        self.assertEqual([u["id"] for u in self.curl("users")[1]], ["zhang"])
        e.ok("ticket", "open", "pump-1", "drips", "--by", "desk")
        opened = sub.wait_event("ticket.opened")
        heard = sub.events()
        # Numbers without gaps, and the journal's hash with each; no word of who.
        events = {v["seq"]: v for v in e.events()}
        self.assertEqual([v["seq"] for v in heard], list(range(1, opened["seq"] + 1)))
        self.assertEqual([v["hash"] for v in heard],
                         [events[v["seq"]]["hash"] for v in heard])
        self.assertEqual([v["event"] for v in heard], ["journal.only"] * 3 + ["ticket.opened"])
        for topic, _, payload in sub.messages():
            if not topic.endswith("/cmd"):  # What we said ourselves.
                self.assertNotIn("zhang", topic + payload)
                self.assertNotIn("mallory", topic + payload)

    def test_in_chinese(self):
        e = self.estate
        e.start()
        self.add("zhang", "administrator")
        self.assertIn("管理员", self.user("list", "--language", "zh-CN")[0])
        self.assertIn("最后一名管理员",
                      self.user("remove", "zhang", "--language", "zh-CN", status=1)[1])


if __name__ == "__main__":
    unittest.main()
