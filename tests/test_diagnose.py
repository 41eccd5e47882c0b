"""``profile check`` says what around a lab may keep purposes from a verdict, and what to do about it."""

from __future__ import annotations

import base64
import datetime as dt
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from tests.actors.conftest import SipPeer, subscriber

from imsproof import diagnose
from imsproof.codec import sip
from imsproof.engine.identity import make_identity
from imsproof.profile.gm import Gm
from imsproof.seams import Event, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imsproof.link.session import Session

SHOWN = x509.load_der_x509_certificate(make_identity().der)
BEGINS, ENDS = SHOWN.not_valid_before_utc, SHOWN.not_valid_after_utc
MIDDLE = BEGINS + (ENDS - BEGINS) / 2
DAY = dt.timedelta(days=1)


def facts(**more: Any) -> dict[str, Any]:
    der = base64.b64encode(SHOWN.public_bytes(Encoding.DER)).decode()
    return {"peer_certificate": der, "peer_san": ["DNS:mf.ims.example", "IP:192.0.2.1"], "verified": "ok"} | more


def told(now: dt.datetime = MIDDLE, expected: str = "", anchor: str = "", **more: Any) -> list[str]:
    found = diagnose.certificate("mf", facts(**more), expected, now, anchor)
    return [f"{'good' if one.good else 'bad'}: {one.told}" for one in found]


def test_a_certificate_is_told_as_valid_expired_or_not_yet_valid() -> None:
    assert told()[0].startswith("good: valid until")
    assert told(ENDS + DAY)[0].startswith("bad: expired on")
    assert "is a clock wrong?" in told(BEGINS - DAY)[0]
    assert told(ENDS - DAY)[0].endswith("soon")
    assert "was not seen" in told(peer_certificate="")[0]


def gm(**more: Any) -> Gm:
    return Gm(domain="home.example", tls="192.0.2.1:5061", subscribers=(subscriber(),), **more)


def test_a_certificate_for_another_name_asks_for_the_name_that_ues_are_told() -> None:
    def told_of(*names: str, **more: Any) -> list[str]:
        return [one.told for one in diagnose.undeclared(gm(**more), ["home.example", "192.0.2.1"], {"peer_san": names})]

    assert "Give gm.tls_server_name" in told_of("DNS:edge.example")[0]
    assert told_of("DNS:edge.example", "IP:192.0.2.1") == []
    assert told_of("DNS:edge.example", tls_server_name="other.example") == []


def test_a_domain_that_is_nobodys_is_told() -> None:
    host = sip.parse_uri(subscriber().impu).host
    assert host in next(iter(diagnose.domain(gm()))).told
    assert not list(diagnose.domain(gm().model_copy(update={"domain": host})))


@pytest.mark.parametrize(
    ("names", "expected", "right"),
    [
        (["DNS:mf.ims.example"], "MF.ims.example", True),
        (["DNS:*.ims.example"], "mf.ims.example", True),
        (["DNS:*.ims.example"], "a.mf.ims.example", False),
        (["IP:192.0.2.1"], "192.0.2.1", True),
        ([], "mf.ims.example", False),
    ],
)
def test_a_name_that_the_certificate_is_not_for_is_told(names: list[str], expected: str, right: bool) -> None:
    assert (len(told(expected=expected, peer_san=names)) == 1) is right


def test_a_chain_that_does_not_end_at_the_profiles_anchor_is_told_with_the_field() -> None:
    assert "sbi.ca" in told(anchor="sbi.ca", verified="error 20 at depth 0")[1]
    assert len(told(verified="error 20 at depth 0")) == 1


def test_clocks_that_are_apart_are_told_with_the_side() -> None:
    def clock(seconds: float) -> list[diagnose.Remark]:
        return list(diagnose.clock("mf", format_datetime(MIDDLE + dt.timedelta(seconds=seconds)), MIDDLE))

    assert [one.good for one in clock(2)] == [True]
    assert "90 s ahead of" in clock(90)[0].told
    assert "60 s behind" in clock(-61)[0].told or "61 s behind" in clock(-61)[0].told
    assert list(diagnose.clock("mf", "no date", MIDDLE)) == []


