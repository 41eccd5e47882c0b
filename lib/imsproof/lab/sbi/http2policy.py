"""What the lab's HTTP/2 tolerates, refuses and lets cost: nothing, in the conformant network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Http2Policy:
    """Flaws of HTTP/2 that can be planted.

    Attributes:
        tolerates: offences that are mended or passed over instead of refused (the names are those of
            ``lab.sbi.framemender`` and ``lab.sbi.looseh2``).
        refuses: what the RFC allows and this lab refuses all the same: ``unknown`` (frames), ``padding``.
        costly: what the server's only thread works at, each time, and does not count against a peer: ``request``,
            ``open`` (a request that is not ended), ``unsent`` (an answer that nobody takes), ``settings``, ``ping``,
            ``data`` (an empty one), ``priority``, ``window``, ``unknown``.
        cost_seconds: how long it works.
    """

    tolerates: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    costly: tuple[str, ...] = ()
    cost_seconds: float = 0.0045
