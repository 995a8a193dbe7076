"""`[servers.NAME]`: a server that its user has given a name, `pgtop @NAME`."""

import re
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


_LONGEST_LABEL = 20
_SECRET = re.compile(
    r"""
      ^[^/@]*://[^/@]*:[^/@]*@                  # user:password@host
    | [?&\s']?(?:\w*pass\w*|\w*secret|scram_\w+)\s*=
    | [?&][^=&]*%[^=&]*=                         # a keyword that may be any
    """,
    re.VERBOSE | re.IGNORECASE,
)
_URI = re.compile(r"postgres(?:ql)?://\S*")


def _uri(text: str) -> str:
    """Return a connection URI. Raises ValueError, which quotes nothing."""
    if _SECRET.search(text):
        raise ValueError(
            "must hold no password: use ~/.pgpass, or a service file with mode 0600"
        )
    if not _URI.fullmatch(text):
        raise ValueError("must be a URI that begins with postgresql://")
    return text


def _uris(text: str) -> str:
    """Return connection URIs with blanks between them. Raises ValueError, which quotes nothing."""
    return " ".join(map(_uri, text.split()))


def _label(text: str) -> str:
    if not text.strip() or len(text) > _LONGEST_LABEL:
        raise ValueError(f"must have 1 to {_LONGEST_LABEL} characters")
    return text.strip()


def _service(text: str) -> str:
    if not re.fullmatch(r"[\w.-]+", text):
        raise ValueError("must be the name of a service, without blanks")
    return text


def _display(table: Mapping[str, Any]) -> Mapping[str, Any]:
    from pgtop.config.checking import display_values

    return display_values(table)


class ServerProfile(NamedTuple):
    """A named server: how to reach it, how it is labelled, and what guards it."""

    name: str
    service: Annotated[
        str,
        setting(help="a service of libpq's service file, such as prod", parse=_service),
    ] = ""
    uri: Annotated[
        str,
        setting(
            help="a connection URI without a password, instead of a service", parse=_uri
        ),
    ] = ""
    label: Annotated[
        str,
        setting(
            help="a word for the header and every dialog, such as PROD", parse=_label
        ),
    ] = ""
    """The word that stands for the server on screen; the name unless the user chose another."""
    color: Annotated[
        str,
        setting(help="colour of the label", choices=tuple(LABEL_TONES)),
    ] = "magenta"
    read_only: Annotated[bool, setting(help="send no signal to it", is_guard=True)] = (
        False
    )
    protect: Annotated[
        tuple[str, ...],
        setting(help="filters of its sessions that are protected", is_guard=True),
    ] = ()
    """Filters, as the user wrote them."""
    view: Annotated[
        str, setting(help="the view that opens first: one of pgtop's, or of [views]")
    ] = ""
    pooler: Annotated[
        str,
        setting(
            help="URI of its pooler's console, without a password; of several processes,"
            " one each, with blanks between them",
            parse=_uris,
        ),
    ] = ""
    display: Annotated[
        Mapping[str, Any],
        setting(
            help="values of [display] for it alone, such as thresholds", parse=_display
        ),
    ] = {}

    @property
    def label_span(self) -> Span:
        """The label as it stands before an address."""
        return Span(f" {self.label or self.name} ", LABEL_TONES[self.color])


# The server of a profile.


def check_server(profile: ServerProfile) -> None:
    """Raise ValueError unless the profile names its server in exactly one way."""
    if profile.service and profile.uri:
        raise ValueError("has both a service and a uri: give one")
    if not profile.service and not profile.uri:
        raise ValueError("needs a service or a uri")
