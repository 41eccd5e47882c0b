"""A UE that agrees on ipsec-3gpp when it registers and speaks through the associations afterwards (TS 33.203 7.2).

Registration in two halves: :meth:`SecureUe.propose` sends the unprotected REGISTER (SM1) and reads the challenge with
the network's list (SM6); :meth:`SecureUe.confirm` makes the associations and answers through them (SM7).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack

from imsproof.actors.esptcp import EspTcp
from imsproof.actors.esptransport import Agreed, Altered, Ends, EspTransport
from imsproof.actors.proposal import SUITES, Proposal, Suite, entry, fresh_ends
from imsproof.actors.registrant import EXPIRES
from imsproof.actors.sipsubject import Registration, SipAnswer
from imsproof.actors.siptransport import SipTransport
from imsproof.actors.transactions import Transactions
from imsproof.actors.ue import Ue
from imsproof.codec import sip
from imsproof.codec.secagree import format_mechanisms, parse_mechanisms
from imsproof.link.session import ConnectionFailedError
from imsproof.link.udp import is_free, source_toward
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from imsproof.actors.credentials import Answer
    from imsproof.actors.registrant import Attempt
    from imsproof.actors.sipsubject import Challenge
    from imsproof.actors.station import Alter, Headers
    from imsproof.codec.secagree import SecMechanism

    Relist = Callable[[list[SecMechanism]], list[SecMechanism]]
    """Changes a list of the agreement before it is sent."""

TRIES = 20
"""For two ports that nobody has, not even another run on this machine."""
MODE, NAT_MODE = "trans", "UDP-enc-tun"
REQUIRE = (("Require", "sec-agree"), ("Proxy-Require", "sec-agree"))


class SecureUe(Ue):
    """A UE with a security agreement; see :class:`imsproof.actors.ue.Ue` for all else.

    Attributes:
        suites: what it offers, in this order.
        nat_port: the network's UDP port for ESP behind a NAT, to offer that mode; 0 for transport mode.
    """

    suites: tuple[Suite, ...] = SUITES
    nat_port: int = 0
    _unprotected: tuple[SipTransport, Transactions] | None = None
    _proposals: Mapping[str, Proposal] = MappingProxyType({})
    _made: tuple[EspTransport, ...] = ()
    _left: tuple[SipTransport, ...] = ()
    _kept: int = 0
    _proposed: bool = False

    @property
    def esp(self) -> EspTransport:
        """Its protected transport (``InconclusiveError`` while there is none)."""
        if not isinstance(self._transport, EspTransport):
            raise InconclusiveError(f"{self.actor} has no ESP association with the network")
        return self._transport

    def via(self) -> str:
        """A Via value; without protection it names the port that the profile asks for, and ``rport`` all the same."""
        value = super().via()
        if self.gm.via_port is None or isinstance(self._transport, EspTransport):
            return value
        return value.replace(f":{self.transport.local[1]};", f":{self.gm.via_port};", 1)

    # What a testcase calls

    def propose(
        self,
        suites: Sequence[Suite] | None = None,
        *,
        own: Ends | None = None,
        relist: Relist | None = None,
        label: str = "REGISTER with Security-Client",
    ) -> Proposal:
        """Send the first REGISTER with what the UE offers.

        Args:
            suites: algorithms in this order, :attr:`suites` by default.
            own: SPIs and ports, fresh ones by default.
            relist: changes the list before it is sent.
            label: what the conversation is called in the journal.
        """
        return self.session.run(self.apropose(suites=suites, own=own, relist=relist, label=label))

    def confirm(
        self,
        proposal: Proposal,
        *,
        client: Relist | None = None,
        verify: Relist | None = None,
        protected: bool = True,
        label: str = "REGISTER with Security-Verify",
    ) -> Registration:
        """Make the associations and answer the challenge.

        Args:
            proposal: the first half.
            client: changes what is repeated in Security-Client.
            verify: changes what is repeated in Security-Verify.
            protected: whether the answer goes through the association.
            label: what the conversation is called in the journal.

        Raises:
            InconclusiveError: the network agreed on nothing that was offered, or no raw socket may be opened.
        """
        done = Registration(record=self.session.record, exchange=self.session.exchange(label))
        self.session.run(self._confirm(done, proposal, {}, client=client, verify=verify, protected=protected))
        return done

    def begin_anew(self) -> None:
        """Let the next registration begin without protection, from another port, for the same contact."""
        self._kept = self.esp.agreed.own.port_s
        self.registration = None

    def probe(self, label: str, altered: Altered | None = None, *, within: float | None = None) -> SipAnswer:
        """Ask for itself (OPTIONS to its own identity), as it should or altered on purpose."""
        transport, timers = self.esp, self.session.timers
        seconds = within or (timers.silence if altered else timers.answer)
        sending = self.arequest("OPTIONS", self.impu, label=label, within=seconds)
        return self.session.run(_altered(transport, altered, sending))

    def probe_tcp(self, label: str, *, protected: bool = True) -> SipAnswer:
        """Ask for itself over TCP, from its protected client port to the network's protected server port.

        ``protected`` is inside ESP, as it should be; else it is a connection of the kernel's, without protection.
        """
        return self.session.run(self._probe_tcp(label, protected=protected))

    async def _probe_tcp(self, label: str, *, protected: bool) -> SipAnswer:
        exchange = self.session.exchange(label)
        own = (self.esp.local[0], self.esp.agreed.own.port_c)
        try:
            made: SipTransport = (
                await EspTcp.connect(self.esp, exchange)
                if protected
                else await SipTransport.open(
                    self.session, self.actor, "tcp", self.esp.remote, local=own, exchange=exchange
                )
            )
        except ConnectionFailedError as error:
            return SipAnswer(record=self.session.record, exchange=exchange, failed=str(error))
        message = self.outside("OPTIONS", self.impu)
        message.set("Via", self.via().replace("/UDP", "/TCP"))
        transactions = Transactions(made)
        try:
            return await transactions.request(message, exchange, self.session.timers.answer, injected=not protected)
        finally:
            await transactions.aclose()
            await made.aclose()

    def replay(self, label: str, *, reflected: bool = False) -> SipAnswer:
        """Send the last packet once more as it crossed, or the network's own back, and wait for an answer to it."""
        transport = self.esp
        packet, data = transport.came if reflected else transport.last
        told = "a packet of the network, back" if reflected else "the packet before, once more"
        sending = self.asend_raw(data, label, within=self.session.timers.silence)
        return self.session.run(_altered(transport, Altered(told, packet=packet), sending))

    # The same on the link's loop

    async def aregister(self, **how: Unpack[Attempt]) -> Registration:
        """Register in both halves, as one conversation."""
        expires, headers, alter = _usual(how)
        label = how.get("label", "REGISTER")
        proposal = await self.apropose(expires=expires, headers=headers, alter=alter, label=label)
        if proposal.challenge is None:
            if proposal.ok:
                self.registration = proposal if expires else None
            return proposal
        async with asyncio.timeout(how.get("within")):
            await self._confirm(proposal, proposal, how)
        return proposal

    async def achallenge(
        self, *, headers: Headers = (), alter: Alter | None = None, label: str = "REGISTER"
    ) -> Registration:
        """Send the first REGISTER only, with the usual offer."""
        proposal = await self.apropose(headers=headers, alter=alter, label=label)
        self._note_sqn(proposal)
        if proposal.challenge is not None:
            self._proposals = {**self._proposals, proposal.challenge.nonce: proposal}
        return proposal

    async def _respond_once(
        self,
        challenge: Challenge,
        made_for: tuple[str, str] | None,
        alter: Alter | None,
        label: str,
        credentials: dict[str, Any],
    ) -> Registration:
        """Answer a challenge through the associations that it gives, however wrong the answer is."""
        proposal = self._proposals.get(challenge.nonce)
        if proposal is None:
            return await super()._respond_once(challenge, made_for, alter, label, credentials)
        done = Registration(record=self.session.record, exchange=self.session.exchange(label))
        method, uri = made_for or ("REGISTER", self.gm.registrar)
        changed = credentials.pop("alter_credentials", None)
        header = sip.format_challenge("Digest", challenge.params)
        answer = self.credentials.answer(header, method, uri, alter=changed, **credentials)
        self._note_answer(done, answer, proxy=challenge.proxy)
        agreed = proposal.agreed(*self.credentials.session_keys(challenge), self.nat_port)
        await self._protect(agreed, done.exchange)
        lists = {"Security-Client": proposal.client, "Security-Verify": proposal.server}
        listed = [*REQUIRE, *((name, format_mechanisms(value)) for name, value in lists.items())]
        await self._one_register(done, answer.authorization, EXPIRES, listed, alter, self.session.timers.register_)
        if done.ok:
            self.registration = done
        elif self.registration is not None and len(self._made) > 1:
            self._adopt(self._made[-2])  # what was registered goes on through the older ones
        return done

    async def apropose(
        self,
        *,
        suites: Sequence[Suite] | None = None,
        own: Ends | None = None,
        relist: Relist | None = None,
        expires: int = EXPIRES,
        headers: Headers = (),
        alter: Alter | None = None,
        label: str = "REGISTER with Security-Client",
    ) -> Proposal:
        """Send the first REGISTER (see :meth:`propose`); through the associations when there are any."""
        ends = own or self._fresh_ends()
        mode = NAT_MODE if self.nat_port else MODE
        client = [entry(suite, ends, mode) for suite in (suites or self.suites)]
        client = relist(client) if relist else client
        exchange = self.session.exchange(label)
        proposal = Proposal(record=self.session.record, exchange=exchange, own=ends, client=client)
        if self.registration is None:
            self._begin()
        authorization = self.credentials.initial(self.gm.registrar)
        listed = [*headers, *REQUIRE]
        if client:
            listed.append(("Security-Client", format_mechanisms(client)))
        seconds = self.session.timers.register_
        await self._one_register(proposal, authorization, expires, listed, alter, seconds)
        self._read(proposal)
        return proposal

    def _fresh_ends(self) -> Ends:
        """SPIs and ports for new associations; who is registered keeps its protected server port (TS 33.203 7.1)."""
        kept = self._kept
        if self.registration is not None and isinstance(self._transport, EspTransport):
            kept = self._transport.agreed.own.port_s
        host = self._own[0] if self._own else source_toward(self._remote)
        for _ in range(TRIES):
            fresh = fresh_ends()
            if all(is_free((host, port)) for port in (fresh.port_c, fresh.port_s)):
                break
        return replace(fresh, port_s=kept) if kept else fresh

    def _begin(self) -> None:
        """Leave a port that has proposed something: a network may take a second list from there for the first one."""
        plain = self._transport if self._unprotected is None else self._unprotected[0]
        if self._proposed and plain is not None:
            self._left, self._remote = (*self._left, plain), plain.remote
            self._transport = self._transactions = self._unprotected = None
        self._proposed = True

    def _read(self, proposal: Proposal) -> None:
        self._read_challenge(proposal)
        try:
            values = proposal.message.get_all("Security-Server") if proposal.message else []
            proposal.server = parse_mechanisms(values)
        except sip.SipSyntaxError:
            proposal.server = []

    async def _confirm(
        self,
        done: Registration,
        proposal: Proposal,
        how: Attempt,
        *,
        client: Relist | None = None,
        verify: Relist | None = None,
        protected: bool = True,
    ) -> None:
        """Send the second REGISTER and copy what comes of it into ``done``."""
        if proposal.challenge is None:
            raise InconclusiveError(f"{proposal.exchange}: there is no challenge to answer ({proposal.in_words()})")
        expires, headers, alter = _usual(how)
        answer = self._answer_challenge(done, proposal.challenge, how)
        if answer.auts:
            await self._resynchronise(proposal, answer.authorization, expires, [*headers, *REQUIRE], alter)
            if proposal.challenge is None:
                done.status, done.message, done.failed = proposal.status, proposal.message, proposal.failed
                return
            answer = self._answer_challenge(done, proposal.challenge, how)
        if answer.autn == "wrong-mac" and done is proposal:
            return  # a UE that does not believe the network goes no further; it was challenged, not registered
        if protected:
            await self._protect(proposal.agreed(answer.ck, answer.ik, self.nat_port), done.exchange)
        listed = [*headers, *REQUIRE]
        repeated = client(proposal.client) if client else proposal.client
        if repeated:
            listed.append(("Security-Client", format_mechanisms(repeated)))
        verified = verify(proposal.server) if verify else proposal.server
        if verified:
            listed.append(("Security-Verify", format_mechanisms(verified)))
        await self._one_register(done, answer.authorization, expires, listed, alter, self.session.timers.register_)
        if done.ok:
            self.registration = done if expires else None

    async def aclose(self) -> None:
        """End calls and registration as any UE does, then close every transport."""
        await super().aclose()
        plain = [self._unprotected[0]] if self._unprotected else []
        for transport in (*self._made, *plain, *self._left):
            await transport.aclose()
        self._made, self._unprotected, self._left = (), None, ()

    def _answer_challenge(self, done: Registration, challenge: Challenge, how: Attempt) -> Answer:
        header = sip.format_challenge("Digest", challenge.params)
        res, password = how.get("res"), how.get("password")
        answer = self.credentials.answer(header, "REGISTER", self.gm.registrar, res=res, password=password)
        self._note_answer(done, answer, proxy=challenge.proxy)
        return answer

    async def _resynchronise(
        self, proposal: Proposal, authorization: str, expires: int, headers: Headers, alter: Alter | None
    ) -> None:
        """Send AUTS, with new SPIs and ports, and read the new challenge into the proposal (TS 33.203 6.1.3)."""
        proposal.renumber(self._fresh_ends())
        if self.registration is None:
            self._begin()
        listed = [*headers, ("Security-Client", format_mechanisms(proposal.client))]
        await self._one_register(proposal, authorization, expires, listed, alter, self.session.timers.register_)
        self._read(proposal)

    async def _protect(self, agreed: Agreed, exchange: str) -> None:
        if self._unprotected is None:
            self._unprotected = (self.transport, self.transactions)
        addresses = (self.transport.local[0], self.transport.remote[0])
        before = self._made[-1] if self._made else None
        made = await EspTransport.protect(self.session, self.actor, addresses, agreed, exchange, before)
        self.session.own(made)
        for old in self._made[:-1]:
            await old.aclose()
        self._made = (*self._made[-1:], made)
        self._adopt(made)
        for old in self._made[:-1]:
            old.on_message = made.on_message


async def _altered(transport: EspTransport, altered: Altered | None, sending: Awaitable[SipAnswer]) -> SipAnswer:
    """Wait for an answer while what is sent is made wrong."""
    transport.altering = altered
    try:
        return await sending
    finally:
        transport.altering = None


def _usual(how: Attempt) -> tuple[int, Headers, Alter | None]:
    """What both REGISTERs are made with: seconds, more headers, what changes them."""
    return how.get("expires", EXPIRES), how.get("headers", ()), how.get("alter")
