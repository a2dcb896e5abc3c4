"""Commands that have a file each; `backend.__main__` registers them."""
