"""What a tokenizer puts around a text is found whatever characters it knows."""

import pytest
from tokenizers import Tokenizer, models, processors
from transformers import PreTrainedTokenizerFast

from monoglot.errors import TokenizerError
from monoglot.tokenization.special_token_template import SpecialTokenTemplate


def tokenizer(*letters):
    """A BPE without bytes and without a token for what it does not know."""
    texts = ["<s>", "</s>", *letters]
    backend = Tokenizer(models.BPE({text: id for id, text in enumerate(texts)}, []))
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")


@pytest.mark.parametrize("letter", ["0", "e", "अ"])
def test_any_letter_that_is_known_will_do(letter):
    assert SpecialTokenTemplate.of(tokenizer(letter)) == SpecialTokenTemplate((0,), (1,))


def test_a_tokenizer_that_knows_none_is_refused():
    with pytest.raises(TokenizerError, match="has no token for any of"):
        SpecialTokenTemplate.of(tokenizer("ႠႡ"))
