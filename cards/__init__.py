"""Adaptive Cards 1.5 as pure functions of domain values."""

from cards import text
from cards._render import message_card, render, summary

__all__ = ["message_card", "render", "summary", "text"]
