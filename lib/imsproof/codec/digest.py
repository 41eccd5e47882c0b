"""Digest responses: RFC 2617 and RFC 7616 (MD5, SHA-256, SHA-512-256), AKAv1 (RFC 3310) and AKAv2 (RFC 4169)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

AKAV2_LABEL = b"http-digest-akav2-password"

_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


class DigestError(ValueError):
    """An algorithm or qop that this module does not know."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An algorithm name taken apart.

    Attributes:
        hash: name that hashlib knows.
        aka: 0 (password), 1 (AKAv1) or 2 (AKAv2).
        session: whether it is a ``-sess`` variant.
    """

    hash: str
    aka: int = 0
    session: bool = False

    def digest(self, data: bytes) -> str:
        """Hash to lower-case hexadecimal."""
        return hashlib.new(self.hash, data, usedforsecurity=False).hexdigest()


def parse_algorithm(name: str) -> Algorithm:
    """Take an algorithm name apart, in any case; an empty name is MD5 (RFC 7616 3.3).

    Raises:
        DigestError: the name is not known.
    """
    rest = name.upper() or "MD5"
    aka = 0
    for version, prefix in ((1, "AKAV1-"), (2, "AKAV2-")):
        if rest.startswith(prefix):
            aka, rest = version, rest.removeprefix(prefix)
    session = rest.endswith("-SESS")
    rest = rest.removesuffix("-SESS")
    if rest not in _HASHES:
        raise DigestError(f"digest algorithm {name!r} is not known; known are {', '.join(_HASHES)}, AKAv1-, AKAv2-")
    return Algorithm(_HASHES[rest], aka, session)


def aka_password(algorithm: str, res: bytes, ck: bytes, ik: bytes) -> bytes:
    """Return the password that AKA gives: RES itself (RFC 3310 3.3), or base64 of PRF(RES|IK|CK) (RFC 4169 3).

    The PRF of AKAv2 is HMAC with the algorithm's hash, keyed with RES, IK and CK; RFC 4169 says so of MD5, and
    for the SHA-2 names the same is taken (unchecked). Formula held against three public stacks.

    Raises:
        DigestError: the algorithm is not known or not an AKA one.
    """
    parsed = parse_algorithm(algorithm)
    if parsed.aka == 1:
        return res
    if parsed.aka == 2:
        return base64.b64encode(hmac.new(res + ik + ck, AKAV2_LABEL, parsed.hash).digest())
    raise DigestError(f"{algorithm!r} is not an AKA algorithm")


@dataclass(frozen=True, slots=True)
class Digest:
    """All that a digest is computed from.

    Attributes:
        algorithm: as in the challenge, e.g. ``AKAv1-MD5``.
        username: the IMPI.
        realm: as in the challenge.
        password: bytes; for AKA see :func:`aka_password`; empty for a response with AUTS (RFC 3310 3.4).
        method: of the request.
        uri: the digest-uri.
        nonce: as in the challenge.
        qop: ``auth``, ``auth-int`` or empty (RFC 2069).
        nc: eight hexadecimal digits; only with qop.
        cnonce: only with qop.
        body: the message body; only with ``auth-int``.
    """

    algorithm: str
    username: str
    realm: str
    password: bytes
    method: str
    uri: str
    nonce: str
    qop: str = ""
    nc: str = ""
    cnonce: str = ""
    body: bytes = b""

    def response(self) -> str:
        """The ``response`` of credentials (RFC 7616 3.4.1), lower-case hexadecimal (``DigestError``)."""
        return self._compute(self.method)

    def rspauth(self) -> str:
        """The ``rspauth`` of Authentication-Info, by which the server proves itself (RFC 7616 3.5)."""
        return self._compute("")

    def _compute(self, method: str) -> str:
        algorithm = parse_algorithm(self.algorithm)
        a1 = f"{self.username}:{self.realm}:".encode("utf-8", "surrogateescape") + self.password
        ha1 = algorithm.digest(a1)
        if algorithm.session:
            ha1 = algorithm.digest(f"{ha1}:{self.nonce}:{self.cnonce}".encode("utf-8", "surrogateescape"))
        a2 = f"{method}:{self.uri}"
        if self.qop == "auth-int":
            a2 += f":{algorithm.digest(self.body)}"
        elif self.qop not in ("", "auth"):
            raise DigestError(f"qop {self.qop!r} is not known")
        ha2 = algorithm.digest(a2.encode("utf-8", "surrogateescape"))
        middle = f"{self.nonce}:{self.nc}:{self.cnonce}:{self.qop}" if self.qop else self.nonce
        return algorithm.digest(f"{ha1}:{middle}:{ha2}".encode("utf-8", "surrogateescape"))
