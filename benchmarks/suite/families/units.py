"""units: a small number in, the same quantity in a smaller unit out."""

from __future__ import annotations

from benchmarks.suite.draft import Draft, mapped, worded

TEMPLATES = (
    "Convert {}.",
    "Please convert {}.",
    "The input is a plain number. Convert {}.",
    "Can you change {}?",
    "You will be given a number. Your job is to convert {}.",
    "Calculate the conversion {}.",
    "Do the arithmetic to get {}.",
    "Unit conversion {}.",
    "I need to go {}, could you do that?",
    "Work out what the number is when you go {}.",
    "For each number, write the result of converting {}.",
    "Express the quantity in the other unit, going {}.",
    "Give the answer after changing {}.",
    "How much is it when converted {}?",
)
EVAL_TEMPLATES = (
    "Translate the amount {}.",
    "A number comes in; rewrite it {}.",
    "Compute the equivalent {}.",
    "What do we get if we switch {}?",
)

# name: the larger unit, the smaller unit, the factor, how the result's unit is written
UNITS: dict[str, tuple[str, str, int, str]] = {
    "metre-centimetre": ("metres", "centimetres", 100, "cm"),
    "kilometre-metre": ("kilometres", "metres", 1000, "m"),
    "centimetre-millimetre": ("centimetres", "millimetres", 10, "mm"),
    "kilogram-gram": ("kilograms", "grams", 1000, "g"),
    "tonne-kilogram": ("tonnes", "kilograms", 1000, "kg"),
    "litre-millilitre": ("litres", "millilitres", 1000, "ml"),
    "minute-second": ("minutes", "seconds", 60, "seconds"),
    "hour-minute": ("hours", "minutes", 60, "minutes"),
    "day-hour": ("days", "hours", 24, "hours"),
    "week-day": ("weeks", "days", 7, "days"),
    "year-month": ("years", "months", 12, "months"),
    "year-week": ("years", "weeks", 52, "weeks"),
    "decade-year": ("decades", "years", 10, "years"),
    "century-year": ("centuries", "years", 100, "years"),
    "dozen-piece": ("dozens", "single pieces", 12, "pieces"),
    "pair-sock": ("pairs of socks", "single socks", 2, "socks"),
    "dollar-cent": ("dollars", "cents", 100, "cents"),
    "pound-pence": ("British pounds", "pence", 100, "pence"),
    "foot-inch": ("feet", "inches", 12, "inches"),
    "yard-foot": ("yards", "feet", 3, "feet"),
    "byte-bit": ("bytes", "bits", 8, "bits"),
    "spider-leg": ("spiders", "their legs", 8, "legs"),
    "car-wheel": ("cars", "their wheels", 4, "wheels"),
    "hand-finger": ("hands", "their fingers", 5, "fingers"),
}


def tasks() -> list[Draft]:
    """One task per pair of units, over the numbers 1 to 99."""
    numbers = [str(number) for number in range(1, 100)]
    drafts = []
    for name, (large, small, factor, unit) in UNITS.items():
        phrases = (
            f'from {large} to {small}, with "{unit}" after the number',
            f"from a number of {large} into a number of {small}, written with {unit}",
            f"from {large} to {small} (times {factor}, then the unit {unit})",
        )
        drafts.append(
            Draft(
                name,
                (
                    *worded(TEMPLATES, *phrases),
                    f"Multiply the number by {factor} and add {unit}: {large} become {small}.",
                    f'How many {small} do that many {large} make? Answer with number and "{unit}".',
                ),
                (
                    *worded(EVAL_TEMPLATES, *reversed(phrases)),
                    f'The number counts {large}. Say how many {small} that is, ending in "{unit}".',
                ),
                mapped(numbers, lambda text, f=factor, u=unit: f"{int(text) * f} {u}"),
            )
        )
    return drafts
