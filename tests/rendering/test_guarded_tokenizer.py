"""`apply_chat_template` in the process for templates of strangers: the same texts, the same limits."""

import pytest

from lobass_core.rendering import template_process
from lobass_core.rendering.exported_rows import RowsAsTokens
from lobass_core.rendering.guarded_tokenizer import GuardedTokenizer
from lobass_core.rendering.template_process import TemplateLimitError
from tests.rendering.published import marked_tokenizer, published

LOOP = "{%- for a in range(99999) %}{%- for b in range(99999) %}{%- endfor %}{%- endfor %}"
MESSAGES = [
    {"role": "user", "content": "Grüß 世界"},
    {"role": "assistant", "content": "Ja", "reasoning_content": "hm"},
    {"role": "user", "content": "q"},
    {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "look_up", "arguments": {"w": 1.5}}}]},
]


def test_texts_are_those_of_transformers() -> None:
    tokenizer = marked_tokenizer()
    with GuardedTokenizer(tokenizer, lambda: None) as guarded:
        for name in ("qwen3", "llama3_1", "gptoss"):
            tokenizer.chat_template = published(name)
            for messages in (MESSAGES, MESSAGES[:2]):
                for prompt in (False, True):
                    asked = {"tokenize": False, "add_generation_prompt": prompt, "eos_token": "<|im_end|>"}
                    theirs = tokenizer.apply_chat_template(messages, **asked)
                    assert guarded.apply_chat_template(messages, **asked) == theirs
            rows = {"messages": MESSAGES[:2]}
            assert RowsAsTokens(guarded)(rows) == RowsAsTokens(tokenizer)(rows)


@pytest.mark.parametrize(
    ("template", "reason"), [("{{ 1 / 0 }}", "division by zero"), ("{{ raise_exception('no') }}", "no")]
)
def test_a_refusal_is_an_error_of_its_row(template: str, reason: str) -> None:
    tokenizer = marked_tokenizer()
    tokenizer.chat_template = template
    with GuardedTokenizer(tokenizer, lambda: None) as guarded:
        for _ in range(2):
            with pytest.raises(Exception, match=reason):
                guarded.apply_chat_template(MESSAGES[:2], tokenize=False)


@pytest.mark.slow
def test_limits_and_cancels_come_through_code_that_takes_every_error_for_a_refusal(monkeypatch) -> None:
    monkeypatch.setattr(template_process, "SECONDS", 1)
    tokenizer = marked_tokenizer()
    tokenizer.chat_template = LOOP

    with pytest.raises(TemplateLimitError, match=r"did not finish.*sample abc"):  # noqa: SIM117
        with GuardedTokenizer(tokenizer, lambda: None) as guarded:
            guarded.sample = "abc"
            RowsAsTokens(guarded)

    def cancel() -> None:
        raise InterruptedError("cancelled")

    with pytest.raises(InterruptedError, match="cancelled"), GuardedTokenizer(tokenizer, cancel) as guarded:
        RowsAsTokens(guarded)
