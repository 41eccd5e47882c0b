"""A ClientHello by hand with DTLS 1.3: what stands in it, and what OpenSSL makes of it, with and without a cookie."""

from __future__ import annotations

import pytest

from imsproof.actors.dchello import DTLS_1_3, SUPPORTED_VERSIONS, _datagram, cookie_of, hello
from imsproof.codec.dtls import CLIENT_HELLO, SERVER_HELLO, ClientHello, handshakes, split_records
from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.identity import make_identity


def types(datagrams: list[bytes]) -> list[int]:
    return [message.message_type for one in datagrams for r in split_records(one) for message in handshakes(r.fragment)]


def test_the_versions_stand_in_it_the_best_first() -> None:
    [record] = split_records(_datagram(hello(), 0))
    [message] = handshakes(record.fragment)
    assert message.message_type == CLIENT_HELLO
    read = ClientHello.parse(message.body, dtls=True)
    assert read.extension(SUPPORTED_VERSIONS) == b"\x04" + DTLS_1_3.to_bytes(2) + b"\xfe\xfd"


@pytest.mark.parametrize("cookie", [True, False])
def test_a_server_of_12_answers_it(cookie: bool) -> None:
    server = DtlsEngine("server", make_identity(), cookie_exchange=cookie)
    first = hello()
    server.receive(_datagram(first, 0))
    answer = server.outgoing()
    if cookie:
        found = cookie_of(answer)
        assert found
        again = ClientHello(first.version, first.random, first.suites, first.extensions, cookie=found)
        server.receive(_datagram(again, 1))
        answer = server.outgoing()
    assert cookie_of(answer) is None
    assert types(answer)[0] == SERVER_HELLO


def test_what_is_no_dtls_holds_no_cookie() -> None:
    assert cookie_of([b"", b"\x16", b"\0" * 40]) is None
