"""A tenant in a box: Entra, Graph, Bot Connector and token service over HTTP.

Imports nothing else of the project.
"""
