"""Rows that are predicted from what the source model reads in a token's pieces."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from monoglot.errors import ModelError, SettingError
from monoglot.initialization.initialize import initialize
from monoglot.initialization.registry import get_method
from monoglot.maths.mixture import Mixture, Provenance
from monoglot.model.piece_states import PieceReader
from monoglot.model.tables import find_tables
from monoglot.model.transplant import transplant
from monoglot.tokenization.pieces import Pieces
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import FAMILIES, sample
from tests.fixtures.transfers import make_transfer


@pytest.fixture(scope="module")
def transfer(source_tokenizers, target_tokenizers):
    return make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])


def corrected(transfer, **options):
    return initialize(transfer, get_method("regression", options))


def test_words_of_several_pieces_are_corrected_and_all_others_blended(transfer):
    mixture, blend = corrected(transfer), initialize(transfer, get_method("blend"))
    several = transfer.overlap.missing[np.diff(transfer.pieces.indptr) > 1]
    assert mixture.correction is not None
    assert len(several) > 100
    assert set(mixture.correction.ids) <= set(several)
    assert len(mixture.correction.ids) > 0.9 * len(several)
    table = transfer.embeddings
    same = np.setdiff1d(np.arange(mixture.n_target), mixture.correction.ids)
    assert torch.equal(mixture.apply(table)[same], blend.apply(table)[same])
    assert torch.equal(mixture.apply(table, is_input=False), blend.apply(table))


def test_rows_that_follow_from_their_pieces_are_predicted(source_tokenizers, target_tokenizers):
    """If rows of the source are a function of their pieces' rows, new rows come nearer to it than a blend."""
    transfer = make_transfer(source_tokenizers["unigram"], target_tokenizers["unigram"])
    segment = transfer.required_reader.segmenter()
    table = transfer.embeddings.clone()
    turn = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(0)))[0]
    ids = [token.id for token in transfer.source.tokens if len(segment(token.id)) > 1]

    def function(pieces):
        return table[list(pieces)].mean(dim=0) @ turn

    simple = [id for id in ids if not set(segment(id)) & set(ids)]  # made of rows that don't change
    for id in simple:
        table[id] = function(segment(id))
    mixture = corrected(replace(transfer, embeddings=table), predicted_share=1.0)
    rows = mixture.apply(table)
    places = [
        place
        for place in range(len(transfer.pieces))
        if len(transfer.pieces.of(place)) > 1 and not set(transfer.pieces.of(place).tolist()) & set(ids)
    ]
    assert len(places) > 20
    expected = torch.stack([function(transfer.pieces.of(place).tolist()) for place in places])
    blended = initialize(transfer, get_method("blend")).apply(table)
    at = transfer.overlap.missing[places]
    error = (rows[at] - expected).norm() / (blended[at] - expected).norm()
    assert error < 0.8


def test_a_share_of_nothing_is_the_blend(transfer):
    assert torch.equal(
        corrected(transfer, predicted_share=0.0).apply(transfer.embeddings),
        initialize(transfer, get_method("blend")).apply(transfer.embeddings),
    )


def test_corrections_are_saved(transfer, tmp_path):
    mixture = corrected(transfer)
    mixture.save(tmp_path / "a.safetensors")
    loaded = Mixture.load(tmp_path / "a.safetensors")
    assert torch.equal(loaded.apply(transfer.embeddings), mixture.apply(transfer.embeddings))


def test_only_input_embeddings_are_corrected(source_tokenizers, target_tokenizers):
    source, target = source_tokenizers["unigram"], target_tokenizers["unigram"]
    model = ARCHITECTURES["xlm-roberta"](source, tie_word_embeddings=False)
    assert sum(table.axis == 0 for table in find_tables(model).tables) > 1
    embeddings = model.get_input_embeddings().weight.detach()
    transfer = replace(
        make_transfer(source, target), reader=PieceReader(model, source), embeddings=embeddings
    )
    made = [
        transplant(model, initialize(transfer, get_method(name)), target, source_tokenizer=source)
        for name in ("blend", "regression")
    ]
    heads = [each.get_output_embeddings().weight for each in made]
    tables = [each.get_input_embeddings().weight for each in made]
    assert torch.equal(*heads)
    assert not torch.equal(*tables)


