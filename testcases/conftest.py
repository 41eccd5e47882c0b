"""What the testcases share: actors on the bench of the purpose that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from imsproof.actors.nf import NfConsumer
from imsproof.actors.outsider import Outsider
from imsproof.actors.producerclient import ProducerClient

if TYPE_CHECKING:
    from imsproof.bench import Bench


@pytest.fixture
def consumer(bench: Bench) -> NfConsumer:
    """The authorised NF consumer."""
    return NfConsumer(bench.session, bench.sbi)


@pytest.fixture
def producer(bench: Bench, consumer: NfConsumer) -> ProducerClient:
    """The producer under test, as the authorised consumer sees it."""
    return ProducerClient(consumer, bench.producer())


@pytest.fixture
def outsider(bench: Bench) -> Outsider:
    """Somebody without a subscription."""
    return Outsider(bench.session)
