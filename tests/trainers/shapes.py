"""What is exported to the trainers: rows of each shape that a trainer may read in a way of its own."""

import json
from collections.abc import Callable

Rows = list[dict]

# A turn is closed by one token, answers are marked for `assistant_only_loss`, tools and calls are printed as JSON.
TEMPLATE = """\
{%- if tools %}
    {{- '<|im_start|>system\\nTools: ' }}
    {%- for tool in tools %}{{- tool | tojson }}{%- endfor %}
    {{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'assistant' %}
        {{- '<|im_start|>assistant\\n' }}
        {%- generation %}
            {%- if message.content %}{{- message.content }}{%- endif %}
            {%- for call in message.tool_calls or [] %}
                {{- '\\n{"name": "' + call.function.name + '", "arguments": ' }}
                {{- (call.function.arguments | tojson) + '}' }}
            {%- endfor %}
            {{- '<|im_end|>' }}
        {%- endgeneration %}
        {{- '\\n' }}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
# Tokens that a row may have, in the trainers as in the scoring.
CUTOFF, SHORT_CUTOFF = 4096, 512
MIXTURE_BYTES = 10 << 20  # what `datasets` reads before it fixes the columns of a JSON file


def turn(role: str, content: str, **more) -> dict:
    """One message."""
    return {"role": role, "content": content, **more}


def plain() -> dict[str, Rows]:
    """One question, one answer, from files of several formats."""
    return {
        "alpaca": [{"instruction": f"Add {n} and {n}.", "input": "", "output": f"{2 * n}"} for n in range(6)],
        "inputs": [{"instruction": "Say it in French.", "input": f"day {n}", "output": f"jour {n}"} for n in range(3)],
        "qa": [{"question": f"What is {n} + {n}?", "answer": f"It is {2 * n}.\n#### {2 * n}"} for n in range(6)],
        "chats": [
            {"messages": [turn("user", f"Say hé {n}"), turn("assistant", f" hé {n}, 你好 ")], "level": n}
            for n in range(6)
        ],
        "systems": [
            {"messages": [turn("system", "Be brief."), turn("user", f"Hi {n}"), turn("assistant", "Hello.")]}
            for n in range(4)
        ],
    }


def multi_turn() -> dict[str, Rows]:
    """Conversations of several answers, and what else people have in them."""

    def chat(n: int) -> list[dict]:
        return [
            turn("user", f"Count to {n}"),
            turn("assistant", f"1 to {n}"),
            turn("user", "On"),
            turn("assistant", "!"),
        ]

    return {
        "several": [{"messages": chat(n)} for n in range(8)],
        "systems": [{"messages": [turn("system", "Be brief."), *chat(n)]} for n in range(8)],
        "starts": [{"messages": [turn("assistant", "Hello, I am here."), *chat(n)]} for n in range(3)],
        "asks": [{"messages": [*chat(n), turn("user", "And then?")]} for n in range(3)],
        "twice": [{"messages": [turn("user", "First."), *chat(n)]} for n in range(2)],
        "sharegpt": [
            {"conversations": [{"from": "human", "value": f"Q{n}"}, {"from": "gpt", "value": f"A{n}"}] * 2}
            for n in range(4)
        ],
    }


TIDES = {
    "type": "function",
    "function": {
        "name": "tide_table",
        "description": "Tide times of a harbour",
        "parameters": {"type": "object", "properties": {"harbour": {"type": "string"}}, "required": ["harbour"]},
    },
}


def _call(number: int, **arguments) -> dict:
    function = {"name": "tide_table", "arguments": json.dumps(arguments)}
    return {"id": f"c{number}", "type": "function", "function": function}


def _looked_up(name: str, beside: str, *calls: dict) -> dict:
    """A question that is answered after tool calls, with a text beside them."""
    return {
        "messages": [
            turn("system", "You answer questions about tides."),
            turn("user", f"When is high water in {name}?"),
            turn("assistant", beside, tool_calls=list(calls)),
            *(turn("tool", '{"high": ["05:12", "17:40"]}', tool_call_id=one["id"]) for one in calls),
            turn("assistant", f"In {name} at 05:12."),
        ],
        "tools": [TIDES],
    }


def tools() -> dict[str, Rows]:
    """Calls with and without a text beside them, parallel ones, and rows without any tool."""
    places = ("Whitby", "Oban", "Sète")
    thought = "<think>\nThe table for {}.\n</think>\nOne moment."
    return {
        "plain": [{"prompt": f"{n}?", "completion": str(n)} for n in range(4)],
        "beside": [_looked_up(name, "Let me look that up.", _call(1, harbour=name, day=3)) for name in places],
        "thinks": [_looked_up(name, thought.format(name), _call(1, harbour=name)) for name in places],
        "bare": [_looked_up(name, "", _call(1, harbour=name, days=[1, 2], exact=True)) for name in places],
        "parallel": [
            _looked_up(name, "", _call(1, harbour=name), _call(2, harbour="Bergen", unit={"of": "m"}))
            for name in places
        ],
    }


def pairs() -> dict[str, Rows]:
    """Preference pairs as texts and as turns."""
    return {
        "texts": [{"prompt": f"Say {n}", "chosen": f"It is {n}.", "rejected": "No."} for n in range(6)],
        "turns": [
            {
                "prompt": [turn("system", "Be brief."), turn("user", f"Say {n}")],
                "chosen": [turn("assistant", f"{n}")],
                "rejected": [turn("assistant", f"I shall say {n}, as you wish.")],
            }
            for n in range(6)
        ],
        "longer": [
            {
                "prompt": [turn("user", "A"), turn("assistant", "B"), turn("user", f"C{n}")],
                "chosen": [turn("assistant", "yes")],
                "rejected": [turn("assistant", "no")],
            }
            for n in range(3)
        ],
    }


def long_rows() -> dict[str, Rows]:
    """At 512 tokens: four rows fit, four begin their second answer beyond the limit, the prompt of four fills it."""
    words = "word " * 400
    return {
        "short": [
            {"messages": [turn("user", f"{n}?"), turn("assistant", "!"), turn("user", "On"), turn("assistant", "Yes")]}
            for n in range(4)
        ],
        "second": [
            {
                "messages": [
                    turn("user", f"hi {n}"),
                    turn("assistant", "short answer"),
                    turn("user", words),
                    turn("assistant", "the end"),
                ]
            }
            for n in range(4)
        ],
        "filled": [{"messages": [turn("user", f"{n} {words}"), turn("assistant", "too late")]} for n in range(4)],
    }


def long_answers() -> dict[str, Rows]:
    """At 512 tokens: answers that pass the limit, in chats of one question."""
    words = "word " * 400
    return {
        "fits": [{"prompt": f"{n}?", "completion": "Yes."} for n in range(4)],
        "passes": [{"prompt": f"Write {n}", "completion": words} for n in range(4)],
        "fills": [{"prompt": f"{n} {words}", "completion": "No."} for n in range(4)],
    }


def long_pairs() -> dict[str, Rows]:
    """At 512 tokens: pairs whose prompt or one of whose answers passes the limit."""
    words = "word " * 400
    return {
        "fits": [{"prompt": f"Say {n}", "chosen": "Yes.", "rejected": "No."} for n in range(4)],
        "chosen": [{"prompt": f"Say {n}", "chosen": words, "rejected": "No."} for n in range(3)],
        "rejected": [{"prompt": f"Say it {n}", "chosen": "Yes.", "rejected": words} for n in range(2)],
        "prompt": [{"prompt": f"{n} {words}", "chosen": "Yes.", "rejected": "No."} for n in range(2)],
    }


def mixture() -> dict[str, Rows]:
    """Over 10 MB of plain rows, then rows with other fields, then with tools: the first chunk shows none of these.

    Most of it is a field that no trainer reads, so that nobody waits for its tokens.
    """
    page = "Write a short story about a fox who learns to share its food with the other animals of the forest. " * 36
    n_plain = 1 + MIXTURE_BYTES // len(page)
    return {
        "a_plain": [{"prompt": f"Story {n}", "completion": f"The {n}th.", "page": page} for n in range(n_plain)],
        "b_fields": [
            {"messages": [turn("user", f"Hi {n}"), turn("assistant", "Hello.")], "dataset": "other", "id": value}
            for n, value in enumerate([1, "x", 2.5, None, [1], {"k": 2}, "2024-05-01"])
        ],
        **{f"z_{name}": rows for name, rows in tools().items()},
    }


SHAPES: dict[str, Callable[[], dict[str, Rows]]] = {
    "plain": plain,
    "multi-turn": multi_turn,
    "tools": tools,
    "pairs": pairs,
    "long rows": long_rows,
    "long answers": long_answers,
    "long pairs": long_pairs,
    "mixture over 10 MB": mixture,
}
CUTOFFS = dict.fromkeys(SHAPES, CUTOFF) | dict.fromkeys(("long rows", "long answers", "long pairs"), SHORT_CUTOFF)
