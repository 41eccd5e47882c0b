"""A data-channel peer of its own, right in one of the many ways that the RFCs allow, or wrong on purpose.

``POST /offer/TRAIT,TRAIT`` takes an offer and answers with SDP (no SIP, and ICE only by trait). Nothing of it comes
from imsproof, so that the purposes are held against somebody who was not made for them. ``odd_traits.py`` names
the traits; without any it is a passive peer that is right.

    python -m tests.whole.odd_peer PORT
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from tests.whole.odd_dtls import Dtls, identity, kind_of
from tests.whole.odd_http import Http
from tests.whole.odd_ice import Ice
from tests.whole.odd_offer import Offer
from tests.whole.odd_sctp import Sctp, digest
from tests.whole.odd_traits import RIGHT, WRONG

if TYPE_CHECKING:
    from collections.abc import Callable

Address = tuple[str, int]
HOST = "127.0.0.1"
ACTIVE = {"active", "late-hello", "says-passive"}
COUNTER = itertools.count(1)
ALERT, HANDSHAKE, DATA, CLIENT_HELLO = 21, 22, 23, 1
EPOCH_ZERO = b"\0\0"
HEADER = 13


class Association:
    """One call: DTLS, SCTP inside it, HTTP on stream 0."""

    def __init__(self, traits: frozenset[str], sdp: str) -> None:
        self.traits, self.offer = traits, (offer := Offer(sdp))
        self.target, self.made = offer.where, asyncio.get_running_loop().time()
        self.client = offer.setup == "passive" or (offer.setup == "actpass" and bool(traits & ACTIVE))
        self.transport: asyncio.DatagramTransport | None = None
        self.dtls = Dtls(traits, offer, client=self.client, send=self._out)
        self.port = 5001 if "other-sctp-port" in traits else 5000
        self.sctp: Sctp | None = None
        self.http = Http(traits, self._answer_http)
        speaks = any(trait.startswith("ice-") for trait in traits) and "a=ice-ufrag:" in sdp
        self.ice = Ice(traits, sdp, self._send_to, self._chosen) if speaks else None

    def lives(self) -> bool:
        """Whether this call goes on: its DTLS does, or may still begin."""
        loop = asyncio.get_running_loop()
        return self.dtls.state == "up" or (self.dtls.state in ("new", "shaking") and loop.time() < self.made + 0.5)

    def begin(self) -> None:
        """A client begins, when it knows where to."""
        if self.ice is not None:
            self.ice.begin()
        elif self.client:
            self.dtls.take()

    def _chosen(self, where: Address) -> None:
        self.target = where
        if self.client and self.dtls.state == "new":
            self.dtls.take()

    def _send_to(self, datagram: bytes, where: Address) -> None:
        if self.transport is not None:
            self.transport.sendto(datagram, where)

    def _is_known(self, data: bytes, source: Address) -> bool:
        """Whether a datagram is of the peer, as far as its address tells; ICE takes what is its own."""
        if self.ice is None:
            return source == self.target or "source" in self.traits
        if self.ice.take(data, source):
            return False
        return source in self.ice.proven or "ice-early" in self.traits

    def _out(self, datagram: bytes) -> None:
        self._send_to(datagram, self.target)

    def take(self, data: bytes, source: Address) -> None:
        """Take a datagram from the network."""
        if not self._is_known(data, source):
            return
        if self.ice is None or "ice-early" in self.traits:
            self.target = source
        if data and 20 <= data[0] <= 63 and self._obeyed(data):
            return
        if data and 20 <= data[0] <= 63:
            for packet in self.dtls.take(data):
                self._association(self.dtls.say).take(packet)
            if self.dtls.state == "up" and self.sctp is None:
                made = self._association(self.dtls.say)
                if "waits" not in self.traits:
                    made.start()
        elif "clear-sctp" in self.traits:
            self._association(self._out).take(data)

    def _obeyed(self, data: bytes) -> bool:
        """Whether a record in clear was taken for the peer's though it must not be."""
        kind = data[0] if data[3:5] == EPOCH_ZERO else 0
        if kind == ALERT and "clear-alert" in self.traits and self.dtls.state == "up":
            self.dtls.state = "closed"
        elif kind == DATA and "clear-data" in self.traits:
            self._association(self.dtls.say).take(data[HEADER:])
        elif kind == HANDSHAKE and "hello-resets" in self.traits and self.dtls.state == "up":
            self.sctp = None
            self.dtls = Dtls(self.traits, self.offer, client=self.client, send=self._out)
            self.dtls.take(data)
        else:
            return False
        return True

    def _association(self, send: Callable[[bytes], None]) -> Sctp:
        if self.sctp is None:
            ports = (self.port, self.offer.sctp_port)
            self.sctp = Sctp(self.traits, ports, 1 if self.client else 0, send, self._heard)
            EVERYBODY.setdefault(self.traits, []).append(self)
        return self.sctp

    def _heard(self, stream: int, ppid: int, data: bytes) -> None:
        """Take a message: to the applications, or as HTTP."""
        if stream and "broadcasts" in self.traits:
            for one in EVERYBODY[self.traits]:
                one.say(stream, ppid, data)
        if stream and self.traits & {"echoes", "crosses"}:
            self.say(stream + 2 if "crosses" in self.traits else stream, ppid, data)
        self.http.take(stream, ppid, data)

    def say(self, stream: int, ppid: int, data: bytes) -> None:
        """Say something, while there is somebody."""
        if self.sctp is not None and self.dtls.state == "up":
            self.sctp.say(stream, ppid, data)

    def _answer_http(self, stream: int, ppid: int, data: bytes) -> None:
        for one in EVERYBODY[self.traits] if "answers-all" in self.traits else [self]:
            one.say(stream, ppid, data)

    # SDP

    def answer(self, address: Address) -> str:
        """The answer."""
        traits, (_, _, der) = self.traits, identity(kind_of(self.traits))
        if "other" in traits:
            der += b"another"
        names = ["sha-512", "sha-256", "sha-1"] if traits & {"several-hashes", "session-several"} else ["sha-256"]
        names = ["sha-1"] if "sha-1-only" in traits else names
        prints = [f"a=fingerprint:{name} {digest(der, name)}" for name in names]
        if "weak-decides" in traits:
            prints = [
                f"a=fingerprint:{name} {digest(data, name)}" for name, data in (("sha-256", b"-"), ("sha-1", der))
            ]
        if "small-letters" in traits:
            prints = [one.lower() for one in prints]
        before = ["a=fingerprint:sha3-999 01:23:45:67"] if "unknown-hash" in traits else []
        before += [f"a=fingerprint:sha-256 {digest(b'another', 'sha-256')}"] if "two-certificates" in traits else []
        prints = before + prints
        active = self.client and "says-passive" not in traits
        setup = self.offer.setup if "mirror" in traits else "active" if active else "passive"
        secure = [*prints, f"a=setup:{setup}"]
        if "no-tls-id" not in traits:
            secure.append(f"a=tls-id:{tls_id(traits)}")
        above = bool(traits & {"session-level", "session-several"})
        session, media = (secure, []) if above else ([], secure)
        media += [] if "no-sctp-port" in traits else [f"a=sctp-port:{self.port}"]
        if "no-max-size" not in traits:
            media.append(f"a=max-message-size:{next((SIZES[one] for one in traits & SIZES.keys()), 65536)}")
        if "old-draft" in traits:
            media.append(f"a=sctpmap:{self.port} webrtc-datachannel 1024")
        if "channels" in traits:
            streams = {110: "remote app", 1002: "game", 10: "local app", 0: "bootstrap"}
            media += [f'a=dcmap:{one} label="{label}";subprotocol="http"' for one, label in streams.items()]
        session, media = furnished(traits, session, media)
        if self.ice is not None:
            session, media = session + ["a=ice-lite"] * self.ice.lite, [*self.ice.lines(address), *media]
        where = f"c=IN IP{6 if ':' in address[0] else 4} {address[0]}"
        head = ["v=0", f"o=odd 1 1 IN IP4 {HOST}", "s=-", where, "t=0 0", *session]
        if "media-address" in traits:
            head.remove(where)
            media = [where, *media]
        line = f"m=application {address[1]} UDP/DTLS/SCTP webrtc-datachannel"
        return ("\n" if "bare-lines" in traits else "\r\n").join((*head, line, *media, ""))


