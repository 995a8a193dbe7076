"""The parts of README that are made from declarations. `python -m tests.readme` writes them; a test compares them."""

from collections.abc import Iterable
from pathlib import Path

from pgtop.actions import ACTIONS, Group
from pgtop.cli.exit_codes import Exit
from pgtop.table.columns import COLUMNS
from pgtop.table.language.help import FILTER_HELP
from tests.roles import WATCHERS

README = Path(__file__).parents[1] / "README.md"


def sections() -> dict[str, str]:
    """Each generated section by the name in its marker."""
    return {"keys": _keys(), "filter": _filter(), "columns": _columns(), "roles": _roles(), "exit codes": _exits()}


def with_sections(text: str) -> str:
    """`text` with each section between its markers replaced."""
    for name, body in sections().items():
        start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        text = f"{before}{start}{body}{end}{after}"
    return text


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _keys() -> str:
    order = {group: place for place, group in enumerate(Group)}
    actions = sorted(ACTIONS, key=lambda action: order[action.group])
    rows = ((" ".join(f"`{key}`" for key in a.key_names), a.title, a.group.value) for a in actions)
    return _table(("key", "what it does", "group"), rows)


def _filter() -> str:
    return _table(("write", "meaning"), ((f"`{entry.example}`", entry.meaning) for entry in FILTER_HELP))


def _columns() -> str:
    rows = ((f"`{c.name}`", c.title.strip(), c.meaning + (" (with `w`)" if c.on_request else "")) for c in COLUMNS)
    return _table(("name", "heading", "meaning"), rows)


def _roles() -> str:
    head = ("as", "sees", "reads of 20 slots", "may end", "is warned about the others", "is refused with")
    return _table(head, ((f"`{w.name}`, {w.title}", *w.experience) for w in WATCHERS))


def _exits() -> str:
    return _table(("code", "meaning"), ((str(int(code)), code.meaning) for code in Exit))


if __name__ == "__main__":
    README.write_text(with_sections(README.read_text()))
