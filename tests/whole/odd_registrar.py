"""A SIP registrar and proxy that is not ours, right or wrong in ways to choose: ``HOST PORT TRAIT...``, or
``HOST 0 each`` for one of each.

It shares no code with the harness: users with digest passwords, UDP and TCP on one port, calls only between sockets
that registered, in-dialog requests only from the parties. :data:`RIGHT` names liberties that RFC 3261 and its
extensions leave, :data:`WRONG` names flaws. Users are ``alice`` to ``frank``, passwords ``NAME-secret``.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from tests.whole.odd_digest import Digest
from tests.whole.odd_sip import Message, UnreadableError, address, host_of, param, shaped, user_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

DOMAIN = "odd.example"
USERS = {name: f"{name}-secret" for name in ("alice", "bob", "carol", "dave", "erin", "frank")}
RIGHT = {
    "plain": "nothing odd",
    "compact": "compact header names",
    "folded": "header values over several lines (RFC 3261 7.3.1)",
    "small": "header names in small letters, with spaces before the colon",
    "joined": "values of one header on one line, with commas",
    "unknown": "header fields that nobody knows, and no reason phrase",
    "reversed": "header fields in another order",
    "odd-tags": "tags and branches of every token character",
    "no-length": "no Content-Length over UDP",
    "keep-alive": "CR LF between messages",
    "quoted": "display names with escapes, a realm with a quote in it",
    "terse": "a challenge in small letters without spaces, qop without auth-int, an unknown parameter",
    "no-qop": "a challenge without qop (RFC 2069 style)",
    "auth-int": "a challenge with qop auth-int alone",
    "both-qops": "a challenge with both",
    "sha-256": "SHA-256 alone",
    "two-algorithms": "one challenge with SHA-256, then one with MD5 (RFC 8760)",
    "unknown-first": "a challenge with an algorithm that nobody knows, then one with MD5",
    "bearer-first": "a challenge of another scheme first (RFC 8898), then Digest",
    "nonce-once": "each nonce is good for one request; stale=TRUE afterwards",
    "next-nonce": "Authentication-Info with a nextnonce",
    "stale-first": "the first answer to a challenge is always stale",
    "asks-407": "REGISTER is challenged with 407",
    "asks-each": "every request but ACK and CANCEL is challenged (407)",
    "trying": "100 before everything, without To tag",
    "provisionals": "100, 180 and 183 before a call is answered",
    "slow": "a quarter of a second before each answer",
    "403": "403 after a wrong response",
    "drops": "silence after a wrong response, and to strangers",
    "404": "404 for unknown users",
    "unknown-200": "200 to OPTIONS for whomever",
    "options-405": "405 to OPTIONS",
    "options-drop": "no answer to OPTIONS of strangers",
    "expires-contact": "Expires in Contact alone",
    "expires-header": "Expires in the header alone",
    "least": "registrations last a minute at most, 423 below",
    "others-listed": "other bindings are listed, too",
    "gruu": "contacts come back with GRUUs, instance and quoted parameters (RFC 5627)",
    "no-contacts": "no Contact in the answer to REGISTER",
    "service-route": "two entries of Service-Route, lr=on",
    "associated": "P-Associated-URI with a tel URI first",
    "asserted-tel": "P-Asserted-Identity with a sip and a tel URI",
    "asserted-form": "P-Asserted-Identity with a display name, a port and user=phone",
    "double-rr": "two Record-Route entries",
    "b2bua": "a back-to-back user agent that rewrites everything",
    "one-contact": "one contact for each user, the newest",
    "breadth-440": "440 where Max-Breadth does not suffice",
    "no-from": "403 to a From that is not the caller's",
    "own-contact": "403 to contacts that are not where they were registered from",
    "busy": "503 with Retry-After to the first request of an address",
    "dials": "over TCP, requests to UEs go over a connection that it opens to their contact",
}
WRONG = {
    "any-password": "takes any response",
    "no-challenge": "does not challenge who is registered",
    "no-challenge-at-all": "challenges nobody",
    "empty-response": "takes an empty response",
    "prefix": "compares no more than what came",
    "replay": "takes a nonce again and again, with the same count",
    "any-method": "takes a response made for INVITE",
    "any-uri": "takes a response for another URI",
    "fails-out": "de-registers who fails authentication",
    "anybody": "lets authenticated users register others",
    "unregistered": "passes calls of who is not registered",
    "from-believed": "asserts what From says",
    "asserted-passed": "passes P-Asserted-Identity on",
    "relay": "follows Route and Request-URI to anywhere",
    "third-party": "does not look at who sends within a call",
    "tags": "looks at the Call-ID of a call alone",
    "hops": "does not count hops",
    "privacy": "asserts an identity though Privacy says id",
    "banner": "Server with its version",
    "unlimited": "lets passwords be guessed",
    "locks": "locks a user out after wrong guesses of anybody",
    "older": "does not look at CSeq",
    "via": "answers where Via says",
    "stale-tells": "says stale=true to wrong responses, too",
    "contact-way": "takes a contact as Request-URI from anybody",
    "loops": "looks contacts up again",
    "network-headers": "passes the network's own header fields on",
}
NETWORK = [
    *("p-charging-vector", "p-charging-function-addresses", "p-profile-key", "p-served-user", "p-user-database"),
    *("p-visited-network-id", "p-asserted-service", "attestation-info", "origination-id", "additional-identity"),
]
LEAST = 60
REASON = {100: "Trying", 180: "Ringing", 200: "OK", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}


class RefusedError(Exception):
    """A request ends here, with this status (0: in silence)."""

    def __init__(self, status: int, *headers: tuple[str, str]) -> None:
        super().__init__(status)
        self.status, self.headers = status, headers


@dataclass(frozen=True)
class Hop:
    """Where something came from, and goes to."""

    peer: tuple[Any, ...]
    writer: asyncio.StreamWriter | None = field(default=None, compare=False)


@dataclass
class Binding:
    uri: str
    hop: Hop
    until: float
    call_id: str
    cseq: int
    params: str = ""


@dataclass
class Transaction:
    """A request that came in, the answer so far, and what it became."""

    request: Message
    hop: Hop
    last: Message | None = None
    clients: list[Client] = field(default_factory=list)


@dataclass
class Client:
    server: Transaction
    request: Message
    hop: Hop
    final: Message | None = None


@dataclass
class Party:
    tag: str
    hop: Hop
    contact: str


class Registrar(asyncio.DatagramProtocol):
    """All of it."""

    def __init__(self, host: str, port: int, traits: set[str]) -> None:
        self.traits = traits
        self.at(host, port)
        self.bindings: dict[str, list[Binding]] = {name: [] for name in USERS}
        self.digest = Digest(USERS, self.has)
        self.servers: dict[tuple[str, str, str], Transaction] = {}
        self.clients: dict[tuple[str, str], Client] = {}
        self.dialogs: dict[str, list[Party]] = {}
        self.greeted: set[str] = set()
        self.dialled: dict[tuple[str, int], asyncio.Task[asyncio.StreamWriter]] = {}
        self.reading: set[asyncio.Task[None]] = set()
        self.udp: asyncio.DatagramTransport | None = None
        self.server: asyncio.Server | None = None

    def at(self, host: str, port: int) -> None:
        """Say where it is."""
        self.port, self.place = port, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def has(self, trait: str) -> bool:
        return trait in self.traits

    # Bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.udp = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.came(data, Hop(addr[:2]))

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hop = Hop(writer.get_extra_info("peername")[:2], writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lstrip(b"\r\n")
                length = re.search(rb"\r\n(?:content-length|l)\s*:\s*(\d+)", head, re.IGNORECASE)
                if head:
                    self.came(head + await reader.readexactly(min(int(length[1]), 65536) if length else 0), hop)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            writer.close()

    def send(self, message: Message, hop: Hop) -> None:
        data = shaped(message, self.has, reliable=hop.writer is not None)
        if self.has("keep-alive"):
            if hop.writer is None:
                self.put(b"\r\n\r\n", hop)
            else:
                data = b"\r\n\r\n" + data
        if self.has("slow") and message.status >= 200:
            asyncio.get_running_loop().call_later(0.25, self.put, data, hop)
        else:
            self.put(data, hop)

    def put(self, data: bytes, hop: Hop) -> None:
        target = re.match(rb"\S+ sip:(?:[^@ ]*@)?([\d.]+):(\d+)", data.lstrip())
        if hop.writer is not None and self.has("dials") and target:
            place = (target[1].decode(), int(target[2]))
            if place not in self.dialled:
                self.dialled[place] = asyncio.create_task(self.dial(*place))
            self.dialled[place].add_done_callback(lambda task: None if task.exception() else task.result().write(data))
        elif hop.writer is not None:
            if not hop.writer.is_closing():
                hop.writer.write(data)
        elif self.udp is not None:
            self.udp.sendto(data, hop.peer)

    async def dial(self, host: str, port: int) -> asyncio.StreamWriter:
        """Open a connection to a UE, and read what comes back there."""
        reader, writer = await asyncio.open_connection(host, port)
        self.reading.add(reading := asyncio.create_task(self.connected(reader, writer)))
        reading.add_done_callback(self.reading.discard)
        reading.add_done_callback(lambda _: self.dialled.pop((host, port), None))
        return writer

    # What comes in

    def came(self, data: bytes, hop: Hop) -> None:
        try:
            message = Message.read(data.lstrip(b"\r\n"))
            if message.status:
                self.response(message, hop)
            elif message.start.count(" ") == 2:
                self.request(message, hop)
        except (UnreadableError, ValueError, IndexError):
            return

    def came_by(self, message: Message, hop: Hop) -> Hop:
        """Note in Via where a request came from, and return where its answer goes."""
        vias = message.each("via")
        claimed = re.search(r"received=([^;]*)", vias[0]), re.search(r"rport=(\d+)", vias[0])
        bare = re.sub(r";rport(=\d*)?(?=;|$)|;received=[^;]*", "", vias[0])
        message.put("via", f"{bare};received={hop.peer[0]};rport={hop.peer[1]}", *vias[1:])
        if self.has("via") and hop.writer is None and claimed[0] and claimed[1]:
            return Hop((claimed[0][1], int(claimed[1][1])))
        return hop

    def request(self, message: Message, hop: Hop) -> None:
        hop = self.came_by(message, hop)
        method = message.method
        key = (message.branch, message.get("call-id"), "INVITE" if method == "ACK" else method)
        known = self.servers.get(key)
        if method == "ACK":
            if known is None or known.last is None or known.last.status < 300:
                self.within(message, hop)
            return
        if known is not None:
            if known.last is not None:
                self.send(known.last, known.hop)
            return
        server = self.servers[key] = Transaction(message, hop)
        if self.has("busy") and hop.peer[0] not in self.greeted:
            self.greeted.add(hop.peer[0])
            self.answer(server, 503, ("retry-after", "1"))
            return
        if method == "CANCEL":
            self.cancel(server)
            return
        if self.has("trying"):
            self.answer(server, 100)
        try:
            self.decide(server)
        except RefusedError as refusal:
            if refusal.status:
                self.answer(server, refusal.status, *refusal.headers)

    def decide(self, server: Transaction) -> None:
        message, method = server.request, server.request.method
        hops = message.get("max-forwards")
        if method == "REGISTER":
            self.register(server)
        elif param(message.get("to"), "tag"):
            if self.challenged(server, user_of(address(message.get("from")))):
                return
            self.within(message, server.hop, server)
        elif hops == "0" and not self.has("hops"):
            self.answer(server, 483)
        elif method == "OPTIONS" and not user_of(message.uri).count("") > 1 and "@" not in message.uri:
            if not self.has("options-drop"):
                self.answer(server, 405 if self.has("options-405") else 200, ("allow", "INVITE, ACK, BYE, OPTIONS"))
        else:
            self.outside(server)

    # Registration

    def user(self, message: Message) -> str:
        """Whom a REGISTER is about."""
        return user_of(address(message.get("to")))

    def register(self, server: Transaction) -> None:
        message = server.request
        user = self.user(message)
        if user not in USERS and self.has("404"):
            raise RefusedError(404)
        bound = [one for one in self.bindings.get(user, []) if one.until > time.monotonic()]
        easy = self.has("no-challenge-at-all") or (self.has("no-challenge") and bound)
        if not easy and not self.proven(server, user):
            return
        wanted = self.wanted(message)
        if message.each("contact") == ["*"]:
            bound, wanted = [] if message.get("expires") == "0" else bound, []
        for value, seconds in wanted:
            self.bind(bound, server, value, seconds)
        self.bindings[user] = bound[-1:] if self.has("one-contact") else bound[-8:]
        self.answer(server, 200, *self.registered(user, wanted))

    def wanted(self, message: Message) -> list[tuple[str, int]]:
        """Contacts and the seconds that they are granted."""
        found = []
        for value in message.each("contact"):
            expires = param(value, "expires") or message.get("expires") or "3600"
            found.append((value, min(int(expires), 3600) if expires.isdecimal() else 3600))
        if any(0 < seconds < LEAST for _, seconds in found):
            raise RefusedError(423, ("min-expires", str(LEAST)))
        return [(value, min(seconds, LEAST)) for value, seconds in found] if self.has("least") else found

    def bind(self, bound: list[Binding], server: Transaction, value: str, seconds: int) -> None:
        message, hop, uri = server.request, server.hop, address(value)
        number, call_id = int(message.get("cseq").split()[0]), message.get("call-id")
        if self.has("own-contact") and host_of(uri) != f"{hop.peer[0]}:{hop.peer[1]}" and seconds:
            raise RefusedError(403)
        old = next((one for one in bound if one.uri == uri), None)
        if old is not None:
            if old.call_id == call_id and number <= old.cseq and not self.has("older"):
                raise RefusedError(500)
            bound.remove(old)
        if seconds:
            params = re.sub(r";\s*expires=\d+", "", value.rpartition(">")[2])
            bound.append(Binding(uri, hop, time.monotonic() + seconds, call_id, number, params))

    def registered(self, user: str, wanted: list[tuple[str, int]]) -> list[tuple[str, str]]:
        """The header fields of a 200 to REGISTER."""
        more: list[tuple[str, str]] = []
        for one in self.bindings[user]:
            left = "" if self.has("expires-header") else f";expires={max(int(one.until - time.monotonic()), 1)}"
            gruu = f';+sip.instance="<urn:uuid:{"0" * 8}>";pub-gruu="sip:{user}@{DOMAIN};gr=x,y";q=0.7'
            name = '"O\\"dd, <name>" ' if self.has("quoted") else ""
            more.append(("contact", f"{name}<{one.uri}>{one.params}{gruu if self.has('gruu') else ''}{left}"))
        if self.has("others-listed"):
            more.insert(0, ("contact", f"<tel:+4930123>;q=0.1;expires=7, <sips:{user}@192.0.2.7:5071>;expires=1800"))
        if self.has("no-contacts"):
            more = []
        if not self.has("expires-contact"):
            more.append(("expires", str(max((seconds for _, seconds in wanted), default=0))))
        if self.has("service-route"):
            more.append(("service-route", f"<sip:orig@{self.place};lr=on>, <sip:s.{DOMAIN};lr>"))
        if self.has("associated"):
            more.append(("p-associated-uri", f'<tel:+4930555>, "{user}" <sip:{user}@{DOMAIN}>'))
        if self.has("next-nonce"):
            more.append(("authentication-info", f'nextnonce="{self.digest.nonce()}", qop=auth, rspauth="{"0" * 32}"'))
        return more

    # Authentication

    def challenge(self, server: Transaction, *, proxy: bool = False, stale: bool = False) -> None:
        name = "proxy-authenticate" if proxy else "www-authenticate"
        challenges = self.digest.challenges(DOMAIN, stale=stale)
        self.answer(server, 407 if proxy else 401, *((name, one) for one in challenges))

    def challenged(self, server: Transaction, user: str) -> bool:
        """Whether a request other than REGISTER had to be asked who it is of."""
        return self.has("asks-each") and not self.proven(server, user, proxy=True)

    def proven(self, server: Transaction, user: str, *, proxy: bool = False) -> bool:
        """Whether the request's credentials are right; where not it is answered here."""
        proxy = proxy or self.has("asks-407")
        name = "proxy-authorization" if proxy else "authorization"
        given = next((one for one in server.request.all(name) if one.lower().startswith("digest")), "")
        said = self.digest.judge(given, server.request, user, server.hop.peer[0])
        if said in ("again", "stale"):
            self.challenge(server, proxy=proxy, stale=said == "stale")
        elif said == "forbidden":
            self.answer(server, 403)
        elif said == "wrong":
            self.take_wrong(server, user, proxy=proxy)
        return said == "right"

    def take_wrong(self, server: Transaction, user: str, *, proxy: bool) -> None:
        if self.has("fails-out"):
            self.bindings[user] = []
        if self.has("403"):
            self.answer(server, 403)
        elif not self.has("drops"):
            self.challenge(server, proxy=proxy, stale=self.has("stale-tells"))

    # Calls

    def caller(self, message: Message, hop: Hop) -> str:
        """Who has registered from where this came."""
        now = time.monotonic()
        names = [user for user, all_of in self.bindings.items() for one in all_of if one.hop == hop and one.until > now]
        return names[0] if names else ""

    def outside(self, server: Transaction) -> None:
        """A request that begins a dialog, or stands alone."""
        message = server.request
        said = user_of(address(message.get("from")))
        who = self.caller(message, server.hop)
        ahead = [one for one in message.each("route") if self.place not in one and f"s.{DOMAIN}" not in one]
        if self.has("relay") and (ahead or host_of(message.uri) != DOMAIN):
            self.relay(server, address(ahead[0]) if ahead else message.uri)
            return
        if not who and not (self.has("unregistered") or self.has("contact-way")):
            self.refuse_stranger(message)
        if self.challenged(server, who or said):
            return
        if self.has("no-from") and said != who and "anonymous" not in said:
            raise RefusedError(403)
        places = self.places(message)
        breadth = message.get("max-breadth")
        if breadth.isdecimal() and int(breadth) < len(places):
            if self.has("breadth-440"):
                raise RefusedError(440)
            places = places[: int(breadth)]
        self.fork(server, who, said, places)

    def refuse_stranger(self, message: Message) -> None:
        options = message.method == "OPTIONS"
        silent = self.has("options-drop") if options else self.has("drops")
        raise RefusedError(0 if silent else 200 if options and self.has("unknown-200") else 403)

    def places(self, message: Message) -> list[Binding]:
        """Where a Request-URI leads."""
        target, user = message.uri, user_of(message.uri)
        if host_of(target).partition(":")[0] != DOMAIN:
            found = [one for all_of in self.bindings.values() for one in all_of if one.uri == target]
            if not (self.has("contact-way") and found):
                raise RefusedError(404)
            return found
        if message.method == "OPTIONS" and self.has("unknown-200"):
            raise RefusedError(200)
        found = self.look_up(user, 0)
        if not found:
            raise RefusedError(480 if user in USERS else 404)
        return found

    def look_up(self, user: str, depth: int) -> list[Binding]:
        now = time.monotonic()
        found = [one for one in self.bindings.get(user, []) if one.until > now]
        if not self.has("loops") or depth > 6:
            return found
        again = []
        for one in found:
            again += self.look_up(user_of(one.uri), depth + 1) if host_of(one.uri) == DOMAIN else [one] * (depth + 1)
        return again

    def fork(self, server: Transaction, who: str, said: str, places: list[Binding]) -> None:
        message = server.request
        if self.has("provisionals") and message.method == "INVITE":
            for status in (100, 183):
                self.answer(server, status)
        for place in places:
            out = message.copy()
            identity = said if self.has("from-believed") else who
            asserted = out.all("p-asserted-identity") if self.has("asserted-passed") else []
            out.drop("route", "p-asserted-identity", "p-preferred-identity", "proxy-authorization", "authorization")
            out.drop("p-access-network-info")
            if not self.has("network-headers"):
                out.drop(*NETWORK)
            hidden = "id" in out.get("privacy") and not self.has("privacy")
            if identity and not hidden:
                form = (
                    f'"{identity.title()}" <sip:{identity}@{DOMAIN}:5060;user=phone>'
                    if self.has("asserted-form")
                    else f"<sip:{identity}@{DOMAIN}>"
                )
                asserted = asserted or [form, *(["<tel:+4930555>"] if self.has("asserted-tel") else [])]
                out.headers += [("p-asserted-identity", one) for one in asserted]
            out.start = f"{out.method} {place.uri} SIP/2.0"
            out.put("max-forwards", str(max(int(out.get("max-forwards") or "70") - 1, 0)))
            if not self.has("b2bua"):
                routes = [f"<sip:{self.place};lr>"] * (1 + self.has("double-rr"))
                out.put("record-route", *routes, *message.each("record-route")[:0])
            self.forward(server, out, place.hop)
        party = Party(param(message.get("from"), "tag"), server.hop, address((message.each("contact") or [""])[0]))
        self.dialogs[message.get("call-id")] = [party]

    def forward(self, server: Transaction, out: Message, hop: Hop) -> None:
        """Send a request on, with a branch of its own."""
        branch = "z9hG4bK" + ("-.!%*_+`'~" if self.has("odd-tags") else "") + secrets.token_hex(6)
        via = f"SIP/2.0/{'TCP' if hop.writer else 'UDP'} {self.place};branch={branch}"
        if self.has("b2bua"):
            self.rewrite(out)
            out.put("via", via)
        else:
            out.put("via", via, *out.each("via"))
        client = Client(server, out, hop)
        server.clients.append(client)
        self.clients[branch, out.method] = client
        self.send(out, hop)

    def rewrite(self, message: Message) -> None:
        """Give a message the identifiers of the other leg."""

        def other(text: str) -> str:
            return text[3:] if text.startswith("b2b") else f"b2b{text}"

        message.put("call-id", other(message.get("call-id")))
        for name in ("from", "to"):
            value = message.get(name)
            tag = param(value, "tag")
            message.put(name, value.replace(f"tag={tag}", f"tag={other(tag)}") if tag else value)
        if message.all("contact"):
            message.put("contact", f"<sip:b2b@{self.place}>")
        message.drop("record-route", "user-agent")

    def relay(self, server: Transaction, uri: str) -> None:
        host, _, port = host_of(uri).rpartition(":")
        if host:
            self.forward(server, server.request.copy(), Hop((host, int(port))))

    def within(self, message: Message, hop: Hop, server: Transaction | None = None) -> None:
        """A request within a dialog: from one of its parties to the other."""
        call_id = message.get("call-id")
        leg = call_id.removeprefix("b2b") if self.has("b2bua") else call_id
        tags = [param(message.get(name), "tag") for name in ("from", "to")]
        if self.has("b2bua") and call_id != leg:
            tags = [tag[3:] if tag.startswith("b2b") else f"b2b{tag}" for tag in tags]
        parties = self.dialogs.get(leg, [])
        own = next((one for one in parties if one.tag == tags[0]), None)
        peer = next((one for one in parties if one.tag == tags[1]), None)
        if self.has("tags") and len(parties) > 1:
            own, peer = own or parties[0], peer or parties[1]
        if own is None or peer is None or (own.hop != hop and not (self.has("third-party") or self.has("tags"))):
            if server is not None and not self.has("drops"):
                self.answer(server, 481)
            return
        out = message.copy()
        out.drop("route", "proxy-authorization", "p-access-network-info")
        if peer.contact:
            out.start = f"{out.method} {peer.contact} SIP/2.0"
        if self.has("tags"):
            for name, party in (("from", own), ("to", peer)):
                out.put(name, re.sub(r"tag=[^;]*", f"tag={party.tag}", out.get(name)))
        self.forward(server or Transaction(message, hop), out, peer.hop)
        if message.each("contact") and server is not None and own.hop == hop:
            own.contact = address(message.each("contact")[0])

    def cancel(self, server: Transaction) -> None:
        message = server.request
        invite = self.servers.get((message.branch, message.get("call-id"), "INVITE"))
        if invite is None or (invite.hop != server.hop and not self.has("third-party")):
            self.answer(server, 481)
            return
        self.answer(server, 200)
        for client in invite.clients:
            if client.final is None:
                self.abandon(client)

    def abandon(self, client: Client) -> None:
        request = client.request
        keep = ("from", "to", "call-id", "route", "max-forwards")
        headers = [("via", request.each("via")[0]), *((n, v) for n, v in request.headers if n in keep)]
        number = request.get("cseq").split()[0]
        self.send(Message(f"CANCEL {request.uri} SIP/2.0", [*headers, ("cseq", f"{number} CANCEL")]), client.hop)

    # Answers

    def response(self, message: Message, hop: Hop) -> None:
        method = message.get("cseq").split()[1]
        client = self.clients.get((message.branch, method))
        if client is None or (client.hop != hop and not self.has("third-party")) or message.status == 100:
            return
        server = client.server
        out = message.copy()
        if self.has("b2bua"):
            self.rewrite(out)
        for name in ("via", "call-id", "from", "cseq"):
            out.put(name, *server.request.all(name))
        if method == "INVITE":
            self.note(client, message, param(out.get("to"), "tag"))
        if message.status < 200:
            self.pass_back(server, out)
            return
        again, client.final = client.final is not None, message
        answered = server.last is not None and server.last.status >= 200
        if message.status < 300:
            self.abandon_others(server, method)
            self.pass_back(server, out)
        elif not again and not answered and all(one.final is not None for one in server.clients):
            self.pass_back(server, out)

    def note(self, client: Client, message: Message, tag: str) -> None:
        """Learn a party of the dialog, or acknowledge that there will be none."""
        if message.status >= 300:
            self.acknowledge(client, message)
        elif tag:
            contact = address((message.each("contact") or [""])[0])
            parties = self.dialogs.setdefault(client.server.request.get("call-id"), [])
            if all(one.tag != tag for one in parties):
                parties.append(Party(tag, client.hop, contact))
            for one in parties:
                one.contact = contact if one.tag == tag and contact else one.contact

    def abandon_others(self, server: Transaction, method: str) -> None:
        for other in server.clients if method == "INVITE" else ():
            if other.final is None:
                self.abandon(other)

    def acknowledge(self, client: Client, message: Message) -> None:
        request = client.request
        headers = [
            ("via", request.each("via")[0]),
            *((n, v) for n, v in request.headers if n in ("from", "call-id", "max-forwards")),
        ]
        number = request.get("cseq").split()[0]
        headers += [("to", message.get("to")), ("cseq", f"{number} ACK")]
        self.send(Message(f"ACK {request.uri} SIP/2.0", headers), client.hop)

    def pass_back(self, server: Transaction, out: Message) -> None:
        server.last = out
        self.send(out, server.hop)

    def answer(self, server: Transaction, status: int, *more: tuple[str, str]) -> None:
        server.last = self.answered(server, status, more)
        self.send(server.last, server.hop)

    def answered(self, server: Transaction, status: int, more: tuple[tuple[str, str], ...]) -> Message:
        request = server.request
        headers = [(name, value) for name in ("via", "from", "to", "call-id", "cseq") for value in request.all(name)]
        if status > 100 and not param(request.get("to"), "tag"):
            tag = ("-.!%*_+`'~" if self.has("odd-tags") else "") + secrets.token_hex(4)
            headers = [(name, f"{value};tag={tag}" if name == "to" else value) for name, value in headers]
        if self.has("quoted") and status > 100:
            headers = [(n, f'"O\\"dd" {v}' if n == "to" and v.startswith("<") else v) for n, v in headers]
        if self.has("banner"):
            headers.append(("server", "OddRegistrar/2.1.7 (Linux 6.1.0)"))
        return Message(f"SIP/2.0 {status} {REASON.get(status, 'Odd')}", [*headers, *more])


