"""How a description may say what is put around, before or behind a word."""

from __future__ import annotations

from benchmarks.suite.lexicon.asking import blocks

SAID = blocks("""
before
= the word prefixed with {mark} at its start | {mark} as a prefix, in front of the word
= {mark} and directly after it the word
= the word with a prefix in front, {mark}
> prefix the word with {mark} | put {mark} in front of the word, at its start
> write {mark} and then the word, without a space
> start the word with {mark} as its prefix

after
= the word suffixed with {mark} at its end | {mark} as a suffix, behind the word
= the word and directly after it {mark}
= the word with a suffix at its end, {mark}
> suffix the word with {mark} | put {mark} behind the word, at its end
> write the word and then {mark}, without a space
> end the word with {mark} as its suffix

both
= the word surrounded by {mark} on both sides | {mark} around the word, on its left and right
= the word between two of the same, {mark} left and right
= the word surrounded on either side by {mark}
> surround the word with {mark} on both sides | put {mark} to the left and the right of the word
> write {mark}, the word and the same again, without spaces
> surround the word, on either side, with {mark}

spaced
= the word surrounded by spaces and {mark}
= the word with spaces around it, then {mark} on both sides
= {mark}, a space, the word, a space and the same mark
= the word surrounded by {mark}, with spaces
> surround the word with spaces and {mark} | put spaces around the word, then {mark} on both sides
> write {mark} left and right of the word, each time with a space between
> surround the word, with spaces, by {mark}

double
= the word surrounded by double marks, {mark} doubled
= the word in double marks, two times {mark} on each side
= the word with {mark} twice before it and twice after it
= the word surrounded by double marks, {mark}
> surround the word with double marks, {mark} doubled
> put double marks, two times {mark}, on each side of the word
> write {mark} twice before the word and twice after it
> surround the word with double marks, {mark}

bracket-spaced
= the word in {mark} with spaces inside | the word surrounded by spaces and {mark}
= the word with spaces within {mark}
> put the word into {mark} with spaces inside | surround the word with spaces and {mark}
> enclose the word, with spaces, in {mark}

bracket-double
= the word in double {mark} | the word surrounded by {mark}, doubled
= the word inside two pairs of {mark}
= the word within {mark}, double on each side
> put the word into double {mark} | surround the word with {mark}, doubled
> write two pairs of {mark} around the word
> enclose the word in {mark}, double on each side

bracket-single
= the word in {mark}, directly | the word with one pair of {mark} around it
= the word within {mark}, single ones
> put the word into {mark}, directly | surround the word with one pair of {mark}
> enclose the word in {mark}, single ones

bracket-triple
= the word in triple {mark} | the word surrounded by {mark}, three times
= the word inside three pairs of {mark}
= the word within {mark}, threefold on each side
> put the word into triple {mark} | surround the word with {mark}, three times
> write three pairs of {mark} around the word
> enclose the word in {mark}, threefold on each side

bracket-outward
= the word between {mark} turned outward, the closing one first
= the word in {mark} the wrong way round | the word in {mark} that face away from it
= the word within {mark}, reversed
> put the word between {mark} turned outward, the closing one first
> surround the word with {mark} the wrong way round | make {mark} face away from the word
> enclose the word in {mark}, reversed

bracket-open
= the word with only the opening one of the {mark} before it
= the left one of the {mark} and then the word, never closed
= the word behind the first of the two {mark}, without the second
= the word, opened but not closed with {mark}
> put only the opening one of the {mark} before the word
> write the left one of the {mark} and then the word, never closed
> start with the first of the two {mark}, write the word and stop there
> open, but do not close, the word with {mark}

bracket-close
= the word with only the closing one of the {mark} after it
= the word and then the right one of the {mark}, never opened
= the word ahead of the second of the two {mark}, without the first
= the word, closed but not opened with {mark}
> put only the closing one of the {mark} after the word
> write the word and then the right one of the {mark}, never opened
> write the word, finish with the second of the two {mark}, and leave out the first
> close, but do not open, the word with {mark}

ending
= the word as the name of {mark} | the word with the ending of {mark} | a name for {mark}
= the word turned into {mark}
> name {mark} after the word | add the ending of {mark} to the word | write the word as {mark}
> turn the word into the name of {mark}

tag
= the word in {mark} | the word inside {mark} | the word surrounded by {mark}
= the word, enclosed by {mark}
> put the word into {mark} | mark the word up with {mark} | write {mark} around the word
> enclose the word by the markup of {mark}

word
= the word with {mark} | the input together with {mark} | a phrase, the word with {mark}
= the short phrase of the word with {mark}
> write the word with {mark} | say the word with {mark} | make a phrase of the word with {mark}
> extend the word, with {mark}
""")
