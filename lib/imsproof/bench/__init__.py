"""The bench: for one purpose, everything that a testcase can ask for, made when it is asked for.

It ties the profile, the link's session and the leases together, so that a testcase names only what it needs.
"""

from __future__ import annotations

from imsproof.bench.datachannels import DataChannels
from imsproof.bench.media import MediaEnds


class Bench(DataChannels, MediaEnds):
    """What one purpose works with; close it with ``close``."""
