"""Topology hiding: entries of Via, Route and their like that name inner nodes, as nobody outside can read them.

TS 33.203 6.4 (quote): encryption with a key Kv that the border nodes share. TS 24.229 5.10.4.1 (quote): Via, Route,
Record-Route, Service-Route and Path. By replacement an entry becomes a constant, and the border node remembers it.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from imsproof.codec.sip import Header, SipSyntaxError, Uri, parse_name_addr, parse_uri
from imsproof.lab.sip import hops
from imsproof.lab.sip.subscribers import DOMAIN
from imsproof.lab.sip.tables import Table

if TYPE_CHECKING:
    from imsproof.codec.sip import Message
    from imsproof.lab.sip.policy import SipPolicy

HIDDEN_HOST = f"hidden.{DOMAIN}"
MARK = "tokenized-by"
NONCE_BYTES = 12
OUTLIVE_CALLS = ("Service-Route", "Path")
"""They are used in other calls than the one that brought them."""
REGISTRATIONS = ""
CALL_SECONDS = 7200.0


class BrokenTokenError(Exception):
    """A hidden entry is not one that this network wrote."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """By encryption: an entry is sealed with Kv, and opens without any memory."""

    key: bytes

    def hide(self, call_id: str, entry: str, policy: SipPolicy) -> str:
        """Seal an entry; only written in another way when planted so."""
        del call_id
        plain = entry.encode("utf-8", "surrogateescape")
        if policy.hiding == "encoded":
            return _text(plain)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return _text(nonce + AESGCM(self.key).encrypt(nonce, plain, None))

    def show(self, call_id: str, token: str, policy: SipPolicy) -> str:
        """Open a token (:class:`BrokenTokenError` when it is not ours)."""
        del call_id
        try:
            data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            if policy.hiding == "encoded":
                return data.decode("utf-8", "surrogateescape")
            plain = AESGCM(self.key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None)
        except (ValueError, InvalidTag) as error:
            raise BrokenTokenError from error
        return plain.decode("utf-8", "surrogateescape")


class Replaced:
    """By replacement: an entry becomes a constant; what it stood for is remembered with its call."""

    def __init__(self) -> None:
        self._entries: Table[str, list[str]] = Table(CALL_SECONDS, 10_000)

    def hide(self, call_id: str, entry: str, policy: SipPolicy) -> str:
        """Remember an entry and return its constant: its number within the call, or among all registrations."""
        if policy.hiding == "encoded":
            return _text(entry.encode())
        known = self._entries.get(call_id) or []
        if entry not in known:
            known = [*known, entry]
        self._entries.put(call_id, known)
        return f"{'registered' if call_id == REGISTRATIONS else 'hop'}{known.index(entry) + 1}"

    def show(self, call_id: str, token: str, policy: SipPolicy) -> str:
        """Return what a constant stands for (:class:`BrokenTokenError` when it stands for nothing)."""
        if policy.hiding == "encoded":
            return Sealed(b"").show(call_id, token, policy)
        scope = REGISTRATIONS if token.startswith("registered") else call_id
        known, number = self._entries.get(scope) or [], token.removeprefix("registered").removeprefix("hop")
        if not number.isdecimal() or not 0 < int(number) <= len(known):
            raise BrokenTokenError
        return known[int(number) - 1]


Hider = Sealed | Replaced


@dataclass(frozen=True, slots=True)
class Curtain:
    """Hides and shows entries of messages at one border node.

    Attributes:
        hider: how.
        outer: addresses that are no secret: the border node's own and the far network's.
    """

    hider: Hider
    outer: frozenset[tuple[str, int]]

    def draw(self, message: Message, policy: SipPolicy) -> None:
        """Hide inner entries of a message that goes out."""
        if policy.hiding == "plain":
            return
        call_id = message.get("Call-ID") or ""
        for name in policy.hide_headers:
            entries = message.values(name)
            written = [self._hidden(name, call_id, entry, policy) for entry in entries]
            _put(message, name, entries, written)

    def lift(self, message: Message, policy: SipPolicy, *, names: tuple[str, ...] | None = None) -> None:
        """Put back what was hidden in a message that comes in.

        Raises:
            BrokenTokenError: an entry claims to be ours and is not.
        """
        call_id = message.get("Call-ID") or ""
        for name in names or ("Via", "Route", "Record-Route", "Service-Route", "Path"):
            entries = message.values(name)
            shown = []
            for entry in entries:
                token = _token_of(name, entry)
                try:
                    shown.append(entry if token is None else self.hider.show(call_id, token, policy))
                except BrokenTokenError:
                    if policy.refuse_broken_tokens:
                        raise
            _put(message, name, entries, shown)

    def _hidden(self, name: str, call_id: str, entry: str, policy: SipPolicy) -> str:
        if _token_of(name, entry) is not None or self._is_outer(name, entry):
            return entry
        token = self.hider.hide(REGISTRATIONS if name in OUTLIVE_CALLS else call_id, entry, policy)
        if name == "Via":
            return f"SIP/2.0/UDP {HIDDEN_HOST};branch={hops.MAGIC}hidden;token={token};{MARK}={DOMAIN}"
        return f"<{Uri('sip', token, HIDDEN_HOST, None, {MARK: DOMAIN, 'lr': None})}>"

    def _is_outer(self, name: str, entry: str) -> bool:
        try:
            if name == "Via":
                via = hops.parse_via(entry)
                return (via.host, via.port or hops.DEFAULT_PORT) in self.outer
            uri = parse_uri(parse_name_addr(entry).uri)
        except SipSyntaxError:
            return False
        return (uri.host, uri.port or hops.DEFAULT_PORT) in self.outer


def _token_of(name: str, entry: str) -> str | None:
    """The token of a hidden entry; ``None`` for any other."""
    try:
        if name == "Via":
            via = hops.parse_via(entry)
            return (via.params.get("token") or "") if via.host == HIDDEN_HOST else None
        uri = parse_uri(parse_name_addr(entry).uri)
    except SipSyntaxError:
        return None
    return uri.user if uri.host == HIDDEN_HOST else None


def _put(message: Message, name: str, before: list[str], after: list[str]) -> None:
    """Write a list header anew, in its place."""
    if before == after:
        return
    key = Header.make(name, "").key
    place = next(number for number, header in enumerate(message.headers) if header.key == key)
    message.remove(name)
    message.headers[place:place] = [Header.make(name, value) for value in after]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
