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

DRIVER = os.path.join(os.path.dirname(CARETAKER), "tests/config/driver_read")
UNKNOWN = "no_table_has_this"
# Of every sort, right here and wrong there.
VALUES = ["abc", "5", "Ä b", "", 5, 0, -1, 70000, 0.5, True, False, None, [], {}, [1, 2],
          [2, 1], ["abc"], [["5s", 1]], ["5s"], ["9s", "5s"], {"abc": 1}, "5s", "0s", "999y", "1ms",
          "2d", "05m", "5 s", "+5m", "2019-06-01", "2019-06-1", "08:00", "8:00", "25:00", "holding 5",
          "input 0x1F", "drawer 5", "holding", 40001, "40001", 123, "1/512", "2^-9", "1/0", "5 %",
          "8GB", "8 GiB", "8 potatoes", "a.b", "a.B", "abc-1", "Abc", "x" * 64, "x" * 1001,
          "2h of running", "2h of", "critical", "manual", "continuous", "true", "even", "alarm.raised",
          "timeout", "f32", "cdab", "08:00-18:00", "08:00-24:00", "any", "ticket.take", "alarm.ack"]
# Without these nobody looks at what stands beside them.
BESIDE = {"register": "holding 5", "refuse": ["1s"], "rtu": "line", "broker": "mqtt://here"}
# What a reader says of a value that is of the wrong sort, wherever it stands.
WRONG_SORT = re.compile(
    r"^\"[^\"]*\" is .*; (accepted: |text is|text, or|an id of|a point id of|a whole number from"
    r"|a number such|true or false|a duration from|a list such|an expression such|a date such)"
    r"|is (a list|a mapping|text|nothing); a mapping of key")


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
                      ("slaves", "simulation"), ("site", "site"), ("commands", "commands")):
        if key in top:
            return kind
    return "rules"


def kind_by_name(path):
    """Of a bad file, which may not even begin as it should."""
    first = os.path.basename(path).split("-")[0]
    return {"sim": "simulation", "yaml": "site", "part": "rules"}.get(first, first)


class Place:
    """A mapping somewhere in a file: its schema, and the way there."""

    def __init__(self, schema, way, beside):
        self.schema, self.way, self.beside = schema, way, beside

    def document(self, **keys):
        inner = {key: value for key, value in self.beside.items()
                 if not any(self.exclude(key, other) for other in keys)}
        inner.update(keys)
        for wrap in reversed(self.way):
            inner = wrap(inner)
        return inner

    def exclude(self, key, other):
        """Only one of the two may stand here."""
        groups = [group["required"] for group in self.schema.get("oneOf", [])]
        return key != other and [key] in groups and [other] in groups

    def __str__(self):
        return json.dumps(self.document(**{UNKNOWN: 1}))


def fitting_key(pattern):
    for key in ("x1", "mon-fri", "0x10"):
        if pattern is None or re.search(pattern, key):
            return key
    raise AssertionError(pattern)


