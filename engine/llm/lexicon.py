"""Words that stand for figures, units and symbols in the six languages a person may read.

Data only. Words are lower case; one that ends in ``*`` stands for all that begin so.
"""

from decimal import Decimal

#: Numbers written in words, from two: "one" is also an article or "somebody".
NUMBER_WORDS: dict[str, str] = {
    "2": "two twice double doubled dos doble duplo dois duas dobro zwei zweimal doppelt* два две"
    " двух двумя вдвое дважды اثنان اثنين اثنتان اثنتين ضعف ضعفي",
    "3": "three triple thrice tres três triplo drei dreimal dreifach* три трёх трех втрое ثلاثة"
    " ثلاث",
    "4": "four quadruple cuatro quatro vier четыре четырёх четырех أربعة أربع",
    "5": "five cinco fünf пять пяти خمسة خمس",
    "6": "six seis sechs шесть шести ستة ست",
    "7": "seven siete sete sieben семь семи سبعة سبع",
    "8": "eight ocho oito acht восемь восьми ثمانية ثماني",
    "9": "nine nueve nove neun девять девяти تسعة تسع",
    "10": "ten diez dez zehn zehnfach* десять десяти десятикратн* عشرة عشر",
    "11": "eleven once onze elf одиннадцать одиннадцати",
    "12": "twelve dozen doce doze docena dúzia zwölf dutzend двенадцать двенадцати дюжин*",
    "13": "thirteen trece treze dreizehn тринадцат*",
    "14": "fourteen catorce catorze quatorze vierzehn четырнадцат*",
    "15": "fifteen quince quinze fünfzehn пятнадцат*",
    "16": "sixteen dieciséis dezesseis sechzehn шестнадцат*",
    "17": "seventeen diecisiete dezessete siebzehn семнадцат*",
    "18": "eighteen dieciocho dezoito achtzehn восемнадцат*",
    "19": "nineteen diecinueve dezenove neunzehn девятнадцат*",
    "20": "twenty veinte vinte zwanzig двадцать двадцати عشرون عشرين",
    "30": "thirty treinta trinta dreißig dreissig тридцать тридцати ثلاثون ثلاثين",
    "40": "forty cuarenta quarenta vierzig сорок сорока أربعون أربعين",
    "50": "fifty cincuenta cinquenta fünfzig пятьдесят пятидесяти خمسون خمسين",
    "60": "sixty sesenta sessenta sechzig шестьдесят шестидесяти ستون ستين",
    "70": "seventy setenta siebzig семьдесят семидесяти سبعون سبعين",
    "80": "eighty ochenta oitenta achtzig восемьдесят восьмидесяти ثمانون ثمانين",
    "90": "ninety noventa neunzig девяносто تسعون تسعين",
    "100": "hundred hundreds hundredfold cien ciento* cientos cem cento centos hundert* сто ста"
    " сотн* مئة مائة",
    "200": "doscientos duzentos двести مئتان مئتين",
    "500": "quinientos quinhentos пятьсот",
    "1000": "thousand thousands mil miles tausend* тысяч* ألف آلاف ألفين",
    "1000000": "million millions millón millones milhão milhões millionen миллион* мильон* مليون"
    " ملايين",
    "1000000000": "billion billions milliarde* bilhão bilhões миллиард* مليار",
    "0.5": "half halved mitad metade hälfte halb половин* вполовину نصف",
}
#: Compounds that are not worth reading: nothing of ours writes them.
COMPOUND = (
    r"\w+und(?:zwanzig|dreißig|dreissig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig)"
    r"|veinti\w+|\w+(?:hundert|tausend)\w*"
)

MINUS = "minus negative menos negativo negativa negativ минус отрицательн* ناقص سالب سالبة"
PLUS = "plus más mais плюс زائد"
#: Words beside which a bare figure means a loss.
LOSS = (
    "loss losses lost lose losing down drawdown below fell drop dropped pérdida pérdidas perdió"
    " cayó bajó perda perdas perdeu caiu queda verlust* verlor gefallen minus убыт* потер* упал*"
    " снизил* просадк* خسارة خسائر خسر هبط انخفض"
)

