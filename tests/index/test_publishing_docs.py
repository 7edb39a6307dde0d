"""What docs/publishing.md tells people to copy: the workflow is one, and each command is understood."""

import json
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from serving import run

from hatch_wasi import cli
from hatch_wasi.index.yanks import Yanks

DOCS = Path(__file__).parents[2] / "docs" / "publishing.md"
TEXT = DOCS.read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


(WORKFLOW,) = blocks("yaml")


def commands():
    """Every `hatch-wasi …` of the page, as words."""
    lines = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines() if line[:2] == "$ "]
    for job in YAML(typ="safe").load(WORKFLOW)["jobs"].values():
        # An expression is replaced before a shell sees it.
        lines += [re.sub(r"\$\{\{.*?\}\}", "value", step["run"]) for step in job["steps"] if "run" in step]
    return [shlex.split(line) for line in lines if line.startswith("hatch-wasi ")]


def test_the_workflow_is_one(tmp_path):
    """By the schema of GitHub's workflows, which check-jsonschema brings."""
    (tmp_path / "wasi.yml").write_text(WORKFLOW)
    words = ["--builtin-schema", "vendor.github-workflows", tmp_path / "wasi.yml"]
    assert "ok" in run(sys.executable, "-m", "check_jsonschema", *words)


def test_a_wrong_workflow_is_none(tmp_path):
    (tmp_path / "wasi.yml").write_text(WORKFLOW.replace("runs-on", "run-on"))
    words = ["--builtin-schema", "vendor.github-workflows", tmp_path / "wasi.yml"]
    with pytest.raises(AssertionError, match="runs-on"):
        run(sys.executable, "-m", "check_jsonschema", *words)


# GitHub's own actions are named by tag, which readers can maintain; others would have to be pinned.
ZIZMOR_CONFIG = 'rules: {unpinned-uses: {config: {policies: {"actions/*": ref-pin}}}}\n'


def zizmor(folder, workflow):
    """Return the ids of what zizmor finds, except where it is not sure itself (cache-poisoning)."""
    (folder / "zizmor.yml").write_text(ZIZMOR_CONFIG)
    (folder / "wasi.yml").write_text(workflow)
    program = Path(sys.executable).with_name("zizmor")
    words = ["--offline", "--no-exit-codes", "--min-confidence=medium", "--format=json", "--config"]
    found = run(program, *words, folder / "zizmor.yml", folder / "wasi.yml")
    return {finding["ident"] for finding in json.loads(found[found.index("[") :])}


def test_the_workflow_has_no_security_findings(tmp_path):
    assert zizmor(tmp_path, WORKFLOW) == set()


def test_a_template_injection_in_the_workflow_would_be_found(tmp_path):
    assert "template-injection" in zizmor(tmp_path, WORKFLOW.replace('"$PROJECT"', '"${{ github.head_ref }}"'))


def test_the_workflow_checks_out_tags_and_builds_with_the_python_of_the_matrix():
    steps = YAML(typ="safe").load(WORKFLOW)["jobs"]["wheels"]["steps"]
    settings = {step["uses"].partition("@")[0]: step.get("with", {}) for step in steps if "uses" in step}
    assert settings["actions/checkout"]["fetch-depth"] == 0
    assert settings["actions/setup-python"]["python-version"] == "${{ matrix.python }}"


def test_the_workflow_attaches_wheels_to_releases_before_the_index_collects_them():
    jobs = YAML(typ="safe").load(WORKFLOW)["jobs"]
    assert jobs["release"]["permissions"] == {"contents": "write"}
    assert "gh release upload" in jobs["release"]["steps"][-1]["run"]
    assert jobs["publish"]["needs"] == ["wheels", "release"]


def test_the_workflow_does_all_of_it():
    jobs = YAML(typ="safe").load(WORKFLOW)["jobs"]
    order = [words[1] for words in commands()[-3:]]
    assert order == ["wheel", "audit", "index"]
    caches = [step["with"]["path"] for step in jobs["wheels"]["steps"] if "cache" in step.get("uses", "")]
    assert caches == ["~/.cache/hatch-wasi"]
    (uploaded,) = [
        step["with"]["path"] for step in jobs["publish"]["steps"] if "pages-artifact" in step.get("uses", "")
    ]
    made = commands()[-1]
    assert made[made.index("-o") + 1] == uploaded


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words[1:4]))
def test_each_command_is_understood(words):
    assert cli._parsers(cli.COMMANDS)[0].parse_args(words[1:]).command == words[1]


def test_the_yanks_can_be_read(tmp_path):
    (text,) = blocks("toml")
    (tmp_path / "yanked.toml").write_text(text)
    assert Yanks.from_file(tmp_path / "yanked.toml").reasons == tomllib.loads(text)


def test_options_that_are_told_are_there(capsys):
    with pytest.raises(SystemExit):
        cli.main(["index", "--help"])
    said = capsys.readouterr().out
    table = TEXT.partition("| option |")[2].partition("\n\n")[0]
    told = re.findall(r"--[a-z]+", table)
    assert told == ["--output", "--title", "--url"]
    assert [option for option in told if option not in said] == []
