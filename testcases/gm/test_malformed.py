"""Malformed requests (RFC 4475, TS 33.117 clause 4.4.4): refused or dropped, and service goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.credentials import Credentials
from imsproof.actors.liveness import SipProbe
from imsproof.codec.torture import MALFORMED, well_formed
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.actors.outsider import Outsider
    from imsproof.bench import Bench
    from imsproof.profile.gm import Gm

PROCESSED = [200, 401, 407]
"""How a registrar answers a REGISTER that it took for good: it challenges it, or accepts it."""


@purpose("GM-MALFORMED-01")
def test_malformed_requests_are_refused(bench: Bench, outsider: Outsider) -> None:
    """Five malformed requests are refused or dropped, and after each one the lab still serves."""
    probe = SipProbe(bench.session, bench.gm)
    sent_by = "tester.invalid:5060"
    good = register(well_formed(bench.gm.registrar, sent_by, token(bench)), bench.gm)
    control(
        outsider.send(good, probe.target, "well-formed REGISTER", transport=probe.transport, linger=0.0, injected=False)
    ).accepted(PROCESSED)
    for case in MALFORMED:
        bad = register(case.build(bench.gm.registrar, sent_by, token(bench)), bench.gm)
        within = bench.profile.timers.silence
        answer = outsider.send(
            bad, probe.target, f"{case.name}: {case.about}", transport=probe.transport, within=within, linger=0.0
        )
        expect(answer).refused(accept=PROCESSED)
        after = outsider.send(
            register(well_formed(bench.gm.registrar, sent_by, token(bench)), bench.gm),
            probe.target,
            f"well-formed after {case.name}",
            transport=probe.transport,
            linger=0.0,
            injected=False,
        )
        expect(after).that("serves", exchanges=[after.exchange], accept=PROCESSED)
    alive(after, accept=PROCESSED)


def token(bench: Bench) -> str:
    """A token that makes a request unique."""
    return f"{bench.random.getrandbits(80):020x}"


def register(message: bytes, gm: Gm) -> bytes:
    """Put a subscriber's identities in, as its UE does, so that the well-formed request is one that is challenged."""
    user = next((one.impu for one in gm.subscribers), f"sip:probe@{gm.domain}")
    lines = message.split(b"\r\n")
    lines = [
        line.replace(f"<{gm.registrar}>".encode(), f"<{user}>".encode())
        if line.startswith((b"From:", b"To:"))
        else line
        for line in lines
    ]
    if gm.subscribers and gm.subscribers[0].auth == "aka":
        initial = Credentials(gm.subscribers[0], gm.digest_realm).initial(gm.registrar)
        lines.insert(2, f"Authorization: {initial}".encode())
    return b"\r\n".join(lines)
