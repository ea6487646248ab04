import pytest
import torch

from monoglot.evaluation.task_heads import LEAST_DEVIATION, load_with_head, standardize_inputs
from monoglot.model.tokenizer_folder import load_tokenizer

TEXTS = ["Das Gesetz gilt im ganzen Land", "Recht", "Die Behörde und der Bund", "Verordnung des Landes"]


def given_to(layer, model, batch):
    """What a layer takes, once all hooks have seen it."""
    seen = []
    hook = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    with torch.no_grad():
        model.eval()(**batch)
    hook.remove()
    return seen[0]


@pytest.mark.parametrize(
    ("family", "head", "layer"),
    [
        ("xlm-roberta", "AutoModelForTokenClassification", "classifier"),
        ("xlm-roberta", "AutoModelForSequenceClassification", "classifier.dense"),
        ("xlm-roberta", "AutoModelForQuestionAnswering", "qa_outputs"),
        ("gemma3", "AutoModelForSequenceClassification", "score"),
        ("bart", "AutoModelForSequenceClassification", "classification_head.dense"),
        ("t5", "AutoModelForTokenClassification", "classifier"),
    ],
)
def test_a_head_sees_hidden_states_from_their_middle(family, head, layer, tiny_folder):
    folder = tiny_folder(family)
    tokenizer = load_tokenizer(folder)
    model, new = load_with_head(folder, head, ["a", "b"], tokenizer)
    first = model.get_submodule(layer)
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    before = given_to(first, model, batch)
    standardize_inputs(model, new, batch)
    after = given_to(first, model, batch)
    if after.ndim == 3:
        before, after = before[batch["attention_mask"].bool()], after[batch["attention_mask"].bool()]
    assert torch.allclose(after.mean(dim=0), torch.zeros(after.shape[-1]), atol=1e-4)
    moved = before - before.mean(dim=0)
    deviation, size = moved.square().mean().sqrt(), before.square().mean().sqrt()
    assert torch.allclose(after, moved / max(deviation, LEAST_DEVIATION * size), atol=1e-4)
    if layer == "classifier":  # words differ enough, even for a model that was never trained
        assert deviation > LEAST_DEVIATION * size
        assert after.square().mean() == pytest.approx(1, rel=1e-4)


def test_the_model_and_its_mode_stay_what_they_were(xlm_r):
    tokenizer = load_tokenizer(xlm_r)
    model, new = load_with_head(xlm_r, "AutoModelForTokenClassification", ["a", "b"], tokenizer)
    before = {name: values.clone() for name, values in model.state_dict().items()}
    model.train()
    standardize_inputs(model, new, tokenizer(TEXTS, padding=True, return_tensors="pt"))
    assert model.training
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_head_that_came_with_the_model_is_left_alone(xlm_r):
    tokenizer = load_tokenizer(xlm_r)
    model, _ = load_with_head(xlm_r, "AutoModelForTokenClassification", ["a", "b"], tokenizer)
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    before = given_to(model.classifier, model, batch)
    standardize_inputs(model, frozenset(), batch)
    assert torch.equal(given_to(model.classifier, model, batch), before)
