#!/usr/bin/env python3
"""The recipes of scripts/cluster, run for real: GNU parallel, and Slurm where it is installed and answers."""
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ["TIDELINE_PROGRAM"]


def slurm_answers():
    if not shutil.which("sbatch"):
        return False
    try:
        return subprocess.run(["sinfo", "-h"], capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


class Cluster(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.sweep = self.folder / "sweep.json"
        self.sweep.write_text(json.dumps({
            "schema": 1, "scenario": str(ROOT / "scenarios" / "theory" / "mmc.json"), "replications": 2,
            "set": {"/measure/warmup_s": 0, "/measure/duration_s": 2000},
            "axes": [{"axis": "/cluster/pools/0/count", "values": [2, 3, 4]}]}))
        self.tideline("sweep", self.sweep, "--out", "here", "--quiet")
        self.tideline("merge", "here")

    def tideline(self, *words):
        return subprocess.run([PROGRAM, *map(str, words)], cwd=self.folder, capture_output=True, text=True, check=True).stdout

    def same_as_here(self, name):
        for table in ("table.csv", "table.h5"):
            self.assertEqual((self.folder / name / table).read_bytes(), (self.folder / "here" / table).read_bytes())

    @unittest.skipUnless(shutil.which("parallel"), "GNU parallel is not installed")
    def test_gnu_parallel_runs_each_task_once(self):
        numbers = "".join(line.split("\t")[0] + "\n" for line in self.tideline("sweep", self.sweep, "--list").splitlines())
        self.assertEqual(numbers.count("\n"), 6)
        subprocess.run(["parallel", "--will-cite", "-j3", PROGRAM, "sweep", str(self.sweep), "--out", "there", "--quiet", "--task", "{}"],
                       input=numbers, text=True, cwd=self.folder, check=True, capture_output=True,
                       env={**os.environ, "HOME": str(self.folder)})
        self.tideline("merge", "there")
        self.same_as_here("there")

    @unittest.skipUnless(slurm_answers(), "there is no Slurm that answers here")
    def test_slurm_runs_an_array_and_merges_after_it(self):
        ids = subprocess.run(["bash", ROOT / "scripts/cluster/slurm_array.sh", self.sweep, self.folder / "slurm"], cwd=self.folder,
                             env={**os.environ, "TIDELINE": PROGRAM}, capture_output=True, text=True, check=True, timeout=60).stdout.split()
        self.assertEqual(len(ids), 2)
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline and not (self.folder / "slurm" / "table.csv").exists():
            time.sleep(1)
        self.same_as_here("slurm")

    def test_without_slurm_the_script_says_so(self):
        done = subprocess.run(["/bin/bash", ROOT / "scripts/cluster/slurm_array.sh", self.sweep, self.folder / "slurm"], cwd=self.folder,
                              env={"PATH": str(self.folder)}, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("no sbatch", done.stderr)


if __name__ == "__main__":
    unittest.main()
