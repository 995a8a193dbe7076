"""`[servers.NAME]`: a server that its user has given a name, `pgtop @NAME`."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from pgtop.config.schema import setting
from pgtop.text.tone import Span, Tone

LABEL_TONES: Mapping[str, Tone] = {
    "magenta": Tone.LABEL,
    "cyan": Tone.NOTICE_PLATE,
    "green": Tone.CALM_PLATE,
    "yellow": Tone.WARN_PLATE,
    "grey": Tone.QUIET_PLATE,
}
"""Plates of a label, by the name of their colour. Red is left to alarms."""


class ServerProfile(NamedTuple):
    """A named server: how to reach it, how it is labelled, and what guards it."""

    name: str
    service: Annotated[
        str, setting(help="a service of libpq's service file, such as prod")
    ] = ""
    uri: Annotated[
        str, setting(help="a connection URI without a password, instead of a service")
    ] = ""
    label: Annotated[
        str, setting(help="a word for the header and every dialog, such as PROD")
    ] = ""
    """The word that stands for the server on screen; the name unless the user chose another."""
    color: Annotated[
        str,
        setting(help="colour of the label", choices=tuple(LABEL_TONES)),
    ] = "magenta"
    read_only: Annotated[bool, setting(help="send no signal to it")] = False
    protect: Annotated[
        tuple[str, ...], setting(help="filters of its sessions that are protected")
    ] = ()
    """Filters, as the user wrote them."""
    view: Annotated[
        str, setting(help="the view that opens first: one of pgtop's, or of [views]")
    ] = ""
    pooler: Annotated[
        str, setting(help="URI of its pooler's console, without a password")
    ] = ""
    display: Annotated[
        Mapping[str, Any],
        setting(help="values of [display] for it alone, such as thresholds"),
    ] = {}

    @property
    def label_span(self) -> Span:
        """The label as it stands before an address."""
        return Span(f" {self.label or self.name} ", LABEL_TONES[self.color])
