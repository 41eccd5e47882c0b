"""A small NRF, written for the tests from TS 29.510 and RFC 6749: right in many ways, and wrong in others.

It shares no code with the reference lab. ``RIGHT`` are manners that the specifications leave open, ``WRONG`` flaws, one
at a time.
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from tests.whole.odd_http2 import Answer
from tests.whole.odd_pki import CLIENTS, NRF, SERVER
from tests.whole.odd_tokens import NF_TYPE, SERVICE, names_of

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509
    from tests.whole.odd_http2 import Request

RIGHT = (
    "plain", "aud-list", "aud-type", "aud-many", "rs256", "says-401", "says-403", "bare", "small-bearer",
    "no-scope-member", "no-expires-in", "long-cache", "more-claims", "float-exp", "short-life", "status-200",
    "status-204", "upper-id", "asks-only", "get-forbidden", "no-patch", "pieces", "interim", "one-stream",
    "goaway-each", "closes-refused",
)  # fmt: skip
WRONG = (
    "any-id", "id-prefix", "id-if-there", "no-grant", "any-grant", "first-parameter", "any-scope-form",
    "scope-if-there", "unsigned", "other-key", "no-exp", "old-exp", "years", "no-store-missing", "sub-empty",
    "aud-other", "aud-both", "scope-more", "any-client", "any-put", "any-delete", "any-patch",
)  # fmt: skip
TOKEN, NFM = "/oauth2/token", "/nnrf-nfm/v1/nf-instances/"
ERRORS = ("says-401", "says-403")


class Nrf:
    """An NRF with its traits; one port."""

    def __init__(self, traits: frozenset[str], folder: Path) -> None:
        self.traits, self.folder = traits, folder
        self.profiles: dict[str, dict[str, Any]] = {}
        self.port = 0
        name = "token-RS256.key" if "rs256" in traits else "token-ES256.key"
        self.key: Any = serialization.load_pem_private_key((folder / name).read_bytes(), None)
        if "other-key" in traits:
            self.key = ec.generate_private_key(ec.SECP256R1())

    async def answer(self, request: Request, certificate: x509.Certificate | None) -> Answer:
        """Answer a request."""
        path = urlsplit(request.path).path
        peer = {name.removeprefix("urn:uuid:").lower() for name in names_of(certificate)} if certificate else set()
        if not peer and "any-client" not in self.traits:
            return Answer(403, refused=True)
        method = "".join(request.all(":method"))
        if path == TOKEN and method == "POST":
            return self._token(request, peer or {CLIENTS["one"]})
        if path.startswith(NFM):
            return self._profile(method, path.removeprefix(NFM).lower(), request, peer)
        return Answer(404)

    # --- tokens -------------------------------------------------------------------------------------------------

    def _token(self, request: Request, peer: set[str]) -> Answer:
        pairs = parse_qsl(bytes(request.body).decode("latin-1"), keep_blank_values=True)
        form = dict(reversed(pairs)) if "first-parameter" in self.traits else dict(pairs)
        error = self._wrong(form, peer, doubled=len(dict(pairs)) < len(pairs))
        if error:
            body = json.dumps({"error": error}).encode() if "bare" not in self.traits else b""
            status = next((int(one[5:]) for one in ERRORS if one in self.traits), 400)
            return Answer(
                status, [("content-type", "application/json"), ("cache-control", "no-store")], body, refused=True
            )
        value: dict[str, Any] = {"access_token": self._issue(form), "token_type": "Bearer"}
        if "small-bearer" in self.traits:
            value["token_type"] = "bearer"
        if "no-expires-in" not in self.traits:
            value["expires_in"] = 600
        if "no-scope-member" not in self.traits:
            value["scope"] = form.get("scope", SERVICE)
        cache = "private, No-Store , max-age=0" if "long-cache" in self.traits else "no-store"
        headers = [("content-type", "application/json;charset=UTF-8"), ("pragma", "no-cache")]
        headers += [("cache-control", cache)] if "no-store-missing" not in self.traits else []
        return Answer(200, headers, json.dumps(value).encode())

    def _wrong(self, form: dict[str, str], peer: set[str], *, doubled: bool) -> str:
        traits, own = self.traits, form.get("nfInstanceId")
        grant = form.get("grant_type")
        granted = "any-grant" in traits or grant == "client_credentials" or ("no-grant" in traits and grant is None)
        known = (
            "any-id" in traits
            or (own is None and "id-if-there" in traits)
            or (own or "").lower() in peer
            or ("id-prefix" in traits and own is not None and any(one[:3] == own[:3] for one in peer))
        )
        scope = form.get("scope")
        named = scope == SERVICE or ("any-scope-form" in traits and scope) or ("scope-if-there" in traits and not scope)
        if doubled and "first-parameter" not in traits:
            return "invalid_request"
        if not granted:
            return "unsupported_grant_type"
        if form.get("requesterPlmn"):
            return "unauthorized_client"
        return "invalid_client" if not known else "" if named else "invalid_scope"

    def _issue(self, form: dict[str, str]) -> str:
        traits, now = self.traits, time.time()
        lives = {"old-exp": -60, "years": 800 * 86400, "short-life": 30}
        audiences: dict[str, Any] = {
            "aud-list": [SERVER],
            "aud-many": [SERVER, "0d000000-0000-4000-8000-000000000051"],
            "aud-other": "UDR",
            "aud-both": [NF_TYPE, "UDR"],
        }
        own = form.get("nfInstanceId", "")
        claims: dict[str, Any] = {
            "iss": NRF.upper() if "upper-id" in traits else NRF,
            "sub": "" if "sub-empty" in traits else own,
            "aud": next((value for name, value in audiences.items() if name in traits), NF_TYPE),
            "scope": f"{SERVICE} nudr-dr" if "scope-more" in traits else SERVICE,
            "exp": now + next((one for name, one in lives.items() if name in traits), 600),
        }
        if "float-exp" not in traits:
            claims["exp"] = int(claims["exp"])
        if "no-exp" in traits:
            del claims["exp"]
        if "more-claims" in traits:
            claims |= {"iat": int(now), "jti": "x", "producerPlmnId": {"mcc": "001", "mnc": "01"}, "vendor": [1]}
        algorithm = "none" if "unsigned" in traits else "RS256" if "rs256" in traits else "ES256"
        parts = [_encoded(json.dumps(one).encode()) for one in ({"alg": algorithm, "typ": "JWT"}, claims)]
        signed = ".".join(parts)
        return f"{signed}.{_encoded(b'' if algorithm == 'none' else self._signature(signed.encode()))}"

    def _signature(self, text: bytes) -> bytes:
        if not isinstance(self.key, ec.EllipticCurvePrivateKey):
            found: bytes = self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
            return found
        numbers = utils.decode_dss_signature(self.key.sign(text, ec.ECDSA(hashes.SHA256())))
        return b"".join(one.to_bytes(32, "big") for one in numbers)

    # --- profiles -----------------------------------------------------------------------------------------------

    def _profile(self, method: str, who: str, request: Request, peer: set[str]) -> Answer:
        traits = self.traits
        if method == "GET":
            found = json.dumps(self.profiles.get(who)).encode()
            status = 404 if who not in self.profiles else 403 if "get-forbidden" in traits else 200
            return Answer(status, [("content-type", "application/json")], found if status == 200 else b"")
        if (
            who not in peer
            and {"PUT": "any-put", "DELETE": "any-delete", "PATCH": "any-patch"}.get(method) not in traits
        ):
            return Answer(403, refused=True)
        if method == "PUT":
            self.profiles[who] = json.loads(request.body)
            status = 200 if "status-200" in traits else 204 if "status-204" in traits else 201
            return Answer(status, [("location", f"https://127.0.0.1:{self.port}{NFM}{who}")])
        return self._changed(method, who, request)

    def _changed(self, method: str, who: str, request: Request) -> Answer:
        if who not in self.profiles:
            return Answer(404)
        if method == "PATCH" and "no-patch" not in self.traits:
            for one in json.loads(request.body):
                self.profiles[who][one["path"][1:]] = one["value"]
        elif method == "DELETE":
            del self.profiles[who]
        else:
            return Answer(405)
        return Answer(204)


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