def test_a_vocabulary_without_examples_is_blended(transfer):
    none = replace(transfer, trained=np.zeros_like(transfer.trained))
    assert corrected(none).correction is None


def test_words_with_marks_are_examples(transfer):
    """Vowels of Devanagari are marks, and no letters."""
    word = "हिन्दी"
    assert not word.isalpha()
    method = get_method("regression")
    marked = transfer.source.by_id[int(method._examples(transfer)[0][0])]
    changed = tuple(
        replace(token, form=word.encode()) if token.id == marked.id else token
        for token in transfer.source.tokens
    )
    with_marks = replace(transfer, source=replace(transfer.source, tokens=changed))
    assert marked.id in method._examples(with_marks)[0]


def test_the_mark_of_a_words_beginning_is_no_piece(transfer):
    texts = {token.id: token for token in transfer.source.tokens}
    _, pieces = get_method("regression")._examples(transfer)
    assert len(pieces) > 50
    assert all(texts[id].form.strip() for id in pieces.ids.tolist())
    assert any(token.form == b" " for token in transfer.source.tokens)


def test_the_model_has_to_be_given(transfer):
    with pytest.raises(SettingError, match="reads hidden states of the source model"):
        corrected(replace(transfer, reader=None))


def test_it_is_no_part_of_a_blend():
    with pytest.raises(SettingError, match="can't be part of a blend"):
        get_method("blend", {"first": "regression"})


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_reads_pieces(source_tokenizers, name):
    tokenizer = source_tokenizers[ARCHITECTURES[name].family]
    model = ARCHITECTURES[name](tokenizer)
    pieces = Pieces(np.array([0, 2, 5]), np.arange(40, 45))
    mean, last = PieceReader(model, tokenizer).states(pieces, depth=0.5)
    assert mean.shape == last.shape == (2, mean.shape[1])
    assert mean.isfinite().all()
    assert mean.any()


def test_tokens_that_are_mixed_otherwise_are_not_corrected(transfer):
    mixture = corrected(transfer)
    assert (mixture.provenance[mixture.correction.ids] == Provenance.METHOD).all()


def test_too_few_examples_are_said(transfer, caplog):
    trained = np.zeros_like(transfer.trained)
    trained[:40] = True
    assert corrected(replace(transfer, trained=trained)).correction is None
    assert "too few to learn from (50 are needed): new rows are blended and not predicted" in caplog.text


def test_pieces_without_a_row_are_left_out(transfer):
    """Added tokens may have an id and no row; a mixture leaves them out, and so does what reads them."""
    rows = 400
    short = replace(transfer, trained=np.arange(transfer.source.size) < rows)
    model = ARCHITECTURES["xlm-roberta"](transfer.reader.tokenizer, vocab_size=rows)
    embeddings = model.get_input_embeddings().weight.detach()
    short = replace(short, reader=PieceReader(model, transfer.reader.tokenizer), embeddings=embeddings)
    assert (transfer.pieces.ids >= rows).any()
    assert len(corrected(short).correction.ids) > 50


def test_states_that_are_not_finite_are_refused(transfer):
    model = ARCHITECTURES["xlm-roberta"](transfer.reader.tokenizer)
    with torch.no_grad():
        model.get_input_embeddings().weight[50:] = float("inf")
    with pytest.raises(ModelError, match=r"the states of layer . of XLMRobertaForMaskedLM are not finite"):
        corrected(replace(transfer, reader=PieceReader(model, transfer.reader.tokenizer)))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_has_examples(family, target_tokenizers):
    """Of German and Swahili: with five scripts, a small vocabulary of WordPiece has characters only."""
    source = FAMILIES[family]([*sample("de", 1000), *sample("sw", 1000)], 900)
    source.pad_token = source.pad_token or source.eos_token  # the tiny model wants one
    mixture = corrected(make_transfer(source, target_tokenizers[family]))
    assert mixture.correction is not None
    assert len(mixture.correction.ids) > 100
    assert np.isfinite(mixture.correction.rows).all()
