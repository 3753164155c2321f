#!/usr/bin/python3
"""The API of the real daemon against its own description, /api/v1/openapi.json: what a program reads there holds.
Arguments and bodies are made by hypothesis from the description, good ones and bad ones, the same at each run."""
import http.client
import json
import os
import re
import tempfile
import unittest
import urllib.parse

os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = os.path.join(tempfile.gettempdir(), "hypothesis")  # Not beside the sources.
import jsonschema
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from estate import Estate, Slave, free_port, wait_for

RULES = """rules:
  - {id: hot, applies_to: {type: pump}, when: bearing > 80 °C, severity: urgent, title: "{device} hot", cause: c, consequence: c,
     action: a, source: test, ticket: {team: mech}}
"""
SITE = """history: {flush: 100ms}
web: {listen: "127.0.0.1:%d"}
buses:
  - {id: plant, tcp: "127.0.0.1:%d", timeout: 20s, retries: 0}
devices:
  - {id: pump-1, type: pump, bus: plant, unit: 1, poll: 100ms, points: {bearing: {register: input 3, type: s16, scale: 0.1, unit: °C}}}
  - {id: pump-2, type: pump, points: {bearing: {unit: °C}}}
teams: [{id: mech, name: Mechanics}]
"""
PASSWORD = "correct horse battery"
ROLES = ("viewer", "technician", "engineer", "administrator")
BOUNDED = settings(max_examples=12, deadline=None, derandomize=True, database=None, phases=(Phase.generate,),
                   suppress_health_check=list(HealthCheck))
