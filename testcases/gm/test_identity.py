"""Identities: who the far UE is told is calling, and which ways into the network there are (TS 24.229 4.4, 5.2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.liveness import SipProbe
from imsproof.actors.outsider import Outsider
from imsproof.actors.parties import Elsewhere
from imsproof.actors.transactions import new_branch
from imsproof.codec import sip
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.parties import Parties
    from imsproof.actors.station import Alter
    from imsproof.bench import Bench
    from imsproof.link.subject import RawAnswer

MARK = "imsproof-planted"
NETWORK_HEADERS = (
    ("P-Charging-Vector", f"icid-value={MARK}"),
    ("P-Charging-Function-Addresses", f"ccf={MARK}"),
    ("P-Profile-Key", f"<sip:{MARK}@example.invalid>"),
    ("P-Served-User", f"<sip:{MARK}@example.invalid>"),
    ("P-User-Database", f"<aaa://{MARK}.example.invalid>"),
    ("P-Visited-Network-ID", MARK),
    ("P-Asserted-Service", f"urn:urn-7:{MARK}"),
    ("Attestation-Info", MARK),
    ("Origination-Id", MARK),
    ("Additional-Identity", f"<sip:{MARK}@example.invalid>"),
)
"""What only the network may write (the list of TS 24.229 4.4)."""


def honest(parties: Parties, label: str) -> None:
    """The control: a call as it should be."""
    call = parties.call(label)
    control(call).accepted()
    if not call.ok:
        raise InconclusiveError(f"no honest call came up: {call.failed or f'answered {call.status}'}")
    call.bye()


def afterwards(parties: Parties) -> None:
    """That calls are served afterwards."""
    last = parties.call("INVITE, honest again")
    alive(last)
    if last.ok:
        last.bye()


def show_identity(
    parties: Parties, forged: str, label: str, *, headers: Sequence[tuple[str, str]] = (), alter: Alter | None = None
) -> None:
    """Call with a false identity, and judge what the far UE is shown."""
    before = len(parties.calls.taken)
    call = parties.call(label, headers=headers, alter=alter)
    arrived = parties.arrived(before) or call
    predicate = "shown-identity" if alter else "asserted-identity"
    expect(arrived).holds(predicate, allowed=list(parties.caller.identities), forged=[forged])
    if call.ok:
        call.bye()


@purpose("GM-ID-01")
def test_the_far_ue_sees_the_asserted_identity(bench: Bench) -> None:
    """Whatever the caller claims in P-Asserted-Identity or P-Preferred-Identity, the far UE sees its own."""
    parties = bench.parties()
    nobody, other = f"sip:imposter@{bench.gm.domain}", parties.callee.impu
    honest(parties, "INVITE, honest")
    for header in ("P-Asserted-Identity", "P-Preferred-Identity"):
        show_identity(parties, nobody, f"INVITE with false {header}", headers=[(header, f"<{nobody}>")])
    own = f"<{parties.caller.impu}>"
    two = [("P-Asserted-Identity", own), ("P-Asserted-Identity", f"<{nobody}>")]
    show_identity(parties, nobody, "INVITE with a false P-Asserted-Identity beside its own", headers=two)
    preferred = [("P-Preferred-Identity", f"<{other}>")]
    show_identity(parties, other, "INVITE with another subscriber in P-Preferred-Identity", headers=preferred)
    afterwards(parties)


@purpose("GM-ID-02")
def test_from_is_not_believed(bench: Bench) -> None:
    """From names another subscriber: the far UE is shown the caller's own identity, or gets no call."""
    parties = bench.parties()
    forged = parties.callee.impu
    honest(parties, "INVITE, honest")

    def false_from(message: sip.Message) -> None:
        message.set("From", f"<{forged}>;tag={new_branch()[7:]}")

    show_identity(parties, forged, "INVITE with the callee's own identity in From", alter=false_from)
    afterwards(parties)


@purpose("GM-ID-03")
def test_what_only_the_network_may_write_is_not_passed_on(bench: Bench) -> None:
    """Header fields of the trust domain that the caller wrote do not reach the far UE."""
    parties = bench.parties()
    honest(parties, "INVITE, honest")
    before = len(parties.calls.taken)
    call = parties.call("INVITE with headers of the network", headers=NETWORK_HEADERS)
    arrived = parties.arrived(before) or call
    expect(arrived).holds("planted-absent", planted=[[name, MARK] for name, _ in NETWORK_HEADERS])
    if call.ok:
        call.bye()
    afterwards(parties)


