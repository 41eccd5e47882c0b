"""SRTP and SRTCP (RFC 3711, RFC 7714) with keys from SDES (RFC 4568) or from DTLS (RFC 5764), on pylibsrtp."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

import pylibsrtp

from imsproof.codec import srtp as codec

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.codec.srtp import Suite

MAX_PACKET: Final = 1300
"""Longest plain packet in bytes that can be protected (a limit of the library's buffer, rounded down)."""


class SrtpError(Exception):
    """A packet was refused (wrong tag, replay) or keys do not fit the suite; the text says which."""


_PROFILES: Final = {
    "AES_CM_128_HMAC_SHA1_80": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
SUITES: Final = tuple(one for one in codec.SUITES if one.sdes in _PROFILES)
"""Those that the library has."""


def suite(name: str) -> Suite:
    """Return a suite by its SDES or its DTLS name (``SrtpError`` when it is not known)."""
    found = codec.suite(name)
    if found in SUITES:
        return found
    raise SrtpError(f"SRTP suite {name!r} is not one of {', '.join(s.sdes for s in SUITES)}")


def inline_master(chosen: Suite, inline: str) -> bytes:
    """Return master key and salt of an SDES ``inline:`` value (``key||salt`` in base64, lifetime and MKI ignored).

    Raises:
        SrtpError: not base64, or not as long as the suite asks (RFC 4568 section 6.1).
    """
    text = inline.removeprefix("inline:").partition("|")[0].rstrip("=")
    try:
        master = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SrtpError(f"the inline key is not base64: {error}") from error
    if len(master) != chosen.master_size:
        asked = f"{chosen.sdes} asks for {chosen.master_size} bytes of key and salt"
        raise SrtpError(f"{asked}, the inline value has {len(master)}")
    return master


def format_inline(master: bytes) -> str:
    """Return master key and salt as an SDES ``inline:`` value."""
    return "inline:" + base64.b64encode(master).decode("ascii")


class SrtpContext:
    """One direction of a protected stream: either :meth:`protect` or :meth:`unprotect` is used on it, never both.

    Args:
        name: the suite, by its SDES or DTLS name.
        master: master key and salt, together.
    """

    def __init__(self, name: str, master: bytes) -> None:
        self.suite = suite(name)
        self.master = master
        self._sender: pylibsrtp.Session | None = None
        self._receiver: pylibsrtp.Session | None = None

    def _session(self, direction: int) -> pylibsrtp.Session:
        try:
            policy = pylibsrtp.Policy(key=self.master, ssrc_type=direction, srtp_profile=_PROFILES[self.suite.sdes])
            return pylibsrtp.Session(policy)
        except (pylibsrtp.Error, ValueError) as error:
            raise SrtpError(f"keys do not fit {self.suite.sdes}: {error}") from error

    def protect(self, packet: bytes) -> bytes:
        """Return the SRTP packet of a plain RTP packet (``SrtpError`` when it is not one or too long)."""
        if self._sender is None:
            self._sender = self._session(pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        return _checked(self._sender.protect, packet)

    def protect_rtcp(self, packet: bytes) -> bytes:
        """Return the SRTCP packet of a plain RTCP packet."""
        if self._sender is None:
            self._sender = self._session(pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        return _checked(self._sender.protect_rtcp, packet)

    def unprotect(self, packet: bytes) -> bytes:
        """Return the plain RTP packet (``SrtpError``: wrong tag, replay, or not SRTP)."""
        if self._receiver is None:
            self._receiver = self._session(pylibsrtp.Policy.SSRC_ANY_INBOUND)
        return _checked(self._receiver.unprotect, packet)

    def unprotect_rtcp(self, packet: bytes) -> bytes:
        """Return the plain RTCP packet."""
        if self._receiver is None:
            self._receiver = self._session(pylibsrtp.Policy.SSRC_ANY_INBOUND)
        return _checked(self._receiver.unprotect_rtcp, packet)


def _checked(operation: Callable[[bytes], bytes], packet: bytes) -> bytes:
    try:
        return bytes(operation(packet))
    except (pylibsrtp.Error, ValueError) as error:
        raise SrtpError(str(error)) from error
