"""TRL, Axolotl and LLaMA-Factory: rows in their shape, with the script or settings that read them."""

import json
from collections.abc import Callable
from typing import Any

from lobass_core.exporting.arrow_rows import CHAT_SHAPES, TARGET_SHAPE
from lobass_core.exporting.data_file import write_text
from lobass_core.exporting.layout import TEMPLATE_NAME, Job, Written
from lobass_core.exporting.plan import SPLITS
from lobass_core.exporting.rows_file import KindRows, names_of, write_rows
from lobass_core.exporting.survey import Survey, survey
from lobass_core.exporting.train_script import script_name, train_script
from lobass_core.exporting.trainer_files import axolotl_yaml, dataset_info
from lobass_core.exporting.trainer_rows import MessageStyle, axolotl_row, llama_factory_row, trl_row
from lobass_core.records import Sample
from lobass_core.words.plural import plural


def trl(job: Job) -> Written:
    """`prompt` and `completion` where every chat has one target, else `messages`; a file and a script a kind."""
    surveyed = survey(job.rows())
    written, files = write_rows(job, surveyed, trl_kinds(surveyed))
    trained, tested = names_of(files), names_of(files, "validation")
    for kind, name in trained.items():
        script = train_script(
            kind,
            name,
            tested.get(kind, ""),
            mask_rule=job.mask_rule,
            has_template=bool(job.chat_template),
            in_order=job.plan.order == "rank",
        )
        written.files.append(
            write_text(job.folder, script_name(kind, list(trained)), f"trains on {name}, ready to run", script)
        )
    add_template(job, written)
    return written


def trl_kinds(surveyed: Survey, folder: str = "", *, always_parquet: bool = False) -> dict[Any, KindRows]:
    """The files that TRL reads: one a kind."""
    style = MessageStyle(surveyed.turn_columns, with_instruction=True, calls_as_text=not surveyed.plain_calls)
    shapes = CHAT_SHAPES | ({"chat": TARGET_SHAPE} if surveyed.one_target else {})
    container = "parquet" if always_parquet else "lines"

    def build(sample: Sample) -> dict[str, Any]:
        return trl_row(sample, style, one_target=surveyed.one_target)

    return {
        kind: KindRows(build, shapes[kind], container, style, folder)  # type: ignore[arg-type]
        for kind in surveyed.kinds
    }  # fmt: skip


def axolotl(job: Job) -> Written:
    """Messages with a YAML fragment that names their fields."""
    surveyed = survey(job.rows())
    last_only = job.mask_rule == "last"
    chat = MessageStyle(
        surveyed.turn_columns,
        with_instruction=True,
        with_training=last_only or "weight" in surveyed.turn_keys,
        last_only=last_only,
    )
    pair = MessageStyle(surveyed.turn_columns, with_instruction=True)
    layouts = {
        "chat": KindRows(_with(axolotl_row, chat), {"messages": "turns"}, style=chat)
        if surveyed.plain_calls
        # Axolotl reads a conversation from JSON text too, but not tool calls.
        else KindRows(lambda sample: _as_text(axolotl_row(sample, chat)), {"messages": "text"}, "parquet"),
        "preference": KindRows(
            _with(axolotl_row, pair), {"messages": "turns", "chosen": "turn", "rejected": "turn"}, style=pair
        ),
        "text": KindRows(axolotl_row, {"text": "text"}),
    }
    written, files = write_rows(job, surveyed, {kind: layouts[kind] for kind in surveyed.kinds})
    fragments = axolotl_yaml(
        names_of(files),
        names_of(files, "validation"),
        weights=chat.with_training,
        has_template=bool(job.chat_template),
        ending=job.answer_ending,
        in_order=job.plan.order == "rank",
    )
    for name, text in fragments.items():
        written.files.append(write_text(job.folder, name, "fragment for the training configuration", text))
    add_template(job, written)
    return written


def _as_text(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"messages": json.dumps(row["messages"], ensure_ascii=False)} if "messages" in row else row


def _with(build: Callable[..., dict[str, Any]], style: MessageStyle) -> Callable[[Sample], dict[str, Any]]:
    return lambda sample: build(sample, style)


def llama_factory(job: Job) -> Written:
    """JSON arrays with dataset_info.json beside them."""
    surveyed = survey(job.rows())
    rows = KindRows(llama_factory_row, {}, "array")
    written, files = write_rows(job, surveyed, dict.fromkeys(surveyed.kinds, rows))
    if surveyed.n_parallel_results:
        chats = plural(surveyed.n_parallel_results, "conversation has", "conversations have")
        written.notes.append(f"{chats} parallel tool results, written as one turn")
    text = dataset_info({split: names_of(files, split) for split in SPLITS})
    written.files.append(write_text(job.folder, "dataset_info.json", "names, columns and tags", text))
    return written


def add_template(job: Job, written: Written) -> None:
    """Write the chat template that the scores were computed with, where it is known."""
    if job.chat_template:
        holds = "the chat template that the scores were computed with"
        written.files.append(write_text(job.folder, TEMPLATE_NAME, holds, job.chat_template))
