"""Discovery: what a host offers on the usual ports, seen with a few polite requests, and a profile made of it."""

from imsproof.discovery.look import Discovery, discover
from imsproof.discovery.write import profile_text

__all__ = ["Discovery", "discover", "profile_text"]
