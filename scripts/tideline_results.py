"""Reads results files, sweeps and comparisons of Tideline into pandas.

    import tideline_results
    run = tideline_results.load("results/quickstart.h5")
    run.summary["slo_attainment"]
    run.queries.query("ending == 'answered'").groupby("class")["latency_s"].quantile(0.99)

Times are seconds since the start of the run, names stand in place of numbers, and what the file leaves out because it follows from other
columns is there. A file that a killed run left (`.h5.part`) or that was interrupted (`.incomplete.h5`) reads the same, as far as it goes.

    sweep = tideline_results.load_sweep("results/selection_by_load")       # a row per task: axes, replication, seed, metrics
    sweep.groupby(["selection", "load"])["slo_attainment"].mean()
    effects, values = tideline_results.load_compare("results/compare.json")
    tideline_results.to_parquet(sweep, "sweep.parquet")
"""

import functools
import json
import math
import pathlib
import typing

import h5py
import numpy
import pandas

SCHEMA_VERSION = 2
"""Of the files that this module reads."""
BLOCK_ROWS = 65536
"""Of what `blocks` reads at once: a multiple of what the file packs together."""
TABLES = {"queries": "queries", "instances": "instances", "batches": "instances", "decisions": "decisions"}
"""Tables of records, and what `--records` has to name to get them."""


class ResultsError(Exception):
    """The file cannot be read, is not of Tideline, or lacks what was asked for; the message says which."""


SWEEP_VERSION = 1
COMPARE_VERSION = 1
"""Of the formats of sweeps and comparisons that this module reads."""
SWEEP_ROWS = ("total", "classes", "tasks", "variants")


def load(path):
    """Opens a results file. Raises ResultsError."""
    return Run(path)


