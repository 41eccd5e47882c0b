"""ICE in SDP (RFC 8839): credentials, candidates and ice-lite of one media section, for one component over UDP."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from imsproof.codec.sdp import effective

if TYPE_CHECKING:
    from imsproof.codec.sdp import MediaSection, Sdp

HOST_PRIORITY = (126 << 24) + (65535 << 8) + 255
"""Of the only host candidate of the first component (RFC 8445 section 5.1.2.1)."""
_CANDIDATE = re.compile(r"\s*[A-Za-z0-9+/]{1,32} 1 udp (\d{1,10}) (\S{1,255}) (\d{1,5}) typ [a-z]+.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class IceDescription:
    """What one end says of ICE.

    Attributes:
        ufrag, password: its credentials.
        lite: it only answers checks.
        candidates: IP address and port, best first; names (mDNS) are left out.
    """

    ufrag: str
    password: str
    lite: bool = False
    candidates: tuple[tuple[str, int], ...] = ()


def write_ice(sdp: Sdp, section: MediaSection, ice: IceDescription) -> None:
    """Add what an end says of ICE to a description and to one of its media sections, all candidates as host ones."""
    if ice.lite:
        sdp.session.add_attr("ice-lite")
    section.add_attr("ice-ufrag", ice.ufrag)
    section.add_attr("ice-pwd", ice.password)
    section.add_attr("ice-options", "ice2")
    for number, (host, port) in enumerate(ice.candidates):
        section.add_attr("candidate", f"{number + 1} 1 udp {HOST_PRIORITY - number} {host} {port} typ host")
    section.add_attr("end-of-candidates")


def read_ice(sdp: Sdp, section: MediaSection) -> IceDescription | None:
    """Read what an end says of ICE; ``None`` when it gives no credentials.

    Without a candidate the section's own address and port stand for one.
    """
    ufrag, password = effective(sdp, "ice-ufrag", section), effective(sdp, "ice-pwd", section)
    if not ufrag or not password:
        return None
    matches = filter(None, map(_CANDIDATE.match, section.attrs("candidate")))
    found = sorted(((int(one[1]), one[2], int(one[3])) for one in matches), key=lambda one: -one[0])
    candidates = tuple((host, port) for _, host, port in found if _is_address(host) and 0 < port < 65536)
    default = (sdp.address(section) or "", section.port)
    if not candidates and _is_address(default[0]) and default[1] > 0:
        candidates = (default,)
    return IceDescription(ufrag.strip(), password.strip(), sdp.session.attr("ice-lite") is not None, candidates)


def _is_address(host: str) -> bool:
    try:
        return not ip_address(host).is_unspecified
    except ValueError:
        return False
