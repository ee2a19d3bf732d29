#!/usr/bin/env python3
"""Checks who includes whom: reads every #include in sim/, policies/, traces/ and src/.

Prints `file:line: message` for each violation. Exit status: 0 none, 1 violations, 2 usage.
"""
import argparse
import re
import sys
from pathlib import Path

# What each layer may include besides itself. The targets in CMakeLists.txt link the same layers.
MAY_INCLUDE = {
    "sim/core": set(),
    "sim/engine": {"sim/core"},
    "sim/model": {"sim/core"},
    "sim/policy": {"sim/core", "sim/model"},
    "sim/executor": {"sim/core", "sim/model"},
    "sim/serving": {"sim/core", "sim/engine", "sim/model", "sim/policy", "sim/executor"},
    "sim/metrics": {"sim/core", "sim/model", "sim/policy"},
    "sim/statistics": {"sim/core"},
    "policies": {"sim/core", "sim/model", "sim/policy"},
    "traces": {"sim/core", "sim/model"},
}
MAY_INCLUDE["src"] = set(MAY_INCLUDE)

# What only src/ may include: files, formats and devices stay at the edge.
EDGE = re.compile(
    r"""(?P<JSON>nlohmann/.*)
      | (?P<HDF5>(H5|hdf5|highfive/).*)
      | (?P<cxxopts>cxxopts.*)
      | (?P<streams>iostream|fstream)
      | (?P<oneDNN>(oneapi/)?dnnl.*)
      | (?P<CUDA>(cuda|cudnn|cublas|curand|nvrtc|nvml|nvToolsExt|nvtx3?/|thrust/|cub/|cooperative_groups).*)""",
    re.VERBOSE,
)
EDGE_NAMES = {"JSON": "JSON", "HDF5": "HDF5", "cxxopts": "cxxopts", "streams": "file and console streams",
              "oneDNN": "oneDNN", "CUDA": "CUDA"}

# The solver has one door.
SOLVER = re.compile(r"(coin/|coin-or/)?(Cbc|Cgl|Clp|Coin|Osi)\w*\.(hpp|h)")
SOLVER_FILE = "policies/components/linear_program.cpp"

SOURCES = {".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".ipp", ".c", ".cc", ".cpp", ".cxx", ".cu", ".cuh"}
HEADERS = {".h", ".hh", ".hpp", ".hxx", ".cuh"}
FOLDERS = ("sim", "policies", "traces", "src")

DIRECTIVE = re.compile(r"^\s*#\s*(?:include|include_next|import)\b\s*(.*)$")
TARGET = re.compile(r"""^(?:"(?P<quoted>[^"]+)"|<(?P<angled>[^>]+)>)""")
# A block comment, a line comment, or a string (so that `"/*"` opens no comment).
LEXEME = re.compile(r'/\*.*?(?:\*/|\Z)|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def without_comments(text):
    """The text with comments blanked and line numbers kept."""
    return LEXEME.sub(lambda m: m[0] if m[0][0] == '"' else " " + "\n" * m[0].count("\n"), text)


def layer_of(path):
    """The layer of a path from the project root (with /), or None."""
    parts = path.split("/")
    name = "/".join(parts[:2]) if parts[0] == "sim" else parts[0]
    return name if name in MAY_INCLUDE and len(parts) > name.count("/") + 1 else None


def includes_of(text):
    """Yields (line number, what follows #include)."""
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        match = DIRECTIVE.match(line)
        if match:
            yield number, match[1].strip()


def problem_of(layer, argument, file):
    """What is wrong with one #include of a file in a layer, or None."""
    match = TARGET.match(argument)
    if not match:
        return f"#include {argument}: write the file's name, a macro cannot be checked"
    quoted, path = match["quoted"] is not None, match["quoted"] or match["angled"]
    if ".." in path.split("/") or path.startswith(("./", "/")):
        return f"{argument}: write the path from the project root"
    target = layer_of(path)
    if target:
        if not quoted:
            return f'{argument}: write "{path}", it belongs to the project'
        if target != layer and target not in MAY_INCLUDE[layer]:
            allowed = ", ".join(sorted(MAY_INCLUDE[layer])) or "nothing of ours"
            return f"{layer} must not include {target} ({path}); it may include {allowed}"
        return None
    if path.split("/")[0] in FOLDERS:
        return f"{argument}: not in a layer"
    if SOLVER.fullmatch(path):
        return None if file == SOLVER_FILE else f"{argument}: CBC only in {SOLVER_FILE}"
    edge = EDGE.fullmatch(path)
    if edge:
        return None if layer == "src" else f"{argument}: {EDGE_NAMES[edge.lastgroup]} only in src"
    if quoted:
        return f"{argument}: write the path from the project root, or <...> for a library"
    return None


def check(root):
    """Yields `file:line: message` for each violation below root, in order of file name."""
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in SOURCES or not file.is_file():
                continue
            path = file.relative_to(root).as_posix()
            layer = layer_of(path)
            if layer is None:
                yield f"{path}:1: not in a layer ({', '.join(MAY_INCLUDE)})"
                continue
            if layer == "policies" and file.suffix in HEADERS and path != "policies/builtin.h" \
                    and not re.fullmatch(r"policies/components/[^/]+\.h", path):
                yield f"{path}:1: a policy has no header (only policies/builtin.h and policies/components/*.h)"
            for number, argument in includes_of(file.read_text(encoding="utf-8")):
                problem = problem_of(layer, argument, path)
                if problem:
                    yield f"{path}:{number}: {problem}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent,
                        help="the project's folder (default: the one this script is in)")
    root = parser.parse_args().root
    if not (root / "sim").is_dir():
        parser.error(f"{root}: there is no folder sim/ in it")
    violations = list(check(root))
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
