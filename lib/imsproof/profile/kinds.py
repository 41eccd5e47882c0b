"""The kinds of values that a profile's fields have: addresses, URLs, keys, files, sizes.

Every validator's message completes the sentence "allowed: ...", because that is how a user reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

REFERENCE = r"\$\{(env|file):[^}]*\}"
"""How a reference looks in the profile's text (see :mod:`imsproof.profile.references`)."""


class Part(BaseModel):
    """A part of the profile: frozen, and unknown fields are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nothing(cls, value: Any) -> Any:
        """Take a field without a value (its entries commented out, perhaps) as left out."""
        return {name: item for name, item in value.items() if item is not None} if isinstance(value, dict) else value


class Plain(str):
    """A scalar that stood in the file without quotes; only :data:`Json` fields care about the difference."""

    __slots__ = ()


class Endpoint(NamedTuple):
    """A transport address of the lab: textual IP, and port in host order. Equal to a ``seams.Address``."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as the profile does, with brackets around IPv6."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Url:
    """An ``http`` or ``https`` URL whose host is an IP address: a name could resolve outside the scope.

    Attributes:
        scheme: ``http`` or ``https``.
        host: textual IP address, without brackets.
        port: in host order; the scheme's own when the URL has none.
        path: path and query as written, ``""`` when there is none; may hold a hook's placeholders.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def address(self) -> Endpoint:
        """Where to connect to."""
        return Endpoint(self.host, self.port)

    @property
    def authority(self) -> str:
        """``host:port`` as it stands in a request."""
        return str(self.address)

    def __str__(self) -> str:
        """Write the URL with its port."""
        return f"{self.scheme}://{self.authority}{self.path}"


def _endpoint(value: object) -> Endpoint:
    if isinstance(value, Endpoint):
        return value
    allowed = "IP address and port, as 192.0.2.1:5060 or [2001:db8::1]:5060 (an address, not a name)"
    found = re.fullmatch(r"(?:\[(?P<six>[^\]]+)\]|(?P<four>[^:]+)):(?P<port>\d{1,5})", str(value))
    if not isinstance(value, str) or found is None:
        raise ValueError(allowed)
    return Endpoint(_ip(found["six"] or found["four"], allowed), _port(found["port"], allowed))


def _ip(text: str, allowed: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError(allowed) from None


def _port(text: str, allowed: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError(f"{allowed}; a port is 1 to 65535")
    return port


def _url(value: object) -> Url:
    if isinstance(value, Url):
        return value
    allowed = "http(s) URL with an IP address as host, as https://192.0.2.1:8443/path (a name goes into fqdn)"
    if not isinstance(value, str) or re.search(r"[\x00-\x20\x7f]", value):
        raise ValueError(allowed)
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise ValueError(allowed) from None
    if parts.scheme not in {"http", "https"} or parts.username is not None or parts.fragment:
        raise ValueError(allowed)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    default = 443 if parts.scheme == "https" else 80
    return Url(parts.scheme, _ip(host, allowed), default if port is None else _port(str(port), allowed), path)


def _hex(value: object, *sizes: int) -> bytes:
    if isinstance(value, bytes):
        return value
    allowed = " or ".join(f"{2 * size} hexadecimal digits ({8 * size} bits)" for size in sizes)
    digits = re.sub(r"[\s:]", "", value) if isinstance(value, str) else ""
    if re.fullmatch(r"[0-9A-Fa-f]*", digits) is None or len(digits) not in {2 * size for size in sizes}:
        raise ValueError(f"{allowed}, not {len(digits)} characters" if digits else allowed)
    return bytes.fromhex(digits)


def _file(value: object, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("base")
    path = Path(str(value)).expanduser()
    if not str(value).strip() or "\x00" in str(value):
        raise ValueError("path of a file, relative to the profile")
    if base is not None:
        path = Path(base, path)
        if not path.is_file():
            raise ValueError(f"path of an existing file; there is none at {path}")
    return path


_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def _size(value: object) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", str(value).strip())
    if isinstance(value, bool) or found is None or found[2].upper() not in _UNITS:
        raise ValueError("number of bytes, as 500000, 500 kB, 100 MB or 64 MiB")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _json(value: object) -> Any:
    """Give unquoted scalars the type that JSON would give them."""
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return _scalar(value) if isinstance(value, Plain) else value


def _scalar(value: Plain) -> bool | float | str:
    if value in {"true", "false"}:
        return value == "true"
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", value):
        return int(value)
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})\.\d{1,17}", value):
        return float(value)
    return str(value)


def _text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"{pattern}|{REFERENCE}"})


_ENDPOINT = r"^(\[[0-9A-Fa-f:.%]+\]|[0-9.]+):[0-9]{1,5}$"
_AS_TEXT = PlainSerializer(str, return_type=str)
_AS_HEX = PlainSerializer(lambda value: value.hex(), return_type=str)

Address = Annotated[Endpoint, PlainValidator(_endpoint), _AS_TEXT, _text(_ENDPOINT)]
"""A field for ``host:port``."""
HttpUrl = Annotated[Url, PlainValidator(_url), _AS_TEXT, _text(r"^https?://")]
"""A field for a URL."""
Key128 = Annotated[bytes, BeforeValidator(lambda v: _hex(v, 16)), _AS_HEX, _text(r"^[0-9A-Fa-f :]{32,}$")]
"""A field for OP or OPc."""
Key = Annotated[bytes, BeforeValidator(lambda v: _hex(v, 16, 32)), _AS_HEX, _text(r"^[0-9A-Fa-f :]{32,}$")]
"""A field for K, of 128 or 256 bits."""
Key256 = Annotated[bytes, BeforeValidator(lambda v: _hex(v, 32)), _AS_HEX, _text(r"^[0-9A-Fa-f :]{64,}$")]
"""A field for TOP or TOPc."""
Hex48 = Annotated[bytes, BeforeValidator(lambda v: _hex(v, 6)), _AS_HEX, _text(r"^[0-9A-Fa-f :]{12,}$")]
"""A field for SQN."""
Hex16 = Annotated[bytes, BeforeValidator(lambda v: _hex(v, 2)), _AS_HEX, _text(r"^[0-9A-Fa-f :]{4,}$")]
"""A field for AMF."""
File = Annotated[Path, BeforeValidator(_file), WithJsonSchema({"type": "string"})]
"""A field for an existing file, absolute after loading."""
IpText = Annotated[str, AfterValidator(lambda text: _ip(text, "an IP address, as 192.0.2.200"))]
"""A field for an IP address."""
ByteCount = Annotated[int, BeforeValidator(_size), WithJsonSchema({"type": ["integer", "string"]})]
"""A field for a number of bytes."""
Json = Annotated[Any, BeforeValidator(_json)]
"""A field for a JSON value, or text."""
Text = Annotated[str, Field(min_length=1, max_length=4096)]
"""A field for a short text that must not be empty."""
