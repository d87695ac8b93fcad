"""The ``secondkey`` command. Commands import what they need: `serve` has no use for a sandbox in memory."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer

from bot import logs, settings
from bot.domain.errors import MisconfiguredError, SecondKeyError

_USAGE: Final = 2
_FAILED: Final = 1

ClientId = Annotated[str, typer.Option(help="The bot's app registration.")]
Host = Annotated[str, typer.Option(help="Where the bot is reached: bot.example.com.")]
CloudName = Annotated[str, typer.Option(help="public, usgov, usdod, china or custom.")]

app = typer.Typer(
    name="secondkey",
    help="Microsoft Entra PIM approvals in Microsoft Teams, decided by the right second person.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Entry point."""
    app()


def _version(show: bool) -> None:
    if show:
        typer.echo(version("second-key"))
        raise typer.Exit


@app.callback()
def _options(
    _show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    # An eager callback, since without a command this function isn't reached.
    pass


@app.command()
def serve() -> None:
    """Run the bot. Settings come from SECONDKEY_* variables and secondkey.toml."""
    try:
        loaded = settings.load()
    except settings.SettingsError as error:
        _put_right(*error.faults)
        raise typer.Exit(_USAGE) from None
    logs.configure(loaded.log_level)
    from bot.serving import run

    try:
        run(loaded)
    except MisconfiguredError as error:
        _put_right(str(error))
        raise typer.Exit(_USAGE) from None
    except (SecondKeyError, OSError) as error:
        _say(f"Second Key could not start: {error}")
        raise typer.Exit(_FAILED) from None


@app.command()
def demo(
    script: Annotated[
        bool, typer.Option("--script", help="Unattended: JSON lines; exits 1 if any step did not happen.")
    ] = False,
    stay: Annotated[
        bool, typer.Option("--serve", help="Leave sandbox and bot running, and say how to poke them.")
    ] = False,
    case: Annotated[
        list[str] | None,
        typer.Option("--case", metavar="NAME", help="Play this case instead; `all` of them."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the cases.")] = False,
) -> None:
    """Play the whole story against a sandbox tenant on this machine. Needs no tenant at all."""
    if stay and (script or case or listed):
        _say("--serve stays; --script, --case and --list come to an end: take one of them.")
        raise typer.Exit(_USAGE)
    if case or listed:
        raise typer.Exit(_cases(case or [], script=script, listed=listed))
    from bot.demo.play import play

    raise typer.Exit(play(script=script, stay=stay))


def _cases(names: list[str], *, script: bool, listed: bool) -> int:
    from bot.demo import cases
    from bot.demo.play import list_cases, play_cases

    if listed:
        list_cases(script=script)
        return 0
    try:
        chosen = cases.chosen(names)
    except cases.UnknownCaseError as error:
        _say(str(error), f"Near: {', '.join(error.near)}." if error.near else "See --list.")
        return _USAGE
    return play_cases(chosen, script=script)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="CHECK", help="This check, and what it needs.")
    ] = None,
    person: Annotated[
        uuid.UUID | None,
        typer.Option(
            "--as",
            metavar="OBJECT_ID",
            help="Try the delegated permissions too, as this person, who is signed in to the bot: yourself.",
        ),
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Of a healthy sandbox tenant and its bot, started for this.")
    ] = False,
) -> None:
    """Look at everything the bot depends on, change nothing, and say what is broken and what to do.

    Exits 0 when all is well, 1 with warnings, 3 with errors, 4 with something critical, and 2 when
    the settings can't be read.
    """
    from bot.doctor import command

    if unknown := set(only or ()) - set(command.NAMES):
        _say(f"There is no check {', '.join(sorted(unknown))}. There are: {', '.join(command.NAMES)}.")
        raise typer.Exit(_USAGE)
    if sandbox:
        from bot.demo.clinic import examine_sandbox

        chosen = [part for name in only or () for part in ("--only", name)]
        raise typer.Exit(examine_sandbox([*chosen, *(["--json"] if as_json else [])], person))
    logs.configure("error")
    raise typer.Exit(command.examine(as_json=as_json, only=only or (), person=person))


