"""SRTP and SRTCP packets by hand (RFC 3711, RFC 6188, RFC 7714): right, or wrong in one respect on purpose.

Libraries keep a receiver's state and take or refuse; here nothing is kept. Who calls says which rollover counter or
index a packet has, and gets its contents, so that packets can be made that no library makes, and be looked into that
a library only refuses. Numbers are host order, keys and packets bytes.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FIXED_HEADER: Final = 12
RTCP_HEADER: Final = 8
ENCRYPTED: Final = 1 << 31
"""The E flag in the word that ends an SRTCP packet."""
_WORD = 4
_GCM_TAG = 16
_RTCP_TAG = 10
_RTP, _RTCP = 0, 3
_CIPHER, _AUTH, _SALT = 0, 1, 2
_AUTH_KEY = 20


class SrtpPacketError(ValueError):
    """A packet is not one of the context: too short, or its authentication tag is wrong."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A crypto suite: its names in SDP (RFC 4568) and in DTLS (OpenSSL's, empty for none), and its sizes in bytes."""

    sdes: str
    dtls: str
    key_size: int
    salt_size: int
    tag_size: int

    @property
    def aead(self) -> bool:
        """Whether it is AES-GCM."""
        return self.sdes.startswith("AEAD")

    @property
    def master_size(self) -> int:
        """Length of master key and salt together."""
        return self.key_size + self.salt_size


SUITES: Final = (
    Suite("AES_CM_128_HMAC_SHA1_80", "SRTP_AES128_CM_SHA1_80", 16, 14, 10),
    Suite("AES_CM_128_HMAC_SHA1_32", "SRTP_AES128_CM_SHA1_32", 16, 14, 4),
    Suite("AES_256_CM_HMAC_SHA1_80", "", 32, 14, 10),
    Suite("AES_256_CM_HMAC_SHA1_32", "", 32, 14, 4),
    Suite("AEAD_AES_128_GCM", "SRTP_AEAD_AES_128_GCM", 16, 12, _GCM_TAG),
    Suite("AEAD_AES_256_GCM", "SRTP_AEAD_AES_256_GCM", 32, 12, _GCM_TAG),
)


def suite(name: str) -> Suite | None:
    """Return a suite by its SDES or its DTLS name, ``None`` when it is not known."""
    return next((one for one in SUITES if name and name in (one.sdes, one.dtls)), None)


@dataclass(frozen=True, slots=True)
class _Keys:
    """Session keys of SRTP or of SRTCP; ``auth`` is empty for AEAD."""

    cipher: bytes
    salt: bytes
    auth: bytes


