#!/usr/bin/python3
"""The ledger on a live daemon: what people change, the spreadsheet's way out and back (Python's
csv module reads and writes it), kill -9 in between, and the whole life of a device."""
import csv
import datetime
import io
import json
import os
import re
import unittest

from estate import Estate, free_port, wait_for

FIELDS = ["maker", "model", "specification", "serial", "supplier", "installed", "design_life",
          "design_hours", "design_starts", "warranty_until", "price", "area", "keeper"]
HEADER = ["id", "name", "type", "location"] + FIELDS
RULES = """
rules:
  - id: hot
    applies_to: {type: pump}
    when: bearing > 80
    severity: urgent
    title: bearing hot
  - id: worn
    applies_to: {type: pump}
    when: hours(running) > 10000h
    severity: normal
"""
SITE = """
people: [{id: li, name: Li}, {id: zhang, name: Zhang}]
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 20s}]
devices:
  - id: pump-1
    name: 1# 泵
    type: pump
    location: B1
    bus: plant
    unit: 2
    poll: 100ms
    points: {bearing: {register: input 0, unit: °C}, running: {register: discrete 0}}
    ledger:
      maker: Grundfos
      installed: 2019-06-01
      design_life: 15y
      price: 12500.5
      keeper: zhang
      documents:
        - pump.pdf
        - {title: Inspection, link: "https://example.org/c", kind: certificate, valid_until: %s}
  - {id: hydrant-1, name: "=HYPERLINK(1)", type: fire-hydrant, location: "Block 1, \\"north\\""}
  - {id: box-1, type: distribution-box, ledger: {maker: "-Box & Co"}}
"""


