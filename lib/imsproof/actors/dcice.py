"""What goes to a data-channel peer around ICE: right and wrong checks, hellos too early, broken STUN, or nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from imsproof.actors import dcdatagrams
from imsproof.codec import stun
from imsproof.link.session import ConnectionFailedError
from imsproof.link.subject import Exchange
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.dccall import DataChannelCall
    from imsproof.engine.ice import IceAgent
    from imsproof.link.ice import IceEndpoint


class Checks:
    """Checks within a call, from ports that the offer did not name.

    Args:
        call: the call; both ends speak of ICE.

    Raises:
        InconclusiveError: the answer does not speak of ICE.
    """

    def __init__(self, call: DataChannelCall) -> None:
        if call.ice is None:
            raise InconclusiveError("the answer has no ice-ufrag and ice-pwd, though ICE was offered")
        self._call = call
        self._ice: IceEndpoint = call.ice

    @property
    def agent(self) -> IceAgent:
        """The tester's end."""
        return self._ice.agent

    def send(self, label: str, **wrong: Any) -> Exchange:
        """Send one check, right or wrong as :meth:`IceAgent.check` takes it, and wait until silence."""
        self._call.session.run(self._call.find_peer())  # which end controls is settled only then
        return self.throw(label, [self.agent.check(**wrong).to_bytes()], injected=bool(wrong))

    def broken(self, label: str) -> Exchange:
        """Send STUN that cannot be read or believed, one after the other."""
        return self.throw(label, broken_stun(self.agent), injected=True)

    def throw(self, label: str, datagrams: Sequence[bytes], *, injected: bool) -> Exchange:
        """Send datagrams from a port of their own and take what comes back there until silence."""
        work = dcdatagrams.from_another_port(self._call, label, datagrams, injected=injected)
        return self._call.session.run(work)

    def early(self, label: str, datagrams: Sequence[bytes]) -> Exchange:
        """Send datagrams from the port of the offer while no check was sent or answered, and wait until silence."""
        return self._call.session.run(self._early(label, datagrams))

    def release(self) -> None:
        """Begin with ICE in a call that held it back."""
        self._call.session.run(self._release())

    def withdraw(self, label: str, seconds: float) -> Exchange:
        """Answer no check any more, and wait."""
        return self._call.session.run(self._withdraw(label, seconds))

    async def _release(self) -> None:
        self._ice.release()

    async def _withdraw(self, label: str, seconds: float) -> Exchange:
        session, exchange = self._call.session, self._call.session.exchange(label)
        self._ice.hold()
        text = f"no check is answered any more; {seconds:g} s pass"
        session.note(text, actor=self._call.actor, exchange=exchange)
        await asyncio.sleep(seconds)
        return Exchange(record=session.record, exchange=exchange)

    async def _early(self, label: str, datagrams: Sequence[bytes]) -> Exchange:
        call, exchange = self._call, self._call.session.exchange(label)
        try:
            where = await self._ice.guess(call.session.timers.answer)
        except ConnectionFailedError as error:
            raise InconclusiveError(f"{error}: nothing can be sent to it too early") from error
        call.udp.quiet, call.udp.exchange = False, exchange
        try:
            for datagram in datagrams:
                await call.udp.send(datagram, where, exchange=exchange, facts={"injected": True})
            while await call.udp.receive(call.session.timers.silence) is not None:
                pass
        finally:
            call.udp.quiet = True
        return Exchange(record=call.session.record, exchange=exchange)


def broken_stun(agent: IceAgent) -> list[bytes]:
    """Write STUN datagrams that no peer should take: cut, too long, empty, with lengths that lie."""
    right = agent.check().to_bytes()
    username = stun.Attribute(stun.USERNAME, b"x" * 512)
    transaction = right[8:20]
    long_attribute = right[:20] + b"\x00\x06\xff\xff" + right[24:]
    return [
        right[:-4],
        right[:20],
        right[:2] + b"\xff\xfc" + right[4:],
        right[:2] + b"\x00\x03" + right[4:],
        right[:2] + b"\x00\x00" + right[4:],
        long_attribute,
        stun.Message(stun.BINDING, transaction, (username, stun.Attribute(stun.MESSAGE_INTEGRITY, b""))).to_bytes(),
        stun.Message(stun.BINDING, transaction, (username,) * 80).to_bytes(),
        stun.Message(0x3FFF, transaction, (stun.Attribute(stun.FINGERPRINT, b"\0"),)).to_bytes(),
        stun.Message(stun.BINDING | stun.SUCCESS, transaction).protected("nobody's password").to_bytes(),
        stun.Message(stun.BINDING | stun.INDICATION, transaction, (stun.Attribute(stun.ERROR_CODE, b"\0"),)).to_bytes(),
    ]
