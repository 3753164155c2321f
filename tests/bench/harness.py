"""What the benches share: programs that answer questions on standard input, and a folder of
which nothing is left."""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
CARETAKER = os.path.abspath(
    os.environ.get("CARETAKER", os.path.join(ROOT, "build/release/caretaker")))
END_S = 10


def program_of(name):
    """A program that is built beside the daemon, such as bench/line_slave."""
    path = os.path.join(os.path.dirname(CARETAKER), "tests", name)
    if not os.access(path, os.X_OK):
        sys.exit(f"{path} is missing; `make bench` builds it")
    return path


def installed_collectd():
    return bool(shutil.which("collectd") and glob.glob("/usr/lib/*/collectd/modbus.so") +
                glob.glob("/usr/lib/collectd/modbus.so"))


def collectd_head(folder):
    """Of a configuration: what is read goes nowhere."""
    return (f'BaseDir "{folder}"\nPIDFile "{folder}/pid"\nInterval 1\n'
            'TypesDB "/usr/share/collectd/types.db"\nPostCacheChain "nowhere"\n'
            '<Chain "nowhere">\n<Rule "all">\nTarget "stop"\n</Rule>\n</Chain>\n'
            "LoadPlugin modbus\n")


class Folder:
    def __enter__(self):
        self.name = tempfile.mkdtemp(prefix="caretaker-bench-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.name, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.name, name)

    def write(self, name, *parts):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.writelines(parts)
        return self.path(name)


class Ended(Exception):
    """A program that should run ended."""


class Program:
    """Ends when its standard input does."""

    def __init__(self, *command, ready=None, cpus=None, quiet=False):
        self.command = command
        self.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL if quiet else None,
            preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None)
        self.pid = self.child.pid
        if ready is not None:
            line = self.child.stdout.readline()
            if not line.startswith(ready):
                self.end()
                self.fail()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def ask(self, question):
        try:
            self.child.stdin.write(question + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            self.fail()
        line = self.child.stdout.readline()
        if not line:
            self.fail()
        return json.loads(line)

    def ask_after(self, seconds, question):
        time.sleep(seconds)
        return self.ask(question)

    def check(self):
        if self.child.poll() is not None:
            self.fail()

    def fail(self):
        status = self.child.wait()
        how = f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        raise Ended(f"{os.path.basename(self.command[0])} ended with {how}")

    def end(self):
        """Returns what it still had to say."""
        if self.child.stdout.closed:
            return ""
        try:
            out, _ = self.child.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            self.child.send_signal(signal.SIGTERM)
            try:
                out, _ = self.child.communicate(timeout=END_S)
            except subprocess.TimeoutExpired:
                self.child.kill()
                out, _ = self.child.communicate()
        return out


def at_once(jobs):
    """Runs all of them side by side; the first that fails ends the bench."""
    failed = []

    def run(job):
        try:
            job()
        except BaseException as why:  # Also that a program had to give up.
            failed.append(why)
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise failed[0]
