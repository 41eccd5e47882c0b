"""Fingerprints of certificates in SDP (RFC 8122; TS 33.328 clauses 4.1.2.4, 4.1.2.5, 5.4.4 and 5.4.5, titles)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.dcanswer import DISCARD
from imsproof.actors.dchandshake import Handshake
from imsproof.dcsteps import associated, beside, connected, refused, serves
from imsproof.engine.identity import fingerprint, make_identity
from imsproof.judge import control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.actors.signalling import Answered
    from imsproof.bench import Bench
    from imsproof.codec.sdp import Sdp
    from imsproof.engine.identity import Identity

    Announced = tuple[str, Callable[[Identity], list[str]]]

OTHER = make_identity(name="other")
OCTET = len("00:")
PARTS: dict[str, Callable[[str], str]] = {
    "the first octets of the fingerprint": lambda own: own[: 4 * OCTET - 1],
    "a fingerprint whose last octet is another": lambda own: own[:-2] + other_octet(own[-2:]),
    "a fingerprint whose first octet is another": lambda own: other_octet(own[:2]) + own[2:],
}
"""What is made of a certificate's fingerprint, so that only a part of it is right."""
UDP_DISCARD = 9
NO_SUCH_METHOD = (405, 501)
FORMER = Handshake(injected=True)


def other_octet(octet: str) -> str:
    """Another octet, in hexadecimal."""
    return f"{int(octet, 16) ^ 0xFF:02X}"


def announce(*values: str) -> Callable[[Sdp], None]:
    """Return an edit that puts these fingerprint values, right or wrong, into the data channel's section."""

    def edit(offer: Sdp) -> None:
        section = offer.media[-1]
        section.remove_attr("fingerprint")
        for value in values:
            section.add_attr("fingerprint", value)

    return edit


@purpose("DC-FP-01")
def test_a_certificate_that_does_not_match_is_refused(bench: Bench) -> None:
    """With the offered certificate the association comes up; with another one it does not."""
    peer = bench.data_channel_peer()
    connected(peer)
    refused(peer.open("data channel for another certificate"), "another certificate than the offer's", OTHER)
    serves(peer)


@purposes(
    {
        "DC-FP-05": ("an unknown hash alone", lambda own: [f"sha-257 {own.sha256}"]),
        "DC-FP-06": ("no fingerprint", lambda _: []),
        "DC-FP-07": ("a fingerprint that is none", lambda _: ["SHA-256 " + ":".join(["ZZ"] * 32)]),
        "DC-FP-08": ("an empty fingerprint", lambda _: [""]),
    }
)
def test_without_a_usable_fingerprint_there_is_no_association(bench: Bench, case: Announced) -> None:
    """An offer whose fingerprint proves nothing is refused, or no certificate is good for it."""
    name, values = case
    peer = bench.data_channel_peer()
    connected(peer)
    call = peer.open(f"data channel with {name}", edit=announce(*values(peer.identity)))
    refused(call, f"certificate with {name}")
    serves(peer)


@purpose("DC-FP-09")
def test_a_part_of_a_fingerprint_is_not_enough(bench: Bench) -> None:
    """An offer whose fingerprint is the certificate's only in part is refused, or no certificate is good for it."""
    peer = bench.data_channel_peer()
    connected(peer)
    for name, part in PARTS.items():
        call = peer.open(f"data channel with {name}", edit=announce(f"SHA-256 {part(peer.identity.sha256)}"))
        refused(call, f"certificate with {name}")
    serves(peer)


@purpose("DC-FP-03")
def test_a_weak_hash_alone_proves_nothing(bench: Bench) -> None:
    """A fingerprint with MD5 alone gives no association, and one with SHA-1 alone should not either."""
    peer = bench.data_channel_peer()
    connected(peer)
    call = peer.open("data channel with MD5 alone", edit=announce(f"md5 {fingerprint(peer.identity.der, 'md5')}"))
    refused(call, "certificate with MD5 alone")
    call = peer.open("data channel with SHA-1 alone", edit=announce(f"sha-1 {fingerprint(peer.identity.der, 'sha-1')}"))
    refused(call, "certificate with SHA-1 alone", role=Role.FORM)
    serves(peer)


@purpose("DC-FP-04")
def test_a_weak_hash_beside_a_strong_one_does_not_count(bench: Bench) -> None:
    """Where SHA-1 and SHA-256 are announced, a certificate that matches SHA-1 only is refused.

    Several stacks know one fingerprint, and keep the last: that this is SHA-256's is the claim, SHA-1's a remark.
    """
    peer = bench.data_channel_peer()
    connected(peer)
    weak, strong = f"SHA-1 {fingerprint(peer.identity.der, 'sha-1')}", f"SHA-256 {OTHER.sha256}"
    for name, values, role in (
        ("SHA-1 of one certificate and SHA-256 of another", (weak, strong), Role.CLAIM),
        ("SHA-256 of one certificate and SHA-1 of another", (strong, weak), Role.FORM),
    ):
        call = peer.open(f"data channel with {name}", edit=announce(*values))
        refused(call, "the certificate that only SHA-1 is for", role=role)
    serves(peer)


