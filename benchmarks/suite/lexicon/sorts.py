"""Two sorts of sentences per distinction: labels of its own, names of the sorts, and patterns."""

from __future__ import annotations

SORTS = """
opinion
labels: like/dislike recommended/rejected
yes: a happy customer; a good review; praise for a product; someone who is pleased with it; approval
no: an unhappy customer; a bad review; blame for a product; someone who is let down by it;
  disapproval
+ I love this {x}. | What a great {x}! | I would buy this {x} again. | This {x} is a real joy.
- I hate this {x}. | What a poor {x}! | I want my money back for this {x}. | This {x} is pure waste.
x: phone film book camera coat lamp game bag watch radio clock chair kettle bike tent

time
labels: done/coming earlier/afterwards
yes: an event in the past; something that has happened already; the simple past; what somebody
  did; what is over
no: an event in the future; something that has yet to happen; a sentence with will; what somebody
  is going to do; what is ahead
+ {y} {x}ed the door. | {y} {x}ed the boxes.
- {y} will {x} the door. | {y} will {x} the boxes.
x: paint clean open wash lock fix
y: Tom Anna Lucy Peter Emma Simon Clara Max

count
labels: one/many singular/plural
yes: a single thing; a noun in the singular; only one item; a noun that stands for one; no more
  than one object
no: several things; a noun in the plural; more than one item; a noun that stands for several; two
  or more objects
+ The {x} is {y}. | That {x} looks {y}.
- The {x}s are {y}. | Those {x}s look {y}.
x: apple car cat book cup door lamp bird
y: small old clean heavy new

negation
labels: affirmed/denied does/doesn't
yes: an affirmative sentence; a positive statement; something that is the case; a sentence without
  not; no denial at all
no: a negated sentence; a negative statement; something that is not the case; a sentence with not,
  as in doesn't; words with a denial
+ {y} likes {x}. | {y} plays with {x}. | {y} dreams of {x}.
- {y} doesn't like {x}. | {y} doesn't play with {x}. | {y} doesn't dream of {x}.
x: dogs trains cards water horses
y: Tom Anna Lucy Peter Emma

speaker
labels: me/them first/third
yes: the first person; somebody talking of himself or herself; the pronoun I; a sentence about
  oneself; a speaker's own deeds
no: the third person; somebody talking of others; the pronoun he, she or they; a sentence about
  somebody else; other people's deeds
+ I {x} in the {y}. | In the {y} I {x}.
- She {x} in the {y}. | In the {y} he {x}. | They {x} in the {y}.
x: waited slept worked sang laughed cried
y: garden office kitchen train park hall

voice
labels: active/passive agent/patient
yes: the active voice; a subject that acts; a sentence that begins with the doer; a verb in the
  active; the doer in front
no: the passive voice; a subject that is acted upon; a sentence with was and by; a verb in the
  passive; the doer at the end
+ The {x} {y} the thief. | The {x} {y} the old man.
- The thief was {y} by the {x}. | The old man was {y} by the {x}.
x: teacher doctor waiter nurse pilot farmer
y: helped watched followed called pushed stopped

certainty
labels: certain/doubtful surely/perhaps
yes: certainty; something the speaker is sure of; a firm belief; a sure thing; confidence
no: doubt; something the speaker is not sure of; a mere possibility; a thing that is open;
  hesitation
+ {y} will definitely {x}. | I am sure that {y} will {x}. | Without any doubt {y} will {x}.
- {y} might {x}. | I am not sure if {y} will {x}. | Maybe {y} will {x}.
x: win come call agree pay
y: Tom Anna Lucy Peter Emma

place
labels: indoors/outdoors roof/sky
yes: the inside of a building; a room; being indoors; an indoor scene; under a roof
no: the open air; nature; being outdoors; an outdoor scene; under the sky
+ {y} ate in the kitchen. | {y} sat in the library. | {y} lay in bed. | {y} hid in the cellar.
- {y} ate in the forest. | {y} sat in the meadow. | {y} lay in the sun. | {y} hid in the jungle.
y: Tom Anna Lucy Peter Emma Simon Clara Max Nina David Julia Martin

register
labels: formal/casual letter/chat
yes: formal language; a business letter; distant and official wording; stiff, respectful language;
  correct manners on paper
no: informal language; a message to a friend; familiar and relaxed wording; loose, chatty
  language; slang among buddies
+ Dear Mr {x}, I wish to discuss the {y}. | Dear Mrs {x}, we regret the delay of the {y}.
- Hey {x}, gotta talk about the {y}! | Yo {x}, no idea where the {y} is, lol.
x: Miller Baker Carter Cooper Parker Taylor
y: contract invoice project report meeting order

domain
labels: cooking/sport kitchen/stadium
yes: food; something to do with meals; cooks and dishes; something from the kitchen; what happens
  at the stove
no: sport; something to do with matches; players and games; something from a game or a race; what
  happens on the field
+ {y} fried the eggs. | {y} baked a cake. | {y} peeled the potatoes. | {y} salted the soup.
- {y} scored a goal. | {y} won the race. | {y} kicked the ball. | {y} lost the final.
y: Tom Anna Lucy Peter Emma Simon Clara Max Nina David Julia Martin

question
labels: asking/telling unknown/known
yes: a question about a place; somebody who asks the way; words in search of something; a request
  for directions; an inquiry
no: a statement about a place; somebody who shows the way; words that give information; directions
  to somewhere; a reply
+ Where is the {x}? | Do you know the way to the {x}? | Is there a {x} near here?
- The {x} is over there. | I know the way to the {x}. | There is a {x} near here.
x: station bank school church hotel museum park market bridge hospital library cinema bakery

request
labels: nice/nasty civil/bossy
yes: good manners; a kind way of asking; a request with please; a friendly request; somebody well
  brought up
no: bad manners; a harsh way of asking; an order in anger; an insulting order; somebody without
  respect
+ Please {x} the {y}. | Could you {x} the {y}, please?
- {x} the {y}, you idiot! | Stop dawdling and {x} the {y}!
x: clean open bring move find hide
y: box door bag table lamp chair

greeting
labels: hello/goodbye arriving/leaving
yes: a greeting; the beginning of a visit; words said on meeting somebody; a welcome
no: a farewell; the end of a visit; words said on leaving somebody; a parting
+ Hello {x}, nice to meet you! | Good morning {x}, come in! | Hi {x}, how are you?
- Goodbye {x}, see you soon! | Good night {x}, sleep well! | Bye {x}, have a safe trip!
x: Tom Anna Lucy Peter Emma Simon Clara Max Nina David Julia Martin

invitation
labels: accept/decline joining/absent
yes: an invitation that is accepted; a yes to an invitation; somebody who will come; a guest to
  expect
no: an invitation that is declined; a no to an invitation; somebody who won't come; an empty chair
+ I would love to come to the {x}. | Count me in for the {x}! | The {x}? I will be there.
- Sorry, I cannot come to the {x}. | I have no time for the {x}. | The {x}? Go without me.
x: party dinner concert picnic wedding barbecue match meeting lunch festival ball parade

trade
labels: buy/sell customer/shop
yes: a purchase; somebody who buys something; a deal that costs the person money; money spent
no: a sale; somebody who sells something; a deal that brings the person money; money earned
+ {y} bought a {x}. | {y} paid for a {x}. | {y} purchased a new {x}.
- {y} sold a {x}. | {y} sold off a {x}. | {y} found a buyer for a {x}.
x: car house bike boat lamp guitar
y: Tom Anna Lucy Peter Emma

weather
labels: sunny/rainy dry/wet
yes: fine weather; a day of sunshine; weather for the beach; a clear sky
no: bad weather; a day of rain; weather for an umbrella; clouds and showers
+ The sun shone on the {x}. | It was warm and bright over the {x}. | No cloud hung over the {x}.
- It rained on the {x}. | It was wet and grey over the {x}. | A heavy shower fell on the {x}.
x: village city harbour island valley castle garden market river bridge forest farm

health
labels: well/ill fit/sick
yes: good health; somebody who feels fine; a person without any complaint; a sound body
no: poor health; somebody who feels unwell; a person with an illness; a patient
+ {x} feels fine {y}. | {x} is in good shape {y}. | {x} is full of energy {y}.
- {x} has a fever {y}. | {x} feels dizzy and weak {y}. | {x} is in bed with the flu {y}.
x: Tom Anna Lucy Peter Emma Simon Clara Max Nina David
y: today again now

size
labels: huge/tiny giant/dwarf
yes: great size; something very large; a thing that takes much space; what fills a hall
no: little size; something very small; a thing that takes hardly any space; what fits a pocket
+ The {x} was enormous. | I never saw such a gigantic {x}. | The {x} was as large as a house.
- The {x} was minute. | I never saw such a little {x}. | The {x} was no larger than a pea.
x: cake stone statue fish balloon plant robot spider doll box bell snail
"""
"""The last name of a sort is for evaluation."""
