"""A report as Markdown: every text of a server is escaped, and a chart is a line of blocks."""

import re
from collections.abc import Iterable, Sequence

from pgtop.view.report.contents import (
    Chart,
    Curve,
    Page,
    Part,
    TablePart,
    TextPart,
)
from pgtop.view.report.points import columns
from pgtop.view.spark import LEVELS

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_CELLS = 60
_GAP = "╌"


def markdown(report: Page) -> str:
    """Return the page as Markdown."""
    lines = [f"# {_escaped(report.title)}", ""]
    for section in report.sections:
        lines += [f"## {_escaped(section.heading)}", ""]
        for part in section.parts:
            lines += [*_part(part), ""]
    return "\n".join(lines).rstrip() + "\n"


def _part(part: Part) -> Iterable[str]:
    if isinstance(part, TextPart):
        return [_escaped(part.text)]
    return _table(part) if isinstance(part, TablePart) else _chart(part)


def _table(table: TablePart) -> Iterable[str]:
    yield _row(map(_escaped, table.headings))
    yield _row("---" for _ in table.headings)
    for row in table.rows:
        cells = list(map(_escaped, row))
        if table.code is not None:
            cells[table.code] = _code(row[table.code])
        yield _row(cells)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _chart(chart: Chart) -> Iterable[str]:
    yield f"**{_escaped(chart.title)}** ({chart.unit})"
    yield ""
    curves = chart.all_curves
    width = max(len(curve.name) for curve in curves)
    for curve in curves:
        yield f"    {curve.name:<{width}} {_spark(chart, curve)} {_range(curve)}"


def _spark(chart: Chart, curve: Curve) -> str:
    count = min(_CELLS, len(chart.times))
    cells = columns(chart.times, curve.values, chart.gaps, count)
    most = max([cell for cell in cells if cell is not None], default=0) or 1
    return "".join([_level(cell, most) for cell in cells])


def _level(cell: float | None, most: float) -> str:
    """Return a block of that height; a dash in a gap."""
    return _GAP if cell is None else LEVELS[min(7, int(cell / most * 7.999))]


def _range(curve: Curve) -> str:
    values: Sequence[float] = curve.values or [0]
    return f"{min(values):.4g} to {max(values):.4g}"


def _escaped(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def _code(text: str) -> str:
    """Return text as code: between more backticks than it has; a pipe would end the cell."""
    if not text:
        return ""
    runs = re.findall(r"`+", text)
    fence = "`" * (1 + max(map(len, runs), default=0))
    return f"{fence} {text.replace('|', chr(0xA6))} {fence}"
