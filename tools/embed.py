#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes every file below DIR as a C array: embed.py OUT.c DEPFILE DIR. Declared in src/base/embedded.h."""
import pathlib
import sys


def main():
    out, depfile, top = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    files = sorted(p for p in top.rglob("*") if p.is_file() and p.suffix in (".yaml", ".csv", ".txt", ".css", ".js"))
    dirs = sorted({p.parent for p in files} | {top})  # a folder's time tells of new files in it
    lines = ['#include "base/embedded.h"', ""]
    for i, p in enumerate(files):
        data = p.read_bytes()
        lines.append("static const unsigned char data%d[] = {" % i)
        for k in range(0, len(data), 24):
            lines.append("    " + ",".join(str(b) for b in data[k:k + 24]) + ",")
        lines.append("    0};")
    lines.append("const struct embedded_file embedded_files[] = {")
    for i, p in enumerate(files):
        lines.append('    {"%s", (const char *)data%d, sizeof data%d - 1},' % (p.relative_to(top).as_posix(), i, i))
    lines.append("    {0, 0, 0}};")
    pathlib.Path(out).write_text("\n".join(lines) + "\n")
    pathlib.Path(depfile).write_text("%s: %s\n" % (pathlib.Path(out).name, " ".join(str(p) for p in files + dirs)))


main()
