"""The language model around the loop: what it may say, what strangers try, what it cannot move."""
