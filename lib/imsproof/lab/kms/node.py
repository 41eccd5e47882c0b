"""The KMS: Ticket Request and Ticket Resolve with pre-shared keys (RFC 6043 clauses 4.2.1 and 4.2.3) over HTTP.

Its Ticket Data is its own affair: the keys, sealed with a key of its own, bound to the policy.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from imsproof.codec import mikey, mikeykeys
from imsproof.lab.kms.users import IDENTITY, USERS, KmsUser
from imsproof.lab.media.http1 import Request, Response, serve

if TYPE_CHECKING:
    from imsproof.lab.kms.policy import KmsPolicy
    from imsproof.lab.pki import Pki
    from imsproof.lab.policy import PolicyBox

PORT = 8444
TYPE = "application/mikey"
REQUEST_TARGET, RESOLVE_TARGET = "/keymanagement?requesttype=ticketrequest", "/keymanagement?requesttype=ticketresolve"
CLOCK_SECONDS = 300.0
LONGEST_VALIDITY = 86_400.0
REMEMBERED = 4096
NONCE = 12
MAX_BODY = 8192
VERSIONS = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1, "TLSv1.2": ssl.TLSVersion.TLSv1_2}


class KmsRefusedError(Exception):
    """A request is refused; ``number`` is the MIKEY error."""

    def __init__(self, number: int, status: int = 403) -> None:
        super().__init__(number)
        self.number = number
        self.status = status


class _Context(ssl.SSLContext):
    """A context whose lowest version is that of the policy when a connection comes."""

    box: PolicyBox

    def wrap_bio(self, *arguments: Any, **named: Any) -> ssl.SSLObject:
        """Make a connection's object."""
        lowest = self.box.current.kms.tls_lowest
        self.minimum_version = VERSIONS[lowest]
        self.set_ciphers("DEFAULT" if lowest == "TLSv1.2" else "DEFAULT:@SECLEVEL=0")
        return super().wrap_bio(*arguments, **named)


