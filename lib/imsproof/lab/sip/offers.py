"""What an offer must say before the lab sets a medium up: an address that is one, and a data channel that can be."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from imsproof.codec.sdp import Fingerprint, SdpSyntaxError, effective

if TYPE_CHECKING:
    from imsproof.codec.sdp import MediaSection, Sdp

OCTETS = {"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64}
HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9-]{1,63})*\.?")
RESERVED_STREAM = 65535


def check_address(description: Sdp, section: MediaSection) -> None:
    """Refuse a medium whose address is none (``SdpSyntaxError``; RFC 8866 5.7)."""
    address = description.address(section) or ""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        if not HOST.fullmatch(address) or re.fullmatch(r"[0-9.]+", address):
            raise SdpSyntaxError(f"{address[:40]!r} is no address") from None


def check_channel(description: Sdp, section: MediaSection) -> None:
    """Refuse a data channel that cannot be set up (``SdpSyntaxError``; RFC 8122 5, RFC 8841, RFC 8864)."""
    check_address(description, section)
    fingerprints = section.attrs("fingerprint") or description.session.attrs("fingerprint")
    for text in fingerprints:
        one = Fingerprint.parse(text)
        if OCTETS.get(one.hash.lower()) != one.value.count(":") + 1:
            raise SdpSyntaxError(f"{text[:60]!r} is no fingerprint of a hash function that is known")
    if not fingerprints or effective(description, "setup", section) == "holdconn":
        raise SdpSyntaxError("a data channel needs a fingerprint and somebody who opens it")
    streams = [dcmap.stream for dcmap in section.dcmaps]
    if RESERVED_STREAM in streams or len(streams) != len(set(streams)):
        raise SdpSyntaxError("a data channel's stream is reserved or mapped twice")


def check_form(section: MediaSection) -> None:
    """Refuse what is unusual, though it is valid: a planted flaw (``SdpSyntaxError``)."""
    hashes = [text.split(" ")[0] for text in section.attrs("fingerprint")]
    if len(hashes) > 1 or any(one not in (one.upper(), one.lower()) for one in hashes):
        raise SdpSyntaxError("fingerprints in a form that nobody expected")
    if section.attr("max-message-size") == "0":
        raise SdpSyntaxError("a size of nothing")
