"""Do contextual states say more than static vectors about tokens whose meaning differs between languages?

    python -m experiments.ambiguous_tokens.run --data ../shared/data --models models --language de

Tokens are words that the FOCUS authors' vocabulary shares with multilingual-e5-small, in three groups, by a
dictionary and by the first megabytes of the English corpus and of the language's. Words that occur in both
corpora, and that both sides of the dictionary have: with *another meaning*, if no English translation of the
word is the same English word or a synonym of it (a word with a translation in common), or with the *same
meaning*, if one is the same word. And words of the language *alone*, which neither the dictionary's English
side nor the English corpus has. All these tokens are held out, with their variants in case and word start;
FOCUS (sparsemax of cosines) rebuilds their source rows from those of all other shared tokens that every space
has a vector for. The score is that of `benchmarks.vectors_proxy`: the cosine of rebuilt and true row, both
less the mean row. The source whose contextual states are read never segments a text into a token that is held
out: else it would be shown the row that is to be rebuilt. ± is the deviation over three draws of the tokens.

Small: 6 MB of text, 300,000 tokens of which the source reads; paper: the whole corpora, 3 million.
The result is `<scale>_<language>.json`. Needs an English dictionary: `<language>/dict/wechsel_en_*.tsv.gz`.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64

from benchmarks import head, pages
from benchmarks.graft import first_bytes
from benchmarks.vectors_proxy import BlindSource, Known, read_known, rebuilt_cosines
from experiments.before_training import BeforeTraining
from experiments.experiment import Dot, Results, budget, cell, draws, gap, parser, picture
from experiments.spaces import BYTES, CONTEXTUAL, SPACES, alike
from monoglot.run import content_key
from monoglot.tokenization.overlap import match
from monoglot.tokenization.vocabulary import Vocabulary

HERE = Path(__file__).parent
WORD = re.compile(r"\w+")
LEAST = 10
"""How often a word has to occur in each text."""
MOST_ALONE = 300
FEWEST = 10
"""How many tokens a group needs."""
READ_TOKENS = {"small": 300_000, "paper": 3_000_000}
REFERENCE = "cooccurrence"
"""The space that differences are taken to."""
OTHER, SAME, ALONE = "another meaning", "same meaning", "one language alone"


@dataclass(frozen=True)
class Dictionary:
    """Translations in both directions, all in lower case.

    Attributes:
        of_english: The translations of each English word.
        to_english: The English translations of each word.
    """

    of_english: Mapping[str, frozenset[str]]
    to_english: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, lines: Iterable[str]) -> Dictionary:
        """Read pairs: an English word, a tab, its translation."""
        there: dict[str, set[str]] = {}
        back: dict[str, set[str]] = {}
        for line in lines:
            english, tab, word = line.strip().casefold().partition("\t")
            if tab:
                there.setdefault(english, set()).add(word)
                back.setdefault(word, set()).add(english)
        frozen = [{word: frozenset(found) for word, found in side.items()} for side in (there, back)]
        return cls(*frozen)

    def group(self, word: str) -> str | None:
        """Which group a word belongs to by its translations; ``None`` for words between them."""
        if word not in self.to_english:
            return None
        if word not in self.of_english:
            return ALONE
        meanings = self.to_english[word]
        if word in meanings:
            return SAME
        synonyms = {english for other in self.of_english[word] for english in self.to_english[other]}
        return None if meanings & synonyms else OTHER


def grouped(
    words: Iterable[str], dictionary: Dictionary, english: Counter[str], own: Counter[str], seed: int
) -> dict[str, list[str]]:
    """The words of each group, in alphabetical order.

    Args:
        words: Candidates, in lower case.
        dictionary: The translations.
        english: How often each word occurs in English text.
        own: How often in text of the language.
        seed: Seed of the choice among the many words of one language alone.
    """
    found: dict[str, list[str]] = {OTHER: [], SAME: [], ALONE: []}
    for word in sorted({word for word in words if len(word) > 1 and own[word] >= LEAST}):
        group = dictionary.group(word)
        if group is not None and (english[word] == 0 if group == ALONE else english[word] >= LEAST):
            found[group].append(word)
    alone = np.random.default_rng(seed).permutation(found[ALONE])[:MOST_ALONE]
    return found | {ALONE: sorted(alone.tolist())}


def counted(text: Path) -> Counter[str]:
    """How often each word occurs in a text, in lower case."""
    with text.open(encoding="utf-8") as lines:
        return Counter(word for line in lines for word in WORD.findall(line.casefold()))


def read_dictionary(folder: Path) -> Dictionary:
    """The first dictionary of a language's folder.

    Raises:
        SystemExit: If there is none.
    """
    files = sorted((folder / "dict").glob("wechsel_en_*.tsv*"))
    if not files:
        sys.exit(f"there is no dictionary {folder}/dict/wechsel_en_*.tsv: give another --language or --data")
    content = files[0].read_bytes()
    text = gzip.decompress(content) if files[0].suffix == ".gz" else content
    return Dictionary.of(text.decode("utf-8").splitlines())


@dataclass(frozen=True)
class Case:
    """The tokens of each group, and what their rows are rebuilt from.

    Attributes:
        made: Source, target vocabulary and spaces.
        known: The shared tokens, with their source rows.
        forms: The form of each in lower case.
        begins: Which of them begin a word.
        words: The words of each group.
    """

    made: BeforeTraining
    known: Known
    forms: Sequence[str]
    begins: Bool[np.ndarray, " known"]
    words: Mapping[str, Sequence[str]]

    @property
    def held_out(self) -> Bool[np.ndarray, " known"]:
        """Which shared tokens are held out: all variants of all words."""
        words = {word for group in self.words.values() for word in group}
        return np.array([form in words for form in self.forms])

    def scored(self, usable: Bool[np.ndarray, " target"]) -> dict[str, Int64[np.ndarray, " tokens"]]:
        """The shared tokens of each group that are words and have a vector."""
        usable_known = usable[self.known.target_ids] & self.begins
        return {
            name: np.flatnonzero(usable_known & np.isin(self.forms, list(words)))
            for name, words in self.words.items()
        }


def check_size(groups: Mapping[str, Int64[np.ndarray, " tokens"]]) -> None:
    """Refuse groups that are too small to compare.

    Raises:
        SystemExit: If one is.
    """
    if few := [f"{len(tokens)} with {name}" for name, tokens in groups.items() if len(tokens) < FEWEST]:
        sys.exit(f"too few words to compare ({', '.join(few)}; {FEWEST} needed): give another --language")


def case_of(arguments: Any, corpus_bytes: int) -> Case:
    """Read texts, dictionary and source."""
    work = arguments.work / f"before_training-{arguments.scale}"
    made = BeforeTraining(arguments.data, arguments.models, arguments.language, work, corpus_bytes)
    overlap = match(Vocabulary.of(made.original), made.target)
    known = read_known(arguments.models / "e5-small", made.target, overlap)
    tokens = [made.target.by_id[id] for id in known.target_ids.tolist()]
    forms = [token.form.decode("utf-8", "replace").casefold() for token in tokens]
    begins = np.array([token.word_start is True for token in tokens])
    english = first_bytes(arguments.data / "en" / "corpus.txt.gz", corpus_bytes, work / "en.txt")
    words = grouped(
        (form for form, whole in zip(forms, begins, strict=True) if whole),
        read_dictionary(arguments.data / arguments.language), counted(english), counted(Path(made.corpus)),
        arguments.seed,
    )  # fmt: skip
    return Case(made, known, forms, begins, words)


def measure(case: Case, results: Results, about: Mapping[str, Any]) -> None:
    """Rebuild the rows in each space."""
    held_out, seed, read_tokens = case.held_out, about["seed"], about["read_tokens"]
    own, lost = case.made.spaces, case.known.source_ids[held_out]
    blind = replace(own, source=BlindSource(case.made.source.folder, lost))
    name = f"blind-{content_key([lost.tolist(), read_tokens])[:12]}"
    spaces = {one: own.named(one, read_tokens, seed) for one in SPACES if one != CONTEXTUAL}
    spaces[CONTEXTUAL] = blind.vectors(name, "contextual", {"read_tokens": read_tokens}, seed)
    spaces = alike(spaces)
    usable = spaces[CONTEXTUAL].usable
    groups = case.scored(usable)
    check_size(groups)
    queries = np.concatenate(list(groups.values()))
    anchors = np.flatnonzero(usable[case.known.target_ids] & ~held_out)

    def row(name: str) -> dict[str, Any]:
        cosines = rebuilt_cosines(spaces[name], case.known, queries, anchors)
        return {group: draws(cosines[tokens]) for group, tokens in groups.items()} | {
            "tokens": {group: len(tokens) for group, tokens in groups.items()}, "anchors": len(anchors),
        }  # fmt: skip

    results.measure(about, SPACES, row)


def shown(content: Mapping[str, Any]) -> str:
    """A line for each space; then differences to `REFERENCE` on the same tokens."""
    rows, groups = content["rows"], (OTHER, SAME, ALONE)
    lines = [
        [name, *(cell(row[group], 3) for group in groups), gap(row[OTHER], row[SAME], 3)]
        for name, row in rows.items()
    ]
    less = [
        [name, *(gap(row[group], rows[REFERENCE][group], 3) for group in groups)]
        for name, row in rows.items()
        if name != REFERENCE
    ]
    one = next(iter(rows.values()))
    heads = ["", *(f"{group}, {one['tokens'][group]} tokens" for group in groups), "another less same"]
    words = content["words"][OTHER]
    examples = ", ".join(words[:: max(1, len(words) // 20)])
    about = f"{one['anchors']:,} anchors. Some of the words with another meaning: {examples}."
    tables = [pages.table(heads, lines), pages.table([f"against {REFERENCE}", *groups], less)]
    return "\n\n".join([*tables, about, f"{budget(content)}."])


def chart(rows: Mapping[str, Any]) -> str:
    """The picture: cosines of both groups in each space."""
    dots = [
        Dot(f"{name}, {group}", row[group][0], stdev(row[group][1:]))
        for name, row in rows.items()
        for group in (OTHER, SAME)
    ]
    return picture("Cosine of rebuilt and true rows (more is better); ± is over three draws of tokens", dots)


def main() -> None:
    """Measure one language; write table and picture."""
    arguments = head.parse(parser(__doc__, "data", "models", language="de"))
    scale = arguments.scale
    results = Results(HERE, f"{scale}_{arguments.language}")
    if not arguments.table:
        case = case_of(arguments, BYTES[scale])
        about = {
            "question": "do contextual states say more about tokens whose meaning differs between languages?",
            "language": arguments.language, "corpus_bytes": BYTES[scale], "read_tokens": READ_TOKENS[scale],
            "least_occurrences": LEAST, "words": case.words, "seed": arguments.seed,
        }  # fmt: skip
        measure(case, results, about)
    results.conclude(shown, chart)


if __name__ == "__main__":
    main()