class KeyManagementService:
    """Serves tickets at one address.

    Args:
        address: its IP address.
        box: the lab's policy.
        pki: where its certificate lies.
    """

    def __init__(self, address: str, box: PolicyBox, pki: Pki) -> None:
        self._address = address
        self._box = box
        self._pki = pki
        self._own_key = secrets.token_bytes(32)
        self._fixed = secrets.token_bytes(80)
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._server: asyncio.Server | None = None
        self._alive = asyncio.Event()
        self._alive.set()

    @property
    def _policy(self) -> KmsPolicy:
        return self._box.current.kms

    async def start(self) -> None:
        """Listen (``OSError`` when the port is taken)."""
        context = _Context(ssl.PROTOCOL_TLS_SERVER)
        context.box = self._box
        context.load_cert_chain(self._pki.certificate("kms"), self._pki.key("kms"))
        self._server = await asyncio.start_server(
            lambda reader, writer: serve(reader, writer, self._answer), self._address, PORT, ssl=context
        )

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def reset(self) -> None:
        """Forget what came, and live again."""
        self._seen.clear()
        self._alive.set()

    async def _answer(self, request: Request) -> Response:
        if not self._alive.is_set():
            await self._alive.wait()
            return Response(503)
        if request.method != "POST" or request.target not in (REQUEST_TARGET, RESOLVE_TARGET):
            return Response(404)
        if len(request.body) > MAX_BODY:
            self._suffer("length")
            return Response(413)
        try:
            message = mikey.Message.parse(request.body)
            made = self._serve(request.body, message, asking=request.target == REQUEST_TARGET)
        except mikey.MikeySyntaxError:
            self._suffer("form")
            return Response(400)
        except KmsRefusedError as error:
            header = mikey.Header(mikey.ERROR, message.header.csb_id)
            told = mikey.Message(header, (mikey.timestamp(time.time()), mikey.error(error.number)))
            return Response(error.status, told.to_bytes(), TYPE)
        return Response(200, made, TYPE)

    def _suffer(self, kind: str) -> None:
        if kind in self._policy.dies_of:
            self._alive.clear()

    def _serve(self, data: bytes, message: mikey.Message, *, asking: bool) -> bytes:
        if message.header.kind != (mikey.REQUEST_INIT_PSK if asking else mikey.RESOLVE_INIT_PSK):
            raise mikey.MikeySyntaxError("another kind of message")
        role = mikey.INITIATOR if asking else mikey.RESPONDER
        user, secret = self._authenticate(data, message, role)
        self._check_fresh(data, message)
        name = mikey.identity_of(message.first(mikey.IDR, role)) or user.identity.encode()
        if asking:
            keys, ticket = self._issue(name, message)
            return self._respond(message, data, secret, keys, ticket)
        keys, extra = self._open(name, message)
        return self._respond(message, data, secret, keys, *extra)

    def _authenticate(self, data: bytes, message: mikey.Message, role: int) -> tuple[KmsUser, mikeykeys.Secrets]:
        """Find the key's owner and check the MAC; who does not exist looks like a wrong MAC."""
        psk_id = mikey.identity_of(message.first(mikey.IDR, mikey.PSK)).decode("utf-8", "replace")
        name = mikey.identity_of(message.first(mikey.IDR, role)).decode("utf-8", "replace")
        user = next((one for one in USERS if one.psk_id == psk_id), None)
        if user is None:
            user = next((one for one in USERS if not psk_id and one.identity == name), None)
        if user is None:
            raise KmsRefusedError(mikey.UNSPECIFIED if self._policy.enumerates else mikey.AUTH_FAILURE)
        secret = mikeykeys.Secrets.of(user.psk, message)
        behind = name.encode() + mikey.identity_of(message.first(mikey.IDR, mikey.KMS))
        last = message.payloads[-1] if message.payloads else None
        bare = last is not None and last.kind == mikey.V and last.body[0] == mikey.NO_AUTH
        fine = bare if bare and self._policy.null_mac_taken else mikeykeys.verified(data, message, secret, behind)
        if not fine and self._policy.mac_checked:
            raise KmsRefusedError(mikey.AUTH_FAILURE)
        if name and name != user.identity and self._policy.identity_bound:
            raise KmsRefusedError(mikey.AUTH_FAILURE)
        return user, secret

    def _check_fresh(self, data: bytes, message: mikey.Message) -> None:
        stamp = message.first(mikey.T)
        told = mikey.time_of(stamp) if stamp is not None else None
        if told is None or (abs(told - time.time()) > CLOCK_SECONDS and self._policy.clock_checked):
            raise KmsRefusedError(mikey.INVALID_TS)
        if data in self._seen and self._policy.replays_refused:
            raise KmsRefusedError(mikey.INVALID_TS)
        self._seen[data] = None
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _issue(self, name: bytes, message: mikey.Message) -> tuple[bytes, mikey.Payload]:
        """Make keys and a ticket for them; the validity is cut to a day from now."""
        wish = message.first(mikey.TP)
        if wish is None:
            raise mikey.MikeySyntaxError("no ticket policy")
        asked, _ = mikey.Policy.parse(wish)
        responders = asked.names(mikey.RESPONDER)
        if not responders:
            raise mikey.MikeySyntaxError("nobody who may resolve")
        now = time.time()
        until = min(asked.time(mikey.VALID_UNTIL) or now + LONGEST_VALIDITY, now + LONGEST_VALIDITY)
        begin = asked.time(mikey.VALID_FROM) or now
        granted = mikey.Policy(
            (
                mikey.identity(mikey.KMS, IDENTITY),
                mikey.identity(mikey.INITIATOR, name.decode("utf-8", "replace")),
                mikey.role_time(mikey.VALID_FROM, begin),
                mikey.role_time(mikey.VALID_UNTIL, until),
                *(mikey.identity(mikey.RESPONDER, one.decode("utf-8", "replace")) for one in responders),
            )
        )
        granted = replace(granted, flags=granted.flags | asked.flags & mikey.FORKED)
        material = secrets.token_bytes(80) if self._policy.fresh_keys else self._fixed
        own = (mikey.Key(mikey.MPK, material[:32], b"\x00\x01"), mikey.Key(mikey.TGK, material[32:48], b"\x00\x02"))
        other = mikey.Key(mikey.MPK, material[48:], b"\x00\x03")
        keys = mikey.write_keys((own[0], other, own[1]) if asked.flags & mikey.FORKED else own)
        nonce = secrets.token_bytes(NONCE)
        sealed = AESGCM(self._own_key).encrypt(nonce, keys, self._bound(granted))
        return keys, mikey.ticket(granted, nonce + sealed)

    def _bound(self, policy: mikey.Policy) -> bytes:
        return policy.to_bytes() if self._policy.ticket_sealed else b""

    def _open(self, name: bytes, message: mikey.Message) -> tuple[bytes, tuple[mikey.Payload, ...]]:
        """The keys of a ticket, for who may have them now; with key forking, what makes them the responder's own."""
        shown = message.first(mikey.TICKET)
        if shown is None:
            raise mikey.MikeySyntaxError("no ticket")
        policy, data = mikey.Policy.parse(shown)
        try:
            keys = AESGCM(self._own_key).decrypt(data[:NONCE], data[NONCE:], self._bound(policy))
        except (InvalidTag, ValueError) as error:
            raise KmsRefusedError(mikey.UNSPECIFIED) from error
        if name not in policy.names(mikey.RESPONDER) and self._policy.responders_checked:
            raise KmsRefusedError(mikey.UNSPECIFIED)
        begin, until = policy.time(mikey.VALID_FROM) or 0.0, policy.time(mikey.VALID_UNTIL) or float("inf")
        if not begin - 1 <= time.time() <= until and self._policy.validity_checked:
            raise KmsRefusedError(mikey.UNSPECIFIED)
        if not self._policy.keys_agree:
            return mikey.write_keys((mikey.Key(mikey.MPK, secrets.token_bytes(32), b"\x00\x01"),)), ()
        if not policy.flags & mikey.FORKED:
            return keys, ()
        first, other, *others = mikey.read_keys(keys)
        if self._policy.initiator_checked and not mikeykeys.initiator_proven(other.value, mikey.initiator_of(shown)):
            raise KmsRefusedError(mikey.AUTH_FAILURE)
        modifier = secrets.token_bytes(16)
        if self._policy.keys_forked:
            keys = mikey.write_keys((first, *(mikeykeys.forked(one, name, modifier) for one in (other, *others))))
        told = name.decode("utf-8", "replace")
        return keys, (mikey.identity(mikey.RESPONDER, told), mikey.random(mikey.KMS, modifier))

    def _respond(
        self, message: mikey.Message, data: bytes, secret: mikeykeys.Secrets, keys: bytes, *extra: mikey.Payload
    ) -> bytes:
        kinds = {mikey.REQUEST_INIT_PSK: mikey.REQUEST_RESP, mikey.RESOLVE_INIT_PSK: mikey.RESOLVE_RESP}
        stamp = mikey.timestamp(time.time())
        algorithm = mikey.AES_CM_128 if self._policy.keys_encrypted else mikey.NO_ENCRYPTION
        kemac = mikey.kemac(algorithm, secret.crypt(algorithm, keys, mikey.timestamp_octets(stamp)))
        header = mikey.Header(kinds[message.header.kind], message.header.csb_id)
        answer = mikey.Message(header, (stamp, mikey.identity(mikey.KMS, IDENTITY), *extra, kemac))
        behind = data if self._policy.answers_signed else b"another request"
        return mikeykeys.sign(answer, secret, behind, answer=True).to_bytes()
