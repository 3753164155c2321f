#!/usr/bin/python3
"""Every way in which a poll goes wrong has its own count, of its device and of its bus, and
its samples say which it was."""
import csv
import io
import json
import struct
import unittest

from estate import Estate, free_port, wait_for
from rogue import LinePeer, Peer, TcpPeer


def exception(code):
    return lambda peer, q, send: send(
        peer.framing.wrap(q, struct.pack("BB", q.function | 0x80, code)))


def wrong(**how):
    return lambda peer, q, send: send(peer.answer(q, **how))


# Unit, what it does, the name of its count, quality and detail of its samples.
UNITS = [
    (1, Peer.honest, None, "good", ""),
    (2, lambda peer, q, send: None, "timeout", "timeout", "timeout"),
    (3, wrong(crc=True), "crc", "crc", "crc"),
    (4, lambda peer, q, send: send(peer.answer(q)[:-3]), "short", "crc", "short"),
    (5, wrong(unit=99), "wrong_unit", "crc", "wrong_unit"),
    (6, wrong(function=4), "malformed", "crc", "malformed"),
    (7, exception(2), "exception 2", "exception", "2"),
    (8, exception(4), "exception 4", "exception", "4"),
    (9, exception(11), "exception 11", "timeout", "11"),
]


# Of these only the time limit tells, so that each has a line of its own: the limit is longer
# than a busy machine holds the slave up, and on one line all would wait for one another's.
ALONE = (2, 3, 4, 5, 6)


def bus_of(unit):
    return f"own-{unit}" if unit in ALONE else "line"


def behave(peer, q, send):
    next(u[1] for u in UNITS if u[0] == q.unit)(peer, q, send)


def hang_up(client):
    """Takes a question and goes."""
    client.recv(4096)
    client.close()
    return True


def flat(causes):
    """{"timeout": 3, "exception 2": 1}, without what never came."""
    counts = {k: v for k, v in causes.items() if k not in ("exception", "late")}
    counts.update({f"exception {c}": n for c, n in causes["exception"].items()})
    return {k: n for k, n in counts.items() if n > 0}


