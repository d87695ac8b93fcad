"""Microsoft Teams, through botbuilder, which only this package may import."""
