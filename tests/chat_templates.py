"""Small chat templates that behave like those of well-known families: each breaks a careless export in its own way."""

# Qwen2.5: arguments through tojson, so that a text would be quoted twice.
PRINTS_JSON = """\
{%- if tools %}
    {{- "<|im_start|>system\\nTools: " }}
    {%- for tool in tools %}{{- tool | tojson }}{%- endfor %}
    {{- "<|im_end|>\\n" }}
{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.content %}{{- message.content }}{%- endif %}
    {%- for call in message.tool_calls or [] %}
        {{- '\\n{"name": "' + call.function.name + '", "arguments": ' + (call.function.arguments | tojson) + '}' }}
    {%- endfor %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
# Qwen3.5 and GLM-4.5: arguments key by key, which a text does not have.
WALKS_ARGUMENTS = """\
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content }}
    {%- for call in message.tool_calls or [] %}
        {{- '<call>' + call.function.name }}
        {%- for key, value in call.function.arguments.items() %}
            {{- '<' + key + '>' + (value if value is string else value | tojson) + '</' + key + '>' }}
        {%- endfor %}
        {{- '</call>' }}
    {%- endfor %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
# DeepSeek: arguments joined to a text.
JOINS_ARGUMENTS = """\
{{- bos_token }}
{%- for message in messages %}
    {%- if message['role'] == 'assistant' %}
        {{- '<|im_start|>assistant' + message['content'] }}
        {%- for call in message['tool_calls'] or [] %}
            {{- '<call>' + call['function']['name'] + ':' + call['function']['arguments'] }}
        {%- endfor %}
        {{- eos_token }}
    {%- else %}
        {{- '<|im_start|>' + message['role'] + message['content'] }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant' }}{%- endif %}
"""
# Llama 3.1: whether the key is there, today's date, and the content trimmed.
ASKS_FOR_THE_KEY = """\
{{- bos_token }}
{%- set date_string = strftime_now("%d %b %Y") %}
{{- '<|im_start|>system\\nToday: ' + date_string + '<|im_end|>' }}
{%- for message in messages %}
    {%- if 'tool_calls' in message %}
        {{- '<|im_start|>assistant\\nCALL ' + message.tool_calls[0].function.name }}
        {{- ' ' + (message.tool_calls[0].function.arguments | tojson) + '<|im_end|>' }}
    {%- else %}
        {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
# Llama 2: the answer between blanks, closed by the end token, the next exchange opened by another beginning.
OPENS_EACH_EXCHANGE = """\
{%- for message in messages %}
    {%- if message['role'] == 'user' %}
        {{- bos_token + '[INST] ' + message['content'].strip() + ' [/INST]' }}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' + message['content'] | trim + ' ' + eos_token }}
    {%- endif %}
{%- endfor %}
"""
# Reasoning and a field of the data, printed before the answer.
THINKS = """\
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.mood %}{{- '(' + message.mood + ') ' }}{%- endif %}
    {%- if message.reasoning_content %}{{- '<think>' + message.reasoning_content + '</think>' }}{%- endif %}
    {{- message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""

EVERY = {
    "prints json": PRINTS_JSON,
    "walks arguments": WALKS_ARGUMENTS,
    "joins arguments": JOINS_ARGUMENTS,
    "asks for the key": ASKS_FOR_THE_KEY,
    "opens each exchange": OPENS_EACH_EXCHANGE,
    "thinks": THINKS,
}
