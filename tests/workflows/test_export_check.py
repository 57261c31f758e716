"""Every row of an export gives the tokens that were scored; what a trainer makes otherwise is counted and said."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import ExportError
from lobass_core.jobs.run_files import write_parquet
from lobass_core.project import Project
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.rendering.templates import BUILT_IN
from lobass_core.specs import ExportSpec
from lobass_core.workflows import export_check, export_plan
from lobass_core.workflows.export import export, preflight
from tests.chat_templates import EVERY
from tests.models import tiny_llama, tiny_tokenizer
from tests.rendered_scores import MAX_TOKENS, score_rendered
from tests.worker.runs import work


def _exchange(asked: str, answer: str, **more) -> list[dict]:
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer, **more}]


def _call(arguments: dict) -> list[dict]:
    function = {"name": "weather", "arguments": json.dumps(arguments)}
    return [{"id": "c1", "type": "function", "function": function}]


PLAIN = [{"messages": _exchange(f"{n}+{n}?", str(2 * n))} for n in range(3)]
TOOLS = [
    {
        "messages": [
            *_exchange("Oslo?", "", tool_calls=_call({"city": "Oslo", "days": 2})),
            {"role": "tool", "content": "4", "tool_call_id": "c1"},
            {"role": "assistant", "content": "4 °C"},
        ]
    }
]
ALPACA = [{"instruction": "Simplify.", "input": "4/16", "output": "1/4"}]
PAIRS = [{"prompt": "p", "chosen": "good", "rejected": "bad"}]
LONG = [{"messages": _exchange("Count.", " ".join(map(str, range(400))))}]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """The worker's job without a process of its own."""
    monkeypatch.setattr(export_check, "launch", work)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tiny_llama(tmp_path_factory.mktemp("models") / "tiny")
    _tokenizer(None).save_pretrained(folder)
    return folder


def _tokenizer(text: str | None):
    """`<|im_end|>` ends a turn and a text, as in instruct models."""
    tokenizer = tiny_tokenizer(text)
    tokenizer.eos_token = "<|im_end|>"
    return tokenizer


def _score(project: Project, model: Path, text: str, folder: Path, mask_rule: str = "all", **files: list[dict]) -> None:
    """Everything imported, rendered under that template, scored and selected."""
    score_rendered(project, model, _tokenizer(text), folder, mask_rule=mask_rule, **files)


def _notes(project: Project, to: Path, format: str) -> list[str]:
    return list(export(project, ExportSpec(selection="all", to=str(to), format=format)).notes)  # type: ignore[arg-type]


@pytest.mark.parametrize("template", ["prints json", "walks arguments", "joins arguments", "asks for the key"])
def test_the_script_makes_the_scored_tokens_of_every_row(project, model, tmp_path, template):
    _score(project, model, EVERY[template], tmp_path, plain=PLAIN, tools=TOOLS, alpaca=ALPACA, pairs=PAIRS)
    assert _notes(project, tmp_path / "out", "trl") == []


def test_what_trainers_do_by_themselves_is_counted(project, model, tmp_path):
    _score(project, model, EVERY["prints json"], tmp_path, plain=PLAIN, tools=TOOLS)
    (note,) = _notes(project, tmp_path / "messages", "messages")
    assert note.startswith("TRL without train.py renders 1 row differently: at character ")
    assert "train.py of --format trl uses the scored tokens; --format tokens keeps them" in note
    assert _notes(project, tmp_path / "axolotl", "axolotl") == []
    earlier, note, more = _notes(project, tmp_path / "pairs-of-texts", "prompt-completion")
    assert earlier == "1 conversation has earlier answers, which become part of the prompt"
    assert note.startswith("TRL without train.py renders 1 row differently")
    how = "it also trains on '\\n', which follows the answer"
    assert more.startswith(f"TRL without train.py trains on 3 rows differently: {how}; the train.py of")
    (note,) = _notes(project, tmp_path / "alpaca", "alpaca")
    assert "LLaMA-Factory renders rows with its own templates" in note


