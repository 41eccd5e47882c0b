"""A data-channel peer of its own, right in one of the many ways that the RFCs allow, or wrong on purpose.

``POST /offer/TRAIT,TRAIT`` takes an offer and answers with SDP (no SIP, no ICE). Nothing of it comes from imsproof, so
that the purposes are held against somebody who was not made for them. :data:`RIGHT` and :data:`WRONG` name the traits;
without any it is a passive peer that is right.

    python -m tests.whole.odd_peer PORT
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import re
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto
from tests.whole.odd_http import Http
from tests.whole.odd_sctp import Sctp, digest

if TYPE_CHECKING:
    from collections.abc import Callable

Address = tuple[str, int]
HOST = "127.0.0.1"
STRENGTH = ("sha-512", "sha-384", "sha-256", "sha-1")
COOKIE_KEY = os.urandom(16)
CBC_AND_WORSE = b"ALL:eNULL:aNULL:@SECLEVEL=0"

RIGHT = {
    "active": "it is the DTLS client",
    "no-tls-id": "no a=tls-id",
    "session-level": "fingerprint and setup at session level",
    "several-hashes": "SHA-512, SHA-256 and SHA-1 of its certificate",
    "small-letters": "sha-256 and its value in small letters",
    "no-max-size": "no a=max-message-size",
    "any-size": "a=max-message-size:0",
    "no-sctp-port": "no a=sctp-port, which is 5000 then",
    "other-sctp-port": "another SCTP port than 5000",
    "port-0": "what it refuses has port 0 instead of no answer",
    "more-lines": "further media lines and attributes that nobody asked for",
    "one-port": "one UDP port for all calls, told apart by the peer's address",
    "cookies": "HelloVerifyRequest before anything else",
    "silent": "refuses without an alert",
    "late": "judges the certificate after the handshake, and closes then",
    "late-and-silent": "judges the certificate after the handshake, and says nothing any more",
    "rsa": "an RSA certificate of 3072 bits",
    "p-384": "an ECDSA certificate on P-384",
    "chain": "a chain of three certificates, its own first",
    "long-cookie": "a cookie of 255 bytes",
    "late-start": "does not hear the first datagram",
    "twice": "each datagram of the handshake twice",
    "records-apart": "each record in a datagram of its own",
    "small-datagrams": "datagrams of 300 bytes at most",
    "old-draft": "a=sctpmap beside a=sctp-port",
    "channels": "a=dcmap of many channels, the bootstrap one last",
    "bundle": "a=group:BUNDLE, a=mid, ICE options, though no ICE was offered",
    "media-address": "no c= at session level, but for the media",
    "bare-lines": "lines that end with LF alone",
    "waits": "leaves the INIT to the other side",
    "abort-on-error": "ends an association that sends what cannot be read",
    "report-errors": "reports unknown chunks with ERROR",
    "slow-ack": "acknowledges data after a tenth of a second",
    "slow-open": "acknowledges DATA_CHANNEL_OPEN after a fifth of a second",
    "last-tsn": "its first TSN is the last one before zero",
    "few-streams": "16 streams each way",
    "extensions": "announces RE-CONFIG, FORWARD TSN, I-DATA, no checksum, and parameters that nobody knows",
    "heartbeats": "sends heartbeats of its own, three a second",
    "bundled": "puts a SACK or a heartbeat beside what it answers",
    "no-open": "takes no DATA_CHANNEL_OPEN at all",
    "binary": "answers in binary messages",
    "pieces": "answers in many small messages",
    "chunked": "chunked bodies",
    "chunked-pieces": "chunked bodies with extensions and trailers, in many small messages",
    "http-1.0": "HTTP/1.0",
    "gzip": "compressed bodies, as nobody said that they are not taken",
    "interim": "100 Continue and 103 Early Hints before each answer",
    "small-names": "names of header fields in small letters, obsolete spacing around values",
    "moved": "the root is somewhere else: 301",
    "found": "the root is somewhere else: 302, absolute",
    "html": "the root is a page",
    "closes": "Connection: close",
    "says-403": "refuses with 403",
    "says-410": "refuses with 410",
    "says-nothing": "what is refused gets no answer",
}
WRONG = {
    "any-certificate": "takes any certificate",
    "no-certificate": "asks for no certificate",
    "other": "announces another certificate than the one that it shows",
    "sha-1-only": "announces SHA-1 alone",
    "mirror": "answers with the setup role of the offer",
    "short-tls-id": "a tls-id of four characters",
    "same-tls-id": "one tls-id for all",
    "source": "answers whoever sends, wherever from",
    "old": "DTLS 1.0 and every suite",
    "clear-sctp": "takes SCTP that is not inside DTLS",
    "checksum": "takes packets with a wrong checksum",
    "tag": "takes packets under a wrong tag",
    "ports": "takes packets to another SCTP port",
    "cookie": "takes any cookie",
    "opens-all": "opens channels on any stream",
    "every-stream": "serves HTTP on every stream",
    "every-ppid": "takes any payload protocol for HTTP",
    "first-length": "the first of several Content-Length counts",
    "methods": "serves every method",
    "product": "tells its product and version",
}


@cache
def identity(kind: str) -> tuple[crypto.PKey, crypto.X509, bytes]:
    """Key, certificate, and the certificate's DER."""
    keys: dict[str, Callable[[], Any]] = {
        "rsa": lambda: rsa.generate_private_key(65537, 3072),
        "p-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    }
    key = keys.get(kind, lambda: ec.generate_private_key(ec.SECP256R1()))()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"odd {kind}")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + dt.timedelta(days=9))
    certificate = made.sign(key, hashes.SHA256())
    der = certificate.public_bytes(Encoding.DER)
    return crypto.PKey.from_cryptography_key(key), crypto.X509.from_cryptography(certificate), der


