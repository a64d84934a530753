"""Other words for what captions name: only ever taught, beside captions, never asked in an exam.

No word here that says what is shown occurs in `assets/storybook/wording.tsv`, so that those prompts
measure what a model makes of words it has not met.
"""

SUBJECTS = {
    "dog": ("labrador", "beagle", "spaniel", "retriever", "bulldog", "collie",
            "four-legged companion", "man's best friend"),
    "horse": ("mustang", "thoroughbred", "filly", "racehorse", "bronco", "equine", "stud"),
    "penguin": ("emperor penguin", "king penguin", "gentoo", "polar fowl in a dinner jacket",
                "waddling fowl", "adelie"),
    "butterfly": ("swallowtail", "red admiral", "moth with bright wings", "papillon",
                  "peacock butterfly", "creature with patterned wings"),
    "blue fish": ("herring", "trout", "bluish fish", "navy-blue fish", "ultramarine tetra",
                  "finned creature", "sardine"),
    "red car": ("red coupe", "vermilion roadster", "sports car", "red convertible", "ferrari",
                "reddish motorcar", "red limousine"),
    "rocket": ("space rocket", "rocketship", "space vessel", "moon rocket", "space probe",
               "booster with flames", "starship"),
    "ghost": ("ghoul", "wraith", "banshee", "ghostly being", "undead soul", "bedsheet ghost",
              "bogeyman"),
    "red heart": ("vermilion heart", "reddish heart", "cupid's heart", "emblem of romance",
                  "heart of passion", "sign of affection", "sweetheart"),
    "yellow star": ("five-pointed star", "yellowish star", "canary-yellow star", "pentagram",
                    "sheriff's badge", "five-pointed sign"),
    "snowman": ("snow man", "snow person", "snow sculpture", "person made of snow", "olaf",
                "abominable snowman"),
    "panda": ("giant panda", "panda cub", "kung fu panda", "furry asian animal with eye patches",
              "teddy panda"),
    "cat": ("kitty", "tabby", "tomcat", "feline", "pussycat", "moggy"),
    "zebra": ("striped savanna animal", "striped equine", "plains zebra", "striped grazer"),
    "bee": ("honeybee", "bumblebee", "pollinator", "wasp", "hornet"),
    "octopus": ("squid", "kraken", "cephalopod", "tentacled creature", "eight-armed mollusc"),
    "green frog": ("toad", "bullfrog", "tree frog", "amphibian", "froggy"),
    "steam train": ("locomotive", "steam engine", "railway engine", "choo-choo", "train"),
    "sailboat": ("yacht", "sailing ship", "dinghy", "schooner", "boat under sail"),
    "grinning yellow face": ("smiley", "happy face", "smiling emoji", "grinning emoticon"),
    "tiger": ("bengal tiger", "tigress", "orange striped predator", "siberian tiger"),
    "kangaroo": ("wallaby", "roo", "marsupial", "joey", "australian jumper"),
    "white dove": ("pigeon", "turtledove", "carrier pigeon", "pale pigeon"),
    "eagle": ("hawk", "falcon", "raptor", "condor"),
    "dolphin": ("porpoise", "bottlenose", "flipper", "sea mammal"),
    "red crab": ("crab", "crustacean", "shellfish with claws", "reddish crab"),
    "turtle": ("tortoise", "terrapin", "shelled reptile"),
    "fox": ("vixen", "foxy", "reynard", "bushy-tailed fox"),
    "lion": ("king of the beasts", "maned predator", "lioness", "simba"),
    "bunny": ("hare", "easter bunny", "long-eared pet", "leveret"),
    "chick": ("baby chicken", "hatchling", "fledgling", "newborn fowl"),
    "fire truck": ("fire engine", "firefighters' truck", "ladder truck", "fire brigade lorry"),
    "orange bus": ("coach", "omnibus", "school bus", "bus full of passengers"),
    "helicopter": ("chopper", "copter", "rotorcraft", "whirlybird"),
    "flying saucer": ("ufo", "alien ship", "alien disc", "visitor from mars"),
    "sun": ("sunshine", "daystar", "blazing sun", "source of daylight"),
    "raining cloud": ("rain cloud", "rainstorm", "stormy cloud", "thundercloud"),
    "tornado": ("twister", "cyclone", "whirlwind", "hurricane"),
    "fire": ("blaze", "bonfire", "campfire", "inferno"),
    "alarm clock": ("alarm", "timepiece", "wake-up clock", "ringing clock"),
}

