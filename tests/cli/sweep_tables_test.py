#!/usr/bin/env python3
"""Tests tideline_results.load_sweep, load_compare and to_parquet, and the plots made of them.

The environment names the program (TIDELINE_PROGRAM), which makes the summary that the sweeps are made up from.
"""
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/support"), str(ROOT / "scripts")]
import numpy
import pandas
import report_fixtures
import tideline_results

AT = None
BASE = None


def setUpModule():
    global AT, BASE
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    AT = Path(folder.name)
    BASE = json.loads(subprocess.run([os.environ["TIDELINE_PROGRAM"], "run", ROOT / "scenarios/quickstart.json", "--set", "/measure/duration_s=2h", "--quiet", "--summary",
                                      "json", "--no-results"], capture_output=True, text=True, check=True).stdout)
    report_fixtures.write_sweep(AT / "sweep", BASE, loads=4, targets=("0.4", "0.8"), selections=("infaas", "accuracy_max", "fastest"), replications=4)
    report_fixtures.write_sweep(AT / "unfinished", BASE, loads=4, targets=(), selections=("infaas", "accuracy_max"), replications=3, failed=(3, 4),
                                missing=(20, 21), stale=(10,))
    (AT / "unfinished/tasks/000007.json").write_text('{"task": 7, "key"', encoding="utf-8")
    report_fixtures.write_comparison(AT / "compare.json", BASE)


class Sweeps(unittest.TestCase):
    def test_a_row_per_task_with_axes_and_metrics(self):
        sweep = tideline_results.load_sweep(AT / "sweep")
        self.assertEqual(len(sweep), 3 * 4 * 2 * 4)
        self.assertEqual(list(sweep.columns[:8]), ["selection", "load", "target", "task", "replication", "seed", "state", "error"])
        self.assertEqual(list(sweep["selection"].cat.categories), ["infaas", "accuracy_max", "fastest"])
        self.assertEqual((sweep["load"].dtype, sweep["target"].dtype), (float, float))
        self.assertEqual(sweep.attrs["axes"], ["selection", "load", "target"])
        self.assertEqual((sweep.attrs["name"], sweep.attrs["replications"]), ("selection_by_load", 4))
        self.assertTrue((sweep["state"] == "done").all())
        task = json.loads((AT / "sweep/tasks/000033.json").read_text(encoding="utf-8"))
        row, total = sweep.iloc[33], task["summary"]["total"]
        self.assertEqual({k: str(row[k]) if k == "selection" else f"{row[k]:g}" for k in task["point"]}, task["point"])
        self.assertEqual((row["task"], row["replication"], row["seed"]), (33, 1, 2))
        self.assertEqual((row["latency_p99_s"], row["misses_queue"], row["loads_by_cause_held"]),
                         (total["latency_p99_s"], total["misses"]["queue"], total["loads_by_cause"]["held"]))
        means = sweep.groupby(["selection", "load"], observed=True)["cost_usd"].mean()
        self.assertGreater(means["accuracy_max", 1.0], means["fastest", 1.0])

    def test_an_unfinished_sweep_has_all_rows_and_says_why(self):
        sweep = tideline_results.load_sweep(AT / "unfinished")
        self.assertEqual(sweep["state"].value_counts().to_dict(), {"done": 18, "failed": 3, "missing": 2, "stale": 1})
        self.assertIn("the scenario does not fit", sweep["error"][3])
        self.assertIn("000007.json", sweep["error"][7])
        self.assertTrue(sweep.loc[sweep["state"] != "done", "cost_usd"].isna().all())
        self.assertTrue(sweep.loc[sweep["state"] == "done", "cost_usd"].notna().all())

    def test_rows_of_classes_tasks_and_variants(self):
        classes = tideline_results.load_sweep(AT / "sweep", "classes")
        self.assertEqual(len(classes), 96 * 3)
        self.assertEqual(set(classes["name"]), {"interactive", "accurate", "photos"})
        self.assertEqual(set(classes["of_task"]), {"detect-voc", "classify-imagenet"})
        self.assertEqual(sorted(set(classes["task"])), list(range(96)))
        self.assertEqual(len(tideline_results.load_sweep(AT / "sweep", "tasks")), 96 * 2)
        self.assertIn("share", tideline_results.load_sweep(AT / "sweep", "variants"))
        with self.assertRaisesRegex(tideline_results.ResultsError, "expected one of total, classes"):
            tideline_results.load_sweep(AT / "sweep", "queries")

    def test_an_axis_named_as_a_metric_is_told_apart(self):
        report_fixtures.write_sweep(AT / "clash", BASE, loads=2, targets=(), selections=("infaas",), replications=1)
        manifest = AT / "clash/manifest.json"
        manifest.write_text(manifest.read_text(encoding="utf-8").replace('"load"', '"seed"', 1).replace('"load":', '"seed":'), encoding="utf-8")
        sweep = tideline_results.load_sweep(AT / "clash")
        self.assertEqual(sweep.attrs["axes"], ["selection", "axis_seed"])
        self.assertEqual((list(sweep["axis_seed"]), list(sweep["seed"])), ([0.25, 0.5], [1, 1]))

    def test_what_is_no_sweep(self):
        (AT / "other").mkdir()
        for name, text, says in (("none", None, "no such file"), ("other", None, "no manifest.json"), ("other", "{", "cut short"), ("other", '{"a": 1}', "not the manifest"),
                                 ("other", '{"format": "tideline-sweep", "version": 2}', "a newer Tideline"), ("other", '{"format": "tideline-sweep", "version": 1}', "'tasks'")):
            if text is not None:
                (AT / name / "manifest.json").write_text(text, encoding="utf-8")
            with self.subTest(text), self.assertRaisesRegex(tideline_results.ResultsError, says):
                tideline_results.load_sweep(AT / name)


