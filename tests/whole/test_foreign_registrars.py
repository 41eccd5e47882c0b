"""The purposes of Gm against a registrar that was not made for them: right in every allowed way, and wrong.

What a right one may do differently stands in ``odd_registrar.RIGHT``; no purpose may fail, or stay undecided, on one of
them. Each flaw of ``odd_registrar.WRONG`` is caught by the purpose that is about it. All families of Gm against all of
them take half an hour (``docs/findings.md`` has the results); here are those purposes that a trait can mislead.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.whole import odd_registrar
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
timers: {{answer: 10, register: 5, call: 10, silence: 0.3}}
gm:
  domain: odd.example
  udp: 127.0.0.1:{port}
  tcp: 127.0.0.1:{port}
  role: p-cscf
  subscribers:
"""
SUBSCRIBER = '    - {{name: {0}, impi: {0}@odd.example, impus: ["sip:{0}@odd.example"], password: {0}-secret}}\n'
ALL = ("GM-ID-01", "GM-AKA-02")
MAY_MISLEAD = {
    "GM-AKA-03": ("others-listed", "expires-header", "no-contacts"),
    "GM-AKA-05": ("403", "asks-407"),
    "GM-AKA-09": ("next-nonce", "nonce-once", "no-qop"),
    "GM-AKA-14": ("404",),
    "GM-AKA-26": ("nonce-once", "no-qop", "stale-first"),
    "GM-ID-02": ("asserted-tel", "asserted-form", "associated", "b2bua", "no-from"),
    "GM-ID-04": ("drops", "unknown-200"),
    "GM-ID-16": ("own-contact", "b2bua"),
    "GM-ABUSE-01": ("b2bua", "double-rr", "asks-each", "provisionals"),
    "GM-ABUSE-05": ("b2bua", "odd-tags", "asks-each"),
    "GM-ABUSE-13": ("one-contact", "own-contact"),
    "GM-ABUSE-15": ("one-contact", "breadth-440"),
    "GM-GUESS-01": ("busy",),
    "GM-GUESS-02": ("options-drop",),
}
"""Purposes to the traits that they are held against, beside :data:`ALL` against all."""
CAUGHT = {
    "any-password": "GM-AKA-02",
    "no-challenge": "GM-AKA-04",
    "no-challenge-at-all": "GM-AKA-02",
    "empty-response": "GM-AKA-05",
    "prefix": "GM-AKA-06",
    "replay": "GM-AKA-09",
    "any-method": "GM-AKA-11",
    "any-uri": "GM-AKA-12",
    "fails-out": "GM-AKA-03",
    "anybody": "GM-AKA-14",
    "unregistered": "GM-ID-04",
    "from-believed": "GM-ID-02",
    "asserted-passed": "GM-ID-01",
    "relay": "GM-ID-05",
    "third-party": "GM-ABUSE-01",
    "tags": "GM-ABUSE-05",
    "hops": "GM-ABUSE-09",
    "privacy": "GM-PRIVACY-03",
    "banner": "GM-PRIVACY-01",
    "unlimited": "GM-GUESS-01",
    "locks": "GM-GUESS-02",
    "older": "GM-AKA-22",
    "via": "GM-ID-14",
    "stale-tells": "GM-AKA-26",
    "contact-way": "GM-ID-12",
    "loops": "GM-ABUSE-13",
    "network-headers": "GM-ID-03",
}


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """One registrar of each trait, all in a process of their own, and where each is."""
    with served("odd_registrar", "127.0.0.1", "0", "each") as line:
        yield json.loads(line)


def of_registrar(purpose_id: str, port: int, link: Link, folder: Path, profile: str = PROFILE) -> tuple[Verdict, str]:
    """Verdict and reason of one purpose against the registrar at this port."""
    text = profile.format(port=port) + "".join(SUBSCRIBER.format(name) for name in odd_registrar.USERS)
    return judged(purpose_id, loads(text, source="odd", base=folder), link, folder)


def test_every_flaw_has_a_purpose_and_every_trait_is_known() -> None:
    assert {trait for traits in MAY_MISLEAD.values() for trait in traits} <= set(odd_registrar.RIGHT)
    assert set(CAUGHT) == set(odd_registrar.WRONG)


@pytest.mark.parametrize("trait", odd_registrar.RIGHT)
def test_no_purpose_fails_a_registrar_that_is_right(
    trait: str, ports: dict[str, int], link: Link, tmp_path: Path
) -> None:
    ids = [*ALL, *(one for one, traits in MAY_MISLEAD.items() if trait in traits)]
    found = {one: of_registrar(one, ports[trait], link, tmp_path) for one in ids}
    assert {one: why for one, (verdict, why) in found.items() if verdict not in (Verdict.PASS, Verdict.REMARK)} == {}


@pytest.mark.parametrize("purpose_id", ["GM-ID-01", "GM-ABUSE-01", "GM-ABUSE-05"])
def test_who_has_tcp_alone_may_open_connections_to_ues(
    purpose_id: str, ports: dict[str, int], link: Link, tmp_path: Path
) -> None:
    without_udp = PROFILE.replace("  udp: 127.0.0.1:{port}\n", "")
    verdict, reason = of_registrar(purpose_id, ports["dials"], link, tmp_path, without_udp)
    assert verdict is Verdict.PASS, reason


@pytest.mark.parametrize("flaw", odd_registrar.WRONG)
def test_each_registrar_that_is_wrong_is_caught(flaw: str, ports: dict[str, int], link: Link, tmp_path: Path) -> None:
    verdict, reason = of_registrar(CAUGHT[flaw], ports[flaw], link, tmp_path)
    assert verdict is Verdict.FAIL, reason
