"""The server and the role, in the words of header, printed page and question. All are cleaned."""

from collections.abc import Sequence

from pgtop.model.server import SUPPORTED, Server
from pgtop.text.clean import cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line

_SHORT_NAME = 8
"""Cells of an address that are enough to know a server by."""


def address(server: Server) -> str:
    """Return host and port, `db1:5432`, or the folder of the socket."""
    return clean(server.endpoint)


def short_address(server: Server) -> str:
    """Return the host's own name, in a few cells."""
    host = clean(server.host)
    first, _, rest = host.partition(".")
    has_domain = rest and not first.isdigit() and not host.startswith("/")
    name = first if has_domain else host
    return fit(name, min(cells(name), _SHORT_NAME))


def place(server: Server) -> str:
    """Return where pgtop is connected, and as which role: `db1:5432 as dba`."""
    return f"{address(server)} as {clean(server.user)}"


def labelled_place(
    server: Server,
    label: Line,
    is_short: bool = False,
) -> Line:
    """Return the address behind the label that the user gave the server, if there is one.

    A short one has no port.
    """
    gap = " " if label else ""
    words = clean(server.host) if is_short else address(server)
    return (*label, Span(f"{gap}{words}", Tone.PLAIN))


def account(server: Server) -> str:
    """Return pgtop's current role, and the role that logged in if it is another."""
    if server.acts_as_another:
        login = f"{server.login.name}@{server.database}"
        return clean(f"as {server.user}, logged in as {login}")
    return clean(f"{server.user}@{server.database}")


def pooled_words(server: Server) -> Sequence[str]:
    """Return words for a pooler in between, the longest form first: with the way to the server
    itself, where that is known; nothing without a pooler.
    """
    if not server.is_pooled:
        return ()
    host, _, port = server.address.rpartition(":")
    if host:
        way = f"the server itself: pgtop -h {host} -p {port}"
    elif port:
        way = f"the server itself: port {port} on the pooler's machine"
    else:
        return (_THROUGH,)
    return clean(f"{_THROUGH}; {way}"), _THROUGH


_THROUGH = "through a pooler"


def version_number(server: Server) -> str:
    """Return the version without the words of a distribution: `16.4`."""
    return clean(server.version).partition(" ")[0]


def version_doubt(server: Server) -> str:
    """Return a warning about a version on which pgtop is not tested, or ""."""
    if server.major in SUPPORTED:
        return ""
    is_newer = server.major >= SUPPORTED.stop
    return "newer than tested" if is_newer else "older than tested"
