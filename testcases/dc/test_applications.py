"""Data-channel applications: each subscriber its own, over the protected channel only (TS 23.228 Annex AC)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors import applications
from imsproof.actors.dchandshake import Handshake
from imsproof.codec.dcep import PPID_STRING
from imsproof.codec.sdp import BOOTSTRAP, Dcmap
from imsproof.dcsteps import root
from imsproof.engine.identity import make_identity
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from imsproof.actors.dccall import Association, DataChannelCall
    from imsproof.actors.dcpeer import DataChannelPeer
    from imsproof.bench import Bench
    from imsproof.link.subject import HttpAnswer

GET = b"GET / HTTP/1.1\r\nHost: bootstrap\r\nAccept: */*\r\n\r\n"
SMUGGLING = (b"POST / HTTP/1.1\r\nHost: bootstrap\r\nContent-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(GET)) + GET
RANGES = 500
BOUND = 10
FIRST_APPLICATION, SECOND_APPLICATION = (
    Dcmap(stream, {"subprotocol": "json", "label": label}) for stream, label in ((1000, "first"), (1002, "second"))
)
APPLICATIONS = (BOOTSTRAP, FIRST_APPLICATION, SECOND_APPLICATION)
METHODS = ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT")


def fetched(peer: DataChannelPeer) -> tuple[DataChannelCall, Association, HttpAnswer]:
    """Open a data channel and fetch the list as the control."""
    call = peer.open("data channel")
    association = call.connect("protected bootstrap channel")
    listing = root(call, association, "GET /")
    control(listing).accepted()
    return call, association, listing


def serves(call: DataChannelCall, association: Association) -> None:
    """Show that the list is still served."""
    alive(root(call, association, "GET / again"))
    call.close()


@purpose("DC-APP-01")
def test_applications_only_over_the_protected_channel(bench: Bench) -> None:
    """The list is served on stream 0 inside DTLS, and neither over plain HTTP nor to a peer without fingerprint."""
    peer = bench.data_channel_peer()
    call, _, _ = fetched(peer)
    expect(call.plain_http("plain HTTP at the address of the data channel")).refused()
    call.close()

    unknown = peer.open("data channel without a fingerprint", fingerprints=())
    if unknown.peer is not None:
        attack = unknown.connect(
            "a certificate that no fingerprint is for", Handshake(identity=make_identity(), injected=True)
        )
        expect(attack).holds("no-association")
    else:
        expect(unknown).holds("no-data-channel")
    unknown.close()
    bare = peer.open("data channel for a peer without a certificate")
    attack = bare.connect("no certificate at all", Handshake(no_certificate=True, injected=True))
    expect(attack).holds("no-association")
    bare.close()

    call = peer.open("data channel again")
    association = call.connect("protected bootstrap channel again")
    serves(call, association)


@purpose("DC-APP-02")
def test_the_list_holds_the_subscribers_applications_and_no_others(bench: Bench) -> None:
    """The list names what this subscriber may use, and nothing that only others may."""
    user = bench.app_user()
    call, association, listing = fetched(user.peer)
    expect(listing).holds("body-holds", words=list(user.own))
    expect(listing).holds("body-lacks", words=list(user.others))
    serves(call, association)


@purpose("DC-APP-03")
def test_applications_of_others_cannot_be_guessed(bench: Bench) -> None:
    """An application that only others may use is not given to one who guesses where it lies."""
    user = bench.app_user()
    call, association, listing = fetched(user.peer)
    for other in user.others:
        for path in applications.others_paths(listing.body, user.own[0], other):
            guess = call.get(association, path, label=f"GET {other}, which is not this subscriber's")
            expect(guess).holds("nothing-else-given", listed=listing.exchange)
    serves(call, association)


@purpose("DC-APP-04")
def test_paths_do_not_lead_out_of_the_own_root(bench: Bench) -> None:
    """Dot segments, encoded or not, and other users' names lead to no other subscriber's applications."""
    user = bench.app_user()
    call, association, _ = fetched(user.peer)
    for path in applications.climbing_paths(user.other_impu):
        expect(call.get(association, path)).holds("body-lacks", words=list(user.others))
    serves(call, association)


@purpose("DC-APP-05")
def test_absolute_targets_and_hosts_do_not_choose_the_subscriber(bench: Bench) -> None:
    """A target in absolute form, or another Host, leads to no other subscriber's applications."""
    user = bench.app_user()
    call, association, _ = fetched(user.peer)
    for target in applications.absolute_targets("bootstrap", user.other_impu):
        expect(call.get(association, target)).holds("body-lacks", words=list(user.others))
    answer = call.get(association, "/", host=user.other_impu, label="GET / for another host")
    expect(answer).holds("body-lacks", words=list(user.others))
    serves(call, association)


