"""State machines over the actors: malformed messages in every state, and the lab serves and keeps its promises.

Three of them: a subscriber (registered, subscribed, in a call, with offers and answers within it), connections over TCP
and TLS, and a call with a data channel. Each example starts from a lab that has forgotten everything.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from imsproof.actors.torturer import Torturer
from imsproof.actors.ue import Ue
from imsproof.bench import Bench
from imsproof.catalogue import TestPurpose
from imsproof.codec.sdp import audio_offer
from imsproof.codec.torture import Aim, ims, plain, rfc4475
from imsproof.fuzzing.channels import SctpChunks
from imsproof.fuzzing.strategies import LEVELS, edited, nearly_valid_sip, valid_sdp
from imsproof.fuzzing.target import Reaction
from imsproof.lab.launch import RunningLab, launch
from imsproof.link.session import ConnectionFailedError, Link
from imsproof.link.tcp import TcpStream
from imsproof.link.tls import TlsOptions, TlsStream
from imsproof.paths import profiles
from imsproof.profile import load
from imsproof.seams import ImsproofError

if TYPE_CHECKING:
    from imsproof.actors.call import Call

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
CASES = [one for one in (*rfc4475.ALL, *ims.ALL) if not one.response]
FRAMED = rfc4475.named("scalar02", "badvers", "mismatch01", "insuf", "multi01")
"""Malformed requests whose length is beyond doubt."""
PURPOSE = TestPurpose("STATES-01", "STATES", "A state machine", (), (), (), ())
SUBSCRIPTION = (("Event", "reg"), ("Accept", "application/reginfo+xml"))
REACHED: set[str] = set()
_STACK = ExitStack()
_LABS: list[RunningLab] = []


def the_lab() -> RunningLab:
    """One embedded lab for all machines."""
    if not _LABS:
        folder = _STACK.enter_context(tempfile.TemporaryDirectory())
        _LABS.append(_STACK.enter_context(launch(Path(folder))))
    return _LABS[0]


def teardown_module() -> None:
    """Stop the lab."""
    _STACK.close()


class Machine(RuleBasedStateMachine):
    """What the machines share: a lab, a bench, somebody who sends malformed messages, and the promise to serve."""

    def __init__(self) -> None:
        """Start from a lab that has forgotten everything."""
        super().__init__()
        lab = the_lab()
        lab.reset()
        profile = load(profiles() / "reference.yaml", env=lab.environment)
        assert profile.gm is not None
        assert profile.far is not None
        self.far = profile.far.uri
        self.link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
        self.work = tempfile.TemporaryDirectory()
        self.bench = Bench(profile, PURPOSE, self.link, Path(self.work.name), 1)
        self.gm = profile.gm
        self.torturer = Torturer(self.bench.session, profile.gm, random.Random(1), transport="udp")  # noqa: S311 - repeatable

    @invariant()
    def serves(self) -> None:
        """A good REGISTER of somebody is challenged."""
        assert any(b" 401 " in data for one in self.torturer.well() for data in one.data)

    def teardown(self) -> None:
        """Close every socket; the lab stays for the next example."""
        self.bench.close()
        self.link.close()
        self.work.cleanup()


class Subscriber(Machine):
    """One UE: registration, subscription, and calls with offers and answers."""

    def __init__(self) -> None:
        """Make a UE that is not registered."""
        super().__init__()
        self.ue = Ue(self.bench.session, self.gm, self.gm.subscribers[0])
        self.registered = False
        self.call: Call | None = None

    def audio(self) -> bytes:
        """A good offer."""
        return audio_offer(self.ue.local[0], 40000).to_bytes()

    @initialize(place=st.sampled_from(("at the door", "registered", "in a call")))
    def begin(self, place: str) -> None:
        """Go far enough in that every state is met, whichever rules an example is given."""
        if place != "at the door":
            self.register()
        if place == "in a call":
            self.invite()
            self.ue.request("SUBSCRIBE", self.ue.subscriber.impu, headers=SUBSCRIPTION)
            assert self.call is not None
            assert self.call.reinvite(self.audio()).ok
            REACHED.update(("subscribed", "offered again"))

    @precondition(lambda self: not self.registered)
    @rule()
    def register(self) -> None:
        """Register."""
        assert self.ue.register().ok
        self.registered = True
        REACHED.add("registered")

    @precondition(lambda self: self.registered)
    @rule(expires=st.sampled_from(("600", "0")))
    def subscribe(self, expires: str) -> None:
        """Subscribe to one's own registration, or end that."""
        headers = [*SUBSCRIPTION, ("Expires", expires)]
        answer = self.ue.request("SUBSCRIBE", self.ue.subscriber.impu, headers=headers)
        assert answer.status // 100 == 2 or answer.status in (481, 489)
        REACHED.add("subscribed")

    @precondition(lambda self: self.registered)
    @rule(event=st.sampled_from(("reg;", "reg;id=" + "x" * 300, "", "reg,reg", "%00")), expires=st.integers(-1, 2**33))
    def subscribe_badly(self, event: str, expires: int) -> None:
        """A subscription in a wrong form is answered by something final."""
        answer = self.ue.request(
            "SUBSCRIBE", self.ue.subscriber.impu, headers=[("Event", event), ("Expires", str(expires))]
        )
        assert answer.status >= 200

    @precondition(lambda self: self.registered and self.call is None)
    @rule()
    def invite(self) -> None:
        """Call the lab's far UE."""
        self.call = self.ue.invite(self.far, self.audio())
        assert self.call.ok
        REACHED.add("in a call")

    @precondition(lambda self: self.registered and self.call is None)
    @rule(offer=edited(valid_sdp()))
    def invite_badly(self, offer: bytes) -> None:
        """A call with a nearly valid offer is answered; if it is taken, it can be ended."""
        call = self.ue.invite(self.far, offer)
        assert call.status >= 200
        if call.ok:
            assert call.bye().ok

    @precondition(lambda self: self.call is not None)
    @rule(good=st.booleans(), data=st.data())
    def offer_again(self, good: bool, data: st.DataObject) -> None:
        """A second offer is answered, whatever it is; the call stays."""
        assert self.call is not None
        offer = self.audio() if good else data.draw(edited(st.just(self.audio())))
        answer = self.call.reinvite(offer)
        assert answer.ok if good else answer.status >= 200
        REACHED.add("offered again")

    @precondition(lambda self: self.call is not None)
    @rule()
    def hang_up(self) -> None:
        """End the call."""
        assert self.call is not None
        assert self.call.bye().ok
        self.call = None

    @precondition(lambda self: self.registered and self.call is None)
    @rule()
    def deregister(self) -> None:
        """End the registration."""
        assert self.ue.deregister().ok
        self.registered = False

    @precondition(lambda self: not self.registered)
    @rule()
    def call_without_registration(self) -> None:
        """A stranger's call is not accepted."""
        assert not self.ue.invite(self.far, self.audio()).ok

    @rule(case=st.sampled_from(CASES))
    def torture(self, case: Any) -> None:
        """Send a case of the corpora from somewhere else."""
        self.torturer.send(case, within=0.001)

    @rule(data=nearly_valid_sip())
    def spoil(self, data: bytes) -> None:
        """Send nearly valid SIP from the UE's own address, in whatever state it is."""
        self.ue.send_raw(data, "nearly valid", within=0.001)


