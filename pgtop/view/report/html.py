"""A report as one HTML file: no script, nothing loaded from elsewhere, charts drawn as SVG."""

from collections.abc import Iterable, Sequence
from html import escape

from pgtop.model.timestamp import Instant, to_datetime
from pgtop.view.report.contents import Chart, Curve, Page, Part, TablePart, TextPart
from pgtop.view.report.points import CurvePoint, strokes

_WIDTH, _HEIGHT = 860, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 22
_MOST_POINTS = 400
_TIMES = 6
_COLOURS = ("#0a5f96", "#b81f1c", "#8a5200", "#5f6b7a")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem;
         border-bottom: 1px solid #d5dbe3; }
th { color: #5f6b7a; font-weight: 600; }
code { font: 12px/1.45 ui-monospace, monospace; white-space: pre-wrap;
       overflow-wrap: anywhere; }
figure { margin: 1rem 0; } figcaption { color: #5f6b7a; font-size: 13px; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: #5f6b7a; }
"""


def html(report: Page) -> str:
    """Return the page as HTML."""
    body = "".join(
        _section(section.heading, section.parts) for section in report.sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(report.title)}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body><h1>{escape(report.title)}</h1>\n{body}</body></html>\n"
    )


def _section(heading: str, parts: Iterable[Part]) -> str:
    content = "".join(map(_part, parts))
    return f"<section><h2>{escape(heading)}</h2>\n{content}</section>\n"


def _part(part: Part) -> str:
    if isinstance(part, TextPart):
        return f"<p>{escape(part.text)}</p>\n"
    return _table(part) if isinstance(part, TablePart) else _chart(part)


def _table(table: TablePart) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in table.headings)
    rows = "".join(f"<tr>{_cells(row, table.code)}</tr>\n" for row in table.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>\n"


def _cells(row: Sequence[str], code: int | None) -> str:
    cells = []
    for column, cell in enumerate(row):
        text = escape(cell)
        cells.append(
            f"<td><code>{text}</code></td>" if column == code else f"<td>{text}</td>"
        )
    return "".join(cells)


def _chart(chart: Chart) -> str:
    peaks = [max(curve.values, default=0) for curve in chart.all_curves]
    most = max(peaks, default=0) or 1
    lines = [
        _curve(chart, curve, most, _COLOURS[index % len(_COLOURS)])
        for index, curve in enumerate(chart.curves)
    ]
    if chart.limit is not None:
        lines.append(
            _curve(chart, chart.limit, most, "#b81f1c", ' stroke-dasharray="5 4"')
        )
    caption = escape(f"{chart.title} ({chart.unit})")
    return (
        f"<figure><figcaption>{caption} {_legend(chart)}</figcaption>\n"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{caption}">'
        f"{_gaps(chart)}{_axes(chart.times, most)}{''.join(lines)}</svg></figure>\n"
    )


def _legend(chart: Chart) -> str:
    names = [
        f'<span style="color:{_COLOURS[index % len(_COLOURS)]}">{escape(curve.name)}</span>'
        for index, curve in enumerate(chart.curves)
    ]
    if chart.limit is not None:
        names.append(
            f'<span style="color:#b81f1c">- - {escape(chart.limit.name)}</span>'
        )
    if chart.gaps:
        names.append('<span style="background:#eceff3">no samples</span>')
    return ", ".join(names)


def _curve(chart: Chart, curve: Curve, most: float, colour: str, more: str = "") -> str:
    lines = strokes(chart.times, curve.values, chart.gaps, _MOST_POINTS)
    return "".join([_polyline(points, most, colour, more) for points in lines])


def _polyline(points: Sequence[CurvePoint], most: float, colour: str, more: str) -> str:
    places = [f"{_x(share):.1f},{_y(value / most):.1f}" for share, value in points]
    if len(places) == 1:  # a sample between two gaps: a dot
        places *= 2
    return (
        f'<polyline fill="none" stroke="{colour}" stroke-width="1.6"'
        f' stroke-linecap="round"{more} points="{" ".join(places)}"/>'
    )


def _gaps(chart: Chart) -> str:
    """Return a ground behind each gap."""
    first, last = chart.times[0], chart.times[-1]
    span = max(1, last - first)
    parts = []
    for gap in chart.gaps:
        start = (max(gap.first_at, first) - first) / span
        end = (min(last if gap.last_at is None else gap.last_at, last) - first) / span
        if end > start:
            x, width = _x(start), _x(end) - _x(start)
            parts.append(
                f'<rect x="{x:.1f}" y="{_TOP}" width="{width:.1f}"'
                f' height="{_HEIGHT - _TOP - _BOTTOM}" fill="#eceff3"/>'
            )
    return "".join(parts)


def _axes(times: Sequence[Instant], most: float) -> str:
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = _y(share)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"'
            f' stroke="#d5dbe3"/><text x="{_LEFT - 6}" y="{y + 4:.1f}"'
            f' text-anchor="end">{most * share:g}</text>'
        )
    for number in range(_TIMES):
        share = number / (_TIMES - 1)
        moment = to_datetime(times[0] + int(share * (times[-1] - times[0])))
        anchor = {0: "start", _TIMES - 1: "end"}.get(number, "middle")
        parts.append(
            f'<text x="{_x(share):.1f}" y="{_HEIGHT - 6}"'
            f' text-anchor="{anchor}">{moment:%H:%M:%S}</text>'
        )
    return "".join(parts)


def _x(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)
