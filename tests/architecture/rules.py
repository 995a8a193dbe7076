"""Measure how well the project keeps its rules: `python -m tests.architecture.rules [--list]
[PATH…]`.

Without a path it reads the package, its tests and README. A table shows the figures; with `--list`
every offence comes first, with its place.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.architecture import borders, prose, shape
from tests.architecture.source import Offence, Source, sources

ROOT = Path(__file__).parents[2]
PARTS = ("pgtop", "tests", "README.md")

Check = Callable[[Sequence[Source]], Iterable[Offence]]


@dataclass(frozen=True)
class Rule:
    """A rule under a short name, and how its offences are found."""

    name: str
    check: Check
    is_for_tests: bool = True

    def offences(self, files: Sequence[Source]) -> list[Offence]:
        """Return all offences in `files`, in the order of their places."""
        if not self.is_for_tests:
            files = [file for file in files if not file.is_test]
        places = set(self.check(files))
        return sorted(places, key=lambda offence: (offence.path, offence.line))


def each(check: Callable[[Source], Iterable[Offence]]) -> Check:
    """Return a check of many files from a check of one."""

    def check_all(files: Sequence[Source]) -> Iterable[Offence]:
        for file in files:
            yield from check(file)

    return check_all


def ruff(*codes: str) -> Check:
    """Return a check that has ruff look for `codes`, at 100 columns."""

    def check(files: Sequence[Source]) -> Iterable[Offence]:
        names = {
            str(file.path.resolve()): file.name for file in files if file.is_python
        }
        if not names:
            return
        options = ["--isolated", "--no-cache", "--quiet", "--line-length=100"]
        command = [
            sys.executable,
            "-m",
            "ruff",
            "check",
            *options,
            f"--select={','.join(codes)}",
        ]
        run = subprocess.run(
            [*command, "--output-format=json", *names],
            capture_output=True,
            text=True,
            check=False,
        )
        for entry in json.loads(run.stdout):
            text = f"{entry['code']} {entry['message']}"
            yield Offence(names[entry["filename"]], entry["location"]["row"], text)

    return check


RULES = (
    Rule("verb-first", each(prose.verb_first)),
    Rule("docstring-style", ruff("D401", "D403", "D415")),
    Rule("opener", each(prose.openers)),
    Rule("fronted", each(prose.fronted)),
    Rule("speech", each(prose.speech)),
    Rule("words", each(prose.words)),
    Rule("participles", each(prose.participles)),
    Rule("crowded", each(shape.crowded), is_for_tests=False),
    Rule("complexity", each(shape.complex_blocks), is_for_tests=False),
    Rule("line-length", ruff("E501")),
    Rule("density", shape.dense_package, is_for_tests=False),
    Rule("module-length", each(shape.long_modules)),
    Rule("class-twice", shape.repeated_classes, is_for_tests=False),
    Rule("key-literal", each(shape.key_literals), is_for_tests=False),
    Rule("frozen-write", each(shape.frozen_writes), is_for_tests=False),
    Rule("begun-worker", each(shape.begun_workers), is_for_tests=False),
    Rule("psycopg", each(borders.psycopg_imports), is_for_tests=False),
    Rule("textual", each(borders.textual_imports), is_for_tests=False),
    Rule("textual-private", borders.textual_private, is_for_tests=False),
    Rule("signals", borders.signalling_functions, is_for_tests=False),
)


def verb_share(files: Iterable[Source]) -> tuple[int, int]:
    """Return how many docstrings of functions start with a verb, and how many there are."""
    docstrings = [docstring for file in files for docstring in file.docstrings]
    of_functions = [
        docstring for docstring in docstrings if prose.must_start_with_verb(docstring)
    ]
    words = [prose.first_word(docstring.text) for docstring in of_functions]
    return sum(word in prose.VERBS for word in words), len(words)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the offences and the table; the exit code is 1 if there are any."""
    parser = argparse.ArgumentParser(prog="rules", description=__doc__)
    parser.add_argument(
        "--list", action="store_true", help="list every offence with its place"
    )
    parser.add_argument(
        "--rule", action="append", metavar="NAME", help="only this rule; repeatable"
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    args = parser.parse_args(argv)
    paths = args.paths or [ROOT / part for part in PARTS]
    files = sources(ROOT, [path.resolve() for path in paths])
    rules = [rule for rule in RULES if not args.rule or rule.name in args.rule]
    offences = {rule.name: rule.offences(files) for rule in rules}
    if args.list:
        for name, places in offences.items():
            for offence in places:
                print(f"{offence}  [{name}]")
    _print_table(files, offences)
    return int(any(offences.values()))


def _print_table(files: Sequence[Source], offences: dict[str, list[Offence]]) -> None:
    package = [file for file in files if not file.is_test]
    tests = [file for file in files if file.is_test]
    print(f"{'rule':<18}{'package':>9}{'tests':>9}")
    names_of_tests = {file.name for file in tests}
    for name, places in offences.items():
        in_tests = sum(offence.path in names_of_tests for offence in places)
        print(f"{name:<18}{len(places) - in_tests:>9}{in_tests:>9}")
    for label, part in (("package", package), ("tests", tests)):
        verbs, docstrings = verb_share(part)
        tokens, lines = shape.density(part)
        if lines:
            share = 100 * verbs / max(1, docstrings)
            print(
                f"{label}: {share:.0f} % of {docstrings} docstrings start with a verb; ",
                end="",
            )
            print(f"{tokens / lines:.2f} tokens a line of {lines}")


if __name__ == "__main__":
    sys.exit(main())
