"""Every advisory lock of the project: any numbers, the same everywhere, no two alike."""

from enum import IntEnum, unique


@unique
class Lock(IntEnum):
    """Who holds one is alone with what it is named after."""

    MIGRATION = 7_205_114_301
    COURIER = 7_205_114_302
    SEEDING = 7_205_114_303
    #: New snapshot parts; always taken before ``HISTORY``.
    PARTS = 7_205_114_305
    #: Who fetches updates and answers them.
    CHAT = 7_205_114_307
    #: Taken by the database's own function ``append_decisions``.
    HISTORY = 7_205_114_306
    #: Who may do what: taken by every transaction that changes people.
    PEOPLE = 7_205_114_313
    #: Who changes what is done with queued signals: claims must see each other's.
    SIGNALS = 7_205_114_318
    #: Who adds what a feed says: it is compared with what is stored.
    FEEDS = 7_205_114_319
    #: Who adds or removes endpoints of webhooks.
    WEBHOOKS = 7_205_114_324
    #: Who judges what was stored: two at once would make each other's pictures old.
    JUDGING = 7_205_114_320
    #: Who changes the connection to a provider, also while there is none.
    PROVIDER = 7_205_114_325
    #: Who counts guesses at connect codes.
    TERMINAL_GUESSES = 7_205_114_326
