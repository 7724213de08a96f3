"""Messages add up to a document."""

import pytest

from demo.a2ui import fold
from demo.histories import SourceError


def surface(**more):
    return {"version": "v0.9", "createSurface": {"surfaceId": "s", "catalogId": "basic", **more}}


def components(*components, surface="s"):
    return {"updateComponents": {"surfaceId": surface, "components": list(components)}}


def model(value, **path):
    return {"updateDataModel": {"surfaceId": "s", "value": value, **path}}


def test_components_are_a_map_in_which_the_last_of_an_id_counts():
    title = {"id": "title", "component": "Text", "text": "Hello"}
    root = {"id": "root", "component": "Card", "child": "title"}
    document = fold(
        [
            surface(theme={"primaryColor": "#00BFFF"}),
            components(root, title | {"text": "…"}),
            components(title),
        ]
    )

    assert document == {
        "format": "composition/1",
        "dialect": "a2ui/0.9.1",
        "root": "root",
        "components": {
            "root": {"component": "Card", "child": "title"},
            "title": {"component": "Text", "text": "Hello"},
        },
        "data": {},
        "ext": {"a2ui/surface": {"catalogId": "basic", "theme": {"primaryColor": "#00BFFF"}}},
    }


@pytest.mark.parametrize(
    ("messages", "data"),
    [
        ([model({"a": 1}), model({"b": 2})], {"b": 2}),
        ([model({"a": 1}), model({"b": 2}, path="/")], {"b": 2}),
        ([model({"a": [1]}), model(2, path="/a/1"), model(0, path="/a/0")], {"a": [0, 2]}),
        (
            [model({"b": 2}, path="/a"), model(3, path="/a/c~1d/e")],
            {"a": {"b": 2, "c/d": {"e": 3}}},
        ),
    ],
)
def test_data_goes_where_its_path_says(messages, data):
    assert fold([surface(), *messages])["data"] == data


@pytest.mark.parametrize(
    "message",
    [
        {"version": "v0.9"},
        {"beginRendering": {"surfaceId": "s"}},
        components(surface="another"),
        model(1, path="/list/2"),
        model(1, path="/list/x"),
        model(1, path="/text/x"),
    ],
)
def test_what_adds_up_to_nothing_is_refused(message):
    with pytest.raises(SourceError):
        fold([surface(), model({"list": [1], "text": "x"}), message])


def test_what_was_replaced_is_left_out():
    root = {"id": "root", "component": "Column", "children": ["loading"]}
    loading = {"id": "loading", "component": "Card", "child": "text"}
    text = {"id": "text", "component": "Text", "text": "…"}
    ready = {"id": "ready", "component": "Text", "text": "Ready"}
    document = fold(
        [
            surface(),
            components(root, loading, text),
            components(root | {"children": ["ready"]}),
            components(ready),
        ]
    )
    assert set(document["components"]) == {"root", "ready"}
