"""An NF consumer on the SBI: gets access tokens, calls producers, and presents whichever certificate it is told to.

Source: TS 29.500, TS 29.510 clause 6.3 (token request), TS 33.501 clause 13 (titles).
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode, urljoin, urlsplit

from cryptography.hazmat.primitives import serialization

from imsproof.actors import cca
from imsproof.codec import jose
from imsproof.link import http1
from imsproof.link.http2 import Http2Connection
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import Attempt, HttpAnswer
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream, read_pem
from imsproof.seams import HarnessError, ImsproofError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imsproof.profile.sbi import KeyPair, Nrf, Producer, Sbi, Scp

    Target = Producer | Nrf | Scp
    Headers = Sequence[tuple[str, str]]
    Body = Mapping[str, Any] | Sequence[Any] | str | bytes | None

ANY_HTTP = ("h2", "http/1.1")
"""What a mere handshake offers in ALPN: whether HTTP/2 is spoken is another question."""
MAKING = ("POST", "PUT")
"""Methods whose Location is a resource that was made, not one to go to."""
THROTTLED = (429, 503)
ATTEMPTS, LONGEST_WAIT = 4, 5
"""How often a request is sent that a server throttles, and the seconds that it may ask to wait each time."""
TOKEN_SECONDS = 600
TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path, not a secret


@dataclass(frozen=True, slots=True)
class NfIdentity:
    """Who an NF consumer is, on the TLS layer and in tokens.

    Attributes:
        name: for the journal.
        certificate, key: PEM, or ``None`` for a client without a certificate.
        nf_type, instance_id: what it says of itself in token requests.
    """

    name: str
    certificate: bytes | None = None
    key: bytes | None = None
    nf_type: str = ""
    instance_id: str = ""

    @classmethod
    def of(cls, pair: KeyPair) -> NfIdentity:
        """The identity of a consumer (or a mere key pair) of the profile."""
        return cls(
            name=getattr(pair, "name", "rogue"),
            certificate=read_pem(pair.certificate),
            key=read_pem(pair.key),
            nf_type=getattr(pair, "nf_type", None) or "",
            instance_id=getattr(pair, "instance_id", None) or "",
        )

    def without_certificate(self) -> NfIdentity:
        """The same consumer without a certificate."""
        return replace(self, certificate=None, key=None)


@dataclass(slots=True, kw_only=True)
class TokenAnswer(HttpAnswer):
    """The answer to a token request, or a token that was minted or read from a file (status 200 then)."""

    token: str = ""


class NfConsumer:
    """An NF consumer that the tester plays.

    Attributes:
        session: the purpose's session.
        sbi: the profile's part on the SBI.
        identity: who it is.
        actor: its name in the journal.
    """

    def __init__(
        self,
        session: Session,
        sbi: Sbi,
        identity: NfIdentity | None = None,
        *,
        actor: str = "nf-consumer",
        source: str | None = None,
    ) -> None:
        """Make a consumer; the profile's authorised one by default, nobody in particular when there is none."""
        self.session = session
        self.sbi = sbi
        self.identity = identity or (NfIdentity.of(sbi.consumer) if sbi.consumer else NfIdentity("anybody"))
        self.actor = actor
        self._source = source

    def options(self, target: Target, **changes: Any) -> TlsOptions:
        """What it offers in TLS to a target; ``changes`` are fields of :class:`TlsOptions`."""
        usual = TlsOptions(
            server_name=target.fqdn,
            alpn=("http/1.1",) if getattr(target, "http", "2") == "1.1" else ("h2",),
            ca=read_pem(self.sbi.ca) if self.sbi.ca else None,
            certificate=self.identity.certificate,
            key=self.identity.key,
        )
        return replace(usual, **changes)

    def handshake(self, target: Target, label: str, **changes: Any) -> Attempt:
        """Do a TLS handshake and wait for a late alert (a TLS 1.3 server refuses a certificate after it).

        Args:
            target: a producer, NRF or SCP of the profile.
            label: what the conversation is called in the journal.
            changes: fields of :class:`TlsOptions` that differ from the usual ones.
        """
        return self.session.run(self._handshake(target, label, changes))

    def call(  # noqa: PLR0913 - a request has that many sides
        self,
        target: Target,
        method: str,
        path: str,
        *,
        body: Body = None,
        token: str | TokenAnswer | None = None,
        headers: Headers = (),
        label: str = "",
        within: float | None = None,
        injected: bool = False,
        tls: Mapping[str, Any] | None = None,
        clear: bool = False,
    ) -> HttpAnswer:
        """Send one request over a connection of its own.

        Args:
            target: a producer, NRF or SCP of the profile.
            method: e.g. ``POST``.
            path: below the target's URL, or an absolute URL that it gave out (its path counts).
            body: a mapping or list is sent as JSON, text and bytes as they are.
            token: goes into ``Authorization: Bearer``.
            headers: more headers; a ``content-type`` among them replaces the usual one.
            label: what the conversation is called in the journal; method and path by default.
            within: seconds for the whole answer; the profile's answer timer by default.
            injected: mark the request as planted.
            tls: fields of :class:`TlsOptions` that differ from the usual ones.
            clear: send HTTP/2 without TLS, whatever the URL says.
        """
        coroutine = self.acall(
            target,
            method,
            path,
            body=body,
            token=token,
            headers=headers,
            label=label,
            within=within,
            injected=injected,
            tls=tls,
            clear=clear,
        )
        return self.session.run(coroutine)

    async def acall(  # noqa: PLR0913 - a request has that many sides
        self,
        target: Target,
        method: str,
        path: str,
        *,
        body: Body = None,
        token: str | TokenAnswer | None = None,
        headers: Headers = (),
        label: str = "",
        within: float | None = None,
        injected: bool = False,
        tls: Mapping[str, Any] | None = None,
        clear: bool = False,
        patient: bool = True,
    ) -> HttpAnswer:
        """Send one request (see :meth:`call`); a ``patient`` consumer waits and asks again where it is told to."""
        target, full, headers = self.route(target, path, headers)
        exchange = self.session.exchange(label or f"{method} {full}")
        content, content_type = encoded(body)
        pairs = list(headers)
        if content_type and not any(name.lower() == "content-type" for name, _ in pairs):
            pairs.append(("content-type", content_type))
        bearer = token.token if isinstance(token, TokenAnswer) else token
        if bearer is not None:
            pairs.append(("authorization", f"Bearer {bearer}"))
        for _ in range(ATTEMPTS if patient else 1):
            if getattr(target, "http", "2") == "1.1" and not clear:
                answer = await self._over_http1(target, exchange, method, full, pairs, content, within, tls or {})
            else:
                answer = await self._over_http2(
                    target, exchange, method, full, pairs, content, within, tls or {}, clear=clear, injected=injected
                )
            wait = seconds_asked_for(answer)
            if wait is None:
                break
            await asyncio.sleep(wait)
        return answer

    def route(self, target: Target, path: str, headers: Headers) -> tuple[Target, str, Headers]:
        """Say whom a request is sent to, with which path and which headers."""
        return target, full_path(target, path), headers

    async def _over_http2(  # noqa: PLR0913 - a request has that many sides
        self,
        target: Target,
        exchange: str,
        method: str,
        path: str,
        headers: Headers,
        body: bytes,
        within: float | None,
        changes: Mapping[str, Any],
        *,
        clear: bool,
        injected: bool,
    ) -> HttpAnswer:
        try:
            connection = await self._connect(target, exchange, changes, clear=clear)
        except ConnectionFailedError as error:
            return HttpAnswer(record=self.session.record, exchange=exchange, failed=str(error))
        try:
            return await connection.request(
                method,
                path,
                authority=authority(target),
                scheme="http" if clear else target.url.scheme,
                headers=headers,
                body=body,
                within=within,
                facts={"injected": True} if injected else None,
            )
        finally:
            await connection.aclose()

    async def _over_http1(
        self,
        target: Target,
        exchange: str,
        method: str,
        path: str,
        headers: Headers,
        body: bytes,
        within: float | None,
        changes: Mapping[str, Any],
    ) -> HttpAnswer:
        """Send one request over HTTP/1.1, for a server that the profile says has no HTTP/2."""
        remote = (target.url.host, target.url.port)
        local = (self._source, 0) if self._source else None
        stream: TcpStream | TlsStream
        try:
            if target.url.scheme == "https":
                options = self.options(target, **changes)
                stream = await TlsStream.open(
                    self.session, self.actor, exchange, remote, options, local=local, quiet=True
                )
            else:
                stream = await TcpStream.open(self.session, self.actor, exchange, remote, local=local, quiet=True)
        except ConnectionFailedError as error:
            return HttpAnswer(record=self.session.record, exchange=exchange, failed=str(error))
        try:
            return await http1.request(
                stream, method, path, host=authority(target), headers=headers, body=body, within=within
            )
        finally:
            await stream.aclose()

    def token(
        self,
        producer: Producer,
        *,
        scope: str | None = None,
        changes: Mapping[str, str | None] | None = None,
        claims: Mapping[str, Any] | None = None,
        source: Literal["nrf", "key", "file"] | None = None,
        label: str = "",
    ) -> TokenAnswer:
        """Get an access token for a producer, as the profile says: from the NRF, minted, or from a file.

        Args:
            producer: whom the token is for.
            source: where from, instead of what the profile says.
            scope: instead of the producer's own.
            changes: form fields of the request to the NRF that differ; ``None`` leaves one out.
            claims: claims of a minted token that differ; ``None`` leaves one out.
            label: what the conversation is called in the journal.

        Raises:
            HarnessError: the profile says no way to have tokens, or its key cannot be used.
        """
        source = source or (self.sbi.tokens.source if self.sbi.tokens else "nrf")
        if source == "nrf" and self.sbi.nrf is not None:
            return self._from_nrf(self.sbi.nrf, self.token_request(producer, scope, changes or {}), label)
        if self.sbi.tokens is None or source not in ("key", "file"):
            raise HarnessError("the profile says no way to have access tokens: fill in sbi.tokens or sbi.nrf")
        if source == "file":
            text = read_pem(self.sbi.tokens.file or "").decode("ascii", "replace").strip()
        else:
            text = self.mint(producer, scope=scope, claims=claims)
        exchange = self.session.exchange(label or "access token")
        self.session.note(f"an access token from sbi.tokens ({source})", actor=self.actor, exchange=exchange)
        return TokenAnswer(record=self.session.record, exchange=exchange, status=200, token=text)

    def token_request(
        self, producer: Producer | None, scope: str | None = None, changes: Mapping[str, str | None] | None = None
    ) -> str:
        """Write the form of a token request (TS 29.510 AccessTokenReq)."""
        form: dict[str, str | None] = {
            "grant_type": "client_credentials",
            "nfInstanceId": self.identity.instance_id or None,
            "nfType": self.identity.nf_type or None,
            "targetNfType": producer.nf_type if producer else None,
            "scope": scope or (producer.token_scope if producer else None) or None,
            **(changes or {}),
        }
        return urlencode({name: value for name, value in form.items() if value is not None})

    def mint(self, producer: Producer, *, scope: str | None = None, claims: Mapping[str, Any] | None = None) -> str:
        """Sign a token with the key of ``sbi.tokens`` (``HarnessError`` when there is none)."""
        tokens = self.sbi.tokens
        if tokens is None or tokens.key is None:
            raise HarnessError("tokens cannot be minted: fill in sbi.tokens.from key, and sbi.tokens.key")
        now = int(time.time())
        issuer = tokens.issuer or (self.sbi.nrf.instance_id if self.sbi.nrf else None)
        good: dict[str, Any] = {
            "iss": issuer,
            "sub": self.identity.instance_id or None,
            "aud": producer.nf_type or ([producer.instance_id] if producer.instance_id else None),
            "scope": scope or producer.token_scope or None,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            **(claims or {}),
        }
        header = {"alg": tokens.algorithm, "typ": "JWT", **({"kid": tokens.kid} if tokens.kid else {})}
        return jose.encode(
            header, {name: value for name, value in good.items() if value is not None}, token_signer(self.sbi)
        )

    def _from_nrf(self, nrf: Nrf, form: str, label: str) -> TokenAnswer:
        answer = self.call(
            nrf,
            "POST",
            TOKEN_PATH,
            body=form,
            headers=[("content-type", "application/x-www-form-urlencoded")],
            label=label or "POST /oauth2/token",
        )
        value = answer.json()
        text = value.get("access_token") if isinstance(value, dict) else None
        return TokenAnswer(
            record=answer.record,
            exchange=answer.exchange,
            failed=answer.failed,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            reset=answer.reset,
            goaway=answer.goaway,
            token=text if answer.ok and isinstance(text, str) else "",
        )

    async def _connect(
        self, target: Target, exchange: str, changes: Mapping[str, Any], *, clear: bool
    ) -> Http2Connection:
        options = None if clear or target.url.scheme != "https" else self.options(target, **changes)
        remote = (target.url.host, target.url.port)
        local = (self._source, 0) if self._source else None
        return await Http2Connection.open(self.session, self.actor, exchange, remote, options, local=local, held=True)

    async def _handshake(self, target: Target, label: str, changes: Mapping[str, Any]) -> Attempt:
        exchange = self.session.exchange(label)
        attempt = Attempt(record=self.session.record, exchange=exchange)
        remote = (target.url.host, target.url.port)
        local = (self._source, 0) if self._source else None
        options = self.options(target, **{"alpn": ANY_HTTP, **changes})
        try:
            stream = await TlsStream.open(self.session, self.actor, exchange, remote, options, local=local, quiet=True)
        except ConnectionFailedError as error:
            attempt.failed = str(error)
            return attempt
        attempt.connected, attempt.facts = True, stream.facts
        if stream.facts["version"] == "TLSv1.3":
            await stream.receive(self.session.timers.silence)
        if stream.alerts:
            attempt.failed = f"the lab sent the alert {stream.alerts[-1]} after the handshake"
        await stream.aclose()
        return attempt


