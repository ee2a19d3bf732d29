#!/usr/bin/env python3
"""Runs the commands of the manuals as they stand, in their order: each block of sh or Python of CONTRIBUTING.md and of any README.md.

The environment names the program (TIDELINE_PROGRAM). The commands of a file run in a temporary folder that looks like the sources,
with the program in build/release and on PATH. Tables that a reader has to fetch first are there too, with a few rows.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ["TIDELINE_PROGRAM"]).resolve()

# What is not run here: how a command begins, and why.
SKIPPED = [
    ("scripts/setup.sh", "installs packages"),
    ("scripts/test.sh", "is what runs this test"),
    (".ci/run", "is what runs this test"),
    ("cmake --install", "cli.own_policy installs the build and goes on from there"),
    ("cp -r ~/tideline/", "the same"),
]

# What runs in place of a command: how it begins, and what it comes to where all is installed and built; of what takes minutes by the clock,
# a second.
REAL = "scenarios/real/two_instances.json"
REPLACED = [
    ("scripts/quickstart.sh", "tideline run quickstart quickstart_fixed quickstart_persist --quiet --out results/quickstart"),
    ("build/release/tideline profile --out", "tideline profile --models yolov5n-160,yolov5s-320 --seconds 0.1 --loads 1 --out here.json"),
    ("build/release/tideline profile --seconds 3 --out", "tideline profile --seconds 0.1 --batches 1,8 --loads 1 --out here.json"),
    (f"build/release/tideline run {REAL} --mode real --set", f"tideline run {REAL} --mode real --set /catalog=here.json --set /measure/duration_s=1"),
    (f"build/release/tideline run {REAL} --mode real ", f"tideline run {REAL} --mode real --set /measure/duration_s=1"),
    (f"build/release/tideline fidelity {REAL}",
     f"tideline fidelity {REAL} --set /catalog=here.json --bands 0.3 --replications 1 --duration 1 --out report"),
    ("build/release/tideline fidelity scenarios/real/one_instance.json",
     "tideline fidelity scenarios/real/one_instance.json --set /catalog=here.json --bands 0.3 --replications 1 --duration 1 --fit fitted.json"),
    ("build/release/tideline fidelity scenarios/real/day_in_a_minute.json",
     "tideline fidelity scenarios/real/day_in_a_minute.json --set /catalog=here.json --set /catalog/hardware/host/memory_bytes=130MB "
     "--speedup 40000 --bands 0.2 --replications 1 --out day"),
]
if len(os.sched_getaffinity(0)) < 2:
    SKIPPED += [(begin, "real mode needs two cores") for begin, _ in REPLACED[1:]]

FOLDERS = ["bench", "policies", "scenarios", "scripts", "sim", "src", "tests", "traces"]
ELSEWHERE = {Path("scripts/examples/own_policy/README.md")}  # cli.own_policy builds and runs it

# A few rows of a table as YOLOBench has it.
YOLOBENCH = """\
mAP_0.5:0.95_voc,nano_gpu_latency,openvino_latency,vim3_latency,raspi4_tflite_latency,orange_pi_latency,a40_trt_latency,\
pi5_ort_latency,pi4_ort_latency,model_name
0.55,20,5,10,200,10,1,100,200,tiny_160
0.65,40,10,20,400,20,2,200,400,tiny_320
0.70,80,20,40,800,40,3,400,800,tiny_480
"""


def manuals():
    below = sorted(p.relative_to(ROOT) for folder in FOLDERS for p in (ROOT / folder).rglob("README.md"))
    return [Path("CONTRIBUTING.md"), Path("README.md"), *(p for p in below if p not in ELSEWHERE)]


def blocks(path):
    """Language and text of each block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(text):
    """The commands of a block of sh: a line each, where a backslash does not continue it."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.lstrip().startswith("#")]


def why_skipped(command):
    return next((why for begin, why in SKIPPED if command.startswith(begin)), None)


class Readme(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name in ("scenarios", "scripts", "traces"):
            (self.folder / name).symlink_to(ROOT / name)
        for place in ("build/release", "bin"):
            (self.folder / place).mkdir(parents=True)
            (self.folder / place / "tideline").symlink_to(PROGRAM)
        (self.folder / "bin/python3").symlink_to(sys.executable)  # the one that has what the scripts need
        (self.folder / "merged_results.csv").write_text(YOLOBENCH, encoding="utf-8")
        (self.folder / "counts_per_second.csv").write_bytes((ROOT / "traces/samples/per_second.csv").read_bytes())
        self.environment = {**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": "scripts"}

    def must(self, *command):
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{command[-1]}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")

    def test_every_block_says_its_language(self):
        for path in manuals():
            with self.subTest(str(path)):
                self.assertNotIn("", [language for language, _ in blocks(path)])

    def test_every_rule_of_what_is_skipped_is_needed(self):
        all_commands = [c for path in manuals() for language, text in blocks(path) if language == "sh" for c in commands(text)]
        for begin, _ in SKIPPED + REPLACED:
            self.assertTrue(any(c.startswith(begin) for c in all_commands), begin)


def add_tests():
    """A test for each manual that has commands: later ones may read what earlier ones wrote."""
    for path in manuals():
        todo = [(language, text) for language, text in blocks(path) if language in ("sh", "python")]
        if not todo:
            continue

        def test(self, todo=todo):
            for language, text in todo:
                if language == "python":
                    self.must(sys.executable, "-c", text)
                    continue
                for command in commands(text):
                    with self.subTest(command):
                        why = why_skipped(command)
                        if why:
                            self.skipTest(why)
                        self.must("bash", "-c", next((other for begin, other in REPLACED if command.startswith(begin)), command))

        setattr(Readme, "test_commands_of_" + re.sub(r"\W", "_", str(path)), test)


add_tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
