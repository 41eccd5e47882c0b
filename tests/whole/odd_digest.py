"""Digest challenges and their answers, as ``odd_registrar.py`` makes and judges them (RFC 7616, RFC 8760)."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING

from tests.whole.odd_sip import host_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.whole.odd_sip import Message

MOST_WRONG = 5
QOPS = {"no-qop": "", "auth-int": ', qop="auth-int"', "both-qops": ', qop="auth,auth-int"'}
ALGORITHMS = {"sha-256": ["SHA-256"], "two-algorithms": ["SHA-256", "MD5"], "unknown-first": ["ODD-512", "MD5"]}
Params = dict[str, str]


class Digest:
    """Nonces, and who answered them."""

    def __init__(self, users: dict[str, str], has: Callable[[str], bool]) -> None:
        self.users, self.has = users, has
        self.nonces: dict[str, set[str]] = {}
        self.wrong: dict[tuple[str, str], int] = {}
        self.called_stale = False

    def nonce(self) -> str:
        made = secrets.token_hex(12)
        self.nonces[made] = set()
        return made

    def challenges(self, realm: str, *, stale: bool = False) -> list[str]:
        realm = 'odd \\"realm\\"' if self.has("quoted") else realm
        qop = next((text for trait, text in QOPS.items() if self.has(trait)), ', qop="auth"')
        old = ", stale=TRUE" if stale else ""
        if self.has("terse"):
            return [f'digest nonce="{self.nonce()}",odd=thing,qop="auth",algorithm=md5,realm="{realm}"{old.lower()}']
        algorithms = next((names for trait, names in ALGORITHMS.items() if self.has(trait)), ["MD5"])
        made = [
            f'Digest realm="{realm}", nonce="{self.nonce()}", algorithm={one}{qop}{old}, opaque=""'
            for one in algorithms
        ]
        return (['Bearer authz_server="https://odd.example", scope="sip"'] if self.has("bearer-first") else []) + made

    def judge(self, given: str, message: Message, user: str, source: str) -> str:
        """``right``, ``wrong``, ``forbidden``, or that it must be asked ``again`` (the nonce being ``stale``)."""
        params: Params = {
            name.lower(): quoted or plain
            for name, quoted, plain in re.findall(r'(\w+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,]+))', given)
        }
        nonce, who = params.get("nonce", ""), params.get("username", "").partition("@")[0]
        guesser = ("", user) if self.has("locks") else (source, user)
        if nonce not in self.nonces:
            return "stale" if nonce else "again"
        if self.wrong.get(guesser, 0) >= MOST_WRONG and not self.has("unlimited"):
            return "forbidden"
        if not self.is_right(params, message, who):
            self.wrong[guesser] = self.wrong.get(guesser, 0) + 1
            return "wrong"
        if who != user and not self.has("anybody"):
            return "forbidden"
        self.called_stale = self.has("stale-first") and not self.called_stale
        if self.called_stale or (not self.has("replay") and not self.use(nonce, params)):
            return "stale"
        self.wrong.pop(guesser, None)
        return "right"

    def use(self, nonce: str, params: Params) -> bool:
        """Whether a nonce may be used with this count; then it is used."""
        fresh = params.get("nc", "") not in self.nonces[nonce]
        self.nonces[nonce].add(params.get("nc", ""))
        if fresh and (self.has("nonce-once") or "qop" not in params):
            del self.nonces[nonce]
        return fresh

    def is_right(self, params: Params, message: Message, who: str) -> bool:
        if who not in self.users:
            return False
        if self.has("any-password"):
            return True
        expected, response = self.expected(params, message, who), params.get("response", "")
        if self.has("empty-response") and not response:
            return True
        if self.has("prefix") and response:
            return any(one.startswith(response) for one in expected)
        uri_right = self.has("any-uri") or host_of(params.get("uri", "")).lower() == host_of(message.uri).lower()
        return response in expected and uri_right

    def expected(self, params: Params, message: Message, who: str) -> list[str]:
        """What a right response is, one for each method that it may be made for; none for another algorithm or qop."""
        sha, qop = params.get("algorithm", "").upper() == "SHA-256", params.get("qop", "")
        if (self.has("sha-256") and not sha) or (self.has("auth-int") and qop != "auth-int"):
            return []
        if not qop and not self.has("no-qop"):
            return []

        def hashed(*parts: str) -> str:
            text = ":".join(parts).encode()
            return hashlib.sha256(text).hexdigest() if sha else hashlib.md5(text).hexdigest()

        realm = params.get("realm", "").replace("\\", "")
        body = [hashed(message.body.decode("latin-1"))] if qop == "auth-int" else []
        middle = [params.get("nc", ""), params.get("cnonce", ""), qop] if qop else []
        first = hashed(params.get("username", ""), realm, self.users[who])
        methods = [message.method, *(["INVITE"] if self.has("any-method") else [])]
        return [
            hashed(first, params.get("nonce", ""), *middle, hashed(method, params.get("uri", ""), *body))
            for method in methods
        ]
