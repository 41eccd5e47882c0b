"""Messages that test how much a node can take: the corpora of RFC 4475 and RFC 5118, SDP, IMS headers, XML, framing."""

from __future__ import annotations

from imsproof.codec.torture.draft import Aim, Case, Draft, Kind, Reaction, plain

__all__ = ["Aim", "Case", "Draft", "Kind", "Reaction", "plain"]
