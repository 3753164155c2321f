#!/usr/bin/python3
"""The outside world fails: the broker, the disk, a TCP slave, a serial line."""
import json
import os
import random
import resource
import signal
import subprocess
import time
import unittest

from estate import LIMIT_S, Estate, Slave, free_port, wait_for

RULES = """
rules:
  - id: hot
    applies_to: {type: pump}
    when: bearing > 80 °C
    severity: urgent
"""
SITE = """
history: {flush: 100ms}
tickets: {verify_for: 300ms}
buses:
  - {id: plant, tcp: "127.0.0.1:%d", timeout: 200ms, retries: 0}
  - {id: line, rtu: line-485, baud: 115200, parity: none, stop_bits: 1, timeout: 200ms, retries: 0}
devices:
"""
DEVICE = """
  - id: %s
    type: pump
    bus: %s
    unit: %d
    poll: 50ms
    stale_after: 2s
    points:
      bearing: {register: input 0, type: s16, scale: 0.1, unit: °C}
"""
FULL = RULES + """
  - id: full
    applies_to: {type: gateway}
    when: history_full
    severity: normal
"""
DISK_BYTES = 24 << 20


class House(unittest.TestCase):
    def make(self, *devices, broker=False, rules=RULES):
        self.port = free_port()
        self.estate = e = Estate(broker=broker, rules=rules)
        self.addCleanup(e.close)
        e.write_site(SITE % self.port + "".join(DEVICE % d for d in devices))
        return e

    def tcp_slave(self):
        return self.estate.keep(Slave("tcp", self.port, 1))

    def serial_slave(self):
        return self.estate.keep(Slave("rtu", self.estate.path("line-485"), 7))

    def active(self):
        return self.estate.status()["alarms"]["active"]

    def swing(self, slave, count, unit=1):
        """Raises and clears the alarm `count` times; each is seen by the daemon."""
        for _ in range(count):
            slave.set(unit, "input", 0, 900)
            wait_for(lambda: self.active() == 1, "a raised alarm")
            slave.set(unit, "input", 0, 600)
            wait_for(lambda: self.active() == 0, "a cleared alarm")

    def check_stored(self, swings):
        """Every swing is an episode of its own, in a chain without gaps."""
        stored = self.estate.events()
        self.assertEqual([v["seq"] for v in stored], list(range(1, len(stored) + 1)))
        alarms = [(v["event"], v["episode"]) for v in stored
                  if v["event"] in ("alarm.raised", "alarm.cleared")]
        self.assertEqual(alarms, [(name, n) for n in range(1, swings + 1)
                                  for name in ("alarm.raised", "alarm.cleared")])
        return stored


class BrokerOutage(House):
    def test_every_event_arrives_in_order_whenever_the_broker_is_there(self):
        e = self.make(("pump-1", "plant", 1), broker=True)
        slave = self.tcp_slave()
        ear = e.subscribe()
        e.broker.stop()
        e.start()
        self.swing(slave, 5)
        status = e.status()["mqtt"]
        self.assertFalse(status["connected"])
        self.assertGreater(status["outbox"], 10)
        self.assertIsNotNone(status["last_error"])
        e.broker.start()
        ear.wait_event("alarm.raised", 5)
        wait_for(lambda: e.status()["mqtt"]["connected"], "the broker")
        for _ in range(3):
            self.swing(slave, 2)
            e.broker.stop()
            self.swing(slave, 2)
            e.broker.start()
            e.wait_drained()
        e.stop()
        stored = self.check_stored(5 + 3 * 4)
        wait_for(lambda: any(v["seq"] == len(stored) for v in ear.events()), "all events")
        self.check_heard(ear, stored)
        self.assertEqual(ear.last("/house/status"), "offline")

    def check_heard(self, ear, stored):
        first = {}
        for v in ear.events():
            first.setdefault(v.pop("id"), v)
        self.assertEqual(list(first.values()), stored)

    def test_events_of_a_run_without_broker_are_sent_by_the_next_one(self):
        e = self.make(("pump-1", "plant", 1), broker=True)
        slave = self.tcp_slave()
        ear = e.subscribe()
        e.broker.stop()
        e.start()
        self.swing(slave, 3)
        e.stop()
        e.broker.start()
        e.start()
        e.wait_drained()
        e.stop()
        stored = self.check_stored(3)
        wait_for(lambda: any(v["seq"] == len(stored) for v in ear.events()), "all events")
        self.check_heard(ear, stored)

    def test_a_broker_that_forgot_is_told_the_present_state_at_the_next_start(self):
        e = self.make(("pump-1", "plant", 1), broker=True)
        slave = self.tcp_slave()
        e.start()
        slave.set(1, "input", 0, 900)
        wait_for(lambda: self.active() == 1, "a raised alarm")
        e.wait_drained()
        e.stop()
        e.broker.stop()
        for name in os.listdir(e.folder):
            if name == "mosquitto.db":
                os.remove(os.path.join(e.folder, name))
        e.broker.start()
        ear = e.subscribe()
        e.start()
        wait_for(lambda: ear.last("/alarm/pump-1/hot") and ear.last("/ticket/1"),
                 "the alarm and its ticket")
        self.assertEqual(json.loads(ear.last("/alarm/pump-1/hot"))["state"], "active")
        self.assertEqual([v["event"] for v in ear.events()], [])

    def test_a_broker_that_hangs_does_not_hold_up_a_stop(self):
        e = self.make(("pump-1", "plant", 1), broker=True)
        slave = self.tcp_slave()
        ear = e.subscribe()
        e.start()
        wait_for(lambda: e.status()["mqtt"]["connected"], "the broker")
        e.broker.process.send(signal.SIGSTOP)
        self.swing(slave, 3)
        began = time.monotonic()
        e.stop()
        self.assertLess(time.monotonic() - began, 30)
        self.assertNotEqual(e.rows("state", "select count(*) n from outbox"), [{"n": 0}])
        e.broker.process.send(signal.SIGCONT)
        e.start()
        e.wait_drained()
        e.stop()
        stored = self.check_stored(3)
        wait_for(lambda: any(v["seq"] == len(stored) for v in ear.events()), "all events")
        self.check_heard(ear, stored)


