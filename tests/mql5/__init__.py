"""The Expert Advisor, built and run on Linux: lint, a rewrite to C++, a simulated terminal.

The file under test is the file that ships, byte for byte. MetaEditor itself is not available here, so a
first compile in it by a person stays a required step.
"""
