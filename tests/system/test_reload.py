#!/usr/bin/python3
"""SIGHUP and SIGTERM, and what the daemon tells systemd."""
import http.client
import json
import os
import re
import signal
import socket
import threading
import time
import unittest

from estate import Estate, free_port, wait_for

HOT = """
  - id: hot
    applies_to: {type: pump}
    when: bearing > %d °C
    hold: 100ms
    severity: urgent
"""
DRY = """
  - id: dry
    applies_to: {type: pump}
    when: flow < 5
    severity: normal
"""
SITE = """
history: {flush: 1h}
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 5s}]
devices:
"""
DEVICE = """
  - id: pump-%(n)d
    type: pump
    bus: plant
    unit: %(n)d
    poll: 100ms
    points:
      bearing: {register: input 0, type: s16, scale: 0.1, unit: °C}
      flow: {register: input 1, scale: 0.1}
"""
UNIT = """
      - unit: %(n)d
        id: pump-%(n)d
        points:
          bearing: {register: input 0, type: s16, scale: 0.1, signal: 60}
          flow: {register: input 1, scale: 0.1, signal: 20}
"""


class NotifySocket:
    """What systemd would hear."""

    def __init__(self, path):
        self.path = path
        self.messages = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                self.messages += self.socket.recv(4096).decode().splitlines()
            except OSError:
                return

    def wait(self, start, since=0):
        return wait_for(lambda: next(
            (m for m in self.messages[since:] if m.startswith(start)), None), start)


