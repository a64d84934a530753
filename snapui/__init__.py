"""The page an artist works on: layout, wording and the job journal; never imports torch."""
