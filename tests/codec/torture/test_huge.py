"""Huge messages fit into a datagram, and are huge."""

from __future__ import annotations

from imsproof.codec.torture import Aim, huge


def test_each_fits_into_a_datagram() -> None:
    sizes = [len(one.message(Aim())) for one in huge.ALL]
    assert all(1_500 < size < 65_000 for size in sizes)