def furnished(traits: frozenset[str], session: list[str], media: list[str]) -> tuple[list[str], list[str]]:
    """The lines of session and media level, with what has no bearing on the association."""
    if "bundle" in traits:
        session += ["a=group:BUNDLE 0", "a=ice-options:trickle", "a=msid-semantic: WMS"]
        media = ["a=mid:0", "a=rtcp-mux", *media]
    if "odd-lines" in traits:
        session += ["a=charset:UTF-8", "a=3gpp_sync_info:No Sync", "a=nobody-knows:this one"]
        media = ["i=what is this", "b=AS:500", "b=TIAS:1", *media, "a=3gpp-bdc-used-by:sender", "a=dcsa:0 nothing"]
        media += [
            'a=dcmap:0 subprotocol="http";label="boot strap";max-retr=3',
            "a=sendrecv",
            "a=3gpp-qos-hint:loss=0",
        ]
    if "more-lines" in traits:
        session.append("a=ice-lite")
        media += [
            "a=mid:0",
            "a=ice-ufrag:abcd",
            "a=ice-pwd:" + "p" * 24,
            "a=candidate:1 1 UDP 1 127.0.0.1 9 typ host",
        ]
        media += ["m=audio 0 RTP/AVP 0", "a=inactive"]
    return session, media


