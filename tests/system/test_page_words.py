#!/usr/bin/python3
"""How the page says things: floods in one line, titles and names in the language of who reads."""
import datetime
import unittest

from accessible import faults
from browser import Browser
from estate import Estate, Slave, free_port, wait_for

COLD, HOT = 60, 91
TODAY = datetime.date.today()
HOLIDAY = TODAY + datetime.timedelta(days=1)
WORKED = TODAY + datetime.timedelta(days=2)
METERS = 30
RULES = """rules:
  - {id: hot, applies_to: {type: meter}, when: bearing > 80 °C, severity: urgent, title: {en: "{device} too hot", zh-CN: "{device} 过热"},
     cause: c, consequence: c, action: a, source: test}
  - {id: cold, applies_to: {type: meter}, when: bearing < 10 °C, severity: info, title: {en: "{device} cold: {bearing}", zh-CN: "{device} 轴承温度 {bearing}"},
     cause: c, consequence: c, action: a, source: test}
"""


class Words(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.estate = e = Estate(rules=RULES)
        cls.addClassCleanup(e.close)
        bus, port = free_port(), free_port()
        cls.origin = f"http://127.0.0.1:{port}"
        e.write_site(f'web: {{listen: "127.0.0.1:{port}"}}\nbuses: [{{id: plant, tcp: "127.0.0.1:{bus}", timeout: 5s}}]\n'
                     f"calendar: [{{date: {HOLIDAY}, name: {{en: Founding day, zh-CN: 建园日}}}}, {{date: {WORKED}, working: true}}]\n"
                     f"maintenance: [{{id: round, applies_to: {{id: meter-1}}, every: 1d, start: {TODAY}}}]\n"
                     "devices:\n  - {id: feeder, name: Feeder 3, type: feeder, points: {closed: {}}}\n" + "".join(
                         f"  - {{id: meter-{n}, type: meter, parent: feeder, bus: plant, unit: {n}, poll: 200ms,"
                         " points: {bearing: {register: input 3, unit: °C, title: {en: Bearing temperature, zh-CN: 轴承温度}}}}\n" for n in range(1, METERS + 1)))
        cls.slave = e.keep(Slave("tcp", bus, *range(1, METERS + 1)))
        for n in range(1, METERS + 1):
            cls.slave.set(n, "input", 3, HOT)
        e.start()
        wait_for(lambda: len(e.listing("alarms")) == METERS, "an alarm of each")

    def visit(self, path, form="desk", language="en"):
        self.browser.visit(self.origin, form, language)
        self.browser.open(path)
        self.addCleanup(self.browser.sound)

    def test_what_hangs_behind_one_parent_is_one_line(self):
        b = self.browser
        for language, said, proof in (("en", "30 alarms behind Feeder 3", "alarm stands"), ("zh-CN", "Feeder 3 下游 30 条报警", "报警仍在")):
            self.visit("/alarms", language=language)
            # Words that are not called as they are written.
            self.assertEqual(b.driver.execute_async_script(
                "const [done] = arguments; import('/page/words.js').then((m) => done(m.word('proof', 'alarm-stands')));"), proof)
            b.wait("li.fold", said)
            self.assertEqual(b.js("return document.querySelectorAll('li.fold, li.alarm').length"), 1)
            b.shot(f"fold-{language}")
            b.click("li.fold [data-act=unfold]")
            b.until("document.querySelectorAll('li.alarm').length === arguments[0]", METERS)

    def test_titles_are_in_the_language_of_who_reads(self):
        b = self.browser
        number = next(t["number"] for t in self.estate.listing("tickets") if t["device"] == "meter-7")
        self.visit("/alarms", language="zh-CN")
        b.wait("li.fold")
        b.click("li.fold [data-act=unfold]")
        b.wait("li.alarm button.title", "meter-7 过热")
        b.open("/tickets")
        b.wait("main b", "meter-7 过热")
        b.open(f"/tickets/{number}")
        b.wait("h1", "meter-7 过热")
        b.open("/devices/meter-7")
        b.wait("main a", "meter-7 过热")
        b.wait(".part-history", "meter-7 过热")
        self.assertIsNone(b.find("main", "too hot"))
        # One that comes while somebody looks.
        self.estate.ok("ack", "meter-7", "hot", "--by", "desk")
        self.slave.set(7, "input", 3, COLD)
        b.gone("a.worst", "meter-7 过热")
        self.slave.set(7, "input", 3, HOT)
        b.wait("a.worst", "meter-7 过热")
        self.visit(f"/tickets/{number}")
        b.wait("h1", "meter-7 too hot")

    def test_what_a_rule_and_its_points_are_called(self):
        b = self.browser
        for language, title, name in (("en", "device cold: Bearing temperature (°C)", "Bearing temperature"),
                                            ("zh-CN", "设备 轴承温度 数值 (°C)", "轴承温度")):
            self.visit("/rules", language=language)
            b.wait("td .quiet", title)
            b.write("input[type=search]", name)
            b.until("document.querySelectorAll('tbody tr').length === 1")
            self.assertNotIn("{", b.js("return document.querySelector('main').innerText"))
            b.open("/rules/cold")
            b.wait("h1", title)
            b.wait(".named", f"bearing {name} (°C)")
            b.shot(f"rule-title-{language}")
            self.assertEqual(faults(b), [])
            b.open("/devices/meter-1")
            b.wait(".points th label", name)
            self.assertEqual(b.js("return document.querySelector('.points th label small').textContent"), "bearing")
            b.wait(".chart-key", name)
            b.shot(f"point-names-{language}")
            self.assertEqual(faults(b), [])

    def test_days_off_stand_in_the_calendar_in_words(self):
        b = self.browser
        for language, off, worked in (("en", "Founding day (day off)", "worked"), ("zh-CN", "建园日 (休息日)", "上班")):
            for form in ("desk", "phone"):
                self.visit("/plan", form, language)
                b.wait(".special", off)
                b.wait(".special", worked)
                b.shot(f"holiday-{form}-{language}")
                self.assertEqual(faults(b, phone=form == "phone"), [])
            self.visit("/plan", language=language)
            cell = f"td[data-day='{HOLIDAY}']"
            b.wait(f"{cell}.off .special", off)
            self.assertEqual(b.js("return document.querySelectorAll('td.off').length"), 1)


if __name__ == "__main__":
    unittest.main()