def kind_of(traits: frozenset[str]) -> str:
    """The kind of certificate."""
    return next(iter(traits & {"rsa", "p-384"}), "ec")


class Offer:
    """What the other side says of its end."""

    def __init__(self, sdp: str) -> None:
        session, *media = re.split(r"\r?\n(?=m=)", sdp)
        section = next((one for one in media if one.startswith("m=application")), "")

        def one(pattern: str, otherwise: str = "") -> str:
            found = re.search(pattern, section, re.MULTILINE) or re.search(pattern, session, re.MULTILINE)
            return found[1].strip() if found else otherwise

        self.line = re.split(r"\r?\n", section)[0]
        self.where = (one(r"^c=IN IP4 (\S+)"), int(one(r"^m=application (\d+)", "0")))
        self.setup = one(r"^a=setup:(\w+)", "actpass")
        self.sctp_port = int(one(r"^a=sctp-port:(\d+)", "5000"))
        pattern = re.compile(r"^a=fingerprint:(\S+) (\S+)", re.MULTILINE)
        lines = pattern.findall(section) or pattern.findall(session)
        sizes = {"sha-512": 64, "sha-384": 48, "sha-256": 32, "sha-1": 20}
        known = [
            (name.lower(), value.upper())
            for name, value in lines
            if re.fullmatch(f"([0-9A-F]{{2}}:){{{sizes.get(name.lower(), 1) - 1}}}[0-9A-F]{{2}}", value.upper())
            and name.lower() in sizes
        ]
        strongest = next((name for name in STRENGTH if any(name == one for one, _ in known)), "")
        self.fingerprints = {value for name, value in known if name == strongest}
        self.hash = strongest