# Taken once: midnight may come while a test runs.
SOON, LATER, GONE = ((datetime.date.today() + datetime.timedelta(days)).isoformat()
                     for days in (30, 400, -30))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Ledger(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.estate = e = Estate(rules=RULES)
        self.addCleanup(e.close)
        e.write_site(SITE % (self.port, SOON))

    def row(self, device):
        [row] = self.estate.listing("ledger", "--device", device)
        return row

    def life(self, device, *words):
        return json.loads(self.estate.ok("device", device, "--json", *words))

    def exported(self, *words):
        text = self.estate.ok("ledger", "export", *words)
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        self.assertEqual(rows[0], HEADER)
        return text, [dict(zip(HEADER, row, strict=True)) for row in rows[1:]]

    def write_csv(self, name, rows, header=None, **how):
        header = header or list(rows[0])
        with open(self.estate.path(name), "w", encoding="utf-8", newline="") as f:
            writer = csv.DictWriter(f, header, **how)
            writer.writeheader()
            writer.writerows(rows)
        return name

    def import_csv(self, name, *words):
        return json.loads(self.estate.ok("ledger", "import", name, "--json", *words))

    def changes(self, **fields):
        """(device, field, before, after, who) of the journal."""
        return [(v["device"], v["record"], v.get("before"), v.get("after"), v["by"])
                for v in self.estate.events() if v["event"] == "ledger.changed" and
                all(v.get(k) == x for k, x in fields.items())]

    def test_without_a_daemon(self):
        e = self.estate
        table = e.ok("ledger")
        self.assertEqual([line.split()[0] for line in table.splitlines()[1:4]],
                         ["distribution-box", "fire-hydrant", "pump"])
        self.assertIn("certificate: Inspection, " + SOON, table)
        self.assertEqual(self.row("pump-1")["sources"]["maker"], "file")
        self.assertEqual(e.listing("ledger", "--type", "pump", "--keeper", "zhang"),
                         [self.row("pump-1")])
        self.assertEqual(e.listing("ledger", "--area", "nowhere"), [])
        self.assertEqual(e.run("ledger", "--device", "pump-9").returncode, 1)
        # What cannot be stored is refused; what only looks works.
        self.write_csv("x.csv", [{"id": "pump-1", "maker": "Wilo"}])
        self.assertEqual(self.import_csv("x.csv", "--dry-run")["stored"], False)
        done = e.run("ledger", "import", "x.csv")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertEqual(e.run("ledger", "set", "pump-1", "maker=Wilo").returncode, 4)
        life = self.life("hydrant-1")
        self.assertEqual((life["state"]["state"], life["history"]), ("unknown", []))
        self.assertEqual(e.run("device", "pump-9").returncode, 1)
        for words in (["ledger", "paint"], ["ledger", "set", "pump-1"], ["device"],
                      ["ledger", "import"], ["ledger", "export", "x.csv"],
                      ["device", "pump-1", "--limit", "many"]):
            self.assertEqual(e.run(*words).returncode, 2, words)

    def test_out_to_a_spreadsheet_and_back(self):
        e = self.estate
        e.start()
        text, rows = self.exported()
        self.assertEqual([r["id"] for r in rows], ["box-1", "hydrant-1", "pump-1"])
        pump = rows[2]
        self.assertEqual((pump["name"], pump["price"], pump["design_life"]),
                         ("1# 泵", "12500.50", "15y"))
        # What a spreadsheet would take for a formula is text there.
        self.assertEqual((rows[1]["name"], rows[0]["maker"]), ("'=HYPERLINK(1)", "'-Box & Co"))
        self.assertEqual(rows[1]["location"], 'Block 1, "north"')
        self.assertTrue(e.ok("ledger", "export", "--bom").startswith("\ufeffid,"))
        for name, how in (("same.csv", {}), ("quoted.csv", {"quoting": csv.QUOTE_ALL}),
                          ("semicolon.csv", {"delimiter": ";", "lineterminator": "\n"})):
            self.write_csv(name, rows, HEADER, **how)
            self.assertEqual(self.import_csv(name),
                             {"changes": [], "rows": 3, "devices": 0, "stored": False}, name)
        self.assertEqual(self.changes(), [])
        # Values that a cell could spoil, through Python's writer.
        hard = ["=1+1", "+86 20", "-x", "@y", "a,b;c", 'say "hi"', "'=z", "泵 CR 32-4", "0012",
                "a\tb".replace("\t", " "), "＝1", "'"]
        for value in hard:
            self.write_csv("hard.csv", [{"id": "box-1", "serial": value, "model": "x" + value}])
            e.ok("ledger", "import", "hard.csv", "--by", "li")
            want = value[1:] if value == "'=z" else value
            self.assertEqual(self.row("box-1")["serial"], want)
            _, rows = self.exported("--device", "box-1")
            self.write_csv("again.csv", rows, HEADER)
            self.assertEqual(self.import_csv("again.csv")["changes"], [], value)

    def test_an_import_is_all_or_nothing_and_outlives_a_kill(self):
        e = self.estate
        e.start()
        _, rows = self.exported()
        rows[1].update(maker="Fire & Co", installed="2020/1/5", design_hours="100")
        rows[2].update(maker="Wilo", keeper="", price="9999.9")
        self.write_csv("new.csv", rows)
        want = [("hydrant-1", "maker", "", "Fire & Co"),
                ("hydrant-1", "installed", "", "2020-01-05"),
                ("hydrant-1", "design_hours", "", "100"),
                ("pump-1", "maker", "Grundfos", "Wilo"),
                ("pump-1", "price", "12500.50", "9999.90"),
                ("pump-1", "keeper", "zhang", "")]
        looked = self.import_csv("new.csv", "--dry-run")
        self.assertEqual([tuple(c.values()) for c in looked["changes"]], want)
        self.assertEqual(self.changes(), [])
        # One wrong cell: all of them stay, and its place is said.
        rows[0]["warranty_until"] = "next year"
        self.write_csv("bad.csv", rows)
        done = e.run("ledger", "import", "bad.csv")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, r"bad\.csv:2:\d+: warranty_until: \"next year\"")
        # What only the daemon knows is wrong, too.
        self.write_csv("who.csv", [{"id": "box-1", "model": "x", "keeper": "nobody"}])
        done = e.run("ledger", "import", "who.csv")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn('no person "nobody"', done.stderr)
        self.assertEqual(self.changes(), [])
        stored = self.import_csv("new.csv", "--by", "li", "--note", "stock-taking")
        self.assertEqual((stored["stored"], stored["devices"]), (True, 2))
        e.daemon.kill()
        events = [(d, f, b or "", a or "") for d, f, b, a, _ in self.changes(
            by="li", note="stock-taking")]
        self.assertEqual(events, want)
        down = self.exported()[0]
        listing = e.listing("ledger")
        e.start()
        self.assertEqual(self.exported()[0], down)
        self.assertEqual(e.listing("ledger"), listing)
        self.assertEqual(self.import_csv("new.csv")["changes"], [])
        pump = self.row("pump-1")
        self.assertEqual((pump["maker"], pump["keeper"], pump["price"]), ("Wilo", None, 9999.9))
        self.assertEqual((pump["sources"]["maker"], pump["sources"]["keeper"],
                          pump["sources"]["installed"]), ("database", "database", "file"))
        self.assertEqual({(r["device"], r["key"], r["value"], r["person"]) for r in e.rows(
            "state", "select * from ledger")}, {(d, k, a, "li") for d, k, _, a in want})
        # The file's value is the file's again.
        e.ok("ledger", "set", "pump-1", "maker=Grundfos", "price=12500.50", "keeper=zhang")
        self.assertEqual(set(self.row("pump-1")["sources"].values()), {"file"})
        e.stop()

    def test_a_foreign_file(self):
        e = self.estate
        e.start()
        self.write_csv("foreign.csv", [{"设备编号": "pump-1", "备注": "x", "厂家": "威乐"}])
        done = e.run("ledger", "import", "foreign.csv")
        self.assertEqual(done.returncode, 3)
        self.assertIn("--column KEY=HEADING", done.stderr)
        e.ok("ledger", "import", "foreign.csv", "--column", "id=设备编号", "--column",
             "maker=厂家")
        self.assertEqual(self.row("pump-1")["maker"], "威乐")
        with open(e.path("gbk.csv"), "w", encoding="gb18030") as f:
            f.write("id,maker\npump-1,格兰富\n")
        done = e.run("ledger", "import", "gbk.csv")
        self.assertEqual(done.returncode, 3)
        self.assertIn("CSV UTF-8", done.stderr)

    def test_a_paper_that_runs_out_is_an_alarm_with_a_ticket(self):
        """With the shipped rules of the gateway, which the site's certificate sets off; it
        stands until the paper is renewed."""
        e = self.estate
        with open(os.path.join(TOP, "config/rules/gateway.yaml"), encoding="utf-8") as f:
            e.write_rules(re.sub("team: electrical, |    procedure: .*\n", "", f.read()))
        e.write_site(SITE % (self.port, LATER))
        e.start()
        e.ok("ledger", "add-document", "box-1", "box.pdf", "--kind", "certificate",
             "--valid-until", SOON, "--by", "li")
        e.ok("ledger", "add-document", "box-1", "old.pdf", "--kind", "warranty",
             "--valid-until", GONE, "--by", "li")
        e.ok("ledger", "set", "pump-1", "warranty_until=" + GONE, "--by", "li")
        e.stop()
        e.start()

        def standing():
            return [a["title"] for a in e.listing("alarms") if a["rule"].startswith("papers")
                    and a["state"] == "active"]

        wait_for(lambda: standing() == ["papers of the ledger run out: 1"], "the alarm")
        self.assertEqual([(t["device"], t["rule"]) for t in e.listing("tickets")
                          if t["rule"] == "papers-due"], [("gateway", "papers-due")])
        table = e.ok("ledger")
        self.assertIn("box-1, certificate: box.pdf, " + SOON, table)
        self.assertNotIn(GONE, table)
        # The report has the same, and what was changed in the ledger since the file.
        e.ok("ledger", "set", "box-1", "warranty_until=" + SOON, "installed=2016-01-01",
             "design_life=12y", "--by", "li")
        period = json.loads(e.ok("report", "--format", "json"))["periods"][0]
        for paper in period["papers"]:
            self.assertIn(paper.pop("days_left"), (29, 30))
        self.assertEqual(period["papers"], [
            {"key": "box-1/box.pdf", "valid_until": SOON, "kind": "certificate",
             "title": "box.pdf"},
            {"key": "box-1/warranty", "valid_until": SOON, "kind": "warranty", "title": None}])
        self.assertEqual({r["key"] for r in period["life"]}, {"pump-1", "box-1"})
        self.assertRegex(e.ok("report"), rf"Papers that run out\n.*\nbox-1 .*{SOON} +(29|30) +certificate")
        e.ok("ledger", "remove-document", "1", "--by", "li")
        e.ok("ledger", "set", "box-1", "warranty_until=", "--by", "li")
        e.stop()
        e.start()
        wait_for(lambda: not standing(), "it clears")

    def test_the_whole_life_of_a_device(self):
        e = self.estate
        simulator = e.simulate(f'''slaves:
  - tcp: "127.0.0.1:{self.port}"
    units:
      - {{unit: 2, id: pump-1, points: {{bearing: {{register: input 0, signal: 60}},
                                       running: {{register: discrete 0, signal: 1}}}}}}
''')
        e.start()
        e.ok("ledger", "add-document", "pump-1", "https://example.org/w", "--title", "Warranty",
             "--kind", "warranty", "--valid-until", LATER, "--by", "li")
        e.ok("ledger", "add-document", "pump-1", "old.pdf", "--by", "li")
        e.ok("ledger", "remove-document", "2", "--by", "zhang")
        self.assertEqual(e.run("ledger", "remove-document", "2").returncode, 1)
        e.ok("ledger", "add-alteration", "pump-1", "New impeller", "--effect", "more head",
             "--on", "2024-5-1", "--made-by", "Pump Ltd", "--by", "li")
        simulator.set("pump-1", "bearing", 90)
        wait_for(lambda: e.listing("tickets"), "a ticket")
        self.assertEqual([t["title"] for t in self.life("pump-1")["open_tickets"]],
                         ["bearing hot"])
        e.ok("ticket", "take", "1", "--by", "li")
        e.ok("ticket", "arrive", "1", "--by", "li")
        simulator.set("pump-1", "bearing", 60)
        wait_for(lambda: not [a for a in e.listing("alarms") if a["state"] == "active"],
                 "it clears")
        e.ok("ticket", "resolve", "1", "greased, was dry", "--by", "li")
        e.ok("ticket", "close", "1", "--by", "li")
        life = self.life("pump-1")
        [fault] = life["faults"]
        self.assertEqual((fault["kind"], fault["rule"], fault["state"], fault["treatment"],
                          fault["by"]), ("fault", "hot", "closed", "greased, was dry", "li"))
        self.assertEqual(life["open_tickets"], [])
        self.assertEqual(life["episodes"], 1)
        self.assertEqual(life["state"]["state"], "online")
        self.assertEqual(life["state"]["points"]["bearing"]["value"], 60)
        self.assertEqual([(d["number"], d["title"], d.get("removed_by"))
                          for d in life["documents"]],
                         [(None, "pump.pdf", None), (None, "Inspection", None),
                          (1, "Warranty", None), (2, "old.pdf", "zhang")])
        self.assertEqual([(a["day"], a["what"], a["effect"], a["made_by"], a["by"])
                          for a in life["alterations"]],
                         [("2024-05-01", "New impeller", "more head", "Pump Ltd", "li")])
        self.assertEqual([h["what"] for h in life["history"]],
                         ["installed", "alteration", "document", "document", "fault"])
        self.assertEqual([h["t"] for h in life["history"]],
                         sorted(h["t"] for h in life["history"]))
        self.assertEqual(life["costs"]["tickets"], 1)
        self.assertEqual([h["what"] for h in self.life("pump-1", "--limit", "2")["history"]],
                         ["document", "fault"])
        text = e.ok("device", "pump-1")
        for words in ("Grundfos", " %, by age", "New impeller; effect: more head", "online",
                      "treatment: greased, was dry", "Inspection", "hot: cleared, episodes 1"):
            self.assertIn(words, text)
        self.assertEqual(
            [(r, who) for _, r, _, _, who in self.changes()],
            [("document 1", "li"), ("document 2", "li"), ("document 2", "zhang"),
             ("alteration 1", "li")])
        # By the API at its own address, and the same from the databases.
        e.stop()
        down = self.life("pump-1")
        # What rules count is stored again when the daemon ends.
        for key in ("state", "counters"):
            down.pop(key), life.pop(key)
        for part in ("hours", "starts"):
            down["ledger"].pop(part), life["ledger"].pop(part)
        self.assertEqual(down, life)

    def test_a_large_ledger_at_once(self):
        e = self.estate
        count = 1000
        e.write_site("devices:\n" + "".join(
            f"  - {{id: d-{i:04}, type: box}}\n" for i in range(count)))
        e.start()
        rows = [{"id": f"d-{i:04}", "maker": f"Maker {i}", "serial": f"{i:08}",
                 "installed": "2020-01-01", "design_life": "20y", "area": f"Block {i % 9}"}
                for i in range(count)]
        self.write_csv("many.csv", rows)
        done = self.import_csv("many.csv")
        self.assertEqual((len(done["changes"]), done["devices"]), (5 * count, count))
        self.assertEqual(len(self.changes()), 5 * count)
        self.assertEqual({r["id"]: r["serial"] for r in self.exported()[1]},
                         {r["id"]: r["serial"] for r in rows})
        self.assertEqual(self.import_csv("many.csv")["changes"], [])
        e.stop()


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    unittest.main()
