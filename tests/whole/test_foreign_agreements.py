"""The purposes of security agreement and ESP against a P-CSCF that was not made for them, right and wrong.

What a right one may do differently stands in ``odd_secure.RIGHT``; no purpose may fail one, or stay undecided. Each
flaw of ``odd_secure.WRONG`` is caught by the purpose that is about it. ESP is that of ``odd_esp.py``, over raw sockets.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.whole import odd_aka, odd_core_traits, odd_secure
from tests.whole.judged import judged
from tests.whole.served import served

from imsproof.link.esp import raw_sockets
from imsproof.profile import loads
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.link.session import Link

ROOT = Path(__file__).resolve().parents[2]
PROFILE = """
name: odd
scope: {{networks: [127.0.0.0/8], authorised_by: the test, until: 2099-12-31}}
timers: {{answer: {seconds}, register: {seconds}, call: {seconds}, silence: 0.3, associations: 2}}
gm:
  domain: odd.example
  udp: 127.0.0.1:{port}
  sec_agree: [ipsec-3gpp]
  sec_agree_required: true
  subscribers:
"""
SUBSCRIBER = (
    '    - {{name: {0}, impi: {0}@odd.example, impus: ["sip:{0}@odd.example", "tel:{1}"], k: "{2}", opc: "{3}"}}\n'
)
ALL = ("GM-AKA-01", "GM-ESP-01")
MAY_MISLEAD = {
    "GM-AGREE-01": ("two-entries", "no-q", "no-encryption"),
    "GM-AGREE-05": ("drops", "says-403", "says-400", "capitals"),
    "GM-AGREE-12": ("same-ports",),
    "GM-AGREE-13": ("orderly", "two-lines"),
    "GM-AGREE-14": ("media-too", "others-too"),
    "GM-AGREE-18": ("media-too",),
    "GM-AKA-14": ("required",),
    "GM-AKA-17": ("required", "plain"),
    "GM-AKA-22": ("required",),
    "GM-ESP-04": ("from-server", "large-spis"),
    "GM-ESP-09": ("asks-once",),
    "GM-ID-02": ("required", "one-port"),
    "GM-MALFORMED-02": ("required",),
}
"""Purposes to the traits that they are held against, beside :data:`ALL` against all."""
CAUGHT = {
    "icv": "GM-ESP-04",
    "replayed": "GM-ESP-05",
    "any-port": "GM-ESP-07",
    "any-null": "GM-ESP-08",
    "verify-counted": "GM-AGREE-04",
    "verify-numbers": "GM-AGREE-05",
    "verify-not-asked": "GM-AGREE-06",
    "client-not-compared": "GM-AGREE-02",
    "plain-answer": "GM-AGREE-10",
    "first-of-client": "GM-AGREE-01",
    "mirrored": "GM-AGREE-09",
    "weak": "GM-AGREE-08",
    "anybody": "GM-ESP-09",
    "outlives": "GM-ESP-10",
    "older-lives": "GM-ESP-12",
    "clear-answers": "GM-ESP-01",
    "unlisted": "GM-AGREE-16",
    "unknown-taken": "GM-AGREE-11",
    "plain-port": "GM-ESP-02",
    "taken-over": "GM-AGREE-12",
    "any-call": "GM-AKA-21",
    "unprotected-known": "GM-ESP-03",
}
pytestmark = pytest.mark.skipif(not raw_sockets(), reason="ESP needs the right to a raw socket")


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """One P-CSCF of each trait, all in a process of their own, and where each is."""
    with served("odd_secure", "127.0.0.1", "0", "each") as line:
        yield json.loads(line)


def of_pcscf(purpose_id: str, port: int, link: Link, folder: Path, seconds: int = 10) -> tuple[Verdict, str]:
    """Verdict and reason of one purpose against the P-CSCF at this port."""
    text = PROFILE.format(port=port, seconds=seconds)
    for number, name in odd_core_traits.NUMBERS.items():
        text += SUBSCRIBER.format(name, number, odd_aka.key_of(name).hex(), odd_aka.OPC.hex())
    return judged(purpose_id, loads(text, source="odd", base=folder), link, folder)


def test_every_flaw_has_a_purpose_and_every_trait_is_known() -> None:
    assert {trait for traits in MAY_MISLEAD.values() for trait in traits} <= set(odd_secure.RIGHT)
    assert set(CAUGHT) == set(odd_secure.WRONG)


@pytest.mark.parametrize("trait", odd_secure.RIGHT)
def test_no_purpose_fails_a_pcscf_that_is_right(trait: str, ports: dict[str, int], link: Link, tmp_path: Path) -> None:
    ids = [*ALL, *(one for one, traits in MAY_MISLEAD.items() if trait in traits)]
    found = {one: of_pcscf(one, ports[trait], link, tmp_path, 3 if trait == "drops" else 10) for one in ids}
    assert {one: why for one, (verdict, why) in found.items() if verdict not in (Verdict.PASS, Verdict.REMARK)} == {}


@pytest.mark.parametrize("flaw", odd_secure.WRONG)
def test_each_pcscf_that_is_wrong_is_caught(flaw: str, ports: dict[str, int], link: Link, tmp_path: Path) -> None:
    verdict, reason = of_pcscf(CAUGHT[flaw], ports[flaw], link, tmp_path, seconds=4)
    assert verdict is Verdict.FAIL, reason