def test_a_small_mtu_is_told_and_an_unknown_one_not() -> None:
    assert [one.good for one in diagnose.mtu("gm.udp", 1200)] == [False]
    assert [one.good for one in diagnose.mtu("gm.udp", 1500)] == [True]
    assert list(diagnose.mtu("gm.udp", 0)) == []


@pytest.fixture
def peer() -> Iterator[SipPeer]:
    made = SipPeer()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("status", "headers", "good", "words"),
    [
        (401, [("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=MD5')], True, "challenges with MD5"),
        (504, [], False, "Diameter peers"),
        (403, [], False, "is the subscriber provisioned"),
        (200, [], True, "without credentials"),
    ],
)
def test_what_the_core_says_to_a_register(
    session: Session, peer: SipPeer, status: int, headers: list[tuple[str, str]], good: bool, words: str
) -> None:
    peer.handler = lambda message: [sip.response(message, status, to_tag="t", headers=headers).to_bytes()]
    gm = Gm.model_validate(
        {
            "domain": "ims.example",
            "udp": f"{peer.address[0]}:{peer.address[1]}",
            "subscribers": [subscriber(password="p").model_dump(exclude_none=True)],
        }
    )
    remark = diagnose.core(session, gm)
    assert remark.good is good
    assert words in remark.told


@pytest.mark.parametrize(
    ("last", "words"),
    [(200, "good: registers"), (403, "bad: answered 403 to its response: is its password"), (503, "bad: does not reg")],
)
def test_credentials_are_tried_by_registering_once(session: Session, peer: SipPeer, last: int, words: str) -> None:
    challenge = [("WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=MD5')]

    def answer(message: sip.Message) -> list[bytes]:
        known = message.get("Authorization") is not None
        headers = [] if known else challenge
        return [sip.response(message, last if known else 401, to_tag="t", headers=headers).to_bytes()]

    peer.handler = answer
    gm = Gm.model_validate(
        {
            "domain": "ims.example",
            "udp": f"{peer.address[0]}:{peer.address[1]}",
            "subscribers": [subscriber(password="p").model_dump(exclude_none=True)],
        }
    )
    (remark,) = diagnose.credentials(session, gm)
    assert f"{'good' if remark.good else 'bad'}: {remark.told}".startswith(words)


def test_esp_is_looked_at_only_where_the_profile_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain = Gm.model_validate({"domain": "d", "udp": "127.0.0.1:5060"})
    assert list(diagnose.esp(plain)) == []
    monkeypatch.setattr(diagnose, "XFRM", tmp_path / "none")
    monkeypatch.setattr(diagnose, "raw_sockets", lambda: False)
    named = Gm.model_validate({"domain": "d", "udp": "127.0.0.1:5060", "sec_agree": ["ipsec-3gpp"]})
    sides = list(diagnose.esp(named))
    assert [one.good for one in sides] == [False, True]
    assert "run as root" in sides[0].told
    assert "no XFRM" in sides[1].told


def test_answers_that_take_long_are_told_with_the_timer_that_is_too_short() -> None:
    def event(at: float, kind: Kind, exchange: str = "1:a") -> Event:
        return Event(seq=1, utc="", mono_ns=int(at * 1e9), actor="checker", kind=kind, exchange=exchange)

    asked = [event(0, Kind.SENT), event(0.5, Kind.SENT), event(0.1, Kind.SENT, "2:b"), event(0.2, Kind.RECEIVED, "2:b")]
    (slow,) = diagnose.patience([*asked, event(0.9, Kind.RECEIVED)], silence=0.6)
    assert "0.90 s" in slow.told
    assert "2.7" in slow.told
    assert not list(diagnose.patience(asked, silence=0.6))