class Run:
    """One results file. Each table is read when it is first asked for."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        try:
            self._file = h5py.File(self.path, "r")
        except OSError as error:
            raise ResultsError(self._why_not(error)) from None
        run = self._file.get("run")
        if run is None or "schema_version" not in run.attrs:
            raise ResultsError(f"{self.path}: an HDF5 file, but not one of Tideline")
        version = int(run.attrs["schema_version"])
        if version != SCHEMA_VERSION:
            age = "a newer" if version > SCHEMA_VERSION else "an older"
            raise ResultsError(f"{self.path}: written by {age} Tideline (schema {version}; this reads {SCHEMA_VERSION})")

    def _why_not(self, error):
        if not self.path.exists():
            return f"{self.path}: there is no such file"
        if self.path.is_dir():
            return f"{self.path}: a folder, not a results file"
        if not h5py.is_hdf5(self.path):
            if self.path.name.endswith(".part"):
                return f"{self.path}: its run was killed before it had written anything, or has just begun"
            return f"{self.path}: not an HDF5 file"
        return f"{self.path}: {error}; if its run was killed, try: tideline inspect --recover {self.path}"

    def close(self):
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return f"<run of {self.facts['scenario']} in {self.path}>"

    # --- the run ---

    @functools.cached_property
    def facts(self):
        """Scenario, seed, version and what else tells where the results come from, as a dict."""
        facts = {name: value.item() if hasattr(value, "item") else value for name, value in self._file["run"].attrs.items()}
        facts["interrupted"] = bool(facts["interrupted"])
        for name in ("overrides", "warnings", "hashes"):
            facts[name] = self._text(f"run/{name}").splitlines()
        return facts

    @functools.cached_property
    def config(self):
        """The effective configuration, as a dict."""
        return json.loads(self._text("run/configuration"))

    # --- what it came to ---

    @functools.cached_property
    def summary(self):
        """The metrics of the whole run by name, as a Series; their meaning is in sim/metrics/README.md."""
        group = self._group("summary/total", "summary: its run did not end")
        return pandas.Series({name: column[0] for name, column in group.items()}, dtype=object, name=self.facts["scenario"])

    @functools.cached_property
    def window(self):
        """Begin and end of the measured window in seconds."""
        attributes = self._group("summary", "summary: its run did not end").attrs
        return attributes["window_begin_ns"] / 1e9, attributes["window_end_ns"] / 1e9

    @functools.cached_property
    def classes(self):
        """The metrics by class."""
        return self._table("summary/classes")

    @functools.cached_property
    def tasks(self):
        """The metrics by task."""
        return self._table("summary/tasks")

    @functools.cached_property
    def variants(self):
        """What each variant did."""
        return self._table("summary/variants")

    @functools.cached_property
    def audit(self):
        """The checks of the run's books."""
        table = self._table("audit")
        table["passed"] = table["passed"].astype(bool)
        return table

    @functools.cached_property
    def series(self):
        """Samples over time."""
        group = self._group("series", "series: its run did not end")
        table = pandas.DataFrame({_seconds_name(name, column): _in_seconds(column[:], column) for name, column in group.items()})
        return table[["time_s", *table.columns.drop("time_s")]]

    @functools.cached_property
    def planner(self):
        """A row per search of a planner that optimises, with how it ended; empty where there is none."""
        if "planner" not in self._file:
            return pandas.DataFrame()
        table = self._table("planner")
        table["kept"] = table["kept"].astype(bool)
        table.insert(0, "time_s", table.pop("time") / 1e9)
        return table

    # --- records ---

    @functools.cached_property
    def queries(self):
        """A row per measured query, in order of their ends."""
        return self._all("queries")

    @functools.cached_property
    def instances(self):
        """A row per instance, in order of their starts. A time that never came is NaN."""
        return self._all("instances").sort_values("serial", ignore_index=True)

    @functools.cached_property
    def batches(self):
        """A row per batch, in order of their ends; those that were lost with their node too."""
        return self._all("batches")

    @functools.cached_property
    def decisions(self):
        """A row per answer of a policy, in order. `chosen` and `runner_up` are names, or serials of instances, as `subject` says."""
        return self._all("decisions")

    def blocks(self, table):
        """The rows of a table of records in DataFrames of at most 65,536 rows, for files that do not fit in memory."""
        if table not in TABLES:
            raise ResultsError(f"no table of records is called {table!r}; there are {', '.join(TABLES)}")
        if table not in self._file or not len(self._file[table]):
            why = " yet" if self.path.name.endswith(".part") else f": run with --records {TABLES[table]}"
            raise ResultsError(f"{self.path}: has no records of {table}{why}")
        make = getattr(self, f"_make_{table}")
        rows = min(len(column) for column in self._file[table].values())
        for begin in range(0, max(rows, 1), BLOCK_ROWS):
            yield make(self._decoded(table, begin, min(begin + BLOCK_ROWS, rows)))

    def _all(self, table):
        return pandas.concat(list(self.blocks(table)), ignore_index=True, copy=False)

    def _decoded(self, table, begin, end):
        """The columns of one block as arrays, their coding undone."""
        columns = {name: dataset[begin:end] for name, dataset in self._file[table].items()}
        for name, dataset in self._file[table].items():
            coding = dataset.attrs.get("coding")
            if coding == "above variant":
                answered = columns["variant"] >= 0
                columns[name][answered] += self._accuracies[columns["variant"][answered]]
            elif coding is not None:
                raise ResultsError(f"{self.path}: column {table}/{name} has a coding that this module does not know: {coding}")
        return columns

    def _make_queries(self, c):
        latency = c["network"] + c["load"] + c["queue"] + c["service"]
        return pandas.DataFrame({
            "serial": c["serial"],
            "arrival_s": c["arrival"] / 1e9,
            "finish_s": (c["arrival"] + latency) / 1e9,
            "latency_s": latency / 1e9,
            **{f"{part}_s": c[part] / 1e9 for part in ("network", "load", "queue", "service")},
            "class": self._named("classes", c["class"]),
            "tenant": c["tenant"],
            "variant": self._named("variants", c["variant"]),
            "instance": _serials(c["instance"]),
            "ending": self._named("endings", c["ending"]),
            "triggered_load": (c["flags"] & 1) != 0,
            "delayed_by_load": (c["flags"] & 2) != 0,
            "late": (c["flags"] & 4) != 0,
            "visits": c["visits"],
            "batch": c["batch"],
            "accuracy": c["accuracy"],
            "realised": numpy.choose(c["outcome"], [0.0, 1.0, c["accuracy"], c["score"]]),
            "cost_usd": c["cost"],
        }, copy=False)

    def _make_instances(self, c):
        return pandas.DataFrame({
            "serial": c["serial"],
            "variant": self._named("variants", c["variant"]),
            "site": self._named("sites", c["site"]),
            "device": self._device_names(c["device"]),
            **{f"{time}_s": numpy.where(c[time] < 0, numpy.nan, c[time] / 1e9) for time in ("started", "warm", "draining", "stopped")},
            "start_cause": self._named("start_causes", c["start_cause"]),
            "stop_cause": self._named("stop_causes", c["stop_cause"]),
            **{name: c[name] for name in ("batches", "items", "visits")},
            "memory_bytes": c["memory"],
            "cores": c["cores"],
        })

    def _make_batches(self, c):
        return pandas.DataFrame({
            "instance": c["instance"],
            "device": self._device_names(c["device"]),
            "variant": self._named("variants", c["variant"]),
            "began_s": c["began"] / 1e9,
            "took_s": c["took"] / 1e9,
            **{name: c[name] for name in ("visits", "items", "wasted_items")},
            "lost": c["lost"] != 0,
        })

    def _make_decisions(self, c):
        answers, answer, controller = self._answers, c["answer"], c["controller"]
        subjects = answers["chosen"].to_numpy()[answer]
        policies, reasons = self._policies, self._reasons
        kinds = answers["kind"]

        def by_kind(name, reason=0):
            """What `name` makes of controller, kind and reason: asked once for each combination."""
            keys, rows = numpy.unique((controller.astype(numpy.int64) << 16) + (answer.astype(numpy.int64) << 8) + reason, return_inverse=True)
            names = [name(key >> 16, kinds[key >> 8 & 255], key & 255) for key in keys]
            categories = sorted(set(names))
            return pandas.Categorical.from_codes(numpy.array([categories.index(n) for n in names], numpy.int32)[rows], categories)

        return pandas.DataFrame({
            "time_s": c["time"] / 1e9,
            "controller": controller,
            "kind": by_kind(lambda controller, kind, _: kind),
            "policy": by_kind(lambda controller, kind, _: policies[controller, kind]),
            "query": _masked(c["query"], answers["of_query"].to_numpy()[answer] == 0),
            "answer": pandas.Categorical.from_codes(answer, answers["name"]),
            "subject": pandas.Categorical(subjects),
            "chosen": self._subject_names(subjects, c["chosen"]),
            "runner_up": self._subject_names(subjects, c["runner_up"]),
            "amount": c["amount"],
            "unit": pandas.Categorical(answers["unit"].to_numpy()[answer]),
            "reason": by_kind(lambda *key: reasons.get(key, ""), c["reason"]),
        })

    # --- names ---

    @functools.lru_cache(maxsize=None)
    def names(self, table):
        """What the numbers of the records stand for, as a DataFrame: tasks, sites, variants, classes, pools, devices, groups, ..."""
        return self._table(f"run/names/{table}")

    @functools.cached_property
    def _accuracies(self):
        return self.names("variants")["accuracy"].to_numpy()

    @functools.cached_property
    def _answers(self):
        return self.names("answers")

    @functools.cached_property
    def _policies(self):
        return {(row.controller, row.kind): row.name_ for row in self.names("policies").rename(columns={"name": "name_"}).itertuples()}

    @functools.cached_property
    def _reasons(self):
        rows = self.names("reasons").rename(columns={"name": "name_"}).itertuples()
        return {(row.controller, row.kind, row.reason): row.name_ for row in rows}

    @functools.cached_property
    def devices(self):
        """Names of the devices: pool, node in the pool and, where a node has several, device in the node."""
        devices = self.names("devices")
        pools = self.names("pools")["name"].to_numpy()[devices["pool"]]
        several = devices.groupby("pool")["number"].transform("max").to_numpy() > 0
        return [f"{pool}/{node}" + (f"/{number}" if more else "")
                for pool, node, number, more in zip(pools, devices["node"], devices["number"], several)]

    @functools.cached_property
    def _subjects(self):
        groups, sites, variants = self.names("groups"), self.names("sites")["name"].to_numpy(), self.names("variants")["name"].to_numpy()
        return {
            "variant": variants, "site": sites, "pool": self.names("pools")["name"].to_numpy(), "device": numpy.array(self.devices, object),
            "group": (pandas.Series(variants[groups["variant"]], dtype=object) + " at " + sites[groups["site"]]).to_numpy(),
        }

    def _subject_names(self, subjects, indices):
        out = numpy.full(len(indices), None, dtype=object)
        for subject in set(subjects) - {""}:
            of_it = (subjects == subject) & (indices >= 0)
            out[of_it] = indices[of_it] if subject == "instance" else self._subjects[subject][indices[of_it]]
        return out

    def _named(self, table, codes):
        names = self.names(table)["name"]
        codes = numpy.where(codes < len(names), codes, -1).astype(numpy.int32)
        if names.is_unique:
            return pandas.Categorical.from_codes(codes, names)
        return pandas.Categorical.from_codes(codes, [f"{name} ({k})" for k, name in enumerate(names)])

    def _device_names(self, codes):
        return pandas.Categorical.from_codes(codes.astype(numpy.int32), self.devices)

    # --- HDF5 ---

    def _group(self, path, what):
        if path not in self._file:
            raise ResultsError(f"{self.path}: has no {what}")
        return self._file[path]

    def _text(self, path):
        return self._file[path][()].decode()

    def _table(self, path):
        group = self._group(path, f"{path}: its run did not end, or recorded nothing that needs it")
        return pandas.DataFrame({
            name: column.asstr()[:] if h5py.check_string_dtype(column.dtype) else column[:] for name, column in group.items()
        })


