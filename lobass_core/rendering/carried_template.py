"""The chat template as it goes with an export: elsewhere it must print what it printed when the samples were scored."""

import re

from lobass_core.rendering.chat_jinja import fixed_date
from lobass_core.rendering.templates import Template

_DATE_PATTERN = re.compile(r"strftime_now\(\s*(['\"])(.*?)\1")


def carried_template(template: Template) -> str:
    """One Jinja text that renders like the template.

    Where it prints today's date, it prints the date that the scores were computed with; where rows with tools have a
    text of their own, it chooses between the two.
    """
    text = template.text
    if template.tool_use:
        whole = (text.removesuffix("\n") for text in (template.tool_use, template.text))
        text = "{{% if tools %}}\n{}{{% else %}}\n{}{{% endif %}}".format(*whole)
    patterns = dict.fromkeys(match.group(2) for match in _DATE_PATTERN.finditer(text))
    if not patterns:
        return text
    dates = ", ".join(f"{pattern!r}: {fixed_date(pattern)!r}" for pattern in patterns)
    return f"{{%- macro strftime_now(pattern) %}}{{{{ {{{dates}}}[pattern] }}}}{{%- endmacro %}}\n{text}"
