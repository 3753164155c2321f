"""A headless Chromium that drives the page as a person does.

Nothing here sleeps: wait() looks until the page shows what it should.  What a browser complains
of, a policy that was broken and a request to another origin are collected; sound() fails on them.
"""
import base64
import json
import os
import re
import shutil
import tempfile

from selenium import webdriver
from selenium.common.exceptions import JavascriptException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains

from estate import TOP, wait_for

SCREENS = os.path.join(TOP, "build/test/screens")
LIMIT_S = 60  # Only a page that never comes takes this long.
FORMS = {"phone": (360, 740), "desk": (1440, 900), "wall": (1920, 1080)}
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-default-apps", "--hide-scrollbars", "--force-device-scale-factor=1")
# An element that a person sees, whose text holds `text`; the innermost of them.
FIND = """
const [css, text] = arguments;
const seen = [...document.querySelectorAll(css)].filter((e) => e.checkVisibility({visibilityProperty: true})
  && (text === null || e.textContent.includes(text)));
return seen.length ? seen[0] : null;
"""


class Browser:
    """One process for all tests of a file; close() leaves nothing of it."""

    def __init__(self):
        os.makedirs(SCREENS, exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="caretaker-browser.")
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--user-data-dir={self.folder}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.origin = ""
        self.script = None

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cdp(self, name, /, **fields):
        return self.driver.execute_cdp_cmd(name, fields)

    def js(self, code, *values):
        return self.driver.execute_script(code, *values)

    def visit(self, origin, form="desk", language="en", theme="light", cookie=None):
        """Begins as somebody new: nothing is left of who was here before."""
        self.driver.get("about:blank")
        self.complaints()  # Of a page whose gateway has gone meanwhile.
        self.origin = origin
        self.cdp("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
        self.driver.delete_all_cookies()
        if cookie:
            self.cdp("Network.setCookie", name=cookie[0], value=cookie[1], url=origin,
                     httpOnly=True, sameSite="Strict")
        width, height = FORMS[form]
        phone = form == "phone"
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=phone)
        self.cdp("Emulation.setTouchEmulationEnabled", enabled=phone)
        if self.script:
            self.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=self.script)
        # Once for each origin: what is chosen on the page later stays chosen.
        kept = json.dumps({"language": language, "theme": theme, "wall": str(int(form == "wall"))})
        self.script = self.cdp("Page.addScriptToEvaluateOnNewDocument", source=(
            "if (location.origin.startsWith('http') && !localStorage.getItem('theme'))"
            f" Object.assign(localStorage, {kept});"))["identifier"]

    def open(self, path):
        self.driver.get(self.origin + path)
        self.ready()

    def ready(self):
        """The view is there and does not wait for anything any more."""
        self.wait(".view > :not(.loading)")
        self.gone("main .loading")

    def find(self, css, text=None):
        try:
            return self.js(FIND, css, text)
        except JavascriptException:  # A page that is on its way has no document yet.
            return None

    def patiently(self, condition, what):
        """wait_for() that says what was seen instead."""
        try:
            return wait_for(condition, what, LIMIT_S)
        except AssertionError as why:
            self.shot("failed")
            shown = self.js("return document.body.innerText.slice(0, 3000)")
            raise AssertionError(f"{why}\n{self.driver.current_url}\n{shown}") from None

    def wait(self, css, text=None):
        return self.patiently(lambda: self.find(css, text), (css, text))

    def gone(self, css, text=None):
        self.patiently(lambda: not self.find(css, text), ("is still there", css, text))

    def until(self, code, *values):
        """Waits until an expression of the page is true."""
        return self.patiently(lambda: self.js(f"return {code}", *values), (code, values))

    def click(self, css, text=None):
        """A real click in its middle, when it is there and may be pressed."""
        def press():
            element = self.find(css, text)
            if not element or not element.is_enabled():
                return False
            try:
                element.click()
            except WebDriverException:  # It moved or was drawn anew: look again.
                return False
            return True
        self.wait(css, text)
        wait_for(press, ("cannot be clicked", css, text), LIMIT_S)

    def write(self, css, text):
        element = self.wait(css)
        element.clear()
        element.send_keys(text)

    def put(self, css, value):
        """Sets what has no text to type: a choice, a date."""
        self.js("arguments[0].value = arguments[1];"
                "arguments[0].dispatchEvent(new Event('input', {bubbles: true}));"
                "arguments[0].dispatchEvent(new Event('change', {bubbles: true}));",
                self.wait(css), value)

    def key(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def shot(self, name):
        data = self.cdp("Page.captureScreenshot", format="png")["data"]
        with open(os.path.join(SCREENS, f"{name}.png"), "wb") as out:
            out.write(base64.b64decode(data))

    def complaints(self):
        """What was complained of since the last time, one text each."""
        out = [f"{e['level']} {e['message']}" for e in self.driver.get_log("browser")
               if e["level"] in ("SEVERE", "WARNING")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.requestWillBeSent":
                continue
            url = message["params"]["request"]["url"]
            if url.startswith(("http", "ws")) and not url.startswith(self.origin + "/"):
                out.append(f"request to {url}")
        return out

    def sound(self, *allowed):
        """Nothing was complained of, but for what matches one of the expressions."""
        bad = [c for c in self.complaints() if not any(re.search(a, c) for a in allowed)]
        if bad:
            raise AssertionError("\n".join(bad))
