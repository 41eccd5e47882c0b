"""The far side's answer to an offer of data channels."""

from __future__ import annotations

from imsproof.actors.dcanswer import accept_data_channel, take_call
from imsproof.codec.sdp import Fingerprint, audio_offer, audio_section, data_channel_offer, description

PRINT = Fingerprint("SHA-256", "AA:" * 31 + "AA")


def test_an_offer_is_answered_with_another_fingerprint_and_role() -> None:
    offer = data_channel_offer("127.0.0.1", 4000, fingerprints=[PRINT], setup="passive", tls_id="x" * 20)
    answer = accept_data_channel(offer, "127.0.0.2")
    assert answer is not None
    section = answer.data_channel()
    assert section is not None
    assert section.attr("setup") == "active"
    assert PRINT.value not in (section.attr("fingerprint") or "")


def test_other_media_are_refused_by_port_0_and_no_data_channel_is_no_answer() -> None:
    audio = audio_section(5000)
    assert accept_data_channel(description("127.0.0.1", [audio]), "127.0.0.2") is None
    offer = data_channel_offer("127.0.0.1", 4000, fingerprints=[PRINT], setup="actpass", tls_id="x" * 20)
    answer = accept_data_channel(description("127.0.0.1", [audio, *offer.media]), "127.0.0.2")
    assert answer is not None
    assert [one.port for one in answer.media] == [0, 9]


def test_any_call_is_taken() -> None:
    with_audio = audio_offer("192.0.2.1", 4000)
    assert [section.kind for section in take_call(with_audio, "192.0.2.2").media] == ["audio"]
    channel = data_channel_offer("192.0.2.1", 4000, fingerprints=[])
    assert [section.kind for section in take_call(channel, "192.0.2.2").media] == ["application"]