#: A unit's name, and the words and signs for it.
UNITS: dict[str, str] = {
    "percent": "% ٪ percent percentage pct prozent porciento процент* بالمئة بالمائة المئة المائة",
    "pips": "pip pips пипс* пункт* نقطة نقاط pontos puntos",
    "lots": "lot lots lote lotes лот* лота لوت لوتات",
    "r": "r",
    "minutes": "min mins minute minutes minuto minutos minuten мин минут* دقيقة دقائق",
    "hours": "h hr hrs hour hours hora horas stunde stunden час* ساعة ساعات",
    "days": "d day days día días dia dias tag tage tagen день дня дней يوم أيام",
    "seconds": "s sec secs second seconds segundo segundos sekunde sekunden сек секунд* ثانية ثوان",
}
#: How many of the unit that figures are kept in.
SCALES: dict[str, tuple[str, Decimal]] = {
    "hours": ("minutes", Decimal(60)),
    "days": ("minutes", Decimal(1440)),
    "seconds": ("minutes", Decimal(1) / Decimal(60)),
}
#: What is written right behind a figure and makes it larger.
TIMES = {"k": 3, "к": 3, "m": 6, "mn": 6, "mm": 6, "bn": 9, "b": 9}

#: Money: signs and words, and the currencies they may mean.
MONEY: dict[str, str] = {
    "$": "USD AUD CAD NZD SGD HKD USDT",
    "us$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY CNH CNY",
    "₽": "RUB",
    "dollar": "USD AUD CAD NZD SGD HKD USDT",
    "dollars": "USD AUD CAD NZD SGD HKD USDT",
    "dólar": "USD AUD CAD NZD SGD HKD USDT",
    "dólares": "USD AUD CAD NZD SGD HKD USDT",
    "доллар*": "USD AUD CAD NZD SGD HKD USDT",
    "دولار": "USD AUD CAD NZD SGD HKD USDT",
    "euro": "EUR",
    "euros": "EUR",
    "евро": "EUR",
    "يورو": "EUR",
}
_CODES = (
    "USD EUR GBP JPY CHF AUD CAD NZD CNY CNH SEK NOK DKK PLN CZK HUF RUB TRY ZAR MXN BRL INR KRW"
    " SGD HKD THB ILS SAR AED XAU XAG XPT XPD BTC ETH USDT USDC BNB SOL XRP ADA DOGE LTC"
)
CURRENCIES = frozenset(_CODES.split())
#: What people call a market, and the codes it goes by.
MARKETS: dict[str, str] = {
    "gold": "XAU", "oro": "XAU", "ouro": "XAU", "золот*": "XAU", "الذهب": "XAU",
    "silver": "XAG", "plata": "XAG", "prata": "XAG", "silber": "XAG", "серебр*": "XAG",
    "الفضة": "XAG", "oil": "OIL", "crude": "OIL", "petróleo": "OIL", "erdöl": "OIL",
    "нефт*": "OIL", "النفط": "OIL", "bitcoin*": "BTC", "биткоин*": "BTC", "بيتكوين": "BTC",
    "ethereum": "ETH", "эфириум*": "ETH", "dogecoin": "DOGE", "solana": "SOL",
    "yen": "JPY", "иен*": "JPY", "الين": "JPY", "sterling": "GBP", "cable": "GBP",
    "franc": "CHF", "nasdaq": "NAS", "dow": "US30", "dax": "DAX", "tesla": "TSLA",
    "apple": "AAPL", "nvidia": "NVDA",
}  # fmt: skip
_CAPITALS = (
    "UTC GMT RSI EMA SMA ATR ADX MACD VWAP BB RR PL OK AI LLM API NOT AND THE FOMC CPI GDP PMI NFP"
    " ECB FED BOE BOJ RBA SNB PPI ISM USA EU UK CRV EUA YES NO MA TP SL HIGH LOW BAJA ALTA"
)
#: Capitals that name no market.
CAPITALS = frozenset(_CAPITALS.split())

#: The names of months, by number; "May" is looked for with its capital.
MONTHS: tuple[str, ...] = (
    "january jan enero ene janeiro januar январь января يناير",
    "february feb febrero fevereiro fev februar февраль февраля فبراير",
    "march marzo março märz март марта مارس",
    "april apr abril abr апрель апреля أبريل ابريل",
    "May mayo maio mai май мая مايو",
    "june jun junio junho juni июнь июня يونيو",
    "july jul julio julho juli июль июля يوليو",
    "august aug agosto август августа أغسطس اغسطس",
    "september sep sept septiembre setembro сентябрь сентября سبتمبر",
    "october oct octubre outubro oktober okt октябрь октября أكتوبر اكتوبر",
    "november nov noviembre novembro ноябрь ноября نوفمبر",
    "december dec diciembre dic dezembro dez dezember декабрь декабря ديسمبر",
)
