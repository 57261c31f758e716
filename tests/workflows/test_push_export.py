"""An export goes to the Hub in one commit, private, and never over other content; a local stand-in answers."""

import json
import sys
from pathlib import Path

import huggingface_hub.constants
import pytest

from lobass_core.cli.main import main
from lobass_core.errors import ExportError, RequestError
from lobass_core.specs import ExportSpec
from lobass_core.workflows.export import export
from lobass_core.workflows.push_export import look_at_target, push
from tests.scored_files import import_and_score, select_all, write_jsonl
from tests.workflows.fake_hub_writes import Repository, writable_hub

ROWS = [{"prompt": f"{n}?", "completion": f"{n}!"} for n in range(4)]


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with writable_hub() as served:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", served.endpoint)
        address = served.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", address)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", served.token)
        yield served


@pytest.fixture
def scored(project, tmp_path):
    import_and_score(project, (write_jsonl(tmp_path / "rows.jsonl", ROWS), "d"))
    select_all(project)
    return project


def _export(project, to: Path, format: str = "huggingface", **more):
    return export(project, ExportSpec(selection="all", to=str(to), format=format, check=False, **more))  # type: ignore[arg-type]


def _look(repo_id: str, format: str = "huggingface", *, public: bool = False, replace: bool = False):
    return look_at_target(repo_id, "all", format, public=public, replace=replace)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_hub_holds_the_files_of_the_export_and_is_private(scored, tmp_path, hub):
    target = _look("org/best")
    receipt = _export(scored, tmp_path / "out")
    assert push(target, receipt) == f"{hub.endpoint}/datasets/org/best"
    made = hub.datasets["org/best"]
    assert made.private and made.commits == ["4 rows of selection all, selected with LoBaSS"]
    assert made.files == {".gitattributes": b"", **_bytes(tmp_path / "out")}
    assert set(hub.large.values()) == {made.files["data/train.parquet"], made.files["scores/train.parquet"]}


def test_a_later_export_of_the_selection_takes_its_place_whole(scored, tmp_path, hub):
    push(_look("org/best"), _export(scored, tmp_path / "out", with_dropped=True))
    again = _look("org/best")
    push(again, _export(scored, tmp_path / "out"))
    assert hub.datasets["org/best"].files == {".gitattributes": b"", **_bytes(tmp_path / "out")}
    assert len(hub.datasets["org/best"].commits) == 2
    push(_look("org/best"), _export(scored, tmp_path / "out"))
    assert len(hub.datasets["org/best"].commits) == 2


def test_other_content_is_replaced_only_when_that_is_said(scored, tmp_path, hub):
    hub.datasets["org/thesis"] = Repository(True, {".gitattributes": b"", "chapter.tex": b"years of work"})
    with pytest.raises(
        ExportError, match=r"contains other files \(org/thesis\)\. Push to another name, or use --replace"
    ):
        _look("org/thesis")
    push(_look("org/best"), _export(scored, tmp_path / "out"))
    with pytest.raises(ExportError, match="contains another export"):
        _look("org/best", "trl")
    hub.datasets["org/best"].files["notes.md"] = b"mine"
    with pytest.raises(ExportError, match=r"also contains notes\.md"):
        _look("org/best")
    push(_look("org/best", "trl", replace=True), _export(scored, tmp_path / "trl", "trl"))
    assert hub.datasets["org/best"].files == {".gitattributes": b"", **_bytes(tmp_path / "trl")}


def test_nobody_else_reads_what_should_be_private(hub):
    hub.datasets |= {"org/open": Repository(False), "org/closed": Repository(True)}
    with pytest.raises(ExportError, match=r"is public \(org/open\)\. Use --public to make these rows public"):
        _look("org/open")
    with pytest.raises(ExportError, match="is private"):
        _look("org/closed", public=True)
    assert _look("org/open", public=True).is_public and not _look("org/closed").is_public


def test_refusals_of_the_hub_are_sentences(scored, tmp_path, hub, monkeypatch):
    receipt = _export(scored, tmp_path / "out")
    with pytest.raises(RequestError, match="'best' is not the name of a dataset"):
        _look("best")
    with pytest.raises(
        ExportError, match=r"has no write access to this dataset \(other/best\)\. .* The export is in .*out"
    ):
        push(_look("other/best"), receipt)
    target = _look("org/best")
    push(target, receipt)
    later = _look("org/best")
    hub.moves_on = True
    with pytest.raises(ExportError, match="changed in the meantime"):
        push(later, _export(scored, tmp_path / "out", license="mit"))
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(ExportError, match=r"does not accept the token .*Set HF_TOKEN"):
        _look("org/best")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(ExportError, match="needs a token"):
        _look("org/best")


def test_a_card_that_the_hub_refuses(scored, tmp_path, hub):
    target = _look("org/best")
    with pytest.raises(ExportError, match=r"the Hub refused the push: .*license is not known"):
        push(target, _export(scored, tmp_path / "out", license="made-up"))
    assert hub.datasets["org/best"].commits == []


def test_without_a_connection_it_says_so(hub, monkeypatch):
    with monkeypatch.context() as offline:
        offline.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(ExportError, match="HF_HUB_OFFLINE is set"):
            _look("org/best")
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ExportError, match=r"the request to the Hub failed: .*org/best on http://127\.0\.0\.1:9"):
        _look("org/best")


def test_the_command(scored, tmp_path, hub, monkeypatch, capsys):
    words = ["lobass", "export", "--project", str(scored.root), "--selection", "all", "--to", str(tmp_path / "out")]

    def code(*more: str) -> int:
        monkeypatch.setattr(sys, "argv", [*words, "--no-check", *more])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    assert code("--push", "org/best", "--public") == 0
    assert f"{hub.endpoint}/datasets/org/best" in capsys.readouterr().out
    assert not hub.datasets["org/best"].private
    assert hub.datasets["org/best"].files["train.jsonl"] == (tmp_path / "out" / "train.jsonl").read_bytes()
    assert code("--public") == 2
    assert "--public applies only to" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [*words[:4], "--to", words[-1], "--replay", f"{words[-1]}/manifest.json"])
    sys.argv += ["--push", "org/again", "--json"]
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out)["pushed_to"] == f"{hub.endpoint}/datasets/org/again"
