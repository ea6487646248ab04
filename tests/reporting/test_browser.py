"""The pages at work in a real browser: `make browser`, with Chromium and node on the path."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from monoglot.reporting.content import Page
from monoglot.reporting.page import SCRIPTS, render
from monoglot.reporting.scoreboard import Scoreboard
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
  const mixed = [...id("by-provenance").options].find((option) => option.text.startsWith("initialized"));
  use(id("by-provenance"), mixed.value, "change");
  seen.initialized = rows().map((row) => row.cells[2].textContent);
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


# Files that are saved are caught on their way.
SAVE = """
<script>
const seen = { saved: {} };
window.addEventListener("error", (event) => { seen.error = event.message; });
window.addEventListener("unhandledrejection", (event) => { seen.error = String(event.reason); });
const texts = new WeakMap();
const blobs = new Map();
window.Blob = class extends Blob {
  constructor(parts, options) {
    super(parts, options);
    texts.set(this, parts[0]);
  }
};
const address = URL.createObjectURL;
URL.createObjectURL = (blob) => {
  const url = address(blob);
  blobs.set(url, blob);
  return url;
};
HTMLAnchorElement.prototype.click = function () {
  const blob = blobs.get(this.href);
  const text = texts.get(blob) ?? "";
  seen.saved[this.download] = { type: blob.type, size: blob.size, start: text.slice(0, 60),
    variables: text.includes("var(--") };
};
const timer = setInterval(() => {
  if (document.documentElement.dataset.ready !== "true") return;
  const buttons = [...document.querySelectorAll("[data-chart] .save button")];
  if (!seen.charts) {
    seen.charts = [...document.querySelectorAll("[data-chart]")].map((figure) => figure.dataset.chart);
    buttons.forEach((button) => button.click());
  }
  if (Object.keys(seen.saved).length < buttons.length) return;
  clearInterval(timer);
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  seen.loaded = loaded.filter((name) => !name.startsWith("blob:"));
  seen.overflow = document.documentElement.scrollWidth - window.innerWidth;
  document.title = JSON.stringify(seen);
}, 20);
</script>
"""


def visitor(html, script, folder):
    """A function that visits a page in a window of a width, and gives what the script saw there."""
    page = folder / "visited.html"
    page.write_text(html.replace("</body>", script + "</body>"), encoding="utf-8")
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    assert browser, f"needs one of {', '.join(BROWSERS)}"

    def run(width):
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900"]
        command = [browser, *options, "--virtual-time-budget=20000", "--dump-dom", page.as_uri()]
        shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
        title = re.search(r"<title>(.*?)</title>", shown, re.DOTALL)[1]
        return json.loads(title.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))

    return run


@pytest.fixture(scope="module")
def visit(german_run, tmp_path_factory):
    """What happened on the page of a run."""
    html = (german_run[0] / "monoglot" / "report.html").read_text(encoding="utf-8")
    return visitor(html, VISIT, tmp_path_factory.mktemp("browser"))


@pytest.fixture
def pages(german_run, content, tmp_path):
    """The page of a run and that of a comparison, each visited to save its charts."""
    board = Scoreboard(content)
    compared = render(Page("t", "s", board.story(), list(board.answers()), comparison=board.section))
    report = (german_run[0] / "monoglot" / "report.html").read_text(encoding="utf-8")
    folders = {name: tmp_path / name for name in ("report", "comparison")}
    for folder in folders.values():
        folder.mkdir()
    return {
        name: visitor(html, SAVE, folders[name])
        for name, html in (("report", report), ("comparison", compared))
    }


HEADS = {"norms": ',"length of an embedding, from"', "curves": "name,seed,tokens of training,bits per byte\n"}


@pytest.mark.parametrize(
    ("page", "charts"),
    [
        ("report", {"overlap-by-kind", "overlap-by-script", "map", "norms"}),
        ("comparison", {"behind-the-best", "curves"}),
    ],
)
def test_each_chart_is_saved_as_drawing_picture_and_numbers(pages, page, charts):
    seen = pages[page](500)
    assert "error" not in seen
    assert set(seen["charts"]) == charts
    assert set(seen["saved"]) == {f"{name}.{kind}" for name in charts for kind in ("svg", "png", "csv")}
    for name, file in seen["saved"].items():
        kind = name.rpartition(".")[2]
        assert file["type"] == {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv"}[kind]
        assert file["size"] > (5000 if kind == "png" else 50)
        assert file["start"].startswith(
            {"svg": "<svg ", "png": "", "csv": HEADS.get(name.rpartition(".")[0], "")}[kind]
        )
        assert not file["variables"]
    assert seen["loaded"] == []
    assert seen["overflow"] <= 0


def test_tokens_are_searched_and_the_plot_is_switched(visit):
    seen = visit(1200)
    assert "error" not in seen
    assert seen["loaded"] == []
    assert seen["drawnMore"] == 2 * seen["drawn"] > 0
    assert seen["focus"]
    assert all(text.startswith("initialized") for text in seen["opensOn"])
    assert seen["searched"] == ""
    assert seen["found"]
    assert all("recht" in text.lower() for text in seen["found"])
    assert seen["nothing"] == [0, "0 of 700 tokens, the most frequent first"]
    assert seen["initialized"]
    assert all(re.match(r"initialized by blend-?\d\.\d\d ", text) for text in seen["initialized"])
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
