"""What a UE proposes with ipsec-3gpp, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.proposal import SUITES, Proposal, entry, fresh_ends
from imsproof.codec.secagree import parse_mechanisms
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.link.session import Session

KEYS = bytes(range(16)), bytes(range(16, 32))


def test_the_best_common_entry_is_chosen(session: Session) -> None:
    def entry(q: float, ealg: str, spi: str = "1") -> str:
        return f"ipsec-3gpp;q={q};alg=hmac-sha-1-96;ealg={ealg};spi-c={spi};spi-s=2;port-c=3;port-s=4"

    proposal = Proposal(record=session.record, exchange="1:x", own=fresh_ends())
    proposal.client = parse_mechanisms([entry(0.1, "null"), entry(0.1, "aes-cbc")])
    proposal.server = parse_mechanisms([entry(0.1, "null"), entry(0.5, "aes-cbc"), "tls;q=0.9"])
    chosen = proposal.chosen()
    assert chosen is not None
    assert chosen.get("ealg") == "aes-cbc"


def test_fresh_ends_are_all_different() -> None:
    for _ in range(50):
        ends = fresh_ends()
        assert ends.spi_c != ends.spi_s
        assert ends.port_c != ends.port_s


def test_new_numbers_stand_in_each_entry(session: Session) -> None:
    first, second = fresh_ends(), fresh_ends()
    client = [entry(suite, first, "trans") for suite in SUITES]
    proposal = Proposal(record=session.record, exchange="1:x", own=first, client=client)
    proposal.renumber(second)
    assert proposal.own == second
    assert [one.params["spi-c"] for one in proposal.client] == [str(second.spi_c)] * len(SUITES)


def test_without_keys_nothing_is_agreed(session: Session) -> None:
    own = fresh_ends()
    proposal = Proposal(record=session.record, exchange="1:x", own=own, client=[entry(SUITES[1], own, "trans")])
    with pytest.raises(InconclusiveError, match=r"agreed on nothing of hmac-sha-1-96/aes-cbc \(no answer\)"):
        proposal.agreed(*KEYS, nat_port=0)
    proposal.server = [entry(SUITES[1], fresh_ends(), "trans")]
    with pytest.raises(InconclusiveError, match="gave no keys"):
        proposal.agreed(b"", b"", nat_port=0)
    assert proposal.agreed(*KEYS, nat_port=0).alg == "hmac-sha-1-96"
