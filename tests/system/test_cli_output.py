"""An answer that could not be written is no answer."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CARETAKER = os.environ.get("CARETAKER", str(ROOT / "build/debug/caretaker"))


class FullOutput(unittest.TestCase):
    def test_a_full_disk_behind_the_output_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            site = Path(folder) / "site.yaml"
            site.write_text("site: {id: a, name: A, timezone: UTC}\ndata: data\n")
            for words in (["help"], ["alarms", "--json"], ["status"], ["export"], ["check"]):
                words += ["-c", str(site)] if words != ["help"] else []
                with self.subTest(words[0]), open("/dev/full", "w") as full:
                    done = subprocess.run(
                        [CARETAKER, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
                    )
                    self.assertEqual(done.returncode, 4, done.stderr)
                    self.assertIn("the output cannot be written", done.stderr)


if __name__ == "__main__":
    unittest.main()
