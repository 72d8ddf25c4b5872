"""The hypernetwork's head: latents to LoRA rows, with a graph or straight into slots."""
