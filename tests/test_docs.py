"""The documentation is true: what it names exists, and what it shows parses."""

import importlib
import re

import pytest
import typer.main
import yaml

from docs.tools import commands_page, hooks, prose, tables
from docs.tools.claims import CHECKS, DOCS, ROOT, Page, pages
from docs.tools.claims.text import links
from t2l_fast.cli import app

PLANTED = {
    "commands": [
        "```bash\nt2l train sft\n```",
        "```bash\nt2l train sft runs/a --no-such-flag\n```",
        "```bash\nt2l train sft runs/a --schedule sideways\n```",
        "```bash\ntorchrun -m t2l_fast.cli train everything out\n```",
        "`t2l sing`",
        "`t2l serve --sing`",
        "Set `--sing`.",
    ],
    "targets": ["Run `make coffee`."],
    "variables": ["`T2L_NO_SUCH_VARIABLE=1`"],
    "names": [
        "`t2l_fast.train.SFTTraner`",
        "`t2l_fast.serve.app.create_ap`",
        "```python\nfrom t2l_fast.tasks import Tusk\n```",
        "```python\nimport t2l_fast as t2l\nt2l.atach(model)\n```",
    ],
    "identifiers": ["`LoraWaits`", "`Engine.submit_none(…)`"],
    "paths": ["See `t2l_fast/serve/enigne.py`.", "See `train/sft/whitening.py`."],
    "links": ["[a](nowhere.md)", "[a](#nowhere)", "[a](docs/glossary.md#nowhere)"],
    "snippets": ['```python\n--8<-- "examples/09_fly.py"\n```'],
    "blocks": ["```python\ndef f(:\n```", '```json\n{"name": }\n```'],
}
SOUND = """# A page

[here](#a-page) [there](docs/glossary.md#glossary) `make check` `TRITON_INTERPRET=1` `--resume`
`t2l_fast.train.SFTConfig.steps` `train/sft/whiten.py`

```bash
t2l train sft runs/a --resume     # a comment
OMP_WAIT_POLICY=PASSIVE torchrun --nproc-per-node 2 -m t2l_fast.cli train sft \\
    runs/a --fsdp
```

```python
--8<-- "examples/01_generate.py"
```
"""


def page_of(text: str) -> Page:
    return Page(ROOT / "PAGE.md", text)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_pages_claim_what_is_true(check):
    wrong = {str(path.relative_to(ROOT)): check(Page.read(path)) for path in pages()}
    assert {name: messages for name, messages in wrong.items() if messages} == {}


@pytest.mark.parametrize(
    ("check", "text"), [(check, text) for check, texts in PLANTED.items() for text in texts]
)
def test_a_planted_fault_is_found(check, text):
    (one,) = [c for c in CHECKS if c.__name__ == check]
    assert len(one(page_of(text))) == 1


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_sound_page_passes(check):
    assert check(page_of(SOUND)) == []


def test_every_check_has_a_planted_fault():
    assert {check.__name__ for check in CHECKS} == set(PLANTED)


def pages_of(nav) -> set[str]:
    """Return the pages of a navigation, at any depth."""
    if isinstance(nav, str):
        return {nav}
    entries = nav.values() if isinstance(nav, dict) else nav
    return set().union(*map(pages_of, entries))


