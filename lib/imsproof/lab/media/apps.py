"""What the DC AS has to offer: data-channel applications as small, reproducible packages."""

from __future__ import annotations

import hashlib
import html
import io
import json
import zipfile
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Application:
    """A data-channel application; the package is a zip archive with an ``index.html``."""

    app_id: str
    name: str
    version: str
    package: bytes

    @property
    def sha256(self) -> str:
        """Hash of the package, lower-case hexadecimal."""
        return hashlib.sha256(self.package).hexdigest()


@cache
def application(app_id: str) -> Application:
    """Return the application of that id; the same id gives the same bytes on every machine."""
    name = app_id.replace("-", " ").capitalize()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as package:
        page = f"<!doctype html><title>{html.escape(name)}</title><h1>{html.escape(name)}</h1>\n"
        package.writestr(zipfile.ZipInfo("index.html", (2026, 1, 1, 0, 0, 0)), page)
    return Application(app_id, name, "1.0", archive.getvalue())


def list_as_json(subscriber: str, app_ids: tuple[str, ...]) -> bytes:
    """Return the list of applications as JSON; URLs are relative to the root of the bootstrap channel."""
    entries = [
        {"id": app.app_id, "name": app.name, "version": app.version, "url": package_url(app), "sha256": app.sha256}
        for app in map(application, app_ids)
    ]
    return json.dumps({"subscriber": subscriber, "applications": entries}, indent=1).encode() + b"\n"


def list_as_html(subscriber: str, app_ids: tuple[str, ...]) -> bytes:
    """Return the list of applications as a page, which is what a UE shows its user."""
    items = "".join(
        f'<li><a href="{html.escape(package_url(app))}" data-sha256="{app.sha256}">{html.escape(app.name)}</a></li>\n'
        for app in map(application, app_ids)
    )
    title = f"Applications of {html.escape(subscriber)}"
    return f"<!doctype html><title>{title}</title><h1>{title}</h1>\n<ul>\n{items}</ul>\n".encode()


def package_url(app: Application) -> str:
    """Return where the package lies, below the root of the bootstrap channel."""
    return f"/packages/{app.app_id}.zip"
