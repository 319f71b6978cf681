#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the program as a user does: run.py SNUG CASES.t [NAME]. Prints TAP.

A case:
    = a mistyped option is told the nearest one
    $ snug help --mn                       bash; several lines are one script; a fresh directory each
    ? 2                                    its exit status, 0 unless given
    > exact line                           these lines are on standard output, in this order
    >~ regular expression                  a line that matches, in the same order
    >! regular expression                  no line matches
    >0                                     nothing at all
    2> 2>~ 2>! 2>0                         the same of standard error
    @ needs PROGRAM                        skipped where it is absent
In the environment: $SOURCE is the checkout, snug is the program under test.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

STATUS_SECONDS = 300  # a case that takes longer hangs


def read_cases(path):
    cases = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("= "):
            cases.append({"name": line[2:], "script": [], "status": 0, "checks": [], "needs": []})
        elif line.startswith("$ "):
            cases[-1]["script"].append(line[2:])
        elif line.startswith("? "):
            cases[-1]["status"] = int(line[2:])
        elif line.startswith("@ needs "):
            cases[-1]["needs"].append(line[8:].strip())
        elif m := re.match(r"^(2?)>(0$|~ |! | |$)(.*)$", line):
            cases[-1]["checks"].append(("stderr" if m[1] else "stdout", m[2].strip(), m[3]))
        elif line and not line.startswith("#"):
            sys.exit("%s:%d: not a line of a case: %s" % (path, number, line))
    return cases


def judge(case, status, output):
    """The complaints about one run."""
    wrong = []
    if status != case["status"]:
        wrong.append("exit status %s, expected %d" % (status, case["status"]))
    at = {"stdout": 0, "stderr": 0}
    for stream, kind, text in case["checks"]:
        lines = output[stream].splitlines()
        if kind == "0":
            if output[stream]:
                wrong.append("%s is not empty" % stream)
        elif kind == "!":
            wrong += ["%s has the line: %s" % (stream, line) for line in lines if re.search(text, line)][:3]
        else:
            found = [i for i, line in enumerate(lines) if i >= at[stream] and
                     (re.search(text, line) if kind == "~" else line == text)]
            if found:
                at[stream] = found[0] + 1
            else:
                wrong.append("%s lacks: %s" % (stream, text))
    for stream in ("stdout", "stderr"):
        if re.search(r"Sanitizer|runtime error:", output[stream]):
            wrong.append("a sanitizer complains")
    return wrong


def run(case, snug):
    top = pathlib.Path(__file__).resolve().parent.parent.parent
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "SNUG_SEED")}
    with tempfile.TemporaryDirectory(prefix="snug-cli-") as scratch:
        bin_dir = pathlib.Path(scratch, "bin")
        work = pathlib.Path(scratch, "work")
        bin_dir.mkdir()
        work.mkdir()
        (bin_dir / "snug").symlink_to(snug)
        env.update(PATH="%s:%s" % (bin_dir, env.get("PATH", "/usr/bin:/bin")), SOURCE=str(top), LC_ALL="C", TERM="dumb")
        try:
            p = subprocess.run(["bash", "-c", "\n".join(case["script"])], cwd=work, env=env, stdin=subprocess.DEVNULL,
                               capture_output=True, timeout=STATUS_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return ["did not end within %d s" % STATUS_SECONDS], {"stdout": "", "stderr": ""}
    output = {"stdout": p.stdout.decode("utf-8", "replace"), "stderr": p.stderr.decode("utf-8", "replace")}
    return judge(case, p.returncode, output), output


def main():
    snug, path = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    cases = [c for c in read_cases(path) if len(sys.argv) < 4 or sys.argv[3] in c["name"]]
    print("1..%d" % len(cases), flush=True)
    failed = 0
    for i, case in enumerate(cases, 1):
        absent = [n for n in case["needs"] if not shutil.which(n)]
        if absent:
            print("ok %d - %s # SKIP %s is not installed" % (i, case["name"], ", ".join(absent)), flush=True)
            continue
        wrong, output = run(case, snug)
        failed += bool(wrong)
        print("%s %d - %s" % ("not ok" if wrong else "ok", i, case["name"]), flush=True)
        if wrong:
            shown = wrong + ["$ " + s for s in case["script"]] + \
                ["> " + s for s in output["stdout"].splitlines()[:20]] + ["2> " + s for s in output["stderr"].splitlines()[:20]]
            print("".join("# %s\n" % s for s in shown), end="", flush=True)
    return 1 if failed else 0


sys.exit(main())
