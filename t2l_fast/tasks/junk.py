"""Descriptions of nothing: what an adapter must not be right under."""

JUNK = (
    "qwx lorem 77 zzt frub of of of the",
    "The harbour was quiet that evening, and nobody spoke.",
    "asdf jkl; asdf jkl; asdf",
    "Remember to water the plants and to lock the door.",
)
