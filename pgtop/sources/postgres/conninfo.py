"""The options of the connection, read once: command line first, then service file, then
environment.

libpq would read the service file at every attempt, in the event loop, and a pipe
(`PGSERVICEFILE=<(...)`) can be read only once. For the same reasons pgtop reads the password file
itself: a pipe once, a regular file again at each attempt, as it may change.
https://www.postgresql.org/docs/current/libpq-pgservice.html
https://www.postgresql.org/docs/current/libpq-pgpass.html
"""

import os
import random
import re
import socket
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import psycopg
from psycopg import pq

from pgtop.errors import reason_of
from pgtop.files import open_regular, read_start
from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.option_checks import LOCAL_SOCKET, is_address, refusal

Options: TypeAlias = Mapping[str, str]

NO_FILE = "/dev/null/none"
"""A path where no file can be: libpq then reads no password file, and does not warn that it is
missing.
"""

NO_PASSPHRASE = "none was given"  # noqa: S105
"""A wrong passphrase, which libpq passes to OpenSSL: without one, OpenSSL prompts on the terminal.
"""

_MAX_BYTES = 1 << 20
"""Bytes read of a service or password file; pipes may be endless."""
_SYSTEM_FOLDERS = ("/etc/postgresql-common", "/etc/sysconfig/pgsql", "/etc")
"""Folders in which distributions' libpq looks for pg_service.conf; that of psycopg's wheel looks
where it was built.
"""
_SOCKET_FOLDERS = ("/tmp", "/var/run/postgresql", "/run/postgresql")  # noqa: S108  # not written to
DEFAULT_PORT = "5432"


@dataclass(frozen=True)
class ResolvedOptions:
    """All options that have a value, and the password file's lines if that can be read only
    once.
    """

    options: dict[str, str]
    passwords: str | None = None


def resolve(parameters: Options) -> ResolvedOptions:
    """Add service file and environment to the command line's parameters. Raises
    psycopg.OperationalError; may hang.
    """
    variables = environment()
    options = {**variables, **parameters}
    if service := options.pop("service", None):
        if why := refusal({"service": service}):
            raise psycopg.OperationalError(f"invalid service value: {why}")
        options = {
            **variables,
            **_service(service, options.get("servicefile")),
            **parameters,
        }
    for name in ("service", "servicefile"):
        options.pop(name, None)
    if "user" not in options:  # only then: a uid without a name is no fault elsewhere
        options["user"] = _user_name()
    return ResolvedOptions(options, _read_pipe(_password_file(options)))


def forget_service() -> None:
    """Remove the service from the environment: libpq would read its file again at each connect."""
    os.environ.pop("PGSERVICE", None)


def attempts(options: Options) -> list[dict[str, str]]:
    """Return the options of each address to try, in order. Raises psycopg.OperationalError; may
    hang.
    """
    addresses: list[dict[str, str]] = []
    unresolved: psycopg.Error | None = None
    for host_options in _split_hosts(options):
        try:
            addresses += _addresses(host_options)
        except OSError as error:
            name = decode_name(os.fsencode(host_options["host"]))
            unresolved = psycopg.OperationalError(
                f"failed to resolve host {name!r}: {error}"
            )
    if not addresses and unresolved is not None:
        raise unresolved
    if options.get("load_balance_hosts") == "random":
        random.shuffle(addresses)
    if options.get("target_session_attrs") == "prefer-standby":
        standby_only = _with_target(addresses, "standby")
        return standby_only + _with_target(addresses, "any")
    return addresses


def _with_target(
    addresses: Sequence[dict[str, str]], target: str
) -> list[dict[str, str]]:
    return [{**address, "target_session_attrs": target} for address in addresses]


def password_for(options: Options, lines: str | None) -> str | None:
    """Return the password of the first matching line; `lines` replaces a file that was read
    already.
    """
    text = _read_private(_password_file(options)) if lines is None else lines
    values = _password_key(options)
    for line in text.split("\n"):
        *fields, password = _fields(line.rstrip("\r"))
        if not line.startswith("#") and _matches(fields, values):
            return password
    return None


def _password_key(options: Options) -> tuple[str, str, str, str]:
    """Return the values that the fields of a line must match: host, port, database and user."""
    host = options.get("host") or options.get("hostaddr") or ""
    if not host or host in _SOCKET_FOLDERS:
        host = "localhost"
    port = options.get("port") or DEFAULT_PORT
    user = options.get("user", "")
    database = options.get("dbname") or user
    return host, port, database, user


def conninfo(options: Options) -> bytes:
    """Write the options as libpq reads them; bytes that are not UTF-8 stay as they are."""
    pairs = [f"{name}='{_escaped(value)}'" for name, value in options.items()]
    text = " ".join(pairs)
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:  # the text has characters that this locale lacks
        return text.encode(errors="surrogateescape")


@cache
def _keywords() -> dict[str, str | None]:
    """Return libpq's own keywords, each with the environment variable that sets it, or None."""
    keywords: dict[str, str | None] = {}
    for option in pq.Conninfo.parse(b""):
        variable = option.envvar
        keywords[option.keyword.decode()] = variable.decode() if variable else None
    return keywords


def environment() -> dict[str, str]:
    """Return what libpq's environment variables set, by keyword."""
    values = {}
    for keyword, variable in _keywords().items():
        value = os.environ.get(variable or "")
        if value:
            values[keyword] = value
    return values


def _user_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise psycopg.OperationalError(
            f"local user with ID {os.geteuid()} does not exist"
        ) from None


