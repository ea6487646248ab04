"""The terms of sentence distillation, as functions of vectors."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from monoglot.errors import ModelError, SettingError
from monoglot.model.pooling import Pooling, pool_segments
from monoglot.training.aligned_spans import NOWHERE
from monoglot.training.distillation_texts import Texts
from monoglot.training.objective import Teacher
from monoglot.training.objectives.distill import SentenceDistillation, distance, relational, unexplained
from monoglot.training.packing import PADDING, PackedCorpus, PackedLayout, SpecialTokenTemplate
from monoglot.training.registry import choose_objective, get_objective
from tests.training.conftest import TAUGHT as LINES


def test_losses_are_zero_for_equal_vectors_and_blind_to_rotation():
    teacher = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    for kind in ("cosine", "mse"):
        assert distance(teacher, teacher, kind).item() == pytest.approx(0, abs=1e-6)
    rotation, _ = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(1)))
    assert relational(teacher @ rotation, teacher).item() == pytest.approx(0, abs=1e-6)
    assert distance(teacher @ rotation, teacher, "cosine") > 0.1
    assert relational(teacher.flip(0), teacher) > 0.1


def test_the_difference_of_states_is_in_units_of_their_variance():
    teacher = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    assert unexplained(teacher, teacher).item() == 0
    # The mean explains nothing, and scale is of no importance.
    mean_vector = teacher.mean(dim=0).expand_as(teacher)
    assert unexplained(mean_vector, teacher).item() == pytest.approx(1, rel=1e-5)
    assert unexplained(30 * mean_vector, 30 * teacher).item() == pytest.approx(1, rel=1e-5)


CPU = torch.device("cpu")


def ready(given, **options):
    objective = get_objective("distill", {"pooling": "mean", **options})
    objective.prepare(given)
    return objective.task(given)


def windows_of(given, task, count=3):
    layout = PackedLayout(
        48, SpecialTokenTemplate.of(given.tokenizer), given.tokenizer.pad_token_id, whole_documents=True
    )
    return PackedCorpus(task.corpus, layout, windows=count, seed=2).__getitems__(range(count))


def alone(model, ids, pooling):
    hidden = model(input_ids=ids[None]).last_hidden_state[0]
    vector = {"mean": hidden.mean(dim=0), "cls": hidden[0], "lasttoken": hidden[-1]}[pooling]
    return torch.nn.functional.normalize(vector, dim=0)


@pytest.mark.parametrize("pooling", list(Pooling))
def test_vectors_of_packed_texts_are_those_of_each_alone(pooling, taught):
    given = taught()
    task = ready(given, pooling=pooling.value)
    windows = windows_of(given, task)
    batch = task.collate(windows)
    inputs = task.inputs(batch["ids"], batch["segments"], batch["positions"])
    with torch.no_grad():
        hidden = given.model(**inputs).last_hidden_state
        found = pool_segments(
            hidden, batch["segments"], batch["positions"], pooling, count=len(windows.documents)
        )
        for piece, vector in enumerate(found):
            expected = alone(given.model, batch["ids"][batch["segments"] == piece], pooling)
            torch.testing.assert_close(vector, expected, atol=1e-5, rtol=0)


def test_teacher_vectors_are_those_of_its_own_tokens_and_computed_once(taught):
    given = taught()
    task = ready(given, prefix="query: ", whole_lines=1.0, word_lists=0.0)
    documents = np.array([3, 0, 17])
    found = task.vectors(documents, CPU)
    teacher = given.teacher
    for document, vector in zip(documents.tolist(), found, strict=True):
        text = "query: " + LINES[document]
        ids = teacher.tokenizer(text, truncation=True, max_length=64, return_tensors="pt")["input_ids"][0]
        with torch.no_grad():
            torch.testing.assert_close(vector, alone(teacher.model, ids, "mean"), atol=1e-3, rtol=0)
    with torch.no_grad():
        for parameter in teacher.model.parameters():
            parameter.zero_()
    again = ready(given, prefix="query: ", whole_lines=1.0, word_lists=0.0)
    torch.testing.assert_close(again.vectors(documents, CPU), found, atol=0, rtol=0)


def test_training_brings_the_student_to_the_teacher(taught):
    given = taught()
    task = ready(given)
    before = task.score(given.model, LINES[:10])["distance_to_teacher"]
    batch = task.collate(windows_of(given, task, 8))
    optimizer = torch.optim.AdamW(given.model.parameters(), lr=1e-2)
    for _ in range(30):
        task.loss(given.model, batch).backward()
        optimizer.step()
        optimizer.zero_grad()
    assert task.score(given.model, LINES[:10])["distance_to_teacher"] < before / 2


def test_a_student_that_is_the_teacher_has_no_loss(context):
    given = context("bert-headless")
    given = replace(given, teacher=Teacher(context("bert-headless").model, given.tokenizer, "b" * 64))
    for kind in ("cosine", "mse"):
        task = ready(given, distance=kind)
        loss = task.loss(given.model, task.collate(windows_of(given, task)))
        assert loss.item() == pytest.approx(0, abs=1e-4)
    assert task.score(given.model, LINES[:5])["distance_to_teacher"] == pytest.approx(0, abs=1e-5)


def test_hidden_states_are_a_term_of_their_own_beside_the_same_vectors(taught):
    given = taught()
    plain, both, double = (ready(given, relational=0.0, hidden=weight) for weight in (0.0, 1.0, 2.0))
    windows = windows_of(given, plain)
    with torch.no_grad():
        losses = [task.loss(given.model, task.collate(windows)).item() for task in (plain, both, double)]
        batch = both.collate(windows)
        inputs = both.inputs(batch["ids"], batch["segments"], batch["positions"])
        found = both.spans.student(given.model(**inputs).last_hidden_state, batch)
        states = both.spans.reader.hidden(windows.documents, CPU)
        term = unexplained(found, both.spans.teacher(states, batch, found)).item()
    assert len(found) > 20
    # Vectors are read from a float16 file without the term, and made from the same states with it.
    assert losses[1] - losses[0] == pytest.approx(term, abs=2e-3)
    assert losses[2] - losses[1] == pytest.approx(term, rel=1e-4)


def test_hidden_states_of_translations_are_not_compared(taught, tmp_path):
    file = tmp_path / "pairs.tsv"
    # As many bytes, so that only the count of pairs can tell.
    file.write_text(
        "".join(f"{word} Haus ist da\tda ist {word} Haus\n" for word in "abcdefgh"), encoding="utf-8"
    )
    given = taught()
    task = ready(given, parallel=str(file), word_lists=0.0)
    layout = PackedLayout(
        48, SpecialTokenTemplate.of(given.tokenizer), given.tokenizer.pad_token_id, whole_documents=True
    )
    packed = PackedCorpus(task.corpus, layout, windows=400, seed=2)
    seen = {True: 0, False: 0}
    for number in range(0, 400, 8):
        windows = packed.__getitems__(range(number, number + 8))
        rows = task.collate(windows)["teacher_spans"]
        for row, document in zip(rows, windows.documents.tolist(), strict=True):
            pair = document >= task.spans.same
            seen[pair] += 1
            assert not pair or (row == NOWHERE).all()
    assert min(seen.values()) > 0


def test_texts_that_were_cut_do_not_count(taught):
    given = taught()
    task = ready(given, whole_lines=1.0)
    windows = windows_of(given, task, 8)
    complete = task.collate(windows)["complete"].numpy()
    assert 0 < complete.sum() < len(complete)
    for piece, document in enumerate(windows.documents.tolist()):
        start, end = task.corpus.offsets[document : document + 2]
        held = windows.ids[(windows.segments == piece) & windows.is_text]
        assert (held.tolist() == task.corpus.ids[start:end].tolist()) == complete[piece]


def test_both_models_read_the_same_texts(taught):
    given = taught()
    ready(given, prefix="query: ")
    texts = Texts.open(given.cache / "texts")
    assert texts.student.lines == texts.teacher.lines
    for line in range(0, texts.student.lines, 7):
        student, teacher = (
            tokenizer.decode(corpus.ids[corpus.offsets[line] : corpus.offsets[line + 1]].tolist())
            for corpus, tokenizer in (
                (texts.student, given.tokenizer),
                (texts.teacher, given.teacher.tokenizer),
            )
        )
        assert student.replace(" ", "")[:10].startswith("query:"), student
        assert teacher.replace(" ", "").lower().startswith("query:"), teacher


def test_parallel_text_is_read_by_the_student_and_its_translation_by_the_teacher(taught, tmp_path):
    file = tmp_path / "pairs.tsv"
    file.write_text("ein Haus\ta house\nein Hund\ta dog\n", encoding="utf-8")
    given = taught()
    task = ready(given, parallel=str(file), word_lists=0.0)
    last = task.corpus.lines - 1
    assert task.spans.same == last - 1
    ids = given.teacher.tokenizer("a dog", return_tensors="pt")["input_ids"][0]
    with torch.no_grad():
        expected = alone(given.teacher.model, ids, "mean")
    torch.testing.assert_close(task.vectors(np.array([last]), CPU)[0], expected, atol=1e-3, rtol=0)
    file.write_text("ein Haus a house\n", encoding="utf-8")
    with pytest.raises(SettingError, match=r"line 1 of .* has 1 columns"):
        SentenceDistillation(parallel=str(file)).check()


def test_padding_is_in_no_vector():
    hidden = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]])
    segments, positions = torch.tensor([[0, 1, PADDING]]), torch.tensor([[0, 0, 0]])
    for pooling in Pooling:
        assert pool_segments(hidden, segments, positions, pooling, count=2).tolist() == [[1, 0], [0, 1]]


def test_it_is_chosen_for_an_encoder_without_head_that_has_a_teacher(context):
    assert choose_objective(context("bert-headless").model, has_teacher=True) == "distill"
    assert choose_objective(context("bert").model, has_teacher=True) == "mlm"
    with pytest.raises(SettingError, match="needs a teacher"):
        choose_objective(context("bert-headless").model, has_teacher=False)
    assert "needs an encoder" in get_objective("distill").why_unsuitable(
        context("gpt2").model, has_teacher=True
    )


def test_unfit_teachers_are_refused(context, taught, tmp_path):
    given = taught()
    with pytest.raises(ModelError, match="name the original model"):
        ready(replace(given, teacher=None))
    wide = context("bert-headless", hidden_size=32)
    with pytest.raises(ModelError, match="have 32 numbers and the student's 16"):
        ready(replace(given, teacher=Teacher(wide.model, wide.tokenizer, "c" * 64)))
    with pytest.raises(ModelError, match="give the option pooling"):
        ready(given, pooling="")
    deberta = context("deberta-v2")
    with pytest.raises(ModelError, match="can't keep the texts in one window apart"):
        ready(replace(deberta, teacher=Teacher(deberta.model, deberta.tokenizer, "d" * 64)))


def test_pooling_is_read_from_the_teachers_folder(taught, tmp_path):
    given = taught()
    modules = [{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"}]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    given.teacher.model.config._name_or_path = str(tmp_path)
    given.teacher.model.name_or_path = str(tmp_path)
    assert ready(given, pooling="").describe()["pooling"] == "cls"


@pytest.mark.parametrize(
    "options",
    [
        {"distance": "cosin"},
        {"pooling": "max"},
        {"whole_lines": 2},
        {"word_lists": 1},
        {"relational": -1},
        {"hidden": -1},
    ],
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(SettingError):
        get_objective("distill", options)


@pytest.mark.parametrize("options", [{}, {"hidden": 0.0}, {"distance": "mse"}, {"relational": 0.0}])
def test_a_batch_of_cut_texts_only_has_the_loss_zero(options, taught):
    given = taught()
    task = ready(given, **options)
    batch = task.collate(windows_of(given, task))
    batch["complete"] = torch.zeros_like(batch["complete"])
    loss = task.loss(given.model, batch)
    assert loss.item() == 0
    loss.backward()
    assert all(p.grad.eq(0).all() for p in given.model.parameters() if p.grad is not None)
