"""How a description may name one member of a category."""

from __future__ import annotations

_TEXT = """
animal: an animal; a kind of animal; a four-legged beast such as a cow
bird: a bird; a kind of bird; a feathered animal
fish: a fish; a kind of fish; a fish that swims in the sea or a river
insect: an insect; a kind of insect; a bug such as an ant
fruit: a fruit; a kind of fruit; a sweet fruit such as a plum
vegetable: a vegetable; a kind of vegetable; a vegetable such as a carrot
colour: a colour; a color name; a colour such as red
country: a country; the name of a country; a nation
city: a city; the name of a city; a large town such as Paris
body part: a body part; a part of the body; a part of the human body such as the arm
clothing: a piece of clothing; a garment; something to wear
furniture: a piece of furniture; an item of furniture; furniture found in a room
vehicle: a vehicle; a means of transport; something to travel in
profession: a profession; a job; an occupation
musical instrument: a musical instrument; an instrument; something that plays music
tool: a tool; a tool for work; a hand tool such as a hammer
drink: a drink; a beverage; something to drink
sport: a sport; a kind of sport; an athletic activity
weather: a kind of weather; a weather word; something in a weather forecast
metal: a metal; a kind of metal; a metal such as iron
tree: a tree; a kind of tree; a tree such as an oak
flower: a flower; a kind of flower; a blossom such as a tulip
kitchen item: a kitchen item; something used in the kitchen; a thing for cooking or eating
building: a building; a kind of building; a place with walls and a roof
emotion: an emotion; a feeling; a word for an emotional state
family member: a family member; a relative; a member of the family such as an aunt
shape: a shape; a geometric shape; a geometrical figure
time word: a time word; a stretch of time or a time of day; a word about time
calendar name: a day of the week or a month; a weekday or month name; a name from the calendar
food: a food; a thing to eat; a dish or food such as bread
language: a language; the name of a language; a language that people speak
first name: a first name; a person's name; a given name
school subject: a school subject; a subject taught at school; an academic subject
space thing: a thing in outer space; something from astronomy; a planet or other thing in space
gemstone: a gemstone; a precious stone; a jewel
toy: a toy; a plaything; something children play with
material: a material; a material things are made of; a substance such as wood
"""


def _parsed() -> dict[str, tuple[str, ...]]:
    lines = (line.split(": ") for line in _TEXT.strip().splitlines())
    return {name: tuple(phrases.split("; ")) for name, phrases in lines}


MEMBERS: dict[str, tuple[str, ...]] = _parsed()
"""Category to three noun phrases for one of its words."""
