#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the TAP subtests of a meson test run: tally.py BUILD/meson-logs/testlog.json SUITE...

Prints what failed, what was skipped and why, a line for every suite, and as its last line
`N passed, N failed, N skipped`. Exits 1 when something failed. With CI=true a skip fails the run unless
tests/allowed-skips.txt lists it.
"""
import fnmatch
import json
import os
import pathlib
import re
import sys

LINE = re.compile(r"^(not )?ok\b *(\d+)?(?: *-)? *(.*?)(?: *# *(SKIP|TODO)\b *(.*))?$", re.I)
PLAN = re.compile(r"^1\.\.(\d+)(?: *# *SKIP\b *(.*))?", re.I)


class Count:
    def __init__(self):
        self.passed, self.failed, self.skipped, self.seconds = 0, [], [], 0.0


def read_tap(test, count):
    """One program's output into the count; a program that ends badly or early is a failure of its own."""
    planned, seen, failed = None, 0, 0
    lines = test.get("stdout", "").splitlines()
    for i, line in enumerate(lines):
        plan, m = PLAN.match(line), LINE.match(line)
        if plan:
            planned = int(plan[1])
            if planned == 0:
                count.skipped.append((test["name"], "", plan[2] or "no reason given"))
        elif m:
            seen += 1
            if m[4] and m[4].upper() == "SKIP":
                count.skipped.append((test["name"], m[3], m[5] or "no reason given"))
            elif m[1]:
                failed += 1
                notes = []
                for note in lines[i + 1:]:
                    if not note.startswith("#"):
                        break
                    notes.append(note)
                count.failed.append((test["name"], m[3], notes))
            else:
                count.passed += 1
    wrong = None
    if test["result"] == "TIMEOUT":
        wrong = "did not end in time"
    elif planned is None:
        wrong = "printed no plan"
    elif seen != planned:
        wrong = "planned %d tests and ran %d" % (planned, seen)
    elif test.get("returncode") and not failed:
        wrong = "ended with status %s" % test["returncode"]
    if wrong:
        tail = (test.get("stdout", "") + test.get("stderr", "")).splitlines()[-40:]
        count.failed.append((test["name"], wrong, ["# " + t for t in tail]))


def allowed_skips(path):
    """Lines `TEST/SUBTEST  # reason`, both names as shell patterns."""
    rows = [line.split("#", 1) for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return [row[0].strip() for row in rows if len(row) == 2 and row[1].strip()]


def main():
    log, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
    suites = {s: Count() for s in wanted}
    known = json.loads((log.parent.parent / "meson-info/intro-tests.json").read_text())
    suite_of = {t["name"]: t["suite"][0].split(":")[-1] for t in known}
    expected = {name for name, suite in suite_of.items() if suite in suites}
    for line in log.read_text().splitlines() if log.exists() else []:
        test = json.loads(line)
        name = test["name"].split(" / ")[-1]
        if name in expected:
            test["name"] = name
            expected.discard(name)
            suites[suite_of[name]].seconds += test.get("duration") or 0
            read_tap(test, suites[suite_of[name]])
    for name in sorted(expected):
        suites[suite_of[name]].failed.append((name, "did not run", []))

    if os.environ.get("CI") == "true":
        allowed = allowed_skips(pathlib.Path(__file__).parent.parent / "tests/allowed-skips.txt")
        for count in suites.values():
            for test, sub, why in count.skipped:
                if not any(fnmatch.fnmatchcase(test + "/" + sub, a) for a in allowed):
                    count.failed.append((test, sub, ["# a skip that tests/allowed-skips.txt does not list: " + why]))
    for count in suites.values():
        for test, sub, notes in count.failed:
            print("FAILED %s: %s" % (test, sub))
            print("".join("    %s\n" % n for n in notes), end="")
    for count in suites.values():
        for test, sub, why in count.skipped:
            print("skipped %s%s: %s" % (test, ": " + sub if sub else "", why))
    for name, c in suites.items():
        print("%-12s %5d passed, %d failed, %d skipped  (%.1f s of CPU and waiting)" %
              (name, c.passed, len(c.failed), len(c.skipped), c.seconds))
    passed = sum(c.passed for c in suites.values())
    failed = sum(len(c.failed) for c in suites.values())
    skipped = sum(len(c.skipped) for c in suites.values())
    if passed + failed == 0:
        failed = 1
        print("FAILED: no test ran")
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0


sys.exit(main())
