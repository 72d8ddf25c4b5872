"""What a number may count or name: currencies, units, labels, magnitudes."""

from __future__ import annotations

# name: its sign, its code, the word after a number
CURRENCIES = {
    "dollars": ("$", "USD", "dollar{s}"),
    "euros": ("€", "EUR", "euro{s}"),
    "pounds": ("£", "GBP", "pound{s}"),
    "yen": ("¥", "JPY", "yen"),
    "rupees": ("₹", "INR", "rupee{s}"),
    "won": ("₩", "KRW", "won"),
    "rubles": ("₽", "RUB", "ruble{s}"),
    "pesos": ("₱", "PHP", "peso{s}"),
    "shekels": ("₪", "ILS", "shekel{s}"),
    "naira": ("₦", "NGN", "naira"),
    "hryvnias": ("₴", "UAH", "hryvnia{s}"),
}
# name: abbreviation
UNITS = {
    "kilograms": "kg",
    "metres": "m",
    "litres": "l",
    "hours": "h",
    "kilometres": "km",
    "grams": "g",
    "miles": "mi",
    "minutes": "min",
    "seconds": "s",
    "tonnes": "t",
}
LABELS = (
    *("page", "chapter", "room", "table", "line", "gate", "level", "seat"),
    *("row", "track", "platform"),
)
# name: what is written, what that is called; the last for evaluation
MAGNITUDES: dict[str, tuple[str, ...]] = {
    "thousand": ("{n} thousand", "the word thousand", "thousand as a word", "a final thousand"),
    "million": ("{n} million", "the word million", "million as a word", "a final million"),
    "billion": ("{n} billion", "the word billion", "billion as a word", "a final billion"),
    "k": ("{n}k", "the letter k for thousand", "a k, short for thousand", "a final k"),
    "m": ("{n}M", "the letter M for million", "an M, short for million", "a final M"),
}
# name: what stands in front, what that is called; the last for evaluation
LEADS: dict[str, tuple[str, ...]] = {
    "dollars": (
        "$",
        "a dollar sign, $",
        "the $ of dollars",
        "$ as the mark of dollars",
        "a leading $",
    ),
    "euros": ("€", "a euro sign, €", "the € of euros", "€ as the mark of euros", "a leading €"),
    "about": ("about ", "the word about", "about as a word", "the adverb about", "a leading about"),
}
MONEY = {
    "sign-before": "{sign}{n}",
    "sign-after": "{n} {sign}",
    "code-before": "{code} {n}",
    "code-after": "{n} {code}",
    "words": "{n} {noun}",
    "spelled": "{words} {noun}",
    "minus": "-{sign}{n}",
}
MEASURED = {
    "words": "{n} {noun}",
    "short": "{n} {code}",
    "close": "{n}{code}",
    "spelled": "{words} {noun}",
}
NUMBERED = {
    "digits": "{label} {n}",
    "hash": "{label} #{n}",
    "roman": "{label} {roman}",
    "spelled": "{label} {words}",
    "ordinal": "{nth} {label}",
    "abbreviation": "{label} no. {n}",
}
