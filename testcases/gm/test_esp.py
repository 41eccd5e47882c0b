"""What goes through the ESP associations of a UE, and what must not (TS 33.203 clauses 7.1, 7.4; RFC 4303)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imsproof.actors.esptransport import Altered
from imsproof.actors.outsider import Outsider
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.esptransport import EspTransport
    from imsproof.actors.proposal import Suite
    from imsproof.actors.secureue import SecureUe
    from imsproof.bench import Bench
    from imsproof.codec.sip import Message

SERVED = (200, 202, 404, 405, 480, 486, 488, 501)
"""A registered UE's request was looked at, whatever became of it; 401, 403, 407 and 408 are not among them."""
SEPARATE = (("hmac-sha-1-96", "aes-cbc"), ("hmac-sha-1-96", "null"))
"""Integrity and encryption each by itself, so that a packet can be wrong in one of them alone."""


def registered(bench: Bench, suites: tuple[Suite, ...] = SEPARATE) -> SecureUe:
    """A UE whose associations work: its protected request is served."""
    ue = bench.secure_ue(registered=False)
    ue.suites = suites
    bench.register(ue)
    control(ue.probe("protected request")).accepted(accept=SERVED)
    return ue


def registers_still(bench: Bench, used: SecureUe) -> None:
    """The network registers the same subscriber, from another port: it may remember what was agreed with the last."""
    used.close()
    again = bench.secure_ue(f"{used.actor} elsewhere", subscriber=used.subscriber, registered=False)
    alive(again.register(label="REGISTER again"))
    again.close()


def lives_on(ue: SecureUe) -> None:
    """The association still carries the UE's requests."""
    alive(ue.probe("protected request again"), accept=SERVED)
    ue.close()


@purpose("GM-ESP-01")
def test_answers_come_through_the_association(bench: Bench) -> None:
    """A protected request is served, and all that comes back comes through ESP too."""
    ue = bench.secure_ue()
    done = ue.probe("protected request")
    expect(done).accepted(accept=SERVED)
    expect(done).holds("answered-protected")
    ue.close()


@dataclass(frozen=True)
class Wrong:
    """How a packet is made wrong, given the transport that would send it, and what the UE offers before."""

    make: Callable[[EspTransport], Altered]
    suites: tuple[Suite, ...] = SEPARATE


def broken(packet: bytes) -> bytes:
    """A packet whose last bit is another: in the ICV, which protects all the rest."""
    return packet[:-1] + bytes((packet[-1] ^ 1,))


def for_spi(packet: bytes, spi: int) -> bytes:
    """A packet for another SPI."""
    return spi.to_bytes(4, "big") + packet[4:]


def bare(transport: EspTransport) -> Altered:
    """A packet without encryption, right in all else."""
    if transport.agreed.ealg == "null":
        raise InconclusiveError("the network agreed on no encryption, so a packet without it is as it should be")
    return Altered("no encryption", association=replace(transport.outgoing, ealg="null", encryption_key=b""))


@purposes(
    {
        "GM-ESP-02": Wrong(
            lambda t: Altered(
                "no ESP, to the protected port", plain=(t.agreed.own.port_c, (t.remote[0], t.agreed.peer.port_s))
            )
        ),
        "GM-ESP-04": Wrong(lambda _: Altered("a broken ICV", spoil=broken)),
        "GM-ESP-06": Wrong(
            lambda t: Altered("an unknown SPI", spoil=lambda p: for_spi(p, t.outgoing.spi ^ 0x5A5A5A5A))
        ),
        "GM-ESP-07": Wrong(
            lambda t: Altered("other ports inside", ports=(t.agreed.own.port_c ^ 0x1000, t.agreed.peer.port_s))
        ),
        "GM-ESP-08": Wrong(bare, SEPARATE[:1]),
    }
)
def test_what_does_not_fit_the_association_is_dropped(bench: Bench, case: Wrong) -> None:
    """A request that comes without ESP or in a packet that is wrong in one thing is not served, and no harm is done."""
    ue = registered(bench, case.suites)
    altered = case.make(ue.esp)
    attack = ue.probe(f"request with {altered.told}", altered)
    expect(attack).refused(accept=SERVED)
    expect(attack).holds("dropped-in-silence", role=Role.FORM)
    lives_on(ue)


