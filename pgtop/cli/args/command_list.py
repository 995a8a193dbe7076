"""All commands. A command's own module of options loads when the command is used."""

from collections.abc import Mapping

from pgtop.cli.args.command import CommandSpec
from pgtop.cli.misspelt import nearest_command, question

DASHBOARD = ""
"""The name of the dashboard, which needs none."""

BUDGET = "budget"
"""The command that may be a check for monitoring."""

_TARGET = "[OPTION]... [@SERVER] [DBNAME | URI | CONNINFO]"


def commands() -> list[str]:
    """Return the names of all commands."""
    return [name for name in COMMANDS if name != DASHBOARD]


def proposal(word: str | None) -> str:
    """Return the question whether the word was meant as a command, or nothing."""
    return question(nearest_command(word, commands()))


def _keys(width: int) -> str:
    """Return the keys of the dashboard, as the help screen lists them."""
    from pgtop.help.wrapping import listed
    from pgtop.view_registry import KEYMAP

    keys = [(" ".join(action.key_names), action.title) for action in KEYMAP.actions]
    heading = "Keys (? shows them in the dashboard):"
    return f"\n{heading}\n{listed(keys, _KEY_WIDTH, width)}\n"


_KEY_WIDTH = 14
"""Cells of the keys of one action."""


def _signal_spec(name: str, effect: str) -> CommandSpec:
    """Declare `pgtop cancel` or `pgtop kill`."""
    return CommandSpec(
        name,
        "signal_options.SignalCommand",
        module="signal.command",
        usage="[OPTION]... [@SERVER | URI] PID... | FILTER | --all-clients",
        description=f"""\
{effect} of the given pids, or of all sessions that match a filter.
Prints the plan and asks for confirmation; protected sessions are skipped. More:
`pgtop help signals` and `pgtop help filter`.""",
        reader="read_signal",
    )


