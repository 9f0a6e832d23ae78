// Choose rows of the table, go down from a total to its parts, and draw the numbers beside them.
// It works on what stands in the table and holds no data of its own.
"use strict";
(() => {
  const ALL = "all", EACH = "≠all", DRAWN = 200;
  const table = document.querySelector("table");
  const rows = [...table.tBodies[0].rows], heads = [...table.tHead.rows[0].cells];
  const selects = [...document.querySelectorAll("select[data-column]")];
  const measure = document.querySelector("#measure"), found = document.querySelector("#found");
  const columns = selects.map((select) => Number(select.dataset.column));
  const texts = rows.map((row) => columns.map((column) => row.cells[column].textContent));
  const keys = heads.filter((head) => head.dataset.key).length;

  const passes = (value, wish) => wish === "" || value === wish || (wish === EACH && value !== ALL);
  const chosen = (wishes) => rows.filter((_, at) => wishes.every((wish, place) => passes(texts[at][place], wish)));
  const wishes = () => selects.map((select) => select.value);

  // A choice that leaves nothing gives way in one other filter, or else in all of them.
  function make_room(kept) {
    for (const wish of [EACH, ""]) {
      for (const [place, select] of selects.entries()) {
        if (chosen(wishes()).length) return;
        const before = select.value;
        if (place === kept || ![...select.options].some((option) => option.value === wish)) continue;
        select.value = wish;
        if (!chosen(wishes()).length) select.value = before;
      }
    }
    if (!chosen(wishes()).length) selects.forEach((select, place) => { if (place !== kept) select.value = ""; });
  }

  // From a value to its parts: it is chosen, and the next filter that stands on its total is opened.
  function go_down(place, value) {
    selects[place].value = value;
    const next = selects.findIndex((select, at) => {
      const opened = wishes().map((wish, other) => (other === at ? EACH : wish));
      return at !== place && select.value === ALL && chosen(opened).length;
    });
    if (next >= 0) selects[next].value = EACH;
    make_room(place);
  }

  const number = (text) => (/\d/.test(text) ? Number(text.replaceAll(",", "").replace("−", "-")) : NaN);
  const limits = (text) => (text.includes(" to ") ? text.split(" to ").map(number) : []);

  function drawn(visible) {
    table.querySelectorAll(".drawn").forEach((cell) => cell.remove());
    if (!measure || measure.value === "" || visible.length > DRAWN) return;
    const at = Number(measure.value), of = Number(heads[at].dataset.interval || -1);
    const points = visible.map((row) => {
      const value = number(row.cells[at].textContent);
      return {row, value, ends: of < 0 ? [] : limits(row.cells[of].textContent)};
    });
    const every = points.flatMap((point) => [point.value, ...point.ends]).filter(Number.isFinite);
    if (!every.length) return;
    const low = Math.min(...every, of < 0 ? 0 : Infinity), high = Math.max(...every);
    const across = (value) => 4 + (192 * (value - low)) / (high - low || 1);
    const zero = low <= 0 && high >= 0 ? across(0) : null;
    const head = document.createElement("th");
    head.className = "drawn";
    head.setAttribute("aria-hidden", "true");
    const said = (value) => value.toLocaleString("en", {maximumSignificantDigits: 3});
    head.textContent = `${said(low)} to ${said(high)}`;
    table.tHead.rows[0].append(head);
    for (const {row, value, ends} of points) {
      const cell = row.insertCell();
      cell.className = "drawn";
      cell.setAttribute("aria-hidden", "true");
      if (Number.isFinite(value)) cell.append(picture(across(value), ends.map(across), zero));
    }
  }

  function picture(value, ends, zero) {
    const shape = (name, facts) => {
      const one = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [fact, is] of Object.entries(facts)) one.setAttribute(fact, is);
      return one;
    };
    const all = shape("svg", {viewBox: "0 0 200 14", width: 200, height: 14});
    if (zero !== null) all.append(shape("line", {x1: zero, x2: zero, y1: 0, y2: 14, class: "zero"}));
    if (ends.length) all.append(shape("line", {x1: ends[0], x2: ends[1], y1: 7, y2: 7, class: "interval"}));
    else if (zero !== null) all.append(shape("line", {x1: zero, x2: value, y1: 7, y2: 7, class: "bar"}));
    all.append(shape("circle", {cx: value, cy: 7, r: 4}));
    return all;
  }

  function tell(visible) {
    const alike = [...Array(visible.length > 1 ? keys : 0).keys()].filter((column) => {
      const first = visible[0].cells[column].textContent;
      return visible.every((row) => row.cells[column].textContent === first);
    });
    table.className = alike.map((column) => `h${column + 1}`).join(" ");
    const said = alike.map((column) => `${heads[column].textContent}: ${visible[0].cells[column].textContent}`);
    const count = (number) => number.toLocaleString("en");
    found.textContent = `${count(visible.length)} of ${count(rows.length)} rows are shown.`
      + (said.length ? ` In each of them ${said.join("; ")}.` : "");
  }

  function show() {
    const visible = chosen(wishes()), kept = new Set(visible);
    rows.forEach((row) => { row.hidden = !kept.has(row); });
    tell(visible);
    drawn(visible);
    for (const row of visible.slice(0, DRAWN)) {
      columns.forEach((column) => {
        const cell = row.cells[column];
        if (cell.firstElementChild) return;
        const button = document.createElement("button");
        button.textContent = cell.textContent;
        cell.replaceChildren(button);
      });
    }
  }

  const state = () => wishes().map(encodeURIComponent).join("/");
  const opening = state();
  function from_address() {
    const asked = (location.hash.slice(1) || opening).split("/").map(decodeURIComponent);
    selects.forEach((select, place) => {
      if ([...select.options].some((option) => option.value === asked[place])) select.value = asked[place];
    });
    make_room(-1);
    show();
  }

  selects.forEach((select, place) => select.addEventListener("change", () => {
    make_room(place);
    location.hash = state();
  }));
  measure?.addEventListener("change", show);
  table.addEventListener("click", (event) => {
    const place = columns.indexOf(event.target.closest("button")?.closest("td, th").cellIndex ?? -1);
    if (place < 0) return;
    go_down(place, event.target.textContent);
    location.hash = state();
    found.focus();
  });
  document.querySelector("#again")?.addEventListener("click", () => { location.hash = opening; });
  addEventListener("hashchange", from_address);
  document.querySelector("#choices").hidden = !selects.length && !measure;
  if (location.hash) from_address(); else show();
})();
