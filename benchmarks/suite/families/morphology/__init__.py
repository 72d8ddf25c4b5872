"""A verb, noun or adjective, inflected or put into a frame; needs lemminflect and inflect."""