@purpose("DC-FP-10")
def test_the_media_levels_fingerprint_counts(bench: Bench) -> None:
    """Where session and media level differ, only the media level's certificate is taken; a refusal is safe too."""
    peer = bench.data_channel_peer()

    def edit(offer: Sdp) -> None:
        offer.session.add_attr("fingerprint", f"SHA-256 {OTHER.sha256}")

    connected(peer)
    call = peer.open("data channel with another fingerprint at session level", edit=edit)
    if call.peer is None:
        expect(call).holds("gives-data-channel", role=Role.FORM)
    else:
        expect(call.connect("the media level's certificate")).holds("association-up")
    call.close()
    call = peer.open("data channel with another fingerprint at session level, again", edit=edit)
    refused(call, "the session level's certificate", OTHER)
    serves(peer)


@purpose("DC-FP-11")
def test_hash_names_are_known_in_small_letters(bench: Bench) -> None:
    """sha-256 in small letters, as most stacks write it, is understood; so should be its value in small letters."""
    peer = bench.data_channel_peer()
    connected(peer)
    own = peer.identity.sha256
    for name, value, role in (
        ("sha-256", f"sha-256 {own}", Role.CLAIM),
        ("its value in small letters", f"SHA-256 {own.lower()}", Role.FORM),
        ("more than one space", f"SHA-256   {own} ", Role.FORM),
    ):
        call = peer.open(f"data channel with {name}", edit=announce(value))
        if expect(call).holds("gives-data-channel", role=role).held:
            expect(call.connect(f"certificate with {name}")).holds("association-up", role=role)
        call.close()


@purpose("DC-FP-12")
def test_another_calls_certificate_is_not_good_here(bench: Bench) -> None:
    """A certificate that another subscriber's call announced, or a former one of the same, does not open this one."""
    here, there = bench.data_channel_peer(), bench.data_channel_peer()
    connected(here)
    call, others = here.open("data channel"), there.open("another subscriber's data channel")
    control(others).holds("gives-data-channel")
    refused(call, "the other subscriber's certificate", there.identity)
    others.close()
    call = here.open("data channel for another certificate", edit=announce(f"SHA-256 {OTHER.sha256}"))
    refused(call, "the certificate of a former call")
    serves(here)


@purpose("DC-FP-13")
def test_the_lab_shows_the_certificate_that_it_announced(bench: Bench) -> None:
    """The certificate in DTLS is one whose fingerprint stands in the lab's answer."""
    call = bench.data_channel_peer().open("data channel")
    attempt = call.handshake("DTLS with a peer that takes any certificate", Handshake(check_fingerprint=False))
    expect(attempt).holds("certificate-announced", answer=call.exchange)
    call.close()


@purpose("DC-FP-14")
def test_the_answer_announces_a_strong_hash(bench: Bench) -> None:
    """The lab's answer has a fingerprint with SHA-256 or better, and none with MD5."""
    call = bench.data_channel_peer().open("data channel")
    expect(call).holds("answer-hash")
    call.close()


@purpose("DC-FP-15")
def test_the_answers_setup_role_fits_the_offers(bench: Bench) -> None:
    """Active is answered with passive, passive with active, actpass with one of the two; never with actpass."""
    peer = bench.data_channel_peer()
    roles = bench.dc_roles()
    for offered, answers in (("actpass", ["active", "passive"]), ("active", ["passive"]), ("passive", ["active"])):
        if not set(answers) & set(roles):
            continue
        call = peer.open(f"data channel with a=setup:{offered}", setup=offered)
        expect(call).holds("answer-setup", allowed=answers)
        call.close()
    call = peer.open("data channel with a=setup:holdconn", setup="holdconn")
    if call.peer is not None:
        expect(call).holds("answer-setup", role=Role.FORM, allowed=["holdconn"])
    call.close()


@purpose("DC-FP-16")
def test_the_answers_tls_id_is_well_formed(bench: Bench) -> None:
    """A tls-id in the answer has 20 to 255 characters of those allowed, and there should be one."""
    call = bench.data_channel_peer().open("data channel")
    expect(call).holds("tls-id-formed").that("tls-id-present", role=Role.FORM, exchange=call.exchange)
    call.close()


@purpose("DC-FP-17")
def test_every_association_has_its_own_tls_id(bench: Bench) -> None:
    """Three calls get three tls-ids."""
    peer = bench.data_channel_peer()
    exchanges = []
    for number in range(1, 4):
        call = peer.open(f"data channel {number}")
        exchanges.append(call.exchange)
        call.close()
    expect(call).that("tls-ids-differ", exchanges=exchanges)