_SPECS = (
    CommandSpec(
        DASHBOARD,
        "dashboard_options.DashboardCommand",
        module="dashboard",
        usage=f"""\
{_TARGET}
       pgtop show {_TARGET}
       pgtop locks {_TARGET}
       pgtop waits {_TARGET}
       pgtop progress {_TARGET}
       pgtop statements {_TARGET}
       pgtop pools {_TARGET}
       pgtop replication {_TARGET}
       pgtop cancel | kill [OPTION]... [@SERVER] PID... | FILTER | --all-clients
       pgtop budget {_TARGET}
       pgtop record [OPTION]... [FILE | DIR]
       pgtop diff [OPTION]... FILE --at TIME [--at TIME]
       pgtop replay [OPTION]... FILE
       pgtop report [OPTION]... FILE
       pgtop audit [OPTION]... [WORD]...
       pgtop completion bash | zsh | fish
       pgtop config show | check | path | schema | init
       pgtop demo [OPTION]...
       pgtop export --prometheus FILE [OPTION]... [@SERVER | URI]
       pgtop version [--verbose]
       pgtop help [TOPIC | COMMAND]""",
        description="""\
A live session monitor for PostgreSQL. `show` prints one sample, `locks` who blocks whom, and
`progress` how far vacuums and index builds are; `waits` measures what sessions wait for;
`replication` prints how far standbys are behind and what slots hold; `cancel` and `kill` end
queries and sessions; `budget` prints or checks the connection budget; `record` writes samples into
a file; `audit` prints which sessions were signalled; `config` prints and checks the configuration;
`demo` starts a server to try pgtop on; `help` shows the documentation, and `help emergencies` what
to do on a full or blocked server.
Each command has its own --help.""",
        reader="read_dashboard",
        epilog=_keys,
    ),
    CommandSpec(
        "audit",
        "audit_options.AuditCommand",
        usage="[OPTION]... [WORD]...",
        description="""\
Prints the signals that you requested on this machine, and what became of them.""",
    ),
    CommandSpec(
        BUDGET,
        "budget_options.BudgetCommand",
        usage=_TARGET,
        description="""\
Prints the connection budget. With -w PERCENT or -c PERCENT it is a check for monitoring: one line
with performance data, and exit code 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN).""",
        reader="read_budget",
    ),
    _signal_spec("cancel", "Cancels the running queries"),
    CommandSpec(
        "completion",
        "records.CompletionCommand",
        usage="bash | zsh | fish",
        description="""\
Prints a script that makes the shell complete pgtop's commands, options and filter keys.""",
        reader="read_completion",
    ),
    CommandSpec(
        "config",
        "config_options.ConfigCommand",
        usage="show [--json] | check | path | schema | init",
        description="""\
Prints each value of the configuration with its origin (`show`), checks files and variables
(`check`), prints the path of your file (`path`) or its JSON Schema (`schema`), or writes a
commented file that changes nothing yet (`init`). More: `pgtop help config`.""",
    ),
    CommandSpec(
        "demo",
        "records.DemoCommand",
        usage="[OPTION]...",
        description="""\
Starts a PostgreSQL server with a simulated workload, and opens the dashboard on it. Quitting
stops the server and removes its files.""",
    ),
    CommandSpec(
        "export",
        "export_options.ExportCommand",
        usage="--prometheus FILE [OPTION]... [@SERVER] [DBNAME | URI]",
        description="""\
Writes one sample as metrics into a file, which is replaced as a whole: slots used, usable and
reserved, sessions by state, limits of roles and databases, waits, transactions, and what holds
back vacuum. If the server cannot be reached, `pgtop_up 0` is all that it holds.""",
    ),
    CommandSpec(
        "help",
        "records.HelpCommand",
        usage="[TOPIC | COMMAND]",
        description="""\
Shows a topic of the documentation, or the options of a command. Without a word it lists the
topics.""",
    ),
    _signal_spec("kill", "Terminates the sessions"),
    CommandSpec(
        "locks",
        "records.LocksCommand",
        usage=_TARGET,
        description="""\
Prints who blocks whom as a tree, and what holds back vacuum, and exits.""",
    ),
    CommandSpec(
        "diff",
        "recording_options.DiffCommand",
        usage="[OPTION]... FILE --at TIME [--at TIME]",
        description="""\
Compares two times of a recording: sessions that came, went and changed, groups that grew, roots of
lock queues, and the budget. With one --at, that time with the end.""",
    ),
    CommandSpec(
        "pools",
        "pools_options.PoolsCommand",
        usage=_TARGET,
        description="""\
Prints the pools of a PgBouncer and the clients that wait, and exits. It only reads there, and does
so even if the server behind it cannot be reached. More: `pgtop help pools`.""",
    ),
    CommandSpec(
        "progress",
        "records.ProgressCommand",
        usage=_TARGET,
        description="""\
Prints how far vacuums, index builds, copies and base backups are: the step of each, its share that
is done, and the time left of that step. Takes two samples, 2 s apart, if any is under way.""",
    ),
    CommandSpec(
        "record",
        "recording_options.RecordCommand",
        usage="[OPTION]... [FILE | DIR]",
        description="""\
Writes a sample a second into a file, with one connection and without a screen, until Ctrl-C or
SIGTERM. The file keeps to its age and size, and only its owner may read it. More:
`pgtop help record`.""",
    ),
    CommandSpec(
        "replay",
        "records.ReplayCommand",
        usage="[OPTION]... FILE",
        description="""\
Opens the dashboard on a recording, without a server: the same views, filters and details at any
time of it, step by step or as it happened.""",
    ),
    CommandSpec(
        "replication",
        "records.ReplicationCommand",
        usage=_TARGET,
        description="""\
Prints how far standbys are behind, what replication slots hold and subscriptions receive, and on a
standby its receiver and its replay. More: `pgtop help replication`.""",
    ),
    CommandSpec(
        "report",
        "recording_options.ReportCommand",
        usage="[OPTION]... FILE",
        description="""\
Prints what a recording shows of an incident on one page: connections, roots of lock queues and
what ended them, the queries seen most, signals, gaps.""",
    ),
    CommandSpec(
        "show",
        "records.ShowCommand",
        usage=_TARGET,
        description="Prints one sample of the server and its client backends, and exits.",
    ),
    CommandSpec(
        "statements",
        "records.StatementsCommand",
        usage=_TARGET,
        description="""\
Prints what statements did between two readings of pg_stat_statements, those with most time first,
and exits. More: `pgtop help statements`.""",
    ),
    CommandSpec(
        "version",
        "records.VersionCommand",
        usage="[--verbose]",
        description="""\
Prints the version of pgtop; with --verbose also those of Python, its libraries and libpq, and the
terminal, for a bug report.""",
    ),
    CommandSpec(
        "waits",
        "waits_options.WaitsCommand",
        usage=_TARGET,
        description="""\
Samples what sessions wait for, prints the shares with their error, and exits. Ctrl-C ends it
earlier. More: `pgtop help waits`.""",
    ),
)

COMMANDS: Mapping[str, CommandSpec] = {spec.name: spec for spec in _SPECS}
"""All commands by their names."""