async def serve(registrar: Registrar, host: str, port: int) -> int:
    """Serve on this port (one that UDP and TCP have free, when it is 0) as long as the loop runs; returns the port."""
    loop = asyncio.get_running_loop()
    while registrar.udp is None:
        server = await asyncio.start_server(registrar.connected, host, port)
        registrar.at(host, server.sockets[0].getsockname()[1])
        try:
            await loop.create_datagram_endpoint(lambda: registrar, local_addr=(host, registrar.port))
        except OSError:
            server.close()
            if port:
                raise
        else:
            registrar.server = server
    return registrar.port


def main(known: Sequence[str], one: Callable[[str, int, set[str]], Awaitable[int]]) -> None:
    """Serve ``one`` with the traits of the command line, or (``each``) one of every known; say where as JSON."""
    host, port, traits = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    unknown = set(traits) - {*known, "each"}
    if unknown:
        sys.exit(f"no such trait: {', '.join(sorted(unknown))}")

    async def run() -> None:
        kinds = [{name} for name in known] if traits == ["each"] else [set(traits)]
        ports = {" ".join(sorted(kind)): await one(host, port, kind) for kind in kinds}
        print(json.dumps(ports), flush=True)  # noqa: T201 - says so to the test
        await asyncio.Event().wait()

    asyncio.run(run())


if __name__ == "__main__":
    main((*RIGHT, *WRONG), lambda host, port, traits: serve(Registrar(host, port, traits), host, port))
