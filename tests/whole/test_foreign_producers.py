"""The purposes of the SBI against nodes that were not made for them: right in every allowed way, and wrong.

What a right producer or NRF may do differently stands in the ``RIGHT`` of ``odd_producer`` and ``odd_nrf``; no purpose
may fail, or stay undecided, on one of them. Each flaw of their ``WRONG`` is caught by the purpose that is about it. The
families of SBI against all of them take half an hour (``docs/findings.md`` has the results); here are those purposes
that a trait can mislead.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.whole import odd_nrf, odd_pki, odd_producer
from tests.whole.judged import judged

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
timers: {{connect: 10, handshake: 10, answer: 10, silence: 0.3}}
sbi:
  ca: ca.pem
  producers:
    - name: odd
      url: https://127.0.0.1:{port}
      fqdn: producer.odd.example
      nf_type: MF
      instance_id: {server}
      apis: [nodd-things]
      {cca}
      probe: {{method: POST, path: /nodd-things/v1/things, body: {{name: a, count: 1}}, expect: [200, 201, 204]}}
  tokens: {{from: key, key: token-{algorithm}.key, algorithm: {algorithm}, issuer: {nrf}}}
  consumers:
    - {{name: one, role: authorised, nf_type: AS, instance_id: {one}, certificate: one.pem, key: one.key}}
    - {{name: two, role: authorised, nf_type: AS, instance_id: {two}, certificate: two.pem, key: two.key}}
  client_ca: {{certificate: ca.pem, key: ca.key}}
"""
ALL = ("SBI-TOKEN-01", "SBI-CERT-01")
MAY_MISLEAD = {
    "SBI-TLS-04": ("p384", "rsa", "ed25519", "below", "no-tickets", "tls13", "sni-needed", "retry"),
    "SBI-TLS-05": ("tls13", "rsa", "no-notify"),
    "SBI-TLS-06": ("goaway-each", "closes-each"),
    "SBI-TLS-08": ("tls12", "no-tickets", "new-settings"),
    "SBI-TLS-10": ("no-tickets", "asks-only", "cca-needed"),
    "SBI-TLS-11": ("p384", "rsa", "ed25519", "retry"),
    "SBI-TLS-12": ("no-notify", "closes-each", "pings", "tls12", "tls13"),
    "SBI-CERT-04": ("cca-needed",),
    "SBI-CERT-02": ("asks-only", "no-notify", "tls12", "says-404", "redirects-refused"),
    "SBI-CERT-10": ("says-404", "resets-refused"),
    "SBI-CERT-12": ("p384", "rsa", "ed25519", "below"),
    "SBI-TOKEN-02": ("rs256", "caches", "closes-refused", "goaway-refused", "resets-refused", "throttles", "busy"),
    "SBI-TOKEN-03": ("says-400", "redirects-refused", "no-location"),
    "SBI-TOKEN-05": ("leeway-30", "leeway-60", "keeps", "says-204"),
    "SBI-TOKEN-14": ("scope-first", "bare", "realm-only"),
    "SBI-TOKEN-16": ("no-iat", "leeway-60"),
    "SBI-TOKEN-18": ("iss-if-there", "other-name"),
    "SBI-TOKEN-23": ("any-case", "text"),
    "SBI-TOKEN-25": ("any-case", "typ-checked", "closes-refused", "small-window"),
    "SBI-TOKEN-26": ("refuses-doubles",),
    "SBI-CCA-02": odd_producer.ASSERTIONS,
    "SBI-CCA-06": odd_producer.ASSERTIONS,
    "SBI-CCA-07": odd_producer.ASSERTIONS,
    "SBI-HTTP2-17": ("one-stream", "tiny-table", "closes-each", "new-settings"),
    "SBI-JSON-01": ("says-200", "gone-405", "pieces", "padded"),
    "SBI-JSON-07": ("relative", "other-name"),
}
"""Purposes to the traits that they are held against, beside :data:`ALL` against all."""
CAUGHT = {
    "no-token": "SBI-TOKEN-01",
    "no-signature": "SBI-TOKEN-02",
    "empty-signature": "SBI-TOKEN-02",
    "alg-none": "SBI-TOKEN-07",
    "no-alg": "SBI-TOKEN-07",
    "pem-secret": "SBI-TOKEN-08",
    "pem-stripped": "SBI-TOKEN-08",
    "kid-path": "SBI-TOKEN-09",
    "empty-secret": "SBI-TOKEN-02",
    "jwk": "SBI-TOKEN-10",
    "x5c": "SBI-TOKEN-27",
    "x5c-anchored": "SBI-TOKEN-27",
    "rs-only-length": "SBI-TOKEN-02",
    "no-crit": "SBI-TOKEN-12",
    "no-aud": "SBI-TOKEN-03",
    "aud-if-there": "SBI-TOKEN-03",
    "aud-substring": "SBI-TOKEN-03",
    "aud-prefix": "SBI-TOKEN-13",
    "aud-all": "SBI-TOKEN-03",
    "any-instance": "SBI-TOKEN-13",
    "no-scope": "SBI-TOKEN-04",
    "scope-substring": "SBI-TOKEN-14",
    "scope-in-own": "SBI-TOKEN-14",
    "scope-prefix": "SBI-TOKEN-14",
    "no-exp": "SBI-TOKEN-05",
    "exp-if-there": "SBI-TOKEN-15",
    "exp-truthy": "SBI-TOKEN-05",
    "exp-number-only": "SBI-TOKEN-15",
    "exp-as-text": "SBI-TOKEN-05",
    "leeway-day": "SBI-TOKEN-05",
    "no-nbf": "SBI-TOKEN-16",
    "no-iss": "SBI-TOKEN-18",
    "iss-prefix": "SBI-TOKEN-18",
    "no-sub": "SBI-CERT-10",
    "sub-prefix": "SBI-TOKEN-17",
    "sub-if-there": "SBI-TOKEN-06",
    "first-double": "SBI-TOKEN-26",
    "last-header": "SBI-TOKEN-23",
    "first-header": "SBI-TOKEN-23",
    "from-query": "SBI-TOKEN-24",
    "writes-only": "SBI-TOKEN-01",
    "fetches-kid": "SBI-TOKEN-11",
    "cca-none": "SBI-CCA-02",
    "cca-any-signer": "SBI-CCA-02",
    "cca-unsigned": "SBI-CCA-02",
    "cca-any-name": "SBI-CCA-06",
    "cca-any-subject": "SBI-CCA-07",
    "cca-no-aud": "SBI-CCA-03",
    "cca-aud-if-there": "SBI-CCA-03",
    "cca-no-exp": "SBI-CCA-04",
    "cca-exp-if-there": "SBI-CCA-04",
    "cca-no-iat": "SBI-CCA-05",
    "no-client": "SBI-CERT-01",
    "tls11": "SBI-TLS-02",
    "cbc": "SBI-TLS-03",
}


