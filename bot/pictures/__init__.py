"""Pictures for the chat: pure functions from data to PNG, drawn for a phone held upright.

Every picture is 780 pixels wide, twice the 390 points of a phone, so no letter is smaller than 22
pixels. Everything is drawn with floats: a picture shows figures, it is never a source of them.
"""
