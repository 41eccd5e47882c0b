"""ESP packets (RFC 4303) with the algorithms that ipsec-3gpp can name (TS 33.203 Annex H), sealed and opened.

Integers of SPI and sequence number are in host order here and in network order on the wire. Nothing is remembered but
what a :class:`ReplayWindow` holds; who seals gives the IV. Formats: RFC 3602 and 2451 (CBC), 2410 (NULL), 2404 and 2403
(HMAC), 4106 (GCM), 4543 (GMAC), all unchecked and held against a second implementation by the tests.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

HEADER = 8
UDP, IPV4 = 17, 4
"""Next headers: a datagram (transport mode), a whole packet (tunnel mode)."""
NAT_PORT = 4500
"""Where ESP in UDP goes (RFC 3948)."""
WINDOW = 64
HMAC_ICV, GCM_ICV = 12, 16
_HMACS = {"hmac-sha-1-96": "sha1", "hmac-md5-96": "md5"}
_BLOCKS = {"aes-cbc": 16, "des-ede3-cbc": 8}
INTEGRITY = ("hmac-sha-1-96", "aes-gmac", "hmac-md5-96", "null")
CONFIDENTIALITY = ("aes-cbc", "aes-gcm", "des-ede3-cbc", "null")


class EspError(ValueError):
    """A packet cannot be opened, or the algorithms do not go together; the text says why."""


class EspIntegrityError(EspError):
    """The ICV is wrong: the packet was changed, or sealed with another key."""


@dataclass(frozen=True, slots=True)
class Association:
    """One unidirectional security association.

    Attributes:
        spi: chosen by the receiver.
        alg: integrity, as ``alg`` of ipsec-3gpp writes it (one of :data:`INTEGRITY`).
        ealg: confidentiality, as ``ealg`` writes it (one of :data:`CONFIDENTIALITY`).
        integrity_key: for HMAC; 20 bytes for SHA-1, 16 for MD5; for AES-GMAC 16 bytes and a salt of 4.
        encryption_key: 16 bytes for AES-CBC, 24 for 3DES; for AES-GCM 16 bytes and a salt of 4.
    """

    spi: int
    alg: str
    ealg: str
    integrity_key: bytes = b""
    encryption_key: bytes = b""

    @property
    def iv_size(self) -> int:
        """Bytes of IV that each packet carries."""
        if self.ealg in _BLOCKS:
            return _BLOCKS[self.ealg]
        return 8 if self.ealg == "aes-gcm" or self.alg == "aes-gmac" else 0

    @property
    def icv_size(self) -> int:
        """Bytes of ICV at the end of each packet."""
        if self.ealg == "aes-gcm" or self.alg == "aes-gmac":
            return GCM_ICV
        return HMAC_ICV if self.alg in _HMACS else 0

    def seal(self, sequence: int, payload: bytes, iv: bytes, next_header: int = UDP) -> bytes:
        """Return the packet from the SPI on; ``iv`` has :attr:`iv_size` bytes (``EspError`` otherwise)."""
        if len(iv) != self.iv_size:
            raise EspError(f"the IV has {len(iv)} bytes; {self.ealg} with {self.alg} needs {self.iv_size}")
        header = struct.pack("!II", self.spi, sequence)
        block = _BLOCKS.get(self.ealg, 4)
        padding = -(len(payload) + 2) % block
        plain = payload + bytes(range(1, padding + 1)) + bytes((padding, next_header))
        if self.ealg == "aes-gcm":
            key, salt = self.encryption_key[:16], self.encryption_key[16:]
            return header + iv + AESGCM(key).encrypt(salt + iv, plain, header)
        body = header + iv + self._encrypt(plain, iv)
        return body + self._icv(body)

    def open(self, packet: bytes) -> Opened:
        """Check and decrypt a packet.

        Raises:
            EspIntegrityError: the ICV is wrong.
            EspError: the packet is too short, for another SPI, or its padding is not.
        """
        least = HEADER + self.iv_size + self.icv_size
        if len(packet) < least:
            raise EspError(f"the packet has {len(packet)} bytes; with these algorithms it has at least {least}")
        spi, sequence = struct.unpack("!II", packet[:HEADER])
        if spi != self.spi:
            raise EspError(f"the packet is for SPI {spi}, not for {self.spi}")
        iv = packet[HEADER : HEADER + self.iv_size]
        if self.ealg == "aes-gcm":
            key, salt = self.encryption_key[:16], self.encryption_key[16:]
            try:
                plain = AESGCM(key).decrypt(salt + iv, packet[HEADER + len(iv) :], packet[:HEADER])
            except InvalidTag:
                raise EspIntegrityError("the ICV is wrong") from None
        else:
            end = len(packet) - self.icv_size
            if not hmac.compare_digest(self._icv(packet[:end]), packet[end:]):
                raise EspIntegrityError("the ICV is wrong")
            plain = self._decrypt(packet[HEADER + len(iv) : end], iv)
        return _unpad(sequence, plain)

    def _icv(self, body: bytes) -> bytes:
        if self.alg in _HMACS:
            return hmac.digest(self.integrity_key, body, getattr(hashlib, _HMACS[self.alg]))[:HMAC_ICV]
        if self.alg == "aes-gmac":
            key, salt = self.integrity_key[:16], self.integrity_key[16:]
            return AESGCM(key).encrypt(salt + body[HEADER : HEADER + 8], b"", body)
        if self.alg == "null":
            return b""
        raise EspError(f"integrity algorithm {self.alg!r} is not known")

    def _cipher(self, iv: bytes) -> Cipher[CBC]:
        if self.ealg == "aes-cbc":
            return Cipher(AES(self.encryption_key), CBC(iv))
        return Cipher(TripleDES(self.encryption_key), CBC(iv))

    def _encrypt(self, plain: bytes, iv: bytes) -> bytes:
        if self.ealg == "null":
            return plain
        if self.ealg not in _BLOCKS:
            raise EspError(f"confidentiality algorithm {self.ealg!r} is not known")
        encryptor = self._cipher(iv).encryptor()
        return encryptor.update(plain) + encryptor.finalize()

    def _decrypt(self, data: bytes, iv: bytes) -> bytes:
        if self.ealg == "null":
            return data
        if self.ealg not in _BLOCKS or len(data) % _BLOCKS[self.ealg]:
            raise EspError(f"{len(data)} bytes cannot be decrypted with {self.ealg}")
        decryptor = self._cipher(iv).decryptor()
        return decryptor.update(data) + decryptor.finalize()


@dataclass(frozen=True, slots=True)
class Opened:
    """What was in a packet."""

    sequence: int
    payload: bytes
    next_header: int


def _unpad(sequence: int, plain: bytes) -> Opened:
    if len(plain) < 2:  # pad length and next header are always there
        raise EspError("the packet holds nothing")
    padding, next_header = plain[-2:]
    payload = plain[: len(plain) - 2 - padding]
    if padding > len(plain) - 2 or plain[len(payload) : -2] != bytes(range(1, padding + 1)):
        raise EspError("the padding is not that of RFC 4303")
    return Opened(sequence, payload, next_header)


def spi_of(packet: bytes) -> int | None:
    """Return a packet's SPI; ``None`` when it is too short for one."""
    return int.from_bytes(packet[:4], "big") if len(packet) >= HEADER else None