class Connections(Machine):
    """Streams over TCP and TLS: opened, cut, spoiled and closed in any order."""

    def __init__(self) -> None:
        """Begin without a connection."""
        super().__init__()
        self.streams: list[TcpStream | TlsStream] = []
        self.number = 0

    def aim(self, kind: str) -> Aim:
        """Address a new request."""
        self.number += 1
        aim = self.torturer.aim()
        return Aim(
            aim.registrar, aim.user, aim.callee, aim.sent_by, f"{self.number:020x}", kind.upper(), aim.authorization
        )

    @initialize()
    def begin(self) -> None:
        """One connection of each kind, asked once."""
        self.open("tcp")
        self.open("tls")
        for stream in self.streams:
            last = self.aim("tls" if isinstance(stream, TlsStream) else "tcp")
            assert self.bench.session.run(self._ask(stream, [plain("REGISTER", last)], last.token.encode()))
        REACHED.add("asked on a connection")

    @precondition(lambda self: len(self.streams) < 4)
    @rule(kind=st.sampled_from(("tcp", "tls")))
    def open(self, kind: str) -> None:
        """Open another connection."""
        session = self.bench.session
        exchange = session.exchange(kind)
        where = self.gm.transports()[kind]
        if kind == "tcp":
            self.streams.append(session.run(TcpStream.open(session, "fuzzer", exchange, where, quiet=True)))
        else:
            options = TlsOptions()
            self.streams.append(session.run(TlsStream.open(session, "fuzzer", exchange, where, options, quiet=True)))
        REACHED.add(f"{kind} connection")

    @precondition(lambda self: self.streams)
    @rule(data=st.data(), cut=st.integers(1, 300), spoiled=st.lists(st.sampled_from(FRAMED), max_size=2))
    def ask(self, data: st.DataObject, cut: int, spoiled: list[Any]) -> None:
        """A good request is answered, also cut and behind malformed ones, unless the lab closed the connection."""
        stream = data.draw(st.sampled_from(self.streams))
        kind = "tls" if isinstance(stream, TlsStream) else "tcp"
        last = self.aim(kind)
        whole = b"".join(one.message(self.aim(kind), "REGISTER") for one in spoiled) + plain("REGISTER", last)
        answered = self.bench.session.run(self._ask(stream, [whole[:cut], whole[cut:]], last.token.encode()))
        if not answered:
            assert stream.ended, "a good request was not answered, on a connection that stayed open"
            self.streams.remove(stream)
        REACHED.add("asked on a connection")

    async def _ask(self, stream: TcpStream | TlsStream, pieces: list[bytes], token: bytes) -> bool:
        try:
            for piece in pieces:
                if piece:
                    await stream.send(piece)
            got = b""
            while token not in got:
                more = await stream.receive(self.bench.session.timers.answer)
                if not more:
                    return False
                got += more
        except ConnectionFailedError:
            return False
        return True

    @precondition(lambda self: self.streams)
    @rule(data=st.data(), some=st.one_of(LEVELS["sip"].nearly, LEVELS["sip"].wild))
    def spoil(self, data: st.DataObject, some: bytes) -> None:
        """What leaves a connection in doubt is written last; others are served beside it, then it is closed."""
        stream = data.draw(st.sampled_from(self.streams))
        self.streams.remove(stream)
        self.bench.session.run(self._leave(stream, some))

    async def _leave(self, stream: TcpStream | TlsStream, some: bytes) -> None:
        try:
            await stream.send(some)
            await asyncio.sleep(0)
        except ConnectionFailedError:
            return
        finally:
            await stream.aclose()


