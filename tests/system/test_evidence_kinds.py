#!/usr/bin/python3
"""The evidence of tickets of every kind, from recorded samples replayed into a folder: several
rules of one group, a rule with levels, a planned visit, the follow-up visit of a critical one, a
report by a person; in both languages, and after names and rules were changed."""
import json
import re
import unittest
import xml.etree.ElementTree as ET

from estate import Estate

RULES = """rules:
  - id: dry
    when: dry
    group: trip
    severity: urgent
    cause: {en: no water in the tank, zh-CN: 水箱缺水}
  - id: overload
    when: current > 40 A
    group: trip
    hold: 30s
    severity: urgent
    title: {en: "{device} overload", zh-CN: "{device} 过载"}
    cause: {en: blocked, zh-CN: 叶轮卡阻}
    procedure: clean
  - id: vibration
    levels:
      - {severity: normal, when: "vibration > 5.1 mm/s", clear: "vibration < 4.6 mm/s"}
      - {severity: critical, when: "vibration > 8.5 mm/s", clear: "vibration < 7.8 mm/s"}
    procedure: clean
"""
SITE = """
tickets: {verify_for: 5m, visit_after: 1d, currency: CNY}
people: [{id: li, name: 李娜}]
teams: [{id: mech, members: [li]}]
devices:
  - id: pump-1
    name: 1# 生活水泵
    type: pump
    poll: 1m
    points: {dry: {type: bool}, current: {unit: A}, vibration: {unit: mm/s}}
maintenance:
  - {id: grease, applies_to: {type: pump}, every: 1d, from: plan, procedure: clean,
     title: {en: Grease it, zh-CN: 加注润滑脂}}
procedures:
  - id: clean
    title: {en: Clean it, zh-CN: 清理}
    steps: [{en: Stop the pump, zh-CN: 停泵}, {en: Clean the wheel, zh-CN: 清理叶轮}]
"""
COMMANDS = """commands:
  - {at: +35m, do: ticket.resolve, rule: dry, device: pump-1, by: li, note: filled, cause: supply}
  - {at: +130m, do: ticket.arrive, rule: vibration, device: pump-1, by: li}
  - {at: +140m, do: ticket.tick, rule: vibration, device: pump-1, step: 2, by: li}
  - {at: +145m, do: ticket.resolve, rule: vibration, device: pump-1, by: li, note: aligned, cause: loose}
  - {at: +170m, do: ticket.open, device: pump-1, by: desk, reporter: 王女士, symptom: 有异味}
"""
END_MIN = 2 * 24 * 60


def log():
    out = "time,pump-1.dry,pump-1.current,pump-1.vibration\n"
    for minute in range(END_MIN + 1):
        returns = 50 <= minute < 60
        out += (f"{1772323200 + minute * 60},{int(10 <= minute < 20)},"
                f"{44 if 15 <= minute < 25 or returns else 21},"
                f"{10 if 125 <= minute < 135 else 6 if 120 <= minute < 135 else 3}\n")
    return out


