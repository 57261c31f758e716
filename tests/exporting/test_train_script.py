"""train.py of an export: one file that stands on datasets, transformers and trl alone."""

import ast

import pytest

from lobass_core.exporting.train_script import train_script


@pytest.mark.parametrize(
    ("kind", "file", "trainer", "builder"),
    [
        ("chat", "train.parquet", "SFTTrainer", "parquet"),
        ("preference", "preference.jsonl", "DPOTrainer", "json"),
        ("text", "text.jsonl", "SFTTrainer", "json"),
    ],
)
def test_it_is_a_program_of_its_own(kind, file, trainer, builder):
    text = train_script(kind, file, mask_rule="last", has_template=True)
    tree = ast.parse(text)
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported == {"collections.abc", "datasets", "pathlib", "transformers", "trl", "typing"}
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert trainer in calls and "load_dataset" in calls
    assert f'load_dataset("{builder}", data_files=str(HERE / {file!r})' in text
    assert "default=HERE / 'chat_template.jinja'" in text
    assert ("RowsAsTokens(tokenizer, mask_rule='last')" in text) == (trainer == "SFTTrainer")


def test_without_a_known_template_it_asks_for_one():
    text = train_script("chat", "train.jsonl", mask_rule="all", has_template=False)
    assert "chat_template.jinja" not in text and "has no chat template: name one with --chat-template FILE" in text
