"""The report's drawings: each a small function from numbers to SVG, for the page and for papers alike."""