class Kinds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.estate = e = Estate(rules=RULES, site=SITE)
        e.write("log.csv", log())
        e.write("commands.yaml", COMMANDS)
        e.ok("replay", "--commands", "commands.yaml", "--state", e.path("data"), "--quiet", "log.csv")
        e.ok("import", "log.csv")
        cls.tickets = {}
        for t in sorted(e.listing("tickets", "--all"), key=lambda t: -t["number"]):
            name = {"Grease it": "grease", "Follow-up visit: vibration": "follow-up"}.get(t["title"])
            cls.tickets[t["rule"] or name or t["kind"]] = t["number"]

    @classmethod
    def tearDownClass(cls):
        cls.estate.close()

    def setUp(self):
        self.estate.write_rules(RULES)
        self.estate.write_site(SITE)

    def text(self, name, language="en"):
        return self.estate.ok("ticket", "show", self.tickets[name], "--language", language)

    def pack(self, name):
        return json.loads(self.estate.ok("ticket", "show", self.tickets[name], "--json"))

    def charts(self, name):
        html = self.estate.ok("ticket", "show", self.tickets[name], "--html")
        return [[t.text for t in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
                for svg in re.findall(r"<svg.*?</svg>", html, re.S)]

    def test_all_rules_of_a_group_are_in_its_ticket(self):
        p = self.pack("dry")
        self.assertTrue(p["taken"])
        alarms = [(v["event"], v["rule"]) for v in p["events"] if v["event"].startswith("alarm.")]
        raised, cleared = "alarm.raised", "alarm.cleared"
        self.assertEqual(alarms, [(raised, "dry"), (raised, "overload"), (cleared, "dry"), (cleared, "overload"),
                                  (raised, "overload"), (cleared, "overload")])
        # It was the other rule that reopened it.
        self.assertEqual((p["ticket"]["reopened"], len(p["openings"])), (1, 2))
        self.assertEqual([o["id"] for o in p["rule"]["others"]], ["overload"])
        self.assertIn("when: current > 40 A", p["rule"]["others"][0]["text"])
        first, second = p["history"]["windows"]
        self.assertEqual([first["opened"][11:16], first["cleared"][11:16]], ["00:10", "00:25"])
        self.assertEqual([second["opened"][11:19], second["cleared"][11:16]], ["00:50:30", "01:00"])
        text = self.text("dry")
        for words in ("alarm raised, urgent, overload (44)", "reopened: the fault is back (44)", "blocked",
                      "no water in the tank", "around a reopening"):
            self.assertIn(words, text)
        for said in self.charts("dry"):
            self.assertIn("current > 40 A for 30s", said)

    def test_each_level_of_a_rule_is_drawn_and_each_change_told(self):
        said = self.charts("vibration")[0]
        for words in ("vibration > 5.1 mm/s", "vibration < 4.6 mm/s", "vibration > 8.5 mm/s", "vibration < 7.8 mm/s"):
            self.assertIn(words, said)
        text = self.text("vibration")
        self.assertIn("alarm changed, critical (10)", text)
        self.assertRegex(text, r"  changed, critical, respond by \S+ \S+, resolve by \S+ \S+\n")
        self.assertIn("[x] 2. Clean the wheel", text)

    def test_a_planned_visit_and_a_follow_up_visit(self):
        plan = self.text("grease")
        for words in ("Procedure: Clean it", "planned", "plan           grease"):
            self.assertIn(words, plan)
        self.assertNotIn("respond by", plan)
        self.assertNotIn("plan.", plan)  # No event by its name for machines.
        visit = self.text("follow-up")
        number = self.tickets["vibration"]
        self.assertIn(f"follow-up visit of ticket {number}", visit)
        text = self.text("vibration")
        self.assertIn("ticket closed, follow-up visit on 2026-03-02", text)
        self.assertIn(f"its follow-up visit is ticket {self.tickets['follow-up']}", text)

    def test_what_a_person_reported(self):
        p = self.pack("reported")
        self.assertEqual((p["rule"], p["ticket"]["symptom"]), (None, "有异味"))
        self.assertEqual({x["point"] for x in p["history"]["windows"][0]["points"]}, {"dry", "current", "vibration"})
        self.assertIn("王女士", self.text("reported"))

    def test_in_chinese(self):
        for name, words in (("dry", ("故障重现，重新打开 (44)", "水箱缺水", "叶轮卡阻", "重新打开前后")),
                            ("vibration", ("规程: 清理", "[x] 2. 清理叶轮", "报警级别变化, 特急 (10)", "回访")),
                            ("grease", ("计划", "停泵", "已提醒"))):
            text = self.text(name, "zh-CN")
            for word in words:
                self.assertIn(word, text)
            # Nothing of ours is left in English but ids, units, what people wrote, and notes that
            # were stored in the language of the site.
            head = text.split("\n规则,")[0]
            for word in ("alarm", "opened", "changed", "before", "respond", "step", "plan."):
                self.assertNotIn(word, head)

    def test_after_the_site_was_changed(self):
        e = self.estate
        before = self.pack("dry")
        e.write_site(SITE.replace("1# 生活水泵", "东区水泵"))
        self.assertIn("1# 生活水泵 (pump-1), now called 东区水泵", self.text("dry"))
        # Neither rule is there any more: what was stored tells all the same.
        e.write_rules("rules: []\n")
        p = self.pack("dry")
        self.assertEqual(p["rule"]["now"], "gone")
        for key in ("events", "openings"):
            self.assertEqual(p[key], before[key])
        self.assertEqual(p["rule"]["others"], before["rule"]["others"])
        self.assertEqual(p["history"], before["history"])
        self.assertIn("blocked", self.text("dry"))
        for name in self.tickets:
            self.charts(name)


if __name__ == "__main__":
    unittest.main()
