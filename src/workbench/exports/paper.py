"""HTML as tagged PDF, and a page of a PDF as a picture; nothing is ever fetched from a network or a disk."""

from __future__ import annotations

import io
from typing import Any, Final

from workbench.errors import BadInput

DATA: Final = ("data",)


def pdf_bytes(html: str) -> bytes:
    """Return a page of HTML as PDF/UA-1: tagged, with the title and the language of the page.

    Only `data:` addresses are read; whatever else the page names is left out. Raises BadInput where the machine
    lacks what WeasyPrint needs.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        raise BadInput(
            "PDF files cannot be made on this machine: WeasyPrint or Pango is missing. Ask the people who run the "
            "workbench to type: make setup"
        ) from error
    fetcher = URLFetcher(allowed_protocols=DATA, allow_redirects=False)
    made: bytes = HTML(string=html, url_fetcher=fetcher).write_pdf(pdf_variant="pdf/ua-1")
    return made


def page_png(pdf: bytes, width: int, texts: dict[str, str], page: int = 0) -> bytes:
    """Return one page of a PDF as a PNG `width` pixels wide, with `texts` in its metadata."""
    import pypdfium2
    from PIL.PngImagePlugin import PngInfo

    document: Any = pypdfium2.PdfDocument(pdf)
    try:
        sheet = document[page]
        picture = sheet.render(scale=width / sheet.get_width()).to_pil()
    finally:
        document.close()
    info, file = PngInfo(), io.BytesIO()
    for name, text in texts.items():
        info.add_itxt(name, text)
    picture.save(file, "PNG", pnginfo=info, optimize=False)
    return file.getvalue()