def intrude(
    bench: Bench, parties: Parties, label: str, *, uri: str = "", headers: Sequence[tuple[str, str]] = ()
) -> None:
    """Call the callee as somebody who never registered, in the caller's name, and judge that it does not get there."""
    answer = send_as_stranger(bench, parties, label, uri=uri, headers=headers)
    expect(answer).refused()
    expect(answer).holds("not-reached", actor="ue-b", methods=["INVITE"])


def send_as_stranger(
    bench: Bench, parties: Parties, label: str, *, uri: str = "", headers: Sequence[tuple[str, str]] = ()
) -> RawAnswer:
    """Send an INVITE (to the callee, by default) in the caller's name, as somebody who never registered."""
    probe = SipProbe(bench.session, bench.gm)
    message = invite(parties, uri or parties.callee.impu, headers, transport=probe.transport)
    silence = bench.profile.timers.silence
    stranger = Outsider(bench.session, actor="stranger")
    return stranger.send(message, probe.target, label, transport=probe.transport, within=silence, linger=0.0)


def invite(parties: Parties, uri: str, headers: Sequence[tuple[str, str]], *, transport: str = "udp") -> bytes:
    """An INVITE in the caller's name, as somebody without its socket would write it."""
    token = new_branch()[7:]
    own = [
        ("Via", f"SIP/2.0/{transport.upper()} stranger.invalid:5060;branch={new_branch()};rport"),
        *((name, value) for name, value in headers if name == "Route"),
        ("Max-Forwards", "70"),
        ("From", f"<{parties.caller.impu}>;tag={token}"),
        ("To", f"<{uri}>"),
        ("Call-ID", f"{token}@stranger.invalid"),
        ("CSeq", "1 INVITE"),
        ("Contact", "<sip:stranger@stranger.invalid>"),
        ("Content-Type", "application/sdp"),
        *((name, value) for name, value in headers if name != "Route"),
    ]
    return sip.request("INVITE", uri, own, parties.offer).to_bytes()


@purpose("GM-ID-04")
def test_who_is_not_registered_does_not_call(bench: Bench) -> None:
    """An INVITE in a subscriber's name, from somebody who neither registered nor proves who it is, goes nowhere."""
    parties = bench.parties()
    honest(parties, "INVITE, honest")
    intrude(bench, parties, "INVITE of an unregistered stranger")
    registered = parties.caller.registration
    trusted = {
        "an asserted identity": [("P-Asserted-Identity", f"<{parties.caller.impu}>")],
        "a subscriber's Service-Route": [("Route", one) for one in (registered.service_route if registered else ())],
    }
    for told, headers in trusted.items():
        if headers:
            intrude(bench, parties, f"INVITE of an unregistered stranger with {told}", headers=headers)
    afterwards(parties)


@purpose("GM-ID-05")
def test_nothing_goes_to_an_address_of_the_sender_s_choice(bench: Bench) -> None:
    """What a stranger sends is relayed nowhere, and a UE's own Route does not lead out of a P-CSCF's network.

    That a plain proxy follows the Route of a user that it knows is form (RFC 3261 section 16.12), and that a user may
    call an address outside is the network's policy.
    """
    parties = bench.parties()
    honest(parties, "INVITE, honest")
    places = {what: Elsewhere.open(bench.session, parties.caller.local[0], what) for what in ("relay", "route", "call")}
    outside = f"sip:open-relay@{places['relay'].address}"
    routed = [("Route", f"<{places['relay'].uri}>")]
    for told, uri, headers in (("to an address outside", outside, ()), ("with a Route outside", "", routed)):
        send_as_stranger(bench, parties, f"INVITE of a stranger {told}", uri=uri, headers=headers)
    if not expect(places["relay"]).holds("nothing-received").held:
        return

    def own_route(message: sip.Message) -> None:
        routes = message.values("Route")
        message.remove("Route")
        for value in (*routes[:1], f"<{places['route'].uri}>"):
            message.add("Route", value)

    call = parties.call("INVITE with a Route of its own", alter=own_route)
    toll = parties.call("INVITE to an address outside", target=f"sip:somebody@{places['call'].address}")
    for one in (call, toll):
        if one.ok:
            one.bye()
    expect(places["route"]).holds("nothing-received", role=None if bench.gm.is_pcscf else Role.FORM)
    expect(places["call"]).holds("nothing-received", role=Role.FORM)
    afterwards(parties)