class Context:
    """The keys of one direction (``ValueError`` when the master is not as long as the suite asks).

    Args:
        chosen: the suite.
        master: master key and salt, together.
        mki: the master key identifier that packets carry, if any.
    """

    def __init__(self, chosen: Suite, master: bytes, mki: bytes = b"") -> None:
        if len(master) != chosen.master_size:
            raise ValueError(f"{chosen.sdes} asks for {chosen.master_size} bytes of key and salt, not {len(master)}")
        self.suite = chosen
        self.master = master
        self.mki = mki
        self._rtp = self._derive(_RTP)
        self._rtcp = self._derive(_RTCP)

    def _derive(self, first: int) -> _Keys:
        """Session keys (RFC 3711 section 4.3, key derivation rate 0)."""
        key, salt = self.master[: self.suite.key_size], self.master[self.suite.key_size :]
        padded = salt.ljust(14, b"\0")  # RFC 7714 section 11 takes 96 bits of salt as the upper ones of 112

        def derived(label: int, size: int) -> bytes:
            start = int.from_bytes(padded) ^ (first + label) << 48
            return _counter_mode(key, (start << 16).to_bytes(16), bytes(size))

        auth = b"" if self.suite.aead else derived(_AUTH, _AUTH_KEY)
        return _Keys(derived(_CIPHER, self.suite.key_size), derived(_SALT, self.suite.salt_size), auth)

    # SRTP

    def protect(self, packet: bytes, roc: int = 0, *, auth_roc: int | None = None, clear: bool = False) -> bytes:
        """Return the SRTP packet of a plain RTP packet.

        Args:
            packet: the RTP packet; one with lies in its header is protected behind the header that is there.
            roc: the rollover counter.
            auth_roc: another one for authentication alone.
            clear: leave the payload as it is and only authenticate.
        """
        head, payload = _split(packet)
        if self.suite.aead:
            nonce = self._nonce(self._rtp, packet[8:12], (roc << 16) + int.from_bytes(packet[2:4]))
            cipher = AESGCM(self._rtp.cipher)
            sealed = packet + cipher.encrypt(nonce, b"", packet) if clear else b""
            return (sealed or head + cipher.encrypt(nonce, payload, head)) + self.mki
        body = head + (payload if clear else self._crypt(self._rtp, packet, roc, payload))
        return body + self.mki + self.tag(body, roc if auth_roc is None else auth_roc)

    def tag(self, body: bytes, roc: int) -> bytes:
        """The authentication tag of a packet that is encrypted already (counter mode only)."""
        return hmac.digest(self._rtp.auth, body + (roc & 0xFFFFFFFF).to_bytes(_WORD), "sha1")[: self.suite.tag_size]

    def unprotect(self, packet: bytes, roc: int = 0) -> bytes:
        """Return the plain RTP packet of an SRTP packet (``SrtpPacketError``: cut short, or the tag is wrong)."""
        if len(packet) < FIXED_HEADER + self.suite.tag_size + len(self.mki):
            raise SrtpPacketError(f"{len(packet)} bytes are no SRTP packet")
        if self.suite.aead:  # RFC 7714: the MKI stands behind the tag
            head, payload = _split(packet[: len(packet) - len(self.mki)])
            nonce = self._nonce(self._rtp, packet[8:12], (roc << 16) + int.from_bytes(packet[2:4]))
            return head + _opened(AESGCM(self._rtp.cipher), nonce, payload, head)
        end = len(packet) - self.suite.tag_size
        body = packet[: end - len(self.mki)]
        if not hmac.compare_digest(packet[end:], self.tag(body, roc)):
            raise SrtpPacketError("the authentication tag is wrong")
        return self.decrypt(body, roc)

    def decrypt(self, body: bytes, roc: int = 0) -> bytes:
        """Return the plain packet without a look at any tag, which is cut off already (counter mode only)."""
        head, payload = _split(body)
        return head + self._crypt(self._rtp, body, roc, payload)

    # SRTCP

    def protect_rtcp(self, packet: bytes, index: int, *, clear: bool = False) -> bytes:
        """Return the SRTCP packet of a plain RTCP packet; ``clear`` leaves it unencrypted, the E flag says so."""
        head, rest = packet[:RTCP_HEADER], packet[RTCP_HEADER:]
        word = (index | (0 if clear else ENCRYPTED)).to_bytes(_WORD)
        if self.suite.aead:
            nonce = self._nonce(self._rtcp, packet[4:8], index)
            cipher = AESGCM(self._rtcp.cipher)
            sealed = packet + cipher.encrypt(nonce, b"", packet + word) if clear else b""
            return (sealed or head + cipher.encrypt(nonce, rest, head + word)) + word + self.mki
        body = head + (rest if clear else self._crypt_rtcp(packet, index, rest)) + word
        return body + self.mki + hmac.digest(self._rtcp.auth, body, "sha1")[:_RTCP_TAG]

    def unprotect_rtcp(self, packet: bytes) -> tuple[bytes, int, bool]:
        """Return plain RTCP packet, index, and whether it was encrypted (``SrtpPacketError``: short, or wrong tag)."""
        tag = 0 if self.suite.aead else _RTCP_TAG
        end = len(packet) - tag - len(self.mki)
        if end < RTCP_HEADER + _WORD + (_GCM_TAG if self.suite.aead else 0):
            raise SrtpPacketError(f"{len(packet)} bytes are no SRTCP packet")
        word = int.from_bytes(packet[end - _WORD : end])
        index, encrypted = word & ~ENCRYPTED, bool(word & ENCRYPTED)
        if self.suite.aead:
            return self._opened_rtcp(packet[:end], index, encrypted=encrypted), index, encrypted
        if not hmac.compare_digest(packet[-tag:], hmac.digest(self._rtcp.auth, packet[:end], "sha1")[:tag]):
            raise SrtpPacketError("the authentication tag is wrong")
        return (self.decrypt_rtcp(packet[:end]) if encrypted else packet[: end - _WORD]), index, encrypted

    def decrypt_rtcp(self, packet: bytes) -> bytes:
        """Return the plain report without a look at any tag, which is cut off already (counter mode only)."""
        body, index = packet[:-_WORD], int.from_bytes(packet[-_WORD:]) & ~ENCRYPTED
        return body[:RTCP_HEADER] + self._crypt_rtcp(body, index, body[RTCP_HEADER:])

    def _opened_rtcp(self, packet: bytes, index: int, *, encrypted: bool) -> bytes:
        body, word = packet[:-_WORD], packet[-_WORD:]
        nonce, cipher = self._nonce(self._rtcp, packet[4:8], index), AESGCM(self._rtcp.cipher)
        if encrypted:
            return body[:RTCP_HEADER] + _opened(cipher, nonce, body[RTCP_HEADER:], body[:RTCP_HEADER] + word)
        _opened(cipher, nonce, body[-_GCM_TAG:], body[:-_GCM_TAG] + word)
        return body[:-_GCM_TAG]

    # Inside

    def _crypt(self, keys: _Keys, packet: bytes, roc: int, payload: bytes) -> bytes:
        return self._keystream(keys, packet[8:12], (roc << 16) + int.from_bytes(packet[2:4]), payload)

    def _crypt_rtcp(self, packet: bytes, index: int, rest: bytes) -> bytes:
        return self._keystream(self._rtcp, packet[4:8], index, rest)

    def _keystream(self, keys: _Keys, ssrc: bytes, index: int, data: bytes) -> bytes:
        """RFC 3711 section 4.1.1."""
        start = int.from_bytes(keys.salt) << 16 ^ int.from_bytes(ssrc) << 64 ^ (index & (1 << 48) - 1) << 16
        return _counter_mode(keys.cipher, start.to_bytes(16), data)

    def _nonce(self, keys: _Keys, ssrc: bytes, index: int) -> bytes:
        """RFC 7714 sections 8.1 and 9.1."""
        made = int.from_bytes(ssrc) << 48 | index & (1 << 48) - 1
        return (made ^ int.from_bytes(keys.salt)).to_bytes(12)


def guess_roc(roc: int, highest: int, sequence: int) -> int:
    """The rollover counter of a packet, by the highest sequence number so far and its counter (RFC 3711 3.3.1)."""
    half = 1 << 15
    if highest < half:
        return roc - 1 if sequence - highest > half and roc else roc
    return roc + 1 if highest - half > sequence else roc


def header_size(packet: bytes) -> int:
    """Length of the RTP header with CSRCs and extension, never more than there is (RFC 3550 section 5.1)."""
    if len(packet) < FIXED_HEADER:
        return len(packet)
    size = FIXED_HEADER + _WORD * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        size += _WORD + _WORD * int.from_bytes(packet[size + 2 : size + 4])
    return min(size, len(packet))


def _split(packet: bytes) -> tuple[bytes, bytes]:
    size = header_size(packet)
    return packet[:size], packet[size:]


def _counter_mode(key: bytes, start: bytes, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CTR(start)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _opened(cipher: AESGCM, nonce: bytes, data: bytes, associated: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, data, associated)
    except (InvalidTag, ValueError) as error:
        raise SrtpPacketError("the authentication tag is wrong") from error