FEW = settings(BOUNDED, max_examples=3)  # Each is a process.
JOBS = re.compile("GET .*/(check|replay|explain/past)|POST .*/(replay|sql|samples)$")
MAY_FAIL = (503, 504, 507)  # Busy, out of time, no room: with a word why.


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.port, plant = free_port(), free_port()
        cls.estate = e = Estate(site=SITE % (cls.port, plant), rules=RULES)
        cls.addClassCleanup(e.close)
        slave = e.keep(Slave("tcp", plant, 1))
        slave.set(1, "input", 3, 912)
        e.start()
        wait_for(lambda: e.listing("alarms"), "an alarm")
        wait_for(cls.answers, "the page listens")
        cls.tokens = {None: None}
        for role in reversed(ROLES):  # The first is the administrator.
            e.ok("user", "add", role, "--role", role, "--password-stdin", stdin=PASSWORD + "\n")
            made = json.loads(e.ok("user", "token", "add", role, "test", "--json"))
            cls.tokens[role] = made["secret"]
        e.ok("user", "add", "guest", "--role", "viewer", "--password-stdin", stdin=PASSWORD + "\n")
        cls.described = json.loads(cls.ask("GET", "openapi.json")[2])
        cls.schemas = cls.described["components"]["schemas"]

    @classmethod
    def answers(cls):
        try:
            return cls.ask("GET", "session")[0] == 200
        except OSError:
            return False

    @classmethod
    def ask(cls, method, path, body=None, role="administrator", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", cls.port, timeout=60)
        given_headers = dict(headers or {})
        token = getattr(cls, "tokens", {}).get(role)
        if token:
            given_headers["Authorization"] = f"Bearer {token}"
        full = path if path.startswith("/") else "/api/v1/" + path
        connection.request(method, full, body if body is None or isinstance(body, (str, bytes)) else json.dumps(body),
                           given_headers)
        answer = connection.getresponse()
        out = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        connection.close()
        return out

    def operations(self):
        for path, methods in self.described["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    def judge(self, schema, value, where):
        validator = jsonschema.Draft202012Validator({"components": {"schemas": self.schemas}, **schema})
        self.assertEqual([(list(e.absolute_path), e.message) for e in validator.iter_errors(value)][:3], [], where)

    def look(self, where, operation, got):
        """Whatever was asked, the answer is one that the description has."""
        status, headers, text = got
        kind = headers.get("content-type", "").split(";")[0]
        self.assertTrue(status < 500 or status in MAY_FAIL, (where, status, text[:200]))
        if status >= 400:
            self.assertEqual(kind, "application/problem+json", (where, status))
            problem = json.loads(text)
            self.judge({"$ref": "#/components/schemas/Problem"}, problem, where)
            self.assertTrue(problem["detail"], where)
        else:
            content = operation["responses"]["200"]["content"]
            self.assertTrue(kind in content or (kind == "application/x-ndjson" and "text/csv" in content), (where, kind))
            if kind == "application/json" and content[kind]["schema"]:
                self.judge(content[kind]["schema"], json.loads(text), where)
        return status

    # ---- the description itself ----

    def test_the_description_is_whole(self):
        self.assertEqual(self.described["openapi"], "3.1.0")
        text = json.dumps(self.described)
        self.assertEqual({m for m in re.findall(r"#/components/schemas/(\w+)", text)} - set(self.schemas), set())
        names = [o["operationId"] for _, _, o in self.operations()]
        self.assertEqual(len(names), len(set(names)))
        for schema in self.schemas.values():
            jsonschema.Draft202012Validator.check_schema(schema)

    # ---- every operation ----

    IDS = {"device": "pump-1", "ticket": "1", "rule": "hot", "profile": "eastron-sdm630", "user": "viewer", "token": "1", "photo": "1", "kind": "site"}

    def path_of(self, path, values):
        return re.sub(r"\{(\w+)\}", lambda m: urllib.parse.quote(values.get(m[1], "x"), safe=""), path)

    def value(self, schema):
        if "enum" in schema:
            return st.sampled_from(schema["enum"]) | st.just("nonsense")
        if schema.get("type") == "integer":
            return st.integers(schema["minimum"] - 1, schema["maximum"] + 1).map(str) | st.just("x")
        return st.sampled_from(["pump-1", "hot", "", "-1h", "now", "2026-01-01", "1", "zzz", "é", "a" * 300, "%00", "../.."])

    def question(self, path, operation):
        """Asks with any arguments."""
        query = {p["name"]: self.value(p["schema"]) for p in operation["parameters"] if p["in"] == "query"}
        names = {p["name"]: st.sampled_from([self.IDS[p["name"]], self.IDS[p["name"]], "none", "0", "é", "a" * 200])
                 for p in operation["parameters"] if p["in"] == "path"}

        @(FEW if JOBS.match("GET " + path) else BOUNDED)
        @given(st.fixed_dictionaries({}, optional=query), st.fixed_dictionaries(names))
        def ask(arguments, values):
            where = self.path_of(path, values) + "?" + urllib.parse.urlencode(arguments)
            self.look(where, operation, self.ask("GET", where))

        return ask

    def test_any_question_has_an_answer_of_the_description(self):
        for path, method, operation in self.operations():
            if method != "GET" or path.endswith("/stream"):
                continue
            with self.subTest(path):
                self.question(path, operation)()
                if "{" not in path:
                    self.assertIn(self.look(path, operation, self.ask("GET", path)), (200, 400, 404))

    def request(self, path, method, operation):
        """Sends any body, most of them with members that the schema has."""
        text = st.text(max_size=20) | st.sampled_from(["pump-1", "hot", "1h", "ack", "ticket.note", "plan.move"])
        leaf = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
        anything = st.recursive(leaf, lambda x: st.lists(x, max_size=3) | st.dictionaries(text, x, max_size=3), max_leaves=8)
        content = operation["requestBody"]["content"].get("application/json")
        name = content["schema"]["$ref"].rsplit("/", 1)[1] if content and content["schema"] else None
        keys = self.schemas[name].get("properties", {}) if name else {}
        body = st.fixed_dictionaries({}, optional={key: anything for key in keys}) if keys else anything
        where = self.path_of(path, self.IDS)

        @(FEW if JOBS.match(f"{method} {path}") else BOUNDED)
        @given(body.map(json.dumps) | anything.map(json.dumps) | st.text(max_size=30))
        def send(text):
            self.look((method, where, text), operation, self.ask(method, where, text.encode()))

        return send

    def test_any_body_has_an_answer_of_the_description(self):
        for path, method, operation in self.operations():
            # What could end this test's own users and tokens has tests of its own.
            if "requestBody" in operation and not re.search("users|tokens|session", path):
                with self.subTest(path):
                    self.request(path, method, operation)()

    LOG = "time,device,point,value\n2026-03-01T10:00:00Z,pump-2,bearing,50\n"
    PLAIN = {"GET explain/past": ("?rule=hot&device=pump-1&at=now", None), "GET replay": ("?from=-1h", None),
             "POST replay": ("", LOG), "POST samples": ("", LOG), "POST sql": ("", "select 1 one")}

    def test_each_job_is_done_when_it_is_asked_plainly(self):
        """That one may fail is for a machine that has no time or no room, not for each of them."""
        done = 0
        for path, method, operation in self.operations():
            if not JOBS.match(f"{method} {path}"):
                continue
            where = path.removeprefix("/api/v1/")
            query, body = self.PLAIN.get(f"{method} {where}", ("", None))
            with self.subTest(f"{method} {where}"):
                def asked():
                    got = self.ask(method, where + query, body)
                    return self.look((method, where), operation, got) not in MAY_FAIL and got
                status, _, text = wait_for(asked, f"{method} {where} is done")
                self.assertEqual(status, 200, text)
                done += 1
        self.assertEqual(done, 9)

    # ---- what all of them have in common ----

    def test_an_unknown_argument_is_refused_and_the_known_ones_are_named(self):
        for path, method, operation in self.operations():
            if method != "GET":
                continue
            status, _, text = self.ask("GET", self.path_of(path, self.IDS) + "?surprise=1")
            detail = json.loads(text)["detail"]
            self.assertEqual(status, 400, path)
            self.assertIn("surprise", detail)
            for p in operation["parameters"]:
                if p["in"] == "query":
                    self.assertIn(p["name"], detail, path)

    def test_what_is_known_already_is_not_sent_again(self):
        for path in ("alarms", "devices/pump-2", "tickets", "rules", "openapi.json", "/page/app.js", "/"):
            status, headers, text = self.ask("GET", path)
            self.assertEqual(status, 200, path)
            status, again, nothing = self.ask("GET", path, headers={"If-None-Match": headers["etag"]})
            if path != "tickets" or status == 304:
                self.assertEqual((status, nothing, again["etag"]), (304, b"", headers["etag"]), path)
            if path.startswith("/"):
                # Browsers take the headers of a 304 in place of those that they kept.
                self.assertEqual(again["content-security-policy"], headers["content-security-policy"])
            status, head, nothing = self.ask("HEAD", path)
            self.assertEqual((status, nothing, head["content-length"]), (200, b"", str(len(text))), path)

    def test_a_path_names_the_methods_that_it_takes(self):
        for path in self.described["paths"]:
            takes = {m.upper() for m in self.described["paths"][path]} | ({"HEAD"} if "get" in self.described["paths"][path] else set())
            for method in {"GET", "POST", "PATCH", "DELETE"} - takes:
                status, headers, _ = self.ask(method, self.path_of(path, self.IDS))
                self.assertEqual((status, set(headers["allow"].split(", "))), (405, takes), (method, path))

    def test_the_same_rows_with_more_behind_them_are_another_answer(self):
        rows = len(json.loads(self.ask("GET", "users")[2]))
        _, all_of_them, text = self.ask("GET", f"users?limit={rows}")
        self.assertNotIn("link", all_of_them)
        tag = {"If-None-Match": all_of_them["etag"]}
        self.assertEqual(self.ask("GET", f"users?limit={rows}", headers=tag)[0], 304)
        self.estate.ok("user", "add", "zz-last", "--role", "viewer", "--password-stdin", stdin=PASSWORD + "\n")
        try:
            status, more, same = self.ask("GET", f"users?limit={rows}", headers=tag)
            self.assertEqual((status, same), (200, text))
            self.assertIn('rel="next"', more["link"])
            status, unchanged, _ = self.ask("GET", f"users?limit={rows}", headers={"If-None-Match": more["etag"]})
            self.assertEqual((status, unchanged["link"]), (304, more["link"]))
        finally:
            self.estate.ok("user", "remove", "zz-last")

    def test_what_takes_a_log_in_is_kept_by_no_proxy_and_secrets_by_nobody(self):
        for path in ("alarms", "tickets/1", "report.html"):
            self.assertIn("private", self.ask("GET", path)[1]["cache-control"], path)
        for path in ("session", "users", "tokens"):
            self.assertEqual(self.ask("GET", path)[1]["cache-control"], "no-store", path)

    def test_pages_give_each_row_once(self):
        for path, key in (("devices", "id"), ("rules", "id"), ("users", "id")):
            whole = [row[key] for row in json.loads(self.ask("GET", path)[2])]
            if path == "rules":
                continue
            seen, where = [], f"{path}?limit=1"
            while where:
                _, headers, text = self.ask("GET", where)
                seen += [row[key] for row in json.loads(text)]
                link = re.fullmatch(r'<([^>]+)>; rel="next"', headers.get("link", ""))
                where = link and link[1]
            self.assertEqual(seen, whole)

    def test_each_role_may_what_the_description_says(self):
        order = ("none",) + ROLES
        for path, method, operation in self.operations():
            if path.endswith(("/stream", "/session")):
                continue
            for role in (None,) + ROLES:
                allowed = order.index(role or "none") >= order.index(operation["x-role"])
                # Nothing is to be changed here: a body that is none.
                body = b"[" if "requestBody" in operation else None
                where = self.path_of(path, {**self.IDS, "user": "nobody-here", "token": "99999"})
                status, headers, text = self.ask(method, where, body, role=role)
                if role is None and not allowed:
                    self.assertEqual((status, headers.get("www-authenticate") is not None), (401, True), (path, method))
                elif not allowed:
                    self.assertEqual(status, 403, (path, method, role, text))
                else:
                    self.assertNotEqual(status, 401, (path, method, role))

    def test_a_command_takes_the_role_of_its_kind_and_is_of_who_asks(self):
        for cmd, least in (("ack", "technician"), ("ticket.note", "technician"), ("service", "engineer"),
                           ("plan.move", "engineer"), ("user.remove", "administrator")):
            for role in ROLES:
                body = {"cmd": cmd, "device": "pump-2", "rule": "hot", "by": "somebody else", "ticket": 99, "user": "none-such"}
                status = self.ask("POST", "commands", body, role=role)[0]
                self.assertEqual(status == 403, ROLES.index(role) < ROLES.index(least) or cmd.startswith("user."), (cmd, role))
        self.assertEqual(self.ask("POST", "commands", {"cmd": "ticket.note", "ticket": 1, "note": "seen", "by": "mallory"},
                                  role="technician")[0], 200)
        last = json.loads(self.ask("GET", "events?ticket=1&event=ticket.noted")[2])[0]["event"]
        self.assertEqual((last["by"], last["note"]), ("technician", "seen"))

    def test_events_of_people_are_for_administrators(self):
        names = {role: {e["event"]["event"] for e in json.loads(self.ask("GET", "events?limit=1000", role=role)[2])}
                 for role in ("engineer", "administrator")}
        self.assertIn("user.added", names["administrator"])
        self.assertFalse([n for n in names["engineer"] if n.startswith(("user.", "token."))])

    def test_what_somebody_may_not_see_takes_no_room_from_what_he_may(self):
        self.assertEqual(self.ask("POST", "commands", {"cmd": "ticket.note", "ticket": 1, "note": "for all"})[0], 200)
        for _ in range(3):
            self.estate.ok("user", "token", "add", "viewer", "for a moment")
        newest = json.loads(self.ask("GET", "events?limit=2", role="viewer")[2])
        self.assertEqual([len(newest), newest[0]["event"]["event"]], [2, "ticket.noted"])

    def test_the_journal_has_pages(self):
        for role in ("viewer", "administrator"):
            whole = [e["seq"] for e in json.loads(self.ask("GET", "events?limit=1000", role=role)[2])]
            seen, where = [], "events?limit=3"
            while where:
                _, headers, text = self.ask("GET", where, role=role)
                seen += [e["seq"] for e in json.loads(text)]
                link = re.fullmatch(r'<([^>]+)>; rel="next"', headers.get("link", ""))
                where = link and link[1]
            self.assertEqual(seen, whole, role)

    # ---- sessions ----

    def log_in(self, user="technician"):
        status, headers, text = self.ask("POST", "session", {"user": user, "password": PASSWORD}, role=None)
        self.assertEqual(status, 200, text)
        cookie = headers["set-cookie"]
        self.assertRegex(cookie, r"^caretaker=[^;]+; Path=/; HttpOnly; SameSite=Strict; Max-Age=\d+$")
        return cookie.split(";")[0], json.loads(text)["csrf"]

    def test_a_page_of_somebody_else_can_do_nothing(self):
        cookie, csrf = self.log_in()
        note = {"cmd": "ticket.note", "ticket": 1, "note": "x"}
        send = lambda headers: self.ask("POST", "commands", note, role=None, headers={"Cookie": cookie, **headers})[0]
        self.assertEqual(send({}), 403)
        self.assertEqual(send({"X-CSRF-Token": "x"}), 403)
        self.assertEqual(send({"X-CSRF-Token": csrf, "Origin": "http://evil.example"}), 403)
        self.assertEqual(send({"X-CSRF-Token": csrf, "Sec-Fetch-Site": "cross-site"}), 403)
        self.assertEqual(send({"X-CSRF-Token": csrf, "Origin": f"http://127.0.0.1:{self.port}"}), 200)
        self.assertEqual(self.ask("GET", "alarms", headers={"Host": "evil.example"})[0], 421)
        self.assertEqual(self.ask("GET", "/", headers={"Host": "evil.example"})[0], 421)
        self.assertEqual(self.ask("DELETE", "session", role=None, headers={"Cookie": cookie, "X-CSRF-Token": csrf})[0], 200)
        self.assertEqual(self.ask("GET", "alarms", role=None, headers={"Cookie": cookie})[0], 401)

    def test_an_open_session_is_no_new_password(self):
        cookie, csrf = self.log_in("administrator")
        head = {"Cookie": cookie, "X-CSRF-Token": csrf}
        mine = {"cmd": "user.password", "user": "administrator", "password": "another horse"}
        status, _, text = self.ask("POST", "commands", mine, role=None, headers=head)
        self.assertEqual((status, "the old one" in json.loads(text)["detail"]), (403, True))
        self.assertEqual(self.ask("POST", "users/administrator/password", {"password": "another horse"}, role=None,
                                  headers=head)[0], 400)
        self.assertEqual(self.ask("POST", "commands", {**mine, "user": "viewer", "password": PASSWORD}, role=None,
                                  headers=head)[0], 200)

    def test_guessing_is_slowed_down(self):
        statuses = [self.ask("POST", "session", {"user": "engineer", "password": f"wrong {i}"}, role=None) for i in range(7)]
        self.assertEqual(statuses[0][0], 401)
        self.assertEqual(statuses[-1][0], 429)
        self.assertGreater(int(statuses[-1][1]["retry-after"]), 0)

    # ---- events as they happen ----

    def stream(self, after=None, cookie=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.addCleanup(connection.close)
        headers = {"Cookie": cookie} if cookie else {"Authorization": f"Bearer {self.tokens['viewer']}"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        connection.request("GET", "/api/v1/stream", headers=headers)
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "text/event-stream"))
        return answer

    def message(self, answer):
        fields = {}
        while True:
            line = answer.readline().decode()
            if line == "":
                return None  # It ended.
            if line == "\n":
                if fields.keys() - {"retry"}:
                    return fields
                continue
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                fields[name] = value

    def next_of(self, answer, note):
        while True:
            m = self.message(answer)
            self.assertIsNotNone(m, "the stream ended")
            data = json.loads(m["data"])
            if data.get("event", {}).get("note") == note:
                return int(m["id"]), data

    def note(self, text):
        self.assertEqual(self.ask("POST", "commands", {"cmd": "ticket.note", "ticket": 1, "note": text}, role="technician")[0], 200)

    def test_a_stream_goes_on_where_it_was(self):
        first = self.stream()
        hello = self.message(first)
        self.assertEqual((hello["event"], json.loads(hello["data"])["resumed"]), ("hello", False))
        self.note("one")
        seq, data = self.next_of(first, "one")
        self.assertEqual((data["seq"], data["ticket"]["number"], data["event"]["event"]), (seq, 1, "ticket.noted"))
        first.close()
        self.note("two")
        again = self.stream(after=seq)
        said = json.loads(self.message(again)["data"])
        self.assertEqual((said["seq"], said["resumed"]), (seq, True))
        self.assertEqual(self.next_of(again, "two")[0] > seq, True)
        # Of another database: it begins anew.
        self.assertFalse(json.loads(self.message(self.stream(after=10**12))["data"])["resumed"])
        self.assertEqual(self.ask("GET", "stream?after=x")[0], 400)

    def test_a_stream_ends_with_its_session(self):
        answer = self.stream(cookie=self.log_in("guest")[0])
        self.message(answer)
        self.estate.ok("user", "change", "guest", "--disable")
        while self.message(answer) is not None:
            pass  # At the next sign of life, within 15 s, it ends.


if __name__ == "__main__":
    unittest.main()
