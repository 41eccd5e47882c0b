"""How far a chain came, and whether it stopped where it should."""

from __future__ import annotations

from tests.judge.events import Story

from imsproof.codec.sdp import Fingerprint, data_channel_offer
from imsproof.judge.predicates import chain
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
CHAIN = ["1:offer", "2:connect", "3:GET"]
RIGHT = ["signalling", "DTLS"]


def answered(port: int = 9) -> Story:
    sdp = data_channel_offer("192.0.2.1", port, fingerprints=[Fingerprint("SHA-256", "AA")]).to_bytes()
    return Story().add(Kind.SENT, CHAIN[0], "").add(Kind.RECEIVED, CHAIN[0], "", data=sdp, status=200)


def tried(story: Story) -> Story:
    return story.add(Kind.SENT, CHAIN[1], "dtls", text="handshake")


def shaken(story: Story) -> Story:
    return tried(story).add(Kind.HANDSHAKE, CHAIN[1], "dtls", version="DTLSv1.2")


def stops(story: Story, at: list[str] | None = None) -> tuple[Outcome, str]:
    finding = chain.chain_stopped(story.events, exchanges=CHAIN[:2], at=at or RIGHT)
    return finding.outcome, finding.sentence


def test_a_whole_chain_is_whole() -> None:
    story = shaken(answered()).add(Kind.HANDSHAKE, CHAIN[1], "sctp")
    story.add(Kind.SENT, CHAIN[2], "http").add(Kind.RECEIVED, CHAIN[2], "http", status=200)
    assert chain.chain_complete(story.events, exchanges=CHAIN).outcome is H
    assert stops(story)[0] is F
    assert chain.chain_stopped(story.events, exchanges=CHAIN, at=RIGHT).sentence.startswith("the chain did not stop")


def test_each_link_can_be_the_one_at_which_it_stops() -> None:
    refused = Story().add(Kind.SENT, CHAIN[0], "").add(Kind.RECEIVED, CHAIN[0], "", status=488)
    alert = tried(answered()).add(Kind.ALERT, CHAIN[1], "dtls", alert="bad_certificate", level="fatal")
    assert "stopped at signalling (the lab answered 488), which is the right place" in stops(refused)[1]
    assert "gave no data channel" in stops(answered(0))[1]
    assert "stopped at DTLS (the lab sent the alert bad_certificate), which is" in stops(alert)[1]
    assert stops(shaken(answered()))[0] is F
    assert "stopped at SCTP" in stops(shaken(answered()))[1]
    assert stops(shaken(answered()), ["SCTP"])[0] is H


def test_who_judges_the_certificate_after_the_handshake_stops_at_dtls() -> None:
    story = shaken(answered()).add(Kind.CLOSED, CHAIN[1], "dtls", by="lab")
    assert stops(story) == (
        H,
        "the chain stopped at DTLS (the lab ended the session right after the handshake), which is the right place",
    )


def test_an_answer_that_is_no_sdp_is_no_end() -> None:
    by_fields = Story().add(Kind.SENT, CHAIN[0], "").add(Kind.RECEIVED, CHAIN[0], "", data=b"{}", status=200)
    assert "stopped at SCTP" in stops(shaken(by_fields))[1]


def test_an_association_that_ends_later_did_come_up() -> None:
    story = shaken(answered()).add(Kind.HANDSHAKE, CHAIN[1], "sctp").add(Kind.CLOSED, CHAIN[1], "dtls", by="lab")
    assert "stopped at HTTP" in chain.chain_complete(story.events, exchanges=CHAIN).sentence


def test_nothing_seen_is_nothing_told() -> None:
    assert chain.chain_complete([], exchanges=CHAIN).outcome is U
    assert chain.chain_stopped([], exchanges=CHAIN, at=RIGHT).outcome is U
