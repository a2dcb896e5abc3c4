"""Every kind of picture and video that people have, made when asked for, and what a browser shows of it."""
