"""The server and the role of a signal, in the words of every question about one."""

from pgtop.model.server import Server
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line


def address(server: Server) -> str:
    """Return where pgtop is connected: `db1:5432`, cleaned."""
    if server.port:
        return clean(f"{server.host}:{server.port}")
    return clean(server.host)


def place(server: Server) -> str:
    """Return where pgtop is connected, and as which role: `db1:5432 as dba`, cleaned."""
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
