#!/usr/bin/env python3
"""Writes what is made of declarations: the reference manual of the policies, policies/README.md (from tideline policies --json), and
the schema of scenarios, scenarios/schema.json (tideline schema).

The head of the manual, above the marker, is written by hand and stays. Exit status: 0 done, 1 --check and a file is not fresh,
2 usage, 3 the program or a file is missing.
"""
import argparse
import difflib
import json
import subprocess
import sys
from pathlib import Path

MARKER = "<!-- What follows is written by scripts/generate_docs.py: change the declarations in the policies, not this file. -->\n"
KINDS = ["admission", "selection", "dispatch", "sharing", "batching", "autoscaling", "placement", "coldstart", "eviction"]


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def value_text(value):
    return f"`{number(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)}`"


def number(x):
    return str(int(x)) if float(x).is_integer() and abs(x) < 1e15 else repr(x)


def range_text(parameter):
    if "choices" in parameter:
        return ", ".join(f"`{c}`" for c in parameter["choices"])
    low, high = parameter.get("minimum"), parameter.get("maximum")
    if low is not None and high is not None:
        return f"{number(low)} .. {number(high)}"
    if low is not None:
        return f"{number(low)} or more"
    if high is not None:
        return f"{number(high)} or less"
    return ""


def manual(policies):
    lines = [MARKER]
    joint = [p for p in policies if len(p["kinds"]) > 1]
    sections = [(kind, [p for p in policies if p["kinds"] == [kind]]) for kind in KINDS]
    if joint:
        sections.append(("joint", joint))
    for title, members in sections:
        lines += ["", f"## {title}", ""]
        for p in sorted(members, key=lambda p: p["name"]):
            note = " (default)" if p["default"] else ""
            lines += [f"### `{p['name']}`{note}", "", p["help"], ""]
            lines += [f"*{p['provenance'].capitalize()}:* {p['citation']}", ""]
            if len(p["kinds"]) > 1:
                lines += [f"Kinds: {', '.join(p['kinds'])}.", ""]
            if not p["parameters"]:
                lines += ["No parameters.", ""]
                continue
            lines += ["| parameter | type | default | range | |", "|---|---|---|---|---|"]
            for f in p["parameters"]:
                unit = f", {f['unit']}" if "unit" in f else ""
                default = "required" if f.get("required") else value_text(f["default"])
                lines.append(f"| `{f['name']}` | {f['type']}{unit} | {cell(default)} | {cell(range_text(f))} | {cell(f['help'])} |")
            lines.append("")
    text = "\n".join(lines).rstrip("\n") + "\n"
    return text.replace("\n\n\n", "\n\n")


def bring_up_to_date(file, old, new, check):
    """Whether the file was as it is to be, or has been made so."""
    if new == old:
        return True
    if check:
        sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), str(file), "fresh", n=1))
        print(f"generate_docs.py: {file} is not fresh: run scripts/generate_docs.py", file=sys.stderr)
        return False
    file.write_text(new, encoding="utf-8")
    print(f"wrote {file}")
    return True


def main():
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=root / "build" / "release" / "tideline", help="default: build/release/tideline")
    parser.add_argument("--file", type=Path, default=root / "policies" / "README.md", help="default: policies/README.md")
    parser.add_argument("--schema", type=Path, default=root / "scenarios" / "schema.json", help="default: scenarios/schema.json")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is not what would be written")
    arguments = parser.parse_args()
    try:
        def says(*words):
            return subprocess.run([arguments.program, *words], capture_output=True, text=True, check=True).stdout

        policies, schema = json.loads(says("policies", "--json")), says("schema")
        old, old_schema = arguments.file.read_text(encoding="utf-8"), arguments.schema.read_text(encoding="utf-8")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"generate_docs.py: {error}", file=sys.stderr)
        return 3
    if MARKER not in old:
        print(f"generate_docs.py: {arguments.file} has no line\n{MARKER}", file=sys.stderr)
        return 3
    fresh = [bring_up_to_date(arguments.file, old, old[: old.index(MARKER)] + manual(policies), arguments.check),
             bring_up_to_date(arguments.schema, old_schema, schema, arguments.check)]
    return 0 if all(fresh) else 1


if __name__ == "__main__":
    sys.exit(main())
