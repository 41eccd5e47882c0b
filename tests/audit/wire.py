"""Captures made by hand for the tests of the audit: packets with any link layer, as pcap or pcapng."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from imsproof.audit.dissect import Reading, read
from imsproof.codec import sip
from imsproof.evidence import packets, pcapng

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from imsproof.seams import Address

UE, EDGE, CORE, FAR = ("10.0.0.1", 5060), ("10.9.0.1", 5060), ("10.9.0.2", 5060), ("10.0.0.2", 5060)
START = 1_760_000_000


def message(line: str, *headers: str, body: bytes = b"", vias: int = 1, call: str = "c1", cseq: str = "") -> bytes:
    """A SIP message; the branch of its topmost Via is that of its hop and transaction."""
    method = line.partition(" ")[0]
    number = cseq or f"1 {method}"
    count = number.partition(" ")[0]
    via = [f"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK{call}{count}{n}" for n in range(vias, 0, -1)]
    who = ["From: <sip:a@ims.example>;tag=1", "To: <sip:a@ims.example>", f"Call-ID: {call}", f"CSeq: {number}"]
    head = [line, *via, *who, *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def register(*headers: str, cseq: int = 1, call: str = "r") -> bytes:
    """A REGISTER of a UE."""
    return message("REGISTER sip:ims.example SIP/2.0", *headers, call=call, cseq=f"{cseq} REGISTER")


def answer(request: bytes, status: int, *headers: tuple[str, str], body: bytes = b"") -> bytes:
    """The answer to a request."""
    return sip.response(sip.Message.parse(request), status, headers=headers, body=body).to_bytes()


def dialogue(*said: tuple[Address, Address, bytes]) -> list[bytes]:
    """IP packets of datagrams, in order."""
    return [packets.udp(source, target, data) for source, target, data in said]


def pcap(frames: Iterable[bytes], link: int = pcapng.LINK_RAW, order: str = "<") -> bytes:
    """A classic capture, one packet a second."""
    head = struct.pack(order + "IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, link)
    return head + b"".join(
        struct.pack(order + "IIII", START + n, 0, len(data), len(data)) + data for n, data in enumerate(frames)
    )


def reading(folder: Path, frames: Iterable[bytes], link: int = pcapng.LINK_RAW, keys: Sequence[str] = ()) -> Reading:
    """What the audit reads from such a capture."""
    path = folder / "capture.pcap"
    path.write_bytes(pcap(frames, link))
    return read(path, keys)
