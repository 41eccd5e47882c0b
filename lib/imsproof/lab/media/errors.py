"""What a media node says when it does not do what it was asked for."""

from __future__ import annotations


class MediaRefusedError(ValueError):
    """The node refuses: the description does not meet its policy, or it has no room. The text says why."""
