"""What the strategies of all protocols share: editing valid bytes, wild ones, and the three levels of a protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from imsproof.fuzzing.mutate import TOKENS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

wild: SearchStrategy[bytes] = st.binary(max_size=2000)
"""Bytes without a grammar."""


@st.composite
def edited(draw: st.DrawFn, source: SearchStrategy[bytes]) -> bytes:
    """Bytes of another strategy with up to three tokens put in, pieces taken out or repeated: nearly valid."""
    data = draw(source)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        gone = draw(st.integers(0, 12))
        data = data[:at] + draw(st.sampled_from(TOKENS)) + data[at + gone :]
    return data


@dataclass(frozen=True, slots=True)
class Levels:
    """One protocol, from valid through nearly valid to wild.

    Attributes:
        valid: only what its specification's grammar allows: a refusal of it means something.
        nearly: valid ones with one or a few places broken (it may be valid still).
        wild: keeps to no grammar at all.
    """

    valid: SearchStrategy[bytes]
    nearly: SearchStrategy[bytes]
    wild: SearchStrategy[bytes] = field(default_factory=lambda: wild)

    def all(self) -> SearchStrategy[tuple[str, bytes]]:
        """All three, each with its level's name."""
        levels = {"valid": self.valid, "nearly": self.nearly, "wild": self.wild}
        return st.one_of(*(st.tuples(st.just(name), some) for name, some in levels.items()))
