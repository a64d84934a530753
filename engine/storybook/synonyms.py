"""Other words for what captions name: only ever taught, beside captions, never asked in an exam.

No word here that says what is shown occurs in `assets/storybook/wording.tsv`, so that those prompts
measure what a model makes of words it has not met. The more words there are for one thing, the
better those are read that are not here: so every list is long.
"""


def _listed(text: str) -> tuple[str, ...]:
    """Split a text at its commas; where its lines break does not matter."""
    return tuple(" ".join(part.split()) for part in text.split(","))


SUBJECTS = {name: _listed(words) for name, words in {
    "dog": """labrador, beagle, spaniel, retriever, bulldog, collie, poodle, dachshund, husky,
        corgi, dalmatian, german shepherd, greyhound, sheepdog, pug, chihuahua, watchdog,
        lapdog, guard dog, stray dog, rottweiler, great dane, whelp, barking pet, tail-wagging
        friend, four-legged companion, man's best friend, furry pal that barks""",
    "horse": """mustang, thoroughbred, filly, racehorse, bronco, equine, stud, gelding,
        palomino, appaloosa, clydesdale, shire horse, draft horse, workhorse, riding horse,
        saddle horse, wild horse, brumby, pinto, nag, arabian horse, hoofed galloper, hoofed
        animal with a mane, charger, show jumper""",
    "penguin": """emperor penguin, king penguin, gentoo, adelie, rockhopper, macaroni penguin,
        chinstrap penguin, penguin parent, pingu, waddling fowl, polar fowl, waddler in a
        tailcoat, polar fowl in a dinner jacket, fowl from the south pole, fowl that cannot fly,
        waddling diver""",
    "butterfly": """swallowtail, red admiral, papillon, blue morpho, tortoiseshell butterfly,
        peacock butterfly, cabbage butterfly, moth, hawk moth, silk moth, moth with bright
        wings, creature with patterned wings, flapping bug, bug with patterned wings,
        fritillary, birdwing, brimstone, former caterpillar, flower visitor with big wings""",
    "blue fish": """herring, trout, tuna, cod, mackerel, salmon, anchovy, sea bass, carp, perch,
        koi, blue tang, betta, bluish fish, navy-blue fish, indigo fish, ultramarine tetra, blue
        goldfish, blue reef fish, aquarium fish, tropical fish, finned creature, sardine, scaly
        creature with fins, gilled creature""",
    "red car": """red coupe, vermilion roadster, sports car, red convertible, ferrari, porsche,
        reddish motorcar, red limousine, red station wagon, carmine cabriolet, red beetle, red
        motor, burgundy saloon, lamborghini, maroon car, red race car, red family car, red hot
        rod, red four-wheeler, motorcar in red, red ride, brick-red car, red jalopy""",
    "rocket": """space rocket, rocketship, space vessel, moon rocket, space probe, starship,
        booster with flames, space launcher, apollo rocket, soyuz, lunar lander, mars rocket,
        interplanetary ship, astronauts' ship, cosmonauts' vessel, space capsule, jet-propelled
        ship, projectile with a flame tail, firework rocket, skyrocket, cosmic ship, flying
        boosters""",
    "ghost": """ghoul, wraith, banshee, ghostly being, undead soul, bedsheet ghost, bogeyman,
        wispy soul, casper, revenant, ectoplasm, ghostie, shade of the dead, soul of the dead,
        sheeted thing that says boo, halloween ghost, translucent being, eerie wisp, see-through
        being, supernatural being""",
    "red heart": """vermilion heart, reddish heart, cupid's heart, emblem of romance, heart of
        passion, sign of affection, sweetheart, carmine heart, heart emoji, heart icon, romantic
        heart, lovers' heart, heart sticker, heart balloon, playing-card heart, heart in red,
        beating organ, ticker, big red heart, heart of a sweetheart, romance emblem, brick-red
        heart, affection""",
    "yellow star": """five-pointed star, yellowish star, canary-yellow star, pentagram,
        sheriff's badge, five-pointed sign, star emoji, star sticker, gilded star, bright star,
        shining star, sparkling star, christmas star, brass star, star-like badge, glittering
        star, saffron star, honey-coloured star, wishing star, mustard star, five-cornered star,
        gilded badge, saffron pentagram, sparkler with five points""",
    "snowman": """snow man, snow person, snow sculpture, person made of snow, olaf, abominable
        snowman, snow guy, snowy chap, snow buddy, snow statue, chap made of snow, cold chap
        with twig arms, snow doll, guy with a coal smile, icy gentleman, packed-snow person,
        top-hatted snow guy, chilly gentleman, stacked balls of snow, snow sculpture with a
        scarf""",
    "panda": """giant panda, panda cub, kung fu panda, teddy panda, zoo panda, asian panda,
        roly-poly panda, panda mother, wwf animal, furry asian animal with eye patches, fluffy
        asian giant, sichuan's furry giant, monochrome furball, furry plant muncher, cub with
        eye patches, ailuropoda, teddy with eye patches, two-coloured teddy""",
    "cat": """kitty, tabby, tomcat, feline, pussycat, moggy, kitten, siamese, persian cat, puss,
        mouser, house cat, meowing pet, purring pet, maine coon""",
    "zebra": """striped savanna animal, striped equine, plains zebra, striped grazer, grevy's
        zebra, african equine with stripes, striped animal, zebra mother, stripy equine""",
    "bee": """honeybee, bumblebee, pollinator, wasp, hornet, buzzing bug, honey maker, worker
        bee, queen bee, stinging bug, nectar collector, hive dweller""",
    "octopus": """squid, kraken, cephalopod, tentacled creature, eight-armed mollusc,
        cuttlefish, creature with tentacles, eight-limbed sea creature, inky sea creature, pulpo""",
    "green frog": """toad, bullfrog, tree frog, amphibian, froggy, croaking creature, green
        croaker, former tadpole, kermit, pond dweller""",
    "steam train": """locomotive, steam engine, railway engine, choo-choo, train, thomas the
        tank engine, iron horse on rails, puffing train, rail engine, puffer train, vintage
        railway""",
    "sailboat": """yacht, sailing ship, dinghy, schooner, boat under sail, sloop, catamaran,
        ketch, boat with sails, regatta boat, galleon, wind-driven boat""",
    "grinning yellow face": """smiley, happy face, smiling emoji, grinning emoticon, smiley
        face, beaming face, laughing emoji, joyful emoji, yellow smile, grin""",
    "tiger": """bengal tiger, tigress, orange striped predator, siberian tiger, tiger cub, big
        striped cat, striped hunter, shere khan, sumatran tiger, tigger""",
    "kangaroo": """wallaby, roo, marsupial, joey, australian jumper, skippy, pouched animal,
        wallaroo, australian with a pouch, pouched jumper""",
    "white dove": """pigeon, turtledove, carrier pigeon, pale pigeon, white pigeon, peace dove,
        sign of peace, cooing fowl, homing pigeon, white-feathered flyer""",
    "eagle": """hawk, falcon, raptor, condor, bald eagle, feathered predator, feathered hunter,
        buzzard, golden-headed raptor, vulture, osprey""",
    "dolphin": """porpoise, bottlenose, flipper, sea mammal, orca's cousin, marine mammal,
        bottlenose dolphin, playful sea mammal, cetacean""",
    "red crab": """crab, crustacean, shellfish with claws, reddish crab, king crab,
        claw-snapper, sideways walker, lobster, sebastian, creature with pincers""",
    "turtle": """tortoise, terrapin, shelled reptile, slow reptile, box turtle, reptile with a
        shell, shell bearer, galapagos giant, snapping turtle""",
    "fox": """vixen, foxy, reynard, bushy-tailed fox, fox cub, red fox, orange bushy-tail,
        cunning hunter with a bushy tail, swift fox, fennec""",
    "lion": """king of the beasts, maned predator, lioness, simba, maned cat, big cat with a
        mane, roaring cat, mufasa, pride leader, lion cub""",
    "bunny": """hare, easter bunny, long-eared pet, leveret, rabbit, bunny rabbit, cottontail,
        thumper, muncher with long ears, hutch dweller""",
    "chick": """baby chicken, hatchling, fledgling, newborn fowl, chicken baby, newly hatched
        fowl, peeping baby fowl, poultry baby, downy hatchling""",
    "fire truck": """fire engine, firefighters' truck, ladder truck, fire brigade lorry, fire
        lorry, firemen's engine, rescue truck with a ladder, truck of the fire department""",
    "orange bus": """coach, omnibus, school bus, bus full of passengers, double-decker, public
        transport, minibus, charabanc, commuter bus, trolleybus""",
    "helicopter": """chopper, copter, rotorcraft, whirlybird, rescue helicopter, aircraft with a
        rotor, heli, gyrocopter, apache""",
    "flying saucer": """ufo, alien ship, alien disc, visitor from mars, extraterrestrial craft,
        martian disc, unidentified flying object, alien craft, flying disc""",
    "sun": """sunshine, daystar, blazing sun, source of daylight, solar disc, star of our day,
        helios, burning ball in the sky, daylight's source""",
    "raining cloud": """rain cloud, rainstorm, stormy cloud, thundercloud, shower, downpour,
        drizzle, cumulonimbus, cloudburst, wet weather""",
    "tornado": """twister, cyclone, whirlwind, hurricane, typhoon, windstorm, storm funnel,
        funnel cloud, dust devil, vortex""",
    "fire": """blaze, bonfire, campfire, inferno, flame, flames, burning logs, wildfire,
        conflagration, flickering flames, something burning""",
    "alarm clock": """alarm, timepiece, wake-up clock, ringing clock, clock, bedside clock,
        clock with bells, chronometer, morning waker, ticking clock""",
}.items()}

