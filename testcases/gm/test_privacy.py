"""What messages tell whom: software, private data, the inside of nodes (RFC 3323, RFC 3325, RFC 7315)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.credentials import Credentials
from imsproof.actors.liveness import SipProbe
from imsproof.actors.transactions import new_branch
from imsproof.codec import sip
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from imsproof.actors.outsider import Outsider
    from imsproof.actors.parties import Parties
    from imsproof.bench import Bench
    from imsproof.profile.gm import Subscriber
    from imsproof.seams import Subject

CELL = "2620100010000a1b2c3d4"
LOCATION = ("P-Access-Network-Info", f"3GPP-E-UTRAN-FDD; utran-cell-id-3gpp={CELL}")
NETWORK_ONLY = (
    "P-Access-Network-Info",
    "P-Charging-Function-Addresses",
    "P-Charging-Vector",
    "P-Profile-Key",
    "P-Served-User",
    "P-User-Database",
)
"""Header fields that a UE has no use for, and that RFC 7315 and RFC 5502 keep within the trust domain."""
CALLER = (
    *("From", "P-Asserted-Identity", "P-Preferred-Identity", "P-Served-User", "Remote-Party-ID", "History-Info"),
    *("Referred-By", "Diversion"),
)
"""Header fields in which a network may say who calls."""


def request(bench: Bench, method: str, uri: str, *headers: tuple[str, str], name: str = "") -> bytes:
    """A request of somebody unknown, in somebody's ``name`` where one is given."""
    token = f"{bench.random.getrandbits(64):016x}"
    transport = next(iter(bench.gm.transports())).upper()
    who = f"sip:{token}@stranger.invalid"
    own = [
        ("Via", f"SIP/2.0/{transport} stranger.invalid:5060;branch={new_branch()};rport"),
        ("Max-Forwards", "70"),
        ("From", f"<{name or who}>;tag={token}"),
        ("To", f"<{name or uri}>"),
        ("Call-ID", f"{token}@stranger.invalid"),
        ("CSeq", f"1 {method}"),
        ("Contact", f"<{who}>"),
    ]
    return sip.request(method, uri, [*own, *headers]).to_bytes()


def first_register(bench: Bench) -> dict[str, bytes]:
    """A first REGISTER in a subscriber's name, which is answered where strangers are not; none without subscribers."""
    found = {}
    for one in bench.subscribers(1) if bench.gm.usual else ():
        aka = [("Authorization", Credentials(one, bench.gm.digest_realm).initial(bench.gm.registrar))]
        more = aka if one.auth == "aka" else []
        found["REGISTER of a subscriber"] = request(bench, "REGISTER", bench.gm.registrar, *more, name=one.impu)
    return found


def provoke(bench: Bench, outsider: Outsider) -> list[Subject]:
    """Have the lab answer a stranger: what it serves, what it refuses, and what it cannot read."""
    probe = SipProbe(bench.session, bench.gm)
    domain = bench.gm.domain
    requests = first_register(bench) | {
        "OPTIONS": request(bench, "OPTIONS", f"sip:{domain}"),
        "REGISTER of somebody unknown": request(bench, "REGISTER", bench.gm.registrar),
        "INVITE of somebody unknown": request(bench, "INVITE", f"sip:nobody@{domain}"),
        "BYE of no dialog": request(bench, "BYE", f"sip:nobody@{domain}", ("Subject", "x")),
        "an unknown method": request(bench, "NONSENSE", f"sip:{domain}"),
        "an extension that nobody has": request(bench, "OPTIONS", f"sip:{domain}", ("Proxy-Require", "nothing-such")),
        "an Authorization that cannot be read": request(
            bench, "REGISTER", bench.gm.registrar, ("Authorization", 'Digest username="\'; SELECT 1 --", realm=')
        ),
    }
    silence = bench.profile.timers.silence
    return [
        outsider.send(data, probe.target, label, transport=probe.transport, within=silence, linger=0.0)
        for label, data in requests.items()
    ]


@purpose("GM-PRIVACY-01")
def test_no_answer_tells_a_software_version(bench: Bench, outsider: Outsider) -> None:
    """Answers to a stranger name no product with its version."""
    answers = [one.exchange for one in provoke(bench, outsider)]
    probe = SipProbe(bench.session, bench.gm).probe()
    expect(probe).that("no-version-told", exchanges=answers)
    expect(probe).that("no-product-told", role=Role.FORM, exchanges=answers)
    alive(probe)


