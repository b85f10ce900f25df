"""What runs in Gradescope's container: one hand-in, one results.json. Packed by `authoring.packages.gradescope`."""