ALL_AT_NRF = ("SBI-NRF-09", "SBI-NRF-11")
MAY_MISLEAD_AT_NRF = {
    "SBI-NRF-01": ("plain", "says-403", "upper-id", "closes-refused"),
    "SBI-NRF-06": ("plain", "says-401", "bare", "one-stream"),
    "SBI-NRF-07": ("float-exp", "short-life", "more-claims", "rs256"),
    "SBI-NRF-08": ("long-cache", "interim", "pieces"),
    "SBI-NRF-10": ("status-200", "status-204", "get-forbidden"),
    "SBI-NRF-13": ("plain", "asks-only", "goaway-each"),
}
UNSEEN = {"get-forbidden": ("SBI-NRF-11",)}
"""What cannot be decided on a right NRF that shows too little of itself."""
CAUGHT_AT_NRF = {
    "any-id": "SBI-NRF-01",
    "id-prefix": "SBI-NRF-01",
    "id-if-there": "SBI-NRF-06",
    "no-grant": "SBI-NRF-06",
    "any-grant": "SBI-NRF-05",
    "first-parameter": "SBI-NRF-06",
    "any-scope-form": "SBI-NRF-06",
    "scope-if-there": "SBI-NRF-06",
    "unsigned": "SBI-NRF-09",
    "other-key": "SBI-NRF-09",
    "no-exp": "SBI-NRF-07",
    "old-exp": "SBI-NRF-07",
    "years": "SBI-NRF-07",
    "no-store-missing": "SBI-NRF-08",
    "sub-empty": "SBI-NRF-09",
    "aud-other": "SBI-NRF-09",
    "aud-both": "SBI-NRF-09",
    "scope-more": "SBI-NRF-09",
    "any-client": "SBI-NRF-13",
    "any-put": "SBI-NRF-10",
    "any-delete": "SBI-NRF-11",
    "any-patch": "SBI-NRF-11",
}


