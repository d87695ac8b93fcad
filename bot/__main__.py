"""``python -m bot``: the same as ``secondkey``."""

from bot.cli import main

main()
