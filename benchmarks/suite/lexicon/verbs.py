"""Everyday English verbs and their infinitives in four languages."""

from __future__ import annotations

_COLUMNS = ("French", "Spanish", "German", "Italian")

_ROWS = """
eat manger comer essen mangiare
drink boire beber trinken bere
sleep dormir dormir schlafen dormire
speak parler hablar sprechen parlare
read lire leer lesen leggere
write écrire escribir schreiben scrivere
see voir ver sehen vedere
hear entendre oír hören sentire
sing chanter cantar singen cantare
dance danser bailar tanzen ballare
run courir correr laufen correre
swim nager nadar schwimmen nuotare
jump sauter saltar springen saltare
work travailler trabajar arbeiten lavorare
play jouer jugar spielen giocare
buy acheter comprar kaufen comprare
sell vendre vender verkaufen vendere
pay payer pagar bezahlen pagare
open ouvrir abrir öffnen aprire
close fermer cerrar schließen chiudere
begin commencer empezar anfangen cominciare
search chercher buscar suchen cercare
find trouver encontrar finden trovare
lose perdre perder verlieren perdere
win gagner ganar gewinnen vincere
give donner dar geben dare
take prendre tomar nehmen prendere
come venir venir kommen venire
go aller ir gehen andare
wait attendre esperar warten aspettare
help aider ayudar helfen aiutare
love aimer amar lieben amare
live vivre vivir leben vivere
die mourir morir sterben morire
laugh rire reír lachen ridere
cry pleurer llorar weinen piangere
think penser pensar denken pensare
know savoir saber wissen sapere
learn apprendre aprender lernen imparare
forget oublier olvidar vergessen dimenticare
travel voyager viajar reisen viaggiare
cook cuisiner cocinar kochen cucinare
wash laver lavar waschen lavare
cut couper cortar schneiden tagliare
break casser romper brechen rompere
fall tomber caer fallen cadere
ask demander preguntar fragen chiedere
answer répondre responder antworten rispondere
count compter contar zählen contare
draw dessiner dibujar zeichnen disegnare
"""


def verbs() -> dict[str, dict[str, str]]:
    """By language: `{English verb: its infinitive}`."""
    rows = [row.split() for row in _ROWS.strip().splitlines()]
    return {
        language: {row[0]: row[column] for row in rows}
        for column, language in enumerate(_COLUMNS, start=1)
    }
