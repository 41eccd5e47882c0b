"""Malformed session descriptions: edits of a good offer with audio and a data channel, each with what they break.

``invalid`` are those that leave no sound way to set the medium up, so that a 2xx that takes the medium is wrong.
``either`` are those that a liberal node may overlook. ``valid`` are unusual and good.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from imsproof.codec.torture.draft import Kind

VALID, INVALID, EITHER = Kind.VALID, Kind.INVALID, Kind.EITHER
Lines = list[str]
LineEdit = Callable[[Lines], None]

AUDIO, CHANNEL = "audio", "application"


@dataclass(frozen=True, slots=True)
class SdpCase:
    """One malformed offer.

    Attributes:
        name, about, kind: as in :class:`imsproof.codec.torture.draft.Case`.
        source: the document whose form it breaks.
        medium: which media line of the offer is affected; ``""`` for the whole description.
        edits: what is done to the lines of a good offer.
    """

    name: str
    source: str
    about: str
    kind: Kind
    medium: str
    edits: tuple[LineEdit, ...] = field(repr=False)
    raw: Callable[[bytes], bytes] | None = field(default=None, repr=False)

    def body(self, good: bytes) -> bytes:
        """Spoil a good offer (lines that an edit does not find stay as they are)."""
        lines = good.decode("utf-8", "surrogateescape").rstrip("\r\n").split("\r\n")
        for edit in self.edits:
            edit(lines)
        written = ("\r\n".join(lines) + "\r\n").encode("utf-8", "surrogateescape")
        return self.raw(written) if self.raw else written


def swap(start: str, text: str) -> LineEdit:
    """Put another line for every one that begins so."""

    def edit(lines: Lines) -> None:
        lines[:] = [text if line.startswith(start) else line for line in lines]

    return edit


def sub(start: str, pattern: str, text: str) -> LineEdit:
    """Change part of every line that begins so."""

    def edit(lines: Lines) -> None:
        lines[:] = [re.sub(pattern, lambda _: text, line) if line.startswith(start) else line for line in lines]

    return edit


def gone(*starts: str) -> LineEdit:
    """Take out the lines that begin so."""

    def edit(lines: Lines) -> None:
        lines[:] = [line for line in lines if not line.startswith(starts)]

    return edit


def after(start: str, *texts: str) -> LineEdit:
    """Add lines after the last one that begins so; at the end when there is none."""

    def edit(lines: Lines) -> None:
        places = [place for place, line in enumerate(lines) if line.startswith(start)]
        at = places[-1] + 1 if places else len(lines)
        lines[at:at] = texts

    return edit


def twice(start: str) -> LineEdit:
    """Repeat the lines that begin so."""

    def edit(lines: Lines) -> None:
        lines[:] = [copy for line in lines for copy in ([line, line] if line.startswith(start) else [line])]

    return edit


def first(start: str) -> LineEdit:
    """Move the lines that begin so to the top."""

    def edit(lines: Lines) -> None:
        lines.sort(key=lambda line: not line.startswith(start))

    return edit


def _case(
    name: str,
    source: str,
    about: str,
    kind: Kind,
    medium: str,
    *edits: LineEdit,
    raw: Callable[[bytes], bytes] | None = None,
) -> SdpCase:
    return SdpCase(name, source, about, kind, medium, edits, raw)


SHA256 = ":".join(f"{number * 7 % 256:02X}" for number in range(32))
FORM, DTLS, SCTP, MAP = "RFC 8866", "RFC 8122", "RFC 8841", "RFC 8864"

STRUCTURE = (
    _case("no-media", FORM, "no media line at all", EITHER, "", gone("m=", "a=", "b=")),
    _case("no-version", FORM, "no v= line", EITHER, "", gone("v=")),
    _case("version-1", FORM, "an unknown version", EITHER, "", swap("v=", "v=1")),
    _case("no-origin", FORM, "no o= line", EITHER, "", gone("o=")),
    _case("origin-short", FORM, "an origin of two words", EITHER, "", swap("o=", "o=- 1")),
    _case(
        "origin-huge", FORM, "a session id of 300 digits", EITHER, "", swap("o=", f"o=- {'9' * 300} 1 IN IP4 192.0.2.1")
    ),
    _case("no-subject", FORM, "no s= line", EITHER, "", gone("s=")),
    _case("no-time", FORM, "no t= line", EITHER, "", gone("t=")),
    _case("time-negative", FORM, "negative times", EITHER, "", swap("t=", "t=-1 -1")),
    _case("time-reversed", FORM, "an end before the start", EITHER, "", swap("t=", "t=3900000000 1")),
    _case("no-address", FORM, "no c= line anywhere", INVALID, "", gone("c=")),
    _case("address-words", FORM, "a c= line that lacks the address", INVALID, "", swap("c=", "c=IN IP4")),
    _case("address-range", FORM, "octets beyond 255", INVALID, "", swap("c=", "c=IN IP4 999.999.999.999")),
    _case("address-family", FORM, "an IPv4 address that says IP6", EITHER, "", sub("c=", "IP4", "IP6")),
    _case("address-net", FORM, "an unknown network type", EITHER, "", sub("c=", "IN ", "XX ")),
    _case("address-ttl", FORM, "a TTL on a unicast address", EITHER, "", sub("c=", "$", "/300/70000")),
    _case("address-long", FORM, "a host name of 5000 letters", INVALID, "", swap("c=", f"c=IN IP4 {'a' * 5000}")),
    _case("order-media-first", FORM, "media lines before the session", EITHER, "", first("m=")),
    _case("order-attributes-first", FORM, "attributes before everything", EITHER, "", first("a=")),
    _case(
        "repeated-session",
        FORM,
        "every session line twice",
        EITHER,
        "",
        twice("v="),
        twice("o="),
        twice("s="),
        twice("t="),
    ),
    _case("unknown-type", FORM, "a line of an unknown type", EITHER, "", after("t=", "y=unknown")),
    _case("empty-type", FORM, "a line without a type", EITHER, "", after("t=", "=nothing")),
    _case("no-equals", FORM, "a line without an equals sign", EITHER, "", after("t=", "nonsense")),
    _case("spaces", FORM, "spaces around the equals sign", EITHER, "", swap("v=", "v = 0")),
    _case("empty-lines", FORM, "empty lines between the others", EITHER, "", after("t=", "", "", "")),
    _case("bare-lf", FORM, "line feeds alone", EITHER, "", raw=lambda data: data.replace(b"\r\n", b"\n")),
    _case("bare-cr", FORM, "carriage returns alone", INVALID, "", raw=lambda data: data.replace(b"\r\n", b"\r")),
    _case("no-last-end", FORM, "no line end after the last line", EITHER, "", raw=lambda data: data.rstrip(b"\r\n")),
    _case(
        "cut", FORM, "cut in the middle of a media line", INVALID, "", raw=lambda data: data[: data.rfind(b"m=") + 5]
    ),
    _case("empty", FORM, "a type and no body", EITHER, "", raw=lambda _: b""),
    _case("one-byte", FORM, "one byte", INVALID, "", raw=lambda _: b"v"),
    _case("nul", FORM, "a NUL in every line", INVALID, "", raw=lambda data: data.replace(b"\r\n", b"\x00\r\n")),
    _case("not-utf8", FORM, "a subject that is no UTF-8", EITHER, "", swap("s=", "s=\udcff\udcfe\udc80")),
    _case("control", FORM, "control characters in the subject", EITHER, "", swap("s=", "s=\x01\x07\x1b[2J")),
    _case("formats", FORM, "format strings in the subject", EITHER, "", swap("s=", "s=" + "%n%s%x" * 100)),
    _case(
        "all-octets",
        FORM,
        "bytes of every value instead of a description",
        INVALID,
        "",
        raw=lambda _: bytes(range(256)),
    ),
    _case("xml", FORM, "XML instead of a description", INVALID, "", raw=lambda _: b"<sdp version='0'/>\r\n"),
    _case(
        "utf16",
        FORM,
        "a description in UTF-16",
        INVALID,
        "",
        raw=lambda data: data.decode("utf-8", "replace").encode("utf-16"),
    ),
    _case("long-line", FORM, "an attribute of 30000 letters", EITHER, "", after("t=", "a=x:" + "A" * 30000)),
    _case("many-lines", FORM, "5000 attributes", EITHER, "", after("t=", *("a=x",) * 5000)),
    _case("many-media", FORM, "500 media lines", EITHER, "", after("a=", *("m=audio 9 RTP/AVP 0",) * 500)),
    _case("bandwidth-negative", FORM, "a negative bandwidth", EITHER, "", after("t=", "b=AS:-1")),
    _case("bandwidth-huge", FORM, "a bandwidth beyond 64 bits", EITHER, "", after("t=", "b=AS:" + "9" * 40)),
)

AUDIO_CASES = (
    _case("audio-port-range", FORM, "a port beyond 65535", INVALID, AUDIO, sub("m=audio", r"audio \d+", "audio 70000")),
    _case("audio-port-negative", FORM, "a negative port", INVALID, AUDIO, sub("m=audio", r"audio \d+", "audio -1")),
    _case("audio-port-text", FORM, "a port that is no number", INVALID, AUDIO, sub("m=audio", r"audio \d+", "audio x")),
    _case("audio-port-long", FORM, "a port of 400 digits", INVALID, AUDIO, sub("m=audio", r"audio \d+", f"audio {'1' * 400}")),
    _case("audio-port-count", FORM, "4000000000 ports at once", EITHER, AUDIO, sub("m=audio", r"audio (\d+)", "audio 40000/4000000000")),
    _case("audio-no-proto", FORM, "a media line of two words", INVALID, AUDIO, swap("m=audio", "m=audio 40000")),
    _case("audio-proto", FORM, "an unknown transport", INVALID, AUDIO, sub("m=audio", r"RTP/\S+", "RTP/NONSENSE")),
    _case("audio-no-format", FORM, "no payload type", EITHER, AUDIO, sub("m=audio", r" 0 8$", "")),
    _case("audio-format-range", "RFC 3551", "payload types beyond 127", EITHER, AUDIO, sub("m=audio", r" 0 8$", " 128 999 -1")),
    _case("audio-formats", "RFC 3551", "10000 payload types", EITHER, AUDIO, sub("m=audio", r" 0 8$", " 0" * 10000)),
    _case("rtpmap-empty", FORM, "an empty rtpmap", EITHER, AUDIO, swap("a=rtpmap:0", "a=rtpmap:")),
    _case("rtpmap-clock", FORM, "a clock rate of zero", EITHER, AUDIO, swap("a=rtpmap:0", "a=rtpmap:0 PCMU/0")),
    _case("rtpmap-channels", FORM, "channels beyond 32 bits", EITHER, AUDIO, swap("a=rtpmap:0", "a=rtpmap:0 PCMU/8000/99999999999")),
    _case("fmtp-long", "CVE-2023-24033 (class)", "an fmtp of 8000 parameters", EITHER, AUDIO, after("a=rtpmap:8", "a=fmtp:8 " + "x=1;" * 8000)),
    _case("fmtp-type", "CVE-2023-24033 (class)", "an fmtp whose value is of another type", EITHER, AUDIO, after("a=rtpmap:8", 'a=fmtp:8 mode-set=,,,;octet-align="')),
    _case("accept-types-long", "CVE-2023-26496 (class)", "accept-types of 8000 entries", EITHER, AUDIO, after("a=rtpmap:8", "a=accept-types:" + "text/plain " * 8000)),
    _case("ptime", FORM, "a ptime of minus one", EITHER, AUDIO, after("a=rtpmap:8", "a=ptime:-1", "a=maxptime:0")),
    _case("direction-twice", FORM, "contradicting directions", EITHER, AUDIO, after("a=rtpmap:8", "a=sendonly", "a=recvonly", "a=inactive")),
    _case("rtcp-port", "RFC 3605", "an rtcp port beyond 65535", EITHER, AUDIO, after("a=rtpmap:8", "a=rtcp:99999")),
    _case("crypto-short", "RFC 4568", "a crypto key of four bytes, in clear RTP", EITHER, AUDIO, after("a=rtpmap:8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA")),
    _case("crypto-only-bad", "RFC 4568", "SRTP with one key, too short", INVALID, AUDIO, sub("m=audio", "RTP/AVP", "RTP/SAVP"), after("a=rtpmap:8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA")),
    _case("crypto-none", "RFC 4568", "SRTP and no key at all", INVALID, AUDIO, sub("m=audio", "RTP/AVP", "RTP/SAVP")),
    _case("crypto-tag", "RFC 4568", "a crypto tag of 30 digits", EITHER, AUDIO, after("a=rtpmap:8", f"a=crypto:{'9' * 30} AES_CM_128_HMAC_SHA1_80 inline:{'A' * 40}")),
    _case("candidate", "RFC 8839", "an ICE candidate of one word", EITHER, AUDIO, after("a=rtpmap:8", "a=candidate:1")),
    _case("candidate-range", "RFC 8839", "an ICE candidate with numbers out of range", EITHER, AUDIO, after("a=rtpmap:8", "a=candidate:1 99999 UDP 99999999999 256.1.1.1 70000 typ host")),
    _case("candidates", "RFC 8839", "3000 ICE candidates", EITHER, AUDIO, after("a=rtpmap:8", *("a=candidate:1 1 UDP 1 192.0.2.1 9 typ host",) * 3000)),
    _case("3ge2ae", "TS 24.229", "an unknown value of 3ge2ae", EITHER, AUDIO, after("a=rtpmap:8", "a=3ge2ae:" + "x" * 300)),
    _case("group", "RFC 9143", "a bundle of lines that are not there", EITHER, AUDIO, after("t=", "a=group:BUNDLE a b c d")),
)  # fmt: skip

CHANNEL_CASES = (
    _case("dc-no-fingerprint", DTLS, "no fingerprint", INVALID, CHANNEL, gone("a=fingerprint")),
    _case("dc-fingerprint-empty", DTLS, "an empty fingerprint", INVALID, CHANNEL, swap("a=fingerprint", "a=fingerprint:")),
    _case("dc-fingerprint-hash", DTLS, "a hash function that nobody knows", INVALID, CHANNEL, sub("a=fingerprint", "(?i)sha-256", "sha-257")),
    _case("dc-fingerprint-short", DTLS, "a SHA-256 of four octets", INVALID, CHANNEL, swap("a=fingerprint", "a=fingerprint:SHA-256 AA:BB:CC:DD")),
    _case("dc-fingerprint-long", DTLS, "a SHA-256 of 64 octets", INVALID, CHANNEL, swap("a=fingerprint", f"a=fingerprint:SHA-256 {SHA256}:{SHA256}")),
    _case("dc-fingerprint-hex", DTLS, "octets that are not hexadecimal", INVALID, CHANNEL, swap("a=fingerprint", "a=fingerprint:SHA-256 " + ":".join(["GG"] * 32))),
    _case("dc-fingerprint-plain", DTLS, "no colons between the octets", INVALID, CHANNEL, swap("a=fingerprint", "a=fingerprint:SHA-256 " + SHA256.replace(":", ""))),
    _case("dc-fingerprint-case", DTLS, "the hash's name in mixed case", VALID, CHANNEL, sub("a=fingerprint", "(?i)sha-256", "sHa-256")),
    _case("dc-fingerprints", DTLS, "a second fingerprint of another certificate", VALID, CHANNEL, after("a=fingerprint", f"a=fingerprint:SHA-256 {SHA256}")),
    _case("dc-fingerprints-many", DTLS, "2000 fingerprints", EITHER, CHANNEL, after("a=fingerprint", *(f"a=fingerprint:SHA-256 {SHA256}",) * 500)),
    _case("dc-setup-unknown", "RFC 4145", "an unknown setup", INVALID, CHANNEL, swap("a=setup", "a=setup:sideways")),
    _case("dc-setup-holdconn", "RFC 8842", "a setup that opens nothing", INVALID, CHANNEL, swap("a=setup", "a=setup:holdconn")),
    _case("dc-no-setup", "RFC 8842", "no setup", EITHER, CHANNEL, gone("a=setup")),
    _case("dc-setups", "RFC 8842", "contradicting setups", EITHER, CHANNEL, after("a=setup", "a=setup:passive", "a=setup:active")),
    _case("dc-tls-id-short", "RFC 8842", "a tls-id of three characters", EITHER, CHANNEL, swap("a=tls-id", "a=tls-id:abc")),
    _case("dc-tls-id-long", "RFC 8842", "a tls-id of 10000 characters", EITHER, CHANNEL, swap("a=tls-id", "a=tls-id:" + "a" * 10000)),
    _case("dc-tls-id-characters", "RFC 8842", "a tls-id with characters that it may not have", EITHER, CHANNEL, swap("a=tls-id", "a=tls-id:<script>\";'%00{}")),
    _case("dc-sctp-port-range", SCTP, "an SCTP port beyond 65535", INVALID, CHANNEL, swap("a=sctp-port", "a=sctp-port:70000")),
    _case("dc-sctp-port-negative", SCTP, "a negative SCTP port", INVALID, CHANNEL, swap("a=sctp-port", "a=sctp-port:-1")),
    _case("dc-sctp-port-text", SCTP, "an SCTP port that is no number", INVALID, CHANNEL, swap("a=sctp-port", "a=sctp-port:five")),
    _case("dc-sctp-port-zero", SCTP, "SCTP port 0", EITHER, CHANNEL, swap("a=sctp-port", "a=sctp-port:0")),
    _case("dc-no-sctp-port", SCTP, "no SCTP port", EITHER, CHANNEL, gone("a=sctp-port")),
    _case("dc-size-negative", SCTP, "a negative max-message-size", INVALID, CHANNEL, swap("a=max-message-size", "a=max-message-size:-1")),
    _case("dc-size-text", SCTP, "a max-message-size that is no number", INVALID, CHANNEL, swap("a=max-message-size", "a=max-message-size:big")),
    _case("dc-size-huge", SCTP, "a max-message-size of 40 digits", EITHER, CHANNEL, swap("a=max-message-size", "a=max-message-size:" + "9" * 40)),
    _case("dc-size-zero", SCTP, "a max-message-size without limit", VALID, CHANNEL, swap("a=max-message-size", "a=max-message-size:0")),
    _case("dc-stream-range", MAP, "a stream beyond 65535", INVALID, CHANNEL, swap("a=dcmap", 'a=dcmap:70000 subprotocol="http"')),
    _case("dc-stream-reserved", MAP, "the reserved stream 65535", INVALID, CHANNEL, swap("a=dcmap", 'a=dcmap:65535 subprotocol="http"')),
    _case("dc-stream-negative", MAP, "a negative stream", INVALID, CHANNEL, swap("a=dcmap", 'a=dcmap:-1 subprotocol="http"')),
    _case("dc-stream-text", MAP, "a stream that is no number", INVALID, CHANNEL, swap("a=dcmap", 'a=dcmap:zero subprotocol="http"')),
    _case("dc-stream-repeated", MAP, "one stream twice, with different subprotocols", INVALID, CHANNEL, after("a=dcmap", 'a=dcmap:0 subprotocol="other"')),
    _case("dc-streams-many", MAP, "2000 streams", EITHER, CHANNEL, after("a=dcmap", *(f'a=dcmap:{2000 + n} subprotocol="x"' for n in range(2000)))),
    _case("dc-retransmissions", MAP, "limits of number and of time at once", EITHER, CHANNEL, sub("a=dcmap", "$", ";max-retr=1;max-time=1")),
    _case("dc-subprotocol-long", MAP, "a subprotocol of 5000 characters", EITHER, CHANNEL, swap("a=dcmap", f'a=dcmap:0 subprotocol="{"h" * 5000}"')),
    _case("dc-quote", MAP, "a quoted string without its end", EITHER, CHANNEL, swap("a=dcmap", 'a=dcmap:0 subprotocol="http')),
    _case("dc-label-escape", MAP, "escapes and controls in a label", EITHER, CHANNEL, sub("a=dcmap", "$", ';label="%00%0d%0a%ff"')),
    _case("dcsa-orphan", MAP, "attributes of a stream that is not mapped", EITHER, CHANNEL, after("a=dcmap", "a=dcsa:4000 accept-types:text/plain")),
    _case("dcsa-nested", MAP, "a dcsa inside a dcsa, 1000 deep", EITHER, CHANNEL, after("a=dcmap", "a=dcsa:0 " + "dcsa:0 " * 1000)),
    _case("3gpp-qos", "TS 26.114", "a 3gpp-qos-hint of one letter", EITHER, CHANNEL, after("a=dcmap", "a=3gpp-qos-hint:x")),
    _case("3gpp-bdc", "TS 26.114", "3gpp-bdc-used-by with an unknown party", EITHER, CHANNEL, after("a=dcmap", "a=3gpp-bdc-used-by:nobody")),
    _case("dc-port-range", FORM, "a port beyond 65535", INVALID, CHANNEL, sub("m=application", r"application \d+", "application 70000")),
    _case("dc-port-negative", FORM, "a negative port", INVALID, CHANNEL, sub("m=application", r"application \d+", "application -1")),
    _case("dc-format", SCTP, "another format than the data channel's", EITHER, CHANNEL, sub("m=application", "webrtc-datachannel", "nonsense")),
    _case("dc-proto", SCTP, "SCTP without DTLS", INVALID, CHANNEL, sub("m=application", "UDP/DTLS/SCTP", "SCTP")),
)  # fmt: skip

ALL = (*STRUCTURE, *AUDIO_CASES, *CHANNEL_CASES)

WRONG_AUDIO = tuple(one for one in (*STRUCTURE, *AUDIO_CASES) if one.kind is INVALID)
"""Offers that leave no sound way to set the audio up."""
WRONG_CHANNEL = tuple(one for one in CHANNEL_CASES if one.kind is INVALID)
"""Offers that leave no sound way to set the data channel up."""
