"""Scenario files: TOML → a scenario, or a line for each problem.

reading  the keys of the file, their forms and bounds
tables   a table that is asked for what it may say
places   which line of a TOML file says what
"""
