"""Terminals that lack pgtop's signs show similar ones, cell for cell."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgtop.text.ascii import to_ascii, to_console
from pgtop.text.clean import cells

PACKAGE = Path(__file__).parents[2] / "pgtop"
ROOMS = ("analysis", "model", "table", "tui", "view")
NOT_DRAWN = ("lookalikes.py", "matchers.py", "csv_report.py")
"""Modules with signs of others: of keyboards, of queries, of spreadsheets."""
SPARKS = "▁▂▃▄▅▆▇█"


def _signs() -> Iterator[str]:
    """Yield every sign in the texts of the rooms that make what is on screen."""
    for room in ROOMS:
        for path in (PACKAGE / room).rglob("*.py"):
            if path.name in NOT_DRAWN:
                continue
            for text in _texts(ast.parse(path.read_text())):
                yield from (sign for sign in text if not sign.isascii())


def _texts(module: ast.Module) -> Iterator[str]:
    """Yield the texts of a module, without its docstrings."""
    documentation = {
        id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)
    }
    for node in ast.walk(module):
        if not isinstance(node, ast.Constant) or id(node) in documentation:
            continue
        if isinstance(node.value, str):
            yield node.value


def test_every_sign_on_screen_has_an_ascii_form() -> None:
    signs = set(_signs()) - {"\N{REPLACEMENT CHARACTER}"}
    assert "▲" in signs
    for sign in signs:
        assert to_ascii(sign) not in ("", "?")
        assert cells(to_ascii(sign)) == cells(sign) == 1


def test_the_levels_of_a_spark_differ() -> None:
    assert to_ascii(SPARKS) == "_.:-=+*#"
    assert len(set(to_ascii(SPARKS))) == len(SPARKS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("▲9 ▶▌ │─ used ▃▅▇", "▲9 ▶▌ │─ used :=*"),
        ("╭─╮ ╰─╯ ✓", "┌─┐ └─┘ +"),
        ("Müller 漢字", "Müller 漢字"),
    ],
)
def test_a_linux_console_keeps_the_signs_of_its_font(text: str, shown: str) -> None:
    assert to_console(text) == shown
    assert cells(to_console(text)) == cells(text)
