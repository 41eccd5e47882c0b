"""The door's checks against the cases of RFC 4475, built here from their descriptions."""

from __future__ import annotations

import pytest

from imsproof.codec.sip import Message
from imsproof.codec.torture import Aim, Case, Kind, plain, rfc4475, rfc5118
from imsproof.lab.sip.validate import CHECKS, STRICT, check

AIM = Aim("sip:user@example.com", "sip:user@example.com", "sip:user@example.com", "192.0.2.1:5060")
PLAIN = plain("REGISTER", AIM)

UNUSUAL_BUT_GOOD = {
    "wsinv: folding and spacing everywhere": (
        b"INVITE sip:vivekg@chair.example.com;unknownparam SIP/2.0\r\n"
        b"TO :\r\n sip:vivekg@chair.example.com ;   tag    = 1918181833n\r\n"
        b'from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
        b"MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\nContent-Length   : 0\r\n"
        b"cseq: 0009\r\n  INVITE\r\n"
        b"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\n"
        b"NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        b"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
        b" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
        b'm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n'
        b"  secondparam ; q = 0.33\r\n\r\n"
    ),
    "intmeth: a method of every token character": PLAIN.replace(
        b"REGISTER", b"!interesting-Method0123456789_*+`.%indeed'~"
    ),
    "esc01: escapes in the user part": PLAIN.replace(b"sip:user@", b"sip:sips%3Auser%40example.com@"),
    "escnull: escaped NUL": PLAIN.replace(b"sip:user@", b"sip:null-%00-null@"),
    "semiuri: a semicolon in the user part": PLAIN.replace(b"sip:user@", b"sip:user;par=u%40example.net@"),
    "lwsdisp: no space before the bracket": PLAIN.replace(b"From: <", b"From: caller<"),
    "transports: unknown ones in Via": PLAIN.replace(b"SIP/2.0/UDP", b"SIP/2.0/UNKNOWN"),
    "inv2543: no branch, no Max-Forwards": PLAIN.replace(b";branch=z9hG4bK0123456789abcdef", b"").replace(
        b"Max-Forwards: 70\r\n", b""
    ),
    "an address of IPv6": PLAIN.replace(b"192.0.2.1:5060", b"[2001:db8::9:1]:5060"),
    "unknown scheme in To": PLAIN.replace(b"To: <sip:user@example.com>", b"To: <isbn:2983792873>"),
    "a body shorter than the datagram": PLAIN + b"more",
}

REFUSED = {
    "ltgtruri": (PLAIN.replace(b"REGISTER sip:user@example.com", b"REGISTER <sip:user@example.com>", 1), 400),
    "lwsruri": (PLAIN.replace(b"REGISTER sip:user@example.com", b"REGISTER sip:user@example.com; lr", 1), 400),
    "lwsstart": (PLAIN.replace(b"REGISTER ", b"REGISTER  ", 1), 400),
    "trws": (PLAIN.replace(b"SIP/2.0\r\n", b"SIP/2.0  \r\n", 1), 400),
    "escruri": (
        PLAIN.replace(b"REGISTER sip:user@example.com", b"REGISTER sip:user@example.com?Route=%3Csip:x%3E", 1),
        400,
    ),
    "quotbal": (PLAIN.replace(b"To: <", b'To: "Mr. J. User <'), 400),
    "badinv01": (PLAIN.replace(b";rport", b";;,;,,"), 400),
    "badaspec": (PLAIN.replace(b"To: <sip:user@", b"To: <sip: user@"), 400),
    "baddn": (PLAIN.replace(b"From: <", b"From: Bell, Alexander <"), 400),
    "baddate": (PLAIN.replace(b"Max-", b"Date: Fri, 01 Jan 2010 16:00:00 EST\r\nMax-"), 400),
    "regbadct": (PLAIN.replace(b"Max-", b"Contact: sip:user@example.com?Route=%3Csip:x%3E\r\nMax-"), 400),
    "clerr": (PLAIN.replace(b"Length: 0", b"Length: 9999"), 400),
    "multi01": (PLAIN.replace(b"Call-ID:", b"Call-ID: other\r\nCall-ID:"), 400),
    "mcl01": (PLAIN.replace(b"Content-Length: 0", b"Content-Length: 0\r\nContent-Length: 5"), 400),
    "unkscm": (PLAIN.replace(b"REGISTER sip:user@example.com", b"REGISTER nobodyKnowsThisScheme:x", 1), 416),
    "novelsc": (PLAIN.replace(b"REGISTER sip:user@example.com", b"REGISTER soap.beep://192.0.2.103:3002", 1), 416),
    "bext01": (PLAIN.replace(b"Max-", b"Proxy-Require: noProxiesSupportThis, norDoAny\r\nMax-"), 420),
    "zeromf": (PLAIN.replace(b"Max-Forwards: 70", b"Max-Forwards: 0"), 483),
    "too many headers": (PLAIN.replace(b"Max-", b"X: y\r\n" * 300 + b"Max-"), 513),
    "a scalar in Max-Forwards": (PLAIN.replace(b"Max-Forwards: 70", b"Max-Forwards: 300"), 400),
    "a name that is no token": (PLAIN.replace(b"Max-Forwards", b"Max Forwards"), 400),
    "a CSeq of one word": (PLAIN.replace(b"1 REGISTER", b"1"), 400),
    "a Via that is none": (PLAIN.replace(b"SIP/2.0/UDP", b"HTTP/1.1"), 400),
    "a port out of range": (PLAIN.replace(b":5060", b":99999"), 400),
}


