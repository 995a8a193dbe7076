"""Whether a value for host, port, role or database can be one, or is a connection string that was
not understood.

Such a string may hold a password. libpq would look it up as a host or send it to the default server
as a database, whose log keeps it; so it is refused before, and quoted nowhere.
"""

import re
from collections.abc import Container, Mapping
from ipaddress import ip_address

LOCAL_SOCKET = ("/", "@")
"""A host that begins so is a Unix-domain socket: in a folder, or in Linux's abstract namespace."""

ENCODE = "In a URI's password write @ as %40, / as %2F, : as %3A and % as %25."
_NOT_IN_A_HOST = re.compile(r"[\s@=;/?#\"'<>(){}|\\^`]")
_NO_SOCKET = re.compile(r"^//|^[/@][^/]*:[^/]*@|^@.*=|\s\w+\s*=")
"""In what begins like a socket: a URI without its scheme, or keywords."""
_STRING = re.compile(
    r"""
      ^[\s"']*(?:postgres|jdbc)[\w+]*:/?/?           # a URI, whole or not
    | :[^@]*@                                       # user:password@host
    | (?:\bpas\w*|password|passwd|pwd)["']?\s*[=:]  # a keyword, perhaps misspelt, perhaps in JSON
    """,
    re.VERBOSE | re.IGNORECASE,
)
_STRING_IN_QUOTES = re.compile(
    r"""^\s*(?:postgres|jdbc)[\w+]*:/|(?:\bpas\w*|password|passwd|pwd)["']?\s*[=:]""", re.IGNORECASE
)
"""The same where the value stands in quotes: a quote too many has swallowed the rest of the
string.
"""
_STRANGE = re.compile(r"""://|=|^\s*["']|/[^@]*@|^(?:[^:]*:){4}""")
"""In a name: what connection strings of other kinds have, such as Oracle's, and a line of a
password file.
"""
_STRANGE_IN_STRING = re.compile(r"=|^\s*[\"']")
"""The same where the name is the value of a keyword."""
_SECRET = ("password", "secret", "scram_", "oauth_")
_FREE = frozenset(
    {
        "options",
        "passfile",
        "sslcert",
        "sslkey",
        "sslrootcert",
        "sslcrl",
        "sslcrldir",
        "sslkeylogfile",
    }
)
_FREE |= {"application_name", "fallback_application_name"}
"""Keywords whose values are texts and paths, in which much may stand."""
_HINTS = {"host": "the host (-h)", "user": "the role (-U)", "dbname": "the database (-d)"}


def refusal(
    options: Mapping[str, str], by_keyword: Container[str] = (), in_quotes: Container[str] = ()
) -> str:
    """Return what is wrong with the first value that cannot be meant as it is, without quoting it;
    or nothing.

    The values of `by_keyword` stand in a connection string that could be read, and those of
    `in_quotes` in quotes there: a strange name is meant so.
    """
    refusals = (
        _refused_in_quotes(name, value)
        if name in in_quotes
        else _refused(name, value, name in by_keyword)
        for name, value in options.items()
    )
    return next(filter(None, refusals), "")


def _refused_in_quotes(name: str, value: str) -> str:
    if any(part in name for part in _SECRET):
        return ""
    return _looks_like_string(name) if _STRING_IN_QUOTES.search(value) else ""


def _refused(name: str, value: str, by_keyword: bool) -> str:
    if any(part in name for part in _SECRET):
        return ""
    if name in _BY_PART:
        return next(filter(None, map(_BY_PART[name], value.split(","))), "")
    strange = _STRANGE_IN_STRING if by_keyword else _STRANGE
    is_strange = name not in _FREE and strange.search(value)
    return _looks_like_string(name) if is_strange or _STRING.search(value) else ""


def _looks_like_string(name: str) -> str:
    return f"What stands for {_HINTS.get(name, name)} looks like a connection string."


def _refused_host(text: str) -> str:
    host = text.strip()
    if host.startswith(LOCAL_SOCKET):
        return _looks_like_string("host") if _NO_SOCKET.search(host) else ""
    if "@" in host:
        return "There is an @ in the host's name."
    if _NOT_IN_A_HOST.search(host):
        return "The host's name has a character that no host's name has."
    if ":" in host and not is_address(host):
        return "There is a colon in the host's name: the port is given with -p."
    return ""


def is_address(host: str) -> bool:
    """Return whether the host is an IP address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _refused_port(text: str) -> str:
    if _is_port(text):
        return ""
    number = (
        f"{text.strip()!r} is not a port"
        if re.fullmatch(r"\s*[0-9]{1,6}\s*", text)
        else "That is not a port"
    )
    return f"{number}: ports are numbers from 1 to 65535."


def _refused_address(text: str) -> str:
    return (
        ""
        if not text or is_address(text.strip())
        else "What stands for hostaddr is not an address."
    )


def _is_port(text: str) -> bool:
    port = text.strip()
    return not port or (
        port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65_536
    )


_BY_PART = {"host": _refused_host, "hostaddr": _refused_address, "port": _refused_port}
"""Keywords whose values are lists."""
