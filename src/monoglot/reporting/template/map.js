/* The map: colors are switched, points are named under the pointer and by the arrow keys. */
function showMap(data) {
  const plot = document.getElementById("plot");
  if (!plot) return;
  const svg = plot.querySelector("svg");
  const circles = [...svg.querySelectorAll(".points circle")];
  const places = circles.map((circle) => [Number(circle.getAttribute("cx")), Number(circle.getAttribute("cy"))]);
  const tip = document.getElementById("tip");
  const read = document.getElementById("read");
  const width = svg.viewBox.baseVal.width;
  let shown = -1;

  function show(point, announce) {
    if (shown >= 0) circles[shown].classList.remove("shown");
    shown = point;
    tip.hidden = point < 0;
    if (point < 0) return;
    const token = data.map[point];
    const name = data.labels[data.provenance.names[data.provenance.codes[token]]];
    const text = [make("bdi", {}, data.texts[token]), ` · ${name} · ${format.format(data.counts[token])} times`];
    tip.replaceChildren(...text.map((part) => (part.cloneNode ? part.cloneNode(true) : part)));
    if (announce) read.replaceChildren(...text);
    circles[point].classList.add("shown");
    const scale = svg.getBoundingClientRect().width / width;
    const [x, y] = places[point];
    const half = tip.offsetWidth / 2 + 4;
    tip.style.left = `${Math.max(half, Math.min(x * scale, plot.clientWidth - half))}px`;
    tip.style.top = `${y * scale - 10}px`;
  }

  function nearest(event) {
    const box = svg.getBoundingClientRect();
    const scale = box.width / width;
    const [x, y] = [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale];
    let best = -1;
    let least = (16 / scale) ** 2;
    places.forEach(([px, py], point) => {
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) [best, least] = [point, distance];
    });
    return best;
  }

  document.getElementById("colors").addEventListener("change", (event) => {
    svg.dataset.color = event.target.value;
    for (const legend of document.querySelectorAll("[data-legend]")) {
      legend.hidden = legend.dataset.legend !== event.target.value;
    }
  });
  plot.addEventListener("pointermove", (event) => show(nearest(event), false));
  plot.addEventListener("pointerdown", (event) => show(nearest(event), true));
  plot.addEventListener("pointerleave", () => show(-1, false));
  plot.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    show((shown + steps[event.key] + places.length) % places.length, true);
  });
}
