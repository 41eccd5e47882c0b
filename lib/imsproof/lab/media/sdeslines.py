"""Crypto attributes as the IMS-AGW takes and writes them (RFC 4568), and what it does wrongly with a planted fault."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from imsproof.codec.sdp import Crypto, SdpSyntaxError
from imsproof.engine.srtp import SrtpError, inline_master, suite
from imsproof.lab.media.errors import MediaRefusedError

if TYPE_CHECKING:
    from imsproof.codec.sdp import MediaSection
    from imsproof.codec.srtp import Suite
    from imsproof.lab.media.policy import MediaPolicy

_NUMBERS = count(1)
_LONGEST = 46


@dataclass(frozen=True, slots=True)
class Chosen:
    """A line that can be used: as it was written, its suite, its master key and salt."""

    crypto: Crypto
    suite: Suite
    master: bytes


def choose(policy: MediaPolicy, media: MediaSection) -> Chosen:
    """Return the first line that can be used (RFC 4568 section 5.1.2).

    Raises:
        MediaRefusedError: none can.
    """
    lines = media.attrs("crypto")
    for line in lines[:1] if "first-line-only" in policy.srtp_careless else lines:
        try:
            return _read(policy, line)
        except (SdpSyntaxError, SrtpError):
            continue
    raise MediaRefusedError(f"{media.proto} without a crypto line that can be used")


def _read(policy: MediaPolicy, line: str) -> Chosen:
    careless = policy.srtp_careless
    crypto = Crypto.parse(line)
    chosen = suite(crypto.suite)
    if chosen.sdes not in policy.srtp_suites:
        raise SrtpError(f"{chosen.sdes} is not served")
    lifetime, *rest = _params(crypto.params)
    if (":" in lifetime and "mki" not in careless) or (rest and "parameters" not in careless):
        raise SrtpError(f"{crypto.params!r} is not served")
    if "any-key" in careless:
        return Chosen(crypto, chosen, _somehow(crypto.key_b64).ljust(chosen.master_size, b"\0")[: chosen.master_size])
    return Chosen(crypto, chosen, inline_master(chosen, crypto.key_b64 + lifetime))


def _params(text: str) -> list[str]:
    """What follows the key (lifetime and MKI), then the session parameters."""
    words = text.split()
    return words if text[:1].strip() else ["", *words]


def _somehow(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return text.encode()


class KeyMaker:
    """Draws the gateway's own keys."""

    def __init__(self) -> None:
        self._fixed: dict[str, bytes] = {}

    def fresh(self, policy: MediaPolicy, chosen: Suite) -> bytes:
        """Return master key and salt."""
        size = chosen.master_size
        if not policy.srtp_key_per_call:
            return self._fixed.setdefault(chosen.sdes, os.urandom(size))
        if "zero-key" in policy.srtp_careless:
            return bytes(size)
        if "counted-key" in policy.srtp_careless:
            return self._fixed.setdefault("counted", os.urandom(_LONGEST))[: size - 4] + next(_NUMBERS).to_bytes(4)
        if "poor-key" in policy.srtp_careless:
            return bytes(octet & 3 for octet in os.urandom(size))
        return os.urandom(size)


def answer(policy: MediaPolicy, taken: Chosen, ours: bytes) -> Crypto:
    """Write the line of the answer: the tag and the suite of the one that was taken."""
    written = Crypto(taken.crypto.tag, taken.crypto.suite, base64.b64encode(ours).decode())
    careless = policy.srtp_careless
    if "tag" in careless:
        written = replace(written, tag=1)
    if "suite" in careless:
        written = replace(written, suite="AES_CM_128_HMAC_SHA1_32")
    if "unasked-parameters" in careless:
        written = replace(written, params=" UNENCRYPTED_SRTCP")
    if "cut-key" in careless:
        written = replace(written, key_b64=base64.b64encode(ours[:-6]).decode())
    return written
