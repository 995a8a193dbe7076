"""The options of `pgtop export`."""

from typing import Annotated, NamedTuple

from pgtop.cli.args.connection import Connection, ConnectionOptions
from pgtop.config.schema import OptionGroup, option


class ExportCommand(NamedTuple):
    """Options of `pgtop export`."""

    connection: Connection = ConnectionOptions()
    prometheus: Annotated[
        str | None,
        OptionGroup("Output"),
        option(
            "--prometheus",
            metavar="FILE",
            help="write metrics of one sample, for the textfile collector; - prints them",
        ),
    ] = None
