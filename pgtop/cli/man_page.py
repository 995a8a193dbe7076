"""The man page `pgtop(1)`, made from the parsers and the topics.

`python -m tests.readme` writes it to `pgtop/help/pgtop.1`, which the wheel installs.
"""

from collections.abc import Iterator

from pgtop import __version__
from pgtop.cli.args.options import parsers
from pgtop.cli.reference import FACTS
from pgtop.help import roff, topics
from pgtop.help.markdown import Block, CodeBlock, Heading, Paragraph, parse

_RELEASED = "2026-11-30"
_NAME = "pgtop - a live session monitor for PostgreSQL"
_SEE_ALSO = "**psql**(1), **pg_isready**(1), https://www.postgresql.org/docs/current/monitoring-stats.html"


def man_page() -> str:
    """Return the source of the man page."""
    return roff.man_page("pgtop", __version__, _RELEASED, _blocks())


def _blocks() -> Iterator[Block]:
    dashboard = parsers()[""]
    usage = dashboard.format_usage().removeprefix("usage: ")
    lines = [line.strip() for line in usage.splitlines() if line]
    words = (dashboard.description or "").split()
    yield Heading(1, "Name")
    yield Paragraph(_NAME)
    yield Heading(1, "Synopsis")
    yield CodeBlock(tuple(lines))
    yield Heading(1, "Description")
    yield Paragraph(" ".join(words))
    for topic in topics.TOPICS:
        if topic.in_man_page:
            text = topics.text(topic.name, FACTS)
            yield from parse(text)
    yield Heading(1, "See also")
    yield Paragraph(_SEE_ALSO)
