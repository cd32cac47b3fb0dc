"""The scenarios, one file each: what is done to services and brokers, and what must hold nevertheless."""
