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
COPIES = 2


def _reported(bench: Bench) -> Stream:
    """The control: a call whose reports get through."""
    stream = by_sdes(bench)
    data = _report(stream, "SRTCP", bench.profile.timers.silence)
    if not stream.seen.wait_for(data, 0):
        raise InconclusiveError(
            "a right report did not come out on the far side: a gateway that ends RTCP itself, or hands none on, does"
            " not show what it takes"
        )
    control(stream.seen).holds("payload-arrived", payload=b64(data), what="SRTCP")
    return stream


def _report(stream: Stream, label: str, within: float) -> bytes:
    """The same data in a few reports, of which one may be lost."""
    data = stream.mark(DATA)
    stream.leg.send(label, *(stream.leg.report(data) for _ in range(COPIES)), how="srtcp")
    stream.seen.wait_for(data, within)
    return data


def _still_reported(stream: Stream, label: str) -> None:
    data = _report(stream, label, stream.bench.profile.timers.answer)
    afterwards(stream.seen).holds("payload-arrived", payload=b64(data), what=label)


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
    _still_reported(stream, "SRTCP again")
    stream.kept_out(data, label)
    stream.call.close()


@purpose("SRTP-RTCP-03")
def test_a_report_that_is_sent_again_is_dropped(bench: Bench) -> None:
    """A report that is sent again arrives once."""
    stream = _reported(bench)
    data = stream.mark(DATA)
    packet = stream.leg.report(data)
    stream.leg.send("SRTCP", packet, how="srtcp")
    stream.leg.send("the same report again", packet, packet, how="srtcp", injected=True)
    _still_reported(stream, "SRTCP at last")
    expect(stream.seen).holds("payload-arrived-once", payload=b64(data), what="a report that was sent three times")
    stream.call.close()


@purpose("SRTP-RTCP-04")
def test_what_the_lab_reports_is_protected(bench: Bench) -> None:
    """Every RTCP packet of the lab on the access leg, handed on or its own, is authentic and encrypted, each anew."""
    stream = by_sdes(bench)
    handed_on = stream.seen.wait_for(_report(stream, "SRTCP", bench.profile.timers.silence), 0)
    if stream.far is not None and handed_on:
        reports = [stream.mark(DATA) for _ in range(3)]
        stream.far.report("reports of the far side", *reports)
        stream.leg.wait_for(reports[-1], bench.profile.timers.silence)
    if not handed_on and not stream.leg.wait_reports(bench.profile.timers.call):
        raise InconclusiveError("the lab sent no RTCP on the access leg, neither the far side's nor its own")
    expect(stream.leg).holds("reports-protected")
    expect(stream.leg).holds("keystream-used-once", reports=True)
    stream.call.close()


@purpose("SRTP-RTCP-05")
def test_a_forged_goodbye_does_not_end_the_stream(bench: Bench) -> None:
    """A BYE that is plain, or whose tag is wrong, does not end the call's media."""
    stream = by_sdes(bench)
    stream.has_way_back()
    source = stream.leg.source
    forged = changed(stream.leg.report(b"", bye=True), -1)
    stream.leg.send("plain BYE, and one with a wrong tag", source.report_with(b"", bye=True)[0], forged, injected=True)
    if stream.claimed("SRTP after forged goodbyes"):
        payload = stream.mark()
        stream.comes_back("media of the far side", payload)
        stream.comes_out(payload, "what the far side sent after forged goodbyes")
        stream.goes_on()
    stream.call.close()
