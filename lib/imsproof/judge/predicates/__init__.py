"""The predicates, one module a subject; importing this package registers them all."""

from imsproof.judge.predicates import answer, handshake, identity, load, media, registration, sbi, sdp

__all__ = ["answer", "handshake", "identity", "load", "media", "registration", "sbi", "sdp"]
