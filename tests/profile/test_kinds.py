from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from imsproof.profile.kinds import (
    Address,
    ByteCount,
    Endpoint,
    File,
    Hex16,
    HttpUrl,
    Json,
    Key128,
    Part,
    Plain,
    Url,
)

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS: TypeAdapter[Endpoint] = TypeAdapter(Address)
URL: TypeAdapter[Url] = TypeAdapter(HttpUrl)


@given(st.ip_addresses(), st.integers(1, 65535))
def test_an_endpoint_is_read_as_it_is_written(ip: object, port: int) -> None:
    endpoint = Endpoint(str(ip), port)
    assert ADDRESS.validate_python(str(endpoint)) == endpoint == (str(ip), port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "192.0.2.1",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "pcscf.example:5060",
        "2001:db8::1:5060",
        "[::1]",
        "1.2.3:5060",
        5,
    ],
)
def test_what_is_no_address_and_port_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValidationError, match=r"192\.0\.2\.1:5060"):
        ADDRESS.validate_python(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://192.0.2.1:8443", Url("https", "192.0.2.1", 8443)),
        ("https://192.0.2.1/a?b=c", Url("https", "192.0.2.1", 443, "/a?b=c")),
        ("http://[2001:db8::1]/x/{call_id}", Url("http", "2001:db8::1", 80, "/x/{call_id}")),
    ],
)
def test_a_url_has_an_ip_address_and_a_port(text: str, url: Url) -> None:
    assert URL.validate_python(text) == url
    assert URL.validate_python(str(url)) == url


def test_a_url_knows_where_to_connect_and_its_authority() -> None:
    url = URL.validate_python("https://[::1]:8443/x")
    assert url.address == ("::1", 8443)
    assert url.authority == "[::1]:8443"


@pytest.mark.parametrize(
    "text",
    [
        "https://mf.example.org/",
        "ftp://192.0.2.1/",
        "192.0.2.1:80",
        "https://user:pass@192.0.2.1/",
        "https://192.0.2.1:99999/",
        "https://192.0.2.1:0/",
        "https://192.0.2.1/#there",
        "https://192.0.2.1/a b",
        "https://192.0.2.1/\r\nhost: x",
        "https://[::1/",
        7,
    ],
)
def test_what_is_no_url_with_an_address_is_refused(text: object) -> None:
    with pytest.raises(ValidationError, match="fqdn"):
        URL.validate_python(text)


@given(st.binary(min_size=16, max_size=16))
def test_a_key_is_read_in_either_case_and_with_spaces(key: bytes) -> None:
    adapter: TypeAdapter[bytes] = TypeAdapter(Key128)
    for text in (key.hex(), key.hex().upper(), key.hex(" "), key.hex(":")):
        assert adapter.validate_python(text) == key
    assert adapter.dump_python(key) == key.hex()


@pytest.mark.parametrize("text", ["", "00", "zz" * 16, "00" * 17])
def test_a_key_of_another_length_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Key128).validate_python(text)
    assert "32 hexadecimal digits" in caught.value.errors()[0]["msg"]


def test_a_short_field_has_its_own_length() -> None:
    assert TypeAdapter(Hex16).validate_python("8000") == b"\x80\x00"


def test_a_file_is_found_relative_to_the_profile(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    assert TypeAdapter(File).validate_python("ca.pem", context={"base": tmp_path}) == tmp_path / "ca.pem"


@pytest.mark.parametrize("name", ["gone.pem", "", "a\x00b", "."])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValidationError, match="path of"):
        TypeAdapter(File).validate_python(name, context={"base": tmp_path})


@pytest.mark.parametrize(
    ("text", "size"),
    [("500000", 500_000), ("100 MB", 10**8), ("1.5kB", 1500), ("64 MiB", 1 << 26), (7, 7), ("2 gb", 2 * 10**9)],
)
def test_a_size_may_have_a_unit(text: object, size: int) -> None:
    assert TypeAdapter(ByteCount).validate_python(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-5", "5 parsecs", True])
def test_a_size_without_sense_is_refused(text: object) -> None:
    with pytest.raises(ValidationError, match="number of bytes"):
        TypeAdapter(ByteCount).validate_python(text)


def test_unquoted_scalars_become_what_json_would_make_of_them() -> None:
    value = {"a": Plain("1"), "b": [Plain("true"), Plain("x"), "1"], "c": Plain("-2.5"), "d": None, "e": Plain("007")}
    assert TypeAdapter(Json).validate_python(value) == {
        "a": 1,
        "b": [True, "x", "1"],
        "c": -2.5,
        "d": None,
        "e": "007",
    }


class Sample(Part):
    name: str
    size: int = 3


def test_a_part_is_frozen_and_takes_no_unknown_field() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Sample(name="a").size = 4  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra"):
        Sample.model_validate({"name": "a", "sise": 4})


def test_a_field_without_a_value_counts_as_left_out() -> None:
    assert Sample.model_validate({"name": "a", "size": None}).size == 3
    with pytest.raises(ValidationError, match="required"):
        Sample.model_validate({"name": None})
