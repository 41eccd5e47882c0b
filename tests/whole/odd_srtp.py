"""SRTP that is not ours, from RFC 3711, 6188 and 7714 alone: right, or wrong in ways to choose.

It shares no code with the harness, and opens what libsrtp protects (``tests/whole/test_foreign_gateways.py``). A flaw
is a word of :data:`FLAWS`; who has none of them is right.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SUITES = {
    "AES_CM_128_HMAC_SHA1_80": (16, 14, 10),
    "AES_CM_128_HMAC_SHA1_32": (16, 14, 4),
    "AES_256_CM_HMAC_SHA1_80": (32, 14, 10),
    "AEAD_AES_128_GCM": (16, 12, 16),
    "AEAD_AES_256_GCM": (32, 12, 16),
}
"""Octets of key, salt and tag."""
FLAWS = {
    "no-window": "replays are not looked for",
    "only-last": "only the packet before is known again",
    "window-forgets": "what is behind the window is taken",
    "roc-ignored": "rollovers are not counted",
    "roc-forged": "the counter moves before the tag is looked at",
    "tag-32": "four octets of the tag are compared",
    "tag-ends": "the first and the last octet of the tag are compared",
    "header-free": "the tag is checked over the payload alone, the header may say what it wants",
    "short-tag": "a packet may have a tag of 32 bits",
    "rtcp-any-tag": "reports are not authenticated",
    "rtcp-no-window": "reports may come again",
    "rtcp-index-stays": "each report goes out under the same index",
    "rtcp-clear": "reports go out authenticated and in clear",
    "mki-unread": "an MKI is agreed on, and not looked for",
    "sends-roc-0": "what goes out is protected as if nothing ever rolled over",
    "sends-tag-32": "what goes out has a tag of 32 bits",
    "sends-clear": "what goes out is authenticated, not encrypted",
}
WINDOW = 64


def _stream(key: bytes, start: bytes, count: int) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(start)).encryptor().update(bytes(count))


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def head_size(packet: bytes) -> int:
    """Octets of an RTP header with sources and extension; more than the packet has when it lies."""
    size = 12 + 4 * (packet[0] & 15)
    if packet[0] & 16:
        size += 4 + 4 * int.from_bytes(packet[size + 2 : size + 4]) if len(packet) >= size + 4 else len(packet)
    return size


@dataclass
class Seen:
    """What a receiver knows of one source: the highest index, and which were there below it."""

    highest: int = -1
    there: set[int] = field(default_factory=set)


class Keys:
    """One direction: protects, or opens and remembers."""

    def __init__(self, suite: str, master: bytes, mki: bytes = b"", flaws: frozenset[str] = frozenset()) -> None:
        size, salt, self.tag = SUITES[suite]
        self.aead, self.mki, self.flaws = suite.startswith("AEAD"), mki, flaws
        key, self._salt = master[:size], master[size:].ljust(14, b"\0")
        if len(master) != size + salt:
            raise ValueError("a key of the wrong length")
        derive = [self._derive(key, label, (size, 20, salt)[label % 3]) for label in range(6)]
        self.rtp, self.rtcp = derive[:3], derive[3:]
        self.seen: dict[int, Seen] = {}
        self.reports: set[int] = set()
        self.next_report = 1

    def _derive(self, key: bytes, label: int, size: int) -> bytes:
        return _stream(key, _xor(self._salt, bytes(7) + bytes((label,)) + bytes(6)) + b"\0\0", size)

    def _crypt(self, keys: list[bytes], data: bytes, ssrc: bytes, index: int) -> bytes:
        start = _xor(keys[2], bytes(4) + ssrc + index.to_bytes(6)) + b"\0\0"
        return _xor(data, _stream(keys[0], start, len(data)))

    def _nonce(self, keys: list[bytes], ssrc: bytes, index: int) -> bytes:
        return _xor(keys[2], b"\0\0" + ssrc + index.to_bytes(6))

    def _mac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, "sha1")

    # Media

    def protect(self, packet: bytes, roc: int) -> bytes:
        """An RTP packet protected."""
        roc = 0 if "sends-roc-0" in self.flaws else roc
        size, ssrc, index = head_size(packet), packet[8:12], roc << 16 | int.from_bytes(packet[2:4])
        head, body = packet[:size], packet[size:]
        if self.aead:
            sealed = AESGCM(self.rtp[0]).encrypt(self._nonce(self.rtp, ssrc, index), body, head)
            return head + sealed + self.mki
        body = body if "sends-clear" in self.flaws else self._crypt(self.rtp, body, ssrc, index)
        tag = self._mac(self.rtp[1], head + body + roc.to_bytes(4))
        return head + body + self.mki + tag[: 4 if "sends-tag-32" in self.flaws else self.tag]

    def open(self, packet: bytes) -> bytes | None:
        """The RTP packet inside, ``None`` when it is to be dropped."""
        if len(packet) < 12 + self.tag + len(self.mki) or head_size(packet) > len(packet) - self.tag - len(self.mki):
            return None
        source = self.seen.setdefault(int.from_bytes(packet[8:12]), Seen())
        if len(self.seen) > 16:  # a source that nobody authenticated is forgotten again
            self.seen = {key: one for key, one in self.seen.items() if one.highest >= 0}
        number, flaws = int.from_bytes(packet[2:4]), self.flaws
        index = number if "roc-ignored" in flaws else self._index(source.highest, number)
        if "roc-forged" in flaws:
            source.highest = max(source.highest, index)
        known = index in source.there or index <= source.highest - WINDOW
        if "only-last" in flaws:
            known = index == source.highest
        if "window-forgets" in flaws:
            known = index in source.there and index > source.highest - WINDOW
        if known and "no-window" not in flaws and "roc-ignored" not in flaws:
            return None
        opened = self._open(packet, index)
        if opened is not None:
            source.highest = max(source.highest, index)
            source.there.add(index)
        return opened

    def _index(self, highest: int, number: int) -> int:
        if highest < 0:
            return number
        roc = highest >> 16
        candidates = (c for c in (roc - 1 << 16 | number, roc << 16 | number, roc + 1 << 16 | number) if c >= 0)
        return min(candidates, key=lambda one: abs(one - highest))

    def _open(self, packet: bytes, index: int) -> bytes | None:
        size, ssrc, flaws = head_size(packet), packet[8:12], self.flaws
        if self.aead:
            end = len(packet) - len(self.mki)
            if packet[end:] != self.mki:
                return None
            try:
                body = AESGCM(self.rtp[0]).decrypt(self._nonce(self.rtp, ssrc, index), packet[size:end], packet[:size])
            except InvalidTag:
                return None
            return packet[:size] + body
        for length in (self.tag, 4) if "short-tag" in flaws else (self.tag,):
            end = len(packet) - length - (0 if "mki-unread" in flaws else len(self.mki))
            if end < size or ("mki-unread" not in flaws and packet[end : len(packet) - length] != self.mki):
                continue
            good = self._mac(self.rtp[1], packet[:end] + (index >> 16).to_bytes(4))[:length]
            if self._alike(good, packet[-length:], packet, size):
                return packet[:size] + self._crypt(self.rtp, packet[size:end], ssrc, index)
        return None

    def _alike(self, good: bytes, shown: bytes, packet: bytes, size: int) -> bool:
        if "tag-32" in self.flaws:
            return good[:4] == shown[:4]
        if "tag-ends" in self.flaws:
            return good[0] == shown[0] and good[-1] == shown[-1]
        if "header-free" in self.flaws and size == 12 and good != shown:
            # As if the tag covered what it does not: a marker or a timestamp that somebody else wrote goes through.
            for place in (1, 4, 5, 6, 7):
                for bit in (1, 2, 4, 8, 16, 32, 64, 128):
                    other = bytearray(packet[: len(packet) - len(shown)])
                    other[place] ^= bit
                    roc = max(self.seen[int.from_bytes(packet[8:12])].highest, 0) >> 16
                    if self._mac(self.rtp[1], bytes(other) + roc.to_bytes(4))[: len(shown)] == shown:
                        return True
        return hmac.compare_digest(good, shown)

    # Reports

    def protect_report(self, packet: bytes) -> bytes:
        """An RTCP packet protected, under the next index."""
        index, ssrc = self.next_report, packet[4:8]
        self.next_report += "rtcp-index-stays" not in self.flaws
        clear = "rtcp-clear" in self.flaws
        word = (index | (0 if clear else 1 << 31)).to_bytes(4)
        if self.aead:
            gcm, nonce = AESGCM(self.rtcp[0]), self._nonce(self.rtcp, ssrc, index)
            if clear:
                return packet + gcm.encrypt(nonce, b"", packet + word) + word + self.mki
            return packet[:8] + gcm.encrypt(nonce, packet[8:], packet[:8] + word) + word + self.mki
        body = packet if clear else packet[:8] + self._crypt(self.rtcp, packet[8:], ssrc, index)
        return body + word + self.mki + self._mac(self.rtcp[1], body + word)[:10]

    def open_report(self, packet: bytes) -> bytes | None:
        """The RTCP packet inside, ``None`` when it is to be dropped."""
        tag, marks = 16 if self.aead else 10, len(self.mki)
        if len(packet) < 8 + 4 + tag + marks:
            return None
        if self.aead:
            end = len(packet) - 4 - marks
            word = packet[end : end + 4]
            body = packet[:end]
        else:
            end = len(packet) - tag - marks - 4
            word, body = packet[end : end + 4], packet[:end]
        index, ssrc = int.from_bytes(word) & 0x7FFFFFFF, packet[4:8]
        if index in self.reports and "rtcp-no-window" not in self.flaws:
            return None
        opened = self._open_report(packet, body, word, index, ssrc)
        if opened is not None:
            self.reports.add(index)
        return opened

    def _open_report(self, packet: bytes, body: bytes, word: bytes, index: int, ssrc: bytes) -> bytes | None:
        encrypted = bool(word[0] & 128)
        if self.aead:
            gcm, nonce = AESGCM(self.rtcp[0]), self._nonce(self.rtcp, ssrc, index)
            try:
                if encrypted:
                    return body[:8] + gcm.decrypt(nonce, body[8:], body[:8] + word)
                gcm.decrypt(nonce, body[-16:], body[:-16] + word)
            except InvalidTag:
                return None
            return body[:-16]
        good = self._mac(self.rtcp[1], body + word)[:10]
        if not hmac.compare_digest(good, packet[-10:]) and "rtcp-any-tag" not in self.flaws:
            return None
        return body[:8] + self._crypt(self.rtcp, body[8:], ssrc, index) if encrypted else body
