"""The page of a run: one HTML file that needs no other."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from monoglot.report.content import Page

SCRIPTS = ("data.js", "table.js", "map.js", "start.js")
STYLES = ("palette.css", "figures.css", "page.css")


def render(page: Page) -> str:
    """Write the page as HTML; all that comes from tokenizers and texts is escaped."""
    environment = Environment(
        loader=PackageLoader("monoglot.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["share"] = lambda value: f"{value:.1%}"
    environment.filters["count"] = lambda value: f"{value:,}"
    return environment.get_template("page.html.j2").render(
        page=page,
        data=pack(page.tokens) if page.tokens is not None else None,
        scripts=SCRIPTS,
        styles=STYLES,
    )


def pack(values: Mapping[str, Any]) -> str:
    """Compress plain values to text that is safe inside HTML: JSON, gzip, base64."""
    plain = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(plain, mtime=0)).decode()
