"""Models laid out as in use: a trimmed one does the same on single texts, pairs, padded batches and prompts.

Tiny random models, with tokenizers made as those of the real models are: their special tokens, templates and
files. Everything is loaded by transformers' Auto classes alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file
from tokenizers import processors
from transformers import PreTrainedTokenizerFast

from monoglot.pipeline.specialize import specialize
from monoglot.settings import Settings
from monoglot.tokenization.tokenizer_json import rebuild, state_of
from tests.fixtures.chat import CHATML, LLAMA_2, LLAMA_3
from tests.fixtures.models import ARCHITECTURES, BART
from tests.fixtures.tokenizers import DATA, sample
from tests.model.test_side_modules import modules
from tests.model.test_tokenizer_folder import translator

TEXTS = [line[:28] for line in sample("de") if line.isascii()][:6]
"""Of the corpus, without the letters of other languages that are too rare to be kept."""
POSITIONS = 256
NEW_TOKENS = 12
MESSAGES = [{"role": "user", "content": TEXTS[0]}]
GEMMA = (
    "{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + message['role'] + '\n' + "
    "message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
DEEPSEEK_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '<｜User｜>' + message['content'] }}{% else %}"
    "{{ '<｜Assistant｜>' + message['content'] + eos_token }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜>' }}{% endif %}"
)
DEEPSEEK = dict(
    hidden_size=16, intermediate_size=24, moe_intermediate_size=8, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=2, n_routed_experts=4, n_shared_experts=1, num_experts_per_tok=2, n_group=1,
    topk_group=1, kv_lora_rank=8, q_lora_rank=8, qk_rope_head_dim=8, v_head_dim=8, qk_nope_head_dim=8,
    first_k_dense_replace=1, max_position_embeddings=POSITIONS,
)  # fmt: skip

Tokenizers = dict[str, PreTrainedTokenizerFast]


def with_tokens(
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    roles: dict[str, str],
    before: str = "",
    template: str = "",
) -> PreTrainedTokenizerFast:
    """A copy with more special tokens, roles for some, a token before every text, and a chat template."""
    copy = rebuild(tokenizer, state_of(tokenizer))
    copy.add_special_tokens({"extra_special_tokens": texts})
    for role, text in roles.items():
        setattr(copy, role, text)
    if before:
        copy.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{before} $A", pair=f"{before} $A {before} $B",
            special_tokens=[(before, copy.convert_tokens_to_ids(before))],
        )  # fmt: skip
    if template:
        copy.chat_template = template
    return copy


def saved(folder: Path, name: str, tokenizer: PreTrainedTokenizerFast, **changes: object) -> Path:
    ARCHITECTURES[name](tokenizer, **changes).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def bert_like(folder: Path, tokenizers: Tokenizers, name: str, **changes: object) -> Path:
    """With the class of BERT's tokenizers, which gives pairs segments."""
    saved(folder, name, tokenizers["wordpiece"], **changes)
    file = folder / "tokenizer_config.json"
    content = {**json.loads(file.read_text()), "tokenizer_class": "BertTokenizer", "do_lower_case": False}
    content.pop("model_input_names", None)
    file.write_text(json.dumps(content))
    return folder


def prompts(folder: Path) -> Path:
    content = {"prompts": {"query": "query: ", "document": "passage: "}, "default_prompt_name": "query"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(content))
    return folder


def cross_encoder(folder: Path, tokenizers: Tokenizers) -> Path:
    return bert_like(folder, tokenizers, "bert-sequence-classification", num_labels=1)


def colbert(folder: Path, tokenizers: Tokenizers) -> Path:
    state = state_of(tokenizers["wordpiece"])
    for number in range(3):
        state["model"]["vocab"][f"[unused{number}]"] = len(state["model"]["vocab"])
    prompts(saved(folder, "bert-headless", rebuild(tokenizers["wordpiece"], state)))
    (folder / "artifact.metadata.json").write_text(
        json.dumps({"query_token_id": "[unused0]", "doc_token_id": "[unused1]"})
    )
    return folder


def splade(folder: Path, tokenizers: Tokenizers) -> Path:
    prompts(bert_like(folder, tokenizers, "bert"))
    (place,) = modules(folder, "sparse_encoder.models.SpladePooling")
    size = len(tokenizers["wordpiece"])
    (place / "config.json").write_text(
        json.dumps({"pooling_strategy": "max", "word_embedding_dimension": size})
    )
    return folder


