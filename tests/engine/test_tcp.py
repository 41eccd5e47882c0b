"""TCP on memory."""

from __future__ import annotations

import random
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec.tcp import Flag, Segment
from imsproof.engine.tcp import Tcp


def carry(client: Tcp, server: Tcp, outgoing: list[Segment]) -> tuple[bytes, bytes]:
    """Carry segments to and fro until nobody says more; what client and server were given."""
    given_client, given_server = bytearray(), bytearray()
    waiting = deque((server, segment) for segment in outgoing)
    while waiting:
        end, segment = waiting.popleft()
        answers, data = end.take(segment)
        (given_server if end is server else given_client).extend(data)
        waiting.extend((client if end is server else server, answer) for answer in answers)
    return bytes(given_client), bytes(given_server)


def connected() -> tuple[Tcp, Tcp]:
    client, server = Tcp(), Tcp()
    carry(client, server, client.connect())
    assert client.established
    assert server.established
    return client, server


@given(st.binary(max_size=5000), st.binary(max_size=5000))
def test_what_is_written_arrives_in_order(one: bytes, other: bytes) -> None:
    client, server = connected()
    assert carry(client, server, client.write(one)) == (b"", one)
    assert carry(server, client, server.write(other)) == (b"", other)
    assert client.again() == server.again() == []


@given(st.integers(0, 2**16), st.binary(min_size=1, max_size=9000))
def test_what_is_lost_or_out_of_order_arrives_when_it_is_sent_again(seed: int, data: bytes) -> None:
    chance = random.Random(seed)
    client, server = connected()
    first = client.write(data)
    chance.shuffle(first)
    arrived = carry(client, server, [one for one in first if chance.random() < 0.5])[1]
    while client.again():
        arrived += carry(client, server, client.again())[1]
    assert arrived == data


def test_either_end_closes_and_the_other_is_told() -> None:
    client, server = connected()
    carry(client, server, client.close())
    assert (client.ended, server.ended) == ("closed here", "closed by the peer")
    assert client.close() == []


def test_a_syn_that_comes_again_is_answered_again() -> None:
    client, server = Tcp(), Tcp()
    (syn,) = client.connect()
    (answer,), _ = server.take(syn)
    assert server.take(syn)[0] == [answer]


def test_what_belongs_to_no_connection_is_reset() -> None:
    (answer,), _ = Tcp().take(Segment(7, 9, Flag.ACK, b"data"))
    assert answer.flags is Flag.RST
    client = Tcp()
    client.connect()
    client.take(Segment(0, 0, Flag.RST))
    assert client.ended == "reset by the peer"