class Comparisons(unittest.TestCase):
    def test_effects_and_values(self):
        effects, values = tideline_results.load_compare(AT / "compare.json")
        self.assertEqual(len(effects), 4 * len(report_fixtures.METRICS))
        self.assertEqual(effects.attrs["baseline"], "selection=infaas")
        row = effects[(effects["metric"] == "latency_p99_s") & (effects["alternative"] == "selection=fastest")].iloc[0]
        self.assertEqual((row["unit"], row["better"], row["verdict"]), ("s", "lower", "better"))
        self.assertEqual(len(values), 5 * len(report_fixtures.METRICS) * 12)
        v = values[values["metric"] == "latency_p99_s"].pivot(index="replication", columns="alternative", values="value")
        self.assertAlmostEqual((v["selection=fastest"] - v["selection=infaas"]).mean(), row["difference"])
        self.assertTrue(math.isnan(effects[(effects["metric"] == "accuracy_floor_attainment") & (effects["alternative"] == "selection=fastest")]["p"].iloc[0]))
        self.assertEqual(list(values["selection"].cat.categories), ["infaas", "infaas,copy", "accuracy_max", "cheapest_feasible", "fastest"])

    def test_what_is_no_comparison(self):
        for says, text in (("not a comparison", "[]"), ("its format is tideline-sweep", '{"format": "tideline-sweep", "version": 1}'),
                           ("'effects'", '{"format": "tideline-compare", "version": 1}'), ("this reads 1", '{"format": "tideline-compare", "version": 9}')):
            (AT / "other.json").write_text(text, encoding="utf-8")
            with self.subTest(says), self.assertRaisesRegex(tideline_results.ResultsError, says):
                tideline_results.load_compare(AT / "other.json")


class Statistics(unittest.TestCase):
    def test_quantiles_of_student(self):
        for degrees, p, known in ((1, 0.975, 12.7062047), (2, 0.975, 4.3026527), (3, 0.975, 3.1824463), (4, 0.975, 2.7764451), (5, 0.995, 4.0321430), (11, 0.975, 2.2009852),
                                  (12, 0.95, 1.7822876), (30, 0.975, 2.0422725), (999, 0.975, 1.9623415)):
            self.assertAlmostEqual(tideline_results.student_t(degrees, p), known, places=6)

    def test_an_interval_covers_as_often_as_it_says(self):
        draw = numpy.random.default_rng(1)
        hits = 0
        for _ in range(4000):
            mean, half = tideline_results.mean_interval(draw.normal(5, 2, 4))
            hits += abs(mean - 5) <= half
        self.assertAlmostEqual(hits / 4000, 0.95, delta=0.012)

    def test_few_values_have_no_interval(self):
        self.assertTrue(all(map(math.isnan, tideline_results.mean_interval([]))))
        mean, half = tideline_results.mean_interval([3.0, math.nan])
        self.assertEqual(mean, 3.0)
        self.assertTrue(math.isnan(half))


HAS_PARQUET = any(map(importlib.util.find_spec, ("pyarrow", "fastparquet")))


