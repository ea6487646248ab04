"""The page at work in a real browser: `make browser`, with Chromium and node on the path."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from monoglot.reporting.page import SCRIPTS
from monoglot.reporting.svg import TEMPLATES

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")

VISIT = """
<script>
const seen = {};
window.addEventListener("error", (event) => { seen.error = event.message; });
const id = (name) => document.getElementById(name);
const rows = () => [...id("token-table").tBodies[0].rows];
function use(element, value, event) { element.value = value; element.dispatchEvent(new Event(event)); }
const timer = setInterval(() => {
  if (document.documentElement.dataset.ready !== "true") return;
  clearInterval(timer);
  seen.drawn = rows().length;
  id("more").click();
  seen.drawnMore = rows().length;
  seen.focus = document.activeElement === rows()[seen.drawn];
  seen.opensOn = rows().map((row) => row.cells[2].textContent);
  use(id("search"), "RECHT", "input");
  seen.searched = id("by-provenance").value;
  seen.found = rows().map((row) => row.cells[0].textContent);
  use(id("search"), "<i>", "input");
  seen.nothing = [rows().length, id("found").textContent];
  use(id("search"), "", "input");
  const mixed = [...id("by-provenance").options].find((option) => option.text.startsWith("mixed"));
  use(id("by-provenance"), mixed.value, "change");
  seen.mixed = rows().map((row) => row.cells[2].textContent);
  const svg = document.querySelector("#plot svg");
  const circles = [...svg.querySelectorAll(".points circle")];
  const color = () => circles.map((circle) => getComputedStyle(circle).fill).join();
  seen.colors = [svg.dataset.color, color()];
  document.querySelector("input[value=s]").click();
  seen.colors.push(svg.dataset.color, color());
  seen.legends = [...document.querySelectorAll("[data-legend]")].map((legend) => legend.hidden);
  id("plot").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
  seen.read = id("read").textContent;
  seen.loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  seen.overflow = document.documentElement.scrollWidth - window.innerWidth;
  document.title = JSON.stringify(seen);
}, 20);
</script>
"""


@pytest.fixture(scope="module")
def visit(german_run, tmp_path_factory):
    """What happened on the page of a run, visited in a window of a width."""
    folder = tmp_path_factory.mktemp("browser")
    html = (german_run[0] / "monoglot" / "report.html").read_text(encoding="utf-8")
    page = folder / "visited.html"
    page.write_text(html.replace("</body>", VISIT + "</body>"), encoding="utf-8")
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    assert browser, f"needs one of {', '.join(BROWSERS)}"

    def run(width):
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
        command = [browser, *options, "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
        shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
        title = re.search(r"<title>(.*?)</title>", shown, re.DOTALL)[1]
        return json.loads(title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))

    return run


def test_tokens_are_searched_and_the_plot_is_switched(visit):
    seen = visit(1200)
    assert "error" not in seen
    assert seen["loaded"] == []
    assert seen["drawnMore"] == 2 * seen["drawn"] > 0
    assert seen["focus"]
    assert all(text.startswith("mixed") for text in seen["opensOn"])
    assert seen["searched"] == ""
    assert seen["found"]
    assert all("recht" in text.lower() for text in seen["found"])
    assert seen["nothing"] == [0, "0 of 700 tokens, the most frequent first"]
    assert seen["mixed"]
    assert all(re.match(r"mixed by blend-?\d\.\d\d ", text) for text in seen["mixed"])
    before, first, after, second = seen["colors"]
    assert (before, after) == ("p", "s")
    assert first != second
    assert seen["legends"] == [True, False]
    assert re.search(r" · copied · [\d,]+ times$", seen["read"])


@pytest.mark.parametrize("width", [500, 1200])
def test_nothing_is_wider_than_the_window(visit, width):
    assert visit(width)["overflow"] <= 0


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_parse(name, tmp_path):
    script = tmp_path / name
    script.write_text((TEMPLATES / name).read_text(encoding="utf-8"))
    subprocess.run([shutil.which("node") or "node", "--check", script], check=True, capture_output=True)
