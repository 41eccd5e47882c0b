"""Systematic anomalies: each element of a good message by each class of anomaly, as named cases.

A name is ``METHOD/element/class``, as ``INVITE/Via.branch/empty``; the same name is always the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from imsproof.codec.torture.draft import Aim, Draft

METHODS = (
    "REGISTER", "INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "SUBSCRIBE", "NOTIFY", "MESSAGE", "UPDATE", "PRACK",
    "INFO",
    "REFER", "PUBLISH",
)  # fmt: skip
RESPONSE = "RESPONSE"
SDP = (
    "v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "b=AS:500", "t=0 0", "m=audio 40000 RTP/AVP 0 8",
    "a=rtpmap:0 PCMU/8000", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=sctp-port:5000",
    "a=max-message-size:65536", "a=setup:actpass", "a=fingerprint:SHA-256 " + ":".join(["AB"] * 32),
    "a=tls-id:abc3de65cddef001be82", 'a=dcmap:0 subprotocol="http"',
)  # fmt: skip
WITH_SDP = ("INVITE", "ACK", "UPDATE", "PRACK")
COMMON = (
    "User-Agent: imsproof",
    "Supported: path, gruu, sec-agree",
    "Allow: INVITE, ACK, BYE",
    "Accept: application/sdp",
    "Route: <sip:orig@$domain;lr>",
    "P-Access-Network-Info: 3GPP-NR-TDD;utran-cell-id-3gpp=0010100001",
    "P-Preferred-Identity: <$user>",
    "Privacy: none",
)
OWN = {
    "REGISTER": (
        "Expires: 600",
        "Security-Client: ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;spi-c=1;spi-s=2;port-c=5062;port-s=5063",
        'Authorization: Digest username="u@$domain",realm="$domain",nonce="AAAA",uri="$registrar",response="00"',
    ),
    "INVITE": ("Session-Expires: 1800;refresher=uac", "Content-Type: application/sdp"),
    "SUBSCRIBE": ("Event: reg", "Expires: 600"),
    "NOTIFY": ("Event: reg", "Subscription-State: active;expires=60"),
    "PUBLISH": ("Event: presence", "SIP-If-Match: 1"),
    "PRACK": ("RAck: 1 1 INVITE", "Content-Type: application/sdp"),
    "REFER": ("Refer-To: <$callee>", "Referred-By: <$user>"),
    "MESSAGE": ("Content-Type: text/plain", "In-Reply-To: a"),
    "INFO": ("Info-Package: g.3gpp.mid-call", "Recv-Info: x"),
}

Change = Callable[[str], list[str]]


def _one(text: str) -> Change:
    return lambda _: [text]


def _add(text: str) -> Change:
    return lambda value: [value + text]


CLASSES: dict[str, Change] = {
    "absent": lambda _: [],
    "empty": _one(""),
    "repeated": lambda value: [value, value],
    "contradicted": lambda value: [value, value[::-1] or "x"],
    "many": lambda value: [value] * 200,
    **{f"length-{size}": _one("A" * size) for size in (127, 128, 255, 256, 257, 1023, 4096, 16384)},
    **{
        f"number-{name}": _one(str(number))
        for name, number in {
            "zero": 0, "minus-1": -1, "2^31-1": 2**31 - 1, "2^31": 2**31, "2^31+1": 2**31 + 1, "2^32-1": 2**32 - 1,
            "2^32": 2**32, "2^32+1": 2**32 + 1, "2^63": 2**63, "2^64": 2**64, "2^128": 2**128,
        }.items()
    },
    "number-negative-2^31": _one(str(-(2**31))),
    "number-hex": _one("0xffffffff"),
    "number-fraction": _one("1.5e308"),
    "formats": _one("%s%n%x%d" * 40),
    "delimiters": _one(";,:@<>?=&" * 20),
    "semicolons": _add(";" * 500),
    "commas": _add("," * 500),
    "quote-open": _one('"never closed'),
    "backslashes": _one('"' + "\\" * 301 + '"'),
    "brackets": _one("<" * 500),
    "braces": _one("[" * 500 + "]" * 499),
    "comments": _one("(" * 500),
    "controls": _one("\x01\x02\x07\x1b\x7f"),
    "nul": _add("\x00after"),
    "not-utf8": _one("\udcff\udcfe\udcc0\udcaf"),
    "overlong-utf8": _one("\udce0\udc80\udcaf"),
    "escape-nul": _one("%00"),
    "escape-cut": _one("%"),
    "escape-wrong": _one("%zz%u0041"),
    "escapes": _one("%41" * 400),
    "words": _one("one two three"),
    "other-type": _one("\u5927\u505c\u96fb"),
    "spaces": lambda value: [" " * 200 + value + " " * 200],
    "folded": lambda value: ["\r\n ".join(value.split(" ")) or "\r\n x"],
    "line-feed": _add("\nInjected: yes"),
    "line-end": _add("\r\nInjected: yes"),
}  # fmt: skip
"""Class to what becomes of an element's value: no value (it goes), one, or several (it is repeated)."""