class Parquet(unittest.TestCase):
    @unittest.skipUnless(HAS_PARQUET, "no pyarrow (Debian has none): what is written as Parquet is not tested")
    def test_tables_come_back(self):
        sweep = tideline_results.load_sweep(AT / "unfinished")
        tideline_results.to_parquet(sweep, AT / "sweep.parquet")
        back = pandas.read_parquet(AT / "sweep.parquet")
        self.assertEqual(list(back.columns), list(sweep.columns))
        numpy.testing.assert_array_equal(back["cost_usd"], sweep["cost_usd"])
        mixed = pandas.DataFrame({"chosen": ["a", 3, None]})
        tideline_results.to_parquet(mixed, AT / "mixed.parquet")
        self.assertEqual(list(pandas.read_parquet(AT / "mixed.parquet")["chosen"]), ["a", "3", None])

    @unittest.skipIf(HAS_PARQUET, "there is a pyarrow")
    def test_without_pyarrow_it_says_what_to_install(self):
        with self.assertRaisesRegex(tideline_results.ResultsError, "pip install pyarrow"):
            tideline_results.to_parquet(tideline_results.load_sweep(AT / "sweep"), AT / "x.parquet")

    def test_columns_have_one_type_each(self):
        """By what the table is when pandas is asked to write it."""
        given, write = [], pandas.DataFrame.to_parquet
        pandas.DataFrame.to_parquet = lambda table, path, index: given.append(table)
        try:
            tideline_results.to_parquet(pandas.DataFrame({"chosen": ["a", 3, None, math.nan], "x": [1.0, 2, 3, 4]}), "x.parquet")
        finally:
            pandas.DataFrame.to_parquet = write
        self.assertEqual(list(given[0]["chosen"]), ["a", "3", None, None])
        self.assertEqual(given[0]["x"].dtype, float)


@unittest.skipUnless(importlib.util.find_spec("matplotlib"), "no matplotlib: plots are not tested")
class Plots(unittest.TestCase):
    def plot(self, script, *words, code=0):
        done = subprocess.run([sys.executable, ROOT / "scripts" / script, *map(str, words)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertNotIn("Warning", done.stderr)
        return done.stderr

    def written(self, file, begin):
        self.assertTrue((AT / file).read_bytes().startswith(begin))

    def test_sweeps(self):
        self.plot("plot_sweep.py", AT / "sweep", "--where", "target=0.8", "--metric", "slo_attainment", "latency_p99_s", "cost_usd", "--out", AT / "a.png")
        self.written("a.png", b"\x89PNG")
        self.plot("plot_sweep.py", AT / "unfinished", "--against", "selection", "--lines", "load", "--of", "interactive", "--out", AT / "b.pdf")
        self.written("b.pdf", b"%PDF")
        self.plot("plot_sweep.py", AT / "sweep", "--pareto", "--out", AT / "c.svg")
        self.assertIn("not beaten", (AT / "c.svg").read_text(encoding="utf-8"))
        self.plot("plot_sweep.py", AT / "unfinished", "--lines", "none", "--where", "selection=infaas", "--out", AT / "d.png")

    def test_sweeps_that_are_asked_for_what_they_have_not(self):
        for words, says in (([], "add --where target=VALUE, one of 0.4, 0.8"), (["--metric", "speed"], "no metric is called speed"), (["--where", "target=1"], "has the values 0.4, 0.8"),
                            (["--where", "size=1"], "expected AXIS=VALUE"), (["--against", "size"], "--against size"), (["--of", "nobody"], "interactive")):
            with self.subTest(words):
                self.assertIn(says, self.plot("plot_sweep.py", AT / "sweep", *words, "--out", AT / "x.png", code=2))
        self.plot("plot_sweep.py", AT / "sweep", "--out", AT / "x.txt", code=2)
        self.assertIn("no such file", self.plot("plot_sweep.py", AT / "nowhere", "--out", AT / "x.png", code=1))
        self.assertFalse((AT / "x.png").exists())

    def test_comparisons(self):
        self.plot("plot_compare.py", AT / "compare.json", "--out", AT / "e.png")
        self.written("e.png", b"\x89PNG")
        self.plot("plot_compare.py", AT / "compare.json", "--relative", "--metric", "cost_usd", "accuracy_floor_attainment", "--out", AT / "f.pdf")
        self.written("f.pdf", b"%PDF")
        self.assertIn("no metric of the comparison", self.plot("plot_compare.py", AT / "compare.json", "--metric", "speed", "--out", AT / "y.png", code=2))
        self.assertIn("no such file", self.plot("plot_compare.py", AT / "none.json", "--out", AT / "y.png", code=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