def reranker(folder: Path, tokenizers: Tokenizers) -> Path:
    prompts(qwen_3(folder, tokenizers))
    (place,) = modules(folder, "cross_encoder.LogitScore")
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    yes, no = (tokenizer.encode(text, add_special_tokens=False)[0] for text in ("yes", "no"))
    (place / "config.json").write_text(json.dumps({"true_token_id": yes, "false_token_id": no}))
    return folder


def nllb(folder: Path, tokenizers: Tokenizers) -> Path:
    return translator("nllb", tokenizers, folder)[0]


def mbart(folder: Path, tokenizers: Tokenizers) -> Path:
    return translator("mbart", tokenizers, folder)[0]


def mt5(folder: Path, tokenizers: Tokenizers) -> Path:
    """Sentinels are ordinary pieces, with the sign for a space before them."""
    state = state_of(tokenizers["unigram"])
    state["model"]["vocab"] += [[f"▁<extra_id_{number}>", 0.0] for number in range(3)]
    tokenizer = rebuild(tokenizers["unigram"], state)
    tokenizer.bos_token = None
    return saved(folder, "mt5", tokenizer)


def whisper(folder: Path, tokenizers: Tokenizers) -> Path:
    texts = ["<|startoftranscript|>", "<|de|>", "<|sw|>", "<|transcribe|>", "<|notimestamps|>"]
    tokenizer = with_tokens(
        tokenizers["byte-level-bpe"], texts, {"pad_token": "<|endoftext|>"}, "<|startoftranscript|>"
    )
    id = tokenizer.convert_tokens_to_ids
    ids = {"decoder_start_token_id": id(texts[0]), "eos_token_id": 0, "bos_token_id": 0, "pad_token_id": 0}
    sizes = {**BART, "max_source_positions": 20, "max_target_positions": POSITIONS, "num_mel_bins": 8}
    sizes.pop("max_position_embeddings")
    torch.manual_seed(0)
    model = hf.WhisperForConditionalGeneration(hf.WhisperConfig(vocab_size=len(tokenizer), **sizes, **ids))
    model.generation_config.lang_to_id = {text: id(text) for text in texts[1:3]}
    model.generation_config.forced_decoder_ids = None
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def gemma_3(folder: Path, tokenizers: Tokenizers) -> Path:
    texts = ["<start_of_turn>", "<end_of_turn>"]
    tokenizer = with_tokens(tokenizers["sentencepiece-bpe"], texts, {}, "<bos>", GEMMA)
    return saved(folder, "gemma3", tokenizer, max_position_embeddings=POSITIONS)


def llama_2(folder: Path, tokenizers: Tokenizers) -> Path:
    tokenizer = with_tokens(tokenizers["sentencepiece-bpe"], [], {}, "<bos>", LLAMA_2)
    return saved(folder, "llama", tokenizer, max_position_embeddings=POSITIONS)


def llama_3(folder: Path, tokenizers: Tokenizers) -> Path:
    texts = ["<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"]
    texts += [f"<|reserved_special_token_{number}|>" for number in range(5)]
    roles = {"bos_token": texts[0], "eos_token": texts[1]}
    tokenizer = with_tokens(tokenizers["byte-level-bpe"], texts, roles, texts[0], LLAMA_3)
    return saved(folder, "llama", tokenizer, max_position_embeddings=POSITIONS)


def qwen_3(folder: Path, tokenizers: Tokenizers) -> Path:
    texts = ["<|im_start|>", "<|im_end|>"]
    roles = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
    tokenizer = with_tokens(tokenizers["byte-level-bpe"], texts, roles, template=CHATML)
    tokenizer.bos_token = None
    return saved(folder, "qwen3", tokenizer, max_position_embeddings=POSITIONS)


