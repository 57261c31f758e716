"""Whatever comes from data, no character of it steers the terminal, in any command."""

import json
import re
import subprocess
import sys

import pytest

from lobass_core.cli import doctor
from lobass_core.cli.output import print_error, print_facts, print_json, print_table, stdout, warn
from lobass_core.errors import RenderError
from lobass_core.jobs.run_results import PreviewRow, PreviewToken, RenderResult
from lobass_core.words.terminal_text import printable, printable_json
from tests.scored_files import write_jsonl

LINK = "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07"
CLIPBOARD = "\x1b]52;c;ZXZpbA==\x1b\\"
EVIL = f"{LINK}{CLIPBOARD}\x1b[2J\x9b31m\x9d0;title\x9c\r\x08\u202eabc\u2066\u061c\u200b\ufeff\U000e0041\u2028\ud83d"
GOOD = "line\nand\ttab, 你好, é, 👩\u200d👩\u200d👧, می\u200cخواهم"
# What may reach a terminal from us when it is no terminal: no control character but the line feed.
STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0041]"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (LINK, "\\x1b]8;;http://evil.example\\x07click\\x1b]8;;\\x07"),
        (CLIPBOARD, "\\x1b]52;c;ZXZpbA==\\x1b\\"),
        ("\x9b31m red", "\\x9b31m red"),
        ("safe\u202efdp.exe", "safe\\u202efdp.exe"),
        ("a\U000e0041b", "a\\U000e0041b"),
        ("cut \ud83d", "cut \\ud83d"),
        (GOOD, GOOD),
    ],
)  # fmt: skip
def test_what_a_terminal_obeys_is_written_out(text: str, shown: str):
    assert printable(text) == shown


def test_json_keeps_its_values():
    value = {EVIL: [EVIL, "你好 \U0001f98a", None, 1.5]}
    document = printable_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(document) == value
    assert not STEERS.search(document)
    assert "你好 \U0001f98a" in document


def test_nothing_that_is_printed_steers(capsys):
    print_table((EVIL, "n"), [(EVIL, 1), (None, 2)], title=EVIL)
    print_facts(EVIL, [(EVIL, EVIL)])
    print_json({"text": EVIL})
    warn(EVIL)
    print_error(RenderError(EVIL, where=EVIL, do=EVIL))
    # A command that prints past these functions.
    stdout.print(EVIL, markup=False)
    stdout.print(f"[bold]{LINK}[/bold]")
    captured = capsys.readouterr()
    for stream in (captured.out, captured.err):
        assert not STEERS.search(stream)
    assert captured.out.count("click") == 9
    assert captured.err.count("click") == 4
    assert captured.out.count("\\x1b]8;;http://evil.example") == 8
    assert captured.out.count("\\u001b]8;;http://evil.example") == 1


def test_commands_escape_what_a_file_holds(lobass, tmp_path):
    rows = [{"messages": [{"role": "user", "content": EVIL[:-1] + "ask"}, {"role": "assistant", "content": "a"}]}]
    rows += [{"messages": [{"role": EVIL[:-1], "content": "b"}]}]
    path = write_jsonl(tmp_path / "evil.jsonl", rows)
    project = tmp_path / "p"
    assert lobass("init", project).exit_code == 0
    for words in (
        ("import", path, "--project", project, "--domain", "\u202emath"),
        ("browse", "--project", project),
        ("status", "--project", project),
        ("browse", "--project", project, "--json"),
        ("browse", "--project", project, "--domain", LINK),
    ):
        ran = lobass(*words)
        assert not STEERS.search(ran.out + ran.err), words
    assert json.loads(lobass("browse", "--project", project, "--json").out)["rows"][0]["turns"][0]["content"] == (
        EVIL[:-1] + "ask"
    )


def preview(text: str, tokens: list[tuple[int, int, bool]], **facts) -> RenderResult:
    listed = tuple(PreviewToken(start, end, 7, scored) for start, end, scored in tokens)
    row = PreviewRow("0" * 64, "math", text, listed, **{"status": "ok", **facts})
    return RenderResult("plain", "built-in", "", "all", 512, (row,))


def test_a_character_of_several_tokens_is_printed_once(capsys):
    # "é" is two tokens, the fox four, and the white space between belongs to none.
    doctor._draw(preview("é 🦊!", [(0, 1, False), (0, 1, False), *[(2, 3, True)] * 4, (3, 4, True)]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "é 🦊!"
    assert [line.split(None, 2)[-1].removeprefix("yes").strip() for line in lines[3:]] == [
        "'é' part 1 of 2",
        "'é' part 2 of 2",
        "'🦊' part 1 of 4",
        "'🦊' part 2 of 4",
        "'🦊' part 3 of 4",
        "'🦊' part 4 of 4",
        "'!'",
    ]


def test_two_equal_letters_are_two_tokens(capsys):
    doctor._draw(preview("aa", [(0, 1, False), (1, 2, True)]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "aa"
    assert "part" not in "".join(lines)


def test_doctor_says_why_nothing_is_scored(capsys):
    doctor._draw(preview("", [], status="no_response", reason=f"the template rejects it: {LINK}", notes=("A note.",)))
    captured = capsys.readouterr()
    assert captured.err == (
        "warning: nothing is scored: the template rejects it: \\x1b]8;;http://evil.example\\x07click\\x1b]8;;\\x07\n"
        "warning: A note.\n"
    )
    assert "position" not in captured.out


def test_what_a_record_holds_is_shown_and_not_obeyed(capsys):
    doctor._draw(preview(LINK, [(place, place + 1, True) for place in range(len(LINK))]))
    out = capsys.readouterr().out
    assert out.splitlines()[1] == printable(LINK)
    assert not STEERS.search(out)


def test_commands_start_without_the_libraries_that_few_of_them_need():
    heavy = {"torch", "transformers", "datasets", "pandas", "scipy", "streamlit", "plotly"}
    script = f"import sys, lobass_core.cli.main; print({heavy!r} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
