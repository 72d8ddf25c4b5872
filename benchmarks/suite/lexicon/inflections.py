"""What the morphology tasks ask for, in phrases."""

from __future__ import annotations

VERB_SHEET = """
past
= the past tense of the verb | the simple past of the verb | the verb's preterite
> put the verb into the past tense | say the verb as it happened yesterday, in one word

participle
= the past participle of the verb | the form of the verb that follows "have" | the third verb form
> turn the verb into its past participle | write the verb form used after "has"

gerund
= the -ing form of the verb | the present participle of the verb | the verb's gerund
> add -ing to the verb, with correct spelling | turn the verb into its gerund

third-person
= the third person singular of the verb | the verb as it follows "he" or "she"
= the verb with its -s
> put the verb into the third person singular present | conjugate the verb for he or she

future
= the verb in the future tense, with will | the future of the verb | will and the verb
> put the verb into the future tense | put the word will before the verb

infinitive
= the verb with "to" in front | the full infinitive of the verb | the to-infinitive
> turn the verb into its to-infinitive | put the word to before the verb

agent
= the noun for somebody who does it, such as baker | the agent noun of the verb, in -er
= the name of the person doing it
> name the person who does what the verb says | form the noun for the doer with -er

prohibition
= the negative command, do not and the verb | the prohibition of the verb | the order not to do it
> forbid the action of the verb with do not | turn the verb into a negative imperative

question
= the question do you and the verb | the verb as a question to you | a yes-no question with the verb
> turn it into a yes-no question beginning with do you
> make an interrogative, such as do you go, out of it

progressive
= the present progressive of the verb after I am | the sentence I am doing it
= the continuous with I
> say that I am doing it right now | put the verb into the present continuous, with I am

proposal
= the proposal let us and the verb | the verb as a suggestion to do it together | the let-us form
> suggest doing it together, with let us | put the words let us before the verb

ability
= the verb with can in front | the verb as an ability, with can | the verb after the modal can
> say that it is possible, with can | put the word can before the verb

perfect
= the present perfect of the verb, with have | the verb in the perfect tense
= have and the participle
> put the verb into the present perfect with have | say that you have done it

past-negative
= the verb denied in the past, with did not | the negative past of the verb | did not and the verb
> say that it did not happen, with did not | deny the verb in the past tense

third-person-negative
= the verb denied for he or she, with does not | the negative present, does not and the verb
= the denial with does not
> say that he or she does not do it | deny the verb in the present with does not
"""
NOUN_SHEET = """
plural
= the plural of the noun | the noun in the plural form | the word for several of them
> put the noun into the plural | say the noun as for more than one

article
= the noun with a or an in front | the noun with its indefinite article | a or an, and the noun
> put the right article, a or an, before the noun | add the indefinite article

two
= the word two and the plural of the noun | two of the noun | a pair of them, as in two dogs
> say that there are two of the noun | count two of them, in words

possessive
= the possessive of the noun, with 's | the genitive singular of the noun | the noun as an owner
> add the apostrophe and s of possession to the noun | make the noun the owner of something

plural-possessive
= the possessive of the plural of the noun | the genitive plural | the plural noun as owners
> put the noun into the plural and add the possessive apostrophe | make several of them the owners

none
= the word no and the noun | the noun denied, with no in front | the noun after the negative no
> say that there is no such thing, with no | put no before the noun

these
= the word these and the plural of the noun | the plural noun after these
= these, and several of them
> point at several of the noun, with these | put the noun into the plural after the word these

small-one
= the noun with "a small" in front | a small one of the noun | a little one, worded a small and noun
> call the noun small, with an article | put the words a small before the noun
"""
ADJECTIVE_SHEET = """
comparative
= the comparative of the adjective | the adjective in -er | the form of the adjective before "than"
> put the adjective into the comparative | say the adjective as used before than

superlative
= the superlative of the adjective, in -est | the highest degree of the adjective | the -est form
> put the adjective into the superlative | say the adjective as used after the, for the top of all

adverb
= the adverb of the adjective, in -ly | the adjective as an adverb | the -ly form
> turn the adjective into an adverb | say how something is done, with the -ly word

quality
= the noun of the adjective, in -ness | the quality, as a noun in -ness | the abstract noun in -ness
> turn the adjective into a noun ending in ness | name the quality with the suffix -ness

very
= the adjective with very in front | the adjective strengthened by very | very and the adjective
> intensify the adjective with the word very | put very before the adjective

too
= the adjective with too in front | the adjective in excess, with too | too and the adjective
> say that it is excessive, with the word too | put too before the adjective

equality
= the comparison as, the adjective, as | the adjective between two as | the as-as form
> put the adjective between as and as | make the comparison of equality with as
"""
UN_SHEET = """
negated
= the adjective with the prefix un- | the negative of the adjective, in un- | the un-word
> negate the word with the prefix un | put un in front of the word, as one word
"""
