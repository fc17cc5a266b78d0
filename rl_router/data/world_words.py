"""The vocabulary of the embedded world: a few hundred short words, so that a very small policy can read them all."""

# ruff: noqa: SIM905  (a list of words reads better than a list of literals)

ADJECTIVES = tuple(
    "silver golden silent broken hidden frozen burning crimson distant gentle hollow ivory lonely midnight narrow "
    "paper quiet restless scarlet secret shadow winter wooden yellow".split()
)
NOUNS = tuple(
    "river forest garden mirror bridge castle harbor island lantern mountain ocean palace orchard prison road season "
    "shore song storm throne tower valley window wolf".split()
)
FIRST_NAMES = tuple(
    "mara lena tomas ivan nadia oscar petra quentin rosa stefan tara ulric vera walter xenia yusuf zelda amos bella "
    "cyrus daria elias fiona gideon hana igor julia karl lydia milo".split()
)
LAST_NAMES = tuple(
    "stone fox marsh vale brook hart crane dale ember frost grove hale irons jarvis knox lowe moss nash oakley pike "
    "quill rowe sharp thorne upton voss webb yates zane birch".split()
)
CITIES = tuple(
    "lisbon oslo vienna prague dublin madrid athens warsaw naples geneva bruges porto seville turin malmo bergen ghent "
    "basel leeds cork".split()
)
THINGS = tuple(
    "apple basket candle dragon engine feather guitar hammer insect jacket kettle ladder magnet needle orange pencil "
    "rabbit saddle turtle violin anchor barrel button camel carpet chair cherry circle copper cotton dollar drawer "
    "eagle falcon finger flower fossil goblet grape hunter jungle kitten lemon lizard marble meadow melon monkey "
    "muffin napkin oyster parrot pebble pepper piano pillow planet pocket potato powder puzzle ribbon robin rocket "
    "sailor salmon shovel spider sponge statue sugar temple thread ticket tiger timber tomato trumpet tunnel velvet "
    "walnut whistle zebra acorn blanket bottle bucket cactus canyon cellar comet compass coral dolphin".split()
)
LETTERS = tuple("bcdefghijklmnopqrstuvwxyz")
"""Without "a": exact match drops articles, and would take "a b c" and "b c a" for the same list."""

# (large unit, small unit, how many small ones make a large one)
UNITS = (
    ("km", "m", 1000),
    ("m", "cm", 100),
    ("hours", "minutes", 60),
    ("minutes", "seconds", 60),
    ("kg", "g", 1000),
    ("days", "hours", 24),
    ("weeks", "days", 7),
    ("feet", "inches", 12),
)

BOOK_RELATIONS = ("author", "editor")
PERSON_RELATIONS = ("mother", "spouse", "rival")
BIRTHPLACE = "birthplace"