PLACES = {name: _listed(words) for name, words in {
    "meadow": """on the prairie, amid wild flowers, in the countryside, on the green hills, on
        farmland, on the village green, in clover, on a paddock, on the heath, among buttercups,
        on a hillside, in the park, in a garden, on the moor, in the valley, on green turf, on
        the farm, on grazing land, on the steppe, on the savanna, amid daisies, on the plains,
        in open country, on rural land, on the golf course, over green hills, across the
        prairie, over the farm, by the barn""",
    "road": """on the street, along the asphalt, down the lane, on a motorway, on the tarmac, on
        the freeway, on the pavement, along the avenue, on the turnpike, on a country lane, at
        the crossroads, along the driveway, on route 66, on the expressway, on the autobahn, on
        a paved track, on a dual carriageway, on the racetrack, on the interstate, on blacktop,
        on the roadside, over the asphalt, over the motorway, onto the freeway""",
    "sea": """in the deep, in the pacific, on the ocean floor, in the lagoon, below the tide,
        submerged in the atlantic, in the blue deep, in the aquarium, among corals, by the reef,
        in the bay, in the mediterranean, in the depths, under the sea, in marine depths, in the
        gulf, in the briny, among seaweed, undersea, in the caribbean, on the seabed, in the
        fish tank, beneath the ocean, offshore, far at sea, on the open sea""",
    "night sky": """under the moon, at midnight, in the moonlight, in the evening sky, during
        the night, under a starry sky, past bedtime, at nighttime, under the stars, late at
        night, at dusk, after sunset, after nightfall, under the constellations, by moonlight,
        in the starlight, below the crescent moon, at twilight, when the moon shines, in the
        gloom of night, on a moonlit night, in the black of night""",
    "snow": """in the arctic, on a glacier, through a blizzard, in a polar country, in the
        frost, in december's cold, in freezing weather, in the tundra, on fresh powder, on the
        ski slope, in a snowdrift, in the snowfall, at the north pole, in siberia, in greenland,
        in a snowstorm, on a snowy hill, on white slopes, in january's cold, amid snowflakes, on
        permafrost, in the cold north, in lapland, at christmas, on a chilly day, in alaska,
        across the snowy flats""",
    "desert": """in the sahara, across the barren wasteland, in an arid country, among cacti, in
        the hot gobi, in a parched wilderness, in arabia, in the mojave, in dry lands, in arid
        wastes, in the outback, in death valley, in the kalahari, by the pyramids, at the oasis,
        among camels, in egypt, under the scorching sun, on parched earth, in the badlands, in
        arizona, in the dust bowl, over the sahara, on hot barren ground""",
    "beach": """on the coast, along the coastline, on the riviera, on the strand, at the lido,
        where tourists sunbathe, at a holiday resort, on the sandbar, in malibu, on the
        copacabana, where the tide comes in, on the holiday coast, by the parasols, among
        sandcastles, under the palms, by the surf, at the cove, on the island coast, in waikiki,
        on the promenade, by the deckchairs, on the littoral, at the bathing place, over the
        coast""",
    "city": """in the metropolis, between high-rise buildings, in manhattan, in an urban scene,
        amid office towers, in the capital, on the boulevards, in new york, in tokyo, in paris,
        in london, on broadway, among tower blocks, in the big apple, in the business district,
        in the suburbs, in the inner city, among office blocks, in the megacity, past apartment
        blocks, in hong kong, among concrete towers, in the city centre, in the market square,
        over the buildings, in shanghai, in the urban centre, over the rooftops""",
    "forest": """in the jungle, amid the pines, in the grove, in a thicket, under the oaks,
        between birches, in the rainforest, among the firs, under the canopy, in the bush, in
        the timberland, among ferns, in sherwood, in the taiga, in the undergrowth, in the
        coppice, among the redwoods, through the copse, between the trunks, in the backwoods,
        under leafy boughs, among the beeches, beneath the branches, in the wildwood, between
        mossy trunks""",
    "space": """in the cosmos, in the universe, amid the planets, across the milky way, in
        orbit, in the void between worlds, past nebulas, in the solar system, around saturn,
        near jupiter, among asteroids, among the stars, in zero gravity, past the moon, beyond
        the earth, in the great beyond, among comets, in the nebula, near mars, in the vacuum,
        in deep space, between constellations, among stars and planets, far from earth, in the
        interstellar void""",
}.items()}

