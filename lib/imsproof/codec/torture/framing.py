"""Streams of SIP over TCP or TLS: messages that are cut and joined, and lengths that lie (RFC 3261 18.3 and 20.14)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imsproof.codec.torture.draft import Aim, Draft, Edit, Kind, body, header, length, line, plain

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Stream:
    """What is written to one connection.

    Attributes:
        name, about, kind: what it is and what the RFC says of it.
        parts: makes the pieces that are written one after the other, of an aim and a second token.
    """

    name: str
    about: str
    kind: Kind
    parts: Callable[[Aim, Aim], list[bytes]] = field(repr=False)


def _spoiled(aim: Aim, *edits: Edit) -> bytes:
    draft = Draft("REGISTER", aim)
    for edit in edits:
        edit(draft)
    return draft.to_bytes()


def _pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def _hidden(aim: Aim, other: Aim, *edits: Edit) -> list[bytes]:
    """A REGISTER whose body is itself a REGISTER: who believes the wrong length serves both."""
    inner = plain("REGISTER", other)
    return [_spoiled(aim, body(inner, "text/plain"), *edits)]


UNDERSTOOD = (
    Stream(
        "whole",
        "two messages, one write each",
        Kind.VALID,
        lambda one, two: [plain("REGISTER", one), plain("REGISTER", two)],
    ),
    Stream(
        "merged",
        "two messages in one write",
        Kind.VALID,
        lambda one, two: [plain("REGISTER", one) + plain("REGISTER", two)],
    ),
    Stream(
        "bytes",
        "two messages, seven bytes a write",
        Kind.VALID,
        lambda one, two: _pieces(plain("REGISTER", one) + plain("REGISTER", two), 7),
    ),
    Stream(
        "across",
        "a write that ends in the second message's header",
        Kind.VALID,
        lambda one, two: [plain("REGISTER", one) + plain("REGISTER", two)[:40], plain("REGISTER", two)[40:]],
    ),
    Stream(
        "leading",
        "line ends before and between the messages",
        Kind.VALID,
        lambda one, two: [b"\r\n\r\n" + plain("REGISTER", one) + b"\r\n" + plain("REGISTER", two)],
    ),
    Stream(
        "body",
        "a body that looks like a request, with its right length",
        Kind.VALID,
        lambda one, two: [*_hidden(one, Aim(token="f" * 16)), plain("REGISTER", two)],
    ),
)
"""Streams of two good messages: both are served."""

SMUGGLED = (
    Stream("two-lengths", "the right length, then zero", Kind.INVALID,
           lambda one, two: _hidden(one, two, header("Content-Length", str(len(plain("REGISTER", two)))), line("Content-Length: 0", ""))),
    Stream("two-lengths-first", "zero, then the right length", Kind.INVALID,
           lambda one, two: _hidden(one, two, header("Content-Length", "0"), line(f"Content-Length: {len(plain('REGISTER', two))}", ""))),
    Stream("two-names", "the right length, then zero under its compact name", Kind.INVALID,
           lambda one, two: _hidden(one, two, header("Content-Length", str(len(plain("REGISTER", two)))), line("l: 0", ""))),
    Stream("negative", "a negative length before a second message", Kind.INVALID,
           lambda one, two: _hidden(one, two, length("-1"))),
    Stream("plus", "a length with a sign", Kind.INVALID, lambda one, two: _hidden(one, two, length("+0"))),
    Stream("hex", "a length in hexadecimal", Kind.INVALID, lambda one, two: _hidden(one, two, length("0x0"))),
    Stream("words", "a length of two numbers", Kind.INVALID, lambda one, two: _hidden(one, two, length("0 0"))),
    Stream("list", "a length that is a list", Kind.INVALID, lambda one, two: _hidden(one, two, length("0, 0"))),
    Stream("empty", "a length without a number", Kind.INVALID, lambda one, two: _hidden(one, two, length(""))),
    Stream("huge", "a length beyond 64 bits", Kind.INVALID, lambda one, two: _hidden(one, two, length("9" * 30))),
    Stream("wraps", "a length that is zero in 32 bits", Kind.INVALID, lambda one, two: _hidden(one, two, length(str(1 << 32)))),
)  # fmt: skip
"""Streams in which a second request stands where nobody can know whether it is one: it is not served."""
