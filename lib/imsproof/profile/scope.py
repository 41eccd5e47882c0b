"""The authorised scope: which addresses may be touched, who said so, and until when."""

from __future__ import annotations

from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from imsproof.profile.kinds import Part, Text

Network = IPv4Network | IPv6Network

_WIDEST = {4: 8, 6: 7}
"""Shortest prefix by IP version: the widest private ranges (10.0.0.0/8, fc00::/7). Wider is no authorisation."""


def _network(value: object) -> Network:
    if isinstance(value, (IPv4Network, IPv6Network)):
        return value
    allowed = "an address range in CIDR notation, as 192.0.2.0/24 or 2001:db8::/64"
    if not isinstance(value, str):
        raise ValueError(allowed)  # noqa: TRY004 - pydantic collects ValueError
    try:
        network = ip_network(value.strip(), strict=False)
    except ValueError:
        raise ValueError(allowed) from None
    if network.prefixlen < _WIDEST[network.version]:
        raise ValueError(f"a range of /{_WIDEST[network.version]} or narrower; /{network.prefixlen} is no lab")
    if "/" in value and network.network_address != ip_address(value.split("/")[0].strip()):
        raise ValueError(f"a range without host bits; perhaps {network}")
    return network


CidrNetwork = Annotated[
    Network, BeforeValidator(_network), PlainSerializer(str, return_type=str), WithJsonSchema({"type": "string"})
]
"""A field for an address range."""


class Scope(Part):
    """What the tester is authorised to send packets to."""

    networks: tuple[CidrNetwork, ...] = Field(
        min_length=1, description="Address ranges (CIDR) that may be touched. Nothing is sent anywhere else."
    )
    authorised_by: Text = Field(description="Who authorised the tests: a name, and how to reach them.")
    until: date = Field(description="Last day of the authorisation (YYYY-MM-DD, UTC).")

    def allows(self, ip: str) -> bool:
        """Say whether a packet may go to this textual IP address; anything else than an IP address may not."""
        try:
            address = ip_address(ip)
        except ValueError:
            return False
        if address.version == 6 and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address.version == network.version and address in network for network in self.networks)

    def expired(self, today: date) -> bool:
        """Say whether the authorisation has ended."""
        return today > self.until
