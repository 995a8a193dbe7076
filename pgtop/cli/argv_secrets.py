"""A secret on the command line: taken off the list of processes, which every user can read, and
quoted in no error.

Until then, for the time that Python needs to start, it stands there: a password file is better.
Linux alone tells where a process has its arguments.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from pgtop.errors import UsageError

SECRETS = frozenset(
    {"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
)
"""libpq's keywords for secrets. https://www.postgresql.org/docs/current/libpq-connect.html"""

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
_WRONG_KEYWORD = re.compile(
    r'^(?:invalid connection option|invalid URI query parameter:) "(\w{1,40})"'
)
_URI = re.compile(
    r"""
      (?:postgres|jdbc)[\w+]*:/?/?
    | [a-z][\w+.-]*:/{0,2}[^\s/:@]*:[^\s@]*@
    | :[^\s@]*@[\w.\[\]-]+[:/]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ASSIGNED = re.compile(r"(?:\bpas\w*|password|passwd|pwd)[\"']?\s*[=:]", re.IGNORECASE)
_PERHAPS = re.compile(r":.*@|@.*:|/[^@]*@|^(?:[^:]*:){4}", re.DOTALL)
"""user:password@host, Oracle's user/password@host, and a line of a password file."""
_GLUED = ("-d", "-h", "-U", "-p")
_MASK = b"x"
_ARG_START, _ARG_END = 47, 48
"""Fields of /proc/self/stat, counted from 0.
https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""


def hide(connection_string: str) -> None:
    """Write over the secrets in the connection string, where that stands among this process's
    arguments.
    """
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
    """As long as it was, with every secret masked; all of it, where the secret stands in no usual
    place.
    """
    spans = [found.span(found.lastgroup or 0) for found in _SECRETS.finditer(connection_string)]
    if not spans:
        return _MASK * len(connection_string)
    for start, end in spans:
        connection_string = (
            connection_string[:start] + _MASK * (end - start) + connection_string[end:]
        )
    return connection_string


def discreet(message: str, connection_string: str) -> str:
    """Return the keyword that libpq finds wrong, for the end of a sentence; nothing else of what
    libpq quotes.

    Not even that where a password may be about: any part of the string may be a part of it.
    """
    found = _WRONG_KEYWORD.search(message)
    if found is None or any(trace in connection_string.lower() for trace in _TRACES):
        return ""
    return f': invalid connection option "{found[1]}"'


def check_words(
    words: Sequence[str], connection_string: str | None, *, quoted: bool = False
) -> None:
    """Raise UsageError for a word other than the connection string that may hold a password:
    nothing may quote it.

    `quoted`: an error is about to quote one of them, so that a mere user:password@host is refused
    as well.
    """
    for word in words:
        value = _value(word)
        if value != connection_string and (
            may_hold_password(value) if quoted else holds_password(value)
        ):
            hide(word)
            raise UsageError(
                "There is a password in a place that is none of a connection string.",
                "Give the connection string as one word of its own, or with -d.",
            )


def holds_password(word: str) -> bool:
    """Return whether the word, which need not be well written, may be a connection string with a
    password.
    """
    return "query:" not in word and bool(_URI.search(word) or _ASSIGNED.search(word))


def may_hold_password(word: str) -> bool:
    """Return whether an error had better not quote the word."""
    return holds_password(word) or bool(_PERHAPS.search(word))


def _value(word: str) -> str:
    """Return the word without the option that it begins with."""
    if word.startswith("--"):
        return word.partition("=")[2]
    return word[2:] if word.startswith(_GLUED) else word


def _write(address: int, text: bytes) -> None:
    import ctypes

    ctypes.memmove(address, text, len(text))
