"""Data channels: what the profile says of them, and sentences for what it does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from tests.bench.conftest import MakeBench

DC = (
    "dc: {via: hook, hook: {command: [x], answer: {sdp: v=0}}, "
    "sctp_port: 5001, roles: [passive], req_app: 'app {app}'}\n"
)


def test_an_end_is_as_the_profile_says(make_bench: MakeBench) -> None:
    with make_bench("", DC) as bench:
        assert bench.dc_roles() == ("passive",)
        assert bench.app_binding("chat") == "app chat"


@pytest.mark.parametrize(
    ("claimed", "offered"),
    [("", ["DTLSv1.2", "DTLSv1.3"]), ("dtls: '1.3'", ["DTLSv1.3"]), ("dtls: '1.2'", ["DTLSv1.2", "DTLSv1.3"])],
)
def test_a_peer_that_claims_dtls_1_3_is_held_to_it(make_bench: MakeBench, claimed: str, offered: list[str]) -> None:
    with make_bench("", DC.replace("sctp_port: 5001", claimed or "sctp_port: 5000")) as bench:
        assert bench.dtls_versions() == offered


def test_what_the_profile_does_not_say_is_inconclusive_with_a_sentence(make_bench: MakeBench) -> None:
    with make_bench() as bench:
        for ask, lacks in (
            (bench.consent_seconds, "dc.consent_seconds"),
            (bench.cookie_seconds, "dc.cookie_seconds"),
            (bench.tap, "dc.tap"),
            (bench.app_user, "fewer applications"),
            (bench.app_user_of_two, "different applications"),
        ):
            with pytest.raises(InconclusiveError, match=lacks):
                ask()
