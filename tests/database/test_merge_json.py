"""Three-way merges of any JSON: by the rules (tests/merging.py), exact, and never a value lost."""

import json
import random
import re
from decimal import Decimal
from typing import Any

import pytest

from demo.samples import FOLDER, read_sample
from tests.database.conftest import one_kind
from tests.merging import MISSING, merge, mirrored, text
from tests.samples import sample, small

pytestmark = one_kind


def read(text):
    return MISSING if text is None else json.loads(text, parse_float=Decimal)


def sent(value):
    """A value with the digits that it has."""
    return None if value is MISSING else re.sub(r'"\\u0000([^"]*)"', r"\1", text(value))


@pytest.fixture
def merges(admin):
    """Merge many: of (base, head, mine, keep_edits) each (merged, conflicts)."""

    def run(cases):
        columns = [[sent(case[side]) for case in cases] for side in range(3)]
        rows = admin.execute(
            """
            select m.merged::text, m.conflicts::text
              from unnest(%s::jsonb[], %s::jsonb[], %s::jsonb[], %s::boolean[])
                   with ordinality as c (base, head, mine, keep_edits, nth)
             cross join lateral private.merge_json(c.base, c.head, c.mine, c.keep_edits) as m
             order by c.nth
            """,
            (*columns, [case[3] for case in cases]),
        ).fetchall()
        return [(read(merged), read(conflicts)) for merged, conflicts in rows]

    return run


def in_any_order(conflicts):
    return sorted(text(found) for found in conflicts)


# ---- the rules, one by one

ONE = Decimal("1.0")
CASES = {
    "one side each": ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 2}, []),
    "the same on both": (1, 2, 2, 2, []),
    "a leaf by both": (1, 2, 3, 2, [("", "both_changed")]),
    "the head's digits count": ({"a": 1}, {"a": ONE}, {"a": 1, "b": 1}, {"a": ONE, "b": 1}, []),
    "my digits count": ({"a": 1}, {"a": 1, "b": 1}, {"a": ONE}, {"a": ONE, "b": 1}, []),
    "null is there": ({"a": 1}, {"a": None}, {}, {"a": None}, [("/a", "delete_edit")]),
    "null is no deletion": ({"a": None}, {}, {"a": None, "b": 1}, {"b": 1}, []),
    "a key that comes and one that goes": ({"a": 1}, {}, {"a": 1, "b": 1}, {"b": 1}, []),
    "my edit of what is deleted": ({"a": 1}, {}, {"a": 2}, {"a": 2}, [("/a", "edit_delete")]),
    "added by both alike": ({}, {"a": {"b": 1}}, {"a": {"b": 1}}, {"a": {"b": 1}}, []),
    "added by both, key by key": (
        *({}, {"a": {"b": 1, "c": 1}}, {"a": {"b": 2, "d": 1}}),
        *({"a": {"b": 1, "c": 1, "d": 1}}, [("/a/b", "both_changed")]),
    ),
    "another type": ({"a": {}}, {"a": [1]}, {"a": {"b": 1}}, {"a": [1]}, [("/a", "both_changed")]),
    "lists of numbers are one piece": ([1], [1, 2], [1, 3], [1, 2], [("", "both_changed")]),
    "a string twice": (["a"], ["a", "a"], ["a", "b"], ["a", "a"], [("", "both_changed")]),
    "ids twice": ([], [{"id": 1}, {"id": 1}], [{"id": 2}], [{"id": 1}] * 2, [("", "both_changed")]),
    "a text is no number": (
        *([{"id": 1}], [{"id": "1", "a": 1}], [{"id": 1, "b": 1}]),
        *([{"id": "1", "a": 1, "b": 1}], []),
    ),
    "strings from both": (["a"], ["a", "h"], ["a", "m"], ["a", "h", "m"], []),
    "at the front": (["a"], ["h", "a"], ["m", "a"], ["h", "m", "a"], []),
    "in, out and about": (
        *(["a", "b", "c"], ["a", "h", "b", "c"], ["c", "m", "a"]),
        *(["c", "m", "a", "h"], []),
    ),
    "my order": (["a", "b"], ["a", "b", "h"], ["b", "a"], ["b", "h", "a"], []),
    "the head's order": (["a", "b"], ["b", "a"], ["a", "m", "b"], ["b", "a", "m"], []),
    "two orders": (
        *(["a", "b", "c"], ["b", "a", "c"], ["a", "c", "b"]),
        *(["b", "a", "c"], [("", "order")]),
    ),
    "two orders of what both added": ([], ["x", "y"], ["y", "x"], ["x", "y"], [("", "order")]),
    "inside of elements": (
        *([{"id": "a", "x": 1}], [{"id": "a", "x": 2}], [{"id": "a", "x": 1, "y": 1}]),
        *([{"id": "a", "x": 2, "y": 1}], []),
    ),
    "elements by id": (
        *([{"id": "a/b", "x": 1}, {"id": 7}], [{"id": "a/b", "x": 2}], [{"id": "a/b", "x": 3}]),
        *([{"id": "a/b", "x": 2}], [("/a~1b/x", "both_changed")]),
    ),
    "my edit of an element that is deleted": (
        *([{"id": 1}, {"id": 2}], [{"id": 2}], [{"id": 1, "a": 1}, {"id": 2}]),
        *([{"id": 1, "a": 1}, {"id": 2}], [("/1", "edit_delete")]),
    ),
    "gone on both sides": (1, MISSING, MISSING, MISSING, []),
    "gone and edited": (1, MISSING, 2, 2, [("", "edit_delete")]),
    "came from nowhere": (MISSING, {"a": 1}, {"b": 1}, {"a": 1, "b": 1}, []),
}