class Causes(unittest.TestCase):
    def setUp(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)
        peers = {name: LinePeer(behave) for name in sorted({bus_of(u[0]) for u in UNITS})}
        peers["leaver"] = TcpPeer(greet=hang_up)
        for peer in peers.values():
            self.addCleanup(peer.close)
        buses = {name: peer.bus for name, peer in peers.items()}
        buses["nobody"] = f'tcp: "127.0.0.1:{free_port()}"'
        text = "history: {flush: 100ms}\nbuses:\n"
        for name, bus in buses.items():
            timeout = "3s" if name.startswith("own-") else "20s"
            text += (f"  - {{id: {name}, {bus}, timeout: {timeout}, retries: 0, "
                     "probe_share: 50 %}\n")
        text += "devices:\n"
        for device, bus, unit in [*((f"line-{u[0]}", bus_of(u[0]), u[0]) for u in UNITS),
                                  ("leaver-1", "leaver", 1), ("nobody-1", "nobody", 1)]:
            text += (f"  - {{id: {device}, bus: {bus}, unit: {unit}, poll: 200ms, "
                     "points: {level: {register: holding 10}}}\n")
        self.estate.write_site(text)

    def samples(self):
        """(device, quality, detail) of all that was recorded."""
        rows = csv.DictReader(io.StringIO(self.estate.ok(
            "export", "--point", "level", "--detail")))
        return {(r["device"], r["quality"], r["detail"]) for r in rows}

    def check_leaver(self):
        """Lost with a question, and not there yet at the next poll."""
        wait_for(lambda: ("leaver-1", "refused", "lost") in self.samples(), "a lost question")
        said = {s[1:] for s in self.samples() if s[0] == "leaver-1"}
        self.assertLessEqual(said, {("refused", "lost"), ("refused", "refused"),
                                    ("offline", "lost"), ("offline", "refused")})
        counts = flat(self.estate.device("leaver-1")["causes"])
        self.assertGreater(counts["lost"], 0)
        self.assertLessEqual(set(counts), {"lost", "refused"})

    def check_nobody(self):
        """Nothing is asked where nobody listens, and each poll says so."""
        e = self.estate
        wait_for(lambda: ("nobody-1", "refused", "refused") in self.samples(), "refused")
        self.assertEqual({s[1:] for s in self.samples() if s[0] == "nobody-1"},
                         {("refused", "refused")})
        d = wait_for(lambda: [x for x in e.listing("devices", "--causes", "--device", "nobody-1")
                              if x["errors"] >= 2], "its errors")[0]
        self.assertEqual((d["requests"], d["cause"]), (0, "refused"))
        self.assertEqual(flat(d["causes"]), {"refused": d["errors"]})

    def check_device(self, name, count, quality, detail):
        e = self.estate
        wait_for(lambda: (name, quality, detail) in self.samples(), (name, quality, detail))
        # Not asked while in quarantine, for the same cause; nothing else may have come.
        said = {s[1:] for s in self.samples() if s[0] == name}
        self.assertEqual(said - {("offline", detail)}, {(quality, detail)})
        d = wait_for(lambda: [x for x in e.listing("devices", "--causes", "--device", name)
                              if x["errors"] >= (0 if count is None else 2)], name)[0]
        self.assertEqual(list(flat(d["causes"])), [count] if count else [])
        self.assertEqual(sum(flat(d["causes"]).values()), d["errors"])
        self.assertEqual(d["cause"], count)
        table = e.ok("devices", "--device", name)
        self.assertIn("CAUSE", table)
        if count is not None:
            self.assertRegex(table, rf"{name} .* {count} +{name}\n")

    def test_each_cause_is_counted_and_said(self):
        e = self.estate
        e.start()
        for unit, _, count, quality, detail in UNITS:
            with self.subTest(count):
                self.check_device(f"line-{unit}", count, quality, detail)
        with self.subTest("lost"):
            self.check_leaver()
        with self.subTest("refused"):
            self.check_nobody()
        self.check_buses()
        self.check_points()

    def check_buses(self):
        e = self.estate
        buses = {b["id"]: b for b in e.status()["buses"]}
        for name in {bus_of(u[0]) for u in UNITS}:
            self.assertEqual(set(flat(buses[name]["causes"])), {
                u[2] for u in UNITS if bus_of(u[0]) == name and u[2] is not None})
        self.assertGreater(flat(buses["leaver"]["causes"])["lost"], 0)
        self.assertEqual(set(flat(buses["nobody"]["causes"])), {"refused"})
        # The bus has what its devices have: sampled in between, so at least and at most.
        before = e.listing("devices", "--causes", "--type", "other")
        bus = next(b for b in e.status()["buses"] if b["id"] == "line")
        after = e.listing("devices", "--causes", "--type", "other")

        def total(devices, cause):
            return sum(flat(d["causes"]).get(cause, 0) for d in devices if d["bus"] == "line")
        for cause, count in flat(bus["causes"]).items():
            self.assertLessEqual(total(before, cause), count, cause)
            self.assertLessEqual(count, total(after, cause), cause)
        text = e.ok("status")
        lines = {bus: next(x for x in text.splitlines() if x.startswith(f"buses: id {bus} "))
                 for bus in {bus_of(u[0]) for u in UNITS}}
        for unit, _, count, _, _ in UNITS[1:]:
            self.assertIn(f"{count}: " if " " in count else f"{count} ", lines[bus_of(unit)])

    def check_points(self):
        e = self.estate

        def level(name):
            d = e.listing("devices", "--points", "--device", name)[0]
            return d["points"]["level"]
        for name, quality, detail, why in (
                ("line-7", "exception", "2", "exception 2"),
                ("nobody-1", "refused", "refused", "refused")):
            wait_for(lambda n=name, words=(quality, detail, why): words == tuple(
                level(n)[k] for k in ("quality", "detail", "why")), name)
        self.assertIsNone(level("line-1")["detail"])
        # As JSON lines, and without being asked nothing more than the contract has.
        row = json.loads(e.ok("export", "--device", "line-7", "--point", "level", "--detail",
                              "--format", "jsonl").splitlines()[0])
        self.assertEqual((row["value"], row["quality"], row["detail"]),
                         (None, "exception", "2"))
        plain = e.ok("export", "--device", "line-7").splitlines()
        self.assertEqual(plain[0], "time,device,point,value,quality")
        # What was exported with its details can be replayed.
        log = e.write("log.csv", e.ok("export", "--detail"))
        self.assertEqual(e.ok("export", "--detail").splitlines()[0],
                         "time,device,point,value,quality,detail")
        self.assertEqual(e.run("replay", "--strict", log).returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
