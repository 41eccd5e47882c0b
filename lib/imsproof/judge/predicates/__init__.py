"""The predicates, one module a subject; importing this package registers them all."""

from imsproof.judge.predicates import (
    answer,
    application,
    certificate,
    datachannel,
    handshake,
    identity,
    load,
    media,
    registration,
    sbi,
    sdp,
    servercert,
)

__all__ = [
    "answer",
    "application",
    "certificate",
    "datachannel",
    "handshake",
    "identity",
    "load",
    "media",
    "registration",
    "sbi",
    "sdp",
    "servercert",
]
