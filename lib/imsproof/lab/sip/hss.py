"""Subscriber data: who is who, and authentication vectors with their sequence numbers (TS 33.102 6.3)."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from imsproof.codec import aka
from imsproof.lab.sip.subscribers import AMF, FAR_UE, SUBSCRIBERS, Subscriber, by_impi, by_impu

INDEX_STEP = 32
"""SQN is SEQ with a five-bit index (TS 33.102 Annex C, secondary); the index stays 0 here."""


class Hss:
    """The subscribers, and the SQN of each, which never goes back, whatever else is forgotten."""

    def __init__(self) -> None:
        self._sqn: dict[str, int] = {}
        self._secret = secrets.token_bytes(32)

    @staticmethod
    def by_impu(impu: str) -> Subscriber | None:
        """Find who has this public identity, the lab's own UE included."""
        return by_impu(impu)

    def claimed(self, impi: str, impu: str) -> Subscriber:
        """Return whom a REGISTER speaks of, by IMPI or else by IMPU; somebody made up when nobody is.

        The made-up one is challenged like anybody and always fails, so that the challenge does not tell who exists.
        """
        known = by_impi(impi) if impi else by_impu(impu, SUBSCRIBERS)
        if known is not None:
            return known
        name = impi or impu
        key = hmac.digest(self._secret, name.encode("utf-8", "surrogateescape"), hashlib.sha256)
        return Subscriber("", name, (), k=key[:16], opc=key[16:])

    def vector(self, subscriber: Subscriber, *, autn_valid: bool = True, rand_fresh: bool = True) -> aka.Vector:
        """Make the next vector; with ``autn_valid`` false its AUTN proves nothing, else ``rand_fresh`` matters."""
        sqn = self._sqn[subscriber.impi] = self._sqn.get(subscriber.impi, 0) + INDEX_STEP
        if not subscriber.impus:
            del self._sqn[subscriber.impi]  # made-up names must not fill the memory
        rand = secrets.token_bytes(16) if rand_fresh else self._secret[:16]
        vector = aka.make_vector(subscriber.functions(), rand, sqn, AMF)
        # Both algorithms are worked for everybody, so that the time to the challenge does not tell who has which.
        aka.make_vector(subscriber.other_functions(), rand, sqn, AMF)
        if autn_valid:
            return vector
        mac = bytes(octet ^ 0xFF for octet in vector.autn[8:])
        return aka.Vector(vector.rand, vector.autn[:8] + mac, vector.xres, vector.ck, vector.ik)

    def resynchronise(self, subscriber: Subscriber, rand: bytes, auts: bytes, *, check: bool = True) -> bool:
        """Take over the UE's SQN from AUTS (TS 33.102 6.3.5); ``False`` when it is forged and nothing changed."""
        functions = subscriber.functions()
        try:
            sqn = aka.check_auts(functions, rand, auts)
        except aka.AkaError:
            if check or len(auts) < aka.SQN_OCTETS:
                return False
            sqn = int.from_bytes(bytes(a ^ b for a, b in zip(auts, functions.f5_star(rand), strict=False)), "big")
        self._sqn[subscriber.impi] = sqn // INDEX_STEP * INDEX_STEP
        return True

    def sqn(self, impi: str) -> int:
        """Return the SQN last used for a subscriber."""
        return self._sqn.get(impi, 0)


def static_registrations() -> tuple[Subscriber, ...]:
    """Return who is registered without ever registering."""
    return (FAR_UE,)
