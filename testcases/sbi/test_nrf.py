"""The NRF as authorization server (TS 33.518 clause 4.2.2.4.1, TS 29.510 clause 5.4.2.2)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from imsproof.actors.nf import TOKEN_PATH
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose

if TYPE_CHECKING:
    from imsproof.actors.nf import NfConsumer
    from imsproof.bench import Bench
    from imsproof.link.subject import HttpAnswer

FORM = [("content-type", "application/x-www-form-urlencoded")]


@purpose("SBI-NRF-01")
def test_no_token_for_another_instance_id(bench: Bench, consumer: NfConsumer) -> None:
    """The NRF gives no token when the NF instance id in the request is not the one in the client's certificate."""
    stranger = str(uuid.UUID(int=bench.random.getrandbits(128), version=4))

    def ask(label: str, **changes: str) -> HttpAnswer:
        form = consumer.token_request(bench.producer() if bench.sbi.producers else None, changes=changes)
        return consumer.call(
            bench.nrf(), "POST", TOKEN_PATH, body=form, headers=FORM, label=label, injected=bool(changes)
        )

    control(ask("token for itself")).accepted()
    expect(ask("token for another NF instance id", nfInstanceId=stranger)).refused(
        status=[400], oauth=["invalid_client"]
    )
    alive(ask("token for itself again"))
