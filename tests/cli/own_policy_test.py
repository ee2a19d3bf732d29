#!/usr/bin/env python3
"""Tests the installed package: scripts/examples/own_policy builds against it outside the sources, and its policy decides.

The environment names the build to install from (TIDELINE_BUILD) and its compiler (TIDELINE_CXX).
"""
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["TIDELINE_BUILD"])
COMPILER = os.environ["TIDELINE_CXX"]
CMAKE = os.environ.get("TIDELINE_CMAKE", "cmake")
WARNINGS = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"


def call(*command, cwd=None):
    return subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False)


class OwnPolicy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.must(CMAKE, "--install", BUILD, "--prefix", cls.folder / "first")
        # What is installed may be moved.
        cls.prefix = cls.folder / "prefix"
        (cls.folder / "first").rename(cls.prefix)
        cls.share = cls.prefix / "share" / "tideline"
        cls.own = cls.folder / "own"
        cls.must("cp", "-r", cls.share / "examples" / "own_policy", cls.own)
        cls.must(*cls.configure(cls.own))
        cls.must(CMAKE, "--build", cls.own / "build")

    @classmethod
    def configure(cls, source):
        return [CMAKE, "-S", source, "-B", source / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={cls.prefix}",
                f"-DCMAKE_CXX_COMPILER={COMPILER}", f"-DCMAKE_CXX_FLAGS={WARNINGS}"]

    @classmethod
    def must(cls, *command):
        done = call(*command)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    def own_program(self, *words):
        return call(self.own / "build" / "mytideline", *words, cwd=self.own)

    def installed_program(self, *words):
        return call(self.prefix / "bin" / "tideline", *words, cwd=self.own)

    def summary(self, run, *options):
        done = run("run", "scenario.json", "--summary", "json", "--no-results", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_policy_is_listed_with_its_parameters(self):
        selection = re.search(r"^selection\n((?:  .*\n)+)", self.own_program("policies").stdout, re.MULTILINE)[1]
        names = [line.split()[0] for line in selection.splitlines()]
        self.assertIn("least_energy", names)
        self.assertIn("cheapest_feasible", names)
        self.assertIn("\n  margin  [number, 0 .. 1]  default 0.1\n", self.own_program("policies", "least_energy").stdout)

    def test_the_program_without_it_does_not_know_it(self):
        done = self.installed_program("validate", "scenario.json")
        self.assertEqual(done.returncode, 2)
        self.assertIn("least_energy", done.stderr)

    def test_it_decides_otherwise_than_a_built_in_policy_on_the_same_queries(self):
        own = self.summary(self.own_program)
        cheapest = self.summary(self.own_program, "--set", "/policies/selection=cheapest_feasible")
        self.assertGreater(own["total"]["queries_arrived"], 10000)
        self.assertEqual(own["total"]["queries_arrived"], cheapest["total"]["queries_arrived"])
        self.assertLess(own["total"]["energy_j"], 0.7 * cheapest["total"]["energy_j"])
        self.assertGreater(own["total"]["cost_attributed_usd"], cheapest["total"]["cost_attributed_usd"])

    def test_its_parameter_counts(self):
        tight = self.summary(self.own_program, "--set", "/policies/selection/params/margin=0.6")
        self.assertNotEqual(tight["total"]["energy_j"], self.summary(self.own_program)["total"]["energy_j"])
        done = self.own_program("validate", "scenario.json", "--set", "/policies/selection/params/margin=2")
        self.assertEqual(done.returncode, 2)
        self.assertIn("margin", done.stderr)

    def test_built_in_policies_decide_alike_in_both_programs(self):
        options = ("--set", "/policies/selection=cheapest_feasible")
        self.assertEqual(self.summary(self.own_program, *options), self.summary(self.installed_program, *options))

    def test_installed_scenarios_run(self):
        scenarios = sorted(f for f in (self.share / "scenarios").glob("*.json") if f.name != "schema.json")
        done = call(self.prefix / "bin" / "tideline", "validate", *scenarios)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("replay_day.json: fine", done.stdout)

    def test_installed_headers_need_no_others_and_no_library(self):
        include = self.prefix / "include" / "tideline"
        headers = sorted(p.relative_to(include).as_posix() for p in include.rglob("*.h"))
        self.assertIn("sim/policy/policy.h", headers)
        source = self.folder / "headers.cpp"
        source.write_text("".join(f'#include "{h}"\n' for h in headers), encoding="utf-8")
        listing = self.must(COMPILER, "-std=c++20", *WARNINGS.split(), f"-I{include}", "-M", source)
        self.must(COMPILER, "-std=c++20", *WARNINGS.split(), f"-I{include}", "-fsyntax-only", source)
        self.assertEqual([word for word in listing.split() if re.search(r"boost|Eigen|nlohmann|cxxopts|H5public|hdf5", word)], [])

    def test_the_package_names_no_place_of_its_build(self):
        for path in self.prefix.rglob("*.cmake"):
            text = path.read_text(encoding="utf-8")
            for place in (ROOT, BUILD, self.folder):
                self.assertNotIn(str(place), text, path)

    def test_another_minor_version_is_refused(self):
        other = self.folder / "other"
        other.mkdir()
        text = (self.own / "CMakeLists.txt").read_text(encoding="utf-8")
        asked = re.search(r"find_package\(tideline (\S+) REQUIRED\)", text)
        (other / "CMakeLists.txt").write_text(text.replace(asked[0], "find_package(tideline 99.0 REQUIRED)"), encoding="utf-8")
        done = call(*self.configure(other))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('compatible with requested version "99.0"', re.sub(r"\s+", " ", done.stderr))


if __name__ == "__main__":
    unittest.main()
