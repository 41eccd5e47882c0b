"""A small ICE of its own (RFC 8445, RFC 8489) for the data-channel peer of any manners; see odd_peer.py."""

from __future__ import annotations

import hmac
import os
import re
import struct
import zlib
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

Address = tuple[str, int]
COOKIE = 0x2112A442
REQUEST, SUCCESS, ERROR = 0x0001, 0x0101, 0x0111
USERNAME, INTEGRITY, ERROR_CODE, XOR_ADDRESS, PRIORITY = 0x0006, 0x0008, 0x0009, 0x0020, 0x0024
USE_CANDIDATE, FINGERPRINT, CONTROLLED, SOFTWARE = 0x0025, 0x8028, 0x8029, 0x8022
HEADER, MAC, CRC = 20, 24, 8
CRC_XOR = 0x5354554E
FIXED = {"ice-same": ("same", "s" * 22), "ice-short": ("abcd", "short")}


class Ice:
    """One end; ``send(data, address)`` sends, and ``chosen(address)`` hears where the other end is."""

    def __init__(
        self,
        traits: frozenset[str],
        offer: str,
        send: Callable[[bytes, Address], None],
        chosen: Callable[[Address], None],
    ) -> None:
        self.traits, self._send, self._chosen = traits, send, chosen
        made = os.urandom(4).hex(), os.urandom(16).hex()
        self.ufrag, self.password = next((FIXED[one] for one in traits & FIXED.keys()), made)
        self.remote_ufrag, self.remote_password = _said(offer, "ice-ufrag"), _said(offer, "ice-pwd")
        found = re.findall(r"(?mi)^a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ", offer)
        self.candidates = [(host, int(port)) for host, port in found]
        self.proven: set[Address] = set()

    @property
    def lite(self) -> bool:
        """It only answers checks."""
        return "ice-full" not in self.traits

    def lines(self, address: Address) -> list[str]:
        """What it says of itself at the media level."""
        host, port = address
        last = f"a=candidate:9 1 UDP 2130706431 {host} {port} typ host"
        others = [
            "a=candidate:1 1 udp 2130706431 3f1a9c52-6f0e-4a53-9a55-b0c1f1d2e3f4.local 50000 typ host generation 0",
            "a=candidate:2 1 tcp 2105458943 127.0.0.1 9 typ host tcptype active",
            "a=candidate:3 1 udp 2122252543 2001:db8::7 50000 typ host network-id 1 network-cost 10",
            "a=candidate:4 2 udp 2122260222 127.0.0.1 50001 typ host",
            "a=candidate:5 1 udp 1686052607 203.0.113.9 50000 typ srflx raddr 0.0.0.0 rport 0",
        ]
        said = [f"a=ice-ufrag:{self.ufrag}", f"a=ice-pwd:{self.password}"]
        return [*said, *(others if "ice-many" in self.traits else []), last]

    def begin(self) -> None:
        """Send checks, unless it is lite."""
        for candidate in [] if self.lite else self.candidates:
            self._check(candidate)

    def take(self, data: bytes, source: Address) -> bool:
        """Take a datagram if it is STUN."""
        if len(data) < HEADER or data[0] > 3 or int.from_bytes(data[4:8]) != COOKIE:
            return False
        kind, length = struct.unpack_from("!HH", data)
        attributes = _attributes(data) if length == len(data) - HEADER else {}
        if kind == REQUEST and attributes:
            self._on_request(data, attributes, source)
        elif kind == SUCCESS and self._is_mine(data, attributes, self.remote_password):
            self.proven.add(source)
        return True

    def _on_request(self, data: bytes, attributes: dict[int, tuple[int, bytes]], source: Address) -> None:
        right = self._is_mine(data, attributes, self.password)
        right = right or "ice-no-integrity" in self.traits
        right = right or ("ice-optional" in self.traits and INTEGRITY not in attributes)
        named = attributes.get(USERNAME, (0, b""))[1].decode("latin-1") == f"{self.ufrag}:{self.remote_ufrag}"
        transaction = data[8:HEADER]
        if "ice-follows" in self.traits and USE_CANDIDATE in attributes:
            self.proven.add(source)
            self._chosen(source)
        if not right or not (named or "ice-any-user" in self.traits):
            if "ice-silent" not in self.traits:
                self._send(_message(ERROR, transaction, _attribute(ERROR_CODE, b"\0\0\4\1Unauthorized")), source)
            return
        host, mask = ip_address(source[0]), (struct.pack("!I", COOKIE) + transaction)
        hidden = bytes(one ^ other for one, other in zip(host.packed, mask, strict=False))
        where = struct.pack("!BBH", 0, 1 if host.version == 4 else 2, source[1] ^ (COOKIE >> 16)) + hidden
        more = _attribute(SOFTWARE, b"odd") if "ice-many" in self.traits else b""
        self._send(_message(SUCCESS, transaction, _attribute(XOR_ADDRESS, where) + more, self.password), source)
        first = source not in self.proven
        self.proven.add(source)
        if not self.lite and first:
            self._check(source)
        if USE_CANDIDATE in attributes:
            self._chosen(source)

    def _is_mine(self, data: bytes, attributes: dict[int, tuple[int, bytes]], password: str) -> bool:
        at, value = attributes.get(INTEGRITY, (0, b""))
        covered = data[:2] + struct.pack("!H", at + MAC - HEADER) + data[4:at]
        return bool(at) and hmac.compare_digest(hmac.digest(password.encode(), covered, "sha1"), value)

    def _check(self, target: Address) -> None:
        name = _attribute(USERNAME, f"{self.remote_ufrag}:{self.ufrag}".encode())
        body = name + _attribute(PRIORITY, b"\x6e\xff\xff\xff") + _attribute(CONTROLLED, os.urandom(8))
        self._send(_message(REQUEST, os.urandom(12), body, self.remote_password), target)


def _said(sdp: str, name: str) -> str:
    found = re.search(rf"(?m)^a={name}:(\S+)", sdp)
    return found[1] if found else ""


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _message(kind: int, transaction: bytes, body: bytes, password: str = "") -> bytes:
    def head(more: int) -> bytes:
        return struct.pack("!HHI", kind, len(body) + more, COOKIE) + transaction

    if password:
        body += _attribute(INTEGRITY, hmac.digest(password.encode(), head(MAC) + body, "sha1"))
    crc = zlib.crc32(head(CRC) + body) ^ CRC_XOR
    return head(CRC) + body + _attribute(FINGERPRINT, struct.pack("!I", crc))


def _attributes(data: bytes) -> dict[int, tuple[int, bytes]]:
    """Type to where the first of its kind begins, and its value; none when one is not whole."""
    found: dict[int, tuple[int, bytes]] = {}
    at = HEADER
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("!HH", data, at)
        if at + 4 + length > len(data):
            return {}
        found.setdefault(kind, (at, data[at + 4 : at + 4 + length]))
        at += 4 + length + -length % 4
    return found
