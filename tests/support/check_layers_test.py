#!/usr/bin/env python3
"""Tests scripts/check_layers.py on small trees in a temporary folder."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECKER = Path(__file__).resolve().parents[2] / "scripts" / "check_layers.py"


class CheckLayers(unittest.TestCase):
    def check_files(self, files):
        """Runs the checker on a tree of {path: text}; returns exit status and lines printed."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "sim").mkdir()
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, CHECKER, "--root", root], capture_output=True, text=True, check=False)
            self.assertEqual(done.stderr, "")
            return done.returncode, done.stdout.splitlines()

    def assert_refused(self, path, text, line, message):
        status, lines = self.check_files({path: text})
        self.assertEqual(status, 1, lines)
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(f"{path}:{line}: "), lines)
        self.assertIn(message, lines[0])

    def assert_accepted(self, path, text):
        self.assertEqual(self.check_files({path: text}), (0, []))

    def test_each_layer_may_include_itself_and_those_below(self):
        status, lines = self.check_files({
            "sim/core/a.cpp": '#include "sim/core/a.h"\n#include <vector>\n',
            "sim/serving/a.cpp": '#include "sim/engine/a.h"\n#include "sim/executor/a.h"\n#include "sim/policy/a.h"\n',
            "policies/selection/a.cpp": '#include "policies/components/a.h"\n#include "sim/policy/a.h"\n#include <Eigen/Core>\n',
            "policies/components/a.h": '#include "sim/model/a.h"\n',
            "policies/builtin.h": '#include "sim/policy/a.h"\n',
            "traces/a.cpp": '#include "sim/model/a.h"\n#include <istream>\n',
            "src/real/a.cpp": '#include "sim/serving/a.h"\n#include <nlohmann/json.hpp>\n#include <hdf5.h>\n#include <iostream>\n',
        })
        self.assertEqual((status, lines), (0, []))

    def test_a_layer_may_not_include_those_above(self):
        self.assert_refused("sim/core/a.h", '#pragma once\n#include "sim/model/a.h"\n', 2, "sim/core must not include sim/model")
        self.assert_refused("sim/engine/a.h", '#include "sim/model/a.h"\n', 1, "sim/engine must not include sim/model")
        self.assert_refused("sim/model/a.h", '#include "sim/engine/a.h"\n', 1, "sim/model must not include sim/engine")
        self.assert_refused("sim/policy/a.h", '#include "policies/builtin.h"\n', 1, "sim/policy must not include policies")
        self.assert_refused("sim/executor/a.h", '#include "sim/policy/a.h"\n', 1, "sim/executor must not include sim/policy")
        self.assert_refused("sim/serving/a.h", '#include "policies/builtin.h"\n', 1, "sim/serving must not include policies")
        self.assert_refused("sim/metrics/a.h", '#include "sim/engine/a.h"\n', 1, "sim/metrics must not include sim/engine")
        self.assert_refused("sim/statistics/a.h", '#include "sim/model/a.h"\n', 1, "sim/statistics must not include sim/model")
        self.assert_refused("policies/a.cpp", '#include "sim/serving/a.h"\n', 1, "policies must not include sim/serving")
        self.assert_refused("traces/a.cpp", '#include "sim/policy/a.h"\n', 1, "traces must not include sim/policy")
        self.assert_refused("sim/core/a.h", '#include "src/a.h"\n', 1, "sim/core must not include src")

    def test_files_formats_and_devices_stay_in_src(self):
        for header in ("nlohmann/json.hpp", "nlohmann/json_fwd.hpp", "hdf5.h", "H5Cpp.h", "H5public.h", "cxxopts.hpp", "iostream",
                       "fstream", "dnnl.hpp", "oneapi/dnnl/dnnl.hpp", "cuda_runtime.h", "cuda.h", "cudnn.h"):
            with self.subTest(header):
                self.assert_refused("traces/a.cpp", f"\n#include <{header}>\n", 2, "only in src")
                self.assert_refused("sim/metrics/a.cpp", f'#  include "{header}"\n', 1, "only in src")
                self.assert_accepted("src/a.cpp", f"#include <{header}>\n")

    def test_the_solver_has_one_door(self):
        for header in ("CbcModel.hpp", "coin/OsiClpSolverInterface.hpp", "Coin_C_defines.h"):
            with self.subTest(header):
                self.assert_refused("policies/autoscaling/a.cpp", f"#include <{header}>\n", 1, "CBC only in")
                self.assert_refused("src/a.cpp", f"#include <{header}>\n", 1, "CBC only in")
                self.assert_accepted("policies/components/linear_program.cpp", f"#include <{header}>\n")

    def test_paths_are_written_from_the_root(self):
        self.assert_refused("sim/core/a.cpp", '#include "a.h"\n', 1, "project root")
        self.assert_refused("src/a.cpp", '#include "real/a.h"\n', 1, "project root")
        self.assert_refused("sim/model/a.cpp", '#include "../core/a.h"\n', 1, "project root")
        self.assert_refused("sim/model/a.cpp", '#include "sim/model/../core/a.h"\n', 1, "project root")
        self.assert_refused("sim/model/a.cpp", "#include <sim/core/a.h>\n", 1, "belongs to the project")
        self.assert_refused("sim/model/a.cpp", '#include "sim/a.h"\n', 1, "not in a layer")
        self.assert_refused("sim/model/a.cpp", "#include HEADER\n", 1, "macro")

    def test_a_policy_has_no_header(self):
        self.assert_refused("policies/selection/a.h", "", 1, "no header")
        self.assert_refused("policies/a.h", "", 1, "no header")
        self.assert_refused("policies/components/deep/a.h", "", 1, "no header")

    def test_a_file_outside_the_layers_is_refused(self):
        self.assert_refused("sim/a.h", "", 1, "not in a layer")
        self.assert_refused("sim/utils/a.h", "", 1, "not in a layer")

    def test_comments_and_strings_are_not_includes(self):
        self.assert_accepted("sim/core/a.cpp", '// #include "src/a.h"\n/*\n#include "src/a.h"\n*/\n')
        self.assert_refused("sim/core/a.cpp", 'auto s = "/*";\n#include "src/a.h"\n', 2, "must not include src")
        self.assert_refused("sim/core/a.cpp", '/* a\n b */ #include "src/a.h"  // why\n', 2, "must not include src")

    def test_all_violations_are_printed(self):
        status, lines = self.check_files({"sim/core/a.h": '#include "src/a.h"\n#include <fstream>\n', "traces/a.cpp": '#include "b.h"\n'})
        self.assertEqual(status, 1)
        self.assertEqual([line.split(" ")[0] for line in lines], ["sim/core/a.h:1:", "sim/core/a.h:2:", "traces/a.cpp:1:"])

    def test_help_and_a_wrong_folder(self):
        done = subprocess.run([sys.executable, CHECKER, "--help"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertIn("file:line", done.stdout)
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, CHECKER, "--root", folder], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
