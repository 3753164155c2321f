#!/usr/bin/python3
"""The page of a live daemon in a browser that is not ours: what each role does all day, in both
languages, on a phone, at a desk and on a wall."""
import datetime
import itertools
import json
import subprocess
import unittest
import urllib.request

from browser import FORMS, Browser
from estate import CARETAKER, LIMIT_S, Estate, Slave, free_port, wait_for

PASSWORD = "correct horse battery"
ROLES = ("viewer", "technician", "engineer", "administrator")
VIEWS = ("/", "/alarms", "/tickets", "/tickets/1", "/devices", "/devices/pump-1", "/plan",
         "/report", "/rules", "/rules/hot")
RULES = """rules:
  - id: hot
    title: {en: Bearing too hot, zh-CN: 轴承过热}
    when: bearing > 80 °C
    clear: bearing < 75 °C
    severity: critical
    verify_for: 300ms
    cause: worn
    consequence: seizure
    action: grease it
"""
SITE = """
tickets: {causes: [worn], currency: CNY}
people: [{id: technician, name: Li Ming}]
teams: [{id: mechanical, members: [technician], hours: {mon-sun: "00:00-24:00"}}]
maintenance:
  - {id: round, applies_to: {type: pump}, every: 30d, start: %s, team: mechanical}
devices:
"""
DEVICE = ("  - {id: pump-%d, name: Pump %d, type: pump, bus: plant, unit: %d, poll: 50ms,"
          " points: {bearing: {register: input 3, unit: °C}}}\n")
PUMPS = 6
COLD, HOT = 60, 91
LOST = "ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET"


the_browser = None  # One for the whole file.


def setUpModule():
    global the_browser
    the_browser = Browser()
    unittest.addModuleCleanup(the_browser.close)


LANGUAGES = ("en", "zh-CN")
COMBINATIONS = list(itertools.product(FORMS, LANGUAGES))


def each(*forms, by_turns=False):
    """Runs a job in both languages at the given sizes, each time with a pump of its own; by turns:
    each size in one of the languages."""
    def decorate(job):
        def run(self):
            for number, (form, language) in enumerate(COMBINATIONS, 1):
                if form not in forms or (by_turns and number % 4 < 2):
                    continue
                with self.subTest(form=form, language=language):
                    self.form, self.language, self.pump = form, language, number
                    self.browser.complaints()
                    job(self)
                    self.browser.sound()
        return run
    return decorate


class Plant:
    """An estate with pumps whose bearings get hot on demand."""

    def __init__(self):
        self.estate = e = Estate(rules=RULES)
        bus, self.port = free_port(), free_port()
        later = datetime.date.today() + datetime.timedelta(days=3)
        e.write_site(f'history: {{flush: 100ms}}\nweb: {{listen: "127.0.0.1:{self.port}"}}\n'
                     f'buses: [{{id: plant, tcp: "127.0.0.1:{bus}", timeout: 5s}}]'
                     + SITE % later + "".join(DEVICE % (n, n, n) for n in range(1, PUMPS + 1)))
        self.slave = e.keep(Slave("tcp", bus, *range(1, PUMPS + 1)))
        for n in range(1, PUMPS + 1):
            self.bearing(n, COLD)
        self.origin = f"http://127.0.0.1:{self.port}"
        self.cookies = {}
        e.start()

    def bearing(self, pump, value):
        self.slave.set(pump, "input", 3, value)

    def add_users(self):
        for role in reversed(ROLES):
            done = subprocess.run(
                [CARETAKER, "user", "add", role, "--role", role, "-c", self.estate.site_file],
                input=PASSWORD + "\n", capture_output=True, text=True, timeout=LIMIT_S, check=False)
            assert done.returncode == 0, done.stderr

    def cookie(self, user):
        """A session, as the log-in gives it."""
        if user not in self.cookies:
            asked = urllib.request.Request(
                self.origin + "/api/v1/session", headers={"Content-Type": "application/json"},
                data=json.dumps({"user": user, "password": PASSWORD}).encode())
            with urllib.request.urlopen(asked, timeout=LIMIT_S) as answer:
                self.cookies[user] = answer.headers["Set-Cookie"].split(";")[0].split("=", 1)
        return self.cookies[user]

    def events(self, name, **fields):
        return [e for e in self.estate.events() if e["event"] == name and
                all(e.get(k) == v for k, v in fields.items())]

    def wait_event(self, name, count=1, **fields):
        wait_for(lambda: len(self.events(name, **fields)) >= count, (name, fields))
        return self.events(name, **fields)[-1]


class PageTest(unittest.TestCase):
    form, language, pump = "desk", "en", 1

    @classmethod
    def setUpClass(cls):
        cls.browser = the_browser
        cls.plant = Plant()
        cls.addClassCleanup(cls.plant.estate.close)
        cls.prepare()

    @classmethod
    def prepare(cls):
        cls.plant.add_users()
        cls.plant.estate.ok("ticket", "open", "pump-1", "it drips", "--by", "desk")

    def visit(self, user, path, theme="light"):
        self.browser.visit(self.plant.origin, self.form, self.language, theme,
                           self.plant.cookie(user) if user else None)
        self.browser.open(path)

    def said(self, english, chinese):
        return english if self.language == "en" else chinese

    def name(self, what):
        return f"{what}-{self.form}-{self.language}"