def _seconds_name(name, column):
    return name if column.attrs["unit"] != "ns" else f"{name}_s"


def _in_seconds(values, column):
    return values if column.attrs["unit"] != "ns" else values / 1e9


def _serials(values):
    """Serials of instances, NA where there is none."""
    return _masked(values, values < 0)


def _masked(values, missing):
    array = pandas.array(values, dtype=str(values.dtype).replace("u", "U").replace("i", "I", 1))
    array[missing] = pandas.NA
    return array


# --- sweeps ---


def load_sweep(folder, rows="total"):
    """A sweep as a DataFrame with a row per task: the axes, `task`, `replication`, `seed`, `state` (`done`, `failed`, `missing` or `stale`:
    its file is of another version of the sweep), `error`, and the metrics, which are NaN where the task is not done.

    An axis is a column of numbers where all its values are some, else a categorical in the order of the sweep. An axis that has the name of
    another column becomes `axis_NAME`. With `rows` as "classes", "tasks" or "variants" there is a row for each of those in each task, named in
    the column `name`; a task that is not done then has one row without name.

    `attrs` has `name`, `scenario`, `program`, `replications`, and `axes`: the columns of the axes. Raises ResultsError.
    """
    if rows not in SWEEP_ROWS:
        raise ResultsError(f"rows={rows!r}: expected one of {', '.join(SWEEP_ROWS)}")
    folder = pathlib.Path(folder)
    path = folder / "manifest.json"
    if folder.is_dir() and not path.exists():
        raise ResultsError(f"{folder}: not the folder of a sweep: there is no manifest.json in it")
    manifest = _read_own_json(path, "tideline-sweep", "the manifest of a sweep", SWEEP_VERSION)
    try:
        records = [record for task in manifest["tasks"] for record in _task_records(folder, task, rows)]
        names = [axis["name"] for axis in manifest["axes"]]
        values = {axis["name"]: [_axis_text(v) for v in axis["values"]] for axis in manifest["axes"]}
        facts = {name: manifest[name] for name in ("name", "scenario", "program", "replications")}
    except (KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{path}: not as the manifest of a sweep is: {error!r}") from None
    table = pandas.DataFrame([record for _, record in records])
    if not records:
        table = pandas.DataFrame(columns=["task", "replication", "seed", "state", "error"])
    points = {}
    for name in names:
        texts = [point[name] for point, _ in records]
        numbers = _as_numbers(values[name])
        column = f"axis_{name}" if name in table else name
        points[column] = pandas.Categorical(texts, values[name]) if numbers is None else numpy.array([float(t) for t in texts])
    table = pandas.concat([pandas.DataFrame(points, index=table.index), table], axis=1)
    table.attrs = {**facts, "axes": list(points)}
    return table


def _task_records(folder, task, rows):
    """Pairs of the point and what else stands in a row."""
    point = {name: _axis_text(value) for name, value in task["point"].items()}
    head = {name: task[name] for name in ("task", "replication", "seed")}
    path = folder / "tasks" / f"{task['task']:06d}.json"
    try:
        left = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [(point, {**head, "state": "missing", "error": None})]
    except (OSError, ValueError) as error:
        return [(point, {**head, "state": "failed", "error": f"{path.name}: {error}"})]
    if not isinstance(left, dict) or left.get("key") != task["key"]:
        return [(point, {**head, "state": "stale", "error": None})]
    if "error" in left or not isinstance(left.get("summary"), dict):
        return [(point, {**head, "state": "failed", "error": left.get("error", "its file has no summary")})]
    parts = [left["summary"]["total"]] if rows == "total" else left["summary"][rows]
    head |= {"state": "done", "error": None}
    return [(point, {**head, **_flat(part)}) for part in parts]


def _flat(part):
    """Metrics by the names that results files have: misses_queue for the member queue of misses. What has no value is NaN."""
    out = {}
    for name, value in part.items():
        if isinstance(value, dict):
            out |= {f"{name}_{member}": more for member, more in _flat(value).items()}
        else:
            # Of a class or a variant: `task` is the number of the task of the sweep.
            out["of_task" if name == "task" else name] = math.nan if value is None else value
    return out


def _axis_text(value):
    return value if isinstance(value, str) else json.dumps(value)


def _as_numbers(texts):
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


# --- comparisons ---


class Comparison(typing.NamedTuple):
    """What `tideline compare` wrote."""

    effects: pandas.DataFrame
    """A row per alternative and metric: the alternative that it is held `against`, `baseline_mean`, `mean`, `difference` with its interval `low` to `high`, `relative`, `p`, `p_adjusted`,
    `verdict`, `smallest_difference`, `margin`, and the metric's `unit` and what is `better`. `attrs` has the rest of the file's facts."""
    values: pandas.DataFrame
    """A row per alternative, metric and replication (from 0), of all alternatives, the baseline too: `value`, and the axes."""


def load_compare(path):
    """A comparison as tables: `effects, values = load_compare(path)`. Raises ResultsError."""
    path = pathlib.Path(path)
    file = _read_own_json(path, "tideline-compare", "a comparison", COMPARE_VERSION)
    try:
        effects = pandas.DataFrame([{"against": file["baseline"], **e} for e in file["effects"]],
                                   columns=["alternative", "against", "metric", "baseline_mean", "mean", "difference", "low", "high", "relative",
                                            "p", "p_adjusted", "verdict", "smallest_difference", "margin"])
        for column in effects.columns.drop(["alternative", "against", "metric", "verdict"]):
            effects[column] = effects[column].astype(float)
        metrics = pandas.DataFrame(file["metrics"], columns=["name", "unit", "better"]).rename(columns={"name": "metric"})
        effects = effects.merge(metrics, how="left", on="metric")
        labels = [a["label"] for a in file["alternatives"]]
        for table_column, names in (("alternative", labels), ("metric", list(metrics["metric"]))):
            effects[table_column] = pandas.Categorical(effects[table_column], names)
        axes = {axis["name"]: [_axis_text(v) for v in axis["values"]] for axis in file["axes"]}
        rows = [{**{name: _axis_text(value) for name, value in a["point"].items()}, "alternative": a["label"], "metric": metric, "replication": k,
                 "value": math.nan if value is None else value}
                for a in file["alternatives"] for metric, found in a["metrics"].items() for k, value in enumerate(found["values"])]
        values = pandas.DataFrame(rows, columns=[*axes, "alternative", "metric", "replication", "value"])
        for name, texts in axes.items():
            values[name] = pandas.Categorical(values[name], texts) if _as_numbers(texts) is None else values[name].astype(float)
        values["alternative"] = pandas.Categorical(values["alternative"], labels)
        values["metric"] = pandas.Categorical(values["metric"], list(metrics["metric"]))
        values["value"] = values["value"].astype(float)
        effects.attrs = {name: file[name] for name in ("program", "scenario", "baseline", "replication", "replications", "confidence", "correction",
                                                       "warnings", "text")}
        effects.attrs["notes"] = {a["label"]: a["notes"] for a in file["alternatives"] if a["notes"]}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ResultsError(f"{path}: not as a comparison is: {error!r}") from None
    return Comparison(effects, values)


def _read_own_json(path, format_, what, version):
    try:
        file = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ResultsError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ResultsError(f"{path}: not JSON, or cut short: {error}") from None
    found = file.get("format") if isinstance(file, dict) else None
    if found != format_:
        raise ResultsError(f"{path}: not {what} of Tideline" + (f": its format is {found}" if found else ""))
    if file.get("version") != version:
        age = "a newer" if isinstance(file.get("version"), int) and file["version"] > version else "another"
        raise ResultsError(f"{path}: written by {age} Tideline (version {file.get('version')}; this reads {version})")
    return file


# --- intervals ---


def mean_interval(values, confidence=0.95):
    """Mean of the values that there are, and half of its interval by Student's t: NaN with fewer than two."""
    values = numpy.asarray(values, float)
    values = values[numpy.isfinite(values)]
    if len(values) == 0:
        return math.nan, math.nan
    if len(values) == 1:
        return float(values[0]), math.nan
    half = student_t(len(values) - 1, 0.5 + confidence / 2) * values.std(ddof=1) / math.sqrt(len(values))
    return float(values.mean()), float(half)


@functools.lru_cache(maxsize=None)
def student_t(degrees, p):
    """The p-quantile, above 0.5, of Student's t with a whole number of degrees of freedom."""
    if degrees < 1 or not 0.5 <= p < 1:
        raise ValueError("student_t: needs 1 degree of freedom or more, and 0.5 <= p < 1")

    def share_within(angle):
        """Of -t to t for t = sqrt(degrees) tan(angle): a finite sum, as degrees are whole."""
        sine, cosine = math.sin(angle), math.cos(angle)
        odd = degrees % 2
        term, total = (cosine, 0.0) if odd else (1.0, 1.0)
        if odd and degrees > 1:
            total = term
        for k in range(2 + odd, degrees - 1, 2):
            term *= (k - 1) / k * cosine * cosine
            total += term
        return 2 / math.pi * (angle + sine * total) if odd else sine * total

    low, high = 0.0, math.pi / 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if share_within(middle) < 2 * p - 1 else (low, middle)
    return math.sqrt(degrees) * math.tan(low)


# --- Parquet ---


def to_parquet(table, path):
    """Writes a DataFrame, e.g. `run.queries` or a sweep, as Parquet; names become categories or texts there. Needs pyarrow (or fastparquet),
    which Debian does not package: `pip install pyarrow`, best in a virtual environment. Raises ResultsError."""
    table = pandas.DataFrame(table).copy(deep=False)
    for name in table.columns:
        column = table[name]
        # Serials and names in one column, such as `chosen` of decisions: Parquet has one type a column.
        if column.dtype == object:
            table[name] = column.map(lambda v: v if v is None or isinstance(v, str) else None if isinstance(v, float) and math.isnan(v) else str(v))
    table.attrs = {}
    try:
        table.to_parquet(path, index=False)
    except ImportError:
        raise ResultsError("Parquet needs pyarrow, which this Python has not and Debian does not package: pip install pyarrow "
                           "(in a virtual environment: python3 -m venv --system-site-packages)") from None
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror or error}") from None