class DamagedFile(House):
    def test_a_damaged_history_is_set_aside_and_alarms_go_on(self):
        e = self.make(("pump-1", "plant", 1))
        slave = self.tcp_slave()
        e.start()
        self.swing(slave, 1)
        e.stop()
        e.write("data/history.db", "this is no database " * 500)
        e.start()
        self.swing(slave, 1)
        wait_for(lambda: e.rows("history", "select 1 from tail limit 1"), "new samples")
        e.stop()
        aside = [n for n in os.listdir(e.path("data")) if "damaged" in n]
        self.assertEqual([n[:18] for n in aside if not n.endswith(("-wal", "-shm"))],
                         ["history.db.damaged"])
        self.assertIn("damaged", e.daemon.log)
        self.check_stored(2)

    def test_a_damaged_state_is_not_begun_anew_in_silence(self):
        e = self.make(("pump-1", "plant", 1))
        e.start()
        e.stop()
        e.write("data/state.db", "this is no database " * 500)
        done = e.run("run")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("state.db", done.stderr)
        with open(e.path("data/state.db"), encoding="utf-8") as f:
            self.assertTrue(f.read().startswith("this is no database"))


class FullDisk(House):
    def fail_and_recover(self, fill, free):
        e = self.estate
        slave = self.tcp_slave()
        ear = e.subscribe()
        e.start()
        self.swing(slave, 2)
        fill()
        swings = 2
        while not e.status()["disk_failing"]:
            self.swing(slave, 1)
            swings += 1
            self.assertLess(swings, 2000, "the disk never got full")
        e.daemon.wait_line("error: ", "state.db", "kept in memory")
        known = len(e.events())
        self.swing(slave, 5)
        slave.set(1, "input", 0, 900)
        wait_for(lambda: self.active() == 1, "a raised alarm")
        done = e.run("ack", "pump-1", "hot", "--by", "zhang")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("kept in memory", done.stderr)
        # Told nobody what is not on disk.
        self.assertEqual(len(e.events()), known)
        self.assertLessEqual(len({v["seq"] for v in ear.events()}), known)
        self.assertTrue(e.status()["disk_failing"])
        free()
        e.daemon.wait_line("can be written again")
        self.assertFalse(e.status()["disk_failing"])
        self.assertEqual(e.listing("alarms")[0]["acked_by"], "zhang")
        slave.set(1, "input", 0, 600)
        wait_for(lambda: self.active() == 0, "a cleared alarm")
        wait_for(lambda: not e.status()["history"]["failing"], "the history")
        e.wait_drained()
        e.stop()
        stored = self.check_stored(swings + 6)
        self.assertEqual([v["by"] for v in stored if v["event"] == "alarm.acknowledged"],
                         ["zhang"])
        wait_for(lambda: any(v["seq"] == len(stored) for v in ear.events()), "all events")
        for database in ("state", "history"):
            self.assertEqual(e.rows(database, "pragma integrity_check"),
                             [{"integrity_check": "ok"}])
        self.assertEqual(e.rows("state", "select count(*) n from outbox"), [{"n": 0}])
        said = [x for x in e.daemon.lines if "state.db: " in x and "error: " in x]
        self.assertEqual(len(said), 1, said)  # Not one a second.

    def mount(self, broker=True, rules=RULES):
        e = self.make(("pump-1", "plant", 1), broker=broker, rules=rules)
        os.mkdir(e.path("data"))
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", e.path("data")],
            capture_output=True, timeout=LIMIT_S, check=False).returncode == 0
        if not mounted:
            self.skipTest("a small disk can only be mounted by root")
        # Before the folder is removed: clean-ups run in reverse order.
        self.addCleanup(self.unmount)
        return e

    def unmount(self):
        if self.estate.daemon is not None:
            self.estate.daemon.kill()
        subprocess.run(["umount", self.estate.path("data")], timeout=LIMIT_S, check=True)

    def fill(self, leave=0):
        with open(self.estate.path("data/rubbish"), "ab", buffering=0) as f:
            try:
                while self.left() > leave and f.write(bytes(4096)) == 4096:
                    pass
            except OSError as why:
                self.assertIn("space", str(why))

    def left(self):
        disk = os.statvfs(self.estate.path("data"))
        return disk.f_bavail * disk.f_frsize

    def free(self):
        os.remove(self.estate.path("data/rubbish"))

    def test_a_full_disk_loses_nothing(self):
        self.mount()
        self.fail_and_recover(self.fill, self.free)

    def test_a_daemon_that_starts_on_a_full_disk_watches_all_the_same(self):
        e = self.mount()
        slave = self.tcp_slave()
        e.start()
        self.swing(slave, 1)
        self.fill()
        e.daemon.kill()
        e.start()
        slave.set(1, "input", 0, 900)
        wait_for(lambda: self.active() == 1, "a raised alarm")
        self.free()
        slave.set(1, "input", 0, 600)
        wait_for(lambda: self.active() == 0, "a cleared alarm")
        wait_for(lambda: not e.status()["disk_failing"], "the disk")
        e.stop()
        self.check_stored(2)

    def import_old(self):
        """Noise of a month ago, most of which makes a megabyte and a half."""
        e = self.estate
        at = time.time() - 30 * 86400
        noise = random.Random(6)
        e.write("old.csv", "time,pump-1.bearing\n" + "".join(
            f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at + i))},"
            f"{noise.randrange(-20000, 20000) / 10}\n" for i in range(600000)))
        e.ok("import", "--quiet", e.path("old.csv"))

    def oldest(self):
        return self.estate.rows("history", "select min(t0) t from chunk")[0]["t"]

    def history_file(self):
        return os.stat(self.estate.path("data/history.db")).st_size

    def test_the_oldest_samples_make_room_and_an_alarm_says_so(self):
        e = self.mount(broker=False, rules=FULL)
        slave = self.tcp_slave()
        self.import_old()
        e.start()
        slave.set(1, "input", 0, 900)
        wait_for(lambda: self.active() == 1, "a raised alarm")
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))

        def of_today():
            return set(e.ok("export", "--from", since, "--point", "bearing").splitlines())
        newest = wait_for(lambda: [s for s in of_today() if ",90," in s], "its sample on disk")
        oldest, size = self.oldest(), self.history_file()
        self.assertGreater(size, 1 << 20)
        self.assertFalse(e.status()["history"]["full"])
        self.fill(leave=1 << 20)
        wait_for(lambda: e.status()["history"]["full"], "a full disk")
        e.daemon.wait_line("the oldest samples make room")
        wait_for(lambda: self.oldest() != oldest, "old samples to go")  # All of them, at worst.
        wait_for(lambda: self.history_file() < size, "a shorter file")
        self.assertEqual(set(newest) - of_today(), set(), "the newest went with the oldest")
        wait_for(lambda: any(a["rule"] == "full" for a in e.listing("alarms")),
                 "the alarm of the disk")
        slave.set(1, "input", 0, 600)
        wait_for(lambda: self.active() == 1, "a cleared alarm")  # The disk's is left.
        slave.set(1, "input", 0, 777)
        wait_for(lambda: "77.7" in e.ok("export", "--from", "-1m", "--point", "bearing"),
                 "a new sample on disk")
        self.fill()  # To the last byte, again and again: somebody writes a log.
        self.fill()
        slave.set(1, "input", 0, 905)
        wait_for(lambda: self.active() == 2, "a raised alarm")
        self.free()
        wait_for(lambda: not e.status()["history"]["full"], "room on the disk")
        wait_for(lambda: not e.status()["disk_failing"], "the state on disk")
        wait_for(lambda: self.active() == 1, "the disk's alarm to clear")
        slave.set(1, "input", 0, 888)
        wait_for(lambda: "88.8" in e.ok("export", "--from", "-1m", "--point", "bearing"),
                 "a new sample on disk")
        tickets = e.listing("tickets")
        e.stop()
        self.assertEqual({t["rule"] for t in tickets}, {"hot", "full"})
        events = [(v["event"], v["rule"]) for v in e.events()
                  if v["event"] in ("alarm.raised", "alarm.cleared")]
        self.assertEqual(events, [
            ("alarm.raised", "hot"), ("alarm.raised", "full"), ("alarm.cleared", "hot"),
            ("alarm.raised", "hot"), ("alarm.cleared", "full")])
        for database in ("state", "history"):
            self.assertEqual(e.rows(database, "pragma integrity_check"),
                             [{"integrity_check": "ok"}])

    def test_a_refused_write_loses_nothing(self):
        """Where nothing can be mounted, a limit of the process stands for the disk."""
        self.make(("pump-1", "plant", 1), broker=True)

        def limit(size):
            resource.prlimit(self.estate.daemon.pid, resource.RLIMIT_FSIZE,
                             (size, resource.RLIM_INFINITY))
        self.fail_and_recover(lambda: limit(4096), lambda: limit(resource.RLIM_INFINITY))


