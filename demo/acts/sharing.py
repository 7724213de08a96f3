"""Links, and shares that end by themselves."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from demo.stage import Composition, Person, Refused, Stage

# How long a share may last before the play is over; longer ones for a server that is slow.
_SECONDS = (0.5, 2.0, 8.0)


@dataclass(frozen=True)
class Ending:
    """A share and a link that end by themselves, and when, by `time.monotonic()`."""

    composition: Composition
    grantee: Person
    token: str
    end: float


def look_by_link(stage: Stage, composition: Composition) -> None:
    """Somebody signed out looks by a link, until it is revoked."""
    link = _link(stage, composition, "viewer")
    shown = stage.call(stage.nobody, "open_share_link", token=link["token"])
    stage.check(
        f"{composition.id}: a link shows",
        (shown["composition_id"], shown["version"], shown["role"]),
        (composition.id, composition.version, "viewer"),
    )
    stage.compare(composition, composition.version, shown["document"], composition.documents[-1])
    _revoke(stage, composition, link["link_id"], link["token"])


def join_by_link(stage: Stage, composition: Composition) -> None:
    """A stranger becomes an editor by a link and saves, until it is revoked."""
    _, _, stranger = stage.outsiders(composition.owner)
    link = _link(stage, composition, "editor")
    stage.call(stranger, "accept_share_link", token=link["token"])
    stage.load(composition, stranger, "editor")
    document = composition.documents[-1]
    saved = stage.call(
        stranger,
        "save_version",
        composition_id=composition.id,
        base_version=composition.version,
        document=document,
        message="By a link",
    )
    stage.add_version(composition, document, saved)

    _revoke(stage, composition, link["link_id"], link["token"])
    stage.expect(
        "composition_not_found",
        "a load after the link went",
        stranger,
        "load_composition",
        composition_id=composition.id,
    )


def share_for_a_moment(stage: Stage, composition: Composition) -> Ending:
    """Share with a stranger and by a link, both with an end that comes soon."""
    _, _, stranger = stage.outsiders(composition.owner)
    an_hour = timedelta(hours=1)
    _share_until(stage, composition, stranger, _server_time(stage, composition) + an_hour)
    stage.load(composition, stranger, "viewer")
    stage.expect(
        "invalid_argument",
        "a share that is past",
        composition.owner,
        "share_composition",
        composition_id=composition.id,
        role="viewer",
        user_id=stranger.id,
        expires_at=str(_server_time(stage, composition) - an_hour),
    )
    for seconds in _SECONDS:
        end = _server_time(stage, composition) + timedelta(seconds=seconds)
        # Counted from when the server has told its time, so not too short.
        passed = time.monotonic() + seconds
        try:
            link = _link(stage, composition, "viewer", expires_at=str(end))
            _share_until(stage, composition, stranger, end)
            break
        except Refused as refusal:
            if refusal.code != "invalid_argument" or seconds == _SECONDS[-1]:
                raise
    return Ending(composition, stranger, link["token"], passed)


def check_ended(stage: Stage, ending: Ending) -> None:
    """Once the time has come, neither opens anything any more."""
    stage.wait_until(ending.end)
    stage.expect(
        "composition_not_found",
        "a load after the share ended",
        ending.grantee,
        "load_composition",
        composition_id=ending.composition.id,
    )
    stage.expect(
        "link_not_found",
        "a link that has ended",
        stage.nobody,
        "open_share_link",
        token=ending.token,
    )


def _link(stage: Stage, composition: Composition, role: str, **more: str) -> dict[str, str]:
    link: dict[str, str] = stage.call(
        composition.owner, "create_share_link", composition_id=composition.id, role=role, **more
    )
    return link


def _revoke(stage: Stage, composition: Composition, link_id: str, token: str) -> None:
    stage.call(composition.owner, "revoke_share_link", link_id=link_id)
    stage.expect("link_not_found", "a revoked link", stage.nobody, "open_share_link", token=token)


def _share_until(stage: Stage, composition: Composition, person: Person, end: datetime) -> None:
    share = stage.call(
        composition.owner,
        "share_composition",
        composition_id=composition.id,
        role="viewer",
        user_id=person.id,
        expires_at=str(end),
    )
    found = share["expires_at"]
    found = found and datetime.fromisoformat(found)
    stage.check(f"{composition.id}: a share ends at", found, end)


def _server_time(stage: Stage, composition: Composition) -> datetime:
    # Its clock need not be ours: the answer to a link that is made has the time there.
    link = _link(stage, composition, "viewer")
    stage.call(composition.owner, "revoke_share_link", link_id=link["link_id"])
    return datetime.fromisoformat(link["created_at"])
