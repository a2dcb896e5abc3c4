"""Points, any number of one label in a frame: cells to count, plants to find. A thin adapter over detection."""
