"""Broken header blocks are broken for another implementation too, and bombs unpack to what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import hpack
import pytest

from imsproof.actors.http2cases.compression import BOMBS, ERRORS
from imsproof.actors.http2script import Script
from imsproof.codec.http2 import FrameReader, Type

if TYPE_CHECKING:
    from imsproof.actors.http2cases import Case

SCRIPT = Script(((b":method", b"GET"), (b":path", b"/")))
TOLERATED = {"Huffman padding of more than 7 bits"}


def block_of(case: Case) -> bytes:
    steps = b"".join(step for step in case.send(SCRIPT) if isinstance(step, bytes))
    frames = FrameReader().feed(steps)
    return b"".join(frame.payload for frame in frames if frame.type in {Type.HEADERS, Type.CONTINUATION})


@pytest.mark.parametrize("case", [one for one in ERRORS if one.name not in TOLERATED], ids=lambda case: case.name)
def test_another_decoder_refuses_it(case: Case) -> None:
    with pytest.raises(hpack.HPACKError):
        hpack.Decoder().decode(block_of(case), raw=True)


def test_a_bomb_is_small_and_unpacks_to_tens_of_megabytes() -> None:
    block = block_of(BOMBS[0])
    assert len(block) < 16_384
    decoder = hpack.Decoder()
    decoder.max_header_list_size = 1 << 30
    assert sum(len(value) for _, value in decoder.decode(block, raw=True)) > 20_000_000
