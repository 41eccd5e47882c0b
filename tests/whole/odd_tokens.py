"""How the SBI producer of any manners checks access tokens and client credentials assertions; see odd_producer.py.

Written from RFC 7515, 7519, 8725 and TS 33.501 clauses 13.3.8 and 13.4.1; ``traits`` leave a check out, or do it
in another way.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from tests.whole.odd_pki import NRF, SERVER

if TYPE_CHECKING:
    from collections.abc import Iterable

NF_TYPE, SERVICE = "MF", "nodd-things"
LEEWAY = {"leeway-30": 30, "leeway-60": 60, "leeway-day": 86400}


class WrongError(Exception):
    """What is wrong, as the error of OAuth that names it."""


def refuse(*, when: bool, error: str = "invalid_token") -> None:
    """Raise when it is wrong."""
    if when:
        raise WrongError(error)


def octets(text: str) -> bytes:
    """Octets of base64url."""
    refuse(when=re.fullmatch(r"[A-Za-z0-9_-]*", text) is None)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def members(text: bytes, traits: frozenset[str]) -> dict[str, Any]:
    """A JSON object; members that come twice are refused, or the first or last counts."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        refuse(when="refuses-doubles" in traits and len(dict(found)) < len(found))
        return dict(reversed(found)) if "first-double" in traits else dict(found)

    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        raise WrongError("invalid_token") from None
    refuse(when=not isinstance(value, dict))
    return value  # type: ignore[no-any-return]


def signed_by(key: Any, algorithm: str, text: bytes, signature: bytes) -> bool:
    """Whether the signature holds."""
    try:
        if algorithm == "ES256" and isinstance(key, ec.EllipticCurvePublicKey) and len(signature) == 64:
            r, s = (int.from_bytes(part, "big") for part in (signature[:32], signature[32:]))
            key.verify(utils.encode_dss_signature(r, s), text, ec.ECDSA(hashes.SHA256()))
            return True
        if algorithm == "RS256" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
            return True
    except InvalidSignature:
        pass
    return False