def _service(name: str, file: str | None) -> dict[str, str]:
    """Return the options that the service file sets; the first of several lines for a keyword
    counts.
    """
    for path in _service_files(file):
        try:
            text = _read(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise psycopg.OperationalError(
                f'service file "{path}" cannot be read: {reason_of(error)}'
            ) from error
        lines = _section(text, name)
        if lines is not None:
            return _section_options(lines, path)
    raise psycopg.OperationalError(f'definition of service "{name}" not found')


def _service_files(file: str | None) -> Iterator[Path]:
    file = file or os.environ.get("PGSERVICEFILE")
    yield Path(file) if file else _home() / ".pg_service.conf"
    folder = os.environ.get("PGSYSCONFDIR")
    folders = [folder] if folder else _SYSTEM_FOLDERS
    for each in folders:
        yield Path(each) / "pg_service.conf"


def _section(text: str, name: str) -> list[tuple[int, str]] | None:
    """Return the numbered lines of the first section of that name, or None if there is none."""
    lines: list[tuple[int, str]] | None = None
    for number, raw_line in enumerate(text.split("\n"), start=1):
        line = raw_line.strip()
        if line.startswith("["):
            if lines is not None:
                return lines
            lines = [] if line.startswith(f"[{name}]") else None
        elif lines is not None and line and not line.startswith("#"):
            lines.append((number, line))
    return lines


def _section_options(lines: list[tuple[int, str]], path: Path) -> dict[str, str]:
    options: dict[str, str] = {}
    keywords = _keywords().keys() - {"service", "servicefile"}
    for number, line in lines:
        if line.startswith("ldap"):
            raise psycopg.OperationalError(_LDAP)
        keyword, sign, value = line.partition("=")
        if not sign or keyword not in keywords:
            raise psycopg.OperationalError(
                f'syntax error in service file "{path}", line {number}'
            )
        options.setdefault(keyword, value)
    return options


_LDAP = (
    "definition of service by LDAP: pgtop does not query LDAP; "
    "write the options into the service file"
)


def _split_hosts(options: Options) -> list[dict[str, str]]:
    """Split the lists of hosts, addresses and ports. Raises psycopg.OperationalError if their
    lengths differ.
    """
    hosts = _items(options, "host")
    addresses = _items(options, "hostaddr")
    ports = _items(options, "port")
    count = max(len(hosts), len(addresses)) or 1
    if len(ports) == 1:
        ports = ports * count
    lists = {"host": hosts, "hostaddr": addresses, "port": ports}
    set_lists = {name: items for name, items in lists.items() if items}
    for name, items in set_lists.items():
        if len(items) != count:
            raise psycopg.OperationalError(
                f"invalid {name} value: there are {count} hosts and {len(items)} of these"
            )
    return [{**options, **_at(index, set_lists)} for index in range(count)]


def _at(index: int, lists: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: items[index] for name, items in lists.items()}


def _items(options: Options, name: str) -> list[str]:
    """Return the items of a list, none if the option is unset or empty."""
    value = options.get(name)
    if not value:
        return []
    return [item.strip() for item in value.split(",")]


def _addresses(options: dict[str, str]) -> list[dict[str, str]]:
    """Return the options of each address of one host. Raises OSError if it has none."""
    host = options.get("host", "")
    if options.get("hostaddr") or not host or host.startswith(LOCAL_SOCKET):
        return [options]
    if is_address(host):
        return [{**options, "hostaddr": host}]
    port = options.get("port") or DEFAULT_PORT
    entries = socket.getaddrinfo(
        _encoded(host), port, proto=socket.IPPROTO_TCP, type=socket.SOCK_STREAM
    )
    return [{**options, "hostaddr": str(address[0])} for *_, address in entries]


def _encoded(host: str) -> str | bytes:
    """Return the name as the name service takes it: in IDNA, or, if that fails, its original
    bytes.
    """
    try:
        return host.encode("idna")
    except UnicodeError:
        return os.fsencode(host)


def _password_file(options: Options) -> Path:
    path = options.get("passfile")
    return Path(path) if path else _home() / ".pgpass"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without a name and without HOME
        return Path(NO_FILE)


def _read_pipe(path: Path) -> str | None:
    """Return the text of a pipe, or None for any other file."""
    try:
        return _read(path) if stat.S_ISFIFO(path.stat().st_mode) else None
    except OSError:
        return None


def _read_private(path: Path) -> str:
    """Return the text of a regular file that no other user may read: libpq ignores any other."""
    try:
        file = open_regular(path, os.O_RDONLY)
    except OSError:
        return ""
    is_private = not os.fstat(file).st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    try:
        text = _read(file)
    except OSError:
        return ""
    return text if is_private else ""


def _read(file: Path | int) -> str:
    return os.fsdecode(read_start(file, _MAX_BYTES))


def _fields(line: str) -> list[str]:
    """Split a line at its colons; a backslash escapes a colon or another backslash."""
    parts = re.findall(r"((?:\\.|[^:\\])*)(?::|$)", line)
    return [re.sub(r"\\(.)", r"\1", part) for part in parts[:5]] or [""]


def _matches(fields: Sequence[str], values: Sequence[str]) -> bool:
    if len(fields) != len(values):
        return False
    return all(
        field in ("*", value) for field, value in zip(fields, values, strict=True)
    )


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("'", r"\'")


def parse_conninfo(text: str) -> dict[str, str]:
    """Return the keywords of a URI or a connection string. Raises ValueError with libpq's message,
    which may quote a part of the text.
    """
    try:
        options = pq.Conninfo.parse(text.encode())
    except psycopg.OperationalError as error:
        raise ValueError(str(error)) from None
    return {
        option.keyword.decode(): option.val.decode()
        for option in options
        if option.val is not None
    }
