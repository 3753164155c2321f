#!/usr/bin/python3
"""`caretaker explain`: on a log, on the history and on a live daemon it says what `replay`
and the listings say, and why."""
import json
import unittest

from estate import Estate, free_port, wait_for

POINTS = "{bearing: {unit: °C}, pressure: {unit: MPa}, running: {type: bool}}"
SITE = f"""history: {{keep: 100y}}
devices:
  - {{id: pump-1, name: Pump 1, type: pump, stale_after: 5s, points: {POINTS}}}
  - {{id: fan-1, type: fan, points: {{bearing: {{unit: °C}}, running: {{type: bool}}}}}}
"""
RULES = """rules:
  - id: hot
    applies_to: {type: pump}
    while: running
    when: bearing > 80 °C
    hold: 30s
    clear: bearing < 75 °C
    clear_hold: 60s
    severity: urgent
    title: {en: "{device} hot at {bearing}"}
  - id: steps
    applies_to: {type: pump}
    levels:
      - {severity: normal, when: "avg(bearing, 20s) > 70 °C", clear: "avg(bearing, 20s) < 65 °C"}
      - {severity: critical, when: "avg(bearing, 20s) > 85 °C and pressure > 800 kPa"}
  - {id: tripped, when: bearing > 95 °C, severity: normal, latch: true}
"""
UNITS = """
      - {unit: 1, id: pump-1, points: {bearing: {register: input 0, signal: 60},
                                       running: {register: input 1, signal: 1}}}
"""


