"""The options of `pgtop` without a command. Nothing heavy is loaded."""

from collections.abc import Sequence
from typing import NamedTuple

from pgtop.cli.args.command import CommandSpec
from pgtop.cli.args.command_list import commands, proposal
from pgtop.cli.args.connection import Connection, ConnectionOptions, Poolers
from pgtop.cli.args.parsers import read_record
from pgtop.config.settings import Safety, Settings
from pgtop.errors import UsageError


class DashboardCommand(NamedTuple):
    """Options of `pgtop` without a command."""

    connection: Connection = ConnectionOptions()
    poolers: Poolers = ()
    settings: Settings = Settings()
    safety: Safety = Safety()


def read_dashboard(spec: CommandSpec, words: Sequence[str]) -> DashboardCommand:
    """Read the words of a command line without a command. Raises UsageError."""
    try:
        args = spec.parser().parse_args(words)
    except UsageError as error:
        what = f"{proposal(words[0])} {error.what}".lstrip()
        raise UsageError(what, error.advice) from error
    if args.target in commands():
        raise UsageError(
            f"{args.target!r} must be the first word: pgtop {args.target} [OPTION]...",
            f"A database of that name: pgtop -d {args.target}.",
        )
    return read_record(DashboardCommand, args)