class Dtls:
    """One DTLS association over memory."""

    def __init__(self, traits: frozenset[str], offer: Offer, *, client: bool, send: Callable[[bytes], None]) -> None:
        self.traits, self.offer, self.client, self.state = traits, offer, client, "new"
        self.listening = bool(traits & {"cookies", "long-cookie"}) and not client
        self.deaf = "late-start" in traits and not client
        self._send = send
        self._timer: asyncio.TimerHandle | None = None
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_min_proto_version(0xFEFF if "old" in traits else 0xFEFD)
        context.set_cipher_list(CBC_AND_WORSE if "old" in traits else b"ECDHE+AESGCM:ECDHE+CHACHA20")
        context.set_options(SSL.OP_NO_QUERY_MTU | SSL.OP_NO_RENEGOTIATION)
        expected = COOKIE_KEY * 15 + COOKIE_KEY[:15] if "long-cookie" in traits else COOKIE_KEY
        context.set_cookie_generate_callback(lambda _: expected)
        context.set_cookie_verify_callback(lambda _, cookie: cookie == expected)
        key, certificate, _ = identity(kind_of(traits))
        context.use_privatekey(key)
        context.use_certificate(certificate)
        for kind in ("first issuer", "second issuer") if "chain" in traits else ():
            context.add_extra_chain_cert(identity(kind)[1])
        mode = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(SSL.VERIFY_NONE if "no-certificate" in traits else mode, self._verify)
        self.connection = SSL.Connection(context)
        self.connection.set_ciphertext_mtu(300 if "small-datagrams" in traits else 1200)
        if client:
            self.connection.set_connect_state()
        else:
            self.connection.set_accept_state()

    def _verify(self, _: Any, certificate: crypto.X509, *__: int) -> bool:
        return bool(self.traits & {"late", "late-and-silent"}) or self.matches(certificate)

    def matches(self, certificate: crypto.X509 | None) -> bool:
        """Whether a certificate is the offered one."""
        if "any-certificate" in self.traits:
            return True
        der = b"" if certificate is None else crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        return bool(der) and digest(der, self.offer.hash) in self.offer.fingerprints

    def take(self, datagram: bytes = b"") -> list[bytes]:
        """Take a datagram, or just go on; what was inside."""
        if datagram and self.deaf:
            self.deaf = False
            return []
        if datagram:
            self.connection.bio_write(datagram)
        found: list[bytes] = []
        try:
            if self.listening:
                self.connection.DTLSv1_listen()
                self.listening = False
            if self.state in ("new", "shaking"):
                self.state = "shaking"
                self.connection.do_handshake()
                self._done()
            while self.state == "up":
                found.append(self.connection.recv(1 << 16))
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.state = "closed"
        except SSL.Error:
            self.state = "failed"
        self._flush()
        return found

    def _done(self) -> None:
        self.state = "up"
        late = self.traits & {"late", "late-and-silent"}
        if late and not self.matches(self.connection.get_peer_certificate()):
            self.state = "failed"
            if "late" in late:
                self.connection.shutdown()

    def say(self, data: bytes) -> None:
        """Send data inside."""
        if self.state == "up":
            with contextlib.suppress(SSL.Error):
                self.connection.send(data)
            self._flush()

    def _flush(self) -> None:
        flight = b""
        with contextlib.suppress(SSL.WantReadError):
            while True:
                flight += self.connection.bio_read(1 << 16)
        datagram, largest = b"", 0 if self.traits & {"records-apart", "small-datagrams"} else 1200
        while flight:
            size = 13 + int.from_bytes(flight[11:13])
            record, flight = flight[:size], flight[size:]
            if "silent" in self.traits and record[0] == 21 and self.state == "failed":
                continue
            if datagram and len(datagram) + len(record) > largest:
                self._send_one(datagram)
                datagram = b""
            datagram += record
        if datagram:
            self._send_one(datagram)
        self._arm()

    def _send_one(self, datagram: bytes) -> None:
        self._send(datagram)
        if "twice" in self.traits and datagram[0] in (20, 22):
            self._send(datagram)

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
        wait = self.connection.DTLSv1_get_timeout() if self.state == "shaking" and not self.listening else None
        self._timer = asyncio.get_running_loop().call_later(max(wait, 0.01), self._expire) if wait is not None else None

    def _expire(self) -> None:
        with contextlib.suppress(SSL.Error):
            self.connection.DTLSv1_handle_timeout()
        self._flush()


