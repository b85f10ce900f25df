"use strict";
(() => {
  const table = document.querySelector("#students");
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows];
  const search = document.querySelector("#search"), status = document.querySelector("#status"), look = document.querySelector("#look");
  const count = document.querySelector("#count");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, n) => {
      const fits = words.every((word) => texts[n].includes(word)) && (!status.value || row.dataset.status === status.value)
        && (!look.checked || row.dataset.look === "1");
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    count.textContent = `${shown} of ${rows.length}`;
  }
  for (const field of [search, status, look]) field.addEventListener("input", show);
  const value = (row, place) => row.cells[place].dataset.value ?? row.cells[place].textContent.trim();
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  [...table.tHead.rows[0].cells].forEach((head, place) => {
    head.querySelector("button").addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sorted = [...rows].sort((one, two) => {
        const a = value(one, place), b = value(two, place);
        if (a === "" || b === "") return (a === "") - (b === "");
        return (down ? -1 : 1) * compare(a, b);
      });
      body.append(...sorted);
    });
  });
  document.querySelector(".tools").hidden = false;
  show();
})();
