#!/usr/bin/python3
"""The page and the API, release build, on loopback:

  requests a second for /api/v1/alarms with 1, 10 and 500 alarms, and for a file of the page (wrk)
  memory of a connection that is only held
  200 viewers of live events at 10 events a second: share of a core, and how late the last of them hears
  a trend of one point over a year
  first paint of the alarm page, and from a register of the sensor to the pixel (Chromium), size of everything compressed
"""
import http.client
import json
import os
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests/system"))
os.environ.setdefault("CARETAKER", os.path.join(TOP, "build/release/caretaker"))
from browser import Browser  # noqa: E402  (the path comes first)
from estate import Estate, Slave, free_port, wait_for  # noqa: E402

VIEWERS, EVENTS_A_SECOND, SECONDS = 200, 10, 10
HELD, STANDING = 500, (10, 500)
YEAR_S = 365 * 86400
PASSWORD = "correct horse battery"
RULES = """rules:
  - {id: hot, applies_to: {type: pump}, when: bearing > 80 °C, severity: urgent, title: "{device} hot", cause: c, consequence: c,
     action: a, source: bench}
"""
SITE = """history: {flush: 100ms, keep: 3y}
web: {listen: "127.0.0.1:%d"}
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 500ms}]
devices:
  - {id: pump-1, name: Pump 1, type: pump, bus: plant, unit: 1, poll: 50ms, points: {bearing: {register: input 3, unit: °C}}}
  - {id: meter, type: power, points: {kwh: {}}}
"""
SITE_STANDING = """web: {listen: "127.0.0.1:%d"}
buses: [{id: plant, tcp: "127.0.0.1:%d", timeout: 500ms}]
devices:
"""
DEVICE = """  - {id: pump-%d, name: Pump %d, type: pump, bus: plant, unit: 1, poll: 10s, points: {bearing: {register: input 3, unit: °C}}}
"""


