"""Milenage, the example algorithm set of 3GPP AKA (TS 35.206), over AES-128."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK = 16


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _rotate(block: bytes, octets: int) -> bytes:
    return block[octets:] + block[:octets]


class Milenage:
    """The functions f1 to f5* of one subscriber.

    All values are bytes: K, OP, OPc and RAND of 16, SQN of 6, AMF of 2 octets (big-endian).
    """

    def __init__(self, k: bytes, *, op: bytes | None = None, opc: bytes | None = None) -> None:
        """Take the subscriber key and either the operator's OP or the derived OPc.

        Raises:
            ValueError: a length is wrong, or not exactly one of ``op`` and ``opc`` is given.
        """
        if (op is None) == (opc is None):
            raise ValueError("Milenage needs either OP or OPc")
        for name, value in (("K", k), ("OP", op), ("OPc", opc)):
            if value is not None and len(value) != _BLOCK:
                raise ValueError(f"{name} has {len(value)} bytes, not {_BLOCK}")
        self._cipher = Cipher(algorithms.AES(k), modes.ECB())  # noqa: S305 - TS 35.206 is defined on single blocks
        self.opc = opc if opc is not None else _xor(self._encrypt(op or b""), op or b"")

    def _encrypt(self, block: bytes) -> bytes:
        return self._cipher.encryptor().update(block)

    def _out(self, rand: bytes, octets: int, constant: int) -> bytes:
        temp = _xor(self._encrypt(_xor(rand, self.opc)), self.opc)
        mixed = bytearray(_rotate(temp, octets))
        mixed[-1] ^= constant
        return _xor(self._encrypt(bytes(mixed)), self.opc)

    def _out1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        temp = self._encrypt(_xor(rand, self.opc))
        mixed = _xor(temp, _rotate(_xor((sqn + amf) * 2, self.opc), 8))
        return _xor(self._encrypt(mixed), self.opc)

    def f1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Network authentication code MAC-A, 8 bytes."""
        return self._out1(rand, sqn, amf)[:8]

    def f1_star(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Resynchronisation code MAC-S, 8 bytes."""
        return self._out1(rand, sqn, amf)[8:]

    def f2(self, rand: bytes) -> bytes:
        """Response RES, 8 bytes."""
        return self._out(rand, 0, 1)[8:]

    def f3(self, rand: bytes) -> bytes:
        """Cipher key CK, 16 bytes."""
        return self._out(rand, 4, 2)

    def f4(self, rand: bytes) -> bytes:
        """Integrity key IK, 16 bytes."""
        return self._out(rand, 8, 4)

    def f5(self, rand: bytes) -> bytes:
        """Anonymity key AK, 6 bytes."""
        return self._out(rand, 0, 1)[:6]

    def f5_star(self, rand: bytes) -> bytes:
        """Anonymity key AK* for resynchronisation, 6 bytes."""
        return self._out(rand, 12, 8)[:6]
