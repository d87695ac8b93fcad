"""Every card there is: as its golden file says, valid, small, and proof against its own content."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from card_variants import ACTIVATION, ASKED, HOSTILE_TEXT, VARIANTS, card, hostile_request, own
from jsonschema import Draft6Validator

import cards
from bot.domain.content import CardContent, ConductCard, OpsCard, PingCause, RequestCard
from bot.domain.following import Stage
from bot.domain.model import Reason, Ticket
from cards import text

GOLDEN = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]
SCHEMAS = Path(os.environ.get("ADAPTIVE_CARD_SCHEMAS") or ROOT.parent / "shared" / "schemas")
SIZE_LIMIT = 20_000

CARDS: dict[str, dict[str, Any]] = {
    **{name: cards.render(content) for name, content in VARIANTS.items()},
    **{f"message-{key}": cards.message_card(key) for key in text.MESSAGES},
}
every_card = pytest.mark.parametrize("name", CARDS)
every_variant = pytest.mark.parametrize(("name", "content"), VARIANTS.items(), ids=VARIANTS)


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a card that has a type."""
    if isinstance(value, dict):
        if "type" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from parts(item)


@pytest.fixture(scope="module")
def validator() -> Draft6Validator:
    path = SCHEMAS / "adaptive-card-1.5.json"
    if not path.exists():
        pytest.skip(
            f"the Adaptive Card schema is not part of the repository; looked for {path.name} in "
            "ADAPTIVE_CARD_SCHEMAS and ../shared/schemas"
        )
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema.pop("id")  # names a remote base that references would be resolved against
    return Draft6Validator(schema)


@every_card
def test_card_is_what_its_golden_file_says(name: str, update_golden: bool) -> None:
    path = GOLDEN / f"{name}.json"
    drawn = json.dumps(CARDS[name], indent=1, ensure_ascii=False) + "\n"
    if update_golden:
        path.write_text(drawn, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == drawn


def test_there_is_no_golden_file_without_a_card() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CARDS)


@every_card
def test_card_is_valid_adaptive_card_1_5(name: str, validator: Draft6Validator) -> None:
    adaptive = {key: value for key, value in CARDS[name].items() if key != "msteams"}
    assert adaptive["version"] == "1.5"
    assert not [error.message[:300] for error in validator.iter_errors(adaptive)]


def test_the_schema_would_notice(validator: Draft6Validator) -> None:
    assert list(validator.iter_errors({"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "Text"}]}))


@every_card
def test_card_can_be_read_out_and_shown_by_an_old_client(name: str) -> None:
    assert CARDS[name]["fallbackText"]
    assert CARDS[name]["speak"]


@every_card
def test_every_input_has_a_label_and_every_button_a_title(name: str) -> None:
    for part in parts({"type": "", "all": [CARDS[name]["body"], CARDS[name]["actions"]]}):
        if part["type"].startswith("Input."):
            assert part["label"]
        if part["type"].startswith("Action."):
            assert part["title"]


@every_card
def test_every_coloured_box_opens_with_a_glyph_and_words(name: str) -> None:
    boxes = [part for part in parts(CARDS[name]) if part["type"] == "Container" and "style" in part]
    assert boxes
    for box in boxes:
        glyph, _, rest = box["items"][0]["text"].partition(" ")
        assert not glyph.isascii()
        assert len(rest.split()) > 1 or rest.isalpha()


@every_variant
def test_summary_is_one_short_line_without_glyphs(name: str, content: CardContent) -> None:
    line = cards.summary(content)
    assert len(line) < 300
    assert line.isprintable()
    assert line[0].isascii(), name


HOSTILE_OWN = replace(
    ACTIVATION, reason=HOSTILE_TEXT, scope=HOSTILE_TEXT, ticket=Ticket(HOSTILE_TEXT, HOSTILE_TEXT)
)
HOSTILE: list[CardContent] = [
    card(hostile_request()),
    OpsCard(hostile_request(), PingCause.UNANSWERED, 1, SIZE_LIMIT * hostile_request().sla.rungs[0], "x"),
    ConductCard(
        hostile_request().requester,
        ASKED,
        ASKED,
        tuple((reason, 10**9) for reason in Reason),
        forged=10**9,
        impersonated=10**9,
        tries=10**9,
        requests=(hostile_request(),) * 5,
        portal_url="x",
    ),
    own(Stage.WAITING, HOSTILE_OWN, pool=hostile_request().pool),
    own(Stage.ENDED, HOSTILE_OWN),
    own(Stage.ENDED, replace(HOSTILE_OWN, ticket=None)),
]


@pytest.mark.parametrize("content", [*HOSTILE, *VARIANTS.values()])
def test_card_is_small_whatever_was_written(content: CardContent) -> None:
    drawn = json.dumps(cards.render(content))
    assert len(drawn) < SIZE_LIMIT
    assert 2 * len(json.dumps(cards.render(content), ensure_ascii=False).encode("utf-16-le")) < 80_000


@pytest.mark.parametrize("content", HOSTILE)
def test_strangers_text_stands_in_text_runs_alone(content: CardContent) -> None:
    drawn = cards.render(content)
    assert any("APPROVED" in part["text"] for part in parts(drawn) if part["type"] == "TextRun")
    for part in parts(drawn):
        own = {key: value for key, value in part.items() if isinstance(value, str)}
        if part["type"] not in {"TextRun", "AdaptiveCard"}:
            assert "APPROVED" not in str(own)


@pytest.mark.parametrize("content", HOSTILE)
def test_strangers_text_is_neutralised_wherever_it_stands(content: CardContent) -> None:
    drawn = json.dumps(_shown(cards.render(content)), ensure_ascii=False) + cards.summary(content)
    for active in ("**", "](", "<at>", "{{DATE(2026-01-01", "${role}", "\u202e", "https://evil", "~~", "`"):
        assert active in HOSTILE_TEXT or active == "{{DATE(2026-01-01"
        assert active not in drawn


def _shown(value: Any) -> Any:
    """Without what buttons send back, which is shown to nobody."""
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items() if key != "data"}
    return [_shown(item) for item in value] if isinstance(value, list) else value


def test_rendering_twice_gives_the_same_and_shares_nothing() -> None:
    content = VARIANTS["pending"]
    assert isinstance(content, RequestCard)
    first, second = cards.render(content), cards.render(content)
    assert first == second
    first["body"].clear()
    first["refresh"]["userIds"].clear()
    assert cards.render(content) == second
