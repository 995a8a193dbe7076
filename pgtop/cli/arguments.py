"""A secret on the command line: taken off the list of processes, which every user can read, and quoted in no error.

Until then, for the time that Python needs to start, it stands there: a password file is better. Linux alone tells
where a process has its arguments.
"""

import re
from pathlib import Path

SECRETS = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"})
"""libpq's keywords for what nobody else may see. https://www.postgresql.org/docs/current/libpq-connect.html"""

_NAMES = "|".join(SECRETS).encode()
_SECRETS = re.compile(
    rb"""
      ^postgres(?:ql)?://[^/@:]*:(?P<before_host>[^/@]*)@
    | [?&](?:%(names)b|[^=&]*%%[^=&]*)=(?P<parameter>[^&]*)  # a keyword that is written with %% may be any
    | (?:^|[\s'])(?:%(names)b)\s*=\s*(?P<keyword>'(?:[^'\\]|\\.)*'|(?:\\.|\S)+)
    """
    % {b"names": _NAMES},
    re.VERBOSE | re.DOTALL,
)
_TRACES = ("@", "pass", "secret", "scram")
_QUOTED = re.compile(r'"([^"]*)"')
_SIGNS = frozenset({"=", "]"})
"""What libpq may miss in a connection string, and quotes then."""
_MASK = b"x"
_ARG_START, _ARG_END = 47, 48
"""Fields of /proc/self/stat, counted from 0. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""


def hide(connection_string: str) -> None:
    """Write over the secrets in the connection string, where that stands among this process's arguments."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        given = Path("/proc/self/cmdline").read_bytes()
    except OSError:  # another system
        return
    start, end = (int(fields[number - 2]) for number in (_ARG_START, _ARG_END))
    target = connection_string.encode()
    if start and end - start == len(given) and target in given:
        _write(start + given.index(target), masked(target))


def masked(connection_string: bytes) -> bytes:
    """As long as it was, with every secret masked; all of it, where the secret stands in no usual place."""
    spans = [found.span(found.lastgroup or 0) for found in _SECRETS.finditer(connection_string)]
    if not spans:
        return _MASK * len(connection_string)
    for start, end in spans:
        connection_string = connection_string[:start] + _MASK * (end - start) + connection_string[end:]
    return connection_string


def may_hold_secret(connection_string: str) -> bool:
    """Also one that is written in a wrong way, so that any part of the string may be a part of it."""
    return any(trace in connection_string.lower() for trace in _TRACES)


def discreet(message: str) -> str:
    """What libpq says of a connection string, without what it quotes of it."""
    return _QUOTED.sub(lambda quoted: quoted[0] if quoted[1] in _SIGNS else '"…"', message)


def _write(address: int, text: bytes) -> None:
    import ctypes

    ctypes.memmove(address, text, len(text))
