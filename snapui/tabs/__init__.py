"""One module a tab of the page."""
