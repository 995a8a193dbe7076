"""Where a session comes from: `local`, an address, the beginning of one (`10.0.`), or a network
(`10.0.0.0/8`).
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from pgtop.model.backend import Backend
from pgtop.table import known
from pgtop.table.language.lazy import LazyPattern
from pgtop.table.predicates import Decision

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    Network: TypeAlias = IPv4Network | IPv6Network

LOCAL = "local"
_OCTETS = LazyPattern(r"(?:[0-9]{1,3}\.){1,3}")
_GROUPS = LazyPattern(r"(?:[0-9a-f]{1,4}:){1,7}", re.IGNORECASE)


def network_of(written: str) -> "Network | None":
    """Read an address, its beginning or a network; None is `local`. ValueError says what is
    right.
    """
    import ipaddress  # only where a filter asks for addresses

    if written.lower() == LOCAL:
        return None
    try:
        return ipaddress.ip_network(_completed(written))
    except ValueError as error:
        if "host bits set" in str(error):
            whole = ipaddress.ip_network(written, strict=False)
            raise ValueError(
                f"`{written}` is no network: write {whole}, or the address alone"
            ) from None
    raise ValueError(
        f"`{written}` is no address: write 10.0.0.7, 10.0. (begins so), 10.0.0.0/8 or local; host names go with host:"
    )


def is_whole(network: "Network | None") -> bool:
    """Say whether it is one address, or `local`."""
    return network is None or network.prefixlen == network.max_prefixlen


def in_networks(networks: Sequence["Network | None"]) -> Decision:
    """Return the decision whether a session comes from one of `networks`; each address is read
    once.
    """
    answers: dict[str | None, bool | None] = {None: None, "": False, LOCAL: None in networks}

    def decide_on(name: str) -> bool | None:
        import ipaddress

        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return None
        return any(network is not None and address in network for network in networks)

    def decide(backend: Backend) -> bool | None:
        name = known.client(backend)
        if name not in answers:
            answers[name] = decide_on(name or "")
        return answers[name]

    return decide


def _completed(written: str) -> str:
    """Write the beginning of an address as the network that it is."""
    if _OCTETS.fullmatch(written):
        count = written.count(".")
        return f"{written}{'.'.join(['0'] * (4 - count))}/{8 * count}"
    if _GROUPS.fullmatch(written) and "::" not in written:
        count = written.count(":")
        return f"{written}{':'.join(['0'] * (8 - count))}/{16 * count}"
    return written
