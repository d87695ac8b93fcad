from __future__ import annotations

import re
import tomllib
from itertools import pairwise

import pytest
from deploy.dockerfile import ROOT, read

FILE = read()
BUILD, FINAL = FILE.stages
LOCK = "requirements-image.txt"


def test_the_base_is_one_release_and_can_be_pinned_by_digest_from_outside() -> None:
    assert {stage.base for stage in FILE.stages} == {"${PYTHON_IMAGE}"}
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+", FILE.arguments["PYTHON_IMAGE"])


def test_it_runs_as_a_number_that_is_not_root_and_never_goes_back() -> None:
    assert FINAL.one("USER") == "10001:10001"
    after = [name for name, _ in FINAL.steps][[name for name, _ in FINAL.steps].index("USER") :]
    assert "RUN" not in after


def test_nothing_is_owned_by_the_bot_but_the_data_volume() -> None:
    assert not any("--chown" in rest or "--chmod" in rest for rest in FINAL.all("COPY"))
    assert re.findall(r"--owner=10001 --group=10001 --mode=0700 (\S+)", FINAL.one("RUN")) == ["/data"]
    assert FINAL.words("VOLUME") == [FINAL.one("WORKDIR")] == ["/data"]


def test_dependencies_are_those_locked_by_hash_and_none_is_compiled() -> None:
    assert any(
        "--no-deps --require-hashes --only-binary :all: -r requirements-image.txt" in rest
        for rest in BUILD.all("RUN")
    )
    installs = [rest for rest in BUILD.all("RUN") if "pip" in rest and " install " in rest]
    assert all("--require-hashes" in rest or "--no-index" in rest for rest in installs)


def test_the_final_stage_has_neither_package_manager_nor_what_builds_packages() -> None:
    assert FINAL.all("COPY") == ["--from=build /opt/secondkey /opt/secondkey"]
    assert "--without-pip" in BUILD.all("RUN")[0]
    assert re.search(r"pip uninstall .*\bpip\b", FINAL.one("RUN"))
    assert "install" not in re.sub(r"uninstall|&& install --directory", "", FINAL.one("RUN"))


def test_what_is_taken_out_again_is_what_nothing_but_the_build_needs() -> None:
    (step,) = (rest for rest in BUILD.all("RUN") if "uninstall" in rest)
    assert set(step.partition("uninstall --yes")[2].split()) == only_for_building()


def only_for_building() -> set[str]:
    """Packages that the lock file has for the build backend alone."""
    text = (ROOT / LOCK).read_text(encoding="utf-8")
    entries = re.findall(r"^([a-z0-9._-]+)==.*\n((?:    .*\n)+)", text, re.MULTILINE)
    wanted_by = {
        name: set(re.findall(r"^    #(?: via)?\s+([a-z][\w.:() -]*?)$", rest, re.MULTILINE)) - {"via"}
        for name, rest in entries
    }
    found: set[str] = set()
    while True:
        more = {
            n for n, by in wanted_by.items() if by and by <= {*found, "second-key (pyproject.toml:build)"}
        }
        if more == found:
            return found
        found = more


def test_what_is_copied_in_is_what_the_build_context_holds() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {word for rest in BUILD.all("COPY") for word in rest.split()[:-1]}
    assert ignored[1] == "*"
    assert let_in == copied


def test_nothing_stands_twice() -> None:
    """As after two changes that each added the same: it would build, and hide which line counts."""
    for stage in FILE.stages:
        assert len(set(stage.steps)) == len(stage.steps)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert len(set(ignored)) == len(ignored)


def test_no_secret_is_built_in() -> None:
    everything = [*BUILD.pairs("ENV"), *FINAL.pairs("ENV"), *FINAL.pairs("ARG"), *FILE.arguments]
    assert not [name for name in everything if re.search("secret|password|token|key$", name, re.IGNORECASE)]


def test_the_entry_point_is_no_shell_so_that_signals_reach_the_bot() -> None:
    assert FINAL.words("ENTRYPOINT") == ["/opt/secondkey/bin/secondkey"]
    assert FINAL.words("CMD") == ["serve"]
    assert FINAL.one("STOPSIGNAL") == "SIGTERM"


@pytest.mark.parametrize("label", ["title", "description", "version", "revision"])
def test_it_says_what_it_is(label: str) -> None:
    assert FINAL.pairs("LABEL")[f"org.opencontainers.image.{label}"]


def test_layers_that_change_seldom_come_first() -> None:
    order = [rest.split()[0] for name, rest in BUILD.steps if name == "COPY"]
    assert all(
        a < b for a, b in pairwise([order.index("requirements-image.txt"), order.index("pyproject.toml")])
    )


def test_every_package_of_the_wheel_is_copied_in() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) <= {rest.split()[0] for rest in BUILD.all("COPY")}


def test_the_image_has_what_is_tested_and_the_exporter_for_azure_monitor() -> None:
    image, tested = pins(LOCK), pins("requirements.txt")
    assert {name: image.get(name) for name in tested} == tested
    assert "azure-monitor-opentelemetry-exporter" in image


def test_the_images_lock_file_has_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["azure-monitor"]]
    names = {re.split(r"[\[=<>~!]", one)[0].lower() for one in wanted}
    assert names <= set(pins(LOCK)), "run: make lock"


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ]+)", text, re.MULTILINE))
