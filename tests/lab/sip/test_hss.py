"""Subscriber data and vectors."""

from __future__ import annotations

from imsproof.codec import aka
from imsproof.codec.milenage import Milenage
from imsproof.lab.sip.hss import INDEX_STEP, Hss
from imsproof.lab.sip.subscribers import FAR_UE, SUBSCRIBERS

ONE = SUBSCRIBERS[0]
FUNCTIONS = Milenage(ONE.k, opc=ONE.opc)


def test_each_vector_is_fresh_and_good() -> None:
    hss = Hss()
    highest, rands = -1, set()
    for _ in range(5):
        vector = hss.vector(ONE)
        highest = aka.answer_challenge(FUNCTIONS, vector.rand, vector.autn, highest).sqn
        rands.add(vector.rand)
    assert len(rands) == 5
    assert hss.sqn(ONE.impi) == highest == 5 * INDEX_STEP


def test_the_unknown_get_a_vector_too_and_leave_nothing_behind() -> None:
    hss = Hss()
    nobody = hss.claimed("nobody@ims.example", "")
    assert nobody == hss.claimed("nobody@ims.example", "sip:x")
    assert nobody.impus == ()
    assert len(hss.vector(nobody).autn) == 16
    assert hss.sqn(nobody.impi) == 0
    assert hss.claimed("", FAR_UE.impus[0]).impus == ()
    assert hss.claimed("", ONE.impus[1]) is ONE


def test_resynchronisation_needs_a_good_mac_unless_the_fault_is_planted() -> None:
    hss = Hss()
    rand = bytes(16)
    auts = aka.make_auts(FUNCTIONS, rand, 6400)
    forged = auts[:-1] + bytes([auts[-1] ^ 1])
    assert not hss.resynchronise(ONE, rand, forged)
    assert not hss.resynchronise(ONE, rand, b"", check=False)
    assert hss.sqn(ONE.impi) == 0
    assert hss.resynchronise(ONE, rand, forged, check=False)
    assert hss.sqn(ONE.impi) == 6400
    assert hss.resynchronise(ONE, rand, auts)