COLOURS = {name: _listed(words) for name, words in {
    "white": """ivory, whitish, chalk-white, pale, cream, milk-white, off-white, pearl,
        eggshell, alabaster, bone-white, porcelain, linen""",
    "black": """ebony, coal-black, onyx, blackish, charcoal, soot-black, inky, raven,
        pitch-black, obsidian, sable, midnight-black""",
    "red": """vermilion, reddish, blood-red, tomato-red, brick-red, carmine, rust-red, burgundy,
        poppy-red, wine-red, strawberry, rouge, maroon, ketchup, cardinal-red, garnet""",
    "green": """jade, leaf-green, greenish, lime, olive, mint, moss-green, pea-green,
        apple-green, viridian, avocado, sage, fern-green, bottle-green, chartreuse, malachite""",
    "blue": """navy-blue, ultramarine, bluish, royal-blue, indigo, sky-blue, cyan, turquoise,
        cerulean, denim, baby-blue, electric-blue, teal, cornflower, aquamarine, lapis""",
    "yellow": """canary-yellow, mustard, yellowish, blond, custard, banana, sunflower, butter,
        straw, saffron, daffodil, primrose, honey, citrus, topaz, corn""",
    "purple": """lilac, mauve, lavender, plum, amethyst, aubergine, grape, mulberry, eggplant,
        wisteria, royal-purple, heather""",
    "pink": """salmon, fuchsia, pinkish, blush, bubblegum, hot-pink, candy-floss, peach,
        pastel-pink, carnation, flamingo-pink, rose-quartz""",
}.items()}
GROUNDS = ("on a {} canvas", "on a {} wall", "in front of a {} screen", "on {} paper",
           "against a {} sheet", "on a {} background", "against {}", "in front of {}",
           "before a {} curtain", "on a solid {} ground", "on a {} backcloth", "on a {} page",
           "with {} all around", "with {} behind it", "over {}")

