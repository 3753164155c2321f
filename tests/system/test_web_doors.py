#!/usr/bin/python3
"""The web server's TCP door as the site file says it: TLS with a certificate that openssl made and a client that is not
ours checks, a port that somebody else has, another port or none after a reload."""
import json
import os
import signal
import socket
import ssl
import subprocess
import unittest
import urllib.error
import urllib.request

from estate import Estate, free_port, wait_for

ANSWER_S = 20
PASSWORD = "correct horse battery"


def make_certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                    os.path.join(folder, name + ".key"), "-out", os.path.join(folder, name + ".pem")],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Doors(unittest.TestCase):
    def setUp(self):
        self.estate = Estate()
        self.addCleanup(self.estate.close)

    def write(self, port, *more):
        web = ", ".join((f'listen: "127.0.0.1:{port}"', *more))
        self.estate.write_site("buses: []\n" + (f"web: {{{web}}}\n" if port else ""))

    def reload(self):
        before = len(self.estate.daemon.lines)
        self.estate.daemon.send(signal.SIGHUP)
        self.estate.daemon.wait_line("reloaded: ", since=before)
        return before

    def get(self, port, scheme="http", context=None):
        with urllib.request.urlopen(f"{scheme}://localhost:{port}/api/v1/session", timeout=ANSWER_S,
                                    context=context) as answer:
            return json.load(answer), answer

    def refuses(self, port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) != 0

    def test_a_port_that_somebody_has_is_waited_for(self):
        e = self.estate
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            self.write(port)
            e.start()  # It watches the plant without the page.
            self.assertIn(f"127.0.0.1:{port}", e.daemon.wait_line("web: ", "tried again"))
            self.assertEqual(e.status()["daemon"], "running")
        e.daemon.wait_line("the page is at", str(port))
        self.assertEqual(self.get(port)[0]["role"], "viewer")
        e.stop()

    def test_a_reload_moves_the_door_and_takes_it_away(self):
        e, first = self.estate, free_port()
        self.write(first)
        e.start()
        e.daemon.wait_line("the page is at", str(first))
        stream = urllib.request.urlopen(f"http://localhost:{first}/api/v1/stream", timeout=ANSWER_S)
        self.addCleanup(stream.close)
        self.assertEqual(stream.readline(), b"retry: 1000\n")
        second = free_port()
        self.write(second)
        e.daemon.wait_line("the page is at", str(second), since=self.reload())
        # The stream ends whole: a broken one would raise.
        self.assertIn(b"event: hello\n", stream.read())
        self.assertTrue(self.refuses(first))
        self.assertEqual(self.get(second)[0]["user"], None)
        self.write(None)
        self.reload()
        wait_for(lambda: self.refuses(second), "no door any more")
        self.assertEqual(e.status()["daemon"], "running")
        e.stop()

    def log_in(self, port, user, password, **headers):
        """(status, the cookie, the answer); headers with _ for -."""
        request = urllib.request.Request(f"http://localhost:{port}/api/v1/session", method="POST",
                                         data=json.dumps({"user": user, "password": password}).encode(),
                                         headers={k.replace("_", "-"): v for k, v in headers.items()})
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                return answer.status, answer.headers["Set-Cookie"], json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, None, json.load(refused)

    def test_who_is_behind_a_proxy(self):
        e, port = self.estate, free_port()
        self.write(port, "proxies: [127.0.0.1]")
        e.start()
        e.daemon.wait_line("the page is at", str(port))
        for user in ("zhang", "li"):
            e.ok("user", "add", user, "--role", "administrator", "--password-stdin", stdin=PASSWORD + "\n")
        # One who guesses, whatever address he makes up, holds up nobody else behind the proxy.
        seen = [self.log_in(port, "zhang", "wrong wrong", X_Forwarded_For=f"198.51.100.{i}, 192.0.2.7")[0] for i in range(7)]
        self.assertEqual(seen, [401] * 5 + [429] * 2)
        status, cookie, _ = self.log_in(port, "li", PASSWORD, X_Forwarded_For="192.0.2.8",
                                        Origin=f"https://localhost:{port}")
        self.assertEqual(status, 200)
        # The browser's side of the proxy is TLS: the cookie never goes in the clear.
        self.assertLessEqual({"Secure", "HttpOnly", "SameSite=Strict"}, set(cookie.split("; ")))
        self.assertNotIn("Secure", self.log_in(port, "li", PASSWORD, X_Forwarded_For="192.0.2.8")[1])
        self.assertEqual([(v["event"], v["remote"]) for v in e.events() if "remote" in v][:2],
                         [("user.refused", "192.0.2.7"), ("user.logged_in", "192.0.2.8")])
        # Where it is not said that there is one, nobody is believed.
        self.write(port)
        e.daemon.wait_line("the page is at", str(port), since=self.reload())
        self.assertEqual(self.log_in(port, "li", PASSWORD, X_Forwarded_For="192.0.2.9")[0], 200)
        self.assertEqual([v["remote"] for v in e.events() if v["event"] == "user.logged_in"][-1], "127.0.0.1")
        e.stop()

    def test_tls_by_our_own_certificate(self):
        e, port = self.estate, free_port()
        for name in ("one", "two"):
            make_certificate(e.folder, name)
        trust = {name: ssl.create_default_context(cafile=e.path(name + ".pem")) for name in ("one", "two")}
        os.rename(e.path("one.key"), e.path("key.pem"))
        os.symlink("one.pem", e.path("cert.pem"))
        self.write(port, "cert_file: cert.pem", "key_file: key.pem")
        e.start()
        e.daemon.wait_line(f"the page is at https://127.0.0.1:{port}/")
        session, answer = self.get(port, "https", trust["one"])
        self.assertEqual(session["role"], "viewer")
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        with self.assertRaises(urllib.error.URLError) as refused:
            self.get(port, "https", trust["two"])
        self.assertIsInstance(refused.exception.reason, ssl.SSLCertVerificationError)
        with self.assertRaises(OSError):
            self.get(port)  # Plain HTTP gets nothing.
        self.assertEqual(self.get(port, "https", trust["one"])[0]["role"], "viewer")
        # A renewed certificate in the same files counts after a reload.
        os.rename(e.path("two.key"), e.path("key.pem"))
        os.remove(e.path("cert.pem"))
        os.symlink("two.pem", e.path("cert.pem"))
        e.daemon.wait_line("the page is at https://", since=self.reload())
        self.assertEqual(self.get(port, "https", trust["two"])[0]["role"], "viewer")
        # One that does not go with its key closes the door, never the daemon, and opens no plain one.
        os.remove(e.path("cert.pem"))
        os.symlink("one.pem", e.path("cert.pem"))
        e.daemon.wait_line("web: ", "cert.pem", "tried again", since=self.reload())
        self.assertTrue(self.refuses(port))
        self.assertEqual(e.status()["daemon"], "running")
        os.remove(e.path("cert.pem"))
        os.symlink("two.pem", e.path("cert.pem"))
        wait_for(lambda: not self.refuses(port), "it is tried again")
        self.assertEqual(self.get(port, "https", trust["two"])[0]["role"], "viewer")
        e.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
