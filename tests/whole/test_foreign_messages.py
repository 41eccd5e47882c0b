"""Message sessions against endpoints that were not made for them: right in every allowed way, and wrong.

What a right one may do differently stands in ``odd_messages.RIGHT``; no purpose may fail on one of them. Each flaw of
``odd_messages.WRONG`` is caught by the purpose that is about it. All purposes against all of them take ten minutes
(``docs/findings.md`` has the results); here are those that a trait can mislead.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.whole import odd_messages
from tests.whole.judged import judged
from tests.whole.served import served

from imsproof.profile import loads
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.link.session import Link

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.78.1"
PROFILE = """
name: odd-messages
scope: {{networks: [127.0.0.0/8], authorised_by: the test, until: 2099-12-31}}
tester: {{addresses: {addresses}}}
timers: {{answer: {answer}, silence: 0.3, handshake: {handshake}, call: 10}}
msrp:
  via: hook
  tls: {tls}
  hook:
    http: {{method: POST, url: "http://{host}:{port}/{trait}/{{call_id}}", body: "{{sdp}}"}}
    answer: {{sdp: whole}}
    release: {{http: {{method: DELETE, url: "http://{host}:{port}/{trait}/{{call_id}}"}}}}
"""
ALL = ("MSRP-SESS-01",)
MAY_MISLEAD = {
    "MSRP-TLS-02": ("newest", "oldest"),
    "MSRP-TLS-03": ("newest", "oldest"),
    "MSRP-TLS-04": ("session-level", "many-prints", "long-sdp", "cema", "no-setup"),
    "MSRP-FP-01": ("checks-late", "closes"),
    "MSRP-FP-02": ("checks-late",),
    "MSRP-FP-05": ("many-prints", "session-level"),
    "MSRP-FP-06": ("none", "newest", "chatty"),
    "MSRP-SESS-02": ("relayed", "user"),
    "MSRP-SESS-03": ("silent", "closes"),
    "MSRP-SESS-04": ("forbids", "tcp"),
    "MSRP-SESS-05": ("closes-on-bye",),
    "MSRP-SESS-06": ("reports-late",),
    "MSRP-FRAME-01": ("silent", "closes", "forbids"),
    "MSRP-FRAME-03": ("small-messages", "closes"),
    "MSRP-FRAME-04": ("late",),
    "MSRP-FRAME-05": ("stops-huge",),
    "MSRP-FRAME-06": ("stops-huge", "small-messages"),
    "MSRP-FRAME-07": ("chatty", "keep-alive"),
    "MSRP-FRAME-09": ("reports-late", "chatty"),
    "MSRP-FRAME-12": ("none", "few-connections", "silent"),
    "MSRP-FRAME-10": ("few-connections", "impatient"),
}
"""Purposes to the traits that they are held against, beside :data:`ALL` against all."""
OPEN = {
    ("never-connects", "MSRP-FP-06"): "msrp.connects: false",
    ("silent-client", "MSRP-FP-06"): "without a word",
    ("all-types", "MSRP-FRAME-04"): "accepts every type",
    ("few-connections", "MSRP-FRAME-10"): "give tester.addresses a second address",
}
"""What cannot be decided (from one address), and what is said of it."""
CAUGHT = {
    "any-certificate": "MSRP-FP-01",
    "any-session": "MSRP-SESS-04",
    "after-bye": "MSRP-SESS-05",
    "print-start": "MSRP-FP-01",
    "print-as-server": "MSRP-FP-06",
    "print-of-any": "MSRP-FP-07",
    "needs-none": "MSRP-FP-02",
    "sniffs-tls": "MSRP-TLS-01",
    "answers-tcp": "MSRP-TLS-04",
    "answers-msrp": "MSRP-TLS-04",
    "other-print": "MSRP-FP-05",
    "no-print": "MSRP-TLS-04",
    "id-start": "MSRP-SESS-01",
    "id-contains": "MSRP-SESS-01",
    "id-empty": "MSRP-SESS-01",
    "short-ids": "MSRP-SESS-02",
    "time-ids": "MSRP-SESS-02",
    "serial-ids": "MSRP-SESS-02",
    "takes-over": "MSRP-SESS-03",
    "follows-from": "MSRP-SESS-06",
    "any-method": "MSRP-FRAME-01",
    "any-type": "MSRP-FRAME-04",
    "ends-anywhere": "MSRP-FRAME-02",
    "answers-all": "MSRP-FRAME-08",
    "answers-reports": "MSRP-FRAME-08",
    "reports-all": "MSRP-FRAME-09",
    "reports-thrice": "MSRP-FRAME-09",
    "dies-of-no-path": "MSRP-FRAME-12",
    "dies-of-noise": "MSRP-FRAME-12",
    "dies-of-range": "MSRP-FRAME-03",
    "hangs-on-chunk": "MSRP-FRAME-11",
    "echoes": "MSRP-FRAME-07",
    "old-tls": "MSRP-TLS-02",
    "null-suites": "MSRP-TLS-03",
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """All endpoints in a process of their own; the port of their hook."""
    with served("odd_messages", HOST) as line:
        yield int(line)


def of_endpoint(
    purpose_id: str, trait: str, port: int, link: Link, folder: Path, answer: float, *addresses: str
) -> tuple[Verdict, str]:
    """Verdict and reason of one purpose against the endpoint with this trait."""
    more = {"answer": answer, "handshake": min(answer, 5), "tls": str("tcp" not in trait.split("+")).lower()}
    text = PROFILE.format(host=HOST, port=port, trait=trait, addresses=list(addresses or ["127.0.0.1"]), **more)
    return judged(purpose_id, loads(text, source="odd", base=folder), link, folder)


def test_every_flaw_has_a_purpose_and_every_trait_is_known() -> None:
    shown = {trait for traits in MAY_MISLEAD.values() for trait in traits} | {trait for trait, _ in OPEN}
    assert shown <= set(odd_messages.RIGHT)
    assert set(CAUGHT) == set(odd_messages.WRONG)


@pytest.mark.parametrize("trait", odd_messages.RIGHT)
def test_no_purpose_fails_an_endpoint_that_is_right(trait: str, port: int, link: Link, tmp_path: Path) -> None:
    ids = [*ALL, *(one for one, traits in MAY_MISLEAD.items() if trait in traits)]
    # Who drops what it refuses is waited for, many times: not as long as one whose answer may come late.
    answer = 1 if trait == "silent" else 10
    two = ("127.0.0.1", "127.0.0.2")
    found = {one: of_endpoint(one, trait, port, link, tmp_path, answer, *two) for one in ids}
    assert {one: why for one, (verdict, why) in found.items() if verdict not in (Verdict.PASS, Verdict.REMARK)} == {}


@pytest.mark.parametrize(("trait", "purpose_id"), OPEN)
def test_what_a_right_endpoint_does_not_show_stays_open(
    trait: str, purpose_id: str, port: int, link: Link, tmp_path: Path
) -> None:
    verdict, reason = of_endpoint(purpose_id, trait, port, link, tmp_path, 3)
    assert verdict is Verdict.INCONCLUSIVE, reason
    assert OPEN[trait, purpose_id] in reason


@pytest.mark.parametrize("flaw", odd_messages.WRONG)
def test_each_endpoint_that_is_wrong_is_caught(flaw: str, port: int, link: Link, tmp_path: Path) -> None:
    verdict, reason = of_endpoint(CAUGHT[flaw], flaw, port, link, tmp_path, 2)
    assert verdict is Verdict.FAIL, reason
