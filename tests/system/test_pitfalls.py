#!/usr/bin/python3
"""The known pitfalls of Modbus masters, those of libmodbus above all, against the collectors:
each test is one of them, with a slave that does just that.

A value is never taken from another request's answer: every frame of every test is looked
through for that.  Needs build/<variant>/tests/collectors/driver_site (make drivers), which
is looked for beside DRIVER_POLL; it runs the collectors of a site and prints their frames.
"""
import json
import os
import socket
import struct
import time
import unittest

from estate import HERE, Estate, Process, free_port, wait_for
from rogue import LinePeer, Peer, Rtu, TcpPeer, crc, expected, pdu_of

DRIVER = os.path.join(os.path.dirname(os.environ.get(
    "DRIVER_POLL", os.path.join(HERE, "../../build/debug/tests/collectors/driver_poll"))),
    "driver_site")
FAILURES = {"timeout", "crc", "exception", "refused", "offline"}
DESCRIPTORS = 1100  # More than select() can wait for.
DRIP_S = 0.05
LONG_S = 20  # No machine stalls for so long.
LONG = f"{LONG_S}s"


class Collectors(Process):
    def __init__(self, site, *before):
        super().__init__(*before, DRIVER, "--frames", site)
        self.wait_line("ready")

    def frames(self, device=None):
        found = [json.loads(line) for line in list(self.lines) if '"frame"' in line]
        return [f for f in found if device in (None, f["frame"]) and points_of(f)]

    def finish(self):
        """A clean end."""
        self.child.stdin.close()
        if self.end() != 0:
            raise AssertionError(f"exit {self.child.returncode}\n{self.log}")

    def report(self):
        since = len(self.lines)
        self.child.stdin.write("report\n")
        self.child.stdin.flush()
        return json.loads(self.wait_line('"wall_us"', since=since))


DERIVED = {"online", "latency", "errors"}  # What the collectors say of a device.


def points_of(frame):
    return {k: v for k, v in frame.items() if k not in {"frame", "t"} | DERIVED}


def is_good(frame):
    return all(not isinstance(v, str) for v in points_of(frame).values())


class Case(unittest.TestCase):
    def setUp(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)
        self.peers = {}
        self.collectors = None

    def tearDown(self):
        for peer in self.peers.values():
            peer.check()
        if self.collectors is not None:
            self.collectors.finish()
            self.check_values()

    def add(self, name, peer):
        """A bus of that name, with devices NAME-uUNIT."""
        self.peers[name] = peer
        self.addCleanup(peer.close)
        return peer

    def start(self, points=("h10", "h500"), units=(7,), timeout="300ms", retries=0,
              poll="100ms", before=(), others=()):
        """`others`: buses whose slaves are not ours, by name."""
        text = "buses:\n"
        buses = {**{n: p.bus for n, p in self.peers.items()}, **dict(others)}
        for name, bus in buses.items():
            text += f"  - {{id: {name}, {bus}, timeout: {timeout}, retries: {retries}}}\n"
        text += "devices:\n"
        for name in buses:
            for unit in units:
                text += (f"  - id: {name}-u{unit}\n    type: meter\n    bus: {name}\n"
                         f"    unit: {unit}\n    poll: {poll}\n    points:\n")
                for p in points:
                    table = "holding" if p[0] == "h" else "input"
                    text += f"      {p}: {{register: {table} {p[1:]}}}\n"
        self.estate.write_site(text)
        self.collectors = self.estate.keep(
            Collectors(self.estate.site_file, *before))
        return self.collectors

    def check_values(self):
        for frame in self.collectors.frames():
            for point, value in points_of(frame).items():
                if isinstance(value, str):
                    self.assertIn(value, FAILURES, frame)
                else:
                    self.assertEqual(value, expected(frame["frame"], point), frame)

    def good(self, device):
        return [f for f in self.collectors.frames(device) if is_good(f)]

    def asked(self, device):
        """Frames of polls that were not skipped by back-off."""
        return [f for f in self.collectors.frames(device)
                if set(points_of(f).values()) != {"offline"}]

    def wait_good(self, device, count=3):
        """So many more good frames."""
        before = len(self.good(device))
        wait_for(lambda: len(self.good(device)) >= before + count, f"{device} is read")

    def check_found_at_once(self):
        """Who waits for the whole timeout before he looks has all values too, and who asks
        again after it; but neither in half of it."""
        self.assertEqual(self.collectors.report()["timeouts"], 0)
        for name in self.peers:
            took = [f["latency"] for f in self.collectors.frames()
                    if f["frame"].startswith(f"{name}-u") and "latency" in f]
            self.assertTrue(took, name)
            self.assertLess(max(took), 1000 * LONG_S / 2, name)

    def words(self, device):
        return {v for f in self.collectors.frames(device)
                for v in points_of(f).values() if isinstance(v, str)}

    def every_kind(self, make):
        """One bus of each kind; make() gives the behaviour."""
        self.add("tcp", TcpPeer(make()))
        self.add("remote", TcpPeer(make(), framing=Rtu))
        self.add("line", LinePeer(make()))


