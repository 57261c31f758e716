"""Exported and imported again, a selection is the same samples: exactly, for every format that can hold them.

Formats differ in what they can hold: Alpaca has no tools, prompt and completion no chat that ends with a question. Rows
that do not fit are refused with a reason; those that are written must come back with the same sample id.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lobass_core.errors import ExportError
from lobass_core.formats import FORMATS
from lobass_core.project import Project
from lobass_core.records import Sample, Turn
from lobass_core.specs import ExportSpec, ImportSpec
from lobass_core.store.connection import release
from lobass_core.workflows.export import export, preflight
from lobass_core.workflows.import_data import import_file
from tests.scored_files import score, select_all, write_jsonl

pytestmark = pytest.mark.slow

# Every character that a text file can hold, with those that have broken readers before well represented.
TEXT = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from('\n\r\t\x00\x0b\x1c\x85\u2028\u2029\ufeff"\\{}[]<>|\u200d\U0001f469é'),
    ),
    min_size=1,
    max_size=40,
)
EXTRA = st.dictionaries(
    st.sampled_from(["category", "id", "note ü", "lang"]),
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False), TEXT
    ),
    max_size=3,
)
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.from_regex(r"[a-z0-9]{4}", fullmatch=True),
            "name": st.sampled_from(["weather", "search"]),
            "arguments": st.dictionaries(
                st.sampled_from(["city", "n"]), st.one_of(TEXT, st.integers(0, 9)), max_size=2
            ),
        }
    ),
    min_size=1,
    max_size=2,
)


@st.composite
def chats(draw, *, tools: bool = True) -> dict:
    """A messages row: perhaps a system prompt, some exchanges, perhaps a call and its result."""
    messages = [{"role": "system", "content": draw(TEXT)}] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(TEXT)})
        if tools and draw(st.booleans()):
            calls = [
                {
                    "id": call["id"],
                    "type": "function",
                    "function": {"name": call["name"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)},
                }
                for call in draw(CALLS)
            ]
            messages.append({"role": "assistant", "content": "", "tool_calls": calls})
            messages += [{"role": "tool", "content": draw(TEXT), "tool_call_id": call["id"]} for call in calls]
        answer = {"role": "assistant", "content": draw(TEXT)}
        if draw(st.integers(0, 3)) == 0:
            answer["weight"] = 0
        if draw(st.integers(0, 3)) == 0:
            answer[draw(st.sampled_from(["reasoning_content", "reasoning", "thinking"]))] = draw(TEXT)
        messages.append(answer)
    row = {"messages": messages} | draw(EXTRA)
    if tools and draw(st.booleans()):
        row["tools"] = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    return row


def _samples(project: Project, dataset: str) -> list[str]:
    """The dataset's sample ids in the order of its rows."""
    with project.store() as store:
        rows = store.cursor().execute(
            "SELECT s.sample_id FROM rows r JOIN samples s USING (sample_key) JOIN datasets d USING (dataset_id) "
            "WHERE d.name = ? ORDER BY r.row_index",
            [dataset],
        )
        return [sample_id for (sample_id,) in rows.fetchall()]


def _check_round_trips(rows: list[dict], *formats: str) -> None:
    """Import the rows; export all in each format and import what is there: the same samples in their order."""
    with TemporaryDirectory() as folder:
        one = Project.create(Path(folder) / "one")
        import_file(one, ImportSpec(path=str(write_jsonl(Path(folder) / "rows.jsonl", rows)), domain="d"))
        score(one)
        select_all(one)
        before = _samples(one, "rows")
        for format in formats:
            out = Path(folder) / format
            spec = ExportSpec(selection="all", to=str(out), format=format, check=False)  # type: ignore[arg-type]
            try:
                receipt = export(one, spec)
            except ExportError as error:
                assert "fits" in error.what
                continue
            refused = {refusal.row_index for refusal in receipt.refusals}
            (name,) = [file.name for file in receipt.files if file.rows and not file.name.startswith("scores/")]
            import_file(one, ImportSpec(path=str(out / name), domain=format, name=format))
            written = [sample_id for index, sample_id in enumerate(before) if index not in refused]
            lost = set(preflight(one, spec).findings[-2].places.tolist())
            came_back = _samples(one, format)
            assert [sample_id for place, sample_id in enumerate(written) if came_back[place] != sample_id] == [
                before[place] for place in sorted(lost)
            ], format
        release(one.store_path)


FEW = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@FEW
@given(rows=st.lists(chats(), min_size=1, max_size=4))
def test_conversations_come_back(rows):
    _check_round_trips(
        rows, "messages", "sharegpt", "prompt-completion", "source", "parquet", "huggingface", "trl", "axolotl"
    )


@FEW
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {"instruction": TEXT, "input": st.one_of(st.just(""), TEXT), "output": TEXT},
            optional={"system": TEXT, "history": st.lists(st.tuples(TEXT, TEXT).map(list), max_size=2)},
        ),
        min_size=1,
        max_size=4,
    )
)
def test_alpaca_rows_come_back_with_their_input(rows):
    _check_round_trips(rows, "alpaca", "messages", "sharegpt", "source", "prompt-completion")


@FEW
@given(rows=st.lists(st.fixed_dictionaries({"prompt": TEXT, "chosen": TEXT, "rejected": TEXT}), min_size=1, max_size=4))
def test_pairs_come_back(rows):
    _check_round_trips(rows, "trl", "parquet", "huggingface", "source")


@given(
    turns=st.lists(
        st.builds(Turn, st.sampled_from(["user", "assistant", "tool", "system"]), TEXT), min_size=1, max_size=5
    ),
    extra=EXTRA,
)
@settings(max_examples=60, deadline=None)
def test_unknown_fields_never_replace_the_conversation(turns, extra):
    """A row-level field of the same name as a format's own column gives way to it."""
    sample = Sample.of([*turns, Turn("assistant", "end")])
    for name in ("messages", "sharegpt"):
        built = FORMATS[name].build(sample, extra | {"messages": 1, "conversations": 2})
        assert built[{"messages": "messages", "sharegpt": "conversations"}[name]] not in (1, 2)
        assert {key: built[key] for key in extra} == extra
