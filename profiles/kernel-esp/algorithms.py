"""The tester's ESP held against the kernel's: the algorithms of TS 33.203 Annex H, byte for byte.

UDP and TCP in transport mode, and UDP in tunnel mode inside UDP, as for a UE behind a NAT (Annex M.7.1).

    .venv/bin/python profiles/kernel-esp/algorithms.py      # as root, on a kernel with ESP (make run-esp)

The kernel's end is in one network namespace with its states and policies (ip xfrm), the tester's raw socket in another.
That something is dropped is seen by what comes behind it, so that nobody waits for silence. Exit status 1: they differ.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "kamailio" / "lab"))

import netns
from program import LabError

from imsproof.codec import esp, tcp, udp
from imsproof.engine.tcp import Tcp

SUITES = (
    ("hmac-sha-1-96", "aes-cbc"),
    ("hmac-sha-1-96", "null"),
    ("aes-gmac", "null"),
    ("null", "aes-gcm"),
    ("hmac-md5-96", "des-ede3-cbc"),  # Annex H has these two no longer; the tester offers them to be refused
    ("hmac-md5-96", "null"),
)
ENDS = (("192.0.2.10", "192.0.2.201"), ("fd00::10", "fd00::201"))
"""Of the kernel and of the tester."""
KERNEL_PORT, FIRST_PORT = 5200, 21000
IN, OUT = 4096, 4097
"""SPIs, towards the kernel and back."""
SIZES = (0, 1, 2, 15, 16, 17, 61, 512, 1300)
WINDOW = 32
SECONDS = 10.0
UDP_ENCAP, UDP_ENCAP_ESPINUDP = 100, 2
"""Linux: ESP in the datagrams of a socket (udp(7))."""
HMACS = {"hmac-sha-1-96": "hmac(sha1)", "hmac-md5-96": "hmac(md5)"}
CIPHERS = {"aes-cbc": "cbc(aes)", "des-ede3-cbc": "cbc(des3_ede)", "null": "ecb(cipher_null)"}


class DifferenceError(Exception):
    """The kernel sees it otherwise; the text says what."""


@dataclass
class Pair:
    """Both ends with one suite over one IP version.

    Attributes:
        addresses: of the kernel and of the tester.
        port: the tester's.
        kernel: a UDP socket of the kernel's end; what the kernel does to its packets is under test.
        raw: the tester's raw socket for ESP.
        listener: a TCP socket of the kernel's end.
        plain: a UDP socket of the tester's end, for what comes without ESP, or with ESP in it.
        nat: where the kernel takes ESP in UDP, or ``None``.
    """

    addresses: tuple[str, str]
    port: int
    to_kernel: esp.Association
    to_tester: esp.Association
    kernel: socket.socket
    raw: socket.socket
    listener: socket.socket
    plain: socket.socket
    nat: socket.socket | None
    sent: int = 0

    def seal(self, data: bytes, *, source: int = 0, sequence: int = 0) -> bytes:
        """Write a packet with a datagram for the kernel, with the next sequence number by default."""
        self.sent += not sequence
        kernel, tester = self.addresses
        ends = (tester, source or self.port), (kernel, KERNEL_PORT)
        iv = secrets.token_bytes(self.to_kernel.iv_size)
        if self.nat:
            return self.to_kernel.seal(sequence or self.sent, udp.tunnel(*ends, data), iv, esp.IPV4)
        return self.to_kernel.seal(sequence or self.sent, udp.build(*ends, data), iv)

    def send(self, packet: bytes) -> None:
        """Send it to the kernel."""
        if self.nat:
            self.plain.sendto(packet, (self.addresses[0], esp.NAT_PORT))
        else:
            self.raw.sendto(packet, (self.addresses[0], 0))

    def packet(self) -> bytes:
        """Wait for a packet of the kernel, from the SPI on."""
        if self.nat:
            return self.plain.recv(65535)
        data = self.raw.recv(65535)
        return data if ":" in self.addresses[0] else data[(data[0] & 0x0F) * 4 :]

    def opened(self, next_header: int) -> bytes:
        """Wait for a packet of the kernel, open it, write it again, and hold both against each other."""
        packet = self.packet()
        opened = self.to_tester.open(packet)
        iv = packet[esp.HEADER : esp.HEADER + self.to_tester.iv_size]
        again = self.to_tester.seal(opened.sequence, opened.payload, iv, opened.next_header)
        if again != packet:
            raise DifferenceError(f"the kernel wrote {packet.hex()}, we write {again.hex()}")
        if opened.next_header != next_header:
            raise DifferenceError(f"next header {opened.next_header}, expected {next_header}")
        return opened.payload

    def close(self) -> None:
        """Close the sockets."""
        for one in (self.kernel, self.raw, self.listener, self.plain, self.nat):
            if one:
                one.close()


def datagrams(pair: Pair) -> None:
    """Datagrams of many sizes arrive on either side as they were sent."""
    kernel, tester = pair.addresses
    for size in SIZES:
        data = secrets.token_bytes(size)
        pair.send(pair.seal(data))
        came, peer = pair.kernel.recvfrom(65535)
        if (came, peer[:2]) != (data, (tester, pair.port)):
            raise DifferenceError(f"{size} octets came as {len(came)} from {peer}")
        pair.kernel.sendto(data, (tester, pair.port))
        payload = pair.opened(esp.IPV4 if pair.nat else udp.PROTOCOL)
        source, target, back = (udp.untunnel if pair.nat else udp.parse)(payload)
        if (source, target, back) != (KERNEL_PORT, pair.port, data):
            raise DifferenceError(f"{size} octets came back as {len(back)}, from {source} to {target}")
        rebuilt = udp.build((kernel, source), (tester, target), data)
        if not payload.endswith(rebuilt) or (payload != rebuilt and not pair.nat):
            raise DifferenceError(f"the kernel's datagram is {payload.hex()}, ours {rebuilt.hex()}")


def streams(pair: Pair) -> None:
    """A TCP connection inside ESP stands, carries data both ways, and ends."""
    engine, data = Tcp(), b"x" * 3000
    ends = (pair.addresses[1], pair.port), (pair.addresses[0], KERNEL_PORT)

    def out(segments: list[tcp.Segment]) -> None:
        for one in segments:
            pair.sent += 1
            iv = secrets.token_bytes(pair.to_kernel.iv_size)
            pair.send(pair.to_kernel.seal(pair.sent, tcp.build(*ends, one), iv, tcp.PROTOCOL))

    def into() -> bytes:
        answers, came = engine.take(tcp.parse(pair.opened(tcp.PROTOCOL))[2])
        out(answers)
        return came

    out(engine.connect())
    while not engine.established:
        into()
    connection, peer = pair.listener.accept()
    with connection:
        connection.settimeout(SECONDS)
        if peer[:2] != ends[0]:
            raise DifferenceError(f"the connection is said to come from {peer}")
        out(engine.write(data))
        got = b""
        while len(got) < len(data):
            got += connection.recv(65535)
        connection.sendall(got)
        back = b""
        while len(back) < len(data):
            back += into()
        if not got == back == data:
            raise DifferenceError("a stream did not come as it was sent")
    while not engine.ended:  # until the kernel's FIN came
        into()


def drops(pair: Pair) -> None:
    """What is wrong in one thing is dropped, and what is right behind it is taken."""

    def dropped(what: str, packet: bytes, *, plain: bool = False) -> None:
        if plain:
            pair.plain.sendto(packet, (pair.addresses[0], KERNEL_PORT))
        else:
            pair.send(packet)
        mark = secrets.token_bytes(8)
        pair.send(pair.seal(mark))
        came = pair.kernel.recv(65535)
        if came != mark:
            raise DifferenceError(f"{what} was taken")

    good = pair.seal(b"once")
    pair.send(good)
    pair.kernel.recv(65535)
    dropped("a replay", good)
    if pair.to_kernel.icv_size:
        dropped("a broken ICV", (broken := pair.seal(b"icv"))[:-1] + bytes((broken[-1] ^ 1,)))
    dropped("another SPI", (OUT + 7).to_bytes(4, "big") + pair.seal(b"spi")[4:])
    dropped("another port inside", pair.seal(b"port", source=pair.port + 1))
    dropped("no ESP", b"plain", plain=True)
    pair.sent += 2 * WINDOW
    mark = pair.seal(b"far ahead")
    pair.send(mark)
    pair.kernel.recv(65535)
    dropped("a number before the window", pair.seal(b"old", sequence=pair.sent - WINDOW - 8))
    late = pair.seal(b"late, in the window", sequence=pair.sent - WINDOW // 2)
    pair.send(late)
    if pair.kernel.recv(65535) != b"late, in the window":
        raise DifferenceError("a late packet in the window was dropped")
    dropped("a late packet once more", late)


def pair(
    addresses: tuple[str, str], port: int, suite: tuple[str, str], protocol: str, namespaces: tuple[int, int]
) -> Pair:
    """Make both ends, for ``udp``, ``tcp`` (ip xfrm takes ports with one of them only), or ``nat``: ESP in UDP."""
    here, there = namespaces
    nat, inner = protocol == "nat", "tcp" if protocol == "tcp" else "udp"
    mode = "tunnel" if nat else "transport"
    keys = esp.expand_keys(*suite, secrets.token_bytes(16), secrets.token_bytes(16))
    to_kernel, to_tester = (esp.Association(spi, *suite, *keys) for spi in (IN, OUT))
    kernel, tester = (addresses[0], KERNEL_PORT), (addresses[1], port)
    for association, source, target, way in ((to_kernel, tester, kernel, "in"), (to_tester, kernel, tester, "out")):
        ends = f"src {source[0]} dst {target[0]}"
        chosen = f"{ends} proto {inner} sport {source[1]} dport {target[1]}"
        outer = (port, esp.NAT_PORT) if way == "in" else (esp.NAT_PORT, port)
        around = f"encap espinudp {outer[0]} {outer[1]} 0.0.0.0" if nat else ""
        state = f"spi {association.spi} mode {mode} replay-window {WINDOW} {keyed(association)} {around} sel {chosen}"
        netns.ip(f"xfrm state add {ends} proto esp {state}")
        netns.ip(f"xfrm policy add {chosen} dir {way} tmpl {ends} proto esp mode {mode}")
    family = socket.AF_INET6 if ":" in kernel[0] else socket.AF_INET
    datagram = bound(family, socket.SOCK_DGRAM, 0, kernel)
    listener = bound(family, socket.SOCK_STREAM, 0, kernel)
    listener.listen(1)
    inside = bound(family, socket.SOCK_DGRAM, 0, (kernel[0], esp.NAT_PORT)) if nat else None
    if inside:
        inside.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
    netns.move(there)
    raw = bound(family, socket.SOCK_RAW, socket.IPPROTO_ESP, (tester[0], 0))
    plain = bound(family, socket.SOCK_DGRAM, 0, tester)
    netns.move(here)
    return Pair(addresses, port, to_kernel, to_tester, datagram, raw, listener, plain, inside)


def keyed(association: esp.Association) -> str:
    """The algorithms and keys as ip xfrm takes them."""
    integrity, encryption = association.integrity_key.hex(), association.encryption_key.hex()
    if association.ealg == "aes-gcm":
        return f"aead rfc4106(gcm(aes)) 0x{encryption} 128"
    if association.alg == "aes-gmac":
        return f"aead rfc4543(gcm(aes)) 0x{integrity} 128"
    cipher = f"0x{encryption}" if encryption else '""'
    return f"auth-trunc {HMACS[association.alg]} 0x{integrity} 96 enc {CIPHERS[association.ealg]} {cipher}"


def bound(family: int, kind: int, protocol: int, address: tuple[str, int]) -> socket.socket:
    """A socket at an address, which waits for a while and no longer."""
    made = socket.socket(family, kind, protocol)
    made.settimeout(SECONDS)
    if kind == socket.SOCK_STREAM:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(address)
    return made


def main() -> int:
    """Try all, tell each."""
    netns.enter()
    there = netns.wire()
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    for namespace, address in ((here, ENDS[1][0]), (there, ENDS[1][1])):
        netns.ip(f"address add {address}/64 dev {netns.WIRE} nodad", namespace=namespace)
    trials = (("udp", datagrams), ("udp", drops), ("tcp", streams), ("nat", datagrams))
    worst = 0
    for number, (addresses, suite, (protocol, trial)) in enumerate(itertools.product(ENDS, SUITES, trials)):
        v6 = ":" in addresses[0]
        if v6 and protocol == "nat":
            continue  # the tester does tunnel mode for IPv4 only
        told = f"{'/'.join(suite)}, {'IPv6' if v6 else 'IPv4'}, {protocol}, {trial.__name__}"
        netns.ip("xfrm state flush", "xfrm policy flush")
        try:
            with contextlib.closing(pair(addresses, FIRST_PORT + 2 * number, suite, protocol, (here, there))) as made:
                trial(made)
        except (DifferenceError, LabError, esp.EspError, OSError) as error:
            worst = 1
            told += f": DIFFERENT: {error or type(error).__name__}"
        print(f"ESP and the kernel: {told}", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
