"""Side-by-side timings: each prints one table and writes the same figures as JSON."""