def long_log():
    """Ten minutes at 1 s: up to 100 °C and down again; silent from 0:05:10 to 0:05:30."""
    rows = ["time,device,point,value"]
    for s in range(600):
        if 310 <= s < 330:
            continue
        t = f"2026-03-01T00:{s // 60:02}:{s % 60:02}Z"
        bearing = 60 + (s // 5 if s < 200 else 40 if s < 400 else 40 - (s - 400) // 5)
        rows += [f"{t},pump-1,bearing,{bearing}", f"{t},pump-1,running,1",
                 f"{t},pump-1,pressure,0.9"]
    return "\n".join(rows) + "\n"


class OnALog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.estate = e = Estate(site=SITE, rules=RULES)
        cls.addClassCleanup(e.close)
        cls.log = e.write("log.csv", long_log())
        e.ok("import", "--quiet", cls.log)

    def explain(self, rule, at, *words, device="pump-1"):
        words = [rule, device, *words] + (["--at", at] if at else [])
        return json.loads(self.estate.ok("explain", "--json", *words))

    def text(self, *words):
        return self.estate.ok("explain", *words)

    def test_it_says_what_replay_says(self):
        out = self.estate.ok("replay", "--quiet", "--format", "jsonl", self.log)
        events = [json.loads(line) for line in out.splitlines()]
        alarms = [e for e in events if e["event"].startswith("alarm.")]
        self.assertGreaterEqual(len(alarms), 6)
        for e in alarms:
            with self.subTest(event=e):
                got = self.explain(e["rule"], e["t"], self.log)
                self.assertEqual(got["time"], e["t"])
                if e["event"] == "alarm.cleared":
                    self.assertIsNone(got["severity"])
                    self.assertTrue(got["verdict"].startswith("not raised: "), got["verdict"])
                else:
                    self.assertEqual(got["severity"], e["severity"])
                    self.assertTrue(got["verdict"].startswith("raised because "), got["verdict"])
                    self.assertEqual(got["alarm"]["value"], e["value"])
                names = [(x["event"], x["t"]) for x in got["events"]]
                self.assertIn((e["event"], e["t"]), names)

    def test_before_the_hold_is_over_it_waits(self):
        got = self.explain("hot", "2026-03-01T00:02:14.999Z", self.log)
        self.assertEqual((got["phase"], got["alarm"], got["source"]), ("pending", None, "log"))
        level = got["levels"][0]
        self.assertEqual((level["since"], level["due"], level["raised"]),
                         ("2026-03-01T00:01:45.000Z", "2026-03-01T00:02:15.000Z", False))
        self.assertEqual(got["judged_next"], "2026-03-01T00:02:15.000Z")
        self.assertRegex(got["verdict"], r"^waits: `bearing > 80 °C` is true \(bearing is 86 °C\) "
                         r"since .* 00:01:45; hold 30s is over at 2026-03-01 00:02:15, in 1ms$")
        self.assertEqual(self.explain("hot", "2026-03-01T00:02:15Z", self.log)["phase"], "raised")

    def test_the_unknown_part_is_named(self):
        got = self.explain("steps", "2026-03-01T00:05:25Z", self.log)
        points = {p["point"]: p for p in got["points"]}
        self.assertEqual(points["pressure"], {
            "device": "pump-1", "point": "pressure", "value": 0.9, "unit": "MPa",
            "quality": "stale", "detail": "", "known": False,
            "last": "2026-03-01T00:05:09.000Z", "last_good": "2026-03-01T00:05:09.000Z",
            "age_s": 16, "stale_at": None})
        when = got["levels"][1]["when"]
        self.assertEqual((when["kind"], when["value"]), ("and", None))
        pressure = when["parts"][1]["parts"]
        self.assertEqual(pressure[0]["why"], "no good sample since 2026-03-01 00:05:09 (stale)")
        self.assertEqual((pressure[1]["text"], pressure[1]["value"], pressure[1]["unit"]),
                         ("800 kPa", 0.8, "MPa"))
        # Critical stays: unknown does not clear.
        self.assertEqual(got["severity"], "critical")
        self.assertEqual(got["verdict"], "still raised, as unknown does not clear: `avg(bearing, 20s)` "
                         "is unknown: its good samples (4 since 2026-03-01 00:05:06) span 3s of the 10s needed")
        window = got["windows"][0]
        self.assertEqual([window[k] for k in ("text", "value", "width_s", "samples", "covered_s", "needed_s")],
                         ["avg(bearing, 20s)", None, 20, 4, 3, 10])

    def test_the_end_of_a_log_is_the_default(self):
        got = self.explain("hot", None, self.log)
        self.assertEqual(got["time"], "2026-03-01T00:09:59.000Z")

    def test_the_text_holds_it_all(self):
        text = self.text("hot", "pump-1", "--at", "2026-03-01 00:02:10", self.log)
        self.assertEqual(text.splitlines()[0], "hot on pump-1 at 2026-03-01 00:02:10: pending")
        for line in ("Pump 1 hot at 86 °C", "while `running`: true", "when `bearing > 80 °C`: true",
                     "clear `bearing < 75 °C`: false", "  bearing: 86 °C", "alarm: none",
                     "hold 30s: since 2026-03-01 00:01:45, over at 2026-03-01 00:02:15",
                     "  pump-1.bearing: 86 °C, good, last good 0s ago at 2026-03-01 00:02:10, "
                     "stale at 2026-03-01 00:02:15"):
            self.assertIn(line + "\n", text)
        self.assertTrue(text.splitlines()[-1].startswith("waits: "), text)
        for words in (["pump-1", "hot"], ["pump-1/hot"], ["hot/pump-1"]):
            self.assertEqual(self.text(*words, "--at", "2026-03-01 00:02:10", self.log), text)

    def test_a_latch(self):
        got = self.explain("tripped", None, self.log)
        self.assertEqual((got["phase"], got["latch"], got["alarm"]["state"]), ("normal", True, "active"))
        self.assertTrue(got["verdict"].startswith("latched until somebody acknowledges it"))

    def test_the_history_says_the_same_as_the_log(self):
        for rule in ("hot", "steps", "tripped"):
            for at in ("00:01:00", "00:02:14", "00:03:00", "00:05:20", "00:09:40", "00:30:00"):
                with self.subTest(rule=rule, at=at):
                    log = self.explain(rule, f"2026-03-01T{at}Z", self.log)
                    history = self.explain(rule, f"2026-03-01T{at}Z")
                    self.assertEqual((log["source"], history["source"]), ("log", "history"))
                    self.assertIsNotNone(history["from"])
                    for got in (log, history):
                        for key in ("source", "from", "events", "ticket"):
                            del got[key]
                        if got["alarm"]:
                            del got["alarm"]["ticket"]
                    self.assertEqual(log, history)

    def test_other_rules_a_map_and_a_rhythm(self):
        rules = self.estate.write("other.yaml", RULES.replace("> 80", "> 99"))
        got = self.explain("hot", "2026-03-01T00:03:00Z", "--rules", rules, self.log)
        self.assertEqual(got["phase"], "normal")
        self.assertEqual(self.explain("hot", "2026-03-01T00:03:00Z", "--rules", rules), {
            **got, "source": "history", "from": "2026-02-28T00:03:00.000Z"})
        foreign = self.estate.write("foreign.csv", "when,A,B\n2026-03-01 00:00:00,90,1\n"
                                    "2026-03-01 00:01:00,90,1\n")
        a_map = self.estate.write(
            "map.yaml", "time: when\ncolumns: {A: pump-1.bearing, B: pump-1.running}\n")
        self.assertEqual(self.explain("hot", None, "--map", a_map, foreign)["phase"], "pending")
        self.assertEqual(self.explain("hot", None, "--map", a_map, "--stale-after", "2m",
                                      foreign)["phase"], "raised")

    def test_what_is_not_there(self):
        for words, status, said in (
                (["hott", "pump-1"], 1, 'there is no rule "hott"; did you mean "hot"?'),
                (["hot", "pumpp-1"], 1, 'there is no device "pumpp-1"; did you mean "pump-1"?'),
                (["hot", "pump-9x", self.log], 1, 'there is no device "pump-9x"'),
                (["hot", "fan-1"], 1, 'rule "hot" is not for device "fan-1": it applies to type '
                 "`pump`, and the device's is `fan`"),
                (["steps", "fan-1", self.log], 1, "the device has no point `pressure`"),
                (["hot"], 2, "a rule and a device are needed"),
                ([], 2, "a rule and a device are needed"),
                (["hot", "pump-1", "--at", "soon"], 2, "--at: "),
                (["hot", "pump-1", "--map", "x"], 2, "for a LOG"),
                (["hot", "pump-1", "--from", "-1h", self.log], 2, "--from is for the history"),
                (["hot", "pump-1", "--from", "-1h", "--at", "-2h"], 2, "later than"),
                (["hot", "pump-1", "nothing.csv"], 4, "nothing.csv")):
            with self.subTest(words=words):
                done = self.estate.run("explain", *words)
                self.assertEqual(done.returncode, status, done)
                self.assertEqual(done.stdout, "")
                self.assertIn(said, done.stderr)
        empty = self.estate.write("empty.csv", "time,device,point,value\n")
        self.assertEqual(self.estate.run("explain", "hot", "pump-1", empty).returncode, 1)


class Live(unittest.TestCase):
    def setUp(self):
        port = free_port()
        self.estate = e = Estate(rules="""rules:
  - {id: hot, while: running, when: bearing > 80 °C, clear: bearing < 75 °C, severity: urgent}
  - {id: slow, when: bearing > 80 °C, hold: 1h, severity: normal}
""")
        self.addCleanup(e.close)
        e.write_site(f"""history: {{flush: 100ms}}
buses: [{{id: plant, tcp: "127.0.0.1:{port}", timeout: 20s}}]
devices:
  - {{id: pump-1, type: pump, bus: plant, unit: 1, poll: 100ms,
     points: {{bearing: {{register: input 0, unit: °C}}, running: {{register: input 1, type: u16, bit: 0}}}}}}
""")
        self.simulator = e.simulate(f'slaves:\n  - tcp: "127.0.0.1:{port}"\n    units:\n{UNITS}')
        e.start()

    def explain(self, rule, *words):
        return json.loads(self.estate.ok("explain", rule, "pump-1", "--json", *words))

    def wait(self, rule, condition, what):
        return wait_for(lambda: (got := self.explain(rule)) and condition(got) and got, what)

    def test_from_the_first_sample_to_the_shelf(self):
        e = self.estate
        got = self.wait("hot", lambda g: g["levels"][0]["when"]["value"] is False, "it is known")
        self.assertEqual((got["source"], got["phase"]), ("daemon", "normal"))
        self.assertEqual(got["verdict"],
                         "not raised: `bearing > 80 °C` is false (bearing is 60 °C)")
        self.assertEqual([p["quality"] for p in got["points"]], ["good", "good"])
        self.simulator.set("pump-1", "bearing", 90)
        got = self.wait("hot", lambda g: g["phase"] == "raised", "it is raised")
        self.assertEqual(got["verdict"],
                         "raised because `bearing > 80 °C` is true (bearing is 90 °C)")
        self.assertEqual(got["ticket"], e.listing("alarms", "--rule", "hot")[0]["ticket"])
        self.assertRegex(self.explain("slow")["verdict"], "^waits: .*; hold 1h is over at ")
        # What it was is read again from the history, while the daemon runs.
        before = got["alarm"]["raised_at"]
        past = wait_for(lambda: (p := self.explain("hot", "--at", before))["phase"] == "raised" and p,
                        "it is in the history")
        self.assertEqual((past["source"], past["alarm"]["raised_at"]), ("history", before))
        # In the deadband, on a shelf.
        self.simulator.set("pump-1", "bearing", 78)
        e.ok("shelve", "pump-1/hot", "--for", "1h", "--reason", "loose sensor", "--by", "li")
        got = self.wait("hot", lambda g: g["levels"][0]["when"]["value"] is False, "78 °C")
        self.assertRegex(got["verdict"], r"^still raised: `bearing < 75 °C` is false \(bearing is "
                         r"78 °C\); hidden: shelved by li until .* \(loose sensor\)$")
        self.assertIn("hidden by li since ", e.ok("explain", "hot", "pump-1"))
        self.simulator.set("pump-1", "running", 0)
        got = self.wait("hot", lambda g: g["while"]["value"] is False, "it stands still")
        self.assertIn("it is cleared only while `running` is true, and `running` is false",
                      got["verdict"])
        self.simulator.kill()
        got = self.wait("hot", lambda g: not g["points"][0]["known"], "nobody answers")
        self.assertIn("`running` is unknown: no good sample since ", got["verdict"])
        for words in (["hott", "pump-1"], ["hot", "pump-2"], ["hot", "gateway"]):
            self.assertEqual(e.run("explain", *words).returncode, 1)
        # The record tells that it was raised before what is read of the history.
        e.stop()
        got = self.explain("hot")
        self.assertEqual(got["source"], "history")
        self.assertEqual(got["phase"], "raised")
        self.assertEqual(got["events"][-1]["event"], "alarm.shelved")
        got = self.explain("hot", "--from", "-1ms")
        self.assertEqual((got["phase"], got["alarm"]["raised_at"]), ("raised", before))

    def test_the_api_refuses_with_the_reason(self):
        for rule, device, status in (("hott", "pump-1", 1), ("hot", "plant", 1)):
            done = self.estate.run("explain", rule, device)
            self.assertEqual(done.returncode, status, done)
            self.assertIn(rule, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
