"""The applications that the DC AS has."""

from __future__ import annotations

import hashlib
import json

from imsproof.lab.media.apps import application, list_as_html, list_as_json, package_url


def test_packages_are_the_same_bytes_every_time() -> None:
    first = application("whiteboard")
    application.cache_clear()
    assert application("whiteboard") == first
    assert first.sha256 == hashlib.sha256(first.package).hexdigest()


def test_lists_hold_each_application_with_its_url_and_hash() -> None:
    app = application("live-captions")
    value = json.loads(list_as_json("sip:a@b", ("live-captions",)))
    assert value["subscriber"] == "sip:a@b"
    assert value["applications"] == [
        {
            "id": "live-captions",
            "name": "Live captions",
            "version": "1.0",
            "url": package_url(app),
            "sha256": app.sha256,
        }
    ]


def test_the_page_escapes_what_it_is_told() -> None:
    page = list_as_html("<script>", ("whiteboard",))
    assert b"<script>" not in page
    assert b"&lt;script&gt;" in page
