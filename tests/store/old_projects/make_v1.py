"""What project-v1.tar.xz holds and how it was made: run once with the program of commit 7975886, never again.

    PYTHONPATH=$PWD python tests/store/old_projects/make_v1.py /tmp/lobass-v1

It filled a project through the program's own doors, wrote down in facts.json what that program read back from it, and
packed both. The two models are those of `tests.models.tiny_llama` with seeds 0 and 1; the weights of the trained folds
are left out of the archive.
"""

import json
import re
import shutil
import sys
import tarfile
import time
from pathlib import Path

from lobass_core.demo_data.sample_rows import sample_rows
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.specs import (
    ExportSpec,
    Gates,
    ImportSpec,
    ModelSpec,
    RenderSpec,
    ScoreSpec,
    SelectionSpec,
    TrainReferenceSpec,
)
from lobass_core.store import decisions, exports, scorings
from lobass_core.store import selections as saved
from lobass_core.store.connection import Store, release
from lobass_core.workflows import decide, select
from lobass_core.workflows.export import export
from lobass_core.workflows.import_data import import_file, undo_import
from lobass_core.workflows.references import score_spec
from lobass_core.workflows.refine import refine
from lobass_core.workflows.score import prepare_run, score
from lobass_core.workflows.train_reference import train_reference
from tests.models import tiny_llama

WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Wick"}'}}


def turn(role: str, content: str | None, **more: object) -> dict:
    """One message of a record."""
    return {"role": role, "content": content, **more}


def conversation() -> list[dict]:
    """20 rows of the demo in Alpaca's fields, two of them twice."""
    rows = [
        {"instruction": row.exchange.instruction, "input": row.exchange.input, "output": row.exchange.response}
        for row in sample_rows("conversation", 0)[:20]
    ]
    return [*rows, rows[3], rows[11]]


def math() -> list[dict]:
    """16 rows of the demo as questions and answers, one of a conversation's texts, and two answers that are numbers."""
    rows = [{"question": row.exchange.prompt, "answer": row.exchange.response} for row in sample_rows("math", 0)[:16]]
    return [
        *rows,
        {"question": "What does a pen cost in pounds, written with pence?", "answer": "NUMBER 3.10"},
        {"question": "How many legs have eight hens?", "answer": "NUMBER 16"},
    ]


def chats() -> list[dict]:
    """Several turns, a system prompt, tools and their calls, a weight, reasoning beside the answer, unusual text."""
    island = [turn("user", "Name an island."), turn("assistant", "Foula.", reasoning_content="A small one, far out.")]
    other = [turn("user", "Name an island."), turn("assistant", "Foula.", reasoning_content="Shetland has many.")]
    return [
        {
            "messages": [
                turn("system", "You answer in one sentence."),
                turn("user", "When does the ferry leave?"),
                turn("assistant", "The ferry leaves at nine."),
                turn("user", "And on Sundays?"),
                turn("assistant", "On Sundays it leaves at ten."),
            ],
            "id": 7,
        },
        {
            "messages": [
                turn("user", "What is the weather in Wick?"),
                turn("assistant", None, tool_calls=[CALL]),
                turn("tool", '{"sky": "rain"}', tool_call_id="call_1", name="get_weather"),
                turn("assistant", "It is raining in Wick."),
            ],
            "tools": [WEATHER],
        },
        {
            "messages": [
                turn("user", "Say one."),
                turn("assistant", "Two.", weight=0),
                turn("user", "No, one."),
                turn("assistant", "One."),
            ]
        },
        {"messages": island},
        {"messages": other},
        {"messages": [turn("user", "Grüße auf Griechisch?"), turn("assistant", "Γειά σου, 你好 🙂")]},
        {"messages": [turn("user", "Cut off \ud83d here"), turn("assistant", "Half an emoji \ud83d stays.")]},
    ]


def pairs() -> list[dict]:
    """Preference pairs, one of several turns; the domain stands in a column."""
    return [
        {"prompt": "Is 7 a prime?", "chosen": "Yes, 7 is a prime.", "rejected": "No.", "kind": "math"},
        {"prompt": "Greet me.", "chosen": "Good morning to you.", "rejected": "What?", "kind": "manners"},
        {
            "prompt": [turn("user", "Hello"), turn("assistant", "Hello."), turn("user", "How are you?")],
            "chosen": [turn("assistant", "Well, and you?")],
            "rejected": [turn("assistant", "I am a program.")],
            "kind": "manners",
        },
        {"prompt": "Add 2 and 2.", "chosen": "2 + 2 = 4", "rejected": "2 + 2 = 5", "kind": "math"},
    ]


