"""The options of `pgtop pools`."""

from typing import Annotated, NamedTuple

from pgtop.cli.args.connection import Connection, ConnectionOptions, Poolers
from pgtop.cli.args.output_options import JSON, NO_COLOR
from pgtop.cli.args.recording_options import PastOptions
from pgtop.config.schema import OptionGroup


class PoolsCommand(NamedTuple):
    """Options of `pgtop pools`."""

    connection: Connection = ConnectionOptions()
    poolers: Poolers = ()
    past: PastOptions = PastOptions()
    json: Annotated[bool, OptionGroup("Output"), JSON] = False
    color: Annotated[bool, NO_COLOR] = True
