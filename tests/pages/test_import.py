"""The Import page: a file is looked at, imported, taken back; what may not be read is refused; text stays text."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from pages.components.importing import draft
from tests.pages.conftest import OpenPage, view_text, view_texts
from tests.pages.import_page import (
    allowed,  # noqa: F401
    button,
    datasets,
    lines,
    opened,
)
from tests.pages.projects import HOSTILE, write_rows


def test_without_a_file_it_lists_what_there_is(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    lines(tmp_path)
    (tmp_path / "notes.txt").write_text("no data")
    app = opened(open_page, project, tmp_path)
    text = view_text(app)
    assert "rows.jsonl" in text
    assert "JSON lines" in text
    assert "notes.txt" not in text
    assert not [item for item in app.button if item.key == "import-go"]


def test_a_file_is_previewed_and_waits_for_its_domain(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    app = opened(open_page, project, lines(tmp_path))
    texts = view_texts(app)
    at = texts.index("Will import")
    assert texts[at - 2 : at + 3] == [
        "22",
        f"{(tmp_path / 'rows.jsonl').stat().st_size / 1000:.1f} kB, JSON, one record per line",
        "Will import",
        "20",
        "90.9 %",
    ]
    assert "user · instruction, blank line, input" in texts
    assert "assistant · scored · 3 words" in texts
    assert button(app, "import-go").label == "Import 20 rows"
    assert button(app, "import-go").disabled
    assert "--domain NAME" in app.code[0].value


def test_the_next_file_begins_with_first_values_in_the_browser_too(
    open_page: OpenPage, project: Project, tmp_path: Path
) -> None:
    app = opened(open_page, project, lines(tmp_path))
    assert app.selectbox(key=draft.FORMAT).options[0] == "Alpaca (detected)"
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "r"}]
    (tmp_path / "chat.jsonl").write_text(json.dumps({"messages": turns}))
    app.selectbox(key=draft.FORMAT).select("text").run()
    app.selectbox(key=draft.ENCODING).select("cp1252").run()
    app.text_input(key=draft.NAME).input("mine").run()
    assert "--name mine" in app.code[0].value
    app.text_input(key=draft.PATH).input(str(tmp_path / "chat.jsonl")).run()
    assert not any(word in app.code[0].value for word in ("--name", "--format", "--encoding")), app.code[0].value
    # Without a new value the browser goes on to show what was set for the file before.
    picker, encoding = app.selectbox(key=draft.FORMAT).proto, app.selectbox(key=draft.ENCODING).proto
    assert (picker.set_value, picker.raw_value) == (True, "OpenAI messages (detected)")
    assert (encoding.set_value, encoding.raw_value) == (True, "auto")
    name = app.text_input(key=draft.NAME).proto
    assert (name.set_value, name.value) == (True, "")


def test_no_known_format_says_where_columns_are_chosen(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("Frage,Antwort\nq,r\n")
    app = opened(open_page, project, tmp_path / "sheet.csv")
    assert "On this page, `--map` is **Columns**." in app.error[0].value


def test_a_preview_shows_reasoning_and_says_which_side_of_a_pair_is_scored(
    open_page: OpenPage, project: Project, tmp_path: Path
) -> None:
    said = [{"role": "assistant", "content": "First."}, {"role": "user", "content": "And?"}]
    row = {
        "prompt": [{"role": "user", "content": "Which?"}, *said],
        "chosen": [{"role": "assistant", "content": "This one.", "reasoning": "Hm, which."}],
        "rejected": [{"role": "assistant", "content": "That one."}],
    }
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    texts = view_texts(opened(open_page, project, path))
    assert "assistant · before both answers, not scored" in texts
    assert "assistant · scored · 2 words" in texts
    assert "assistant · rejected answer, not scored yet" in texts
    assert texts[texts.index("reasoning") + 1] == "Hm, which."


def test_import_shows_what_happened_and_can_be_undone(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    app = opened(open_page, project, lines(tmp_path), **{draft.DOMAIN: "math"})
    # A long path stands on a line of its own.
    assert f"lobass import {tmp_path / 'rows.jsonl'}" in app.code[0].value.replace("\\\n  ", "")
    assert "--domain math" in app.code[0].value.replace("\\\n", "")
    button(app, "import-go").click().run()
    assert not app.exception
    assert datasets(project) == [("rows", 20, 2)]
    texts = view_texts(app)
    assert texts[texts.index("Imported") + 1] == "20"
    assert "'output' is missing" in texts
    assert "the file ends in the middle of this record" in texts
    button(app, "import-undo").click().run()
    assert datasets(project) == []
    assert button(app, "import-go").label == "Import 20 rows"


def test_the_same_file_again_says_so(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    path = lines(tmp_path)
    app = opened(open_page, project, path, **{draft.DOMAIN: "math"})
    button(app, "import-go").click().run()
    button(app, "import-another").click().run()
    app.text_input[0].set_value(str(path)).run()
    assert "Every row is already in the project." in view_texts(app)
    # The domain of the last file says nothing about the next one.
    assert button(app, "import-go").disabled
    next(item for item in app.selectbox if item.key == draft.DOMAIN).set_value("math").run()
    button(app, "import-go").click().run()
    assert "Already imported" in view_texts(app)
    assert datasets(project) == [("rows", 20, 2)]
    assert not [item for item in app.button if item.key == "import-undo"]


def test_a_domain_from_a_field(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    app = opened(
        open_page, project, lines(tmp_path, tail=""), **{draft.DOMAIN_HOW: draft.A_FIELD, draft.COLUMN: "kind"}
    )
    texts = view_texts(app)
    assert texts[texts.index("k0") + 1] == "10"
    assert "--domain-column kind" in app.code[0].value
    button(app, "import-go").click().run()
    assert datasets(project) == [("rows", 20, 0)]


def test_rejected_rows_can_be_looked_at(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    app = opened(open_page, project, lines(tmp_path), **{draft.PICK: "Rejected"})
    assert "'output' is missing." in view_text(app).replace("'Output", "'output")
    assert "row 20 of 22" in view_texts(app)


def test_columns_by_hand(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("ask,say\n2+2?,4\nHi?,Hello there\n", encoding="utf-8")
    app = opened(open_page, project, path)
    assert app.error[0].proto.title.replace("\\", "").startswith("No known format fits its fields")
    assert not [item for item in app.button if item.key == "import-go"]
    # The mapping stands open beside the sentence, and choosing in it is enough.
    offered = {item.key: item for item in app.selectbox}
    assert list(offered[draft.mapping_key("prompt")].options) == ["ask", "say"]
    offered[draft.mapping_key("prompt")].set_value("ask")
    offered[draft.mapping_key("response")].set_value("say")
    app.run()
    assert not app.error
    assert button(app, "import-go").label == "Import 2 rows"
    chosen = {draft.mapping_key("prompt"): "ask", draft.mapping_key("response"): "say", draft.DOMAIN: "talk"}
    app = opened(open_page, project, path, **chosen)
    assert "--map prompt=ask,response=say" in app.code[0].value
    button(app, "import-go").click().run()
    assert datasets(project) == [("table", 2, 0)]


def test_an_unknown_speaker_gets_a_role(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text(
        '{"conversations": [{"from": "human", "value": "q1"}, {"from": "gpt4", "value": "a1"}]}\n'
        '{"conversations": [{"from": "human", "value": "q2"}, {"from": "gpt", "value": "a2"}]}\n'
    )
    app = opened(open_page, project, path, **{draft.DOMAIN: "talk"})
    assert button(app, "import-go").label == "Import 1 rows"
    next(item for item in app.selectbox if item.key == draft.role_key("gpt4")).set_value("assistant").run()
    assert not app.exception
    assert button(app, "import-go").label == "Import 2 rows"
    assert "--role gpt4=assistant" in app.code[0].value
    button(app, "import-go").click().run()
    assert datasets(project) == [("talk", 2, 0)]


def test_pictures_can_be_left_out(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl"
    path.write_text(
        '{"prompt": "<image>What?", "response": "A pier.", "images": ["a.png", "b.png"]}\n'
        '{"prompt": "Where?", "response": "At sea.", "images": []}\n'
    )
    app = opened(open_page, project, path, **{draft.DOMAIN: "talk"})
    assert button(app, "import-go").label == "Import 1 rows"
    next(item for item in app.checkbox if item.key == draft.TEXT_ONLY).check().run()
    assert button(app, "import-go").label == "Import 2 rows"
    assert "2 images will be left out." in view_texts(app)
    assert "--text-only" in app.code[0].value
    button(app, "import-go").click().run()
    assert datasets(project) == [("seen", 2, 0)]


def test_lines_above_the_header_can_be_skipped(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("My export\n\nprompt,response\n2+2?,4\nHi?,Hello\n", encoding="utf-8")
    app = opened(open_page, project, path, **{draft.DOMAIN: "talk"})
    assert "2 lines are above the header" in app.error[0].proto.title.replace("\\", "")
    app.text_input(key=f"{draft.SKIP_LINES}.typed").set_value("2").run()
    assert not app.error
    assert "--skip-lines 2" in app.code[0].value
    assert button(app, "import-go").label == "Import 2 rows"


def test_one_list_of_several(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    path = tmp_path / "splits.json"
    path.write_text(
        '{"train": [{"prompt": "a", "response": "b"}, {"prompt": "c", "response": "d"}],'
        ' "test": [{"prompt": "e", "response": "f"}]}'
    )
    app = opened(open_page, project, path, **{draft.DOMAIN: "talk"})
    assert button(app, "import-go").label == "Import 3 rows"
    next(item for item in app.text_input if item.key == draft.ROW_LIST).set_value("test").run()
    assert button(app, "import-go").label == "Import 1 rows"
    assert "--list test" in app.code[0].value


@pytest.mark.parametrize("name", ["missing.jsonl", "empty.jsonl", "prose.txt"])
def test_files_that_cannot_be_read_say_why(open_page: OpenPage, project: Project, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "prose.txt").write_text("Once upon a time")
    app = opened(open_page, project, tmp_path / name)
    assert len(app.error) == 1
    assert str(tmp_path / name) in app.error[0].value


def test_hostile_text_stays_text(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    app = opened(open_page, project, write_rows(tmp_path / "x.json", 3, "math", hostile=True))
    text = view_text(app)
    assert "<script>document.title = 'owned'</script> **bold** $\\frac{1}{0}$" in text
    assert "U+202E" in text
    assert "U+0000" in text
    assert not any(HOSTILE[:20] in item.value for item in app.markdown)


HOLD = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(60)"


def test_a_store_in_use_still_allows_a_preview(
    open_page: OpenPage, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Project.store
    monkeypatch.setattr(Project, "store", lambda self, **_: lease(self, wait_seconds=0.2))
    path = lines(tmp_path)
    release(project.store_path)
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(project.store_path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        app = open_page(project.root, "import_data", state={draft.PATH: str(path), draft.DOMAIN: "math"})
        assert not app.exception
        texts = view_texts(app)
        assert texts[texts.index("Seen before") + 1 : texts.index("Seen before") + 3] == [
            "–",
            "the project is in use elsewhere",
        ]
        button(app, "import-go").click().run()
        assert app.warning[0].proto.title == "The project is in use elsewhere"
        assert f"PID {holder.pid}" in app.warning[0].value
    finally:
        holder.kill()
        holder.wait()


def test_a_folder_becomes_one_dataset(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for number in (1, 2):
        lines(tmp_path, 2 * number).rename(folder / f"part-{number}.jsonl")
    app = opened(open_page, project, folder)
    button(app, "import-whole").click().run()
    assert app.session_state[draft.WHOLE] == str(folder)
    app = opened(open_page, project, folder, **{draft.WHOLE: str(folder), draft.DOMAIN: "math"})
    assert "2 files as one dataset" in view_text(app)
    assert "In part-1.jsonl, line 1" in view_text(app)
    button(app, "import-go").click().run()
    assert not app.exception
    assert datasets(project) == [("set", 6, 4)]
    assert "part-2.jsonl" in view_text(app)


def test_a_split_that_is_not_there_can_be_mended(open_page: OpenPage, project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    lines(tmp_path).rename(folder / "train.jsonl")
    app = opened(open_page, project, folder, **{draft.WHOLE: str(folder), draft.SPLIT: "tain"})
    assert "The splits are train" in app.error[0].value
    next(item for item in app.text_input if item.key == draft.SPLIT).set_value("train").run()
    assert "Add 0" in view_text(app)
