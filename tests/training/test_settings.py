"""Settings that are left to the objective."""

from monoglot.training.registry import get_objective
from monoglot.training.settings import Recipe, TrainingSettings


def test_what_is_not_given_is_the_objectives():
    distill = get_objective("distill").recipe(copies_known=False)
    filled = TrainingSettings(learning_rate=3e-3).filled(distill)
    assert (filled.batch_tokens, filled.learning_rate, filled.decay) == (1024, 3e-3, "linear")
    assert filled.rate_of_embeddings == 2e-4
    assert filled.filled(Recipe()) == filled
    assert filled.recipe == Recipe(1024, 3e-3, 2e-4, "linear")


def test_most_objectives_train_as_the_paper_does():
    for name in ("mlm", "clm", "span", "distill-hidden"):
        filled = TrainingSettings().filled(get_objective(name).recipe(copies_known=True))
        assert (filled.batch_tokens, filled.learning_rate, filled.decay) == (8192, 5e-5, "constant"), name
        assert filled.recipe == TrainingSettings().recipe == Recipe()


def test_what_was_copied_is_kept_in_a_distillation_where_that_is_known():
    known, unknown = (TrainingSettings().filled(get_objective("distill").recipe(copies_known=known))
                      for known in (True, False))  # fmt: skip
    assert (known.schedule, unknown.schedule) == ("keep-copied", "all")
    assert known.rate_of_embeddings > unknown.rate_of_embeddings  # new rows have more to learn
    assert TrainingSettings(schedule="all").filled(known.recipe).schedule == "all"


def test_embeddings_learn_faster_when_the_body_waits():
    assert TrainingSettings(learning_rate=1e-5).rate_of_embeddings == 1e-5
    assert TrainingSettings(schedule="embeddings-first").rate_of_embeddings == 1e-3