PARAMETER_CLASSES = ("absent", "empty", "repeated", "length-256", "length-4096", "number-2^32", "number-minus-1",
                     "formats", "quote-open", "nul", "not-utf8", "escape-cut", "line-end", "controls")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One named case; :meth:`message` writes it."""

    method: str
    element: str
    kind: str
    place: tuple[str, int, int] = field(repr=False)

    @property
    def name(self) -> str:
        """``METHOD/element/class``."""
        return f"{self.method}/{self.element}/{self.kind}"

    def message(self, aim: Aim) -> bytes:
        """Write the case for a lab."""
        draft = _good(self.method, aim)
        where, at, inner = self.place
        change = CLASSES[self.kind]
        if where == "start":
            words = draft.start.split(" ", 2)
            words[at : at + 1] = change(words[at])
            draft.start = " ".join(words)
        elif where == "sdp":
            rows = list(SDP)
            kept, value = rows[at][:2], rows[at][2:]
            rows[at : at + 1] = [kept + text for text in change(value)]
            draft.content = ("\r\n".join(rows) + "\r\n").encode("utf-8", "surrogateescape")
        elif where == "header":
            name, _, value = draft.lines[at].partition(": ")
            draft.lines[at : at + 1] = [f"{name}: {text}" for text in change(value)]
        else:
            parts = draft.lines[at].split(";")
            name, _, value = parts[inner].partition("=")
            parts[inner : inner + 1] = [f"{name}={text}" for text in change(value)]
            draft.lines[at] = ";".join(parts)
        return draft.to_bytes()


def _good(method: str, aim: Aim) -> Draft:
    """Write the message that cases of a method are made from: more headers than a plain one."""
    draft = Draft("OPTIONS" if method == RESPONSE else method, aim)
    if method == RESPONSE:
        draft.start = "SIP/2.0 200 OK"
    draft.lines += [draft.say(one) for one in (*OWN.get(method, ()), *COMMON)]
    if method in WITH_SDP:
        draft.content = ("\r\n".join(SDP) + "\r\n").encode()
        if draft.find("Content-Type") < 0:
            draft.lines.append("Content-Type: application/sdp")
    draft.lines.append(f"Content-Length: {len(draft.content)}")
    return draft


def anomalies(methods: Sequence[str] = (*METHODS, RESPONSE)) -> Iterator[Anomaly]:
    """Go through every case of these methods, in a fixed order."""
    for method in methods:
        draft = _good(method, Aim())
        for at, word in enumerate(
            ("method", "uri", "version") if method != RESPONSE else ("version", "status", "reason")
        ):
            yield from (Anomaly(method, word, kind, ("start", at, 0)) for kind in CLASSES)
        for at, row in enumerate(draft.lines):
            name = row.partition(":")[0]
            yield from (Anomaly(method, name, kind, ("header", at, 0)) for kind in CLASSES)
            for inner, part in enumerate(row.split(";")[1:], 1):
                element = f"{name}.{part.partition('=')[0].strip(' >')}"
                yield from (Anomaly(method, element, kind, ("parameter", at, inner)) for kind in PARAMETER_CLASSES)
        if method in WITH_SDP:
            for at, row in enumerate(SDP):
                element = f"sdp.{at}.{row.partition(':')[0] if row.startswith('a=') else row[0]}"
                yield from (Anomaly(method, element, kind, ("sdp", at, 0)) for kind in CLASSES)


def by_name(name: str) -> Anomaly:
    """Find a case (``KeyError`` when there is none of that name)."""
    method = name.partition("/")[0]
    found = (
        next((one for one in anomalies((method,)) if one.name == name), None)
        if method in (*METHODS, RESPONSE)
        else None
    )
    if found is None:
        raise KeyError(name)
    return found


def sample(count: int, seed: int = 0) -> list[Anomaly]:
    """Choose cases so that every class, element and method comes before any comes again, as far as ``count`` goes."""
    pool = list(anomalies())
    random.Random(seed).shuffle(pool)  # noqa: S311 - repeatable on purpose
    seen: set[str] = set()
    first: list[Anomaly] = []
    rest: list[Anomaly] = []
    for one in pool:
        news = {one.method, f"/{one.element}", f"//{one.kind}"} - seen
        (first if news else rest).append(one)
        seen |= news
    return (first + rest)[:count]