def places(root, schema, way=(), above=()):
    """Every mapping with keys of its own that the schema knows, each once on each way."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        if name in above:
            return
        above += (name,)
        schema = root["definitions"][name]
    for one in schema.get("anyOf", []):
        if "required" not in one:
            yield from places(root, one, way, above)
    if "properties" in schema:
        # Without a register nobody looks at what its bits mean, and so on.
        beside = {key: value for key, value in BESIDE.items() if key in schema["properties"]}
        yield Place(schema, way, beside)
        for key, value in schema["properties"].items():
            wrap = lambda inner, key=key, beside=beside: {**beside, key: inner}
            yield from places(root, value, way + (wrap,), above)
    if isinstance(schema.get("additionalProperties"), dict):
        key = fitting_key(schema.get("propertyNames", {}).get("pattern"))
        wrap = lambda inner, key=key: {key: inner}
        yield from places(root, schema["additionalProperties"], way + (wrap,), above)
    if isinstance(schema.get("items"), dict):
        yield from places(root, schema["items"], way + (lambda inner: [inner],), above)


class Reader:
    """Our own reader, asked about many documents at once."""

    def __init__(self, kind):
        self.kind = kind
        self.folder = tempfile.TemporaryDirectory(prefix="caretaker-schema.")
        self.documents = []

    def add(self, document):
        """Returns the number of the document, and its lines."""
        number = len(self.documents)
        text = json.dumps(document, indent=1, ensure_ascii=False)
        self.documents.append(text)
        with open("%s/d%d.yaml" % (self.folder.name, number), "w", encoding="utf-8") as file:
            file.write(text)
        return number

    def errors(self):
        """By document: (line, what is said) of each error."""
        names = ["d%d.yaml" % i for i in range(len(self.documents))]
        done = subprocess.run([DRIVER, self.kind, *names], cwd=self.folder.name, text=True,
                              timeout=LIMIT_S, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False, env=dict(os.environ, CARETAKER_SHARE=TOP + "/config"))
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        said = [[] for _ in names]
        for line in done.stdout.splitlines():
            match = re.match(r"d([0-9]+)\.yaml:([0-9]+):[0-9]+: (?!warning: )(.*)", line)
            if match:
                said[int(match[1])].append((int(match[2]), match[3]))
        return said

    def close(self):
        self.folder.cleanup()


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
                         {"site", "rules", "profile", "case", "commands", "map",
                          "simulation"})

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
        for path in files("tests/config/good/**/*.yaml"):
            with self.subTest(path):
                self.assertEqual(self.complaints(kind_of(path), read(path)), [])

    def test_every_bad_file_whose_mistake_a_schema_sees_is_refused(self):
        """Those that only names that lead nowhere, or places, make wrong are for `check`."""
        seen = 0
        for path in files("tests/config/bad/*.yaml", "tests/config/bad/devices/*.yaml"):
            expected = os.path.join(TOP, path[:-len(".yaml")] + ".expected")
            if not os.path.exists(expected):
                continue
            with open(expected, encoding="utf-8") as file:
                said = [line for line in file if line.startswith(path + ":")]
            structural = [line for line in said if re.search(
                r"unknown key|is missing; (?!a device on a bus)|is a list|is a mapping|is nothing"
                r"|a whole number from|a duration from|; accepted: ", line)]
            try:
                document = read(path)
            except (yaml.YAMLError, UnicodeDecodeError, ValueError):
                continue  # Not even YAML.
            if structural:
                seen += 1
                with self.subTest(path):
                    complaints = self.complaints(kind_by_name(path), document)
                    self.assertGreater(len(complaints), 0, structural)
        self.assertGreater(seen, 10)

    def reader(self, kind):
        reader = Reader(kind)
        self.addCleanup(reader.close)
        return reader

    def test_each_place_has_just_the_keys_that_its_reader_accepts(self):
        count = 0
        for kind in set(self.kinds) - {"rules"}:
            schema = self.schemas[kind]
            reader = self.reader(kind)
            asked = []
            for place in places(schema, schema):
                self.assertIs(place.schema["additionalProperties"], False)
                asked.append((place, None, reader.add(place.document(**{UNKNOWN: 1}))))
                for key in place.schema["properties"]:
                    asked.append((place, key, reader.add(place.document(**{key: 1}))))
            said = reader.errors()
            for place, key, number in asked:
                lists = [re.search("unknown key .*accepted: (.*)", text)[1]
                         for _, text in said[number] if "unknown key" in text]
                with self.subTest(kind, place=str(place), key=key):
                    if key is None:
                        count += 1
                        self.assertEqual(len(lists), 1, said[number])
                        self.assertLessEqual(set(lists[0].split(", ")),
                                             set(place.schema["properties"]))
                    else:
                        self.assertEqual(lists, [])
        self.assertGreater(count, 50)
        self.assertEqual(self.schemas["rules"]["properties"], self.schemas["site"]["properties"])

    def test_schema_and_reader_agree_on_each_value(self):
        """What the reader accepts is valid; what it says to be of the wrong sort is not."""
        accepted = refused = 0
        for kind in set(self.kinds) - {"rules"}:
            schema = self.schemas[kind]
            reader = self.reader(kind)
            asked = []
            for place in places(schema, schema):
                for key in place.schema["properties"]:
                    for value in VALUES:
                        asked.append((place, key, value,
                                      reader.add(place.document(**{key: value}))))
            said = reader.errors()
            judges = {}
            for place, key, value, number in asked:
                text = reader.documents[number].splitlines()
                line = max(i for i, one in enumerate(text, 1) if '"%s": ' % key in one)
                errors = [text for at, text in said[number] if at >= line]
                wrong = [text for text in errors if WRONG_SORT.search(text)]
                # 00005 is 5 to YAML; an empty list of resets is one; and a line's own driver
                # has not every speed that a line behind a gateway may have.
                known = key == "register" and isinstance(value, int) or \
                    key == "reset" and value is None or key == "baud"
                if errors and (not wrong or known):
                    continue
                if (id(place), key) not in judges:
                    judges[id(place), key] = jsonschema.Draft7Validator(
                        {**place.schema["properties"][key], "definitions": schema["definitions"]}
                        if "$ref" not in place.schema["properties"][key] else
                        {"allOf": [place.schema["properties"][key]],
                         "definitions": schema["definitions"]})
                valid = judges[id(place), key].is_valid(yaml.load(json.dumps(value), Core))
                accepted += not errors
                refused += bool(errors)
                with self.subTest(kind, place=str(place), key=key, value=value):
                    self.assertEqual(valid, not errors, errors)
        self.assertGreater(accepted, 2000)
        self.assertGreater(refused, 5000)


if __name__ == "__main__":
    unittest.main(verbosity=2)
