"""train.py of an export for TRL: the rows as the tokens that were scored, and the call of the trainer."""

from collections.abc import Sequence
from pathlib import Path

import lobass_core
from lobass_core.exporting.layout import TEMPLATE_NAME
from lobass_core.records import SampleKind

TRL_DEFAULT_TOKENS = 1024
# Read as text: what it needs stays in the environment that trains.
_ROWS_AS_TOKENS = Path(lobass_core.__file__).parent / "rendering" / "exported_rows.py"


def script_name(kind: SampleKind, kinds: Sequence[SampleKind]) -> str:
    """The name of the script that trains on one of the kinds of an export: train.py for the first."""
    return "train.py" if kind == kinds[0] else f"train_{kind}.py"


def train_script(
    kind: SampleKind,
    name: str,
    tested: str = "",
    *,
    mask_rule: str,
    has_template: bool,
    in_order: bool = False,
) -> str:
    """A script that trains on the exported rows of one kind with TRL.

    The validation file `tested` is evaluated on after each epoch. `in_order`: rows are not shuffled.
    """
    rows_as_tokens = _ROWS_AS_TOKENS.read_text(encoding="utf-8").split('"""\n', 1)[1].strip()
    imports, _, code = rows_as_tokens.partition("\n\n_UNUSABLE")
    needed = {*imports.splitlines(), "import argparse", "from pathlib import Path"}
    is_pair, trainer = kind == "preference", "DPO" if kind == "preference" else "SFT"
    prepare = "" if kind == "text" else _NEEDS_TEMPLATE
    prepare += _PAIRS if is_pair else _ROWS.format(mask_rule=mask_rule)
    return _SCRIPT.format(
        file=name,
        trainer=trainer,
        made="InOrder" if in_order else f"{trainer}Trainer",
        imports="\n".join(sorted(needed, key=_by_kind)),
        sampler="from torch.utils.data import SequentialSampler\n" if in_order else "",
        code=f"_UNUSABLE{code}" + (_IN_ORDER.format(trainer=trainer) if in_order else ""),
        builder=_builder(name),
        load_tested=_LOAD_TESTED.format(builder=_builder(tested), file=tested) if tested else "",
        default_template=f"default=HERE / {TEMPLATE_NAME!r}, " if has_template else "",
        tokens=TRL_DEFAULT_TOKENS,
        prepare=prepare + (_TESTED_ROWS if tested and not is_pair else ""),
        test_settings=_TEST_SETTINGS if tested else "",
        tested=", eval_dataset=tested" if tested else "",
    )


def _builder(name: str) -> str:
    return "parquet" if name.endswith(".parquet") else "json"


def _by_kind(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line


_NEEDS_TEMPLATE = """
if not tokenizer.chat_template:
    raise SystemExit(f"{options.model} has no chat template: name one with --chat-template FILE")"""
_ROWS = """
as_tokens = RowsAsTokens(tokenizer, mask_rule={mask_rule!r})
n_rows = len(rows)
rows = rows.map(as_tokens, remove_columns=rows.column_names)"""
_LOAD_TESTED = """tested = load_dataset("{builder}", data_files=str(HERE / {file!r}), split="train")
"""
_TESTED_ROWS = """
tested = tested.map(as_tokens, remove_columns=tested.column_names)"""
_TEST_SETTINGS = """    eval_strategy="epoch",
    per_device_eval_batch_size=options.batch_size,
"""
_IN_ORDER = """


class InOrder({trainer}Trainer):
    \"\"\"The trainer, reading the rows in file order: best first.\"\"\"

    def _get_train_sampler(self, *_):
        return SequentialSampler(self.train_dataset)"""
_PAIRS = """
plain = type(tokenizer)
as_tokens = RowsAsTokens(tokenizer, mask_rule="last")


class ReadsExportedRows(plain):
    \"\"\"The tokenizer; of each side of a pair it gives the tokens that were scored, up to the end of the answer.\"\"\"

    def apply_chat_template(self, conversation, *, tools=None, tokenize=True, add_generation_prompt=False, **settings):
        if tokenize and not add_generation_prompt:
            row = {"messages": conversation, "tools": json.dumps(tools) if tools else None}
            return {"input_ids": as_tokens.answered(row)}
        settings |= {"tools": tools, "tokenize": tokenize, "add_generation_prompt": add_generation_prompt}
        # Calls without tokens come from `as_tokens`, which has read the messages already.
        messages = [as_templates_read(message) for message in conversation] if tokenize else conversation
        return super().apply_chat_template(messages, **settings)


tokenizer.__class__ = ReadsExportedRows
n_rows = len(rows)"""

_SCRIPT = '''"""Train on {file} with TRL: python THIS_FILE --model MODEL_OR_PATH"""

{imports}

import torch
from datasets import load_dataset
{sampler}from transformers import AutoTokenizer
from trl import {trainer}Config, {trainer}Trainer

HERE = Path(__file__).parent

{code}


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", required=True, help="model folder or hub id")
parser.add_argument("--output", default="trained", help="folder for the trained model")
parser.add_argument("--chat-template", {default_template}help="Jinja file in place of the model's own chat template")
parser.add_argument("--max-length", type=int, default={tokens}, help="tokens; longer rows are cut")
parser.add_argument("--epochs", type=float, default=1.0)
parser.add_argument("--max-steps", type=int, default=-1, help="stop after this many steps")
parser.add_argument("--batch-size", type=int, default=8)
parser.add_argument("--learning-rate", type=float, default=2e-5)
parser.add_argument("--cpu", action="store_true", help="train on the CPU even if there is a GPU")
options = parser.parse_args()

rows = load_dataset("{builder}", data_files=str(HERE / {file!r}), split="train")
{load_tested}tokenizer = AutoTokenizer.from_pretrained(options.model)
if options.chat_template:
    tokenizer.chat_template = Path(options.chat_template).read_text(encoding="utf-8")
{prepare}

settings = {trainer}Config(
    output_dir=options.output,
    max_length=options.max_length,
    num_train_epochs=options.epochs,
    max_steps=options.max_steps,
    per_device_train_batch_size=options.batch_size,
{test_settings}    learning_rate=options.learning_rate,
    use_cpu=options.cpu,
    bf16=not options.cpu and torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
    report_to="none",
)
trainer = {made}(options.model, args=settings, train_dataset=rows{tested}, processing_class=tokenizer)
print(f"{{len(trainer.train_dataset):,}} of {{n_rows:,}} rows are trained on")
trainer.train()
trainer.save_model()
'''