@purpose("GM-ESP-17")
def test_tcp_is_served_inside_the_associations_alone(bench: Bench) -> None:
    """A request over TCP inside ESP is served; over TCP without ESP, between the same ports, it is not."""
    ue = bench.secure_ue()
    control(ue.probe_tcp("request over TCP inside ESP")).accepted(accept=SERVED)
    expect(ue.probe_tcp("request over TCP without ESP", protected=False)).refused(accept=SERVED)
    alive(ue.probe_tcp("request over TCP inside ESP again"), accept=SERVED)
    ue.close()


@purpose("GM-ESP-03")
def test_a_protected_ue_is_not_served_without_protection(bench: Bench) -> None:
    """The same request to the unprotected port, from the UE's own address and port, is not served."""
    ue = registered(bench)
    name = next(iter(bench.gm.transports().items()))
    public = bench.gm.transports().get("udp") or name[1]
    plain = Altered("no ESP, to the public port", plain=(ue.esp.agreed.own.port_s, (public[0], public[1])))
    expect(ue.probe("request without ESP, to the public port", plain)).refused(accept=SERVED)
    lives_on(ue)


@purpose("GM-ESP-05")
def test_a_replayed_packet_is_dropped(bench: Bench) -> None:
    """A packet that was served is not answered when it comes once more."""
    ue = registered(bench)
    attack = ue.replay("the packet of the request once more")
    expect(attack).refused(accept=SERVED)
    lives_on(ue)


@purpose("GM-ESP-09")
def test_an_association_speaks_for_nobody_else(bench: Bench) -> None:
    """A de-registration of another subscriber, sent through one's own association, is not taken for authenticated."""
    first, second = bench.subscribers(2, auth="aka")
    victim = bench.secure_ue(subscriber=first)
    control(victim.probe("protected request of the victim")).accepted(accept=SERVED)
    attacker = bench.secure_ue("attacker", subscriber=second)

    def of_the_victim(message: Message) -> None:
        for name in ("From", "To"):
            message.set(name, (message.get(name) or "").replace(second.impu, first.impu))
        authorization = message.get("Authorization") or ""
        message.set("Authorization", authorization.replace(second.impi, first.impi))
        message.set("Contact", f"<{victim.contact_uri}>")
        message.set("Expires", "0")

    attack = attacker.challenge(alter=of_the_victim, label="de-registration of the victim, through another association")
    expect(attack).refused(status=(401, 403))
    after = victim.probe("protected request of the victim after")
    expect(after).accepted(accept=SERVED)
    alive(after, accept=SERVED)
    victim.close()
    attacker.close()


@purpose("GM-ESP-10")
def test_associations_end_with_the_registration(bench: Bench) -> None:
    """After the de-registration nothing is served through the old associations."""
    ue = registered(bench)
    ended = ue.deregister()
    control(ended).accepted()
    if not ended.ok:
        raise InconclusiveError(f"the UE could not de-register: {ended.failed or f'answered {ended.status}'}")
    after = Altered("an association that ended with its registration", association=ue.esp.outgoing)
    expect(ue.probe("request through the ended association", after)).refused(accept=SERVED)
    registers_still(bench, ue)


@purpose("GM-ESP-11")
def test_a_ue_behind_a_nat_is_not_redirected(bench: Bench) -> None:
    """A packet with the UE's SPI and a broken ICV, from another port, does not take over what is sent to the UE."""
    first, second = bench.subscribers(2, auth="aka")
    victim = bench.secure_ue("victim", subscriber=first, behind_nat=True)
    other = bench.secure_ue("ue-b", subscriber=second, behind_nat=True)
    control(victim.probe("protected request of the victim")).accepted(accept=SERVED)
    control(other.request("OPTIONS", victim.impu, label="request to the victim")).accepted()
    port = bench.gm.nat_port or 0
    forged = broken(victim.esp.last[0])
    where, silence = (victim.esp.remote[0], port), bench.session.timers.silence
    Outsider(bench.session).send(forged, where, "forged packet from another port", within=silence)
    after = other.request("OPTIONS", victim.impu, label="request to the victim after")
    expect(after).accepted()
    alive(victim.probe("protected request of the victim again"), accept=SERVED)
    victim.close()
    other.close()


