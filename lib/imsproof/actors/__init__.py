"""What the tester plays: UE, NF consumer, outsider, flooder, and the hook that reaches a node on a bench."""
