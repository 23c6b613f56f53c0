"""The embedded servers: each module finds the program, prepares its folder and says how it is run."""
