"""Where to connect and how, read once: the user's words, then the service file, then the
environment.

libpq would read the service file at every try, in the event loop, and a pipe
(`PGSERVICEFILE=<(...)`) can be read only once. The password file is read here as well, for the same
reasons; a regular one again at each try, as it may change.
https://www.postgresql.org/docs/current/libpq-pgservice.html
https://www.postgresql.org/docs/current/libpq-pgpass.html
"""

import os
import random
import re
import socket
import stat
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

import psycopg
from psycopg import pq

from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.places import LOCAL_SOCKET, is_address, refusal

Options: TypeAlias = Mapping[str, str]

NO_FILE = "/dev/null/none"
"""A path where no file can be, so that libpq reads no password file itself and does not warn of its
absence.
"""

_MOST = 1 << 20
"""Bytes of a service or password file; pipes may be endless."""
_SYSTEM_WIDE = ("/etc/postgresql-common", "/etc/sysconfig/pgsql", "/etc")
"""Where distributions' libpq looks for pg_service.conf; that of psycopg's wheel looks where it was
built.
"""
_DEFAULT_FOLDERS = ("/tmp", "/var/run/postgresql", "/run/postgresql")  # noqa: S108  # not written to
_DEFAULT_PORT = "5432"


class Resolved(NamedTuple):
    """All options that have a value, and the password file's lines where that can be read only
    once.
    """

    options: dict[str, str]
    passwords: str | None = None


def resolve(parameters: Options) -> Resolved:
    """Add service file and environment to the user's parameters. Raises psycopg.OperationalError;
    may hang.
    """
    variables = environment()
    options = {**variables, **parameters}
    if service := options.pop("service", None):
        if why := refusal({"service": service}):
            raise psycopg.OperationalError(f"invalid service value: {why}")
        options = {**variables, **_service(service, options.get("servicefile")), **parameters}
    for name in ("service", "servicefile"):
        options.pop(name, None)
    if "user" not in options:  # a uid without a name is no fault where it is not asked for
        options["user"] = _user_name()
    return Resolved(options, _read_once(_passfile(options)))


def forget_service() -> None:
    """Take the service out of the environment: libpq would read its file again whenever it
    connects.
    """
    os.environ.pop("PGSERVICE", None)


def attempts(options: Options) -> list[dict[str, str]]:
    """Return the options of each address to try, in their order. Raises psycopg.OperationalError;
    may hang.
    """
    hosts = _each_host(options)
    addresses, refusal = [], None
    for each in hosts:
        try:
            addresses += _addresses(each)
        except OSError as error:
            name = decode_name(os.fsencode(each["host"]))
            refusal = psycopg.OperationalError(f"failed to resolve host {name!r}: {error}")
    if not addresses and refusal is not None:
        raise refusal
    if options.get("load_balance_hosts") == "random":
        random.shuffle(addresses)
    if options.get("target_session_attrs") == "prefer-standby":
        standbys = [{**each, "target_session_attrs": "standby"} for each in addresses]
        return [*standbys, *({**each, "target_session_attrs": "any"} for each in addresses)]
    return addresses


def password_for(options: Options, lines: str | None) -> str | None:
    """Return the password of the first line that matches; `lines` stands for a file that was read
    already.
    """
    text = _read_private(_passfile(options)) if lines is None else lines
    host = options.get("host") or options.get("hostaddr") or ""
    if not host or host in _DEFAULT_FOLDERS:
        host = "localhost"
    user = options.get("user", "")
    wanted = (host, options.get("port") or _DEFAULT_PORT, options.get("dbname") or user, user)
    for line in text.split("\n"):
        *fields, password = _fields(line.rstrip("\r"))
        if (
            not line.startswith("#")
            and len(fields) == len(wanted)
            and all(map(_matches, fields, wanted))
        ):
            return password
    return None


def conninfo(options: Options) -> bytes:
    """Write the options as libpq reads them; bytes that are not UTF-8 stay as they came."""
    pairs = (f"{name}='{_escaped(value)}'" for name, value in options.items())
    text = " ".join(pairs)
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:  # not from this locale
        return text.encode(errors="surrogateescape")


@cache
def _keywords() -> dict[str, str | None]:
    """Return libpq's own list of keywords: each with the environment variable that stands for it,
    if any does.
    """
    known = pq.Conninfo.parse(b"")
    return {each.keyword.decode(): each.envvar.decode() if each.envvar else None for each in known}


def environment() -> dict[str, str]:
    """Return what libpq's environment variables set, by keyword."""
    variables = ((keyword, os.environ.get(name or "")) for keyword, name in _keywords().items())
    return {keyword: value for keyword, value in variables if value}


