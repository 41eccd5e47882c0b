"""The purposes of data channels against a peer that was not made for them: right in every allowed way, and wrong.

What a right peer may do differently stands in ``odd_traits.RIGHT``; no purpose may fail one of them. Each peer of
``odd_traits.WRONG`` is caught by the purpose that its fault is about. The whole family against all of them takes
minutes (``docs/findings.md`` has the results); here are those purposes of it that a trait can mislead.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.whole.judged import judged
from tests.whole.odd_traits import RIGHT, WRONG

from imsproof.profile import loads
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.link.session import Link

ROOT = Path(__file__).resolve().parents[2]
PROFILE = """
name: odd
scope: {{networks: [127.0.0.1/32, "::1/128"], authorised_by: the test, until: 2099-12-31}}
tester: {{addresses: ["{address}"]}}
dc:
  via: hook
  hook:
    http: {{method: POST, url: "http://127.0.0.1:{port}/offer/{traits}", body: "{{sdp}}"}}
    answer: {{sdp: whole}}
  ice: {ice}
"""
ALL = ("DC-FP-01", "DC-SCTP-02")
SDP = ("DC-FP-06", "DC-FP-11", "DC-FP-13", "DC-FP-14", "DC-FP-15", "DC-FP-16", "DC-FP-17", "DC-FP-23")
DTLS = ("DC-DTLS-01", "DC-DTLS-03", "DC-DTLS-06", "DC-DTLS-12", "DC-DTLS-16", "DC-DTLS-19", "DC-FP-18")
SCTP = ("DC-SCTP-04", "DC-SCTP-05", "DC-SCTP-06", "DC-SCTP-09", "DC-SCTP-21", "DC-SCTP-26", "DC-SCTP-27")
HTTP = ("DC-APP-07", "DC-APP-08", "DC-APP-12", "DC-APP-13", "DC-APP-17")
ICE = ("DC-ICE-01", "DC-ICE-02", "DC-ICE-03", "DC-ICE-04", "DC-ICE-05", "DC-ICE-06", "DC-ICE-07")
CERTIFICATES = ("DC-DTLS-07", "DC-FP-13", "DC-FP-18")
MAY_MISLEAD = {
    SDP: ("no-tls-id", "session-level", "several-hashes", "small-letters", "port-0", "more-lines", "active"),
    ("DC-FP-13", "DC-FP-15", "DC-FP-16"): ("old-draft", "channels", "bundle", "media-address", "bare-lines"),
    DTLS: ("active", "one-port", "cookies", "late", "late-and-silent", "rsa", "records-apart"),
    ("DC-DTLS-06", "DC-DTLS-07", "DC-DTLS-12", "DC-FP-13"): ("p-384", "chain", "long-cookie", "twice"),
    ("DC-DTLS-12", "DC-DTLS-31"): ("late-start",),
    ("DC-DTLS-03",): ("silent",),
    ("DC-DTLS-30",): ("cookies", "long-cookie", "waits"),
    (*DTLS, "DC-DTLS-29"): ("small-datagrams",),
    SCTP: ("no-max-size", "any-size", "no-sctp-port", "other-sctp-port", "waits", "abort-on-error", "report-errors"),
    (*SCTP, "DC-SCTP-22"): ("slow-ack", "slow-open", "no-open"),
    ("DC-SCTP-04", "DC-SCTP-05", "DC-SCTP-13", "DC-SCTP-19", "DC-SCTP-21"): ("last-tsn", "few-streams"),
    (*SCTP, "DC-DTLS-11", "DC-SCTP-13", "DC-SCTP-16"): ("extensions", "heartbeats", "bundled"),
    HTTP: ("binary", "pieces", "chunked", "moved", "found", "html", "closes", "says-403", "says-410"),
    ("DC-APP-12", "DC-APP-13", "DC-CHAIN-01"): ("chunked-pieces", "http-1.0", "gzip", "interim", "small-names"),
    ("DC-APP-12", "DC-APP-13"): ("says-nothing",),
    CERTIFICATES: ("p-521", "expired", "not-yet", "for-ever", "no-name", "odd-name", "extended"),
    ("DC-DTLS-01", "DC-DTLS-05", "DC-DTLS-19"): ("chacha", "aes-256"),
    ("DC-FP-18", "DC-DTLS-03", "DC-DTLS-12", "DC-DTLS-31"): ("slow", "backwards", "late-hello"),
    ("DC-FP-12", "DC-FP-28"): ("resumes-and-checks",),
    ("DC-FP-13", "DC-FP-14", "DC-FP-16", "DC-FP-17"): (
        "unknown-hash",
        "two-certificates",
        "session-several",
        "long-tls-id",
    ),
    ("DC-FP-13", "DC-FP-15", "DC-APP-07"): ("odd-lines",),
    ("DC-APP-07", "DC-SCTP-26"): ("huge-size", "small-size"),
    ("DC-SCTP-19", "DC-SCTP-20", "DC-SCTP-22", "DC-APP-10", "DC-APP-13"): (
        "opens-own",
        "unordered",
        "refuses-in-words",
    ),
    ("DC-SCTP-04", "DC-SCTP-15", "DC-SCTP-17"): ("answers-init", "aborts-strays"),
    ("DC-SCTP-19", "DC-APP-18"): ("echoes",),
    ("DC-FP-12", "DC-DTLS-12"): ("one-call",),
    ("DC-FP-04",): ("last-fingerprint",),
    ("DC-FP-04", "DC-FP-15", "DC-FP-17"): ("busy",),
    ("DC-APP-07",): ("slow-app",),
    (*ICE, "DC-FP-18"): ("ice-lite", "ice-full", "ice-many", "ice-silent"),
}
"""Purposes to the traits that they are held against."""
CAUGHT = {
    "any-certificate": "DC-FP-01",
    "no-certificate": "DC-DTLS-06",
    "other": "DC-FP-13",
    "sha-1-only": "DC-FP-14",
    "mirror": "DC-FP-15",
    "short-tls-id": "DC-FP-16",
    "same-tls-id": "DC-FP-17",
    "source": "DC-DTLS-25",
    "old": "DC-DTLS-05",
    "clear-sctp": "DC-SCTP-01",
    "checksum": "DC-SCTP-13",
    "tag": "DC-SCTP-14",
    "ports": "DC-SCTP-15",
    "cookie": "DC-SCTP-16",
    "opens-all": "DC-SCTP-22",
    "every-stream": "DC-SCTP-19",
    "every-ppid": "DC-SCTP-20",
    "first-length": "DC-APP-07",
    "methods": "DC-APP-08",
    "product": "DC-APP-12",
    "weak-decides": "DC-FP-13",
    "prefix": "DC-FP-09",
    "suffix": "DC-FP-09",
    "fail-open": "DC-FP-05",
    "any-line": "DC-FP-23",
    "session-wins": "DC-FP-10",
    "late-verify": "DC-FP-01",
    "remembers": "DC-FP-12",
    "client-trusts": "DC-FP-18",
    "resumes": "DC-FP-28",
    "renegotiates": "DC-DTLS-08",
    "weak-key": "DC-DTLS-07",
    "counts-tls-ids": "DC-FP-17",
    "says-passive": "DC-CHAIN-01",
    "clear-alert": "DC-DTLS-12",
    "clear-data": "DC-DTLS-17",
    "hello-resets": "DC-DTLS-16",
    "any-cookie": "DC-DTLS-30",
    "t-bit": "DC-SCTP-02",
    "init-resets": "DC-SCTP-04",
    "unknown-aborts": "DC-SCTP-05",
    "bundled-init": "DC-SCTP-18",
    "zero-tag": "DC-SCTP-17",
    "broadcasts": "DC-APP-18",
    "crosses": "DC-APP-18",
    "answers-all": "DC-APP-10",
    "ice-no-integrity": "DC-ICE-01",
    "ice-optional": "DC-ICE-02",
    "ice-any-user": "DC-ICE-03",
    "ice-follows": "DC-ICE-05",
    "ice-early": "DC-ICE-04",
    "ice-same": "DC-ICE-06",
    "ice-short": "DC-ICE-06",
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A peer in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.whole.odd_peer", "0"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.terminate()
    process.wait(5)
    process.stdout.close()


def of_peer(
    purpose_id: str, traits: str, port: int, link: Link, folder: Path, address: str = "127.0.0.1"
) -> tuple[Verdict, str]:
    """Verdict and reason of one purpose against a peer with these traits."""
    ice = "required" if traits.startswith("ice-") else "none"
    profile = loads(PROFILE.format(port=port, traits=traits, ice=ice, address=address), source="odd", base=folder)
    return judged(purpose_id, profile, link, folder)


def test_every_trait_is_held_against_something() -> None:
    assert {trait for traits in MAY_MISLEAD.values() for trait in traits} == set(RIGHT)
    assert set(CAUGHT) == set(WRONG)


@pytest.mark.parametrize("trait", RIGHT)
def test_no_purpose_fails_a_peer_that_is_right(trait: str, port: int, link: Link, tmp_path: Path) -> None:
    ids = [*ALL, *(one for ids, traits in MAY_MISLEAD.items() if trait in traits for one in ids)]
    found = {one: of_peer(one, trait, port, link, tmp_path) for one in dict.fromkeys(ids)}
    assert {one: why for one, (verdict, why) in found.items() if verdict not in (Verdict.PASS, Verdict.REMARK)} == {}


@pytest.mark.parametrize("trait", WRONG)
def test_each_peer_that_is_wrong_is_caught(trait: str, port: int, link: Link, tmp_path: Path) -> None:
    verdict, reason = of_peer(CAUGHT[trait], trait, port, link, tmp_path)
    assert verdict is Verdict.FAIL, reason


def test_a_slow_application_is_caught_though_it_answers_after_silence(port: int, link: Link, tmp_path: Path) -> None:
    verdict, reason = of_peer("DC-SCTP-19", "slow-app,every-stream", port, link, tmp_path)
    assert verdict is Verdict.FAIL, reason


def test_a_peer_that_is_busy_refuses_nothing_by_that(port: int, link: Link, tmp_path: Path) -> None:
    verdict, reason = of_peer("DC-SCTP-06", "busy", port, link, tmp_path)
    assert (verdict, "486" in reason) == (Verdict.INCONCLUSIVE, True), reason
    verdict, reason = of_peer("DC-FP-01", "busy,any-certificate", port, link, tmp_path)
    assert verdict is Verdict.FAIL, reason


def test_a_peer_of_few_streams_is_caught_on_those_that_it_has(port: int, link: Link, tmp_path: Path) -> None:
    verdict, reason = of_peer("DC-SCTP-22", "few-streams,opens-all", port, link, tmp_path)
    assert verdict is Verdict.FAIL, reason


@pytest.mark.parametrize("purpose_id", ["DC-SCTP-06", "DC-SCTP-26", "DC-FP-24", "DC-APP-13"])
def test_a_peer_of_one_call_at_a_time_is_asked_to_say_so(
    purpose_id: str, port: int, link: Link, tmp_path: Path
) -> None:
    verdict, reason = of_peer(purpose_id, "one-call", port, link, tmp_path)
    assert (verdict, "dc.at_once: 1" in reason) == (Verdict.INCONCLUSIVE, True), reason


@pytest.mark.parametrize("traits", ["no-tls-id", "ice-lite"])
def test_peers_are_met_over_ipv6(traits: str, port: int, link: Link, tmp_path: Path) -> None:
    assert of_peer("DC-CHAIN-01", traits, port, link, tmp_path, "::1")[0] is Verdict.PASS
