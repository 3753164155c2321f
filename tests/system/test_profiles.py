#!/usr/bin/python3
"""`caretaker profiles`: what a site finds, one of them whole, and what is wrong or missing."""
import csv
import glob
import io
import json
import os
import socketserver
import struct
import subprocess
import threading
import unittest

from estate import CARETAKER, LIMIT_S, TOP, Estate, wait_for

SITE = """
devices:
  - {id: pump-1, type: pump, points: {running: {type: bool}}}
"""
OWN = """profile: cellar-meter
title: Meter of the cellar
source: {kind: unverified, from: the fitter's note}
limits: {max_registers: 16, gap: 20ms, timeout: 1500ms, holes: allowed}
probe: {point: voltage_l1, between: [80, 300]}
points:
  voltage_l1: {register: holding 0x10, type: u32, order: cdab, scale: 1/512, unit: V, range: [0, 500]}
  winding: {register: input 7, type: s16, scale: 0.01, offset: -273.15, unit: °C, poll: 60s, sentinels: {0x7FFF: open}}
  phase: {register: input 8, bits: [4, 7]}
  decimals: {register: input 9}
  level: {register: input 10, decimals_from: decimals}
  tripped: {register: coil 3}
"""


class Profiles(unittest.TestCase):
    def setUp(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)
        self.estate.write_site(SITE)
        os.makedirs(os.path.join(self.estate.folder, "devices"), exist_ok=True)
        self.estate.write("devices/cellar-meter.yaml", OWN)

    def profiles(self, *words, status=0):
        done = self.estate.run("profiles", *words)
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        return done

    def test_the_shipped_ones_and_those_beside_the_site_are_listed(self):
        rows = json.loads(self.profiles("--json").stdout)
        ids = [row["id"] for row in rows]
        self.assertEqual(ids, sorted(ids))
        self.assertIn("cellar-meter", ids)
        shipped = {name[:-len(".yaml")] for name in os.listdir(os.path.join(TOP, "config/devices"))}
        self.assertEqual(set(ids) - {"cellar-meter"}, shipped)
        own = rows[ids.index("cellar-meter")]
        self.assertEqual(own, {
            "id": "cellar-meter", "title": "Meter of the cellar", "source": "unverified",
            "from": "the fitter's note", "checked": None,
            "file": os.path.join(self.estate.folder, "devices/cellar-meter.yaml"),
            "points": 6, "probe": {"point": "voltage_l1", "min": 80, "max": 300}})
        lines = self.profiles().stdout.splitlines()
        self.assertEqual(len(lines), 1 + len(rows))
        self.assertRegex("\n".join(lines),
                         r"(?m)^cellar-meter +unverified +6 +voltage_l1 80\.\.300 V +Meter")

    def test_no_site_is_needed(self):
        done = subprocess.run([CARETAKER, "profiles", "xy-md02"], capture_output=True, text=True,
                              timeout=LIMIT_S, check=True)
        self.assertIn("XY-MD02 temperature and humidity transmitter", done.stdout)

    def test_one_is_shown_whole(self):
        shown = self.profiles("cellar-meter").stdout
        self.assertIn("cellar-meter: Meter of the cellar\n", shown)
        self.assertIn("source: unverified: the fitter's note\n", shown)
        self.assertIn("limits: 16 registers or 2000 bits a request, holes allowed, "
                      "20ms before each, answers within 1500ms\n", shown)
        self.assertIn("probe:  voltage_l1 80..300 V\n", shown)
        self.assertIn("Not verified", shown)
        for row in (r"voltage_l1 +holding 16 +u32 +cdab +0\.001953125 +V +gauge +- +0\.\.500 +-",
                    r"winding +input 7 +s16 +- +0\.01 - 273\.15 +°C +gauge +1m +- +0x7FFF open",
                    r"phase +input 8 +bits 4-7 ", r"level +input 10 +u16 +- +by decimals ",
                    r"tripped +coil 3 +bool +- +- +- +state"):
            self.assertRegex(shown, f"(?m)^{row}")

    def test_one_as_json(self):
        p = json.loads(self.profiles("cellar-meter", "--json").stdout)
        self.assertEqual(p["limits"], {"max_registers": 16, "max_bits": 2000, "holes": True, "gap_ms": 20,
                                       "timeout_ms": 1500})
        for model, timeout_ms in (("huawei-ups2000", 2000), ("dse-gencomm", 1500), ("xy-md02", None)):
            limits = json.loads(self.profiles(model, "--json").stdout)["limits"]
            self.assertEqual(limits["timeout_ms"], timeout_ms)
        self.assertEqual(p["probe"], {"point": "voltage_l1", "min": 80, "max": 300})
        points = {point["id"]: point for point in p["points"]}
        self.assertEqual([point["id"] for point in p["points"]],
                         ["voltage_l1", "winding", "phase", "decimals", "level", "tripped"])
        self.assertEqual(points["voltage_l1"], {
            "id": "voltage_l1", "table": "holding", "address": 16, "type": "u32", "order": "cdab",
            "scale": 1 / 512, "offset": 0, "unit": "V", "kind": "gauge", "range": [0, 500],
            "sentinels": []})
        self.assertEqual(points["winding"]["offset"], -273.15)
        self.assertEqual(points["winding"]["poll_ms"], 60000)
        self.assertEqual(points["winding"]["sentinels"], [{"raw": 32767, "name": "open"}])
        self.assertEqual(points["phase"]["bits"], [4, 7])
        self.assertEqual(points["level"]["decimals_from"], "decimals")

    def test_one_that_does_not_exist_offers_the_nearest(self):
        self.assertIn('did you mean "cellar-meter"?', self.profiles("celar-meter", status=1).stderr)
        done = self.profiles("eastron-sdm603", "--json", status=1)
        self.assertIn('did you mean "eastron-sdm630"?', done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertIn("does not exist", self.profiles("qqqqqqqqqq", status=1).stderr)

    def test_a_wrong_one_is_reported_and_the_others_are_shown(self):
        bad = self.estate.write("devices/bad.yaml", "profile: bad\ntitel: x\n")
        done = self.profiles("--json", status=3)
        self.assertIn(f"{bad}:2:1: ", done.stderr)
        self.assertNotIn("bad", [row["id"] for row in json.loads(done.stdout)])
        self.assertIn(f"{bad}:2:1: ", self.profiles("bad", status=3).stderr)
        self.assertEqual(self.profiles("xy-md02").stderr, "")

    def test_a_site_file_that_is_not_there_is_told(self):
        done = self.estate.run("profiles", "-c", "nowhere.yaml", site=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("nowhere.yaml", done.stderr)

    def complete(self, *words, language="en"):
        script = self.estate.ok("completion", "bash", site=False)
        done = subprocess.run(
            ["bash", "-c", 'PATH="$1:$PATH"; eval "$2"; shift 2; COMP_WORDS=("$@"); '
             'COMP_CWORD=$(($# - 1)); _caretaker; echo "${COMPREPLY[@]}"', "bash",
             os.path.dirname(CARETAKER), script, "caretaker", *words],
            capture_output=True, text=True, timeout=LIMIT_S, check=True,
            env={**os.environ, "CARETAKER_LANGUAGE": language})
        return done.stdout.split()

    def test_the_completion_offers_the_names(self):
        self.assertEqual(self.complete("profiles", "xy-"), ["xy-md02"])

    def test_the_completion_of_a_ticket(self):
        for language in ("en", "zh-CN"):
            self.assertEqual(self.complete("ticket", "re", language=language),
                             ["resume", "resolve", "reopen"])
            self.assertEqual(set(self.complete("ticket", "wait", "--p", language=language)), {"--pause"})
            self.assertEqual(self.complete("ticket", "wait", "1", "--pause", "c"), ["contractor"])
            self.assertEqual(self.complete("ticket", "resolve", "1", "--cause", "w",
                                           language=language), ["wear", "water", "weather"])


TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


def golden(profile):
    """What stands in the registers at last, and the value of each point that reads it there:
    ({(table, address): word}, {point: value}) of a golden file."""
    memory, lines = {}, []
    with open(os.path.join(TOP, "tests/data/profiles", profile + ".txt"), encoding="utf-8") as f:
        for line in f:
            words = line.split("#")[0].replace(",", " ").split()
            if not words or not words[-1].replace("-", "").replace(".", "").isdigit():
                continue  # A range or a sentinel: no value.
            first = words.index("=") - 1
            cells = {(words[0], int(words[1], 0) + i): int(w, 16) for i, w in enumerate(words[2:first])}
            memory.update(cells)
            lines.append((cells, dict(zip(words[first::3], map(float, words[first + 2::3])))))
    values = {}
    for cells, points in lines:
        if all(memory[cell] == word for cell, word in cells.items()):
            values.update(points)
    return memory, values


class Slaves(socketserver.ThreadingTCPServer):
    """A unit for each profile, which has the registers of its golden file and no others; a
    profile that allows holes gets zeros in them.  Keeps every request."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, units):
        super().__init__(("127.0.0.1", 0), Connection)
        self.units = units  # unit -> (memory, holes)
        self.requests = []
        self.refused = []


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        while len(head := self.rfile.read(7)) == 7:
            transaction, _, size, unit = struct.unpack(">HHHB", head)
            function, address, count = struct.unpack(">BHH", self.rfile.read(size - 1))
            self.server.requests.append((unit, function, address, count))
            memory, holes = self.server.units[unit]
            cells = [(TABLES.get(function), address + i) for i in range(count)]
            if any(cell not in memory for cell in (cells if not holes else cells[:1] + cells[-1:])):
                self.server.refused.append((unit, function, address, count))
                answer = struct.pack(">BB", function | 0x80, 2)
            elif function <= 2:
                bits = sum(memory.get(cell, 0) << i for i, cell in enumerate(cells))
                data = bits.to_bytes((count + 7) // 8, "little")
                answer = struct.pack(">BB", function, len(data)) + data
            else:
                data = b"".join(struct.pack(">H", memory.get(cell, 0)) for cell in cells)
                answer = struct.pack(">BB", function, len(data)) + data
            self.wfile.write(struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer)


class OnTheWire(unittest.TestCase):
    """Slaves that have what the golden files say, read by the daemon with the profiles."""

    def setUp(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)
        paths = sorted(glob.glob(os.path.join(TOP, "config/devices/*.yaml")))
        self.ids = [os.path.basename(path)[:-len(".yaml")] for path in paths]
        self.maps = {i: json.loads(self.estate.ok("profiles", i, "--json", site=False)) for i in self.ids}
        self.golden = {i: golden(i) for i in self.ids}
        self.server = Slaves({n: (self.golden[i][0], self.maps[i]["limits"]["holes"])
                              for n, i in enumerate(self.ids, 1)})
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.estate.write_site(
            "history: {flush: 100ms}\n"
            f"buses: [{{id: b, tcp: '127.0.0.1:{self.server.server_address[1]}'}}]\ndevices:\n" +
            "".join(f"  - {{id: {i}, bus: b, unit: {n}, profile: {i}, poll: 500ms}}\n"
                    for n, i in enumerate(self.ids, 1)))

    def expected(self):
        """Of the points that are read at each poll."""
        fast = {(i, p["id"]) for i in self.ids for p in self.maps[i]["points"] if "poll_ms" not in p}
        return {(i, point): value for i in self.ids for point, value in self.golden[i][1].items()
                if (i, point) in fast}

    def seen(self):
        rows = csv.DictReader(io.StringIO(self.estate.ok("export", "--format", "csv")))
        return {(r["device"], r["point"]): float(r["value"]) for r in rows if r["quality"] == "good"}

    def test_every_profile_reads_its_device_within_its_limits(self):
        expected = self.expected()
        self.assertGreater(len(expected), 200)
        self.assertEqual({i for i, _ in expected}, set(self.ids))
        self.estate.start()
        wait_for(lambda: expected.keys() <= self.seen().keys(), "a value of every point")
        seen = self.seen()
        self.assertEqual({k: seen[k] for k in expected}, expected)
        self.assertEqual(self.server.refused, [])
        for unit, function, address, count in self.server.requests:
            limits = self.maps[self.ids[unit - 1]]["limits"]
            most = limits["max_bits"] if function <= 2 else limits["max_registers"]
            self.assertLessEqual(count, most, (self.ids[unit - 1], address))
            self.assertIn(function, TABLES)


if __name__ == "__main__":
    unittest.main()