def _user_name() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise psycopg.OperationalError(
            f"local user with ID {os.geteuid()} does not exist"
        ) from None


def _service(name: str, file: str | None) -> dict[str, str]:
    """Return what the service file sets for the service; of several lines for a keyword the first
    counts.
    """
    for path in _service_files(file):
        try:
            text = _read(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise psycopg.OperationalError(
                f'service file "{path}" cannot be read: {error.strerror}'
            ) from error
        found = _section(text, name, path)
        if found is not None:
            return found
    raise psycopg.OperationalError(f'definition of service "{name}" not found')


def _service_files(file: str | None) -> Iterator[Path]:
    named = file or os.environ.get("PGSERVICEFILE")
    yield Path(named) if named else _home() / ".pg_service.conf"
    folder = os.environ.get("PGSYSCONFDIR")
    yield from (Path(each) / "pg_service.conf" for each in ([folder] if folder else _SYSTEM_WIDE))


def _section(text: str, name: str, path: Path) -> dict[str, str] | None:
    found: dict[str, str] | None = None
    keywords = _keywords().keys() - {"service", "servicefile"}
    for number, line in enumerate(map(str.strip, text.split("\n")), start=1):
        if line.startswith("["):
            if found is not None:
                return found
            found = {} if line.startswith(f"[{name}]") else None
        elif found is not None and line and not line.startswith("#"):
            if line.startswith("ldap"):
                raise psycopg.OperationalError(_LDAP)
            keyword, sign, value = line.partition("=")
            if not sign or keyword not in keywords:
                raise psycopg.OperationalError(
                    f'syntax error in service file "{path}", line {number}'
                )
            found.setdefault(keyword, value)
    return found


_LDAP = "definition of service by LDAP: pgtop does not query LDAP; write the options into the service file"


def _each_host(options: Options) -> list[dict[str, str]]:
    """Split the lists of hosts, addresses and ports. Raises psycopg.OperationalError if their
    lengths differ.
    """
    lists = {
        name: options[name].split(",") for name in ("host", "hostaddr", "port") if options.get(name)
    }
    count = max((len(lists[name]) for name in ("host", "hostaddr") if name in lists), default=1)
    for name, values in lists.items():
        if len(values) != count and (name != "port" or len(values) > 1):
            raise psycopg.OperationalError(
                f"invalid {name} value: there are {count} hosts and {len(values)} of these"
            )
        lists[name] = values if len(values) == count else values * count
    return [{**options, **{name: lists[name][at].strip() for name in lists}} for at in range(count)]


def _addresses(options: dict[str, str]) -> list[dict[str, str]]:
    host = options.get("host", "")
    if options.get("hostaddr"):
        return [options]
    if not host or host.startswith(LOCAL_SOCKET):
        return [options]
    if is_address(host):
        return [{**options, "hostaddr": host}]
    port = options.get("port") or _DEFAULT_PORT
    known = socket.getaddrinfo(
        _encoded(host), port, proto=socket.IPPROTO_TCP, type=socket.SOCK_STREAM
    )
    return [{**options, "hostaddr": str(address[0])} for *_, address in known]


def _encoded(host: str) -> str | bytes:
    """Return the name as the name service takes it: in IDNA, or, if that fails, the bytes as
    given.
    """
    try:
        return host.encode("idna")
    except UnicodeError:
        return os.fsencode(host)


def _passfile(options: Options) -> Path:
    named = options.get("passfile")
    return Path(named) if named else _home() / ".pgpass"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without a name and without HOME
        return Path(NO_FILE)


def _read_once(path: Path) -> str | None:
    """Return the text of what is no regular file, such as a pipe."""
    try:
        return _read(path) if stat.S_ISFIFO(path.stat().st_mode) else None
    except OSError:
        return None


def _read_private(path: Path) -> str:
    """Return the text, unless others may read the file as well: libpq ignores it then."""
    try:
        mode = path.stat().st_mode
        return (
            _read(path) if stat.S_ISREG(mode) and not mode & (stat.S_IRWXG | stat.S_IRWXO) else ""
        )
    except OSError:
        return ""


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return os.fsdecode(file.read(_MOST))


def _fields(line: str) -> list[str]:
    """Split a line at its colons; a backslash escapes a colon or another backslash."""
    parts = re.findall(r"((?:\\.|[^:\\])*)(?::|$)", line)
    return [re.sub(r"\\(.)", r"\1", part) for part in parts[:5]] or [""]


def _matches(field: str, wanted: str) -> bool:
    return field in ("*", wanted)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("'", r"\'")
