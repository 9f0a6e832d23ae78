"""A notebook's Markdown as HTML that needs no network: formulas and images become part of the page."""

from __future__ import annotations

import base64
import io
from html import escape

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

POINTS_PER_EM = 8.6
"""Formulas are drawn at 10 points; Computer Modern looks small beside a sans-serif text of the same size."""


@pass_context
def markdown_to_html(context: Context, source: str) -> str:
    """Return Markdown as HTML; in a public report an image is told by its words alone."""
    resources = context.get("resources", {})
    renderer = _Words(
        escape=False,
        attachments=context.get("cell", {}).get("attachments", {}),
        embed_images=True,
        path=resources.get("metadata", {}).get("path", ""),
        exclude_anchor_links=True,
    )
    renderer.public = resources["about"]["public"]
    return str(MarkdownWithMath(renderer=renderer).render(source))


class _Words(IPythonRenderer):  # type: ignore[misc]
    """Nbconvert's renderer, with formulas drawn and, for the public, no images."""

    public = False

    def inline_math(self, body: str) -> str:
        # "$5 to $10" is no formula: a formula's text touches both of its dollars.
        return formula(body) if body == body.strip() else escape(f"${body}$")

    def block_math(self, body: str) -> str:
        return f'<span class="formula">{formula(body)}</span>'

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return escape(text) if self.public else str(super().image(text, url, title))


def formula(tex: str) -> str:
    """Return a TeX formula as an inline SVG image whose alt text is the TeX; as code where it cannot be drawn."""
    from matplotlib import mathtext, rc_context
    from matplotlib.figure import Figure

    text = f"${' '.join(tex.split())}$"
    try:
        with rc_context(
            {"text.parse_math": True, "svg.hashsalt": "workbench", "mathtext.fontset": "cm", "font.size": 10}
        ):
            width, height, depth, *_ = mathtext.MathTextParser("path").parse(text, dpi=72)
            figure = Figure(figsize=(width / 72, height / 72))
            figure.text(0, depth / height, text)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    except ValueError:
        return f"<code>{escape(tex)}</code>"
    size = f"height:{height / POINTS_PER_EM:.2f}em;vertical-align:{-depth / POINTS_PER_EM:.2f}em"
    source = f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return f'<img class="math" src="{source}" alt="{escape(tex)}" style="{size}">'
