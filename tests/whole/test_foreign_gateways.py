"""Protected media against gateways that were not made for them: right in every allowed way, and wrong.

What a right one may do differently stands in ``odd_gateway.RIGHT``; no purpose may fail on one of them. Each flaw of
``odd_gateway.WRONG`` is caught by the purpose that is about it, in its words. All families of SRTP against all of them
take half an hour (``docs/findings.md`` has the results); here are those purposes that a trait can mislead.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pylibsrtp
import pytest
from tests.whole import odd_gateway
from tests.whole.judged import judged
from tests.whole.odd_srtp import SUITES, Keys
from tests.whole.served import served

from imsproof.profile import loads
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.link.session import Link

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.79.1"
PROFILE = """
name: odd-gateway
scope: {{networks: [127.0.0.0/8], authorised_by: the test, until: 2099-12-31}}
tester: {{addresses: [127.0.0.1]}}
timers: {{answer: {answer}, silence: 0.3, handshake: 10, call: 5}}
claims: [sdes, dtls-srtp, confidentiality-required]
media:
  via: hook
  observe: {observe}
  suites: [AES_CM_128_HMAC_SHA1_80, AEAD_AES_128_GCM]
  hook:
    http: {{url: "http://{host}:{port}/{trait}/{{call_id}}/{{far_address}}/{{far_port}}", body: "{{sdp}}"}}
    answer: {{sdp: whole}}
    later_offers: true
    release:
      http: {{method: DELETE, url: "http://{host}:{port}/{trait}/{{call_id}}/{{far_address}}/{{far_port}}"}}
