"""The purposes of Gm against an IMS core that was not made for them: right in every allowed way, and wrong.

What a right one may do differently stands in ``odd_core_traits.RIGHT``; no purpose may fail, or stay undecided, on one
of them. Each flaw of ``odd_core_traits.WRONG`` is caught by the purpose that is about it, in words that name it.
``docs/findings.md`` has what all families of Gm say of all of them; here are those purposes that a trait can mislead.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.whole import odd_aka, odd_core_traits
from tests.whole.judged import judged
from tests.whole.served import served

from imsproof.profile import loads
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.link.session import Link

ROOT = Path(__file__).resolve().parents[2]
PROFILE = """
name: odd
scope: {{networks: [127.0.0.0/8], authorised_by: the test, until: 2099-12-31}}
tester: {{addresses: [127.0.0.1, 127.0.0.9]}}
timers: {{answer: {seconds}, register: {seconds}, call: {seconds}, silence: 0.3}}
gm:
  domain: odd.example
  udp: 127.0.0.1:{port}
  tcp: 127.0.0.1:{port}
  subscribers:
"""
SUBSCRIBER = (
    '    - {{name: {0}, impi: {0}@odd.example, impus: ["sip:{0}@odd.example", "tel:{1}"], k: "{2}", opc: "{3}"}}\n'
)
ALL = ("GM-AKA-01", "GM-ID-01")
MAY_MISLEAD = {
    "GM-ABUSE-01": ("waits", "route-insisted", "hundred-rel"),
    "GM-ABUSE-02": ("refreshes", "offerless"),
    "GM-ABUSE-03": ("hundred-rel",),
    "GM-ABUSE-04": ("hundred-rel", "other-port"),
    "GM-ABUSE-08": ("tel-first",),
    "GM-AKA-03": ("one-answer", "one-contact"),
    "GM-AKA-04": ("refuses-fast", "silent"),
    "GM-AKA-16": ("both-versions",),
    "GM-AKA-17": ("sqn-leaps", "sqn-time"),
    "GM-AKA-18": ("again-after-auts", "sqn-by-index"),
    "GM-ID-04": ("silent", "route-insisted", "404-strangers"),
    "GM-PRIVACY-01": ("silent",),
    "GM-PRIVACY-02": ("annotated", "asks-each"),
    "GM-PRIVACY-03": ("annotated", "barred-first"),
    "GM-PRIVACY-04": ("silent",),
}
"""Purposes to the traits that they are held against, beside :data:`ALL` against all."""
CAUGHT = {
    "any-response": ("GM-AKA-02", "wrong response"),
    "empty": ("GM-AKA-05", "empty response"),
    "empty-res": ("GM-AKA-08", "empty secret"),
    "short": ("GM-AKA-06", "first half"),
    "zeros": ("GM-AKA-07", "zeros"),
    "replay": ("GM-AKA-09", "credentials that were seen"),
    "any-method": ("GM-AKA-11", "INVITE"),
    "any-uri": ("GM-AKA-12", "another server"),
    "any-algorithm": ("GM-AKA-19", "MD5"),
    "anybody-s": ("GM-AKA-13", "another's name"),
    "older-kept": ("GM-AKA-23", "first attempt"),
    "auts-believed": ("GM-AKA-18", "moved it"),
    "auts-in-vain": ("GM-AKA-17", "ahead"),
    "rand-stands": ("GM-AKA-16", "used before"),
    "rand-few": ("GM-AKA-16", "used before"),
    "mac-zero": ("GM-AKA-01", "does not believe the network"),
    "keys-in-challenge": ("GM-AKA-15", "ck and ik"),
    "keys-in-opaque": ("GM-AKA-15", "CK in base64"),
    "keys-in-answer": ("GM-AKA-15", "CK in hexadecimal"),
    "claims": ("GM-AKA-24", "tls-yes"),
    "no-header": ("GM-AKA-04", "without Authorization"),
    "goes-unasked": ("GM-AKA-04", "de-registration"),
    "same-address": ("GM-AKA-04", "without a challenge"),
    "auts-removes": ("GM-AKA-03", "480"),
    "binds-first": ("GM-AKA-03", "did not answer"),
    "locks": ("GM-GUESS-02", "403"),
    "known-preferred": ("GM-ID-01", "false identity"),
    "second-asserted": ("GM-ID-01", "false identity"),
    "asserted-trusted": ("GM-ID-04", "asserted identity"),
    "route-trusted": ("GM-ID-04", "Service-Route"),
    "remote-party": ("GM-PRIVACY-03", "Remote-Party-ID"),
    "history": ("GM-PRIVACY-03", "History-Info"),
    "location-passed": ("GM-PRIVACY-02", "location"),
    "warns": ("GM-PRIVACY-01", "Warning tells OddCore/3.1.4"),
    "traces": ("GM-PRIVACY-04", "file system"),
    "some-within": ("GM-ABUSE-03", "REFER"),
    "to-tag": ("GM-ABUSE-05", "guesses"),
    "path-kept": ("GM-ID-13", "nobody but the sender named"),
    "routes-kept": ("GM-ID-15", "nobody but the sender named"),
    "contacts-kept": ("GM-ID-16", "nobody but the sender named"),
    "replaces": ("GM-ABUSE-06", "Replaces"),
    "older": ("GM-AKA-22", "480"),
    "hops": ("GM-ABUSE-09", "Max-Forwards: 0"),
}
"""Flaws to the purpose that fails, and to what it says."""
REMARKED = {"credentials-passed": ("GM-PRIVACY-02", "Proxy-Authorization")}


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """One core of each trait, all in a process of their own, and where each is."""
    with served("odd_core", "127.0.0.1", "0", "each") as line:
        yield json.loads(line)


def of_core(purpose_id: str, port: int, link: Link, folder: Path, seconds: int = 10) -> tuple[Verdict, str]:
    """Verdict and reason of one purpose against the core at this port."""
    text = PROFILE.format(port=port, seconds=seconds)
    for number, name in odd_core_traits.NUMBERS.items():
        text += SUBSCRIBER.format(name, number, odd_aka.key_of(name).hex(), odd_aka.OPC.hex())
    return judged(purpose_id, loads(text, source="odd", base=folder), link, folder)


def test_every_flaw_has_a_purpose_and_every_trait_is_known() -> None:
    assert {trait for traits in MAY_MISLEAD.values() for trait in traits} <= set(odd_core_traits.RIGHT)
    assert set(CAUGHT) | set(REMARKED) == set(odd_core_traits.WRONG)


@pytest.mark.parametrize("trait", odd_core_traits.RIGHT)
def test_no_purpose_fails_a_core_that_is_right(trait: str, ports: dict[str, int], link: Link, tmp_path: Path) -> None:
    ids = [*ALL, *(one for one, traits in MAY_MISLEAD.items() if trait in traits)]
    found = {one: of_core(one, ports[trait], link, tmp_path) for one in ids}
    assert {one: why for one, (verdict, why) in found.items() if verdict not in (Verdict.PASS, Verdict.REMARK)} == {}


@pytest.mark.parametrize("flaw", odd_core_traits.WRONG)
def test_each_core_that_is_wrong_is_caught(flaw: str, ports: dict[str, int], link: Link, tmp_path: Path) -> None:
    purpose_id, words = (CAUGHT | REMARKED)[flaw]
    verdict, reason = of_core(purpose_id, ports[flaw], link, tmp_path, seconds=4)
    assert verdict is (Verdict.REMARK if flaw in REMARKED else Verdict.FAIL), reason
    assert words in reason
