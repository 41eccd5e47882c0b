"""Registration with IMS AKA (TS 33.203 clause 6.1, TS 33.226 clause 4.2.2.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.media import FarLeg
from imsproof.actors.ue import Ue
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.sipsubject import Registration
    from imsproof.bench import Bench
    from imsproof.codec.sip import Message
    from imsproof.judge.expect import Expectation
    from imsproof.seams import Subject


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


@purpose("GM-AKA-01")
def test_registration_proves_both_sides(bench: Bench) -> None:
    """A subscriber is challenged, AUTN carries the right MAC, and the right RES registers it."""
    ue = bench.ue(auth="aka", registered=False)
    done = ue.register()
    expect(done).holds("challenged")
    expect(done).holds("network-authenticated")
    expect(done).accepted()
    ue.close()


@purpose("GM-AKA-02")
def test_a_wrong_response_is_refused(bench: Bench) -> None:
    """A registration with a wrong RES (or password) is refused; the same subscriber with the right one is not."""
    ue = bench.ue(registered=False)
    control(ue.register(label="REGISTER with the right response")).accepted()
    ue.deregister()
    attacker = Ue(bench.session, bench.gm, ue.subscriber, actor="attacker")
    expect(fail_authentication(attacker, "REGISTER with a wrong response")).refused(status=[401, 403])
    alive(ue.register(label="REGISTER with the right response again"))
    ue.close()


@purpose("GM-AKA-03")
def test_failed_authentication_does_not_deregister(bench: Bench) -> None:
    """A subscriber stays registered, with its contact, when somebody fails authentication in its name."""
    ue = bench.ue()
    reach = Reach(bench, ue)
    reach.shown(control, "before")
    attacker = Ue(bench.session, bench.gm, ue.subscriber, actor="attacker")
    expect(fail_authentication(attacker, "REGISTER in its name with a wrong response")).refused(status=[401, 403])
    alive(reach.shown(expect, "after"))
    ue.close()
