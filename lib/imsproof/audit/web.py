"""HTTP/2 in a capture: requests and their answers, from what a client and its server said (RFC 9113, RFC 7541)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import hpack

from imsproof.audit.draft import Draft, between
from imsproof.codec import http2
from imsproof.seams import Kind

if TYPE_CHECKING:
    from imsproof.audit.flows import Way

BODY = 256 << 10
"""Bytes of one body that are kept."""
HEADERS = 1 << 20
"""Bytes of the header fields of one connection's direction, decoded."""
MESSAGES = 20_000

Clock = Callable[[int], tuple[int, int]]
"""From a place in a stream to the packet that brought it: its number and its time."""


@dataclass(slots=True)
class _Message:
    at: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)


def drafts(way: Way, there: bytes, back: bytes, clocks: tuple[Clock, Clock], *, clear: bool) -> list[Draft]:
    """Return the requests and answers of a connection of HTTP/2; what cannot be read ends the reading of its side."""
    found: list[Draft] = []
    sides = (there, way, clocks[0]), (back, (way[1], way[0]), clocks[1])
    for said, own, clock in sides:
        for stream, message in _messages(said):
            frame, utc_ns = clock(message.at)
            facts = {"stream": stream, "headers": [list(pair) for pair in message.headers], "clear": clear}
            pseudo = dict(message.headers)
            if ":method" in pseudo:
                facts |= {"method": pseudo[":method"], "path": pseudo.get(":path", "")}
            elif pseudo.get(":status", "").isdigit():
                facts["status"] = int(pseudo[":status"])
            else:
                continue
            exchange = f"{between(way)} #{stream}"
            found.append(Draft(frame, utc_ns, Kind.SENT, "h2", exchange, own, bytes(message.body), facts))
    return found


def _messages(said: bytes) -> list[tuple[int, _Message]]:
    at = len(http2.PREFACE) if said.startswith(http2.PREFACE) else 0
    decoder = hpack.Decoder(max_header_list_size=HEADERS)
    found: dict[int, _Message] = {}
    done: list[tuple[int, _Message]] = []
    block, opened, told = b"", 0, 0
    for one in http2.FrameReader(at).feed(said):
        begins, at = at, at + http2.HEADER_OCTETS + len(one.payload)
        if one.type == http2.Type.HEADERS:
            block, opened = http2.unpadded(one)[5 if one.flags & http2.Flag.PRIORITY else 0 :], begins
        elif one.type == http2.Type.CONTINUATION:
            block += one.payload
        elif one.type == http2.Type.DATA and one.stream in found:
            kept = found[one.stream].body
            kept += http2.unpadded(one)[: BODY - len(kept)]
        if one.type in {http2.Type.HEADERS, http2.Type.CONTINUATION} and one.flags & http2.Flag.END_HEADERS:
            try:
                decoded = decoder.decode(block, raw=True)
            except (hpack.HPACKError, ValueError, IndexError):
                break
            told += len(block)
            fields = [(_text(name).lower(), _text(value)) for name, value in decoded]
            if one.stream not in found or (fields[:1] and fields[0][0].startswith(":")):
                found[one.stream] = _Message(opened, fields)
                done.append((one.stream, found[one.stream]))
            if len(done) > MESSAGES or told > HEADERS:
                break
    return done


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
