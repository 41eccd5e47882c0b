"""What UEs are told and what is accepted of them, told by what crossed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.audit import wire

from imsproof.codec.aka import encode_nonce
from imsproof.judge.predicates import seen_sip
from imsproof.seams import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from imsproof.seams import Event

SERVER = "ipsec-3gpp;alg=hmac-sha-1-96;spi-c=1;spi-s=2;port-c=6100;port-s=6101"


def challenge(rand: int = 1, more: str = "") -> tuple[str, str]:
    """A challenge of AKA."""
    nonce = encode_nonce(bytes([rand]) * 16, bytes(16))
    return "WWW-Authenticate", f'Digest realm="x", nonce="{nonce}", algorithm=AKAv1-MD5{more}'


def events(folder: Path, *said: tuple[bytes, bytes]) -> list[Event]:
    """Requests of a UE with their answers, as a journal."""
    both = [part for one, other in said for part in ((wire.UE, wire.EDGE, one), (wire.EDGE, wire.UE, other))]
    return wire.reading(folder, wire.dialogue(*both)).events


def registered(cseq: int, status: int, *headers: str, answer: tuple[tuple[str, str], ...] = ()) -> tuple[bytes, bytes]:
    """A REGISTER and its answer."""
    request = wire.register(*headers, cseq=cseq)
    return request, wire.answer(request, status, *answer)


@pytest.mark.parametrize(("more", "outcome"), [("", Outcome.HOLDS), (', ck="00"', Outcome.FAILS)])
def test_keys_in_a_challenge_to_a_ue_are_wrong(tmp_path: Path, more: str, outcome: Outcome) -> None:
    journal = events(tmp_path, registered(1, 401, answer=(challenge(more=more),)))
    assert seen_sip.seen_keys_told(journal).outcome is outcome


def test_keys_between_nodes_of_the_network_are_as_they_should_be(tmp_path: Path) -> None:
    core = wire.message("REGISTER sip:ims.example SIP/2.0", "Path: <sip:p>", vias=2, call="r")
    told = wire.answer(core, 401, challenge(more=', ck="00", ik="11"'))
    said = [(wire.UE, wire.EDGE, wire.register()), (wire.EDGE, wire.CORE, core), (wire.CORE, wire.EDGE, told)]
    assert seen_sip.seen_keys_told(wire.reading(tmp_path, wire.dialogue(*said)).events).events == ()


@pytest.mark.parametrize(("second", "outcome"), [(2, Outcome.HOLDS), (1, Outcome.FAILS)])
def test_a_rand_that_comes_again_is_wrong(tmp_path: Path, second: int, outcome: Outcome) -> None:
    pairs = [registered(n, 401, answer=(challenge(rand),)) for n, rand in ((1, 1), (1, 1), (2, second))]
    assert seen_sip.seen_rand_fresh(events(tmp_path, *pairs)).outcome is outcome


@pytest.mark.parametrize(
    ("verify", "status", "outcome"),
    [
        (SERVER, 200, Outcome.HOLDS),
        (SERVER.replace("sha-1", "md5"), 200, Outcome.FAILS),
        (SERVER.replace("sha-1", "md5"), 403, Outcome.UNKNOWN),
    ],
)
def test_another_list_must_not_be_accepted(tmp_path: Path, verify: str, status: int, outcome: Outcome) -> None:
    first = registered(1, 401, answer=(challenge(), ("Security-Server", SERVER)))
    journal = events(tmp_path, first, registered(2, status, f"Security-Verify: {verify}"))
    assert seen_sip.seen_verify_same(journal).outcome is outcome


@pytest.mark.parametrize(("status", "over", "outcome"), [(200, False, "fails"), (403, False, "holds"), (200, True, "")])
def test_service_outside_of_the_associations_is_wrong(tmp_path: Path, status: int, over: bool, outcome: str) -> None:
    call = wire.message("MESSAGE sip:b@ims.example SIP/2.0", call="m")
    said = [registered(1, 401, answer=(("Security-Server", SERVER),)), registered(2, 200, f"Security-Verify: {SERVER}")]
    if over:
        said.append(registered(3, 200, "Expires: 0"))
    found = seen_sip.seen_outside_association(events(tmp_path, *said, (call, wire.answer(call, status))))
    assert found.outcome is {"fails": Outcome.FAILS, "holds": Outcome.HOLDS}.get(outcome, Outcome.UNKNOWN)


@pytest.mark.parametrize(("banner", "outcome"), [("imslab/5.6", Outcome.FAILS), ("imslab", Outcome.HOLDS)])
def test_a_version_in_the_networks_own_answers_is_wrong(tmp_path: Path, banner: str, outcome: Outcome) -> None:
    journal = events(tmp_path, registered(1, 401, answer=(("Server", banner),)))
    assert seen_sip.seen_product_told(journal).outcome is outcome


def test_what_another_ue_says_of_itself_is_not_the_networks(tmp_path: Path) -> None:
    call = wire.message("INVITE sip:b@ims.example SIP/2.0", call="m")
    journal = events(tmp_path, registered(1, 401), (call, wire.answer(call, 486, ("Server", "phone/1.2"))))
    assert len(seen_sip.seen_product_told(journal).events) == 1


def to_ue(*headers: str) -> list[bytes]:
    """A registration, and a request that comes to the UE."""
    call = wire.message("MESSAGE sip:a@10.0.0.1 SIP/2.0", *headers, vias=3, call="m")
    return wire.dialogue((wire.UE, wire.EDGE, wire.register()), (wire.EDGE, wire.UE, call))


def test_charging_data_at_a_ue_is_wrong(tmp_path: Path) -> None:
    names = ["P-Charging-Vector"]
    found = seen_sip.seen_headers_told(wire.reading(tmp_path, to_ue("P-Charging-Vector: x")).events, names=names)
    assert found.outcome is Outcome.FAILS
    assert seen_sip.seen_headers_told(wire.reading(tmp_path, to_ue()).events, names=names).outcome is Outcome.HOLDS


def test_the_identity_of_who_asked_for_privacy_at_a_ue_is_wrong(tmp_path: Path) -> None:
    asked = "Privacy: id"
    told = wire.reading(tmp_path, to_ue(asked, "P-Asserted-Identity: <sip:c@ims.example>")).events
    assert seen_sip.seen_privacy(told).outcome is Outcome.FAILS
    assert seen_sip.seen_privacy(wire.reading(tmp_path, to_ue(asked)).events).outcome is Outcome.HOLDS
