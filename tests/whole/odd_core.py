"""A small IMS core that is not ours (P-CSCF and S-CSCF in one, IMS AKA), right or wrong in ways to choose.

``HOST PORT TRAIT...``, or ``HOST 0 each`` for one of each. It shares no code with the harness: bindings and dialogs are
those of :mod:`tests.whole.odd_registrar`, challenges those of :mod:`tests.whole.odd_aka`. Its manners and flaws stand
in :mod:`tests.whole.odd_core_traits`. Users are ``alice`` to ``frank`` with numbers from +4930100001 on.
"""

from __future__ import annotations

import asyncio
import re
import secrets

from tests.whole import odd_registrar
from tests.whole.odd_aka import Aka, Vector
from tests.whole.odd_core_traits import IMPLIED, NUMBERS, RIGHT, WRONG
from tests.whole.odd_registrar import DOMAIN, USERS, Binding, Client, Hop, RefusedError, Registrar, Transaction
from tests.whole.odd_sip import Message, address, host_of, param, user_of

LONGEST = 600000
MOST_CSEQ = (1 << 31) - 1
KNOWN = ("path", "sec-agree", "100rel", "timer", "gruu", "outbound", "replaces")
BOUNDARY = "odd-boundary"
SDP = "application/sdp"


class Core(Registrar):
    """All of it."""

    def __init__(self, host: str, port: int, traits: set[str]) -> None:
        super().__init__(host, port, traits.union(*(IMPLIED.get(one, set()) for one in traits)))
        self.aka = Aka(USERS, self.has)
        self.sender: asyncio.DatagramTransport | None = None
        self.paths: dict[str, str] = {}
        self.early: dict[str, Transaction] = {}
        self.offers: dict[str, bytes] = {}
        self.busy = True
        self.claimed: list[str] = []
        self.kept: dict[str, list[str]] = {}
        self.own_routes: list[str] = []
        self.more_asserted: list[str] = []

    # Bytes

    def put(self, data: bytes, hop: Hop) -> None:
        if self.has("other-port") and hop.writer is None and self.sender and not data.startswith(b"SIP/2.0"):
            self.sender.sendto(data, hop.peer)
        else:
            super().put(data, hop)

    # Registration

    def decide(self, server: Transaction) -> None:
        message = server.request
        self.check(message)
        if self.has("one-via") and server.request.method == "INVITE":
            server.request.drop("route")
        if message.uri.lower().startswith("tel:"):
            name = NUMBERS.get(message.uri[4:].partition(";")[0], "")
            message.start = message.start.replace(message.uri, f"sip:{name or 'nobody'}@{DOMAIN}")
        super().decide(server)

    def check(self, message: Message) -> None:
        """Refuse what no node may take (RFC 3261 16.3, RFC 4475)."""
        number, _, method = message.get("cseq").partition(" ")
        version = message.start.rpartition(" ")[2]
        if version != "SIP/2.0":
            raise RefusedError(505)
        if method.strip() != message.method or not number.isdecimal() or int(number) > MOST_CSEQ:
            raise RefusedError(400)
        numbers = [message.get("max-forwards"), message.get("expires")]
        if any(
            one and (not one.isdecimal() or int(one) > LIMIT)
            for one, LIMIT in zip(numbers, (255, 1 << 32), strict=True)
        ):
            raise RefusedError(400)
        if not message.uri.lower().startswith(("sip:", "sips:", "tel:")):
            raise RefusedError(416)
        wanted = [one.lower() for name in ("require", "proxy-require") for one in message.each(name)]
        unknown = [one for one in wanted if one not in KNOWN]
        if unknown:
            raise RefusedError(420, ("unsupported", ", ".join(unknown)))
        if message.get("max-forwards") == "0" and not self.has("hops"):
            raise RefusedError(483)
        message.drop("security-client", "security-verify")

    def register(self, server: Transaction) -> None:
        message, hop = server.request, server.hop
        user = self.user(message)
        if user not in USERS:
            raise RefusedError(0 if self.has("silent") else 403)
        if self.has("binds-first") and message.each("contact") and message.get("expires") != "0":
            self.bindings[user] = [Binding(address(message.each("contact")[0]), hop, 1e12, "", 0)]
        if self.has("short-interval"):
            message.headers = [(n, re.sub(r"expires=[1-9]\d*", "expires=60", v)) for n, v in message.headers]
            if message.get("expires") not in ("", "0"):
                message.put("expires", "60")
        super().register(server)
        if server.last is not None and server.last.status == 200:
            self.paths[user] = address((message.each("path") or [""])[0])
            if self.has("greets") and message.get("expires") != "0":
                for method, more in (("MESSAGE", ()), ("NOTIFY", (("event", "reg"), ("subscription-state", "active")))):
                    self.ask(method, address((message.each("contact") or [""])[0]), user, hop, *more)

    def user(self, message: Message) -> str:
        uri = address(message.get("to"))
        return NUMBERS.get(uri[4:], "") if uri.lower().startswith("tel:") else user_of(uri)

    def wanted(self, message: Message) -> list[tuple[str, int]]:
        found = super().wanted(message)
        asked = [message.get("expires"), *(param(value, "expires") for value in message.each("contact"))]
        if self.has("long-interval") and any(one.isdecimal() and 0 < int(one) < 7200 for one in asked):
            raise RefusedError(423, ("min-expires", "7200"))
        if self.has("longest"):
            return [(value, LONGEST if seconds else 0) for value, seconds in found]
        return found

    def registered(self, user: str, wanted: list[tuple[str, int]]) -> list[tuple[str, str]]:
        more = super().registered(user, wanted)
        number = next(one for one, name in NUMBERS.items() if name == user)
        sets = [f"<sip:{user}@{DOMAIN}>", f"<tel:{number}>", f"<sip:{number}@{DOMAIN};user=phone>"]
        if self.has("tel-first"):
            sets = [sets[1], sets[0], f'"!" <sip:{user}-!.*!@{DOMAIN}>']
        if self.has("barred-first"):
            sets = [f"<sip:default-{user}@{DOMAIN}>", sets[1]]
        more.append(("p-associated-uri", ", ".join(sets)))
        if self.has("route-hidden"):
            more.append(("service-route", f"<sip:Token(x%2b{user})@{self.place};lr;tokenized-by={DOMAIN}>"))
        else:
            more.append(("service-route", f"<sip:orig-{user}@{self.place};lr>"))
        if self.has("keys-in-answer"):
            more.append(("authentication-info", f'qop=auth, ck="{self.last_keys}"'))
        return more

    last_keys = ""

    def proven(self, server: Transaction, user: str, *, proxy: bool = False) -> bool:
        message = server.request
        name = "proxy-authorization" if proxy else "authorization"
        given = message.get(name)
        gone = message.get("expires") == "0" or "expires=0" in message.get("contact")
        if message.method == "REGISTER":
            bound = [one.hop.peer[0] for one in self.bindings[user]]
            if self.has("no-header") and not given:
                return True
            if (self.has("goes-unasked") and gone) or (self.has("same-address") and server.hop.peer[0] in bound):
                return True
            if self.has("auts-removes") and ("auts=" in given or ('response=""' in given and 'nonce=""' not in given)):
                self.bindings[user] = []
        said = self.aka.judge(given, message, user, server.hop.peer[0])
        vector = next((one for one in self.aka.vectors.values() if one.user == user), None)
        self.last_keys = vector.ck.hex() if vector else self.last_keys
        if said == "right":
            return True
        if said == "forbidden" or user not in USERS or (said == "wrong" and self.has("refuses-fast")):
            self.answer(server, 403)
        else:
            nonce, made = self.aka.vector(user, message, server.hop.peer)
            self.last_keys = made.ck.hex()
            self.ask_who(server, nonce, made, proxy=proxy)
        return False

    def ask_who(self, server: Transaction, nonce: str, vector: Vector, *, proxy: bool) -> None:
        name = "proxy-authenticate" if proxy else "www-authenticate"
        challenges = self.aka.challenges(DOMAIN, nonce, vector)
        self.answer(server, 407 if proxy else 401, *((name, one) for one in challenges))

    # Calls

    def outside(self, server: Transaction) -> None:
        message = server.request
        route = ",".join(message.all("route"))
        trusted = (self.has("asserted-trusted") and message.get("p-asserted-identity")) or (
            self.has("route-trusted") and "orig-" in route
        )
        known = bool(self.caller(message, server.hop)) or bool(trusted)
        if not known:
            self.refuse_stranger(message)
        if self.has("route-insisted") and "orig-" not in route and not trusted and not message.method == "OPTIONS":
            raise RefusedError(400)
        message.headers = [(n, v) for n, v in message.headers if n != "route"]
        if message.method == "INVITE" and not self.begun(server):
            return
        if trusted and not self.caller(message, server.hop):
            identity = address(message.get("p-asserted-identity")) or address(message.get("from"))
            self.fork(server, user_of(identity), user_of(identity), self.places(message))
            return
        super().outside(server)

    def refuse_stranger(self, message: Message) -> None:
        raise RefusedError(0 if self.has("silent") else 404 if self.has("404-strangers") else 403)

    def begun(self, server: Transaction) -> bool:
        """Whether an INVITE may go on at once."""
        message = server.request
        if self.has("waits") and self.busy:
            self.busy = False
            raise RefusedError(503, ("retry-after", "1 (odd);duration=3"))
        if self.has("replaces") and message.get("replaces"):
            self.end_for(message.get("replaces").partition(";")[0])
        self.rings(server)
        if self.has("hundred-rel"):
            if "100rel" not in ",".join(message.all("supported") + message.all("require")):
                raise RefusedError(421, ("require", "100rel"))
            self.early[message.get("call-id")] = server
            more = (("require", "100rel"), ("rseq", "813520"), ("contact", f"<sip:mrf@{self.place}>"))
            self.answer(server, 183, *more)
            return False
        return True

    def rings(self, server: Transaction) -> None:
        """What a caller hears before its call goes on."""
        message = server.request
        tags = f"{message.get('to')};tag=early"
        if self.has("early-forks"):
            for number in (1, 2):
                for status in (183, 199):
                    self.answer(server, status, ("to", f"{tags}-{number}"), ("contact", f"<sip:fork@{self.place}>"))
        if self.has("early-media"):
            media = (
                ("p-early-media", "sendrecv, gated"),
                ("contact", f"<sip:mrf@{self.place}>"),
                ("content-type", SDP),
            )
            self.answer(server, 183, *media)
        if self.has("queued"):
            self.answer(server, 182)
            self.answer(server, 180, ("alert-info", "<urn:alert:service:call-waiting>"))
        if self.has("outside-too"):
            self.ask("OPTIONS", address((message.each("contact") or [""])[0]), "nobody", server.hop)

    def answered(self, server: Transaction, status: int, more: tuple[tuple[str, str], ...]) -> Message:
        made = super().answered(server, status, more)
        tags = [value for name, value in more if name == "to"]
        if tags:
            made.headers = [(name, value) for name, value in made.headers if name != "to" or value in tags]
        if status == 183 and made.get("content-type"):
            made.body = server.request.body
        if status >= 400 and self.has("warns"):
            made.headers.append(("warning", f'399 {DOMAIN} "OddCore/3.1.4 pid=4711 does not like this"'))
        if status >= 400 and self.has("traces") and status not in (401, 407):
            made.headers.append(("content-type", "text/plain"))
            made.body = b'Traceback (most recent call last):\n  File "/opt/odd/core.py", line 12, in route\nKeyError\n'
        return made

    def ask(self, method: str, uri: str, user: str, hop: Hop, *more: tuple[str, str]) -> None:
        """Send a request of the core's own to a UE."""
        branch = f"z9hG4bK{secrets.token_hex(6)}"
        tag = secrets.token_hex(4)
        headers = [
            ("via", f"SIP/2.0/{'TCP' if hop.writer else 'UDP'} {self.place};branch={branch}"),
            ("max-forwards", "70"),
            ("from", f"<sip:service@{DOMAIN}>;tag={tag}"),
            ("to", f"<sip:{user}@{DOMAIN}>"),
            ("call-id", f"{tag}@{DOMAIN}"),
            ("cseq", f"1 {method}"),
            *more,
        ]
        self.send(Message(f"{method} {uri} SIP/2.0", headers), hop)

    def end_for(self, call_id: str) -> None:
        """End a call for whoever asked so."""
        parties = self.dialogs.pop(call_id, [])
        for own, other in zip(parties, reversed(parties), strict=True):
            branch = f"z9hG4bK{secrets.token_hex(6)}"
            headers = [
                ("via", f"SIP/2.0/UDP {self.place};branch={branch}"),
                *(("max-forwards", "70"), ("from", f"<sip:x@{DOMAIN}>;tag={other.tag}")),
                *(("to", f"<sip:y@{DOMAIN}>;tag={own.tag}"), ("call-id", call_id), ("cseq", "7 BYE")),
            ]
            self.send(Message(f"BYE {own.contact} SIP/2.0", headers), own.hop)

    def places(self, message: Message) -> list[Binding]:
        uri = message.uri
        if user_of(uri) in NUMBERS and host_of(uri) == DOMAIN:
            message.start = message.start.replace(user_of(uri), NUMBERS[user_of(uri)])
        if user_of(uri).startswith("default-") and host_of(uri) == DOMAIN:
            message.start = message.start.replace("default-", "")
        return super().places(message)

    def fork(self, server: Transaction, who: str, said: str, places: list[Binding]) -> None:
        message = server.request
        names = [message.get("p-preferred-identity"), *message.all("p-asserted-identity")[1:]]
        self.claimed = [user_of(address(one)) for one in names]
        self.kept = {name: message.all(name) for name in ("proxy-authorization", "p-access-network-info")}
        self.own_routes = message.each("record-route")
        self.more_asserted = message.all("p-asserted-identity")[1:]
        if self.has("known-preferred") and self.claimed[0] in USERS:
            who = self.claimed[0]
        super().fork(server, who, said, places)
        if self.has("contacts-kept") or self.has("some-within"):
            return
        self.dialogs[message.get("call-id")][0].contact = address((message.each("contact") or [""])[0])

    def forward(self, server: Transaction, out: Message, hop: Hop) -> None:
        fresh = not param(server.request.get("to"), "tag")
        if fresh and out.method == "INVITE":
            self.dress(server, out)
        elif out.method == "ACK" and self.has("offerless"):
            out.body = self.offers.get(server.request.get("call-id"), b"")
            out.put("content-type", SDP)
        callee = next((name for name, all_of in self.bindings.items() for one in all_of if one.hop == hop), "")
        if fresh and self.has("path-kept") and self.paths.get(callee):
            host, _, port = host_of(self.paths[callee]).rpartition(":")
            hop = Hop((host, int(port)))
        super().forward(server, out, hop)

    def dress(self, server: Transaction, out: Message) -> None:
        """Make of an INVITE what the core sends to the callee."""
        self.name(server, out)
        self.route(out)
        if self.has("annotated"):
            out.headers += [
                ("history-info", f"<sip:somebody@{DOMAIN}>;index=1, <{out.uri}>;index=1.1;rc=1"),
                ("p-called-party-id", f"<sip:{user_of(server.request.uri)}@{DOMAIN}>"),
                ("session-id", f"{'a' * 32};remote={'0' * 32}"),
                ("feature-caps", "*;+g.3gpp.srvcc;+sip.odd"),
                ("reject-contact", "*;odd"),
                ("p-early-media", "supported"),
                ("allow-events", "reg, presence"),
                ("user-to-user", "00;encoding=hex"),
                ("require", ""),
            ]
        if self.has("refreshes"):
            out.headers += [("session-expires", "90;refresher=uas"), ("min-se", "90"), ("supported", "timer, replaces")]
        if self.has("offerless"):
            self.offers[server.request.get("call-id")] = out.body
            out.drop("content-type")
            out.body = b""
        self.rewritten(server, out)

    def rewritten(self, server: Transaction, out: Message) -> None:
        """Change the body and the addresses of an INVITE."""
        if self.has("multipart"):
            parts = [("application/odd+xml", b"<odd/>"), (SDP, out.body)]
            made = [f"--{BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n".encode() + body + b"\r\n" for kind, body in parts]
            out.body = b"preamble\r\n" + b"".join(made) + f"--{BOUNDARY}--\r\n".encode()
            out.put("content-type", f'multipart/mixed;boundary="{BOUNDARY}"')
        if self.has("tel-request"):
            number = next((one for one, name in NUMBERS.items() if name == user_of(server.request.uri)), "+49")
            out.start = f"INVITE tel:{number} SIP/2.0"
        if self.has("anonymous-hosts"):
            for name in ("from", "to"):
                out.put(name, out.get(name).replace(f"@{DOMAIN}", "@192.0.2.77:5062"))

    def name(self, server: Transaction, out: Message) -> None:
        """Say who calls, and what else of the caller goes on."""
        asserted, caller = out.get("p-asserted-identity"), user_of(address(server.request.get("from")))
        private = "id" in out.get("privacy")
        if self.has("barred-first") and asserted:
            out.put("p-asserted-identity", f"<sip:default-{user_of(address(asserted))}@{DOMAIN}>")
        if self.has("second-asserted") and self.more_asserted:
            out.headers += [("p-asserted-identity", one) for one in self.more_asserted]
        who = self.caller(server.request, server.hop) or caller
        if private and self.has("remote-party"):
            out.headers.append(("remote-party-id", f"<sip:{who}@{DOMAIN}>;party=calling"))
        if private and self.has("history"):
            out.headers.append(("history-info", f"<sip:{who}@{DOMAIN}>;index=1"))
        if self.has("credentials-passed"):
            out.headers += [("proxy-authorization", one) for one in self.kept["proxy-authorization"]]
        if self.has("location-passed"):
            out.headers += [("p-access-network-info", one) for one in self.kept["p-access-network-info"]]

    def route(self, out: Message) -> None:
        """Say which way the callee's requests go."""
        if self.has("routes-kept"):
            out.headers += [("record-route", one) for one in self.own_routes]
        else:
            rr = out.each("record-route")[: 1 + self.has("double-rr")]
            out.drop("record-route")
            if not self.has("b2bua"):
                out.put("record-route", *rr)
        if self.has("route-hidden"):
            out.put("record-route", f"<sip:Token(y%2bz)@{self.place};lr;tokenized-by={DOMAIN}>")

    def within(self, message: Message, hop: Hop, server: Transaction | None = None) -> None:
        call_id, method = message.get("call-id"), message.method
        waiting = self.early.get(call_id)
        if method == "PRACK" and waiting is not None and server is not None:
            if waiting.hop == hop:
                del self.early[call_id]
                self.answer(server, 200)
                super().outside(waiting)
            return
        parties = self.dialogs.get(call_id, [])
        ahead = [one for one in message.each("route") if self.place not in one]
        if self.has("routes-kept") and ahead and server is not None:
            host, _, port = host_of(address(ahead[0])).rpartition(":")
            self.forward(server, message.copy(), Hop((host, int(port))))
            return
        if self.has("some-within") and method not in ("BYE", "INVITE", "ACK") and len(parties) > 1:
            tags = [param(message.get(name), "tag") for name in ("from", "to")]
            own = next((one for one in parties if one.tag == tags[0]), None)
            if own is not None and server is not None and tags[1]:
                self.forward(server, message.copy(), next(one for one in parties if one is not own).hop)
                return
        if self.has("to-tag") and len(parties) > 1:
            for name, party in (("from", parties[0]), ("to", parties[1])):
                message.put(name, re.sub(r"tag=[^;]*", f"tag={party.tag}", message.get(name)))
        if self.has("contacts-kept") and method == "BYE" and len(parties) > 1 and server is not None:
            target = parties[0].contact if param(message.get("to"), "tag") == parties[0].tag else ""
            if target and parties[0].hop.peer[1] != int(host_of(target).rpartition(":")[2] or 0):
                host, _, port = host_of(target).rpartition(":")
                self.forward(server, message.copy(), Hop((host, int(port))))
                return
        super().within(message, hop, server)

    def note(self, client: Client, message: Message, tag: str) -> None:
        super().note(client, message, tag)
        if message.status == 200 and self.has("refreshes"):
            asyncio.get_running_loop().call_later(0.05, self.refresh, client, message)

    def refresh(self, client: Client, answered: Message) -> None:
        """Refresh a session with the callee, without any SDP (RFC 4028 10)."""
        contact = address((answered.each("contact") or [""])[0])
        branch = f"z9hG4bK{secrets.token_hex(6)}"
        headers = [
            ("via", f"SIP/2.0/UDP {self.place};branch={branch}"),
            ("max-forwards", "70"),
            ("from", answered.get("from")),
            ("to", answered.get("to")),
            ("call-id", answered.get("call-id")),
            ("cseq", "2 UPDATE"),
            ("session-expires", "90;refresher=uac"),
            ("contact", f"<sip:b2b@{self.place}>"),
            ("supported", "timer"),
        ]
        message = Message(f"UPDATE {contact} SIP/2.0", headers)
        made = Client(Transaction(message, client.hop), message, client.hop)
        self.clients[branch, "UPDATE"] = made
        self.send(message, client.hop)

    def response(self, message: Message, hop: Hop) -> None:
        client = self.clients.get((message.branch, message.get("cseq").split()[1]))
        if client is not None and client.server.request is client.request:
            if message.status == 200 and message.body:
                self.hang_up(message, client.hop)  # an answer to no offer
            return
        super().response(message, hop)

    def hang_up(self, message: Message, hop: Hop) -> None:
        headers = [("via", f"SIP/2.0/UDP {self.place};branch=z9hG4bK{secrets.token_hex(6)}"), ("max-forwards", "70")]
        headers += [(name, message.get(name)) for name in ("from", "to", "call-id")]
        uri = address((message.each("contact") or ["<sip:x@odd.invalid>"])[0])
        self.send(Message(f"BYE {uri} SIP/2.0", [*headers, ("cseq", "9 BYE")]), hop)

    def pass_back(self, server: Transaction, out: Message) -> None:
        if self.has("one-via") and out.all("contact"):
            out.put("contact", f"<sip:core@{self.place};transport=udp;odd=1>")
        if self.has("refreshes") and server.request.method == "INVITE" and out.status == 200:
            out.headers.append(("session-expires", "90;refresher=uas"))
        super().pass_back(server, out)


async def serve(host: str, port: int, traits: set[str]) -> int:
    """Serve as a registrar does, with a socket more that only sends; returns the port."""
    core = Core(host, port, traits)
    core.sender, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=(host, 0)
    )
    return await odd_registrar.serve(core, host, port)


if __name__ == "__main__":
    odd_registrar.main((*RIGHT, *WRONG), serve)
