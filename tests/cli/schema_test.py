#!/usr/bin/env python3
"""Tests `tideline schema` with a validator of others: what ships keeps to it, and what is wrong does not.

Usage: schema_test.py PROGRAM
"""
import copy
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"
PROGRAM = Path(sys.argv.pop(1))
COMMENT_OR_TEXT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def read(path):
    text = Path(path).read_text(encoding="utf-8")
    return json.loads(COMMENT_OR_TEXT.sub(lambda m: m[0] if m[0].startswith('"') else "", text))


def schema():
    return json.loads(subprocess.run([PROGRAM, "schema"], capture_output=True, text=True, check=True).stdout)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = schema()
        cls.scenario = jsonschema.Draft202012Validator(cls.schema)
        cls.system = cls.part("system")
        cls.catalog = cls.part("catalog_file")

    @classmethod
    def part(cls, name):
        return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": cls.schema["$defs"]})

    def accept(self, validator, document, name):
        errors = [f"{name}: /{'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in validator.iter_errors(document)]
        self.assertEqual(errors, [])

    def test_is_a_schema(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_the_file_in_the_repository_is_fresh(self):
        self.assertEqual((SCENARIOS / "schema.json").read_text(encoding="utf-8"),
                         subprocess.run([PROGRAM, "schema"], capture_output=True, text=True, check=True).stdout,
                         "run scripts/generate_docs.py")

    def test_out_writes_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "deep" / "schema.json"
            done = subprocess.run([PROGRAM, "schema", "--out", file], capture_output=True, text=True, check=True)
            self.assertEqual(done.stdout, "")
            self.assertEqual(json.loads(file.read_text(encoding="utf-8")), self.schema)
            done = subprocess.run([PROGRAM, "schema", "--out", folder], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (3, f"tideline: cannot write {folder}: it is a folder\n"))

    def test_everything_that_ships_keeps_to_it(self):
        kinds = {"systems": self.system, "catalogs": self.catalog}
        seen = set()
        for file in sorted(SCENARIOS.rglob("*.json")) + sorted((ROOT / "tests" / "golden" / "scenarios").glob("*.json")):
            if SCENARIOS / "traces" / "data" in file.parents:  # where users put files of others
                continue
            if file == SCENARIOS / "catalogs" / "hardware.json":  # no catalog: hardware types for importers
                self.accept(self.part("catalog/properties/hardware"), read(file)["hardware"], file)
                continue
            if file == SCENARIOS / "schema.json" or {"sweeps", "regression"} & set(file.parts):
                continue
            seen.add(file.parent.name)
            self.accept(kinds.get(file.parent.name, self.scenario), read(file), file)
        self.assertEqual(seen, {"scenarios", "systems", "catalogs", "coldstart", "edge_core", "environment", "orderings", "real", "theory",
                                "traces"})

    def test_the_effective_configuration_keeps_to_it(self):
        for name in ("quickstart", "quickstart_fixed", str(SCENARIOS / "theory" / "mg1.json")):
            done = subprocess.run([PROGRAM, "validate", "--effective", name], capture_output=True, text=True, check=True, cwd=ROOT)
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                file.write(done.stdout)
                file.flush()
                self.accept(self.scenario, read(file.name), name)

    def test_what_the_program_says_can_be_said_keeps_to_it(self):
        mmc = read(SCENARIOS / "theory" / "mmc.json")
        edits = [
            lambda s: s["measure"].update(warmup_s="100ms", duration_s="2 h"),
            lambda s: s["workload"][0].update(payload_bytes="4KiB", classes=[{"latency_slo_s": {"times_fastest": 2, "hardware": "server"}}]),
            lambda s: s["workload"][0].update(classes=[{"latency_slo_s": "50ms", "accuracy_floor": {"of_best": 0.9}, "pin": {"variant": "v"}}]),
            lambda s: s.update(policies={"system": "infaas", "override": {"dispatch": "random", "eviction": None}}),
            lambda s: s.update(policies={"selection": {"name": "infaas", "params": {"fill": None}}}),
            lambda s: s.update(initial="planned"),
            lambda s: s.update(catalog="catalogs/vision.json"),
            lambda s: s["catalog"]["variants"][0].update(service={"law": "quantiles", "points": [[0, 0], [1, 2]]}),
            lambda s: s["workload"][0].update(source="counts", params={"file": "x.csv", "bin_s": 60}),
        ]
        for k, edit in enumerate(edits):
            scenario = copy.deepcopy(mmc)
            edit(scenario)
            self.accept(self.scenario, scenario, k)

    def test_a_scenario_that_extends_another_may_leave_out_the_rest(self):
        self.accept(self.scenario, {"extends": "x.json"}, "nothing")
        self.accept(self.scenario, {"extends": "x.json", "cluster": {"pools": [{"name": "gpus", "count": 2}]}}, "pool")
        self.accept(self.scenario, {"extends": "x.json", "on_lost": None, "policies": {"selection": {"params": {"margin": 0.2}}}}, "null")

    def test_what_is_wrong_is_refused(self):
        mmc = read(SCENARIOS / "theory" / "mmc.json")
        edits = {
            "unknown key": lambda s: s.update(sede=1),
            "unknown key deep down": lambda s: s["catalog"]["variants"][0].update(acuracy=1),
            "no schema": lambda s: s.pop("schema"),
            "wrong schema": lambda s: s.update(schema=2),
            "no catalog": lambda s: s.pop("catalog"),
            "no site of a pool": lambda s: s["cluster"]["pools"][0].pop("site"),
            "null for a required text": lambda s: s["cluster"]["pools"][0].update(site=None),
            "no name of a site": lambda s: s["cluster"]["sites"][0].pop("name"),
            "text for a number": lambda s: s["workload"][0]["params"].update(rate_qps="many"),
            "rate of zero": lambda s: s["workload"][0]["params"].update(rate_qps=0),
            "parameter of another source": lambda s: s["workload"][0]["params"].update(mean_qps=1),
            "no rate": lambda s: s["workload"][0].update(params={}),
            "no params": lambda s: s["workload"][0].pop("params"),
            "unknown source": lambda s: s["workload"][0].update(source="poison"),
            "no file of a trace": lambda s: s["workload"][0].update(source="csv", params={}),
            "fraction of a count": lambda s: s["cluster"]["pools"][0].update(count=1.5),
            "count below zero": lambda s: s["cluster"]["pools"][0].update(count=-1),
            "unit of another dimension": lambda s: s["measure"].update(warmup_s="5MB"),
            "unit that there is not": lambda s: s["measure"].update(warmup_s="5 weeks"),
            "floor above one": lambda s: s["workload"][0].update(classes=[{"accuracy_floor": 50}]),
            "relative SLO without a number": lambda s: s["workload"][0].update(classes=[{"latency_slo_s": {"hardware": "server"}}]),
            "relative floor above one": lambda s: s["workload"][0].update(classes=[{"accuracy_floor": {"of_best": 2}}]),
            "unknown kind of policy": lambda s: s["policies"].update(dispach="random"),
            "unknown policy": lambda s: s["policies"].update(dispatch="randon"),
            "policy of another kind": lambda s: s["policies"].update(dispatch="slo_aware"),
            "unknown parameter": lambda s: s["policies"].update(dispatch={"name": "power_of_d", "params": {"dd": 2}}),
            "parameter out of range": lambda s: s["policies"].update(selection={"name": "accuracy_max", "params": {"margin": 7}}),
            "parameter beside params": lambda s: s["policies"].update(selection={"name": "accuracy_max", "margin": 0.1}),
            "policy without its parameters": lambda s: s["policies"].update(selection={"name": "fixed_variant", "params": {}}),
            "name of a policy that needs parameters": lambda s: s["policies"].update(selection="fixed_variant"),
            "kind beside a system": lambda s: s.update(policies={"system": "infaas", "dispatch": "random"}),
            "override without a system": lambda s: s.update(policies={"override": {"dispatch": "random"}}),
            "unknown word of initial": lambda s: s.update(initial="warm"),
            "initial without a pool": lambda s: s.update(initial=[{"variant": "v", "count": 1}]),
            "law that there is not": lambda s: s["catalog"]["variants"][0].update(service={"law": "normal"}),
            "key of a table that is no number": lambda s: s["catalog"]["variants"][0]["profile"].update(latency_s={"one": 1}),
            "list for an object": lambda s: s.update(measure=[]),
        }
        for name, edit in edits.items():
            with self.subTest(name):
                scenario = copy.deepcopy(mmc)
                edit(scenario)
                self.assertFalse(self.scenario.is_valid(scenario))
        self.assertFalse(self.scenario.is_valid({"extends": 5}))
        self.assertFalse(self.system.is_valid({"about": "x"}))
        self.assertFalse(self.system.is_valid({"policies": {"dispatch": "randon"}}))
        self.assertFalse(self.catalog.is_valid({"tasks": [], "hardware": []}))

    def test_says_what_the_declarations_say(self):
        policies = json.loads(subprocess.run([PROGRAM, "policies", "--json"], capture_output=True, text=True, check=True).stdout)
        self.assertGreater(len(policies), 10)
        for policy in policies:
            properties = self.schema["$defs"]["policy_" + policy["name"]]["properties"]
            self.assertEqual(list(properties), [p["name"] for p in policy["parameters"]])
            for p in policy["parameters"]:
                self.assertEqual(properties[p["name"]]["description"], p["help"])
            for kind in policy["kinds"]:
                names = {n["const"]: n["description"] for n in self.schema["$defs"][kind]["anyOf"][0]["anyOf"]}
                self.assertEqual(names[policy["name"]], policy["help"])

        def described(form, path):
            for key, value in form.get("properties", {}).items():
                self.assertTrue(value.get("description", "").endswith("."), f"{path}/{key} has no description")
                described(value, f"{path}/{key}")
            for value in form.get("anyOf", []) + [form["items"]] if "items" in form else form.get("anyOf", []):
                described(value, path)

        described(self.schema, "")
        for name, form in self.schema["$defs"].items():
            described(form, name)

    def test_every_key_is_in_the_manual(self):
        manual = "\n".join((ROOT / path).read_text(encoding="utf-8") for path in
                           ("scenarios/README.md", "scenarios/catalogs/README.md", "traces/README.md", "policies/README.md"))
        words = set(re.findall(r"[A-Za-z0-9_]+", manual))

        def keys(form):
            if isinstance(form, dict):
                properties = form.get("properties")
                if isinstance(properties, dict):
                    yield from properties
                for value in form.values():
                    yield from keys(value)
            elif isinstance(form, list):
                for value in form:
                    yield from keys(value)

        known = set(keys(self.schema))
        self.assertGreater(len(known), 300)
        self.assertEqual(sorted(known - words - {"$schema"}), [])


if __name__ == "__main__":
    unittest.main()
