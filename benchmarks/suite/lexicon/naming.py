"""What is put around a name in code, the order of two words, and how to say so."""

from __future__ import annotations

from benchmarks.suite.lexicon.asking import blocks

# name: what is put around x
AROUND = {
    "call": "{x}()",
    "bracketed": "[{x}]",
    "flag": "--{x}",
    "dollar": "${x}",
    "file": "{x}.py",
    "quoted": '"{x}"',
    "decorator": "@{x}",
    "tag": "<{x}>",
    "member": "self.{x}",
    "json": "{x}.json",
    "private": "_{x}",
    "import": "import {x}",
}
SAID = blocks("""
call
= a function call with empty parentheses, in {case} | the words in {case} as a function call, ()
= empty parentheses after the name, written in {case}
= a function call, the phrase in {case} with parentheses
> make a function call with empty parentheses, in {case} | call a function named in {case}, ()
> write the words in {case} and then empty parentheses
> turn the phrase in {case} into a function call with parentheses

bracketed
= a name inside square brackets, in {case} | the words in {case}, within square brackets
= [ and ] around the two words, which are in {case}
= square brackets around the phrase in {case}
> put the words into square brackets, in {case} | make a name in {case}, with square brackets
> write [, both words in {case}, and ]
> set square brackets around the phrase in {case}

flag
= a command-line flag with two dashes, in {case} | the words in {case} as a command-line flag, --
= two dashes and then the name, written in {case}
= a command-line flag, the phrase in {case} with dashes
> make a command-line flag with two dashes, in {case} | name a command-line flag in {case}, --
> write two dashes and then the words in {case}
> turn the phrase in {case} into a command-line flag with dashes

dollar
= a variable with a dollar sign in front, in {case} | the words in {case} after a dollar sign
= a shell or PHP variable with $, in {case}
= a dollar sign and the phrase in {case}
> make a variable with a dollar sign, in {case} | put a dollar sign before the words in {case}
> name a shell or PHP variable in {case}, with $
> write a dollar sign in front of the phrase in {case}

file
= the name of a Python file, in {case}, ending in .py | the words in {case} as a Python file, .py
= the name of a script with the ending .py, in {case}
= a Python file name, the phrase in {case} with .py
> name a Python file ending in .py, in {case} | make a Python file name of the words in {case}
> add .py to the two words in {case}
> turn the phrase in {case} into a Python file name with .py

quoted
= a string in double quotes, in {case} | the words in {case} between quotation marks
= the name as a string literal, written in {case}
= double quotes around the phrase in {case}
> put the words into double quotes, in {case} | quote the name, in {case}
> make a string literal of the two words in {case}
> set quotation marks around the phrase in {case}

decorator
= a Python decorator with an at sign, in {case} | the words in {case} after an @
= an at sign and then the name, written in {case}
= a decorator, the phrase in {case} after its at sign
> make a Python decorator with an at sign, in {case} | put an @ before the words in {case}
> write an at sign and then both words in {case}
> turn the phrase in {case} into a decorator after its at sign

tag
= an opening XML tag, in {case} | the words in {case} between < and >
= a tag in angle brackets, its name written in {case}
= the opening tag of the phrase in {case}
> make an opening XML tag, in {case} | put the words in {case} between < and >
> write a tag in angle brackets that is named in {case}
> turn the phrase in {case} into its opening tag

member
= an attribute of self, in {case} | the words in {case} after self and a dot
= a Python instance attribute with self., in {case}
= the phrase in {case} as a member of self
> access an attribute of self, in {case} | put self and a dot before the words in {case}
> write self. and then both words in {case}
> make the phrase in {case} a member of self

json
= the name of a JSON file, in {case}, ending in .json | the words in {case} as a JSON file, .json
= the name of a data file with the ending .json, in {case}
= a JSON file name, the phrase in {case} with .json
> name a JSON file ending in .json, in {case} | make a JSON file name of the words in {case}
> add .json to the two words in {case}
> turn the phrase in {case} into a JSON file name with .json

private
= a private name with a leading underscore, in {case} | an underscore, then the words in {case}
= the name in {case}, marked as private by a _ at its start
= a private identifier, the phrase in {case} after a low line
> make a private name with a leading underscore, in {case}
> write an underscore and then the words in {case}
> mark the name in {case} as private by a _ at its start
> turn the phrase in {case} into a private identifier after a low line

import
= an import statement, in {case} | the words in {case} after the keyword import
= a line that imports the module named in {case}
= the import of the phrase in {case}
> make an import statement, in {case} | put the keyword import before the words in {case}
> write a line that imports the module named in {case}
> import what the phrase in {case} names

forward
= the two words as given, {joined} | the adjective and then the noun, {joined}
= the first word, then the second one, {joined}
= both words in the given order, {joined}
> keep the order of the two words and write them {joined} | write adjective and noun {joined}
> leave the words where they are and write them {joined}
> take both words in the given order, {joined}

backward
= the two words swapped, in reverse order, {joined} | the noun before the adjective, {joined}
= the second word, then the first one, {joined}
= both words in swapped order, reversed, {joined}
> swap the two words and write them {joined} | reverse the order, noun before adjective, {joined}
> begin with the second word and write them {joined}
> take both words in swapped order, reversed, {joined}
""")
