"""Commands for a user to copy, for the very connection that was asked for."""

import string
from collections.abc import Mapping

from pgtop.cli.args.connection import ConnectionOptions
from pgtop.cli.connection_string import parameters_of
from pgtop.text.tone import Span
from pgtop.view.connecting import ConnectTarget

_OPTIONS = {"host": "-h", "port": "-p", "dbname": "-d", "user": "-U"}
"""Parameters that a command shows. Nothing else goes into one: it might be a secret."""
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits}@%+=:,./-_")
"""Characters that need no quotes in any shell."""
_ANY = "postgres"
"""The name of a superuser and of a database that most servers have."""


def target_of(
    options: ConnectionOptions, environ: Mapping[str, str], label: Span | None
) -> ConnectTarget:
    """Return the server of the options, and the commands that may reach it."""
    parameters = parameters_of(options)
    place = ":".join(filter(None, [parameters.get("host"), parameters.get("port")]))
    user = parameters.get("user") or environ.get("PGUSER", "")
    return ConnectTarget(
        place=place,
        user=user,
        label=label,
        as_superuser="" if user == _ANY else _command(options, parameters, "user"),
        to_other_database=_command(options, parameters, "dbname"),
        keeps_trying=options.wait,
    )


def _command(
    options: ConnectionOptions, parameters: Mapping[str, str], changed: str
) -> str:
    """Return the command with one parameter changed."""
    named = {} if options.server_name else parameters
    values = {**named, changed: _ANY}
    words = ["pgtop", *([f"@{options.server_name}"] if options.server_name else [])]
    for name, option in _OPTIONS.items():
        if value := values.get(name):
            words += [option, _quoted(value)]
    return " ".join(words)


def _quoted(value: str) -> str:
    """Return a value as a word for the shell."""
    if _PLAIN.issuperset(value):
        return value
    import shlex  # late, as few names need it

    return shlex.quote(value)
