#!/usr/bin/python3
"""The API against its own description (GET /api/v1/openapi.json), by TCP: what every operation has in common —
roles, unknown arguments, wrong arguments, problem details, entity tags, HEAD."""
import http.client
import json
import subprocess
import unittest

from estate import CARETAKER, LIMIT_S, Estate, free_port

ROLES = ["viewer", "technician", "engineer", "administrator"]
SITE = """
web: {listen: "127.0.0.1:%d"}
devices:
  - {id: pump-1, name: Pump, type: pump}
"""


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port = free_port()
        cls.estate = e = Estate(SITE % cls.port)
        cls.addClassCleanup(e.close)
        e.start()
        e.daemon.wait_line("the page is at")
        cls.tokens = {}
        for role in reversed(ROLES):
            cls.command("user", "add", role, "--role", role, "--by", "root", stdin="correct horse battery\n")
            cls.tokens[role] = json.loads(cls.command("user", "token", "add", role, "test", "--json"))["secret"]
        cls.operations = []
        for path, item in cls.ask("GET", "/api/v1/openapi.json", "administrator")[2]["paths"].items():
            cls.operations += [(m.upper(), path, o) for m, o in item.items() if "responses" in o]

    @classmethod
    def command(cls, *words, stdin=""):
        done = subprocess.run([CARETAKER, *words, "-c", cls.estate.site_file], input=stdin, capture_output=True,
                              text=True, timeout=LIMIT_S, check=True)
        return done.stdout

    @classmethod
    def ask(cls, method, path, role=None, body=None, **headers):
        """(status, headers, the answer as JSON, or as bytes if it is none)."""
        c = http.client.HTTPConnection("127.0.0.1", cls.port, timeout=LIMIT_S)
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if role:
            headers["Authorization"] = "Bearer " + cls.tokens[role]
        c.request(method, path, body, headers)
        r = c.getresponse()
        kind = r.headers.get("Content-Type", "")
        content = b"" if kind.startswith("text/event-stream") else r.read()
        c.close()
        return r.status, r.headers, json.loads(content) if content and "json" in kind and "jsonl" not in kind else content

    def check_problem(self, answer, status, what):
        self.assertEqual(answer[0], status, (what, answer[2]))
        self.assertEqual(answer[1]["Content-Type"], "application/problem+json", what)
        self.assertEqual(answer[2]["status"], status, what)
        self.assertTrue(answer[2]["detail"], what)

    def place(self, path):
        return path.replace("{id}", "pump-1").replace("{", "").replace("}", "")

    def test_roles_are_kept(self):
        self.assertGreater(len(self.operations), 30)
        for method, path, o in self.operations:
            needed = o["x-role"]
            if needed not in ROLES:
                continue
            for role in ROLES[:ROLES.index(needed)]:
                self.check_problem(self.ask(method, self.place(path), role, "{}" if method != "GET" else None),
                                   403, (method, path, role))
            if needed != "viewer":  # Once there are users, nobody may do what a technician may.
                self.check_problem(self.ask(method, self.place(path), None, "{}" if method != "GET" else None),
                                   401, (method, path))

    def test_unknown_and_wrong_arguments(self):
        for method, path, o in self.operations:
            if method != "GET":
                continue
            answer = self.ask(method, self.place(path) + "?nonsense=1", "administrator")
            self.check_problem(answer, 400, path)
            accepted = [p["name"] for p in o["parameters"] if p["in"] == "query"]
            for name in accepted:
                self.assertIn(name, answer[2]["detail"], path)
            for p in o["parameters"]:
                wrong = {"integer": ["x", "", "1e3", "99999999999999999999"]}.get(p["schema"]["type"], [])
                wrong = wrong or (["nonsense"] if "enum" in p["schema"] else [])
                for value in wrong:
                    self.check_problem(self.ask("GET", f"{self.place(path)}?{p['name']}={value}", "administrator"),
                                       400, (path, p["name"], value))

    def test_tags_and_head(self):
        tagged = 0
        for method, path, _ in self.operations:
            if method != "GET" or "stream" in path:
                continue
            status, headers, _ = self.ask("GET", self.place(path), "administrator")
            self.assertTrue(status < 500 or status in (503, 504, 507), (path, status))
            status_of_head, _, content = self.ask("HEAD", self.place(path), "administrator")
            self.assertEqual((status_of_head, content), (status, b""), path)
            if status == 200 and headers["ETag"]:
                again = self.ask("GET", self.place(path), "administrator", If_None_Match=headers["ETag"])
                tagged += again[0] == 304
                # What tells the time, or of this very request, is another one by now.
                self.assertTrue(again[0] == 304 or again[1]["ETag"] != headers["ETag"], path)
        self.assertGreater(tagged, 5)

    def test_bodies_that_are_none(self):
        for method, path, o in self.operations:
            if method == "GET" or "requestBody" not in o:
                continue
            for body in ("", "{", "[]", "null", "\xff", '{"a":' * 200, '{"command":1}', "x" * 100000):
                answer = self.ask(method, self.place(path), "administrator", body.encode("latin-1"))
                self.assertTrue(400 <= answer[0] < 500, (method, path, body[:20], answer[0], answer[2]))
                self.assertTrue(answer[2]["detail"], (method, path, body[:20]))


if __name__ == "__main__":
    unittest.main()