@purpose("DC-APP-06")
def test_headers_do_not_choose_the_subscriber(bench: Bench) -> None:
    """Who asks is known by the call: headers that name somebody else change nothing."""
    user = bench.app_user()
    call, association, _ = fetched(user.peer)
    for header in applications.identity_headers(user.other_impu):
        answer = call.get(association, "/", headers=[header], label=f"GET / with {header[0]}")
        expect(answer).holds("body-lacks", words=list(user.others))
    serves(call, association)


@purpose("DC-APP-07")
def test_a_request_cannot_be_smuggled_into_another(bench: Bench) -> None:
    """A request with two lengths is refused as a whole: its body is not taken for a second request."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel")
    association = call.raw("association")
    control(association.message("GET on the bootstrap channel", 0, PPID_STRING, GET)).holds("message-answered")
    attack = association.collect("a request with two lengths and another one inside", 0, PPID_STRING, SMUGGLING)
    expect(attack).holds("answers-at-most", count=1)
    call.close()
    call = peer.open("data channel again")
    serves(call, call.connect("protected bootstrap channel again"))


@purpose("DC-APP-08")
def test_methods_that_change_things_are_refused(bench: Bench) -> None:
    """PUT, DELETE, PATCH, TRACE and CONNECT are refused on the bootstrap channel."""
    call, association, _ = fetched(bench.data_channel_peer())
    for method in METHODS:
        answer = call.get(association, "/", method=method)
        expect(answer).refused(status=[400, 403, 404, 405, 501])
    serves(call, association)


@purpose("DC-APP-09")
def test_packages_arrive_unchanged(bench: Bench) -> None:
    """An application's package has the hash that the list gives for it."""
    user = bench.app_user()
    call, association, listing = fetched(user.peer)
    path = applications.link_to(listing.body, user.own[0])
    if not path:
        raise InconclusiveError(f"the list has no link to {user.own[0]}, so its package cannot be fetched")
    package = call.get(association, path, label=f"GET {user.own[0]}")
    expect(package).holds("package-intact", listed=listing.exchange, path=path)
    serves(call, association)


@purpose("DC-APP-10")
def test_what_is_answered_to_one_subscriber_comes_to_no_other(bench: Bench) -> None:
    """While one subscriber fetches its list, nothing comes over another's data channels."""
    peer, other = bench.data_channel_peer(), bench.data_channel_peer()
    others_call = other.open("another subscriber's data channel")
    listener = others_call.raw("another subscriber's association")
    control(listener.message("another subscriber's GET", 0, PPID_STRING, GET)).holds("message-answered")
    watched = listener.watch("another subscriber listens")
    call, association, _ = fetched(peer)
    call.get(association, "/", label="GET / while another listens")
    listener.listen()
    expect(watched).holds("nothing-came")
    others_call.close()
    serves(call, association)


@purpose("DC-APP-11")
def test_data_channels_end_with_their_call(bench: Bench) -> None:
    """After BYE the association of the call's data channel answers no more."""
    peer = bench.data_channel_peer()
    call = peer.open("data channel")
    association = call.raw("association")
    control(association).holds("association-up")
    control(association.heartbeat("heartbeat during the call")).holds("heartbeat-answered")
    call.hang_up()
    association.wait_end()
    expect(association.heartbeat("heartbeat after BYE", needed=False)).holds("association-ended")
    call.close()
    call = peer.open("data channel again")
    serves(call, call.connect("protected bootstrap channel again"))


@purposes({"DC-APP-19": False, "DC-APP-20": True})
def test_data_channels_end_with_the_registration(bench: Bench, case: bool) -> None:
    """After its user has de-registered, or was by the network, the association of a data channel answers no more."""
    ue = bench.ue(data_channel=True)
    call = bench.data_channel_peer(ue).open("data channel")
    association = call.raw("association")
    control(association).holds("association-up")
    control(association.heartbeat("heartbeat while registered")).holds("heartbeat-answered")
    if case:
        bench.remove(ue)
    else:
        control(ue.deregister()).accepted()
    association.wait_end()
    expect(association.heartbeat("heartbeat after the registration", needed=False)).holds("association-ended")
    bench.register(ue)
    call = bench.data_channel_peer(ue).open("data channel after another registration")
    serves(call, call.connect("bootstrap channel after another registration"))


