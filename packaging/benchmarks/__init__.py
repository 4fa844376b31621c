"""What the product and its peers cost on the same data, on the same machine, in turns. Start: packaging/dev.py bench."""
