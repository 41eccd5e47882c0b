"""What an NF consumer tries on the TLS layer beyond a plain handshake: old HTTP, renegotiation, tickets, tampering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.nf import ANY_HTTP
from imsproof.link import http1 as link_http1
from imsproof.link.session import ConnectionFailedError
from imsproof.link.subject import Attempt, HttpAnswer
from imsproof.link.tampered import DataTampered, FinishedTampered, listen_on
from imsproof.link.tls import TlsStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.nf import NfConsumer
    from imsproof.actors.nfrequest import Target

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""What an HTTP/2 client sends first (RFC 9113 section 3.4), with an empty SETTINGS frame."""


def http1(
    consumer: NfConsumer,
    target: Target,
    method: str,
    path: str,
    *,
    label: str,
    alpn: tuple[str, ...] = (),
    headers: Sequence[tuple[str, str]] = (),
    clear: bool = False,
) -> HttpAnswer:
    """Send a request in HTTP/1.1, over TLS or in clear."""
    session = consumer.session
    scheme = "http" if clear else target.url.scheme
    url = f"{scheme}://{target.url.authority}{path}"
    options = consumer.options(target, alpn=alpn)
    exchange = session.exchange(label)
    return session.run(
        link_http1.fetch(session, consumer.actor, exchange, method, url, headers=headers, options=options)
    )


def renegotiate(consumer: NfConsumer, target: Target, label: str) -> Attempt:
    """Shake hands in TLS 1.2, then ask for a second handshake."""
    return consumer.session.run(_renegotiate(consumer, target, label))


async def _renegotiate(consumer: NfConsumer, target: Target, label: str) -> Attempt:
    session = consumer.session
    attempt = Attempt(record=session.record, exchange=session.exchange(label))
    remote = (target.url.host, target.url.port)
    options = consumer.options(target, alpn=ANY_HTTP, maximum="TLSv1.2")
    try:
        stream = await TlsStream.open(session, consumer.actor, attempt.exchange, remote, options, quiet=True)
    except ConnectionFailedError as error:
        attempt.failed = str(error)
        return attempt
    attempt.connected, attempt.facts = True, stream.facts
    await stream.renegotiate(session.timers.silence)
    await stream.aclose()
    return attempt


def held(consumer: NfConsumer, target: Target, label: str, version: str) -> TlsStream | None:
    """Shake hands, take what the server sends with it (session tickets among it), and keep the connection open.

    ``None`` when there was no handshake; the journal has why.
    """
    return consumer.session.run(_held(consumer, target, label, version))


async def _held(consumer: NfConsumer, target: Target, label: str, version: str) -> TlsStream | None:
    session = consumer.session
    remote = (target.url.host, target.url.port)
    options = consumer.options(target, minimum=version, maximum=version)
    try:
        stream = await TlsStream.open(session, consumer.actor, session.exchange(label), remote, options, quiet=True)
        if "h2" in options.alpn:
            await stream.send(PREFACE)  # its answer comes after the tickets
        await stream.receive(session.timers.silence)
    except ConnectionFailedError:
        return None
    return stream


def tickets(consumer: NfConsumer, target: Target, label: str) -> Attempt:
    """Shake hands in TLS 1.3, take the session tickets that come, and note what they allow."""
    return consumer.session.run(_tickets(consumer, target, label))


async def _tickets(consumer: NfConsumer, target: Target, label: str) -> Attempt:
    session = consumer.session
    attempt = Attempt(record=session.record, exchange=session.exchange(label))
    remote = (target.url.host, target.url.port)
    options = consumer.options(target, alpn=ANY_HTTP, minimum="TLSv1.3")
    try:
        stream = await TlsStream.open(session, consumer.actor, attempt.exchange, remote, options, quiet=True)
    except ConnectionFailedError as error:
        attempt.failed = str(error)
        return attempt
    attempt.connected, attempt.facts = True, stream.facts
    await stream.receive(session.timers.silence)
    stream.early_data_limit()
    await stream.aclose()
    return attempt


def tampered(consumer: NfConsumer, target: Target, label: str, version: str, what: str) -> Attempt:
    """Shake hands with one version and have one flight changed on the way: ``Finished`` or ``data``."""
    return consumer.session.run(_tampered(consumer, target, label, version, what))


async def _tampered(consumer: NfConsumer, target: Target, label: str, version: str, what: str) -> Attempt:
    session = consumer.session
    attempt = Attempt(record=session.record, exchange=session.exchange(label))
    remote = (target.url.host, target.url.port)
    options = consumer.options(target, alpn=ANY_HTTP, minimum=version, maximum=version)
    kind = FinishedTampered if what == "Finished" else DataTampered
    try:
        stream = await kind.open(session, consumer.actor, attempt.exchange, remote, options, quiet=True)
        attempt.connected, attempt.facts = True, stream.facts
        if what != "Finished":
            await stream.send(PREFACE)
        octets = await listen_on(stream, session.timers.answer)
        if what != "Finished" and not stream.ended:  # a server may look at a record only when the next one comes
            await stream.send(PREFACE)
            octets += await listen_on(stream, session.timers.answer)
        text = f"{octets} octets came after the change"
        session.note(text, actor=consumer.actor, exchange=attempt.exchange, octets=octets)
        await stream.aclose()
    except ConnectionFailedError as error:
        attempt.failed = str(error)
    return attempt
