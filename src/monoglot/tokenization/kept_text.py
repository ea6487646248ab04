"""Which tokens a tokenizer needs so that certain texts are segmented as before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from monoglot.tokenization.vocabulary import Vocabulary, plain_backend

_CONTINUATION = "##"
_JSON_MARKS = re.compile(r'[Ġ▁]?[\[{]*"{0,2}[\]}]*[,:]?[Ċ\n]?')


@dataclass(frozen=True)
class KeptText:
    """What is kept beside what a corpus asks for.

    Attributes:
        texts: Texts that are segmented as before: prompts, prefixes, what a chat template writes.
        tokens: Tokens, as the vocabulary spells them.
    """

    texts: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()

    @staticmethod
    def of(source: PreTrainedTokenizerFast, texts: Iterable[str], tokens_or_texts: Iterable[str]) -> KeptText:
        """Tell tokens from texts.

        Args:
            source: The tokenizer.
            texts: Texts.
            tokens_or_texts: Each a token, if the vocabulary has one that is spelled so, or a text, or both: a
                word that is a token inside of words may be another at their start.
        """
        vocabulary = source.get_vocab()
        mixed = tuple(dict.fromkeys(tokens_or_texts))
        tokens = tuple(text for text in mixed if text in vocabulary)
        spelled_otherwise = {text for text in tokens if source.decode([vocabulary[text]]) != text}
        marked = spelled_otherwise.union(text for text in tokens if text.startswith(_CONTINUATION))
        further = (text for text in mixed if text not in marked)
        return KeptText(tuple(dict.fromkeys([*texts, *further])), tokens)

    def token_ids(self, source: PreTrainedTokenizerFast) -> dict[int, None]:
        """The ids of all tokens that these texts are segmented into, wherever they stand, in order.

        Args:
            source: The tokenizer whose segmentation is to stay.
        """
        backend = plain_backend(source)
        forms = [form for text in self.texts for form in forms_of(text, source)]
        encodings = backend.encode_batch_fast(forms, add_special_tokens=False)
        found = dict.fromkeys(id for encoding in encodings for id in encoding.ids)
        vocabulary = source.get_vocab()
        if any('{"' in text for text in self.texts):
            found |= dict.fromkeys(sorted(id for text, id in vocabulary.items() if _is_json_mark(text)))
        return found | dict.fromkeys(vocabulary[token] for token in self.tokens)


def _is_json_mark(token: str) -> bool:
    """Whether a token is what stands between the words of JSON, in whatever order a user's tools bring it."""
    return len(token) > 1 and _JSON_MARKS.fullmatch(token) is not None


NOTHING_KEPT = KeptText()


def segmented_otherwise(
    texts: Sequence[str], source: PreTrainedTokenizerFast, target: PreTrainedTokenizerFast
) -> tuple[str, ...]:
    """Give the texts that two tokenizers, of any families, cut in different places or know differently."""
    cuts = [_forms(texts, tokenizer) for tokenizer in (source, target)]
    return tuple(text for text, *forms in zip(texts, *cuts, strict=True) if forms[0] != forms[1])


def _forms(texts: Sequence[str], tokenizer: PreTrainedTokenizerFast) -> list[list[bytes]]:
    """What the tokens of each text stand for, without the spaces that some families make tokens of."""
    encodings = plain_backend(tokenizer).encode_batch_fast(list(texts), add_special_tokens=False)
    by_id = Vocabulary.of(tokenizer).by_id if texts else {}
    return [[form for id in encoding.ids if (form := by_id[id].form.strip(b" "))] for encoding in encodings]


def forms_of(text: str, source: PreTrainedTokenizerFast) -> Sequence[str]:
    """A text as it stands in different places: alone, in a line, after a line or control token, before more.

    Where a text stands decides how its first and last tokens come out: a word start may belong to it, its
    last space to what follows.

    Args:
        text: The text.
        source: The tokenizer, for one of its control tokens.
    """
    bare = text.strip()
    control = next((str(token) for token in (source.eos_token, source.sep_token) if token), "")
    places = (
        text,
        bare,
        f" {bare}",
        f"\n{bare}",
        f"{control}{bare}",
        f"{control}{text}",
        f"{bare}\n",
        f"{text}a",
    )
    return [form for form in dict.fromkeys(places) if form]
