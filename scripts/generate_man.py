#!/usr/bin/env python3
"""Writes the man page, scripts/man/tideline.1, from the help of the program and of its verbs.

Exit status: 0 done, 1 --check and the file is not fresh, 2 usage, 3 the program is missing or its help is not as expected.
"""
import argparse
import difflib
import re
import subprocess
import sys
from pathlib import Path

# What no help says: files, each with what it is.
FILES = [
    ("results/NAME.h5", "Results of a run of NAME.json, unless an option says otherwise."),
    ("NAME.h5.part", "Results that are being written."),
    ("NAME.incomplete.h5", "Results of a run that was interrupted, up to then."),
    ("PREFIX/share/tideline/scenarios/", "Scenarios and catalogs that come with the program. Their README.md describes the format."),
    ("PREFIX/share/tideline/examples/own_policy/", "What a repository of own policies begins with."),
]
ENVIRONMENT = ("The program reads no variable of its own: results depend on the scenario and its seed alone. The HDF5 library reads some, "
               "such as HDF5_USE_FILE_LOCKING.")

ESCAPES = str.maketrans({"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"})


class Unexpected(Exception):
    """The program's help is not laid out as this script reads it."""


def roff(text):
    """Text as it is; a line of it may begin with a dot."""
    text = text.translate(ESCAPES)
    return r"\&" + text if text.startswith(".") else text


def filled(text):
    return roff(" ".join(text.split()))


def between(text, begin, end=None):
    if begin not in text or (end and end not in text.split(begin, 1)[1]):
        raise Unexpected(f"no text between {begin!r} and {end!r} in:\n{text}")
    rest = text.split(begin, 1)[1]
    return rest.split(end, 1)[0] if end else rest


def entries(text):
    """A list in two columns as pairs; what is indented further is the rest of the entry above."""
    pairs = []
    for line in text.rstrip("\n").splitlines():
        if not line or re.fullmatch(r" \S.* options:", line):  # between groups of options
            continue
        match = re.fullmatch(r"(?:  |      )(\S+(?: \S+)*)(?:  +(\S.*))?", line)
        if match:
            pairs.append((match[1], match[2] or ""))
        elif pairs and line.startswith("       "):
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}")
        else:
            raise Unexpected(f"an unexpected line: {line!r}")
    return pairs


def listed(pairs):
    return [line for term, text in pairs for line in (".TP", rf"\fB{roff(term)}\fR", filled(text))]


def page(ask):
    """The page, by what `ask` says that the program prints."""
    top = ask("--help")
    version = ask("--version").split()[1]
    verbs = [term.split()[0] for term, _ in entries(between(top, "[...]\n\n", "\n\nExit codes:")) if re.match("[a-z]", term)]
    helps = {verb: ask(verb, "--help") for verb in verbs}
    lines = [r'.\" Written by scripts/generate_man.py: change the help of the program, not this file.',
             f'.TH TIDELINE 1 "" "tideline {version}" "User Commands"',
             ".SH NAME", r"tideline \- simulator of managed, model\-less inference serving", ".SH SYNOPSIS"]
    for text in helps.values():
        program, verb, rest = between(text, "Usage:\n", "\n\n").split(maxsplit=2)
        lines += [rf"\fB{roff(program)} {roff(verb)}\fR {roff(rest)}", ".br"]
    lines += [r"\fBtideline \-\-version\fR", ".SH DESCRIPTION", filled(top.split("\n\n")[0]), ".SH VERBS"]
    for verb, text in helps.items():
        lines += [f".SS tideline {verb}", filled(text.split("\n\n")[0])]
        lines += listed(entries(between(between(text, "Usage:\n"), "\n\n", "\n\nExamples:")))
    lines += [".SH EXIT STATUS", *listed(entries(between(top, "Exit codes:\n")))]
    lines += [".SH ENVIRONMENT", filled(ENVIRONMENT), ".SH FILES", *listed(FILES), ".SH EXAMPLES", ".nf"]
    for text in helps.values():
        lines += [roff(line.strip()) for line in between(text, "Examples:\n").rstrip("\n").splitlines()]
    return "\n".join([*lines, ".fi", ".SH SEE ALSO", r"\fBh5dump\fR(1)"]) + "\n"


def main():
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, default=root / "build" / "release" / "tideline", help="default: build/release/tideline")
    parser.add_argument("--file", type=Path, default=root / "scripts" / "man" / "tideline.1", help="default: scripts/man/tideline.1")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the file is not what would be written")
    arguments = parser.parse_args()

    def ask(*words):
        return subprocess.run([arguments.program, *words], capture_output=True, text=True, check=True).stdout

    try:
        new = page(ask)
        old = arguments.file.read_text(encoding="utf-8") if arguments.file.exists() else ""
    except (OSError, subprocess.CalledProcessError, Unexpected) as error:
        print(f"generate_man.py: {error}", file=sys.stderr)
        return 3
    if new == old:
        return 0
    if arguments.check:
        sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), str(arguments.file), "fresh", n=1))
        print(f"generate_man.py: {arguments.file} is not fresh: run scripts/generate_man.py", file=sys.stderr)
        return 1
    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    arguments.file.write_text(new, encoding="utf-8")
    print(f"wrote {arguments.file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
