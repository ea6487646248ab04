/* Older browsers can't unpack the data: the rest of the page is there all the same. */
if ("DecompressionStream" in window) {
  unpack(document.getElementById("data")).then((data) => {
    showTokens(data);
    showMap(data);
    document.documentElement.dataset.ready = "true";
  });
} else {
  document.getElementById("found").textContent = "The table needs a browser of 2023 or later.";
}
