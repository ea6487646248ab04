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
