#!/usr/bin/python3
"""The evidence pack of a ticket: a fault on a real bus is worked through; `ticket show` tells
it as text, JSON and a page, with the daemon and without it, after the history was removed, and
after the rule and the device have left the site."""
import http.client
import json
import os
import re
import socket
import unittest
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

from estate import Estate, Slave, free_port, wait_for

RULES = """rules:
  - id: hot
    applies_to: {type: pump}
    when: bearing > 80 °C
    clear: bearing < 75 °C
    severity: urgent
    title: {en: "{device} <hot> at {bearing}", zh-CN: "{device} 轴承 {bearing}"}
    cause: {en: worn bearing, zh-CN: 轴承磨损}
    consequence: "seizure: no water & no \\"heat\\""
    action: grease it
    procedure: bearing
    source: GB 50275
    verify_for: 200ms
    ticket: {team: mech, category: bearing}
"""
WORK = """
tickets: {currency: CNY}
people:
  - {id: li, name: 李雷}
  - {id: wang, name: Wang}
teams:
  - {id: mech, members: [li, wang]}
procedures:
  - id: bearing
    title: {en: Bearing hot, zh-CN: 轴承过热}
    steps: [Start the standby pump, {en: Stop the hot one, zh-CN: 停用故障泵}, Grease]
    parts: [{name: bearing 6309, count: 2}]
"""
DEVICE = """
  - id: pump-%d
    name: %d# 生活水泵
    type: pump
    location: B1
    bus: plant
    unit: %d
    poll: 100ms
    points:
      bearing: {register: input 3, type: s16, scale: 0.1, unit: °C}
      flow: {register: holding 5, scale: 0.1, unit: m3/h}
      running: {register: discrete 2}
    ledger: {maker: Grundfos, model: CR 32-4, serial: A%d, installed: 2019-06-01, price: 12500}
"""
SVG = "{http://www.w3.org/2000/svg}"