def deepseek(folder: Path, tokenizers: Tokenizers) -> Path:
    start, end = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
    texts = [start, end, "<｜User｜>", "<｜Assistant｜>", *(f"<｜place▁holder▁no▁{n}｜>" for n in range(5))]
    roles = {"bos_token": start, "eos_token": end, "pad_token": end}
    tokenizer = with_tokens(tokenizers["byte-level-bpe"], texts, roles, start, DEEPSEEK_TEMPLATE)
    ids = {f"{role}_token_id": getattr(tokenizer, f"{role}_token_id") for role in ("bos", "eos", "pad")}
    torch.manual_seed(0)
    config = hf.DeepseekV3Config(vocab_size=len(tokenizer), **DEEPSEEK, **ids)
    hf.DeepseekV3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


LAYOUTS: dict[str, Callable[[Path, Tokenizers], Path]] = {
    function.__name__: function
    for function in (
        cross_encoder, colbert, splade, reranker, nllb, mbart, mt5, whisper,
        gemma_3, llama_2, llama_3, qwen_3, deepseek,
    )
}  # fmt: skip


@dataclass
class Loaded:
    """A model as users load it."""

    folder: Path

    def __post_init__(self) -> None:
        self.tokenizer = hf.AutoTokenizer.from_pretrained(self.folder)
        self.tokenizer.pad_token = self.tokenizer.pad_token or self.tokenizer.eos_token
        config = hf.AutoConfig.from_pretrained(self.folder)
        self.model = getattr(hf, config.architectures[0]).from_pretrained(self.folder).eval()

    @torch.no_grad()
    def output(self, given: dict[str, torch.Tensor]) -> torch.Tensor:
        ids = given["input_ids"]
        if self.model.main_input_name == "input_features":
            return self.model(input_features=features(len(ids)), decoder_input_ids=ids)[0]
        more = {"decoder_input_ids": ids} if self.model.config.is_encoder_decoder else {}
        return self.model(**given, **more)[0]

    def generate(self, given: dict[str, torch.Tensor], **settings: object) -> list[str]:
        if self.model.main_input_name == "input_features":
            given = {"input_features": features(1)}
        # Whisper's own method wants the settings of a real one.
        found = hf.GenerationMixin.generate(self.model, **given, do_sample=False, **settings)[0].tolist()
        start = 0 if self.model.config.is_encoder_decoder else given["input_ids"].shape[1]
        return self.tokenizer.convert_ids_to_tokens(found[start:])


def features(count: int) -> torch.Tensor:
    return torch.randn((1, 8, 40), generator=torch.Generator().manual_seed(0)).expand(count, -1, -1)