class ProducerClient:
    """A producer of the profile as seen by one consumer: the probe that is every refusal's control.

    Attributes:
        consumer: who asks.
        producer: who is asked.
        created: resources that probes made and that are there still, as the Location said.
    """

    def __init__(self, consumer: NfConsumer, producer: Producer) -> None:
        """Bind a consumer to a producer."""
        self.consumer = consumer
        self.producer = producer
        self.created: list[str] = []

    def token(self, **how: Any) -> TokenAnswer:
        """Get a token for this producer (arguments of :meth:`NfConsumer.token`)."""
        return self.consumer.token(self.producer, **how)

    def probe(self, token: str | TokenAnswer | None = None, *, label: str = "probe", **how: Any) -> HttpAnswer:
        """Send the profile's probe; what it creates is noted in :attr:`created`.

        A producer that requires client credentials assertions gets a good one, unless ``headers`` holds another.

        Args:
            token: the token to present; none is fetched here.
            label: what the conversation is called in the journal.
            how: further arguments of :meth:`NfConsumer.call`; ``query`` is appended to the path; with ``assertion``
                ``False`` no client credentials assertion is added.

        Raises:
            HarnessError: the profile has no probe for this producer.
        """
        probe = self.producer.probe
        if probe is None:
            raise HarnessError(f"producer {self.producer.name} has no probe: fill in sbi.producers[].probe")
        headers = [*probe.headers.items(), *how.pop("headers", ())]
        if (
            how.pop("assertion", True)
            and self.producer.cca == "required"
            and all(name.lower() != cca.HEADER for name, _ in headers)
        ):
            headers.append((cca.HEADER, cca.assertion(self.consumer.identity, self.producer.nf_type or "")))
        query = how.pop("query", "")
        path = probe.path + (f"{'&' if '?' in probe.path else '?'}{query}" if query else "")
        answer = self.consumer.call(
            self.producer, probe.method, path, body=probe.body, token=token, headers=headers, label=label, **how
        )
        answer.accept = tuple(probe.expect)
        location = answer.header("location")
        if answer.ok and answer.status in probe.expect and location and probe.method in MAKING:
            self.created.append(urljoin(full_path(self.producer, path), location))
        return answer

    @property
    def path(self) -> str:
        """A path of the producer: the probe's, or the root."""
        return full_path(self.producer, self.producer.probe.path if self.producer.probe else "/")

    @property
    def successes(self) -> tuple[int, ...]:
        """Statuses of a probe that mean that it was served, whether or not the profile expects exactly these."""
        expected = self.producer.probe.expect if self.producer.probe else ()
        return tuple(sorted({200, 201, 202, 203, 204, 205, 206, *expected}))

    @property
    def wants_token(self) -> bool:
        """Whether the probe goes with a token."""
        probe = self.producer.probe
        return self.producer.requires_token if probe is None or probe.token is None else probe.token

    def delete(
        self, location: str, token: str | TokenAnswer | None = None, *, label: str = "DELETE", **how: Any
    ) -> HttpAnswer:
        """Delete what a probe made."""
        answer = self.consumer.call(self.producer, "DELETE", location, token=token, label=label, **how)
        if answer.ok and location in self.created:
            self.created.remove(location)
        return answer

    def release(self, token: str | TokenAnswer | None = None) -> None:
        """Delete everything that the probes made; what goes wrong stands in the journal only."""
        for location in list(self.created):
            try:
                answer = self.delete(location, token, label="tidy up")
                why = "" if answer.ok else answer.failed or f"DELETE was answered {answer.status}"
            except ImsproofError as error:
                why = str(error)
            if why:
                self.consumer.session.note(f"{location} was left behind: {why}", actor=self.consumer.actor)