class Page(HTMLParser):
    """What a browser would show, and what it would load."""
    VOID = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.words, self.tags = [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            raise AssertionError(f"not closed: {self.open}")

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.loads += [v for k, v in attrs if k in ("src", "href", "data", "action") or k.startswith("on")]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


class Evidence(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.estate = e = Estate(rules=RULES)
        self.addCleanup(e.close)
        self.head = (f"history: {{flush: 100ms}}\nbuses:\n  - {{id: plant, tcp: \"127.0.0.1:{self.port}\", "
                     "timeout: 20s, retries: 0}\n")
        self.site = self.head + "devices:\n" + "".join(DEVICE % (n, n, n, n) for n in (1, 2)) + WORK
        e.write_site(self.site)
        self.slave = e.keep(Slave("tcp", self.port, 1, 2))
        for pump in (1, 2):
            self.bearing(pump, 60)
            self.slave.set(pump, "discrete", 2, 1)
        e.start()
        for pump in ("pump-1", "pump-2"):
            wait_for(lambda p=pump: e.device(p)["quality"] == "good", pump + " answers")

    def bearing(self, pump, value):
        self.slave.set(pump, "input", 3, value * 10)

    def ticket(self, number):
        return next((t for t in self.estate.listing("tickets", "--all") if t["number"] == number), None)

    def wait_state(self, number, state):
        wait_for(lambda: (self.ticket(number) or {}).get("state") == state, f"ticket {number} is {state}")

    def pack(self, number):
        return json.loads(self.estate.ok("ticket", "show", number, "--json"))

    def page(self, number, *words):
        self.estate.ok("ticket", "show", number, "--html", "page.html", *words)
        with open(self.estate.path("page.html"), encoding="utf-8") as f:
            return f.read()

    def ask(self, path):
        """What a browser behind a proxy would ask; the answer's type and body."""
        connection = http.client.HTTPConnection("caretaker")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self.estate.path("data/caretaker.sock"))
        connection.request("GET", path)
        answer = connection.getresponse()
        out = answer.status, answer.getheader("Content-Type"), answer.read().decode()
        connection.close()
        return out

    def work_through(self, number, pump):
        """From the fault to the closed ticket."""
        e = self.estate
        self.bearing(pump, 91)
        self.wait_state(number, "opened")
        e.ok("ticket", "take", number, "--by", "li")
        e.ok("ticket", "arrive", number, "--by", "li")
        e.ok("ticket", "tick", number, 2, "--by", "li")
        self.bearing(pump, 61)
        wait_for(lambda: not e.listing("alarms", "--device", f"pump-{pump}", "--state", "active"), "it clears")
        e.ok("ticket", "resolve", number, "bearing <exchanged>", "--cause", "wear", "--minutes", 40,
             "--part", "bearing 6309=1@80.00", "--cost", "20.50", "--by", "li")
        self.wait_state(number, "closed")
        e.ok("ticket", "rate", number, 5, "--by", "desk")

    def test_a_fault_from_its_first_sample_to_its_repair(self):
        e = self.estate
        self.work_through(1, 1)
        p = self.pack(1)
        self.assertEqual((p["ticket"]["number"], p["ticket"]["state"], p["taken"]), (1, "closed", True))
        self.assertEqual((p["rule"]["id"], p["rule"]["now"], p["rule"]["cause"], p["rule"]["action"]),
                         ("hot", "same", "worn bearing", "grease it"))
        self.assertRegex(p["rule"]["version"], r"^[0-9a-f]{12}$")
        self.assertIn("when: bearing > 80 °C\n", p["rule"]["text"])
        # The stored text is a rule that the program reads.
        e.write("again.yaml", "rules:\n" + p["rule"]["text"])
        e.write("read.yaml", "site: {id: r}\ndata: other\ninclude: [again.yaml]\n" + self.site)
        done = e.run("check", "read.yaml", site=False)
        self.assertEqual(done.returncode, 0, done.stderr)

        opening = p["openings"][0]
        opened = next(v for v in p["events"] if v["event"] == "ticket.opened")
        self.assertEqual((opening["opening"], opening["t"]), (1, opened["t"]))
        self.assertEqual((opening["device"]["id"], opening["device"]["state"]), ("pump-1", "online"))
        self.assertEqual(opening["device"]["points"]["bearing"]["value"], 91)
        self.assertEqual(opening["device"]["points"]["bearing"]["quality"], "good")
        self.assertEqual((opening["bus"]["id"], opening["bus"]["online"]), ("plant", True))
        self.assertGreater(opening["bus"]["requests"], 0)
        self.assertEqual([(x["point"], x["read"]) for x in opening["facts"]["points"]],
                         [("bearing", True), ("flow", False), ("running", False)])
        self.assertEqual([(x["value"], x["text"], x["clears"]) for x in opening["facts"]["limits"]],
                         [(80, "bearing > 80 °C", False), (75, "bearing < 75 °C", True)])

        steps = p["procedure"]["steps"]
        self.assertEqual([(s["step"], s["done"]) for s in steps], [(1, False), (2, True), (3, False)])
        self.assertEqual(p["procedure"]["parts"], [{"name": "bearing 6309", "count": 2}])
        names = [v["event"] for v in p["events"]]
        for name in ("alarm.raised", "ticket.opened", "ticket.assigned", "ticket.responded", "ticket.ticked",
                     "alarm.cleared", "ticket.resolved", "ticket.verified", "ticket.closed", "ticket.rated"):
            self.assertIn(name, names)
        self.assertEqual([v["seq"] for v in p["events"]], sorted(v["seq"] for v in p["events"]))
        self.assertNotIn("pump-2", {v.get("device") for v in p["events"]})

        window = p["history"]["windows"][0]
        bearing = next(x for x in window["points"] if x["point"] == "bearing")
        self.assertEqual((bearing["before"]["max"], bearing["unit"]), (60, "°C"))
        self.assertEqual((bearing["during"]["max"], bearing["after"]["max"]), (91, 61))
        self.assertEqual((p["ledger"]["maker"], p["ledger"]["price"]), ("Grundfos", 12500))
        self.assertEqual(p["device"]["location"], "B1")
        self.assertEqual(p["now"][0]["points"]["bearing"]["value"], 61)
        e.stop()
        # The databases alone say the same, and all that was recorded is in it.
        after = self.pack(1)
        self.assertEqual(after["openings"], p["openings"])
        self.assertEqual(after["events"], p["events"])
        window = after["history"]["windows"][0]
        bearing = next(x for x in window["points"] if x["point"] == "bearing")
        rows = e.ok("export", "--device", "pump-1", "--point", "bearing", "--from", window["from"],
                    "--to", window["to"]).splitlines()[1:]
        good = [r for r in rows if r.count(",") == 3 or r.endswith(",good")]
        self.assertEqual((bearing["samples"], bearing["not_good"]), (len(good), len(rows) - len(good)))

    def test_text_and_page_say_the_same(self):
        e = self.estate
        self.work_through(1, 1)
        text = e.ok("ticket", "show", 1)
        html = self.page(1)
        page = Page(html)
        both = ("1# 生活水泵 <hot> at 91 °C", "urgent", "closed", "worn bearing", "GB 50275", "grease it",
                "李雷 (li)", "bearing <exchanged>", "bearing 6309 × 1 (80.00 CNY)", "20.50 CNY", "wear",
                "Start the standby pump", "Grundfos", "12500.00 CNY", "when: bearing > 80 °C", "plant",
                "the rule is still the same", "confirmed by the sensor", "step 2 done", ": 5 / 5")
        for word in both:
            self.assertIn(word, text)
            self.assertIn(word, page.text)
        self.assertIn("  [x] 2. Stop the hot one\n", text)
        self.assertIn("  [ ] 3. Grease\n", text)
        self.assertRegex(text, r"\n  bearing °C +[▁-█ ]{32}  before 60  during .*91  after .*61\n")
        self.assertIn('<li class="done">2. Stop the hot one</li>', html)
        # The page stands alone, and nothing in it is run.
        self.assertEqual(page.loads, [])
        self.assertFalse({"script", "link", "img", "iframe", "object"} & set(page.tags))
        self.assertNotIn("<hot>", html)
        self.assertNotIn("url(", html)
        svg = ET.fromstring(re.search(r"<svg.*?</svg>", html, re.S).group())
        said = [t.text for t in svg.iter(SVG + "text")]
        for word in ("bearing", "°C", "running", "bearing > 80 °C", "raised", "cleared", "arrived"):
            self.assertIn(word, said)
        self.assertIn("@page{size:A4", html)
        # To standard output too.
        self.assertIn("<!DOCTYPE html>", e.ok("ticket", "show", 1, "--html"))
        e.stop()

    def test_in_chinese(self):
        e = self.estate
        self.work_through(1, 1)
        e.stop()
        with open(e.site_file, encoding="utf-8") as f:
            site = f.read().replace("language: en", "language: zh-CN")
        e.write("site.yaml", site)
        text = e.ok("ticket", "show", 1, "--language", "zh-CN")
        page = Page(self.page(1))  # For the people of the site, whoever prints it.
        for word in ("工单", "紧急", "轴承磨损", "停用故障泵", "处理经过", "派给", "传感器验证通过", "厂家", "已关闭"):
            self.assertIn(word, text)
            self.assertIn(word, page.text)
        for word in ("worn bearing", "Life", "urgent", "device", "opened at"):
            self.assertNotIn(word, text.split("- id: hot\n")[0])

    def test_by_the_api(self):
        self.work_through(1, 1)
        status, kind, body = self.ask("/api/v1/tickets/1")
        self.assertEqual((status, kind), (200, "application/json"))
        self.assertEqual(json.loads(body)["ticket"]["number"], 1)
        status, kind, body = self.ask("/api/v1/tickets/1/chart.svg")
        self.assertEqual((status, kind), (200, "image/svg+xml"))
        self.assertEqual(ET.fromstring(body).get("role"), "img")
        status, kind, body = self.ask("/api/v1/tickets/1/evidence.html")
        self.assertEqual((status, kind), (200, "text/html; charset=utf-8"))
        self.assertIn("worn bearing", Page(body).text)
        for path in ("2", "x", "1/", "1/other", "0", "-1", "99999999999999999999", "1/chart.svg?window=7",
                     "2/evidence.html"):
            status, kind, body = self.ask("/api/v1/tickets/" + path)
            self.assertEqual((status, kind), (404, "application/problem+json"), path)
            self.assertIn("detail", json.loads(body))
        self.assertEqual(self.ask("/api/v1/tickets/1/chart.svg?window=x")[0], 400)
        self.assertEqual(self.ask("/api/v1/tickets")[0], 200)
        self.estate.stop()

    def test_the_same_fault_before_and_elsewhere(self):
        self.work_through(1, 1)
        self.work_through(2, 2)
        p = self.pack(2)
        self.assertEqual(([t["number"] for t in p["episodes"]["same"]],
                          [t["number"] for t in p["episodes"]["like"]]), ([], [1]))
        like = p["episodes"]["like"][0]
        self.assertEqual((like["cause"], like["resolution"], like["first_time_fix"]),
                         ("wear", "bearing <exchanged>", True))
        self.assertIn("bearing <exchanged> (wear)", self.estate.ok("ticket", "show", 2))
        self.estate.stop()

    def test_a_fault_that_returns_brings_its_own_evidence(self):
        e = self.estate
        self.work_through(1, 1)
        e.write_rules(RULES.replace("80 °C", "85 °C"))
        e.daemon.send(1)
        e.daemon.wait_line("reloaded")
        self.bearing(1, 99)
        wait_for(lambda: self.ticket(1)["state"] not in ("closed", "resolved"), "it reopens")
        p = self.pack(1)
        self.assertEqual([o["opening"] for o in p["openings"]], [1, 2])
        self.assertEqual([o["device"]["points"]["bearing"]["value"] for o in p["openings"]], [91, 99])
        self.assertNotEqual(*[o["version"] for o in p["openings"]])
        self.assertIn("80 °C", p["openings"][0]["rule"])
        self.assertIn("85 °C", p["openings"][1]["rule"])
        self.assertEqual(p["rule"]["now"], "changed")
        self.assertEqual(len(p["history"]["windows"]), 2)
        self.assertEqual(p["history"]["windows"][1]["opened"], p["openings"][1]["t"])
        self.assertIn("the rule was changed since", e.ok("ticket", "show", 1))
        self.assertEqual(len(re.findall("<svg", self.page(1))), 2)
        e.stop()

    def test_without_history_rule_or_device(self):
        e = self.estate
        self.work_through(1, 1)
        before = self.pack(1)
        e.stop()
        for name in ("history.db", "history.db-wal", "history.db-shm"):
            if os.path.exists(e.path("data/" + name)):
                os.remove(e.path("data/" + name))
        text = e.ok("ticket", "show", 1)
        self.assertIn("no history was ever recorded, or it was removed", text)
        self.assertIn("bearing <exchanged>", text)
        self.assertNotIn("<svg", self.page(1))

        e.write_rules("rules: []\n")
        e.write_site(self.head + "devices:\n" + DEVICE % (2, 2, 2, 2) + WORK)
        p = self.pack(1)
        self.assertEqual((p["rule"]["now"], p["rule"]["text"], p["rule"]["cause"], p["device_gone"]),
                         ("gone", before["rule"]["text"], "worn bearing", True))
        self.assertEqual(p["openings"], before["openings"])
        self.assertEqual(p["procedure"], before["procedure"])
        self.assertEqual((p["device"]["location"], p["ledger"]["maker"]), ("B1", "Grundfos"))
        for said in (e.ok("ticket", "show", 1), Page(self.page(1)).text):
            self.assertIn("the rule is no longer in the site", said)
            self.assertIn("the device is no longer in the site", said)
            self.assertIn("when: bearing > 80 °C", said)
        # The daemon starts there and says the same.
        e.start()
        self.assertEqual(self.pack(1)["openings"], before["openings"])
        # What is kept now begins later.
        wait_for(lambda: self.pack(1)["history"]["kept_since"], "a new history")
        self.assertIn("there is no history of that time: what is kept begins at", e.ok("ticket", "show", 1))
        e.stop()

    def test_reported_by_a_person(self):
        e = self.estate
        e.ok("ticket", "open", "pump-2", "it <drips>", "--reporter", "Mrs Wang", "--by", "desk")
        p = self.pack(1)
        self.assertEqual((p["rule"], p["procedure"], p["taken"]), (None, None, True))
        self.assertEqual(p["openings"][0]["device"]["points"]["bearing"]["value"], 60)
        self.assertIn("it <drips>", e.ok("ticket", "show", 1))
        self.assertIn("it &lt;drips&gt;", self.page(1))
        self.assertEqual(len(p["history"]["windows"]), 1)
        e.stop()

    def test_what_is_refused(self):
        e = self.estate
        for words, status in ((("ticket", "show", 7), 1), (("ticket", "show", 7, "--json"), 1),
                              (("ticket", "show"), 2), (("ticket", "show", "x"), 2), (("ticket", "show", 0), 2),
                              (("ticket", "show", 1, "page.html"), 2),
                              (("ticket", "show", 1, "--html", "--json"), 2),
                              (("ticket", "show", 1, "--html", "a", "b"), 2),
                              (("ticket", "show", 1, "--by", "li"), 2)):
            done = e.run(*words)
            self.assertEqual((done.returncode, done.stdout), (status, ""), words)
            self.assertIn("ticket", done.stderr)
        e.ok("ticket", "open", "pump-2", "it drips", "--by", "desk")
        done = e.run("ticket", "show", 1, "--html", "no/such/folder/page.html")
        self.assertEqual(done.returncode, 4)
        self.assertIn("no/such/folder/page.html", done.stderr)
        self.assertIn("--html", e.ok("ticket", "show", "--help", site=False))
        e.stop()
        self.assertEqual(e.run("ticket", "show", 7).returncode, 1)


if __name__ == "__main__":
    unittest.main()
