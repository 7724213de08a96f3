"""Documents broken by rule, each with what a validator must say about it."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from demo.a2ui import children, put_child
from tests.people import Json

# Keys of an expected problem that are compared: it has a code and a path, and nearest where
# something is near.
Problem = dict[str, str]


def _distance(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        above, row = row, [i]
        for j, b in enumerate(other, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def nearest(name: str, candidates: Any) -> str | None:
    """The name that was probably meant, as docs/errors.md has it; found the slow way."""
    allowance = min(3, (len(name) + 1) // 3)
    found = sorted((_distance(name.lower(), c.lower()), c) for c in candidates)
    return found[0][1] if found and found[0][0] <= allowance else None


def problem(code: str, path: str, near: str | None = None) -> Problem:
    """A problem; `near` is left out where nothing is."""
    return {"code": code, "path": path} | ({"nearest": near} if near is not None else {})


def compared(problems: list[Json]) -> list[Problem]:
    """Problems as a validator tells them, without what is not compared."""
    return [problem(found["code"], found["path"], found.get("nearest")) for found in problems]


def references(document: Json) -> list[tuple[str, str, str]]:
    """(parent, place, child) of all children in a document of basic components."""
    return [
        (id, place, child)
        for id, component in document["components"].items()
        for place, child in children(component)
    ]


class Breaker:
    """Break a copy of a valid document, at places that a seed chooses.

    Args:
        document: A valid one, of basic components.
        seed: Equal seeds choose equal places.
    """

    def __init__(self, document: Json, seed: int) -> None:
        self.document = document
        self.random = random.Random(seed)
        self.ids = sorted(document["components"])
        self.references = references(document)
        self.parent_of = {child: parent for parent, _, child in self.references}

    def variants(self) -> Iterator[tuple[str, Json, list[Problem]]]:
        """(rule, document, problems) for every rule that applies."""
        for name, rule in vars(Breaker).items():
            if name.startswith("_") or name == "variants":
                continue
            document = copy.deepcopy(self.document)
            problems = rule(self, document)
            if problems is not None:
                yield name, document, problems

    def _columns(self) -> list[str]:
        return [
            id
            for id, component in sorted(self.document["components"].items())
            if isinstance(component.get("children"), list)
        ]

    def _places(self, child: str) -> list[tuple[str, str]]:
        """Where it is named: a template or a trigger may be in several places."""
        return sorted((parent, place) for parent, place, named in self.references if named == child)

    def _parameter(self, document: Json, type: str) -> tuple[str, Json] | None:
        of_type = {
            name: parameter
            for name, parameter in sorted(document.get("parameters", {}).items())
            if parameter["type"] == type
        }
        return self.random.choice(list(of_type.items())) if of_type else None

    def misspell_a_child(self, document: Json) -> list[Problem] | None:
        if not self.references:
            return None
        parent, place, child = self.random.choice(self.references)
        at = self.random.randrange(len(child))
        wrong = child[:at] + ("_" if child[at] != "_" else "-") + child[at + 1 :]
        put_child(document["components"][parent], place, wrong)
        return [
            problem("unresolved_child", f"/components/{parent}/{place}", nearest(wrong, self.ids))
        ]

    def drop_a_component(self, document: Json) -> list[Problem] | None:
        if not self.references:
            return None
        _, _, child = self.random.choice(self.references)
        del document["components"][child]
        left = [id for id in self.ids if id != child]
        return [
            problem("unresolved_child", f"/components/{parent}/{place}", nearest(child, left))
            for parent, place in self._places(child)
        ]

    def name_a_child_twice(self, document: Json) -> list[Problem] | None:
        parents = [id for id in self._columns() if self.document["components"][id]["children"]]
        if not parents:
            return None
        parent = self.random.choice(parents)
        children = document["components"][parent]["children"]
        children.append(self.random.choice(children))
        return [problem("two_parents", f"/components/{parent}/children/{len(children) - 1}")]

    def name_an_ancestor(self, document: Json) -> list[Problem] | None:
        if not self._columns():
            return None
        parent = ancestor = self.random.choice(self._columns())
        while ancestor in self.parent_of and self.random.random() < 0.7:
            ancestor = self.parent_of[ancestor]
        children = document["components"][parent]["children"]
        children.append(ancestor)
        return [problem("child_cycle", f"/components/{parent}/children/{len(children) - 1}")]

    def forget_the_root(self, document: Json) -> list[Problem]:
        del document["root"]
        return [problem("missing_root", "/root")]

    def misspell_the_root(self, document: Json) -> list[Problem]:
        document["root"] += "_"
        return [problem("missing_root", "/root", nearest(document["root"], self.ids))]

    def leave_a_component_over(self, document: Json) -> list[Problem]:
        document["components"]["left"] = {"component": "Card", "child": "over"}
        document["components"]["over"] = {"component": "Text", "text": "Hello"}
        return [problem("unreachable_component", "/components/left")]

    def leave_a_circle_over(self, document: Json) -> list[Problem]:
        document["components"]["one"] = {"component": "Card", "child": "two"}
        document["components"]["two"] = {"component": "Card", "child": "one"}
        return [problem("child_cycle", "/components/two/child")]

    def give_children_another_type(self, document: Json) -> list[Problem] | None:
        if not self._columns():
            return None
        parent = self.random.choice(self._columns())
        document["components"][parent]["children"] = self.random.choice(["x", 7, None, True])
        return [problem("wrong_type", f"/components/{parent}/children")]

    def name_no_type(self, document: Json) -> list[Problem]:
        components = document["components"]
        id = self.random.choice(self.ids)
        del components[id]["component"]
        return [problem("missing_component", f"/components/{id}/component")]

    def give_a_bad_id(self, document: Json) -> list[Problem] | None:
        if not self.references:
            return None
        _, _, child = self.random.choice(self.references)
        document["components"]["a b/~"] = document["components"].pop(child)
        for parent, place in self._places(child):
            put_child(document["components"][parent], place, "a b/~")
        return [problem("bad_component_id", "/components/a b~1~0")]

    def misspell_a_key(self, document: Json) -> list[Problem]:
        key = self.random.choice(sorted(document))
        document[key + "s"] = document.pop(key)
        return [problem("unknown_key", f"/{key}s", key)]

    def misspell_the_dialect(self, document: Json) -> list[Problem]:
        document["dialect"] = "a2ui/0.9"
        return [problem("unknown_dialect", "/dialect", "a2ui/0.9.1")]

    def misspell_the_format(self, document: Json) -> list[Problem]:
        document["format"] = "Composition/2"
        return [problem("unknown_format", "/format", "composition/1")]

    def target_no_source(self, document: Json) -> list[Problem] | None:
        targeted = [
            (name, parameter["target"])
            for name, parameter in sorted(document.get("parameters", {}).items())
            if parameter["target"]
        ]
        if not targeted:
            return None
        name, target = self.random.choice(targeted)
        target[-1] += "_"
        return [
            problem(
                "unknown_source",
                f"/parameters/{name}/target/{len(target) - 1}",
                nearest(target[-1], document["sources"]),
            )
        ]

    def misspell_an_op(self, document: Json) -> list[Problem] | None:
        if (chosen := self._parameter(document, "filter")) is None:
            return None
        name, parameter = chosen
        parameter["op"] = "gtx"
        return [problem("bad_parameter", f"/parameters/{name}/op", "gt")]

    def misspell_a_direction(self, document: Json) -> list[Problem] | None:
        if (chosen := self._parameter(document, "sort")) is None:
            return None
        name, parameter = chosen
        parameter["direction"] = "Descx"
        return [problem("bad_parameter", f"/parameters/{name}/direction", "desc")]

    def limit_to_nothing(self, document: Json) -> list[Problem] | None:
        if (chosen := self._parameter(document, "limit")) is None:
            return None
        name, parameter = chosen
        parameter["value"] = 0
        return [problem("bad_parameter", f"/parameters/{name}/value")]

    def misspell_a_key_of_a_parameter(self, document: Json) -> list[Problem] | None:
        if (chosen := self._parameter(document, "filter")) is None:
            return None
        name, parameter = chosen
        parameter["valuee"] = parameter.pop("value")
        return [problem("bad_parameter", f"/parameters/{name}/valuee", "value")]

    def name_a_field_that_no_row_has(self, document: Json) -> list[Problem] | None:
        if (chosen := self._parameter(document, "filter")) is None or not chosen[1]["target"]:
            return None
        name, parameter = chosen
        fields = sorted({p["field"] for p in document["parameters"].values() if "field" in p})
        document["sources"][parameter["target"][0]]["fields"] = fields
        parameter["field"] += "_"
        return [
            problem(
                "bad_parameter", f"/parameters/{name}/field", nearest(parameter["field"], fields)
            )
        ]

    def misspell_a_key_of_a_source(self, document: Json) -> list[Problem] | None:
        if not document.get("sources"):
            return None
        name = self.random.choice(sorted(document["sources"]))
        document["sources"][name]["Into"] = document["sources"][name].pop("into")
        return [problem("unknown_key", f"/sources/{name}/Into", "into")]

    def point_a_source_nowhere(self, document: Json) -> list[Problem] | None:
        if not document.get("sources"):
            return None
        name = self.random.choice(sorted(document["sources"]))
        document["sources"][name]["into"] = "videos"
        return [problem("wrong_type", f"/sources/{name}/into")]

    def name_ext_badly(self, document: Json) -> list[Problem]:
        document.setdefault("ext", {})["route"] = {}
        return [problem("unknown_key", "/ext/route")]
