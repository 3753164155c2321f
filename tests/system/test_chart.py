#!/usr/bin/python3
"""Charts, as an XML parser that is not ours reads them."""
import math
import os
import subprocess
import unittest
import xml.etree.ElementTree as ET

from estate import CARETAKER, LIMIT_S, check_sound

DRIVER = os.path.join(os.path.dirname(CARETAKER), "tests/daemon/pipeline/chart/driver_chart")
SVG = "{http://www.w3.org/2000/svg}"
T0 = 1772500000000  # 2026-03-03 09:06:40 in Shanghai.
HOUR = 3600000


def draw(*lines):
    text = "\n".join("\t".join(str(x) for x in line) for line in lines) + "\n"
    done = subprocess.run([DRIVER], input=text, capture_output=True, text=True,
                          timeout=LIMIT_S, check=False)
    check_sound("driver_chart", done.stderr)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout.splitlines()


def texts(root):
    return [t.text for t in root.iter(SVG + "text") if t.text]


class Charts(unittest.TestCase):
    def check_shape(self, root):
        """What each chart promises: its role, its names, nothing outside its box."""
        self.assertEqual(root.tag, SVG + "svg")
        self.assertEqual(root.get("role"), "img")
        self.assertEqual([child.tag for child in root[:2]], [SVG + "title", SVG + "desc"])
        self.assertEqual(root.get("viewBox"), f"0 0 {root.get('width')} {root.get('height')}")
        width, height = float(root.get("width")), float(root.get("height"))
        for item in root.iter():
            for name, limit in (("x", width), ("y", height), ("x1", width), ("x2", width),
                                ("y1", height), ("y2", height)):
                if item.get(name) is not None:
                    self.assertTrue(0 <= float(item.get(name)) <= limit, ET.tostring(item))
            self.assertIsNone(item.get("id"))
            if item.tag == SVG + "text" and item.text and item.get("text-anchor") == "middle":
                half = sum(11 if ord(c) > 0x2e80 else 5.5 for c in item.text) / 2
                self.assertTrue(half <= float(item.get("x")) <= width - half, ET.tostring(item))
            self.assertNotIn("nan", str(item.attrib))

    def one(self, *lines):
        out = draw(*lines)
        self.assertEqual(len(out), 1)
        root = ET.fromstring(out[0])
        self.check_shape(root)
        return root, out[0]

    def test_a_day_with_all_there_is(self):
        values = [("value", T0 + i * 1000, 60 + math.sin(i / 100)) for i in range(0, 3600, 5)]
        gap = [("gap", T0 + HOUR + i * 1000) for i in range(60)]
        rest = [("value", T0 + HOUR + i * 1000, 61) for i in range(60, 3600, 5)]
        root, _ = self.one(
            ("zone", "Asia/Shanghai"), ("time", "1# 生活水泵 <轴承>", "a & b", T0, T0 + 2 * HOUR, 680),
            ("series", "轴承温度", "°C", 0, 10000), *values, *gap, *rest,
            ("series", "running", "", 1, 10000), ("value", T0, 1), ("value", T0 + 5000, 0),
            ("limit", 0, 80, "bearing > 80 °C"), ("mark", T0 + 60000, "报警"), ("draw",))
        self.assertEqual(root[0].text, "1# 生活水泵 <轴承>")
        self.assertEqual(root[1].text, "a & b")
        said = texts(root)
        for word in ("轴承温度", "°C", "running", "bearing > 80 °C", "报警", "09:30", "10:00", "2026-03-03"):
            self.assertIn(word, said)

    def test_every_text_comes_back_as_it_was(self):
        odd = "<>&\"' ]]> <!-- &#0; 轴承 🔥"
        root, _ = self.one(("time", odd, odd, T0, T0 + HOUR, 680), ("series", odd, "x<y", 0, 0),
                           ("value", T0, 1), ("mark", T0 + HOUR // 2, "<a>"), ("draw",))
        self.assertEqual((root[0].text, root[1].text), (odd, odd))
        for word in (odd, "x<y", "<a>"):
            self.assertIn(word, texts(root))

    def test_a_million_samples_are_no_more_than_a_thousand(self):
        sizes = [len(self.one(("time", "t", "", T0, T0 + HOUR, 680), ("series", "x", "", 0, 0),
                              ("wave", count), ("draw",))[1]) for count in (1000, 1000000)]
        self.assertLess(sizes[1], 2 * sizes[0])
        self.assertLess(sizes[1], 60000)

    def test_all_widths_and_lengths(self):
        lines = []
        for width in (0, 240, 400, 680, 2000):
            for span in (1, 60000, HOUR, 24 * HOUR, 90 * 24 * HOUR, 20 * 365 * 24 * HOUR):
                lines += [("time", "t", "d", T0, T0 + span, width), ("series", "x", "bar", 0, 0),
                          ("wave", 500), ("mark", T0, "first"), ("mark", T0 + span, "last"), ("draw",)]
        out = draw(*lines)
        self.assertEqual(len(out), 30)
        for text in out:
            self.check_shape(ET.fromstring(text))

    def test_labels_of_the_axis_at_its_ends_are_whole(self):
        begin = T0 - T0 % HOUR  # A full hour: a tick at both ends, the first with its day.
        for width in (240, 680):
            root, _ = self.one(("zone", "UTC"), ("time", "t", "", begin, begin + 6 * HOUR, width),
                               ("series", "x", "", 0, 0), ("wave", 50), ("draw",))
            self.assertIn("07:00" if width == 680 else "06:00", texts(root))

    def test_without_anything(self):
        root, _ = self.one(("time", "", "", T0, T0, 680), ("draw",))
        self.assertIn("-", texts(root))
        root, _ = self.one(("bars", "", "", 680, "", 1, 0, "", ""), ("draw",))
        self.assertIn("-", texts(root))

    def test_bars(self):
        root, _ = self.one(
            ("bars", "Causes", "d", 680, "h", 1, 1, "", ""), ("bar", "轴承 bearing", 40),
            ("bar", "a very long label of something that failed, and of what came of it " * 3, 10),
            ("bar", "unknown", "nan"), ("draw",))
        said = texts(root)
        for word in ("轴承 bearing", "40 h", "10 h", "-", "80 % Σ 80 %", "20 % Σ 100 %"):
            self.assertIn(word, said)
        self.assertTrue(any(t.endswith("…") for t in said))
        root, _ = self.one(
            ("bars", "Two", "", 680, "", 2, 0, "2025", "2026"), ("bar", "a", 4, -2), ("bar", "b", 1e99, 1), ("draw",))
        for word in ("2025", "2026", "4", "-2"):
            self.assertIn(word, texts(root))


if __name__ == "__main__":
    unittest.main()
