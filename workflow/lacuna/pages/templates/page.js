"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Theme: as the system, light, dark; kept for the next visit where the browser allows it.
  const themes = [["", "as the system", "◐"], ["light", "light", "○"], ["dark", "dark", "●"]];
  const root = document.documentElement, button = document.querySelector(".theme");
  const stored = { get() { try { return localStorage.getItem("lacuna-theme") || ""; } catch { return ""; } },
                   set(value) { try { localStorage.setItem("lacuna-theme", value); } catch { /* private window */ } } };
  function setTheme(name) {
    const [value, words, sign] = themes.find(([value]) => value === name) || themes[0];
    if (value) root.dataset.theme = value; else delete root.dataset.theme;
    button.textContent = sign;
    button.setAttribute("aria-label", `Colour theme: ${words}`);
  }
  setTheme(stored.get());
  button.addEventListener("click", () => {
    const at = themes.findIndex(([value]) => value === (root.dataset.theme || ""));
    const [next] = themes[(at + 1) % themes.length];
    stored.set(next);
    setTheme(next);
  });

  // Tables: a click on a column's head sorts, a second one turns the order around; cells without a number go last.
  const key = (row, column) => {
    const cell = row.cells[column], value = cell.dataset.value;
    return value === undefined ? cell.textContent.trim().toLowerCase() : Number(value);
  };
  const numeric = (value) => typeof value === "number";
  function compare(a, b) {
    if (numeric(a) && numeric(b)) return a - b;
    return String(a).localeCompare(String(b));
  }
  for (const table of all("table.sortable")) {
    for (const head of all("thead button", table)) {
      head.addEventListener("click", () => {
        const cell = head.closest("th"), column = cell.cellIndex, body = table.tBodies[0];
        const text = cell.classList.contains("text"), before = cell.getAttribute("aria-sort");
        const order = before ? (before === "ascending" ? "descending" : "ascending") : (text ? "ascending" : "descending");
        all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
        cell.setAttribute("aria-sort", order);
        const sign = order === "ascending" ? 1 : -1;
        const rows = [...body.rows].map((row) => [key(row, column), row]);
        rows.sort(([a], [b]) => Number.isNaN(a) - Number.isNaN(b) || (Number.isNaN(a) ? 0 : sign * compare(a, b)));
        body.append(...rows.map(([, row]) => row));
      });
    }
  }
  for (const input of all("input.filter")) {
    const scope = input.closest("details"), rows = all("tbody tr", scope), shown = scope.querySelector(".shown");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = all(".text", row).map((cell) => cell.textContent).join(" ").toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      const count = rows.filter((row) => !row.hidden).length;
      shown.textContent = count === rows.length ? `${count} classes` : `${count} of ${rows.length} classes`;
    });
  }

  // Gallery: only the photos that lose a class.
  for (const select of all("select.lose")) {
    const scope = select.closest("article"), rows = all(".row", scope), shown = scope.querySelector(".tools .shown");
    select.addEventListener("change", () => {
      for (const row of rows) row.hidden = Boolean(select.value) && !JSON.parse(row.dataset.lost).includes(select.value);
      const count = rows.filter((row) => !row.hidden).length;
      shown.textContent = count === rows.length ? `${count} photos` : `${count} of ${rows.length} photos`;
    });
  }

  // Enlarged: a slider wipes between photo and reconstruction; arrow keys move it, page keys change the photo.
  const dialog = document.querySelector("dialog.compare");
  if (dialog) {
    const wipe = dialog.querySelector(".wipe"), slider = wipe.querySelector("input");
    let rows = [], at = 0;
    const show = (to) => {
      at = (to + rows.length) % rows.length;
      for (const [place, source] of [["over", "photo"], ["under", "reconstruction"]]) {
        const from = rows[at].querySelector(`img.${source}`), image = wipe.querySelector(`.${place}`);
        image.src = from.src;
        image.alt = from.alt;
      }
      dialog.querySelector(".caption").textContent = rows[at].querySelector("figcaption p").textContent;
    };
    const move = () => wipe.style.setProperty("--at", `${slider.value}%`);
    slider.addEventListener("input", move);
    for (const open of all(".five .open")) {
      open.addEventListener("click", () => {
        const row = open.closest(".row");
        rows = all(".row:not([hidden])", row.closest(".gallery"));
        slider.value = 50;
        move();
        show(rows.indexOf(row));
        dialog.showModal();
        slider.focus();
      });
    }
    dialog.querySelector(".previous").addEventListener("click", () => show(at - 1));
    dialog.querySelector(".next").addEventListener("click", () => show(at + 1));
    dialog.querySelector(".close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("keydown", (event) => {
      const step = { PageDown: 1, PageUp: -1 }[event.key];
      if (step) { event.preventDefault(); show(at + step); }
    });
  }
})();
