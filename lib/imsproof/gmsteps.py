"""What the testcases of registrations do again and again, and how they read answers to a REGISTER."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.farleg import FarLeg
from imsproof.judge import alive, control, expect
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.sipsubject import Challenge, Registration
    from imsproof.actors.ue import Ue
    from imsproof.bench import Bench
    from imsproof.codec.sip import Message
    from imsproof.judge.expect import Expectation
    from imsproof.seams import Subject

REFUSALS = (401, 403)
"""A failed authentication is answered by a new challenge or by 403 (TS 24.229 5.4.1.2.3); both are refusals."""
PROCESSED = [200, 401, 407]
"""How a registrar answers a REGISTER that it took for good: it challenges it, or accepts it."""
SERVED = [*PROCESSED, 403, 404, 405, 480, 481, 484, 501]
"""How a node answers a well-formed request that it does not want."""
BLAMED = [400, 413, 414, 416, 500, 505, 513]
"""Statuses that blame the form of a request, or show that the node stumbled over it."""


def wrong(res: bytes) -> bytes:
    """A RES that is wrong in one bit."""
    return res[:-1] + bytes((res[-1] ^ 1,))


class Reach:
    """How it shows that a subscriber is registered: by a call to it, or by its bindings where nobody else can call."""

    def __init__(self, bench: Bench, ue: Ue) -> None:
        self._ue = ue
        self._caller = bench.ue("ue-b") if "gm.two-subscribers" in bench.profile.capabilities() else None
        if self._caller is not None:
            media = FarLeg(bench.session, ue.local[0], actor="ue-a")
            self._offer = media.sdp().to_bytes()
            self._calls = Answering(ue, lambda _offer: media.sdp())

    def shown(self, expectation: Callable[[Subject], Expectation], label: str) -> Subject:
        """Expect that the subscriber is reached."""
        if self._caller is None:
            told = bindings(self._ue, f"bindings {label}")
            expectation(told).holds("contact-bound", contact=self._ue.contact_uri)
            return told
        call = self._caller.invite(self._ue.impu, self._offer, label=f"call to it {label}")
        expectation(call).accepted()
        if call.ok:
            call.bye()
        return call


def bindings(ue: Ue, label: str) -> Registration:
    """Ask the registrar, authenticated, what is bound: a REGISTER without Contact (RFC 3261 section 10.2.3)."""

    def without_contact(message: Message) -> None:
        message.remove("Contact")
        message.remove("Expires")

    return ue.register(alter=without_contact, label=label)


def fail_authentication(ue: Ue, label: str) -> Registration:
    """Register with a response that is wrong: another RES with AKA, another password with digest."""
    if ue.subscriber.auth == "aka":
        return ue.register(res=wrong, label=label)
    return ue.register(password=f"not {ue.subscriber.password}", label=label)


def refused_as_wrong(done: Registration) -> None:
    """Claim that a registration was challenged, and that the wrong answer to the challenge was then refused."""
    if expect(done).holds("challenged").held:
        expect(done).refused(status=REFUSALS)


def challenge_of(registration: Registration) -> Challenge:
    """The challenge that came back; without one nothing can be shown."""
    if registration.challenge is None:
        raise InconclusiveError(
            f"no challenge came to {registration.exchange} ({registration.failed or registration.status}), so there is"
            " nothing to answer wrongly"
        )
    return registration.challenge


def answered_wrongly(
    bench: Bench, attack: Callable[[Ue], Subject], *, auth: str | None = None, ue: Ue | None = None
) -> None:
    """The shape of most purposes here: accepted when right, refused when wrong, accepted again."""
    ue = ue or bench.ue(auth=auth, registered=False)
    control(ue.register(label="REGISTER with the right response")).accepted()
    ue.deregister()
    expect(attack(ue)).refused(status=REFUSALS)
    alive(ue.register(label="REGISTER with the right response again"))
    ue.close()
