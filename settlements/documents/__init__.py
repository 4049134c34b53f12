"""The papers of a settlement: the same statement for a phone, for A5, six to a sheet of A4, and for a roll of 80 mm.

They are made of `Statement` alone, in the farmer's language, and compute nothing: every figure is given. `made` fills
it from the book, `files` hands the papers out.
"""
