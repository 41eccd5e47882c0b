"""A subscriber's USIM: computed from the keys of the profile, or a card in a reader, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from imsproof.codec import aka, usim
from imsproof.codec.milenage import Milenage
from imsproof.codec.tuak import Tuak
from imsproof.link.card import Card
from imsproof.seams import HarnessError, InconclusiveError

if TYPE_CHECKING:
    from imsproof.profile.gm import Subscriber


class Usim(Protocol):
    """What answers a challenge.

    Attributes:
        sqn: the highest SQN that was accepted; -1 when that is not known.
    """

    sqn: int

    def authenticate(self, rand: bytes, autn: bytes) -> aka.Answer:
        """Check AUTN and answer (``MacError``, ``SyncError``, or ``HarnessError`` for a card that fails)."""

    def keys(self, rand: bytes, autn: bytes) -> tuple[bytes, bytes]:
        """CK and IK of a challenge, whatever its AUTN says; empty where that cannot be told."""

    def network_sqn(self, rand: bytes, autn: bytes) -> int | None:
        """The network's SQN in AUTN; ``None`` when its MAC is wrong or it cannot be told."""


class SoftUsim:
    """A USIM that is computed."""

    def __init__(self, functions: aka.Functions, sqn: int) -> None:
        """Take the subscriber's functions and the SQN accepted so far, -1 for any."""
        self.sqn = sqn
        self._functions = functions

    def authenticate(self, rand: bytes, autn: bytes) -> aka.Answer:
        """Check AUTN and answer; SQN goes on when it is right."""
        good = aka.answer_challenge(self._functions, rand, autn, self.sqn)
        self.sqn = good.sqn
        return good

    def keys(self, rand: bytes, autn: bytes) -> tuple[bytes, bytes]:
        """CK and IK of a challenge, whatever its AUTN says."""
        del autn
        return self._functions.f3(rand), self._functions.f4(rand)

    def network_sqn(self, rand: bytes, autn: bytes) -> int | None:
        """The network's SQN in AUTN (TS 33.102 6.3.2); ``None`` when its MAC is wrong."""
        try:
            return aka.answer_challenge(self._functions, rand, autn, -1).sqn
        except aka.AkaError:
            return None


class CardUsim:
    """A USIM or ISIM on a card: it keeps K and SQN to itself."""

    def __init__(self, card: Card, application: str, pin: str | None) -> None:
        """Select the application and show the PIN, where there is one.

        Raises:
            HarnessError: the card has no such application, or does not take the PIN.
        """
        self._card = card
        self._answers: dict[tuple[bytes, bytes], aka.Answer] = {}
        _, status = card.transmit(usim.select(application))
        if status != usim.SUCCESS:
            raise HarnessError(f"the card has no {application} (status {status:04x})")
        if pin is not None:
            _, status = card.transmit(usim.verify_pin(pin))
            if status != usim.SUCCESS:
                raise HarnessError(f"the card does not take the PIN (status {status:04x}); it was tried once")

    @property
    def sqn(self) -> int:
        """Not known: the card does not tell."""
        return -1

    @sqn.setter
    def sqn(self, value: int) -> None:
        raise InconclusiveError(f"the SQN of a card cannot be set to {value}; this needs a subscriber with k")

    def authenticate(self, rand: bytes, autn: bytes) -> aka.Answer:
        """Have the card check AUTN and answer; it answers a challenge once, so the answer is kept."""
        if (known := self._answers.get((rand, autn))) is not None:
            return known
        data, status = self._card.transmit(usim.authenticate(rand, autn))
        if status == usim.WRONG_MAC:
            raise aka.MacError("the card does not believe AUTN: the network does not prove that it knows K")
        if status != usim.SUCCESS:
            hint = "; it wants its PIN: gm.subscribers[].card.pin" if status == usim.PIN_NEEDED else ""
            raise HarnessError(f"the card refuses AUTHENTICATE (status {status:04x}){hint}")
        try:
            answer = usim.read_answer(data)
        except usim.UsimError as error:
            raise HarnessError(str(error)) from error
        if answer.auts:
            raise aka.SyncError("the card says that the network's SQN is out of step", answer.auts)
        good = aka.Answer(answer.res, answer.ck, answer.ik, -1, autn[6:8])
        self._answers[rand, autn] = good
        return good

    def keys(self, rand: bytes, autn: bytes) -> tuple[bytes, bytes]:
        """CK and IK of a challenge that the card answered; else it does not tell them."""
        known = self._answers.get((rand, autn))
        return (known.ck, known.ik) if known else (b"", b"")

    def network_sqn(self, rand: bytes, autn: bytes) -> None:
        """Not known: it is concealed, and the card does not tell."""
        del rand, autn


def functions_of(subscriber: Subscriber) -> aka.Functions | None:
    """Milenage or TUAK with a subscriber's keys; ``None`` where the profile has none."""
    k, tuak = subscriber.k, subscriber.tuak
    if k is None:
        return None
    if tuak is not None:
        return Tuak(k, top=tuak.top, topc=tuak.topc, res=tuak.res, iterations=tuak.iterations)
    if subscriber.opc is not None:
        return Milenage(k, opc=subscriber.opc)
    return Milenage(k, op=subscriber.op) if subscriber.op is not None else None


def usim_of(subscriber: Subscriber) -> Usim | None:
    """The USIM that a profile gives a subscriber; ``None`` for one without AKA.

    Raises:
        HarnessError: it is a card that cannot be used.
    """
    if (card := subscriber.card) is not None:
        return CardUsim(Card.open(card.reader), card.application, card.pin)
    functions = functions_of(subscriber)
    return SoftUsim(functions, int.from_bytes(subscriber.sqn, "big") or -1) if functions else None
