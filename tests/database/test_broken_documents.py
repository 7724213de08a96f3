"""Samples broken by rule: each refused for exactly what is wrong, at its path, with what was meant.

And documents at random: trees are valid, whatever JSON is sent gets an answer.
"""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from demo.samples import FOLDER
from tests.broken import Breaker, compared
from tests.people import refused
from tests.samples import sample

SAMPLES = sorted(path.stem for path in FOLDER.glob("*.json"))
# Each example uses people who stay; none minds what the one before did.
STABLE = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def ann(people):
    return people("ann")[0]


def validate_all(person, documents):
    """What is wrong with each of many documents, asked for in one statement."""
    rows = person.rows(
        "select public.validate_document(d.document) from unnest(%s) with ordinality as d "
        "(document, nth) order by d.nth",
        [Jsonb(document) for document in documents],
    )
    return [row[0] for row in rows]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_rule_that_is_broken_is_told(ann, name):
    variants = list(Breaker(sample(name), seed=len(name)).variants())
    assert len(variants) >= 15
    answers = validate_all(ann, [document for _, document, _ in variants])
    told = {
        rule: compared(answer["problems"])
        for (rule, _, _), answer in zip(variants, answers, strict=True)
    }
    assert told == {rule: problems for rule, _, problems in variants}


@st.composite
def trees(draw):
    """A random tree of components, whose ids come in no order."""
    seed = draw(st.integers(0, 2**32))
    return grow(random.Random(seed), draw(st.integers(1, 40)))


def grow(chance, size):
    """A tree of so many basic components, with children of every form."""
    ids = [f"{chance.choice('abcxyz')}{number}" for number in range(size)]
    chance.shuffle(ids)
    components = {}
    free = ids[1:]
    waiting = [ids[0]]
    while waiting:
        id = waiting.pop(chance.randrange(len(waiting)))
        # The last one that is left to have children must take some.
        least = 1 if free and not waiting else 0
        wanted = min(len(free), max(least, chance.choice([0, 1, 1, 2, 3, 8])))
        children = [free.pop() for _ in range(wanted)]
        components[id] = component(chance, children)
        waiting += children
    return {
        "format": "composition/1",
        "dialect": chance.choice(["a2ui/0.9.1", "json-render/1"]),
        "root": ids[0],
        "components": dict(sorted(components.items(), key=lambda _: chance.random())),
    }


def component(chance, children):
    forms = [{"component": "Column", "children": children}]
    forms.append({"component": "Tabs", "tabs": [{"title": "T", "child": c} for c in children]})
    if not children:
        forms.append({"component": "Text", "text": "Hello"})
    if len(children) == 1:
        forms.append({"component": "Card", "child": children[0]})
        forms.append(
            {"component": "List", "children": {"componentId": children[0], "path": "/rows"}}
        )
    if len(children) == 2:
        forms.append({"component": "Modal", "trigger": children[0], "content": children[1]})
    return chance.choice(forms)


@settings(STABLE, max_examples=60)
@given(document=trees(), seed=st.integers(0, 1000))
def test_random_trees_are_valid_and_one_change_is_one_problem(ann, document, seed):
    variants = list(Breaker(document, seed).variants())
    answers = validate_all(ann, [document, *(changed for _, changed, _ in variants)])
    assert answers[0] == {"valid": True, "problems": []}
    for (rule, _, problems), answer in zip(variants, answers[1:], strict=True):
        assert (rule, compared(answer["problems"])) == (rule, problems)


# No zero byte and no half of a surrogate pair: jsonb itself refuses those.
words = st.sampled_from(
    ["root", "children", "child", "component", "Column", "Modal", "tabs", "type", "filter", "op"]
) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "format": st.just("composition/1") | anything,
        "dialect": st.sampled_from(["a2ui/0.9.1", "json-render/1", "json"]) | anything,
        "root": words,
        "components": st.dictionaries(
            words,
            st.fixed_dictionaries(
                {"component": words},
                optional={
                    key: anything | st.lists(words, max_size=4)
                    for key in ("children", "child", "tabs", "trigger", "content")
                },
            )
            | anything,
            max_size=5,
        )
        | anything,
        "sources": st.dictionaries(words, anything, max_size=3) | anything,
        "parameters": st.dictionaries(words, anything, max_size=3) | anything,
        "body": anything,
        "data": anything,
        "ext": anything,
    },
)


@settings(STABLE, max_examples=150)
@given(document=anything | envelopes)
def test_whatever_is_sent_gets_an_answer_and_a_save_agrees(ann, document):
    answer = ann.call("validate_document", document=Jsonb(document))

    assert answer["valid"] == (answer["problems"] == [])
    assert len(answer["problems"]) <= 100
    if answer["valid"]:
        with ann.transaction():
            ann.connection.execute(
                "select public.create_composition('Anything', %s)", (Jsonb(document),)
            )
    else:
        with refused("PT422", code="invalid_document", problems=answer["problems"]):
            ann.call("create_composition", title="Anything", document=Jsonb(document))
