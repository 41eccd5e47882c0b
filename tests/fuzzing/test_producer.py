"""The doors of a producer: frames are frames, and what is the same token in another form is no other one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsproof.codec import jose
from imsproof.fuzzing import producer
from imsproof.fuzzing.producer import says_the_same

TOKEN = jose.encode({"alg": "HS256"}, {"sub": "a", "exp": 2**31}, jose.hmac_signer(b"a key"))


def test_a_frame_has_its_length_and_stream() -> None:
    assert producer._frame(6, 0, 1, b"12345678") == b"\0\0\x08\6\0\0\0\0\x0112345678"


@pytest.mark.parametrize(
    "form", [TOKEN, TOKEN + "=", TOKEN.replace("-", "+").replace("_", "/"), f'"{TOKEN}"', TOKEN + ".x"]
)
def test_another_form_says_the_same(form: str) -> None:
    assert says_the_same(form, TOKEN)


@pytest.mark.parametrize(
    "other",
    ["", "no-token", jose.unsecured(TOKEN), jose.stripped(TOKEN), jose.tampered_signature(TOKEN),
     jose.altered_claims(TOKEN, {"exp": 2**33})],
)  # fmt: skip
def test_another_token_says_something_else(other: str) -> None:
    assert not says_the_same(other, TOKEN)


@given(st.binary(max_size=300))
def test_whatever_a_case_holds_fits_into_a_header(case: bytes) -> None:
    shown = producer._visible(case)
    assert all("!" <= one <= "~" for one in shown)
    assert isinstance(says_the_same(shown, TOKEN), bool)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCxyz019-_"))
def test_spare_bits_alone_make_no_other_token(place: int, other: str) -> None:
    """A changed character either changes what is decoded, or stands where the last bits of a part are spare."""
    changed = TOKEN[:place] + other + TOKEN[place + 1 :]
    if says_the_same(changed, TOKEN) and changed != TOKEN:
        assert TOKEN[place + 1 : place + 2] in {".", ""}


def test_the_corpus_of_tokens_spoils_what_is_a_jws_and_what_is_none() -> None:
    assert not any(says_the_same(one, TOKEN) for one in producer._spoiled(TOKEN))
    assert producer._spoiled("opaque")
