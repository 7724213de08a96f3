"""All that is held about somebody, page by page."""

from collections import Counter

from demo.stage import Person, Stage


def export(stage: Stage, person: Person) -> None:
    """Somebody exports all their data: every composition of theirs with every version."""
    versions: Counter[str] = Counter()
    emails = []
    for page in stage.pages(person, "export_my_data"):
        emails += [page["account"]["email"]] if "account" in page else []
        for composition in page["compositions"]:
            versions[composition["composition_id"]] += len(composition["versions"])
    stage.check(f"{person.name} exports the account", emails, [person.email])
    wanted = {c.id: c.version for c in stage.compositions if c.owner is person}
    if wrong := len(versions.items() ^ wanted.items()):
        stage.fail(f"{person.name} exports {wrong} compositions or versions wrongly")
