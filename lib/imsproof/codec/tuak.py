"""TUAK, the second algorithm set of 3GPP AKA (TS 35.231), over Keccak-f[1600]."""

from __future__ import annotations

from imsproof.codec.keccak import STATE_OCTETS, keccak_f1600

TOP_OCTETS = 32
KEY_OCTETS = (16, 32)
_NAME = b"TUAK1.0"
_RATE = 136
_RES_CODES = {4: 0x00, 8: 0x08, 16: 0x10, 32: 0x20}
_MAC_CODES = {8: 0x08, 16: 0x10, 32: 0x20}


class Tuak:
    """The functions f1 to f5* of one subscriber, as :class:`imsproof.codec.milenage.Milenage` has them.

    All values are bytes: K of 16 or 32, TOP and TOPc of 32, RAND of 16, SQN of 6, AMF of 2 octets (big-endian).
    What the operator may choose has IMS' own lengths by default: MAC 8, RES 8, CK and IK 16 octets, one iteration.
    """

    def __init__(
        self,
        k: bytes,
        *,
        top: bytes | None = None,
        topc: bytes | None = None,
        mac: int = 8,
        res: int = 8,
        ck: int = 16,
        ik: int = 16,
        iterations: int = 1,
    ) -> None:
        """Take the subscriber key and either the operator's TOP or the derived TOPc; lengths are in octets.

        Raises:
            ValueError: a length is wrong, or not exactly one of ``top`` and ``topc`` is given.
        """
        if (top is None) == (topc is None):
            raise ValueError("TUAK needs either TOP or TOPc")
        if len(k) not in KEY_OCTETS:
            raise ValueError(f"K has {len(k)} bytes, not 16 or 32")
        for name, value in (("TOP", top), ("TOPc", topc)):
            if value is not None and len(value) != TOP_OCTETS:
                raise ValueError(f"{name} has {len(value)} bytes, not {TOP_OCTETS}")
        if mac not in _MAC_CODES or res not in _RES_CODES or ck not in KEY_OCTETS or ik not in KEY_OCTETS:
            raise ValueError(f"TUAK has no MAC of {mac}, RES of {res}, CK of {ck} and IK of {ik} octets")
        self._k, self._iterations = k, iterations
        self._mac, self._res, self._ck, self._ik = mac, res, ck, ik
        self._last: tuple[bytes, bytes] = (b"", b"")
        self._long = int(len(k) == KEY_OCTETS[1])
        self.topc = topc if topc is not None else self._run(top or b"", 0, bytes(16), b"", b"")[:TOP_OCTETS][::-1]

    def _run(self, top: bytes, instance: int, rand: bytes, amf: bytes, sqn: bytes) -> bytes:
        """Fill the state, each value with its last octet first (TS 35.231 clause 6), and permute it."""
        fields = (
            top[::-1],
            bytes((instance | self._long,)),
            _NAME[::-1],
            rand[::-1],
            (amf or bytes(2))[::-1],
            (sqn or bytes(6))[::-1],
            self._k[::-1].ljust(32, b"\0"),
            b"\x1f",
        )
        state = (b"".join(fields).ljust(_RATE - 1, b"\0") + b"\x80").ljust(STATE_OCTETS, b"\0")
        for _ in range(self._iterations):
            state = keccak_f1600(state)
        return state

    def f1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Network authentication code MAC-A."""
        return self._run(self.topc, _MAC_CODES[self._mac], rand, amf, sqn)[: self._mac][::-1]

    def f1_star(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Resynchronisation code MAC-S."""
        return self._run(self.topc, 0x80 | _MAC_CODES[self._mac], rand, amf, sqn)[: self._mac][::-1]

    def _out(self, rand: bytes) -> bytes:
        if self._last[0] != rand:
            self._last = (rand, self._out_of(rand))
        return self._last[1]

    def _out_of(self, rand: bytes) -> bytes:
        instance = 0x40 | _RES_CODES[self._res] | (4 if self._ck == 32 else 0) | (2 if self._ik == 32 else 0)
        return self._run(self.topc, instance, rand, b"", b"")

    def f2(self, rand: bytes) -> bytes:
        """Response RES."""
        return self._out(rand)[: self._res][::-1]

    def f3(self, rand: bytes) -> bytes:
        """Cipher key CK."""
        return self._out(rand)[32 : 32 + self._ck][::-1]

    def f4(self, rand: bytes) -> bytes:
        """Integrity key IK."""
        return self._out(rand)[64 : 64 + self._ik][::-1]

    def f5(self, rand: bytes) -> bytes:
        """Anonymity key AK, 6 bytes."""
        return self._out(rand)[96:102][::-1]

    def f5_star(self, rand: bytes) -> bytes:
        """Anonymity key AK* for resynchronisation, 6 bytes."""
        return self._run(self.topc, 0xC0, rand, b"", b"")[96:102][::-1]
