"""Table and plot of what was measured."""

import pytest
from rich.console import Console

from t2l_fast.report import plot, table

REPORT = {
    name: {
        "train": {"exact_match": share, "rows": 40, "by_family": {}},
        "held_out": {"exact_match": share / 2, "rows": 12, "by_family": {}},
    }
    for name, share in (("base", 0.125), ("generated, matched", 0.75))
}


def test_the_table_shows_every_share():
    console = Console(width=120, record=True, file=open("/dev/null", "w"))
    console.print(table(REPORT))
    lines = console.export_text().splitlines()
    assert any("train (40 rows)" in line and "held_out (12 rows)" in line for line in lines)
    for name, shares in (("base", ("0.125", "0.062")), ("generated, matched", ("0.750", "0.375"))):
        (line,) = [line for line in lines if name in line]
        assert all(share in line for share in shares)


def test_the_plot_is_a_png_that_depends_on_the_numbers(tmp_path):
    pytest.importorskip("matplotlib", reason="plots need t2l_fast[bench]")
    plot(REPORT, tmp_path / "one.png")
    plot({"base": REPORT["base"]}, tmp_path / "two.png")
    first, second = ((tmp_path / f"{name}.png").read_bytes() for name in ("one", "two"))
    assert first[:8] == second[:8] == b"\x89PNG\r\n\x1a\n"
    assert first != second