def expand_keys(alg: str, ealg: str, ck: bytes, ik: bytes) -> tuple[bytes, bytes]:
    """Return integrity and encryption key from IK and CK, 16 bytes each (TS 33.203 Annex I, secondary).

    HMAC-SHA-1 takes IK and 32 zero bits, HMAC-MD5 IK; AES-CBC takes CK, 3DES the two halves of CK and the first again;
    AES-GMAC and AES-GCM take IK or CK and a salt from the KDF of TS 33.220 Annex B.
    """
    integrity = {
        "hmac-sha-1-96": ik + bytes(4),
        "hmac-md5-96": ik,
        "aes-gmac": ik + _salt(ck + ik, 0x58, b"AES_GMAC_SALT"),
        "null": b"",
    }
    encryption = {
        "aes-cbc": ck,
        "des-ede3-cbc": ck + ck[:8],
        "aes-gcm": ck + _salt(ck + ik, 0x59, b"AES_GCM_SALT"),
        "null": b"",
    }
    if alg not in integrity or ealg not in encryption:
        raise EspError(f"alg {alg!r} with ealg {ealg!r} is not known")
    if alg == "null" and ealg != "aes-gcm":
        raise EspError("without an integrity algorithm only aes-gcm protects")
    return integrity[alg], encryption[ealg]


def _salt(key: bytes, code: int, label: bytes) -> bytes:
    parameters = bytes((code,)) + label + len(label).to_bytes(2, "big")
    return hmac.digest(key, parameters, hashlib.sha256)[-4:]


class ReplayWindow:
    """Which sequence numbers were seen (RFC 4303 3.4.3, unchecked): each is taken once, and none that is too old."""

    def __init__(self, size: int = WINDOW) -> None:
        """Begin with nothing seen."""
        self._size = size
        self._highest = 0
        self._seen = 0

    def take(self, sequence: int) -> bool:
        """Note a sequence number; ``False`` when it was seen, is 0, or lies before the window."""
        if sequence <= 0 or sequence <= self._highest - self._size:
            return False
        if sequence > self._highest:
            self._seen = (self._seen << (sequence - self._highest)) & ((1 << self._size) - 1) | 1
            self._highest = sequence
            return True
        bit = 1 << (self._highest - sequence)
        if self._seen & bit:
            return False
        self._seen |= bit
        return True
