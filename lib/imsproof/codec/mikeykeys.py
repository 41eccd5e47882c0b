"""Keys of MIKEY messages: the PRF, what is derived from a pre-shared key, MACs, and the encryption of KEMAC.

RFC 3830 clauses 4.1.2, 4.1.4 and 4.2.3; RFC 6043 clauses 5.1.2, 5.5 and 6.1. The PRF is PRF-HMAC-SHA-256, the MAC
HMAC-SHA-256-256, the encryption AES-CM.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from imsproof.codec import mikey

ENCRYPTION, AUTHENTICATION, SALTING = bytes.fromhex("150533E1"), bytes.fromhex("2D22AC75"), bytes.fromhex("29B88916")
BLOCK = 32
SALT = 14
SIZES = {mikey.AES_CM_128: 16, mikey.AES_CM_256: 32}


def prf(key: bytes, label: bytes, size: int) -> bytes:
    """PRF-HMAC-SHA-256: ``size`` bytes out of a key of any length."""
    result = bytes(size)
    for start in range(0, max(1, len(key)), BLOCK):
        part = key[start : start + BLOCK]
        made, chain = b"", label
        while len(made) < size:
            chain = hmac.digest(part, chain, hashlib.sha256)
            made += hmac.digest(part, chain + label, hashlib.sha256)
        result = bytes(one ^ other for one, other in zip(result, made, strict=False))
    return result


@dataclass(frozen=True, slots=True)
class Secrets:
    """What protects the messages of one exchange: a pre-shared key and the exchange's public values.

    Attributes:
        psk: the pre-shared key.
        csb_id: of the header.
        initiator, responder: RANDRi of a Ticket Request, RANDRr of a Ticket Resolve; the other is empty.
    """

    psk: bytes
    csb_id: int
    initiator: bytes = b""
    responder: bytes = b""

    @classmethod
    def of(cls, psk: bytes, message: mikey.Message) -> Secrets:
        """The secrets of the exchange that a message begins."""
        return cls(
            psk,
            message.header.csb_id,
            mikey.random_of(message.first(mikey.RANDR, mikey.INITIATOR)),
            mikey.random_of(message.first(mikey.RANDR, mikey.RESPONDER)),
        )

    def derive(self, constant: bytes, size: int, *, answer: bool) -> bytes:
        """A key of ``size`` bytes for the initial message, or for the answer to it (RFC 6043 clause 5.1.2)."""
        randoms = b"".join(bytes([len(one)]) + one for one in (self.initiator, self.responder))
        label = constant + b"\xff" + self.csb_id.to_bytes(4) + (b"\x02" if answer else b"\x01") + randoms
        return prf(self.psk, label, size)

    def mac(self, covered: bytes, *, answer: bool) -> bytes:
        """HMAC-SHA-256-256 over what a V covers."""
        return hmac.digest(self.derive(AUTHENTICATION, BLOCK, answer=answer), covered, hashlib.sha256)

    def crypt(self, algorithm: int, data: bytes, time: bytes) -> bytes:
        """Encrypt or decrypt the data of an answer's KEMAC; ``time`` is the 64-bit timestamp that goes into the IV.

        Raises:
            mikey.MikeySyntaxError: the algorithm is not one of those here.
        """
        if algorithm == mikey.NO_ENCRYPTION:
            return data
        if algorithm not in SIZES:
            raise mikey.MikeySyntaxError(f"encryption algorithm {algorithm} is not known")
        key = self.derive(ENCRYPTION, SIZES[algorithm], answer=True)
        salt = int.from_bytes(self.derive(SALTING, SALT, answer=True))
        start = salt ^ int.from_bytes(bytes(2) + self.csb_id.to_bytes(4) + time)
        cipher = Cipher(algorithms.AES(key), modes.CTR(start.to_bytes(SALT) + bytes(2))).encryptor()
        return cipher.update(data) + cipher.finalize()


FORK_PROTECTION, FORK_GENERATION = bytes.fromhex("2B288856"), bytes.fromhex("1512B54A")
"""For MPKr' and TGK' (RFC 6043 table 5.1)."""


def forked(key: mikey.Key, responder: bytes, modifier: bytes) -> mikey.Key:
    """The key that one responder gets (RFC 6043 clause 5.1.1): ``modifier`` is RANDRkms."""
    constant = FORK_PROTECTION if key.kind == mikey.MPK else FORK_GENERATION
    label = constant + b"\xff\xff\xff\xff\xff\x00" + len(responder).to_bytes(2) + responder
    label += bytes([len(modifier)]) + modifier
    return replace(key, value=prf(key.value, label, len(key.value)))


def initiator_data(protection: bytes) -> bytes:
    """Initiator data that proves who asked for a ticket: Vi, and Vr with a MAC from MPKr (RFC 6043 clause 6.10).

    Vi is that of the TRANSFER_INIT message, which a KMS does not see.
    """
    first = mikey.verification(mikey.SHA256_MAC, bytes(BLOCK))
    written = bytes([mikey.V]) + mikey.write_payloads((first, first))
    return written[:-BLOCK] + _initiator_mac(protection, written[:-BLOCK])


def _initiator_mac(protection: bytes, covered: bytes) -> bytes:
    key = prf(protection, AUTHENTICATION + b"\xff\xff\xff\xff\xff\x04", BLOCK)
    return hmac.digest(key, covered, hashlib.sha256)


def initiator_proven(protection: bytes, data: bytes) -> bool:
    """Whether initiator data ends with a Vr whose MAC is right (``mikey.MikeySyntaxError`` when it cannot be read)."""
    proofs = mikey.initiator_proofs(data) if data else ()
    if len(proofs) != 2 or any(one.kind != mikey.V or one.body[0] != mikey.SHA256_MAC for one in proofs):
        return False
    return hmac.compare_digest(data[-BLOCK:], _initiator_mac(protection, data[:-BLOCK]))


def sign(message: mikey.Message, secrets: Secrets, behind: bytes, *, answer: bool = False) -> mikey.Message:
    """Add the V payload; ``behind`` follows the message in what the MAC covers (RFC 6043 table 5.2)."""
    empty = message.with_payload(mikey.verification(mikey.SHA256_MAC, bytes(BLOCK)))
    mac = secrets.mac(empty.to_bytes()[:-BLOCK] + behind, answer=answer)
    return replace(message, payloads=(*message.payloads, mikey.verification(mikey.SHA256_MAC, mac)))


def verified(data: bytes, message: mikey.Message, secrets: Secrets, behind: bytes, *, answer: bool = False) -> bool:
    """Whether a message ends with a V whose MAC is right."""
    last = message.payloads[-1] if message.payloads else None
    if last is None or last.kind != mikey.V or last.body[0] != mikey.SHA256_MAC:
        return False
    return hmac.compare_digest(last.body[1:], secrets.mac(data[:-BLOCK] + behind, answer=answer))
