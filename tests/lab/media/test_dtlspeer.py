"""A DTLS engine with its timer; roles and fingerprints as the policy has them."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from tests.lab.media.support import OTHER, UE, until

from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.identity import fingerprint
from imsproof.lab.media.dtlspeer import DtlsPeer, make_engine, matches_any, own_role, usable_fingerprints
from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.media.policy import MediaPolicy

SHA1 = f"SHA-1 {fingerprint(UE.der, 'sha-1')}"


def test_two_peers_connect_and_carry_data() -> None:
    async def inner() -> None:
        received: list[bytes] = []
        peers: list[DtlsPeer] = []
        loop = asyncio.get_running_loop()

        def carry(index: int, datagram: bytes) -> None:
            loop.call_soon(lambda: received.extend(peers[index].receive(datagram)))

        server = make_engine(MediaPolicy(), "server", OTHER, lambda der: der == UE.der)
        peers += [
            DtlsPeer(DtlsEngine("client", UE), partial(carry, 1)),
            DtlsPeer(server, partial(carry, 0)),
        ]
        peers[0].start()
        await until(lambda: all(peer.engine.state == "connected" for peer in peers))
        peers[0].write(b"data")
        await until(lambda: received == [b"data"])
        peers[0].close()
        await until(lambda: peers[1].engine.state == "closed")
        peers[0].write(b"late")
        assert received == [b"data"]

    asyncio.run(inner())


def test_a_flight_without_answer_is_sent_again_until_closed() -> None:
    async def inner() -> None:
        sent: list[bytes] = []
        peer = DtlsPeer(DtlsEngine("client", UE), sent.append)
        peer.start()
        first = len(sent)
        await until(lambda: len(sent) > first)
        peer.close()

    asyncio.run(inner())


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ("actpass", ("server", "passive")),
        ("active", ("server", "passive")),
        ("passive", ("client", "active")),
        (" ActPass ", ("server", "passive")),
    ],
)
def test_the_answer_to_each_setup_role(offered: str, expected: tuple[str, str]) -> None:
    assert own_role(offered, "passive") == expected


def test_actpass_may_be_answered_actively() -> None:
    assert own_role("actpass", "active") == ("client", "active")


def test_other_setup_values_are_refused() -> None:
    with pytest.raises(MediaRefusedError, match="a=setup:holdconn"):
        own_role("holdconn", "passive")


def test_weak_fingerprints_do_not_count() -> None:
    strong = UE.sdp_fingerprint
    assert usable_fingerprints(MediaPolicy(), [SHA1, strong]) == (strong,)
    with pytest.raises(MediaRefusedError, match="no fingerprint"):
        usable_fingerprints(MediaPolicy(), [SHA1])
    assert usable_fingerprints(MediaPolicy(fingerprint_hashes=("sha-1",)), [SHA1]) == (SHA1,)


def test_one_matching_fingerprint_of_several_is_enough() -> None:
    assert matches_any(UE.der, [OTHER.sdp_fingerprint, UE.sdp_fingerprint])
    assert not matches_any(UE.der, [OTHER.sdp_fingerprint])
    assert not matches_any(UE.der, [])
