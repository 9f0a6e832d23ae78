"""How every dashboard looks: quiet, readable on a telephone, and of sufficient contrast (WCAG 2.2 AA)."""

CSS = """
.wb-header, .wb-section, .wb-cards, .wb-provenance, .wb-filters, .wb-filters label, .wb-filters select {
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: #1c2733; }
.wb-header { padding: 28px 0 8px; }
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
.wb-filters select:focus-visible { outline: 3px solid #0b5c8a; outline-offset: 1px; }
.wb-cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0 0 12px; }
.wb-card { background: #fff; border: 1px solid #d5dce3; border-radius: 8px; padding: 12px 16px; }
.wb-card h3 { margin: 0; line-height: 1.4; font-size: .9rem; font-weight: 600; color: #44525f; }
.wb-card b { display: block; font-size: 1.7rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.wb-card span { font-size: .85rem; line-height: 1.35; display: block; color: #44525f; }
.wb-section { background: #fff; border: 1px solid #d5dce3; border-radius: 8px; padding: 16px; margin: 0 0 12px; }
.wb-section h2 { font-size: 1.2rem; line-height: 1.3; font-weight: 700; margin: 0 0 8px; color: inherit; }
.wb-section p { margin: 0 0 10px; max-width: 48em; }
.wb-section summary { cursor: pointer; font-weight: 600; padding: 6px 0; }
.wb-note { background: #fff7e0; border-left: 4px solid #b26a00; padding: 8px 12px; border-radius: 4px; }
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
.wb-section .workbench-table table { font-size: .95rem; width: 100%; margin: 0; }
.wb-section .workbench-table td, .wb-section .workbench-table th { max-width: none; }
.wb-downloads { margin: 4px 0 12px; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
.wb-downloads-row { gap: 8px; overflow: visible; }
.wb-downloads .wb-download-button { height: auto; min-height: 36px; margin: 0; padding: 4px 12px; font-size: 15px;
  color: #0b3954; background: #fff; border: 1px solid #8593a1; border-radius: 6px; }
.wb-downloads .wb-download-button:focus-visible, .wb-download:focus-visible { outline: 3px solid #0b5c8a;
  outline-offset: 1px; }
.wb-downloads .wb-download { color: #0b5c8a; font-weight: 600; display: inline-block; min-height: 24px; }
@media print { .wb-downloads { display: none; } }
@media (max-width: 600px) {
  .wb-section .workbench-table :is(th, td:first-child) { white-space: normal !important; }
  .wb-header h1 { font-size: 1.4rem; }
  .wb-cards { grid-template-columns: repeat(2, 1fr); }
  .wb-bars th { width: 32%; }
  .wb-bars td:last-child { width: 36%; }
}
"""
