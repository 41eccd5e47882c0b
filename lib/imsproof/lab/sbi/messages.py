"""Requests, responses and problem details of the lab's SBI servers, and the rules for JSON bodies."""

from __future__ import annotations

import json
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from imsproof.lab.sbi.jsonpolicy import JsonPolicy

if TYPE_CHECKING:
    from imsproof.lab.sbi.policy import SbiPolicy

MUCH = 64 * 1024 * 1024
"""Octets that a node unpacks at most, under whatever fault."""
JSON = "application/json"
PROBLEM = "application/problem+json"
JSON_PATCH = "application/json-patch+json"
FORM = "application/x-www-form-urlencoded"
STRICT = JsonPolicy()


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a TLS connection.

    Attributes:
        address: textual IP address.
        der: the certificate, or ``None`` when the client sent none.
        instance_ids: every ``urn:uuid:`` of the certificate's SAN, lower case, without the prefix.
        names: the DNS names of the SAN.
        nf_types: what the certificate's nfTypes extension says.
        tls_version: as OpenSSL names it (``TLSv1.3``).
    """

    address: str
    der: bytes | None = None
    instance_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    nf_types: tuple[str, ...] = ()
    tls_version: str = ""

    @property
    def instance_id(self) -> str:
        """The one NF instance that the certificate names, or an empty text when it names none or several."""
        return self.instance_ids[0] if len(self.instance_ids) == 1 else ""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request with its whole body."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    peer: Peer

    def header(self, name: str) -> str | None:
        """Return the first value of a header (``name`` in lower case)."""
        return next(iter(self.header_values(name)), None)

    def header_values(self, name: str) -> list[str]:
        """Return all values of a header, in order."""
        return [value for found, value in self.headers if found == name]

    def expect_type(self, content_type: str) -> None:
        """Refuse with 415 any body that is not declared as ``content_type``."""
        declared = (self.header("content-type") or "").partition(";")[0].strip().lower()
        if declared != content_type:
            raise refused(415, "UNSUPPORTED_MEDIA_TYPE", f"content-type is {declared!r}, expected {content_type}")

    def json(self, policy: SbiPolicy, content_type: str = JSON, how: JsonPolicy = STRICT) -> Any:
        """Return the body's JSON value; ``how`` may leave out checks.

        Raises:
            Refused: 415 for another content type; 400 ``INVALID_MSG_FORMAT`` for what is not JSON, has a member
                twice, is nested too deep or has too many leaves (TS 33.117 clauses 4.3.6.3 and 4.3.6.4).
        """
        if how.check_type:
            self.expect_type(content_type)
        body = self._unpacked(how)
        decoder = json.JSONDecoder(
            object_pairs_hook=_unique_members if policy.reject_duplicate_members else None,
            parse_constant=_no_constant,
        )
        try:
            text = body.decode("utf-8")
            value = decoder.decode(text) if how.check_syntax else decoder.raw_decode(text.strip())[0]
        except (ValueError, RecursionError) as error:
            raise refused(400, "INVALID_MSG_FORMAT", f"the body is not acceptable JSON: {error}"[:200]) from error
        _check_size(value, policy)
        return value

    def _unpacked(self, how: JsonPolicy) -> bytes:
        """The body without its content coding, which a planted fault undoes; 415 where there is one otherwise."""
        if self.header("content-encoding") in (None, "identity"):
            return self.body
        if not how.unpacks:
            raise refused(415, "UNSUPPORTED_MEDIA_TYPE", "compressed bodies are not taken")
        try:
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(self.body, MUCH)
        except zlib.error as error:
            raise refused(400, "INVALID_MSG_FORMAT", f"the body cannot be unpacked: {error}") from error

    def json_object(self, policy: SbiPolicy, how: JsonPolicy = STRICT) -> dict[str, Any]:
        """Return the body's JSON object; 400 when it is another kind of value."""
        value = self.json(policy, how=how)
        if not isinstance(value, dict):
            raise refused(400, "INVALID_MSG_FORMAT", "the body is not a JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


Handler = Callable[[Request], Awaitable[Response]]


class Refused(Exception):  # noqa: N818 - it carries an answer, it is no error of the lab
    """Ends the handling of a request with this response."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def json_response(
    status: int, value: object, *, content_type: str = JSON, headers: Sequence[tuple[str, str]] = ()
) -> Response:
    """Return a response with a JSON body."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(status, (("content-type", content_type), *headers), body)


def problem(
    status: int,
    cause: str,
    detail: str,
    *,
    headers: Sequence[tuple[str, str]] = (),
    more: Mapping[str, Any] | None = None,
) -> Response:
    """Return ProblemDetails (TS 29.571) as ``application/problem+json``."""
    value = {"status": status, "cause": cause, "detail": detail, **(more or {})}
    return json_response(status, value, content_type=PROBLEM, headers=headers)


def refused(status: int, cause: str, detail: str, *, headers: Sequence[tuple[str, str]] = ()) -> Refused:
    """Return the exception that answers with ProblemDetails."""
    return Refused(problem(status, cause, detail, headers=headers))


class Router:
    """Finds the handler of a request by path template (``/contexts/{id}``) and method."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, ...], dict[str, Callable[..., Awaitable[Response]]]] = {}

    def add(self, method: str, template: str, handler: Callable[..., Awaitable[Response]]) -> None:
        """Have ``handler(request, *captured segments)`` serve a path."""
        self._routes.setdefault(tuple(template.strip("/").split("/")), {})[method] = handler

    async def __call__(self, request: Request) -> Response:
        """Answer a request; 404 for an unknown path, 405 for an unknown method."""
        segments = request.path.lstrip("/").split("/")
        for template, methods in self._routes.items():
            captured = _match(template, segments)
            if captured is None:
                continue
            handler = methods.get(request.method)
            if handler is None:
                allow = (("allow", ", ".join(methods)),)
                return problem(405, "METHOD_NOT_ALLOWED", f"not {request.method}", headers=allow)
            return await handler(request, *captured)
        return problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", "nothing is at this path")


def _match(template: tuple[str, ...], segments: list[str]) -> list[str] | None:
    if len(template) != len(segments):
        return None
    captured: list[str] = []
    for expected, found in zip(template, segments, strict=True):
        if expected.startswith("{"):
            if not found:
                return None
            captured.append(unquote(found))
        elif expected != found:
            return None
    return captured


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object has a member twice")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_size(value: object, policy: SbiPolicy) -> None:
    leaves, level, depth = 0, [value], 0
    while level:
        depth += 1
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
            else:
                leaves += 1
        if leaves > policy.max_json_leaves:
            raise refused(400, "INVALID_MSG_FORMAT", f"more than {policy.max_json_leaves} values")
        if inner and depth > policy.max_json_depth:
            raise refused(400, "INVALID_MSG_FORMAT", f"nested deeper than {policy.max_json_depth}")
        level = inner
