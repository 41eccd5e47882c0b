"""The bench: leases by kind, and sentences that say what the profile lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof import catalogue
from imsproof.bench import Bench
from imsproof.profile import loads
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imsproof.link.session import Link

SUBSCRIBER = "{{name: {0}, impi: {0}@d, impus: ['sip:{0}@d'], {1}}}"
PROFILE = (
    "name: x\nscope: {networks: [127.0.0.0/8], authorised_by: me, until: 2099-01-01}\n"
    "gm: {domain: d, udp: '127.0.0.1:9', subscribers: ["
    + ", ".join(
        [
            SUBSCRIBER.format("aka", f"k: '{'0' * 32}', opc: '{'0' * 32}'"),
            SUBSCRIBER.format("digest", "password: secret, data_channel: true"),
        ]
    )
    + "]}\n"
)


MIXED = PROFILE.partition("subscribers: [")[0] + (
    "subscribers: ["
    + ", ".join(
        [
            SUBSCRIBER.format("odd", "password: secret, algorithm: MD5"),
            *(SUBSCRIBER.format(name, "password: secret, algorithm: SHA-256") for name in ("one", "two")),
        ]
    )
    + "]}\n"
)


@pytest.fixture
def bench(link: Link, tmp_path: Path) -> Iterator[Bench]:
    profile = loads(PROFILE, source="x", base=tmp_path)
    made = Bench(profile, catalogue.load().get("GM-AKA-02"), link, tmp_path, 1)
    made.open()
    yield made
    made.close()


def test_subscribers_are_leased_by_kind(bench: Bench) -> None:
    assert [one.name for one in bench.subscribers(auth="aka")] == ["aka"]
    assert [one.name for one in bench.subscribers(data_channel=True)] == ["digest"]


@pytest.mark.parametrize("seed", range(6))
def test_who_may_speak_in_another_s_name_is_challenged_as_the_other_is(link: Link, tmp_path: Path, seed: int) -> None:
    bench = Bench(loads(MIXED, source="x", base=tmp_path), catalogue.load().get("GM-AKA-02"), link, tmp_path, seed)
    bench.open()
    (first,) = bench.subscribers(1)
    assert {first.name, bench.another_like(first).name} == {"one", "two"}
    assert bench.another_like(first).name == "odd"  # when there is no other
    bench.close()


def test_what_the_profile_lacks_is_inconclusive_with_a_sentence(bench: Bench) -> None:
    with pytest.raises(InconclusiveError, match="3 "):
        bench.subscribers(3)
    for ask in (bench.far_target, bench.producer, bench.nrf):
        with pytest.raises(InconclusiveError, match="the profile has no"):
            ask()


def test_the_same_seed_draws_the_same(bench: Bench, link: Link, tmp_path: Path) -> None:
    again = Bench(bench.profile, bench.purpose, link, tmp_path, 1)
    assert again.random.random() == bench.random.random()
    again.close()
