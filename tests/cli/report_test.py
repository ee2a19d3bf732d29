#!/usr/bin/env python3
"""Tests `tideline report`: what it writes and refuses and, where there is a Chromium, the pages themselves.

The environment names the program (TIDELINE_PROGRAM). TIDELINE_SCREENSHOTS names a folder to keep the screenshots in.
"""
import html.parser
import json
import math
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import h5py

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import browser
import report_fixtures

PROGRAM = Path(os.environ["TIDELINE_PROGRAM"]).resolve()
QUICK = ["--set", "/measure/duration_s=2h", "--set", "/measure/warmup_s=20min"]


def tideline(*words, **more):
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False, **more)


def must(*words):
    done = tideline(*words)
    if done.returncode != 0:
        raise AssertionError(f"{words}: {done.stderr}")
    return done.stdout


class Scripts(html.parser.HTMLParser):
    """The scripts of a page, and whatever would have it load something."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.loads, self._inside = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append("")
        for name, value in attrs:
            if name in ("src", "href", "srcset", "action", "data") and value != "data:,":
                self.loads.append((tag, name, value))

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.scripts[-1] += data


def data_of(page):
    return json.loads(next(s for s in Scripts(page.read_text(encoding="utf-8")).scripts if s.startswith("{")))


AT = None
"""A folder with inputs of all kinds."""


def setUpModule():
    global AT
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    AT = Path(folder.name).resolve()
    scenario = ROOT / "scenarios/quickstart.json"
    must("run", scenario, *QUICK, "--set", "/measure/sample_s=2", "--records", "queries", "--quiet", "--out", AT / "run.h5")
    base = json.loads(must("run", scenario, *QUICK, "--quiet", "--summary", "json", "--out", AT / "plain.h5"))
    with h5py.File(AT / "plain.h5") as plain, h5py.File(AT / "killed.h5.part", "w") as killed:
        plain.copy("run", killed)
        killed["run"].attrs["interrupted"] = 1
    report_fixtures.write_sweep(AT / "sweep", base)
    report_fixtures.write_sweep(AT / "unfinished", base, loads=8, targets=(), selections=("infaas", "accuracy_max", "fastest"), replications=3,
                                failed=(3, 4), missing=range(60, 72), stale=(10,), not_audited=(20,))
    (AT / "unfinished/tasks/000007.json").write_text('{"task": 7, "key"', encoding="utf-8")
    report_fixtures.write_sweep(AT / "begun", base, loads=2, targets=(), replications=1, missing=range(10))
    report_fixtures.write_comparison(AT / "compare.json", base)


def report(name):
    """Makes a report, and names its page."""
    return Path(must("report", f"{AT}/{name}").removeprefix("report: ").rstrip("\n"))


class Report(unittest.TestCase):
    def test_the_page_stands_beside_the_input_by_default(self):
        for name, page in (("run.h5", "run.html"), ("killed.h5.part", "killed.html"), ("sweep", "sweep.html"), ("sweep/", "sweep.html"),
                           ("sweep/manifest.json", "sweep.html"), ("compare.json", "compare.html")):
            with self.subTest(name):
                (AT / page).unlink(missing_ok=True)
                self.assertEqual(must("report", f"{AT}/{name}"), f"report: {AT / page}\n")
                self.assertTrue((AT / page).is_file())
        self.assertEqual(subprocess.run([PROGRAM, "report", "."], cwd=AT / "begun", capture_output=True, text=True, check=True).stdout,
                         f"report: {(AT / 'begun').resolve()}.html\n")

    def test_out_makes_folders_and_replaces_pages_only(self):
        out = AT / "deep/er/page.html"
        for _ in range(2):
            must("report", AT / "plain.h5", "--out", out)
        self.assertEqual(list(out.parent.iterdir()), [out])
        self.refused(2, ["expected a file that ends in .html"], AT / "plain.h5", "--out", AT / "plain.h5")

    def test_the_same_input_gives_the_same_page(self):
        for name in ("run.h5", "sweep", "compare.json"):
            with self.subTest(name):
                page = report(name)
                first = page.read_bytes()
                report(name)
                self.assertEqual(page.read_bytes(), first)

    def test_pages_need_nothing_from_elsewhere(self):
        library = (ROOT / "src/report/uplot.js").read_text(encoding="utf-8")
        self.assertIn("The MIT License", library)
        self.assertRegex(library, r"^// uPlot \d+\.\d+\.\d+, ")
        for name in ("run.h5", "sweep", "compare.json"):
            with self.subTest(name):
                text = report(name).read_text(encoding="utf-8")
                self.assertIn(library, text)
                self.assertIn((ROOT / "src/report/page.js").read_text(encoding="utf-8"), text)
                self.assertIn((ROOT / "src/report/page.css").read_text(encoding="utf-8"), text)
                self.assertEqual(Scripts(text).loads, [])
                self.assertNotRegex(text, r"https?://|@import|url\(|XMLHttpRequest|fetch\(|WebSocket|sendBeacon|EventSource|import\(")
                self.assertIn("default-src 'none'", text)

    def test_what_a_run_has_is_in_its_page(self):
        data = data_of(report("run.h5"))
        self.assertEqual((data["kind"], data["scenario"], data["seed"], data["complete"]), ("run", "quickstart", 1, True))
        self.assertEqual(data["overrides"], ["--set /measure/duration_s=2h", "--set /measure/warmup_s=20min", "--set /measure/sample_s=2"])
        self.assertEqual(len(data["hashes"]), 1)
        self.assertIn('"cluster"', data["configuration"])
        with h5py.File(AT / "run.h5") as file:
            total = {c["name"]: c["values"][0] for c in data["summary"]["total"]}
            for name in file["summary/total"]:
                in_file = file["summary/total"][name][0]
                if total[name] is None:
                    self.assertTrue(math.isnan(in_file), name)
                else:
                    self.assertAlmostEqual(total[name], in_file, delta=1e-8 * abs(total[name]), msg=name)
            answered = file["queries/ending"][:] == 0
            latency = sum(file[f"queries/{part}"][:].astype(float) for part in ("network", "load", "queue", "service"))[answered] / 1e9
            samples, spike = len(file["series/time"]), file["series/latency_p99_s"][:]
        self.assertTrue(data["audit"]["passed"])
        cdf = data["cdf"]
        self.assertEqual(cdf["source"], "queries")
        self.assertEqual([c["name"] for c in cdf["curves"]], ["all", "interactive", "accurate", "photos"])
        self.assertEqual(cdf["curves"][0]["count"], len(latency))
        for x, share in zip(cdf["latency"], cdf["curves"][0]["share"]):
            # A bucket of the histogram is 1/256 wide.
            self.assertGreaterEqual(share, (latency <= x * (1 - 1 / 256)).mean() - 1e-9)
            self.assertLessEqual(share, (latency <= x * (1 + 1 / 256)).mean() + 1e-9)
        self.assertEqual(data["series"]["samples"], samples)
        groups = {g["name"]: g for g in data["series"]["groups"]}
        self.assertGreater(samples, 2000)
        for name, group in groups.items():
            self.assertLessEqual(len(group["time"]), 2000, name)
            for column in group["columns"].values():
                self.assertEqual(len(column), len(group["time"]))
        p99 = [v for v in groups["latency"]["columns"]["p99"] if v is not None]
        self.assertAlmostEqual(max(p99), spike[spike == spike].max(), delta=1e-4)
        self.assertAlmostEqual(min(p99), spike[spike == spike].min(), delta=1e-4)

    def test_without_records_the_latencies_are_those_of_the_summary(self):
        data = data_of(report("plain.h5"))
        self.assertEqual(data["cdf"]["source"], "summary")
        p99 = next(c for c in data["summary"]["total"] if c["name"] == "latency_p99_s")["values"][0]
        self.assertEqual(data["cdf"]["curves"][0]["share"][data["cdf"]["latency"].index(p99)], 0.99)
        shares = [v for v in data["cdf"]["curves"][0]["share"] if v is not None]
        self.assertEqual(shares, [0.5, 0.9, 0.95, 0.99, 1])

    def test_a_killed_run_has_what_there_is(self):
        data = data_of(report("killed.h5.part"))
        self.assertEqual((data["complete"], data["summary"], data["series"], data["audit"], data["cdf"]["source"]), (False, None, None, None, None))

    def test_a_sweep_of_1000_tasks_is_fast_and_small(self):
        began = time.monotonic()
        page = report("sweep")
        took = time.monotonic() - began
        data = data_of(page)
        self.assertEqual((data["tasks"], data["done"], data["missing"], data["failed"]), (1000, 1000, 0, 0))
        self.assertLess(took, 5)
        self.assertLess(page.stat().st_size, 3_000_000)
        print(f"report of 1,000 tasks: {took:.2f} s, {page.stat().st_size:,} bytes", file=sys.stderr)
        metrics = {(m["of"], m["name"]): m for m in data["metrics"]}
        self.assertIn(("interactive", "latency_p99_s"), metrics)
        self.assertEqual(len(metrics["", "cost_usd"]["values"]), 1000)
        self.assertEqual(metrics["", "wasted_work_s"]["values"], 0)  # what is the same everywhere stands once
        self.assertAlmostEqual(data["quantiles"]["5"], 2.77645, places=4)
        self.assertEqual([a["numbers"] is not None for a in data["axes"]], [False, True, True])
        summary = json.loads((AT / "sweep/tasks/000123.json").read_text(encoding="utf-8"))
        self.assertAlmostEqual(metrics["", "latency_p99_s"]["values"][123], summary["summary"]["total"]["latency_p99_s"], places=4)
        self.assertEqual({a["name"]: a["values"][a["at"][123]] for a in data["axes"]}, summary["point"])

    def test_an_unfinished_sweep_says_what_is_missing(self):
        data = data_of(report("unfinished"))
        self.assertEqual([data[k] for k in ("tasks", "done", "missing", "failed", "stale")], [72, 56, 12, 3, 1])
        self.assertEqual([p["task"] for p in data["problems"]], [3, 4, 7])
        self.assertIn('<no> memory & no "cores"', data["problems"][0]["error"])
        self.assertEqual(data["problems"][0]["point"], "selection=infaas, load=0.5")
        self.assertTrue(data["problems"][2]["error"].startswith("tasks/000007.json:1:"), data["problems"][2]["error"])
        self.assertEqual((data["audit"]["failed"], data["audit"]["checks"][0]["task"]), (1, 20))
        self.assertEqual(data_of(report("begun"))["done"], 0)

    def test_a_comparison_is_taken_over(self):
        file = json.loads((AT / "compare.json").read_text(encoding="utf-8"))
        data = data_of(report("compare.json"))
        for name in ("baseline", "replications", "confidence", "correction", "warnings", "text", "metrics"):
            self.assertEqual(data[name], file[name])
        self.assertEqual(len(data["effects"]), len(file["effects"]))
        for ours, theirs in zip(data["effects"], file["effects"]):
            theirs = {"against": file["baseline"], **theirs}  # files of one baseline need not name it
            for key, value in ours.items():
                if isinstance(value, float):
                    self.assertAlmostEqual(value, theirs[key], delta=1e-6 * abs(value), msg=key)
                else:
                    self.assertEqual(value, theirs[key] if not isinstance(theirs[key], float) else int(theirs[key]))
        self.assertEqual(data["alternatives"][-1]["metrics"]["accuracy_floor_attainment"]["values"], [None] * 12)

    # --- what is refused ---

    def refused(self, code, says, *words, **more):
        done = tideline("report", *words, **more)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for text in says:
            self.assertIn(text, done.stderr)

    def test_inputs_that_are_none(self):
        at = AT / "bad"
        at.mkdir()
        (at / "text.h5").write_text("no results", encoding="utf-8")
        (at / "cut.h5").write_bytes((AT / "run.h5").read_bytes()[:-5000])
        h5py.File(at / "other.h5", "w").close()
        shutil.copy(AT / "plain.h5", at / "newer.h5")
        with h5py.File(at / "newer.h5", "a") as file:
            file["run"].attrs["schema_version"] = 99
        compare = (AT / "compare.json").read_text(encoding="utf-8")
        good = json.loads(compare)
        (at / "cut.json").write_text(compare[:5000], encoding="utf-8")
        (at / "plain.json").write_text('{"total": 1}', encoding="utf-8")
        (at / "newer.json").write_text(json.dumps({**good, "version": 2}), encoding="utf-8")
        (at / "sweep.json").write_text(json.dumps({**good, "format": "tideline-sweep"}), encoding="utf-8")
        (at / "form.json").write_text(json.dumps({**good, "effects": [{"alternative": "selection=fastest", "metric": "speed"}]}), encoding="utf-8")
        (at / "baseline.json").write_text(json.dumps({**good, "baseline": "none"}), encoding="utf-8")
        for name in ("empty", "cut", "newer", "form", "value"):
            (at / name).mkdir()
        manifest = json.loads((AT / "begun/manifest.json").read_text(encoding="utf-8"))
        (at / "cut/manifest.json").write_text(json.dumps(manifest)[:300], encoding="utf-8")
        (at / "newer/manifest.json").write_text(json.dumps({**manifest, "version": 7}), encoding="utf-8")
        (at / "form/manifest.json").write_text(json.dumps({**manifest, "tasks": 10}), encoding="utf-8")
        manifest["tasks"][1]["point"]["load"] = "3"
        (at / "value/manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        before = sorted(at.rglob("*"))
        for code, name, *says in (
                (3, "missing.h5", "missing.h5", "no such file"), (3, "missing.json", "missing.json", "No such file"), (2, "text.h5", "is not an HDF5 file"),
                (3, "cut.h5", "cut.h5", "is cut short"), (2, "other.h5", "not one of tideline"), (2, "newer.h5", "a newer tideline", "schema 99"),
                (2, "cut.json", "cut.json:1:"), (2, "plain.json", "plain.json' is not a comparison of tideline"), (2, "newer.json", "a newer tideline", "version 2"),
                (2, "sweep.json", "its format is tideline-sweep"), (2, "form.json", "form.json: /effects/0/metric: no metric has this name"),
                (2, "baseline.json", "/baseline: no alternative"), (2, "empty", "is not the folder of a sweep", "manifest.json"), (2, "cut", "cut/manifest.json:1:"),
                (2, "newer", "a newer tideline", "version 7"), (2, "form", "/tasks: expected a list"), (2, "value", "/tasks/1/point/load: no value of the axis load")):
            with self.subTest(name):
                self.refused(code, says, at / name)
        self.assertEqual(sorted(at.rglob("*")), before)
        self.refused(2, ["nothing to report on"])
        self.refused(2, ["unknown option --outt", "--out"], AT / "plain.h5", "--outt", "x.html")

    def test_targets_that_cannot_be_written(self):
        at = AT / "targets"
        (at / "folder.html").mkdir(parents=True)
        (at / "file").touch()
        self.refused(3, ["it is a folder"], AT / "plain.h5", "--out", at / "folder.html")
        self.refused(3, ["cannot write"], AT / "plain.h5", "--out", at / "file/page.html")
        (at / "old.html").write_text("old", encoding="utf-8")

        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

        self.refused(3, ["cannot write", "too large"], AT / "plain.h5", "--out", at / "old.html", preexec_fn=small_files)
        self.assertEqual((at / "old.html").read_text(encoding="utf-8"), "old")
        self.assertEqual(sorted(p.name for p in at.iterdir()), ["file", "folder.html", "old.html"])


@unittest.skipUnless(browser.find(), "no Chromium: how the pages look is not tested (apt-get install chromium)")
class Pages(unittest.TestCase):
    """The pages in a browser."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.shots = Path(os.environ.get("TIDELINE_SCREENSHOTS", Path(folder.name) / "screenshots"))
        cls.shots.mkdir(parents=True, exist_ok=True)
        cls.browser = browser.Browser(browser.find(), Path(folder.name) / "profile")
        cls.addClassCleanup(cls.browser.close)

    def open(self, name, **more):
        page = self.browser.page(report(name).as_uri(), **more)
        self.addCleanup(page.close)
        return page

    def sound(self, page):
        page.settle()
        self.assertEqual(page.problems, [])
        self.assertEqual(len(page.requests), 1, page.requests)

    def headings(self, page):
        return page.evaluate("[...document.querySelectorAll('h2')].map((h) => h.textContent)")

    def ink(self, page, selector="canvas"):
        """How many colours other than nothing each canvas has, of a sample."""
        return page.evaluate(f"""[...document.querySelectorAll({json.dumps(selector)})].map((c) => {{
          const d = new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer);
          return new Set(d.filter((v) => v !== 0)).size;
        }})""")

    def test_every_kind_of_page_draws_its_charts_in_both_themes(self):
        kinds = {
            "run.h5": (9, ["What was run", "Results", "Over time", "Latency distribution", "Audit"]),
            "plain.h5": (9, ["What was run", "Results", "Over time", "Latency distribution", "Audit"]),
            "killed.h5.part": (0, ["What was run", "Results", "Over time", "Latency distribution", "Audit"]),
            "sweep": (4, ["What was run", "Accuracy, latency and cost", "A metric against an axis", "All points", "Audit"]),
            "unfinished": (4, ["What was run", "Accuracy, latency and cost", "A metric against an axis", "All points", "Audit"]),
            "begun": (0, ["What was run", "Results"]),
            "compare.json": (1, ["What was run", "Means and verdicts", "Differences from the baseline", "Each replication", "All differences"]),
        }
        for name, (canvases, headings) in kinds.items():
            grounds = set()
            for dark in (False, True):
                with self.subTest(name, dark=dark):
                    page = self.open(name, dark=dark)
                    self.sound(page)
                    self.assertEqual(self.headings(page), headings)
                    self.assertEqual(page.evaluate("document.querySelectorAll('canvas').length"), canvases)
                    self.assertTrue(all(n > 5 for n in self.ink(page)), self.ink(page))
                    grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
                    page.screenshot(self.shots / f"{name.split('.')[0]}_{'dark' if dark else 'light'}.png")
                    self.assertGreater((self.shots / f"{name.split('.')[0]}_{'dark' if dark else 'light'}.png").stat().st_size, 10_000)
            self.assertEqual(len(grounds), 2)

    def test_a_narrow_window_scrolls_in_tables_only(self):
        for name in ("run.h5", "sweep", "compare.json"):
            with self.subTest(name):
                page = self.open(name, width=420)
                self.sound(page)
                self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), 420)

    def test_the_button_changes_the_theme_of_charts_too(self):
        page = self.open("plain.h5")
        pixels = "[...document.querySelectorAll('canvas')].map((c) => c.toDataURL())"
        light = page.evaluate(pixels)
        page.evaluate("document.getElementById('theme').click()")
        page.settle()
        self.assertEqual(page.evaluate("document.documentElement.dataset.theme"), "dark")
        self.assertTrue(all(a != b for a, b in zip(light, page.evaluate(pixels))))
        page.evaluate("document.getElementById('theme').click()")
        page.settle()
        self.assertEqual(page.evaluate(pixels), light)
        self.sound(page)

    def tip(self, page):
        return page.evaluate("[...document.querySelectorAll('.tip')].filter((t) => !t.hidden).map((t) => t.innerText).join('')")

    def find_tip(self, page, selector, down):
        for k in range(2, 99):
            page.move(selector, k / 100, down)
            if self.tip(page):
                return self.tip(page)
        return ""

    def test_a_point_of_a_sweep_says_what_it_is(self):
        page = self.open("unfinished")
        page.evaluate("document.querySelector('.u-over').id = 'first'")
        text = next(filter(None, (self.find_tip(page, "#first", down / 10) for down in range(1, 10))), "")
        self.assertRegex(text, r"selection \w+, load [\d.]+")
        for part in ("effective accuracy", "latency p99", "cost", "replications"):
            self.assertIn(part, text)
        self.assertEqual(page.evaluate("[...document.querySelectorAll('.ring')].filter((r) => !r.hidden).length"), 3)
        self.sound(page)

    def test_metrics_and_axes_of_a_sweep_can_be_chosen(self):
        page = self.open("sweep")
        last = "[...document.querySelectorAll('canvas')].at(-1).toDataURL()"
        seen = {page.evaluate(last)}
        for label, text in (("Metric", "latency p99"), ("a line for each", "target"), ("where selection is", "fastest"), ("against", "selection"),
                            ("a line for each", "load"), ("a line for each", "(one line)"), ("Colour by", "load")):
            page.choose(label, text)
            if label != "Colour by":
                self.assertNotIn(page.evaluate(last), seen, text)
            seen.add(page.evaluate(last))
        page.evaluate("[...document.querySelectorAll('.u-over')].at(-1).id = 'last'")
        page.move("#last")
        self.assertIn("selection cheapest_feasible", self.tip(page))
        page.choose("Quality", "goodput")
        page.choose("Cost", "energy")
        self.sound(page)

    def test_a_table_can_be_sorted(self):
        page = self.open("sweep")
        page.evaluate("[...document.querySelectorAll('th.sort')].find((t) => t.textContent === 'cost').click()")
        first = "[...document.querySelectorAll('section:nth-of-type(4) tbody tr:first-child > *')].map((c) => c.textContent)"
        cheapest = page.evaluate(first)
        self.assertEqual(cheapest[:3], ["cheapest_feasible", "0.25", "0.95"])
        page.evaluate("[...document.querySelectorAll('button.more')].at(-1).click()")
        self.assertEqual(page.evaluate("document.querySelectorAll('section:nth-of-type(4) tbody tr').length"), 200)
        self.sound(page)

    def test_a_time_can_be_enlarged_in_all_charts(self):
        page = self.open("plain.h5")
        pixels = "[...document.querySelectorAll('canvas')].slice(0, 8).map((c) => c.toDataURL())"
        before = page.evaluate(pixels)
        page.evaluate("document.querySelector('.u-over').id = 'first'")
        page.move("#first", 0.3)
        box = page.evaluate("(() => { const b = document.getElementById('first').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()")
        for kind, across in (("mousePressed", 0.3), ("mouseMoved", 0.4), ("mouseMoved", 0.6), ("mouseReleased", 0.6)):
            page.call("Input.dispatchMouseEvent", type=kind, x=box[0] + across * box[2], y=box[1] + box[3] / 2, button="left", buttons=1,
                      clickCount=1)
        page.settle()
        self.assertTrue(all(a != b for a, b in zip(before, page.evaluate(pixels))))
        self.sound(page)

    def test_a_comparison_has_a_forest_for_each_metric(self):
        page = self.open("compare.json")
        self.assertEqual(page.evaluate("document.querySelectorAll('svg.forest').length"), len(report_fixtures.METRICS))
        rows = page.evaluate("[...document.querySelectorAll('svg.forest')].map((f) => f.querySelectorAll('g').length)")
        self.assertEqual(rows, [4] * len(report_fixtures.METRICS))
        ticks = "document.querySelector('svg.forest').textContent"
        before = page.evaluate(ticks)
        page.choose("Differences", "in percent of the baseline")
        self.assertNotEqual(page.evaluate(ticks), before)
        page.choose("Show", "differences from the baseline")
        page.choose("Metric", "accuracy floor attainment")
        self.sound(page)

    def test_inputs_of_little_or_of_much_are_drawn_too(self):
        at = AT / "odd"
        at.mkdir()
        must("run", ROOT / "scenarios/theory/mmc.json", "--set", "/workload/0/params/rate_qps=1e-9", "--set", "/measure/duration_s=10", "--records", "queries",
             "--quiet", "--out", at / "idle.h5")
        base = json.loads(must("run", ROOT / "scenarios/theory/mmc.json", "--set", "/measure/duration_s=100", "--quiet", "--summary", "json", "--out", at / "one.h5"))
        full = json.loads((AT / "sweep/tasks/000000.json").read_text(encoding="utf-8"))["summary"]
        report_fixtures.write_sweep(at / "point", full, loads=1, targets=(), selections=("infaas",), replications=3)
        report_fixtures.write_sweep(at / "names", full, loads=0, targets=(), selections=tuple(f"policy_of_a_long_name_{k}" for k in range(30)), replications=1)
        for name, change in (("none", lambda m: m.update(axes=[])), ("nothing", lambda m: m.update(axes=[], tasks=[]))):
            shutil.copytree(at / "point", at / name)
            manifest = json.loads((at / name / "manifest.json").read_text(encoding="utf-8"))
            change(manifest)
            (at / name / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        shutil.copytree(at / "point", at / "plain")
        for task in (at / "plain/tasks").iterdir():
            left = json.loads(task.read_text(encoding="utf-8"))
            task.write_text(json.dumps({**left, "summary": base}), encoding="utf-8")
        comparison = json.loads((AT / "compare.json").read_text(encoding="utf-8"))
        alone = {**comparison, "alternatives": comparison["alternatives"][:1], "effects": [], "replications": 1}
        (at / "alone.json").write_text(json.dumps(alone), encoding="utf-8")
        for name in ("idle.h5", "one.h5", "point", "names", "none", "nothing", "plain", "alone.json"):
            with self.subTest(name):
                page = self.open(f"odd/{name}")
                self.sound(page)
                self.assertNotRegex(page.evaluate("document.body.innerText"), "NaN|undefined|null|Infinity")
                page.screenshot(self.shots / f"odd_{name.split('.')[0]}.png")

    def test_texts_of_inputs_are_texts(self):
        page = self.open("unfinished")
        self.assertIn('<no> memory & no "cores"', page.evaluate("document.body.innerText"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
