"""Media gateways that are not ours, right in every allowed way, or wrong in one: ``odd_gateway.py HOST``.

They share no code with the harness. All of them are in one process, which prints the port of its hook: ``POST
/TRAIT[+TRAIT...]/CALL/FAR-ADDRESS/FAR-PORT`` with an offer makes a call between its protected side and plain RTP at the
far address, ``DELETE`` ends it. :data:`RIGHT` names liberties that the specifications leave, :data:`WRONG` flaws.
"""

from __future__ import annotations

import base64
import contextlib
import heapq
import itertools
import random
import re
import secrets
import select
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

from tests.whole import odd_srtp
from tests.whole.odd_hook import OfferHook, serve
from tests.whole.odd_keying import Association, Prints
from tests.whole.odd_srtp import SUITES, Keys

if TYPE_CHECKING:
    from collections.abc import Callable

RIGHT = {
    "none": "nothing unusual",
    "last-line": "takes the last crypto line that it can use",
    "strongest": "takes the strongest suite",
    "lifetime": "its key has a lifetime",
    "own-mki": "its key has an MKI of its own",
    "two-keys": "its line holds two keys with MKIs, and the second is used",
    "wsh": "its line says WSH=128",
    "unpadded": "base64 without padding",
    "no-mki": "lines with an MKI are passed over",
    "no-mux": "reports at a port of their own",
    "own-reports": "reports end at it, and it makes its own",
    "no-reports": "no reports at all",
    "renumbers": "what comes out has its own source, numbers and times",
    "paced": "a packet each two milliseconds",
    "policed": "no more than 100 packets a second, 25 at once",
    "jitter-buffer": "puts packets in order, drops late ones",
    "probation": "believes a source after two packets in a row (RFC 3550 A.1)",
    "latches": "sends to where authentic packets come from, and nothing before",
    "strict-source": "takes packets from the offered address alone",
    "asymmetric": "sends from other ports than it takes packets at",
    "keep-alive": "empty datagrams and STUN indications on both sides",
    "talks": "media of its own from the beginning, protected",
    "one-source": "one source in a call",
    "loses": "loses each seventh packet",
    "delays": "150 milliseconds late",
    "answers-late": "its answer takes a second",
    "long-sdp": "an answer with all that may stand in one, and LF alone",
    "port-0": "refuses in the answer, by port 0",
    "hangs-up": "refuses without a word",
    "active": "does DTLS as the client, when the answer is long there",
    "deaf-first": "does not hear the first DTLS flight",
    "cookies": "DTLS with HelloVerifyRequest",
    "rsa": "an RSA certificate",
    "session-level": "fingerprint and role at the session's level",
    "many-prints": "several fingerprints, of several hashes and certificates",
    "small-letters": "fingerprint in small letters, hash in capitals",
    "takes-unencrypted": "takes UNENCRYPTED_SRTCP when that is offered",
    "echo": "sends back what it gets (``media.observe: echo``)",
    "named": "a host name in its c= line",
}
WRONG = {
    **odd_srtp.FLAWS,
    "key-of-offer": "its key is the offered one with another salt",
    "key-forever": "one key for all calls, with a new salt",
    "first-key": "the key of a second offer is not taken",
    "key-by-turns": "three keys, in turn",
    "avp": "answers with RTP/AVP and a crypto line, and takes both",
    "sniffs": "what comes is plain until the first protected packet",
    "plain-other": "plain packets of a source that it does not know are media, too",
    "plain-events": "plain packets of the type 101 are telephone events",
    "plain-rtcp": "plain reports are handed on",
    "sends-first-plain": "the first packets go out in clear",
    "any-print": "no certificate is looked at",
    "print-start": "fingerprints are compared in their first four octets",
    "print-as-client": "certificates are looked at by the client alone",
    "print-as-server": "certificates are looked at by the server alone",
    "plain-first": "media of its own are plain until there are keys",
    "no-certificate": "no certificate is needed",
    "no-use-srtp": "without use_srtp media are plain",
    "latch-plain": "media go to whoever sends with the right source number",
    "latch-authentic": "media go to whoever sends what is authentic, again or not",
    "latch-first": "media go to who sent first",
    "deaf-after-forgery": "after 20 forgeries nothing is heard for five seconds",
    "dies-of-short": "a packet that is too short ends the call",
    "in-outlives": "what comes from the protected side is handed on after the call",
    "out-outlives": "what comes from the far side is handed on after the call",
    "same-numbers": "a new far source gets the old one's source number, and its own numbers",
    "bye-obeyed": "a plain RTCP BYE ends the call's media",
    "short-key": "a key that is too short is taken twice",
    "takes-null": "NULL_HMAC_SHA1_80, too",
    "mux-plain": "protected media, and reports in clear",
}
AES = "AES_CM_128_HMAC_SHA1_80"
UNPROTECTED = ("UNENCRYPTED_SRTP", "UNAUTHENTICATED_SRTP", "UNENCRYPTED_SRTCP")
NUMBER = itertools.count()
TURNS = [secrets.token_bytes(46) for _ in range(3)]


