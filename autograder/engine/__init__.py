"""A whole class: starts the judge and the zygote, fills the slots, writes the record as each submission ends."""
