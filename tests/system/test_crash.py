#!/usr/bin/python3
"""kill -9 at random moments while alarms come and go: what was announced stays true."""
import collections
import csv
import datetime
import io
import json
import os
import random
import threading
import time
import unittest

from estate import Estate, free_port, wait_for

KILLS = 50
LIFE_S = 0.8  # A daemon lives up to this long; it starts within some tenths of it.
PUMPS = range(1, 6)
RULES = """
rules:
  - id: hot
    applies_to: {type: pump}
    when: bearing > 80 °C
    clear: bearing < 75 °C
    severity: urgent
  - id: warm
    applies_to: {type: pump}
    when: bearing > 70 °C
    hold: 100ms
    clear_hold: 100ms
    severity: normal
  - id: dry
    applies_to: {type: pump}
    while: running
    when: flow < 5
    hold: 300ms
    severity: critical
"""
SITE = """
history: {flush: 100ms}
tickets: {verify_for: 300ms, follow_up: 1s}
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 20s}]
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
      running: {register: discrete 0}
"""
UNIT = """
      - unit: %(n)d
        id: pump-%(n)d
        points:
          bearing: {register: input 0, type: s16, scale: 0.1, signal: 60}
          flow: {register: input 1, scale: 0.1, signal: 20}
          running: {register: discrete 0, signal: 1}
"""


def new_estate(case, rules):
    port = free_port()
    estate = Estate(broker=True, rules=rules)
    case.addCleanup(estate.close)
    estate.write_site(SITE % port + "".join(DEVICE % {"n": n} for n in PUMPS))
    simulator = estate.simulate(
        f'slaves:\n  - tcp: "127.0.0.1:{port}"\n    units:\n'
        + "".join(UNIT % {"n": n} for n in PUMPS))
    return estate, simulator


class Unrest:
    """Values that cross the limits all the time, and people who work the tickets."""

    def __init__(self, simulator, dice):
        self.simulator, self.dice = simulator, dice
        self.stop = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self.main, daemon=True)
        self.thread.start()

    def main(self):
        try:
            while not self.stop.wait(self.dice.uniform(0.01, 0.1)):
                pump = f"pump-{self.dice.choice(PUMPS)}"
                if self.dice.random() < 0.6:
                    self.simulator.set(pump, "bearing", self.dice.choice([60, 72, 78, 90]))
                else:
                    self.simulator.set(pump, "flow", self.dice.choice([1, 20]))
        except (AssertionError, OSError) as why:
            self.failure = why

    def end(self):
        self.stop.set()
        self.thread.join()
        if self.failure:
            raise self.failure


