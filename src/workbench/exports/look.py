"""How slides look: 16:9, DejaVu Sans, a heading, a mark and a foot in the same place on each."""

from __future__ import annotations

from typing import Final

CSS: Final = """
@page { size: 13.333in 7.5in; margin: 1.1in 0.7in 0.8in;
  @top-left { content: string(heading, first-except); font: 700 20pt/1.15 "DejaVu Sans", sans-serif; color: #44525f;
    width: 84%; text-align: left; vertical-align: top; padding-top: 0.38in; }
  @top-right { content: MARK; font: 700 14pt "DejaVu Sans", sans-serif; color: #8a4b00; vertical-align: top;
    padding-top: 0.4in; }
  @bottom-left { content: FOOT; font: 10.5pt/1.25 "DejaVu Sans", sans-serif; color: #44525f; width: 88%;
    text-align: left; vertical-align: middle; }
  @bottom-right { content: counter(page) " of " counter(pages); font: 12pt "DejaVu Sans", sans-serif; color: #44525f;
    vertical-align: middle; } }
@page :first { background: #eef3f7; @top-left { content: none; } }
html { font: 16pt/1.4 "DejaVu Sans", "Liberation Sans", sans-serif; color: #1c2733; }
body { margin: 0; }
.first { padding: 1.1in 0.4in 0; }
h1 { font-size: 34pt; line-height: 1.2; margin: 0 0 24pt; color: #0b3954; }
.first p { font-size: 18pt; margin: 0 0 8pt; }
section { break-before: page; }
h2 { font-size: 20pt; line-height: 1.15; margin: -0.72in 0 0.07in; height: 0.65in; width: 84%; color: #0b3954;
  break-after: avoid;
  string-set: heading content() " (continued)"; }
h3 { font-size: 18pt; margin: 12pt 0 6pt; break-after: avoid; }
p, ul, ol { margin: 0 0 9pt; }
p, li { break-inside: avoid; }
.together { break-inside: avoid; }
li { margin: 0 0 4pt; }
figure { margin: 0 0 9pt; break-inside: avoid; }
figure img { display: block; max-width: 11.9in; margin: 0 auto; }
figcaption { font-size: 14pt; color: #44525f; margin-top: 6pt; }
table { border-collapse: collapse; font-size: 14pt; line-height: 1.25; margin: 0 0 9pt; max-width: 100%; }
tr { break-inside: avoid; }
tr:nth-child(-n + 2):not(:last-child) { break-after: avoid; }
tr:nth-last-child(-n + 3):not(:first-child) { break-before: avoid; }
th, td { text-align: left; vertical-align: top; padding: 4pt 14pt 4pt 0; border-bottom: 0.75pt solid #d5dce3; }
th { font-weight: 700; vertical-align: bottom; border-bottom: 1.5pt solid #44525f; }
.number { text-align: right; white-space: nowrap; }
th.number { white-space: normal; }
.caption { font-weight: 700; margin: 6pt 0 4pt; break-after: avoid; }
.below { font-size: 14pt; color: #44525f; break-before: avoid; }
pre { font: 14pt/1.3 "DejaVu Sans Mono", monospace; white-space: pre-wrap; margin: 0 0 9pt; }
code { font-family: "DejaVu Sans Mono", monospace; font-size: 0.9em; }
img.math { display: inline; }
"""
