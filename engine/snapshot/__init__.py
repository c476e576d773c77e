"""The frozen picture a decision is made from: collecting, indicators, canonical bytes."""
