"""Which Graph paths the source of ``bot/graph`` speaks of, found without running it.

Templates written by hand are evaluated with their module's constants; chains of the SDK's request
builders (``self._graph.users.by_user_id(…)``, also through a local name, a property or a method that
returns one) are followed on the SDK itself.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import bot.graph

FOLDER = Path(str(bot.graph.__file__)).parent
_VARIABLE = re.compile(r"\{[^}?]*\}")
_OPTIONS = re.compile(r"\{\?[^}]*\}|\?.*$")


def sdk() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from kiota_abstractions.authentication import AnonymousAuthenticationProvider  # noqa: PLC0415
        from msgraph.graph_request_adapter import GraphRequestAdapter  # noqa: PLC0415
        from msgraph.graph_service_client import GraphServiceClient  # noqa: PLC0415

        adapter = GraphRequestAdapter(AnonymousAuthenticationProvider())
        return GraphServiceClient(request_adapter=adapter)


def paths_in(source: str, constants: Mapping[str, Any], client: Any) -> set[str]:
    """Paths as ``v1.0/users/-``: what varies is a dash."""
    tree = ast.parse(source)
    with warnings.catch_warnings():  # the SDK's modules tell themselves that they are deprecated
        warnings.simplefilter("ignore", DeprecationWarning)
        return {*_templates(tree, constants), *_chains(tree, client)}


def paths_of_all(client: Any) -> Iterator[tuple[str, str]]:
    for file in sorted(FOLDER.glob("*.py")):
        constants = vars(import_module(f"bot.graph.{file.stem}"))
        for path in sorted(paths_in(file.read_text(encoding="utf-8"), constants, client)):
            yield file.name, path


def _templates(tree: ast.AST, constants: Mapping[str, Any]) -> Iterator[str]:
    whole = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    parts = {id(part) for node in whole for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        text = _text(node, constants) if id(node) not in parts else ""
        if re.match(r"\{\+graph\}/(v1\.0|beta)/|/?(v1\.0|beta)/\w", text):
            bare = _OPTIONS.sub("", text).removeprefix("{+graph}").strip("/")
            yield _VARIABLE.sub("-", bare)


def _text(node: ast.AST, constants: Mapping[str, Any]) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value, constants) for value in values)
        case ast.FormattedValue(value=ast.Name(id=name)):
            return str(constants.get(name, "{" + name + "}"))
        case ast.FormattedValue():
            return "{varies}"
    return ""


def _chains(tree: ast.AST, client: Any) -> Iterator[str]:
    for owner in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
        shared: dict[str, Any] = {"_graph": client}
        functions = [node for node in ast.iter_child_nodes(owner) if isinstance(node, _FUNCTIONS)]
        for function in functions:
            (*_, last) = function.body
            if isinstance(last, ast.Return) and last.value is not None:
                found = _follow(last.value, {"client": client}, shared)
                if found is not None:
                    shared[function.name] = found
        for function in functions:
            yield from _used(function, {"client": client}, shared)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _used(function: ast.AST, names: dict[str, Any], shared: Mapping[str, Any]) -> Iterator[str]:
    """Builders that become requests, or are handed on to what makes requests of them."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = _follow(node.value, names, shared)
    for node in ast.walk(function):
        match node:
            case ast.Attribute(value=value, attr=attr) if attr.startswith(("to_", "url_")):
                handed = [value]
            case ast.Call(func=func, args=args) if not _is_key(func):
                handed = list(args)
            case _:
                handed = []
        for one in handed:
            builder = _follow(one, names, shared)
            if builder is not None and builder is not names.get("client"):
                bare = _OPTIONS.sub("", builder.url_template)
                yield _VARIABLE.sub("-", bare.replace("{+baseurl}", "v1.0"))


def _is_key(func: ast.expr) -> bool:
    return isinstance(func, ast.Attribute) and func.attr.startswith("by_")


def _follow(node: ast.expr, names: Mapping[str, Any], shared: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return names.get(name)
        case ast.Attribute(value=ast.Name(id="self"), attr=attr):
            return shared.get(attr)
        case ast.Attribute(value=value, attr=attr):
            found = getattr(_follow(value, names, shared), attr, None)
            return found if hasattr(found, "url_template") else None
        case ast.Call(func=ast.Attribute(value=value, attr=attr)) if attr.startswith("by_"):
            return getattr(_follow(value, names, shared), attr, lambda _: None)("-")
        case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=attr)):
            return shared.get(attr)
    return None
