"""Measured outcomes: a run answers as the file says, and files that are wrong are refused by name."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import h5py
import numpy as np

PROGRAM = os.environ["TIDELINE_PROGRAM"]

SCENARIO = {
    "schema": 1,
    "catalog": {
        "name": "c",
        "tasks": [{"name": "t", "metric": "top-1", "kind": "hit_rate"}],
        "hardware": [{"name": "h", "kind": "gpu", "memory_bytes": "1GiB", "price_per_hour_usd": 1}],
        "variants": [
            {"name": n, "task": "t", "hardware": "h", "accuracy": a, "memory_bytes": 1, "profile": {"latency_s": {"1": 0.001}}}
            for n, a in (("small", 0.6), ("large", 0.9))
        ],
    },
    "cluster": {"sites": [{"name": "s"}], "pools": [{"name": "p", "site": "s", "hardware": "h", "count": 2}]},
    "workload": [{"name": "w", "task": "t", "source": "poisson", "params": {"rate_qps": 100}}],
    "policies": {"selection": {"name": "cascade", "params": {"stages": ["small", "large"], "thresholds": [0.5]}}},
    "outcomes": {"file": "outcomes.h5"},
    "initial": [{"variant": v, "pool": "p", "per_device": 1} for v in ("small", "large")],
    "measure": {"duration_s": 200},
    "seed": 1,
}


class Outcomes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.at = pathlib.Path(self.folder.name)
        (self.at / "s.json").write_text(json.dumps(SCENARIO))
        self.addCleanup(self.folder.cleanup)

    def write(self, **tables):
        with h5py.File(self.at / "outcomes.h5", "w") as file:
            file["variants"] = tables.pop("variants", ["small", "large"])
            for name, table in tables.items():
                file[name] = table

    def run_program(self, *arguments):
        return subprocess.run([PROGRAM, *arguments], cwd=self.at, capture_output=True, text=True)

    def test_a_run_answers_as_the_file_says(self):
        # Samples of which the small one is right and sure, wrong and sure, right and unsure, wrong and unsure; the large one is right
        # where the small one is not.
        right = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=bool)
        confidence = np.array([[0.9, 0.5], [0.8, 0.5], [0.2, 0.5], [0.1, 0.5]])
        self.write(right=right, confidence=confidence)
        done = self.run_program("run", "s.json", "--quiet", "--out", "r.h5", "--records", "all")
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.at / "r.h5") as file:
            realised = file["summary/total/realised_accuracy"][0]
            visits = file["queries/visits"][:] if "visits" in file["queries"] else None
        # One row in four: right at once; wrong at once; large wrong; large right.
        self.assertAlmostEqual(realised, 0.5, delta=4 * (0.25 / 20000) ** 0.5)
        if visits is not None:
            self.assertAlmostEqual((visits == 2).mean(), 0.5, delta=4 * (0.25 / 20000) ** 0.5)
        again = self.run_program("rerun", "r.h5")
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.write(right=~right, confidence=confidence)
        changed = self.run_program("rerun", "r.h5")
        self.assertEqual(changed.returncode, 1, changed.stdout + changed.stderr)
        self.assertIn("outcomes", changed.stdout + changed.stderr)

    def refused(self, what, code=2, **tables):
        self.write(**tables)
        done = self.run_program("validate", "s.json")
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(what, done.stderr)
        self.assertIn("/outcomes/file", done.stderr)

    def test_files_that_are_wrong_are_refused(self):
        good = np.ones((3, 2))
        self.refused('one of the datasets "right" and "score"')
        self.refused('one of the datasets "right" and "score"', right=good, score=good)
        self.refused("neither 0 nor 1", right=good * 0.5)
        self.refused("not 0 to 1", right=good * 2)
        self.refused("not 0 to 1", right=good * float("nan"))
        self.refused("has 3 columns", right=np.ones((3, 3)))
        self.refused("no samples", right=np.ones((0, 2)))
        self.refused('"confidence" has 2 rows, not 3', right=good, confidence=np.ones((2, 2)))
        self.refused("is no table of numbers", right=np.ones(6))
        self.refused("none of its variants", variants=["x", "y"], right=good)
        self.refused('but not "large"', variants=["small", "y"], right=good)
        self.refused("are right or wrong", score=good)
        (self.at / "outcomes.h5").write_text("no")
        done = self.run_program("validate", "s.json")
        self.assertEqual(done.returncode, 3, done.stderr)
        (self.at / "outcomes.h5").unlink()
        done = self.run_program("validate", "s.json")
        self.assertEqual(done.returncode, 3, done.stderr)


unittest.main()
