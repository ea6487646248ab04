"""`push`, against a hub that only remembers what it was asked."""

from typing import ClassVar

import pytest
from huggingface_hub.errors import LocalTokenNotFoundError

from monoglot.cli import main
from monoglot.pipeline import push as module
from monoglot.pipeline.push import push


class Hub:
    """Stands in for the hub's client: keeps what would be sent."""

    repositories: ClassVar[dict] = {}

    def create_repo(self, name, *, private, exist_ok):
        assert exist_ok
        self.repositories[name] = {"private": private}
        return f"https://hub.example/{name}"

    def upload_folder(self, *, repo_id, folder_path, allow_patterns, commit_message):
        self.repositories[repo_id]["files"] = allow_patterns


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setattr(Hub, "repositories", {})
    monkeypatch.setattr(module, "HfApi", Hub)
    return Hub


@pytest.fixture
def output(tmp_path):
    """A folder as a run leaves it, as far as `push` looks at it."""
    folder = tmp_path / "out"
    for name in ("config.json", "model.safetensors", "README.md", "1_Pooling/config.json", ".cache/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    (folder / "modules.json").write_text('[{"type": "x.Pooling", "path": "1_Pooling"}]')
    for name in ("manifest.json", "corpus/heldout.txt", "report.html"):
        (folder / "monoglot" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "monoglot" / name).write_text("{}")
    return folder


def test_the_model_is_published_and_the_users_text_is_not(hub, output):
    pushed = push(output, "somebody/german", progress=True)
    sent = hub.repositories["somebody/german"]
    assert sent == {
        "private": True,
        "files": ["1_Pooling/config.json", "README.md", "config.json", "model.safetensors", "modules.json"],
    }
    assert pushed.files == tuple(sent["files"])
    assert pushed.private


def test_each_file_is_said_in_a_line_of_its_own_before_it_is_sent(hub, output, capsys):
    (output / "notes\x1b[2J\n.txt").write_text("mine")
    push(output, "somebody/german", progress=True)
    said = capsys.readouterr().err.splitlines()
    assert "To somebody/german (private):" in said[0]
    assert [line.split()[1] for line in said[1:6]] == hub.repositories["somebody/german"]["files"]
    assert len(said) == 7
    assert "left out:" in said[6]
    assert "notes\\x1b[2J\\n.txt" in said[6]


def test_public_only_when_asked(hub, output, capsys):
    assert main(["push", str(output), "somebody/german", "--public"]) == 0
    assert not hub.repositories["somebody/german"]["private"]
    assert "https://hub.example/somebody/german (public): 5 files" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["german", "somebody/german/x", "https://hub/x"])
def test_a_wrong_name_is_refused(hub, output, name, capsys):
    assert main(["push", str(output), name]) == 2
    assert "give owner/model" in capsys.readouterr().err
    assert not hub.repositories


def test_a_folder_of_others_is_refused(hub, tmp_path, capsys):
    assert main(["push", str(tmp_path), "somebody/german"]) == 2
    assert "was not made by monoglot" in capsys.readouterr().err


def test_somebody_who_has_not_logged_in_is_told_how(hub, output, capsys, monkeypatch):
    def refuse(*_, **__):
        raise LocalTokenNotFoundError("no token")

    monkeypatch.setattr(Hub, "create_repo", refuse)
    assert main(["push", str(output), "somebody/german"]) == 2
    assert "hf auth login" in capsys.readouterr().err


def test_what_is_no_file_of_a_model_stays_and_is_named(hub, output, tmp_path, capsys):
    strange = [
        ".env", "id_rsa", "server.pem", "training_args.bin", "corpus.txt", "checkpoint-5/model.safetensors",
        "notes/config.json", "own_code.py", "model.pt", "tokenizer.json.bak",
    ]  # fmt: skip
    for name in strange:
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text("secret")
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (output / "LICENSE").symlink_to(secret)
    (output / "modules.json").write_text(
        '[{"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]'
    )
    (output / "additional_chat_templates").mkdir()
    (output / "additional_chat_templates" / "tools.jinja").write_text("{{ messages }}")
    assert main(["push", str(output), "somebody/german"]) == 0
    sent = hub.repositories["somebody/german"]["files"]
    assert sorted(sent) == [
        "1_Pooling/config.json", "README.md", "additional_chat_templates/tools.jinja", "config.json",
        "model.safetensors", "modules.json",
    ]  # fmt: skip
    said = capsys.readouterr()
    assert "To somebody/german (private):" in said.err
    assert "config.json (2 bytes)" in said.err
    for name in (*strange, "LICENSE"):
        assert name in said.err
        assert name in said.out


def test_code_goes_along_if_the_configuration_names_it(hub, output):
    (output / "own_code.py").write_text("x = 1")
    (output / "config.json").write_text('{"auto_map": {"AutoModel": "own_code.Own"}}')
    assert "own_code.py" in push(output, "somebody/german").files


def test_a_dry_run_lists_everything_and_sends_nothing(hub, output, capsys):
    (output / "notes.txt").write_text("mine")
    (output / "README.md").write_text("---\nlicense: mit\n---\n")
    assert main(["push", str(output), "somebody/german", "--dry-run"]) == 0
    assert not hub.repositories
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == (
        "Nothing was sent. To https://huggingface.co/somebody/german (private) would go 5 files, 0.0 MB:"
    )
    size = (output / "modules.json").stat().st_size
    assert lines[1] == "  1_Pooling/config.json (2 bytes)"
    assert f"  modules.json ({size} bytes)" in lines
    assert lines[-1] == "left out: .cache/x, notes.txt"
    assert said.err == ""
    pushed = push(output, "somebody/german", dry_run=True, public=True)
    assert (pushed.dry_run, pushed.private) == (True, False)
    assert pushed.rows()[0] == {"file": "1_Pooling/config.json", "was": "would be sent", "bytes": 2}


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("license: apache-2.0", None),
        ("license: CC-BY-4.0", None),
        ("license: gemma", "is gemma, which is not known to allow publishing a changed model"),
        ("license: cc-by-nd-4.0", "is cc-by-nd-4.0, which is not known"),
        ("license: other", "is other, which is not known"),
        ("library_name: transformers", "names no license"),
        ("license: unknown", "names no license"),
    ],
)
def test_a_license_that_may_not_allow_it_is_warned_of(hub, output, head, said, caplog):
    (output / "README.md").write_text(f"---\n{head}\n---\n\n# Card\n")
    pushed = push(output, "somebody/german", dry_run=True)
    assert (len(pushed.warnings), len(caplog.messages)) == ((1, 1) if said else (0, 0))
    if said:
        assert said in pushed.warnings[0] == caplog.messages[0]
        assert f"{output / 'README.md'}" in pushed.warnings[0]
        assert "license:" in pushed.warnings[0]
