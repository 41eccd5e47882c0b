"""What the data-channel peer of any manners reads in an offer; see odd_peer.py."""

from __future__ import annotations

import re

STRENGTH = ("sha-512", "sha-384", "sha-256", "sha-1")
OCTETS = {"sha-512": 64, "sha-384": 48, "sha-256": 32, "sha-1": 20}


def known(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those fingerprints that are well formed and of a hash that is known, in the order of their lines."""
    found = [(name.lower(), value.upper()) for name, value in lines]
    return [
        (name, value)
        for name, value in found
        if name in OCTETS and re.fullmatch(f"([0-9A-F]{{2}}:){{{OCTETS[name] - 1}}}[0-9A-F]{{2}}", value)
    ]


class Offer:
    """What the other side says of its end."""

    def __init__(self, sdp: str) -> None:
        session, *media = re.split(r"\r?\n(?=m=)", sdp)
        section = next((one for one in media if one.startswith("m=application")), "")

        def one(pattern: str, otherwise: str = "") -> str:
            found = re.search(pattern, section, re.MULTILINE) or re.search(pattern, session, re.MULTILINE)
            return found[1].strip() if found else otherwise

        self.line = re.split(r"\r?\n", section)[0]
        self.where = (one(r"^c=IN IP[46] (\S+)"), int(one(r"^m=application (\d+)", "0")))
        self.setup = one(r"^a=setup:(\w+)", "actpass")
        self.sctp_port = int(one(r"^a=sctp-port:(\d+)", "5000"))
        pattern = re.compile(r"^a=fingerprint:(\S+) (\S+)", re.MULTILINE)
        self.of_session, self.everywhere = known(pattern.findall(session)), known(pattern.findall(sdp))
        self.lines = known(pattern.findall(section)) or self.of_session
        names = {name for name, _ in self.lines}
        strongest = next((name for name in STRENGTH if name in names), "")
        self.fingerprints = {(name, value) for name, value in self.lines if name == strongest}

    def trusted(self, traits: frozenset[str]) -> set[tuple[str, str]]:
        """The fingerprints of which one must be the certificate's."""
        if "last-fingerprint" in traits:
            return set(self.lines[-1:])
        if "any-line" in traits:
            return set(self.everywhere)
        if "session-wins" in traits and self.of_session:
            return set(self.of_session)
        return set(self.fingerprints)
