"""SIP nodes on loopback addresses of their own, and a small UE to drive them with."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec import aka, sip
from imsproof.codec.digest import Digest, aka_password
from imsproof.lab.dctypes import DcDecision, DcEndpoint, DcOffer
from imsproof.lab.policy import Policy, PolicyBox
from imsproof.lab.sip import hops
from imsproof.lab.sip.nodes import SipNodes
from imsproof.lab.sip.subscribers import DOMAIN, SUBSCRIBERS, Subscriber

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.lab.sip.gateway import AccessGateway

TIMEOUT = 5.0
QUIET = 0.15
MF = DcEndpoint("127.0.0.9", 40000, "SHA-256 " + ":".join(["5E"] * 32), "passive", "m" * 20, 5000, 65536)

_octets = itertools.count(os.getpid() % 200)


class FakeControl:
    """DCSF and MF: answers as it is told and remembers what it was asked."""

    def __init__(self) -> None:
        self.decision = DcDecision("anchor", MF)
        self.asked: list[tuple[str, str, str, str, DcOffer]] = []
        self.ended: list[str] = []

    async def session_request(self, session_id: str, calling: str, called: str, offer: DcOffer) -> DcDecision:
        self.asked.append(("request", session_id, calling, called, offer))
        return DcDecision("pass") if offer.apps else self.decision

    async def session_update(self, session_id: str, calling: str, called: str, offer: DcOffer) -> DcDecision:
        self.asked.append(("update", session_id, calling, called, offer))
        return self.decision

    async def session_ended(self, session_id: str) -> None:
        self.ended.append(session_id)


class Ue(asyncio.DatagramProtocol):
    """A UE on one UDP socket that sends what it is told and queues what comes."""

    def __init__(self, lab: Lab, subscriber: Subscriber) -> None:
        self.lab, self.subscriber = lab, subscriber
        self.responses: asyncio.Queue[sip.Message] = asyncio.Queue()
        self.requests: asyncio.Queue[sip.Message] = asyncio.Queue()
        self.service_route: list[str] = []
        self.cseq = itertools.count(1)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.local = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: object) -> None:
        message = sip.Message.parse(data)
        (self.requests if message.is_request else self.responses).put_nowait(message)

    @property
    def impu(self) -> str:
        return self.subscriber.impus[0]

    @property
    def contact(self) -> str:
        return f"<sip:{self.subscriber.name}@{self.local[0]}:{self.local[1]}>"

    def write(self, method: str, uri: str, headers: Any = (), body: bytes = b"", **replaced: Any) -> sip.Message:
        """A request with the usual headers; keywords replace them (underscore for a hyphen)."""
        usual = {
            "Via": f"SIP/2.0/UDP {self.local[0]}:{self.local[1]};branch=z9hG4bK{secrets.token_hex(6)};rport",
            "Max-Forwards": "70",
            "From": f"<{self.impu}>;tag={secrets.token_hex(4)}",
            "To": f"<{uri}>",
            "Call-ID": secrets.token_hex(8),
            "CSeq": f"{next(self.cseq)} {method}",
            "Contact": self.contact,
        }
        usual |= {name.replace("_", "-"): value for name, value in replaced.items()}
        pairs = [(name, value) for name, value in usual.items() if value] + list(headers)
        return sip.request(method, uri, pairs, body)

    def send(self, message: sip.Message | bytes, to: tuple[str, int] | None = None) -> None:
        data = message if isinstance(message, bytes) else message.to_bytes()
        self.transport.sendto(data, to or self.lab.pcscf)

    async def answer(self) -> sip.Message:
        """The next response but 100."""
        while True:
            message = await asyncio.wait_for(self.responses.get(), TIMEOUT)
            if message.status != 100:
                return message

    async def ask(self, message: sip.Message) -> sip.Message:
        self.send(message)
        return await self.answer()

    async def silent(self) -> bool:
        """Whether nothing comes for a while (bounded wait for what must not come)."""
        try:
            await asyncio.wait_for(self.responses.get(), QUIET)
        except TimeoutError:
            return True
        return False

    async def request(self) -> sip.Message:
        return await asyncio.wait_for(self.requests.get(), TIMEOUT)

    def register_request(self, authorization: str = "", **replaced: Any) -> sip.Message:
        replaced = {"To": f"<{self.impu}>", "Call_ID": f"reg-{self.subscriber.name}-{self.local[1]}"} | replaced
        headers = [("Expires", "600"), ("Supported", "path")]
        if authorization:
            headers.append(("Authorization", authorization))
        return self.write("REGISTER", f"sip:{DOMAIN}", headers, **replaced)

    def credentials(
        self, challenge: sip.Message, *, change: Callable[[bytes], bytes] = lambda b: b, **over: str
    ) -> str:
        """Answer a challenge; ``change`` spoils RES, keywords replace parameters before the digest is computed."""
        _, params = sip.parse_challenge(challenge.get("WWW-Authenticate") or "")
        subscriber = self.subscriber
        algorithm = over.pop("algorithm", params["algorithm"])
        if subscriber.password:
            password = change(subscriber.password.encode())
        else:
            rand, autn, _ = aka.decode_nonce(params["nonce"])
            answer = aka.answer_challenge(subscriber.functions(), rand, autn, -1)
            res = change(answer.res)
            password = aka_password(algorithm, res, answer.ck, answer.ik) if algorithm.startswith("AKA") else res
        fields = {"username": subscriber.impi, "uri": f"sip:{DOMAIN}", "nonce": params["nonce"]} | over
        digest = Digest(
            algorithm=algorithm, username=fields["username"], realm=DOMAIN, password=password, method="REGISTER",
            uri=fields["uri"], nonce=fields["nonce"], qop="auth", nc="00000001", cnonce="c",
        )  # fmt: skip
        fields |= {"realm": DOMAIN, "algorithm": algorithm, "qop": "auth", "nc": "00000001", "cnonce": "c"}
        return sip.format_credentials("Digest", {**fields, "response": digest.response()})

    async def register(self) -> sip.Message:
        """Register for good."""
        challenge = await self.ask(self.register_request())
        assert challenge.status == 401, challenge
        accepted = await self.ask(self.register_request(self.credentials(challenge)))
        assert accepted.status == 200, accepted
        self.service_route = accepted.values("Service-Route")
        return accepted

    def invite(self, uri: str, body: bytes = b"", headers: Any = (), **replaced: str) -> sip.Message:
        pairs = [("Route", route) for route in self.service_route] + list(headers)
        if body:
            pairs.append(("Content-Type", "application/sdp"))
        return self.write("INVITE", uri, pairs, body, **replaced)

    def in_dialog(self, method: str, invite: sip.Message, answer: sip.Message, body: bytes = b"") -> sip.Message:
        """A request of the caller inside the dialog that an answer made."""
        target = sip.parse_name_addr(answer.get("Contact") or "").uri
        number = hops.sequence(invite) if method == "ACK" else next(self.cseq) + 1000
        routes = [("Route", route) for route in reversed(answer.values("Record-Route"))]
        if body:
            routes.append(("Content-Type", "application/sdp"))
        return self.write(
            method, target, routes, body, From=invite.get("From") or "", To=answer.get("To") or "",
            Call_ID=invite.get("Call-ID") or "", CSeq=f"{number} {method}",
        )  # fmt: skip

    def back(self, method: str, invite: sip.Message, tag: str) -> sip.Message:
        """A request of the called side inside the dialog of a received INVITE."""
        target = sip.parse_name_addr(invite.get("Contact") or "").uri
        routes = [("Route", route) for route in invite.values("Record-Route")]
        return self.write(
            method, target, routes, From=f"{invite.get('To')};tag={tag}", To=invite.get("From") or "",
            Call_ID=invite.get("Call-ID") or "",
        )  # fmt: skip

    def ok(self, invite: sip.Message, body: bytes = b"", tag: str = "b") -> None:
        headers = [("Contact", self.contact)]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        self.send(sip.response(invite, 200, headers=headers, body=body, to_tag=tag, record_route=True))


class Lab:
    """The SIP nodes with a policy that a test may change."""

    def __init__(self, prefix: str, pki: Path | None, agw: AccessGateway | None) -> None:
        self.box = PolicyBox()
        self.control = FakeControl()
        self.prefix = prefix
        self.pcscf = (f"{prefix}.10", 5060)
        self.scscf = (f"{prefix}.20", 5060)
        self.imsas = (f"{prefix}.30", 5060)
        self.nodes = SipNodes(prefix, self.box, pki, self.control, agw)
        self._ues: list[Ue] = []

    def plant(self, **values: object) -> None:
        """Change policy values of the SIP side."""
        self.box.current = Policy(sip=dataclasses.replace(self.box.current.sip, **values))  # type: ignore[arg-type]

    async def ue(self, number: int, host: str = "127.0.0.1") -> Ue:
        """A UE of subscriber ``number``."""
        loop = asyncio.get_running_loop()
        _, ue = await loop.create_datagram_endpoint(lambda: Ue(self, SUBSCRIBERS[number - 1]), local_addr=(host, 0))
        self._ues.append(ue)
        return ue

    async def registered(self, *numbers: int) -> list[Ue]:
        """Registered UEs."""
        ues = [await self.ue(number) for number in numbers]
        for ue in ues:
            await ue.register()
        return ues

    def close(self) -> None:
        for ue in self._ues:
            ue.transport.close()


def free_prefix() -> str:
    """A prefix under which the P-CSCF's port is free."""
    for _ in range(100):
        prefix = f"127.29.{next(_octets) % 250 + 1}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((f"{prefix}.10", 5060))
            except OSError:
                continue
            return prefix
    raise AssertionError("no free prefix")


@asynccontextmanager
async def started(
    pki: Path | None = None, agw: Callable[[str, PolicyBox], AccessGateway] | None = None
) -> AsyncIterator[Lab]:
    lab = Lab(free_prefix(), pki, None)
    if agw is not None:
        lab.nodes = SipNodes(lab.prefix, lab.box, pki, lab.control, agw(f"{lab.prefix}.80", lab.box))
    await lab.nodes.start()
    try:
        yield lab
    finally:
        lab.close()
        await lab.nodes.stop()


Run = Callable[..., None]


@pytest.fixture
def drive() -> Run:
    """Run a coroutine function with a started lab (keywords as for ``started``)."""

    def run(work: Callable[[Lab], Coroutine[Any, Any, None]], **options: Any) -> None:
        async def body() -> None:
            async with asyncio.timeout(30), started(**options) as lab:
                await work(lab)

        asyncio.run(body())

    return run
