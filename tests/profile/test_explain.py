from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.profile.conftest import Problems


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("nmae: x\n", "nmae: found an unknown field; allowed: imsproof, name,"),
        ("nmae: x\n", "did you mean name?"),
        ("gm: {domain: x, subscriber: []}\n", "did you mean subscribers?"),
        ("timers: {registre: 3}\n", "did you mean register?"),
        ("sbi: {tokens: {from: nrf, kye: x}}\n", "did you mean key?"),
        ("gm: {}\n", "gm.domain: found nothing; allowed: Home network domain"),
        ("gm: 5\n", "gm: found '5'; allowed: fields: domain, realm,"),
        ("gm: []\n", "gm: found an empty list; allowed: fields: domain"),
        ("gm: {domain: [x]}\n", "gm.domain: found a list; allowed: a valid string"),
        ("gm: {domain: {a: b}}\n", "gm.domain: found fields; allowed: a valid string"),
        ("claims: sdes\n", "claims: found 'sdes'; allowed: a valid list"),
        ("claims: [sdess]\n", "did you mean sdes?"),
        ("limits: {flood_rate: many}\n", "limits.flood_rate: found 'many'; allowed: a valid integer"),
        ("limits: {flood_rate: 0}\n", "allowed: greater than or equal to 1"),
        ("timers: {answer: 61}\n", "allowed: less than or equal to 60"),
        ("timers: {answer: nan}\n", "timers.answer: found 'nan'"),
        ("capture: {tap: perhaps}\n", "capture.tap: found 'perhaps'; allowed: true or false"),
        ("imsproof: 2\n", "imsproof: found '2'; allowed: 1; a newer imsproof reads this profile"),
        ("tester: {addresses: [me]}\n", "tester.addresses[0]: found 'me'; allowed: an IP address, as"),
        (f"description: {'x' * 5000}\n", "..."),
    ],
)
def test_a_mistake_is_said_in_the_users_words(problems: Problems, more: str, message: str) -> None:
    (found,) = problems(more)
    assert message in found
    assert len(found) < 500


def test_a_name_with_other_characters_is_explained(problems: Problems) -> None:
    whole = "name: my lab\nscope: {networks: [192.0.2.0/24], authorised_by: J, until: soon}\n"
    name, until = problems(whole=whole)
    assert "letters, digits, dot, dash" in name
    assert "a date as 2027-01-31" in until


def test_a_list_is_not_called_too_short_for_its_wrong_entries(problems: Problems) -> None:
    (found,) = problems(whole="name: a\nscope: {networks: [x], authorised_by: J, until: 2030-01-01}\n")
    assert "scope.networks[0]" in found


def test_an_empty_list_is_called_too_short(problems: Problems) -> None:
    (found,) = problems(whole="name: a\nscope: {networks: [], authorised_by: J, until: 2030-01-01}\n")
    assert "found an empty list; allowed: at least 1 entry" in found


def test_secrets_are_never_shown(problems: Problems) -> None:
    text = "gm: {domain: x, subscribers: [{name: a, impi: a, impus: ['sip:a@x'], k: cafe, password: [hush]}]}\n"
    found = "\n".join(problems(text))
    assert "a secret" in found
    assert "cafe" not in found
    assert "hush" not in found


def test_what_a_reference_stands_for_is_never_shown(problems: Problems) -> None:
    (found,) = problems("gm: {domain: x, udp: '${env:A}'}\n", env={"A": "hush"})
    assert "${env:A}" in found
    assert "hush" not in found
