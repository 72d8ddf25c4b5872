"""Verbs, nouns and adjectives to be inflected, and the derivations no rule gives."""

from __future__ import annotations

_REGULAR = """
walk talk play jump help cook open close paint travel visit watch wash wait want work look
listen ask answer call carry cry try study stay enjoy plan stop drop hug clap smile dance love hate
like live move save use hope bake taste laugh push pull kick climb count dream earn fill fix follow
join knock land learn mix order pack park pass pick point pour hunt
"""
_IRREGULAR = """
begin=began,begun bite=bit,bitten blow=blew,blown break=broke,broken
choose=chose,chosen come=came,come do=did,done draw=drew,drawn drink=drank,drunk
drive=drove,driven eat=ate,eaten fall=fell,fallen fly=flew,flown forget=forgot,forgotten
forgive=forgave,forgiven freeze=froze,frozen give=gave,given go=went,gone grow=grew,grown
hide=hid,hidden know=knew,known ride=rode,ridden ring=rang,rung rise=rose,risen run=ran,run
see=saw,seen shake=shook,shaken sing=sang,sung sink=sank,sunk speak=spoke,spoken
steal=stole,stolen swear=swore,sworn swim=swam,swum take=took,taken tear=tore,torn
throw=threw,thrown wake=woke,woken wear=wore,worn write=wrote,written become=became,become
mistake=mistook,mistaken overcome=overcame,overcome undo=undid,undone weave=wove,woven
shrink=shrank,shrunk spring=sprang,sprung stink=stank,stunk withdraw=withdrew,withdrawn
arise=arose,arisen awake=awoke,awoken overtake=overtook,overtaken rewrite=rewrote,rewritten
foresee=foresaw,foreseen
"""
_SAME = """
bring=brought build=built buy=bought catch=caught feel=felt fight=fought find=found hear=heard
hold=held keep=kept leave=left lose=lost make=made meet=met pay=paid read=read say=said sell=sold
send=sent sit=sat sleep=slept stand=stood teach=taught tell=told think=thought win=won
"""
_AGENTS = """
bake=baker build=builder climb=climber dance=dancer drive=driver drink=drinker
fight=fighter hunt=hunter paint=painter play=player read=reader run=runner sing=singer
speak=speaker swim=swimmer teach=teacher think=thinker travel=traveler walk=walker win=winner
work=worker write=writer listen=listener help=helper jump=jumper buy=buyer catch=catcher
count=counter dream=dreamer earn=earner eat=eater follow=follower give=giver hate=hater
keep=keeper learn=learner lose=loser love=lover make=maker mix=mixer pack=packer pick=picker
ride=rider send=sender sleep=sleeper smile=smiler talk=talker throw=thrower use=user
wash=washer watch=watcher find=finder call=caller carry=carrier
"""
_NOUNS = """
dog cat bird horse box bus class dish church brush glass fox peach baby city lady story party
country puppy berry family knife wife leaf wolf shelf half loaf life thief calf man woman child
foot tooth goose mouse ox person potato tomato hero echo toy key boy day monkey book car house tree
apple orange egg eagle island umbrella engine artist actor owl onion oven uncle aunt elephant idea
table chair window door river mountain road shirt shoe hat king queen doctor nurse
farmer teacher student friend sister brother garden school kitchen phone computer letter song game
ball boat train plane ticket bottle cup plate spoon fork lamp clock flower bridge castle dragon
"""
_ADJECTIVES = """
bald bleak blunt bold brave bright calm cheap clean clear clever clumsy coarse cold cool crazy
damp dark deaf deep dense dizzy dry dull empty faint fair fierce firm fit fresh fond gentle
greedy happy harsh hasty heavy holy hungry kind late lazy lean light lonely loud mad
mean messy mild moist narrow neat nice noisy odd pale plain polite poor proud
quick quiet rare raw rich ripe rough rude sad shallow sharp short shy sick silly sleepy slow small
smart smooth sober soft sour steep stiff strange strict sweet swift tame tender thick thin
tidy tight tiny tough ugly vast warm weak wealthy weary wet wide wild wise
"""
_UN = """
able aware certain clean clear common even fair fit friendly happy healthy helpful holy
important interesting just kind known likely lucky natural necessary paid pleasant popular
real reliable safe selfish skilled stable steady suitable sure tidy tied true typical usual
wanted washed well willing wise worthy wrapped zipped broken done eaten finished seen written
"""


_NO_ADVERB = """
late lonely holy ugly silly small tiny shy dry sick lean ripe tidy empty tough still raw pale moist
damp deaf bald wet thin mean fit cool fond numb sour wealthy
"""
_NO_NESS = """
wise poor proud deep wide brave dense clear moist rare warm wealthy hungry mean vast
"""


def _table(text: str) -> dict[str, str]:
    return dict(row.split("=") for row in text.split())


def agents() -> dict[str, str]:
    """`{verb: who does it}`."""
    return _table(_AGENTS)


def participles() -> dict[str, str]:
    """`{verb: past participle}` of verbs of which it is not the past."""
    return {verb: forms.split(",")[1] for verb, forms in _table(_IRREGULAR).items()}


def pasts() -> dict[str, str]:
    """`{verb: past}` of the irregular verbs."""
    told = {verb: forms.split(",")[0] for verb, forms in _table(_IRREGULAR).items()}
    return {**told, **_table(_SAME)}


def verbs() -> tuple[str, ...]:
    """Regular and irregular verbs, half and half."""
    return (*_REGULAR.split(), *pasts())


def nouns() -> tuple[str, ...]:
    """Countable nouns in the singular."""
    return tuple(_NOUNS.split())


def adjectives() -> tuple[str, ...]:
    """Adjectives that take -er and -ness, or "more"."""
    return tuple(_ADJECTIVES.split())


def negatable() -> tuple[str, ...]:
    """Adjectives and participles that take un-."""
    return tuple(_UN.split())


def with_adverb() -> tuple[str, ...]:
    """Adjectives whose adverb ends in -ly."""
    return tuple(word for word in adjectives() if word not in _NO_ADVERB.split())


def with_ness() -> tuple[str, ...]:
    """Adjectives whose noun ends in -ness."""
    return tuple(word for word in adjectives() if word not in _NO_NESS.split())