class Reload(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.estate = e = Estate(broker=True, rules="rules:" + HOT % 80 + DRY)
        self.addCleanup(e.close)
        self.put_site(1)
        self.simulator = e.simulate(
            f'slaves:\n  - tcp: "127.0.0.1:{self.port}"\n    units:\n'
            + "".join(UNIT % {"n": n} for n in (1, 2)))
        self.ear = e.subscribe()

    def put_site(self, *pumps):
        self.estate.write_site(
            SITE % self.port + "".join(DEVICE % {"n": n} for n in pumps))

    def start(self, **env):
        self.estate.start(env=env)
        wait_for(lambda: self.estate.device("pump-1")["quality"] == "good", "pump-1")

    def reload(self, expected):
        before = len(self.estate.daemon.lines)
        self.estate.daemon.send(signal.SIGHUP)
        self.estate.daemon.wait_line(expected, since=before)
        return "\n".join(self.estate.daemon.lines[before:])

    def names(self, name):
        return [v for v in self.estate.events() if v["event"] == name]

    def test_a_bad_file_is_refused_and_the_old_one_goes_on(self):
        e = self.estate
        self.start()
        path = e.path("rules.yaml")
        for text, place, what in (
                ("rules:" + HOT.replace("severity", "severety") % 80, "6:", "severity"),
                ("rules:" + HOT.replace("°C", "MPa") % 80, "4:", "MPa"),
                ("rules: [}", "1:", ""),
                ("rules:" + HOT % 80 + HOT % 90, "", "hot")):
            e.write_rules(text)
            said = self.reload("running configuration goes on")
            errors = [x for x in said.splitlines() if path in x and "error" in x]
            self.assertTrue(errors, said)
            for error in errors:
                self.assertRegex(error, re.escape(path) + r":\d+:\d+: ")
            self.assertTrue(any(f"{path}:{place}" in x and what in x for x in errors), said)
        e.write_site("devices: 7\n")
        self.assertIn(e.site_file + ":", self.reload("running configuration goes on"))
        self.simulator.set("pump-1", "bearing", 85)
        self.ear.wait_event("alarm.raised", device="pump-1", rule="hot")
        e.stop()

    def test_a_changed_data_folder_needs_a_restart(self):
        e = self.estate
        self.start()
        with open(e.site_file, encoding="utf-8") as f:
            text = f.read()
        e.write("site.yaml", text.replace("data: data", "data: elsewhere"))
        self.reload("running configuration goes on")
        self.assertFalse(os.path.exists(e.path("elsewhere")))
        e.write("site.yaml", text)
        self.assertEqual(e.status()["daemon"], "running")

    def test_a_good_change_is_taken_and_alarms_keep_standing(self):
        e, ear = self.estate, self.ear
        self.start()
        self.simulator.set("pump-1", "bearing", 85)
        self.simulator.set("pump-1", "flow", 1)
        self.simulator.set("pump-2", "bearing", 95)
        ear.wait_event("alarm.raised", device="pump-1", rule="hot")
        ear.wait_event("alarm.raised", device="pump-1", rule="dry")
        e.ok("ack", "pump-1/hot", "--by", "zhang")
        stood = e.listing("alarms", "--rule", "hot")
        # A device more, a rule less, a threshold that the standing alarm is below of but
        # not yet clear of.
        self.put_site(1, 2)
        hot = HOT.replace("hold:", "clear: bearing < 50 °C\n    hold:") % 90
        e.write_rules("rules:" + hot)
        self.reload("reloaded: ")
        ear.wait_event("alarm.raised", device="pump-2", rule="hot")
        cleared = ear.wait_event("alarm.cleared", device="pump-1", rule="dry")
        self.assertEqual(cleared["episode"], 1)
        wait_for(lambda: ear.last("/alarm/pump-1/dry") == "", "an emptied topic")
        self.assertEqual(e.listing("alarms", "--rule", "dry"), [])
        self.assertEqual(e.listing("alarms", "--rule", "hot", "--device", "pump-1"), stood)
        # Once more, nothing changed.
        self.reload("reloaded: ")
        wait_for(lambda: e.device("pump-1")["quality"] == "good", "pump-1 once more")
        self.assertEqual(e.listing("alarms", "--rule", "hot", "--device", "pump-1"), stood)
        self.assertEqual(sorted((v["device"], v["rule"]) for v in self.names("alarm.raised")),
                         [("pump-1", "dry"), ("pump-1", "hot"), ("pump-2", "hot")])
        self.assertEqual(len(self.names("alarm.cleared")), 1)
        # The new clear condition is the one that counts.
        self.simulator.set("pump-1", "bearing", 45)
        ear.wait_event("alarm.cleared", device="pump-1", rule="hot")
        e.stop()
        late = e.subscribe()

        def kept():
            return [t for t, retained, _ in late.messages() if retained]
        # They come one by one, the status too; an emptied topic never comes.
        wait_for(lambda: {"caretaker/house/alarm/pump-2/hot", "caretaker/house/status"}
                 <= set(kept()), "what the broker keeps")
        self.assertEqual([t for t in kept() if "/alarm/" in t],
                         ["caretaker/house/alarm/pump-2/hot"])

    def test_a_device_that_is_gone_takes_its_alarms_along(self):
        e, ear = self.estate, self.ear
        self.put_site(1, 2)
        self.start()
        self.simulator.set("pump-2", "bearing", 95)
        ear.wait_event("alarm.raised", device="pump-2", rule="hot")
        self.put_site(1)
        self.reload("reloaded: ")
        ear.wait_event("alarm.cleared", device="pump-2", rule="hot")
        wait_for(lambda: ear.last("/alarm/pump-2/hot") == "", "an emptied topic")
        self.assertEqual(e.listing("alarms"), [])
        # The work on it is not forgotten.
        self.assertEqual([t["device"] for t in e.listing("tickets")], ["pump-2"])
        e.stop()
        e.start()
        self.assertEqual(len(self.names("alarm.cleared")), 1)

    def test_who_reads_a_silent_device_holds_up_no_reload(self):
        """Polls are answered, the read is not: its answer could come for 9 s, and the reload does not wait for that."""
        e, asked = self.estate, threading.Event()
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)

        def serve(line):
            while head := line.recv(12, socket.MSG_WAITALL):
                if head[7] == 3:
                    asked.set()
                else:
                    count = head[11]
                    line.sendall(head[:4] + bytes([0, 3 + 2 * count, head[6], head[7], 2 * count]) + bytes(2 * count))

        def accept():
            try:
                while True:
                    threading.Thread(target=serve, args=server.accept()[:1], daemon=True).start()
            except OSError:  # It is closed.
                return

        threading.Thread(target=accept, daemon=True).start()
        e.write_site(f'buses: [{{id: plant, tcp: "127.0.0.1:{server.getsockname()[1]}", timeout: 9s, retries: 0}}]\n'
                     "devices:" + DEVICE % {"n": 1})
        self.start()
        reader = http.client.HTTPConnection("caretaker")
        reader.sock = socket.socket(socket.AF_UNIX)
        self.addCleanup(reader.close)
        reader.sock.connect(e.path("data/caretaker.sock"))
        reader.request("POST", "/api/v1/read", json.dumps({"bus": "plant", "unit": 1, "table": "holding", "address": 0}))
        self.assertTrue(asked.wait(60))
        e.daemon.send(signal.SIGHUP)
        self.assertIn("the lines are being closed", reader.getresponse().read().decode())
        e.daemon.wait_line("reloaded: 3 devices")

    def test_sigterm_puts_the_last_samples_on_disk(self):
        """history.flush is an hour here: only the stop can have written them."""
        e = self.estate
        self.start()
        self.simulator.set("pump-1", "bearing", 77)
        wait_for(lambda: e.device("pump-1")["requests"] > 10, "some polls")
        before = e.device("pump-1")["last_good"]
        stopped = time.time()
        e.stop()
        self.assertIn("stopped; everything is on disk", e.daemon.log)
        rows = [r.split(",") for r in e.ok("export", "--device", "pump-1", "--point",
                                           "bearing").splitlines()[1:]]
        self.assertGreaterEqual(rows[-1][0], before)
        self.assertEqual(rows[-1][3:], ["77", "good"])
        self.assertLess(time.time() - stopped, 30)
        self.assertEqual(e.ok("export", "--from", "now"), "time,device,point,value,quality\n")

    def test_systemd_is_told_how_it_goes(self):
        e = self.estate
        ears = NotifySocket(e.path("notify.sock"))
        self.addCleanup(ears.socket.close)
        self.start(NOTIFY_SOCKET=ears.path, WATCHDOG_USEC="10000000")
        ears.wait("READY=1")
        ears.wait("WATCHDOG=1")
        self.assertRegex(ears.wait("STATUS="), r"\d+ devices, \d+ offline")
        since = len(ears.messages)
        self.reload("reloaded: ")
        ears.wait("RELOADING=1", since)
        self.assertRegex(ears.wait("MONOTONIC_USEC=", since), r"=\d+$")
        ears.wait("READY=1", since)
        since = len(ears.messages)
        e.write_rules("rules: 7")
        self.reload("running configuration goes on")
        ears.wait("READY=1", since)
        self.assertNotIn("STOPPING=1", ears.messages)
        e.stop()
        ears.wait("STOPPING=1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
