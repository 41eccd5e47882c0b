"""Signatures of files as ``ssh-keygen -Y sign`` makes them: to bytes and back, made and checked, without OpenSSH.

Sources: OpenSSH's PROTOCOL.sshsig (the form), RFC 4251 section 5 (strings and mpints), RFC 8709 (Ed25519), RFC 5656
section 3.1 (ECDSA), RFC 8332 (RSA). Signed is with Ed25519, or ECDSA over the NIST curves; checked is RSA too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import textwrap
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
    load_ssh_public_key,
)

MAGIC: Final = b"SSHSIG"
VERSION: Final = 1
BEGIN: Final = "-----BEGIN SSH SIGNATURE-----"
END: Final = "-----END SSH SIGNATURE-----"
HASHES: Final = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
CURVES: Final = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
RSA: Final = {b"rsa-sha2-256": hashes.SHA256(), b"rsa-sha2-512": hashes.SHA512()}
RSA_BITS: Final = 2048
LONGEST: Final = 64 * 1024
"""Characters of an armoured signature."""

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class SshSigError(ValueError):
    """It is no signature of that form, does not hold, or the key is of a kind that is not supported."""


@dataclass(frozen=True, slots=True)
class SshSignature:
    """A signature as it stands in a file.

    Attributes:
        key: the public key, as SSH writes it (type and numbers as strings).
        namespace: what the signature is for, so that one for another purpose is not taken.
        hash_name: ``sha256`` or ``sha512``, by which the message is hashed first.
        signature: the algorithm's name and the signature itself, as SSH writes them.
    """

    key: bytes
    namespace: str
    hash_name: str
    signature: bytes

    @property
    def fingerprint(self) -> str:
        """The signer's key as OpenSSH shows it: ``SHA256:...``."""
        return fingerprint(self.key)

    @classmethod
    def parse(cls, text: str) -> SshSignature:
        """Read an armoured signature (``SshSigError`` when it is not one)."""
        lines = text[:LONGEST].strip().splitlines()
        if len(lines) < 3 or lines[0].strip() != BEGIN or lines[-1].strip() != END:
            raise SshSigError(f"it does not stand between {BEGIN!r} and {END!r}")
        try:
            data = base64.b64decode("".join(line.strip() for line in lines[1:-1]), validate=True)
        except binascii.Error as error:
            raise SshSigError(f"it is no base64: {error}") from error
        if data[:6] != MAGIC or len(data) < 10 or struct.unpack_from("!I", data, 6)[0] != VERSION:
            raise SshSigError("it is no SSHSIG of version 1")
        parts, rest = strings(data[10:], 5)
        if rest:
            raise SshSigError("something follows the signature")
        key, namespace, _, hash_name, signature = parts
        return cls(key, namespace.decode("utf-8", "replace"), hash_name.decode("ascii", "replace"), signature)

    def armoured(self) -> str:
        """Write the signature as a file holds it."""
        fields = (self.key, self.namespace.encode(), b"", self.hash_name.encode(), self.signature)
        data = MAGIC + struct.pack("!I", VERSION) + b"".join(map(string, fields))
        return "\n".join([BEGIN, *textwrap.wrap(base64.b64encode(data).decode("ascii"), 70), END]) + "\n"

    def check(self, message: bytes, namespace: str) -> None:
        """Check that this is the key's signature of a message for a purpose (``SshSigError`` when it is not)."""
        if self.namespace != namespace:
            raise SshSigError(f"it was made for {self.namespace!r}, not for {namespace!r}")
        key = _public(self.key)
        (algorithm, signature), rest = strings(self.signature, 2)
        if rest or (algorithm not in RSA if isinstance(key, rsa.RSAPublicKey) else algorithm != _kind(self.key)):
            raise SshSigError("its algorithm is not that of its key")
        signed = _signed(message, namespace, self.hash_name)
        try:
            if isinstance(key, ed25519.Ed25519PublicKey):
                key.verify(signature, signed)
            elif isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, signed, padding.PKCS1v15(), RSA[algorithm])
            else:
                (r, s), _ = strings(signature, 2)
                der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
                key.verify(der, signed, ec.ECDSA(CURVES[key.curve.key_size]))
        except (InvalidSignature, ValueError) as error:
            raise SshSigError("it is not the signature of these bytes by that key") from error


def sign(message: bytes, key: PrivateKey, namespace: str) -> SshSignature:
    """Sign a message for a purpose."""
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1]
    blob = base64.b64decode(public)
    signed = _signed(message, namespace, "sha512")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(signed)
    else:
        numbers = decode_dss_signature(key.sign(signed, ec.ECDSA(CURVES[key.curve.key_size])))
        signature = b"".join(string(number.to_bytes(number.bit_length() // 8 + 1, "big")) for number in numbers)
    return SshSignature(blob, namespace, "sha512", string(_kind(blob)) + string(signature))


def private_key(data: bytes) -> PrivateKey:
    """Read an OpenSSH private key without a passphrase.

    Raises:
        SshSigError: it is none, or of another kind.
        TypeError: it has a passphrase.
    """
    try:
        key = load_ssh_private_key(data, None)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SshSigError(f"it is no OpenSSH private key: {error}") from error
    if isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey):
        return key
    raise SshSigError("it is neither Ed25519 nor ECDSA")


def public_blob(text: str) -> bytes:
    """Return the key of a line of OpenSSH: a ``.pub`` file's, or one of an ``allowed_signers`` file.

    Raises:
        SshSigError: no key stands in it.
    """
    words = text.split()
    for kind, value in pairwise(words):
        if kind.startswith(("ssh-", "ecdsa-", "sk-")):
            try:
                blob = base64.b64decode(value, validate=True)
            except binascii.Error:
                continue
            if _kind(blob) == kind.encode():
                return blob
    raise SshSigError(f"no public key stands in {text[:60]!r}")


def fingerprint(blob: bytes) -> str:
    """Return a public key's fingerprint as OpenSSH shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def string(data: bytes) -> bytes:
    """Write a string of RFC 4251."""
    return struct.pack("!I", len(data)) + data


def strings(data: bytes, count: int) -> tuple[list[bytes], bytes]:
    """Read so many strings of RFC 4251, and return them with what follows (``SshSigError`` when it ends before)."""
    found = []
    for _ in range(count):
        if len(data) < 4 or len(data) - 4 < (size := struct.unpack_from("!I", data)[0]):
            raise SshSigError("it is cut off")
        found.append(data[4 : 4 + size])
        data = data[4 + size :]
    return found, data


def _public(blob: bytes) -> PublicKey:
    kind = _kind(blob)
    try:
        key = load_ssh_public_key(kind + b" " + base64.b64encode(blob))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SshSigError(f"its key cannot be read: {error}") from error
    if isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS:
        return key
    raise SshSigError(f"keys of the kind {kind.decode('ascii', 'replace')} are not checked here, or too short")


def _kind(blob: bytes) -> bytes:
    return strings(blob, 1)[0][0]


def _signed(message: bytes, namespace: str, hash_name: str) -> bytes:
    if hash_name not in HASHES:
        raise SshSigError(f"the hash {hash_name[:20]!r} is not known")
    digest = HASHES[hash_name](message).digest()
    return MAGIC + b"".join(map(string, (namespace.encode(), b"", hash_name.encode(), digest)))
