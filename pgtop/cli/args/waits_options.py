"""The options of `pgtop waits`. Nothing heavy is loaded."""

from typing import Annotated, NamedTuple

from pgtop.cli.args.connection import Connection, ConnectionOptions
from pgtop.cli.args.output_options import JSON, NO_COLOR
from pgtop.cli.args.recording_options import PastOptions
from pgtop.config.schema import Number, OptionGroup, option

_LONGEST = 86_400
_MOST = 50
RATE = 10.0
_HIGHEST_PID = 2**31 - 1
SLICES = ("class", "event", "query", "role", "application", "database", "client")


def process_id(text: str) -> int:
    """Return a process id. Raises ValueError."""
    if text.isascii() and text.isdecimal() and 0 < int(text[:11]) <= _HIGHEST_PID:
        return int(text)
    raise ValueError(f"{text!r} is not a pid")


class WaitsCommand(NamedTuple):
    """Options of `pgtop waits`."""

    connection: Connection = ConnectionOptions()
    past: PastOptions = PastOptions()
    seconds: Annotated[
        float,
        OptionGroup("Waits"),
        option(
            "--seconds",
            metavar="SECONDS",
            parse=Number(0.1, _LONGEST, "number of seconds"),
            help="how long to sample, or to look back from --at; Ctrl-C ends it earlier",
        ),
    ] = 10.0
    rate: Annotated[
        float,
        option(
            "--rate",
            metavar="NUMBER",
            parse=Number(0.1, _MOST, "number of samples a second"),
            help="samples a second; fewer are taken where they are expensive",
        ),
    ] = RATE
    by: Annotated[
        str,
        option(
            "--by",
            metavar="WHAT",
            choices=SLICES,
            help=f"slices: by {', '.join(SLICES[:-1])} or {SLICES[-1]}",
        ),
    ] = "event"
    pid: Annotated[
        int | None,
        option(
            "--pid",
            metavar="PID",
            parse=process_id,
            help="one session and its parallel workers, in its newest statement",
        ),
    ] = None
    json: Annotated[bool, OptionGroup("Output"), JSON] = False
    color: Annotated[bool, NO_COLOR] = True
