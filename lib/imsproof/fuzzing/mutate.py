"""A seeded mutator of bytes and tokens, for volume: the same seed and corpus give the same messages."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOKENS: tuple[bytes, ...] = (
    b"", b"\x00", b"\xff", b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\t", b";", b",", b":", b"=", b"<", b">", b'"', b"\\",
    b"%",
    b"%00", b"%n%s", b"0", b"-1", b"2147483648", b"4294967296", b"18446744073709551616", b"9" * 40, b"A" * 300,
    b"A" * 5000, b"<" * 200, b"(" * 200, b"sip:", b"tel:", b"[::1]", b"SIP/2.0", b";lr", b";tag=", b"*", b"\xc0\xaf",
    b"Content-Length: 0\r\n", b"Content-Length: 99999\r\n", b"Max-Forwards: 0\r\n", b"Via: SIP/2.0/UDP a\r\n",
    b"BYE ", b"CANCEL ", b"ACK ", b"INVITE ", b"REGISTER ",
)  # fmt: skip
"""What is put into messages."""
MAX_SIZE = 60_000
NUMBER = re.compile(rb"\d+")


class Mutator:
    """Makes messages out of a corpus. ``marker`` is replaced by a number of its own in each message.

    Attributes:
        corpus: what messages are made from; more may be appended while it runs (what showed something new).
    """

    def __init__(self, corpus: Sequence[bytes], seed: int, *, marker: bytes = b"") -> None:
        """Begin; ``corpus`` must not be empty."""
        if not corpus:
            raise ValueError("the mutator needs at least one message to begin with")
        self.corpus = list(corpus)
        self.marker = marker
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._number = 0

    def __iter__(self) -> Iterator[bytes]:
        """Go on for ever."""
        while True:
            yield self.one()

    def one(self) -> bytes:
        """Make the next message."""
        chance = self._chance.random
        corpus = self.corpus
        data = corpus[int(chance() * len(corpus))]
        rounds = 1 + int(chance() * chance() * 5)
        for _ in range(rounds):
            data = self._change(data, int(chance() * 8))
        self._number += 1
        if self.marker:
            data = data.replace(self.marker, b"%0*x" % (len(self.marker), self._number))
        return data if len(data) <= MAX_SIZE else data[:MAX_SIZE]

    def _change(self, data: bytes, kind: int) -> bytes:  # noqa: PLR0911 - one return a kind
        chance = self._chance.random
        size = len(data)
        at = int(chance() * (size + 1))
        if kind == 0:  # another byte
            return data[:at] + bytes((int(chance() * 256),)) + data[at + 1 :]
        if kind == 1:  # a token put in
            return data[:at] + TOKENS[int(chance() * len(TOKENS))] + data[at:]
        if kind == 2:  # a token in the place of some bytes
            return data[:at] + TOKENS[int(chance() * len(TOKENS))] + data[at + 1 + int(chance() * 12) :]
        if kind == 3:  # a piece taken out
            return data[:at] + data[at + 1 + int(chance() * 40) :]
        if kind == 4:  # a piece repeated
            piece = data[at : at + 1 + int(chance() * 60)]
            return data[:at] + piece * (2 + int(chance() * 4)) + data[at:]
        if kind == 5:  # the head of one, the rest of another
            other = self.corpus[int(chance() * len(self.corpus))]
            return data[:at] + other[int(chance() * (len(other) + 1)) :]
        if kind == 6:  # a line taken out or moved
            begin = data.rfind(b"\n", 0, at) + 1
            end = data.find(b"\n", at) + 1 or size
            if chance() < 0.5:
                return data[:begin] + data[end:]
            return data[:begin] + data[end:] + data[begin:end]
        found = NUMBER.search(data, at)  # another number
        if found is None:
            return data
        return data[: found.start()] + TOKENS[19 + int(chance() * 6)] + data[found.end() :]