@purpose("DC-FP-18")
def test_as_client_too_the_lab_checks_the_certificate(bench: Bench) -> None:
    """A lab that takes the active role refuses a server whose certificate is not the one of the offer."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel, the lab as client", setup="passive")
    control(call.connect("the certificate of the offer")).holds("association-up")
    call.close()
    call = peer.open("data channel, the lab as client, for another certificate", setup="passive")
    refused(call, "a server with another certificate", OTHER)
    serves(peer)


@purposes({"DC-FP-19": "INVITE", "DC-FP-26": "UPDATE"})
def test_a_later_offers_fingerprint_takes_the_place_of_the_former(bench: Bench, case: str) -> None:
    """After a re-INVITE or an UPDATE with another fingerprint the former certificate is good no more."""
    peer = bench.data_channel_peer()
    for new, name in ((False, "another fingerprint"), (True, "another fingerprint and tls-id")):
        call = peer.open(f"data channel for {name}")
        control(call.connect("the certificate of the offer")).holds("association-up")
        if taken(peer.offer_again(call, f"later {case} with {name}", OTHER, method=case, new_tls_id=new), case):
            expect(call.connect(f"the former certificate after {name}", FORMER)).holds("no-association")
        call.close()
    serves(peer)


@purpose("DC-FP-27")
def test_a_later_offers_certificate_is_taken(bench: Bench) -> None:
    """After a re-INVITE with another fingerprint and tls-id an association comes up with that certificate."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel")
    control(call.connect("the certificate of the offer")).holds("association-up")
    again = peer.offer_again(call, "later offer of another certificate", OTHER, new_tls_id=True)
    if taken(again, "INVITE"):
        expect(call.connect("the later offer's certificate", Handshake(identity=OTHER))).holds("association-up")
    call.close()
    serves(peer)


def taken(answered: Answered, method: str) -> bool:
    """Whether a later offer was taken; a refusal is as good, but not that of the method (``InconclusiveError``)."""
    if answered.status in NO_SUCH_METHOD:
        raise InconclusiveError(f"{method} within a call is answered {answered.status}: its offers cannot be judged")
    described = answered.described()
    if described is None:
        expect(answered).holds("no-data-channel")
        return False
    if described.port == DISCARD and answered.ice() is None:
        raise InconclusiveError("the later offer went past the lab's media function, to the tester's other UE")
    return True


@purpose("DC-FP-23")
def test_each_m_lines_certificate_is_its_own(bench: Bench) -> None:
    """Where two m-lines announce different certificates, the one's is not good for the other's association."""
    peer = bench.data_channel_peer()

    def edit(offer: Sdp) -> None:
        second = offer.copy().media[-1]
        second.port = UDP_DISCARD
        second.set_attr("fingerprint", f"SHA-256 {OTHER.sha256}")
        second.set_attr("tls-id", OTHER.sha256.replace(":", "")[:32])
        offer.media.append(second)

    connected(peer)
    call = peer.open("two data-channel m-lines", edit=edit)
    refused(call, "the second m-line's certificate at the first one", OTHER)
    call = peer.open("two data-channel m-lines again", edit=edit)
    if call.peer is not None:
        expect(call.connect("the first m-line's certificate at the first one")).holds("association-up", role=Role.FORM)
    call.close()
    serves(peer)


@purpose("DC-FP-24")
def test_a_fingerprint_that_somebody_else_offers_too_opens_and_ends_nothing(bench: Bench) -> None:
    """Who offers another subscriber's fingerprint gets no association with his own key, and ends none of the other."""
    here, there = bench.data_channel_peer(), bench.data_channel_peer()
    call, association = associated(here)
    there.open("another subscriber's data channel").close()
    beside(association)
    copied = there.open("another subscriber's data channel with the same fingerprint", identity=here.identity)
    refused(copied, "the other subscriber's own certificate", there.identity)
    expect(association.heartbeat("heartbeat after another's offer of its fingerprint")).holds("heartbeat-answered")
    call.close()
    serves(here)


@purpose("DC-FP-28")
def test_a_session_of_a_former_call_is_not_taken_up_past_the_fingerprint(bench: Bench) -> None:
    """A handshake that takes up a former call's session shows no certificate, but meets the fingerprint as well."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel", setup="active")
    control(call.connect("the certificate of the offer", Handshake(resumption=True))).holds("association-up")
    session = call.dtls_session()
    call.close()
    call = peer.open("data channel for another certificate", setup="active", edit=announce(f"SHA-256 {OTHER.sha256}"))
    refused(call, "the former call's session", session=session)
    serves(peer)
