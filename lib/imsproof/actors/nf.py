"""An NF consumer on the SBI: gets access tokens, calls producers, and presents whichever certificate it is told to.

Source: TS 29.500, TS 29.510 clause 6.3 (token request), TS 33.501 clause 13 (titles).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from imsproof.actors.nfidentity import NfIdentity
from imsproof.actors.nfrequest import HttpRequest, authority, encoded, full_path, seconds_asked_for
from imsproof.actors.nftokens import TOKEN_PATH, TokenAnswer, described, mint, token_form, token_of
from imsproof.link import http1
from imsproof.link.http2 import Http2Connection
from imsproof.link.session import ConnectionFailedError, Session
from imsproof.link.subject import Attempt, HttpAnswer
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream, read_pem
from imsproof.seams import HarnessError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imsproof.actors.nfrequest import Body, Headers, Target
    from imsproof.profile.sbi import Producer, Sbi

ANY_HTTP = ("h2", "http/1.1")
"""What a mere handshake offers in ALPN: whether HTTP/2 is spoken is another question."""
ATTEMPTS = 4
"""How often a request is sent that a server throttles."""


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
        self._local = (source, 0) if source else None

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

    def call(self, target: Target, method: str, path: str, **how: Any) -> HttpAnswer:
        """Send one request over a connection of its own and wait for its answer (arguments of :meth:`acall`)."""
        return self.session.run(self.acall(target, method, path, **how))

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
        """Send one request over a connection of its own, on the link's loop.

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
            patient: wait and ask again where a server that throttles says so.
        """
        target, full, headers = self.route(target, path, headers)
        exchange = self.session.exchange(label or f"{method} {full}")
        content, content_type = encoded(body)
        pairs = list(headers)
        if content_type and not any(name.lower() == "content-type" for name, _ in pairs):
            pairs.append(("content-type", content_type))
        bearer = token.token if isinstance(token, TokenAnswer) else token
        if bearer is not None:
            pairs.append(("authorization", f"Bearer {bearer}"))
        request = HttpRequest(method, full, pairs, content, authority(target))
        old = getattr(target, "http", "2") == "1.1" and not clear
        for _ in range(ATTEMPTS if patient else 1):
            try:
                if old:
                    answer = await self._over_http1(target, exchange, request, within, tls or {})
                else:
                    answer = await self._over_http2(
                        target, exchange, request, within, tls or {}, clear=clear, injected=injected
                    )
            except ConnectionFailedError as error:
                return HttpAnswer(record=self.session.record, exchange=exchange, failed=str(error))
            wait = seconds_asked_for(answer)
            if wait is None:
                break
            await asyncio.sleep(wait)
        return answer

    def route(self, target: Target, path: str, headers: Headers) -> tuple[Target, str, Headers]:
        """Say whom a request is sent to, with which path and which headers."""
        return target, full_path(target, path), headers

    async def _over_http2(
        self,
        target: Target,
        exchange: str,
        request: HttpRequest,
        within: float | None,
        changes: Mapping[str, Any],
        *,
        clear: bool,
        injected: bool,
    ) -> HttpAnswer:
        options = None if clear or target.url.scheme != "https" else self.options(target, **changes)
        connection = await Http2Connection.open(
            self.session, self.actor, exchange, _remote(target), options, local=self._local, held=True
        )
        try:
            return await connection.request(
                request.method,
                request.path,
                authority=request.authority,
                scheme="http" if clear else target.url.scheme,
                headers=request.headers,
                body=request.body,
                within=within,
                facts={"injected": True} if injected else None,
            )
        finally:
            await connection.aclose()

    async def _over_http1(
        self, target: Target, exchange: str, request: HttpRequest, within: float | None, changes: Mapping[str, Any]
    ) -> HttpAnswer:
        """Send one request over HTTP/1.1, for a server that the profile says has no HTTP/2."""
        where = (self.session, self.actor, exchange, _remote(target))
        stream: TcpStream | TlsStream
        if target.url.scheme == "https":
            stream = await TlsStream.open(*where, self.options(target, **changes), local=self._local, quiet=True)
        else:
            stream = await TcpStream.open(*where, local=self._local, quiet=True)
        try:
            return await http1.request(
                stream,
                request.method,
                request.path,
                host=request.authority,
                headers=request.headers,
                body=request.body,
                within=within,
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
            form = token_form(self.identity, producer, scope=scope, changes=changes)
            of_form = [("content-type", "application/x-www-form-urlencoded")]
            label = label or f"POST {TOKEN_PATH}"
            return token_of(self.call(self.sbi.nrf, "POST", TOKEN_PATH, body=form, headers=of_form, label=label))
        if self.sbi.tokens is None or source not in ("key", "file"):
            raise HarnessError("the profile says no way to have access tokens: fill in sbi.tokens or sbi.nrf")
        if source == "file":
            text = read_pem(self.sbi.tokens.file or "").decode("ascii", "replace").strip()
        else:
            text = mint(self.sbi, self.identity, producer, scope=scope, claims=claims)
        exchange = self.session.exchange(label or "access token")
        told = f"an access token from sbi.tokens ({source})"
        self.session.note(told, actor=self.actor, exchange=exchange, says=described(text))
        return TokenAnswer(record=self.session.record, exchange=exchange, status=200, token=text)

    async def _handshake(self, target: Target, label: str, changes: Mapping[str, Any]) -> Attempt:
        exchange = self.session.exchange(label)
        attempt = Attempt(record=self.session.record, exchange=exchange)
        options = self.options(target, **{"alpn": ANY_HTTP, **changes})
        try:
            stream = await TlsStream.open(
                self.session, self.actor, exchange, _remote(target), options, local=self._local, quiet=True
            )
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


def _remote(target: Target) -> tuple[str, int]:
    return target.url.host, target.url.port