"""
DTLS = ("active", "deaf-first", "cookies", "rsa", "session-level", "many-prints", "small-letters")
"""Traits that show in DTLS alone."""
MAY_MISLEAD = {
    "SRTP-SDES-02": ("last-line", "strongest", "lifetime", "own-mki", "two-keys", "wsh", "long-sdp"),
    "SRTP-SDES-05": ("unpadded", "own-mki", "two-keys"),
    "SRTP-SDES-08": ("port-0", "hangs-up"),
    "SRTP-SDES-12": ("two-keys", "lifetime"),
    "SRTP-SDES-14": ("none", "own-mki", "latches"),
    "SRTP-SDES-17": ("no-mki",),
    "SRTP-PKT-05": ("policed", "paced", "loses"),
    "SRTP-PKT-06": ("probation",),
    "SRTP-PKT-13": ("latches", "strict-source", "keep-alive", "loses"),
    "SRTP-PKT-14": ("latches", "one-source"),
    "SRTP-PKT-16": ("talks", "renumbers"),
    "SRTP-PKT-17": ("one-source", "renumbers"),
    "SRTP-PKT-18": ("probation", "jitter-buffer", "own-mki", "loses"),
    "SRTP-RTCP-03": ("no-mux",),
    "SRTP-RTCP-04": ("no-mux", "own-reports", "own-mki"),
    "SRTP-DTLS-03": ("many-prints", "small-letters"),
    "SRTP-DTLS-07": (*DTLS, "talks", "keep-alive"),
    "SRTP-DTLS-08": ("active", "cookies"),
}
"""Purposes to the traits that they are held against, beside SRTP-SDES-04 against all that SDES shows."""
OPEN = {
    ("asymmetric", "SRTP-SDES-04"): "symmetric RTP",
    ("jitter-buffer", "SRTP-PKT-06"): "in order itself",
    ("own-reports", "SRTP-RTCP-01"): "ends RTCP itself",
    ("no-reports", "SRTP-RTCP-04"): "sent no RTCP",
    ("named", "SRTP-SDES-04"): "looks no names up",
}
"""What cannot be decided, and what is said of it."""
CAUGHT = {
    "no-window": ("SRTP-PKT-04", "sent seven times arrived 7 times"),
    "only-last": ("SRTP-PKT-04", "arrived 2 times"),
    "window-forgets": ("SRTP-PKT-05", "much later arrived 2 times"),
    "roc-ignored": ("SRTP-PKT-07", "around the wrap did not arrive"),
    "roc-forged": ("SRTP-PKT-08", "forged numbers far ahead did not arrive"),
    "tag-32": ("SRTP-PKT-01", "octet changed arrived"),
    "tag-ends": ("SRTP-PKT-01", "octet changed arrived"),
    "header-free": ("SRTP-PKT-01", "octet changed arrived"),
    "short-tag": ("SRTP-PKT-02", "short tag arrived"),
    "rtcp-any-tag": ("SRTP-RTCP-02", "tag changed arrived"),
    "rtcp-no-window": ("SRTP-RTCP-03", "arrived 3 times"),
    "rtcp-index-stays": ("SRTP-RTCP-04", "one keystream"),
    "rtcp-clear": ("SRTP-RTCP-04", "not encrypted"),
    "mki-unread": ("SRTP-SDES-17", "did not arrive"),
    "sends-roc-0": ("SRTP-PKT-18", "rollover counter 0, due is 1"),
    "sends-tag-32": ("SRTP-PKT-16", "not authentic"),
    "sends-clear": ("SRTP-PKT-16", "in clear"),
    "key-of-offer": ("SRTP-SDES-01", "one SDES key"),
    "key-forever": ("SRTP-SDES-01", "one SDES key"),
    "first-key": ("SRTP-SDES-14", "under the new key did not arrive"),
    "key-by-turns": ("SRTP-SDES-12", "octets in common"),
    "avp": ("SRTP-SDES-03", "answered with RTP/AVP"),
    "sniffs": ("SRTP-PKT-03", "plain RTP before any SRTP arrived"),
    "plain-other": ("SRTP-PKT-03", "plain RTP arrived"),
    "plain-events": ("SRTP-PKT-03", "plain RTP arrived"),
    "plain-rtcp": ("SRTP-RTCP-01", "plain RTCP arrived"),
    "sends-first-plain": ("SRTP-PKT-16", "in clear"),
    "any-print": ("SRTP-DTLS-02", "stranger's certificate"),
    "print-start": ("SRTP-DTLS-02", "last octet"),
    "print-as-client": ("SRTP-DTLS-02", "stranger's certificate"),
    "print-as-server": ("SRTP-DTLS-02", "setup:passive"),
    "plain-first": ("SRTP-DTLS-07", "before the handshake was over"),
    "no-certificate": ("SRTP-DTLS-11", "without a certificate"),
    "no-use-srtp": ("SRTP-DTLS-04", "without use_srtp"),
    "latch-plain": ("SRTP-PKT-13", "to a stranger"),
    "latch-authentic": ("SRTP-PKT-13", "to a stranger"),
    "latch-first": ("SRTP-PKT-14", "to a stranger"),
    "deaf-after-forgery": ("SRTP-PKT-15", "did not arrive"),
    "dies-of-short": ("SRTP-PKT-12", "did not arrive"),
    "in-outlives": ("SRTP-PKT-19", "after the end of the call arrived"),
    "out-outlives": ("SRTP-PKT-19", "after the end arrived"),
    "same-numbers": ("SRTP-PKT-17", "one keystream"),
    "bye-obeyed": ("SRTP-RTCP-05", "did not arrive"),
    "short-key": ("SRTP-SDES-10", "short key"),
    "takes-null": ("SRTP-SDES-11", "NULL"),
    "mux-plain": ("SRTP-RTCP-04", "not authentic"),
}
"""Flaws to the purposes that are about them, and to words of the verdict's reason."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """All gateways in a process of their own; the port of their hook."""
    with served("odd_gateway", HOST) as line:
        yield int(line)


def of_gateway(
    purpose_id: str, trait: str, port: int, link: Link, folder: Path, answer: float, observe: str = "far"
) -> tuple[Verdict, str]:
    """Verdict and reason of one purpose against the gateway with this trait."""
    observe = "echo" if trait == "echo" else observe
    text = PROFILE.format(host=HOST, port=port, trait=trait, answer=answer, observe=observe)
    if observe != "far":
        text = text.replace("{far_address}/{far_port}", "127.0.0.1/9")
    return judged(purpose_id, loads(text, source="odd", base=folder), link, folder)


def test_every_flaw_has_a_purpose_and_every_trait_is_known() -> None:
    shown = {trait for traits in MAY_MISLEAD.values() for trait in traits} | {trait for trait, _ in OPEN}
    assert shown <= set(odd_gateway.RIGHT)
    assert set(CAUGHT) == set(odd_gateway.WRONG)


