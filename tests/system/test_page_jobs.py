#!/usr/bin/python3
"""Whole jobs on the page, each from its first click to what the databases say of it."""
import datetime
import json
import os
import struct
import unittest
import zlib

from selenium.webdriver.common.keys import Keys

from browser import Browser
from estate import Estate, Slave, free_port, wait_for
from test_page import COLD, HOT, PASSWORD, PUMPS, Plant

RULES = """rules:
  - {id: hot, applies_to: {type: pump}, when: bearing > 80 °C, severity: urgent, title: "{device} hot", cause: c, consequence: c, action: a,
     source: test}
"""


def png(width, height):
    """A picture with something on it."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    rows = b"".join(b"\0" + bytes((x ^ y) & 255 for x in range(width)) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Hands(Browser):
    """Finds what a person sees by its name."""

    NAMED = ("[...document.querySelectorAll((document.querySelector('dialog[open]') ? 'dialog[open] ' : '') + ':is(button, a, label, summary)')]"
             ".filter((e) => e.getClientRects().length && !e.disabled &&"
             " ((e.getAttribute('aria-label') ?? e.innerText).trim() === arguments[0] || e.innerText.trim() === arguments[0]))")
    FIELD = ("[...(document.querySelector('dialog[open]') ?? document).querySelectorAll('input, select, textarea')].find((e) =>"
             " e.getClientRects().length && ([...(e.labels ?? [])].some((l) => l.innerText.trim() === arguments[0]) ||"
             " e.getAttribute('aria-label') === arguments[0]))")

    def has(self, name):
        return bool(self.js("return " + self.NAMED + ".length", name))

    def press(self, name):
        """Views are drawn anew when something happens: what has gone meanwhile is looked for again."""
        self.until(self.NAMED + "[0]", name)
        self.js("(" + self.NAMED + "[0]).click()", name)

    def fill(self, label, value):
        self.until(self.FIELD, label)
        self.js("const e = " + self.FIELD + "; e.focus(); e.value = arguments[1];"
                "e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true}))", label, value)

    def says(self, text):
        self.until("document.body.innerText.includes(arguments[0])", text)

    def done(self):
        self.until("!document.querySelector('dialog[open]')")


class Jobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Hands()
        cls.addClassCleanup(cls.browser.close)
        cls.plant = Plant()
        cls.estate = cls.plant.estate
        cls.addClassCleanup(cls.estate.close)
        cls.plant.add_users()

    def setUp(self):
        self.browser.complaints()
        self.addCleanup(self.browser.sound)

    def enter(self, user, path, form="desk", language="en"):
        self.browser.visit(self.plant.origin, form, language, "light", self.plant.cookie(user))
        self.browser.open(path)
        return self.browser

    def alarm(self, pump):
        return next((a for a in self.estate.listing("alarms") if a["device"] == f"pump-{pump}"), None)

    def heat(self, pump):
        self.plant.bearing(pump, HOT)
        self.addCleanup(self.plant.bearing, pump, COLD)
        wait_for(lambda: self.alarm(pump), "an alarm")
        return wait_for(lambda: [t for t in self.estate.listing("tickets") if t["device"] == f"pump-{pump}"], "its ticket")[0]["number"]

    def test_an_alarm_is_shelved_and_put_back(self):
        self.heat(2)
        b = self.enter("technician", "/alarms?alarm=pump-2/hot")
        b.says("Bearing too hot")
        b.key("s")
        b.until("document.querySelector('dialog[open] [name=reason]')")
        b.js("const e = document.querySelector('dialog[open] [name=reason]'); e.value = 'waits for a part'")
        b.press("Shelve")
        wait_for(lambda: self.alarm(2)["state"] == "shelved", "it is shelved")
        self.assertEqual((self.alarm(2)["hidden_by"], self.alarm(2)["hidden_reason"]), ("technician", "waits for a part"))
        b.done()
        b.js("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        b.says("waits for a part")
        b = self.enter("technician", "/devices/pump-2")
        b.wait(".point-limits", "critical above 80 °C · shelved")  # It is beyond, and there is an alarm.
        b = self.enter("technician", "/alarms?alarm=pump-2/hot")
        b.js("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        b.press("Put back")
        wait_for(lambda: self.alarm(2)["state"] != "shelved", "it is back")

    def test_a_flood_is_one_line_and_one_act(self):
        for pump in range(1, PUMPS + 1):
            self.heat(pump)
        b = self.enter("technician", "/alarms")
        b.wait("li.fold", f", and {PUMPS - 1} more of the rule hot")
        self.assertFalse(b.find("li.alarm"))
        b.press("Unfold")
        b.until("document.querySelectorAll('li.alarm.inside').length === arguments[0]", PUMPS)
        b.press("Fold")
        b.gone("li.alarm")
        b.click("li.fold [data-act=ack]")
        b.says(f"Acknowledge {PUMPS} alarms?")
        b.click("dialog button[type=submit]")
        wait_for(lambda: {a["state"] for a in self.estate.listing("alarms")} == {"active-acked"}, "all are acknowledged")
        b.gone("li.fold.fresh")

    def test_single_letters_can_be_switched_off(self):
        self.heat(5)
        b = self.enter("technician", "/alarms")
        b.wait("li.alarm", "Pump 5")
        b.key("?")
        b.click("dialog label", "Single letters act")
        b.press("Close")
        b.done()
        b.key("a", "?", Keys.ENTER)  # Letters do nothing now; other keys do.
        b.wait(".detail h2", "Bearing too hot")
        self.assertFalse(b.find("dialog[open]"))
        self.assertEqual(self.alarm(5)["state"], "active")

    def test_a_standing_alarm_counts_before_a_graver_limit_that_is_not_judged(self):
        b = self.enter("viewer", "/alarms")
        found = b.driver.execute_async_script("""
            const done = arguments[0];
            Promise.all([import('/page/device-points.js'), import('/page/plant.js')]).then(([{beyond}, {plant}]) => {
              const limit = (rule, level, value) => ({rule, level, value, side: 'above'});
              const limits = [limit('a', 'critical', 10), limit('b', 'urgent', 8), limit('b', 'critical', 9)];
              const said = (value, alarms) => {
                for (const [rule, state, severity] of alarms) plant.alarms.set(`x/${rule}`, {device: 'x', rule, state, severity});
                const over = beyond('x', value, limits);
                for (const [rule] of alarms) plant.alarms.delete(`x/${rule}`);
                return over && [over.limit.rule, over.limit.level, over.state, over.stands];
              };
              done([said(7, []), said(11, []), said(11, [['b', 'active', 'urgent']]), said(11, [['b', 'active-acked', 'critical']]),
                said(11, [['a', 'shelved', 'critical'], ['b', 'active', 'urgent']]), said(11, [['b', 'suppressed', 'critical']])]);
            });""")
        self.assertEqual(found, [None, ["a", "critical", None, False], ["b", "urgent", "active", True], ["b", "critical", "active-acked", True],
                                 ["b", "urgent", "active", True], ["b", "critical", "suppressed", False]])

    def test_alarms_fold_by_the_surest_cause(self):
        b = self.enter("viewer", "/alarms")
        folds = b.driver.execute_async_script("""
            const done = arguments[0];
            import('/page/alarmlist.js').then(({lines}) => {
              const row = (n, more) => ({key: `d${n}/r${n}`, device: `d${n}`, rule: `r${n}`, group: null, suppressedBy: null, parent: null, ...more});
              const of = (from, count, more) => Array.from({length: count}, (_, i) => row(from + i, more));
              const items = [...of(0, 30, {parent: 'main', rule: 'silent'}), ...of(30, 7, {rule: 'silent'}), ...of(40, 5, {rule: 'few'}), ...of(50, 6, {device: 'one', parent: 'main', group: 'oil'})];
              done(lines(items, new Set(['parent:main'])).map((line) => (line.items ? `${line.cause} ${line.id} ${line.items.length}` : line.inside ? 'inside' : 'alone')));
            });""")
        self.assertEqual(folds, ["parent main 30", *["inside"] * 30, "rule silent 7", *["alone"] * 5, "group one/oil 6"])

    def test_a_ticket_from_taking_it_to_its_proof(self):
        number = self.heat(3)
        state = lambda: next(t for t in self.estate.listing("tickets", "--all") if t["number"] == number)["state"]
        self.estate.ok("ticket", "take", number, "--by", "engineer")
        b = self.enter("technician", "/tickets", form="phone")
        b.click(f"a[href='/tickets/{number}']")
        b.press("Take it over ...")
        b.wait("dialog[open] p", "engineer has it now.")
        self.estate.ok("ticket", "take", number, "--to", "administrator", "--by", "engineer")
        b.press("Take it over")  # From the engineer, who has it no longer.
        b.wait("dialog[open] .error", "Meanwhile administrator has it.")
        b.press("Cancel")
        b.done()
        self.assertEqual(self.plant.events("ticket.assigned", ticket=number)[-1]["assignee"], "administrator")
        b.says("administrator")
        b.press("Take it over ...")
        b.wait("dialog[open] p", "administrator has it now.")
        b.press("Take it over")
        b.done()
        b.press("I am there")
        wait_for(lambda: state() == "responded", "somebody is there")
        b.press("Resolve ...")
        b.fill("What was done", "greased it")
        b.fill("Cause", "worn")
        b.fill("Minutes of work", "20")
        b.fill("Part", "grease")
        b.press("Resolve")
        b.done()
        wait_for(lambda: state() in ("resolved", "closed"), "it is resolved")
        self.plant.bearing(3, COLD)
        wait_for(lambda: state() == "closed", "the sensor has proven it")
        b.press("Rate ...")
        b.js("document.querySelector('dialog[open] [value=\"5\"]').click()")
        b.press("Rate")
        b.done()
        told = lambda: json.loads(self.estate.ok("ticket", "show", number, "--json"))["ticket"]
        wait_for(lambda: told()["rating"] == 5, "it is rated")
        self.assertEqual([told()[key] for key in ("assignee", "cause", "minutes", "resolution")], ["technician", "worn", 20, "greased it"])
        self.assertEqual(told()["parts"][0]["name"], "grease")

    def test_photos_are_added_and_seen(self):
        number = self.heat(1)
        files = [os.path.join(self.browser.folder, name) for name in ("plate.png", "seal.png", "notes.txt")]
        for path, content in zip(files, (png(2000, 1000), png(64, 48), b"no picture")):
            with open(path, "wb") as out:
                out.write(content)
        stored = lambda: json.loads(self.estate.ok("ticket", "show", number, "--json"))["photos"]
        widths = "return [...document.querySelectorAll('.photo img')].map((e) => e.complete && e.naturalWidth)"
        for form, language, before in (("phone", "zh-CN", 0), ("desk", "en", 2)):
            b = self.enter("technician", f"/tickets/{number}", form=form, language=language)
            b.until("!!document.querySelector('.photos-add')")
            b.driver.find_element("css selector", ".photos-add").send_keys("\n".join(files[:2] if before == 0 else files[2:] + files[:1]))
            wait_for(lambda: [w for w in b.js(widths) if w] == [1600, 64], "they are drawn")
            self.assertEqual([(p["type"], p["by"]) for p in stored()], [("image/jpeg", "technician")] * 2)
            b.shot(f"photos-{form}")
        b.wait(".toast.bad", "notes.txt: ")  # Which was refused, and why; the other had been sent before: it is the same.
        b.wait(".toast.good", "1 photo added")
        b.click(".photo")
        b.until("document.querySelector('.photo-full img').naturalWidth === 1600")
        b.key(Keys.ESCAPE)
        b.until("document.activeElement.className === 'photo'")
        b = self.enter("viewer", f"/tickets/{number}")
        wait_for(lambda: b.js(widths) == [1600, 64], "who may only look sees them")
        self.assertFalse(b.has("Add a photo"))
        self.assertEqual([c for c in b.complaints() if "415" not in c], [])

    def test_a_ticket_by_key_while_others_work_on_it(self):
        number = self.heat(6)
        b = self.enter("technician", f"/tickets/{number}")
        b.js("document.querySelector('.bar button').focus()")
        for name in ("I am there", "Resolve ..."):  # What was pressed is gone: the next step has the focus.
            b.key(Keys.ENTER)
            b.until("document.activeElement.textContent === arguments[0]", name)
        b.js("document.querySelector('main details').open = true; document.querySelector('main summary').focus()")
        self.estate.ok("ticket", "note", number, "it sings", "--by", "desk")
        b.says("it sings")
        self.assertEqual(b.js("return [document.activeElement.tagName, document.querySelector('main details').open]"), ["SUMMARY", True])

    def test_a_device_goes_out_of_service_and_comes_back(self):
        b = self.enter("engineer", "/devices/pump-4")
        self.estate.ok("service", "pump-4", "out", "--reason", "new seal", "--for", "1h")
        b.says("new seal")
        self.estate.ok("service", "pump-4", "in")
        b.until("!document.body.innerText.includes('new seal') || document.body.innerText.includes('in service')")

    def test_a_user_is_added_and_who_is_disabled_is_out(self):
        b = self.enter("administrator", "/people")
        b.press("New user")
        b.until("document.querySelector('dialog[open] form')")
        b.js("for (const [n, v] of [['id', 'wang'], ['name', 'Wang'], ['password', arguments[0]]]) {"
             " document.querySelector(`dialog[open] [name=${n}]`).value = v; }", PASSWORD)
        b.press("Add")
        wait_for(lambda: "wang" in [u["id"] for u in self.estate.listing("user", "list")], "the user is there")
        b.says("Wang")
        b = self.enter("wang", "/alarms")
        self.estate.ok("user", "change", "wang", "--disable")
        self.browser.driver.get(self.plant.origin + "/devices")
        b.until("document.querySelector('input[name=user]')")
        self.browser.complaints()

    def test_the_screen_on_the_wall(self):
        self.heat(5)
        b = self.enter("viewer", "/alarms", form="wall", language="zh-CN")
        b.says("轴承过热")
        self.assertTrue(b.js("return document.documentElement.classList.contains('wall')"))
        self.assertGreaterEqual(b.js("return parseFloat(getComputedStyle(document.querySelector('.alarms .title')).fontSize)"), 24)


class Planned(unittest.TestCase):
    def test_a_visit_is_moved_with_a_reason(self):
        port = free_port()
        first = datetime.date.today() + datetime.timedelta(days=20)
        earlier = first - datetime.timedelta(days=1)
        e = Estate(site=f'web: {{listen: "127.0.0.1:{port}"}}\ndevices:\n  - {{id: pump-1, type: pump, points: {{x: {{}}}}}}\n'
                        f"maintenance:\n  - {{id: grease, applies_to: {{type: pump}}, every: 30d, start: {first}, remind: 3d}}\n", rules=RULES)
        self.addCleanup(e.close)
        e.start()
        for user, role in (("admin", "administrator"), ("eng", "engineer")):
            e.ok("user", "add", user, "--role", role, "--password-stdin", stdin=PASSWORD + "\n")
        b = Hands()
        self.addCleanup(b.close)
        b.visit(f"http://127.0.0.1:{port}")
        b.driver.get(b.origin + "/plan")
        b.fill("User", "eng")
        b.fill("Password", PASSWORD)
        b.press("Log in")
        b.until("document.querySelector('.visit')")
        b.js("document.querySelector('.visit').click()")
        b.press("Move ...")
        b.fill("New day", str(earlier))
        b.fill("Why", "the part is here")
        b.press("Move")
        b.done()
        wait_for(lambda: e.listing("plan", "--to", "+30d")[0]["day"] == str(earlier), "it is moved")
        b.says("grease")


class ReadOnly(unittest.TestCase):
    def test_without_users_the_page_is_only_read(self):
        port, bus = free_port(), free_port()
        e = Estate(site=f'history: {{flush: 100ms}}\nweb: {{listen: "127.0.0.1:{port}"}}\n'
                        f'buses: [{{id: plant, tcp: "127.0.0.1:{bus}", timeout: 5s}}]\ndevices:\n'
                        "  - {id: pump-1, type: pump, bus: plant, unit: 1, poll: 50ms, points: {bearing: {register: input 3, unit: °C}}}\n",
                   rules=RULES)
        self.addCleanup(e.close)
        slave = e.keep(Slave("tcp", bus, 1))
        slave.set(1, "input", 3, HOT)
        e.start()
        b = Hands()
        self.addCleanup(b.close)
        b.visit(f"http://127.0.0.1:{port}")
        b.open("/alarms")
        b.says("hot")
        b.says("Read-only")
        self.assertFalse(b.has("Acknowledge"))
        b.sound()


if __name__ == "__main__":
    unittest.main()
