"""Every rule holds for every file; a failure lists the places that break it."""

from pathlib import Path
from textwrap import dedent

import pytest

from tests.architecture import borders, shape
from tests.architecture.rules import ROOT, RULES, Rule
from tests.architecture.source import Source, sources

PARTS_OF_TEXT = {"package": ("pgtop", "README.md"), "tests": ("tests",)}


@pytest.mark.parametrize("part", PARTS_OF_TEXT)
def test_every_rule_holds(part: str) -> None:
    """One test for each part: to read and parse its files takes longer than to check them."""
    files = sources(ROOT, [ROOT / name for name in PARTS_OF_TEXT[part]])
    rules = [rule for rule in RULES if rule.is_for_tests or part == "package"]
    offences = [
        f"{offence}  [{rule.name}]"
        for rule in rules
        for offence in rule.offences(files)
    ]
    assert not offences, "\n" + "\n".join(offences)


BROKEN = {
    "verb-first": '''
        def rows():
            """The rows."""
        ''',
    "docstring-style": '''
        def rows():
            """Returns rows."""
        ''',
    "opener": '''
        class Row:
            """What is shown."""
        ''',
    "fronted": """
        # Of two rows the first is shown.
        rows = 1
        """,
    "speech": """
        def tell_rows(): ...
        """,
    # Split, as this file keeps the rule, too.
    "words": "no" + "body_rows = 1\n",
    "participles": """
        found = 1
        """,
    "crowded": """
        rows = [row for row in (a if b else c)]
        """,
    "complexity": """
        def rows():
            return a and b and c and d and e and f and g and h and i and j and k
        """,
    "line-length": f"""
        rows = {"1" * 100}
        """,
    "density": """
        rows = table.rows + table.more_rows
        """,
    "module-length": "\n" * 451,
    "class-twice": """
        class Row: ...
        class Table:
            class Row: ...
        """,
    "key-literal": """
        def on_key(event):
            return event.key == "k"
        """,
    "frozen-write": """
        row.__dict__["cells"] = 1
        """,
    "begun-worker": """
        app.run_worker(self._play(), group="play")
        """,
    "psycopg": """
        def connect():
            from psycopg import pq
        """,
    "textual": """
        import rich.text
        """,
}

CLEAN = '''
    """Rows of a table, and the key that selects one."""


    class Row:
        """A row: who blocks whom, and with what."""

        @property
        def cells(self):
            """The cells, left to right."""
            return [cell for cell in self.columns]


    def rows(key):
        """Return the rows from the first that `key` selects."""
        # A user who presses no key gets all.
        return ROWS[key] if key else ROWS
    '''


def source_of(folder: Path, text: str, name: str = "pgtop/view/rows.py") -> Source:
    path = folder / Path(name).name
    path.write_text(dedent(text))
    return Source(path, name)


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.name in BROKEN], ids=lambda rule: rule.name
)
def test_a_rule_finds_what_breaks_it_and_nothing_else(
    rule: Rule, tmp_path: Path
) -> None:
    assert rule.offences([source_of(tmp_path, BROKEN[rule.name])])
    assert not rule.offences([source_of(tmp_path, CLEAN)])


def test_every_rule_is_broken_by_an_example() -> None:
    others = {"textual-private", "signals"}  # examples of their own below
    assert BROKEN.keys() | others == {rule.name for rule in RULES}


def test_private_names_of_textual_are_found_where_they_are_read_imported_or_replaced(
    tmp_path: Path,
) -> None:
    text = """
        from textual._xterm_parser import XTermParser

        class PgtopApp:
            def _print_error_renderables(self):
                self._rows = self._driver
        """
    source = source_of(tmp_path, text, "pgtop/tui/app.py")
    offences = [offence.text for offence in borders.textual_private([source])]
    assert offences == [
        "imports textual._xterm_parser.XTermParser",
        "reads _driver",
        "replaces _print_error_renderables",
    ]


def test_two_modules_that_can_signal_are_one_too_many(tmp_path: Path) -> None:
    name = borders.SIGNALS[0]
    first = source_of(tmp_path, f"sql = 'SELECT {name}(1)'", "pgtop/sources/signals.py")
    second = source_of(tmp_path, f"sql = 'SELECT {name}(2)'", "pgtop/sources/kill.py")
    assert not list(borders.signalling_functions([first]))
    assert len(list(borders.signalling_functions([first, second]))) == 2


def test_density_counts_code_alone(tmp_path: Path) -> None:
    text = '''
        """A docstring."""
        rows = [  # a comment
            "a text",
            f"{rows} of {table}",
        ]
        '''
    assert shape.density([source_of(tmp_path, text)]) == (8, 4)
