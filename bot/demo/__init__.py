"""``secondkey demo``: the main job, played against the sandbox over the real protocols.

It knows the bot only as a process with settings, and the sandbox only by HTTP.
"""