@pytest.mark.parametrize("case", CASES)
def test_each_rule(merges, case):
    base, head, mine, merged, found = CASES[case]
    for answer in (*merges([(base, head, mine, True)]), merge(base, head, mine)):
        assert text(answer[0]) == text(merged)
        assert [(one["path"], one["kind"]) for one in answer[1]] == found


def test_a_conflict_has_what_stands_on_each_side_and_nothing_for_what_is_not_there(merges):
    base, mine = {"a": 1, "b": None, "c": ["x", "y", "z"]}, {"a": 2, "b": 1, "c": ["z", "x", "y"]}
    head = {"a": None, "c": ["y", "x", "z"]}
    ((_, conflicts),) = merges([(base, head, mine, True)])
    assert conflicts == [
        {"path": "/a", "kind": "both_changed", "base": 1, "head": None, "mine": 2},
        {"path": "/b", "kind": "edit_delete", "base": None, "mine": 1},
        {
            "path": "/c",
            "kind": "order",
            "base": ["x", "y", "z"],
            "head": ["y", "x", "z"],
            "mine": ["z", "x", "y"],
        },
    ]


def test_without_keep_edits_a_deletion_stands_and_is_flagged_all_the_same(merges):
    base, head, mine = json.loads('[{"a": {"b": 1}}, {}, {"a": {"b": 2}}]')
    (kept, flagged), (gone, also) = merges([(base, head, mine, keep) for keep in (True, False)])
    assert (kept, gone) == (mine, head)
    assert (
        flagged
        == also
        == [{"path": "/a", "kind": "edit_delete", "base": {"b": 1}, "mine": {"b": 2}}]
    )


# ---- by chance


class Chance:
    """Values and edits of them, drawn from one source."""

    def __init__(self, seed, who=""):
        self.random = random.Random(f"{seed} {who}")
        self.who = who
        self.count = 0

    def marker(self):
        """A text that nobody else writes."""
        self.count += 1
        return f"{self.who}{self.count}"

    def leaf(self):
        return self.random.choice(
            [self.marker(), self.marker(), 1, ONE, None, True, {}, [], 10**15]
        )

    def value(self, depth):
        kind = self.random.choice(["leaf", "object", "ids", "strings", "list"])
        if depth == 0 or kind == "leaf":
            return self.leaf()
        few = range(self.random.randint(0, 4))
        match kind:
            case "object":
                keys = self.random.sample(["a", "b", "c/d", "~e", "id"], len(few))
                return {key: self.value(depth - 1) for key in keys}
            case "ids":
                ids = self.random.sample(["x", "y", "z", 1, Decimal("1.0"), "u/v"], len(few))
                return [{"id": id, "v": self.value(depth - 1)} for id in ids]
            case "strings":
                return self.random.sample("pqrstu", len(few))
        return [self.value(depth - 1) for _ in few]

    def edited(self, value, times):
        box = {"root": read(sent(value))}
        for _ in range(times):
            self.edit(box)
        return box["root"]

    def edit(self, box):
        """Change one place, anywhere."""
        places = list(containers(box))
        holder = self.random.choice(places)
        if isinstance(holder, dict):
            self.edit_object(holder, holder is box)
        else:
            self.edit_list(holder)

    def edit_object(self, holder, is_root):
        key = self.random.choice([*holder, "new"]) if not is_root else "root"
        if not is_root and key in holder and self.random.random() < 0.3:
            del holder[key]
        else:
            holder[key] = self.leaf() if self.random.random() < 0.8 else self.value(2)

    def edit_list(self, holder):
        what = self.random.choice(["add", "remove", "move", "shuffle"])
        place = self.random.randint(0, len(holder))
        if what == "add":
            marker = self.marker()
            ids = holder and isinstance(holder[0], dict)
            holder.insert(place, {"id": marker} if ids else marker)
        elif what == "remove" and place < len(holder):
            del holder[place]
        elif what == "move" and holder:
            holder.insert(place, holder.pop(self.random.randrange(len(holder))))
        elif self.random.random() < 0.3:
            self.random.shuffle(holder)


