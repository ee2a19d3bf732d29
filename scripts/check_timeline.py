#!/usr/bin/env python3
"""Checks trace events as `tideline timeline` writes them.

  scripts/check_timeline.py timeline.json

Holds: every event has what its kind needs; slices of one track nest or are disjoint; every asynchronous slice that begins ends, in the order
of a stack; no time is negative. Prints the number of events and exits with 0, or prints the first faults and exits with 1.
"""
import argparse
import collections
import decimal
import json
import sys

NEEDS = {"X": {"pid", "tid", "name", "ts", "dur"}, "b": {"pid", "name", "cat", "id", "ts"}, "e": {"pid", "name", "cat", "id", "ts"},
         "M": {"pid", "name", "args"}}


def check(events):
    """Yields a line for every fault."""
    tracks, open_slices, last = collections.defaultdict(list), collections.defaultdict(list), {}
    named = {(e["pid"], e["tid"]) for e in events if e.get("ph") == "M" and e.get("name") == "thread_name"}
    for number, e in enumerate(events):
        kind = e.get("ph")
        missing = NEEDS.get(kind, {"a kind that is known"}) - e.keys()
        if missing:
            yield f"event {number} ({kind}): lacks {', '.join(sorted(missing))}"
            continue
        if kind == "M":
            continue
        if e["ts"] < 0 or e.get("dur", 0) < 0:
            yield f"event {number}: a negative time"
        if kind == "X":
            # Of equal beginnings the longer one is outside.
            tracks[e["pid"], e["tid"]].append((e["ts"], -e["dur"], e["name"]))
            continue
        key = e["pid"], e["cat"], e["id"]
        stack = open_slices[key]
        if kind == "b":
            if stack and e["ts"] < last[key]:
                yield f"event {number}: {e['name']} of {e['id']} begins before what is around it, or before the one next to it ends"
            stack.append(e["name"])
            last[key] = e["ts"]
        else:
            if not stack or stack[-1] != e["name"]:
                yield f"event {number}: {e['name']} of {e['id']} ends without having begun last"
                continue
            if e["ts"] < last[key]:
                yield f"event {number}: {e['name']} of {e['id']} ends before it begins, or before what is inside it"
            stack.pop()
            last[key] = e["ts"]
    for key, stack in open_slices.items():
        for name in stack:
            yield f"{name} of {key[2]}: never ends"
    for key, slices in tracks.items():
        if key not in named:
            yield f"track {key}: has no name"
        around = []
        for begin, minus_took, name in sorted(slices):
            end = begin - minus_took
            while around and around[-1][0] <= begin:
                around.pop()
            if around and end > around[-1][0]:
                yield f"track {key}: {name} from {begin} to {end} overlaps {around[-1][1]}, which ends at {around[-1][0]}"
            around.append((end, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("timeline")
    args = parser.parse_args()
    # Decimals: sums of times have to be exact, since neighbours touch.
    with open(args.timeline, encoding="utf-8") as file:
        events = json.load(file, parse_float=decimal.Decimal)["traceEvents"]
    faults = list(check(events))
    for fault in faults[:20]:
        print(fault)
    if faults:
        sys.exit(f"{args.timeline}: {len(faults)} faults")
    kinds = collections.Counter(e["ph"] for e in events)
    print(f"{args.timeline}: {kinds['X']} slices and {kinds['b']} asynchronous ones, all nested and paired")


if __name__ == "__main__":
    main()
