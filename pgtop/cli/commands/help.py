"""`pgtop help`: a topic of the documentation, or the list of them."""

from pgtop.cli import output, pager
from pgtop.cli.args.options import parsers
from pgtop.cli.args.records import HelpCommand
from pgtop.cli.exit_codes import Exit
from pgtop.cli.reference import FACTS
from pgtop.errors import UsageError
from pgtop.help import topics
from pgtop.help.page import page

_PROGRAM = "pgtop"
"""As a word after `help`, it stands for the dashboard, whose own name is empty."""


def run(command: HelpCommand) -> int:
    """Show the topic; return the exit code. Raises UsageError and OutputError."""
    pager.show(_text(command.topic))
    return Exit.DONE


def _text(name: str) -> str:
    """Return the page of a topic, the help of a command, or the list of topics. Raises
    UsageError.
    """
    if not name:
        return _page(topics.index())
    if name in topics.BY_NAME:
        return _page(topics.text(name, FACTS))
    command = "" if name == _PROGRAM else name
    if parser := parsers().get(command):
        return parser.format_help()
    raise UsageError(f"There is no help topic {name!r}.", advice(name))


def advice(name: str) -> str:
    """Return the topic or command that is most like `name`, or where they are listed."""
    from difflib import get_close_matches

    names = [*topics.BY_NAME, *filter(None, parsers())]
    longer = [each for each in names if each.startswith(name)]
    nearest = longer or get_close_matches(name, names, 1)
    listed = "`pgtop help` lists the topics."
    return f"Did you mean {nearest[0]}? {listed}" if nearest else listed


def _page(text: str) -> str:
    return page(text, output.text_columns(), is_styled=output.has_styles())
