"""Protocol engines on memory: DTLS, SCTP, SRTP. No sockets here; see ``docs/decisions/0001-engine-room.md``."""
