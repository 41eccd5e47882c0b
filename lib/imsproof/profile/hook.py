"""A hook: how an offer reaches a node that stands alone on a bench, and how its answer comes back.

The hook is data (an HTTP request or a command, as templates); here it is filled in and its answer is read, by pure
functions. Who sends the request or starts the command is ``actors``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from imsproof.profile.kinds import HttpUrl, Json, Part

PLACEHOLDERS = {
    "sdp": "the offer, as text with CRLF line ends",
    "sdp_json": "the offer as a JSON string, quotes included",
    "sdp_base64": "the offer in base64",
    "sdp_file": "path of a file that holds the offer",
    "fingerprint": "the tester's certificate fingerprint, upper-case hexadecimal with colons",
    "fingerprint_hash": "the fingerprint's hash function, as sha-256",
    "setup": "the tester's a=setup value",
    "tls_id": "the tester's a=tls-id value",
    "address": "the tester's IP address",
    "port": "the tester's port",
    "sctp_port": "the tester's SCTP port",
    "ice_ufrag": "the tester's ICE user fragment",
    "ice_pwd": "the tester's ICE password",
    "call_id": "a token that is unique to this offer",
    "far_address": "the tester's IP address on the far side of a media gateway",
    "far_port": "the tester's port on the far side of a media gateway",
}
"""What ``{name}`` in a hook's templates stands for."""

Where = Annotated[str, Field(min_length=1, max_length=1000)]
Argv = Annotated[tuple[str, ...], Field(min_length=1, max_length=256)]


class HttpCall(Part):
    """An HTTP request; placeholders may stand in the URL's path, the header values and the body."""

    method: Annotated[str, Field(pattern=r"^[A-Z]{3,10}$")] = Field("POST", description="HTTP method.")
    url: HttpUrl = Field(description="URL (an IP address as host).")
    headers: dict[str, str] = Field({}, description="Header fields.")
    body: Json = Field(None, description="Body: text, or a YAML mapping (sent as JSON).")


class Release(Part):
    """What ends what the hook began."""

    http: HttpCall | None = Field(None, description="An HTTP request.")
    command: Argv | None = Field(None, description="A command, as a list of words (no shell).")


class AnswerFields(Part):
    """Where the parts of an answer lie when it is not SDP: JSON paths (``$.a.b[0]``) or regular expressions."""

    address: Where = Field(description="IP address of the peer.")
    port: Where = Field(description="UDP port of the peer.")
    fingerprint: Where | None = Field(None, description="Fingerprint, as sha-256 AA:BB:.. or AA:BB:..")
    setup: Where | None = Field(None, description="a=setup value; passive when left out.")
    tls_id: Where | None = Field(None, description="a=tls-id value.")
    sctp_port: Where | None = Field(None, description="SCTP port; 5000 when left out.")


class AnswerPlace(Part):
    """Where the answer lies in the HTTP response's body, or in what the command prints."""

    sdp: Where | None = Field(None, description="whole, a JSON path ($.answer.sdp) or a regular expression.")
    fields: AnswerFields | None = Field(None, description="The answer's parts one by one, when it is not SDP.")


class Hook(Part):
    """How an offer reaches the node, and where the answer lies."""

    http: HttpCall | None = Field(None, description="An HTTP request that hands the offer over.")
    command: Argv | None = Field(
        None, description="A command that takes the offer (no shell); it runs until the session ends."
    )
    release: Release | None = Field(None, description="What to do when the session ends.")
    answer: AnswerPlace = Field(description="Where the answer lies.")
