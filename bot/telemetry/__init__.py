"""What the bot tells about itself while it works: metrics, request ids, spans.

Free of vendors but for OpenTelemetry's API, which does nothing until ``bot.tracing`` gives it an
exporter. Services use the instruments in ``metrics`` and the functions in ``context``.
"""
