#!/usr/bin/python3
"""Every view of the page at every size, in both languages and themes: it fits, and keeps nobody out.  Leaves pictures in
build/test/screens."""
import unittest

from accessible import faults
from browser import FORMS, Browser
from test_page import COLD, HOT, Plant
from estate import wait_for

VIEWS = ("/", "/alarms", "/alarms?alarm=pump-1/hot", "/tickets", "/tickets?form=board", "/tickets/1", "/devices", "/devices/pump-1", "/plan",
         "/report", "/rules", "/rules/hot", "/people")
DIALOGS = (("/alarms", "[data-act=shelve]"), ("/alarms", "[data-act=service]"), ("/tickets", ".head .primary"), ("/people", ".own button"))
USER = "administrator"


class Views(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.plant = Plant()
        cls.addClassCleanup(cls.plant.estate.close)
        cls.plant.add_users()
        cls.plant.bearing(1, HOT)
        cls.addClassCleanup(cls.plant.bearing, 1, COLD)
        wait_for(lambda: cls.plant.estate.listing("tickets"), "a ticket")

    def each_view(self, form, language, theme):
        self.browser.visit(self.plant.origin, form, language, theme, self.plant.cookie(USER))
        for path in VIEWS:
            self.browser.open(path)
            self.browser.until("document.querySelector('main h1')")
            yield path
        for path, button in DIALOGS if form != "wall" else ():  # Nobody has hands there.
            self.browser.open(path)
            self.browser.click(button)
            self.browser.wait("dialog[open]")
            yield f"{path}-dialog-{button.strip('[].').replace(' .', '-')}"
        self.browser.sound()

    def test_it_fits_and_is_readable_by_all(self):
        for form in FORMS:
            for language in ("en", "zh-CN"):
                theme = "dark" if (form == "desk") == (language == "en") else "light"
                for path in self.each_view(form, language, theme):
                    with self.subTest(form=form, language=language, theme=theme, path=path):
                        name = path.strip("/").replace("/", "-").replace("?", "-").replace("=", "-") or "overview"
                        self.browser.shot(f"{name}-{form}-{language}-{theme}")
                        self.assertLessEqual(self.browser.js("return document.documentElement.scrollWidth - innerWidth"), 0,
                                             "it is wider than the screen")
                        self.assertEqual(self.browser.js("return document.documentElement.lang"), language)
                        if path == "/report" and language == "en":
                            self.assertTrue(self.browser.find(".ends", "at most 1"), "a fault is counted once")
                        self.assertEqual(faults(self.browser, phone=form == "phone"), [])

    def test_nothing_is_cut_off_between_the_sizes(self):
        b = self.browser
        fits = "![...document.querySelectorAll('main, .card')].some((e) => e.scrollWidth > e.clientWidth + 1 && !e.matches('.scroll'))"
        b.visit(self.plant.origin, cookie=self.plant.cookie(USER))
        for path in ("/devices/pump-1", "/devices", "/tickets", "/report", "/rules"):
            b.open(path)
            for width in (1024, 800, 320):
                b.cdp("Emulation.setDeviceMetricsOverride", width=width, height=700, deviceScaleFactor=1, mobile=False)
                with self.subTest(path=path, width=width):
                    b.until(fits)  # A chart is drawn anew a moment later.

    def test_no_view_wears_the_looks_of_another(self):
        b = self.browser
        looks = "return ['.now', '.worst', '.facts', '.facts dt'].map((css) => { const s = getComputedStyle(document.querySelector(`.view-overview ${css}`)); return [s.display, s.fontSize, s.fontWeight]; })"
        b.visit(self.plant.origin, cookie=self.plant.cookie(USER))
        b.open("/")
        b.wait(".facts dt")
        alone = b.js(looks)
        for away in (".tile.is-alarm", "nav a[href='/tickets']", "nav a[href='/plan']"):
            b.click(away)
            b.gone(".view-overview")
            b.ready()
            b.click("nav a[href='/']")
            b.wait(".view-overview .facts dt")
            b.wait(".view-overview .worst")
            self.assertEqual(b.js(looks), alone, away)


if __name__ == "__main__":
    unittest.main()
