"""A chart taken along: the SVG with whose data it shows written below it, and the same as a PNG."""

from __future__ import annotations

import base64
import re
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Final

from workbench.errors import NotShown
from workbench.exports.paper import page_png, pdf_bytes

PNG_WIDTH: Final = 1920
_SVG: Final = "http://www.w3.org/2000/svg"
_ACTIVE: Final = ("script", "foreignObject", "iframe", "handler", "set", "animate")
_ELSEWHERE: Final = re.compile(r"""url\(\s*["']?(?!#|data:image/)|@import""", re.IGNORECASE)


def svg_bytes(svg: str, about: Mapping[str, str]) -> bytes:
    """Return a stand-alone SVG with `about` in lines below the chart and in its metadata.

    Raises NotShown where it is no SVG with a size, refers to what lies elsewhere, or holds code.
    """
    ET.register_namespace("", _SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    try:
        root = ET.fromstring(svg)
    except ET.ParseError as error:
        raise NotShown("This chart cannot be saved at the moment.") from error
    _check_whole(root)
    left, top, width, height = _box(root)
    size = max(width / 75, 6)
    lines = textwrap.wrap(" · ".join(about.values()), max(20, int(width / size * 1.75)))
    taller = height + size * 1.4 * (len(lines) + 1)
    root.set("viewBox", f"{left:g} {top:g} {width:g} {taller:g}")
    root.set("width", f"{width:g}")
    root.set("height", f"{taller:g}")
    if root.tag.startswith("{"):
        ET.SubElement(root, f"{{{_SVG}}}metadata").text = "\n".join(f"{name}: {text}" for name, text in about.items())
    for place, line in enumerate(lines):
        below = ET.SubElement(root, f"{{{_SVG}}}text")
        below.text = line
        for name, value in (
            ("x", f"{left + size:g}"),
            ("y", f"{top + height + size * 1.4 * (place + 1):g}"),
            ("font-size", f"{size:g}"),
            ("font-family", "system-ui, 'DejaVu Sans', sans-serif"),
            ("fill", "#44525f"),
        ):
            below.set(name, value)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def png_bytes(svg: str, about: Mapping[str, str], width: int = PNG_WIDTH) -> bytes:
    """Return a chart with `about` below it as a PNG on white, `width` pixels wide, its height by its own shape."""
    whole = svg_bytes(svg, about)
    _, _, wide, high = _box(ET.fromstring(whole))
    tall = 1000 * high / wide
    page = (
        f'<html lang="en"><head><title>Chart</title><style>@page{{size:1000px {tall:.2f}px;margin:0}}'
        f"body{{margin:0;background:#fff}}img{{display:block;width:1000px;height:{tall:.2f}px}}</style></head>"
        f'<body><img alt="Chart" src="{picture(whole)}"></body></html>'
    )
    return page_png(pdf_bytes(page), width, dict(about))


def picture(svg: bytes) -> str:
    """Return an SVG as a data: address."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def told(svg: str) -> str:
    """Return the words an SVG says about itself: its title and description."""
    try:
        root = ET.fromstring(svg)
    except ET.ParseError:
        return ""
    found = [root.findtext(f"{{{_SVG}}}{name}") for name in ("title", "desc")]
    return " ".join(text.strip() for text in found if text and text.strip()) or root.get("aria-label", "")


def _check_whole(root: ET.Element) -> None:
    """Hold a chart to be a drawing whole in itself: whoever opens the file later asks nobody else for anything."""
    for part in root.iter():
        names = {name.rpartition("}")[2].lower(): value.strip() for name, value in part.attrib.items()}
        address = names.get("href", names.get("src", "#"))
        if (
            str(part.tag).rpartition("}")[2] in _ACTIVE
            or any(name.startswith("on") for name in names)
            or not address.startswith(("#", "data:image/"))
            or any(_ELSEWHERE.search(text) for text in (*names.values(), part.text or ""))
        ):
            raise NotShown("This chart holds more than a drawing and cannot be saved.")


def _box(root: ET.Element) -> tuple[float, float, float, float]:
    """The left edge, top, width and height of what an SVG shows."""
    try:
        if box := root.get("viewBox"):
            left, top, width, height = map(float, box.replace(",", " ").split())
        else:
            left = top = 0.0
            width, height = (
                float(root.attrib[name].removesuffix("px").removesuffix("pt")) for name in ("width", "height")
            )
    except (KeyError, ValueError) as error:
        raise NotShown("This chart has no size and cannot be saved.") from error
    if width <= 0 or height <= 0:
        raise NotShown("This chart has no size and cannot be saved.")
    return left, top, width, height
