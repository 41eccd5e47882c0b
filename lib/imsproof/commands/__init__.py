"""The commands of the command line, one module a group; :mod:`imsproof.cli` puts them together."""
