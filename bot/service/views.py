"""A request as somebody sees it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain import lifecycle, quorum, separation
from bot.domain.content import RequestCard, Viewer
from bot.domain.model import Actor, ApprovalRequest
from bot.ports import Store


@dataclass(frozen=True, slots=True)
class Views:
    """Makes the card that one actor sees."""

    store: Store
    rules: separation.Rules
    portal_url: str

    def card(self, request: ApprovalRequest, actor: Actor, notice: str | None = None) -> RequestCard:
        """The request as this actor sees it, by the forecast frozen at intake: looking costs no
        call to Graph, and only a click is judged on live facts.
        """
        if request.state not in lifecycle.OPEN:
            return RequestCard(request, self.portal_url, Viewer.EVERYONE, (), notice)
        refusals = separation.outlook(actor.identity, request, self.rules)
        viewer = Viewer.VOTED if quorum.has_voted(request, actor.identity) else Viewer.ABLE
        if refusals:
            viewer = Viewer.REFUSED
        return RequestCard(request, self.portal_url, viewer, refusals, notice)

    def refused(
        self, request: ApprovalRequest, verdict: separation.Refused, notice: str = "refused"
    ) -> RequestCard:
        return RequestCard(request, self.portal_url, Viewer.REFUSED, verdict.refusals, notice)

    async def load(self, request_id: str) -> ApprovalRequest | None:
        async with self.store.transaction() as tx:
            return await tx.request(request_id)