CORE_USERS = ("term", "mt")
"""User parts by which known P-CSCFs tell requests to UEs from those of UEs."""
MARKS = {
    "Priority: emergency": ("", (("Priority", "emergency"),)),
    "a Route to urn:service:sos": ("", (("Route", "<sip:sos@%s;lr;service=urn:service:sos>"),)),
}


@purpose("GM-ID-06")
def test_an_emergency_call_is_no_way_in(bench: Bench) -> None:
    """Marks of an emergency call do not bring a call of who is not registered to an ordinary subscriber."""
    parties = bench.parties()
    honest(parties, "INVITE, honest")
    host = bench.gm.domain
    for name, (uri, headers) in MARKS.items():
        filled = [(header, value.replace("%s", host)) for header, value in headers]
        intrude(bench, parties, f"INVITE of a stranger with {name}", uri=uri, headers=filled)
    afterwards(parties)


@purposes({"GM-ID-07": "S-CSCF", "GM-ID-08": "AS", "GM-ID-09": "I-CSCF"})
def test_inner_nodes_serve_no_strangers(bench: Bench, case: str) -> None:
    """An INVITE of a stranger, straight to an inner node, with an asserted identity: refused, and nobody is called."""
    nodes = bench.profile.mw.inner() if bench.profile.mw else {}
    parties = bench.parties()
    honest(parties, "INVITE, honest")
    headers = [("P-Asserted-Identity", f"<{parties.caller.impu}>"), ("P-Served-User", f"<{parties.caller.impu}>")]
    stranger = Outsider(bench.session, actor="stranger")
    silence = bench.profile.timers.silence
    message = invite(parties, parties.callee.impu, headers)
    answer = stranger.send(message, nodes[case], f"INVITE of a stranger to the {case}", within=silence, linger=0.0)
    expect(answer).refused()
    expect(answer).holds("not-reached", actor="ue-b", methods=["INVITE"])
    afterwards(parties)


@purpose("GM-ID-10")
def test_an_anonymous_call_to_who_refuses_them_does_not_arrive(bench: Bench) -> None:
    """Where the AS does not allow anonymous requests, an anonymous call is refused, or only seems to be granted."""
    refusing = [one for one in bench.gm.subscribers if one.refuses_anonymous]
    parties = bench.parties(among=refusing)
    honest(parties, "INVITE, not anonymous")

    def hide(message: sip.Message) -> None:
        message.set("From", f'"Anonymous" <sip:anonymous@anonymous.invalid>;tag={new_branch()[7:]}')

    call = parties.call("INVITE, anonymous", headers=[("Privacy", "id")], alter=hide)
    expect(call).holds("not-reached", actor="ue-b", methods=["INVITE"])
    expect(call).that("status-in", role=Role.FORM, exchange=call.exchange, statuses=[200, 403, 433])
    if call.ok:
        call.bye()
    afterwards(parties)


@purpose("GM-ID-11")
def test_an_as_that_asks_for_privacy_is_anonymous(bench: Bench) -> None:
    """From of an AS's own request, where privacy is required, is the Anonymous User Identity."""
    service = bench.gm.callback
    if service is None:
        raise InconclusiveError("the profile has no gm.callback")
    ue = bench.ue()
    Answering(ue, lambda _offer: 486)
    text = [("Content-Type", "text/plain")]
    asked = ue.request("MESSAGE", service.uri, headers=text, body=b"Please call back.", label="MESSAGE to the service")
    control(asked).accepted()
    ue.wait_request(service.method, within=bench.profile.timers.call)
    expect(asked).that("anonymous-sender", actor=ue.actor, method=service.method)