class Checker:
    """Checks tokens and assertions for one producer."""

    def __init__(self, traits: frozenset[str], folder: Path) -> None:
        self.traits = traits
        name = "token-RS256.key" if "rs256" in traits else "token-ES256.key"
        private: Any = serialization.load_pem_private_key((folder / name).read_bytes(), None)
        self.key = private.public_key()
        self.pem = self.key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.algorithm = "RS256" if "rs256" in traits else "ES256"
        self.roots = x509.load_pem_x509_certificates((folder / "ca.pem").read_bytes())
        self.seen: dict[str, dict[str, Any]] = {}

    # --- tokens -------------------------------------------------------------------------------------------------

    def token(self, text: str, peer: set[str]) -> None:
        """Raise when the token is wrong; ``peer`` are the names in the client's certificate."""
        claims = self.seen[text] if "caches" in self.traits and text in self.seen else self._signed(text)
        order = (self._scope, self._audience, self._times, self._issuer)
        for check in order if "scope-first" in self.traits else order[::-1]:
            check(claims)
        if "no-sub" not in self.traits:
            subject = claims.get("sub")
            if not (subject is None and "sub-if-there" in self.traits):
                refuse(when=not self._is(subject, peer))
        self.seen[text] = claims

    def _is(self, subject: object, peer: set[str]) -> bool:
        if not isinstance(subject, str):
            return False
        if "sub-prefix" in self.traits:
            return any(name[9:17] == subject[:8] for name in peer if name.startswith("urn:uuid:"))
        return f"urn:uuid:{subject}".lower() in {name.lower() for name in peer}

    def _signed(self, text: str) -> dict[str, Any]:
        parts = text.split(".")
        refuse(when=len(parts) != 3)
        header = members(octets(parts[0]), self.traits)
        claims = members(octets(parts[1]), self.traits)
        signature, signed = octets(parts[2]), f"{parts[0]}.{parts[1]}".encode()
        if "no-crit" not in self.traits:
            refuse(when="crit" in header)
        refuse(when="typ-checked" in self.traits and header.get("typ") not in ("JWT", "at+jwt"))
        if "no-signature" not in self.traits:
            refuse(when=not self._verified(header, signed, signature))
        return claims

    def _verified(self, header: dict[str, Any], signed: bytes, signature: bytes) -> bool:
        traits, algorithm = self.traits, header.get("alg")
        if (
            ("empty-signature" in traits and not signature)
            or ("alg-none" in traits and str(algorithm).strip().lower() == "none")
            or ("no-alg" in traits and not algorithm)
            or ("rs-only-length" in traits and len(signature) >= 64)
        ):
            return True
        if algorithm == "HS256":
            secret = self._secret(header)
            return secret is not None and hmac.compare_digest(hmac.digest(secret, signed, hashlib.sha256), signature)
        return algorithm == self.algorithm and signed_by(self._key(header), self.algorithm, signed, signature)

    def _secret(self, header: dict[str, Any]) -> bytes | None:
        """The secret of HS256: none for who is right."""
        if "kid-path" in self.traits and isinstance(header.get("kid"), str):
            try:
                return Path("/srv/keys", header["kid"]).read_bytes()
            except OSError:
                return None
        forms = {"pem-secret": self.pem, "pem-stripped": self.pem.strip(), "empty-secret": b""}
        return next((secret for name, secret in forms.items() if name in self.traits), None)

    def _key(self, header: dict[str, Any]) -> Any:
        """The key to verify with: the NRF's, for who is right."""
        if "jwk" in self.traits and isinstance(header.get("jwk"), dict):
            x, y = (int.from_bytes(octets(header["jwk"][one]), "big") for one in "xy")
            return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        if self.traits & {"x5c", "x5c-anchored"} and header.get("x5c"):
            found = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
            if "x5c" in self.traits or self._anchored(found):
                return found.public_key()
        return self.key

    def _audience(self, claims: dict[str, Any]) -> None:
        audience, traits = claims.get("aud"), self.traits
        if "no-aud" in traits or (audience is None and "aud-if-there" in traits):
            return
        if "aud-substring" in traits:
            refuse(when=not (isinstance(audience, str) and NF_TYPE in audience) and SERVER not in (audience or ()))
            return
        if "aud-prefix" in traits and isinstance(audience, list):
            refuse(when=not any(str(one)[:18] == SERVER[:18] for one in audience))
            return
        if "aud-all" in traits and isinstance(audience, list):
            refuse(when=not all(one == SERVER for one in audience))
            return
        names: Iterable[object] = audience if isinstance(audience, list) else [audience]
        own = {NF_TYPE, SERVER} if "type-only" not in traits else {NF_TYPE}
        if "any-instance" in traits and isinstance(audience, list):
            return
        refuse(when=not any(isinstance(one, str) and one in own for one in names))

    def _scope(self, claims: dict[str, Any]) -> None:
        scope, traits = claims.get("scope"), self.traits
        if "no-scope" in traits or (scope is None and "scope-if-there" in traits):
            return
        refuse(when=not isinstance(scope, str))
        if "scope-substring" in traits:
            refuse(when=SERVICE not in str(scope), error="insufficient_scope")
            return
        if "scope-in-own" in traits:
            refuse(when=str(scope) not in SERVICE, error="insufficient_scope")
            return
        if "scope-prefix" in traits:
            refuse(when=not any(one.startswith(SERVICE) for one in str(scope).split()), error="insufficient_scope")
            return
        refuse(when=SERVICE not in str(scope).split(), error="insufficient_scope")

    def _times(self, claims: dict[str, Any]) -> None:
        traits, now = self.traits, time.time()
        leeway = next((seconds for name, seconds in LEEWAY.items() if name in traits), 0)
        expiry = claims.get("exp")
        lax = (
            "no-exp" in traits
            or (expiry is None and "exp-if-there" in traits)
            or (not expiry and expiry is not None and "exp-truthy" in traits)
            or (isinstance(expiry, str) and "exp-number-only" in traits)
        )
        if not lax:
            if "exp-as-text" in traits and expiry is not None:
                refuse(when=str(expiry) <= str(int(now)))
            else:
                refuse(when=not isinstance(expiry, int | float) or expiry + leeway <= now)
        if "no-nbf" not in traits and claims.get("nbf") is not None:
            refuse(when=not isinstance(claims["nbf"], int | float) or claims["nbf"] - leeway > now)
        if "no-iat" not in traits and claims.get("iat") is not None:
            refuse(when=not isinstance(claims["iat"], int | float) or claims["iat"] - leeway > now + 1)

    def _issuer(self, claims: dict[str, Any]) -> None:
        issuer = claims.get("iss")
        if "no-iss" in self.traits or (issuer is None and "iss-if-there" in self.traits):
            return
        if "iss-prefix" in self.traits:
            refuse(when=not str(issuer).startswith(NRF[:13]))
            return
        refuse(when=issuer != NRF)

    # --- assertions ---------------------------------------------------------------------------------------------

    def assertion(self, text: str, subject: str | None, peer: set[str]) -> None:
        """Raise when a client credentials assertion is wrong, or of another than the token's subject."""
        traits = self.traits
        parts = text.split(".")
        refuse(when=len(parts) != 3)
        header, claims = (members(octets(one), traits) for one in parts[:2])
        if not ("cca-none" in traits and header.get("alg") == "none"):
            chain = header.get("x5c")
            refuse(when=not isinstance(chain, list) or not chain)
            leaf = x509.load_der_x509_certificate(base64.b64decode(str((chain or [""])[0])))
            if "cca-any-signer" not in traits:
                refuse(when=not self._anchored(leaf))
            if "cca-unsigned" not in traits:
                algorithm = "ES256" if isinstance(leaf.public_key(), ec.EllipticCurvePublicKey) else "RS256"
                signed = f"{parts[0]}.{parts[1]}".encode()
                refuse(when=header.get("alg") != algorithm)
                refuse(when=not signed_by(leaf.public_key(), algorithm, signed, octets(parts[2])))
            if "cca-any-name" not in traits:
                refuse(when=f"urn:uuid:{claims.get('sub')}" not in names_of(leaf))
        if "cca-any-subject" not in traits:
            refuse(when=subject is not None and claims.get("sub") != subject)
        audience = claims.get("aud")
        if not ("cca-no-aud" in traits or (audience is None and "cca-aud-if-there" in traits)):
            refuse(when=not isinstance(audience, list) or not {NF_TYPE, SERVER} & {str(one) for one in audience})
        now = time.time()
        expiry = claims.get("exp")
        if not ("cca-no-exp" in traits or (expiry is None and "cca-exp-if-there" in traits)):
            refuse(when=not isinstance(expiry, int) or expiry <= now)
        if "cca-no-iat" not in traits:
            refuse(when=not isinstance(claims.get("iat"), int) or claims["iat"] > now + 30)
        if "cca-same-client" in traits:
            refuse(when=f"urn:uuid:{claims.get('sub')}" not in peer)

    def _anchored(self, leaf: x509.Certificate) -> bool:
        for root in self.roots:
            try:
                leaf.verify_directly_issued_by(root)
            except (ValueError, TypeError, InvalidSignature):
                continue
            return True
        return False


def names_of(certificate: x509.Certificate) -> set[str]:
    """The URIs in a certificate's SAN."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return set(names.get_values_for_type(x509.UniformResourceIdentifier))