class Viewer(PageTest):
    # Buttons that change only what is shown.
    ACTS = ("[data-act=ack], [data-act=shelve], [data-act=service], .ack-all, .bar button,"
            " main form button[type=submit], .service button, input[type=file], .steps input:enabled")

    # test_page_views.py sees that all views fit in all sizes and languages.
    @each("phone", "desk", "wall", by_turns=True)
    def test_sees_everything_and_may_do_nothing(self):
        self.visit("viewer", "/")
        for path in VIEWS:
            b = self.browser
            b.open(path)
            b.gone(".failed")
            self.assertIsNone(b.find(self.ACTS), path)
            self.assertEqual(b.js("return document.documentElement.lang"), self.language)
            # Nothing is wider than the screen: a page that scrolls sideways hides things.
            self.assertLessEqual(b.js("return document.documentElement.scrollWidth"),
                                 FORMS[self.form][0], path)
            b.shot(self.name("viewer" + path.replace("/", "-")))

    def test_a_second_load_is_not_blank(self):
        self.visit("viewer", "/")
        for path in VIEWS:
            self.browser.open(path)
            self.browser.driver.refresh()
            self.browser.ready()
            self.browser.sound()


class Technician(PageTest):
    @each("phone", "desk")
    def test_an_alarm_comes_by_itself_and_goes(self):
        b, p = self.browser, self.plant
        self.visit("technician", "/alarms")
        b.js("window.mark = 'the same page'")
        for acknowledge in (lambda: b.click("li.alarm [data-act=ack]"), lambda: b.key("a")):
            p.bearing(self.pump, HOT)
            b.wait("li.alarm.is-active", self.said("Bearing too hot", "轴承过热"))
            b.shot(self.name("alarm"))
            acknowledge()
            b.wait("li.alarm.is-active-acked")
            p.bearing(self.pump, COLD)
            b.gone("li.alarm")
        self.assertEqual(b.js("return window.mark"), "the same page")
        self.assertEqual(p.events("alarm.acknowledged")[-1]["by"], "technician")

    @each("phone", "desk")
    def test_reports_a_fault(self):
        b = self.browser
        self.visit("technician", "/tickets")
        b.click(".head .primary")
        b.write("dialog [name=device]", f"pump-{self.pump}")
        b.write("dialog [name=symptom]", "it drips")
        b.click("dialog button[type=submit]")
        b.until("/^\\/tickets\\/\\d+$/.test(location.pathname)")
        b.ready()
        number = int(b.driver.current_url.rsplit("/", 1)[1])
        opened = self.plant.wait_event("ticket.opened", ticket=number)
        self.assertEqual([opened[k] for k in ("device", "symptom", "by")],
                         [f"pump-{self.pump}", "it drips", "technician"])


class Engineer(PageTest):
    @each("phone", "desk")
    def test_tries_a_threshold_on_the_bench(self):
        b = self.browser
        before = self.plant.events("alarm.raised")
        self.visit("engineer", "/rules/hot")
        b.write(".expression input", "50")
        b.click("main form button[type=submit]")
        b.wait(".result .verdict")
        b.gone(".result progress")
        b.wait(".result caption", self.said("Tickets that they would have opened", "会生成的工单"))
        b.shot(self.name("bench"))
        # It is 60 °C: the running rule would have raised one.
        self.assertEqual(self.plant.events("alarm.raised"), before)
        self.assertIn("80", self.plant.estate.ok("explain", f"pump-{self.pump}", "hot"))


class Everybody(PageTest):
    @each("phone", "desk")
    def test_a_wrong_password_is_told_and_the_right_one_lets_in(self):
        b = self.browser
        b.visit(self.plant.origin, self.form, self.language)
        b.driver.get(self.plant.origin + "/devices")
        b.write("[name=user]", "viewer")
        b.write("[name=password]", "not it at all")
        b.click(".login button")
        b.wait(".login .error:not(:empty)")
        self.browser.sound("/api/v1/session .*401")
        b.write("[name=password]", PASSWORD)
        b.click(".login button")
        b.wait(".view-devices h1")

    @each("phone", "desk")
    def test_language_theme_and_the_way_back(self):
        b = self.browser
        self.visit("viewer", "/devices")
        b.click("nav a[href='/rules']")
        b.wait(".view-rules h1")
        b.driver.back()
        b.wait(".view-devices h1")
        b.driver.forward()
        b.wait(".view-rules h1")
        other = self.said("zh-CN", "en")
        b.click(f".tools button[lang='{other}']")
        b.until("document.documentElement.lang === arguments[0]", other)
        b.wait(".view-rules h1")
        light = b.js("return getComputedStyle(document.body).backgroundColor")
        b.click(".tools button[aria-label]")  # From light to dark.
        b.until("document.documentElement.dataset.theme === 'dark'")
        self.assertNotEqual(light, b.js("return getComputedStyle(document.body).backgroundColor"))
        b.shot(self.name("dark"))

    def test_a_killed_daemon_is_told_and_nothing_is_missed(self):
        b, p = self.browser, self.plant
        self.visit("technician", "/alarms")
        b.js("window.mark = 1")
        p.estate.daemon.kill()
        b.wait(".lost")
        b.shot("lost")
        p.bearing(6, HOT)
        p.estate.start()
        b.gone(".lost")
        b.wait("li.alarm.is-active", "Pump 6")
        self.assertEqual(b.js("return window.mark"), 1)
        b.sound(LOST)
        p.estate.ok("ack", "pump-6", "hot", "--by", "desk")
        p.bearing(6, COLD)
        b.gone("li.alarm")


if __name__ == "__main__":
    unittest.main()
