/* Older browsers can't unpack the data: the rest of the page is there all the same. */
if ("DecompressionStream" in window) {
  const parts = { charts: [offerFiles], data: [showTokens, showMap] };
  const shown = Object.entries(parts).map(async ([id, show]) => {
    const packed = document.getElementById(id);
    if (!packed) return;
    const values = await unpack(packed);
    show.forEach((each) => each(values));
  });
  Promise.all(shown).then(() => { document.documentElement.dataset.ready = "true"; });
} else if (document.getElementById("found")) {
  document.getElementById("found").textContent = "The table needs a browser of 2023 or later.";
}
