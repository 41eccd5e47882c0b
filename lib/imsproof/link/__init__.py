"""The only door to the network: scope guard, rate cap, stop switch, journal, tap and key log stand here, once."""
