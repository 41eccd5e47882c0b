"""TUAK against the six test sets of TS 35.233 clause 6 (as public implementations repeat them)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from imsproof.codec import aka
from imsproof.codec.tuak import Tuak


@dataclass(frozen=True)
class Case:
    """One test set: inputs and outputs in hexadecimal."""

    k: str
    rand: str
    sqn: str
    amf: str
    top: str
    topc: str
    f1: str
    f1_star: str
    f2: str
    f3: str
    f4: str
    f5: str
    f5_star: str
    iterations: int = 1

    def functions(self, **given: bytes) -> Tuak:
        """TUAK with the lengths that the outputs have."""
        mac, res, ck, ik = (len(text) // 2 for text in (self.f1, self.f2, self.f3, self.f4))
        options = given or {"top": bytes.fromhex(self.top)}
        return Tuak(bytes.fromhex(self.k), mac=mac, res=res, ck=ck, ik=ik, iterations=self.iterations, **options)


LONG_K = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0"
OTHER_K = "1574ca56881d05c189c82880f789c9cd4244955f4426aa2b69c29f15770e5aa5"
OTHER_TOP = "e59f6eb10ea406813f4991b0b9e02f181edf4c7e17b480f66d34da35ee88c95e"
CASES = [
    Case(
        "ab" * 16, "42" * 16, "11" * 6, "ffff", "55" * 32,
        "bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff",
        "f9a54e6aeaa8618d", "e94b4dc6c7297df3", "657acd64",
        "d71a1e5c6caffe986a26f783e5c78be1", "be849fa2564f869aecee6f62d4337e72", "719f1e9b9054", "e7af6b3d0e38",
    ),
    Case(
        LONG_K, "0123456789abcdef" * 2, "0123456789ab", "abcd", "".join(f"{n:02x}" for n in range(0x80, 0xA0)),
        "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
        "c0b8c2d4148ec7aa5f1d78a97e4d1d58", "ef81af7290f7842c6ceafa537fa0745b", "e9d749dc4eea0035",
        "a4cb6f6529ab17f8337f27baa8234d47", "2274155ccf4199d5e2abcbf621907f90", "480a9345cc1e", "f84eb338848c",
    ),
    Case(
        LONG_K, "0123456789abcdef" * 2, "0123456789ab", "abcd", "".join(f"{n:02x}" for n in range(0x80, 0xA0)),
        "305425427e18c503c8a4b294ea72c95d0c36c6c6b29d0c65de5974d5977f8524",
        "d97b75a1776065271b1e212bc3b1bf173f438b21e6c64a55a96c372e085e5cc5",
        "427bbf07c6e3a86c54f8c5216499f3909a6fd4a164c9fe235b1550258111b821",
        "07021c73e7635c7d", "4d59ac796834eb85d11fa148a5058c3c",
        "126d47500136fdc5ddfd14f19ebf16749ce4b6435323fbb5715a3a796a6082bd", "1d6622c4e59a", "f84eb338848c",
    ),
    Case(
        "b8da837a50652d6ac7c97da14f6acc61", "6887e55425a966bd86c9661a5fa72be8", "0dea2ee2c5af", "df1e",
        "0952be13556c32ebc58195d9dd930493e12a9003669988ffde5fa1f0fe35cc01",
        "2bc16eb657a68e1f446f08f57c0efb1d493527a2e652ce281eb6ca0e4487760a",
        "749214087958dd8f58bfcdf869d8ae3f", "619e865afe80e382aee13063f9dfb56d", "4041ce438e3e38e8aa96562eed83ac43",
        "3e3bc01bea0cd914c4c2c83ce2d92757", "666a8e6f577b1aa77b7fd53cebb8a3d6", "1f880d005119", "45e617d77fe5",
    ),
    Case(
        OTHER_K, "c570aac68cde651fb1e3088322498bef", "c89bb71f3a41", "297d", OTHER_TOP,
        "3c6052e41532a28a47aa3cbb89f223e8f3aaa976aecd48bc3e7d6165a55eff62",
        "d7340dad02b4cb01", "c6021e2e66accb15", "84d89b41db1867ffd4c7ba1d82163f4d526a20fbae5418fbb526940b1eeb905c",
        "d419676afe5ab58c1d8bee0d43523a4d2f52ef0b31a4676a0c334427a988fe65", "205533e505661b61d05cc0eac87818f4",
        "d7b3d2d4980a", "ca9655264986",
    ),
    Case(
        OTHER_K, "c570aac68cde651fb1e3088322498bef", "c89bb71f3a41", "297d", OTHER_TOP,
        "b04a66f26c62fcd6c82de22a179ab65506ecf47f56245cd149966cfa9cec7a51",
        "90d2289ed1ca1c3dbc2247bb480d431ac71d2e4a7677f6e997cfddb0cbad88b7",
        "427355dbac30e825063aba61b556e87583abac638e3ab01c4c884ad9d458dc2f",
        "d67e6e64590d22eecba7324afa4af4460c93f01b24506d6e12047d789a94c867",
        "ede57edfc57cdffe1aae75066a1b7479bbc3837438e88d37a801cccc9f972b89",
        "48ed9299126e5057402fe01f9201cf25249f9c5c0ed2afcf084755daff1d3999",
        "6aae8d18c448", "8c5f33b61f4e", iterations=2,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_function_gives_what_the_test_set_has(case: Case) -> None:
    functions = case.functions()
    rand, sqn, amf = (bytes.fromhex(text) for text in (case.rand, case.sqn, case.amf))
    assert functions.topc.hex() == case.topc
    assert functions.f1(rand, sqn, amf).hex() == case.f1
    assert functions.f1_star(rand, sqn, amf).hex() == case.f1_star
    assert functions.f2(rand).hex() == case.f2
    assert functions.f3(rand).hex() == case.f3
    assert functions.f4(rand).hex() == case.f4
    assert functions.f5(rand).hex() == case.f5
    assert functions.f5_star(rand).hex() == case.f5_star


def test_topc_stands_for_top() -> None:
    case = CASES[0]
    given = case.functions(topc=bytes.fromhex(case.topc))
    assert given.f2(bytes.fromhex(case.rand)).hex() == case.f2


def test_a_challenge_made_with_it_is_answered_with_it() -> None:
    functions = Tuak(bytes(32), top=bytes(range(32)))
    vector = aka.make_vector(functions, bytes(16), 77, b"\x80\0")
    answer = aka.answer_challenge(functions, vector.rand, vector.autn, 76)
    assert (answer.res, answer.ck, answer.ik, answer.sqn) == (vector.xres, vector.ck, vector.ik, 77)


def test_wrong_lengths_are_named() -> None:
    with pytest.raises(ValueError, match="either"):
        Tuak(bytes(16))
    with pytest.raises(ValueError, match="15"):
        Tuak(bytes(15), top=bytes(32))
    with pytest.raises(ValueError, match="TOPc has 16"):
        Tuak(bytes(16), topc=bytes(16))
    with pytest.raises(ValueError, match="RES of 5"):
        Tuak(bytes(16), top=bytes(32), res=5)
