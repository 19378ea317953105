"""Makes templates.json: what transformers makes of messages by templates of the kinds that language models have.

    pip install transformers jinja2
    python3 make_templates.py
"""

import json
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

HERE = Path(__file__).parent

TEMPLATES = {
    "marks": "{% for m in messages %}<{{ m.role }}>{{ m['content'] }}</{{ m.role }}>\n{% endfor %}"
             "{% if add_generation_prompt %}<assistant>{% endif %}",
    "usual system": """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '[system
be kind]
' }}{% endif %}{{ '[' + message['role'] + '
' + message['content'] + ']' + '
' }}{% endfor %}{% if add_generation_prompt %}{{ '[assistant
' }}{% endif %}""",
    "first apart": """{{- bos_token }}
{%- if messages[0].role == 'system' %}
    {%- set system = messages[0]['content'] | trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system = "" %}
{%- endif %}
{{- "<<" ~ system ~ ">>\\n\\n" }}
{%- for message in messages %}
    {{- '#' + message['role'] | upper + '\\n' + message['content'].strip() + eos_token }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '#ASSISTANT\\n' }}
{%- endif %}
""",
    "alternating": """{% set ns = namespace(system='', count=0) %}
{% for message in messages %}
  {% if message['role'] == 'system' %}
    {% set ns.system = message['content'] + '\n' %}
  {% elif message.role == 'user' %}
    {% set ns.count = ns.count + 1 %}
Q{{ ns.count }} ({{ loop.index0 }}/{{ loop.length }}{{ ' last' if loop.last }}): {{ ns.system }}{{ message.content }}
    {% set ns.system = '' %}
  {% else %}
A: {{ message.content | replace('o', '0') }}{{ eos_token if not loop.last else '' }}
  {% endif %}
{% endfor %}
""",
    "strict roles": """{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"""
                    """{{ raise_exception('roles must take turns') }}{% endif %}{{ message.role[0] }}:"""
                    """{{ message.content | tojson }};{% endfor %}""",
    "tests": """{% if tools is defined and tools is not none %}tools{% else %}none{% endif -%}
   {%- for message in messages if message.role in ['user', 'assistant'] and message.content is string -%}
     {% if 'sea' in message.content or message.content.startswith('W') %}!{% endif %}
     {{- message.content.split(' ') | join('_') }}|{{ message.content[-3:] }}|{{ message.content | length }}
   {%- endfor %}
{# a note #}
{{ (messages | last).role }} {{ messages[::-1][0]['role'] }} {{ thinking | default('no') }} {{ [1, 2, 3] | length }}
""",
}
CONVERSATIONS = [
    [("user", "Hello")],
    [("system", " Be brief. "), ("user", "What is the sea?"), ("assistant", "Water."), ("user", "And \"salt\"?\n")],
    [("user", "Wo bist du"), ("assistant", "  Hier, \u00fc\u4f60 ")],
]
FACTS = {"bos_token": "<s>", "eos_token": "</s>"}


def rendered(template, messages, answers):
    try:
        prompts, _ = render_jinja_template(
            [messages], chat_template=template, add_generation_prompt=answers, **FACTS)
        return prompts[0]
    except Exception:
        return None


cases = []
for name, template in TEMPLATES.items():
    prompts = []
    for conversation in CONVERSATIONS:
        messages = [{"role": role, "content": content} for role, content in conversation]
        prompts.append([rendered(template, messages, answers) for answers in (False, True)])
    cases.append({"name": name, "template": template, "prompts": prompts})
(HERE / "templates.json").write_text(json.dumps(
    {"conversations": [[list(m) for m in c] for c in CONVERSATIONS], "facts": FACTS, "cases": cases},
    indent=1) + "\n", encoding="ascii")