def write(path: Path, rows: list[dict], *broken: str) -> str:
    """The rows one a line, the broken ones after the second; "NUMBER 3.10" becomes a bare 3.10."""
    lines = [re.sub(r'"NUMBER ([\d.]+)"', r"\1", json.dumps(row)) for row in rows]
    path.write_text("\n".join([*lines[:2], *broken, *lines[2:]]) + "\n", encoding="utf-8")
    return str(path)


def import_all(project: Project, folder: Path) -> None:
    """Six datasets; a seventh is scored later and then removed."""
    folder.mkdir()
    no_answer = '{"instruction": "Name three uses of soda.", "input": ""}'
    import_file(project, ImportSpec(write(folder / "conversation.jsonl", conversation(), no_answer), "conversation"))
    import_file(
        project, ImportSpec(write(folder / "math.jsonl", math(), "# exported", '{"question": "Half?"}'), "math")
    )
    import_file(project, ImportSpec(write(folder / "chats.jsonl", chats()), "chat", name="chats of ours"))
    import_file(project, ImportSpec(write(folder / "pairs.jsonl", pairs()), "pairs", domain_column="kind"))
    table = folder / "table.csv"
    table.write_text('ask,say,note\nWhat is 1 + 1?,2.0,a\n"Two\nlines?","Yes, two.",b\nEmpty?,,c\n', encoding="utf-8")
    mapping = (("prompt", "ask"), ("response", "say"))
    import_file(project, ImportSpec(str(table), "math", format="columns", mapping=mapping))
    texts = [{"text": "The tide comes in twice a day."}, {"text": "A page of plain text, and no more."}]
    import_file(project, ImportSpec(write(folder / "texts.jsonl", texts), "prose"))
    gone = [{"prompt": f"Count to {n}.", "completion": " ".join(map(str, range(1, n + 1)))} for n in (3, 5, 8)]
    import_file(project, ImportSpec(write(folder / "gone.jsonl", gone), "gone"))


def score_all(project: Project, base: Path, reference: Path) -> dict[str, str]:
    """Three scorings (float32, bfloat16 with a refinement, two folds), and a run that never began."""
    spec = ScoreSpec(ModelSpec(str(base)), (ModelSpec(str(reference)),), "tuned", device="cpu", dtype="float32")
    plain = score(project, spec).run_id
    rough_spec = ScoreSpec(
        spec.base, spec.references, "tuned", dtype="bfloat16", device="cpu", render=RenderSpec("plain")
    )
    rough = score(project, rough_spec).run_id
    select.save(project, "rough cut", SelectionSpec(value=0.4, datasets=("conversation", "math")), rough)
    fine = refine(project, "rough cut", 0.02).run_id
    recipe = TrainReferenceSpec(
        spec.base, "folded", ("conversation", "math"), folds=2, epochs=0.5, learning_rate=1e-3, device="cpu"
    )
    train_reference(project, recipe)
    folded = score(project, score_spec(project, base=str(base), reference="folded", device="cpu")).run_id
    undo_import(project, "gone")
    waiting = prepare_run(project, "score", spec).run_id
    return {"plain": plain, "rough": rough, "fine": fine, "folded": folded, "waiting": waiting}


def judge_all(project: Project) -> None:
    """Decisions that stand and undone ones, alone and in batches; tags and one removed; notes and one taken back."""
    ids = ids_of(project)
    decide.decide(project, [ids["math", 0]], "keep", "clear working")
    decide.decide(project, [ids["math", 1], ids["math", 4], ids["math", 5]], "drop", "too easy")
    decide.decide(project, [ids["conversation", 0]], "drop")
    decide.undo(project)
    decide.decide(project, [ids["conversation", 1], ids["conversation", 3]], "drop", "a slip")
    decide.undo(project)
    decide.decide(project, [ids["math", 4]], "keep", "on second thoughts")
    decide.decide(project, [ids["math", 5]], "undecided")
    decide.decide(project, [ids["chats of ours", 3]], "keep", "an island")
    decide.decide(project, [ids["math", 18]], "keep", "a price")
    decide.decide(project, [ids["pairs", 0]], "drop", "no pairs")
    decide.act_on(project, [ids["math", 0], ids["chats of ours", 3]], "tag", "check")
    decide.act_on(project, [ids["math", 18], ids["conversation", 4]], "tag", "numbers")
    decide.act_on(project, [ids["conversation", 4]], "untag", "numbers")
    decide.act_on(project, [ids["math", 18]], "note", "written as 3.10")
    decide.act_on(project, [ids["chats of ours", 3]], "note", "two thoughts, one answer")
    decide.act_on(project, [ids["conversation", 5]], "note", "first")
    decide.act_on(project, [ids["conversation", 5]], "note", "second")
    decide.act_on(project, [ids["conversation", 6]], "note", "taken back")
    decide.act_on(project, [ids["conversation", 6]], "note", "")