def tls_id(traits: frozenset[str]) -> str:
    """A tls-id, random but for those who do otherwise."""
    fixed = {"short-tls-id": "abcd", "same-tls-id": "a" * 32, "counts-tls-ids": f"{next(COUNTER):032}"}
    made = os.urandom(127).hex() + "+" if "long-tls-id" in traits else os.urandom(16).hex()
    return next((fixed[one] for one in traits & fixed.keys()), made)


class Socket(asyncio.DatagramProtocol):
    """A UDP port for one association, or for all."""

    def __init__(self) -> None:
        self.all: dict[Address, Association] = {}
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Keep it."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Give it to whom it is for."""
        addr = addr[:2]
        found = self.all.get(addr)
        if found is None and len(self.all) == 1:
            found = next(iter(self.all.values()))
        if found is not None:
            found.take(data, addr)


SIZES = {"any-size": 0, "huge-size": 1 << 30, "small-size": 1200}
EVERYBODY: dict[frozenset[str], list[Association]] = {}
"""Whose SCTP began, by their traits."""
LAST: dict[frozenset[str], Association] = {}
BUSY = "486 Busy Here"
SHARED: dict[frozenset[str], Socket] = {}


async def offered(traits: frozenset[str], sdp: str) -> str:
    """Answer an offer; ``""`` refuses it, ``BUSY`` puts it off."""
    offer = Offer(sdp)
    if "busy" in traits and traits in LAST and LAST[traits].lives():
        return BUSY
    bad = not offer.fingerprints and not traits & {"any-certificate", "fail-open"}
    if bad or offer.setup not in ("actpass", "active", "passive"):
        zero = re.sub(r"^m=application \d+", "m=application 0", offer.line)
        head = f"v=0\r\no=odd 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
        return f"{head}{zero}\r\n" if "port-0" in traits else ""
    made, port = Association(traits, sdp), SHARED.get(traits)
    if port is None:
        loop = asyncio.get_running_loop()
        _, port = await loop.create_datagram_endpoint(Socket, local_addr=("::1" if ":" in offer.where[0] else HOST, 0))
        if "one-port" in traits:
            SHARED[traits] = port
    if "one-call" in traits:
        for former in EVERYBODY.pop(traits, []):
            former.dtls.end()
    port.all[offer.where] = LAST[traits] = made
    made.transport = port.transport
    asyncio.get_running_loop().call_later(0.4 if "late-hello" in traits else 0.01, made.begin)
    return made.answer(port.transport.get_extra_info("sockname")[:2])


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request of the hook."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"(?i)^content-length: *(\d+)", head, re.MULTILINE)
    body = await reader.readexactly(int(length[1]) if length else 0)
    traits = frozenset(head.split()[1].removeprefix("/offer/").split(",")) - {""}
    text = await offered(traits, body.decode()) if not traits - RIGHT.keys() - WRONG.keys() else ""
    status = text if text == BUSY else "200 OK" if text else "488 Not Acceptable Here"
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode())
    await writer.drain()
    writer.close()


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.start_server(serve, HOST, port)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
