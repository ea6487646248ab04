"""What a chat template writes, found without running it."""

from __future__ import annotations

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from monoglot.errors import ModelError
from monoglot.model.chat_template import template_texts
from tests.fixtures.chat import CHATML, GEMMA, LLAMA_2, LLAMA_3

MESSAGES = [
    {"role": "system", "content": "\x00"},
    {"role": "user", "content": "\x00"},
    {"role": "assistant", "content": "\x00"},
    {"role": "user", "content": "\x00"},
]


@pytest.mark.parametrize("template", [CHATML, LLAMA_2, LLAMA_3, GEMMA])
@pytest.mark.parametrize("first", [0, 1])
def test_all_that_is_written_between_messages_is_found(template, first):
    rendered, _ = render_jinja_template(
        [MESSAGES[first:]],
        chat_template=template,
        add_generation_prompt=True,
        bos_token="\x00",
        eos_token="\x00",
    )
    written = [text for text in rendered[0].split("\x00") if text]
    assert len(written) > 3
    assert set(written) <= set(template_texts(template))


def test_a_role_is_whatever_the_template_knows():
    texts = template_texts(
        "{% if message['role'] == 'ipython' %}{{ '<h>' + message['role'] + '\n' }}{% endif %}"
    )
    assert {"<h>ipython\n", "<h>assistant\n", "<h>user\n", "<h>system\n", "<h>tool\n"} == set(texts)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ 'Human: ' if message.role == 'user' else 'Bot: ' }}{{ x }}", {"Human: ", "Bot: "}),
        ("{{ system | default('You help.') }}", {"You help."}),
        ("{{ system or 'You help.' }}", {"You help."}),
        (
            "{% set ns = namespace(text='You help.') %}{{ ns.text ~ '\n' }}",
            {"You help.", "You help.\n", "\n"},
        ),
        ("{% set names = {'user': 'Human'} %}{{ names[message['role']] + ': ' }}", {"Human", ": "}),
        ("{{ 'role' if message['role'] else x }}", {"role"}),
        ("{{ raise_exception('Roles must alternate') }}", set()),
        ("{{ x.split('</think>')[-1] }}", set()),
        ("{% macro say(x) %}{{ 'Say: ' + x }}{% endmacro %}{{ say('hello') }}", {"Say: ", "hello"}),
        ("{% generation %}{{ 'Answer: ' }}{% endgeneration %}", {"Answer: "}),
        ("{% for x in y %}{% if x %}{% break %}{% endif %}a{% endfor %}", {"a", "aa"}),
        ("{{ 'user: ' | upper }}{{ message.role.title() + ':' }}", None),
        ("{{ strftime_now('%d %b') }}", None),
    ],
)
def test_what_can_be_written(template, expected):
    texts = template_texts(template)
    if expected is not None:
        assert set(texts) == expected
    elif "strftime_now" in template:
        assert {"26 Jul", "01 Jan", "31 Dec"} <= set(texts)
    else:
        assert "USER: Assistant:" in texts


def test_nothing_is_run():
    assert template_texts("{% for x in range(10 ** 12) %}{{ 'a' * 10 ** 12 }}{% endfor %}") == ("a",)


def test_many_branches_give_few_texts():
    template = "".join(f"{{% if x{n} %}}{n} {{% endif %}}" for n in range(60))
    texts = template_texts(template)
    assert len(texts) < 2_000
    assert all(any(f"{n} " in text for text in texts) for n in range(60))


def test_tools_are_json():
    texts = template_texts("{{ tools | tojson }}")
    assert any('"required": ["x"]' in text for text in texts)


@pytest.mark.parametrize("template", ["{{ 'a' ", "{% if %}", "{{ (" + "(" * 5000 + "1" + ")" * 5000 + ") }}"])
def test_what_is_no_template_is_refused(template):
    with pytest.raises(ModelError, match="can't be parsed"):
        template_texts(template)
