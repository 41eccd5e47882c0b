"""A card in a reader: a fake one that speaks APDUs and computes Milenage."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fakecard import PIN, FakeCard

from imsproof.codec import aka, usim
from imsproof.codec.milenage import Milenage
from imsproof.link.card import Card
from imsproof.seams import HarnessError

K, OPC = bytes(range(16)), bytes(16)


def reader(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Have pyscard with these readers, each with a fake card in it."""

    def one(name: str) -> Any:
        def connection() -> FakeCard:
            return FakeCard(Milenage(K, opc=OPC), 0)

        return type("Reader", (), {"__str__": lambda _: name, "createConnection": lambda _: connection()})()

    system = SimpleNamespace(readers=lambda: [one(name) for name in names])
    monkeypatch.setattr(importlib, "import_module", lambda _: system)


def test_a_long_answer_is_fetched() -> None:
    fake = FakeCard(Milenage(K, opc=OPC), 0)
    card = Card(fake)
    card.transmit(usim.verify_pin(PIN))
    vector = aka.make_vector(Milenage(K, opc=OPC), bytes(16), 32, b"\x80\0")
    data, status = card.transmit(usim.authenticate(vector.rand, vector.autn))
    assert status == usim.SUCCESS
    assert usim.read_answer(data).res == vector.xres


@pytest.mark.parametrize("wanted", ["1", "omnikey"])
def test_a_reader_is_found_by_number_and_by_name(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    reader(monkeypatch, "Some other reader", "OMNIKEY 3121")
    assert Card.open(wanted).transmit(usim.select("usim")) == (b"", usim.SUCCESS)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    reader(monkeypatch, "Some other reader")
    with pytest.raises(HarnessError, match="Some other reader"):
        Card.open("omnikey")

    def nothing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", nothing)
    with pytest.raises(HarnessError, match="pip install"):
        Card.open("0")


def test_a_card_that_is_pulled_out_is_an_error_of_the_harness() -> None:
    def gone(_: list[int]) -> Any:
        raise RuntimeError("card was removed")

    with pytest.raises(HarnessError, match="removed"):
        Card(SimpleNamespace(transmit=gone)).transmit(usim.select("usim"))
