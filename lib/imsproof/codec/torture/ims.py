"""What IMS adds to SIP, malformed: P-headers, security agreement, AKA credentials, bodies that are XML.

The requests are REGISTER where a P-CSCF or registrar reads the header itself, so that the same request without the
anomaly is challenged; a mistake in a header that a node does not need may be overlooked (``either``).
"""

from __future__ import annotations

from imsproof.codec.torture.draft import Case, Edit, Kind, body, case, line

EITHER, VALID = Kind.EITHER, Kind.VALID
NONCE = "A" * 44
CREDENTIALS = (
    'Authorization: Digest username="$token@$domain",realm="$domain",nonce="{nonce}",uri="$registrar",'
    'response="{response}",algorithm=AKAv1-MD5{more}'
)


def _credentials(response: str = "0" * 32, *, nonce: str = NONCE, more: str = "") -> Edit:
    return line(CREDENTIALS.format(response=response, nonce=nonce, more=more))


def _row(name: str, source: str, about: str, *edits: Edit, method: str = "REGISTER") -> Case:
    return case(name, source, about, EITHER, method, *edits)


def _xml(name: str, source: str, about: str, method: str, edit: Edit) -> Case:
    return case(name, source, about, EITHER, method, edit)


AKA, AGREE, PHEADER = "RFC 3310", "RFC 3329", "RFC 7315"

AUTHORIZATION = (
    _row("auth-empty", "RFC 7616", "an empty Authorization", line("Authorization:")),
    _row("auth-scheme-only", "RFC 7616", "a scheme and nothing else", line("Authorization: Digest")),
    _row("auth-no-equals", "RFC 7616", "a parameter without its value", line("Authorization: Digest username,nonce,uri")),
    _row("auth-quote", "RFC 7616", "a quoted string without its end", line('Authorization: Digest username="$token')),
    _row("auth-response-empty", AKA, "an empty response", _credentials("")),
    _row("auth-response-short", AKA, "a response of one digit", _credentials("0")),
    _row("auth-response-long", AKA, "a response of 20000 digits", _credentials("0" * 20000)),
    _row("auth-response-letters", AKA, "a response that is not hexadecimal", _credentials("z" * 32)),
    _row("auth-nonce-empty", AKA, "an empty nonce", _credentials(nonce="")),
    _row("auth-nonce-short", AKA, "a nonce that holds no RAND and AUTN", _credentials(nonce="AA==")),
    _row("auth-nonce-base64", AKA, "a nonce that is not base64", _credentials(nonce="!!!!" * 11)),
    _row("auth-auts-empty", AKA, "an empty AUTS", _credentials(more=',auts=""')),
    _row("auth-auts-short", AKA, "an AUTS of three octets", _credentials(more=',auts="AAAA"')),
    _row("auth-auts-long", AKA, "an AUTS of 6000 octets", _credentials(more=f',auts="{"A" * 8000}"')),
    _row("auth-auts-base64", AKA, "an AUTS that is not base64", _credentials(more=',auts="%%%%"')),
    _row("auth-algorithm", AKA, "an unknown algorithm", _credentials(more="x")),
    _row("auth-qop", "RFC 7616", "a qop without cnonce and nc", _credentials(more=",qop=auth")),
    _row("auth-nc", "RFC 7616", "a nonce count beyond 32 bits", _credentials(more=',qop=auth,cnonce="x",nc=fffffffff')),
    _row("auth-repeated", "RFC 7616", "each parameter twice", _credentials(more=',response="1",nonce="1",username="x"')),
    _row("auth-many", "RFC 7616", "forty Authorization headers", *(_credentials(),) * 40),
    _row("auth-control", "RFC 7616", "control characters in the user name", line('Authorization: Digest username="\x01\x07",nonce="x",uri="$registrar",response="0"')),
    _row("auth-formats", "RFC 7616", "format strings in the user name", line('Authorization: Digest username="' + "%s%n" * 50 + '",nonce="x",uri="$registrar",response="0"')),
)  # fmt: skip

AGREEMENT = (
    _row("agree-empty", AGREE, "an empty Security-Client", line("Security-Client:")),
    _row("agree-semicolons", AGREE, "a mechanism and empty parameters", line("Security-Client: ipsec-3gpp;;;;")),
    _row("agree-spi-range", AGREE, "an SPI beyond 32 bits", line("Security-Client: ipsec-3gpp;alg=hmac-sha-1-96;spi-c=99999999999;spi-s=-1;port-c=5062;port-s=5063")),
    _row("agree-spi-text", AGREE, "an SPI that is no number", line("Security-Client: ipsec-3gpp;alg=hmac-sha-1-96;spi-c=x;spi-s=y;port-c=5062;port-s=5063")),
    _row("agree-port-range", AGREE, "ports beyond 65535", line("Security-Client: ipsec-3gpp;alg=hmac-sha-1-96;spi-c=1;spi-s=2;port-c=99999;port-s=0")),
    _row("agree-q", AGREE, "a preference of nine digits", line("Security-Client: tls;q=999999999")),
    _row("agree-many", AGREE, "a thousand mechanisms", line("Security-Client: " + ", ".join(["ipsec-3gpp;alg=null"] * 1000))),
    _row("agree-unknown", AGREE, "an unknown mechanism of 5000 letters", line("Security-Client: " + "x" * 5000)),
    _row("agree-verify", AGREE, "a Security-Verify of nothing", line("Security-Verify: ;;;"), line("Require: sec-agree"), line("Proxy-Require: sec-agree")),
    _row("agree-quote", AGREE, "a quoted string without its end", line('Security-Client: digest;d-ver="')),
)  # fmt: skip

