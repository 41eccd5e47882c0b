"""A ClientHello by hand that offers DTLS 1.3 beside 1.2, and what a data-channel peer makes of it.

No handshake of DTLS 1.3 is completed: OpenSSL has none. Which version the peer selects stands in its first answer.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from imsproof.codec.dtls import (
    CLIENT_HELLO,
    DTLS_1_2,
    HELLO_VERIFY_REQUEST,
    ClientHello,
    Handshake,
    HelloVerifyRequest,
    TlsSyntaxError,
    handshakes,
    split_records,
)
from imsproof.codec.tlshello import HANDSHAKE, usual_extensions, vector
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.dccall import DataChannelCall
    from imsproof.link.subject import RawAnswer

DTLS_1_3 = 0xFEFC
SUITES = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02C, 0xCCA9, 0xC02F, 0xC030, 0xCCA8)
"""The suites of TLS 1.3, and the ephemeral AEAD suites of 1.2."""
SUPPORTED_VERSIONS, KEY_SHARE = 43, 51
X25519 = 0x001D


def hello(versions: Sequence[int] = (DTLS_1_3, DTLS_1_2)) -> ClientHello:
    """Make a ClientHello (RFC 9147 section 5.3) that offers these versions, the best one first."""
    offered = vector(1, b"".join(version.to_bytes(2) for version in versions))
    share = X25519.to_bytes(2) + vector(2, secrets.token_bytes(32))
    extensions = (*usual_extensions(), (SUPPORTED_VERSIONS, offered), (KEY_SHARE, vector(2, share)))
    return ClientHello(DTLS_1_2, secrets.token_bytes(32), SUITES, extensions, cookie=b"")


def cookie_of(datagrams: Sequence[bytes]) -> bytes | None:
    """The cookie of a HelloVerifyRequest among datagrams, or ``None``."""
    for datagram in datagrams:
        try:
            records = [record for record in split_records(datagram) if record.content_type == HANDSHAKE]
            for message in (message for record in records for message in handshakes(record.fragment)):
                if message.message_type == HELLO_VERIFY_REQUEST:
                    return HelloVerifyRequest.parse(message.body).cookie
        except TlsSyntaxError:
            continue
    return None


def say_hello(call: DataChannelCall, label: str, first: ClientHello) -> RawAnswer:
    """Say hello from the port of the offer, and again with the cookie if one is asked for.

    Raises:
        InconclusiveError: the peer takes the client's part, so that it does not answer hellos.
    """
    answer = _hello_answered(call, label, first)
    cookie = cookie_of(answer.data)
    if cookie is None:
        return answer
    again = ClientHello(first.version, first.random, first.suites, first.extensions, cookie=cookie)
    return _until_answered(call, f"{label}, with the cookie", _datagram(again, 1))


def say_hello_with_another_cookie(call: DataChannelCall, label: str) -> RawAnswer:
    """Say hello; if a cookie is asked for, again with one that is the right one but for a bit, and wait until silence.

    Raises:
        InconclusiveError: the peer takes the client's part.
    """
    first = hello((DTLS_1_2,))
    answer = _hello_answered(call, label, first)
    cookie = cookie_of(answer.data)
    if not cookie:
        return answer
    made_up = bytes((*cookie[:-1], cookie[-1] ^ 1))
    again = ClientHello(first.version, first.random, first.suites, first.extensions, cookie=made_up)
    return call.throw(f"{label}, with a cookie that was made up", [_datagram(again, 1)])


def _hello_answered(call: DataChannelCall, label: str, first: ClientHello) -> RawAnswer:
    if not call.is_client:
        raise InconclusiveError(f"the peer answered a=setup:{call.offered_setup} with active: it is no DTLS server")
    return _until_answered(call, label, _datagram(first, 0))


def _until_answered(call: DataChannelCall, label: str, datagram: bytes) -> RawAnswer:
    """Send a datagram again and again, as a client does whose first flight is lost (RFC 6347 section 4.2.4)."""
    timers = call.session.timers
    answer = call.throw(label, [datagram])
    for _ in range(int(timers.handshake / timers.silence)):
        if answer.data:
            break
        answer = call.throw(f"{label}, again", [datagram])
    return answer


def _datagram(message: ClientHello, number: int) -> bytes:
    handshake = Handshake(CLIENT_HELLO, message.to_bytes(), message_seq=number)
    return handshake.record(sequence=number).to_bytes()
