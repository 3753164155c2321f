#!/usr/bin/python3
"""`caretaker schema`: what editors are told, judged by a validator that is not ours.

Three witnesses: every file that we ship and every good file of the tests is valid; every bad
one whose mistake a schema can see is not; and the reader itself, asked with a key that no
table has, lists the keys that it accepts at each place: just those of the schema."""
import glob
import json
import os
import re
import subprocess
import tempfile
import unittest

import jsonschema
import yaml

from estate import CARETAKER, LIMIT_S, TOP

EDITION = "tests/config"


class Core(yaml.SafeLoader):
    """YAML 1.2 as editors read it: its core schema, and keys are texts."""

    def construct_mapping(self, node, deep=False):
        return {self.key(key): self.construct_object(value, deep=True)
                for key, value in node.value}

    def key(self, node):
        return str(self.construct_object(node, deep=True))


Core.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
         list("-+.0123456789"))):
    Core.add_implicit_resolver(
        "tag:yaml.org,2002:" + tag, re.compile("^(?:%s)$" % pattern), first)


def core_int(loader, node):
    text = loader.construct_scalar(node)
    return int(text, 16) if text.startswith("0x") else int(text)


Core.add_constructor("tag:yaml.org,2002:int", core_int)
Core.add_constructor("tag:yaml.org,2002:map", lambda l, n: l.construct_mapping(n))


def run(*words, status=0, folder=TOP):
    done = subprocess.run([CARETAKER, *words], cwd=folder, timeout=LIMIT_S, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          env=dict(os.environ, CARETAKER_SHARE=os.path.join(TOP, "config")))
    if status is not None and done.returncode != status:
        raise AssertionError((words, done.returncode, done.stdout, done.stderr))
    return done


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return yaml.load(file, Core)


def files(*patterns):
    found = []
    for pattern in patterns:
        some = sorted(glob.glob(pattern, root_dir=TOP, recursive=True))
        if not some:
            raise AssertionError(pattern + " finds nothing")
        found += some
    return found


def kind_of(path):
    """By what stands at the top, as people tell the files apart."""
    top = read(path) or {}
    for key, kind in (("profile", "profile"), ("case", "case"), ("columns", "map"),
                      ("slaves", "simulation"), ("site", "site")):
        if key in top:
            return kind
    return "rules"


class Schemas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kinds = [row["kind"] for row in json.loads(run("schema", "--json").stdout)]
        cls.schemas = {kind: json.loads(run("schema", kind).stdout) for kind in cls.kinds}
        cls.judges = {kind: jsonschema.Draft7Validator(schema)
                      for kind, schema in cls.schemas.items()}

    def complaints(self, kind, document):
        return ["/".join(map(str, e.absolute_path)) + ": " + e.message[:300]
                for e in self.judges[kind].iter_errors(document)]

    def test_the_list_is_the_same_in_text(self):
        rows = run("schema").stdout.splitlines()[1:]
        self.assertEqual([row.split()[0] for row in rows], self.kinds)
        self.assertEqual(set(self.kinds),
                         {"site", "rules", "profile", "case", "map", "simulation"})

    def test_each_is_a_schema(self):
        for kind, schema in self.schemas.items():
            with self.subTest(kind):
                self.assertEqual(schema["$schema"], "http://json-schema.org/draft-07/schema#")
                jsonschema.Draft7Validator.check_schema(schema)

    def test_a_kind_that_is_none(self):
        done = run("schema", "sites", status=1)
        self.assertIn('there is no schema "sites"; did you mean "site"?', done.stderr)
        self.assertIn("one kind of file", run("schema", "site", "map", status=2).stderr)

    def test_every_shipped_file_is_valid(self):
        paths = files("config/**/*.yaml")
        self.assertGreater(len(paths), 80)
        for path in paths:
            with self.subTest(path):
                self.assertEqual(self.complaints(kind_of(path), read(path)), [])

    def test_every_good_file_of_the_tests_is_valid(self):
        for path in files(EDITION + "/good/**/*.yaml"):
            with self.subTest(path):
                self.assertEqual(self.complaints(kind_of(path), read(path)), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
