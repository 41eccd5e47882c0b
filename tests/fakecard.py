"""A card that speaks APDUs and computes Milenage, as pyscard would show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec import aka, usim

if TYPE_CHECKING:
    from imsproof.codec.milenage import Milenage

PIN = "1234"


class FakeCard:
    """What pyscard's connection gives: it gives long answers in two steps, and wants its PIN."""

    def __init__(self, functions: Milenage, sqn: int) -> None:
        self.functions, self.sqn = functions, sqn
        self.waiting = b""
        self.open = False

    def connect(self) -> None:
        """As pyscard has it."""

    def transmit(self, octets: list[int]) -> tuple[list[int], int, int]:
        apdu = bytes(octets)
        match apdu[1]:
            case 0xA4:
                return self._status(usim.SUCCESS if apdu == usim.select("usim") else 0x6A82)
            case 0x20:
                self.open = apdu == usim.verify_pin(PIN)
                return self._status(usim.SUCCESS if self.open else 0x63C2)
            case 0x88:
                return self._authenticate(apdu[6:22], apdu[23:39])
            case 0xC0 if apdu[4] != len(self.waiting):
                return self._status(usim.OTHER_LENGTH << 8 | len(self.waiting))
            case 0xC0:
                return list(self.waiting), 0x90, 0x00
        return self._status(0x6D00)

    @staticmethod
    def _status(status: int) -> tuple[list[int], int, int]:
        return [], status >> 8, status & 0xFF

    def _authenticate(self, rand: bytes, autn: bytes) -> tuple[list[int], int, int]:
        if not self.open:
            return self._status(usim.PIN_NEEDED)
        try:
            good = aka.answer_challenge(self.functions, rand, autn, self.sqn)
        except aka.MacError:
            return self._status(usim.WRONG_MAC)
        except aka.SyncError as error:
            self.waiting = b"\xdc" + bytes((len(error.auts),)) + error.auts
        else:
            self.sqn = good.sqn
            self.waiting = b"\xdb" + b"".join(bytes((len(one),)) + one for one in (good.res, good.ck, good.ik))
        return self._status(usim.MORE << 8 | len(self.waiting))
