"""A hook: how an offer reaches a node that stands alone on a bench, and how its answer comes back.

The hook is data (an HTTP request or a command, as templates); here it is filled in and its answer is read, by pure
functions. Who sends the request or starts the command is ``actors``.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, Field

from imsproof.profile.kinds import HttpUrl, Json, Part, Url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_ANSWER = 256 * 1024
"""Characters of an answer that are looked at."""

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

_JSON_STEP = re.compile(r"""\.([A-Za-z_][\w-]*)|\[['"]([^'"\]]+)['"]\]|\[(\d{1,6})\]""")


def _where(text: str) -> str:
    if text.startswith("$"):
        if _JSON_STEP.sub("", text) != "$":
            raise ValueError("a JSON path of names and positions, as $.answer.media[0].sdp")
    elif text != "whole":
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(
                f"whole, a JSON path ($.a.b) or a regular expression; this one is wrong: {error}"
            ) from None
    return text


Where = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_where)]
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
    ice_ufrag: Where | None = Field(None, description="a=ice-ufrag value, of a peer with ICE (a full agent or lite).")
    ice_pwd: Where | None = Field(None, description="a=ice-pwd value.")


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
    later_offers: bool = Field(
        default=False, description="Whether a later offer of a call is handed over in the same way, with its {call_id}."
    )
    answer: AnswerPlace = Field(description="Where the answer lies.")


class HookError(ValueError):
    """A hook's template cannot be filled in, or its answer cannot be read; the message is for users."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """An HTTP request, filled in. ``url`` is checked against the scope by whoever sends it."""

    method: str
    url: Url
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """An answer: the SDP as text, or else its parts by the names of :class:`AnswerFields`."""

    sdp: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def placeholders(sdp: str, **values: str | int) -> dict[str, str]:
    """Build the values of the placeholders; the forms of the SDP are derived.

    Args:
        sdp: the offer, CRLF line ends.
        values: the rest of :data:`PLACEHOLDERS` that the caller has.
    """
    derived = {"sdp": sdp, "sdp_json": json.dumps(sdp), "sdp_base64": b64encode(sdp.encode()).decode("ascii")}
    unknown = values.keys() - PLACEHOLDERS.keys()
    if unknown:
        raise HookError(f"no such placeholder: {', '.join(sorted(unknown))}")
    return derived | {name: str(value) for name, value in values.items()}


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values in place of ``{name}``; braces around anything else stay as they are.

    Raises:
        HookError: a known placeholder that has no value here.
    """

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name in PLACEHOLDERS and name not in values:
            raise HookError(f"{{{name}}} has no value here")
        return values.get(name, match[0])

    return _PLACEHOLDER.sub(put, template)


def fill_http(call: HttpCall, values: Mapping[str, str]) -> HttpRequest:
    """Fill in an HTTP request; a body that is not text is sent as JSON, with placeholders in its texts filled in.

    Raises:
        HookError: see :func:`fill`; or a line break would come into a header.
    """
    path = fill(call.url.path, {name: quote(value, safe="") for name, value in values.items()})
    headers = [(name, fill(value, values)) for name, value in call.headers.items()]
    for name, value in headers:
        if re.search(r"[\r\n]", name + value):
            raise HookError(f"a line break in header {name}; use {{sdp_base64}} there")
    if call.body is None or isinstance(call.body, str):
        body = fill(call.body or "", values)
    else:
        body = json.dumps(_fill_json(call.body, values))
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("content-type", "application/json"))
    return HttpRequest(call.method, replace(call.url, path=path), tuple(headers), body.encode())


def fill_command(argv: Iterable[str], values: Mapping[str, str]) -> list[str]:
    """Fill in a command's words (``HookError`` as in :func:`fill`). No shell sees them."""
    return [fill(word, values) for word in argv]


def _fill_json(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill_json(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill_json(item, values) for item in value]
    return fill(value, values) if isinstance(value, str) else value


def read_answer(place: AnswerPlace, text: str) -> HookAnswer:
    """Read the answer from what the node said; may be called again as more of it arrives.

    Raises:
        HookError: it is not there (yet), or a part of it has the wrong form.
    """
    text = text[:MAX_ANSWER]
    if place.fields is None:
        return HookAnswer(sdp=_pick(place.sdp or "whole", text))
    wanted = place.fields.model_dump(exclude_none=True)
    found = {name: _pick(where, text).strip() for name, where in wanted.items()}
    try:
        ip_address(found["address"])
    except ValueError:
        raise HookError(f"the answer's address is not an IP address: {found['address']!r}") from None
    for name in ("port", "sctp_port"):
        if name in found and not (found[name].isascii() and found[name].isdigit() and 0 < int(found[name]) < 65536):
            raise HookError(f"the answer's {name} is not a port: {found[name][:40]!r}")
    return HookAnswer(fields=found)


def _pick(where: str, text: str) -> str:
    if where == "whole":
        if not text.strip():
            raise HookError("the answer is empty")
        return text
    if where.startswith("$"):
        return _pick_json(where, text)
    match = re.search(where, text, re.MULTILINE)
    if match is None:
        raise HookError(f"the answer does not match {where!r}")
    return match[1] if match.re.groups else match[0]


def _pick_json(path: str, text: str) -> str:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise HookError(f"the answer is not JSON, so {path} cannot be found in it") from None
    for name, quoted, index in _JSON_STEP.findall(path):
        try:
            value = value[int(index)] if index else value[name or quoted]
        except (LookupError, TypeError):
            raise HookError(f"the answer has no {path}") from None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise HookError(f"{path} in the answer is neither text nor a whole number")
    return str(value)


def texts(hook: Hook) -> Iterator[str]:
    """Walk over the templates of a hook."""
    for http in (hook.http, hook.release.http if hook.release else None):
        if http is not None:
            yield http.url.path
            yield from http.headers.values()
            yield http.body if isinstance(http.body, str) else json.dumps(http.body)
    yield from hook.command or ()
    yield from (hook.release.command if hook.release else None) or ()


def placeholder_like(text: str) -> list[str]:
    """Names in braces, known or not."""
    return _PLACEHOLDER.findall(text)
