"""What is played besides the histories: an act is a function of a stage, and checks as it goes."""
