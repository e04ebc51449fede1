"""Compare: variants of a scenario side by side, with the same traffic, on one time axis.

`Comparing` runs them and makes one `Picture` a frame; `screens/compare.py` shows it by the panels here and
by those of the main screen, one view for each variant.
"""
