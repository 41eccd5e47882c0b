"""Whole IPv4 packets of the tester's writing: fragments and ICMP errors. Every packet passes the guard."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from imsproof.seams import HarnessError, InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.link.session import Session


async def send_packets(session: Session, actor: str, exchange: str, target: str, packets: Sequence[bytes]) -> None:
    """Send packets with their headers to an IPv4 address.

    Raises:
        InconclusiveError: this process may not write IP headers.
        OutOfScopeError, StoppedError: the guard says no.
        HarnessError: the system refuses a packet.
    """
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    except PermissionError as error:
        raise InconclusiveError(
            "fragments and ICMP need a raw socket, which this process may not open: run it as root or with CAP_NET_RAW"
        ) from error
    with raw:
        for packet in packets:
            await session.admit(actor, exchange, (target, 0), len(packet))
            try:
                raw.sendto(packet, (target, 0))
            except OSError as error:
                raise HarnessError(f"an IP packet of {len(packet)} bytes could not be sent: {error}") from error
