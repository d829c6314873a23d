"""The shape of the tree: where things live, what may import what, and that nothing stands twice."""