class Channel(Machine):
    """A call with a data channel: right ones, and malformed records, chunks and messages in them."""

    def __init__(self) -> None:
        """Register a UE that may have data channels."""
        super().__init__()
        self.peer = self.bench.data_channel_peer()
        self.door = SctpChunks(self.bench.session, self.peer)

    @initialize()
    def begin(self) -> None:
        """Be in a data channel once, with good chunks and records of every kind."""
        self.talk()
        self.spoil_chunks(list(self.door.corpus[:3]))
        self.spoil_records([b"\x17\xfe\xfd" + bytes(10)])

    @rule()
    def talk(self) -> None:
        """A right peer gets its association."""
        assert self.door.serves()
        REACHED.add("in a data channel")

    @rule(chunks=st.lists(LEVELS["sctp"].nearly, min_size=1, max_size=3))
    def spoil_chunks(self, chunks: list[bytes]) -> None:
        """Malformed chunks inside an association."""
        self.door.throw(chunks, Reaction())
        REACHED.add("chunks in a data channel")

    @rule(records=st.lists(LEVELS["dtls"].nearly, min_size=1, max_size=3))
    def spoil_records(self, records: list[bytes]) -> None:
        """Malformed records before the handshake; the right one that follows in the same call may fail, others not."""
        call = self.peer.open("spoiled")
        try:
            call.throw("records", [one for one in records if one])
        except ImsproofError:
            pass
        finally:
            call.close()
        REACHED.add("records in a call")


def options(examples: int, steps: int) -> settings:
    """The same each time, unless a search is asked for."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize="FUZZ_EXAMPLES" not in os.environ,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


TestSubscriber = Subscriber.TestCase
TestSubscriber.settings = options(EXAMPLES, 30)
TestConnections = Connections.TestCase
TestConnections.settings = options(EXAMPLES, 10)
TestChannel = Channel.TestCase
TestChannel.settings = options(max(EXAMPLES // 6, 2), 6)


class TestReached:
    """After the machines (pytest runs them in the order of this file)."""

    def test_every_state_was_reached(self) -> None:
        """Not only the front door was fuzzed."""
        assert {
            "registered", "subscribed", "in a call", "offered again", "tcp connection", "tls connection",
            "asked on a connection", "in a data channel", "chunks in a data channel", "records in a call",
        } <= REACHED  # fmt: skip
