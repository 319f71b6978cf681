#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What compilers and clang-tidy do not say about this tree. Prints FILE:LINE: what is wrong; exits 1 if anything is.

    lint.py            everything
    lint.py --rooms    only: a room includes only the rooms before it, by the table in docs/architecture.md
    lint.py --longest  the longest functions and files, for a look
"""
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
FILE_LINES, FUNCTION_LINES, COLUMNS = 600, 80, 120

# Files over FILE_LINES that are known, with why; each a debt until it is cut.
LONG_FILES = {
    "src/plan/assign.c": "placing by flow, by node and by hand: three nouns, to be cut",
    "src/plan/check.c": "the independent check shares no code with the search and stands in one place; to be cut by rule",
    "src/plan/master.c": "the integer program and its stages: to be cut",
}

# Calls that have no place here, each with what to use instead.
BANNED = {
    "strcpy": "arena_strdup, xstrdup", "strcat": "struct buf", "sprintf": "snprintf, struct buf", "vsprintf": "vsnprintf",
    "gets": "file_read", "strtok": "strcspn, strspn", "atoi": "units_parse_int", "atol": "units_parse_int",
    "atof": "units_parse_real", "rand": "base/rng.h", "srand": "base/rng.h", "random": "base/rng.h", "alloca": "an arena",
    "gettimeofday": "clock_gettime", "system": "posix_spawn", "signal": "sigaction", "tmpnam": "mkostemp", "mktemp": "mkostemp",
}
ALLOCATORS = {"malloc": "xmalloc", "calloc": "xcalloc", "realloc": "xrealloc", "strdup": "xstrdup", "strndup": "arena_strndup",
              "asprintf": "xasprintf", "vasprintf": "xasprintf"}
# Their last bits differ between machines; what decides an event's time uses base/detmath.h.
INEXACT = ("exp exp2 expm1 log log2 log10 log1p pow sin cos tan asin acos atan atan2 sinh cosh tanh tgamma lgamma erf erfc cbrt "
           "hypot").split()
EXACT_ROOMS = {"gpu", "serve", "voice", "load", "sim"}
# Whose words reach the user only through struct err and struct buf.
SILENT_ROOMS = {"base", "gpu", "serve", "voice", "load", "scenario", "sim", "report"}
PRINTS = "printf puts putchar perror exit abort _exit err errx warn warnx".split()
# Private paths and hosts; spelt in parts so that this line does not name them itself.
PRIVATE = re.compile("|".join(["/" + "work/", "/" + "root/", "/" + "home/[a-z]", "/tmp/" + "bash_jobs"]))

complaints = []


def complain(path, line, text):
    complaints.append("%s:%d: %s" % (path.relative_to(TOP) if path.is_absolute() else path, line, text))


def tracked():
    """The files of the tree; by git where there is one, else by walking (a source archive)."""
    try:
        out = subprocess.run(["git", "-C", str(TOP), "ls-files", "-co", "--exclude-standard"], capture_output=True, check=True).stdout
        return [TOP / p for p in out.decode().splitlines() if (TOP / p).is_file()]
    except (OSError, subprocess.CalledProcessError):
        return [p for p in TOP.rglob("*") if p.is_file() and not {"build", ".git", "runs"} & set(p.relative_to(TOP).parts)]


def bare(text):
    """C without comments and the insides of strings; every newline stays."""
    def blank(m):
        s = m.group(0)
        if s[0] in "\"'":
            return s[0] + " " * (len(s) - 2) + s[-1]
        return re.sub(r"[^\n]", " ", s)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def rooms():
    """{room: rooms that it may include}, from the table in docs/architecture.md: | `src/ROOM/` | what | includes |"""
    table = {}
    for line in (TOP / "docs/architecture.md").read_text().splitlines():
        m = re.match(r"^\| `src/(\w+)/` \|.*\| ([^|]*) \|$", line)
        if m:
            table[m[1]] = {m[1]} | set(re.findall(r"\w+", m[2].replace("nothing", "")))
    return table


def check_rooms():
    table = rooms()
    present = {p.name for p in (TOP / "src").iterdir() if p.is_dir()}
    page = TOP / "docs/architecture.md"
    for room in sorted(present ^ set(table)):
        complain(page, 1, "src/%s/ is %s" % (room, "not in the table of rooms" if room in present else "in the table and not in the tree"))
    for room in sorted(present & set(table)):
        for path in sorted((TOP / "src" / room).glob("*.[ch]")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                m = re.match(r'\s*#\s*include\s+"(?:([^/"]+)/)?[^"]*"', line)
                if m and m[1] not in table[room]:
                    complain(path, number, 'room %s may not include "%s" (docs/architecture.md)' % (room, m[1] or "a bare name"))


def functions(text):
    """(name, first line, lines) of every function; the brace that opens a body stands in the first column."""
    start = name = None
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if line == "{" and i:
            head = " ".join(lines[max(0, i - 4):i])
            found = re.findall(r"([A-Za-z_]\w*)\s*\(", head)
            start, name = i, found[-1] if found else "?"
            for back in range(i - 1, max(-1, i - 6), -1):
                m = re.match(r"^[A-Za-z_].*?([A-Za-z_]\w*)\s*\(", lines[back])
                if m:
                    name = m[1]
                    break
        elif line.startswith("}") and start is not None:
            yield name, start + 1, i - start + 1
            start = None


def check_c(path, text):
    where = path.relative_to(TOP).parts
    room = where[1] if where[0] == "src" else None
    if text.splitlines()[:1] != ["/* SPDX-License-Identifier: Apache-2.0 */"]:
        complain(path, 1, "the first line is not /* SPDX-License-Identifier: Apache-2.0 */")
    if path.suffix == ".h" and "#pragma once" not in text:
        complain(path, 1, "no #pragma once")
    code = bare(text)
    lines = code.splitlines()
    if len(lines) > FILE_LINES and path.relative_to(TOP).as_posix() not in LONG_FILES:
        complain(path, len(lines), "%d lines, at most %d: is it still one noun?" % (len(lines), FILE_LINES))
    for name, line, n in functions(code):
        if n > FUNCTION_LINES:
            complain(path, line, "%s() has %d lines, at most %d" % (name, n, FUNCTION_LINES))
    banned = dict(BANNED)
    if room and (room, path.stem) != ("base", "mem"):
        banned.update(ALLOCATORS)
    if room in EXACT_ROOMS:
        banned.update({f + s: "base/detmath.h, the same on every machine" for f in INEXACT for s in ("", "f", "l")})
    if room in SILENT_ROOMS and (room, path.stem) != ("base", "mem"):
        banned.update({f: "struct err or struct buf: a library neither prints nor exits" for f in PRINTS})
    if where[0] == "tests":
        banned.pop("system", None)
    call = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(banned))
    for number, line in enumerate(lines, 1):
        m = call.search(line)
        if m and not re.match(r"^[a-z_]+[ *]+%s\(" % m[1], line):
            complain(path, number, "%s(): use %s" % (m[1], banned[m[1]]))


def width(line):
    """Columns of a line; a text in quotes and a row of a table are not broken for the sake of columns."""
    if re.match(r"\s*(\{|X\()", line):
        return 0
    return len(re.sub(r'"(?:\\.|[^"\\])*"', '""', line))


def check_text(path, text):
    table = path.suffix in (".csv", ".json", ".svg", ".html") or "corpus" in path.parts
    if path.suffix in (".py", ".sh", ".t", ".build", ".yaml") or path.name in ("dev", "run"):
        if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(text.splitlines()[:3]) and path.suffix not in (".build",) and not table:
            complain(path, 1, "no SPDX-License-Identifier in the first three lines")
    if table:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if "\t" in line and path.name != "Makefile":
            complain(path, number, "a tab")
        if line != line.rstrip():
            complain(path, number, "blanks at the end of the line")
        if width(line) > COLUMNS and path.suffix in (".c", ".h", ".py", ".sh", ".build"):
            complain(path, number, "%d columns, at most %d" % (width(line), COLUMNS))
        if PRIVATE.search(line):
            complain(path, number, "a path of one machine")
    if text and not text.endswith("\n"):
        complain(path, len(text.splitlines()), "no newline at the end")


def longest():
    found = []
    for path in tracked():
        if path.suffix == ".c" and path.relative_to(TOP).parts[0] == "src":
            text = path.read_text()
            found += [(n, "%s:%d: %s()" % (path.relative_to(TOP), line, name)) for name, line, n in functions(bare(text))]
    for n, text in sorted(found, reverse=True)[:20]:
        print("%4d  %s" % (n, text))


def main():
    if "--longest" in sys.argv:
        longest()
        return 0
    check_rooms()
    if "--rooms" not in sys.argv:
        for path in tracked():
            try:
                text = path.read_text()
            except UnicodeDecodeError:
                continue
            if path.suffix in (".c", ".h"):
                check_c(path, text)
            check_text(path, text)
    print("".join(c + "\n" for c in complaints), end="")
    return 1 if complaints else 0


sys.exit(main())
