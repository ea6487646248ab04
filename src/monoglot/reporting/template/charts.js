/* Under each chart: its drawing and its numbers as files, which the browser makes. */
const WIDTH_PIXELS = 1440;

function save(name, blob) {
  const link = make("a", { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/* The drawing as a file of its own: in the colors of light paper, whatever those of the page are. */
function drawingOf(svg, style) {
  const copy = svg.cloneNode(true);
  copy.querySelectorAll(".shown").forEach((circle) => circle.classList.remove("shown"));
  const own = document.createElementNS(svg.namespaceURI, "style");
  own.textContent = style;
  copy.prepend(own);
  const { width, height } = svg.viewBox.baseVal;
  copy.setAttribute("width", WIDTH_PIXELS);
  copy.setAttribute("height", Math.round((WIDTH_PIXELS * height) / width));
  return new XMLSerializer().serializeToString(copy);
}

async function asPng(drawing) {
  const url = URL.createObjectURL(new Blob([drawing], { type: "image/svg+xml" }));
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = make("canvas", { width: image.width, height: image.height });
  const context = canvas.getContext("2d");
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0);
  URL.revokeObjectURL(url);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

function offerFiles(charts) {
  for (const figure of document.querySelectorAll("[data-chart]")) {
    const name = figure.dataset.chart;
    const svg = figure.querySelector("svg");
    const drawing = () => drawingOf(svg, charts.style);
    const files = {
      SVG: () => new Blob([drawing()], { type: "image/svg+xml" }),
      PNG: () => asPng(drawing()),
      CSV: () => new Blob([charts.numbers[name]], { type: "text/csv" }),
    };
    const buttons = Object.entries(files).map(([kind, file]) => {
      const button = make("button", { type: "button" }, kind);
      button.setAttribute("aria-label", `Save ${name} as ${kind}`);
      button.addEventListener("click", async () => save(`${name}.${kind.toLowerCase()}`, await file()));
      return button;
    });
    const offer = make("p", { className: "save" }, "Save as", ...buttons);
    const details = figure.querySelector(":scope > details");
    figure.insertBefore(offer, details);
  }
}