def say(name, value):
    print(f"  {name:<58} {value}", flush=True)


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_kb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def requests_a_second(port, paths, note=""):
    if not shutil.which("wrk"):
        say("wrk is not installed", "-")
        return
    for path in paths:
        done = subprocess.run(["wrk", "-t1", "-c10", "-d5s", "--latency", f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
        slowest = re.search(r"99%\s+(\S+)", done.stdout)[1]
        say(f"{path}{note}, requests a second", f"{rate:.0f}, 99 % within {slowest}")


def held(estate, port):
    pid = estate.daemon.child.pid
    before = rss_kb(pid)
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(HELD)]
    for c in connections:
        c.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
    wait_for(lambda: estate.status() and len(os.listdir(f"/proc/{pid}/fd")) > HELD, "all are accepted")
    say(f"{HELD} connections held, memory each", f"{(rss_kb(pid) - before) / HELD:.1f} kB")
    for c in connections:
        c.close()


def standing(count):
    """What the listing costs, and what the page does, with so many alarms."""
    port, bus = free_port(), free_port()
    estate = Estate(site=SITE_STANDING % (port, bus) + "".join(DEVICE % (i, i) for i in range(count)), rules=RULES)
    try:
        estate.keep(Slave("tcp", bus, 1)).set(1, "input", 3, 91)
        estate.start()
        wait_for(lambda: len(estate.listing("alarms")) == count, "all alarms stand")
        requests_a_second(port, ["/api/v1/alarms", "/api/v1/alarms?details=1"], f", {count} alarms")
        paint(port, f", {count} alarms")
    finally:
        estate.close()


def paint(port, note=""):
    b = Browser()
    try:
        paints = []
        for _ in range(10):
            b.visit(f"http://127.0.0.1:{port}")
            b.cdp("Network.clearBrowserCache")
            b.open("/alarms")
            paints.append(b.js("return performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        say(f"first paint of the alarm page, cold cache{note}", f"{statistics.median(paints):.0f} ms (median of 10)")
    finally:
        b.close()


def open_streams(port, count):
    streams = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", port))
        s.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        streams.append(s)
    for s in streams:
        while b"hello" not in s.recv(65536):
            pass
        s.setblocking(False)
    return streams


def viewers(estate, port):
    pid = estate.daemon.child.pid
    before = rss_kb(pid)
    streams = open_streams(port, VIEWERS)
    say(f"{VIEWERS} streams, memory each", f"{(rss_kb(pid) - before) / VIEWERS:.1f} kB")
    watch = selectors.DefaultSelector()
    for s in streams:
        watch.register(s, selectors.EVENT_READ)
    late, heard, sent, counts = [], 0, {}, {}
    local = os.path.join(estate.folder, "data/caretaker.sock")
    cpu, begin = cpu_s(pid), time.monotonic()
    for n in range(EVENTS_A_SECOND * SECONDS):
        while (wait := begin + n / EVENTS_A_SECOND - time.monotonic()) > 0:
            heard += take(watch, wait, sent, counts, late)
        sent[n] = time.monotonic()
        c = http.client.HTTPConnection("localhost")
        c.sock = socket.socket(socket.AF_UNIX)
        c.sock.connect(local)
        c.request("POST", "/api/v1/commands", json.dumps({"cmd": "ticket.note", "ticket": 1, "by": "bench", "note": f"n{n}."}))
        c.getresponse().read()
        c.close()
    while len(late) < len(sent):
        heard += take(watch, 5, sent, counts, late)
    spent = time.monotonic() - begin
    say(f"{VIEWERS} viewers, {EVENTS_A_SECOND} events a second: share of a core", f"{100 * (cpu_s(pid) - cpu) / spent:.1f} %")
    say("the last of them has heard after", f"{statistics.median(late) * 1000:.1f} ms (median), {max(late) * 1000:.1f} ms (worst)")
    for s in streams:
        s.close()


def take(watch, limit, sent, counts, late):
    """Reads what has come, and notes when all viewers have heard of an event."""
    heard = 0
    for key, _ in watch.select(limit):
        for m in re.findall(rb'"note":"n(\d+)\."', key.fileobj.recv(262144)):
            n = int(m)
            heard += 1
            counts[n] = counts.get(n, 0) + 1
            if counts[n] == VIEWERS:
                late.append(time.monotonic() - sent[n])
    return heard


def trend(estate, port):
    now = int(time.time())
    with open(os.path.join(estate.folder, "year.csv"), "w", encoding="utf-8") as f:
        f.write("time,device,point,value\n")
        for i, t in enumerate(range(now - YEAR_S, now - 600, 300)):
            f.write(f"{t},meter,kwh,{i * 0.25}\n")
    estate.ok("import", "year.csv")
    times = []
    for _ in range(20):
        begin = time.monotonic()
        c = http.client.HTTPConnection("127.0.0.1", port)
        c.request("GET", f"/api/v1/devices/meter/series?points=kwh&from={(now - YEAR_S) * 1000}&width=1200")
        answer = json.loads(c.getresponse().read())
        times.append(time.monotonic() - begin)
        c.close()
    assert len(answer["points"]["kwh"]["t"]) > 300, answer["resolution"]
    say("a trend of one point over a year", f"{statistics.median(times) * 1000:.1f} ms ({answer['resolution']}, {len(answer['points']['kwh']['t'])} values)")


def pixel(slave, port):
    b = Browser()
    try:
        b.visit(f"http://127.0.0.1:{port}")
        b.open("/alarms")
        # Both clocks are the machine's: from writing the register to the frame behind the row.
        times = []
        b.js("""window.seen = []; new MutationObserver(() => {
          const rows = document.querySelectorAll('li.alarm').length;
          requestAnimationFrame(() => window.seen.push([Date.now(), rows])); }).observe(document.querySelector('main'), {childList: true, subtree: true});""")
        for _ in range(10):
            begin = time.time()
            slave.set(1, "input", 3, 91)
            first = b.until("window.seen.find(([, rows]) => rows > 0)?.[0]")
            times.append(first - begin * 1000)
            slave.set(1, "input", 3, 60)
            subprocess.run([os.environ["CARETAKER"], "ack", "pump-1/hot", "-c", ESTATE.site_file], check=False, capture_output=True)
            b.gone("li.alarm")
            b.until("(window.seen = []) && true")
        say("from a register of the sensor (polled each 50 ms) to the pixel", f"{statistics.median(times):.0f} ms (median), {max(times):.0f} ms (worst)")
    finally:
        b.close()


def main():
    global ESTATE
    print("the page and the API (release build, loopback)")
    port, bus = free_port(), free_port()
    ESTATE = estate = Estate(site=SITE % (port, bus), rules=RULES)
    try:
        slave = estate.keep(Slave("tcp", bus, 1))
        slave.set(1, "input", 3, 91)
        estate.start()
        wait_for(lambda: estate.listing("tickets"), "a ticket")
        requests_a_second(port, ["/api/v1/alarms", "/page/app.js"])
        held(estate, port)
        viewers(estate, port)
        trend(estate, port)
        slave.set(1, "input", 3, 60)
        estate.run("ack", "pump-1/hot")
        wait_for(lambda: not estate.listing("alarms"), "no alarm")
        packed = subprocess.run(f"cat {TOP}/build/release/page/gzip/*.gz | wc -c", shell=True, capture_output=True, text=True, check=True).stdout
        say("everything compressed", f"{int(packed) / 1000:.0f} kB")
        paint(port)
        pixel(slave, port)
    finally:
        estate.close()
    for count in STANDING:
        standing(count)


if __name__ == "__main__":
    main()
