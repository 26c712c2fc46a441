"""Turns what storage and providers tell into Prefect events that wake flows; what is to be done, flows find out."""
