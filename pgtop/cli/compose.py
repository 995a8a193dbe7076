"""The one place that knows both sides, the driver and the screen, and puts them together.

Errors before the first picture are printed in the shell, and a password is asked for there: the
terminal is given back for both.
"""

import asyncio
import gc
import getpass
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgtop.cli import argv_secrets, bug_report, interrupts, output
from pgtop.cli.args.connection import ConnectionOptions, Password
from pgtop.cli.guards import guards_for
from pgtop.config.guards import Guards
from pgtop.config.settings import Safety, Settings
from pgtop.errors import UsageError
from pgtop.model.failure import LOGIN_REFUSED, Failure, FailureKind
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.clock import MonotonicClock
from pgtop.ports import Signaller, Source, SourceError
from pgtop.signalling.observe import RefusingSignaller
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.places import ENCODE, refusal
from pgtop.sources.postgres.sampler import TEXT_BYTES, WHOLE, PostgresSource

if TYPE_CHECKING:
    from pgtop.signalling.execute import SignalExecutor

WORTH_WAITING_FOR = frozenset(
    {
        FailureKind.FULL, FailureKind.STARTING, FailureKind.STOPPING, FailureKind.UNREACHABLE, FailureKind.SLOW,
        FailureKind.LOGIN,
    }
)  # fmt: skip
_FIRST_PAUSE, _PAUSE, _SELDOM = 1.0, 2.0, 30.0  # seconds between the tries of --wait
_SILENT = 0.5  # seconds of connecting before a word is said about it
_AT_HAND = 0.02  # seconds in which a server nearby has answered
_GARBAGE = (
    20_000  # objects made and not dropped again from which on Python looks for cycles among them
)
_TERMINAL = "/dev/tty"
_FOREIGN_URI = re.compile(r"""(?!postgres(?:ql)?://)\s*(?i:["']*[a-z][a-z0-9+.:-]*?(?::/|//))""")
"""What other programs call a connection string; as the name of a database it would reach the
server's log.
"""
_BAD_URI = re.compile(r"postgres(?:ql)?://(?:\S*\s|[^?/]*/[^?]*[@:]|[^?@]*@[^?]*@)")
"""With a blank, a colon in the database's name or an @ too many: what follows may be a part of the
password.
"""
_QUOTED_NAME = re.compile(r"(?:^|\s)(dbname|user)\s*=\s*'")
_SCHEME = "Begin it with postgresql://, without a driver's name or jdbc: before it."
_CONNINFO_HELP = "See https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING"


class PasswordPrompt:
    """Prompts for a password or passphrase on the terminal, until the screen takes that over."""

    def __init__(self) -> None:
        self._quiet = False
        self.clear: Callable[[], object] = lambda: None
        """Called before each question, to clear the terminal for it."""

    def __call__(self, prompt: str) -> str:
        """Return the password that the user types. Raises SourceError once the terminal belongs to
        the screen.
        """
        if self._quiet:
            raise SourceError(_NO_MORE_ASKING)
        self.clear()
        try:
            with interrupts.unwinding():
                return getpass.getpass(prompt)
        except EOFError:
            raise UsageError(
                "Nothing was typed.", "Use -w, PGPASSWORD or ~/.pgpass to connect unasked."
            ) from None

    def be_quiet(self) -> None:
        """Stop asking: the terminal belongs to the screen from now on."""
        self._quiet = True


_NO_MORE_ASKING = Failure(
    FailureKind.PASSWORD,
    "A password is wanted now, and was not before.",
    "Leave and start pgtop again to be asked.",
)


def parameters_of(connection: ConnectionOptions) -> dict[str, str]:
    """Return libpq's keywords for what the user gave. Raises UsageError for a wrong connection
    string.

    As in psql, a name with `=` in it or a URI's scheme before it is a whole connection string, and
    what it says overrides the options. https://www.postgresql.org/docs/current/app-psql.html
    """
    target = connection.target or ""
    options = {"host": connection.host, "port": connection.port, "user": connection.user}
    given = {name: value for name, value in options.items() if value is not None}
    written = _parameters_in(target)
    parameters = {**given, **written}
    if argv_secrets.SECRETS & parameters.keys():
        argv_secrets.hide(target)
    quoted = set(_QUOTED_NAME.findall(target))
    if why := refusal(parameters, written if _is_conninfo(target) else (), quoted):
        argv_secrets.hide(target)
        raise UsageError(why, ENCODE if "://" in target else "")
    return parameters


