"""A registered UE, its calls, and malformed messages in every state: the lab serves, and keeps its promises."""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from imsproof.actors.torturer import Torturer
from imsproof.actors.ue import Ue
from imsproof.codec.sdp import audio_offer
from imsproof.codec.torture import ims, rfc4475
from imsproof.fuzzing.strategies import nearly_valid_sip
from imsproof.lab.launch import launch
from imsproof.link.session import Link
from imsproof.paths import profiles
from imsproof.profile import load
from imsproof.seams import Record

if TYPE_CHECKING:
    from imsproof.actors.call import Call

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))
CASES = [one for one in (*rfc4475.ALL, *ims.ALL) if not one.response]


class Subscriber(RuleBasedStateMachine):
    """One UE of the embedded lab."""

    _lab: Any = None
    _folder: Any = None

    def __init__(self) -> None:
        """Start from a lab that has forgotten everything."""
        super().__init__()
        if Subscriber._lab is None:
            Subscriber._folder = tempfile.TemporaryDirectory()
            Subscriber._lab = launch(Path(Subscriber._folder.name))
        self._lab.reset()
        profile = load(profiles() / "reference.yaml", env=self._lab.environment)
        assert profile.gm is not None
        assert profile.far is not None
        self.link = Link(scope_allows=profile.scope.allows, limits=profile.limits, timers=profile.timers)
        session = self.link.session(Record("STATES"))
        self.ue = Ue(session, profile.gm, profile.gm.subscribers[0])
        self.torturer = Torturer(session, profile.gm, random.Random(1), transport="udp")  # noqa: S311 - repeatable
        self.far = profile.far.uri
        self.registered = False
        self.call: Call | None = None

    @precondition(lambda self: not self.registered)
    @rule()
    def register(self) -> None:
        """Register."""
        assert self.ue.register().ok
        self.registered = True

    @precondition(lambda self: self.registered and self.call is None)
    @rule()
    def invite(self) -> None:
        """Call the lab's far UE."""
        self.call = self.ue.invite(self.far, audio_offer(self.ue.local[0], 40000).to_bytes())
        assert self.call.ok

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
        assert not self.ue.invite(self.far, audio_offer(self.ue.local[0], 40000).to_bytes()).ok

    @rule(case=st.sampled_from(CASES))
    def torture(self, case: Any) -> None:
        """Send a case of the corpora from somewhere else."""
        self.torturer.send(case, within=0.001)

    @rule(data=nearly_valid_sip())
    def spoil(self, data: bytes) -> None:
        """Send nearly valid SIP from the UE's own address, in whatever state it is."""
        self.ue.send_raw(data, "nearly valid", within=0.001)

    @invariant()
    def serves(self) -> None:
        """A good REGISTER of somebody is challenged."""
        answers = self.torturer.well()
        assert any(b" 401 " in data for one in answers for data in one.data)

    def teardown(self) -> None:
        """Close every socket; the lab stays for the next example."""
        self.link.close()


def teardown_module() -> None:
    """Stop the lab."""
    if Subscriber._lab is not None:  # noqa: SLF001 - its own
        Subscriber._lab.stop()  # noqa: SLF001
        Subscriber._folder.cleanup()  # noqa: SLF001


TestSubscriber = Subscriber.TestCase
TestSubscriber.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=12,
    deadline=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