class SlaveOutage(House):
    def outage(self, device, unit, make):
        """The slave dies while its alarm stands, and comes back as it was."""
        e = self.make((device, "plant" if unit == 1 else "line", unit))
        slave = make()
        slave.set(unit, "input", 0, 900)
        e.start()
        stood = wait_for(lambda: e.listing("alarms"), "the alarm")
        slave.kill()
        wait_for(lambda: e.device(device)["state"] == "offline", "silence")
        self.assertNotEqual(e.device(device)["quality"], "good")
        # Silence neither clears nor raises.
        self.assertEqual(e.listing("alarms"), stood)
        self.assertEqual(e.status()["devices"], {"total": 1, "online": 0, "offline": 1})
        if unit != 1:
            os.unlink(e.path("line-485"))
        slave = make()
        slave.set(unit, "input", 0, 900)
        wait_for(lambda: e.device(device)["state"] == "online", "its return")
        wait_for(lambda: e.device(device)["quality"] == "good", "its values")
        self.assertEqual(e.listing("alarms"), stood)
        slave.set(unit, "input", 0, 600)
        wait_for(lambda: self.active() == 0, "a cleared alarm")
        e.stop()
        names = [v["event"] for v in e.events()
                 if v["event"].startswith(("alarm", "device"))]
        wanted = ["alarm.raised", "device.offline", "device.online", "alarm.cleared"]
        self.assertEqual([n for n in names if n in wanted][-4:], wanted, names)
        reasons = {"good"} ^ {line.split(",")[4] for line in e.ok(
            "export", "--device", device, "--point", "bearing").splitlines()[1:]}
        self.assertTrue(reasons, "no sample says why there is no value")
        self.assertLessEqual(reasons, {"timeout", "refused", "offline"})

    def test_a_tcp_slave_that_comes_back_is_read_again(self):
        self.outage("pump-1", 1, self.tcp_slave)

    def test_a_serial_line_that_comes_back_is_read_again(self):
        self.outage("pump-7", 7, self.serial_slave)

    def test_slaves_that_hang_do_not_hold_up_a_stop(self):
        e = self.make(("pump-1", "plant", 1), ("pump-7", "line", 7))
        slaves = self.tcp_slave(), self.serial_slave()
        e.start()
        for device in ("pump-1", "pump-7"):
            wait_for(lambda d=device: e.device(d)["quality"] == "good", device)
        for slave in slaves:
            slave.send(signal.SIGSTOP)
        for device in ("pump-1", "pump-7"):
            wait_for(lambda d=device: e.device(d)["state"] == "offline", device)
        for number in (signal.SIGHUP, signal.SIGINT):
            began = time.monotonic()
            e.daemon.send(number)
            if number == signal.SIGHUP:
                e.daemon.wait_line("reloaded: ")
            else:
                self.assertEqual(e.daemon.end(), 0)
            self.assertLess(time.monotonic() - began, 30)

    def test_a_dropped_connection_is_made_anew(self):
        e = self.make(("pump-1", "plant", 1))
        simulator = e.simulate(
            f'slaves:\n  - tcp: "127.0.0.1:{self.port}"\n    units:\n      - unit: 1\n'
            "        id: pump-1\n        points:\n"
            "          bearing: {register: input 0, type: s16, scale: 0.1, signal: 60}\n")
        e.start()
        wait_for(lambda: e.device("pump-1")["quality"] == "good", "the pump answers")
        simulator.tell("fault", "pump-1", "drop")
        wait_for(lambda: e.device("pump-1")["quality"] != "good", "the fault")
        simulator.tell("clear", "pump-1")
        wait_for(lambda: e.device("pump-1")["quality"] == "good", "good values again")
        e.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
