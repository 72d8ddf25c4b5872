"""The demonstration's table in a plain terminal of 80 columns."""

from rich.console import Console

from t2l_fast.demo import REQUESTS, table_of

LONG = "The creature among\nthese is [a hammer], so (54)."


def rendered(base: str, wrong: int | None = None) -> list[str]:
    generated = [r.expected if i != wrong else "[river" for i, r in enumerate(REQUESTS)]
    console = Console(width=80, force_terminal=False)
    with console.capture() as capture:
        console.print(table_of([base] * len(REQUESTS), generated))
    return capture.get().splitlines()


def rows_of(lines: list[str]) -> list[list[str]]:
    """The lines of each request, from the one that begins its description."""
    starts = [
        i
        for i, line in enumerate(lines)
        if any(line.startswith(r.description[:30]) for r in REQUESTS)
    ]
    ends = [*starts[1:], len(lines)]
    rows = [lines[a:b] for a, b in zip(starts, ends, strict=True)]
    return [[x for x in row if x.strip() and not x.startswith("Tasks ")] for row in rows]


def test_the_table_fits_80_columns_with_at_most_three_lines_a_row():
    lines = rendered(LONG)
    assert max(map(len, lines)) <= 80
    rows = rows_of(lines)
    assert len(rows) == len(REQUESTS)
    assert max(map(len, rows)) <= 3


def test_nothing_is_cut():
    text = " ".join(" ".join(rendered(LONG)).split())
    assert "…" not in text
    for request in REQUESTS:
        assert request.source.split()[-1] in text
        assert f"{request.expected} ✓" in text
        for word in request.description.split():
            assert word in text
    for word in LONG.split():
        assert text.count(word) >= len(REQUESTS)


def test_a_wrong_answer_is_marked():
    text = "\n".join(rendered("river", wrong=2))
    assert "[river ✗" in text and "river → [river]" in text
