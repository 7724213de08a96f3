"""What a route does: one function of the database, run as the caller, and its answer back.

Writes keep what they change out of the cache from before they are sent until they are known to be
in force, and answer after that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from functions.api.answers import Answer, Timing, text_answer
from functions.api.headers import base_version, origin
from functions.api.services import Services
from functions.core import database
from functions.core.cache import Writing
from functions.core.database import Verbatim, encode
from functions.core.json_text import members
from functions.core.metrics import Metrics
from functions.core.problems import DatabaseProblem, DatabaseUnavailable, Problem
from functions.core.tokens import Caller

# Who repeats it has no account any more, in which anything could be remembered.
_HAPPENS_ONCE = "delete_my_account"
# What notes who made a change, and how.
WITH_ORIGIN = frozenset(
    {
        *("create_composition", "save_version", "restore_version", "fork_composition"),
        *("patch_composition", "set_parameter", "clear_parameter", "update_from_upstream"),
        *("set_layer", "reset_layer", "promote_layer", "undo_turn"),
        *("pin_composition", "unpin_composition"),
    }
)
_MOST_MEMBERS = 1000
# The pages of a person's compositions that are looked through before they are handed over.
_MOST_PAGES = 5
_PAGE = 200


class Call:
    """A request of somebody who is signed in.

    Args:
        request: It.
        services: What all requests share.
        caller: Who sends it.
        timing: Runs since the request came.
    """

    def __init__(
        self, request: Request, services: Services, caller: Caller, timing: Timing
    ) -> None:
        self.request = request
        self.services = services
        self.caller = caller
        self.timing = timing
        self.metrics = Metrics("api")

    async def ask(self, function: str, /, **arguments: Any) -> database.Answer:
        """Run `public.<function>`, which only reads, as the caller.

        Raises:
            DatabaseProblem: The database refused.
            DatabaseUnavailable: It gave no answer.
        """
        try:
            return await self.services.database.read(function, self.caller.token, **arguments)
        finally:
            self.timing.lap("db")

    async def read(self, function: str, /, **arguments: Any) -> Answer:
        """Answer what a function that only reads answers."""
        answer = await self.ask(function, **arguments)
        return text_answer(self.request, answer.body, {"server-timing": str(self.timing)})

    async def write(
        self,
        function: str,
        arguments: Mapping[str, Any],
        *,
        compositions: Iterable[UUID] = (),
        viewers: Iterable[UUID] = (),
        handing_over: Mapping[str, Any] | None = None,
        also: str | None = None,
        status: int = 200,
        location: str | None = None,
    ) -> Answer:
        """Answer what a function that writes answers, once all that it changed is in force.

        Args:
            function: What to run, once for each `Idempotency-Key`.
            arguments: Its arguments.
            compositions: Whose loads may be others afterwards.
            viewers: Who may load others afterwards.
            handing_over: A filter of `list_my_compositions`: what gets another owner, or none.
            also: Key of the answer that has the ids of more such viewers.
            status: When all went well.
            location: Of what was made, with keys of the answer in braces.
        """
        compositions, are_all = [*compositions], True
        if handing_over is not None:
            theirs, are_all = await self._handed_over(handing_over)
            compositions += theirs
        async with self.writing(compositions, viewers) as writing:
            answer = await self.once(function, arguments)
            if also is not None:
                writing.also(viewers=map(UUID, answer.json()[also]))
        writing.settled = writing.settled and are_all
        return self.written(answer, writing, status, location)

    async def change(
        self,
        composition_id: UUID,
        function: str,
        arguments: Mapping[str, Any],
        edit: Mapping[str, Any] | None = None,
        *,
        viewers: Iterable[UUID] = (),
    ) -> Answer:
        """A write to a composition that starts from a version, and is told if that is not the head.

        Args:
            composition_id: What is changed.
            function: As for write().
            arguments: Its arguments, beside the composition.
            edit: As for stale().
            viewers: As for write().

        Raises:
            Problem: 412, as stale() says.
        """
        arguments = {**arguments, "composition_id": composition_id}
        try:
            return await self.write(
                function, arguments, compositions=[composition_id], viewers=viewers
            )
        except DatabaseProblem as problem:
            if problem.code != "version_conflict":
                raise
            raise await self.stale(composition_id, problem, edit) from None

    @asynccontextmanager
    async def writing(
        self, compositions: Iterable[UUID] = (), viewers: Iterable[UUID] = ()
    ) -> AsyncIterator[Writing]:
        """Keep these out of the cache while the database is asked to change them."""
        async with self.services.cache.writing(compositions, viewers) as writing:
            yield writing
        self.timing.lap("cache")

    async def once(self, function: str, arguments: Mapping[str, Any]) -> database.Answer:
        """Run a function that writes; with an `Idempotency-Key`, once for it.

        Args:
            function: What to run.
            arguments: Its arguments.
        """
        if function in WITH_ORIGIN:
            said = origin(self.request.headers.get("composition-origin"))
            arguments = {**arguments, **({} if said is None else {"origin": said})}
        key = self.request.headers.get("idempotency-key")
        if key is not None and function != _HAPPENS_ONCE:
            text = Verbatim(encode(arguments))
            arguments = {"mutation_id": key, "function": function, "arguments": text}
            function = "call_once"
        try:
            return await self.services.database.call(function, self.caller.token, **arguments)
        finally:
            self.timing.lap("db")

    def written(
        self,
        answer: database.Answer,
        writing: Writing,
        status: int = 200,
        location: str | None = None,
    ) -> Answer:
        """The answer to a write that was carried out.

        Whatever became of the cache, it was: 202 says that cached reads will show it soon.
        """
        headers = {"server-timing": str(self.timing)}
        if location is not None:
            headers["location"] = location.format_map(answer.json())
        if not writing.settled:
            status = 202
            headers["x-cache"] = "pending"
            self.metrics.count("UnsettledWrites")
            self.metrics.flush()
        return Answer(status, answer.body, headers)

    def base_version(self) -> int:
        """The version that a change starts from."""
        return base_version(self.request.headers.get("if-match"))

    def base_version_if_any(self) -> dict[str, int]:
        """The same as an argument, of a change that may start from whatever is there."""
        if self.request.headers.get("if-match", "*").strip() == "*":
            return {}
        return {"base_version": self.base_version()}

    async def stale(
        self, composition_id: UUID, refusal: DatabaseProblem, edit: Mapping[str, Any] | None = None
    ) -> Problem:
        """What a change gets that does not start from the head: the head, and both in one.

        It is loaded after the refusal: a change that starts from it is stale only if somebody has
        saved since.

        Args:
            composition_id: What was to be changed.
            refusal: What the database said.
            edit: The change as preview_merge takes it; None: it is none that could be merged.
        """
        if edit is None:
            current = await self.ask(
                "load_composition", composition_id=composition_id, layered=False
            )
            facts = {"current": Verbatim(current.body)}
        else:
            facts = await self._preview(composition_id, edit)
        return Problem(
            412,
            refusal.code,
            refusal.message,
            "Apply the change to `current`, and send it again with its version as If-Match.",
            **{**refusal.facts, **facts},
        )

    async def unmerged(
        self, composition_id: UUID, kept: Mapping[str, Any], edit: Mapping[str, Any]
    ) -> Problem:
        """What a change gets that was to be merged and could not be: as stale(), and where it is.

        Args:
            composition_id: What was to be changed.
            kept: The answer of the write, which has kept the whole document as a version.
            edit: As for stale().
        """
        facts = await self._preview(composition_id, edit)
        return Problem(
            412,
            "version_conflict",
            "others have saved since, and changed the same",
            "Choose between `head` and `mine` in each of `conflicts`, apply that to `current`, and"
            " send it with its version as If-Match.",
            head_version=kept["version"],
            conflict_version=kept["conflict_version"],
            **facts,
        )

    async def _preview(self, composition_id: UUID, edit: Mapping[str, Any]) -> dict[str, Any]:
        preview = await self.ask("preview_merge", composition_id=composition_id, **edit)
        text = preview.body.decode()
        return {span.name: Verbatim(text[span.start : span.end].encode()) for span in members(text)}

    async def also_members(self, writing: Writing, organization_ids: Iterable[str]) -> bool:
        """Invalidate what members of organisations have, too, when a write ends.

        Returns:
            Whether these are all of them: a few thousand are left to the outbox.
        """
        are_all = True
        for id in organization_ids:
            try:
                rows, are_these = await self.services.database.select(
                    "organization_members",
                    self.caller.token,
                    columns="user_id",
                    limit=_MOST_MEMBERS,
                    organization_id=id,
                )
            except (DatabaseProblem, DatabaseUnavailable):
                # It is written, whatever becomes of this question.
                rows, are_these = [], False
            writing.also(viewers=(UUID(row["user_id"]) for row in rows))
            are_all = are_all and are_these
        self.timing.lap("db")
        return are_all

    async def _handed_over(self, filter: Mapping[str, Any]) -> tuple[list[UUID], bool]:
        """The compositions of somebody who leaves.

        Returns:
            Their ids, and whether these are all.
        """
        found: list[UUID] = []
        after = None
        for _ in range(_MOST_PAGES):
            page = (
                await self.ask("list_my_compositions", filter=filter, after=after, row_limit=_PAGE)
            ).json()
            found += [UUID(item["composition_id"]) for item in page["items"]]
            after = page["next"]
            if after is None:
                return found, True
        return found, False


async def signed_in(request: Request) -> Call:
    """Who sends a request.

    Raises:
        Problem: 401: nobody, or it cannot be told.
    """
    timing = Timing()
    services: Services = request.app.state.services
    caller = await services.tokens.verify(request.headers.get("authorization"))
    timing.lap("auth")
    return Call(request, services, caller, timing)


SignedIn = Annotated[Call, Depends(signed_in)]
