"""SRTCP on the access leg (RFC 3711 section 3.4): reports are protected as media are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.srtpleg import b64, changed
from imsproof.judge import afterwards, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError
from imsproof.srtpsteps import by_sdes

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.bench import Bench
    from imsproof.srtpsteps import Stream

DATA = 32


def _reported(bench: Bench) -> Stream:
    """The control: a call whose reports share the port of its media and get through."""
    stream = by_sdes(bench)
    if not stream.call.multiplexed:
        raise InconclusiveError("the lab does not take RTCP on the port of RTP (a=rtcp-mux), and only that is tried")
    _report(stream, "SRTCP", after=False)
    return stream


def _report(stream: Stream, label: str, *, after: bool = True) -> None:
    data = stream.mark(DATA)
    stream.leg.send(label, stream.leg.report(data), how="srtcp")
    stream.seen.wait_for(data, stream.bench.profile.timers.answer if after else stream.bench.profile.timers.silence)
    (afterwards if after else control)(stream.seen).holds("payload-arrived", payload=b64(data))


def _plain(stream: Stream, data: bytes) -> bytes:
    return stream.leg.source.report_with(data)[0]


def _changed(stream: Stream, data: bytes) -> bytes:
    return changed(stream.leg.report(data), -1)


@purposes({"SRTP-RTCP-01": ("plain RTCP", _plain), "SRTP-RTCP-02": ("SRTCP with its tag changed", _changed)})
def test_reports_without_protection_are_dropped(
    bench: Bench, case: tuple[str, Callable[[Stream, bytes], bytes]]
) -> None:
    """A report that is plain or forged is dropped, while protected ones get through."""
    label, make = case
    stream = _reported(bench)
    data = stream.mark(DATA)
    stream.leg.send(label, make(stream, data), how=label, injected=True)
    _report(stream, "SRTCP again")
    expect(stream.seen).holds("payload-not-arrived", payload=b64(data))
    stream.call.close()


@purpose("SRTP-RTCP-03")
def test_a_report_that_is_sent_again_is_dropped(bench: Bench) -> None:
    """A report that is sent again arrives once."""
    stream = _reported(bench)
    data = stream.mark(DATA)
    packet = stream.leg.report(data)
    stream.leg.send("SRTCP", packet, how="srtcp")
    stream.leg.send("the same report again", packet, packet, how="srtcp", injected=True)
    _report(stream, "SRTCP at last")
    expect(stream.seen).holds("payload-arrived-once", payload=b64(data))
    stream.call.close()


@purpose("SRTP-RTCP-04")
def test_what_the_lab_reports_is_protected(bench: Bench) -> None:
    """Every RTCP packet of the lab on the access leg is authentic and encrypted."""
    stream = _reported(bench)
    if stream.far is not None:
        reports = [stream.mark(DATA) for _ in range(3)]
        stream.far.report("reports of the far side", *reports)
        stream.leg.wait_for(reports[-1], bench.profile.timers.silence)
    expect(stream.leg).holds("reports-protected")
    stream.call.close()


@purpose("SRTP-RTCP-05")
def test_a_forged_goodbye_does_not_end_the_stream(bench: Bench) -> None:
    """A BYE that is plain, or whose tag is wrong, does not end the call's media."""
    stream = by_sdes(bench)
    source = stream.leg.source
    forged = changed(stream.leg.report(b"", bye=True), -1)
    stream.leg.send("plain BYE, and one with a wrong tag", source.report_with(b"", bye=True)[0], forged, injected=True)
    stream.claimed("SRTP after them")
    payload = stream.mark()
    stream.comes_back("media of the far side", payload)
    expect(stream.leg).holds("payload-arrived", payload=b64(payload))
    stream.goes_on()
    stream.call.close()
