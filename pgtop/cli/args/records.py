"""Records of the options of each command that has no module of its own here."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, NamedTuple

from pgtop.cli.args.command import CommandSpec
from pgtop.cli.args.connection import Connection, ConnectionOptions, Poolers
from pgtop.cli.args.output_options import JSON, NO_COLOR
from pgtop.cli.args.recording_options import PastOptions
from pgtop.config.schema import Argument, Number, OptionGroup, option
from pgtop.config.settings import REDACT, Safety, Settings, host_figures_option
from pgtop.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


class OutputFormat(Enum):
    """The format that `pgtop show` prints."""

    TABLE = "a table for people"
    JSON = "--json"
    CSV = "--csv"


class DemoCommand(NamedTuple):
    """Options of `pgtop demo`."""

    settings: Settings = Settings()
    safety: Safety = Safety()
    keep_running: Annotated[
        bool,
        OptionGroup("Demo"),
        option(
            "--keep-running", help="leave the server running and print how to connect"
        ),
    ] = False


SPEED_BOUNDS = (0.25, 300.0)
"""The slowest and the fastest play."""


class ReplayCommand(NamedTuple):
    """Options of `pgtop replay`."""

    file: Annotated[
        str,
        OptionGroup("Recording"),
        Argument("FILE", help="the recording"),
    ]
    at: Annotated[
        str | None,
        option(
            "--at",
            metavar="TIME",
            help="begin there, as in `pgtop show --at` (its start)",
        ),
    ] = None
    speed: Annotated[
        float,
        option(
            "--speed",
            metavar="NUMBER",
            parse=Number(*SPEED_BOUNDS, "number"),
            help="seconds of the recording in a second of play",
        ),
    ] = 1.0
    settings: Settings = Settings()
    safety: Safety = Safety()


class ShowCommand(NamedTuple):
    """Options of `pgtop show`."""

    connection: Connection = ConnectionOptions()
    poolers: Poolers = ()
    past: PastOptions = PastOptions()
    format: Annotated[
        OutputFormat,
        OptionGroup("Output"),
        option(
            "--json",
            constant=OutputFormat.JSON,
            excludes="format",
            help="print one JSON object",
        ),
        option(
            "--csv",
            constant=OutputFormat.CSV,
            excludes="format",
            help="print CSV with a header row",
        ),
    ] = OutputFormat.TABLE
    filter: Annotated[
        str | None,
        option(
            "--filter",
            metavar="FILTER",
            help="only these sessions, such as 'db:shop age>5m'",
        ),
    ] = None
    sort: Annotated[
        str,
        option(
            "--sort",
            metavar="COLUMN",
            help="largest first; COLUMN:asc reverses the sort",
        ),
    ] = ""
    everything: Annotated[
        bool,
        option(
            "--all", help="background processes, walsenders and parallel workers too"
        ),
    ] = False
    usual: Annotated[
        bool,
        option(
            "--usual",
            help="with --json: how long the query of each session usually takes",
        ),
    ] = False
    host_figures: Annotated[
        str,
        host_figures_option(
            "with --json, read twice in half a second: CPU, memory and storage of sessions"
        ),
    ] = ""
    """Empty for that of the configuration."""
    redact: Annotated[bool, REDACT] = False
    color: Annotated[bool, NO_COLOR] = True


class LocksCommand(NamedTuple):
    """Options of `pgtop locks`."""

    connection: Connection = ConnectionOptions()
    past: PastOptions = PastOptions()
    json: Annotated[bool, OptionGroup("Output"), JSON] = False
    filter: Annotated[
        str | None,
        option(
            "--filter",
            metavar="FILTER",
            help="only sessions that match, and their blockers",
        ),
    ] = None
    redact: Annotated[bool, REDACT] = False
    color: Annotated[bool, NO_COLOR] = True


class ProgressCommand(NamedTuple):
    """Options of `pgtop progress`."""

    connection: Connection = ConnectionOptions()
    past: PastOptions = PastOptions()
    seconds: Annotated[
        float,
        OptionGroup("Sampling"),
        option(
            "--seconds",
            metavar="SECONDS",
            parse=Number(0, 60, "number of seconds"),
            help="time between two samples, from which the time left follows; 0: one sample",
        ),
    ] = 2.0
    resolve_names: Annotated[
        bool,
        option(
            "--resolve-names",
            help="read names of tables in other databases over short connections there",
        ),
    ] = False
    json: Annotated[bool, OptionGroup("Output"), JSON] = False
    redact: Annotated[bool, REDACT] = False
    color: Annotated[bool, NO_COLOR] = True


class ReplicationCommand(NamedTuple):
    """Options of `pgtop replication`."""

    connection: Connection = ConnectionOptions()
    past: PastOptions = PastOptions()
    json: Annotated[bool, OptionGroup("Output"), JSON] = False
    redact: Annotated[bool, REDACT] = False
    color: Annotated[bool, NO_COLOR] = True


class StatementsCommand(NamedTuple):
    """Options of `pgtop statements`."""

    connection: Connection = ConnectionOptions()
    seconds: Annotated[
        float,
        OptionGroup("Output"),
        option(
            "--seconds",
            metavar="N",
            parse=Number(1, 300, "number of seconds"),
            help="time between the two readings, 1 to 300",
        ),
    ] = 10.0
    json: Annotated[bool, JSON] = False
    filter: Annotated[
        str | None,
        option(
            "--filter",
            metavar="FILTER",
            help="only these statements, such as 'mean>1 query:orders'",
        ),
    ] = None
    sort: Annotated[
        str,
        option(
            "--sort",
            metavar="COLUMN",
            help="largest first; COLUMN:asc reverses the sort",
        ),
    ] = ""
    redact: Annotated[bool, REDACT] = False
    color: Annotated[bool, NO_COLOR] = True


class CompletionCommand(NamedTuple):
    """Words of `pgtop completion`."""

    shell: Annotated[
        str,
        OptionGroup("Shell"),
        Argument("bash | zsh | fish", choices=SHELLS, help="the shell to complete in"),
    ]


def read_completion(spec: CommandSpec, words: Sequence[str]) -> CompletionCommand:
    """Read the words after `pgtop completion`. Raises UsageError."""
    try:
        command: CompletionCommand = spec.parse(words)
    except UsageError as error:
        has_option = any(word.startswith("-") for word in words)
        if has_option or len(words) > 1:
            raise
        raise UsageError("Name a shell: bash, zsh or fish.", error.advice) from error
    return command


class HelpCommand(NamedTuple):
    """Words of `pgtop help`."""

    topic: Annotated[
        str,
        OptionGroup("Topic"),
        Argument("TOPIC | COMMAND", help="a topic of the documentation, or a command"),
    ] = ""
    """A topic or a command; empty for the list of topics."""


class VersionCommand(NamedTuple):
    """Options of `pgtop version`."""

    verbose: Annotated[
        bool,
        OptionGroup("Output"),
        option(
            "--verbose",
            help="versions of Python, libraries and libpq, and the terminal: for a report",
        ),
    ] = False
