"""The layout of a run folder: the name of every file that monoglot writes, who writes it and who reads it.

The output ``OUT`` of ``specialize`` is a Hugging Face folder; the records of the run are in it::

    OUT/
    ├── config.json, model.safetensors, tokenizer.json, …   the model: files of `model` or `adapted`
    ├── README.md                                           `card`
    └── monoglot/                                           `home`
        ├── manifest.json                                   `manifest`
        ├── run.toml                                        `config`
        ├── measured.json                                   `measured`
        ├── report.html, figures/, evaluation.json          `page`, `figures`, `evaluation`
        └── <stage>/                                        one folder for each stage
            ├── stage.json, measured.json                   `record`, `measured`
            └── …                                           the files of the stage

A run works in ``OUT.partial``, which has the same layout and the folders of `work` beside ``monoglot``.
``OUT`` of ``compare`` has `comparison` and `curves` in the place of a model. Its stages, one set for each
variant, are named ``<variant>.<stage>`` (``focus.mixture``) and hold the same files as ``<stage>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath as Posix


@dataclass(frozen=True)
class Layout:
    """Names and relative paths of all files of a run folder; use the instance `LAYOUT`.

    A file of a stage is ``<stage>/<file>`` relative to `home`: readers of a finished run join it to
    ``OUT/monoglot``; a stage that writes it, or reads it from an earlier stage's folder, uses its ``.name``.
    """

    # Names in OUT (or OUT.partial).
    home: str = "monoglot"
    """The folder with everything below but the model, `card` and what ``compare`` found."""
    card: str = "README.md"
    """Model card. Written by ``report``; one that the user has changed is kept."""
    comparison: str = "comparison.json"
    """Scores of all variants. Written by ``compare``; read by the report, if it lies beside the model."""
    curves: str = "curves.svg"
    """Learning curves of all variants. Written by ``compare``; read by people."""

    # Names in OUT.partial only, removed when the run is published.
    checkpoints: str = "checkpoints"
    """Checkpoints of the training. Written and read by `monoglot.training.checkpoints` to resume."""
    probes: str = "probes"
    """Checkpoints of the training of each variant in ``compare``."""
    caches: str = "caches"
    """Outputs of the teacher, shared by variants with the same tokens in ``compare``."""
    students: str = "students"
    """Model of the variant that ``compare`` scores or trains at the moment."""

    # Names in home.
    manifest: str = "manifest.json"
    """Settings, hashes of inputs, versions, seed, keys of all stages. Written by `Run.publish`: a folder
    without it was not made by monoglot. Read by the report, ``push`` and ``--overwrite``."""
    measured: str = "measured.json"
    """Time, memory and command. Written by `Run.publish` for the run, beside `record` for a stage; read by
    the report. Of the files of two equal runs only these, and pages that show them, differ."""
    config: str = "run.toml"
    """What the run was given and all its settings, as ``--config`` reads them. Written by `Run.publish`; read
    by people, and to repeat the run."""
    page: str = "report.html"
    """The report. Written by ``report``, which ``specialize``, ``adapt`` and ``compare`` end with;
    read by people."""
    figures: str = "figures"
    """Folder of the report's drawings (``*.svg``, on request ``*.png``) and numbers (``*.csv``). Written
    by ``report``."""
    evaluation: str = "evaluation.json"
    """Quality and speed beside those of the source. Written by ``report --evaluate``; read by the report."""

    # Names in the folder of each stage, beside the stage's own files.
    record: str = "stage.json"
    """Key and hashes of the files of the stage. Written and read by `monoglot.run.stage` for reuse."""

    # Files of stages, relative to home.
    corpus: Posix = Posix("corpus/corpus.json")
    """Fingerprint and statistics of the corpus. Written by stage ``corpus``; read by later stages, report."""
    heldout: Posix = Posix("corpus/heldout.txt")
    """Held-out lines, each ended by a newline. Written by stage ``corpus``; read by ``trim``, scores,
    training (evaluation loss), ``compare`` and ``report --evaluate``."""
    usage: Posix = Posix("usage/counts.npy")
    """How often each part of the corpus uses each source token, int64 ``[parts, source]``. Written by stage
    ``usage`` (modes ``trim``, ``graft``); read by stages ``tokenizer`` and ``scores`` and by the report."""
    language: Posix = Posix("language")
    """Tokenizer of the language alone (mode ``extend``): the folder of stage ``language``; its tokens are
    added to the source's by stage ``tokenizer``."""
    tokenizer: Posix = Posix("tokenizer")
    """Target tokenizer: the folder of stage ``tokenizer``, as `transformers` saves it. Read by all later
    stages."""
    source_ids: Posix = Posix("tokenizer/source_ids.npy")
    """Source id of each of the first target ids, int64, where source tokens are kept (modes ``trim``,
    ``extend``, ``graft``). Written by stage ``tokenizer``; read by ``overlap``, ``proof``, ``scores`` and
    the report."""
    new_tokens: Posix = Posix("tokenizer/new_tokens.json")
    """New tokens of a graft, each with how often the text has it and how many tokens it saves (mode
    ``graft``). Written by stage ``tokenizer``; read by the report."""
    language_tokens: Posix = Posix("tokenizer/language_tokens.json")
    """Tokens that were kept though the text does not use them (``--language-tokens``, ``--keep-script``), the
    best first, and the scripts of the text. Written by stage ``tokenizer``; read by people."""
    reasons: Posix = Posix("tokenizer/reasons.npy")
    """Why each of the first target ids was kept, uint8 (`Reason`), where source tokens are chosen (modes
    ``trim``, ``graft``). Written by stage ``tokenizer``; read by ``explain``."""
    kept: Posix = Posix("tokenizer/kept.json")
    """Texts and tokens that were kept whatever the corpus, and why. Written by stage ``tokenizer``; read for
    the manifest, the summary and the report."""
    ids: Posix = Posix("tokens/ids.npy")
    """Token ids of the corpus, memory-mapped. Written by stages ``tokens`` and ``language-tokens`` and
    ``compare``'s ``probe-tokens`` (`TokenizedCorpus`); read by stages ``vectors`` and ``adapted``, report."""
    offsets: Posix = Posix("tokens/offsets.npy")
    """Where each line begins in `ids`, int64. Written last, so that `ids` without it is incomplete."""
    overlap: Posix = Posix("overlap/overlap.safetensors")
    """Tokens of both vocabularies (`Overlap`). Written by stage ``overlap``; read by ``mixture``, report."""
    vectors: Posix = Posix("vectors/vectors.safetensors")
    """Auxiliary token vectors (`TokenVectors`). Written by stage ``vectors``; read by ``mixture``, report."""
    mixture: Posix = Posix("mixture/mixture.safetensors")
    """Weights over source rows and provenance of each target row (`Mixture`). Written by stage ``mixture``;
    read by stages ``model``, ``scores``, ``adapted``, a later ``adapt``, and the report."""
    anchors: Posix = Posix("mixture/anchors.json")
    """Quality of the anchors, for methods that use some. Written by stage ``mixture``; read by stage
    ``scores`` and the report."""
    model: Posix = Posix("model")
    """Transplanted model: the folder of stage ``model``. Its files are moved to ``OUT``, unless the model is
    trained in the same run: then they stay, as the start of stage ``adapted``."""
    scores: Posix = Posix("scores/scores.json")
    """Size and fit of the vocabulary before and after (`Scores`). Written by stage ``scores``; read by the
    summary and the report. ``compare`` writes one for each variant and seed, by ``start`` and ``probe-N``."""
    proof: Posix = Posix("proof/proof.json")
    """Result of the equivalence check (modes ``trim``, ``extend``). Written by stage ``proof``; read for the
    manifest and the summary."""
    quality: Posix = Posix("quality/quality.json")
    """Scores of the finished model and its original on some held-out lines (`Quality`). Written by stage
    ``quality`` of ``specialize`` and ``adapt``; read for the manifest, the summary and the report."""
    adapted: Posix = Posix("adapted")
    """Trained model: the folder of stage ``adapted``. Its files are moved to ``OUT``."""
    metrics: Posix = Posix("training/metrics.jsonl")
    """Loss and scores by step, one JSON object a line. Written by stage ``training`` (and in ``compare`` by
    ``probe-N``) from `checkpoints`; read by the summary and the report."""
    training: Posix = Posix("training/training.json")
    """Steps, tokens, warnings of the training. Written by stage ``training``; read by the same."""
    probe_text: Posix = Posix("probe-text/text.txt")
    """Lines that ``compare`` trains all variants on. Written by its stage ``probe-text``; read by probes."""

    @property
    def work(self) -> tuple[str, ...]:
        """Folders of ``OUT.partial`` beside `home`, in which a run works."""
        return self.checkpoints, self.probes, self.caches, self.students


LAYOUT = Layout()