def test_a_plain_request_is_let_in() -> None:
    assert check(Message.parse(PLAIN), datagram=True) is None


@pytest.mark.parametrize("name", UNUSUAL_BUT_GOOD)
def test_unusual_but_valid_requests_are_let_in(name: str) -> None:
    assert check(Message.parse(UNUSUAL_BUT_GOOD[name]), datagram=True) is None


@pytest.mark.parametrize("name", REFUSED)
def test_invalid_requests_are_refused_with_the_status_of_the_rfc(name: str) -> None:
    data, status = REFUSED[name]
    assert data != PLAIN
    problem = check(Message.parse(data), datagram=True)
    assert problem is not None
    assert problem.status == status


PROXY_MAY_PASS = ("invut", "sdp01")
"""Wrong for a UE; a proxy need not look at them."""


def requests(kind: Kind) -> list[Case]:
    return [
        one
        for one in (*rfc4475.ALL, *rfc5118.ALL)
        if one.kind is kind and one not in rfc4475.RESPONSES and one.name not in PROXY_MAY_PASS
    ]


@pytest.mark.parametrize("case", requests(Kind.INVALID), ids=lambda case: case.name)
def test_what_the_rfc_calls_invalid_is_refused_as_it_says(case: Case) -> None:
    problem = check(Message.parse(case.message(AIM)), datagram=True)
    assert problem is not None
    assert problem.status in case.statuses


@pytest.mark.parametrize("case", requests(Kind.VALID), ids=lambda case: case.name)
def test_what_the_rfc_calls_valid_is_let_in(case: Case) -> None:
    assert check(Message.parse(case.message(AIM)), datagram=True) is None


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_that_is_skipped_refuses_nothing(name: str) -> None:
    others = [one for one in CHECKS if one != name]
    for data, _ in REFUSED.values():
        message = Message.parse(data)
        if check(message, datagram=True, skip=others) is not None:
            assert check(message, datagram=True, skip=list(CHECKS)) is None


def test_a_strict_door_refuses_what_is_valid() -> None:
    folded = Message.parse(rfc4475.BY_NAME["wsinv"].message(AIM))
    assert check(folded, datagram=True, strict=("form",)) is not None
    ipv6 = Message.parse(rfc5118.ALL[0].message(AIM))
    assert check(ipv6, datagram=True, strict=("ipv6",)) is not None
    assert check(Message.parse(PLAIN), datagram=True, strict=tuple(STRICT)) is None


def test_unknown_extensions_are_named_in_the_refusal() -> None:
    problem = check(Message.parse(REFUSED["bext01"][0]), datagram=True)
    assert problem is not None
    assert problem.header == ("Unsupported", "noProxiesSupportThis, norDoAny")
