"""Who is who: class lists, ids, groups, extensions, and whose each hand-in is."""
