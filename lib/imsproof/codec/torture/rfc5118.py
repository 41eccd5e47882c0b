"""The messages of RFC 5118 (IPv6 in SIP), built in code after the RFC's descriptions."""

from __future__ import annotations

from imsproof.codec.torture.draft import Kind, body, case, header, line, start

VALID, INVALID, EITHER = Kind.VALID, Kind.INVALID, Kind.EITHER
SDP6 = (
    "v=0\r\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\r\ns=Live video feed\r\nc=IN IP6 2001:db8::20\r\n"
    "t=3338481189 3370017201\r\nm=audio 6000 RTP/AVP 2\r\na=rtpmap:2 G726-32/8000\r\n"
)
BOTH = "m=video 6024 RTP/AVP 107\r\nc=IN IP4 192.0.2.11\r\na=rtpmap:107 H263-1998/90000\r\n"


def _rfc(section: str) -> str:
    return f"RFC 5118 {section}"


ALL = (
    case(
        "ipv6-good",
        _rfc("4.1"),
        "an IPv6 reference with its brackets",
        VALID,
        "REGISTER",
        header("Contact", "<sip:$token@[2001:db8::9:1]>"),
    ),
    case(
        "ipv6-bad",
        _rfc("4.2"),
        "an IPv6 address without its brackets",
        INVALID,
        "REGISTER",
        start("$method sip:2001:db8::10 SIP/2.0"),
        statuses=(400,),
    ),
    case(
        "port-ambiguous",
        _rfc("4.3"),
        "a port that reads as part of the address",
        VALID,
        "REGISTER",
        header("Contact", "<sip:$token@[2001:db8::9:1:5070]>"),
    ),
    case(
        "port-unambiguous",
        _rfc("4.4"),
        "a port outside the brackets",
        VALID,
        "REGISTER",
        header("Contact", "<sip:$token@[2001:db8::9:1]:5070>"),
    ),
    case(
        "via-received-param-with-delim",
        _rfc("4.5"),
        "brackets around the address of received",
        VALID,
        "OPTIONS",
        line("Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111", "Max-Forwards"),
    ),
    case(
        "via-received-param-no-delim",
        _rfc("4.5"),
        "no brackets around the address of received",
        VALID,
        "OPTIONS",
        line("Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3", "Max-Forwards"),
    ),
    case("ipv6-in-sdp", _rfc("4.6"), "IPv6 in the session description", VALID, "INVITE", body(SDP6, "application/sdp")),
    case(
        "mult-ip-in-header",
        _rfc("4.7"),
        "IPv4 and IPv6 in one list of Via",
        VALID,
        "OPTIONS",
        line("Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111", "Max-Forwards"),
        line("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKas3-112", "Max-Forwards"),
    ),
    case(
        "mult-ip-in-sdp",
        _rfc("4.8"),
        "one medium on IPv4, one on IPv6",
        VALID,
        "INVITE",
        body(SDP6 + BOTH, "application/sdp"),
    ),
    case(
        "ipv4-mapped-ipv6",
        _rfc("4.9"),
        "IPv4 addresses mapped into IPv6",
        VALID,
        "INVITE",
        header("Contact", "<sip:$token@[::ffff:192.0.2.10]:19823>"),
        body(SDP6.replace("2001:db8::20", "::ffff:192.0.2.2"), "application/sdp"),
    ),
    case(
        "ipv6-bug-abnf-3-colons",
        _rfc("4.10"),
        "three colons before the IPv4 part",
        EITHER,
        "OPTIONS",
        header("From", "<sip:user@[2001:db8:::192.0.2.1]>;tag=810x2"),
    ),
    case(
        "ipv6-correct-abnf-2-colons",
        _rfc("4.10"),
        "two colons before the IPv4 part",
        VALID,
        "OPTIONS",
        header("From", "<sip:user@[2001:db8::192.0.2.1]>;tag=810x2"),
    ),
)
"""The 12 messages that the RFC names."""
