"""Adaptive Cards 1.5 as pure functions of domain values."""

from cards import text
from cards._render import dialog_reply, form, message_card, public_reply, render, summary

__all__ = ["dialog_reply", "form", "message_card", "public_reply", "render", "summary", "text"]
