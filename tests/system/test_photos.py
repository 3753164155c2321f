#!/usr/bin/python3
"""Photos of tickets on a live daemon: sent by curl and by the command line, read back byte by byte; what tells where
they were taken is gone; what a crash, a full disk and somebody with an editor do to them."""
import hashlib
import json
import os
import signal
import sqlite3
import struct
import subprocess
import time
import unittest
import zlib

from estate import LIMIT_S, Estate, Process, free_port, wait_for

SITE = """web: {listen: "127.0.0.1:%d"}
devices:
  - {id: pump-1, name: Pump one, type: pump, points: {bearing: {unit: °C}}}
"""
PASSWORD = "correct horse battery"
DISK_BYTES = 24 << 20
PLACE = b"GPS 31.2304N 121.4737E"


def tiff(turn):
    """Of a camera: the orientation, and where it was."""
    return (b"II*\0\x08\0\0\0\x02\0" + struct.pack("<HHIHH", 0x0112, 3, 1, turn, 0) +
            struct.pack("<HHII", 0x8825, 4, 1, 38) + bytes(4) + PLACE)


OURS = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)


def segment(marker, content):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(size=0, *camera):
    scan = (b"a picture, " * (size // 11 + 1))[:size]
    return (b"\xff\xd8" + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + b"".join(camera) + segment(0xDB, bytes(65)) +
            segment(0xC0, b"\x08\0\x02\0\x03\1\1\x11\0") + segment(0xC4, bytes(20)) + segment(0xDA, b"\1\1\0\0\x3f\0") +
            scan + b"\xff\xd9")


def from_phone(size=5000, turn=6):
    return jpeg(size, segment(0xE1, b"Exif\0\0" + tiff(turn)), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PLACE),
                segment(0xFE, PLACE)) + b"behind the end " + PLACE


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*camera):
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 8, 2, 0, 0, 0)) + b"".join(camera) +
            chunk(b"IDAT", zlib.compress(bytes(20))) + chunk(b"IEND", b""))


