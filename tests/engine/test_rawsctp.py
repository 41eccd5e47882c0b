"""The association by hand, against itself and against aiortc's."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import sctp
from imsproof.engine.rawsctp import Message, RawSctp
from imsproof.engine.sctp import SctpEngine


def pair() -> tuple[RawSctp, list[bytes], RawSctp, list[bytes]]:
    one_out: list[bytes] = []
    two_out: list[bytes] = []
    return RawSctp(one_out.append), one_out, RawSctp(two_out.append), two_out


def carry(one: RawSctp, one_out: list[bytes], two: RawSctp, two_out: list[bytes]) -> None:
    while one_out or two_out:
        while one_out:
            two.receive(one_out.pop(0))
        while two_out:
            one.receive(two_out.pop(0))


def test_both_ends_may_begin_and_one_association_comes_of_it() -> None:
    one, one_out, two, two_out = pair()
    one.start()
    two.start()
    carry(one, one_out, two, two_out)
    assert one.established
    assert two.established
    assert (one.peer_tag, two.peer_tag) == (two.tag, one.tag)
    assert one.peer_streams == two.peer_streams == 65535


def test_a_passive_end_leaves_the_peers_init_unanswered() -> None:
    one, one_out, two, two_out = pair()
    one.passive = True
    two.start()
    carry(one, one_out, two, two_out)
    assert not two.established


def test_a_held_cookie_makes_no_association() -> None:
    one, one_out, two, two_out = pair()
    one.hold_cookie = True
    one.start()
    carry(one, one_out, two, two_out)
    assert one.cookie == b"imsproof"
    assert not one.established


@given(st.binary(max_size=5000))
def test_messages_arrive_whole_whatever_their_length(data: bytes) -> None:
    one, one_out, two, two_out = pair()
    got: list[Message] = []
    two.on_message = got.append
    one.start()
    carry(one, one_out, two, two_out)
    one.send_message(3, 51, data)
    one_out.reverse()  # order on the way is of no account
    carry(one, one_out, two, two_out)
    assert got == [Message(3, 51, data)]
    assert two.acknowledged == (one.tsn - 1) % (1 << 32)


@given(st.integers(2, 65535), st.integers(3, 65535))
def test_a_stream_that_the_peer_takes_has_the_same_parity(stream: int, streams: int) -> None:
    association, _, _, _ = pair()
    association.peer_streams = streams
    found = association.taken_stream(stream)
    assert found == stream or found >= 2
    assert found < streams or streams < 4
    assert found % 2 == stream % 2


def test_heartbeats_are_acknowledged_and_endings_noted() -> None:
    one, one_out, two, two_out = pair()
    one.start()
    carry(one, one_out, two, two_out)
    chunks: list[sctp.Chunk] = []
    one.on_chunk = chunks.append
    one.send_chunks(one.heartbeat(b"information"))
    carry(one, one_out, two, two_out)
    assert [(chunk.name, chunk.value[4:]) for chunk in chunks] == [("HEARTBEAT_ACK", b"information")]
    one.send_chunks(sctp.Chunk(sctp.ABORT))
    carry(one, one_out, two, two_out)
    assert two.ended == "ABORT"


@given(st.binary(max_size=300))
def test_whatever_bytes_come_nothing_is_raised(data: bytes) -> None:
    one, _, _, _ = pair()
    one.receive(data)
    one.receive(sctp.Packet(1, 2, one.tag, (), None, data).to_bytes())


def test_it_talks_to_aiortcs_association() -> None:
    async def test() -> None:
        raw: RawSctp
        up = asyncio.Event()
        engine = SctpEngine(lambda packet: raw.receive(packet), is_client=False)  # noqa: PLW0108 - raw comes after
        raw = RawSctp(engine.receive, on_established=up.set)
        await engine.start()
        raw.start()
        async with asyncio.timeout(5):
            await up.wait()
        await engine.connected(5)
        channel = engine.open_channel(0, negotiated=True)
        raw.send_message(0, 51, b"text")
        assert await channel.recv(5) == "text"
        await engine.close()

    asyncio.run(test())
