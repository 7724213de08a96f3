import pytest
from psycopg.types.json import Jsonb

from tests.people import NOBODY, refused
from tests.samples import SMALLEST


def etags(job, *pairs):
    entries = [{"composition_id": id, "user_id": person} for id, person in pairs]
    answer = job.call("current_etags", entries=Jsonb(entries))
    assert [(a["composition_id"], a["user_id"]) for a in answer] == list(pairs)
    return [a["etag"] for a in answer]


def test_it_answers_what_loads_would(around, service_role):
    id = around.composition_id
    people = [person for name, person in around.people.items() if name != "anon"]

    found = etags(service_role, *((id, person.id) for person in people))

    loads = [person.call("load_composition", composition_id=id) for person in people[1:]]
    assert found == [None, *(loaded["etag"] for loaded in loads)]
    assert len(set(found)) == 4, "a stranger, viewers, editors, owners"


def test_what_a_load_would_refuse_has_no_etag(people, composition, service_role, admin):
    ann, ben = people("ann", "ben")
    trashed, over = composition(ann, SMALLEST).id, composition(ann, SMALLEST).id
    ann.call("delete_composition", composition_id=trashed)
    ann.call("share_composition", composition_id=over, user_id=ben.id, role="viewer")
    assert None not in etags(service_role, (over, ben.id))

    admin.execute(
        "update public.shared_compositions set expires_at = now() where composition_id = %s",
        (over,),
    )

    pairs = [(trashed, ann.id), (over, ben.id), (NOBODY, ann.id), (over, NOBODY)]
    assert etags(service_role, *pairs) == [None] * 4
    assert etags(service_role) == []


def test_it_answers_what_contexts_would(around, service_role, composition):
    owner, member = around.people["owner"], around.people["member"]
    other = composition(member, SMALLEST).id
    ours = {"context": "home", "composition_id": around.composition_id}
    owner.call("pin_composition", **ours, scope="organization")
    owner.call("pin_composition", **(ours | {"context": "a"}), scope="organization")
    member.call("pin_composition", context="a", composition_id=other)

    def found(person, composition_id, **how):
        entry = {"composition_id": composition_id, "user_id": person.id} | how
        (answer,) = service_role.call("current_etags", entries=Jsonb([entry]))
        etag = answer.pop("etag")
        assert answer == entry
        return etag

    def answered(person, function, **arguments):
        return person.call(function, **arguments)["etag"]

    home, a = {"context": "home"}, {"context": "a"}
    assert found(member, ours["composition_id"], **home) == answered(
        member, "resolve_context", **home
    )
    assert found(member, other, **a) == answered(member, "resolve_context", **a)
    assert found(member, ours["composition_id"], home=True) == answered(member, "load_home")
    plain = {"composition_id": other, "layered": False}
    assert found(member, other, layered=False) == answered(member, "load_composition", **plain)

    assert found(member, ours["composition_id"], **a) is None, "another one is chosen"
    assert found(member, other, home=True) is None
    assert found(around.people["stranger"], ours["composition_id"], **home) is None
    assert found(around.people["viewer"], ours["composition_id"], home=True) is None


GOOD = {"composition_id": NOBODY, "user_id": NOBODY}


@pytest.mark.parametrize(
    ("entries", "index"),
    [
        ({}, None),
        (None, None),
        ([GOOD] * 501, None),
        ([GOOD, 1], 1),
        ([GOOD | {"etag": "x"}], 0),
        ([{"composition_id": NOBODY}], 0),
        ([GOOD | {"user_id": None}], 0),
        ([GOOD | {"user_id": "ann"}], 0),
        ([GOOD, GOOD | {"context": "home", "home": True}], 1),
        ([GOOD, GOOD | {"context": "home", "layered": False}], 1),
        ([GOOD | {"context": None}], 0),
        ([GOOD | {"home": False}], 0),
        ([GOOD | {"layered": True}], 0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_are_no_entries_is_refused(service_role, entries, index):
    with refused("PT422", code="invalid_argument", argument="entries") as facts:
        service_role.call("current_etags", entries=Jsonb(entries))
    assert facts.get("index") == index


def test_it_is_for_no_person(around):
    for person in around.people.values():
        with refused("42501"):
            person.call("current_etags", entries=Jsonb([]))
