"""What the system tests share: an estate of real processes on loopback, in a folder of its
own, of which nothing is left when a test ends.

Nothing here sleeps in order to be right: wait_for() asks for the state itself until it is
there, and its limit is long enough that only a hang reaches it.
"""
import atexit
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CARETAKER = os.path.abspath(
    os.environ.get("CARETAKER", os.path.join(TOP, "build/debug/caretaker")))
LIMIT_S = 60  # Only a hang takes this long.
LOOK_S = 0.02  # Between two looks at first.
LOOK_S_MAX = 0.1
# A look that starts a program takes the time of those that are waited for: the longer it was
# waited, the less often.
DEAR_S, DEAR_LOOK_S_MAX, SHARE = 0.01, 0.4, 0.1
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None)
folders, processes = [], []
ports = []  # Sockets that keep them for us.


def clean_up():
    for process in processes:
        process.kill()
    for folder in folders:
        subprocess.run(["umount", "-l", os.path.join(folder, "data")],
                       stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder, ignore_errors=True)


atexit.register(clean_up)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def wait_for(condition, what, limit=LIMIT_S):
    """Returns the first true value of condition()."""
    began = time.monotonic()
    while True:
        looked = time.monotonic()
        value = condition()
        if value:
            return value
        now = time.monotonic()
        if now > began + limit:
            raise AssertionError(f"waited {limit} s in vain: {what}")
        most = DEAR_LOOK_S_MAX if now - looked > DEAR_S else LOOK_S_MAX
        time.sleep(min(max(LOOK_S, (now - began) * SHARE), most))