def _parameters_in(target: str) -> dict[str, str]:
    """Return what a database's name, a URI or a connection string says, quoting nothing of what is
    wrong with it.
    """
    if _FOREIGN_URI.match(target):
        argv_secrets.hide(target)
        raise UsageError("The connection string begins in a way that libpq does not know.", _SCHEME)
    if not _is_conninfo(target):
        return {"dbname": target} if target else {}
    if _BAD_URI.match(target):
        argv_secrets.hide(target)
        raise UsageError(
            "The URI has a blank, an @ or a colon too many in it.",
            f"Write a blank as %20. {ENCODE}",
        )
    try:
        return {name: str(value) for name, value in conninfo_to_dict(target).items()}
    except (psycopg.ProgrammingError, UnicodeDecodeError) as error:
        argv_secrets.hide(target)
        words = argv_secrets.discreet(str(error), target)
        raise UsageError(f"The connection string is wrong{words}.", _CONNINFO_HELP) from None


def _is_conninfo(target: str) -> bool:
    return "=" in target or target.startswith(("postgresql://", "postgres://"))


def connection_for(connection: ConnectionOptions, asker: PasswordPrompt) -> ServerConnection:
    """Make a session, not connected yet, that asks for the password as the user wishes. Raises
    UsageError.
    """
    parameters = parameters_of(connection)
    if connection.password is Password.NEVER:
        return ServerConnection(parameters)
    can_ask = _terminal_is_there()
    if connection.password is Password.FIRST:
        if not can_ask:
            raise UsageError(
                "There is no terminal to ask for the password on.",
                "Leave -W out and use a password file or PGPASSWORD.",
            )
        parameters["password"] = asker("Password: ")
    return ServerConnection(parameters, prompt=asker if can_ask else None)


def _terminal_is_there() -> bool:
    """Return whether there is a terminal to ask on; getpass would fall back to stdin, with the
    password in sight.
    """
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


async def first_sample(
    source: Source, wait: bool, connecting: Callable[[], AbstractContextManager[None]] | None = None
) -> Snapshot:
    """Return the first picture. Raises SourceError; with `wait`, keeps trying where waiting can
    help, and says so.

    `connecting` surrounds the first try; without it, a slow one is announced.
    """
    before: FailureKind | None = None
    while True:
        try:
            with (nullcontext if before else connecting or _saying_so)():
                return await source.sample()
        except SourceError as error:
            failure = error.failure
            if not wait or failure.kind not in WORTH_WAITING_FOR:
                raise
        if failure.kind is not before:
            output.report(failure.what, "Trying again until it works; Ctrl-C stops.")
        gc.enable()  # this may last for days
        await asyncio.sleep(_pause(failure.kind, before))
        before = failure.kind


def _pause(kind: FailureKind, before: FailureKind | None) -> float:
    """Return the seconds to the next try; what may be a refused login is tried seldom, as servers
    lock accounts.
    """
    if kind in LOGIN_REFUSED:
        return _SELDOM
    return _PAUSE if before else _FIRST_PAUSE


@contextmanager
def _saying_so() -> Iterator[None]:
    patience = asyncio.get_running_loop().call_later(_SILENT, _say_connecting)
    try:
        yield
    finally:
        patience.cancel()


def _say_connecting() -> None:
    """Tell a person at a terminal, and no script's log."""
    if sys.stderr is not None and sys.stderr.isatty():
        output.report("Connecting …")


def open_dashboard(connection: ConnectionOptions, chosen: Settings, safety: Safety) -> int:
    """Connect, and show the dashboard until it is left. Raises UsageError and SourceError."""
    asker = PasswordPrompt()
    guards = guards_for(safety)
    session = connection_for(connection, asker)
    settings = settings_for(chosen, guards, os.environ)
    return interrupts.run(_dashboard(session, asker, connection, settings, guards))


