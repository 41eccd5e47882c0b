"""Access tokens at a producer (TS 33.117 clause 4.2.2.2.3.1, TS 33.501 clause 13.4.1.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.actors.nf import ProducerClient, TokenAnswer

OTHER_TYPE = "UDR"


def refuses(producer: ProducerClient, hostile: str | None, label: str, oauth: Sequence[str]) -> None:
    """The whole shape of a token purpose: accepted with a good token, refused with the hostile one, unchanged."""
    good = producer.token()
    control(producer.probe(good, label="probe with a good token")).accepted()
    made = list(producer.created)
    expect(producer.probe(hostile, label=f"probe {label}", injected=True)).refused(status=[401, 403], oauth=oauth)
    for location in made:
        attack = producer.delete(location, hostile, label=f"DELETE {label}", injected=True)
        expect(attack).refused()
        unchanged(producer, location, good)
    alive(producer.probe(good, label="probe with a good token again"))
    producer.release(good)


def unchanged(producer: ProducerClient, location: str, good: TokenAnswer) -> None:
    """What was to be deleted is there still: the rightful owner can delete it."""
    expect(producer.delete(location, good, label="DELETE by the rightful owner")).accepted()


@purpose("SBI-TOKEN-01")
def test_a_request_without_a_token_is_refused(producer: ProducerClient) -> None:
    """A producer refuses to create and to delete for a request without an access token, and nothing changes."""
    refuses(producer, None, "without a token", oauth=())


@purpose("SBI-TOKEN-03")
def test_a_token_for_another_audience_is_refused(producer: ProducerClient) -> None:
    """A producer refuses an access token whose audience is another NF type."""
    other = producer.token(claims={"aud": OTHER_TYPE}, changes={"targetNfType": OTHER_TYPE}, label="another audience")
    if not other.token:
        raise InconclusiveError(
            f"the NRF gives this consumer no token for {OTHER_TYPE}; with sbi.tokens.from key the tester could sign one"
        )
    refuses(producer, other.token, "with a token for another audience", oauth=["invalid_token"])
