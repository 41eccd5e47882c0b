"""ICE: who may open a way to the peer (RFC 8445 section 7.3, RFC 8489 section 9.1.3, RFC 7675 section 5.1).

A check carries a password that only the two ends know from SDP. Without it nobody gets an answer, a nomination or DTLS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.dcice import Checks
from imsproof.dcsteps import associated, serves
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import Role

if TYPE_CHECKING:
    from imsproof.bench import Bench

MARGIN = 0.5
"""Seconds beyond what the peer is allowed."""
SLACK = 1.2
"""Times what the peer is allowed: some count from their next check, which is due in 6 of 30 seconds (RFC 7675 5.1)."""
WRONG = {
    "password": ("check with another password", {"password": "the password of somebody else"}),
    "bare": ("check without MESSAGE-INTEGRITY", {"password": ""}),
    "username": ("check for another user fragment", {"username": "nobody:here"}),
}


@purposes({"DC-ICE-01": "password", "DC-ICE-02": "bare", "DC-ICE-03": "username"})
def test_checks_without_the_right_credential_are_refused(bench: Bench, case: str) -> None:
    """A check is answered with success; the same one with a wrong or without a credential is not."""
    peer = bench.ice_peer()
    call = peer.open("data channel")
    checks = Checks(call)
    control(checks.send("check")).holds("check-answered")
    label, wrong = WRONG[case]
    expect(checks.send(label, **wrong)).holds("check-refused")
    alive(call.handshake("DTLS"))
    call.close()


@purpose("DC-ICE-04")
def test_no_dtls_goes_to_an_address_before_a_check(bench: Bench) -> None:
    """A ClientHello from the offered address gets nothing while no check came from there; after ICE it does."""
    peer = bench.ice_peer()
    call = peer.open("data channel", setup="active")
    control(call.handshake("DTLS")).accepted()
    call.close()
    call = peer.open("data channel without checks", setup="active", hold_ice=True)
    checks = Checks(call)
    expect(checks.early("ClientHello before any check", call.hello())).holds("no-dtls")
    call.close()
    serves(peer)


@purpose("DC-ICE-05")
def test_a_nomination_without_the_password_moves_nothing(bench: Bench) -> None:
    """A stranger that nominates itself with a wrong password gets no DTLS, and the association stays with the peer."""
    peer = bench.ice_peer()
    call = peer.open("data channel")
    checks = Checks(call)
    association = call.raw("association")
    control(association).holds("association-up")
    control(association.heartbeat("heartbeat before")).holds("heartbeat-answered")
    moved = checks.send("check of a stranger that nominates", nominate=True, password="a guess")
    expect(association.heartbeat("heartbeat after a stranger's nomination")).holds("heartbeat-answered")
    expect(moved).holds("no-dtls")
    call.close()
    serves(peer)


@purpose("DC-ICE-06")
def test_ice_passwords_are_long_and_each_call_has_its_own(bench: Bench) -> None:
    """The answers to two calls hold user fragments and passwords that are long enough, and different passwords."""
    peer = bench.ice_peer()
    calls = []
    for label in ("data channel", "another data channel"):
        call = peer.open(label)
        call.close()
        calls.append(call)
    expect(calls[0]).that("ice-credentials-good", exchanges=[call.exchange for call in calls])


@purpose("DC-ICE-07")
def test_broken_stun_ends_no_association(bench: Bench) -> None:
    """STUN that is cut, lies about its lengths or answers nothing leaves the association alone."""
    peer = bench.ice_peer()
    call = peer.open("data channel")
    checks = Checks(call)
    association = call.raw("association")
    control(association).holds("association-up")
    control(association.heartbeat("heartbeat before")).holds("heartbeat-answered")
    checks.broken("STUN that nobody can read")
    expect(association.heartbeat("heartbeat after STUN that nobody can read")).holds("heartbeat-answered")
    call.close()
    serves(peer)


@purpose("DC-ICE-08")
def test_nothing_is_sent_without_consent(bench: Bench) -> None:
    """An association answers while its consent checks are answered; when they are not, nothing comes any more."""
    peer = bench.ice_peer(lite=True)
    call, association = associated(peer)
    checks = Checks(call)
    checks.withdraw("consent is withdrawn", SLACK * bench.consent_seconds() + MARGIN)
    expect(association.heartbeat("heartbeat without consent", needed=False)).holds("heartbeat-not-answered")
    call.close()
    serves(peer)


@purpose("DC-ICE-09")
def test_an_ice_restart_brings_new_credentials_and_ends_nothing(bench: Bench) -> None:
    """When ICE begins anew the answer has another password, the association lives, and the former one is worthless."""
    peer = bench.ice_peer()
    call, association = associated(peer)
    former = Checks(call).agent
    first = call.exchange
    again = peer.restart_ice(call, "offer with new ICE credentials")
    control(again).holds("gives-data-channel")
    expect(again).that("ice-credentials-good", exchanges=[first, again.exchange])
    expect(association.heartbeat("heartbeat after the restart")).holds("heartbeat-answered")
    name = f"{former.remote.ufrag}:{former.local.ufrag}"
    stale = Checks(call).send("check with the former credentials", username=name, password=former.remote.password)
    expect(stale).holds("check-refused", role=Role.FORM)
    call.close()
    serves(peer)
