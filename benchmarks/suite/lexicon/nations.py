"""Countries: the code and the demonym of each; the language where it is not told by the demonym."""

from __future__ import annotations

from dataclasses import dataclass

_ROWS = """
Afghanistan AF Afghan Pashto; Albania AL Albanian Albanian; Algeria DZ Algerian Arabic
Angola AO Angolan Portuguese; Argentina AR Argentine Spanish; Armenia AM Armenian -
Australia AU Australian English; Austria AT Austrian German; Azerbaijan AZ Azerbaijani -
Bahrain BH Bahraini Arabic; Bangladesh BD Bangladeshi Bengali; Belarus BY Belarusian -
Belgium BE Belgian Dutch; Benin BJ Beninese French; Bolivia BO Bolivian Spanish
Botswana BW Botswanan English; Brazil BR Brazilian Portuguese; Burundi BI Burundian Kirundi
Cambodia KH Cambodian Khmer; Cameroon CM Cameroonian French; Canada CA Canadian English
Chad TD Chadian French; Chile CL Chilean Spanish; China CN Chinese -
Colombia CO Colombian Spanish; Costa_Rica CR Costa_Rican Spanish; Croatia HR Croatian -
Cuba CU Cuban Spanish; Denmark DK Danish -; Ecuador EC Ecuadorian Spanish
Egypt EG Egyptian Arabic; El_Salvador SV Salvadoran Spanish; Estonia EE Estonian -
Ethiopia ET Ethiopian Amharic; Fiji FJ Fijian English; Finland FI Finnish -
France FR French French; Gabon GA Gabonese French; Georgia GE Georgian -
Germany DE German German; Ghana GH Ghanaian English; Greece GR Greek Greek
Guatemala GT Guatemalan Spanish; Guinea GN Guinean French; Haiti HT Haitian French
Honduras HN Honduran Spanish; Hungary HU Hungarian Hungarian; Iceland IS Icelandic -
India IN Indian Hindi; Indonesia ID Indonesian -; Iran IR Iranian Persian
Iraq IQ Iraqi Arabic; Ireland IE Irish English; Italy IT Italian Italian
Ivory_Coast CI Ivorian French; Jamaica JM Jamaican English; Japan JP Japanese Japanese
Jordan JO Jordanian Arabic; Kenya KE Kenyan Swahili; Kuwait KW Kuwaiti Arabic
Laos LA Laotian Lao; Latvia LV Latvian -; Lebanon LB Lebanese Arabic
Liberia LR Liberian English; Libya LY Libyan Arabic; Lithuania LT Lithuanian -
Madagascar MG Malagasy -; Malawi MW Malawian English; Malaysia MY Malaysian Malay
Mali ML Malian French; Malta MT Maltese -; Mauritania MR Mauritanian Arabic
Mexico MX Mexican Spanish; Moldova MD Moldovan Romanian; Mongolia MN Mongolian -
Morocco MA Moroccan Arabic; Mozambique MZ Mozambican Portuguese; Myanmar MM Burmese -
Namibia NA Namibian English; Nepal NP Nepalese Nepali; Nicaragua NI Nicaraguan Spanish
Niger NE Nigerien French; Nigeria NG Nigerian English; North_Korea KP North_Korean Korean
Norway NO Norwegian -; Oman OM Omani Arabic; Pakistan PK Pakistani Urdu
Panama PA Panamanian Spanish; Paraguay PY Paraguayan Spanish; Peru PE Peruvian Spanish
Philippines PH Filipino Tagalog; Poland PL Polish Polish; Portugal PT Portuguese Portuguese
Qatar QA Qatari Arabic; Romania RO Romanian -; Russia RU Russian Russian
Rwanda RW Rwandan Kinyarwanda; Saudi_Arabia SA Saudi Arabic; Senegal SN Senegalese French
Serbia RS Serbian -; Sierra_Leone SL Sierra_Leonean English; Singapore SG Singaporean English
Slovakia SK Slovak -; Slovenia SI Slovenian -; Somalia SO Somali -
South_Korea KR South_Korean Korean; Spain ES Spanish Spanish; Sudan SD Sudanese Arabic
Sweden SE Swedish Swedish; Switzerland CH Swiss German; Syria SY Syrian Arabic
Taiwan TW Taiwanese Mandarin; Tanzania TZ Tanzanian Swahili; Thailand TH Thai Thai
Togo TG Togolese French; Tunisia TN Tunisian Arabic; Turkey TR Turkish -
Uganda UG Ugandan English; Ukraine UA Ukrainian -; United_Kingdom GB British English
United_States US American English; Uruguay UY Uruguayan Spanish; Uzbekistan UZ Uzbek -
Venezuela VE Venezuelan Spanish; Vietnam VN Vietnamese -; Yemen YE Yemeni Arabic
Zambia ZM Zambian English; Zimbabwe ZW Zimbabwean English
"""

SOUTHERN = "AO AR AU BO BW BI CL FJ MG MW MZ NA PY PE RW TZ UY ZM ZW"
LANDLOCKED = "AF AM AT AZ BY BO BW BI TD ET HU LA MW ML MD MN NE NP PY RW RS SK CH UG UZ ZM ZW"
MONARCHIES = "AU BE BH CA DK ES GB JM JO JP KH KW MA MY NL NO OM QA SA SE TH"
LEFT_DRIVING = "AU BD BW FJ GB ID IE IN JM JP KE MT MW MY MZ NA NP PK SG TH TZ UG ZM ZW"
EUROPEAN_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LV MT NL PL PT RO SE SI SK"
CAPITALS = {"US": "Washington", "KZ": "Astana", "MM": "Naypyidaw", "YE": "Sana'a"}
CURRENCIES = {"CN": "Yuan", "KH": "Riel", "VE": "Bolivar", "ZW": "Dollar", "BY": "Ruble"}


@dataclass(frozen=True, slots=True)
class Nation:
    """A country with its two-letter code; `language` is None where the demonym would do."""

    name: str
    code: str
    demonym: str
    language: str | None


def nations() -> tuple[Nation, ...]:
    """About 115 well-known countries."""
    made = []
    for row in _ROWS.replace("\n", ";").strip(";").split(";"):
        name, code, demonym, language = (word.replace("_", " ") for word in row.split())
        made.append(Nation(name, code, demonym, None if language == "-" else language))
    return tuple(made)
