"""Does it help to choose new tokens by more than what they save?

    python -m benchmarks.token_prices --models models --data ../shared/data --language de OUT

Grafts onto multilingual-e5-small, from the first 4 MB of a language, as few tokens as save 10% of the
text's, chosen in several orders: by the tokens that each saves (what `specialize` does), by that divided by
a power of its count (which prefers long and rare tokens: more is saved where one occurs), and by that divided
by a power of how badly its row can be foreseen (count × (1 - agreement of its pieces' embeddings)). Of each:
how many tokens are needed, the share of the running tokens that are new, and the distance to the original's
vectors before training on 100 held-out lines. One seed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import head
from benchmarks.graft import first_bytes
from monoglot.corpus import open_corpus
from monoglot.evaluation.tokenizer_scores import score_tokenizer
from monoglot.model.source import Source, open_source
from monoglot.pipeline.plan_options import _trimmed
from monoglot.pipeline.stages.retained import find_kept
from monoglot.pipeline.step_zero import StepZero
from monoglot.progress import SILENT
from monoglot.tokenization.graft import GraftSettings, _choose, _elimination, _grafted
from monoglot.tokenization.new_tokens import Elimination, NewToken
from monoglot.tokenization.word_counts import count_words

CORPUS_BYTES = 4_000_000
Rank = Callable[[NewToken], float]


class Ranked(Elimination):
    """Candidates that are removed in another order."""

    rank: Rank

    def priced(self) -> list[NewToken]:
        """Give the candidates that are left, the best of that order first."""
        return sorted(super().priced(), key=lambda token: -self.rank(token))


def by_count(power: float) -> Rank:
    """What a token saves, divided by a power of its count."""
    return lambda token: token.saved_tokens / max(1, token.count) ** power


def by_agreement(source: Source, elimination: Elimination, power: float) -> Rank:
    """What a token saves, divided by a power of count × (1 - agreement of the pieces it replaces)."""
    rows = source.embeddings.float().numpy()
    rows = rows - rows.mean(axis=0)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    ids = {token.text: token.id for token in source.vocabulary.tokens}
    candidates = frozenset(elimination.candidates.tokens)
    unforeseen: dict[str, float] = {}

    def rank(token: NewToken) -> float:
        if token.text not in unforeseen:
            pieces = [ids[text] for text in elimination.split(token.text, candidates) if text in ids]
            agreement = float(np.linalg.norm(rows[pieces].mean(axis=0))) if pieces else 0.0
            unforeseen[token.text] = 1 - agreement
        return token.saved_tokens / (max(1, token.count) * unforeseen[token.text] + 1e-9) ** power

    return rank


def main() -> None:
    """Choose in each order, measure, save."""
    parser = head.parser(__doc__, "data", "models", language=head.MUST_BE_GIVEN)
    parser.add_argument("output", type=Path, help="folder for the text")
    parser.add_argument("--savings", type=float, nargs="+", default=[0.1])
    arguments = head.parse(parser)
    arguments.output.mkdir(parents=True, exist_ok=True)
    corpus = arguments.data / arguments.language / "corpus.txt.gz"
    text = first_bytes(corpus, CORPUS_BYTES, arguments.output / f"{arguments.language}-4MB.txt")
    source, opened = open_source(str(arguments.models / "e5-small")), open_corpus([str(text)])
    source.model.eval()
    keep = find_kept(source, (), None).of(source)
    sample, heldout = list(opened.lines()), list(opened.heldout_lines())
    measure = StepZero(source, sample, heldout)
    trim = _trimmed(source, keep, sample)
    kept = trim.tokenizer.get_vocab()
    dropped = frozenset(text for text in source.tokenizer.get_vocab() if text not in kept)
    words = count_words(sample)
    before = score_tokenizer(source.tokenizer, heldout).tokens
    rows: dict[str, Any] = {}
    for saving in arguments.savings:
        for name, power, foreseen in (
            ("saved", 0.0, False),
            ("saved / count^0.25", 0.25, False),
            ("saved / count^0.5", 0.5, False),
            ("saved / (count × (1 - agreement))^0.5", 0.5, True),
        ):
            given = _elimination(trim.tokenizer, words, dropped, None, keep)
            elimination = Ranked(given.candidates, given.split, given.words, given.source_tokens)
            elimination.rank = by_agreement(source, elimination, power) if foreseen else by_count(power)
            chosen = _choose(elimination, GraftSettings(save=saving), SILENT)
            grafted = _grafted(trim.tokenizer, elimination, chosen)
            found = measure(grafted.tokenizer, trim.kept_source_ids, mode="graft")
            saved = 1 - score_tokenizer(grafted.tokenizer, heldout).tokens / before
            row = {
                "new_tokens": len(grafted.new),
                "saved": saved,
                "new": found.new_share,
                "distance": found.distance.value,
                "margin": (found.distance.high - found.distance.low) / 2,
                "c": found.distance.value / saved,
            }
            rows[f"{saving:.0%}, {name}"] = row
            print(
                f"{saving:.0%} {name:<42}", {key: round(value, 5) for key, value in row.items()}, flush=True
            )
    print(
        head.save(f"token_prices_{arguments.language}", {"corpus_bytes": text.stat().st_size, "rows": rows})
    )


if __name__ == "__main__":
    main()