HEADERS = (
    _row("pani-empty", PHEADER, "an empty P-Access-Network-Info", line("P-Access-Network-Info:")),
    _row("pani-cell", PHEADER, "a cell identity of 4000 digits", line("P-Access-Network-Info: 3GPP-NR-TDD;utran-cell-id-3gpp=" + "1" * 4000)),
    _row("pani-quote", PHEADER, "a quoted string without its end", line('P-Access-Network-Info: 3GPP-NR;x="')),
    _row("pvni", PHEADER, "a visited network of control characters", line("P-Visited-Network-ID: \x01\x02\x03")),
    _row("pcv", PHEADER, "a charging vector of commas", line("P-Charging-Vector: ,,,;icid-value=")),
    _row("pcfa", PHEADER, "a charging function of a wrong address", line("P-Charging-Function-Addresses: ccf=[::::1]")),
    _row("ppi-many", "RFC 3325", "three preferred identities", line("P-Preferred-Identity: <sip:a@$domain>, <sip:b@$domain>, <tel:+1>")),
    _row("ppi-broken", "RFC 3325", "a preferred identity without its bracket", line("P-Preferred-Identity: <sip:a@$domain")),
    _row("privacy", "RFC 3323", "contradicting privacy", line("Privacy: none;id;header;user;critical;;;")),
    _row("feature-caps", "RFC 6809", "a Feature-Caps without its star", line('Feature-Caps: +g.3gpp.="<<>>"')),
    _row("contact-tags", "RFC 3840", "feature tags with broken quotes", line('Contact: <sip:$token@$by>;+sip.instance="<urn:gsma:imei:;+g.3gpp.icsi-ref="%%%"')),
    _row("path", "RFC 3327", "a Path that is no URI", line("Path: <>, <;lr>, nonsense")),
    _row("route-many", "RFC 3261", "two hundred Route headers", *(line("Route: <sip:192.0.2.1;lr>"),) * 200),
    _row("via-many", "RFC 3261", "a hundred Via headers", *(line("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx", "From"),) * 100),
    _row("geolocation", "RFC 6442", "a Geolocation whose body is not there", line('Geolocation: <cid:nobody@nowhere>;inserted-by="')),
    _row("identity", "RFC 8224", "an Identity of dots", line("Identity: ....;info=<>;alg=;ppt=")),
    _row("identity-long", "RFC 8224", "an Identity of 30000 letters", line("Identity: " + "e" * 30000 + ".x.y;info=<https://192.0.2.1/c>")),
    _row("session-expires", "RFC 4028", "a session interval beyond 64 bits", line("Session-Expires: 99999999999999999999;refresher=nobody")),
    _row("expires-many", "RFC 3261", "contradicting Expires", line("Expires: 0"), line("Expires: 600"), line("Expires: -1")),
    _row("msrp-path", "RFC 4975", "MSRP paths in a body of SDP", body("v=0\r\nm=message 9 TCP/MSRP *\r\na=path:msrp://[::::]:99999/x;tcp " + "msrp://h/s;tcp " * 2000, "application/sdp")),
)  # fmt: skip

PIDF = (
    '<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="$user"><tuple id="a"><status>{}</status></tuple></presence>'
)
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
PIDF_TYPE = "application/pidf+xml"

XML = (
    _xml("xml-laughs", "RFC 3863", "entities that expand to a thousand million letters", "MESSAGE", body('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">' + LAUGHS + "]>" + PIDF.format("&l9;"), PIDF_TYPE)),
    _xml("xml-quadratic", "RFC 3863", "one long entity used a thousand times", "MESSAGE", body('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "' + "a" * 5000 + '">]>' + PIDF.format("&a;" * 1000), PIDF_TYPE)),
    _xml("xml-depth", "RFC 3863", "elements five thousand deep", "MESSAGE", body(PIDF.format("<a>" * 5000), PIDF_TYPE)),
    _xml("xml-loop", "RFC 3863", "an entity of itself", "MESSAGE", body('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]>' + PIDF.format("&a;"), PIDF_TYPE)),
    _xml("xml-external", "RFC 3863", "an entity from a file", "MESSAGE", body('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///dev/zero">]>' + PIDF.format("&a;"), PIDF_TYPE)),
    _xml("xml-parameter", "RFC 3863", "a parameter entity from elsewhere", "MESSAGE", body('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY % a SYSTEM "http://192.0.2.1/x.dtd">%a;]>' + PIDF.format(""), PIDF_TYPE)),
    _xml("xml-attributes", "RFC 3863", "an element of five thousand attributes", "MESSAGE", body(PIDF.format("<a " + " ".join(f'a{n}="1"' for n in range(5000)) + "/>"), PIDF_TYPE)),
    _xml("xml-cut", "RFC 3863", "a document that is cut", "MESSAGE", body(PIDF.format("<a")[:90], PIDF_TYPE)),
    _xml("xml-encoding", "RFC 3863", "a document that lies about its encoding", "MESSAGE", body('<?xml version="1.0" encoding="UTF-16"?>' + PIDF.format(""), PIDF_TYPE)),
    _xml("xml-control", "RFC 3863", "control characters in text", "MESSAGE", body(PIDF.format("\x00\x01\x08"), PIDF_TYPE)),
    _xml("xml-reginfo", "RFC 3680", "registration information with a negative version", "PUBLISH", body('<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="-1" state="full"><registration/></reginfo>',
             "application/reginfo+xml")),
    _xml("xml-conference", "RFC 4575", "conference information with users without an entity", "NOTIFY", body('<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="x" state="?"><users>'
             + "<user/>" * 2000 + "</users></conference-info>", "application/conference-info+xml")),
)  # fmt: skip

ALL = (*AUTHORIZATION, *AGREEMENT, *HEADERS, *XML)
