"""Checks of values for host, port, role or database: a value that looks like a misread connection
string is refused.

Such a string may hold a password. libpq would look it up as a host or send it to the default server
as a database, and that server's log keeps it; so pgtop refuses it first, and never quotes it.
"""

import re
from collections.abc import Callable, Container, Mapping
from ipaddress import ip_address

LOCAL_SOCKET = ("/", "@")
"""The start of a host that is a Unix-domain socket: in a folder, or in Linux's abstract namespace.
"""

ENCODE = "In a URI's password write @ as %40, / as %2F, : as %3A and % as %25."
# Patterns are compiled when they are first used: most starts need one or none.
_NOT_IN_A_HOST = r"[\s@=;/?#\"'<>(){}|\\^`]"
_NO_SOCKET = r"^//|^[/@][^/]*:[^/]*@|^@.*=|\s\w+\s*="
"""Matches a value that starts like a socket, but is a URI without its scheme, or keywords."""
_CONNECTION_STRING = r"""(?xi)
      ^[\s"']*(?:postgres|jdbc)[\w+]*:/?/?           # a URI, whole or not
    | :[^@]*@                                       # user:password@host
    | (?:\bpas\w*|password|passwd|pwd)["']?\s*[=:]  # a keyword, perhaps misspelt, perhaps in JSON
    """
_CONNECTION_STRING_IN_QUOTES = r"""(?xi)
      ^\s*(?:postgres|jdbc)[\w+]*:/
    | (?:\bpas\w*|password|passwd|pwd)["']?\s*[=:]
    """
"""The same for a quoted value: one quote too many has swallowed the rest of the string."""
_ODD_NAME = r"""://|=|^\s*["']|/[^@]*@|^(?:[^:]*:){4}"""
"""Matches parts of other connection strings, such as Oracle's, and a line of a password file."""
_ODD_NAME_IN_STRING = r"=|^\s*[\"']"
"""The same for a name that is the value of a keyword."""
_SECRET_KEYWORDS = ("password", "secret", "scram_", "oauth_")
_FREE_TEXT_KEYWORDS = frozenset(
    {
        "application_name",
        "fallback_application_name",
        "options",
        "passfile",
        "sslcert",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslkeylogfile",
        "sslrootcert",
    }
)
"""Keywords with texts and paths as values, which may contain almost anything."""
_LABELS = {
    "host": "the host (-h)",
    "user": "the role (-U)",
    "dbname": "the database (-d)",
}


def refusal(
    options: Mapping[str, str],
    by_keyword: Container[str] = (),
    in_quotes: Container[str] = (),
) -> str:
    """Return what is wrong with the first value that cannot be intended, without quoting it, or "".

    `by_keyword` names the options from a readable connection string, and `in_quotes` those with
    quoted values there: an odd name is then intended.
    """
    for name, value in options.items():
        if any(part in name for part in _SECRET_KEYWORDS):
            continue
        if name in in_quotes:
            why = _refuse_quoted(name, value)
        else:
            why = _refuse(name, value, name in by_keyword)
        if why:
            return why
    return ""


def is_address(host: str) -> bool:
    """Return whether the host is an IP address."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _refuse_quoted(name: str, value: str) -> str:
    return (
        _looks_like_string(name)
        if re.search(_CONNECTION_STRING_IN_QUOTES, value)
        else ""
    )


def _refuse(name: str, value: str, is_by_keyword: bool) -> str:
    if name in _LIST_CHECKS:
        refusals = map(_LIST_CHECKS[name], value.split(","))
        return next(filter(None, refusals), "")
    odd_name = _ODD_NAME_IN_STRING if is_by_keyword else _ODD_NAME
    is_odd = name not in _FREE_TEXT_KEYWORDS and re.search(odd_name, value)
    return (
        _looks_like_string(name)
        if is_odd or re.search(_CONNECTION_STRING, value)
        else ""
    )


def _looks_like_string(name: str) -> str:
    return f"The value of {_LABELS.get(name, name)} looks like a connection string."


def _refuse_host(text: str) -> str:
    host = text.strip()
    if host.startswith(LOCAL_SOCKET):
        return _looks_like_string("host") if re.search(_NO_SOCKET, host) else ""
    if "@" in host:
        return "The host's name contains an @."
    if re.search(_NOT_IN_A_HOST, host):
        return "The host's name has a character that no host's name has."
    if ":" in host and not is_address(host):
        return "The host's name contains a colon: give the port with -p."
    return ""


def _refuse_port(text: str) -> str:
    if _is_port(text):
        return ""
    is_number = re.fullmatch(r"\s*[0-9]{1,6}\s*", text)
    subject = repr(text.strip()) if is_number else "That"
    return f"{subject} is not a port: ports are numbers from 1 to 65535."


def _refuse_address(text: str) -> str:
    if not text or is_address(text.strip()):
        return ""
    return "The value of hostaddr is not an IP address."


def _is_port(text: str) -> bool:
    port = text.strip()
    if not port:
        return True
    is_short_number = port.isascii() and port.isdecimal() and len(port) <= 5
    return is_short_number and 0 < int(port) < 65_536


_LIST_CHECKS: Mapping[str, Callable[[str], str]] = {
    "host": _refuse_host,
    "hostaddr": _refuse_address,
    "port": _refuse_port,
}
"""Checks of one item of the keywords that take lists."""
