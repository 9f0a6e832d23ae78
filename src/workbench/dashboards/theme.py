"""How every dashboard looks: quiet, readable on a telephone, and of sufficient contrast (WCAG 2.2 AA)."""

CSS = """
.wb-header, .wb-section, .wb-cards, .wb-provenance, .wb-filters, .wb-filters label, .wb-filters select {
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: #1c2733; }
.wb-header { padding: 16px 0 8px; }
.wb-header h1 { font-size: 1.75rem; line-height: 1.2; font-weight: 700; margin: 0; }
.wb-header p { font-size: 1.05rem; color: #44525f; margin: 6px 0 0; max-width: 44em; }
.widget-html, .widget-html-content { width: 100%; max-width: 100%; margin: 0; overflow: visible; line-height: inherit; }
.wb-filters { display: flex; flex-flow: row wrap; gap: 12px 20px; margin: 12px 0; padding: 14px 16px;
  background: #fff; border: 1px solid #d5dce3; border-radius: 8px; overflow: visible; }
.wb-filters .widget-dropdown { flex: 1 1 240px; width: auto; height: auto; margin: 0;
  display: flex; flex-direction: column; align-items: stretch; }
.wb-filters .widget-label { width: auto; text-align: left; font-weight: 600; height: auto; margin: 0 0 4px; }
.wb-filters select { flex: none; width: 100%; height: 40px; font-size: 16px; padding: 0 32px 0 10px;
  border: 1px solid #8593a1; border-radius: 6px; background-color: #fff; }
.wb-filters.wb-filters select:focus-visible { outline: 3px solid #0b5c8a !important; outline-offset: 1px; }
.wb-cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0 0 12px; }
.wb-card { background: #fff; border: 1px solid #d5dce3; border-radius: 8px; padding: 12px 16px; }
.wb-card h3 { margin: 0; line-height: 1.4; font-size: .9rem; font-weight: 600; color: #44525f; }
.wb-card b { display: block; font-size: 1.7rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.wb-card b.wb-word { font-size: 1.1rem; line-height: 1.8; }
.wb-card span { font-size: .85rem; line-height: 1.35; display: block; color: #44525f; }
.wb-section { background: #fff; border: 1px solid #d5dce3; border-radius: 8px; padding: 16px; margin: 0 0 12px; }
.wb-section h2 { font-size: 1.2rem; line-height: 1.3; font-weight: 700; margin: 0 0 8px; color: inherit; }
.wb-section p { margin: 0 0 10px; max-width: 48em; }
.wb-section summary { cursor: pointer; font-weight: 600; padding: 6px 0; }
.wb-note.wb-note { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  margin: 0 0 12px; color: #1c2733; background: #fff7e0;
  border-left: 4px solid #b26a00; padding: 8px 12px; border-radius: 4px; }
.wb-provenance { font-size: .9rem; color: #44525f; }
.wb-bars { margin: 0; }
.wb-bars figcaption { margin: 0 0 8px; color: #44525f; max-width: 48em; }
.wb-section .wb-bars table { width: 100%; table-layout: fixed; border-collapse: collapse;
  font-size: .95rem; margin: 0; }
.wb-section .wb-bars tr { background: none; }
.wb-section .wb-bars tr:hover { background: #f4f6f8; }
.wb-section .wb-bars th, .wb-section .wb-bars td { text-align: left; padding: 4px 10px 4px 0; font-weight: 400;
  vertical-align: middle; border: 0; overflow-wrap: break-word; white-space: normal; max-width: none; }
.wb-bars th { width: 30%; }
.wb-bars td:last-child { width: 27%; font-variant-numeric: tabular-nums; }
.wb-section .wb-bars tr.wb-chosen th, .wb-section .wb-bars tr.wb-chosen td { font-weight: 700; }
.wb-bar { display: block; height: 18px; min-width: 1px; background: #5b8db3; border-radius: 0 3px 3px 0; }
.wb-chosen .wb-bar { background: #0b5c8a; }
.wb-length { display: block; position: relative; }
.wb-limits { position: absolute; top: 4px; height: 10px; box-sizing: border-box; border: solid #1c2733;
  border-width: 0 2px; background: linear-gradient(#1c2733, #1c2733) center / 100% 2px no-repeat;
  filter: drop-shadow(0 0 1.5px #fff); }
.wb-section .workbench-table table { font-size: .95rem; width: 100%; margin: 0; }
.wb-section .workbench-table td, .wb-section .workbench-table th { max-width: none; }
.wb-downloads { margin: 4px 0 12px;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
.wb-downloads-row { gap: 8px; overflow: visible; }
.wb-downloads .wb-download-button { height: auto; min-height: 36px; margin: 0; padding: 4px 12px; font-size: 15px;
  color: #0b3954; background: #fff; border: 1px solid #8593a1; border-radius: 6px; }
.wb-downloads.wb-downloads .wb-download-button:focus-visible, .wb-download:focus-visible { outline: 3px solid #0b5c8a;
  outline-offset: 1px; }
.wb-downloads .wb-download { color: #0b5c8a; font-weight: 600; display: inline-block; min-height: 24px; }
.wb-nav, .wb-crumbs, .wb-share-line, .wb-table { font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto,
  "DejaVu Sans", sans-serif; color: #1c2733; }
.wb-nav.wb-nav ul, .wb-crumbs.wb-crumbs ol { list-style: none; display: flex; flex-flow: row wrap;
  gap: 4px 18px; margin: 0; padding: 0; }
.wb-nav.wb-nav ul { padding: 14px 0 8px; border-bottom: 1px solid #d5dce3; }
.wb-nav.wb-nav a, .wb-crumbs a, .wb-share, .wb-ranges a, .wb-table a, .wb-section a { color: #0b5c8a;
  text-decoration: underline;  text-underline-offset: 3px; display: inline-block; min-height: 24px; }
.wb-nav.wb-nav a[aria-current] { color: #1c2733; font-weight: 700; text-decoration: none;
  border-bottom: 3px solid #0b5c8a; }
.wb-nav a:focus-visible, .wb-crumbs a:focus-visible, .wb-share:focus-visible, .wb-ranges a:focus-visible,
.wb-table:focus-visible, .wb-table a:focus-visible, .wb-section a:focus-visible, .wb-section summary:focus-visible,
.wb-here:focus-visible, .workbench-table:focus-visible { outline: 3px solid #0b5c8a; outline-offset: 2px; }
.wb-crumbs { margin: 4px 0 12px; }
.wb-crumbs ol { gap: 4px 8px; align-items: baseline; }
.wb-crumbs li { display: flex; align-items: baseline; }
.wb-crumbs li + li::before { content: "\\203A"; margin-right: 8px; color: #44525f; }
.wb-crumbs .wb-here { font-size: 1.35rem; line-height: 1.3; font-weight: 700; margin: 0; color: inherit; }
.wb-share-line { margin: 0 0 8px; font-size: .95rem; }
.wb-cards.wb-cards { font-size: 16px; }
.wb-changes { margin: 0 0 8px; padding-left: 20px; max-width: 48em; }
.wb-changes li { margin: 0 0 6px; }
.wb-chart { margin: 0 0 8px; }
.wb-chart figcaption { margin: 0 0 8px; color: #44525f; max-width: 48em; }
.wb-chart svg { display: block; width: 100%; height: auto; max-width: 860px; }
.wb-narrow { display: none; }
.wb-spark { display: block; min-width: 120px; }
.wb-ranges td.wb-range { padding-right: 16px; }
.wb-track { display: block; position: relative; height: 22px; border: solid #d5dce3;
  border-width: 0 1px; }
.wb-track i { position: absolute; font-style: normal; }
.wb-span { top: 8px; height: 6px; min-width: 2px; background: #8fb4cf; border-radius: 3px; }
.wb-dot { top: 5px; width: 12px; height: 12px; margin-left: -6px; background: #0b5c8a; border-radius: 50%; }
.wb-chosen .wb-dot { outline: 3px solid #1c2733; outline-offset: 1px; }
.wb-ref { top: -5px; bottom: -5px; width: 0; border-left: 2px dashed #6b7884; }
.wb-scale { margin-left: 30%; width: 43%; padding-right: 16px; box-sizing: border-box;
  font-size: .85rem; color: #44525f; }
.wb-scale .wb-track { border: 0; }
.wb-scale i { transform: translateX(-50%); white-space: nowrap; }
.wb-table { overflow-x: auto; }
.wb-section .wb-table table { border-collapse: collapse; width: 100%; margin: 0; font-size: .95rem; }
.wb-section .wb-said { font-weight: 600; margin: 0 0 4px; }
.wb-take.wb-take { font: 600 .95rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  margin: 0; }
.wb-section .wb-table :is(th, td) { text-align: left; vertical-align: middle; padding: 6px 14px 6px 0; border: 0;
  border-bottom: 1px solid #e3e6ea; font-variant-numeric: tabular-nums; max-width: none; white-space: normal; }
.wb-section .wb-table tbody th { font-weight: 400; }
.wb-section .wb-table tr, .wb-section .wb-table tr:hover { background: none; }
.wb-section .wb-records :is(th, td) { vertical-align: top; }
.wb-section .wb-records tbody th { font-weight: 600; }
.wb-words.wb-words h2 { margin-top: 0; }
.wb-words dt { font-weight: 600; margin-top: 8px; }
.wb-words dd { margin: 0 0 4px; max-width: 48em; }
.wb-words h3 { font-size: 1rem; margin: 16px 0 4px; color: inherit; }
@media print {
  .wb-downloads, .wb-nav, .wb-filters, .wb-share-line { display: none !important; }
  .wb-section, .wb-card { break-inside: avoid; }
}
@media (max-width: 600px) {
  .wb-section .workbench-table :is(th, td:first-child) { white-space: normal !important; }
  .wb-header h1 { font-size: 1.4rem; }
  .wb-cards { grid-template-columns: repeat(2, 1fr); }
  .wb-wide { display: none; }
  .wb-narrow { display: block; }
  .wb-bars th { width: 32%; }
  .wb-section .wb-ranges tr { display: grid; grid-template-columns: 1fr auto; column-gap: 12px; padding: 4px 0; }
  .wb-section .wb-ranges :is(th, td:last-child) { width: auto; padding: 0; }
  .wb-section .wb-ranges td.wb-range { grid-row: 2; grid-column: 1 / 3; padding: 0; width: auto; }
  .wb-records thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .wb-records :is(table, caption, tbody) { display: block; }
  .wb-section .wb-records tbody tr { display: block; padding: 10px 0; border-bottom: 1px solid #d5dce3; }
  .wb-section .wb-records tbody :is(th, td) { display: block; padding: 1px 0; border: 0; }
  .wb-records td::before { content: attr(data-label) ": "; color: #3d4b59; }
  .wb-card b { font-size: 1.35rem; }
  .wb-scale { margin-left: 0; width: 100%; padding: 0; }
  .wb-ranges .wb-ref { top: 0; bottom: 0; }
  .wb-bars td:last-child { width: 36%; }
}
"""