def bound(host: str) -> socket.socket:
    """A UDP socket at any port."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((host, 0))
    return made


class Call:
    """One call: an offer's answer, and a thread that relays."""

    def __init__(self, host: str, traits: frozenset[str], far: tuple[str, int]) -> None:
        self.host, self.traits, self.far = host, traits, far
        self.access, self.core, self.reports, self.core_reports = (bound(host) for _ in range(4))
        self.access_out, self.core_out = (
            (bound(host), bound(host)) if "asymmetric" in traits else (self.access, self.core)
        )
        self.peer: tuple[str, int] | None = None
        self.own: Keys | None = None
        self.theirs: Keys | None = None
        self.association: Association | None = None
        self.mux = self.ended = self.heard = self.running = False
        self.forgeries, self.deaf_until, self.sent, self.received = 0, 0.0, 0, 0
        self.far_sources: dict[int, int] = {}
        self.plan: list[tuple[float, int, Callable[[], None]]] = []
        self.bucket, self.filled = 25.0, time.monotonic()
        self.source, self.number, self.stamp = secrets.randbits(32), random.randrange(1 << 15), secrets.randbits(31)
        self.states: dict[tuple[str, int], tuple[int, int]] = {}
        self.free_at = {"access": 0.0, "core": 0.0}

    # The answer

    def answer(self, sdp: str) -> str:
        """An answer; an empty text refuses."""
        lines = sdp.replace("\r\n", "\n").split("\n")
        at = next((number for number, line in enumerate(lines) if line.startswith("m=audio ")), -1)
        if at < 0:
            return ""
        _, port, proto, *_ = lines[at].split()
        where = next(line for line in (*lines[at:], *lines) if line.startswith("c=")).split()[-1]
        section = lines[at:]
        self.peer, self.mux = (where, int(port)), "a=rtcp-mux" in section and "no-mux" not in self.traits
        dtls = "TLS" in proto
        chosen = self._dtls(lines) if dtls else self._sdes(section)
        if chosen is None:
            return self._description("audio", 0, proto, []) if "port-0" in self.traits else ""
        proto = "RTP/AVP" if "avp" in self.traits and not dtls else proto
        if not self.running:
            self.running = True
            threading.Thread(target=self._relay, daemon=True).start()
        return self._description("audio", self.access.getsockname()[1], proto, chosen)

    def _description(self, kind: str, port: int, proto: str, attributes: list[str]) -> str:
        traits = self.traits
        rich, where = "long-sdp" in traits, "localhost" if "named" in traits else self.host
        above = [one for one in attributes if re.match(r"fingerprint|setup", one) and "session-level" in traits]
        lines = [*("v=0", f"o=- {secrets.randbits(40)} 7 IN IP4 {self.host}", "s= ")]
        lines += [f"c=IN IP4 {where}"] * (not rich) + ["b=AS:64"] * rich + ["t=0 0"]
        lines += ["a=group:LS 7"] * rich + [f"a={one}" for one in above]
        lines += [f"m={kind} {port} {proto} 0" + " 101" * rich]
        if rich:
            lines += [f"i=speech\nc=IN IP4 {where}\nb=AS:64\nb=RS:600\nb=RR:2000\na=mid:7\na=msid:a b"]
            lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=maxptime:40"]
            lines += [f"a=ssrc:{self.source} cname:odd", "a=sendrecv", "a=X-what:ever", "a=curr:qos local sendrecv"]
        lines += ["a=rtpmap:0 PCMU/8000", *(f"a={one}" for one in attributes if one not in above)]
        if port:
            lines += ["a=rtcp-mux"] if self.mux else [f"a=rtcp:{self.reports.getsockname()[1]}"]
        return "".join(f"{line}\n" if rich else f"{line}\r\n" for line in lines)

    def _sdes(self, section: list[str]) -> list[str] | None:
        usable = [line for line in map(self._line, section) if line]
        if not usable:
            return None
        taken = usable[-1] if "last-line" in self.traits else usable[0]
        if "strongest" in self.traits:
            taken = max(usable, key=lambda one: SUITES.get(one[1], (0, 0, 0)))
        tag, suite, master, mki, params = taken
        spoken = AES if suite.startswith("NULL") else suite
        size, salt, _ = SUITES[spoken]
        own = secrets.token_bytes(size + salt)
        flaws = self.traits & odd_srtp.FLAWS.keys()
        own = master[:size] + own[size:] if "key-of-offer" in self.traits else own
        own = TURNS[0][:size] + own[size:] if "key-forever" in self.traits else own
        own = TURNS[next(NUMBER) % 3][: size + salt] if "key-by-turns" in self.traits else own
        text, own_mki = self._written(own, size + salt)
        if "first-key" not in self.traits or self.theirs is None:
            self.theirs = Keys(spoken, master, mki, flaws)
        self.own = Keys(spoken, own, own_mki, flaws)
        kept = [one for one in params if one in UNPROTECTED] + ["WSH=128"] * ("wsh" in self.traits)
        return [" ".join([f"crypto:{tag} {suite} {text}", *kept])]

    def _written(self, own: bytes, size: int) -> tuple[str, bytes]:
        """The key parameters of the answer, and the MKI of what is sent."""
        text = base64.b64encode(own).decode()
        if "unpadded" in self.traits:
            text = text.rstrip("=")
        if "own-mki" in self.traits:
            return f"inline:{text}|2^20|9:2", b"\0\x09"
        if "two-keys" in self.traits:
            other = base64.b64encode(secrets.token_bytes(size)).decode()
            return f"inline:{other}|2^20|1:1;inline:{text}|2^20|2:1", b"\x02"
        return f"inline:{text}" + "|2^31" * ("lifetime" in self.traits), b""

    def _line(self, line: str) -> tuple[str, str, bytes, bytes, list[str]] | None:
        form = r"a=crypto:(\d{1,9}) (\w+) inline:([A-Za-z0-9+/]+=*)((?:\|[^ |]+)*)((?: \S+)*)$"
        found = re.match(form, line)
        suite = found[2] if found else ""
        spoken = AES if suite.startswith("NULL") and "takes-null" in self.traits else suite
        if not found or spoken not in SUITES:
            return None
        size = sum(SUITES[spoken][:2])
        try:
            master = base64.b64decode(found[3] + "=" * (-len(found[3]) % 4), validate=True)
        except ValueError:
            return None
        if "short-key" in self.traits and len(master) < size:
            master = (master * 2)[:size]
        params, mki = found[5].split(), re.search(r"\|(\d+):(\d+)", found[4])
        refused = () if "takes-unencrypted" in self.traits else UNPROTECTED
        unknown = [one for one in params if one in refused or one not in UNPROTECTED]
        if len(master) != size or unknown or (mki and "no-mki" in self.traits):
            return None
        return found[1], found[2], master, int(mki[1]).to_bytes(int(mki[2])) if mki else b"", params

    def _dtls(self, lines: list[str]) -> list[str] | None:
        prints = Prints.read(lines, self.traits)
        if not prints.usable:
            return None
        role = {"active": "passive", "passive": "active"}.get(prints.setup, "passive")
        if prints.setup == "actpass" and "active" in self.traits:
            role = "active"
        self.association = Association(role == "active", prints, self.traits)
        self.access_out, self.core_out = self.access, self.core  # RFC 5763 asks for symmetric RTP
        if role == "active":
            self.later(1.0 if "active" in self.traits else 0.05, self._dtls_step)
        return [*self.association.announced, f"setup:{role}"]

    # The relay

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Have it done after a while."""
        heapq.heappush(self.plan, (time.monotonic() + seconds, next(NUMBER), what))

    def _relay(self) -> None:
        doors = {
            self.access: self._from_access,
            self.core: self._from_core,
            self.reports: self._from_access,
            self.core_reports: self._from_core,
        }
        if self.traits & {"keep-alive", "talks", "plain-first", "own-reports", "mux-plain"}:
            self._tick()
        with contextlib.suppress(OSError, ValueError):
            while not self.ended:
                wait = max(0.0, min(0.2, self.plan[0][0] - time.monotonic())) if self.plan else 0.2
                for door in select.select(list(doors), [], [], wait)[0]:
                    data, source = door.recvfrom(65535)
                    if data and time.monotonic() >= self.deaf_until:
                        doors[door](data, source)
                while self.plan and self.plan[0][0] <= time.monotonic():
                    heapq.heappop(self.plan)[2]()
                if self.association and self.association.expired():
                    self._dtls_step()

    def _tick(self) -> None:
        self.later(0.1, self._tick)
        if "keep-alive" in self.traits:
            stun = bytes.fromhex("00110000 2112a442") + secrets.token_bytes(12)
            for data in (b"", stun, b"\0\0\0\0"):
                self._send("access", data, self.peer)
                self._send("core", data, self.far)
        if self.traits & {"talks", "plain-first"} and (self.own is not None or "talks" not in self.traits):
            fresh = self._fresh(b"\xd5" * 160)
            (self._to_access if self.own is not None else lambda one: self._send("access", one, self.peer))(fresh)
        if self.traits & {"own-reports", "mux-plain"}:
            report = (
                b"\x80\xc9\0\1" + self.source.to_bytes(4) + b"\x81\xca\0\3" + self.source.to_bytes(4) + b"\1\3odd\0\0\0"
            )
            self._report_out(report)

    def _fresh(self, payload: bytes) -> bytes:
        self.number, self.stamp = self.number + 1, self.stamp + 160
        head = b"\x80\0" + (self.number & 0xFFFF).to_bytes(2) + (self.stamp & 0xFFFFFFFF).to_bytes(4)
        return head + self.source.to_bytes(4) + payload

    def _dtls_step(self, data: bytes = b"") -> None:
        assert self.association is not None
        keys = self.association.step(data, lambda out: self._send("access", out, self.peer))
        if keys is not None:
            self.theirs, self.own = keys

    def _from_access(self, data: bytes, source: tuple[str, int]) -> None:
        traits = self.traits
        if "strict-source" in traits and source[0] != (self.peer or source)[0]:
            return
        if 20 <= data[0] <= 63 and self.association is not None:
            if source == self.peer:
                self._dtls_step(data)
            return
        if len(data) < 12 and "dies-of-short" in traits:
            self.theirs = None
        if not 128 <= data[0] <= 191 or len(data) < 8:
            return
        if 192 <= data[1] <= 223:
            self._report_in(data)
            return
        if "latch-first" in traits and not self.heard:
            self.peer = source
        if "latch-plain" in traits and data[8:12] == self.source_of_peer:
            self.peer = source
        self.heard = True
        plain = self._opened(data, source)
        if plain is not None:
            self.received += 1
            back = "echo" in traits
            self._in_order("core", plain, self._to_access if back else lambda one: self._send("core", one, self.far))

    source_of_peer = b""

    def _opened(self, data: bytes, source: tuple[str, int]) -> bytes | None:  # noqa: C901 - a flaw a branch
        traits = self.traits
        known = data[8:12] == self.source_of_peer
        if "plain-events" in traits and data[1] & 127 == 101:
            return data
        if ("plain-other" in traits and not known and self.source_of_peer) or (
            "sniffs" in traits and not self.received
        ):
            opened = self.theirs.open(data) if self.theirs else None
            self.received += opened is not None
            return opened if opened is not None else data
        if self.theirs is None:
            opened = data if self.association and self.association.plain else None
        elif self.ended and "in-outlives" not in traits:
            opened = None
        else:
            opened = self.theirs.open(data)
            if opened is None and "avp" in traits:
                opened = data
            if opened is None and "latch-authentic" in traits and self._authentic(data):
                self.peer = source
        if opened is None:
            self.forgeries += 1
            if "deaf-after-forgery" in traits and self.forgeries == 20:
                self.deaf_until = time.monotonic() + 5
            return None
        if "one-source" in traits and self.source_of_peer and not known:
            return None
        self.source_of_peer = data[8:12]
        if "latches" in traits or "latch-authentic" in traits:
            self.peer = source
        return opened

    def _authentic(self, data: bytes) -> bool:
        assert self.theirs is not None
        kept, self.theirs.seen = self.theirs.seen, {}
        self.theirs.seen = {key: odd_srtp.Seen(one.highest) for key, one in kept.items()}
        self.theirs.flaws |= {"no-window"}
        opened = self.theirs.open(data)
        self.theirs.flaws -= {"no-window"}
        self.theirs.seen = kept
        return opened is not None

    def _report_in(self, data: bytes) -> None:
        traits = self.traits
        if "bye-obeyed" in traits and re.search(rb"\x81\xcb", data):
            self.theirs = None
        opened = self.theirs.open_report(data) if self.theirs else None
        if "mux-plain" in traits or "plain-rtcp" in traits:
            opened = opened or data
        if opened is not None and "echo" in traits:
            self._report_out(opened)
        elif opened is not None and not traits & {"own-reports", "no-reports"}:
            out = self.core if self.mux else self.core_reports
            out.sendto(opened, self.far if self.mux else (self.far[0], self.far[1] + 1))

    def _from_core(self, data: bytes, _: tuple[str, int]) -> None:
        if not 128 <= data[0] <= 191 or len(data) < 8:
            return
        if 192 <= data[1] <= 223:
            if not self.traits & {"own-reports", "no-reports"}:
                self._report_out(data)
            return
        if "latches" in self.traits and not self.received:
            return
        if self.ended and "out-outlives" not in self.traits:
            return
        if "same-numbers" in self.traits:
            data = data[:8] + self.source.to_bytes(4) + data[12:]
        self._in_order("access", data, self._to_access)

    def _to_access(self, packet: bytes) -> None:
        if self.own is None:
            return
        roc, highest = self.states.get(("out", int.from_bytes(packet[8:12])), (0, -1))
        number = int.from_bytes(packet[2:4])
        if highest - number > 1 << 15:
            roc += 1
        if highest - number < 1 << 15 or highest - number > 1 << 15:
            self.states["out", int.from_bytes(packet[8:12])] = (roc, number)
        self.sent += 1
        known = self.far_sources.setdefault(int.from_bytes(packet[8:12]) << 64 | roc << 16 | number, hash(packet))
        if known != hash(packet) and "same-numbers" not in self.traits:
            return  # no keystream twice
        sealed = packet if "sends-first-plain" in self.traits and self.sent < 3 else self.own.protect(packet, roc)
        self._send("access", sealed, self.peer)

    def _report_out(self, data: bytes) -> None:
        if self.own is None or self.peer is None:
            return
        sealed = data if "mux-plain" in self.traits else self.own.protect_report(data)
        (self.access if self.mux else self.reports).sendto(sealed, self._report_place())

    def _report_place(self) -> tuple[str, int]:
        assert self.peer is not None
        return self.peer if self.mux else (self.peer[0], self.peer[1] + 1)

    # Manners of handing on

    def _in_order(self, side: str, packet: bytes, out: Callable[[bytes], None]) -> None:  # noqa: C901 - a manner a branch
        traits, number, source = self.traits, int.from_bytes(packet[2:4]), int.from_bytes(packet[8:12])
        if "probation" in traits:
            last, run = self.states.get((side, source), (-2, 0))
            run = (
                min(run + 1, 9)
                if 0 < (number - last) % 65536 < 3000 or (run == 9 and (last - number) % 65536 < 100)
                else 1
            )
            self.states[side, source] = (number, run)
            if run < 2:
                return
        if "jitter-buffer" in traits:
            last, _ = self.states.get((side, source), (number - 1, 0))
            if (number - last) % 65536 > 1 << 15:
                return
            self.states[side, source] = (number, 0)
        if "loses" in traits and next(NUMBER) % 7 == 0:
            return
        if "policed" in traits:
            now = time.monotonic()
            self.bucket, self.filled = min(25.0, self.bucket + 100 * (now - self.filled)), now
            if self.bucket < 1:
                return
            self.bucket -= 1
        if "renumbers" in traits:
            packet = self._fresh(packet[odd_srtp.head_size(packet) :])
        wait = 0.15 * ("delays" in traits)
        if "paced" in traits:
            self.free_at[side] = max(self.free_at[side], time.monotonic()) + 0.002
            wait = self.free_at[side] - time.monotonic()
        if wait:
            self.later(wait, lambda: out(packet))
        else:
            out(packet)

    def _send(self, side: str, data: bytes, where: tuple[str, int] | None) -> None:
        if where is not None:
            (self.access_out if side == "access" else self.core_out).sendto(data, where)

    def end(self) -> None:
        """The end of the call."""
        self.ended = not self.traits & {"in-outlives", "out-outlives"}
        if not self.ended:
            self.traits |= {"over"}
            self.theirs = self.theirs if "in-outlives" in self.traits else None
            self.own = self.own if "out-outlives" in self.traits else None


def hook(host: str) -> type[OfferHook]:
    """What takes offers."""
    calls: dict[str, Call] = {}

    class Hook(OfferHook):
        def offered(self, sdp: str) -> str | None:
            _, traits, _, address, port = self.path.split("/")
            standing = calls.get(self.path)
            call = calls[self.path] = standing or Call(host, frozenset(traits.split("+")), (address, int(port)))
            if "answers-late" in call.traits:
                time.sleep(1)
            return call.answer(sdp) or (None if "hangs-up" in call.traits else "")

        def ended(self) -> None:
            call = calls.pop(self.path, None)
            if call is not None:
                call.end()

    return Hook


if __name__ == "__main__":
    serve(sys.argv[1], hook(sys.argv[1]))
