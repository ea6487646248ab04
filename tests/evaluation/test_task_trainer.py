import numpy as np
import pytest

from monoglot.errors import SettingError
from monoglot.evaluation.heads import load_with_head
from monoglot.evaluation.settings import FineTuning
from monoglot.evaluation.task import Prepared
from monoglot.evaluation.task_trainer import TaskTrainer, by_length, task_arguments
from monoglot.model.tokenizer_folder import load_tokenizer


def rates(folder, tmp_path, **settings):
    """The learning rate and weight decay of each parameter under a new head."""
    model, new = load_with_head(
        folder, "AutoModelForSequenceClassification", ["a", "b"], load_tokenizer(folder)
    )
    tuning = FineTuning(learning_rate=1e-4, **settings)
    arguments = task_arguments(tuning, str(tmp_path), metric="accuracy", epochs=1, seed=1, outputs=2)
    trainer = TaskTrainer(
        model=model, args=arguments, eval_dataset=[], new=new, head_factor=tuning.head_factor
    )
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = trainer.create_optimizer().param_groups
    found = {named[id(p)]: (group["lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    assert set(found) == set(named.values())
    return found


def test_a_new_head_learns_faster_than_what_is_under_it(xlm_r, tmp_path):
    found = rates(xlm_r, tmp_path)
    assert found["classifier.dense.weight"] == (pytest.approx(1e-3), 0.01)
    assert found["classifier.out_proj.bias"] == (pytest.approx(1e-3), 0.0)
    body = {rate for name, (rate, _) in found.items() if not name.startswith("classifier.")}
    assert body == {1e-4}


def test_a_head_may_learn_as_fast_as_the_rest(xlm_r, tmp_path):
    assert {rate for rate, _ in rates(xlm_r, tmp_path, head_factor=1).values()} == {1e-4}


def test_a_factor_has_to_be_positive():
    with pytest.raises(SettingError, match="head_factor must be positive, was: 0"):
        FineTuning(head_factor=0)


@pytest.mark.parametrize("several", [False, True])
def test_judged_inputs_come_longest_first_and_their_outputs_are_put_back(several):
    seen = []
    features = [{"input_ids": [i] * length} for i, length in enumerate([3, 8, 1, 8, 5])]
    judged = by_length(Prepared(features, lambda outputs: seen.append(outputs) or {"right": 1.0}))
    assert [feature["input_ids"][0] for feature in judged.features] == [1, 3, 4, 0, 2]
    outputs = np.array([feature["input_ids"][0] for feature in judged.features])
    assert judged.score((outputs, outputs + 10) if several else outputs) == {"right": 1.0}
    restored = seen[0] if several else (seen[0],)
    assert [part.tolist() for part in restored] == [list(range(5)), list(range(10, 15))][: 1 + several]
