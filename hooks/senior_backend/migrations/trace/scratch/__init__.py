"""Where migrations run: a database of ours, on our server or a given one, made ready for them."""