def webp(*chunks):
    body = b"WEBP" + b"".join(k + struct.pack("<I", len(c)) + c + bytes(len(c) % 2) for k, c in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


VP8 = (b"VP8 ", b"\x10\0\0\x9d\x01\x2a\x03\0\x02\0")


class Photos(unittest.TestCase):
    def make(self, broker=False):
        self.port = free_port()
        self.estate = e = Estate(site=SITE % self.port, broker=broker)
        self.addCleanup(e.close)
        return e

    def start(self):
        e = self.estate
        e.start()
        e.ok("ticket", "open", "pump-1", "it drips", "--by", "li")
        self.tokens = {}
        for role in ("administrator", "technician", "viewer"):
            e.ok("user", "add", role, "--role", role, "--password-stdin", stdin=PASSWORD + "\n")
            self.tokens[role] = json.loads(e.ok("user", "token", "add", role, "test", "--json"))["secret"]
        wait_for(self.listens, "the page listens")
        return e

    def listens(self):
        return subprocess.run(["curl", "-sS", f"http://127.0.0.1:{self.port}/api/v1/session"], capture_output=True,
                              timeout=LIMIT_S, check=False).returncode == 0

    def curl(self, path, body=None, role="technician", kind="image/jpeg", local=False):
        """(status, headers, bytes)."""
        e = self.estate
        command = ["curl", "-sS", "-D", e.path("head"), "-o", e.path("answer"), "-H", "Expect:"]
        if local:
            command += ["--unix-socket", e.path("data/caretaker.sock"), "http://caretaker/api/v1/" + path]
        else:
            command += ["-H", f"Authorization: Bearer {self.tokens[role]}", f"http://127.0.0.1:{self.port}/api/v1/{path}"]
        if body is not None:
            with open(e.path("body"), "wb") as f:
                f.write(body)
            command += ["-H", f"Content-Type: {kind}", "--data-binary", "@" + e.path("body")]
        subprocess.run(command, check=True, timeout=LIMIT_S)
        with open(e.path("head"), encoding="latin-1", newline="") as f:
            lines = f.read().split("\r\n")
        with open(e.path("answer"), "rb") as f:
            answer = f.read()
        return int(lines[0].split()[1]), {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}, answer

    def add(self, body, **more):
        status, _, answer = self.curl("tickets/1/photos", body, **more)
        self.assertEqual(status, 200, answer)
        return json.loads(answer)

    def refused(self, wanted, path, body, *words, **more):
        status, headers, answer = self.curl(path, body, **more)
        self.assertEqual((status, headers["content-type"]), (wanted, "application/problem+json"), answer)
        for word in words:
            self.assertIn(word, json.loads(answer)["detail"])

    def files(self):
        folder = self.estate.path("data/photos")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def proof(self):
        done = self.estate.run("check", "--journal", "--json")
        return done.returncode, json.loads(done.stdout)

    # ---- there and back ----

    def test_a_photo_comes_back_without_its_place(self):
        e = self.make(broker=True)
        ear = e.subscribe()
        self.start()
        made = self.add(from_phone())
        self.assertEqual((made["number"], made["type"], made["by"], made["note"]), (1, "image/jpeg", "technician", None))
        status, headers, bytes_ = self.curl("tickets/1/photos/1", role="viewer")
        self.assertEqual((status, headers["content-type"]), (200, "image/jpeg"))
        self.assertIn("immutable", headers["cache-control"])
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertNotIn("content-disposition", headers)
        self.assertEqual(bytes_, jpeg(5000, segment(0xE1, b"Exif\0\0" + OURS)))
        self.assertNotIn(b"GPS", bytes_)
        self.assertEqual(made["sha256"], hashlib.sha256(bytes_).hexdigest())
        self.assertEqual(made["bytes"], len(bytes_))
        self.assertEqual(self.files(), [made["sha256"] + ".jpg"])
        with open(e.path("data/photos/" + self.files()[0]), "rb") as f:
            self.assertEqual(f.read(), bytes_)

        # By the unix socket it is who the sender says; the type is what the bytes are.
        status, _, answer = self.curl("tickets/1/photos?by=zhang&note=the%20old%20seal%2C%20%E5%AF%86%E5%B0%81",
                                      png(chunk(b"eXIf", tiff(1)), chunk(b"tEXt", b"place\0" + PLACE)), local=True)
        self.assertEqual(status, 200, answer)
        second = json.loads(answer)
        self.assertEqual((second["number"], second["type"], second["by"], second["note"]),
                         (2, "image/png", "zhang", "the old seal, 密封"))
        self.assertEqual(self.curl("tickets/1/photos/2", local=True)[2], png())
        # On TCP it is who asks, whatever is said.
        third = json.loads(self.curl("tickets/1/photos?by=mallory", webp(
            (b"VP8X", b"\x0c\0\0\0\x02\0\0\x01\0\0"), VP8, (b"EXIF", tiff(6)), (b"XMP ", PLACE)))[2])
        self.assertEqual((third["number"], third["type"], third["by"]), (3, "image/webp", "technician"))
        self.assertEqual(self.curl("tickets/1/photos/3")[2],
                         webp((b"VP8X", b"\x08\0\0\0\x02\0\0\x01\0\0"), VP8, (b"EXIF", OURS)))

        status, _, answer = self.curl("tickets/1/photos", role="viewer")
        self.assertEqual((status, json.loads(answer)), (200, [made, second, third]))
        told = ear.wait_event("ticket.photographed", 3)
        self.assertEqual((told["ticket"], told["number"], told["sha256"], told["type"], told["bytes"], told["by"]),
                         (1, 3, third["sha256"], "image/webp", third["bytes"], "technician"))
        kept = [v for v in e.events() if v["event"] == "ticket.photographed"]
        self.assertEqual([(v["number"], v["sha256"], v.get("note")) for v in kept],
                         [(p["number"], p["sha256"], p["note"]) for p in (made, second, third)])
        self.assertEqual(json.loads(ear.last("/ticket/1"))["photos"], 3)
        e.daemon.wait_line("ticket 1 photographed", "photo 2", "by zhang", "the old seal")

        pack = json.loads(e.ok("ticket", "show", 1, "--json"))
        self.assertEqual((pack["photos"], pack["ticket"]["photos"]), ([made, second, third], 3))
        shown = e.ok("ticket", "show", 1)
        for photo, suffix in ((made, "jpg"), (second, "png"), (third, "webp")):
            self.assertIn(f"photos/{photo['sha256']}.{suffix}", shown)
        self.assertIn("the old seal, 密封", shown)
        code, proof = self.proof()
        self.assertEqual((code, proof["proven"], proof["photos"]), (0, True, 3))

    def test_the_command_line_adds_one(self):
        e = self.make()
        self.start()
        with open(e.path("seal.jpg"), "wb") as f:
            f.write(from_phone(turn=1))
        said = e.ok("ticket", "photo", 1, e.path("seal.jpg"), "--note", "new & dry?", "--by", "li")
        self.assertIn("ticket 1: photo 1", said)
        row = json.loads(self.curl("tickets/1/photos")[2])[0]
        self.assertEqual((row["by"], row["note"]), ("li", "new & dry?"))
        self.assertEqual(self.curl("tickets/1/photos/1")[2], jpeg(5000))
        done = e.run("ticket", "photo", 9, e.path("seal.jpg"))
        self.assertEqual((done.returncode, "there is no ticket 9" in done.stderr), (1, True), done.stderr)
        done = e.run("ticket", "photo", 1, e.path("site.yaml"))
        self.assertEqual((done.returncode, "JPEG, PNG and WebP are accepted" in done.stderr), (2, True), done.stderr)
        with open(e.path("large.jpg"), "wb") as f:
            f.write(jpeg(9 << 20))
        done = e.run("ticket", "photo", 1, e.path("large.jpg"))
        self.assertEqual((done.returncode, "at most 8388608 bytes" in done.stderr), (2, True), done.stderr)
        self.assertEqual(e.run("ticket", "photo", 1, e.path("none.jpg")).returncode, 4)
        self.assertEqual(e.run("ticket", "photo", 1).returncode, 2)

    def test_the_same_photo_again_is_the_one_there_is(self):
        self.make()
        self.start()
        first = self.add(jpeg(100))
        self.assertEqual(self.add(from_phone(100, turn=1)), first)
        self.assertEqual(len(json.loads(self.curl("tickets/1/photos")[2])), 1)
        self.estate.ok("ticket", "open", "pump-1", "it drips elsewhere", "--by", "li")
        shared = json.loads(self.curl("tickets/2/photos", jpeg(100))[2])
        self.assertEqual((shared["number"], shared["sha256"]), (1, first["sha256"]))
        self.assertEqual(len(self.files()), 1)

    # ---- what is not taken ----

    def test_what_is_no_photo_is_refused_and_leaves_nothing(self):
        e = self.make()
        self.start()
        path = "tickets/1/photos"
        self.refused(413, path, jpeg(8 << 20), "at most 8388608 bytes")
        for body in (b"<html>", b"GIF89a\1\0\1\0", b"\0\0\0\x18ftypheic", b""):
            self.refused(415, path, body, "JPEG, PNG and WebP are accepted")
        self.refused(400, path, jpeg(500)[:-40], "cut off")
        self.refused(400, path, png()[:-3], "cut off")
        self.refused(400, path, webp(VP8, VP8), "second picture")
        self.refused(400, path + "?note=%ff", jpeg(), "UTF-8")
        self.refused(400, path + "?what=1", jpeg(), "accepted are note")
        self.refused(400, path, jpeg(), "who does it", local=True)
        self.refused(403, path, jpeg(), "technician", role="viewer")
        for wrong in ("9", "0", "x", "1x", "99999999999999999999"):
            self.refused(404, f"tickets/{wrong}/photos", jpeg(), "there is no ticket")
            self.refused(404, f"tickets/{wrong}/photos", None, "there is no ticket")
        for wrong in ("1", "0", "x", "-1"):
            self.refused(404, "tickets/1/photos/" + wrong, None, "no such photo")
        self.refused(400, "commands", b'{"cmd": "ticket.photo", "ticket": 1}', "photos", kind="application/json")
        self.assertEqual((self.files(), e.rows("state", "select * from photo")), ([], []))
        for i in range(20):
            self.add(jpeg(i))
        self.refused(409, path, jpeg(21), "20 photos")
        self.assertEqual(len(self.files()), 20)
        self.assertEqual(self.proof()[0], 0)

    # ---- crashes and disks ----

    def test_a_kill_between_file_and_row_leaves_no_photo(self):
        e = self.make()
        self.start()
        kept = self.add(jpeg(10))
        lock = sqlite3.connect(e.path("data/state.db"), isolation_level=None)
        self.addCleanup(lock.close)
        lock.execute("BEGIN IMMEDIATE")  # The loop waits for the disk, with the command in its hands.
        with open(e.path("seal.jpg"), "wb") as f:
            f.write(jpeg(20))
        sender = Process("curl", "-sS", "-H", f"Authorization: Bearer {self.tokens['technician']}",
                         "--data-binary", "@" + e.path("seal.jpg"), f"http://127.0.0.1:{self.port}/api/v1/tickets/1/photos")
        lost = hashlib.sha256(jpeg(20)).hexdigest() + ".jpg"
        wait_for(lambda: lost in self.files(), "the file")
        e.daemon.send(signal.SIGKILL)
        e.daemon.end()
        sender.stop()
        lock.execute("ROLLBACK")
        part = e.path(f"data/photos/{lost}.part")
        with open(part, "wb") as f:
            f.write(b"half a photo")
        with open(e.path("data/photos/README"), "w", encoding="utf-8") as f:
            f.write("not ours")
        e.start()
        wait_for(self.listens, "the page listens")
        self.assertEqual(json.loads(self.curl("tickets/1/photos")[2]), [kept])
        self.assertEqual(self.proof()[0], 0)
        self.assertIn(lost, self.files())  # Perhaps it is sent again.
        self.assertFalse(os.path.exists(part))
        e.stop()
        two_days = time.time() - 2 * 86400
        for name in self.files():
            os.utime(e.path("data/photos/" + name), (two_days, two_days))
        e.start()
        e.daemon.wait_line("removed 1 photo")
        self.assertEqual(self.files(), sorted(["README", kept["sha256"] + ".jpg"]))
        wait_for(self.listens, "the page listens")
        self.assertEqual(self.add(jpeg(20))["number"], 2)
        self.assertEqual(self.proof()[0], 0)

    def small_disk(self):
        e = self.make()
        os.mkdir(e.path("data"))
        mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", e.path("data")],
            capture_output=True, timeout=LIMIT_S, check=False).returncode == 0
        if not mounted:
            self.skipTest("a small disk can only be mounted by root")
        self.addCleanup(self.unmount)
        return e

    def unmount(self):
        if self.estate.daemon is not None:
            self.estate.daemon.kill()
        subprocess.run(["umount", self.estate.path("data")], timeout=LIMIT_S, check=True)

    def test_a_full_disk_is_for_tickets(self):
        e = self.small_disk()
        self.start()
        first = self.add(jpeg(1000))
        with open(e.path("data/rubbish"), "wb", buffering=0) as f:
            disk = os.statvfs(e.path("data"))
            f.write(bytes(disk.f_bavail * disk.f_frsize - DISK_BYTES // 16 - 100000))
        self.refused(507, "tickets/1/photos", jpeg(200000), "for tickets and alarms")
        self.assertEqual(self.files(), [first["sha256"] + ".jpg"])
        e.ok("ticket", "note", 1, "the disk is full", "--by", "li")
        self.assertEqual(self.curl("tickets/1/photos/1")[2], jpeg(1000))
        os.remove(e.path("data/rubbish"))
        self.assertEqual(self.add(jpeg(200000))["number"], 2)
        # All together no more than a tenth of the disk.
        sent = 0
        while self.curl("tickets/1/photos", jpeg(400000 + sent))[0] == 200:
            sent += 1
        self.assertLess(sent, 7)
        self.assertGreater(sent, 3)
        self.refused(507, "tickets/1/photos", jpeg(500000), "of all tickets take")
        self.assertEqual(len(self.files()), sent + 2)
        self.assertEqual(self.proof()[0], 0)

    # ---- proof and copy ----

    def findings(self, *words):
        code, proof = self.proof()
        self.assertEqual((code, proof["proven"], len(proof["findings"])), (1, False, len(words)), proof)
        for finding, word in zip(proof["findings"], words):
            self.assertEqual((finding["kind"], finding["ticket"]), ("photo", 1))
            self.assertIn(word, finding["text"])

    def test_the_journal_knows_its_photos(self):
        e = self.make()
        self.start()
        for i in range(3):
            self.add(jpeg(i))
        e.stop()
        names = [p["sha256"] + ".jpg" for p in json.loads(e.ok("ticket", "show", 1, "--json"))["photos"]]
        path = e.path("data/photos/" + names[1])
        with open(path, "wb") as f:
            f.write(jpeg(7))
        self.findings("photo 2: the file photos/" + names[1] + " was changed")
        os.remove(path)
        self.findings("photo 2: the file photos/" + names[1] + " is missing")
        e.start()
        wait_for(self.listens, "the page listens")
        self.refused(503, "tickets/1/photos/2", None, "is missing")
        self.assertEqual(self.add(jpeg(1))["number"], 2)  # Sent again, it is sound again.
        self.assertEqual(self.proof()[0], 0)
        e.stop()
        for sql, word in (("UPDATE photo SET person = 'nobody' WHERE number = 1", "photo 1: its row is not what its event says"),
                          ("DELETE FROM photo WHERE number = 1", "photo 1: its row was removed")):
            e.rows("state", sql)
            self.findings(word)
        e.rows("state", "INSERT INTO photo SELECT ticket, 4, type, bytes, sha256, person, note, added_ms FROM photo"
                        " WHERE number = 3")
        self.findings("photo 1: its row was removed", "photo 4: no event tells of it")

    def test_a_backup_has_the_photos(self):
        e = self.make()
        self.start()
        rows = [self.add(jpeg(i)) for i in range(2)]
        os.mkdir(e.path("usb"))
        listed = json.loads(e.ok("backup", e.path("usb") + "/", "--json"))
        self.assertEqual(listed[-1], {"from": e.path("data/photos"), "file": e.path("usb/photos"),
                                      "bytes": sum(p["bytes"] for p in rows), "photos": 2})
        self.assertEqual(sorted(os.listdir(e.path("usb/photos"))), self.files())
        rows.append(self.add(jpeg(2)))
        self.assertIn("3 photos", e.ok("backup", "--force", e.path("usb") + "/"))
        # The copy is an estate of its own.
        e.stop()
        os.rename(e.path("data"), e.path("old"))
        os.rename(e.path("usb"), e.path("data"))
        e.start()
        wait_for(self.listens, "the page listens")
        self.assertEqual(json.loads(self.curl("tickets/1/photos")[2]), rows)
        self.assertEqual(self.curl("tickets/1/photos/3")[2], jpeg(2))
        self.assertEqual(self.proof()[0], 0)
        # What is damaged is not copied as if it were sound.
        with open(e.path("data/photos/" + rows[0]["sha256"] + ".jpg"), "ab") as f:
            f.write(b"!")
        os.mkdir(e.path("usb"))
        done = e.run("backup", e.path("usb") + "/")
        self.assertEqual((done.returncode, "1 photo left out: damaged" in done.stderr), (1, True), done.stderr)
        self.assertEqual(len(os.listdir(e.path("usb/photos"))), 2)


if __name__ == "__main__":
    unittest.main()
