"""ng and STUN as targets: what goes out is well formed around the case, and answers are told apart."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import stun
from imsproof.fuzzing.datagrams import NgOffers, StunServer, bencode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imsproof.link.session import Session
    from imsproof.seams import Address


@pytest.fixture
def echo() -> Iterator[Callable[[Callable[[bytes], bytes]], Address]]:
    """Starts a server of one datagram after the other; answers what a function says."""
    sockets: list[socket.socket] = []

    def start(answer: Callable[[bytes], bytes]) -> Address:
        wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        wire.bind(("127.0.0.1", 0))
        wire.settimeout(10)
        sockets.append(wire)

        def serve() -> None:
            try:
                while True:
                    data, peer = wire.recvfrom(65535)
                    if back := answer(data):
                        wire.sendto(back, peer)
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        host, port = wire.getsockname()
        return str(host), int(port)

    yield start
    for one in sockets:
        one.close()


def unbencode(data: bytes, at: int = 0) -> tuple[object, int]:
    """A second opinion."""
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        found: list[object] = []
        at += 1
        while data[at : at + 1] != b"e":
            value, at = unbencode(data, at)
            found.append(value)
        return (dict(zip(found[::2], found[1::2], strict=True)) if kind == b"d" else found), at + 1
    colon = data.index(b":", at)
    size = int(data[at:colon])
    return data[colon + 1 : colon + 1 + size], colon + 1 + size


VALUES = st.recursive(
    st.one_of(st.integers(), st.binary(max_size=30)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_bencoding_reads_as_it_was_written(value: object) -> None:
    def keyed(one: object) -> object:
        if isinstance(one, dict):
            return {str(key).encode(): keyed(inner) for key, inner in one.items()}
        return [keyed(inner) for inner in one] if isinstance(one, list) else one

    assert unbencode(bencode(value)) == (keyed(value), len(bencode(value)))


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError):
        bencode(1.5)


def test_a_description_is_offered_and_its_call_deleted(
    session: Session, echo: Callable[[Callable[[bytes], bytes]], Address]
) -> None:
    got: list[bytes] = []

    def rtpengine(data: bytes) -> bytes:
        got.append(data)
        cookie, _, rest = data.partition(b" ")
        told = unbencode(rest)[0]
        assert isinstance(told, dict)
        result = {b"ping": b"pong", b"offer": b"error" if b"\xff" in told.get(b"sdp", b"") else b"ok"}
        return cookie + b" " + bencode({"result": result.get(told[b"command"], b"ok")})

    with closing(NgOffers(session, echo(rtpengine), random.Random(1))) as target:
        reaction, health = target.fire([b"v=0\r\n", b"v=0\xff"])
    assert health.serves
    assert reaction.statuses == {200: 1, 400: 1}
    assert {case for case, _ in reaction.seen} == {b"v=0\r\n", b"v=0\xff"}
    assert sum(b"7:command6:delete" in one for one in got) == 2


def test_stun_is_asked_for_an_address_and_errors_are_told(
    session: Session, echo: Callable[[Callable[[bytes], bytes]], Address]
) -> None:
    def server(data: bytes) -> bytes:
        asked = stun.Message.parse(data)
        if asked.kind == 1:
            return stun.Message(0x0101, asked.transaction).to_bytes()
        return stun.Message(0x0113, asked.transaction, (stun.error_attribute(401, "who"),)).to_bytes()

    with closing(StunServer(session, echo(server), random.Random(1))) as target:
        reaction, health = target.fire([target.good(), target.corpus[1]])
    assert health.serves
    assert reaction.statuses == {200: 1, 401: 1}
    assert all(stun.Message.parse(one) for one in target.corpus[:-1])
