"""IMS AKA as ``odd_core.py`` makes and judges it: Milenage, AUTN, AUTS, AKAv1 and AKAv2, no code of the harness."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.whole.odd_sip import Message

OPC = bytes.fromhex("cd63cb71954a9f4e48a5994e37a02baf")
AMF = b"\x80\x00"
MOST_WRONG = 5
MOST_SQN = 1 << 48
AKAV2 = b"http-digest-akav2-password"
ALGORITHMS = {
    "akav2-sha-256": ["AKAv2-SHA-256"],
    "akav2-md5": ["AKAv2-MD5"],
    "both-versions": ["AKAv2-SHA-256", "AKAv1-MD5"],
}


def key_of(name: str) -> bytes:
    """K of a user."""
    return hashlib.sha256(f"K of {name}".encode()).digest()[:16]


def xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


class Milenage:
    """TS 35.206 with the constants that everybody uses."""

    def __init__(self, k: bytes) -> None:
        self.k = k

    def _block(self, data: bytes) -> bytes:
        return Cipher(algorithms.AES(self.k), modes.ECB()).encryptor().update(data)

    def _out(self, rand: bytes, rotate: int, constant: int) -> bytes:
        mixed = xor(self._block(xor(rand, OPC)), OPC)
        turned = mixed[rotate:] + mixed[:rotate]
        return xor(self._block(xor(turned, bytes(15) + bytes((constant,)))), OPC)

    def mac(self, rand: bytes, sqn: bytes, amf: bytes) -> tuple[bytes, bytes]:
        """MAC-A and MAC-S."""
        temp, turned = self._block(xor(rand, OPC)), xor((sqn + amf) * 2, OPC)
        out = xor(self._block(xor(temp, turned[8:] + turned[:8])), OPC)
        return out[:8], out[8:]

    def keys(self, rand: bytes) -> tuple[bytes, bytes, bytes, bytes, bytes]:
        """RES, CK, IK, AK and AK*."""
        second = self._out(rand, 0, 1)
        return second[8:], self._out(rand, 4, 2), self._out(rand, 8, 4), second[:6], self._out(rand, 12, 8)[:6]


@dataclass
class Vector:
    """A challenge that went out, and whose it is."""

    user: str
    rand: bytes
    res: bytes
    ck: bytes
    ik: bytes
    call_id: str
    source: tuple[str, int]


class Aka:
    """Challenges, and who answered them: stands where :class:`tests.whole.odd_digest.Digest` does."""

    def __init__(self, users: dict[str, str], has: Callable[[str], bool]) -> None:
        self.users, self.has = users, has
        self.sqn = dict.fromkeys(users, 32 * 40)
        self.vectors: dict[str, Vector] = {}
        self.wrong: dict[tuple[str, str], int] = {}
        self.rand = secrets.token_bytes(16)

    def next_sqn(self, user: str) -> int:
        """The next sequence number, in one of the ways of TS 33.102 Annex C."""
        if self.has("sqn-time"):
            self.sqn[user] = max(int(time.time() * 10) * 32, self.sqn[user] + 32)
        elif self.has("sqn-leaps"):
            self.sqn[user] += 32 * (1 + secrets.randbelow(1 << 20))
        elif not self.has("sqn-stands"):
            self.sqn[user] += 32 if self.has("sqn-by-index") else 1
        return self.sqn[user] % MOST_SQN

    def vector(self, user: str, message: Message, source: tuple[str, int]) -> tuple[str, Vector]:
        """A new challenge: its nonce, and what answers it."""
        functions = Milenage(key_of(user))
        rand = self.rand if self.has("rand-stands") else secrets.token_bytes(16)
        if self.has("rand-few"):
            rand = hashlib.sha256(bytes((secrets.randbelow(5),)) + self.rand).digest()[:16]
        sqn = self.next_sqn(user).to_bytes(6, "big")
        res, ck, ik, ak, _ = functions.keys(rand)
        mac, _ = functions.mac(rand, sqn, AMF)
        if self.has("mac-zero"):
            mac = bytes(8)
        more = secrets.token_bytes(9) if self.has("server-data") else b""
        nonce = base64.b64encode(rand + xor(sqn, ak) + AMF + mac + more).decode()
        if self.has("unpadded"):
            nonce = nonce.rstrip("=")
        if not self.has("older-kept"):
            self.vectors = {one: vector for one, vector in self.vectors.items() if vector.user != user}
        made = self.vectors[nonce] = Vector(user, rand, res, ck, ik, message.get("call-id"), source)
        return nonce, made

    def challenges(self, realm: str, nonce: str, vector: Vector, *, stale: bool = False) -> list[str]:
        """The values of WWW-Authenticate for one vector."""
        names = next((names for trait, names in ALGORITHMS.items() if self.has(trait)), ["AKAv1-MD5"])
        if self.has("loud"):
            names = [one.upper() for one in names]
        qop = "" if self.has("no-qop") else ', qop="auth-int,auth"' if self.has("both-qops") else ', qop="auth"'
        if self.has("auth-int"):
            qop = ', qop="auth-int"'
        extra = ', domain="sip:odd.example", opaque="0=,\\"x"' if self.has("opaque") else ""
        if self.has("keys-in-challenge"):
            extra += f', ck="{vector.ck.hex().upper()}", ik="{vector.ik.hex().upper()}"'
        if self.has("keys-in-opaque"):
            extra += f', opaque="{base64.b64encode(vector.ck + vector.ik).decode()}"'
        old = ", stale=true" if stale else ""
        return [f'Digest realm="{realm}", nonce="{nonce}", algorithm={one}{qop}{extra}{old}' for one in names]

    def judge(self, given: str, message: Message, user: str, source: str) -> str:
        """``right``, ``wrong``, ``forbidden``, or that it must be asked ``again``."""
        params = {
            name.lower(): quoted or plain
            for name, quoted, plain in re.findall(r'([\w-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s,]+))', given)
        }
        if self.has("claims") and params.get("integrity-protected") in ("tls-yes", "ip-assoc-yes", "auth-done"):
            return "right"
        vector = self.vectors.get(params.get("nonce", ""))
        if vector is None:
            return "again"
        guesser = ("", user) if self.has("locks") else (source, user)
        if self.wrong.get(guesser, 0) >= MOST_WRONG and not self.has("unlimited"):
            return "forbidden"
        if "auts" in params:
            return self.resynchronise(vector, params["auts"])
        said = self.answered(params, message, user, vector)
        self.wrong[guesser] = self.wrong.get(guesser, 0) + 1 if said == "wrong" else 0
        return said

    def answered(self, params: dict[str, str], message: Message, user: str, vector: Vector) -> str:
        """What an answer to a known challenge is."""
        nonce, who = params.get("nonce", ""), params.get("username", "").partition("@")[0]
        registers = message.method == "REGISTER"
        if self.has("one-answer"):
            del self.vectors[nonce]
        if not self.is_right(params, message, vector):
            return "wrong"
        another = (who != user or vector.user != who) and not self.has("anybody-s")
        if another or (registers and message.get("call-id") != vector.call_id and not self.has("any-call")):
            return "forbidden"
        if registers and not self.has("replay"):
            self.vectors.pop(nonce, None)
        return "right"

    def resynchronise(self, vector: Vector, auts: str) -> str:
        functions = Milenage(key_of(vector.user))
        try:
            given = base64.b64decode(auts)
        except ValueError:
            return "forbidden"
        sqn = xor(given[:6], functions.keys(vector.rand)[4]) if len(given) == 14 else b""
        if len(given) != 14:
            return "forbidden"
        if functions.mac(vector.rand, sqn, bytes(2))[1] != given[6:] and not self.has("auts-believed"):
            return "again" if self.has("again-after-auts") else "forbidden"
        if not self.has("auts-in-vain"):
            self.sqn[vector.user] = int.from_bytes(sqn, "big")
        return "again"

    def is_right(self, params: dict[str, str], message: Message, vector: Vector) -> bool:
        response, algorithm = params.get("response", ""), params.get("algorithm", "AKAv1-MD5").upper()
        if self.has("any-response"):
            return True
        if self.has("empty") and not response:
            return True
        if self.has("short") and response:
            return any(one[: len(response)] == response for one in self.expected(params, message, vector, algorithm))
        if self.has("zeros") and not response.strip("0"):
            return True
        offered = [one.upper() for trait, names in ALGORITHMS.items() if self.has(trait) for one in names]
        if algorithm not in (offered or ["AKAV1-MD5"]) and not self.has("any-algorithm"):
            return False
        return response in self.expected(params, message, vector, algorithm)

    def expected(self, params: dict[str, str], message: Message, vector: Vector, algorithm: str) -> list[str]:
        """Right responses."""
        sha = algorithm.endswith("SHA-256")
        secret = vector.res
        if algorithm.startswith("AKAV2"):
            made = hmac.new(vector.res + vector.ik + vector.ck, AKAV2, "sha256" if sha else "md5").digest()
            secret = base64.b64encode(made)
        elif not algorithm.startswith("AKA"):
            secret = b""

        def hashed(*parts: bytes) -> str:
            return (hashlib.sha256 if sha else hashlib.md5)(b":".join(parts)).hexdigest()

        qop = params.get("qop", "")
        body = [hashed(message.body).encode()] if qop == "auth-int" else []
        middle = [params.get("nc", ""), params.get("cnonce", ""), qop] if qop else []
        secrets_ = [secret, b""] if self.has("empty-res") else [secret]
        methods = [message.method, "INVITE", "REGISTER"] if self.has("any-method") else [message.method]
        uri = params.get("uri", "")
        if not self.has("any-uri") and "odd.example" not in uri and message.method == "REGISTER":
            return []
        return [
            hashed(
                hashed(params.get("username", "").encode(), params.get("realm", "").encode(), one).encode(),
                params.get("nonce", "").encode(),
                *(text.encode() for text in middle),
                hashed(method.encode(), uri.encode(), *body).encode(),
            )
            for one in secrets_
            for method in methods
        ]
