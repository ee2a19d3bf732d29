#!/usr/bin/env python3
"""Tests scripts/new_policy.py on a copy of the sources in a temporary folder: what it writes compiles with the project's flags."""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "new_policy.py"
KINDS = ["admission", "selection", "dispatch", "sharing", "batching", "autoscaling", "placement", "coldstart", "eviction"]


class NewPolicy(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)
        for name in ("policies", "sim"):
            shutil.copytree(ROOT / name, self.root / name)
        (self.root / "tests" / "policies").mkdir(parents=True)

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, "--root", self.root, *arguments], capture_output=True, text=True, check=False)

    def texts(self):
        return {str(p.relative_to(self.root)): p.read_text(encoding="utf-8") for p in self.root.rglob("*") if p.is_file()}

    def compile(self, *paths):
        """Checks sources with the flags of the build: all as one, which takes little longer than one."""
        path = self.root / "all.cpp"
        path.write_text("".join(f'#include "{p}"\n' for p in paths), encoding="utf-8")
        flags = shlex.split(os.environ.get("TIDELINE_FLAGS", "-std=c++20 -Wall -Wextra -Wpedantic -Werror"))
        compiler = os.environ.get("TIDELINE_CXX", "c++")
        done = subprocess.run([compiler, *flags, f"-I{self.root}", f"-I{ROOT}", "-fsyntax-only", path], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr[:4000])

    def test_each_kind_compiles_and_is_listed(self):
        policies, tests = [], []
        for kind in KINDS:
            with self.subTest(kind):
                name = f"my_{kind}_2"
                done = self.run_script(kind, name)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"wrote policies/{kind}/{name}.cpp", done.stdout)
                self.assertIn("Next:", done.stdout)
                policy = self.root / "policies" / kind / f"{name}.cpp"
                policies.append(policy)
                tests.append(self.root / "tests" / "policies" / f"{name}_test.cpp")
                text = policy.read_text(encoding="utf-8")
                self.assertLess(len(text.splitlines()), 60)
                self.assertLessEqual(max(map(len, text.splitlines())), 140)
                self.assertIn(f"class My{kind.capitalize()}2 final", text)
                self.assertIn("Source: TODO", text)
                self.assertNotIn("@", text)
        self.compile(*policies, self.root / "policies" / "builtin.cpp")
        self.compile(*tests)

    def test_lists_stay_in_order(self):
        for name in ("aaa", "zzz", "fixed_variant_2"):
            self.assertEqual(self.run_script("selection", name).returncode, 0)
        for path, pattern in (("policies/builtin.h", r"^PolicyDefinition (\w+)\(\);$"), ("policies/builtin.cpp", r"^  registry\.add\((\w+)\(\)\);$")):
            text = (self.root / path).read_text(encoding="utf-8")
            part = re.search(r"// selection\n(.*?)\n\n", text, re.DOTALL)[1]
            names = re.findall(pattern, part, re.MULTILINE)
            self.assertEqual(names, sorted(names))
            self.assertTrue({"aaa", "zzz", "fixed_variant_2"} <= set(names), names)
            # Nothing else has moved.
            original = (ROOT / path).read_text(encoding="utf-8")
            kept = "".join(line for line in text.splitlines(True) if not re.search(r"\b(aaa|zzz|fixed_variant_2)\(", line))
            self.assertEqual(kept, original)

    def refused(self, *arguments):
        before = self.texts()
        done = self.run_script(*arguments)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertEqual(self.texts(), before)
        return done.stderr

    def test_bad_names_are_refused(self):
        for name in ("", "Least", "least-cost", "least__cost", "_least", "least_", "2least", "least cost", "../least", "class", "param", "lést"):
            with self.subTest(name):
                self.assertIn("new_policy.py: ", self.refused("selection", name))

    def test_existing_names_are_refused(self):
        self.assertIn("policies/dispatch/random.cpp", self.refused("dispatch", "random"))
        self.assertIn("policies/dispatch/random.cpp", self.refused("selection", "random"))
        (self.root / "tests" / "policies" / "mine_test.cpp").write_text("", encoding="utf-8")
        self.assertIn("exists already", self.refused("selection", "mine"))

    def test_unknown_kinds_get_the_nearest(self):
        self.assertIn("did you mean selection?", self.refused("selecton", "mine"))
        self.assertIn("known: admission", self.refused("xyz", "mine"))

    def test_a_changed_list_is_refused(self):
        path = self.root / "policies" / "builtin.cpp"
        path.write_text(path.read_text(encoding="utf-8").replace("// sharing", "// share"), encoding="utf-8")
        self.assertIn("policies/builtin.cpp", self.refused("sharing", "mine"))

    def test_dry_run_shows_and_writes_nothing(self):
        before = self.texts()
        done = self.run_script("--dry-run", "batching", "mine")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.texts(), before)
        self.assertIn("+++ policies/batching/mine.cpp", done.stdout)
        self.assertIn("+class Mine final : public BatchingPolicy {", done.stdout)
        self.assertIn("+  registry.add(mine());", done.stdout)

    def test_help_names_the_kinds(self):
        done = self.run_script("--help")
        self.assertEqual(done.returncode, 0)
        for kind in KINDS:
            self.assertIn(kind, done.stdout)


if __name__ == "__main__":
    unittest.main()