# Ways follow a verb; changes are a whole motion.
WAYS = {way: _listed(words) for way, words in {
    "left": """to the left-hand side, from right to left, towards the left edge, off to the
        left, leftbound, in a westerly direction, to the far left, towards the western horizon,
        to the western side, towards the sunset, to its left, over to the left, leaving the
        picture on the left, into the left corner, from the right side to the left side, to
        port, left across the screen, to the western edge, for western lands, from the eastern
        side to the western side, in a western direction, to the left of the picture, further
        left""",
    "right": """to the right-hand side, from left to right, towards the right edge, off to the
        right, rightbound, in an easterly direction, to the far right, towards the eastern
        horizon, to the eastern side, towards the sunrise, to its right, over to the right,
        leaving the picture on the right, into the right corner, from the left side to the right
        side, to starboard, right across the screen, to the eastern edge, for eastern lands,
        from the western side to the eastern side, in an eastern direction, to the right of the
        picture, further right""",
    "up": """higher and higher, up and away, heavenwards, into the heights, up towards the
        ceiling, to the top, to the top of the picture, from bottom to top, up into the air,
        aloft, vertically up, to the upper edge, up and up, into the air""",
    "down": """lower and lower, earthwards, down to the floor, into the depths, down below, to
        the bottom, to the bottom of the picture, from top to bottom, to the ground, down low,
        vertically down, to the lower edge, down and down, onto the ground, back to earth""",
}.items()}
LIFTS = {way: _listed(words) for way, words in {
    "up": """lifting off, taking off, elevating, levitating, gaining height, floating up,
        mounting, shooting up, gaining altitude, surging up, being lifted, flying up, popping
        up, carried up by the wind, on its way up""",
    "down": """descending, falling, dropping, losing height, coming down, falling down, floating
        down, settling, losing altitude, crashing, nosediving, lowering, being lowered,
        slumping, on its way down, falling like a stone, landing""",
}.items()}
CHANGES = {change: _listed(words) for change, words in {
    "bouncing": """bobbing up and down, bounding, jumping in place, springing up and down,
        bouncing like a ball, jolting up and down, jumping for joy, pogoing, dancing up and
        down, bobbing, on a trampoline, trampolining, rebounding, jiggling up and down, jumping
        like a spring, jumping again and again, jumping""",
    "growing": """expanding, enlarging, inflating, increasing in size, growing huge, coming
        closer, ballooning, widening, magnifying, scaling up, blowing up like a balloon, turning
        enormous, puffing up, increasing, broadening, filling up the frame, approaching the
        camera, gaining size, gigantic in the end, expanding in size, that expands, that gains
        size, that inflates""",
    "shrinking": """diminishing, receding, contracting, decreasing in size, deflating, getting
        further off, waning, getting little, turning minute, scaling down, miniaturising,
        compressing, fading into the distance, shrivelling, reducing in size, losing size,
        withering, that diminishes, that loses size, that deflates, minute in the end, fading""",
    "spinning": """whirling, pirouetting, revolving, turning in circles, spinning round and
        round, gyrating, wheeling, swivelling, cartwheeling, like a spinning top, circling
        around itself, on a turntable, making pirouettes, turning round and round, twisting,
        doing spins""",
}.items()}
VERBS = _listed("""moving, headed, proceeding, advancing, passing, on its way, hurrying, making
    its way, journeying, walking, running, dashing, creeping, sprinting, rushing, flying,
    floating, striding, pacing, shifting, stepping, coming, migrating, wending its way,
    scurrying, coasting, scooting, hastening, pushing, escaping, fleeing, patrolling, returning,
    in motion, turned, pointed, destined, that moves, that walks, that runs, that hurries, which
    proceeds, runs, moves, hurries, flies, walks, hastens, drifts off, makes its way, sets off""")
STILL = ("", "", "", "", *_listed("""staying put, resting, lingering, waiting, standing,
    sitting, standing still, relaxing, doing nothing, by itself, all alone, at ease, posing,
    looking around, at home, breathing, waving, stretching, dancing, having fun, at rest, in the
    same place, playing, performing, that stays"""))
ADJECTIVES = _listed("""cute, happy, lovely, jolly, cartoon, sweet, charming, funny, cheerful,
    smart, famous, young, elderly, lone, brave, sleepy, noble, beautiful, pretty, adorable,
    strange, plump, hand-drawn, animated, mysterious, curious, proud, lonely, silly, wonderful,
    simple, odd, magical, lively""")
# What people put before what they want.
OPENINGS = ("", "", "", "", "", "", "a clip of ", "a video of ", "an animation of ", "show me ",
            "please draw ", "look, ", "a picture of ", "here comes ", "there is ", "imagine ")
