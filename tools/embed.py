#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes every file below each DIR as a C array: embed.py OUT.c DEPFILE DIR[=PREFIX]... Declared in src/base/embedded.h."""
import pathlib
import sys


def main():
    out, depfile = sys.argv[1:3]
    found, dirs = {}, set()
    for arg in sys.argv[3:]:
        top, _, prefix = arg.partition("=")
        top = pathlib.Path(top)
        for p in top.rglob("*"):
            if p.is_file() and p.suffix in (".yaml", ".csv", ".txt", ".css", ".js"):
                found[prefix + p.relative_to(top).as_posix()] = p
                dirs.add(p.parent)  # a folder's time tells of new files in it
        dirs.add(top)
    files = [(name, found[name]) for name in sorted(found)]
    lines = ['#include "base/embedded.h"', ""]
    for i, (name, p) in enumerate(files):
        data = p.read_bytes()
        lines.append("static const unsigned char data%d[] = {" % i)
        for k in range(0, len(data), 24):
            lines.append("    " + ",".join(str(b) for b in data[k:k + 24]) + ",")
        lines.append("    0};")
    lines.append("const struct embedded_file embedded_files[] = {")
    for i, (name, p) in enumerate(files):
        lines.append('    {"%s", (const char *)data%d, sizeof data%d - 1},' % (name, i, i))
    lines.append("    {0, 0, 0}};")
    pathlib.Path(out).write_text("\n".join(lines) + "\n")
    needs = " ".join(str(p) for p in [f for _, f in files] + sorted(dirs))
    pathlib.Path(depfile).write_text("%s: %s\n" % (pathlib.Path(out).name, needs))


main()
