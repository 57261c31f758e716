"""train.py of an export for TRL: the rows as the tokens that were scored, and the call of the trainer."""

from pathlib import Path

import lobass_core
from lobass_core.exporting.layout import TEMPLATE_NAME
from lobass_core.records import SampleKind

TRL_DEFAULT_TOKENS = 1024
# Read as text: what it needs stays in the environment that trains.
_ROWS_AS_TOKENS = Path(lobass_core.__file__).parent / "rendering" / "exported_rows.py"


def train_script(files: dict[SampleKind, str], *, mask_rule: str, has_template: bool) -> str:
    """A script that trains on the exported rows with TRL; without chats it takes the pairs, else the texts."""
    needs_template = "" if set(files) == {"text"} else _NEEDS_TEMPLATE
    kind = next(kind for kind in ("chat", "preference", "text") if kind in files)
    rows_as_tokens = _ROWS_AS_TOKENS.read_text(encoding="utf-8").split('"""\n', 1)[1].strip()
    imports, _, code = rows_as_tokens.partition("\n\n_UNUSABLE")
    own = TEMPLATE_NAME if has_template else ""
    return _SCRIPT.format(
        file=files[kind],  # type: ignore[index]
        trainer="DPO" if kind == "preference" else "SFT",
        imports="\n".join(sorted({*imports.splitlines(), "import argparse", "from pathlib import Path"}, key=_by_kind)),
        code=f"_UNUSABLE{code}",
        builder="parquet" if files[kind].endswith(".parquet") else "json",  # type: ignore[index]
        default_template=f"default=HERE / {own!r}, " if own else "",
        tokens=TRL_DEFAULT_TOKENS,
        prepare=needs_template + (_PAIRS if kind == "preference" else _ROWS.format(mask_rule=mask_rule)),
    )


def _by_kind(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line


_NEEDS_TEMPLATE = """
if not tokenizer.chat_template:
    raise SystemExit(f"{options.model} has no chat template: name one with --chat-template FILE")"""
_ROWS = """
as_tokens = RowsAsTokens(tokenizer, mask_rule={mask_rule!r})
n_rows = len(rows)
rows = rows.map(as_tokens, remove_columns=rows.column_names)"""
_PAIRS = """
plain = type(tokenizer)


class ReadsExportedRows(plain):
    \"\"\"The tokenizer, whose chat template sees the messages as they were scored.\"\"\"

    def apply_chat_template(self, conversation, *args, **settings):
        messages = [as_templates_read(message) for message in conversation]
        return super().apply_chat_template(messages, *args, **settings)


tokenizer.__class__ = ReadsExportedRows
n_rows = len(rows)"""

_SCRIPT = '''"""Train on {file} with TRL: python train.py --model MODEL_OR_PATH"""

{imports}

from datasets import load_dataset
from transformers import AutoTokenizer
from trl import {trainer}Config, {trainer}Trainer

HERE = Path(__file__).parent

{code}


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", required=True, help="model folder or hub id")
parser.add_argument("--output", default="trained", help="folder for the trained model")
parser.add_argument("--chat-template", {default_template}help="Jinja file in place of the model's own chat template")
parser.add_argument("--max-length", type=int, default={tokens}, help="tokens; longer rows are cut")
parser.add_argument("--epochs", type=float, default=1.0)
parser.add_argument("--max-steps", type=int, default=-1, help="stop after so many steps")
parser.add_argument("--batch-size", type=int, default=8)
parser.add_argument("--learning-rate", type=float, default=2e-5)
parser.add_argument("--cpu", action="store_true", help="train without a GPU")
options = parser.parse_args()

rows = load_dataset("{builder}", data_files=str(HERE / {file!r}), split="train")
tokenizer = AutoTokenizer.from_pretrained(options.model)
if options.chat_template:
    tokenizer.chat_template = Path(options.chat_template).read_text(encoding="utf-8")
{prepare}

settings = {trainer}Config(
    output_dir=options.output,
    max_length=options.max_length,
    num_train_epochs=options.epochs,
    max_steps=options.max_steps,
    per_device_train_batch_size=options.batch_size,
    learning_rate=options.learning_rate,
    use_cpu=options.cpu,
    bf16=not options.cpu,
    report_to="none",
)
trainer = {trainer}Trainer(options.model, args=settings, train_dataset=rows, processing_class=tokenizer)
print(f"{{len(trainer.train_dataset):,}} of {{n_rows:,}} rows are trained on")
trainer.train()
trainer.save_model()
'''
