"""The odd core with a security agreement (RFC 3329, TS 33.203 7): ipsec-3gpp over UDP, right or wrong as it is told.

``HOST PORT TRAIT...``, or ``HOST 0 each``. ESP goes over a raw socket, so that it needs the right to one.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.whole import odd_registrar
from tests.whole.odd_core import Core
from tests.whole.odd_esp import Association, Ends, SpoiltError, Suite
from tests.whole.odd_registrar import Hop, RefusedError, Transaction
from tests.whole.odd_sip import Message, address, split

if TYPE_CHECKING:
    from tests.whole.odd_aka import Vector

RIGHT = {
    "plain": "one entry, the first of its own list that the UE offers",
    "no-encryption": "integrity alone, by policy",
    "two-entries": "a list of two with q, the better one last",
    "no-q": "a list of two without q",
    "long-q": "q with three digits",
    "defaults": "prot, mod and a null ealg left out",
    "capitals": "names and values in capitals",
    "spaced": "spaces around semicolons",
    "two-lines": "a header field for each entry",
    "others-too": "digest and tls beside ipsec-3gpp",
    "media-too": "an entry for media security beside it",
    "from-server": "answers come from the server port to the client port",
    "same-ports": "the same ports for all UEs",
    "one-port": "client and server port are one",
    "large-spis": "SPIs of ten digits",
    "orderly": "494 to a Security-Verify in another order",
    "says-403": "403 where lists do not match",
    "says-400": "400 where lists do not match",
    "drops": "silence where lists do not match",
    "required": "421 to who does not agree",
    "asks-once": "a protected REGISTER is not challenged again",
    "keeps-old": "older associations are served for a second",
}
WRONG = {
    "icv": "does not check the ICV",
    "replayed": "takes packets again",
    "any-port": "does not look at the ports inside",
    "any-null": "takes packets without encryption",
    "verify-counted": "looks at how many entries Security-Verify has",
    "verify-numbers": "looks at SPIs and ports in Security-Verify, not at algorithms",
    "verify-not-asked": "does without Security-Verify",
    "client-not-compared": "does not look at the second Security-Client",
    "plain-answer": "takes the answer to a challenge without protection",
    "first-of-client": "takes what stands first in the UE's list",
    "mirrored": "its SPIs are the UE's",
    "weak": "agrees on HMAC-MD5 and 3DES",
    "anybody": "an association speaks for whomever From names",
    "outlives": "associations outlive the registration",
    "older-lives": "older associations are served for ever",
    "clear-answers": "answers go out in clear",
    "unlisted": "goes on without protection where nothing was listed",
    "unknown-taken": "goes on without protection where only unknown mechanisms were listed",
    "plain-port": "serves its protected port in clear, too",
    "taken-over": "a UE ends another's associations by naming its SPIs",
    "any-call": "does not look at the Call-ID of the answer",
    "unprotected-known": "serves a UE with associations in clear on its public port, too",
}
STRONG = [("null", "aes-gcm"), ("hmac-sha-1-96", "aes-cbc"), ("hmac-sha-1-96", "null")]
NUMBERS = ("spi-c", "spi-s", "port-c", "port-s")
SAYS = {"says-403": 403, "says-400": 400, "drops": 0}
WEAK = [("hmac-md5-96", "des-ede3-cbc"), ("hmac-md5-96", "null")]
Entry = tuple[str, dict[str, str]]


def entries(message: Message, name: str) -> list[Entry]:
    """The mechanisms in a header field."""
    found = []
    for text in (part for value in message.all(name) for part in split(value)):
        first, *rest = [part.strip() for part in text.split(";")]
        pairs = [part.partition("=") for part in rest]
        found.append((first.lower(), {key.strip().lower(): value.strip().lower() for key, _, value in pairs}))
    return found


def numbers_of(some: list[Entry]) -> list[Entry]:
    """Entries without their algorithms."""
    return [(name, {key: text for key, text in params.items() if key in NUMBERS}) for name, params in some]


def suite_of(params: dict[str, str]) -> tuple[str, str]:
    return params.get("alg", ""), params.get("ealg", "null")


class Wire:
    """The raw socket that all of a process share."""

    def __init__(self, host: str) -> None:
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 50)
        self.raw.bind((host, 0))
        self.raw.setblocking(False)
        self.cores: list[SecureCore] = []
        asyncio.get_running_loop().add_reader(self.raw, self.take)

    def take(self) -> None:
        data = self.raw.recv(65536)
        packet = data[4 * (data[0] & 15) :]
        spi = int.from_bytes(packet[:4], "big")
        for core in self.cores:
            if spi in core.associations:
                core.packet(packet, core.associations[spi])

    def send(self, packet: bytes, host: str) -> None:
        with suppress(BlockingIOError):
            self.raw.sendto(packet, (host, 0))


class SecureCore(Core):
    """All of it."""

    def __init__(self, host: str, port: int, traits: set[str], wire: Wire) -> None:
        super().__init__(host, port, traits)
        self.wire = wire
        wire.cores.append(self)
        self.associations: dict[int, Association] = {}
        self.pending: dict[str, Association] = {}
        self.ports = iter(range(21000 + 2 * secrets.randbelow(2000), 32000, 2))
        self.open: dict[int, socket.socket] = {}

    # ESP

    def packet(self, packet: bytes, one: Association) -> None:
        checks = {"checked": not self.has("icv"), "fresh": not self.has("replayed"), "ports": not self.has("any-port")}
        try:
            message = one.take(packet, **checks)
        except SpoiltError:
            if not self.has("any-null"):
                return
            other = Suite(
                one.suite.alg if one.suite.alg != "null" else "hmac-sha-1-96", "null", one.suite.ck, one.suite.ik
            )
            try:
                message = other.open(packet)[8:]
            except SpoiltError:
                return
        self.came(message, Hop((one.host, one.peer.port_c, one.own.spi_s)))

    def put(self, data: bytes, hop: Hop) -> None:
        one = self.associations.get(hop.peer[2]) if len(hop.peer) > 2 else None
        if one is None and len(hop.peer) > 2:  # the newest of this UE
            settled = [other for other in self.associations.values() if other not in self.pending.values()]
            one = next((other for other in reversed(settled) if other.peer.port_c == hop.peer[1]), None)
        if len(hop.peer) == 2:
            super().put(data, hop)
        elif one is not None and self.has("clear-answers") and data.startswith(b"SIP/2.0"):
            super().put(data, Hop((one.host, one.peer.port_s)))
        elif one is not None:
            packet = one.packet(data, from_server=self.has("from-server") and data.startswith(b"SIP/2.0"))
            self.wire.send(packet, one.host)

    # The agreement

    def register(self, server: Transaction) -> None:
        message, hop = server.request, server.hop
        offered = entries(self.asked, "security-client")
        protected = len(hop.peer) > 2
        mine = self.associations.get(hop.peer[2]) if protected else None
        wants = "sec-agree" in ",".join(message.all("require") + message.all("proxy-require"))
        known = [params for name, params in offered if name == "ipsec-3gpp"]
        if mine is not None and mine.user != self.user(message) and not self.has("anybody"):
            raise RefusedError(403)
        pending = self.pending.get(self.nonce(message))
        if pending is not None and "auts=" not in message.get("authorization") and not self.agreed(pending, mine):
            self.pending.pop(self.nonce(message))
            raise RefusedError(next((status for trait, status in SAYS.items() if self.has(trait)), 494))
        if not offered and (self.has("required") or (wants and not self.has("unlisted"))):
            raise RefusedError(421 if not wants else 494, ("security-server", "ipsec-3gpp;alg=hmac-sha-1-96"))
        if offered and not self.choice(known) and not self.has("unknown-taken"):
            listed = "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;prot=esp;mod=trans"
            raise RefusedError(494, ("security-server", listed))
        super().register(server)
        if server.last is not None and server.last.status == 200 and mine is not None:
            self.settle(mine, message)

    asked: Message

    def check(self, message: Message) -> None:
        self.asked = message.copy()
        super().check(message)

    @staticmethod
    def nonce(message: Message) -> str:
        return message.get("authorization").partition('nonce="')[2].partition('"')[0]

    def agreed(self, pending: Association, mine: Association | None) -> bool:
        """Whether a second REGISTER repeats the lists of the first one, through the associations."""
        if mine is not pending and not self.has("plain-answer"):
            return False
        offered = ", ".join(self.asked.all("security-client"))
        verify, server = self.asked, Message("", [("security-verify", pending.listed)])
        repeated, listed = entries(verify, "security-verify"), entries(server, "security-verify")
        if offered != pending.offered and not self.has("client-not-compared"):
            return False
        verdicts = {
            "verify-not-asked": not repeated or repeated == listed,
            "verify-counted": len(repeated) == len(listed),
            "verify-numbers": numbers_of(repeated) == numbers_of(listed),
            "orderly": repeated == listed,
        }
        usual = sorted(map(str, repeated)) == sorted(map(str, listed))
        return next((said for trait, said in verdicts.items() if self.has(trait)), usual)

    def choice(self, known: list[dict[str, str]]) -> dict[str, str] | None:
        """The UE's entry for the best suite that both have."""
        own = [*(WEAK if self.has("weak") else []), *STRONG]
        own = STRONG[2:] if self.has("no-encryption") else own
        usable = [params for params in known if suite_of(params) in own and params.get("mod", "trans") == "trans"]
        usable = [one for one in usable if all(one.get(name, "").isdecimal() for name in NUMBERS)]
        if self.has("first-of-client"):
            return next(iter(usable), None)
        return min(usable, key=lambda params: own.index(suite_of(params)), default=None)

    def ask_who(self, server: Transaction, nonce: str, vector: Vector, *, proxy: bool) -> None:
        known = [params for name, params in entries(self.asked, "security-client") if name == "ipsec-3gpp"]
        best = self.choice(known)
        challenges = self.aka.challenges("odd.example", nonce, vector)
        name = "proxy-authenticate" if proxy else "www-authenticate"
        more = [(name, one) for one in challenges]
        if best is not None:
            made = self.associate(server, vector, best)
            self.pending[nonce] = made
            more += self.listing(made, known)
        self.answer(server, 407 if proxy else 401, *more)

    def associate(self, server: Transaction, vector: Vector, best: dict[str, str]) -> Association:
        peer = Ends.read(best)
        port = 20998 if self.has("same-ports") else next(self.ports)
        least = 1 << 31 if self.has("large-spis") else 256
        spis = [least + secrets.randbelow(1 << 30) for _ in range(2)]
        own = Ends(spis[0], spis[1], port, port + (0 if self.has("one-port") else 1))
        if self.has("mirrored"):
            own = Ends(peer.spi_c, peer.spi_s, port, port + 1)
        if self.has("taken-over"):
            for spi, one in list(self.associations.items()):
                if one.peer.spi_s == peer.spi_s and one.user != vector.user:
                    del self.associations[spi]
        suite = Suite(*suite_of(best), vector.ck, vector.ik)
        offered = ", ".join(self.asked.all("security-client"))
        made = Association(vector.user, server.hop.peer[0], suite, own, peer, offered, "")
        self.associations[own.spi_s] = made
        if self.has("plain-port") and own.port_s not in self.open:
            self.listen(made)
        return made

    def listen(self, one: Association) -> None:
        """Serve a protected port in clear."""
        made = self.open[one.own.port_s] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((self.place.partition(":")[0], one.own.port_s))
        made.setblocking(False)

        def take() -> None:
            data, (host, port) = made.recvfrom(65536)
            self.came(data, Hop((host, port, one.own.spi_s) if port == one.peer.port_c else (host, port)))

        asyncio.get_running_loop().add_reader(made, take)

    def listing(self, one: Association, known: list[dict[str, str]]) -> list[tuple[str, str]]:
        """Security-Server, in the manner that was chosen."""
        ends = one.own
        numbers = f"spi-c={ends.spi_c};spi-s={ends.spi_s};port-c={ends.port_c};port-s={ends.port_s}"
        several = any(map(self.has, ("two-entries", "no-q", "long-q", "two-lines", "orderly")))
        own = [suite for suite in STRONG if suite in [suite_of(params) for params in known]]
        chosen = (one.suite.alg, one.suite.ealg)
        suites = [*[suite for suite in own if suite != chosen][:1], chosen] if several else [chosen]
        if self.has("no-q"):
            suites.reverse()
        texts = []
        for number, (alg, ealg) in enumerate(suites, 1):
            quality = "" if self.has("no-q") or not several else f";q=0.{number}" + ("34" if self.has("long-q") else "")
            usual = f";alg={alg}" + ("" if ealg == "null" else f";ealg={ealg}") + f";{numbers}"
            written = usual if self.has("defaults") else f";alg={alg};ealg={ealg};prot=esp;mod=trans;{numbers}"
            texts.append(f"ipsec-3gpp{quality}{written}")
        if self.has("others-too"):
            texts = ["digest;q=0.01", *texts, "tls;q=0.02"]
        if self.has("media-too"):
            texts.append("sdes-srtp;mediasec")
        if self.has("capitals"):
            texts = [text.upper() for text in texts]
        if self.has("spaced"):
            texts = [text.replace(";", " ; ") for text in texts]
        one.listed = ", ".join(texts)
        return (
            [("security-server", text) for text in texts]
            if self.has("two-lines")
            else [("security-server", one.listed)]
        )

    def settle(self, mine: Association, message: Message) -> None:
        """Registered: end what came before; de-registered: end all."""
        gone = message.get("expires") == "0"
        mine.contact = address((message.each("contact") or [""])[0])
        for spi, one in list(self.associations.items()):
            another = one is not mine and (one.user, one.contact) == (mine.user, mine.contact)
            if (gone and one is mine and not self.has("outlives")) or (another and not self.has("older-lives")):
                wait = 1.0 if self.has("keeps-old") and not gone else 0.05
                asyncio.get_running_loop().call_later(wait, self.associations.pop, spi, None)
        self.pending = {nonce: one for nonce, one in self.pending.items() if one is not mine}

    # Who is who

    def proven(self, server: Transaction, user: str, *, proxy: bool = False) -> bool:
        hop = server.hop
        mine = self.associations.get(hop.peer[2]) if len(hop.peer) > 2 else None
        known = mine is not None and mine not in self.pending.values() and (mine.user == user or self.has("anybody"))
        if known and (self.has("asks-once") or self.has("anybody")):
            return True
        return super().proven(server, user, proxy=proxy)

    def caller(self, message: Message, hop: Hop) -> str:
        one = self.associations.get(hop.peer[2]) if len(hop.peer) > 2 else None
        said = address(message.get("from")).removeprefix("sip:").partition("@")[0]
        if one is not None and (self.has("outlives") or self.has("older-lives")):
            return one.user
        if self.has("unprotected-known") and len(hop.peer) == 2 and self.bindings.get(said):
            return said
        return super().caller(message, hop)


async def serve(host: str, port: int, traits: set[str], wire: Wire) -> int:
    """Serve on this port of UDP (any when it is 0) as long as the loop runs; returns the port."""
    loop = asyncio.get_running_loop()
    core = SecureCore(host, port, traits, wire)
    transport, _ = await loop.create_datagram_endpoint(lambda: core, local_addr=(host, port))
    core.at(host, transport.get_extra_info("sockname")[1])
    return core.port


if __name__ == "__main__":
    wires: dict[str, Wire] = {}
    odd_registrar.main(
        (*RIGHT, *WRONG),
        lambda host, port, traits: serve(host, port, traits, wires.setdefault(host, wires.get(host) or Wire(host))),
    )
