"""The command line: a thin shell over the library, one small file for each group of commands."""
