"""What keeps gradb out of the script's way: its signal handlers, modes, patches, warnings and Dynamo see none of us.

It must not know what is recorded, nor a tape.
"""
