"""Everyday English words and what they are in eight languages, nouns without their articles."""

from __future__ import annotations

_COLUMNS = ("French", "Spanish", "German", "Italian", "Portuguese", "Dutch", "Swedish", "Polish")

_ROWS = """
red rouge rojo rot rosso vermelho rood röd czerwony
white blanc blanco weiß bianco branco wit vit biały
black noir negro schwarz nero preto zwart svart czarny
yellow jaune amarillo gelb giallo amarelo geel gul żółty
dog chien perro Hund cane cão hond hund pies
horse cheval caballo Pferd cavallo cavalo paard häst koń
bird oiseau pájaro Vogel uccello pássaro vogel fågel ptak
fish poisson pez Fisch pesce peixe vis fisk ryba
cow vache vaca Kuh mucca vaca koe ko krowa
pig cochon cerdo Schwein maiale porco varken gris świnia
sheep mouton oveja Schaf pecora ovelha schaap får owca
mother mère madre Mutter madre mãe moeder mor matka
father père padre Vater padre pai vader far ojciec
brother frère hermano Bruder fratello irmão broer bror brat
sister sœur hermana Schwester sorella irmã zus syster siostra
son fils hijo Sohn figlio filho zoon son syn
daughter fille hija Tochter figlia filha dochter dotter córka
child enfant niño Kind bambino criança kind barn dziecko
woman femme mujer Frau donna mulher vrouw kvinna kobieta
man homme hombre Mann uomo homem man man mężczyzna
bread pain pan Brot pane pão brood bröd chleb
water eau agua Wasser acqua água water vatten woda
milk lait leche Milch latte leite melk mjölk mleko
cheese fromage queso Käse formaggio queijo kaas ost ser
apple pomme manzana Apfel mela maçã appel äpple jabłko
egg œuf huevo Ei uovo ovo ei ägg jajko
meat viande carne Fleisch carne carne vlees kött mięso
salt sel sal Salz sale sal zout salt sól
house maison casa Haus casa casa huis hus dom
door porte puerta Tür porta porta deur dörr drzwi
window fenêtre ventana Fenster finestra janela raam fönster okno
table table mesa Tisch tavolo mesa tafel bord stół
chair chaise silla Stuhl sedia cadeira stoel stol krzesło
bed lit cama Bett letto cama bed säng łóżko
key clé llave Schlüssel chiave chave sleutel nyckel klucz
book livre libro Buch libro livro boek bok książka
street rue calle Straße strada rua straat gata ulica
city ville ciudad Stadt città cidade stad stad miasto
school école escuela Schule scuola escola school skola szkoła
tree arbre árbol Baum albero árvore boom träd drzewo
flower fleur flor Blume fiore flor bloem blomma kwiat
sun soleil sol Sonne sole sol zon sol słońce
moon lune luna Mond luna lua maan måne księżyc
rain pluie lluvia Regen pioggia chuva regen regn deszcz
snow neige nieve Schnee neve neve sneeuw snö śnieg
fire feu fuego Feuer fuoco fogo vuur eld ogień
head tête cabeza Kopf testa cabeça hoofd huvud głowa
hand main mano Hand mano mão hand hand ręka
foot pied pie Fuß piede pé voet fot stopa
eye œil ojo Auge occhio olho oog öga oko
nose nez nariz Nase naso nariz neus näsa nos
heart cœur corazón Herz cuore coração hart hjärta serce
day jour día Tag giorno dia dag dag dzień
night nuit noche Nacht notte noite nacht natt noc
year année año Jahr anno ano jaar år rok
time temps tiempo Zeit tempo tempo tijd tid czas
money argent dinero Geld soldi dinheiro geld pengar pieniądze
friend ami amigo Freund amico amigo vriend vän przyjaciel
love amour amor Liebe amore amor liefde kärlek miłość
work travail trabajo Arbeit lavoro trabalho werk arbete praca
big grand grande groß grande grande groot stor duży
small petit pequeño klein piccolo pequeno klein liten mały
good bon bueno gut buono bom goed bra dobry
new nouveau nuevo neu nuovo novo nieuw ny nowy
old vieux viejo alt vecchio velho oud gammal stary
winter hiver invierno Winter inverno inverno winter vinter zima
summer été verano Sommer estate verão zomer sommar lato
"""


def dictionary() -> dict[str, dict[str, str]]:
    """By language: `{English word: its translation}`."""
    rows = [row.split() for row in _ROWS.strip().splitlines()]
    return {
        language: {row[0]: row[column] for row in rows}
        for column, language in enumerate(_COLUMNS, start=1)
    }
