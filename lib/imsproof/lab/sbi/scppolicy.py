"""What the lab's SCP checks: the defaults are the conformant network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScpPolicy:
    """Checks of indirect communication (TS 33.501 clause 13.3.8, TS 29.500 clause 6.10).

    Attributes:
        known_targets: requests are led to the API roots of registered NFs only.
        single_target: a request that names several targets is refused; else the last one counts.
        bounded_hops: a request whose hops are used up is refused.
    """

    known_targets: bool = True
    single_target: bool = True
    bounded_hops: bool = True