@pytest.mark.parametrize("trait", odd_gateway.RIGHT)
def test_no_purpose_fails_a_gateway_that_is_right(trait: str, port: int, link: Link, tmp_path: Path) -> None:
    ids = [one for one, traits in MAY_MISLEAD.items() if trait in traits]
    ids += [] if trait in DTLS or (trait, "SRTP-SDES-04") in OPEN else ["SRTP-SDES-04"]
    found = {one: of_gateway(one, trait, port, link, tmp_path, 10) for one in ids}
    assert {one: why for one, (verdict, why) in found.items() if verdict not in (Verdict.PASS, Verdict.REMARK)} == {}


@pytest.mark.parametrize(("trait", "purpose_id"), OPEN)
def test_what_a_right_gateway_does_not_show_stays_open(
    trait: str, purpose_id: str, port: int, link: Link, tmp_path: Path
) -> None:
    verdict, reason = of_gateway(purpose_id, trait, port, link, tmp_path, 2)
    assert verdict is Verdict.INCONCLUSIVE, reason
    assert OPEN[trait, purpose_id] in reason


@pytest.mark.parametrize("flaw", odd_gateway.WRONG)
def test_each_gateway_that_is_wrong_is_caught(flaw: str, port: int, link: Link, tmp_path: Path) -> None:
    purpose_id, words = CAUGHT[flaw]
    verdict, reason = of_gateway(purpose_id, flaw, port, link, tmp_path, 2)
    assert verdict is Verdict.FAIL, reason
    assert words in reason


def test_a_gateway_that_is_not_told_of_the_end_is_not_blamed(port: int, link: Link, tmp_path: Path) -> None:
    text = PROFILE.format(host=HOST, port=port, trait="none", answer=10, observe="far").partition("    release:")[0]
    verdict, reason = judged("SRTP-PKT-19", loads(text, source="odd", base=tmp_path), link, tmp_path)
    assert verdict is Verdict.INCONCLUSIVE
    assert "has no release" in reason


@pytest.mark.parametrize(
    ("trait", "purpose_id", "wanted"),
    [
        ("talks", "SRTP-DTLS-07", Verdict.PASS),
        ("talks", "SRTP-PKT-16", Verdict.PASS),
        ("plain-first", "SRTP-DTLS-07", Verdict.FAIL),
        ("talks+sends-first-plain", "SRTP-PKT-16", Verdict.FAIL),
    ],
)
def test_of_who_talks_by_itself_what_it_sends_is_judged(
    trait: str, purpose_id: str, wanted: Verdict, port: int, link: Link, tmp_path: Path
) -> None:
    verdict, reason = of_gateway(purpose_id, trait, port, link, tmp_path, 10, observe="none")
    assert verdict is wanted, reason


@pytest.mark.parametrize(
    ("suite", "profile"),
    [
        ("AES_CM_128_HMAC_SHA1_80", pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80),
        ("AES_CM_128_HMAC_SHA1_32", pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32),
        ("AEAD_AES_128_GCM", pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM),
        ("AEAD_AES_256_GCM", pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM),
    ],
)
def test_the_right_ones_speak_srtp_as_libsrtp_does(suite: str, profile: int) -> None:
    master = secrets.token_bytes(sum(SUITES[suite][:2]))
    kinds = (pylibsrtp.Policy.SSRC_ANY_OUTBOUND, pylibsrtp.Policy.SSRC_ANY_INBOUND)
    sends, takes = (
        pylibsrtp.Session(pylibsrtp.Policy(key=master, ssrc_type=one, srtp_profile=profile)) for one in kinds
    )
    ours, theirs = Keys(suite, master), Keys(suite, master)
    report = b"\x80\xc9\0\1" + bytes(4) + b"\x80\xcc\0\2" + bytes(4) + b"TEST"
    for index in range(65533, 65538):
        packet = b"\x80\0" + (index % 65536).to_bytes(2) + bytes(8) + b"voice"
        assert theirs.open(sends.protect(packet)) == packet
        assert takes.unprotect(ours.protect(packet, index >> 16)) == packet
        assert theirs.open_report(sends.protect_rtcp(report)) == report
        assert takes.unprotect_rtcp(ours.protect_report(report)) == report
