"""Marks, brackets, endings, tags and words that a word can stand beside, and their names."""

from __future__ import annotations

# name: the mark, what it is called; the last for evaluation, as everywhere in the grids
MARKS: dict[str, tuple[str, ...]] = {
    "dollar": ("$", "a dollar sign", "the sign $", "the $ of prices", "the dollar symbol ($)"),
    "percent": ("%", "a percent sign", "the sign %", "a % character", "the percentage symbol (%)"),
    "plus": ("+", "a plus sign", "the sign +", "the + of sums", "the plus symbol (+)"),
    "colon": (":", "a colon", "the character :", "the sign :", "the colon character (:)"),
    "slash": ("/", "a slash", "the character /", "the stroke /", "the forward slash (/)"),
    "pipe": ("|", "a vertical bar", "the pipe |", "the upright stroke |", "the vertical line (|)"),
    "asterisk": (
        "*",
        "an asterisk",
        "the star *",
        "a little star (*)",
        "the asterisk character (*)",
    ),
    "underscore": (
        "_",
        "an underscore",
        "the character _",
        "the low line _",
        "the underscore character (_)",
    ),
    "hash": ("#", "a hash sign", "the sign #", "the # of hashtags", "the number sign (#)"),
    "at": ("@", "an at sign", "the sign @", "the @ of e-mails", "the at symbol (@)"),
    "ampersand": ("&", "an ampersand", "the sign &", "the and sign &", "the and-symbol (&)"),
    "tilde": ("~", "a tilde", "the character ~", "the wavy line ~", "the tilde character (~)"),
    "equals": ("=", "an equals sign", "the sign =", "an = sign", "the equality symbol (=)"),
    "caret": ("^", "a caret", "the character ^", "the little hat ^", "the circumflex symbol (^)"),
    "semicolon": (
        ";",
        "a semicolon",
        "the character ;",
        "the sign ;",
        "the semicolon character (;)",
    ),
    "hyphen": ("-", "a hyphen", "the dash -", "the minus -", "the hyphen character (-)"),
    "exclamation": (
        "!",
        "an exclamation mark",
        "the mark !",
        "the bang !",
        "the exclamation point (!)",
    ),
    "question": ("?", "a question mark", "the mark ?", "the sign ?", "the query character (?)"),
    "comma": (",", "a comma", "the character ,", "the sign ,", "the comma character (,)"),
}
# name: the brackets, what they are called
BRACKETS: dict[str, tuple[str, ...]] = {
    "square": ("[]", "square brackets", "brackets [ and ]", "square bracket characters, []"),
    "round": ("()", "round brackets", "parentheses ( and )", "parenthesis characters, ()"),
    "curly": ("{}", "curly brackets", "braces { and }", "curly brace characters, {}"),
    "angle": ("<>", "angle brackets", "chevrons < and >", "angle bracket characters, <>"),
    "guillemet": ("«»", "guillemets", "French quotes « and »", "angled quote characters, «»"),
}
# name: the ending, what kind of name it makes
ENDINGS: dict[str, tuple[str, ...]] = {
    "python": (".py", "a Python file (.py)", "a Python script with .py", "a .py script"),
    "picture": (".jpg", "a JPEG picture (.jpg)", "an image file with .jpg", "a .jpg photo"),
    "site": (".com", "a web site (.com)", "an Internet domain with .com", "a .com address"),
    "page": (".html", "a web page (.html)", "an HTML file with .html", "an .html document"),
    "table": (".csv", "a CSV table (.csv)", "a comma-separated file with .csv", "a .csv sheet"),
    "archive": (".zip", "a ZIP archive (.zip)", "a compressed file with .zip", "a .zip package"),
    "song": (".mp3", "an MP3 song (.mp3)", "an audio file with .mp3", "an .mp3 recording"),
    "document": (".pdf", "a PDF document (.pdf)", "a PDF file with .pdf", "a .pdf paper"),
    "organisation": (
        ".org",
        "an organisation's site (.org)",
        "a domain with .org",
        "an .org address",
    ),
    "backup": (".bak", "a backup copy (.bak)", "a backup file with .bak", "a .bak duplicate"),
    "drawing": (".svg", "an SVG drawing (.svg)", "a vector image with .svg", "an .svg graphic"),
}
TAGS: dict[str, tuple[str, ...]] = {
    "italic": ("i", "an HTML italic tag (<i>)", "the HTML element i", "an i tag"),
    "heading": ("h1", "an HTML heading tag (<h1>)", "the HTML element h1", "an h1 tag"),
    "item": ("li", "an HTML list item tag (<li>)", "the HTML element li", "an li tag"),
    "underlined": ("u", "an HTML underline tag (<u>)", "the HTML element u", "a u tag"),
    "emphasis": ("em", "an HTML emphasis tag (<em>)", "the HTML element em", "an em tag"),
    "subheading": ("h2", "an HTML subheading tag (<h2>)", "the HTML element h2", "an h2 tag"),
    "cell": ("td", "an HTML table cell tag (<td>)", "the HTML element td", "a td tag"),
    "quote": ("q", "an HTML quotation tag (<q>)", "the HTML element q", "a q tag"),
    "block": ("div", "an HTML block tag (<div>)", "the HTML element div", "a div tag"),
    "keyboard": ("kbd", "an HTML keyboard tag (<kbd>)", "the HTML element kbd", "a kbd tag"),
    "raised": ("sup", "an HTML superscript tag (<sup>)", "the HTML element sup", "a sup tag"),
    "lowered": ("sub", "an HTML subscript tag (<sub>)", "the HTML element sub", "a sub tag"),
}
FIRST = ("my", "our", "your", "this", "new", "good", "every", "another")
LAST = ("too", "here", "again", "now", "please", "there")
