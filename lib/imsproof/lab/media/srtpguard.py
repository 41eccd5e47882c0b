"""What a careless receiver or sender of SRTP does with packets, for the planted faults of ``media.srtp_careless``.

The conformant gateway leaves all of it to the library. Here is what becomes of a packet that the library refused, when
the gateway does not mind what is wrong with it.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from imsproof.codec.rtp import Packets
from imsproof.codec.srtp import FIXED_HEADER, Context, SrtpPacketError, guess_roc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from imsproof.engine.srtp import SrtpContext

WINDOW = 64
_TAG_PART = 4
_REPORT_TAG = 10
_WRAP = 1 << 16


class CarelessReceiver:
    """Takes what it is told to take, of one stream."""

    def __init__(self, keys: SrtpContext, own: SrtpContext, others: Callable[[], Iterable[SrtpContext]]) -> None:
        """Use the keys of what comes in, those of what goes out, and those of other calls."""
        self._keys = Context(keys.suite, keys.master)
        self._own = own
        self._others = others
        self._states: dict[bytes, tuple[int, int]] = {}

    def by_itself(self, data: bytes, careless: tuple[str, ...]) -> bytes | None:
        """Unprotect a media packet without the library, with a state that is kept wrongly; ``None`` refuses it."""
        ssrc, sequence = data[8:12], int.from_bytes(data[2:4])
        roc, highest = self._states.get(ssrc, (0, sequence))
        guessed = 0 if "roc-lost" in careless else guess_roc(roc, highest, sequence)
        if "reordered" in careless and (guessed, sequence) < (roc, highest):
            return None
        if "early-state" in careless:
            self._states[ssrc] = max((roc, highest), (guessed, sequence))
        try:
            plain = self._keys.unprotect(data, guessed)
        except SrtpPacketError:
            return None
        self._states[ssrc] = max((roc, highest), (guessed, sequence))
        return plain

    def took(self, data: bytes) -> None:
        """Note a media packet that the library took."""
        ssrc, sequence = data[8:12], int.from_bytes(data[2:4])
        roc, highest = self._states.get(ssrc, (0, sequence))
        self._states[ssrc] = max((roc, highest), (guess_roc(roc, highest, sequence), sequence))

    def refused(self, kind: Packets, data: bytes, careless: tuple[str, ...]) -> bytes | None:
        """Return the plain packet of one that the library refused when that is not minded, else ``None``."""
        if kind is Packets.RTCP:
            return self._report(data, careless)
        ssrc, sequence = data[8:12], int.from_bytes(data[2:4])
        roc, highest = self._states.get(ssrc, (0, sequence))
        index = guess_roc(roc, highest, sequence)
        plain = _unprotected(self._keys, data, index)
        if plain is not None:
            old = (roc << 16) + highest - (index << 16) - sequence > WINDOW
            return plain if ("old-replay" if old else "replay") in careless else None
        if "own-key" in careless and (plain := _unprotected(Context(self._own.suite, self._own.master), data, 0)):
            return plain
        if "other-calls" in careless:
            for other in self._others():
                if plain := _unprotected(Context(other.suite, other.master), data, 0):
                    return plain
        return self._with_bad_tag(data, index, careless)

    def _with_bad_tag(self, data: bytes, roc: int, careless: tuple[str, ...]) -> bytes | None:
        size = self._keys.suite.tag_size
        if self._keys.suite.aead or len(data) < FIXED_HEADER + size:
            return None
        if "tag" in careless:
            return self._keys.decrypt(data[:-size], roc)
        if "tag-part" in careless and self._same(data[:-size], roc, data[-size:]):
            return self._keys.decrypt(data[:-size], roc)
        if "short-tag" in careless and self._same(data[:-_TAG_PART], roc, data[-_TAG_PART:]):
            return self._keys.decrypt(data[:-_TAG_PART], roc)
        return None

    def _same(self, body: bytes, roc: int, tag: bytes) -> bool:
        return hmac.compare_digest(self._keys.tag(body, roc)[:_TAG_PART], tag[:_TAG_PART])

    def _report(self, data: bytes, careless: tuple[str, ...]) -> bytes | None:
        try:
            plain, _, encrypted = self._keys.unprotect_rtcp(data)
        except SrtpPacketError:
            if "report-tag" in careless and len(data) > FIXED_HEADER + _REPORT_TAG:
                return self._keys.decrypt_rtcp(data[:-_REPORT_TAG])
            return data if "plain-reports" in careless else None
        return plain if encrypted and "report-replay" in careless else None


class CarelessSender:
    """Protects media packets by itself, wrongly."""

    def __init__(self, keys: SrtpContext) -> None:
        """Use the keys of what goes out."""
        self._keys = Context(keys.suite, keys.master)
        self._states: dict[bytes, tuple[int, int]] = {}
        self._reports = 0

    def protect(self, data: bytes, careless: tuple[str, ...]) -> bytes:
        """Return the packet as it goes out."""
        if "sends-plain" in careless:
            return data
        ssrc, sequence = data[8:12], int.from_bytes(data[2:4])
        roc, highest = self._states.get(ssrc, (0, sequence))
        guessed = 0 if "sends-roc-0" in careless else guess_roc(roc, highest, sequence)
        self._states[ssrc] = max((roc, highest), (guessed, sequence))
        made = self._keys.protect(data, guessed)
        return made[:-1] + bytes((made[-1] ^ 1,)) if "sends-bad-tags" in careless else made

    def report(self, data: bytes, careless: tuple[str, ...]) -> bytes:
        """Return the report as it goes out."""
        if "sends-plain-reports" in careless:
            return data
        self._reports += 1
        return self._keys.protect_rtcp(data, self._reports, clear=True)


def _unprotected(keys: Context, data: bytes, roc: int) -> bytes | None:
    try:
        return keys.unprotect(data, roc)
    except SrtpPacketError:
        return None
