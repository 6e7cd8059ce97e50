"""Session ids that can be read aloud to a room: `adjective-noun-NNN-NNN`.

There are more than 2^32 of them, so a guessed id is hardly ever a session's. The handlers take
an id as it is: older ones, with one group of digits, stay valid.
"""

import secrets

ADJECTIVES = """
    able amber ample apt arctic bold brave bright brisk calm candid civic clear clever
    cosmic crisp daring deft eager early easy epic equal fair famous fancy fast fine fluent
    fond frank fresh gentle glad golden grand happy honest humble ideal jolly keen kind
    lively local loyal lucid lucky mellow merry mighty modern neat noble open patient plain
    polite prime proud quick quiet rapid ready regal rich robust royal serene sharp silver
    simple sincere smart smooth solar solid sonic steady stellar sunny swift tender tidy
    vivid warm wise witty young zesty
""".split()

NOUNS = """
    acorn anchor arch atlas aurora badge bamboo banjo beacon bison breeze bridge brook
    canyon cedar cello cliff cloud comet compass coral crane creek dawn delta dolphin dune
    eagle ember falcon fern field fjord forest fountain galaxy garden geyser glacier grove
    gull harbor harp hawk heron hill island ivy jaguar jetty kestrel lagoon lake lantern
    lark laurel lemon lily lotus lynx maple marble meadow mesa meteor mint mirror moon moss
    nebula oak oasis ocean olive orbit orchid otter owl panda pearl pebble pepper piano pine
    planet plaza prairie puffin quartz quill rain raven reef ridge river robin rocket rose
    saffron sage sail shore sky spruce star stone stream summit sun swan temple thistle tide
    tiger tower trail tulip tundra valley violin walnut wave willow wind wolf wren zephyr
""".split()


FIRST_NUMBER, NUMBERS = 100, 900
POSSIBLE_SESSION_IDS = len(ADJECTIVES) * len(NOUNS) * NUMBERS**2


def random_session_id() -> str:
    """A random id such as `calm-river-417-263`; whoever stores it must check that it is free."""
    words = f"{secrets.choice(ADJECTIVES)}-{secrets.choice(NOUNS)}"
    return f"{words}-{_random_number()}-{_random_number()}"


def _random_number() -> int:
    return FIRST_NUMBER + secrets.randbelow(NUMBERS)
