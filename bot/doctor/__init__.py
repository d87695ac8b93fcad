"""``secondkey doctor``: looks at everything the bot depends on, changes nothing, and says of each fault
what it breaks and what to do.
"""
