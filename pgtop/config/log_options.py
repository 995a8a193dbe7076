"""The options of pgtop's own log. Every command has them: nothing heavy is loaded here."""

from typing import Annotated, NamedTuple

from pgtop.config.schema import OptionGroup, option, setting
from pgtop.log import LEVELS


class LogOptions(NamedTuple):
    """Options of pgtop's own log, which every command has."""

    log_file: Annotated[
        str,
        OptionGroup("Log"),
        option(
            "--log-file",
            metavar="FILE",
            help="write pgtop's own log there, for a bug report: no password, no query",
        ),
        setting(
            "display",
            help="file of pgtop's own log; without one, a level is logged to pgtop.log in"
            " pgtop's own folder",
        ),
    ] = ""
    log: Annotated[
        str,
        option(
            "--log",
            metavar="LEVEL",
            choices=LEVELS,
            help=f"{', '.join(LEVELS)}: each includes those before it",
        ),
        setting("display", help=f"level of pgtop's own log: {', '.join(LEVELS)}"),
    ] = "statements"
    chosen: frozenset[str] = frozenset()
    """The fields that the command line gave."""