async def _dashboard(
    session: ServerConnection,
    asker: PasswordPrompt,
    connection: ConnectionOptions,
    settings: Settings,
    guards: Guards,
) -> int:
    from pgtop.tui.splash import NoSplash, Splash

    place = _place_of(connection)
    opening = NoSplash() if settings.plain_driver else Splash(settings, os.environ, place)
    asker.clear = opening.step_aside
    judged = any(each.reads_queries for each in guards.protect)
    source = source_for(session, guards.redact, WHOLE if judged else TEXT_BYTES)
    shown = asyncio.Event()
    loading = asyncio.create_task(_load_screen(shown))
    try:
        first = await first_sample(source, connection.wait, opening.connecting)
        asker.be_quiet()
        opening.show(first)
        shown.set()
        await loading
        gc.freeze()
        gc.set_threshold(
            _GARBAGE
        )  # a sample makes a few hundred objects and drops them: nothing to look for
        gc.enable()
        from pgtop.monitor.monitor import Monitor
        from pgtop.tui.run import run_dashboard

        executor = executor_for(session, guards)
        monitor = Monitor(source, executor, first, settings, executor.clock, place)
        with bug_report.noted(_features(first, settings)):
            return await run_dashboard([monitor], settings, opening.tty)
    except asyncio.CancelledError:
        if opening.left is None:
            raise
        return opening.left
    finally:
        opening.withdraw()
        await source.close()


def _place_of(connection: ConnectionOptions) -> str:
    """Return the server that the options name, as far as they do."""
    parameters = parameters_of(connection)
    return ":".join(parameters[name] for name in ("host", "port") if parameters.get(name))


async def _load_screen(shown: asyncio.Event) -> None:
    """Import all that draws the screen, in time that is waited for the network anyway.

    A server at hand has answered before: its picture is shown first.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(_AT_HAND):  # asyncio.wait_for may lose a cancellation
            await shown.wait()
    await asyncio.to_thread(load_screen)


def _features(first: Snapshot, settings: Settings) -> str:
    """Describe server and screen for a bug report: numbers and choices, no names."""
    server = first.server
    kind = "standby" if server.in_recovery else "primary"
    chosen = [
        settings.theme,
        *(
            name
            for name in ("color", "ascii", "plain_driver", "read_only")
            if getattr(settings, name)
        ),
    ]
    return f"server {server.version_num}, {kind}, {len(first.backends)} processes; screen: {', '.join(chosen)}"


def load_screen() -> None:
    """Import all that draws, a fifth of a second's work."""
    import pgtop.tui.run
    import pgtop.tui.screens.sessions  # noqa: F401


def source_for(session: ServerConnection, redact: bool, text_bytes: int = TEXT_BYTES) -> Source:
    """Make the source of pictures, each query cut to `text_bytes`; with `redact`, without their
    literals.
    """
    source = PostgresSource(session, text_bytes=text_bytes)
    if not redact:
        return source
    from pgtop.sources.redacting import RedactingSource

    return RedactingSource(source, text_bytes)


def executor_for(session: ServerConnection, guards: Guards) -> "SignalExecutor":
    """Make what carries signals out: through the audit trail, to a signaller that refuses where
    none is allowed.
    """
    from pgtop.signalling.audit_log import audit_log_for
    from pgtop.signalling.execute import SignalExecutor

    audit_log = audit_log_for(os.environ)
    return SignalExecutor(
        _signaller(session, guards.read_only), MonotonicClock(), audit_log, guards.require_audit
    )


def _signaller(session: ServerConnection, read_only: str) -> Signaller:
    if read_only:
        return RefusingSignaller(read_only)
    from pgtop.sources.postgres.signals import PostgresSignaller

    return PostgresSignaller(session)


def settings_for(chosen: Settings, guards: Guards, environ: Mapping[str, str]) -> Settings:
    """Combine the user's choices with the guards and the environment (https://no-color.org)."""
    return chosen._replace(
        read_only=bool(guards.read_only),
        protect=guards.protect,
        require_audit=guards.require_audit,
        color=chosen.color and not environ.get("NO_COLOR"),
        ascii=not output.locale_is_utf8(environ, sys.flags.utf8_mode),
    )
