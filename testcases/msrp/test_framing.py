"""Requests that are wrong on purpose, and who pays for them (RFC 4975 clauses 7.1 to 7.3, 9 and 10)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.codec.msrp import MsrpMessage, request, response
from imsproof.judge import control, expect
from imsproof.msrpsteps import joined, serves, still_serves
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    from imsproof.actors.msrp import MsrpConnection
    from imsproof.bench import Bench

RANGES = ("10-1/10", "1-10/5", "0-0/1", "5-9/4", "99999999999999999999-1/1", "1-4294967296/4294967296", "one-two/three")
PIECE, PIECES = 64 * 1024, 64
LONG_FIELD = 256 * 1024
RESPONSES, UNFINISHED, IDLE = 200, 200, 20
MOST_REPORTS = 2


@purpose("MSRP-FRAME-01")
def test_an_unknown_method_is_refused(bench: Bench) -> None:
    """A request with a method that nobody knows is refused."""
    peer = bench.messages()
    witness, connection = joined(peer), joined(peer, "session of the request")
    expect(connection.send("BURN", method="BURN", injected=True)).refused(status=(501,))
    serves(connection, witness)


@purpose("MSRP-FRAME-02")
def test_content_cannot_smuggle_a_request(bench: Bench) -> None:
    """Another transaction's end-line within a content ends nothing: what follows it is content, and no request."""
    peer = bench.messages()
    witness, connection = joined(peer), joined(peer, "session of the request")
    hidden = connection.message("smuggled")
    trick = f"text\r\n-------{peer.token()}$\r\n".encode() + hidden.to_bytes() + b"more text"
    outer = connection.message("to be replaced")
    outer = replace(outer.having("Byte-Range", f"1-{len(trick)}/{len(trick)}"), body=trick)
    asked = connection.ask("SEND whose content looks like a request", outer, injected=True)
    connection.send("SEND behind it")
    expect(asked).that("no-response-to", transaction=hidden.transaction)
    serves(connection, witness)


@purpose("MSRP-FRAME-03")
def test_false_byte_ranges_harm_nobody(bench: Bench) -> None:
    """Byte ranges that end before they start, or lie beyond the message, or are no numbers, harm no other session."""
    peer = bench.messages()
    witness = joined(peer)
    for number, text in enumerate(RANGES):
        call = peer.offer(f"INVITE of a liar, {number + 1} of {len(RANGES)}")
        liar = call.connect(f"connection of a liar, {number + 1} of {len(RANGES)}")
        liar.ask(f"SEND with the range {text}", liar.message("0123456789").having("Byte-Range", text), injected=True)
        liar.close()
        call.end()
    still_serves(witness)
    serves(witness)


def _malformed(connection: MsrpConnection) -> dict[str, bytes]:
    """What is no message, by what is wrong with it."""
    good = connection.message("a message")
    data, tid = good.to_bytes(), good.transaction.encode()
    return {
        "no paths": good.without("To-Path", "From-Path").to_bytes(),
        "no Message-ID": good.without("Message-ID").to_bytes(),
        "an empty path": good.having("To-Path", "").to_bytes(),
        "a path that is none": good.having("To-Path", "sip:nobody").to_bytes(),
        "a field without a colon": data.replace(b"Message-ID: ", b"Message-ID ", 1),
        "octets that are no UTF-8": good.having("X-Odd", "\udcff\udcc0\udcaf").to_bytes(),
        "no transaction": data.replace(b" " + tid, b"", 1),
        "no method": data.replace(b" SEND", b"", 1),
        "a status that is none": data.replace(b" SEND", b" 99999999999", 1),
        "an end-line alone": good.end_line(),
        "no MSRP": b"\x00\xff" * 64 + b"\r\n\r\n",
    }


@purpose("MSRP-FRAME-12")
def test_malformed_messages_harm_nobody(bench: Bench) -> None:
    """Requests that lack what each must have, and what is no MSRP, harm no other session."""
    peer = bench.messages()
    witness = joined(peer)
    said = []
    for label in _malformed(witness):
        said.append(peer.offer(f"INVITE, session for {label}").connect(f"connection for {label}"))
        said[-1].say(f"a message with {label}", _malformed(said[-1])[label])
    said[-1].wait_end("time for all of them")
    for one in said:
        one.close()
        one.call.end()
    still_serves(witness)
    serves(witness)


@purpose("MSRP-FRAME-04")
def test_content_of_a_type_that_was_not_agreed_is_refused(bench: Bench) -> None:
    """Content of a type that the answer does not accept is refused, by the response or by a report (clause 7.1.4)."""
    peer = bench.messages()
    witness, connection = joined(peer), joined(peer, "session of the request")
    if connection.call.accepts("application/x-imsproof"):
        raise InconclusiveError("the lab's answer accepts every type of content (accept-types: *)")
    odd = connection.message("content").having("Content-Type", "application/x-imsproof")
    asked = connection.ask("SEND of an unknown type", odd, injected=True)
    if asked.status:
        connection.wait_end("a report may come later")
    expect(asked).holds("message-refused", message_id=odd.get("Message-ID"))
    serves(connection, witness)


