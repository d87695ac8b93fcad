"""aiohttp routes: thin edges that read, parse, call one service and answer."""
