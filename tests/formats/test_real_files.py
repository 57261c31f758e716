"""Published files read with the counts that their publishers state; what is no instruction data says what it is."""

import itertools
from pathlib import Path

import pytest

from lobass_core.errors import InputFileError
from lobass_core.formats.detect import detect, parse_row
from lobass_core.formats.raw_records import BadRecord
from lobass_core.formats.read_files import open_records

pytestmark = pytest.mark.real_data

# file, format, rows, different samples, encoding
FILES = [
    ("code/gpteacher_codegen.json", "alpaca", 4535, 4535, "utf-8"),
    ("code/mbpp.jsonl", "prompt-completion", 974, 974, "utf-8"),
    ("conversation/alpaca_random_9k.json", "alpaca", 9229, 9229, "utf-8"),
    ("conversation/cherry_alpaca_5_percent.json", "alpaca", 3111, 3111, "utf-8"),
    ("conversation/dolly_3k.json", "alpaca", 2996, 2994, "utf-8"),
    ("conversation/gpteacher_roleplay.json", "alpaca", 1923, 1923, "utf-8"),
    ("math/SVAMP.json", "columns", 1000, 1000, "utf-8"),
    ("math/gsm8k_test.jsonl", "prompt-completion", 1319, 1319, "utf-8"),
    ("math/gsm8k_train.jsonl", "prompt-completion", 7473, 7473, "utf-8"),
    ("math/math500.jsonl", "prompt-completion", 500, 500, "utf-8"),
    ("math/numina_cot_sharegpt_1k.jsonl", "sharegpt", 1000, 1000, "utf-8"),
    ("messy/alpaca_zh_demo.json", "alpaca", 1000, 992, "utf-8"),
    ("messy/mixed_schema_data.json", "alpaca", 16, 16, "utf-8"),
    ("messy/utf16_prompt_completion.jsonl", "prompt-completion", 10, 10, "utf-16"),
    ("multi_turn/fastchat_dummy_conversation.json", "sharegpt", 500, 500, "utf-8"),
    ("multi_turn/oasst_en_100_tree.jsonl", "tree", 100, 100, "utf-8"),
    ("multi_turn/tulu_v2_mix_sample_messages.jsonl", "messages", 512, 512, "utf-8"),
    ("multi_turn/weather_chat_fine_tuning.jsonl", "messages", 10, 1, "utf-8"),
    ("preference/dpo_en_demo.json", "preference", 300, 295, "utf-8"),
    ("preference/hh_rlhf_harmless_base_test.jsonl.gz", "preference", 2312, 2312, "utf-8"),
]


@pytest.mark.parametrize(("name", "form", "n_rows", "n_samples", "encoding"), FILES)
def test_published_file(real_data: Path, name: str, form: str, n_rows: int, n_samples: int, encoding: str) -> None:
    stream = open_records(real_data / name)
    detection = detect(itertools.islice(stream, 1000))
    assert (detection.format, stream.encoding.name) == (form, encoding)
    sample_ids = []
    for record in stream:
        assert not isinstance(record, BadRecord)
        sample_ids.append(parse_row(record.value, detection).sample.sample_id)
    assert (len(sample_ids), len(set(sample_ids))) == (n_rows, n_samples)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("messy/blns.json", "its records are text, not objects with fields"),
        ("messy/gbk_encoded_question.jsonl", "its rows have questions but no answers"),
        ("messy/utf8_bom_schools.csv", "no known format fits its fields: 'original_column_name', 'column_name'"),
        ("corpora/tinyshakespeare_input.txt", 'it begins with "First Citizen:"'),
        ("tiny_lm/tok512.bin", "the file is not JSON"),
    ],
)
def test_files_that_are_no_instruction_data(real_data: Path, name: str, what: str) -> None:
    with pytest.raises(InputFileError, match=what):
        detect(itertools.islice(open_records(real_data / name), 1000))


def test_messy_readers(real_data: Path) -> None:
    gbk = open_records(real_data / "messy/gbk_encoded_question.jsonl")
    assert gbk.encoding.name == "gb18030"
    records = list(gbk)
    assert len(records) == 379
    assert "中国" in records[0].value["turns"][0]  # type: ignore[union-attr]
    schools = open_records(real_data / "messy/utf8_bom_schools.csv")
    rows = list(schools)
    assert len(rows) == 49
    assert not any(isinstance(row, BadRecord) for row in rows)
    assert len(list(open_records(real_data / "messy/blns.json"))) == 515