def late(times, timeout_s):
    """Every third answer comes after its time: on TCP just before the next answer, where
    nothing but its id tells; on a line while that is still left alone."""
    seen = {"requests": 0, "late": 0}

    def behave(peer, q, send):
        seen["requests"] += 1
        before, peer.held = peer.held, None
        if seen["requests"] % 3 == 0 and seen["late"] < times:
            seen["late"] += 1
            if peer.framing.late_is_told:
                peer.held = peer.answer(q)
                if before is not None:
                    send(before)
                return
            time.sleep(1.4 * timeout_s)
        send((before or b"") + peer.answer(q))
    behave.seen = seen
    return behave


class Answers(Case):
    def test_a_late_answer_is_given_to_no_other_request(self):
        self.every_kind(lambda: late(3, 0.4))
        self.start(timeout="400ms", points=("h10", "h500"))
        for name, peer in self.peers.items():
            with self.subTest(name):
                wait_for(lambda p=peer: p.behave.seen["late"] == 3, f"{name}: late answers")
                self.wait_good(f"{name}-u7", 5)
                self.assertLessEqual(self.words(f"{name}-u7"), {"timeout", "offline"})
                self.assertIn("timeout", self.words(f"{name}-u7"))

    def test_leftovers_of_a_broken_off_answer_spoil_no_later_one(self):
        def make():
            broken = {"at": 0}

            def behave(peer, q, send):
                whole = peer.answer(q)
                broken["at"] += 1
                if broken["at"] == 3:
                    peer.held = whole[len(whole) // 2:]
                    whole = whole[:len(whole) // 2]
                elif peer.held is not None:
                    whole, peer.held = peer.held + whole, None
                send(whole)
            behave.seen = broken
            return behave
        self.every_kind(make)
        self.start()
        for name, peer in self.peers.items():
            with self.subTest(name):
                wait_for(lambda p=peer: p.behave.seen["at"] > 3, f"{name}: leftovers")
                self.wait_good(f"{name}-u7", 5)

    def refused(self, kinds, words):
        """Wrong answers of each kind: never good, and told by one of these words; then
        the slaves turn honest."""
        def behaviour(wrong):
            return lambda peer, q, send: send(peer.answer(q, **wrong))
        for name, (make, wrong) in kinds.items():
            self.add(name, make(behaviour(wrong)))
        self.start(points=("h10",))
        for name in kinds:
            with self.subTest(name):
                wait_for(lambda n=name: len(self.asked(f"{n}-u7")) >= 2, "two polls")
                wait_for(lambda n=name: self.words(f"{n}-u7") & words, words)
                self.assertEqual(self.good(f"{name}-u7"), [])
                # A slave that stalls says nothing.
                self.assertLessEqual(self.words(f"{name}-u7") - {"offline", "timeout"}, words)
        for peer in self.peers.values():
            peer.behave = Peer.honest
        for name in self.peers:
            self.wait_good(f"{name}-u7")

    def test_a_wrong_answer_by_tcp_is_damaged_never_good(self):
        self.refused({
            "unit": (TcpPeer, {"unit": 8}),
            "function": (TcpPeer, {"function": 4}),
            "size": (TcpPeer, {"size": 4}),
            "longer": (TcpPeer, {"longer": 2}),
            "shorter": (TcpPeer, {"longer": -1}),
        }, {"crc"})

    def test_an_answer_to_an_id_that_was_not_asked_is_none(self):
        def behave(peer, q, send):
            send(peer.answer(q, id=q.id ^ 0x101, unit=q.unit))
        self.add("id", TcpPeer(behave))
        self.start(points=("h10",))
        wait_for(lambda: len(self.asked("id-u7")) >= 2, "two polls")
        self.assertEqual(self.good("id-u7"), [])
        self.assertLessEqual(self.words("id-u7"), {"timeout", "offline"})

    def test_another_protocol_by_tcp_is_never_good(self):
        self.refused({"protocol": (TcpPeer, {"protocol": 1})},
                     {"crc", "timeout", "refused"})

    def test_a_wrong_answer_on_a_line_is_never_good(self):
        def gateway(behave):
            return TcpPeer(behave, framing=Rtu)
        kinds = {"unit": {"unit": 8}, "function": {"function": 4}, "size": {"size": 4},
                 "crc": {"crc": True}}
        self.refused({
            **{f"line-{k}": (LinePeer, w) for k, w in kinds.items()},
            **{f"remote-{k}": (gateway, w) for k, w in kinds.items()},
        }, {"crc", "timeout"})

    def test_an_answer_after_rubbish_is_given_to_no_other_request(self):
        """Neither in its time after a stranger's frame, nor too late after a glitch."""
        def after(rubbish, delay_s):
            seen = {"at": 0}

            def behave(peer, q, send):
                seen["at"] += 1
                if q.address == 500 and seen["at"] % 3 == 0 and seen["at"] < 10:
                    send(rubbish(peer, q))
                    time.sleep(delay_s)
                send(peer.answer(q))
            behave.seen = seen
            return behave

        def stranger(peer, q):
            return peer.answer(q._replace(unit=9))
        for name, make in (("line", LinePeer), ("remote", lambda b: TcpPeer(b, framing=Rtu))):
            self.add(f"{name}-early", make(after(stranger, 0.4)))
            self.add(f"{name}-late", make(after(lambda peer, q: b"\0", 1.2)))
        self.start(timeout="800ms")
        for name, peer in self.peers.items():
            with self.subTest(name):
                wait_for(lambda p=peer: p.behave.seen["at"] >= 12, f"{name}: requests")
                self.wait_good(f"{name}-u7", 2)  # Their values are looked at in tearDown.

    def test_an_answer_that_is_repeated_is_not_the_next(self):
        def make():
            seen = {"at": 0}

            def behave(peer, q, send):
                seen["at"] += 1
                # In one piece: a repetition that comes later than the line's silence is
                # nothing that a master could tell from an answer.
                send(peer.answer(q) * (2 if seen["at"] % 3 == 0 else 1))
            return behave
        self.every_kind(make)
        self.start()
        for name in self.peers:
            with self.subTest(name):
                self.wait_good(f"{name}-u7", 12)

    def test_a_damaged_answer_with_a_tail_leaves_nothing_behind(self):
        def make():
            seen = {"at": 0}

            def behave(peer, q, send):
                seen["at"] += 1
                whole = peer.answer(q)
                if seen["at"] == 3:
                    # Two wrong answers at once, the second cut short.
                    other = q._replace(unit=8, address=900)
                    whole = peer.answer(other, unit=8) + peer.answer(other, unit=8)[:-3]
                send(whole)
            return behave
        self.every_kind(make)
        self.start()
        for name, peer in self.peers.items():
            with self.subTest(name):
                wait_for(lambda p=peer: len(p.requests) > 3, f"{name}: the tail")
                self.wait_good(f"{name}-u7", 5)

    def test_answers_in_pieces_and_in_one_piece_with_others_are_understood(self):
        def pieces(_, q, send):
            for byte in self.peers["pieces"].answer(q):
                send(bytes([byte]))

        def gateway_pieces(peer, q, send):
            whole = peer.answer(q)
            send(whole[:1])
            send(whole[1:-1])
            send(whole[-1:])

        def joined(peer, q, send):
            old = q._replace(id=q.id ^ 0x4000, address=q.address + 1)
            send(peer.answer(old) + peer.answer(q))
        self.add("pieces", TcpPeer(pieces))
        self.add("joined", TcpPeer(joined))
        self.add("remote", TcpPeer(gateway_pieces, framing=Rtu))
        self.add("line", LinePeer(gateway_pieces))
        self.start(points=("h10", "h11", "i500"), units=(7, 9), timeout=LONG)
        for name in self.peers:
            with self.subTest(name):
                for unit in (7, 9):
                    self.wait_good(f"{name}-u{unit}", 5)
                    self.assertEqual(self.words(f"{name}-u{unit}"), set())
        self.check_found_at_once()

    def test_the_request_of_another_master_is_not_taken_for_an_answer(self):
        def make():
            seen = {"at": 0}

            def behave(peer, q, send):
                seen["at"] += 1
                if seen["at"] % 2 == 0:
                    # To the same unit and function; 02 could be the size of an answer.
                    foreign = pdu_of(q)[:1] + bytes([2, 0x77, 0, 1])
                    send(peer.framing.wrap(q, foreign))
                send(peer.answer(q))
            return behave
        self.add("line", LinePeer(make()))
        self.add("remote", TcpPeer(make(), framing=Rtu))
        self.start(points=("h10",))
        for name in self.peers:
            with self.subTest(name):
                self.wait_good(f"{name}-u7", 4)
                self.assertLessEqual(self.words(f"{name}-u7"), {"crc", "timeout", "offline"})

    def test_a_slave_that_drips_cannot_hold_its_line_beyond_the_timeout(self):
        def drip(peer, q, send):
            for byte in peer.answer(q):
                if peer.closing:
                    return
                send(bytes([byte]))
                time.sleep(DRIP_S)
        self.every_kind(lambda: drip)
        self.start(points=[f"h{a}" for a in range(20)])
        for name in self.peers:
            with self.subTest(name):
                wait_for(lambda n=name: len(self.asked(f"{n}-u7")) >= 2, "two polls")
                self.assertEqual(self.good(f"{name}-u7"), [])
                self.assertLessEqual(self.words(f"{name}-u7"),
                                     {"timeout", "crc", "refused", "offline"})
                self.assertTrue(self.words(f"{name}-u7") & {"timeout", "crc"})

    def test_a_slow_slave_is_waited_for_as_long_as_the_site_says(self):
        def slow(peer, q, send):
            time.sleep(0.7)  # More than the 500 ms that libmodbus waits by itself.
            send(peer.answer(q))
        self.every_kind(lambda: slow)
        self.start(points=("h10",), timeout=LONG)
        for name in self.peers:
            with self.subTest(name):
                self.wait_good(f"{name}-u7", 2)
                self.assertEqual(self.words(f"{name}-u7"), set())
        self.check_found_at_once()


class Connections(Case):
    def each(self, greet=None, behave=None):
        self.add("tcp", TcpPeer(behave, greet=greet))
        self.add("remote", TcpPeer(behave, greet=greet, framing=Rtu))

    def test_a_peer_that_accepts_and_closes_is_not_asked_in_a_loop(self):
        def close(client):
            client.close()
            return True
        self.each(greet=close)
        self.start(points=("h10",), timeout=LONG)
        self.collectors.report()
        for name, peer in self.peers.items():
            wait_for(lambda p=peer: len(p.connects) >= 4, f"{name}: connects")
        used = self.collectors.report()
        # A loop would use a whole processor; a slow machine is no excuse for one.
        self.assertLess(used["cpu_us"], used["wall_us"] / 2)
        for name, peer in self.peers.items():
            with self.subTest(name):
                times = list(peer.connects)
                self.assertLess((len(times) - 1) / (times[-1] - times[0]), 10, name)
                self.assertLessEqual(self.words(f"{name}-u7"), {"refused", "offline"})
                self.assertIn("refused", self.words(f"{name}-u7"))
                peer.greet = None
                self.wait_good(f"{name}-u7")

    def test_a_peer_that_closes_while_it_is_waited_for_is_not_asked_in_a_loop(self):
        def once(peer, q, send):
            send(peer.answer(q))
            peer.greet = close
            peer.clients[-1].shutdown(socket.SHUT_RDWR)

        def close(client):
            client.close()
            return True
        peer = self.add("tcp", TcpPeer(once))
        self.start(points=("h10",), others={"tcp": peer.bus + ", connect_pause: 200ms"})
        wait_for(lambda: len(peer.connects) >= 5, "connects")
        times = list(peer.connects)[1:]
        self.assertLess((len(times) - 1) / (times[-1] - times[0]), 10)
        wait_for(lambda: "refused" in self.words("tcp-u7"), "frames that say so")
        peer.greet, peer.behave = None, Peer.honest
        self.wait_good("tcp-u7")

    def test_a_pulled_cable_is_noticed_within_two_polls(self):
        pulled = set()  # Connections by which nothing comes back.

        def behave(peer, q, send):
            if (peer, q.connection) not in pulled:
                send(peer.answer(q))
        self.each(behave=behave)
        self.start(points=("h10",))
        for name, peer in self.peers.items():
            with self.subTest(name):
                self.wait_good(f"{name}-u7")
                before = len(peer.connects)
                since = len(peer.requests)
                pulled.add((peer, before))
                wait_for(lambda p=peer, b=before: len(p.connects) > b, f"{name}: reconnects")
                swallowed = [q for q in peer.requests[since:] if q.connection == before]
                # One may have been under way when the cable was pulled.
                self.assertLessEqual(len(swallowed), 3, name)
                self.wait_good(f"{name}-u7")
                self.assertLessEqual(self.words(f"{name}-u7"),
                                     {"timeout", "refused", "offline"})
                self.assertIn("timeout", self.words(f"{name}-u7"))

    def test_a_connection_that_hangs_delays_no_other(self):
        server = socket.socket()
        self.addCleanup(server.close)
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        for _ in range(4):  # Until its queue is full and it answers no more.
            filler = socket.socket()
            self.addCleanup(filler.close)
            filler.setblocking(False)
            filler.connect_ex(address)
        self.add("sound", TcpPeer())
        self.start(points=("h10",), timeout="1s",
                   others={"hung": f'tcp: "127.0.0.1:{address[1]}"'})
        wait_for(lambda: len(self.asked("hung-u7")) >= 2, "two failures")
        self.assertLessEqual(self.words("hung-u7"), {"timeout", "refused", "offline"})
        self.assertNotIn("Success", self.collectors.wait_line("warning", "hung"))
        # A second passed at least, ten polls.
        self.assertGreaterEqual(len(self.good("sound-u7")), 3)
        server.close()
        self.add("again", TcpPeer(port=address[1]))
        self.wait_good("hung-u7")

    def test_an_endpoint_that_is_silent_delays_no_other(self):
        self.add("mute", TcpPeer(lambda peer, q, send: None))
        self.add("mute-remote", TcpPeer(lambda peer, q, send: None, framing=Rtu))
        self.add("sound", TcpPeer())
        self.start(points=("h10",), timeout="1s")
        for name in ("mute", "mute-remote"):
            with self.subTest(name):
                wait_for(lambda n=name: len(self.asked(f"{n}-u7")) >= 1, f"{name} fails")
                self.assertLessEqual(self.words(f"{name}-u7"), {"timeout", "offline"})
        self.assertGreaterEqual(len(self.good("sound-u7")), 3)

    def test_an_endpoint_that_nobody_serves_says_refused_and_comes_back(self):
        port = free_port()
        self.start(points=("h10",), others={"tcp": f'tcp: "127.0.0.1:{port}"'})
        wait_for(lambda: len(self.asked("tcp-u7")) >= 2, "two failures")
        self.assertLessEqual(self.words("tcp-u7"), {"refused", "offline"})
        self.assertIn("refused", self.words("tcp-u7"))
        self.add("served", TcpPeer(port=port))
        self.wait_good("tcp-u7")

    def test_a_connection_lost_between_polls_costs_no_sample(self):
        """Many gateways close what is idle: that is not a failure of the device."""
        def once(peer, q, send):
            send(peer.answer(q))
            peer.clients[-1].shutdown(socket.SHUT_RDWR)
        self.each(behave=once)
        self.start(points=("h10",), poll="200ms", timeout=LONG)
        for name, peer in self.peers.items():
            with self.subTest(name):
                self.wait_good(f"{name}-u7", 3)
                self.assertEqual(self.words(f"{name}-u7"), set(), name)
                self.assertGreaterEqual(len(peer.connects), 3)

    def test_descriptors_past_1023_work_on_every_kind_of_bus(self):
        self.each()
        self.add("line", LinePeer())
        self.start(points=("h10", "i20"), timeout=LONG, before=(
            "bash", "-c",
            f'ulimit -n {DESCRIPTORS + 400}; for ((i = 0; i < {DESCRIPTORS}; i++)); do '
            'exec {fd}</dev/null; done; exec "$@"', "bash"))
        fds = os.listdir(f"/proc/{self.collectors.pid}/fd")
        self.assertGreater(max(int(fd) for fd in fds), DESCRIPTORS)
        for name in self.peers:
            with self.subTest(name):
                self.wait_good(f"{name}-u7")
                self.assertEqual(self.words(f"{name}-u7"), set())


class Lines(Case):
    def test_a_line_that_echoes_is_read_and_said_to_echo(self):
        def echo(peer, q, send):
            body = struct.pack(">BBHH", q.unit, q.function, q.address, q.count)
            send(body + crc(body) + peer.answer(q))
        self.add("line", LinePeer(echo))
        self.add("remote", TcpPeer(echo, framing=Rtu))
        self.start(timeout=LONG)
        for name in self.peers:
            with self.subTest(name):
                self.wait_good(f"{name}-u7", 5)
                self.assertEqual(self.words(f"{name}-u7"), set())
                self.assertIn("local echo", self.collectors.wait_line(f"bus {name}", "echo"))
        self.check_found_at_once()

    def test_an_echo_alone_is_no_answer(self):
        def echo(peer, q, send):
            body = struct.pack(">BBHH", q.unit, q.function, q.address, q.count)
            send(body + crc(body))
        self.add("line", LinePeer(echo))
        self.start(points=("h10",))
        wait_for(lambda: len(self.asked("line-u7")) >= 2, "two polls")
        self.assertEqual(self.words("line-u7") - {"offline"}, {"timeout"})

    def test_a_port_without_rs485_in_the_kernel_is_read_with_a_warning(self):
        peer = self.add("line", LinePeer())
        self.start(points=("h10",), others={"line": peer.bus + ", rs485: kernel"})
        self.assertIn("must switch direction by itself",
                      self.collectors.wait_line("warning", "RS-485"))
        self.wait_good("line-u7")

    def test_a_second_process_is_kept_out_of_a_line(self):
        peer = self.add("line", LinePeer())
        self.start(points=("h10",), timeout=LONG)
        self.wait_good("line-u7")
        other = self.estate.keep(Collectors(self.estate.site_file))
        self.assertIn("in use by another program", other.wait_line("warning", "bus line"))
        asked = len(peer.requests)
        wait_for(lambda: len(other.frames("line-u7")) >= 3, "frames of the second")
        self.assertEqual({v for f in other.frames("line-u7") for v in points_of(f).values()},
                         {"refused"})
        other.finish()
        self.wait_good("line-u7", 1)
        self.assertGreater(len(peer.requests), asked)
        self.assertEqual(self.words("line-u7"), set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
