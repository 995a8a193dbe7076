"""The options of `pgtop export`."""

from typing import Annotated, NamedTuple

from pgtop.cli.args.command import CommandSpec
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


EXPORT_SPEC = CommandSpec(
    "export",
    ExportCommand,
    usage="--prometheus FILE [OPTION]... [@SERVER] [DBNAME | URI | CONNINFO]",
    description="""\
Writes one sample as metrics into a file, which is replaced as a whole: slots used, usable and
reserved, sessions by state, limits of roles and databases, waits, transactions, and what holds
back vacuum. If the server cannot be reached, `pgtop_up 0` is all that it holds.""",
)
