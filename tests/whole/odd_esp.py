"""ESP in transport mode for one UE (RFC 4303, TS 33.203), as ``odd_secure.py`` uses it; no code of the harness."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

UDP = 17
WINDOW = 64


class SpoiltError(Exception):
    """A packet is not what it should be."""


@dataclass
class Suite:
    """Integrity and encryption with the keys of a challenge."""

    alg: str
    ealg: str
    ck: bytes
    ik: bytes

    def seal(self, spi: int, number: int, inner: bytes) -> bytes:
        block = 16 if self.ealg == "aes-cbc" else 4
        pad = -(len(inner) + 2) % block
        text = inner + bytes(range(1, pad + 1)) + bytes((pad, UDP))
        head = struct.pack("!II", spi, number)
        if self.ealg == "aes-gcm":
            iv = secrets.token_bytes(8)
            return head + iv + AESGCM(self.ck).encrypt(self.salt() + iv, text, head)
        if self.ealg == "aes-cbc":
            iv = secrets.token_bytes(16)
            encryptor = Cipher(algorithms.AES(self.ck), modes.CBC(iv)).encryptor()
            text = iv + encryptor.update(text) + encryptor.finalize()
        return head + text + self.icv(head + text)

    def open(self, packet: bytes, *, checked: bool = True) -> bytes:
        head, rest = packet[:8], packet[8:]
        if self.ealg == "aes-gcm":
            try:
                text = AESGCM(self.ck).decrypt(self.salt() + rest[:8], rest[8:], head)
            except InvalidTag as error:
                raise SpoiltError from error
        else:
            rest, icv = rest[:-12], rest[-12:]
            if checked and not hmac.compare_digest(icv, self.icv(head + rest)):
                raise SpoiltError
            text = rest
            if self.ealg == "aes-cbc":
                if len(rest) < 32 or len(rest) % 16:
                    raise SpoiltError
                text = Cipher(algorithms.AES(self.ck), modes.CBC(rest[:16])).decryptor().update(rest[16:])
        if len(text) < 2 or text[-1] != UDP or text[-2] + 2 > len(text):
            raise SpoiltError
        return text[: -2 - text[-2]]

    def icv(self, data: bytes) -> bytes:
        key, kind = (self.ik, "md5") if self.alg == "hmac-md5-96" else (self.ik + bytes(4), "sha1")
        return hmac.new(key, data, kind).digest()[:12]

    def salt(self) -> bytes:
        label = b"AES_GCM_SALT"
        return hmac.new(self.ck + self.ik, b"\x59" + label + struct.pack("!H", len(label)), hashlib.sha256).digest()[
            -4:
        ]


@dataclass
class Ends:
    """SPIs and ports of one side, as strings of the agreement say."""

    spi_c: int
    spi_s: int
    port_c: int
    port_s: int

    @classmethod
    def read(cls, params: dict[str, str]) -> Ends:
        return cls(*(int(params[name]) for name in ("spi-c", "spi-s", "port-c", "port-s")))


@dataclass
class Association:
    """The associations with one UE."""

    user: str
    host: str
    suite: Suite
    own: Ends
    peer: Ends
    offered: str
    listed: str
    contact: str = ""
    sent: int = 0
    highest: int = 0
    seen: set[int] = field(default_factory=set)

    def take(self, packet: bytes, *, checked: bool = True, fresh: bool = True, ports: bool = True) -> bytes:
        """The message in a packet; raises ``SpoiltError``."""
        (number,) = struct.unpack("!I", packet[4:8])
        if fresh and (number in self.seen or number + WINDOW <= self.highest):
            raise SpoiltError
        inner = self.suite.open(packet, checked=checked)
        if len(inner) < 8:
            raise SpoiltError
        source, target, length, _ = struct.unpack("!HHHH", inner[:8])
        if ports and (source, target) != (self.peer.port_c, self.own.port_s):
            raise SpoiltError
        self.seen.add(number)
        self.highest = max(self.highest, number)
        return inner[8:length]

    def packet(self, data: bytes, *, from_server: bool = False) -> bytes:
        """A packet to the UE: to its server port, or from our server port to its client port."""
        self.sent += 1
        ways = (self.own.port_s, self.peer.port_c) if from_server else (self.own.port_c, self.peer.port_s)
        inner = struct.pack("!HHHH", *ways, len(data) + 8, 0) + data
        return self.suite.seal(self.peer.spi_c if from_server else self.peer.spi_s, self.sent, inner)
