"""Prepare a release for PyPI, which has no files beside the README: absolute links, the project's addresses.

    python .ci/absolute_links.py https://github.com/OWNER/monoglot

README.md, pyproject.toml and mkdocs.yml are changed in place; build from them, and do not commit them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
RELATIVE = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)\s]+)\)")


def absolute(readme: str, address: str) -> str:
    """Make the relative links and pictures of a README absolute.

    Args:
        readme: Its text.
        address: Where the repository is.
    """

    def replaced(match: re.Match[str]) -> str:
        kind = "raw" if match[1] else "blob"
        return f"{match[1]}[{match[2]}]({address}/{kind}/HEAD/{match[3]})"

    return RELATIVE.sub(replaced, readme)


def with_urls(pyproject: str, address: str) -> str:
    """Add the repository's addresses to ``[project.urls]``."""
    pages = {"Repository": "", "Issues": "/issues", "Changelog": "/blob/HEAD/CHANGELOG.md"}
    lines = "".join(f'{name} = "{address}{path}"\n' for name, path in pages.items())
    return pyproject.replace("[project.urls]\n", f"[project.urls]\n{lines}", 1)


def with_repository(site: str, address: str) -> str:
    """Add the link to the repository to the head of every page of the documentation."""
    return site.replace("theme:\n", f"repo_url: {address}\ntheme:\n", 1)


def main() -> None:
    """Change the files."""
    if len(sys.argv) != 2 or not sys.argv[1].startswith("https://"):
        raise SystemExit("expected one argument, the repository's address: https://github.com/OWNER/monoglot")
    address = sys.argv[1].rstrip("/")
    changes = (("README.md", absolute), ("pyproject.toml", with_urls), ("mkdocs.yml", with_repository))
    for name, change in changes:
        file = ROOT / name
        file.write_text(change(file.read_text(encoding="utf-8"), address), encoding="utf-8")


if __name__ == "__main__":
    main()