@purpose("GM-ID-12")
def test_a_contact_is_no_way_in(bench: Bench) -> None:
    """A stranger's INVITE to a registered contact, with a Route such as the core uses, does not get to that UE."""
    parties = bench.parties()
    honest(parties, "INVITE, honest")
    probe = SipProbe(bench.session, bench.gm)
    host, port = probe.target
    pcscf = f"{f'[{host}]' if ':' in host else host}:{port}"
    registered = parties.callee.registration
    paths = registered.message.values("Path") if registered and registered.message else []
    routes = dict.fromkeys(["", *paths, f"<sip:{pcscf};lr>", *(f"<sip:{user}@{pcscf};lr>" for user in CORE_USERS)])
    identity = ("P-Asserted-Identity", f"<sip:imposter@{bench.gm.domain}>")
    for route in routes:
        headers = [identity, *([("Route", route)] if route else [])]
        label = f"INVITE of a stranger to a contact, with {route or 'no Route'}"
        intrude(bench, parties, label, uri=parties.callee.contact_uri, headers=headers)
    afterwards(parties)


@dataclass(frozen=True)
class Planted:
    """An address of the UE's choice in a header field where only the network may write, or that says where it is."""

    told: str
    name: str
    value: str

    def headers(self, elsewhere: Elsewhere) -> list[tuple[str, str]]:
        """The header field with the address of a place that nobody should be sent to."""
        return [(self.name, self.value.format(uri=elsewhere.uri, address=elsewhere.address))]


def other_address(bench: Bench) -> str:
    """Another of the tester's addresses than the one that its UEs have."""
    return bench.profile.tester.addresses[1]


@purpose("GM-ID-13")
def test_path_of_a_ue_leads_nowhere(bench: Bench) -> None:
    """A REGISTER with a Path of the UE's making: calls to that UE come to it, and not to the address in that Path."""
    parties = bench.parties()
    honest(parties, "INVITE, honest")
    elsewhere = Elsewhere.open(bench.session, other_address(bench))
    planted = Planted("a Path", "Path", "<{uri}>")
    again = parties.callee.register(headers=planted.headers(elsewhere), label="REGISTER with a Path of its own")
    call = parties.call("INVITE after that")
    if call.ok:
        call.bye()
    expect(elsewhere).holds("nothing-received")
    if not again.ok:
        expect(again).refused()
    parties.callee.register(label="REGISTER without it")
    afterwards(parties)


@purpose("GM-ID-14")
def test_via_does_not_say_where_answers_go(bench: Bench) -> None:
    """An answer goes to where its request came from, whatever address, received and rport the sender put into Via."""
    ue, within = bench.ue(transport="udp"), bench.session.timers.silence
    elsewhere = Elsewhere.open(bench.session, other_address(bench))
    host, port = elsewhere.udp.local

    def false_via(message: sip.Message) -> None:
        message.set("Via", f"SIP/2.0/UDP {elsewhere.address};received={host};rport={port};branch={new_branch()}")

    for target in (f"sip:{bench.gm.domain}", ue.impu):
        label = f"OPTIONS to {target} whose Via names another place"
        bench.session.run(ue.arequest("OPTIONS", target, alter=false_via, label=label, within=within))
    bench.session.run(ue.aregister(alter=false_via, label="REGISTER whose Via names another place", within=within))
    expect(elsewhere).holds("nothing-received")
    alive(ue.register(label="REGISTER, honest again"))
    ue.close()


@purposes(
    {
        "GM-ID-15": Planted("a Record-Route", "Record-Route", "<{uri}>"),
        "GM-ID-16": Planted("a Contact", "Contact", "<sip:somebody@{address}>"),
    }
)
def test_what_a_ue_says_of_its_place_leads_nowhere_else(bench: Bench, case: Planted) -> None:
    """What the far UE sends within the call does not go to an address that the caller wrote into its INVITE."""
    parties = bench.parties()
    honest(parties, "INVITE, honest")
    elsewhere = Elsewhere.open(bench.session, other_address(bench))

    def planted(message: sip.Message) -> None:
        for name, value in case.headers(elsewhere):
            message.set(name, value)

    call = parties.call(f"INVITE with {case.told} of its own", alter=planted)
    for there in list(parties.callee.calls.values()):
        there.bye("BYE of the far UE")
    if call.ok:
        call.bye()
    expect(elsewhere).holds("nothing-received")
    afterwards(parties)