@pytest.mark.parametrize("format", ["axolotl", "trl", "huggingface"])
def test_the_chosen_side_of_a_pair_is_what_is_compared(project, model, tmp_path, format):
    """In lines and in Parquet, with the prompt in `messages` (Axolotl) or in `prompt`."""
    prompt = [{"role": "system", "content": "Short."}, {"role": "user", "content": "p"}]
    chosen, rejected = ([{"role": "assistant", "content": text}] for text in ("good", "bad"))
    _score(
        project,
        model,
        EVERY["prints json"],
        tmp_path,
        pairs=PAIRS,
        turns=[{"prompt": prompt, "chosen": chosen, "rejected": rejected}],
        later=[{"prompt": [*_exchange("a", "b"), *prompt[1:]], "chosen": chosen, "rejected": rejected}],
    )
    receipt = export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format=format))  # type: ignore[arg-type]
    assert receipt.n_written == 3
    # DPOTrainer by itself learns both sides to the end of what the template prints.
    said = [note.split(";")[0] for note in receipt.notes]
    more = ["TRL without train.py trains on 3 rows differently: it also trains on '\\n', which follows the answer"]
    assert said == (more if format == "huggingface" else [])


def test_pairs_whose_answer_has_several_turns_are_learnt_whole(project, model, tmp_path):
    prompt = [{"role": "user", "content": "p"}]
    pair = {
        "prompt": prompt,
        "chosen": [*_exchange("a", "b")[1:], *_exchange("c", "d")],
        "rejected": [*_exchange("", "e")[1:]],
    }
    _score(project, model, EVERY["prints json"], tmp_path, turns=[pair], pairs=PAIRS)
    (note,) = _notes(project, tmp_path / "out", "trl")
    assert note.startswith("train.py trains on other tokens than were scored in 1 row")


def test_axolotl_is_told_the_token_that_closes_an_answer(project, tmp_path):
    """Base models end a text with another token than a template ends a turn, and Axolotl learns no other by itself."""
    model = tiny_llama(tmp_path / "base")
    score_rendered(project, model, tiny_tokenizer(EVERY["prints json"]), tmp_path, plain=PLAIN, pairs=PAIRS)
    assert _notes(project, tmp_path / "axolotl", "axolotl") == []
    fragment = (tmp_path / "axolotl" / "axolotl.yml").read_text()
    assert 'eot_tokens: ["<|im_end|>"]\n' in fragment
    assert "eot_tokens" not in (tmp_path / "axolotl" / "axolotl-preference.yml").read_text()


def test_a_fragment_that_does_not_name_it_is_noticed(project, tmp_path, monkeypatch):
    monkeypatch.setattr(export_plan, "answer_ending", lambda *_: "")
    model = tiny_llama(tmp_path / "base")
    score_rendered(project, model, tiny_tokenizer(EVERY["prints json"]), tmp_path, plain=PLAIN, pairs=PAIRS)
    (note,) = _notes(project, tmp_path / "axolotl", "axolotl")
    assert note.startswith(
        "Axolotl trains on 3 rows differently: it leaves out '<|im_end|>', which ends an answer, unless"
    )
    assert _notes(project, tmp_path / "trl", "trl") == []


@pytest.mark.parametrize("format", ["messages", "prompt-completion", "huggingface", "trl"])
def test_trl_by_itself_finds_what_the_alpaca_template_reads(project, model, tmp_path, format):
    """The template reads Alpaca's instruction without its input, which the row has beside its content."""
    _score(project, model, BUILT_IN["alpaca"], tmp_path, alpaca=ALPACA, plain=PLAIN)
    assert _notes(project, tmp_path / "out", format) == []


def test_texts_never_see_a_template(project, model, tmp_path):
    """Trainers add their own beginning and end to them; the script does not."""
    _score(project, model, EVERY["prints json"], tmp_path, texts=[{"text": "Once."}], plain=PLAIN)
    (note,) = _notes(project, tmp_path / "axolotl", "axolotl")
    assert note.startswith("Axolotl renders 1 row differently: it reads texts without a chat template")
    assert _notes(project, tmp_path / "trl", "trl") == []


def test_arguments_that_a_template_wants_as_text_are_beyond_axolotl(project, model, tmp_path):
    _score(project, model, EVERY["joins arguments"], tmp_path, plain=PLAIN, tools=TOOLS)
    (note,) = _notes(project, tmp_path / "out", "axolotl")
    assert note.startswith("Axolotl renders 1 row differently: the template rejects it")


