/* The table of tokens: all are searched, some rows at a time are drawn. */
function showTokens(data) {
  const byId = (id) => document.getElementById(id);
  const rows = byId("token-table").tBodies[0];
  const [search, provenance, script, more] = ["search", "by-provenance", "by-script", "more"].map(byId);
  const spelled = data.texts.map((text) => text.toLowerCase());
  const step = 25;
  let matches = [];
  let drawn = 0;

  function fill(select, column, labels) {
    column.names.forEach((name, code) => select.add(new Option(labels[name] ?? name, code)));
  }

  function row(token) {
    const name = data.provenance.names[data.provenance.codes[token]];
    const origin = make("span", { className: "origin" },
      make("span", { className: `key k${data.colors[name]}` }), data.labels[name]);
    return make("tr", {},
      make("th", { scope: "row" }, make("bdi", {}, data.texts[token]),
        make("span", { className: "id" }, ` ${data.ids[token]}`)),
      make("td", { className: "n" }, format.format(data.counts[token])),
      make("td", {}, origin, make("span", { className: "parents" }, ...parentsOf(data, token))));
  }

  function draw() {
    const end = Math.min(drawn + step, matches.length);
    rows.append(...matches.slice(drawn, end).map(row));
    drawn = end;
    more.hidden = drawn === matches.length;
  }

  function filter() {
    const wanted = search.value.trim().normalize("NFC").toLowerCase();
    matches = [];
    for (let token = 0; token < spelled.length; token++) {
      if (provenance.value !== "" && data.provenance.codes[token] !== Number(provenance.value)) continue;
      if (script.value !== "" && data.script.codes[token] !== Number(script.value)) continue;
      if (spelled[token].includes(wanted)) matches.push(token);
    }
    rows.replaceChildren();
    drawn = 0;
    draw();
    const all = format.format(spelled.length);
    byId("found").textContent = matches.length === spelled.length
      ? `${all} tokens, the most frequent first`
      : `${format.format(matches.length)} of ${all} tokens, the most frequent first`;
  }

  fill(provenance, data.provenance, data.labels);
  fill(script, data.script, { none: "no letters" });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  // Opens on what is new, for copied tokens are the most frequent; who searches means all of them.
  const mixed = data.provenance.names.indexOf("method");
  let chosen = mixed < 0;
  if (!chosen) provenance.value = mixed;
  search.addEventListener("input", () => {
    if (!chosen) provenance.value = "";
    chosen = true;
    filter();
  });
  provenance.addEventListener("change", () => {
    chosen = true;
    filter();
  });
  script.addEventListener("change", filter);
  more.addEventListener("click", () => {
    const last = rows.lastElementChild;
    draw();
    last.nextElementSibling.tabIndex = -1;
    last.nextElementSibling.focus({ preventScroll: true });
  });
  filter();
}