def select_all(project: Project, runs: dict[str, str]) -> None:
    """Selections that stand, one deleted, one replaced; two exports, one of a kept row that the score leaves out."""
    select.save(project, "best", SelectionSpec(value=0.3), runs["plain"])
    select.save(project, "everything", SelectionSpec(value=1.0, gates=Gates(exclude_duplicates=False)), runs["plain"])
    select.save(project, "by hand", SelectionSpec(budget="samples", value=5, balance="equal"), runs["folded"])
    select.save(
        project, "by hand", SelectionSpec(budget="samples", value=6, balance="equal"), runs["folded"], replace=True
    )
    select.save(project, "set aside", SelectionSpec(budget="tokens", value=300), runs["plain"])
    select.delete(project, "set aside")
    export(project, ExportSpec("best", str(project.exports_dir / "best"), "messages"))
    export(project, ExportSpec("everything", str(project.exports_dir / "everything"), "source"))


def ids_of(project: Project) -> dict[tuple[str, int], str]:
    """(dataset, row index) -> sample id."""
    with project.store() as store:
        rows = store.cursor().execute(
            "SELECT d.name, r.row_index, s.sample_id FROM rows r JOIN datasets d USING (dataset_id) "
            "JOIN samples s USING (sample_key)"
        )
        return {(name, index): sample_id for name, index, sample_id in rows.fetchall()}


def facts_of(store: Store) -> dict:
    """All tables, and what the program's own functions read from them."""
    cursor = store.cursor()
    names = [name for (name,) in cursor.execute("SELECT table_name FROM information_schema.tables").fetchall()]
    tables = {}
    for name in sorted(names):
        read = cursor.execute(f"SELECT * FROM {name} ORDER BY ALL")
        columns = [column[0] for column in read.description]
        tables[name] = {"columns": columns, "rows": [list(row) for row in read.fetchall()]}
    scored = {}
    for scoring in scorings.list_scorings(cursor):
        scored[scoring.run_id] = {
            **scoring.to_dict(), "losses": scorings.score_rows(cursor, scoring).to_pylist()
        }  # fmt: skip
    chosen = [*saved.list_selections(cursor), *saved.list_selections(cursor, deleted=True)]
    return {
        "tables": tables,
        "scorings": scored,
        "verdicts": decisions.standing_verdicts(cursor),
        "log": [entry.to_dict() for entry in decisions.decision_log(cursor)],
        "selections": [one.to_dict() for one in chosen],
        "picks": {one.selection_id: saved.selection_picks(cursor, one.selection_id).to_pylist() for one in chosen},
        "exports": [entry.to_dict() for entry in exports.list_exports(cursor)],
    }


def main(folder: Path) -> None:
    """Make the project under the folder, and the archive beside this file."""
    base, reference = folder / "models" / "base", folder / "models" / "ref"
    for seed, path in enumerate((base, reference)):
        tiny_llama(path, seed=seed)
    project = Project.create(folder / "project")
    import_all(project, folder / "files")
    runs = score_all(project, base, reference)
    judge_all(project)
    select_all(project, runs)
    with project.store() as store:
        facts = {**facts_of(store), "runs": runs}
        store.cursor().execute("CHECKPOINT")
    release(project.store_path)
    (folder / "facts.json").write_text(json.dumps(facts, ensure_ascii=True), encoding="utf-8")
    time.sleep(1)
    for path in [*project.models_dir.rglob("*.safetensors"), *project.root.rglob("*.lock")]:
        path.unlink()
    archive = Path(__file__).with_name("project-v1.tar.xz")
    with tarfile.open(archive, "w:xz", preset=9) as packed:
        packed.add(folder / "facts.json", "facts.json")
        packed.add(project.root, "project")
    print(archive, f"{archive.stat().st_size:,} bytes", [run.name for run in sorted(project.runs_dir.iterdir())])
    assert RunFolder.open(project.runs_dir / runs["plain"]).state() == "done"
    shutil.rmtree(folder / "files")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