@purpose("MSRP-FRAME-05")
def test_a_message_without_end_harms_nobody(bench: Bench) -> None:
    """A chunk that goes on and on takes no other session's place."""
    peer = bench.messages()
    witness, endless = joined(peer), joined(peer, "session of an endless message")
    start = endless.message("x").having("Byte-Range", "1-*/*")
    data = replace(start, ended=False).to_bytes()
    for number in range(PIECES):
        if endless.say(f"endless SEND, piece {number + 1}", data).failed:
            break
        data = b"x" * PIECE
    still_serves(witness)
    serves(witness)


@purpose("MSRP-FRAME-06")
def test_a_huge_header_field_harms_nobody(bench: Bench) -> None:
    """A header field of a quarter of a megabyte takes no other session's place."""
    peer = bench.messages()
    witness, huge = joined(peer), joined(peer, "session of a huge field")
    message = huge.message("a message", X_Huge="x" * LONG_FIELD)
    huge.ask("SEND with a huge field", message, injected=True)
    still_serves(witness)
    serves(witness)


@purpose("MSRP-FRAME-07")
def test_responses_that_nobody_waits_for_are_ignored(bench: Bench) -> None:
    """Many responses to transactions that were never begun are answered with nothing, and harm nobody."""
    peer = bench.messages()
    witness, flooder = joined(peer), joined(peer, "session of a flooder")
    responses = (response(flooder.message(), 200, "OK") for _ in range(RESPONSES))
    flooder.say(f"{RESPONSES} responses", b"".join(_turned(one).to_bytes() for one in responses))
    behind = flooder.send("SEND behind them")
    expect(behind).holds("no-stray-response")
    still_serves(witness)
    serves(witness)


def _turned(message: MsrpMessage) -> MsrpMessage:
    """A response that the tester's side would send: its paths the other way round."""
    (_, to), (_, origin) = message.headers
    return replace(message, headers=(("To-Path", origin), ("From-Path", to)))


@purpose("MSRP-FRAME-08")
def test_who_wants_no_response_gets_none(bench: Bench) -> None:
    """SEND with Failure-Report: no, and REPORT always, are not answered, not even where they are refused."""
    peer = bench.messages()
    witness, connection = joined(peer), joined(peer, "session of the request")
    call = connection.call
    send = connection.message("no answer, please", Failure_Report="no")
    fields = [("Message-ID", peer.token()), ("Byte-Range", "1-1/1"), ("Status", "000 200 OK")]
    report = request("REPORT", peer.token(), call.to_path, str(call.own), fields)
    connection.say("SEND with Failure-Report: no", send.to_bytes())
    connection.say("REPORT about a message that is not known", report.to_bytes())
    behind = connection.send("SEND behind them")
    control(behind).accepted()
    for one in (send, report):
        expect(behind).that("no-response-to", transaction=one.transaction)
    serves(connection, witness)


@purpose("MSRP-FRAME-09")
def test_reports_do_not_multiply(bench: Bench) -> None:
    """A message is reported when that was asked for, and then not again and again."""
    peer = bench.messages()
    witness, connection = joined(peer), joined(peer, "session of the request")
    asked, unasked = connection.message("report", Success_Report="yes"), connection.message("do not report")
    control(connection.ask("SEND with Success-Report: yes", asked)).accepted()
    control(connection.ask("SEND without", unasked)).accepted()
    behind = connection.send("SEND behind them")
    expect(behind).that("reports-at-most", message_id=asked.get("Message-ID"), most=MOST_REPORTS)
    expect(behind).that("reports-at-most", message_id=unasked.get("Message-ID"), most=0)
    serves(connection, witness)


@purpose("MSRP-FRAME-10")
def test_silent_connections_harm_nobody(bench: Bench) -> None:
    """Connections over which no request comes keep no session from being served, and none from being set up."""
    peer = bench.messages()
    witness = joined(peer)
    idle = [witness.call.connect(f"silent connection {number + 1}") for number in range(IDLE)]
    still_serves(witness, newcomers=False)
    call = peer.offer("INVITE beside them")
    beside = call.connect("connection beside them").send("SEND beside them")
    if not 200 <= beside.status < 300:
        others = bench.profile.tester.addresses[1:]
        if not others:
            raise InconclusiveError(
                "beside silent connections no further one of the tester was served: a limit for each address cannot be"
                " told from a server that is full; give tester.addresses a second address"
            )
        beside = call.connect("connection beside them, from another address", source=others[0]).send("SEND beside them")
    expect(beside).serves()
    for one in idle:
        one.close()
    serves(witness)


@purpose("MSRP-FRAME-11")
def test_messages_that_never_end_harm_nobody(bench: Bench) -> None:
    """Many messages of which only the first chunk comes take no other session's place."""
    peer = bench.messages()
    witness, opener = joined(peer), joined(peer, "session of many beginnings")
    begun = (opener.message("begun").having("Byte-Range", "1-5/100") for _ in range(UNFINISHED))
    data = b"".join(replace(one, flag="+").to_bytes() for one in begun)
    opener.say(f"{UNFINISHED} messages that only begin", data)
    opener.send("SEND behind them")
    still_serves(witness)
    serves(witness)