@purpose("GM-PRIVACY-02")
def test_the_far_ue_learns_nothing_that_is_the_network_s(bench: Bench) -> None:
    """In a whole call neither UE is given the other's location, private identity, or the network's own headers."""
    parties = bench.parties()
    call = parties.call("INVITE with the caller's location", headers=[LOCATION])
    control(call).accepted()
    if call.ok:
        call.reinvite(parties.offer, headers=[LOCATION])
        call.bye()
    pairs = ((parties.caller, parties.callee), (parties.callee, parties.caller))
    for told, other in pairs:
        texts = {"the other's private identity": other.subscriber.impi} if is_private(other.subscriber) else {}
        if told is parties.callee:
            texts["the caller's location"] = CELL
        if texts:
            expect(call).that("never-told", actor=told.actor, texts=texts)
        expect(call).that("headers-never-told", actor=told.actor, names=list(NETWORK_ONLY))
        # RFC 3261 22.3: the proxy that they are for uses them up.
        consumed = ["Proxy-Authorization"]
        expect(call).that("headers-never-told", role=Role.FORM, actor=told.actor, names=consumed)
    served_again(parties)


def is_private(subscriber: Subscriber) -> bool:
    """Whether the private identity says anything that a public one does not say already."""
    return not any(subscriber.impi.partition("@")[0] in impu for impu in subscriber.impus)


def served_again(parties: Parties) -> None:
    """That calls are served afterwards."""
    last = parties.call("call again")
    alive(last)
    if last.ok:
        last.bye()


@purpose("GM-PRIVACY-03")
def test_who_asks_for_privacy_is_not_named(bench: Bench) -> None:
    """With Privacy: id the far UE is not given the caller's asserted identity."""
    parties = bench.parties()
    first = parties.call("INVITE without Privacy")
    control(first).accepted()
    if first.ok:
        first.bye()
    before = len(parties.calls.taken)
    anonymous = '"Anonymous" <sip:anonymous@anonymous.invalid>'

    def hide(message: sip.Message) -> None:
        message.set("From", f"{anonymous};tag={new_branch()[7:]}")

    call = parties.call("INVITE with Privacy: id", headers=[("Privacy", "id")], alter=hide)
    arrived = parties.arrived(before)
    if arrived is None:
        how = call.failed or f"answered {call.status}"
        raise InconclusiveError(f"a call with Privacy: id does not arrive ({how}): the lab allows no anonymous calls")
    expect(arrived).holds("header-hidden", method="INVITE", names=["P-Asserted-Identity"])
    identities = {f"the caller's identity {number}": uri for number, uri in enumerate(parties.caller.subscriber.impus)}
    expect(arrived).holds("not-named-in", method="INVITE", names=list(CALLER), texts=identities)
    if call.ok:
        call.bye()
    served_again(parties)


@purpose("GM-PRIVACY-04")
def test_errors_tell_nothing_of_the_inside(bench: Bench, outsider: Outsider) -> None:
    """Error answers tell neither code, nor files, nor database, nor process."""
    answers = [one.exchange for one in provoke(bench, outsider)]
    probe = SipProbe(bench.session, bench.gm).probe()
    expect(probe).that("errors-tell-nothing", exchanges=answers)
    alive(probe)


@purpose("GM-PRIVACY-05")
def test_ids_of_registration_states_tell_nothing(bench: Bench) -> None:
    """NOTIFY of the registration state holds neither the private identity nor ids that are made of an identity."""
    ue = bench.ue()
    headers = [("Event", "reg"), ("Expires", "600"), ("Contact", ue.contact), ("Accept", "application/reginfo+xml")]
    asked = ue.request("SUBSCRIBE", ue.impu, headers=headers, label="SUBSCRIBE to its own registration state")
    control(asked).accepted()
    told = ue.wait_request("NOTIFY")
    if told is None:
        raise InconclusiveError("the subscription to the own registration state brought no NOTIFY")
    identities = [ue.subscriber.impi, *ue.subscriber.impus]
    expect(told).holds("reginfo-ids-opaque", identities=identities)
    alive(ue.register(label="REGISTER again"))
