"""The torturer: an outsider who sends the malformed messages of a corpus, and well-formed ones before and after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from imsproof.actors.credentials import Credentials
from imsproof.actors.liveness import another_source
from imsproof.actors.outsider import Outsider
from imsproof.actors.proposal import SUITES
from imsproof.actors.siptransport import first_declared
from imsproof.codec.secagree import SecMechanism, format_mechanisms
from imsproof.codec.torture import Aim, plain
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from imsproof.actors.siptransport import TransportName
    from imsproof.codec.torture import Case
    from imsproof.codec.torture.framing import Stream
    from imsproof.link.session import Session
    from imsproof.link.subject import RawAnswer
    from imsproof.profile.gm import Gm

AT_ONCE = 8
BRIEF = 0.02
"""Seconds to listen after a message whose own answer decides nothing."""
SENT_BY = "tester.invalid:5060"


def offer(chance: random.Random) -> str:
    """A list for Security-Client: what a UE offers that would go on, with SPIs and ports that nobody listens at."""
    ports = {"port-c": str(chance.randrange(20000, 32000, 2)), "port-s": str(chance.randrange(20001, 32000, 2))}
    spis = {name: str(chance.randrange(256, 1 << 32)) for name in ("spi-c", "spi-s")}
    usual = {"prot": "esp", "mod": "trans", **spis, **ports}
    return format_mechanisms([SecMechanism("ipsec-3gpp", None, {"alg": a, "ealg": e, **usual}) for a, e in SUITES])


class Torturer:
    """Sends cases to a lab's Gm; each has a socket and a conversation of its own."""

    def __init__(
        self,
        session: Session,
        gm: Gm,
        chance: random.Random,
        *,
        transport: TransportName | None = None,
        sources: Sequence[str] = (),
    ) -> None:
        """Aim.

        Args:
            session: the purpose's session.
            gm: the lab's Gm.
            chance: seeded; tokens come from it.
            transport: the first declared one by default.
            sources: the tester's addresses, to tell throttling from death.

        Raises:
            InconclusiveError: the profile does not declare the transport.
        """
        declared = gm.transports()
        name = transport or first_declared(declared)
        if name is None or name not in declared:
            raise InconclusiveError(f"these messages go over {name or 'SIP'}; the profile gives no gm.{name or 'udp'}")
        self.session = session
        self.gm = gm
        self.chance = chance
        self.transport: TransportName = name
        self.target = declared[name]
        self.sources = sources
        # Not always the first: a lab that does not ask who it is binds contacts, which would pile up on one subscriber.
        # One that must agree on protection is answered 421, which says nothing.
        who = chance.choice(gm.usual) if gm.usual else None
        self.user = who.impu if who else f"sip:probe@{gm.domain}"
        aka = who if who and who.auth == "aka" else None
        self.authorization = Credentials(aka, gm.digest_realm).initial(gm.registrar) if aka else ""
        self.agreement = offer(chance) if aka and gm.sec_agree_required else ""

    def aim(self, method: str = "REGISTER") -> Aim:
        """Address a new message: a REGISTER for the lab's subscriber, all else from it to somebody of its domain."""
        return Aim(
            registrar=self.gm.registrar,
            user=self.user,
            callee=self.user if method == "REGISTER" else f"sip:probe@{self.gm.domain}",
            sent_by=SENT_BY,
            token=f"{self.chance.getrandbits(80):020x}",
            transport=self.transport.upper(),
            authorization=self.authorization if method == "REGISTER" else "",
            agreement=self.agreement if method == "REGISTER" else "",
        )

    def plain(self, method: str = "REGISTER", label: str = "", *, source: str | None = None) -> RawAnswer:
        """Send the good request that cases of a method are made from."""
        return self.session.run(self.aplain(method, label, source=source))

    async def aplain(self, method: str = "REGISTER", label: str = "", *, source: str | None = None) -> RawAnswer:
        """Send the good request that cases of a method are made from (see :meth:`plain`)."""
        return await Outsider(self.session, source=source).asend(
            plain(method, self.aim(method)),
            self.target,
            label or f"well-formed {method}",
            transport=self.transport,
            linger=0.0,
            injected=False,
        )

    def well(self, label: str = "well-formed REGISTER afterwards") -> list[RawAnswer]:
        """Send a good REGISTER, and another from a second address when the first is not answered."""
        found = [self.plain(label=label)]
        if not found[0].data:
            source = another_source(self.session, self.target, self.sources)
            if source is not None:
                found.append(self.plain(label=f"{label}, from another address", source=source))
        return found

    def send(self, case: Case, method: str | None = None, *, within: float | None = None) -> RawAnswer:
        """Send one case, in its own method or carried by another."""
        return self.session.run(self._send(case, method, within))

    def send_all(self, cases: Sequence[Case], method: str | None = None) -> list[RawAnswer]:
        """Send cases, several side by side, and wait for what comes back within the silence timer."""

        async def together(some: Sequence[Case]) -> list[RawAnswer]:
            return await asyncio.gather(*(self._send(one, method, None) for one in some))

        found: list[RawAnswer] = []
        for start in range(0, len(cases), AT_ONCE):
            found += self.session.run(together(cases[start : start + AT_ONCE]))
        return found

    def send_named(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages side by side, each with its name, and take what comes back at once."""

        async def together() -> None:
            outsider = Outsider(self.session)
            await asyncio.gather(
                *(
                    outsider.asend(data, self.target, name, transport=self.transport, within=BRIEF, linger=0.0)
                    for name, data in messages
                )
            )

        self.session.run(together())

    def send_in_order(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send messages one after the other, each with its name."""
        for message in messages:
            self.send_named([message])

    async def _send(self, case: Case, method: str | None, within: float | None) -> RawAnswer:
        return await Outsider(self.session).asend(
            case.message(self.aim(method or case.method), method),
            self.target,
            f"{case.name}: {case.about}",
            transport=self.transport,
            within=self.session.timers.silence if within is None else within,
            linger=0.0,
        )

    def stream(self, stream: Stream, *, injected: bool = True) -> tuple[RawAnswer, list[str]]:
        """Write a stream to one connection; returns what came back, and the Call-IDs of its two requests."""
        return self.streams([stream], injected=injected)[0]

    def streams(self, streams: Sequence[Stream], *, injected: bool = True) -> list[tuple[RawAnswer, list[str]]]:
        """Write each stream to a connection of its own, side by side (see :meth:`stream`)."""

        async def together() -> list[tuple[RawAnswer, list[str]]]:
            return await asyncio.gather(*(self._stream(one, injected=injected) for one in streams))

        return self.session.run(together())

    async def _stream(self, stream: Stream, *, injected: bool) -> tuple[RawAnswer, list[str]]:
        aims = [self.aim(), self.aim()]
        answer = await Outsider(self.session).asend(
            stream.parts(*aims),
            self.target,
            f"{stream.name}: {stream.about}",
            transport=self.transport,
            within=self.session.timers.silence if injected else None,
            injected=injected,
            finals=1 if injected else len(aims),
        )
        return answer, [one.token for one in aims]