def seconds_asked_for(answer: HttpAnswer) -> float | None:
    """How long a server that has too many requests asks to wait (RFC 6585 section 4, RFC 9110 section 10.2.3).

    ``None`` for every other answer, and for one that asks for too long.
    """
    asked = answer.header("retry-after") or ""
    if answer.status not in THROTTLED or not asked.isdigit() or int(asked) > LONGEST_WAIT:
        return None
    return float(asked)


def authority(target: Target) -> str:
    """The ``:authority`` of requests to a target: its name when it has one."""
    return f"{target.fqdn}:{target.url.port}" if target.fqdn else target.url.authority


def full_path(target: Target, path: str) -> str:
    """Path and query of a request: below the target's URL, or that of an absolute URL."""
    if path.startswith(("http://", "https://")):
        parts = urlsplit(path)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    root = target.url.path.rstrip("/")
    return path if root and path.startswith(f"{root}/") else root + path


def encoded(body: Body) -> tuple[bytes, str]:
    """Return a body's bytes and the content type that goes with them (``""`` where the caller must know)."""
    if body is None:
        return b"", ""
    if isinstance(body, bytes):
        return body, ""
    if isinstance(body, str):
        return body.encode(), ""
    return json.dumps(body).encode(), "application/json"


def token_signer(sbi: Sbi) -> jose.Sign:
    """Return the signing function of ``sbi.tokens`` (``HarnessError`` when there is no key, or it cannot be used)."""
    tokens = sbi.tokens
    if tokens is None or tokens.key is None:
        raise HarnessError("tokens cannot be minted: fill in sbi.tokens.from key, and sbi.tokens.key")
    secret = read_pem(tokens.key)
    try:
        key: Any = secret if tokens.algorithm == "HS256" else serialization.load_pem_private_key(secret, None)
        return jose.signer(tokens.algorithm, key)
    except (ValueError, TypeError) as error:
        raise HarnessError(f"sbi.tokens.key cannot be used for {tokens.algorithm}: {error}") from error
