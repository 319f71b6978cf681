#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The documents against the program and the tree: check_docs.py SNUG. Prints TAP."""
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SNUG = str(pathlib.Path(sys.argv[1]).resolve())
PAGES = [p for p in [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").glob("*.md"))] if p.exists()]
# What may follow a command in a line of shell.
SHELL = {"|", "||", "&&", ";", ">", ">>", "<", "2>", "&"}


class Skip(Exception):
    pass


def run(words, **how):
    return subprocess.run(words, capture_output=True, text=True, check=False, **how)


def snug(*args):
    return run([SNUG, *args], timeout=60, stdin=subprocess.DEVNULL)


def commands():
    """The commands that the program has, as its overview lists them."""
    return re.findall(r"^  ([a-z]+) ", snug("help").stdout.split("Commands:")[1], re.M)


def code_lines(text):
    """(line number, line) of every line of code: fenced, or indented by four blanks after an empty line."""
    fenced, code, before = False, False, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            yield number, line
        elif line.startswith("    ") and (code or not before.strip()):
            code = True
            yield number, line[4:]
        else:
            code = False
        before = line


def command_lines(text):
    """Every `snug ...` of a text's code: as a list of words without what the shell takes."""
    for number, line in code_lines(text):
        line = re.sub(r"^\$ ", "", line.strip())
        for part in re.split(r"&&|\|\||;|\||<\(", re.sub(r"\s#.*", "", line)):
            m = re.match(r"\s*(?:time +)?(?:\S*/)?snug +(.*)", part)
            if m:
                try:
                    words = shlex.split(m[1].rstrip(")"))
                except ValueError as e:
                    yield number, None, "%s: %s" % (line, e)
                    continue
                cut = [i for i, w in enumerate(words) if w in SHELL or re.match(r"^[012]?[<>]", w)]
                yield number, words[:cut[0]] if cut else words, line


def parses(words):
    """None if the program accepts the options of a command line, else what it says. --help at the end keeps it from running."""
    if "..." in words or any(re.search(r"\.\.\.$|^\[", w) for w in words) or words[:1] in (["COMMAND"], ["NAME"]):
        return None
    if words[:1] and words[0].startswith("-"):
        p = snug(*words)
    else:
        at = words.index("--") if "--" in words else len(words)
        p = snug(*words[:at], "--help")
    return None if p.returncode == 0 else p.stderr.strip()


def commands_in_documents_parse():
    wrong = []
    for page in PAGES:
        for number, words, line in command_lines(page.read_text()):
            problem = line if words is None else parses(words)
            if problem:
                wrong.append("%s:%d: %s: %s" % (page.relative_to(TOP), number, line, problem))
    return wrong


def examples_in_help_parse():
    wrong = []
    for command in commands():
        text = snug(command, "--help").stdout
        for line in re.findall(r"^  (\S.*)$", text.split("\nExamples:\n")[-1], re.M) if "\nExamples:\n" in text else []:
            for _, words, _ in command_lines("\n    " + line):
                problem = "quotes" if words is None else parses(words)
                if problem:
                    wrong.append("%s --help: %s: %s" % (command, line, problem))
    return wrong


def options_in_documents_exist():
    """Every --option in backquotes of a page belongs to some command, to ./dev's tools, or is shown as another's."""
    known = set()
    for command in commands():
        known |= set(re.findall(r"--[a-z][a-z-]*", snug(command, "--help").stdout))
    tools = "".join(p.read_text() for p in [TOP / "dev", *sorted((TOP / "tools").glob("*"))] if p.is_file())
    known |= set(re.findall(r"--[a-z][a-z-]*", tools))
    wrong = []
    for page in PAGES:
        for number, line in enumerate(page.read_text().splitlines(), 1):
            for quoted in re.findall(r"`([^`]*)`", line):
                if re.match(r"(nvidia-smi|kubectl|apt-get|vllm|docker) ", quoted):
                    continue
                wrong += ["%s:%d: no command has %s" % (page.relative_to(TOP), number, o)
                          for o in re.findall(r"(?<!\S)--[a-z][a-z-]*", quoted) if o not in known]
    return wrong


def paths_in_documents_exist():
    first = {p.name for p in TOP.iterdir()} - {"build", "runs", "report.html"}
    wrong = []
    for page in PAGES:
        text = page.read_text()
        found = re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text)
        wrong += ["%s: the link %s leads nowhere" % (page.relative_to(TOP), f) for f in found if not (page.parent / f).exists()]
        for quoted in re.findall(r"`([^`\s]+)`", text):
            head = quoted.split("/")[0]
            if "/" in quoted and head in first and not re.search(r"[A-Z*]{4,}|NOUN|ROOM|NAME", quoted):
                if not (TOP / quoted).exists():
                    wrong.append("%s: %s is not in the tree" % (page.relative_to(TOP), quoted))
    return wrong


def dev_words_in_documents_exist():
    words = set(re.findall(r"^\./dev ([a-z]+)", run([str(TOP / "dev")]).stdout, re.M))
    makefile = set(re.search(r"^WORDS = (.*)$", (TOP / "Makefile").read_text(), re.M)[1].split())
    wrong = ["Makefile and ./dev differ: %s" % " ".join(sorted(words ^ makefile))] if words != makefile else []
    for page in PAGES:
        for word in re.findall(r"\./dev ([a-z]+)", page.read_text()):
            if word not in words:
                wrong.append("%s: ./dev has no word %s" % (page.relative_to(TOP), word))
    return wrong


def command_tables_agree():
    """COMMANDS, the build's list and the files name the same commands."""
    table = re.findall(r"X\((\w+)\)", (TOP / "src/cmd/commands.h").read_text().split("#define COMMANDS")[1])
    build = re.findall(r"'(\w+)'", re.search(r"commands = \[(.*?)\]", (TOP / "src/cmd/meson.build").read_text(), re.S)[1])
    wrong = []
    if sorted(table) != sorted(build) or table != commands():
        wrong.append("commands.h: %s; meson.build: %s; snug help: %s" % (table, build, commands()))
    wrong += ["src/cmd/%s.c is missing" % c for c in table if not (TOP / "src/cmd" / (c + ".c")).exists()]
    return wrong


def exit_statuses_agree():
    page = dict(re.findall(r"^\| (\d+) \| (.*) \|$", (TOP / "docs/errors.md").read_text(), re.M))
    man = re.sub(r"\\-", "-", snug("help", "--man").stdout)
    section = man.split(".SH EXIT STATUS")[1].split(".SH")[0]
    manual = {k: " ".join(v.split()) for k, v in re.findall(r"\.TP\n\.B (\d+)\n(.*?)(?=\.TP|\Z)", section, re.S)}
    return [] if page == manual else ["docs/errors.md: %s" % page, "snug(1): %s" % manual]


def man_pages_pass_mandoc():
    if not shutil.which("mandoc"):
        raise Skip("mandoc is not installed")
    wrong = []
    for command in [None, *commands()]:
        page = snug("help", "--man", *([command] if command else [])).stdout
        p = run(["mandoc", "-Tlint", "-Wwarning"], input=page)
        # Pages that snug(1) refers to are not installed while tests run.
        wrong += ["%s: %s" % (command or "snug", line) for line in p.stdout.splitlines() if "referenced manual not found" not in line]
    return wrong


def completion_is_valid_bash():
    p = run(["bash", "-n"], input=snug("help", "--completion", "bash").stdout)
    return p.stderr.splitlines()


def rooms_include_what_the_page_allows():
    p = run([sys.executable, str(TOP / "tools/lint.py"), "--rooms"])
    return (p.stdout + p.stderr).splitlines() if p.returncode else []


def excerpts_are_what_the_program_prints():
    pages = [str(p) for p in PAGES if "<!-- output of:" in p.read_text()]
    p = run([sys.executable, str(TOP / "tools/readme.py"), "--check", SNUG, *pages])
    return (p.stdout + p.stderr).splitlines() if p.returncode else []


def help_fits_a_terminal():
    return ["%s --help: %d columns: %s" % (c, len(line), line) for c in commands()
            for line in snug(c, "--help").stdout.splitlines() if len(line) > 100]


CHECKS = [commands_in_documents_parse, examples_in_help_parse, options_in_documents_exist, paths_in_documents_exist,
          dev_words_in_documents_exist, command_tables_agree, exit_statuses_agree, man_pages_pass_mandoc,
          completion_is_valid_bash, rooms_include_what_the_page_allows,
          excerpts_are_what_the_program_prints, help_fits_a_terminal]


def main():
    print("1..%d" % len(CHECKS))
    failed = 0
    for i, check in enumerate(CHECKS, 1):
        try:
            wrong = check()
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (i, check.__name__, why))
            continue
        failed += bool(wrong)
        print("%s %d - %s" % ("not ok" if wrong else "ok", i, check.__name__))
        print("".join("# %s\n" % line for w in wrong for line in w.splitlines()), end="", flush=True)
    return 1 if failed else 0


sys.exit(main())
