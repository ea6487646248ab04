"""Token distillation: aligned hidden states, for encoders and decoders."""

from dataclasses import replace

import pytest
import torch

from monoglot.errors import ModelError, SettingError
from monoglot.tokenization.encoding import encode_corpus
from monoglot.training.aligned_spans import NOWHERE
from monoglot.training.objective import Teacher
from monoglot.training.packing import PackedCorpus, PackedLayout, SpecialTokenTemplate
from monoglot.training.registry import get_objective
from tests.fixtures.models import ARCHITECTURES
from tests.fixtures.tokenizers import byte_level, sample, wordpiece

LINES = sample("de", 60)
TRAIN = {"gpt2": byte_level, "bert": wordpiece}


@pytest.fixture(scope="module")
def german_tokenizers():
    """Tokenizers of students, trained on German alone."""
    return {name: train(sample("de"), 600) for name, train in TRAIN.items()}


@pytest.fixture
def taught(context, german_tokenizers, tmp_path):
    """A lesson whose student has a vocabulary of its own."""

    def build(architecture):
        original, tokenizer = context(architecture), german_tokenizers[architecture]
        return replace(
            original,
            model=ARCHITECTURES[architecture](tokenizer),
            tokenizer=tokenizer,
            corpus=encode_corpus(tokenizer, LINES, tmp_path / "tokens"),
            lines=lambda: LINES,
            teacher=Teacher(original.model, original.tokenizer, "a" * 64),
        )

    return build


def ready(given, **options):
    objective = get_objective("distill-hidden", options)
    objective.prepare(given)
    return objective.task(given)


def batch_of(given, task, count=4):
    layout = PackedLayout(64, SpecialTokenTemplate.of(given.tokenizer), 0, whole_documents=True)
    windows = PackedCorpus(given.corpus, layout, windows=count, seed=2).__getitems__(range(count))
    return windows, task.collate(windows)


@pytest.mark.parametrize("architecture", ["gpt2", "bert"])
def test_stretches_are_the_same_text_in_both_models(architecture, taught):
    given = taught(architecture)
    task = ready(given)
    windows, batch = batch_of(given, task)
    assert batch["spans"].max() > 20
    for piece, document in enumerate(windows.documents.tolist()):
        theirs = torch.from_numpy(task.spans.reader.ids(document))
        of = batch["teacher_spans"][piece][: len(theirs)]
        here = batch["segments"] == piece
        for span in sorted(set(batch["spans"][here].tolist()) - {NOWHERE}):
            ours = given.tokenizer.decode(batch["ids"][batch["spans"] == span])
            other = given.teacher.tokenizer.decode(theirs[of == span])
            assert ours.replace(" ", "").replace("##", "") == other.replace(" ", "").replace("##", "")


@pytest.mark.parametrize("architecture", ["gpt2", "bert"])
def test_loss_compares_the_states_of_each_document_alone(architecture, taught):
    given = taught(architecture)
    task = ready(given)
    windows, batch = batch_of(given, task)
    differences = []
    with torch.no_grad():
        for piece, document in enumerate(windows.documents.tolist()):
            here = batch["segments"] == piece
            ids = torch.from_numpy(task.spans.reader.ids(document))
            student = given.model.base_model(input_ids=batch["ids"][here][None]).last_hidden_state[0]
            teacher = given.teacher.model.base_model(input_ids=ids[None]).last_hidden_state[0]
            ours, theirs = batch["spans"][here], batch["teacher_spans"][piece][: len(ids)]
            for span in sorted(set(ours.tolist()) - {NOWHERE}):
                states = student[ours == span], teacher[theirs == span]
                first, second = (s[-1] if architecture == "gpt2" else s.mean(dim=0) for s in states)
                differences.append((first - second).square().mean())
        loss = task.loss(given.model, batch)
    assert loss.item() == pytest.approx(torch.stack(differences).mean().item(), rel=1e-4)


@pytest.mark.parametrize(("architecture", "options"), [("bert", {}), ("gpt2", {"cross_entropy": 1.0})])
def test_embeddings_alone_come_closer(architecture, options, taught):
    given = taught(architecture)
    task = ready(given, **options)
    plain = ready(given)
    _, batch = batch_of(given, task)
    embeddings = given.model.get_input_embeddings().weight
    optimizer = torch.optim.AdamW([embeddings], lr=3e-2)
    before = plain.loss(given.model, batch).item()
    for _ in range(15):
        task.loss(given.model, batch).backward()
        optimizer.step()
        given.model.zero_grad()
    assert plain.loss(given.model, batch).item() < 0.8 * before


def test_cross_entropy_is_scaled_to_the_distance(taught):
    given = taught("gpt2")
    _, batch = batch_of(given, ready(given))
    plain, both = (
        ready(given, cross_entropy=weight).loss(given.model, batch).item() for weight in (0.0, 0.5)
    )
    assert both == pytest.approx(1.5 * plain, rel=1e-4)


def test_documents_whose_bytes_differ_are_left_out(taught):
    given = taught("gpt2")
    task = ready(given)
    windows, _ = batch_of(given, task)
    task.spans.lengths[0][:] += 1
    batch = task.collate(windows)
    assert (batch["spans"] == NOWHERE).all()
    assert task.loss(given.model, batch).item() == 0


def test_what_does_not_fit_is_refused(context, taught):
    objective = get_objective("distill-hidden")
    assert "is both" in objective.why_unsuitable(context("t5").model, has_teacher=True)
    assert "needs a teacher" in objective.why_unsuitable(context("gpt2").model, has_teacher=False)
    tied = get_objective("distill-hidden", {"cross_entropy": 1.0})
    assert "causal language models only" in tied.why_unsuitable(context("bert").model, has_teacher=True)
    with pytest.raises(SettingError):
        get_objective("distill-hidden", {"cross_entropy": -1.0})
    given = taught("gpt2")
    wide = context("gpt2", n_embd=32)
    with pytest.raises(ModelError, match="have 32 numbers and the student's 16"):
        ready(replace(given, teacher=Teacher(wide.model, wide.tokenizer, "b" * 64)))
    deberta = context("deberta-v2")
    with pytest.raises(ModelError, match="can't keep the documents in one window apart"):
        ready(replace(deberta, teacher=Teacher(deberta.model, deberta.tokenizer, "c" * 64)))