PLACES = {
    "meadow": ("on the prairie", "amid wild flowers", "in the countryside", "on the green hills",
               "on farmland", "on the village green", "in clover", "on a paddock"),
    "road": ("on the street", "along the asphalt", "down the lane", "on a motorway",
             "on the tarmac", "on the freeway"),
    "sea": ("in the deep", "in the pacific", "on the ocean floor", "in the lagoon",
            "below the tide", "submerged in the atlantic", "in the blue deep"),
    "night sky": ("under the moon", "at midnight", "in the moonlight", "in the evening sky",
                  "during the night", "under a starry sky", "past bedtime"),
    "snow": ("in the arctic", "on a glacier", "through a blizzard", "in a polar country",
             "in the frost", "in december's cold", "in freezing weather"),
    "desert": ("in the sahara", "across the barren wasteland", "in an arid country",
               "among cacti", "in the hot gobi", "in a parched wilderness"),
    "beach": ("on the coast", "along the coastline", "on the riviera", "on the strand",
              "at the lido", "where tourists sunbathe"),
    "city": ("in the metropolis", "between high-rise buildings", "in manhattan",
             "in an urban scene", "amid office towers", "in the capital", "on the boulevards"),
    "forest": ("in the jungle", "amid the pines", "in the grove", "in a thicket",
               "under the oaks", "between birches"),
    "space": ("in the cosmos", "in the universe", "amid the planets", "across the milky way",
              "in orbit", "in the void between worlds", "past nebulas"),
}

COLOURS = {
    "white": ("ivory", "whitish", "chalk-white", "pale"),
    "black": ("ebony", "coal-black", "onyx", "blackish"),
    "red": ("vermilion", "reddish", "blood-red", "tomato-red"),
    "green": ("jade", "leaf-green", "greenish", "lime"),
    "blue": ("navy-blue", "ultramarine", "bluish", "royal-blue"),
    "yellow": ("canary-yellow", "mustard", "yellowish", "blond"),
    "purple": ("lilac", "mauve", "lavender", "plum"),
    "pink": ("salmon", "fuchsia", "pinkish", "blush"),
}
GROUNDS = ("on a {} canvas", "on a {} wall", "in front of a {} screen", "on {} paper",
           "against a {} sheet", "on a {} background")

# Ways follow a verb; changes are a whole motion.
WAYS = {
    "left": ("to the left-hand side", "from right to left", "towards the left edge",
             "off to the left", "leftbound", "in a westerly direction", "to the far left",
             "towards the western horizon", "to the western side", "towards the sunset"),
    "right": ("to the right-hand side", "from left to right", "towards the right edge",
              "off to the right", "rightbound", "in an easterly direction", "to the far right",
              "towards the eastern horizon", "to the eastern side", "towards the sunrise"),
    "up": ("higher and higher", "up and away", "heavenwards", "into the heights",
           "up towards the ceiling"),
    "down": ("lower and lower", "earthwards", "down to the floor", "into the depths",
             "down below"),
}
LIFTS = {
    "up": ("lifting off", "taking off", "elevating", "levitating", "gaining height"),
    "down": ("descending", "falling", "dropping", "losing height", "coming down"),
}
CHANGES = {
    "bouncing": ("bobbing up and down", "bounding", "jumping in place", "springing up and down",
                 "bouncing like a ball", "jolting up and down"),
    "growing": ("expanding", "enlarging", "inflating", "increasing in size", "growing huge",
                "coming closer"),
    "shrinking": ("diminishing", "receding", "contracting", "decreasing in size",
                  "deflating", "getting further off"),
    "spinning": ("whirling", "pirouetting", "revolving", "turning in circles",
                 "spinning round and round"),
}
VERBS = ("moving", "headed", "proceeding", "advancing", "passing", "on its way", "hurrying",
         "making its way", "journeying")
STILL = ("", "", "staying put", "resting", "lingering", "waiting")
ADJECTIVES = ("cute", "happy", "lovely", "jolly", "cartoon", "sweet", "charming", "funny",
              "cheerful", "smart", "famous")
