#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real output in the documents: readme.py [--check] SNUG PAGE... runs what stands in the marks

    <!-- output of: snug gpus A30-24GB | head -n 8 -->
    ```
    ...
    ```
    <!-- end of output -->

from the top of the checkout and puts its standard output between the fences. With --check nothing is
written; it exits 1 and says what differs.
"""
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
MARK = re.compile(r"(<!-- output of: (.*?) -->\n```[a-z]*\n)(.*?)(```\n<!-- end of output -->)", re.S)


def output_of(command, snug):
    with tempfile.TemporaryDirectory(prefix="snug-readme-") as scratch:
        pathlib.Path(scratch, "snug").symlink_to(snug)
        env = dict(os.environ, PATH="%s:%s" % (scratch, os.environ.get("PATH", "/usr/bin:/bin")), NO_COLOR="1", LC_ALL="C.UTF-8")
        p = subprocess.run(["bash", "-c", "set -o pipefail\n" + command], cwd=TOP, env=env, capture_output=True, text=True,
                           timeout=600, check=False, stdin=subprocess.DEVNULL)
    if p.returncode not in (0, 1):
        sys.exit("%s: exit status %d\n%s" % (command, p.returncode, p.stderr))
    return p.stdout


def main():
    args = [a for a in sys.argv[1:] if a != "--check"]
    snug, pages, rc = pathlib.Path(args[0]).resolve(), args[1:], 0
    for name in pages:
        page = pathlib.Path(name)
        old = page.read_text()
        new = MARK.sub(lambda m: m[1] + output_of(m[2], snug) + m[4], old)
        if new != old and "--check" in sys.argv:
            print("%s is not what the program prints; tools/readme.py build/snug %s" % (name, name))
            print("".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "page", "program", n=1)), end="")
            rc = 1
        elif new != old:
            page.write_text(new)
    return rc


sys.exit(main())
