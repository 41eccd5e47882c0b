"""What an answer says of the lab's end."""

from __future__ import annotations

from imsproof.actors.signalling import Answered, describe
from imsproof.codec.sdp import Sdp
from imsproof.codec.sdpice import IceDescription
from imsproof.seams import Record

HEAD = "v=0\r\nc=IN IP4 192.0.2.1\r\na=fingerprint:SHA-256 AA:BB\r\na=setup:active\r\n"
CHANNEL = 'm=application 7000 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5002\r\na=dcmap:0 subprotocol="http"\r\n'


def test_media_level_goes_before_session_level() -> None:
    sdp = Sdp.parse((HEAD + CHANNEL + "a=setup:passive\r\nc=IN IP6 2001:db8::1\r\n").encode())
    found = describe(sdp, "application")
    assert found is not None
    assert found.where == ("2001:db8::1", 7000)
    assert (found.setup, found.sctp_port, found.streams) == ("passive", 5002, (0,))
    assert [str(one) for one in found.fingerprints] == ["SHA-256 AA:BB"]


def test_a_refused_line_is_no_answer() -> None:
    assert describe(Sdp.parse((HEAD + CHANNEL.replace("7000", "0")).encode()), "application") is None
    assert describe(Sdp.parse(HEAD.encode()), "application") is None


def test_an_answer_may_come_in_parts() -> None:
    fields = {"address": "192.0.2.1", "port": "7000", "fingerprint": "AA:BB"}
    found = Answered(record=Record("P"), exchange="x", fields=fields).described()
    assert found is not None
    assert (found.where, found.setup, found.sctp_port) == (("192.0.2.1", 7000), "passive", 5000)
    assert [str(one) for one in found.fingerprints] == ["sha-256 AA:BB"]


def test_odd_values_do_not_break_the_reader() -> None:
    text = HEAD.replace("SHA-256 AA:BB", "nonsense") + CHANNEL.replace("5002", "many")
    found = describe(Sdp.parse(text.encode()), "application")
    assert found is not None
    assert (found.fingerprints, found.sctp_port) == ((), 5000)


def test_an_answer_in_fields_may_speak_of_ice() -> None:
    said = {"address": "127.0.0.1", "port": "4000", "ice_ufrag": "abcd", "ice_pwd": "p" * 22}
    answered = Answered(record=Record("P"), exchange="x", fields=said)
    assert answered.ice() == IceDescription("abcd", "p" * 22, candidates=(("127.0.0.1", 4000),))
    assert Answered(record=Record("P"), exchange="x", fields=said | {"ice_pwd": ""}).ice() is None
    assert Answered(record=Record("P"), exchange="x").ice() is None
