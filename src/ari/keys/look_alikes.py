"""Whether two names look the same to a person, although their characters differ (security.md 15).

A skeleton after Unicode's UTS #39: characters that are drawn alike become the same one. Of its data (confusables.txt,
Unicode 15.1) the table holds what looks like ASCII and is not turned into it by NFKC.
"""

import unicodedata

from ari.base.characters import category

_DRAWN_LIKE = {
    "!": "ǃⵑ",
    "'": "´ʹʻʼʽʾˈˊˋ˴ʹ΄՚՝ᑊᛌ᾽᾿´῾‘’‛′‵ꞌ𖽑𖽒",
    "(": "❨❲〔﴾",
    ")": "❩❳〕﴿",
    "*": "⁎∗𐌟",
    "+": "᛭➕𐊛",
    ",": "¸‚ꓹ",
    "-": "˗‐‑‒–⁃−➖Ⲻ﹘",
    ".": "۰ꓸ꘎𝅭",
    "/": "᜵⁁⁄∕╱⟋⧸Ⳇ⼃〳ノ㇓丿𝈺",
    "2": "ƧϨᒿꙄꛯꝚ",
    "3": "ƷȜЗӠⳌꝪꞫ𑣊𖼻𝈆",
    "4": "Ꮞ𑢯",
    "5": "Ƽ𑢻",
    "6": "бᏮⳒ𑣕",
    "7": "𐓒𑣆𝈒",
    "8": "Ȣȣ৪੪ଃ𐌚",
    "9": "৭੧୨൭ⳊꝮ𑢬𑣌𑣖",
    ":": "ː˸։ःઃ᛬᠃᠉⁚∶ꓽ꞉",
    "<": "˂ᐸᚲ‹❮𝈶",
    "=": "᐀⹀゠꓿",
    ">": "˃ᐳ›❯𖼿𝈷",
    "?": "ɁʔॽᎮꛫ",
    "A": "ΑАᎪᗅꓮ𐊠𖽀𝚨𝛢𝜜𝝖𝞐",
    "B": "ΒВᏴᗷꓐꞴ𐊂𐊡𐌁𝚩𝛣𝜝𝝗𝞑",
    "C": "ϹСᏟⲤꓚ𐊢𐌂𐐕𐔜𑣩𑣲🝌",
    "D": "Ꭰᗞᗪꓓ",
    "E": "ΕЕᎬ⋿ⴹꓰ𐊆𑢦𑢮𝚬𝛦𝜠𝝚𝞔",
    "F": "ϜᖴꓝꞘ𐊇𐊥𐔥𑢢𑣂𝈓𝟊",
    "G": "ԌᏀᏳꓖ",
    "H": "ΗНᎻᕼⲎꓧ𐋏𝚮𝛨𝜢𝝜𝞖",
    "J": "ͿЈᎫᒍꓙꞲ",
    "K": "ΚКᏦᛕⲔꓗ𐔘𝚱𝛫𝜥𝝟𝞙",
    "L": "ᏞᒪⳐꓡ𐐛𐔦𑢣𑢲𖼖𝈪",
    "M": "ΜϺМᎷᗰᛖⲘꓟ𐊰𐌑𝚳𝛭𝜧𝝡𝞛",
    "N": "ΝⲚꓠ𐔓𝚴𝛮𝜨𝝢𝞜",
    "O": "ΟОՕ০ଠ୦ዐⲞⵔ〇ꓳ𐊒𐊫𐐄𐓂𐔖𑓐𑢵𑣠𝚶𝛰𝜪𝝤𝞞",
    "P": "ΡРᏢᑭⲢꓑ𐊕𝚸𝛲𝜬𝝦𝞠",
    "Q": "ⵕ",
    "R": "ƦᎡᏒᖇꓣ𐒴𖼵𝈖",
    "S": "ЅՏᏕᏚꓢ𐊖𐐠𖼺",
    "T": "ΤТᎢ⊤⟙Ⲧꓔ𐊗𐊱𐌕𑢼𖼊𝚻𝛵𝜯𝝩𝞣🝨",
    "U": "Սሀᑌ∪⋃ꓴ𐓎𑢸𖽂",
    "V": "Ѵ۷Ꮩᐯⴸꓦꛟ𐔝𑢠𖼈𝈍",
    "W": "ԜᎳᏔꓪ𑣦𑣯",
    "X": "ΧХ᙭ᚷ╳ⲬⵝꓫꞳ𐊐𐊴𐌗𐌢𐔧𑣬𝚾𝛸𝜲𝝬𝞦",
    "Y": "ΥϒУҮᎩᎽⲨꓬ𐊲𑢤𖽃𝚼𝛶𝜰𝝪𝞤",
    "Z": "ΖᏃꓜ𐋵𑢩𑣥𝚭𝛧𝜡𝝛𝞕",
    "a": "ɑαа⍺𝛂𝛼𝜶𝝰𝞪",
    "b": "ƄЬᏏᑲᖯ",
    "c": "ϲсᴄⲥꮯ𐐽",
    "d": "ԁᏧᑯꓒ",
    "e": "еҽ℮ꬲ",
    "f": "քẝꞙꬵ",
    "g": "ƍɡցᶃ",
    "h": "һհᏂ",
    "i": "ıɩɪ˛ͺιіᎥι⍳ꙇꭵ𑣃𝚤𝛊𝜄𝜾𝝸𝞲",
    "j": "ϳј",
    "l": "ӏƖǀΙІӀ۱ᛁ∣⏽Ⲓⵏꓲ￨𐊊𐌉𐌠𖼨𝚰𝛪𝜤𝝞𝞘",
    "n": "ոռ",
    "o": "οσоօ۵०੦૦௦ం౦ಂ೦ംഠ൦ං๐໐ဝ၀ჿᴏᴑⲟꬽ𐐬𐓪𑣈𑣗𝛐𝛔𝜊𝜎𝝄𝝈𝝾𝞂𝞸𝞼",
    "p": "ρϱр⍴ⲣ𝛒𝛠𝜌𝜚𝝆𝝔𝞀𝞎𝞺𝟈",
    "q": "ԛգզ",
    "r": "гᴦⲅꭇꭈꮁ",
    "s": "ƽѕꜱꮪ𐑈𑣁",
    "u": "ʋυսᴜꞟꭎꭒ𐓶𑣘𝛖𝜐𝝊𝞄𝞾",
    "v": "νѵᴠ∨⋁ꮩ𑜆𑣀𝛎𝜈𝝂𝝼𝞶",
    "w": "ɯѡԝաᴡꮃ𑜊𑜎𑜏",
    "x": "×хᕁᕽ᙮⤫⤬⨯",
    "y": "ɣʏγуүყᶌỿℽꭚ𑣜𝛄𝛾𝜸𝝲𝞬",
    "z": "ᴢꮓ𑣄",
    "~": "˜῀⁓∼",
}
_TABLE = str.maketrans({letter: drawn for drawn, letters in _DRAWN_LIKE.items() for letter in letters})
_ASCII = str.maketrans("I1|0", "lllo")
_INVISIBLE = {"Cf", "Cc", "Cs", "Co", "Cn"}
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159\U00013441\U00013442")
"""Letters and signs that are drawn as nothing: Hangul fillers, the empty Braille cell and others."""


def is_visible(name: str) -> bool:
    """Whether anything of a name is drawn: a mark alone, a filler or a joiner is not."""
    return any(category(letter)[0] not in "CMZ" and letter not in BLANKS for letter in name)


def skeletons(name: str) -> frozenset[str]:
    """The confusable skeletons of a name, as written and in lower case; names that look alike share one."""
    plain = unicodedata.normalize("NFKC", name)
    seen = "".join(letter for letter in plain if category(letter) not in _INVISIBLE and letter not in BLANKS)
    return frozenset({_draw(seen), _draw(seen.casefold())})


def rough(skeleton: str) -> str:
    """A form that names with this skeleton share; others may have it too. Storage computes it of folded names."""
    for letter, drawn in ROUGHLY:
        skeleton = skeleton.replace(letter, drawn)
    return skeleton


ROUGHLY = ((" ", ""), ("0", "o"), ("1", "l"), ("|", "l"), ("i", "l"), ("rn", "m"), ("vv", "w"))
"""Replacements in this order that turn a folded ASCII name into its rough form."""


def _draw(text: str) -> str:
    drawn = text.translate(_TABLE).translate(_ASCII).casefold()
    return " ".join(drawn.split()).replace("rn", "m").replace("vv", "w")
