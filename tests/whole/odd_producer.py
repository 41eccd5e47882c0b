"""A small SBI producer, written for the tests from the specifications: right in many ways, and wrong in many others.

It shares no code with the reference lab. ``RIGHT`` are manners that TS 29.500, TS 33.501, TS 33.210 and the RFCs leave
open; a purpose that fails a producer for one of them is wrong. ``WRONG`` are flaws, one at a time, each of another form
than those that the reference lab plants.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from tests.whole import odd_pki
from tests.whole.odd_http2 import LONGEST, Answer, Request
from tests.whole.odd_tokens import Checker, WrongError, names_of, octets

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

TLS = (
    "tls12",
    "tls13",
    "p384",
    "rsa",
    "ed25519",
    "below",
    "no-tickets",
    "sni-needed",
    "retry",
    "no-notify",
    "asks-only",
)
HTTP2 = (
    "one-stream",
    "small-window",
    "tiny-table",
    "long-frames",
    "new-settings",
    "goaway-each",
    "closes-each",
    "trailers",
    "interim",
    "pieces",
    "padded",
    "slow",
    "pings",
    "unknown-frames",
    "odd-names",
    "closes-refused",
    "goaway-refused",
    "resets-refused",
)
HTTP = (
    "says-400",
    "says-401",
    "says-403",
    "says-404",
    "bare",
    "text",
    "realm-only",
    "redirects-refused",
    "throttles",
    "busy",
    "no-location",
    "relative",
    "other-name",
    "says-200",
    "says-204",
    "keeps",
    "gone-405",
    "hsts",
)
TOKENS = (
    "leeway-30",
    "leeway-60",
    "no-iat",
    "scope-first",
    "typ-checked",
    "refuses-doubles",
    "rs256",
    "caches",
    "any-case",
    "iss-if-there",
)
ASSERTIONS = ("cca", "cca-same-client", "cca-needed")
RIGHT = ("plain", *TLS, *HTTP2, *HTTP, *TOKENS, *ASSERTIONS)
WRONG_TOKENS = (
    "no-token",
    "no-signature",
    "empty-signature",
    "alg-none",
    "no-alg",
    "pem-secret",
    "pem-stripped",
    "kid-path",
    "empty-secret",
    "jwk",
    "x5c",
    "x5c-anchored",
    "rs-only-length",
    "no-crit",
    "no-aud",
    "aud-if-there",
    "aud-substring",
    "aud-prefix",
    "aud-all",
    "any-instance",
    "no-scope",
    "scope-substring",
    "scope-in-own",
    "scope-prefix",
    "no-exp",
    "exp-if-there",
    "exp-truthy",
    "exp-number-only",
    "exp-as-text",
    "leeway-day",
    "no-nbf",
    "no-iss",
    "iss-prefix",
    "no-sub",
    "sub-prefix",
    "sub-if-there",
    "first-double",
    "last-header",
    "first-header",
    "from-query",
    "writes-only",
    "fetches-kid",
)
WRONG_ASSERTIONS = (
    "cca-none",
    "cca-any-signer",
    "cca-unsigned",
    "cca-any-name",
    "cca-any-subject",
    "cca-no-aud",
    "cca-aud-if-there",
    "cca-no-exp",
    "cca-exp-if-there",
    "cca-no-iat",
)
WRONG_TLS = ("no-client", "tls11", "cbc")
WRONG = (*WRONG_TOKENS, *WRONG_ASSERTIONS, *WRONG_TLS)
ROOT = "/nodd-things/v1/things"
ERRORS = {"insufficient_scope": 403, "invalid_token": 401, "invalid_request": 400}


class Producer:
    """A producer with its traits; one port."""

    def __init__(self, traits: frozenset[str], folder: Path) -> None:
        self.traits = traits
        self.folder = folder
        self.checker = Checker(traits, folder)
        self.things: dict[str, Any] = {}
        self.requests = 0
        self.port = 0

    # --- authorisation ------------------------------------------------------------------------------------------

    async def wrong(self, request: Request, certificate: x509.Certificate | None) -> str | None:
        """The OAuth error, ``""`` for one without a name, or ``None`` when all is right."""
        traits, peer = self.traits, names_of(certificate) if certificate else set()
        if "no-client" in traits:
            peer = {f"urn:uuid:{odd_pki.CLIENTS['one']}"}
        values = request.all("authorization")
        _, _, queried = request.path.partition("access_token=")
        if "from-query" in traits and queried:
            values = [f"Bearer {queried}"]
        if ("writes-only" in traits and request.all(":method") == ["DELETE"]) or ("no-token" in traits and not values):
            return None
        if len(values) > 1 and not traits & {"last-header", "first-header"}:
            return "invalid_request"
        scheme, _, token = (values or [""])[-1 if "last-header" in traits else 0].partition(" ")
        known = scheme == "Bearer" or ("any-case" in traits and scheme.lower() == "bearer")
        if not peer or not known:
            return ""
        return await self._checked(request, token, peer)

    async def _checked(self, request: Request, token: str, peer: set[str]) -> str | None:
        if "fetches-kid" in self.traits:
            await self._fetch(token)
        try:
            self.checker.token(token, peer)
            if any(one.startswith("cca") for one in self.traits):
                self._assertion(request, token, peer)
        except WrongError as error:
            return str(error)
        except (ValueError, KeyError, TypeError):
            return "invalid_token"
        return None

    async def _fetch(self, token: str) -> None:
        try:
            where = json.loads(octets(token.split(".", maxsplit=1)[0]))["kid"]
            host, _, rest = where.removeprefix("http://").partition(":")
            _, writer = await asyncio.open_connection(host, int(rest.partition("/")[0]))
            writer.close()
        except (WrongError, ValueError, KeyError, OSError, AttributeError, TypeError):
            pass

    def _assertion(self, request: Request, token: str, peer: set[str]) -> None:
        values = request.all("3gpp-sbi-client-credentials")
        if not values:
            if "cca-needed" in self.traits:
                raise WrongError("invalid_request")
            return
        subject = self.checker.seen.get(token, {}).get("sub")
        self.checker.assertion(values[0], subject, peer)

    def refusal(self, error: str) -> Answer:
        """How it says no."""
        traits = self.traits
        said = next((int(one[5:]) for one in traits if one in ("says-400", "says-401", "says-403", "says-404")), 0)
        status = said or ERRORS.get(error, 401)
        if "redirects-refused" in traits:
            return Answer(302, [("location", "/login")], refused=True)
        headers = []
        if "bare" not in traits and status != 404:
            named = f', error="{error}"' if error and "realm-only" not in traits else ""
            headers.append(("www-authenticate", f'Bearer realm="odd"{named}'))
        if "text" in traits:
            return Answer(status, [*headers, ("content-type", "text/plain")], b"no", refused=True)
        if "bare" in traits:
            return Answer(status, refused=True)
        body = json.dumps({"status": status, "title": "no"}).encode()
        return Answer(status, [*headers, ("content-type", "application/problem+json")], body, refused=True)

    # --- the service --------------------------------------------------------------------------------------------

    async def answer(self, request: Request, certificate: x509.Certificate | None) -> Answer:
        """Answer a request."""
        traits, method = self.traits, "".join(request.all(":method"))
        self.requests += 1
        if "throttles" in traits and self.requests % 3 == 0:
            return Answer(429, [("retry-after", "0")])
        if "busy" in traits and self.requests % 4 == 0:
            return Answer(503, [("retry-after", "1")])
        error = await self.wrong(request, certificate)
        if error is not None:
            return self.refusal(error)
        path = request.path.partition("?")[0]
        if path == ROOT and method == "POST":
            return self._make(request)
        return self._thing(method, path.removeprefix(f"{ROOT}/"))

    def _thing(self, method: str, name: str) -> Answer:
        if name not in self.things:
            return Answer(404)
        if method == "GET":
            return Answer(200, [("content-type", "application/json")], json.dumps(self.things[name]).encode())
        if method == "DELETE" and "gone-405" not in self.traits:
            if "keeps" not in self.traits:
                del self.things[name]
            return Answer(204)
        return Answer(405, [("allow", "GET")])

    def _make(self, request: Request) -> Answer:
        kind = "".join(request.all("content-type")).partition(";")[0].strip().lower()
        if kind != "application/json":
            return Answer(415)
        if len(request.body) > LONGEST:
            return Answer(413)
        try:
            value = json.loads(request.body, object_pairs_hook=_once, parse_constant=_none)
        except (ValueError, RecursionError):
            return Answer(400)
        if not isinstance(value, dict) or not isinstance(value.get("name"), str) or _depth(value) > 32:
            return Answer(400)
        name = f"t{len(self.things) + self.requests}"
        self.things[name] = value
        roots = {"relative": f"{ROOT}/", "other-name": f"https://producer.odd.example:{self.port}{ROOT}/"}
        where = next(
            (root for one, root in roots.items() if one in self.traits), f"https://127.0.0.1:{self.port}{ROOT}/"
        )
        headers = [("location", where + name)] if "no-location" not in self.traits else []
        status = 200 if "says-200" in self.traits else 204 if "says-204" in self.traits else 201
        body = json.dumps(value).encode() if status != 204 else b""
        return Answer(status, [*headers, *([("content-type", "application/json")] if body else [])], body)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def _none(name: str) -> None:
    raise ValueError(name)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((_depth(one) for one in inner), default=0) if isinstance(value, dict | list) else 0