def calls(loaded: Loaded) -> dict[str, dict[str, torch.Tensor]]:
    """Inputs of every form: single texts, a pair, a padded batch, prompts."""
    tokenizer = loaded.tokenizer
    given = {f"text {n}": tokenizer(text, return_tensors="pt") for n, text in enumerate(TEXTS)}
    given["pair"] = tokenizer(TEXTS[0], TEXTS[1], return_tensors="pt")
    given["batch"] = tokenizer(TEXTS[:4], padding=True, return_tensors="pt")
    given["line ends"] = tokenizer(f"{TEXTS[0]}\n", return_tensors="pt")
    file = loaded.folder / "config_sentence_transformers.json"
    written = json.loads(file.read_text())["prompts"].values() if file.exists() else ()
    given |= {prompt: tokenizer(prompt + TEXTS[1], return_tensors="pt") for prompt in written}
    if tokenizer.chat_template:
        given["chat"] = tokenizer.apply_chat_template(
            MESSAGES, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
    return {name: dict(call) for name, call in given.items()}


def text_tokens(loaded: Loaded) -> list[str]:
    """The tokens of a text; random models would generate tokens that trimming drops."""
    ids = set(loaded.tokenizer(TEXTS[0])["input_ids"]) - set(loaded.tokenizer.all_special_ids)
    return sorted(loaded.tokenizer.convert_ids_to_tokens(sorted(ids)))


def generated_by(loaded: Loaded) -> list[str]:
    """What a model says after a text, of the tokens that stand in it."""
    allowed = loaded.tokenizer.convert_tokens_to_ids(text_tokens(loaded))
    given = dict(loaded.tokenizer(TEXTS[0], return_tensors="pt"))
    given.pop("token_type_ids", None)
    return loaded.generate(given, max_new_tokens=NEW_TOKENS, prefix_allowed_tokens_fn=lambda *_: allowed)


def make_it_stop(folder: Path) -> None:
    """Have one of the first tokens that a model generates end its texts, beside those that do already."""
    source = Loaded(folder)
    settings = source.model.generation_config
    ends, settings.eos_token_id, settings.forced_eos_token_id = settings.eos_token_id, None, None
    last = source.tokenizer.convert_tokens_to_ids(generated_by(source)[3])
    settings.eos_token_id = [*(ends if isinstance(ends, list) else [ends] if ends is not None else []), last]
    settings.save_pretrained(folder)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_trimmed_model_does_what_the_original_does(layout, source_tokenizers, tmp_path):
    folder = LAYOUTS[layout](tmp_path / "source", source_tokenizers)
    if generates := Loaded(folder).model.can_generate():
        make_it_stop(folder)
    specialize(folder, DATA / "de.txt", tmp_path / "out", Settings(mode="trim", threads=1))
    before, after = Loaded(folder), Loaded(tmp_path / "out")
    assert len(after.tokenizer) < len(before.tokenizer)
    columns = before.tokenizer.convert_tokens_to_ids(sorted(after.tokenizer.get_vocab()))
    own = after.tokenizer.convert_tokens_to_ids(sorted(after.tokenizer.get_vocab()))
    pairs = zip(calls(before).items(), calls(after).values(), strict=True)
    for (name, old), new in pairs:
        assert list(old) == list(new), name
        tokens = [
            [loaded.tokenizer.convert_ids_to_tokens(row) for row in given["input_ids"].tolist()]
            for loaded, given in ((before, old), (after, new))
        ]
        assert tokens[0] == tokens[1], name
        for what in old.keys() - {"input_ids"}:
            assert torch.equal(old[what], new[what]), (name, what)
        outputs = before.output(old), after.output(new)
        if outputs[0].shape != outputs[1].shape:
            outputs = outputs[0][..., columns], outputs[1][..., own]
        torch.testing.assert_close(outputs[1], outputs[0], atol=1e-5, rtol=1e-4)
    if generates:
        generated = generated_by(after)
        assert generated == generated_by(before)
        assert len(generated) < NEW_TOKENS


@pytest.mark.parametrize("kind", ["nllb", "mbart"])
def test_what_stands_beside_a_text_follows_its_language(kind, source_tokenizers, tmp_path):
    folder = LAYOUTS[kind](tmp_path / "source", source_tokenizers)
    specialize(folder, DATA / "de.txt", tmp_path / "out", Settings(mode="trim", threads=1))
    before, after = Loaded(folder), Loaded(tmp_path / "out")
    for code in ("deu_Latn", "swh_Latn") if kind == "nllb" else ("de_DE", "sw_KE"):
        before.tokenizer.src_lang = after.tokenizer.src_lang = code
        old, new = (dict(loaded.tokenizer(TEXTS[0], return_tensors="pt")) for loaded in (before, after))
        assert code in after.tokenizer.convert_ids_to_tokens(new["input_ids"][0].tolist())
        kept = after.tokenizer.convert_ids_to_tokens(range(len(after.tokenizer)))
        columns = before.tokenizer.convert_tokens_to_ids(kept)
        torch.testing.assert_close(after.output(new), before.output(old)[..., columns], atol=1e-5, rtol=1e-4)


def test_layers_that_transformers_does_not_load_are_not_asked_for(source_tokenizers, tmp_path, caplog):
    """DeepSeek V3 has a 61st layer that predicts two tokens ahead; transformers leaves it alone."""
    folder = deepseek(tmp_path / "source", source_tokenizers)
    file = folder / "model.safetensors"
    more = {"model.layers.61.eh_proj.weight": torch.ones(2, 2), "model.layers.61.enorm.weight": torch.ones(2)}
    save_file(load_file(file) | more, file, metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_nextn_predict_layers": 1}))
    specialize(folder, DATA / "de.txt", tmp_path / "out", Settings(mode="trim", threads=1))
    assert json.loads((tmp_path / "out" / "config.json").read_text())["num_nextn_predict_layers"] == 0
    assert not more.keys() & load_file(tmp_path / "out" / "model.safetensors").keys()
    assert "2 tensors, such as model.layers.61" in caplog.text
    assert "num_nextn_predict_layers becomes 0 instead of 1" in caplog.text
