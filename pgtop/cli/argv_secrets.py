"""Secrets on the command line: hidden from the list of processes, and quoted in no error.

Every user can read that list, and the secret is in it while Python starts: a password file is
better. Only Linux shows where a process keeps its arguments.
"""

import re
from collections.abc import Container, Sequence
from pathlib import Path

from pgtop.errors import UsageError

SECRETS = frozenset(
    {
        "password",
        "sslpassword",
        "oauth_client_secret",
        "scram_client_key",
        "scram_server_key",
    }
)
"""libpq's keywords for secrets. https://www.postgresql.org/docs/current/libpq-connect.html"""

_NAMES = "|".join(SECRETS).encode()
# Patterns are compiled when they are first used: the start needs few, and saves 7,000 calls.
_SECRETS = rb"""(?xs)
      ^postgres(?:ql)?://[^/@:]*:(?P<before_host>[^/@]*)@
    # a keyword that is written with %% may be any
    | [?&](?:%(names)b|[^=&]*%%[^=&]*)=(?P<parameter>[^&]*)
    | (?:^|[\s'])(?:%(names)b)\s*=\s*(?P<keyword>'(?:[^'\\]|\\.)*'|(?:\\.|\S)+)
    """ % {b"names": _NAMES}
_TRACES = ("@", "pass", "secret", "scram")
_WRONG_KEYWORD = (
    r'^(?:invalid connection option|invalid URI query parameter:) "(\w{1,40})"'
)
_URI = r"""(?xi)
      (?:postgres|jdbc)[\w+]*:/?/?
    | [a-z][\w+.-]*:/{0,2}[^\s/:@]*:[^\s@]*@
    | :[^\s@]*@[\w.\[\]-]+[:/]
    """
_ASSIGNED = r"(?i)(?:\bpas\w*|password|passwd|pwd)[\"']?\s*[=:]"
_PERHAPS = r"(?s):.*@|@.*:|/[^@]*@|^(?:[^:]*:){4}"
"""Words such as user:password@host, Oracle's user/password@host, and a line of a password file."""
_PLAIN_URI = r"(?a)postgres(?:ql)?://[\w.-]+@[\w.-]*(?::\d{1,5})?(?:/[\w-]*)?"
"""A URI with a user and no password, as that of the console of a pooler."""
_SHORT_OPTIONS = ("-d", "-h", "-U", "-p")
"""Options that their value may follow without a blank."""
_MASK = b"x"
_ARG_START = 47
_ARG_END = 48
"""Fields of /proc/self/stat, counted from 0.
https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""


def hide(connection_string: str) -> None:
    """Overwrite the secrets of the connection string among this process's arguments."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        cmdline = Path("/proc/self/cmdline").read_bytes()
    except OSError:  # another system
        return
    start = int(fields[_ARG_START - 2])
    end = int(fields[_ARG_END - 2])
    target = connection_string.encode()
    if start and end - start == len(cmdline) and target in cmdline:
        _write(start + cmdline.index(target), masked(target))


def masked(connection_string: bytes) -> bytes:
    """Mask every secret without changing the length.

    Mask all if the secret stands in no usual place.
    """
    matches = list(re.finditer(_SECRETS, connection_string))
    if not matches:
        return _MASK * len(connection_string)
    text = bytearray(connection_string)
    for match in matches:
        start, end = match.span(match.lastgroup or 0)
        text[start:end] = _MASK * (end - start)
    return bytes(text)


def wrong_keyword(message: str, connection_string: str) -> str:
    """Return the keyword that libpq's message finds wrong, or nothing.

    If the string may hold a password, any part of it may be a part of the password.
    """
    match = re.search(_WRONG_KEYWORD, message)
    lower = connection_string.lower()
    if match is None or any(trace in lower for trace in _TRACES):
        return ""
    return match[1]


def check_words(
    words: Sequence[str], strings: Container[str | None], *, quoted: bool = False
) -> None:
    """Raise UsageError, which quotes nothing, for a password outside the connection strings.

    Set `quoted` if an error is about to quote one of the words: even user:password@host is refused
    then.
    """
    is_suspicious = may_hold_password if quoted else holds_password
    for word in words:
        value = _value(word)
        if value in strings or re.fullmatch(_PLAIN_URI, value):
            continue
        if is_suspicious(value):
            hide(word)
            raise UsageError(
                "There is a password outside the connection string.",
                "Give the connection string as one word of its own, or with -d.",
            )


def holds_password(word: str) -> bool:
    """Return whether the word looks like a connection string with a password, even a wrong one."""
    if "query:" in word:
        return False
    return bool(re.search(_URI, word) or re.search(_ASSIGNED, word))


def may_hold_password(word: str) -> bool:
    """Return whether the word may hold a password, so that no error should quote it."""
    return holds_password(word) or bool(re.search(_PERHAPS, word))


def _value(word: str) -> str:
    """Return the word without the option that it begins with."""
    if word.startswith("--"):
        _, _, value = word.partition("=")
        return value
    return word[2:] if word.startswith(_SHORT_OPTIONS) else word


def _write(address: int, text: bytes) -> None:
    import ctypes

    ctypes.memmove(address, text, len(text))