def test_the_navigation_has_every_page():
    nav = hooks.completed(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert pages_of(nav) == written | {hooks.COMMANDS} | hooks.COPIED.keys()


def test_a_page_that_a_section_omits_comes_last():
    nav = hooks.completed([{"Guides": ["guides/index.md", {"Serve": "guides/serve.md"}]}])
    assert nav[0]["Guides"][:3] == [
        "guides/index.md",
        {"Serve": "guides/serve.md"},
        "guides/adapter_files.md",
    ]


def test_the_page_of_commands_has_every_flag():
    text = commands_page.page()
    for name, command in commands_page.leaves(typer.main.get_command(app)):
        section = text.split(f"## {name}\n")[1].split("\n## ")[0]
        flags = {o for p in command.params for o in (*p.opts, *p.secondary_opts) if o[0] == "-"}
        assert {flag for flag in flags if flag not in section} <= {"--help"}


def test_every_example_is_shown():
    shown = set(re.findall(r'--8<-- "(examples/\w+\.py)"', (DOCS / "examples.md").read_text()))
    assert shown == {str(p.relative_to(ROOT)) for p in (ROOT / "examples").glob("*.py")}


@pytest.mark.parametrize("path", sorted((DOCS / "api").glob("[!i]*.md")), ids=lambda p: p.stem)
def test_the_reference_has_every_public_name(path):
    package = importlib.import_module(f"t2l_fast.{path.stem}")
    listed = {name.rpartition(".")[2] for name in re.findall(r"^::: (\S+)", path.read_text(), re.M)}
    assert listed == set(package.__all__)


def test_the_prose_keeps_to_its_rules(capsys):
    assert prose.main([]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("word " * 26 + "end.", "words in a sentence"),
        ("A " + "long " * 18 + "sentence.\n\n" * 1, "words a sentence on average"),
        ("x" * 121, "columns"),
    ],
    ids=["long sentence", "long on average", "wide line"],
)
def test_bad_prose_is_found(tmp_path, text, problem):
    file = tmp_path / "page.md"
    file.write_text(text)
    assert any(problem in message for message in prose.problems(file))


def test_code_begins_a_sentence_and_numbers_end_one(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("Say what runs in bf16. It is short. `peft` reads it. **Bold.** End.\n")
    (paragraph,) = prose.paragraphs(file.read_text())
    assert len(prose.sentences(paragraph.text)) == 5


def test_pages_that_the_code_names_exist():
    sources = [
        p for top in ("t2l_fast", "kernels", "benchmarks") for p in (ROOT / top).rglob("*.py")
    ]
    named = {n for p in sources for n in re.findall(r"\bdocs/[\w/]+\.md", p.read_text("utf-8"))}
    assert named
    assert sorted(name for name in named if not (ROOT / name).is_file()) == []


def test_the_results_page_is_what_the_records_say():
    assert (DOCS / "results.md").read_text() == tables.page()


def test_a_record_without_an_origin_is_refused(tmp_path, monkeypatch):
    (tmp_path / "unheard_of.json").write_text("{}")
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    with pytest.raises(KeyError, match="unheard_of"):
        tables.page()


def test_records_become_tables_of_their_rows():
    record = {"seed": 0, "rows": {"a": {"x": 0.123456}, "b": {"x": 1, "y": [2.0, 3]}}}
    lines = tables.body(record, "rows").splitlines()
    assert lines == [
        "- seed: 0",
        "",
        "|  | x | y |",
        "| --- | --- | --- |",
        "| a | 0.123 | — |",
        "| b | 1 | 2, 3 |",
    ]


def test_the_design_names_every_floor_of_the_import_contract():
    contract = re.search(
        r"^layers = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.M | re.S
    )
    floors = (ROOT / "DESIGN.md").read_text().split("## Floors")[1].split("## ")[0]
    packages = {n for n in re.findall(r"\w+", contract[1]) if (ROOT / "t2l_fast" / n).exists()}
    packages |= {n for n in re.findall(r"\w+", contract[1]) if (ROOT / f"t2l_fast/{n}.py").exists()}
    assert len(packages) > 10
    assert sorted(n for n in packages if f"`{n}`" not in floors) == []


def test_every_picture_is_shown():
    text = "\n".join(path.read_text("utf-8") for path in DOCS.rglob("*.md"))
    assert sorted(path.name for path in DOCS.rglob("*.png") if path.name not in text) == []


@pytest.mark.parametrize("page", hooks.COPIED)
def test_a_copied_page_has_links_of_its_own_place(page):
    assert links(Page(DOCS / page, hooks.copied(page))) == []


def test_a_copied_page_links_to_a_copied_page(tmp_path, monkeypatch):
    (tmp_path / "DESIGN.md").write_text("[a](docs/x.md) [b](CHANGELOG.md#c)")
    monkeypatch.setattr(hooks, "ROOT", tmp_path)
    assert hooks.copied("developers/design.md") == "[a](../x.md) [b](../changelog.md#c)"