def test_calls_that_no_type_holds_reach_axolotl_as_text(project, model, tmp_path):
    """Two orders of the same keys: the conversations are JSON text, which Axolotl reads too."""
    function = {"arguments": '{"city": "Rome"}', "name": "weather"}
    turned = [{"messages": _exchange("Rome?", "", tool_calls=[{"type": "function", "function": function}])}]
    _score(project, model, BUILT_IN["chatml"], tmp_path, plain=PLAIN, tools=TOOLS, turned=turned)
    assert _notes(project, tmp_path / "axolotl", "axolotl") == []
    assert pq.read_schema(tmp_path / "axolotl" / "train.parquet").field("messages").type == pa.string()
    assert _notes(project, tmp_path / "trl", "trl") == []


def test_rows_that_were_cut_are_counted(project, model, tmp_path):
    _score(project, model, EVERY["prints json"], tmp_path, plain=PLAIN, long=LONG)
    (note,) = _notes(project, tmp_path / "out", "trl")
    assert note.startswith("1 row was truncated when scored but exported in full")
    found = preflight(project, ExportSpec(selection="all", to="-", format="axolotl", cutoff_tokens=MAX_TOKENS))
    assert (found.n_left, found.n_unknown) == (len(PLAIN), 0)


@pytest.mark.parametrize(
    ("format", "n_left"),
    [("trl", 8), ("messages", 8), ("prompt-completion", 4), ("axolotl", 4), ("tokens", 12), ("llama-factory", 12)],
)
def test_the_preflight_of_long_rows(project, model, tmp_path, format, n_left):
    """Four rows fit, four begin their second answer beyond the limit, the prompt of four fills it."""
    words = "word " * 400
    short = [{"messages": [*_exchange(f"{n}?", "!"), *_exchange("Again?", "Yes")]} for n in range(4)]
    second = [{"messages": [*_exchange(f"hi {n}", "short answer"), *_exchange(words, "the end")]} for n in range(4)]
    filled = [{"messages": _exchange(f"{n} {words}", "too late")} for n in range(4)]
    _score(project, model, EVERY["prints json"], tmp_path, short=short, second=second, filled=filled)
    spec = ExportSpec(selection="all", to="-", format=format, cutoff_tokens=MAX_TOKENS)
    found = preflight(project, spec)
    assert (found.n_rows, found.n_left, found.n_unknown) == (12, n_left, 0)


def test_a_row_that_gives_other_tokens_ends_the_export(project, model, tmp_path):
    _score(project, model, EVERY["prints json"], tmp_path, plain=PLAIN)
    (path,) = project.runs_dir.glob("r-*/tokens/*.parquet")
    table = pq.read_table(path)
    texts = table["text"].to_pylist()
    texts[1] = texts[1].replace("1+1?", "1-1?")
    write_parquet(path, table.set_column(table.schema.get_field_index("text"), "text", pa.array(texts)))
    with pytest.raises(
        ExportError, match=r"1 row does not give the tokens that were scored: at character 18, '\+1"
    ) as failure:
        export(project, ExportSpec(selection="all", to=str(tmp_path / "out"), format="trl"))
    assert failure.value.where == "train.jsonl, row 1"
    assert not (tmp_path / "out").exists()
    unchecked = ExportSpec(selection="all", to=str(tmp_path / "out"), format="trl", check=False)
    assert export(project, unchecked).n_written == len(PLAIN)


def test_what_cannot_be_compared_is_said(project, model, tmp_path):
    _score(project, model, EVERY["prints json"], tmp_path, plain=PLAIN)
    for path in project.runs_dir.glob("r-*/tokens/*.parquet"):
        path.unlink()
    assert _notes(project, tmp_path / "one", "trl") == ["3 rows could not be compared, because no run kept the tokens"]
    model.rename(model.with_name("moved"))
    try:
        (note,) = _notes(project, tmp_path / "two", "trl")
        assert "the base model is no longer at" in note
    finally:
        model.with_name("moved").rename(model)


def test_another_tokenizer_is_noticed(project, model, tmp_path):
    _score(project, model, EVERY["prints json"], tmp_path, plain=PLAIN)
    assert tokenizer_fingerprint(tiny_tokenizer())
    with project.store() as store, store.transaction() as cursor:
        cursor.execute(
            'UPDATE scorings SET result = json_merge_patch(result, \'{"base": {"info": {"tokenizer": "x"}}}\')'
        )
    (note,) = _notes(project, tmp_path / "out", "trl")
    assert "the tokenizer is not the one that the rows were scored with" in note
