"""The published formats: one file of rows, every row with the same columns."""

from dataclasses import replace
from typing import Any

from lobass_core.exporting.arrow_rows import TARGET_SHAPE
from lobass_core.exporting.data_file import write_text
from lobass_core.exporting.layout import Job, Written
from lobass_core.exporting.row_weights import WEIGHT_FIELD, weight_columns
from lobass_core.exporting.rows_file import KindRows, write_rows
from lobass_core.exporting.survey import RESERVED, Survey, survey
from lobass_core.exporting.trainer_files import published_info
from lobass_core.exporting.trainer_layouts import add_template
from lobass_core.exporting.trainer_rows import MessageStyle, messages_of, trl_row, turn_extra
from lobass_core.formats import FORMATS, RowError
from lobass_core.records import Sample, response_turns
from lobass_core.words.plural import plural


def messages(job: Job) -> Written:
    """OpenAI's messages; with a weight beside them where that is asked."""
    weights = (WEIGHT_FIELD,) if job.plan.weighted else ()
    surveyed = survey(job.rows(), RESERVED | {field.name for field in weights})
    style = MessageStyle(surveyed.turn_columns, with_instruction=True, calls_as_text=not surveyed.plain_calls)
    rows = KindRows(
        lambda sample: trl_row(_chat(sample), style), {"messages": "turns"}, style=style, more_columns=weights
    )
    numbers = (lambda: weight_columns(job.plan)) if weights else None
    written, _ = write_rows(job, surveyed, dict.fromkeys(surveyed.kinds, rows), numbers)
    add_template(job, written)
    return written


def _chat(sample: Sample) -> Sample:
    if sample.kind != "chat":
        raise RowError(f"a {sample.kind} sample is not a conversation")
    return sample


def alpaca(job: Job) -> Written:
    """Alpaca's array, with the entry that LLaMA-Factory needs: without it system prompts and histories are lost."""
    surveyed = survey(job.rows())

    def build(sample: Sample) -> dict[str, Any]:
        row = FORMATS["alpaca"].build(sample, {})
        later = {"system": row.get("system", "")} if surveyed.has_system else {}
        return row | later | ({"history": row.get("history", [])} if surveyed.has_history else {})

    return _array(job, surveyed, build)


def sharegpt(job: Job) -> Written:
    """ShareGPT's array, with the entry that LLaMA-Factory needs."""
    surveyed = survey(job.rows())

    def build(sample: Sample) -> dict[str, Any]:
        bare = replace(sample, turns=tuple(replace(turn, extra=None) for turn in sample.turns))
        row = FORMATS["sharegpt"].build(bare, {})
        for spoken, turn in zip(row["conversations"], sample.turns, strict=True):
            spoken |= surveyed.turn_columns.of(turn_extra(turn))
        return row | ({"tools": sample.tools or ""} if surveyed.has_tools else {})

    return _array(job, surveyed, build)


def _array(job: Job, surveyed: Survey, build: Any) -> Written:
    written, files = write_rows(job, surveyed, dict.fromkeys(surveyed.kinds, KindRows(build, {}, "array")))
    if files:
        text = published_info(job.plan.format, {file.split: file.name for file in files}, surveyed)
        written.files.append(write_text(job.folder, "dataset_info.json", "names, columns and tags", text))
    return written


def prompt_completion(job: Job) -> Written:
    """Texts where every row is one plain exchange, else lists of messages in every row: a file has one type."""
    surveyed = survey(job.rows())
    plain = all(_is_text_pair(row.sample) for row in job.rows())
    style = MessageStyle(surveyed.turn_columns, with_instruction=True, calls_as_text=not surveyed.plain_calls)
    n_more_targets = 0

    def build(sample: Sample) -> dict[str, Any]:
        nonlocal n_more_targets
        row = FORMATS["prompt-completion"].build(replace(sample, turns=_bare(sample)), {})
        n_more_targets += sum(response_turns(sample.turns, sample.kind)) > 1
        if plain:
            return row
        sides = {"prompt": messages_of(sample.turns[:-1], style), "completion": messages_of(sample.turns[-1:], style)}
        return sides | ({"tools": sample.tools} if sample.tools else {})

    shapes = {"prompt": "text", "completion": "text"} if plain else TARGET_SHAPE
    rows = KindRows(build, shapes, style=style)  # type: ignore[arg-type]
    written, _ = write_rows(job, surveyed, dict.fromkeys(surveyed.kinds, rows))
    if n_more_targets:
        chats = plural(n_more_targets, "conversation has", "conversations have")
        written.notes.append(f"{chats} earlier answers, which become part of the prompt")
    add_template(job, written)
    return written


def _bare(sample: Sample) -> Any:
    return tuple(replace(turn, extra=None) for turn in sample.turns)


def _is_text_pair(sample: Sample) -> bool:
    try:
        row = FORMATS["prompt-completion"].build(sample, {})
    except RowError:
        return True  # refused either way
    return isinstance(row["prompt"], str)