class Association:
    """One call: DTLS, SCTP inside it, HTTP on stream 0."""

    def __init__(self, traits: frozenset[str], offer: Offer) -> None:
        self.traits, self.offer, self.target = traits, offer, offer.where
        self.client = offer.setup == "passive" or (offer.setup == "actpass" and "active" in traits)
        self.transport: asyncio.DatagramTransport | None = None
        self.dtls = Dtls(traits, offer, client=self.client, send=self._out)
        self.port = 5001 if "other-sctp-port" in traits else 5000
        self.sctp: Sctp | None = None
        self.http = Http(traits, self._say)

    def begin(self) -> None:
        """A client begins."""
        if self.client:
            self.dtls.take()

    def _out(self, datagram: bytes) -> None:
        if self.transport is not None:
            self.transport.sendto(datagram, self.target)

    def take(self, data: bytes, source: Address) -> None:
        """Take a datagram from the network."""
        if source != self.target:
            if "source" not in self.traits:
                return
            self.target = source
        if data and 20 <= data[0] <= 63:
            for packet in self.dtls.take(data):
                self._association(self.dtls.say).take(packet)
            if self.dtls.state == "up" and self.sctp is None:
                made = self._association(self.dtls.say)
                if "waits" not in self.traits:
                    made.start()
        elif "clear-sctp" in self.traits:
            self._association(self._out).take(data)

    def _association(self, send: Callable[[bytes], None]) -> Sctp:
        if self.sctp is None:
            ports = (self.port, self.offer.sctp_port)
            self.sctp = Sctp(self.traits, ports, 1 if self.client else 0, send, self.http.take)
        return self.sctp

    def _say(self, stream: int, ppid: int, data: bytes) -> None:
        assert self.sctp is not None
        self.sctp.say(stream, ppid, data)

    # SDP

    def answer(self, address: Address) -> str:
        """The answer."""
        traits, (_, _, der) = self.traits, identity(kind_of(self.traits))
        if "other" in traits:
            der += b"another"
        names = ["sha-512", "sha-256", "sha-1"] if "several-hashes" in traits else ["sha-256"]
        names = ["sha-1"] if "sha-1-only" in traits else names
        prints = [f"a=fingerprint:{name} {digest(der, name)}" for name in names]
        if "small-letters" in traits:
            prints = [one.lower() for one in prints]
        setup = self.offer.setup if "mirror" in traits else "active" if self.client else "passive"
        secure = [*prints, f"a=setup:{setup}"]
        if "no-tls-id" not in traits:
            made = "abcd" if "short-tls-id" in traits else "a" * 32 if "same-tls-id" in traits else os.urandom(16).hex()
            secure.append(f"a=tls-id:{made}")
        session = secure if "session-level" in traits else []
        media = [] if "session-level" in traits else secure
        media += [] if "no-sctp-port" in traits else [f"a=sctp-port:{self.port}"]
        if "no-max-size" not in traits:
            media.append(f"a=max-message-size:{0 if 'any-size' in traits else 65536}")
        if "old-draft" in traits:
            media.append(f"a=sctpmap:{self.port} webrtc-datachannel 1024")
        if "channels" in traits:
            streams = {110: "remote app", 1002: "game", 10: "local app", 0: "bootstrap"}
            media += [f'a=dcmap:{one} label="{label}";subprotocol="http"' for one, label in streams.items()]
        if "bundle" in traits:
            session += ["a=group:BUNDLE 0", "a=ice-options:trickle", "a=msid-semantic: WMS"]
            media = ["a=mid:0", "a=rtcp-mux", *media]
        if "more-lines" in traits:
            session.append("a=ice-lite")
            media += [
                "a=mid:0",
                "a=ice-ufrag:abcd",
                "a=ice-pwd:" + "p" * 24,
                "a=candidate:1 1 UDP 1 127.0.0.1 9 typ host",
            ]
            media += ["m=audio 0 RTP/AVP 0", "a=inactive"]
        where = f"c=IN IP4 {HOST}"
        head = ["v=0", f"o=odd 1 1 IN IP4 {HOST}", "s=-", where, "t=0 0", *session]
        if "media-address" in traits:
            head.remove(where)
            media = [where, *media]
        line = f"m=application {address[1]} UDP/DTLS/SCTP webrtc-datachannel"
        return ("\n" if "bare-lines" in traits else "\r\n").join((*head, line, *media, ""))


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
        found = self.all.get(addr)
        if found is None and len(self.all) == 1:
            found = next(iter(self.all.values()))
        if found is not None:
            found.take(data, addr)


SHARED: dict[frozenset[str], Socket] = {}


async def offered(traits: frozenset[str], sdp: str) -> str:
    """Answer an offer; ``""`` refuses it."""
    offer = Offer(sdp)
    bad = not offer.fingerprints and "any-certificate" not in traits
    if bad or offer.setup not in ("actpass", "active", "passive"):
        zero = re.sub(r"^m=application \d+", "m=application 0", offer.line)
        head = f"v=0\r\no=odd 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
        return f"{head}{zero}\r\n" if "port-0" in traits else ""
    made, port = Association(traits, offer), SHARED.get(traits)
    if port is None:
        loop = asyncio.get_running_loop()
        _, port = await loop.create_datagram_endpoint(Socket, local_addr=(HOST, 0))
        if "one-port" in traits:
            SHARED[traits] = port
    port.all[offer.where] = made
    made.transport = port.transport
    asyncio.get_running_loop().call_later(0.01, made.begin)
    return made.answer(port.transport.get_extra_info("sockname"))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request of the hook."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"(?i)^content-length: *(\d+)", head, re.MULTILINE)
    body = await reader.readexactly(int(length[1]) if length else 0)
    traits = frozenset(head.split()[1].removeprefix("/offer/").split(",")) - {""}
    text = await offered(traits, body.decode()) if not traits - RIGHT.keys() - WRONG.keys() else ""
    status = "200 OK" if text else "488 Not Acceptable Here"
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
