"""Templates of strangers render in a process of their own: the same texts, within limits, and never in the way."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from lobass_core.records import Sample, Turn
from lobass_core.rendering import template_process
from lobass_core.rendering.finders import StrangersFinder, TrustedFinder
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.spans import ResponseFinder
from lobass_core.rendering.template_process import TemplateLimitError
from lobass_core.rendering.template_rows import Answer, Row
from lobass_core.rendering.templates import BUILT_IN, Template
from tests.models import tiny_tokenizer
from tests.rendering.published import marked_tokenizer, published

# A template that behaves unless the user says the word.
TEMPLATE = """{{{{ bos_token }}}}{{%- for message in messages %}}
{{%- if message['content'] == 'now' %}}{act}{{%- endif %}}
{{{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}}}
{{%- endfor %}}"""
LOOP = "{%- for a in range(99999) %}{%- for b in range(99999) %}{%- endfor %}{%- endfor %}"
ONE_CALL = "{%- set x = 7 ** (10 ** 8 * loop.length) %}"
DOUBLE = "{%- set n = namespace(s='x') %}{%- for a in range(50) %}{%- set n.s = n.s + n.s %}{%- endfor %}"
LONG = "{{ 'y' * 3000000 }}"
GOOD = Sample.of([Turn("user", "Hello"), Turn("assistant", "Hi")])
BAD = Sample.of([Turn("user", "now"), Turn("assistant", "Hi")])


def renderer(act: str, on_wait=lambda: None) -> Renderer:
    template = Template("a.jinja", TEMPLATE.format(act=act), "/models/a.jinja")
    return Renderer(tiny_tokenizer(None), template, "all", 512, on_wait)


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_process, "SECONDS", 1)
    monkeypatch.setattr(template_process, "MEMORY_BYTES", 256 << 20)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("act", "what"),
    [
        (LOOP, "did not finish within 1 s"),
        (ONE_CALL, "did not finish within 1 s"),
        (DOUBLE, "uses more than 256 MB of memory"),
        (LONG, "prints much more than the conversation"),
    ],
    ids=["loop", "one-call", "double", "long"],
)
def test_a_row_beyond_a_limit_names_template_and_sample(act: str, what: str, small_limits: None) -> None:
    made = renderer(act)
    assert made.render([GOOD])[0].text == "<s><|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi<|im_end|>\n"

    with pytest.raises(TemplateLimitError) as caught:
        made.render([GOOD] * 5 + [BAD] + [GOOD] * 5)

    assert caught.value.what == f"template a.jinja {what}"
    assert caught.value.where == f"/models/a.jinja, sample {BAD.sample_id[:12]}"
    assert len(made.render([GOOD])[0].input_ids)


@pytest.mark.slow
def test_constants_are_not_computed_before_the_limits_hold(small_limits: None) -> None:
    """Jinja computes constant expressions when it compiles a template."""
    with pytest.raises(TemplateLimitError, match=r"a\.jinja did not finish.*in a plain exchange"):
        renderer("{{ 7 ** (10 ** 8) }}")


def test_a_wait_can_be_ended_and_leaves_no_process() -> None:
    class Ended(Exception):
        pass

    def end() -> None:
        if time.monotonic() > deadline:
            raise Ended

    before = {child.pid for child in psutil.Process().children()}
    deadline = time.monotonic() + 1e9
    made = renderer(LOOP, end)
    deadline = started = time.monotonic()

    with pytest.raises(Ended):
        made.render([BAD])

    assert time.monotonic() - started < 2
    idle = {process._process.pid for process in template_process._idle.values()}
    assert {child.pid for child in psutil.Process().children()} - before <= idle


@pytest.mark.parametrize("name", ["gptoss", "llama3_training", "qwen3"])
def test_published_templates_give_the_same_in_both_processes(name: str) -> None:
    """Texts, spans, keys and refusals; test_published_templates.py renders all others in the process."""
    variables = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "", "unk_token": ""}
    special = [str(token) for token in marked_tokenizer().added_tokens_decoder.values() if token.special]
    arguments = {"word": "q"}
    user = {"role": "user", "content": "Grüß\ufffd 世界"}
    answer = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nJa"}
    calling, calling_as_text = (
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "look_up", "arguments": one}}]}
        for one in (arguments, json.dumps(arguments))
    )
    asked: list[Row] = [
        ([user, answer], None, None, [1]),
        ([user, answer, user, {**answer, "content": " blanks "}], None, None, [1, 3]),
        ([user, calling], [user, calling_as_text], None, [1]),
        ([{"role": "tool", "content": "1"}, user], None, None, []),
        "its tools cannot be read",
    ]
    rows = [(str(number), row) for number, row in enumerate(asked)]
    template = Template(name, published(name), "trl")
    here = TrustedFinder(ResponseFinder(template, variables, special))
    there = StrangersFinder(template, variables, special, None, lambda: None)

    assert list(there.find_all(rows)) == list(here.find_all(rows))
    assert there.keys == here.keys


def test_our_own_templates_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    for name, text in BUILT_IN.items():
        assert Renderer(tiny_tokenizer(None), Template(name, text, "tokenizer"), "all", 512).render([GOOD])


def test_renderers_of_one_template_share_a_process() -> None:
    first = renderer("")
    first.render([GOOD])
    key, process = next(reversed(template_process._idle.items()))

    renderer("").render([GOOD] * 300)

    assert template_process._idle[key] is process


def test_an_answer_is_read_as_text_and_numbers_in_any_pieces() -> None:
    answers = [Answer(0, "a\ud800世", ((1, 2), (3, 4))), Answer(1, ""), Answer(4, "seconds")]
    data = b"".join(answer.packed() for answer in answers)
    buffer, found = bytearray(), []
    for byte in data:
        buffer.append(byte)
        if (one := Answer.unpacked(buffer)) is not None:
            found.append(one[0])
            del buffer[: one[1]]

    assert found == answers
    assert not buffer


def test_a_killed_program_leaves_no_process_behind() -> None:
    """The child reads the end of its input; one that computes is ended by its own clock."""
    opening = ("a", BUILT_IN["plain"], "a", {"bos_token": "", "eos_token": "."}, ["."], None)
    code = f"""
import os, signal
from lobass_core.rendering.template_process import template_process
with template_process("find", {opening!r}) as process:
    process.opened(lambda: None)
    print(process._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid = int(done.stdout)

    assert done.returncode == -signal.SIGKILL
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    else:
        os.kill(pid, signal.SIGKILL)
        pytest.fail("the template's process is still there")
