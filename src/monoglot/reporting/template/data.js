/* The page's data: base64 of gzip of JSON. */
async function unpack(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

const format = new Intl.NumberFormat("en-US");

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/* What a token is made of: "0.61 kranken + 0.39 wagen + 4 more". Texts are nodes, never HTML. */
function parentsOf(data, token) {
  const nodes = [];
  for (let entry = data.starts[token]; entry < data.starts[token + 1]; entry++) {
    const weight = (data.weights[entry] / 1000).toFixed(2);
    if (nodes.length) nodes.push(" + ");
    nodes.push(make("span", { className: "weight" }, weight), " ", make("bdi", {}, data.sources[data.parents[entry]]));
  }
  if (data.more[token]) nodes.push(make("span", { className: "muted" }, ` + ${data.more[token]} more`));
  if (data.corrected[token]) nodes.push(make("span", { className: "muted" }, " + a correction"));
  return nodes;
}
