#!/usr/bin/env python3
"""Drives scripts/completion/tideline.bash in bash: it offers what the program has that TIDELINE_PROGRAM names."""
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "completion" / "tideline.bash"
PROGRAM = os.environ["TIDELINE_PROGRAM"]

# Calls the function as bash does when the cursor stands at the end of the last word.
DRIVER = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tideline "$1"; printf "%s\\n" "${COMPREPLY[@]}"'


def said(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=True).stdout


def verbs():
    return re.findall(r"^  ([a-z]+) ", said("--help").split("Exit codes:")[0], re.MULTILINE)


def policies(kind):
    return {p["name"] for p in json.loads(said("policies", "--json")) if kind in p["kinds"]}


class Completion(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def offered(self, *words, program=PROGRAM):
        done = subprocess.run(["bash", "--norc", "-c", DRIVER, SCRIPT, program, *words], cwd=self.folder, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.stderr, "")
        return set(filter(None, done.stdout.splitlines()))

    def test_verbs_by_the_beginning_of_their_name(self):
        self.assertEqual(self.offered(""), {*verbs(), "--version"})
        self.assertEqual(self.offered("val"), {"validate"})
        self.assertEqual(self.offered("--v"), {"--version"})
        self.assertEqual(self.offered("frob"), set())

    def test_options_of_each_verb(self):
        for verb in verbs():
            with self.subTest(verb):
                options = said(verb, "--help").split("\nExamples:")[0]
                self.assertEqual(self.offered(verb, "--"), set(re.findall(r"^ .*?(--[a-z-]+)", options, re.MULTILINE)))
        self.assertIn("--seed", self.offered("run", "scenario.json", "--se"))
        self.assertNotIn("--seed", self.offered("policies", "--se"))

    def test_policies_of_the_kind_behind_set(self):
        # Bash makes words of their own of = and what follows.
        self.assertEqual(self.offered("run", "s.json", "--set", "/policies/selection", "="), policies("selection"))
        self.assertEqual(self.offered("run", "--set", "/policies/dispatch", "=", "po"), {"power_of_d"})
        self.assertEqual(self.offered("run", "--set", "=", "/policies/dispatch", "=", "po"), {"power_of_d"})
        # Where = parts no words, it is one.
        self.assertEqual(self.offered("validate", "--set", "/policies/evic"), {f"/policies/eviction={n}" for n in policies("eviction")})

    def test_policies_of_the_kind_behind_policy(self):
        self.assertEqual(self.offered("run", "--policy", "batching", "=", ""), policies("batching"))
        self.assertEqual(self.offered("run", "--policy", "select"), {f"selection={n}" for n in policies("selection")})

    def test_names_behind_the_verb_policies(self):
        self.assertEqual(self.offered("policies", "infa"), {"infaas", "infaas_placement", "infaas_scaling"})

    def test_scenario_files_and_folders(self):
        for name in ("day.json", "night.json", "day.h5"):
            (self.folder / name).touch()
        (self.folder / "days of rest").mkdir()
        self.assertEqual(self.offered("run", "da"), {"day.json", "days of rest"})
        self.assertEqual(self.offered("check", "da"), {"day.json", "days of rest"})
        self.assertEqual(self.offered("validate", "day.json", ""), {"day.json", "night.json", "days of rest"})
        # Behind an option that takes no value too; a value of an option is left to bash.
        self.assertEqual(self.offered("run", "--quiet", "ni"), {"night.json"})
        self.assertEqual(self.offered("run", "--out", "da"), set())

    def test_results_files_and_folders(self):
        for name in ("day.json", "day.h5", "night.incomplete.h5", "killed.h5.part", "day.h5.png"):
            (self.folder / name).touch()
        (self.folder / "days of rest").mkdir()
        self.assertEqual(self.offered("inspect", ""), {"day.h5", "night.incomplete.h5", "killed.h5.part", "days of rest"})
        self.assertEqual(self.offered("timeline", "da"), {"day.h5", "days of rest"})
        self.assertEqual(self.offered("diff", "day.h5", "da"), {"day.h5", "days of rest"})
        self.assertEqual(self.offered("rerun", "da"), {"day.h5", "day.json", "days of rest"})
        self.assertEqual(self.offered("report", "da"), {"day.h5", "day.json", "days of rest"})

    def test_nothing_where_there_is_no_program(self):
        for words in ([""], ["run", "--"], ["run", "--set", "/policies/"], ["policies", ""]):
            self.assertEqual(self.offered(*words, program=str(self.folder / "none")), set())

    def test_a_program_of_another_name_is_asked_itself(self):
        own = self.folder / "own"
        own.write_text('#!/bin/sh\n[ "$1" = policies ] && printf "selection\\n  mine  Help.\\n"\n', encoding="utf-8")
        own.chmod(0o755)
        self.assertEqual(self.offered("run", "--set", "/policies/selection", "=", program=str(own)), {"mine"})


if __name__ == "__main__":
    unittest.main()
