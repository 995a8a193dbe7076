"""The options of `pgtop pools`."""

from typing import Annotated, NamedTuple

from pgtop.cli.args.connection import Connection, ConnectionOptions, Poolers
from pgtop.cli.args.recording_options import PastOptions
from pgtop.config.schema import OptionGroup, option


class PoolsCommand(NamedTuple):
    """Options of `pgtop pools`."""

    connection: Connection = ConnectionOptions()
    poolers: Poolers = ()
    past: PastOptions = PastOptions()
    json: Annotated[
        bool,
        OptionGroup("Output"),
        option("--json", help="print one JSON object"),
    ] = False
    color: Annotated[
        bool,
        option(
            "--no-color",
            help="no colours (as with NO_COLOR, or if not on a terminal)",
        ),
    ] = True
