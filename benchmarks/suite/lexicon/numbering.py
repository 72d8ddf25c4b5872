"""How to ask for a number as an amount, a measure, a label or a large amount."""

from __future__ import annotations

from benchmarks.suite.lexicon.asking import blocks

AMOUNT = blocks("""
sign-before
= the amount in {many} with the sign {sign} in front | the number of {many}, the sign {sign} first
= the number after the sign {sign} of {many} | so many {many}, where {sign} comes before the digits
= the sum of {many} with the sign {sign} leading, in front
> put the sign {sign} for {many} before the number
> write so many {many} with {sign} in front | start with {sign}, then give the number of {many}
> mark the number as {many} by a {sign} right before it
> make it a sum of {many} with the sign {sign} in front

sign-after
= the amount in {many} with the sign {sign} at the end
= the number of {many}, then a space and {sign}
= the number before the sign {sign} of {many} | so many {many}, where {sign} comes after the digits
= the sum of {many} with the sign {sign} trailing, at the end
> put a space and the sign {sign} for {many} after the number
> write so many {many} with {sign} at the end | give the number of {many}, then finish with {sign}
> mark the number as {many} by a {sign} behind it, after a space
> make it a sum of {many} with the sign {sign} at the end

code-before
= the amount in {many} with the code {code} in front | the number of {many}, the code {code} first
= the number after the letters {code} for {many}
= so many {many}, where {code} comes before the digits
= the sum of {many} with the code {code} leading, in front
> put the currency code {code} before the number | write so many {many} with {code} in front
> start with {code}, then give the number of {many} | mark {many} by the letters {code} before it
> make it a sum of {many} with the code {code} in front

code-after
= the amount in {many} with the code {code} at the end | the number of {many}, then {code}
= the number before the letters {code} for {many}
= so many {many}, where {code} comes after the digits
= the sum of {many} with the code {code} trailing, at the end
> put the currency code {code} after the number | write so many {many} with {code} at the end
> give the number of {many}, then finish with {code} | mark {many} by the letters {code} behind it
> make it a sum of {many} with the code {code} at the end

minus
= the amount in {many} below zero, with a minus sign and {sign} in front
= the number as a debt in {many}, a hyphen and {sign} first
= the negative number of {many}, with -{sign} before the digits
= the sum of {many} as a loss, led by a minus and {sign}
> write the number as negative {many}, with -{sign} in front
> put a minus sign and {sign} before the number of {many}
> turn the number into a debt of so many {many}, starting with -{sign}
> make it a loss in {many}, with a minus and the sign {sign} in front
""")
UNIT = blocks("""
words
= the number and the full word {many} | the number with its unit written out, the word {many}
= the digits followed by the word {many} | so many {many}, the number in digits, then the word
= the number with the unit in full, {many} as a word
> write the full word {many} after the number | add the unit to the number, written out as {many}
> keep the digits and append the word {many} | say in digits how many {many}, with that word
> write the number with its unit in full, the word {many}

spelled
= the number in words and then the word {many} | so many {many}, everything spelled out
= the number of {many} without any digits, all in letters
= the quantity of {many} entirely in words
> spell out the number and add the word {many} | write so many {many} in words, without digits
> say the number of {many} in letters only
> express the quantity of {many} entirely in words

short
= the number and the symbol {code} for {many} | the number with the abbreviation {code} for {many}
= the digits, a space and {code} for {many} | so many {many}, shortened to {code} after a space
= the number with the abbreviated unit of {many}, the symbol {code}
> write the symbol {code} for {many} after the number and a space
> abbreviate the unit of {many} to {code}, after a space
> put a space and {code} for {many} behind the number | say how many {many}, with the short {code}
> write the number with the abbreviated unit symbol {code} of {many}

close
= the number and {code} for {many}, without a space | the number of {many} with {code} glued to it
= the digits directly followed by {code} for {many}
= the measure in {many}, the symbol {code} attached with no gap
> attach {code} for {many} to the number without a space
> write {code} for {many} directly behind the digits | glue the abbreviation {code} of {many} to it
> write the measure in {many}, the symbol {code} attached with no gap
""")
LABELLED = blocks("""
digits
= the word {label} and the number | the number as a {label} | the {label} with its number in digits
= the number after the word {label}
= the {label} with its plain number in digits
> write the word {label} before the number | name the {label} of that number, in bare digits
> put {label} and a space in front of the digits | refer to the {label} by its bare number
> make the number a {label}, in plain digits

hash
= the word {label} and the number with a hash sign, # | the {label} with # before its number
= the number after the word {label} and a #
= the {label} with a hash sign, #, and its number
> write the word {label}, then # and the number | name the {label} with a hash sign, #
> put {label}, a space and # in front of the digits
> make the number a {label} with a hash sign, #

roman
= the word {label} and the Roman numeral | the {label} with its number in Roman numerals
= the number as the ancient Romans wrote it, after the word {label}
= the {label} with its number in Roman form
> write the word {label} and the number in Roman numerals | name the {label} by a Roman numeral
> convert the number to a Roman numeral and put {label} before it
> make the number a {label}, in Roman numerals

spelled
= the word {label} and the number in words | the {label} with its number spelled out
= the number in letters, after the word {label}
= the {label} with its number spelled out in words
> write the word {label} and spell out the number | name the {label} by the number in words
> replace the digits by words and put {label} before them
> make the number a {label}, spelled out in words

ordinal
= the number as an ordinal, such as 21st, and the word {label}
= the {label} with an ordinal, as in 21st
= the number with st, nd, rd or th, followed by {label}
= the {label} by its rank, such as 21st
> write the ordinal number, as in 21st, before {label} | number the {label} with st, nd, rd or th
> turn the number into an ordinal like 21st and add the word {label}
> make the number a {label}, counted as 1st, 2nd, 3rd

abbreviation
= the word {label}, the short no. and the number | the {label} with no. before its number
= the number after {label} and the abbreviation no.
= the {label} numbered with the short form no.
> write {label} no. before the number | name the {label} with the abbreviation no.
> put the word {label} and a short no. in front of the digits
> make the number a {label}, numbered with the short form no.
""")
MAGNITUDE = blocks("""
plain
= the number with {size} after it | the number followed by {size} | a large amount, with {size}
= the short large number with {size}
> put {size} after the number | read it as a large amount and write {size} after it
> append to the number {size}
> make it a large number with {size}

led
= the number with {size} after it and {lead} in front | {lead}, then the number, then {size}
= a large amount that starts with {lead} and ends with {size}
= the short large number with {lead} and {size}
> put {lead} before the number and {size} after it | write {lead}, the number and {size}
> read it as a large amount, and add {lead} first, {size} last
> make it a large number with {lead} and {size}
""")