@app.command()
def audit(
    request_id: Annotated[
        str | None, typer.Argument(help="Whose trail to show; without it, the newest lines.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    last: Annotated[int, typer.Option(min=1, help="How many of the newest lines.")] = 20,
) -> None:
    """Show the audit log, also while the bot runs: who, as whom, on which facts, under which rule.

    Only the database is looked up in the settings. Exits 1 when there is no such line.
    """
    from bot import auditing

    try:
        lines = asyncio.run(auditing.read(request_id, last))
    except SecondKeyError as error:
        _say(f"The audit log can't be read: {error}")
        raise typer.Exit(_FAILED) from None
    if not lines:
        _say("The audit log has no line about that request." if request_id else "The audit log is empty.")
        raise typer.Exit(_FAILED)
    if as_json:
        for line in lines:
            print(auditing.as_json(line))
    else:
        auditing.show(lines)


@app.command(
    add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def sandbox(context: typer.Context) -> None:
    """Run the sandbox tenant alone (`secondkey sandbox --help` for its options)."""
    from bot.sandbox import __main__ as alone

    asyncio.run(alone.serve(alone.parser().parse_args(context.args)))


@app.command()
def docs(
    check: Annotated[bool, typer.Option("--check", help="Only say whether they are up to date.")] = False,
) -> None:
    """Bring the generated parts of the README, of docs/ and of infra/ up to date."""
    from bot import docs as generated

    stale = generated.update_all(write=not check)
    for name in stale:
        _say(f"{'out of date' if check else 'updated'}: {name}")
    raise typer.Exit(_FAILED if check and stale else 0)


@app.command()
def permissions(
    as_json: Annotated[
        bool, typer.Option("--json", help="As data: what is asked for, by feature, and every call.")
    ] = False,
) -> None:
    """Say which Graph permissions the bot needs, and for what."""
    from bot import permission_pages

    print(permission_pages.as_json() if as_json else permission_pages.plain())


@app.command()
def package(
    *,
    client_id: ClientId = "",
    host: Host = "",
    tenant: Annotated[str, typer.Option(help="Entra tenant: prints the consent link, too.")] = "",
    cloud: CloudName = "",
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("secondkey-teams.zip"),
    app_version: Annotated[str, typer.Option(help="Three numbers; by default this version's.")] = "",
    developer: Annotated[str, typer.Option(help="Who Teams names as the app's developer.")] = "",
    website_url: Annotated[str, typer.Option(help="By default a page of the bot.")] = "",
    privacy_url: Annotated[str, typer.Option(help="By default a page of the bot.")] = "",
    terms_url: Annotated[str, typer.Option(help="By default a page of the bot.")] = "",
) -> None:
    """Write the app package that is uploaded to Teams. What is set already need not be said."""
    from bot import packaging

    urls = {"website_url": website_url, "privacy_url": privacy_url, "terms_url": terms_url}
    with _refusals(f"{out}: "):
        wanted = packaging.Wanted(client_id, host, tenant, cloud)
        written = packaging.write(wanted, out, app_version, developer=developer, **urls)
    print(f"Wrote {written.path}: app {written.app.id}, version {written.app.version}.")
    print("Upload it in the Teams admin center: Teams apps > Manage apps > Upload new app.")
    if written.consent:
        print(f"Then an administrator consents here, once: {written.consent}")


@app.command()
def consent_link(
    *,
    client_id: ClientId = "",
    tenant: Annotated[str, typer.Option(help="Entra tenant id or domain.")] = "",
    host: Host = "",
    cloud: CloudName = "",
    redirect_uri: Annotated[
        str, typer.Option(help="Registered with the app; by default a page of the bot.")
    ] = "",
) -> None:
    """Print the link with which an administrator consents to the permissions the app registration lists."""
    from bot import packaging

    with _refusals():
        print(packaging.link(packaging.Wanted(client_id, host, tenant, cloud), redirect_uri))


@contextmanager
def _refusals(about: str = "") -> Iterator[None]:
    """What the caller has to put right, said line by line."""
    from manifest.app import PackageError

    try:
        yield
    except (settings.SettingsError, PackageError) as error:
        _say(*error.faults)
        raise typer.Exit(_USAGE) from None
    except OSError as error:
        _say(f"{about}{error.strerror or error}")
        raise typer.Exit(_FAILED) from None


def _put_right(*faults: str) -> None:
    _say("These settings have to be put right first:", *(f"  {fault}" for fault in faults))
    _say("Every setting is explained in the README.")


def _say(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)
