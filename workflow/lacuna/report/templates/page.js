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
      const unit = shown.dataset.unit || "classes";
      shown.textContent = count === rows.length ? `${count} ${unit}` : `${count} of ${rows.length} ${unit}`;
    });
  }

  // Gallery: which photos, in which order, some at a time.
  const rank = { loss: (row) => -row.dataset.loss, index: (row) => +row.dataset.index, error: (row) => +row.dataset.error };
  for (const article of all(".inversion")) {
    const lose = article.querySelector("select.lose"), order = article.querySelector("select.order");
    const galleries = all(".gallery", article).map((gallery) => {
      const step = Number(gallery.dataset.step);
      return { gallery, rows: all(".row", gallery), step, limit: step };
    });
    const update = () => {
      let fitting = 0, total = 0;
      for (const place of galleries) {
        const { gallery, rows, step } = place, more = gallery.querySelector(".more");
        const fits = rows.filter((row) => !lose || !lose.value || JSON.parse(row.dataset.lost).includes(lose.value));
        const shown = new Set(fits.slice(0, place.limit));
        for (const row of rows) if (row.hidden === shown.has(row)) row.hidden = !shown.has(row);
        more.hidden = shown.size === fits.length;
        more.textContent = `Show ${Math.min(step, fits.length - shown.size)} more of ${fits.length}`;
        fitting += fits.length;
        total += rows.length;
      }
      const text = fitting === total ? `${total} photos` : `${fitting} of ${total} photos`;
      all(".tools .shown", article).forEach((output) => { output.textContent = text; });
    };
    const arrange = () => {
      for (const { gallery, rows } of galleries) {
        rows.sort((a, b) => rank[order.value](a) - rank[order.value](b));
        gallery.lastElementChild.before(...rows);
      }
      update();
    };
    for (const place of galleries) {
      place.gallery.querySelector(".more").addEventListener("click", () => {
        const next = place.rows.filter((row) => !row.hidden).length;
        place.limit += place.step;
        update();
        place.rows.filter((row) => !row.hidden)[next]?.querySelector("button").focus({ preventScroll: true });
      });
    }
    if (lose) {
      lose.addEventListener("change", update);
      order.addEventListener("change", arrange);
      for (const pick of all(".pick", article)) {
        pick.addEventListener("click", () => {
          lose.value = pick.dataset.class;
          const fold = lose.closest("details");
          if (fold) fold.open = true;
          update();
          lose.closest(".tools").scrollIntoView();
          lose.focus({ preventScroll: true });
        });
      }
    }
    update();
  }

  // What can be copied.
  for (const copy of all("button.copy")) {
    copy.addEventListener("click", async () => {
      const code = copy.parentElement.querySelector("code");
      try { await navigator.clipboard.writeText(code.textContent); copy.textContent = "copied"; }
      catch { getSelection().selectAllChildren(code); copy.textContent = "selected"; }
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
        image.src = from.dataset.whole || from.src;
        image.alt = from.alt;
      }
      const words = all(".what li", rows[at]).map((item) => {
        const floor = item.querySelector("strong ~ .quiet")?.textContent;
        return floor ? item.textContent.replace(floor, `(${floor})`).trim() : item.textContent.trim();
      }).join("; ");
      dialog.querySelector(".caption").textContent = words || "nothing lost";
    };
    const move = () => wipe.style.setProperty("--at", `${slider.value}%`);
    slider.addEventListener("input", move);
    const enlarge = (row) => {
      rows = all(".row:not([hidden])", row.closest(".gallery"));
      if (!rows.includes(row)) rows = [row];
      slider.value = 50;
      move();
      show(rows.indexOf(row));
      dialog.showModal();
      slider.focus();
    };
    for (const open of all(".five .open")) open.addEventListener("click", () => enlarge(open.closest(".row")));
    for (const opens of all(".opens")) {
      opens.addEventListener("click", () => enlarge(document.getElementById(opens.dataset.opens)));
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
