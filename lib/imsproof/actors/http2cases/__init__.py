"""The conditions of HTTP/2 as tables: RFC 9113 and RFC 7541, each derived from its section."""

from imsproof.actors.http2cases.model import Case

__all__ = ["Case"]
