#!/usr/bin/python3
"""A page that stays open: gateways that fall silent, sessions that end, clocks that are wrong, and what it leaves behind after hours."""
import signal
import unittest

from browser import Browser
from estate import wait_for
from test_page import COLD, HOT, LOST, PASSWORD, Plant

HOUR_MS = 3600000
VIEWS = ("/", "/alarms", "/devices", "/devices/pump-1", "/tickets?form=board", "/tickets/1", "/plan", "/report", "/rules", "/rules/hot", "/people")
GO = ("const a = Object.assign(document.createElement('a'), {href: arguments[0]});"
      "document.body.append(a); a.click(); a.remove();")

# Not Browser.ready(): the driver keeps the elements that it finds.
THERE = ("document.querySelector('.view > :not(.loading)')"
         " && ![...document.querySelectorAll('main .loading')].some((e) => e.checkVisibility())")


class Lasting(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.plant = Plant()
        cls.addClassCleanup(cls.plant.estate.close)
        cls.plant.add_users()

    def setUp(self):
        self.browser.complaints()

    def visit(self, user, path):
        self.browser.visit(self.plant.origin, "desk", "en", "light", self.plant.cookie(user))
        self.browser.open(path)
        self.browser.until("!document.querySelector('.lost:not([hidden])')")

    def heat(self, pump):
        self.plant.bearing(pump, HOT)
        self.addCleanup(self.plant.bearing, pump, COLD)

    def test_a_gateway_that_falls_silent_is_told_though_no_connection_closes(self):
        b, p = self.browser, self.plant
        self.visit("technician", "/alarms")
        p.estate.daemon.send(signal.SIGSTOP)
        try:
            # Its signs of life stay out; the page's own clock is made to run ahead.
            b.js("const real = performance.now.bind(performance); performance.now = () => real() + 60000;")
            b.wait(".lost")
        finally:
            p.estate.daemon.send(signal.SIGCONT)
        b.gone(".lost")
        self.heat(1)
        b.wait("li.alarm", "Pump 1")
        b.sound(LOST)

    def test_a_page_that_was_opened_too_early_begins_by_itself(self):
        b = self.browser
        b.visit(self.plant.origin, "wall", "en", "light", self.plant.cookie("viewer"))
        b.cdp("Network.enable")
        b.cdp("Network.setBlockedURLs", urls=["*/api/v1/*"])
        self.addCleanup(b.cdp, "Network.setBlockedURLs", urls=[])
        b.driver.get(b.origin + "/alarms")
        b.wait(".failed")
        b.cdp("Network.setBlockedURLs", urls=[])
        b.wait(".view-alarms h1")
        b.sound("ERR_BLOCKED", "The gateway does not answer")

    def test_a_first_reading_that_failed_is_made_up_for(self):
        b = self.browser
        self.heat(2)
        wait_for(lambda: [a for a in self.plant.estate.listing("alarms") if a["device"] == "pump-2"], "an alarm")
        b.visit(self.plant.origin, "desk", "en", "light", self.plant.cookie("technician"))
        b.cdp("Network.enable")
        b.cdp("Network.setBlockedURLs", urls=["*/api/v1/tickets*"])
        self.addCleanup(b.cdp, "Network.setBlockedURLs", urls=[])
        b.driver.get(b.origin + "/alarms")
        b.wait(".lost")
        b.cdp("Network.setBlockedURLs", urls=[])
        b.gone(".lost")
        b.wait("li.alarm", "Pump 2")
        b.sound("ERR_BLOCKED|ERR_FAILED", LOST)

    def test_a_view_that_could_not_be_read_comes_by_itself(self):
        b, e = self.browser, self.plant.estate
        self.visit("viewer", "/alarms")
        e.daemon.kill()
        b.wait(".lost")
        b.js(GO, "/rules")  # Neither the view nor what it shows is here.
        b.wait(".failed")
        e.start()
        b.wait(".view-rules td", "hot")
        b.until("document.activeElement.id === 'main' || sessionStorage.reloaded")
        b.sound(LOST, "Failed to fetch dynamically")

    def test_a_site_that_is_reloaded_is_read_anew(self):
        b, e = self.browser, self.plant.estate
        with open(e.site_file, encoding="utf-8") as f:
            before = f.read()

        def reload(text):
            e.write("site.yaml", text)
            e.daemon.send(signal.SIGHUP)

        self.addCleanup(reload, before)
        self.visit("technician", "/alarms")
        b.wait("a.site", "House")
        b.js("window.mark = 1")
        reload(before.replace("name: House", "name: Mill"))
        b.wait("a.site", "Mill")  # By the stream, which goes on.
        e.daemon.kill()
        b.wait(".lost")
        e.write("site.yaml", before.replace("name: House", "name: Tower"))
        e.start()
        b.wait("a.site", "Tower")  # By a new one.
        self.assertEqual(b.js("return window.mark"), 1)
        b.sound(LOST)

    def test_a_session_that_ended_asks_who_is_there(self):
        b, e = self.browser, self.plant.estate
        e.ok("user", "add", "guest", "--role", "viewer", "--password-stdin", stdin=PASSWORD + "\n")
        self.visit("guest", "/devices")
        e.ok("user", "change", "guest", "--disable")
        b.wait("form.login")  # Nobody touched the page.
        b.complaints()

    def test_ages_go_by_the_clock_of_the_gateway(self):
        b = self.browser
        self.heat(3)
        wrong = b.cdp("Page.addScriptToEvaluateOnNewDocument", source=f"const right = Date.now; window.off = {3 * HOUR_MS}; Date.now = () => right() + window.off;")
        self.addCleanup(b.cdp, "Page.removeScriptToEvaluateOnNewDocument", **wrong)
        self.visit("technician", "/alarms")
        b.wait("li.alarm", "Pump 3")
        age = "document.querySelector('li.alarm .c-since time').textContent"
        for off in (3 * HOUR_MS, -30 * HOUR_MS):  # It is put right, or wrong, while the page is open.
            b.js("window.off = arguments[0]", off)
            before = b.js(f"return {age}")
            b.until(f"{age} !== arguments[0]", before)
            self.assertRegex(b.js(f"return {age}"), r"^(\d+ min )?\d+ s$|^\d+ min$")
        b.sound()

    def test_more_tabs_than_a_browser_has_connections(self):
        b = self.browser
        self.visit("technician", "/alarms")
        first = b.driver.current_window_handle
        for _ in range(7):
            b.driver.switch_to.new_window("tab")
            b.open("/alarms")
            b.wait(".calm-word, li.alarm")
        self.heat(4)
        b.wait("li.alarm", "Pump 4")
        for tab in b.driver.window_handles:
            if tab != first:
                b.driver.switch_to.window(tab)
                b.driver.close()
        b.driver.switch_to.window(first)  # It rested: what came meanwhile is there.
        b.wait("li.alarm", "Pump 4")
        self.heat(5)
        b.wait("li.alarm", "Pump 5")
        b.sound()

    def test_a_wall_screen_shows_what_does_not_fit(self):
        b = self.browser
        faster = "const real = setTimeout; window.setTimeout = (f, ms) => real(f, ms / 20);"  # It waits so that people can read.
        faster = b.cdp("Page.addScriptToEvaluateOnNewDocument", source=faster)
        self.addCleanup(b.cdp, "Page.removeScriptToEvaluateOnNewDocument", **faster)
        b.visit(self.plant.origin, "wall", "en", "light", self.plant.cookie("viewer"))
        b.cdp("Emulation.setDeviceMetricsOverride", width=1920, height=500, deviceScaleFactor=1, mobile=False)
        b.open("/")
        b.wait(".health table")
        b.until("document.querySelector('main').scrollTop > 0")
        b.until("document.querySelector('.health').getBoundingClientRect().bottom <= innerHeight + 20")
        self.assertGreaterEqual(b.js("return document.querySelector('.now').getBoundingClientRect().top"), 0)
        b.until("document.querySelector('main').scrollTop === 0")  # And it begins again.

    def look_around(self, rounds):
        b = self.browser
        for path in VIEWS * rounds:
            b.js(GO, path)
            b.until(THERE)
        b.js(GO, "/alarms")
        b.until("!!document.querySelector('.view-alarms')")

    def left_behind(self):
        b = self.browser
        b.cdp("HeapProfiler.collectGarbage")
        b.cdp("Performance.enable")
        found = {m["name"]: m["value"] for m in b.cdp("Performance.getMetrics")["metrics"]}
        return {name: found[name] for name in ("Nodes", "JSEventListeners", "Documents")}

    def test_views_that_were_left_leave_nothing(self):
        self.plant.estate.ok("ticket", "open", "pump-1", "it drips", "--by", "desk")
        self.visit("administrator", "/alarms")
        self.look_around(2)
        before = self.left_behind()
        self.look_around(6)  # What one view leaves would be there six times.
        wait_for(lambda: all(count < before[name] * 1.3 + 20 for name, count in self.left_behind().items()),
                 ("no more than before", before, self.left_behind()))
        self.browser.sound()


if __name__ == "__main__":
    unittest.main()