def containers(value):
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


def any_values(seed):
    chance = Chance(seed, "base")
    base = chance.value(4)
    return base, *(
        Chance(seed, who).edited(base, chance.random.randint(0, 6)) for who in ("head", "mine")
    )


def histories():
    return [
        [read(json.dumps(revision.document)) for revision in read_sample(file).revisions]
        for file in sorted(FOLDER.glob("*.json"))
    ]


def documents(seed, all_histories):
    """A version of a sample, a later one or an edit of it, and another edit."""
    chance = Chance(seed, "base")
    history = chance.random.choice(all_histories)
    start = chance.random.randrange(len(history))
    base = history[start]
    head = history[chance.random.randrange(start, len(history))]
    if chance.random.random() < 0.5:
        head = Chance(seed, "head").edited(base, chance.random.choice([1, 3, 5]))
    return base, head, Chance(seed, "mine").edited(base, chance.random.choice([1, 3, 5]))


@pytest.mark.parametrize("kind", ["values", "documents"])
def test_what_chance_makes_is_merged_by_the_rules_and_the_laws_hold(merges, kind):
    all_histories = histories()
    cases = [
        any_values(seed) if kind == "values" else documents(seed, all_histories)
        for seed in range(500 if kind == "values" else 50)
    ]
    answers = merges([(*case, True) for case in cases])
    deleting = merges([(*case, False) for case in cases])
    turned = merges([(base, mine, head, True) for base, head, mine in cases])
    alone = merges([(base, base, mine, True) for base, _, mine in cases])
    first = merges([(base, mine, base, True) for base, _, mine in cases])
    alike = merges([(base, mine, mine, True) for base, _, mine in cases])

    for case, (merged, conflicts), also, mirror, *trivial in zip(
        cases, answers, deleting, turned, alone, first, alike, strict=True
    ):
        base, head, mine = case
        assert text([merged, conflicts]) == text([*merge(*case)]), case
        assert text([*also]) == text([*merge(base, head, mine, keep_edits=False)]), case
        turned_back = [mirrored(found) for found in mirror[1]]
        assert in_any_order(turned_back) == in_any_order(conflicts), case
        for answer in trivial:
            assert text([*answer]) == text([mine, []]), case
        # What somebody wrote is there, or flagged.
        there = {*texts(merged), *texts(conflicts)}
        assert not (texts(head) | texts(mine)) - texts(base) - there, case

    clean = sum(not conflicts for _, conflicts in answers)
    assert 0.2 < clean / len(cases) < 0.98


def texts(value):
    """All texts that somebody wrote in a value."""
    found = re.findall(r'"((?:base|head|mine)\d+)"', text(value))
    return set(found)


# ---- documents


@pytest.fixture
def merge_documents(admin):
    def run(base, head, mine):
        return admin.execute(
            """
            select m.merged, m.conflicts, private.document_problems(m.merged)
              from private.merge_documents(%s, %s, %s) as m
            """,
            [json.dumps(document) for document in (base, head, mine)],
        ).fetchone()

    return run


def rearranged(document, seed, who):
    """A valid edit: components move, come and go, and change."""
    chance = random.Random(f"{seed} {who}")
    document = json.loads(json.dumps(document))
    components = document["components"]
    lists = {
        id: component["children"]
        for id, component in components.items()
        if isinstance(component.get("children"), list)
    }
    for _ in range(chance.randint(1, 3)):
        holder, target = (lists[chance.choice(sorted(lists))] for _ in range(2))
        what = chance.choice(["move", "add", "remove", "edit"])
        if what == "add":
            new = f"{who}{len(components)}"
            components[new] = {"component": "Text", "text": new}
            target.insert(chance.randint(0, len(target)), new)
        elif what == "edit":
            leaf = chance.choice(sorted(components))
            components[leaf]["label"] = who
        elif holder:
            child = holder.pop(chance.randrange(len(holder)))
            if what == "move":
                target.insert(chance.randint(0, len(target)), child)
            elif "children" not in components[child] and "child" not in components[child]:
                del components[child]
            else:
                holder.append(child)
    return document


def test_a_merge_without_conflicts_is_a_valid_document(merge_documents, admin):
    def is_valid(document):
        row = admin.execute(
            "select private.document_problems(%s) = '[]'", (json.dumps(document),)
        ).fetchone()
        return row == (True,)

    base = sample("leadership-home")
    seen = {"merged": 0, "structure": 0, "other": 0}
    for seed in range(100):
        head, mine = (rearranged(base, seed, who) for who in ("head", "mine"))
        if not (is_valid(head) and is_valid(mine)):
            continue
        merged, conflicts, problems = merge_documents(base, head, mine)
        kinds = {found["kind"] for found in conflicts}
        assert (merged is None) == ("structure" in kinds)
        if merged is not None:
            assert problems == []
        outcome = "structure" if "structure" in kinds else "other" if kinds else "merged"
        seen[outcome] += 1
        if outcome == "structure":
            assert conflicts[-1]["path"] == "" and conflicts[-1]["problems"]
    assert min(seen.values()) > 0, seen