PAUSE = 2.0
"""Seconds between looks at associations that may live on for a while."""


@purpose("GM-ESP-12")
def test_a_new_set_of_associations_ends_the_old_one(bench: Bench) -> None:
    """After the UE registered anew, with new associations, the old ones are not served for longer than allowed."""
    ue = registered(bench)
    old = ue.esp
    ue.begin_anew()  # without protection: it is challenged, and gets new associations
    bench.register(ue)
    control(ue.probe("protected request through the new associations")).accepted(accept=SERVED)
    ports = (old.agreed.own.port_c, old.agreed.peer.port_s)
    stale = Altered("the associations before", association=old.outgoing, ports=ports)
    attack = ue.probe("request through the old associations", stale)
    until = time.monotonic() + bench.profile.timers.associations
    while attack.ok and time.monotonic() < until:
        bench.session.run(asyncio.sleep(min(PAUSE, bench.profile.timers.associations)))
        attack = ue.probe("request through the old associations, later", stale)
    expect(attack).refused(accept=SERVED)
    lives_on(ue)


@purpose("GM-ESP-13")
def test_associations_end_with_their_time(bench: Bench) -> None:
    """When the registration runs out by itself, nothing is served through its associations any more."""
    ue = bench.secure_ue(registered=False)
    short = ue.register(expires=bench.gm.least_expires or 1, label="REGISTER for the shortest time")
    control(short).accepted()
    control(ue.probe("protected request in that time")).accepted(accept=SERVED)
    bench.session.run(asyncio.sleep(short.expires + bench.profile.timers.associations))
    expect(ue.probe("protected request after that time", within=bench.session.timers.silence)).refused(accept=SERVED)
    ue.registration = None
    registers_still(bench, ue)


@purpose("GM-ESP-14")
def test_a_reflected_packet_is_dropped(bench: Bench) -> None:
    """A packet with a request for the UE, sent back to the network as it came, is not taken for one of the UE's."""
    first, second = bench.subscribers(2, auth="aka")
    victim = bench.secure_ue("victim", subscriber=first)
    other = bench.secure_ue("ue-b", subscriber=second)
    asked = other.request("OPTIONS", victim.impu, label="request to the victim")
    control(asked).accepted()
    if not victim.esp.came[1].startswith(b"OPTIONS"):
        raise InconclusiveError("no request came to the UE, so that there is no packet to send back")
    expect(victim.replay("the network's own packet, sent back", reflected=True)).refused(accept=SERVED)
    alive(victim.probe("protected request of the victim"), accept=SERVED)
    victim.close()
    other.close()


FRAGMENT = 256
"""Octets of a fragment, of a packet of some 600."""


@purpose("GM-ESP-15")
def test_fragments_are_put_together(bench: Bench) -> None:
    """A protected request whose packet comes in IP fragments is served, and half a packet breaks nothing."""
    ue = registered(bench)
    fragments = Altered("IP fragments", pieces=FRAGMENT)
    served = ue.probe("request in fragments", fragments, within=bench.session.timers.answer)
    expect(served).accepted(accept=SERVED)
    lives_on(ue)


@purpose("GM-ESP-16")
def test_icmp_ends_no_association(bench: Bench) -> None:
    """ICMP errors that quote a packet of the network, which anybody can write, do not end the association."""
    ue = registered(bench)
    bench.session.run(ue.esp.send_unreachable("ICMP errors in the UE's name"))
    after = ue.probe("protected request after the ICMP errors")
    expect(after).accepted(accept=SERVED)
    alive(after, accept=SERVED)
    ue.close()
