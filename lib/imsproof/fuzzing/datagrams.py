"""Two more doors over UDP: session descriptions through rtpengine's ng control protocol, and STUN or TURN requests.

ng: a cookie, a space, and a bencoded dictionary (rtpengine's documentation of its NG protocol); a case is a session
description, sent as an offer of a call of its own that is deleted behind it. STUN: RFC 8489; TURN: RFC 8656.
"""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from imsproof.codec import stun
from imsproof.codec.sdp import Fingerprint, audio_offer, data_channel_offer
from imsproof.codec.torture import sdp as offers
from imsproof.fuzzing.target import Reaction, Status, UdpTarget

if TYPE_CHECKING:
    import random

    from imsproof.link.session import Session
    from imsproof.seams import Address

REMEMBERED = 1000
"""Offers whose answer may still come."""


def bencode(value: object) -> bytes:
    """Write text, bytes, numbers, lists and dictionaries in bencoding (``TypeError`` for anything else)."""
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, str):
        return bencode(value.encode("utf-8", "surrogateescape"))
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, list | tuple):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(str(key)) + bencode(value[key]) for key in sorted(value)) + b"e"
    raise TypeError(f"{type(value).__name__} has no form in bencoding")


def _text(told: bytes, name: bytes) -> str:
    """Read the text that stands under a name in a bencoded answer, as far as it can be found; else ``""``."""
    found = re.search(b"%d:%s(\\d{1,4}):" % (len(name), name), told)
    if found is None:
        return ""
    return told[found.end() : found.end() + min(int(found[1]), 80)].decode("utf-8", "replace")


class NgOffers(UdpTarget):
    """Session descriptions, offered to rtpengine."""

    name = "ng"

    def __init__(
        self, session: Session, target: Address, chance: random.Random, *, other: str | None = None, within: float = 1.0
    ) -> None:
        """Open the socket; ``chance`` (seeded) makes this campaign's cookies and calls its own."""
        super().__init__(session, target, other=other, within=within)
        self._name = f"{chance.getrandbits(40):010x}"
        self._count = count(1)
        self._sent: dict[bytes, bytes] = {}
        audio = audio_offer("127.0.0.1", 40000).to_bytes()
        channel = data_channel_offer(
            "127.0.0.1",
            9,
            fingerprints=[Fingerprint("SHA-256", ":".join(["AB"] * 32))],
            tls_id="abc3de65cddef001be82",
            audio_port=40000,
        ).to_bytes()
        self.corpus = [audio, channel, *(one.body(channel) for one in offers.ALL if len(one.body(channel)) < 8_000)]

    def question(self) -> tuple[bytes, Status]:
        """Ping."""
        cookie = self._cookie()
        return cookie + b" " + bencode({"command": "ping"}), lambda data: int(data.startswith(cookie + b" "))

    def good(self) -> bytes:
        """A good description."""
        return self.corpus[0]

    def wire(self, case: bytes) -> list[bytes]:
        """Offer it in a call of its own, and delete the call."""
        cookie = self._cookie()
        if len(self._sent) >= REMEMBERED:
            self._sent.clear()
        self._sent[cookie] = case
        call = {"call-id": cookie, "from-tag": "a"}
        offer = {"command": "offer", "sdp": case, "transport-protocol": "RTP/AVP", "ICE": "remove", **call}
        return [
            cookie + b" " + bencode(offer),
            cookie + b"d " + bencode({"command": "delete", **call, "delete-delay": 0}),
        ]

    def hear(self, data: bytes, reaction: Reaction) -> None:
        """Note the result of an offer, and why it is an error."""
        cookie, _, told = data.partition(b" ")
        if cookie.endswith(b"d"):
            return
        result, reason = _text(told, b"result"), _text(told, b"error-reason")
        status = 200 if result == "ok" else 400
        reaction.statuses[status] = reaction.statuses.get(status, 0) + 1
        kind = reason or result or "?"
        reaction.seen.append((self._sent.pop(cookie, b""), f"{kind}; {len(told).bit_length()}"))

    def _cookie(self) -> bytes:
        return f"{self._name}_{next(self._count)}_".encode()


TURN = {"allocate": 0x0003, "refresh": 0x0004, "permission": 0x0008, "bind": 0x0009, "send": 0x0016}
TRANSPORT = stun.Attribute(0x0019, b"\x11\0\0\0")
PEER = stun.Attribute(0x0012, b"\0\1\x21\x12\x21\x12\xa4\x43")
LIFETIME, DATA, CHANNEL = (
    stun.Attribute(0x000D, b"\0\0\2\x58"),
    stun.Attribute(0x0013, b"data"),
    stun.Attribute(0x000C, b"\x40\0\0\0"),
)
BINDING, SUCCESS = 0x0001, 0x0101


class StunServer(UdpTarget):
    """Requests and indications of STUN and TURN, and channel data."""

    name = "stun"

    def __init__(
        self, session: Session, target: Address, chance: random.Random, *, other: str | None = None, within: float = 1.0
    ) -> None:
        """Open the socket; ``chance`` (seeded) makes transactions."""
        super().__init__(session, target, other=other, within=within)
        self._chance = chance
        self.corpus = [self.good(), *self._turn(), b"\x40\0\0\4data"]

    def _turn(self) -> list[bytes]:
        words = {
            "allocate": (TRANSPORT, LIFETIME),
            "refresh": (LIFETIME,),
            "permission": (PEER,),
            "bind": (CHANNEL, PEER),
            "send": (PEER, DATA),
        }
        bare = [stun.Message(TURN[name], self._transaction(), some) for name, some in words.items()]
        name = (stun.Attribute(0x0006, b"user"), stun.Attribute(0x0014, b"realm"), stun.Attribute(0x0015, b"nonce"))
        signed = [
            stun.Message(one.kind, one.transaction, (*one.attributes, *name)).protected("password") for one in bare
        ]
        return [one.to_bytes() for one in (*bare, *signed)]

    def _transaction(self) -> bytes:
        return self._chance.getrandbits(96).to_bytes(12, "big")

    def question(self) -> tuple[bytes, Status]:
        """Ask for one's own address."""
        transaction = self._transaction()
        asked = stun.Message(BINDING, transaction).to_bytes()
        return asked, lambda data: int(data[:2] == SUCCESS.to_bytes(2, "big") and data[8:20] == transaction)

    def good(self) -> bytes:
        """Write a Binding request."""
        return self.question()[0]

    def hear(self, data: bytes, reaction: Reaction) -> None:
        """Note type and error code of an answer, and which attributes it has."""
        try:
            message = stun.Message.parse(data)
        except stun.StunError:
            reaction.statuses[0] = reaction.statuses.get(0, 0) + 1
            reaction.seen.append((b"", f"no STUN of {len(data).bit_length()} bits of length"))
            return
        status = message.error_code or (200 if message.kind & 0x0110 == 0x0100 else 0)
        reaction.statuses[status] = reaction.statuses.get(status, 0) + 1
        kinds = ",".join(f"{one.kind:04x}" for one in message.attributes)
        reaction.signatures[message.transaction] = f"{message.kind:04x} {message.error_code} {kinds}"