class Nodes(NamedTuple):
    """One node of each trait, and the folder with their keys."""

    producers: dict[str, int]
    nrfs: dict[str, int]
    folder: Path


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """All in a process of their own, which ends with its standard input."""
    folder = tmp_path_factory.mktemp("odd")
    words = [sys.executable, "-W", "ignore", "-m", "tests.whole.odd_sbi", str(folder)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Nodes(**json.loads(process.stdout.readline()), folder=folder)
        assert process.stdin is not None
        process.stdin.close()


def of(purpose_id: str, trait: str, nodes: Nodes, link: Link) -> tuple[Verdict, str]:
    """Verdict and reason of one purpose against the producer or the NRF of this trait."""
    at_nrf = "NRF" in purpose_id
    cca = "required" if trait == "cca-needed" else "verified" if trait.startswith("cca") else ""
    text = PROFILE.format(
        port=nodes.producers["plain" if at_nrf else trait],
        server=odd_pki.SERVER,
        nrf=odd_pki.NRF,
        one=odd_pki.CLIENTS["one"],
        two=odd_pki.CLIENTS["two"],
        cca=f"cca: {cca}" if cca else "",
        algorithm="RS256" if trait == "rs256" else "ES256",
    )
    if at_nrf:
        where = f"url: 'https://127.0.0.1:{nodes.nrfs[trait]}', fqdn: nrf.odd.example, instance_id: {odd_pki.NRF}"
        text += f"  nrf: {{{where}}}\n"
    return judged(purpose_id, loads(text, source="odd", base=nodes.folder), link, nodes.folder)


def test_every_flaw_has_a_purpose_and_every_trait_is_known() -> None:
    assert {trait for traits in MAY_MISLEAD.values() for trait in traits} <= set(odd_producer.RIGHT)
    assert {trait for traits in MAY_MISLEAD_AT_NRF.values() for trait in traits} <= set(odd_nrf.RIGHT)
    assert set(CAUGHT) == set(odd_producer.WRONG)
    assert set(CAUGHT_AT_NRF) == set(odd_nrf.WRONG)


@pytest.mark.parametrize("trait", odd_producer.RIGHT)
def test_no_purpose_fails_a_producer_that_is_right(trait: str, nodes: Nodes, link: Link) -> None:
    ids = [*ALL, *(one for one, traits in MAY_MISLEAD.items() if trait in traits)]
    found = {one: of(one, trait, nodes, link) for one in ids}
    assert {one: why for one, (verdict, why) in found.items() if verdict not in (Verdict.PASS, Verdict.REMARK)} == {}


@pytest.mark.parametrize("flaw", odd_producer.WRONG)
def test_each_producer_that_is_wrong_is_caught(flaw: str, nodes: Nodes, link: Link) -> None:
    verdict, reason = of(CAUGHT[flaw], flaw, nodes, link)
    assert verdict is Verdict.FAIL, reason


@pytest.mark.parametrize("trait", odd_nrf.RIGHT)
def test_no_purpose_fails_an_nrf_that_is_right(trait: str, nodes: Nodes, link: Link) -> None:
    ids = [*ALL_AT_NRF, *(one for one, traits in MAY_MISLEAD_AT_NRF.items() if trait in traits)]
    found = {one: of(one, trait, nodes, link) for one in ids}
    wrong = {one: why for one, (verdict, why) in found.items() if verdict not in (Verdict.PASS, Verdict.REMARK)}
    assert {one: why for one, why in wrong.items() if one not in UNSEEN.get(trait, ())} == {}
    assert all(found[one][0] is Verdict.INCONCLUSIVE for one in UNSEEN.get(trait, ()))


@pytest.mark.parametrize("flaw", odd_nrf.WRONG)
def test_each_nrf_that_is_wrong_is_caught(flaw: str, nodes: Nodes, link: Link) -> None:
    verdict, reason = of(CAUGHT_AT_NRF[flaw], flaw, nodes, link)
    assert verdict is Verdict.FAIL, reason