def test_head_or_mine_as_it_is_needs_no_check(merge_documents, setting):
    """Who lowered a limit since did not mean to make everybody's merges fail."""
    base, other = small(a=1), small(a=2)
    setting("max_document_bytes", 10)
    assert merge_documents(base, other, base)[:2] == (other, [])
    assert merge_documents(base, base, other)[:2] == (other, [])


# ---- bounds


def chain(levels, leaf):
    value = leaf
    for _ in range(levels):
        value = {"a": value}
    return value


def nested_lists(leaf):
    value = [{"id": n, "leaf": leaf} for n in range(100)]
    for _ in range(60):
        value = [*({"id": n} for n in range(900)), {"id": "next", "value": value, "leaf": leaf}]
    return value


WIDE, LONG = range(40_000), [str(n) for n in range(20_000)]
HOSTILE: dict[str, list[Any]] = {
    "many leaves": [{str(n): side for n in WIDE} for side in range(3)],
    "many leaves of one side each": [
        {str(n): side * (n % 2 == side - 1) for n in WIDE} for side in range(3)
    ],
    "many deleted": [{str(n): 1 for n in WIDE if n % 3 != side} for side in (3, 0, 1)],
    "many objects": [
        {str(n): {"a": side, str(side): 1} for n in range(20_000)} for side in range(3)
    ],
    "long lists apart": [[], LONG, [f"m{n}" for n in LONG]],
    "long lists in other orders": [LONG, [*LONG[1:], "0"], LONG[::-1]],
    "long lists mixed": [
        LONG,
        *([x for n in LONG[::2] for x in (n, f"{side}{n}")] for side in "hm"),
    ],
    "many ids": [[{"id": n, "x": side} for n in range(20_000)] for side in range(3)],
    "many ids, changed in turns": [
        [{"id": n, "x": side * (n % 2 == side - 1)} for n in range(20_000)] for side in range(3)
    ],
    "deep, with much inside": [chain(62, {"x": "x" * 500_000, "y": side}) for side in range(3)],
    "much that nobody changed": [{"x": [0] * 300_000, str(side): side} for side in range(3)],
    "deep, digits": [chain(62, [1] * 100_000 + [side]) for side in range(3)],
    "lists in lists": [nested_lists(side) for side in range(3)],
    "long keys": [
        {"k" * 9000: {"l" * 9000: {str(n): side for n in range(500)}}} for side in range(3)
    ],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_values_are_merged_in_time_and_nothing_of_the_head_is_lost(admin, case):
    """A time-out of a person's statement, with room for a busy machine: none may come near it."""
    base, head, mine = (json.dumps(value) for value in HOSTILE[case])
    assert len(head) < 1 << 20
    with admin.transaction():
        admin.execute("set local statement_timeout = '30s'")
        row = admin.execute(
            """
            select m.merged is not null, jsonb_array_length(m.conflicts),
                   octet_length(m.conflicts::text)
              from private.merge_json(%s, %s, %s) as m
            """,
            (base, head, mine),
        ).fetchone()
    assert row[0] and row[1] <= 100
    assert row[2] < 4 << 20


def test_what_is_too_much_work_is_one_piece_and_flagged(merges):
    long = [[f"{side}{n}" for n in range(40_001)] for side in ("head", "mine")]
    wide = [
        {str(n): {"head": x, "mine": y} for n in range(5000)} for x, y in ((0, 0), (1, 0), (0, 1))
    ]
    lists, objects = merges([({}, *({"a": side} for side in long), True), (*wide, True)])

    assert lists[0] == {"a": long[0]}
    assert [(found["path"], found["kind"]) for found in lists[1]] == [("/a", "both_changed")]
    both, head = {"head": 1, "mine": 1}, {"head": 1, "mine": 0}
    assert {text(part) for part in objects[0].values()} == {text(both), text(head)}
    assert len(objects[1]) == 100 and {found["kind"] for found in objects[1]} == {"both_changed"}


def test_what_is_nested_too_deeply_is_one_piece(admin):
    base, head, mine = (
        '{"a":' * 5000 + json.dumps({"x": x, "y": y}) + "}" * 5000
        for x, y in ((1, 1), (2, 1), (1, 2))
    )
    (path,) = admin.execute(
        "select m.conflicts -> 0 ->> 'path' from private.merge_json(%s, %s, %s) as m",
        (base, head, mine),
    ).fetchone()
    assert path == "/a" * 100
