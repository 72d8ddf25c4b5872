"""How a date may be written: the order of its parts, what separates them, the month."""

from __future__ import annotations

# name: the parts in their order, what they are called; the last for evaluation
ORDERS: dict[str, tuple[str, ...]] = {
    "day-month-year": ("dmy", "day, month and year", "DD MM YYYY, the day first", "DMY, day first"),
    "month-day-year": (
        "mdy",
        "month, day and year",
        "MM DD YYYY, the month first",
        "MDY, month first",
    ),
    "year-month-day": (
        "ymd",
        "year, month and day",
        "YYYY MM DD, the year first",
        "YMD, year first",
    ),
    "day-month": ("dm", "day and month", "DD MM, the day first, without year", "DM, day and month"),
    "month-day": (
        "md",
        "month and day",
        "MM DD, the month first, without year",
        "MD, month and day",
    ),
    "month-year": ("my", "month and year", "MM YYYY, without day", "MY, month and year"),
    "year-month": (
        "ym",
        "year and month",
        "YYYY MM, the year first, without day",
        "YM, year and month",
    ),
    "day-month-yy": (
        "dmY",
        "day, month and two-digit year",
        "DD MM YY, the day first, the year short",
        "day first, month, last two digits of the year",
    ),
    "month-day-yy": (
        "mdY",
        "month, day and two-digit year",
        "MM DD YY, the month first, the year short",
        "month first, day, last two digits of the year",
    ),
    "month-yy": (
        "mY",
        "month and two-digit year",
        "MM YY, the year short, without day",
        "month, last two digits of the year",
    ),
}
SEPARATORS: dict[str, tuple[str, ...]] = {
    "slashes": ("/", "slashes", "a slash between them", "/ as the separator", "slashes (/)"),
    "dots": (".", "dots", "a full stop between them", "periods in between", "dots (.)"),
    "hyphens": ("-", "hyphens", "a hyphen between them", "dashes in between", "hyphens (-)"),
    "spaces": (" ", "spaces", "a space between them", "blanks in between", "spaces ( )"),
    "underscores": (
        "_",
        "underscores",
        "an underscore between them",
        "_ as the separator",
        "underscores (_)",
    ),
    "commas": (
        ", ",
        "commas",
        "a comma and a space between them",
        "a comma after each part but the last",
        "commas (,)",
    ),
}
# part of an order: its strftime code in digits
PARTS = {"d": "%d", "m": "%m", "y": "%Y", "Y": "%y"}
# name: the month, what that is called; the last for evaluation
STYLES: dict[str, tuple[str, ...]] = {
    "full": (
        "%B",
        "with the full month name",
        "with the month in words",
        "with the month spelled out",
        "with the month's full name",
    ),
    "short": (
        "%b",
        "with the month in three letters",
        "with a short month like Mar",
        "with the month abbreviated",
        "with the short month",
    ),
    "capitals": (
        "%b",
        "with the month in capitals",
        "with an upper-case month like MAR",
        "with the month as three capitals",
        "with the month all in capitals",
    ),
}
# style: the orders that have it; the family has the other full ones
STYLED = {
    "full": ("month-day", "year-month", "year-month-day", "month-yy", "day-month-yy"),
    "short": tuple(ORDERS),
    "capitals": tuple(ORDERS),
}
