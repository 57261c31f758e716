"""Which keys of a message a template reads, by every way in which published templates reach one."""

import pytest

from lobass_core.rendering.template_keys import message_keys
from lobass_core.rendering.templates import BUILT_IN

LOOP = "{% for m in messages %}"
END = "{% endfor %}"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (LOOP + "{{ m.role }}{{ m['content'] }}" + END, {"role", "content"}),
        (LOOP + "{{ m.get('thinking', '') }}" + END, {"thinking"}),
        (LOOP + "{% if 'calls' in m %}{% endif %}{% if 'plan' not in m %}{% endif %}" + END, {"calls", "plan"}),
        ("{{ messages[0].content }}{{ messages[-1]['role'] }}", {"content", "role"}),
        ("{{ (messages | first).name }}{{ (messages | last)['role'] }}", {"name", "role"}),
        ("{% for m in messages[1:] | reverse %}{{ m.a }}{% endfor %}", {"a"}),
        ("{% set ms = messages %}{% set ms = ms[1:] if x else ms %}{% for m in ms %}{{ m.a }}{% endfor %}", {"a"}),
        ("{% for i in range(3) %}{% set m = messages[i] %}{{ m.a }}{{ messages[i - 1].b }}{% endfor %}", {"a", "b"}),
        (LOOP + "{% if loop.previtem and loop.previtem.a %}{% endif %}{{ loop.nextitem['b'] }}" + END, {"a", "b"}),
        ("{% macro say(m, n=1) %}{{ m.a }}{% endmacro %}" + LOOP + "{{ say(m) }}" + END, {"a"}),
        ("{% macro say(m) %}{{ m.a }}{% endmacro %}" + LOOP + "{{ say(m=m) }}" + END, {"a"}),
        ("{% set ns = namespace(last=none) %}" + LOOP + "{% set ns.last = m %}" + END + "{{ ns.last.a }}", {"a"}),
        ("{% set ns = namespace(first=messages[0]) %}{{ ns.first.a }}", {"a"}),
        ("{% for m in messages | selectattr('role', 'in', 'x') %}{{ m.a }}{% endfor %}", {"role", "a"}),
        ("{{ messages | map(attribute='a') | join }}", {"a"}),
        (LOOP + "{% for call in m.calls %}{{ call.function.name }}{{ call['id'] }}{% endfor %}" + END, {"calls"}),
        (LOOP + "{% for part in m.content %}{{ part.text }}{{ part['type'] }}{% endfor %}" + END, {"content"}),
        ("{% for t in tools %}{{ t.name }}{{ t | tojson }}{% endfor %}{{ m.a }}", set()),
        (LOOP + "{{ m | tojson }}" + END, None),
        ("{{ messages | tojson }}", None),
        (LOOP + "{% for key, value in m.items() %}{{ value }}{% endfor %}" + END, None),
        (LOOP + "{% for key in ['a', 'b'] %}{{ m[key] }}{% endfor %}" + END, None),
    ],
)  # fmt: skip
def test_keys_are_found(text: str, keys: set[str] | None):
    assert message_keys(text) == keys


def test_keys_of_the_built_in_templates():
    assert {name: message_keys(text) for name, text in BUILT_IN.items()} == {
        "alpaca": {"role", "content", "tool_calls", "instruction", "input"},
        "chatml": {"role", "content", "tool_calls"},
        "plain": {"role", "content", "tool_calls"},
    }