def free_port():
    """A port on which nobody listens, and which nobody is given who asks for any: another test
    may run beside us.  Our socket is in no server's way, for it does not listen."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    ports.append(s)
    return s.getsockname()[1]


def check_sound(what, text):
    """A sanitizer's complaint fails the test, whatever else it looked at."""
    for word in ("Sanitizer", "runtime error:", "Assertion `"):
        if word in text:
            raise AssertionError(f"{what}: {text}")


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A child whose output is collected; it cannot outlive the test."""

    def __init__(self, *command, cwd=None, env=None):
        self.lines = []
        self.child = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, **(env or {})}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            errors="replace", preexec_fn=die_with_parent)
        processes.append(self)
        self.pid = self.child.pid
        self.reader = threading.Thread(target=self.collect, daemon=True)
        self.reader.start()

    def collect(self):
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def log(self):
        return "\n".join(self.lines)

    def running(self):
        return self.child.poll() is None

    def wait_line(self, *parts, since=0):
        """Waits for a line that holds all parts, and returns it."""
        def seen():
            for line in self.lines[since:]:
                if all(part in line for part in parts):
                    return line
            if not self.running():
                self.reader.join(LIMIT_S)
                if not any(all(p in line for p in parts) for line in self.lines[since:]):
                    raise AssertionError(
                        f"ended ({self.child.returncode}) before {parts}:\n{self.log}")
            return None
        try:
            return wait_for(seen, parts)
        except AssertionError as why:
            raise AssertionError(f"{why}\n{self.log}") from None

    def send(self, number):
        self.child.send_signal(number)

    def end(self):
        """Waits until it has ended; returns its exit status."""
        status = self.child.wait(LIMIT_S)
        self.reader.join(LIMIT_S)
        self.child.stdin.close()
        self.child.stdout.close()
        if self in processes:
            processes.remove(self)
        return status

    def stop(self, number=signal.SIGTERM):
        if self.running():
            self.send(number)
        return self.end() if self in processes else self.child.returncode

    def kill(self):
        return self.stop(signal.SIGKILL)


class Slave(Process):
    """pymodbus; see slave.py."""

    def __init__(self, kind, where, *units):
        super().__init__(
            "/usr/bin/python3", os.path.join(HERE, "slave.py"), kind, str(where),
            *[str(u) for u in units])
        self.wait_line("ready")

    def set(self, unit, table, address, value):
        before = len(self.lines)
        self.child.stdin.write(f"set {unit} {table} {address} {value}\n")
        self.child.stdin.flush()
        self.wait_line("ok", since=before)


class Simulator(Process):
    def __init__(self, folder, text):
        self.socket = self.answers = None
        path = os.path.join(folder, "simulation.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write("control: simulator.sock\n" + text)
        super().__init__(CARETAKER, "simulate", path, cwd=folder)
        self.wait_line("ready")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(os.path.join(folder, "simulator.sock"))
        self.answers = self.socket.makefile()

    def tell(self, *words):
        self.socket.sendall((" ".join(str(w) for w in words) + "\n").encode())
        answer = self.answers.readline()
        if not answer.startswith("ok"):
            raise AssertionError(f"simulator: {words}: {answer}")
        return answer

    def set(self, unit, register, value):
        self.tell("set", unit, register, value)

    def end(self):
        for end in (self.answers, self.socket):
            if end is not None:
                end.close()
        return super().end()


class Broker:
    """mosquitto; what it holds outlives a restart."""

    def __init__(self, folder, port=None, running=True):
        self.port = port or free_port()
        self.config = os.path.join(folder, "mosquitto.conf")
        self.process = None
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
                    "max_queued_messages 0\npersistence true\n"
                    f"persistence_location {folder}/\nuser root\n")
        if running:
            self.start()

    def start(self):
        self.process = Process("/usr/sbin/mosquitto", "-c", self.config)
        self.process.wait_line("running")

    def stop(self):
        self.process.stop()


class Subscriber(Process):
    """mosquitto_sub by MQTT 5, with a session that outlives a broken connection."""

    count = 0

    def __init__(self, broker, *topics):
        Subscriber.count += 1
        mark = f"mark/{os.getpid()}/{Subscriber.count}"
        # A retained message tells when the subscription stands.
        subprocess.run(
            ["mosquitto_pub", "-p", str(broker.port), "-t", mark, "-m", "here", "-r",
             "-q", "1"], check=True, timeout=LIMIT_S)
        command = ["mosquitto_sub", "-V", "mqttv5", "-p", str(broker.port), "-q", "1",
                   "-c", "-x", "3600", "-i", f"test-{os.getpid()}-{Subscriber.count}",
                   "-F", "%j", "-t", mark]
        for topic in topics or ["caretaker/#"]:
            command += ["-t", topic]
        self.read, self.heard, self.told = 0, [], []  # Lines; messages and events among them.
        super().__init__(*command)
        self.wait_line(mark)
        self.mark = mark

    def read_lines(self):
        """Each once: who waits asks again and again."""
        lines = self.lines[self.read:]
        self.read += len(lines)
        for line in lines:
            m = json.loads(line) if line.startswith("{") else {"topic": self.mark}
            if m["topic"] != self.mark:
                payload = m.get("payload") or ""
                self.heard.append((m["topic"], m["retain"], payload))
                if m["topic"].endswith("/event"):
                    self.told.append(json.loads(payload))

    def messages(self):
        """(topic, retained, payload) of each, in the order of arrival."""
        self.read_lines()
        return list(self.heard)

    def events(self):
        self.read_lines()
        return [dict(e) for e in self.told]

    def last(self, topic):
        """The newest payload of a topic; None before the first."""
        for t, _, payload in reversed(self.messages()):
            if t.endswith(topic):
                return payload
        return None

    def wait_event(self, name, count=1, **fields):
        """Waits until `count` different events of that kind were heard; the last."""
        def heard():
            fit = {e["seq"]: e for e in self.events() if e["event"] == name and
                   all(e.get(k) == v for k, v in fields.items())}
            return fit[max(fit)] if len(fit) >= count else None
        return wait_for(heard, f"{count} times {name} {fields}")


class Estate:
    """One folder: a site file, its databases and the processes around it."""

    def __init__(self, site="", rules="", broker=False, broker_running=True):
        self.folder = tempfile.mkdtemp(prefix="caretaker-system.")
        folders.append(self.folder)
        self.broker = Broker(self.folder, running=broker_running) if broker else None
        self.site_file = self.path("site.yaml")
        self.others = []
        self.daemon = None
        self.started = []  # All daemons so far.
        self.write_rules(rules)
        self.write_site(site)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        return self.path(name)

    def write_site(self, text, mqtt=""):
        head = ("site: {id: house, name: House, timezone: UTC, language: en}\n"
                "data: data\ninclude: [rules.yaml]\n")
        if self.broker:
            head += f'mqtt: {{broker: "mqtt://127.0.0.1:{self.broker.port}"{mqtt}}}\n'
        self.write("site.yaml", head + text)

    def write_rules(self, text):
        self.write("rules.yaml", text or "rules: []\n")

    def keep(self, process):
        """Stopped when the estate is closed."""
        self.others.append(process)
        return process

    def subscribe(self, *topics):
        return self.keep(Subscriber(self.broker, *topics))

    def publish(self, topic, payload):
        subprocess.run(
            ["mosquitto_pub", "-V", "mqttv5", "-p", str(self.broker.port), "-q", "1",
             "-t", topic, "-s" if payload else "-n"], input=payload, text=True, check=True, timeout=LIMIT_S)

    def simulate(self, text):
        return self.keep(Simulator(self.folder, text))

    def start(self, ready=True, env=None):
        self.daemon = Process(
            CARETAKER, "run", "-c", self.site_file, cwd=self.folder, env=env)
        self.started.append(self.daemon)
        if ready:
            self.daemon.wait_line("watching house")
            wait_for(lambda: self.status()["daemon"] == "running", "the daemon answers")
        return self.daemon

    def stop(self):
        """A clean stop, which must succeed."""
        status = self.daemon.stop()
        if status != 0:
            raise AssertionError(f"daemon: exit {status}\n{self.daemon.log}")

    def close(self):
        for process in [self.daemon, *self.others]:
            if process is not None and process in processes:
                process.kill()
        if self.broker is not None and self.broker.process is not None:
            self.broker.process.kill()
        folders.remove(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        for process in self.started:
            check_sound("the daemon", process.log)
        for process in self.others:
            check_sound("another process", process.log)

    def run(self, *words, site=True, stdin=None):
        """A command of the CLI, to its end."""
        command = [CARETAKER, *[str(w) for w in words]]
        if site:
            command += ["-c", self.site_file]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True,
                              input=stdin, timeout=LIMIT_S, check=False)
        check_sound(words, done.stderr)
        return done

    def ok(self, *words, site=True, stdin=None):
        """Its standard output; it must succeed."""
        done = self.run(*words, site=site, stdin=stdin)
        if done.returncode != 0:
            raise AssertionError(f"{words}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def listing(self, *words):
        return json.loads(self.ok(*words, "--json"))

    def status(self):
        return self.listing("status")

    def device(self, name):
        return next(d for d in self.listing("devices", "--causes") if d["id"] == name)

    def rows(self, database, sql):
        """Asked by the sqlite3 shell, not by our own code."""
        done = subprocess.run(
            ["sqlite3", "-json", "-cmd", ".timeout 20000",
             self.path(f"data/{database}.db"), sql],
            capture_output=True, text=True, timeout=LIMIT_S, check=False)
        if done.returncode != 0:
            raise AssertionError(f"sqlite3: {sql}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else []

    def events(self):
        """Of state.db, in order of seq."""
        return [dict(json.loads(r["json"]), seq=r["seq"], hash=r["hash"])
                for r in self.rows("state", "select seq, json, lower(hex(hash)) hash"
                                            " from events order by seq")]

    def wait_drained(self):
        wait_for(lambda: self.status()["mqtt"].get("outbox") == 0, "an empty outbox")
