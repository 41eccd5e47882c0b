"""Messages that are long in one way: many headers, long values, many members (TS 33.117 4.2.3.3.4)."""

from __future__ import annotations

from imsproof.codec.torture.draft import Kind, case, header, line, tail

ALL = (
    case("headers", "TS 33.117 4.2.3.3.4", "250 unknown headers", Kind.EITHER, "REGISTER", *(line("X-A: b"),) * 250),
    case("header", "TS 33.117 4.2.3.3.4", "one header of 50000 letters", Kind.EITHER, "REGISTER", line("X: " + "a" * 50000)),
    case("commas", "TS 33.117 4.2.3.3.4", "a Contact of 4000 members", Kind.EITHER, "REGISTER", header("Contact", "<sip:a@b>," * 4000 + "<sip:c@d>")),
    case("semicolons", "TS 33.117 4.2.3.3.4", "a Via of 20000 parameters", Kind.EITHER, "REGISTER", line("Via: SIP/2.0/UDP a" + ";a" * 20000, "From")),
    case("spaces", "TS 33.117 4.2.3.3.4", "a value of 50000 spaces", Kind.EITHER, "REGISTER", line("Subject: a" + " " * 50000 + "b")),
    case("quotes", "TS 33.117 4.2.3.3.4", "a display name of 30000 backslashes", Kind.EITHER, "REGISTER", line('Reply-To: "' + "\\\\" * 15000 + '" <sip:a@b>')),
    case("brackets", "TS 33.117 4.2.3.3.4", "30000 opening brackets", Kind.EITHER, "REGISTER", line("Reply-To: " + "<" * 30000)),
    case("ends", "TS 33.117 4.2.3.3.4", "20000 line ends after the message", Kind.EITHER, "REGISTER", tail("\r\n" * 20000)),
)  # fmt: skip
