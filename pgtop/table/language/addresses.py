"""Addresses of clients: `local`, one address, the beginning of one (`10.0.`), or a network
(`10.0.0.0/8`).
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from pgtop.model.backend import LOCAL, Backend
from pgtop.table.predicates import Decision

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    Network: TypeAlias = IPv4Network | IPv6Network

_OCTETS = re.compile(r"(?:[0-9]{1,3}\.){1,3}")
_HEX_GROUPS = re.compile(r"(?:[0-9a-f]{1,4}:){1,7}", re.IGNORECASE)


def network_of(text: str) -> "Network | None":
    """Parse an address, its beginning or a network; None stands for `local`. Raises ValueError with
    the remedy.
    """
    import ipaddress  # only for filters with addresses

    if text.lower() == LOCAL:
        return None
    try:
        return ipaddress.ip_network(_completed(text))
    except ValueError as error:
        if "host bits set" in str(error):
            network = ipaddress.ip_network(text, strict=False)
            raise ValueError(
                f"`{text}` is no network: write {network}, or the address alone"
            ) from None
    raise ValueError(
        f"`{text}` is no address: write 10.0.0.7, 10.0. (begins so), 10.0.0.0/8 or local; "
        "host names go with host:"
    )


def is_single(network: "Network | None") -> bool:
    """Return whether the network is one address, or `local`."""
    return network is None or network.prefixlen == network.max_prefixlen


def in_networks(
    networks: Sequence["Network | None"], client_of: Callable[[Backend], str | None]
) -> Decision:
    """Return the decision whether the client of a session is in one of `networks`; each address is
    parsed once.
    """
    answers: dict[str | None, bool | None] = {
        None: None,
        "": False,
        LOCAL: None in networks,
    }

    def is_inside(name: str) -> bool | None:
        import ipaddress

        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return None
        return any(network is not None and address in network for network in networks)

    def decide(backend: Backend) -> bool | None:
        name = client_of(backend)
        if name not in answers:
            answers[name] = is_inside(name or "")
        return answers[name]

    return decide


def _completed(text: str) -> str:
    """Write the beginning of an address as the network that it stands for."""
    if _OCTETS.fullmatch(text):
        count = text.count(".")
        rest = ".".join(["0"] * (4 - count))
        return f"{text}{rest}/{8 * count}"
    if _HEX_GROUPS.fullmatch(text) and "::" not in text:
        count = text.count(":")
        rest = ":".join(["0"] * (8 - count))
        return f"{text}{rest}/{16 * count}"
    return text
