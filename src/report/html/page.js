"use strict";
document.querySelectorAll(".filter").forEach((filter) => {
  const rows = [...document.getElementById(filter.dataset.of).querySelectorAll("tbody tr")];
  const boxes = [...filter.querySelectorAll("input[type=checkbox]")];
  const search = filter.querySelector("input[type=search]");
  const count = filter.querySelector("output");
  const show = () => {
    const off = new Set(boxes.filter((box) => !box.checked).map((box) => box.value));
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = off.has(row.dataset.severity) || off.has(row.dataset.status) || !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = `${shown} of ${rows.length} shown`;
  };
  filter.addEventListener("input", show);
  filter.classList.add("ready");
  show();
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