@purpose("DC-APP-12")
def test_answers_do_not_tell_product_and_version(bench: Bench) -> None:
    """Neither a page nor an error tells product and version of the server."""
    call, association, listing = fetched(bench.data_channel_peer())
    expect(listing).holds("no-product-version")
    expect(call.get(association, "/no/such/page")).holds("no-product-version")
    serves(call, association)


@purposes(
    {
        "DC-APP-13": "endless-head",
        "DC-APP-14": "endless-body",
        "DC-APP-15": "endless-chunks",
        "DC-APP-16": "header-flood",
    }
)
def test_a_request_without_end_keeps_nobody_else_from_being_served(bench: Bench, case: str) -> None:
    """A request that does not end is bounded: another subscriber is served meanwhile, and everybody afterwards."""
    other, hostile = bench.data_channel_peer(), bench.data_channel_peer()
    others_call, others, _ = fetched(other)
    call, association, _ = fetched(hostile)
    label = "somebody else's GET / beside another data channel (dc.at_once: 1, if the peer holds one only)"
    control(root(others_call, others, label)).accepted()
    name, request = applications.ENDLESS_REQUESTS[case]
    attack = call.ask(association, f"a request with {name}", request)
    expect(attack).holds("refused", role=Role.FORM)
    unharmed = expect(root(others_call, others, "somebody else's GET /")).accepted().held
    call.close()
    if unharmed:
        serves(others_call, others)


@purpose("DC-APP-17")
def test_overlapping_ranges_do_not_multiply_an_answer(bench: Bench) -> None:
    """A request for the whole list five hundred times over is not answered with five hundred lists."""
    call, association, listing = fetched(bench.data_channel_peer())
    ranges = [applications.overlapping_ranges(RANGES)]
    attack = call.get(association, "/", headers=ranges, label=f"GET / in {RANGES} overlapping ranges")
    expect(attack).holds("answer-bounded", listed=listing.exchange, times=BOUND)
    serves(call, association)


@purpose("DC-APP-18")
def test_what_one_application_sends_comes_out_at_no_other(bench: Bench) -> None:
    """What is sent on one application's channel comes neither on another application's nor to another subscriber."""
    peer, other = bench.data_channel_peer(), bench.data_channel_peer()
    others_call = other.open("another subscriber's applications", dcmaps=APPLICATIONS)
    listener = others_call.raw("another subscriber's association")
    call = peer.open("two applications", dcmaps=APPLICATIONS)
    association = call.raw("association")
    for one, label in ((listener, "another subscriber's heartbeat"), (association, "heartbeat")):
        control(one.heartbeat(label)).holds("heartbeat-answered")
    watched = listener.watch("another subscriber's applications listen")
    marker = f"only for {FIRST_APPLICATION.stream}: {call.identity.sha256}".encode()
    sent = association.collect("message to the first application", FIRST_APPLICATION.stream, PPID_STRING, marker)
    expect(sent).holds("data-on-one-stream")
    listener.listen()
    expect(watched).that("data-not-seen", exchanges=[watched.exchange], sent=sent.exchange)
    others_call.close()
    call.close()
    call = peer.open("data channel again")
    alive(call.handshake("DTLS again"))
    call.close()


@purpose("DC-AUTHZ-08")
def test_the_leg_behind_the_mf_is_protected(bench: Bench) -> None:
    """While applications are fetched, nothing of them crosses the leg behind the MF (MDC1, MDC2) in clear."""
    tap = bench.tap()
    call, association, listing = fetched(bench.data_channel_peer())
    for path in applications.links(listing.body)[:1]:
        call.get(association, path, label="GET of the first application")
    expect(tap.stop("the leg behind the MF")).holds("leg-protected", answer=listing.exchange)
    serves(call, association)


@purpose("DC-APP-21")
def test_the_bootstrap_streams_keep_their_roles(bench: Bench) -> None:
    """On stream 0 the own applications are served, on 100 and 110 those of the remote side and no others."""
    user = bench.app_user_of_two()
    channels = tuple(Dcmap(stream, {"subprotocol": "http"}) for stream in (0, 100, 110))
    call = user.peer.open("data channel with local and remote bootstrap streams", dcmaps=channels)
    association = call.connect("protected bootstrap channels")
    listing = root(call, association, "GET /")
    control(listing).accepted().holds("body-holds", words=list(user.own))
    for stream in (100, 110):
        answer = call.get(association, "/", stream=stream, label=f"GET / on stream {stream}")
        expect(answer).holds("body-lacks", words=list(user.own))
    serves(call, association)