class Crash(unittest.TestCase):
    def test_nothing_announced_is_missing_or_doubled_after_fifty_kills(self):
        seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
        print(f"SEED={seed}", flush=True)
        dice = random.Random(seed)
        e, simulator = new_estate(self, RULES)
        ear = e.subscribe()
        unrest = Unrest(simulator, random.Random(seed + 1))
        for n in range(KILLS):
            before = len(ear.events())
            e.start(ready=False)
            if n % 2 == 1:  # Every other one dies while it is certainly at work.
                wait_for(lambda b=before: len(ear.events()) >= b + 3, "some events")
            # Not a wait: the moment of the kill is what is being chosen.
            time.sleep(dice.uniform(0, LIFE_S))
            if n % 5 == 4:  # Some die with a person's work under way.
                for t in e.listing("tickets"):
                    e.run("ticket", dice.choice(["take", "resolve", "arrive"]),
                          t["number"], "--by", "li")
            self.assertTrue(e.daemon.running(), e.daemon.log)
            e.daemon.kill()
        e.start()
        before = len(ear.events())
        wait_for(lambda: len(ear.events()) > before + 20, "life after the last crash")
        unrest.end()
        for n in PUMPS:
            simulator.set(f"pump-{n}", "bearing", 60)
            simulator.set(f"pump-{n}", "flow", 20)
        wait_for(lambda: e.status()["alarms"]["active"] == 0, "the end of all alarms")
        e.wait_drained()
        e.stop()
        stored = e.events()
        wait_for(lambda: {v["seq"] for v in ear.events()} >= {stored[-1]["seq"]},
                 "the last event")
        self.check_announced(ear, stored)
        self.check_alarms(stored)
        self.check_tickets(e, stored)
        self.check_kept(e)
        for database in ("state", "history"):
            self.assertEqual(e.rows(database, "pragma integrity_check"),
                             [{"integrity_check": "ok"}])
        self.assertEqual(e.rows("state", "select count(*) n from outbox"), [{"n": 0}])
        # Something did happen between the crashes.
        self.assertGreater(len(stored), KILLS // 2 * 3)

    def check_announced(self, ear, stored):
        heard = ear.events()
        by_seq = {v["seq"]: v for v in stored}
        self.assertEqual([v["seq"] for v in stored], list(range(1, len(stored) + 1)))
        ids = {}
        first_heard = []
        for v in heard:
            text = json.dumps(v, sort_keys=True)
            if v["id"] not in ids:
                first_heard.append(v["seq"])
            self.assertEqual(ids.setdefault(v["id"], text), text, "one id, two events")
            del v["id"]
            self.assertEqual(v, by_seq.get(v["seq"]))
        # All of them, once apart from repeats, in order.
        self.assertEqual(first_heard, list(range(1, len(stored) + 1)))

    def check_alarms(self, stored):
        state = collections.defaultdict(lambda: ("alarm.cleared", 0))
        for v in stored:
            if v["event"] not in ("alarm.raised", "alarm.cleared"):
                continue
            key = (v["device"], v["rule"])
            before, episode = state[key]
            self.assertNotEqual(v["event"], before, v)
            raised = v["event"] == "alarm.raised"
            self.assertEqual(v["episode"], episode + raised, v)
            state[key] = (v["event"], v["episode"])
        self.assertTrue(all(event == "alarm.cleared" for event, _ in state.values()))
        self.assertGreater(sum(episode for _, episode in state.values()), KILLS // 5)

    def check_tickets(self, e, stored):
        owner, open_now = {}, {}
        for v in stored:
            if not v["event"].startswith("ticket."):
                continue
            key = (v["device"], v["rule"])
            if v["event"] == "ticket.opened":
                self.assertNotIn(key, open_now, v)
                self.assertEqual(v["ticket"], len(owner) + 1, v)
                owner[v["ticket"]] = key
            if v["event"] in ("ticket.opened", "ticket.reopened"):
                # A resolved one reopens too: that is the same one, still open.
                self.assertEqual(open_now.setdefault(key, v["ticket"]), v["ticket"], v)
            self.assertEqual(owner[v["ticket"]], key, v)
            if v["event"] == "ticket.closed":
                del open_now[key]
        rows = e.rows("state", "select number, device, rule, state from tickets")
        self.assertEqual({r["number"]: (r["device"], r["rule"]) for r in rows}, owner)
        self.assertEqual({r["number"] for r in rows if r["state"] != "closed"},
                         set(open_now.values()))

    def check_kept(self, e):
        """What a newcomer is told is what the database says."""
        late = e.subscribe()

        def kept_topics():
            return {t: p for t, retained, p in late.messages() if retained}
        # They come one by one; a row of each alarm and ticket, and the status.
        rows = len(e.rows("state", "select device from alarms")) + \
            len(e.rows("state", "select number from tickets"))
        wait_for(lambda: len(kept_topics()) > rows, "what the broker keeps")
        kept = kept_topics()
        alarms = {f"caretaker/house/alarm/{r['device']}/{r['rule']}": r["state"]
                  for r in e.rows("state", "select device, rule, state from alarms")}
        self.assertEqual({t: json.loads(p)["state"] for t, p in kept.items()
                          if "/alarm/" in t}, alarms)
        tickets = {f"caretaker/house/ticket/{r['number']}": r["state"]
                   for r in e.rows("state", "select number, state from tickets")}
        self.assertEqual({t: json.loads(p)["state"] for t, p in kept.items()
                          if "/ticket/" in t}, tickets)
        self.assertEqual(kept["caretaker/house/status"], "offline")

    def check_due(self, e, what, due_ms, hold_s):
        """It is `what` at its time, or as soon as a daemon is there again; a hold begun anew
        would begin with the first sample of that one."""
        killed = datetime.datetime.now(datetime.timezone.utc).isoformat()
        e.start()
        t = wait_for(lambda: e.rows("state", f"select t from events where name = 'alarm.{what}'"),
                     f"it is {what}")[0]["t"]
        rows = csv.DictReader(io.StringIO(wait_for(lambda: (text := e.ok(
            "export", "--device", "pump-1", "--point", "bearing", "--from", killed))
            .count("\n") > 1 and text, "samples")))
        first = datetime.datetime.fromisoformat(next(rows)["time"].replace("Z", "+00:00"))
        self.assertGreaterEqual(t, due_ms)
        self.assertLess(t, first.timestamp() * 1000 + hold_s * 1000)

    def test_a_hold_is_not_begun_anew_by_a_crash(self):
        hold_s, killed_at_s = 6, 3
        e, simulator = new_estate(self, f"""
rules:
  - id: hot
    applies_to: {{id: pump-1}}
    when: bearing > 80 °C
    hold: {hold_s}s
    severity: urgent
""")
        e.start()
        wait_for(lambda: e.device("pump-1")["quality"] == "good", "the pump answers")
        simulator.set("pump-1", "bearing", 90)
        since = wait_for(lambda: e.rows("state", "select since_ms from timer"),
                         "the stored hold")[0]["since_ms"]
        wait_for(lambda: time.time() * 1000 >= since + killed_at_s * 1000, "half a hold")
        e.daemon.kill()
        self.assertEqual(e.rows("state", "select t from events where name like 'alarm.%'"), [])
        self.check_due(e, "raised", since + hold_s * 1000, hold_s)

    def test_a_clear_hold_is_not_begun_anew_by_a_crash(self):
        hold_s, killed_at_s = 6, 3
        e, simulator = new_estate(self, f"""
rules:
  - id: hot
    applies_to: {{id: pump-1}}
    when: bearing > 80 °C
    clear_hold: {hold_s}s
    severity: urgent
""")
        simulator.set("pump-1", "bearing", 90)
        e.start()
        wait_for(lambda: e.listing("alarms"), "the alarm")
        simulator.set("pump-1", "bearing", 60)
        since = wait_for(
            lambda: e.rows("state", "select clear_since_ms s from timer where clear = 1"),
            "the stored hold")[0]["s"]
        wait_for(lambda: time.time() * 1000 >= since + killed_at_s * 1000, "half a hold")
        e.daemon.kill()
        self.check_due(e, "cleared", since + hold_s * 1000, hold_s)
        raised = [v for v in e.events() if v["event"] == "alarm.raised"]
        self.assertEqual(len(raised), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
